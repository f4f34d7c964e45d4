package commands

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
)

// foreignKeyDef is a foreign key that is being made.
type foreignKeyDef struct {
	c       *Context
	k       *ast.Constraint
	rel, pk *catalog.Relation // referencing and referenced
	index   *catalog.Index    // of the referenced key
	row     catalog.PgConstraint
	name    string
}

// newForeignKey is a foreign key that was made, with the constraints, its own or those of partitions, whose rows have not been looked at.
type newForeignKey struct {
	*catalog.PgConstraint
	check []ids.Oid
}

// addForeignKey makes a foreign key of a table and of its partitions. valid: the rows that are there need not be looked at.
func (c *Context) addForeignKey(rel *catalog.Relation, k *ast.Constraint, valid bool) (*newForeignKey, error) {
	pk, err := c.openRelation(k.Pktable, locks.ShareRowExclusive)
	if err != nil {
		return nil, err
	}
	switch pk.Kind {
	case 'i', 'I':
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is an index", pk.Name)
	case 'c':
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is a composite type", pk.Name)
	}
	for _, l := range []struct {
		rel  ids.Oid
		mode locks.Mode
	}{{rel.Oid, locks.ShareRowExclusive}, {rel.Oid, locks.AccessShare}, {pk.Oid, locks.AccessShare}} { // the weaker ones as PostgreSQL: for a look at the triggers
		if err := c.S.Cat.HoldRelation(l.rel, l.mode); err != nil {
			return nil, err
		}
	}
	if k.Conname == "" {
		n := *k
		if n.Conname, err = c.S.Cat.ChooseName(rel.Name, foreignKeyColumns(k.FkAttrs), "fkey", rel.Namespace, true); err != nil {
			return nil, err
		}
		k = &n
	} else if old, err := constraintNamed(c.S.Cat, rel.Oid, k.Conname); err != nil {
		return nil, err
	} else if old != nil {
		return nil, pgerr.New(pgerr.DuplicateObject, "constraint %q for relation %q already exists", k.Conname, rel.Name)
	}
	d := &foreignKeyDef{c: c, k: k, rel: rel, pk: pk}
	for _, step := range []func() error{d.checkTables, d.columns, d.referenced, d.checkActions, d.operators} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	r := &d.row
	r.Conname, r.Connamespace, r.Contype, r.Conrelid, r.Confrelid, r.Conindid = k.Conname, rel.Namespace, 'f', rel.Oid, pk.Oid, d.index.Oid
	r.Condeferrable, r.Condeferred, r.Convalidated = k.Deferrable, k.Initdeferred, !k.SkipValidation || valid
	r.Confupdtype, r.Confdeltype, r.Confmatchtype = k.FkUpdAction, k.FkDelAction, k.FkMatchtype
	r.Conislocal, r.Connoinherit = true, rel.Kind != 'p'
	if r.Oid, err = c.S.Cat.CreateConstraint(&catalog.NewConstraint{PgConstraint: *r}); err != nil {
		return nil, err
	}
	if err := c.step(); err != nil {
		return nil, err
	}
	if err := c.foreignKeyActions(r, pk, catalog.KeyTriggers{}); err != nil {
		return nil, err
	}
	made := &newForeignKey{PgConstraint: r}
	if made.check, err = c.foreignKeyChecks(r, rel, catalog.KeyTriggers{}); err != nil {
		return nil, err
	}
	return made, c.step()
}

// foreignKeyColumns joins column names as the default name of a constraint has them.
func foreignKeyColumns(names []string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += "_"
		}
		out += n
		if len(out) >= 64 {
			break
		}
	}
	return out
}

// checkTables checks what kinds of tables the two are.
func (d *foreignKeyDef) checkTables() error {
	rel, pk := d.rel, d.pk
	if pk.Kind != 'r' && pk.Kind != 'p' {
		return pgerr.New(pgerr.WrongObjectType, "referenced relation %q is not a table", pk.Name)
	}
	if pk.Oid < firstNormalOid {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied: %q is a system catalog", pk.Name)
	}
	wrong := func(msg string) error { return pgerr.New(pgerr.InvalidTableDefinition, "%s", msg) }
	switch rel.Persistence {
	case 'p':
		if pk.Persistence != 'p' {
			return wrong("constraints on permanent tables may reference only permanent tables")
		}
	case 'u':
		if pk.Persistence != 'p' && pk.Persistence != 'u' {
			return wrong("constraints on unlogged tables may reference only permanent or unlogged tables")
		}
	case 't':
		if pk.Persistence != 't' {
			return wrong("constraints on temporary tables may reference only temporary tables")
		}
		for _, r := range []*catalog.Relation{rel, pk} {
			if _, mine, err := d.c.S.Cat.IsTempNamespace(r.Namespace); err != nil {
				return err
			} else if !mine {
				return wrong("constraints on temporary tables must involve temporary tables of this session")
			}
		}
	}
	return nil
}

