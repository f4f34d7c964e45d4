package commands

import (
	"math/rand/v2"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/stats"
	"gompho/storage/vacuum"
	"gompho/types"
)

// analyzeTree makes the statistics of a table together with all that inherit from it: of a partitioned table the only ones. The sample
// comes from each of the tables by its share of the pages.
func (c *Context) analyzeTree(rel *catalog.Relation, names []string, verbose bool) error {
	list, _, err := c.S.Cat.AllInheritors(rel.Oid, locks.AccessShare)
	if err != nil {
		return err
	}
	if len(list) < 2 {
		return c.withoutChildren(rel)
	}
	cols, err := c.analyzeColumns(rel, names)
	if err != nil || c.would(Samples, rel.Oid) {
		return err
	}
	target := 300
	for _, k := range cols {
		target = max(target, 300*k.target)
	}
	if verbose {
		c.sendNotice(pgerr.New(pgerr.SuccessfulCompletion, "analyzing \"%s.%s\" inheritance tree", c.schemaName(rel.Namespace), rel.Name).WithSeverity(pgerr.Info))
	}
	s, err := c.sampleTree(rel, list, cols, target)
	if err != nil {
		return err
	}
	for i, k := range cols {
		if len(s.Rows) == 0 {
			break
		}
		values := make([]types.Datum, len(s.Rows))
		for n, r := range s.Rows {
			values[n] = r[i]
		}
		if err := c.analyzeColumnAs(rel, k, s, values, true); err != nil {
			return err
		}
	}
	if rel.Kind != 'p' {
		return nil
	}
	c.S.Stats.Analyzed(c.S.Slot.Counters(), statsID(rel), 0, 0, names == nil, c.Auto != nil)
	return c.setClassSize(rel.Oid, -1, float32(s.Live))
}

// withoutChildren clears the flag of a table that nothing inherits from any more.
func (c *Context) withoutChildren(rel *catalog.Relation) error {
	if rel.Kind == 'p' || !rel.HasSubclass {
		return nil
	}
	return c.S.Cat.SetHasSubclass(rel.Oid, false)
}

// readableChild reports whether a table of the tree can be sampled: it is not a temporary one of another session, and has, now that it is locked,
// the columns still.
func (c *Context) readableChild(r, top *catalog.Relation, cols []statColumn) (bool, error) {
	if temp, own, err := c.S.Cat.IsTempNamespace(r.Namespace); err != nil || temp && !own {
		return false, err
	}
	for _, k := range cols {
		at := r.AttNum(top.AttName(k.att))
		if at < 1 || r.Desc.Attrs[at-1].Type != top.Desc.Attrs[k.att-1].Type {
			return false, nil
		}
	}
	return true, nil
}

func (c *Context) sampleTree(rel *catalog.Relation, list []ids.Oid, cols []statColumn, target int) (*vacuum.Sampled, error) {
	type part struct {
		rel    *catalog.Relation
		blocks float64
	}
	var parts []part
	total := 0.0
	for _, oid := range list {
		r, err := c.S.Relation(oid)
		if err != nil {
			return nil, err
		}
		if r == nil || r.Heap == nil {
			continue
		}
		if mine, err := c.readableChild(r, rel, cols); err != nil {
			return nil, err
		} else if !mine {
			continue
		}
		n, err := r.Heap.Blocks()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{r, float64(n)})
		total += float64(n)
	}
	out := &vacuum.Sampled{}
	c.analyzeProgress(stats.AnalyzePhase, stats.AnalyzeSamplingInherited)
	c.analyzeProgress(stats.AnalyzeChildren, int64(len(parts)))
	for i, p := range parts {
		c.analyzeProgress(stats.AnalyzeChild, int64(p.rel.Oid))
		c.analyzeProgress(stats.AnalyzeChildrenDone, int64(i))
		if p.blocks == 0 {
			continue
		}
		from := make([]int, len(cols))
		for i, k := range cols {
			from[i] = int(p.rel.AttNum(rel.AttName(k.att))) - 1
		}
		want := int(float64(target)*p.blocks/total + 0.5)
		if want == 0 {
			continue
		}
		s, err := vacuum.Sample(c.S.Tx, p.rel.Heap, from, want, int64(rand.Uint64()>>1), c.vacuumDelay())
		if err != nil {
			return nil, err
		}
		out.Rows = append(out.Rows, s.Rows...)
		out.Live, out.Dead, out.Pages = out.Live+s.Live, out.Dead+s.Dead, out.Pages+s.Pages
	}
	c.analyzeProgress(stats.AnalyzeChildrenDone, int64(len(parts)))
	c.analyzeProgress(stats.AnalyzePhase, stats.AnalyzeComputing)
	return out, nil
}
