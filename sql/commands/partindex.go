package commands

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// checkPartitionedUnique refuses a unique index of a partitioned table whose key leaves out a column of the partition key: rows with equal
// keys could be in different partitions.
func (c *Context) checkPartitionedUnique(rel *catalog.Relation, n *catalog.NewIndex) error {
	if !n.Unique {
		return nil
	}
	word := "UNIQUE"
	if n.Primary {
		word = "PRIMARY KEY"
	}
	k := rel.PartKey
	for i, att := range k.Atts {
		if att == 0 {
			return pgerr.NotSupported("unsupported %s constraint with partition key definition", word).
				WithDetail("%s constraints cannot be used when partition keys include expressions.", word)
		}
		found := false
		for j, key := range n.Keys[:n.NKeyAtts] {
			if key != att {
				continue
			}
			same, err := c.sameEquality(k.OpFamilies[i], k.InTypes[i], k.Strategy == ast.PartitionStrategyHash, n.OpClasses[j])
			if err != nil {
				return err
			}
			found = found || same && k.Collations[i] == n.Collations[j]
		}
		if !found {
			return pgerr.NotSupported("unique constraint on partitioned table must include all partitioning columns").
				WithDetail("%s constraint on table %q lacks column %q which is part of the partition key.", word, rel.Name, rel.AttName(att))
		}
	}
	return nil
}

// sameEquality reports whether a partition key's operator class and an index's have the same equality operator.
func (c *Context) sameEquality(family, in ids.Oid, hash bool, class ids.Oid) (bool, error) {
	strategy := int16(3)
	if hash {
		strategy = 1
	}
	a, err := c.S.Cat.AmOp(family, in, in, strategy)
	if a == nil || err != nil {
		return false, err
	}
	oc, err := c.S.Cat.OpClass(class)
	if oc == nil || err != nil {
		return false, err
	}
	b, err := c.S.Cat.AmOp(oc.Opcfamily, oc.Opcintype, oc.Opcintype, 3)
	return b != nil && a.Amopopr == b.Amopopr, err
}

// indexPartitions gives each partition an index that belongs to the new index of a partitioned table: one that is there already and is
// the same, or a new one.
func (c *Context) indexPartitions(rel *catalog.Relation, oid ids.Oid) error {
	d := rel.Partitions(false)
	parent, err := c.indexRelation(rel.Oid, oid)
	if err != nil {
		return err
	}
	invalid := false
	for _, child := range d.Oids {
		r, err := c.S.Cat.LockRelation(child, locks.Share)
		if err != nil {
			return err
		}
		valid, err := c.indexPartition(rel, parent, r)
		if err != nil {
			return err
		}
		invalid = invalid || !valid
	}
	if !invalid {
		return nil
	}
	if err := c.S.Cat.SetIndexValid(oid, false); err != nil {
		return err
	}
	return c.step()
}

// indexRelation returns the descriptor of an index of a table as it is now.
func (c *Context) indexRelation(table, index ids.Oid) (*catalog.Index, error) {
	rel, err := c.S.Relation(table)
	if err != nil {
		return nil, err
	}
	ix := indexOf(rel, index)
	if ix == nil {
		return nil, pgerr.Internal("cache lookup failed for index %d", index)
	}
	return ix, nil
}

// indexPartition makes sure that a partition has an index that belongs to the index ix of its parent; valid tells whether it is valid.
func (c *Context) indexPartition(parent *catalog.Relation, ix *catalog.Index, child *catalog.Relation) (valid bool, err error) {
	if child.Kind == 'f' {
		if ix.Unique {
			return false, pgerr.New(pgerr.WrongObjectType, "cannot create unique index on partitioned table %q", parent.Name).
				WithDetail("Table %q contains partitions that are foreign tables.", parent.Name)
		}
		return true, nil
	}
	for _, have := range child.Indexes {
		if have.Parent != 0 {
			continue
		}
		same, err := c.sameIndex(parent, ix, child, have)
		if err != nil {
			return false, err
		}
		if !same || ix.Constraint != 0 && have.Constraint == 0 {
			continue
		}
		return have.Valid, c.attachIndex(ix, child, have)
	}
	oid, err := c.cloneIndex(parent, ix, child)
	if err != nil {
		return false, err
	}
	made, err := c.indexRelation(child.Oid, oid)
	return made != nil && made.Valid, err
}

