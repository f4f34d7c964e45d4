package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/deparse"
	"gompho/sql/partition"
	"gompho/types"
)

// loadRoute takes the rows of COPY FROM to the partitions of a table. All partitions together hold back at most a batch of rows.
type loadRoute struct {
	l      *loader // of the root
	top    *loadLevel
	leaves []*loadLeaf
}

// loadLevel is one partitioned table of the tree.
type loadLevel struct {
	rel    *catalog.Relation
	desc   *partition.Desc
	at     *rowLocator
	subs   []*loadLevel
	leaves []*loadLeaf
	places []rowPlace // of a default partition: its constraint, as a partition may have been added before it was locked
}

// loadLeaf is a partition with rows.
type loadLeaf struct {
	*loader
	from []int // for each column of the partition the root's, -1: none
	row  []types.Datum
}

func (l *loader) newRoute() (*loadRoute, error) {
	r := &loadRoute{l: l}
	var err error
	r.top, err = r.level(l.rel)
	return r, err
}

func (r *loadRoute) level(rel *catalog.Relation) (*loadLevel, error) {
	at, err := r.l.c.newRowLocator(rel, r.l.rel)
	d := rel.Partitions(r.l.c.S.Tx.Isolation().UsesOneSnapshot())
	return &loadLevel{rel: rel, desc: d, at: at, subs: make([]*loadLevel, len(d.Oids)), leaves: make([]*loadLeaf, len(d.Oids))}, err
}

// find returns the partition of a row in the layout of the root.
func (r *loadRoute) find(row []types.Datum) (*loadLeaf, error) {
	for v := r.top; ; {
		if err := r.l.checkPlaces(v.rel, v.places, row); err != nil {
			return nil, err
		}
		at, err := v.at.find(v.desc, row)
		if err != nil {
			return nil, err
		}
		if at < 0 {
			return nil, r.l.c.noPartition(v.rel, v.at.vals)
		}
		if v.subs[at] == nil && v.leaves[at] == nil {
			if err := r.open(v, at); err != nil {
				return nil, err
			}
		}
		if leaf := v.leaves[at]; leaf != nil {
			return leaf, nil
		}
		v = v.subs[at]
	}
}

func (r *loadRoute) open(v *loadLevel, at int) error {
	c := r.l.c
	rel, err := c.S.Cat.LockRelation(v.desc.Oids[at], catalog.RouteLock)
	if err != nil {
		return err
	}
	if rel == nil {
		return pgerr.Internal("could not open relation with OID %d", v.desc.Oids[at])
	}
	if rel.Kind == 'p' {
		if v.subs[at], err = r.level(rel); err == nil && at == v.desc.Bounds.Default {
			v.subs[at].places, err = c.rowPlaces(rel, r.l.rel)
		}
		return err
	}
	given := map[int16]bool{}
	for i := range rel.Desc.Attrs {
		given[int16(i+1)] = rel.Desc.Attrs[i].Generated == 0
	}
	leaf := &loadLeaf{row: make([]types.Datum, len(rel.Desc.Attrs))}
	if leaf.loader, err = c.newLoader(rel, given, false); err != nil {
		return err
	}
	leaf.as = r.l.rel
	leaf.context, leaf.opts.SkipFsm = r.l.context, c.S.Tx.MadeFile(rel.File)
	if at != v.desc.Bounds.Default {
		leaf.places = nil
	}
	for i := range rel.Desc.Attrs {
		leaf.from = append(leaf.from, int(r.l.rel.AttNum(rel.Desc.Attrs[i].Name))-1)
		leaf.row[i] = types.Null
	}
	v.leaves[at] = leaf
	r.leaves = append(r.leaves, leaf)
	return nil
}

// take checks a row that the root has completed and puts it into the batch of its partition.
func (r *loadRoute) take(row []types.Datum, line int) error {
	leaf, err := r.find(row)
	if err != nil {
		return err
	}
	for i, c := range leaf.from {
		if c >= 0 {
			leaf.row[i] = row[c]
		}
	}
	full, err := leaf.complete(leaf.row)
	if err != nil {
		return err
	}
	if err := leaf.check(full); err != nil {
		return err
	}
	return leaf.add(full, line)
}

func (r *loadRoute) flush() error {
	for _, leaf := range r.leaves {
		if err := leaf.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (r *loadRoute) close() {
	for _, leaf := range r.leaves {
		leaf.close()
	}
}

// noPartition is the error about a row without a partition.
func (c *Context) noPartition(rel *catalog.Relation, key []types.Datum) error {
	e := pgerr.New(pgerr.CheckViolation, "no partition of relation %q found for row", rel.Name)
	names, err := deparse.PartitionKey(c.S.Cat, c.typeEnv(), rel, true)
	if err != nil {
		return err
	}
	text := ""
	for i, v := range key {
		if i > 0 {
			text += ", "
		}
		if v.IsNull() {
			text += "null"
			continue
		}
		t, err := c.copyType(rel.PartKey.Types[i])
		if err != nil {
			return err
		}
		s := types.OutputString(c.typeEnv(), t, v)
		if len(s) > 64 {
			s = clipText(s, 64) + "..."
		}
		text += s
	}
	return c.tableError(e.WithDetail("Partition key of the failing row contains (%s) = (%s).", names, text), rel)
}

// rowPlace is one level of a partition's constraint.
type rowPlace struct {
	at    *rowLocator
	desc  *partition.Desc
	place int
}

// rowPlaces makes the checks of a partition's constraint over rows in the layout of another table of the tree.
func (c *Context) rowPlaces(child, layout *catalog.Relation) ([]rowPlace, error) {
	var out []rowPlace
	for child.IsPartition && child.PartBound != nil {
		parent, err := c.S.Relation(child.Parent)
		if err != nil {
			return nil, err
		}
		p, err := c.rowPlace(parent, layout, child.Oid)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
		child = parent
	}
	return out, nil
}

func (c *Context) rowPlace(parent, rel *catalog.Relation, child ids.Oid) (rowPlace, error) {
	at, err := c.newRowLocator(parent, rel)
	p := rowPlace{at: at, desc: parent.Partitions(true), place: -1}
	for i, o := range p.desc.Oids {
		if o == child {
			p.place = i
		}
	}
	return p, err
}

// checkPlace refuses a row that the partition's constraint excludes.
func (l *loader) checkPlace(row []types.Datum) error { return l.checkPlaces(l.rel, l.places, row) }

// checkPlaces refuses a row of l's layout that the constraint of the partition rel excludes.
func (l *loader) checkPlaces(rel *catalog.Relation, places []rowPlace, row []types.Datum) error {
	for i := range places {
		p := &places[i]
		at, err := p.at.find(p.desc, row)
		if err != nil {
			return err
		}
		if at != p.place {
			return pgerr.New(pgerr.CheckViolation, "new row for relation %q violates partition constraint", rel.Name).
				WithDetail("Failing row contains %s.", l.describe(row)).WithTable(l.c.schemaName(rel.Namespace), rel.Name)
		}
	}
	return nil
}