const maxForeignKeys = 32

// columnNumbers finds columns named in a foreign key.
func columnNumbers(rel *catalog.Relation, names []string) ([]int16, error) {
	var out []int16
	for _, n := range names {
		att := rel.AttNum(n)
		if att < 0 {
			return nil, pgerr.NotSupported("system columns cannot be used in foreign keys")
		}
		if att == 0 {
			return nil, pgerr.New(pgerr.UndefinedColumn, "column %q referenced in foreign key constraint does not exist", n)
		}
		if len(out) >= maxForeignKeys {
			return nil, pgerr.New(pgerr.TooManyColumns, "cannot have more than %d keys in a foreign key", maxForeignKeys)
		}
		out = append(out, att)
	}
	return out, nil
}

// columns finds the referencing columns.
func (d *foreignKeyDef) columns() (err error) {
	if d.row.Conkey, err = columnNumbers(d.rel, d.k.FkAttrs); err != nil {
		return err
	}
	if d.row.Confdelsetcols, err = columnNumbers(d.rel, d.k.FkDelSetCols); err != nil {
		return err
	}
	var set []int16
	for i, a := range d.row.Confdelsetcols {
		if !slices.Contains(d.row.Conkey, a) {
			return pgerr.New(pgerr.InvalidColumnReference, "column %q referenced in ON DELETE SET action must be part of foreign key", d.k.FkDelSetCols[i])
		}
		if !slices.Contains(set, a) {
			set = append(set, a)
		}
	}
	d.row.Confdelsetcols = set
	return nil
}

// referenced finds the referenced columns and their unique index.
func (d *foreignKeyDef) referenced() (err error) {
	if len(d.k.PkAttrs) == 0 {
		err = d.primaryKey()
	} else if d.row.Confkey, err = columnNumbers(d.pk, d.k.PkAttrs); err == nil {
		err = d.uniqueKey()
	}
	if err != nil {
		return err
	}
	return d.mayReference()
}

func (d *foreignKeyDef) primaryKey() error {
	for _, ix := range d.pk.Indexes {
		if !ix.Primary || !ix.Valid {
			continue
		}
		if !ix.Immediate {
			return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot use a deferrable primary key for referenced table %q", d.pk.Name)
		}
		d.index, d.row.Confkey = ix, slices.Clone(ix.Keys[:ix.NKeyAtts])
		return nil
	}
	return pgerr.New(pgerr.UndefinedObject, "there is no primary key for referenced table %q", d.pk.Name)
}

// uniqueKey finds a unique index over just the referenced columns, in any order.
func (d *foreignKeyDef) uniqueKey() error {
	keys := d.row.Confkey
	for i, a := range keys {
		if slices.Contains(keys[:i], a) {
			return pgerr.New(pgerr.InvalidForeignKey, "foreign key referenced-columns list must not contain duplicates")
		}
	}
	deferrable := false
	for _, ix := range d.pk.Indexes {
		if ix.NKeyAtts != len(keys) || !ix.Unique || !ix.Valid || ix.PredText != nil || ix.ExprText != nil {
			continue
		}
		if slices.ContainsFunc(keys, func(a int16) bool { return !slices.Contains(ix.Keys[:ix.NKeyAtts], a) }) {
			continue
		}
		if !ix.Immediate {
			deferrable = true
			continue
		}
		d.index = ix
		return nil
	}
	if deferrable {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot use a deferrable unique constraint for referenced table %q", d.pk.Name)
	}
	return pgerr.New(pgerr.InvalidForeignKey, "there is no unique constraint matching given keys for referenced table %q", d.pk.Name)
}