// cloneIndex makes an index of a partition that belongs to its parent's.
func (c *Context) cloneIndex(parent *catalog.Relation, ix *catalog.Index, child *catalog.Relation) (ids.Oid, error) {
	if ix.Primary {
		if err := c.keyColumnsNotNull(child, columnNames(parent, ix.Keys[:ix.NKeyAtts])); err != nil {
			return 0, err
		}
		var err error
		if child, err = c.S.Relation(child.Oid); err != nil {
			return 0, err
		}
		if child.PrimaryKey != 0 {
			return 0, pgerr.New(pgerr.InvalidTableDefinition, "multiple primary keys for table %q are not allowed", child.Name)
		}
	}
	return c.copyIndexAs(parent, child, ix, ix.Oid)
}

func columnNames(rel *catalog.Relation, atts []int16) []string {
	var out []string
	for _, a := range atts {
		out = append(out, rel.AttName(a))
	}
	return out
}

// keyColumnsNotNull makes the columns of a primary key NOT NULL, looking at the rows that are there.
func (c *Context) keyColumnsNotNull(rel *catalog.Relation, names []string) error {
	st := &ast.AlterTableStmt{Objtype: ast.ObjectTable}
	for _, name := range names {
		if att := rel.AttNum(name); att > 0 && !rel.Desc.Attrs[att-1].NotNull {
			st.Cmds = append(st.Cmds, &ast.AlterTableCmd{Subtype: ast.ATSetNotNull, Name: name})
		}
	}
	if len(st.Cmds) == 0 {
		return nil
	}
	return c.alter(rel, st)
}

// attachIndex makes an index of a partition part of its parent's, with the constraint if there is one.
func (c *Context) attachIndex(ix *catalog.Index, child *catalog.Relation, have *catalog.Index) error {
	if err := c.S.Cat.SetIndexParent(have.Oid, child.Oid, ix.Oid); err != nil {
		return err
	}
	if ix.Constraint != 0 {
		if err := c.S.Cat.SetConstraintParent(have.Constraint, child.Oid, ix.Constraint); err != nil {
			return err
		}
	}
	return c.step()
}

// sameIndex reports whether an index of a partition is what one of its parent asks for.
func (c *Context) sameIndex(parent *catalog.Relation, ix *catalog.Index, child *catalog.Relation, have *catalog.Index) (bool, error) {
	if ix.Unique != have.Unique || ix.NullsNotDistinct != have.NullsNotDistinct || ix.Am != have.Am || ix.NKeyAtts != have.NKeyAtts ||
		len(ix.Keys) != len(have.Keys) {
		return false, nil
	}
	for i, k := range ix.Keys {
		if (k == 0) != (have.Keys[i] == 0) || k != 0 && child.AttNum(parent.AttName(k)) != have.Keys[i] {
			return false, nil
		}
		if i < ix.NKeyAtts && (ix.Collations[i] != have.Collations[i] || ix.OpFamilies[i] != have.OpFamilies[i]) {
			return false, nil
		}
	}
	exprs, err := ix.Exprs()
	if err != nil {
		return false, err
	}
	haveExprs, err := have.Exprs()
	if err != nil || len(exprs) != len(haveExprs) {
		return false, err
	}
	for i, e := range exprs {
		if !query.Equal(catalog.MapColumns(e, parent, child), haveExprs[i]) {
			return false, nil
		}
	}
	pred, err := ix.Pred()
	if err != nil {
		return false, err
	}
	havePred, err := have.Pred()
	if err != nil || (pred == nil) != (havePred == nil) {
		return false, err
	}
	return pred == nil || query.Equal(catalog.MapColumns(pred, parent, child), havePred), nil
}

// cloneIndexes gives a new partition the indexes that its parent has.
func (c *Context) cloneIndexes(parentOid, oid ids.Oid) error {
	parent, err := c.S.Relation(parentOid)
	if err != nil {
		return err
	}
	for _, ix := range parent.Indexes {
		child, err := c.S.Relation(oid)
		if err != nil {
			return err
		}
		if _, err := c.cloneIndex(parent, ix, child); err != nil {
			return err
		}
	}
	return nil
}

