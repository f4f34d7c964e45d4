package commands

import (
	"math"
	"math/rand/v2"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/analyzer"
	"gompho/stats"
	"gompho/storage/vacuum"
	"gompho/types"
)

// analyzeRelation collects the statistics of a table's columns (names nil: of all).
func (c *Context) analyzeRelation(oid ids.Oid, names []string, verbose bool) error {
	rel, err := c.S.Cat.LockRelation(oid, locks.ShareUpdateExclusive)
	if rel == nil || err != nil {
		return err
	}
	c.S.Slot.StartProgress(stats.ProgressAnalyze, rel.Oid)
	defer c.S.Slot.EndProgress()
	if err := c.analyzeTable(rel, names, verbose); err != nil || rel.Kind != 'p' && !rel.HasSubclass {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	return c.analyzeTree(rel, names, verbose)
}

func (c *Context) analyzeTable(rel *catalog.Relation, names []string, verbose bool) error {
	if rel.Heap == nil || rel.Kind != 'r' && rel.Kind != 'm' || rel.Oid == catalog.PgStatisticOid {
		return nil
	}
	if err := c.holdIndexes(rel, locks.AccessShare); err != nil {
		return err
	}
	cols, err := c.analyzeColumns(rel, names)
	if err != nil || c.would(Samples, rel.Oid) {
		return err
	}
	target := 0
	heapCols := make([]int, len(cols))
	for i, k := range cols {
		target = max(target, 300*k.target)
		heapCols[i] = int(k.att) - 1
	}
	if target == 0 {
		target = 300
	}
	if verbose {
		c.sendNotice(pgerr.New(pgerr.SuccessfulCompletion, "analyzing \"%s.%s\"", c.schemaName(rel.Namespace), rel.Name).WithSeverity(pgerr.Info))
	}
	c.analyzeProgress(stats.AnalyzePhase, stats.AnalyzeSampling)
	s, err := vacuum.Sample(c.S.Tx, rel.Heap, heapCols, target, int64(rand.Uint64()>>1), c.vacuumDelay())
	if err != nil {
		return err
	}
	if verbose {
		c.sendNotice(pgerr.New(pgerr.SuccessfulCompletion, "%q: scanned %d of %d pages, containing %.0f live rows and %.0f dead rows; %d rows in sample, %.0f estimated total rows",
			rel.Name, s.Pages, s.Pages, s.Live, s.Dead, len(s.Rows), s.Live).WithSeverity(pgerr.Info))
	}
	c.analyzeProgress(stats.AnalyzePhase, stats.AnalyzeComputing)
	if len(s.Rows) > 0 {
		for i, k := range cols {
			values := make([]types.Datum, len(s.Rows))
			for n, r := range s.Rows {
				values[n] = r[i]
			}
			if err := c.analyzeColumn(rel, k, &s, values); err != nil {
				return err
			}
		}
	}
	parts := map[ids.Oid]float64{}
	if names == nil && len(s.Rows) > 0 {
		if err := c.analyzeIndexes(rel, cols, &s, parts); err != nil {
			return err
		}
	}
	c.analyzeProgress(stats.AnalyzePhase, stats.AnalyzeFinal)
	c.S.Stats.Analyzed(c.S.Slot.Counters(), statsID(rel), int64(s.Live), int64(s.Dead), names == nil, c.Auto != nil)
	return c.analyzedSizes(rel, &s, parts)
}

// statColumn is a column to be analyzed, and how many entries its statistics have.
type statColumn struct {
	att    int16
	target int
}

func (c *Context) analyzeColumns(rel *catalog.Relation, names []string) ([]statColumn, error) {
	def := int(c.S.Settings.Get("default_statistics_target").Int())
	var out []statColumn
	add := func(att int16) error {
		row, err := c.S.Cat.Attribute(rel.Oid, att)
		if err != nil {
			return err
		}
		n := def
		if row != nil && row.Attstattarget >= 0 {
			n = int(row.Attstattarget)
		}
		if n > 0 {
			out = append(out, statColumn{att, n})
		}
		return nil
	}
	seen := map[string]bool{}
	for _, name := range names {
		att := rel.AttNum(name)
		if att <= 0 {
			return nil, pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, rel.Name)
		}
		if seen[name] {
			return nil, pgerr.New(pgerr.DuplicateColumn, "column %q of relation %q appears more than once", name, rel.Name)
		}
		seen[name] = true
		if err := add(att); err != nil {
			return nil, err
		}
	}
	if names != nil {
		return out, nil
	}
	for i := range rel.Desc.Attrs {
		if rel.Desc.Attrs[i].Dropped {
			continue
		}
		if err := add(int16(i + 1)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// analyzeColumn stores the statistics of one column of a table, or of an expression column of an index.
func (c *Context) analyzeColumn(rel *catalog.Relation, k statColumn, s *vacuum.Sampled, values []types.Datum) error {
	return c.analyzeColumnAs(rel, k, s, values, false)
}

// analyzeColumnAs is analyzeColumn for rows of the table alone, or with inherited of all that inherit from it, too.
func (c *Context) analyzeColumnAs(rel *catalog.Relation, k statColumn, s *vacuum.Sampled, values []types.Datum, inherited bool) error {
	a := &rel.Desc.Attrs[k.att-1]
	t, err := c.copyType(a.Type)
	if err != nil {
		return err
	}
	lt, eq, _, err := analyzer.SortOperators(c.analyzer(), a.Type)
	if err != nil {
		return err
	}
	in := columnSample{total: s.Live, target: k.target, width: int(a.Len), cmp: types.Comparer(t, a.Collation)}
	if in.cmp == nil || lt == 0 {
		in.cmp, lt = nil, 0
	}
	in.values = values
	st := in.compute()
	rows, err := catalog.FetchAll[catalog.PgStatistic](c.S.Cat, catalog.PgStatisticRelidAttInhIndex,
		catalog.OidKey(catalog.AttPgStatisticStarelid, rel.Oid), catalog.IntKey(catalog.AttPgStatisticStaattnum, int64(k.att)))
	if err != nil {
		return err
	}
	var row *catalog.PgStatistic
	for _, r := range rows {
		if r.Stainherit == inherited {
			row = r
		}
	}
	fresh := row == nil
	if fresh {
		row = &catalog.PgStatistic{Starelid: rel.Oid, Staattnum: k.att, Stainherit: inherited}
	}
	st.store(row, t, a.Collation, lt, eq)
	if fresh {
		return c.S.Cat.Insert(row)
	}
	return c.S.Cat.Update(row)
}

// store writes the statistics into a row of pg_statistic.
func (st *columnStats) store(row *catalog.PgStatistic, t *types.Type, coll, lt, eq ids.Oid) {
	row.Stanullfrac, row.Stawidth, row.Stadistinct = float32(st.nullFrac), int32(st.width), float32(st.distinct)
	kinds := [5]*int16{&row.Stakind1, &row.Stakind2, &row.Stakind3, &row.Stakind4, &row.Stakind5}
	ops := [5]*ids.Oid{&row.Staop1, &row.Staop2, &row.Staop3, &row.Staop4, &row.Staop5}
	colls := [5]*ids.Oid{&row.Stacoll1, &row.Stacoll2, &row.Stacoll3, &row.Stacoll4, &row.Stacoll5}
	nums := [5]*[]float32{&row.Stanumbers1, &row.Stanumbers2, &row.Stanumbers3, &row.Stanumbers4, &row.Stanumbers5}
	vals := [5]*types.Datum{&row.Stavalues1, &row.Stavalues2, &row.Stavalues3, &row.Stavalues4, &row.Stavalues5}
	for i := range kinds {
		*kinds[i], *ops[i], *colls[i], *nums[i], *vals[i] = 0, 0, 0, nil, types.Null
	}
	n := 0
	slot := func(kind int16, op ids.Oid, numbers []float32, values []types.Datum) {
		*kinds[n], *ops[n], *colls[n], *nums[n] = kind, op, coll, numbers
		if values != nil {
			elem := t.Underlying()
			*vals[n] = types.NewArray(elem.Oid, values).Encode(elem)
		}
		n++
	}
	const mcv, histogram, correlation = 1, 2, 3
	if len(st.mcv) > 0 {
		slot(mcv, eq, st.mcvFreqs, st.mcv)
	}
	if len(st.histogram) > 0 {
		slot(histogram, lt, nil, st.histogram)
	}
	if st.hasCorrelation {
		slot(correlation, lt, []float32{float32(st.correlation)}, nil)
	}
}

// analyzedSizes puts the sizes of a table and its indexes into pg_class.
// parts are the fractions of the rows that partial indexes hold, by index.
func (c *Context) analyzedSizes(rel *catalog.Relation, s *vacuum.Sampled, parts map[ids.Oid]float64) error {
	if err := c.setClassSize(rel.Oid, int32(s.Pages), float32(s.Live)); err != nil {
		return err
	}
	for _, ix := range rel.Indexes {
		n, err := c.S.Ops.Blocks(ix.File, ids.MainFork)
		if err != nil {
			return err
		}
		tuples := float32(s.Live)
		if part, ok := parts[ix.Oid]; ok {
			tuples = float32(math.Round(s.Live * part))
		} else if ix.PredText != nil && ix.Tuples >= 0 {
			tuples = ix.Tuples
		}
		if err := c.setClassSize(ix.Oid, int32(n), tuples); err != nil {
			return err
		}
	}
	return nil
}