// mayReference checks the privilege REFERENCES on the referenced columns.
func (d *foreignKeyDef) mayReference() error {
	ok, err := d.c.S.Cat.HasRelationPrivilege(d.c.S.User, d.pk, catalog.AclReferences)
	if ok || err != nil {
		return err
	}
	for _, a := range d.row.Confkey {
		if ok, err := d.c.S.Cat.HasColumnPrivilege(d.c.S.User, d.pk, a, catalog.AclReferences); err != nil {
			return err
		} else if !ok {
			return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for table %s", d.pk.Name)
		}
	}
	return nil
}

// checkActions checks that the actions can be done.
func (d *foreignKeyDef) checkActions() error {
	for _, a := range d.row.Conkey {
		if d.rel.Desc.Attrs[a-1].Generated == 0 {
			continue
		}
		for _, x := range []struct {
			action byte
			bad    string
			words  string
		}{{d.k.FkUpdAction, "ndc", "ON UPDATE"}, {d.k.FkDelAction, "nd", "ON DELETE"}} {
			if slices.Contains([]byte(x.bad), x.action) {
				return pgerr.New(pgerr.SyntaxError, "invalid %s action for foreign key constraint containing generated column", x.words)
			}
		}
	}
	if len(d.row.Conkey) != len(d.row.Confkey) {
		return pgerr.New(pgerr.InvalidForeignKey, "number of referencing and referenced columns for foreign key disagree")
	}
	return nil
}

const equalStrategy = 3

// operators chooses the equality operators: between the two sides, within the referenced and within the referencing one.
func (d *foreignKeyDef) operators() error {
	cat := d.c.S.Cat
	r := &d.row
	for i, a := range r.Confkey {
		at := slices.Index(d.index.Keys[:d.index.NKeyAtts], a)
		family, in := d.index.OpFamilies[at], d.index.InTypes[at]
		op := func(left, right ids.Oid) (ids.Oid, error) {
			o, err := cat.AmOp(family, left, right, equalStrategy)
			if o == nil || err != nil {
				return 0, err
			}
			return o.Amopopr, nil
		}
		pk, fk := d.pk.Desc.Attrs[a-1], d.rel.Desc.Attrs[r.Conkey[i]-1]
		base, err := cat.Type(fk.Type)
		if err != nil {
			return err
		}
		fkType := base.Underlying().Oid
		pp, err := op(in, in)
		if err != nil {
			return err
		}
		pf, err := op(in, fkType)
		if err != nil {
			return err
		}
		ff, err := op(fkType, fkType)
		if err != nil {
			return err
		}
		if pf == 0 || ff == 0 {
			pf, ff = 0, 0
			ok, err := analyzer.CanCoerceImplicitly(d.c.analyzer(), []ids.Oid{pk.Type, fk.Type}, []ids.Oid{in, in})
			if err != nil {
				return err
			}
			if ok {
				pf, ff = pp, pp
			}
		}
		if pf == 0 {
			return pgerr.New(pgerr.DatatypeMismatch, "foreign key constraint %q cannot be implemented", d.k.Conname).
				WithDetail("Key columns %q and %q are of incompatible types: %s and %s.", fk.Name, pk.Name, cat.TypeName(fk.Type), cat.TypeName(pk.Type))
		}
		r.Conppeqop, r.Conpfeqop, r.Conffeqop = append(r.Conppeqop, pp), append(r.Conpfeqop, pf), append(r.Conffeqop, ff)
	}
	return nil
}

// validateForeignKey looks whether all rows of a table have what they refer to.
func (c *Context) validateForeignKey(con ids.Oid) error {
	if c.Hooks == nil || c.Hooks.ValidateForeignKey == nil {
		return missing("FOREIGN KEY")
	}
	k, err := c.S.Cat.Constraint(con)
	if k == nil || err != nil {
		return err
	}
	if err := c.S.Cat.HoldRelation(k.Confrelid, locks.RowShare); err != nil {
		return err
	}
	return c.Hooks.ValidateForeignKey(con)
}

// addForeignKey is ADD FOREIGN KEY; the rows are looked at when all is done.
func (a *alteration) addForeignKey(k *ast.Constraint, valid bool) error {
	rel, err := a.rel()
	if err != nil {
		return err
	}
	if rel.Kind == 'p' {
		if err := a.partitionedForeignKey(rel, k, valid); err != nil {
			return err
		}
	}
	row, err := a.c.addForeignKey(rel, k, valid)
	if err != nil {
		return err
	}
	if !k.SkipValidation && !valid {
		a.foreign = append(a.foreign, row.check...)
	}
	return nil
}