// matchIndexes gives a table that becomes a partition the indexes that its parent has, from those that it has where they fit.
func (c *Context) matchIndexes(parent *catalog.Relation, oid ids.Oid) error {
	for _, ix := range parent.Indexes {
		child, err := c.S.Relation(oid)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(child.Indexes, func(have *catalog.Index) bool {
			if have.Parent != 0 || !have.Valid || ix.Constraint != 0 && have.Constraint == 0 {
				return false
			}
			same, e := c.sameIndex(parent, ix, child, have)
			if e != nil {
				err = e
			}
			return same
		})
		if err != nil {
			return err
		}
		if at >= 0 {
			err = c.attachIndex(ix, child, child.Indexes[at])
		} else {
			_, err = c.cloneIndex(parent, ix, child)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// attachIndexPartition is ALTER INDEX ... ATTACH PARTITION.
func (c *Context) attachIndexPartition(index *catalog.Relation, rv *ast.RangeVar) error {
	check := func(oid ids.Oid) error {
		r, err := c.S.Cat.Relation(oid)
		if r == nil || err != nil {
			return err
		}
		if r.Kind != 'i' && r.Kind != 'I' {
			return pgerr.New(pgerr.InvalidObjectDefinition, "%q is not an index", r.Name)
		}
		_, err = c.S.Cat.LockRelation(r.Index.Table, locks.AccessShare)
		return err
	}
	part, err := c.S.Cat.OpenRelation(relName(rv), locks.AccessExclusive, catalog.LockOpts{Check: check})
	if err != nil {
		return err
	}
	parent, err := c.S.Relation(index.Index.Table)
	if err != nil {
		return err
	}
	table, err := c.S.Relation(part.Index.Table)
	if err != nil {
		return err
	}
	if part.Parent != index.Oid {
		if err := c.checkAttachIndex(parent, index, table, part); err != nil {
			return err
		}
		if err := c.attachIndex(indexOf(parent, index.Oid), table, indexOf(table, part.Oid)); err != nil {
			return err
		}
	}
	return c.validatePartitioned(index.Oid)
}

func (c *Context) checkAttachIndex(parent, index, table, part *catalog.Relation) error {
	cannot := func(format string, args ...any) error {
		return pgerr.New(pgerr.InvalidObjectDefinition, "cannot attach index %q as a partition of index %q", part.Name, index.Name).WithDetail(format, args...)
	}
	for _, other := range table.Indexes {
		if other.Parent == index.Oid {
			return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot attach index %q as a partition of index %q", part.Name, index.Name).
				WithDetail("Another index is already attached for partition %q.", table.Name)
		}
	}
	if part.IsPartition && part.Parent != 0 {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot attach index %q as a partition of index %q", part.Name, index.Name).
			WithDetail("Index %q is already attached to another index.", part.Name)
	}
	if !slices.Contains(parent.Partitions(true).Oids, table.Oid) {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot attach index %q as a partition of index %q", part.Name, index.Name).
			WithDetail("Index %q is not an index on any partition of table %q.", part.Name, parent.Name)
	}
	ix, have := indexOf(parent, index.Oid), indexOf(table, part.Oid)
	same, err := c.sameIndex(parent, ix, table, have)
	if err != nil {
		return err
	}
	if !same {
		return cannot("The index definitions do not match.")
	}
	if ix.Constraint != 0 && have.Constraint == 0 {
		return cannot("The index %q belongs to a constraint in table %q but no constraint exists for index %q.", index.Name, parent.Name, part.Name)
	}
	return nil
}

// validatePartitioned makes an index of a partitioned table valid once all partitions have valid indexes of it; then perhaps the index
// that it is itself part of.
func (c *Context) validatePartitioned(oid ids.Oid) error {
	r, err := c.S.Relation(oid)
	if err != nil {
		return err
	}
	table, err := c.S.Relation(r.Index.Table)
	if err != nil {
		return err
	}
	if r.Index.Valid {
		return nil
	}
	children, err := c.S.Cat.InheritanceChildren(oid, locks.NoLock, true)
	if err != nil {
		return err
	}
	valid := 0
	for _, o := range children {
		ch, err := c.S.Relation(o)
		if err != nil {
			return err
		}
		if ch != nil && ch.Index != nil && ch.Index.Valid {
			valid++
		}
	}
	if valid != len(table.Partitions(true).Oids) {
		return nil
	}
	if err := c.S.Cat.SetIndexValid(oid, true); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	if r.Parent != 0 {
		return c.validatePartitioned(r.Parent)
	}
	return nil
}
