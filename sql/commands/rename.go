package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// rename is ALTER ... RENAME.
func rename(c *Context, st *ast.RenameStmt) error {
	switch st.RenameType {
	case ast.ObjectTable, ast.ObjectIndex, ast.ObjectView, ast.ObjectMatview, ast.ObjectSequence, ast.ObjectForeignTable:
		return c.renameRelationStmt(st)
	case ast.ObjectColumn, ast.ObjectAttribute:
		return c.renameColumn(st)
	case ast.ObjectTabconstraint:
		return c.renameConstraint(st)
	case ast.ObjectDomconstraint:
		return missing("ALTER DOMAIN ... RENAME CONSTRAINT")
	case ast.ObjectSchema:
		return c.renameSchema(st.Subname, st.Newname)
	case ast.ObjectDatabase:
		return c.renameDatabase(st.Subname, st.Newname)
	case ast.ObjectRole:
		return c.renameRole(st.Subname, st.Newname)
	case ast.ObjectTypeType, ast.ObjectDomain:
		return c.renameTypeStmt(st)
	}
	return missing("ALTER " + st.RenameType.String() + " ... RENAME")
}

func (c *Context) renameRelationStmt(st *ast.RenameStmt) error {
	rel, err := c.openToRename(st)
	if err != nil {
		return err
	}
	if rel == nil {
		c.skipNotice(pgerr.SuccessfulCompletion, "relation %q does not exist, skipping", st.Relation.Relname)
		return nil
	}
	if st.RenameType != ast.ObjectTable && st.RenameType != ast.ObjectIndex {
		if err := c.requireKind(st.RenameType, rel); err != nil {
			return err
		}
	}
	if rel.Kind == 'c' {
		return pgerr.New(pgerr.WrongObjectType, "%q is a composite type", rel.Name).WithHint("Use ALTER TYPE instead.")
	}
	if err := c.mayCreateIn(rel.Namespace); err != nil {
		return err
	}
	if rel.Index != nil && rel.Index.Constraint != 0 {
		if err := c.renameConstraintRow(rel.Index.Constraint, st.Newname); err != nil {
			return err
		}
	}
	return c.renameRelation(rel.Oid, st.Newname)
}

// openToRename locks a relation as its kind asks for: an index may go on being read, but ALTER INDEX can be said of a table.
func (c *Context) openToRename(st *ast.RenameStmt) (*catalog.Relation, error) {
	for index := st.RenameType == ast.ObjectIndex; ; index = false {
		mode := locks.AccessExclusive
		if index {
			mode = locks.ShareUpdateExclusive
		}
		rel, err := c.openOwned(st.Relation, mode, st.MissingOk)
		if rel == nil || err != nil || !index || rel.Kind == 'i' || rel.Kind == 'I' {
			return rel, err
		}
		c.S.Cat.UnlockRelation(rel.Oid, mode)
	}
}

func (c *Context) mayCreateIn(ns ids.Oid) error {
	ok, err := c.S.Cat.HasNamespacePrivilege(c.S.User, ns, catalog.AclCreate)
	if err == nil && !ok {
		err = pgerr.New(pgerr.InsufficientPrivilege, "permission denied for schema %s", c.schemaName(ns))
	}
	return err
}

// renameRelation changes a relation's name and that of its row type.
func (c *Context) renameRelation(oid ids.Oid, name string) error {
	rel, err := c.S.Relation(oid)
	if err != nil {
		return err
	}
	if err := c.S.Cat.CheckRelationName(rel.Namespace, name); err != nil {
		return err
	}
	if err := c.updateClass(oid, func(r *catalog.PgClass) { r.Relname = name }); err != nil {
		return err
	}
	if rel.Index != nil {
		c.S.Cat.InvalidateRelation(rel.Index.Table)
	}
	if rel.RowType != 0 {
		if err := c.renameType(rel.RowType, name, rel.Namespace); err != nil {
			return err
		}
	}
	return c.step()
}

// renameType changes the name and schema of a type and of its array type.
func (c *Context) renameType(oid ids.Oid, name string, ns ids.Oid) error {
	cat := c.S.Cat
	row, err := catalog.Fetch[catalog.PgType](cat, catalog.PgTypeOidIndex, catalog.OidKey(catalog.AttPgTypeOid, oid))
	if row == nil || err != nil {
		return err
	}
	if other, err := cat.TypeRowByName(ns, name); err != nil {
		return err
	} else if other != nil && other.Oid != oid {
		return pgerr.New(pgerr.DuplicateObject, "type %q already exists", name)
	}
	row.Typname, row.Typnamespace = name, ns
	if err := cat.Update(row); err != nil {
		return err
	}
	if row.Typarray == 0 {
		return nil
	}
	if err := c.step(); err != nil {
		return err
	}
	array, err := cat.ArrayTypeName(name, ns)
	if err != nil {
		return err
	}
	arow, err := catalog.Fetch[catalog.PgType](cat, catalog.PgTypeOidIndex, catalog.OidKey(catalog.AttPgTypeOid, row.Typarray))
	if arow == nil || err != nil {
		return err
	}
	arow.Typname, arow.Typnamespace = array, ns
	return cat.Update(arow)
}

func (c *Context) renameColumn(st *ast.RenameStmt) error {
	rel, err := c.openOwned(st.Relation, locks.AccessExclusive, st.MissingOk)
	if err != nil {
		return err
	}
	if rel == nil {
		c.skipNotice(pgerr.SuccessfulCompletion, "relation %q does not exist, skipping", st.Relation.Relname)
		return nil
	}
	switch rel.Kind {
	case 'r', 'v', 'm', 'c', 'i', 'f', 'p':
	default:
		return pgerr.New(pgerr.WrongObjectType, "cannot rename columns of relation %q", rel.Name).
			WithDetail("This operation is not supported for %s.", pluralKind(rel.Kind))
	}
	if rel.Kind == 'r' || rel.Kind == 'p' || rel.Kind == 'f' {
		return c.renameInherited(rel, st, st.Relation.Inh)
	}
	return c.renameOne(rel, st, 0)
}

// renameOne renames a column in one table. parents is how many of its parents rename it too.
func (c *Context) renameOne(rel *catalog.Relation, st *ast.RenameStmt, parents int) error {
	att := rel.AttNum(st.Subname)
	if att == 0 {
		return pgerr.New(pgerr.UndefinedColumn, "column %q does not exist", st.Subname)
	}
	if att < 0 {
		return pgerr.NotSupported("cannot rename system column %q", st.Subname)
	}
	if n := rel.AttNum(st.Newname); n != 0 {
		if n < 0 {
			return pgerr.New(pgerr.DuplicateColumn, "column name %q conflicts with a system column name", st.Newname)
		}
		return pgerr.New(pgerr.DuplicateColumn, "column %q of relation %q already exists", st.Newname, rel.Name)
	}
	row, err := c.S.Cat.Attribute(rel.Oid, att)
	if err != nil {
		return err
	}
	if int(row.Attinhcount) > parents {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot rename inherited column %q", st.Subname)
	}
	row.Attname = st.Newname
	if err := c.S.Cat.Update(row); err != nil {
		return err
	}
	// Columns of indexes are called like the table's.
	for _, ix := range rel.Indexes {
		for i, k := range ix.Keys {
			if k != att || ix.Desc.Attrs[i].Name != st.Subname {
				continue
			}
			irow, err := c.S.Cat.Attribute(ix.Oid, int16(i+1))
			if err != nil {
				return err
			}
			irow.Attname = st.Newname
			if err := c.S.Cat.Update(irow); err != nil {
				return err
			}
		}
	}
	return c.step()
}

func (c *Context) renameConstraint(st *ast.RenameStmt) error {
	rel, err := c.openOwned(st.Relation, locks.AccessExclusive, st.MissingOk)
	if err != nil {
		return err
	}
	if rel == nil {
		c.skipNotice(pgerr.SuccessfulCompletion, "relation %q does not exist, skipping", st.Relation.Relname)
		return nil
	}
	if !st.Relation.Inh {
		k, err := constraintNamed(c.S.Cat, rel.Oid, st.Subname)
		if err != nil {
			return err
		}
		if children, err := c.S.Cat.HasChildren(rel.Oid); err != nil {
			return err
		} else if children && k != nil && k.Contype == 'c' && !k.Connoinherit {
			return pgerr.New(pgerr.InvalidTableDefinition, "inherited constraint %q must be renamed in child tables too", st.Subname)
		}
		return c.renameConstraintOf(rel, st, 0)
	}
	k, err := constraintNamed(c.S.Cat, rel.Oid, st.Subname)
	if err != nil {
		return err
	}
	if k == nil || k.Contype != 'c' || k.Connoinherit {
		return c.renameConstraintOf(rel, st, 0)
	}
	tables, parents, err := c.S.Cat.AllInheritors(rel.Oid, locks.AccessExclusive)
	if err != nil {
		return err
	}
	for i := len(tables) - 1; i >= 0; i-- {
		r, err := c.S.Relation(tables[i])
		if err != nil {
			return err
		}
		if err := c.renameConstraintOf(r, st, parents[i]); err != nil {
			return err
		}
	}
	return nil
}

// renameConstraintOf renames a constraint of one table. parents is how many of its parents rename it too.
func (c *Context) renameConstraintOf(rel *catalog.Relation, st *ast.RenameStmt, parents int) error {
	list, err := c.S.Cat.ConstraintsOf(rel.Oid)
	if err != nil {
		return err
	}
	var found *catalog.Constraint
	for _, k := range list {
		if k.Conname == st.Newname {
			return pgerr.New(pgerr.DuplicateObject, "constraint %q for relation %q already exists", st.Newname, rel.Name)
		}
		if k.Conname == st.Subname {
			found = k
		}
	}
	if found == nil {
		return pgerr.New(pgerr.UndefinedObject, "constraint %q for table %q does not exist", st.Subname, rel.Name)
	}
	if found.Contype == 'c' && int(found.Coninhcount) > parents {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot rename inherited constraint %q", st.Subname)
	}
	if found.Conindid != 0 && (found.Contype == 'p' || found.Contype == 'u' || found.Contype == 'x') {
		if err := c.S.Cat.HoldRelation(found.Conindid, locks.ShareUpdateExclusive); err != nil {
			return err
		}
		if err := c.renameRelation(found.Conindid, st.Newname); err != nil {
			return err
		}
	}
	return c.renameConstraintRow(found.Oid, st.Newname)
}

func (c *Context) renameConstraintRow(oid ids.Oid, name string) error {
	row, err := catalog.Fetch[catalog.PgConstraint](c.S.Cat, catalog.PgConstraintOidIndex, catalog.OidKey(catalog.AttPgConstraintOid, oid))
	if row == nil || err != nil {
		return err
	}
	row.Conname = name
	if err := c.S.Cat.Update(row); err != nil {
		return err
	}
	return c.step()
}

func (c *Context) renameSchema(old, name string) error {
	row, err := catalog.Fetch[catalog.PgNamespace](c.S.Cat, catalog.PgNamespaceNspnameIndex, catalog.NameKey(catalog.AttPgNamespaceNspname, old))
	if err != nil {
		return err
	}
	if row == nil {
		return pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", old)
	}
	if n, err := c.S.Cat.NamespaceByName(name); err != nil {
		return err
	} else if n != nil {
		return pgerr.New(pgerr.DuplicateSchema, "schema %q already exists", name)
	}
	if err := c.checkObjectOwner(ast.ObjectSchema, catalog.Object{Class: catalog.PgNamespaceOid, Oid: row.Oid}); err != nil {
		return err
	}
	if len(name) >= 3 && name[:3] == "pg_" && !c.systemOK() {
		return pgerr.New(pgerr.ReservedName, "unacceptable schema name %q", name).
			WithDetail("The prefix \"pg_\" is reserved for system schemas.")
	}
	row.Nspname = name
	return c.S.Cat.Update(row)
}

func (c *Context) renameTypeStmt(st *ast.RenameStmt) error {
	o, err := c.typeAddress(st.RenameType, st.Object)
	if err != nil {
		return err
	}
	if err := c.checkObjectOwner(st.RenameType, o); err != nil {
		return err
	}
	t, err := c.S.Cat.TypeRow(o.Oid)
	if err != nil {
		return err
	}
	switch {
	case t.Typtype == 'c' && t.Typrelid != 0:
		rel, err := c.S.Relation(t.Typrelid)
		if err != nil {
			return err
		}
		if rel.Kind != 'c' {
			return pgerr.New(pgerr.WrongObjectType, "%s is a table's row type", c.S.Cat.TypeName(o.Oid)).WithHint("Use ALTER TABLE instead.")
		}
		if err := c.S.Cat.HoldRelation(rel.Oid, locks.AccessExclusive); err != nil {
			return err
		}
		return c.renameRelation(rel.Oid, st.Newname)
	case t.Typelem != 0 && t.Typcategory == 'A':
		return pgerr.New(pgerr.WrongObjectType, "cannot alter array type %s", c.S.Cat.TypeName(o.Oid))
	}
	return c.renameType(o.Oid, st.Newname, t.Typnamespace)
}

// setSchema is ALTER ... SET SCHEMA.
func setSchema(c *Context, st *ast.AlterObjectSchemaStmt) error {
	switch st.ObjectType {
	case ast.ObjectTable, ast.ObjectView, ast.ObjectMatview, ast.ObjectSequence, ast.ObjectForeignTable:
	case ast.ObjectTypeType, ast.ObjectDomain:
		return c.setTypeSchema(st)
	default:
		return missing("ALTER " + st.ObjectType.String() + " ... SET SCHEMA")
	}
	rel, err := c.openOwned(st.Relation, locks.AccessExclusive, st.MissingOk)
	if err != nil {
		return err
	}
	if rel == nil {
		c.skipNotice(pgerr.SuccessfulCompletion, "relation %q does not exist, skipping", st.Relation.Relname)
		return nil
	}
	if err := c.requireKind(st.ObjectType, rel); err != nil {
		return err
	}
	if rel.Kind == 'S' {
		deps, err := c.S.Cat.DependenciesOf(catalog.RelationObject(rel.Oid))
		if err != nil {
			return err
		}
		if t := ownerTable(deps); t != 0 {
			n, _ := c.S.Cat.RelationName(t)
			return pgerr.NotSupported("cannot move an owned sequence into another schema").WithDetail("Sequence %q is linked to table %q.", rel.Name, n)
		}
	}
	ns, err := c.S.Cat.LookupCreationNamespace(st.Newschema)
	if err != nil {
		return err
	}
	if err := c.mayMove(rel.Namespace, ns); err != nil {
		return err
	}
	return c.moveRelation(rel, ns)
}

func (c *Context) mayMove(old, now ids.Oid) error {
	for _, ns := range []ids.Oid{old, now} {
		if temp, _, err := c.S.Cat.IsTempNamespace(ns); err != nil {
			return err
		} else if temp {
			return pgerr.NotSupported("cannot move objects into or out of temporary schemas")
		}
		if ns == ids.PgToastNamespace {
			return pgerr.NotSupported("cannot move objects into or out of TOAST schema")
		}
	}
	return nil
}

// moveRelation puts a relation with its row type, indexes, constraints and sequences into another schema.
func (c *Context) moveRelation(rel *catalog.Relation, ns ids.Oid) error {
	cat := c.S.Cat
	if rel.Namespace == ns {
		return nil
	}
	if oid, err := cat.RelationOid(ns, rel.Name); err != nil {
		return err
	} else if oid != 0 {
		return pgerr.New(pgerr.DuplicateTable, "relation %q already exists in schema %q", rel.Name, c.schemaName(ns))
	}
	if err := c.updateClass(rel.Oid, func(r *catalog.PgClass) { r.Relnamespace = ns }); err != nil {
		return err
	}
	if rel.Kind != 'i' {
		if _, err := cat.ChangeDependency(catalog.RelationObject(rel.Oid), catalog.PgNamespaceOid, rel.Namespace, ns); err != nil {
			return err
		}
	} else if rel.Index != nil {
		cat.InvalidateRelation(rel.Index.Table)
	}
	if rel.RowType != 0 {
		if err := c.renameType(rel.RowType, rel.Name, ns); err != nil {
			return err
		}
	}
	if err := c.moveConstraints(rel, ns); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	var parts []ids.Oid
	for _, ix := range rel.Indexes {
		parts = append(parts, ix.Oid)
	}
	if rel.Kind == 'r' {
		seqs, err := c.ownedSequences(rel.Oid, 0)
		if err != nil {
			return err
		}
		for _, s := range seqs {
			if err := cat.HoldRelation(s.oid, locks.AccessExclusive); err != nil {
				return err
			}
			parts = append(parts, s.oid)
		}
	}
	for _, p := range parts {
		r, err := c.S.Relation(p)
		if err != nil {
			return err
		}
		if err := c.moveRelation(r, ns); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) moveConstraints(rel *catalog.Relation, ns ids.Oid) error {
	if rel.Kind != 'r' {
		return nil
	}
	list, err := c.S.Cat.ConstraintsOf(rel.Oid)
	if err != nil {
		return err
	}
	for _, k := range list {
		row, err := catalog.Fetch[catalog.PgConstraint](c.S.Cat, catalog.PgConstraintOidIndex, catalog.OidKey(catalog.AttPgConstraintOid, k.Oid))
		if err != nil {
			return err
		}
		row.Connamespace = ns
		if err := c.S.Cat.Update(row); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) setTypeSchema(st *ast.AlterObjectSchemaStmt) error {
	o, err := c.typeAddress(st.ObjectType, st.Object)
	if err != nil {
		return err
	}
	if err := c.checkObjectOwner(st.ObjectType, o); err != nil {
		return err
	}
	ns, err := c.S.Cat.LookupCreationNamespace(st.Newschema)
	if err != nil {
		return err
	}
	t, err := c.S.Cat.TypeRow(o.Oid)
	if err != nil {
		return err
	}
	if t.Typnamespace == ns {
		return nil
	}
	if err := c.mayMove(t.Typnamespace, ns); err != nil {
		return err
	}
	if t.Typrelid != 0 {
		rel, err := c.S.Relation(t.Typrelid)
		if err != nil {
			return err
		}
		if rel.Kind != 'c' {
			return pgerr.New(pgerr.WrongObjectType, "%s is a table's row type", c.S.Cat.TypeName(o.Oid)).WithHint("Use ALTER TABLE instead.")
		}
		if err := c.updateClass(rel.Oid, func(r *catalog.PgClass) { r.Relnamespace = ns }); err != nil {
			return err
		}
	}
	if _, err := c.S.Cat.ChangeDependency(o, catalog.PgNamespaceOid, t.Typnamespace, ns); err != nil {
		return err
	}
	return c.renameType(o.Oid, t.Typname, ns)
}

// setOwner is ALTER ... OWNER TO of what is not a relation.
func setOwner(c *Context, st *ast.AlterOwnerStmt) error {
	owner, err := c.role(st.Newowner, false)
	if err != nil {
		return err
	}
	o, err := c.objectAddress(st.ObjectType, st.Object)
	if err != nil {
		return err
	}
	if err := c.checkObjectOwner(st.ObjectType, o); err != nil {
		return err
	}
	if err := c.mayGive(owner, 0); err != nil {
		return err
	}
	return c.giveObject(o, owner)
}

// giveObject stores a new owner.
func (c *Context) giveObject(o catalog.Object, owner ids.Oid) error {
	cat := c.S.Cat
	key := catalog.OidKey(1, o.Oid)
	var acl []catalog.AclItem
	switch o.Class {
	case catalog.PgNamespaceOid:
		r, err := catalog.Fetch[catalog.PgNamespace](cat, catalog.PgNamespaceOidIndex, key)
		if err != nil {
			return err
		}
		r.Nspacl = ownerInAcl(r.Nspacl, r.Nspowner, owner)
		r.Nspowner, acl = owner, r.Nspacl
		if err := cat.Update(r); err != nil {
			return err
		}
	case catalog.PgDatabaseOid:
		r, err := catalog.Fetch[catalog.PgDatabase](cat, catalog.PgDatabaseOidIndex, key)
		if err != nil {
			return err
		}
		r.Datacl = ownerInAcl(r.Datacl, r.Datdba, owner)
		r.Datdba, acl = owner, r.Datacl
		if err := cat.Update(r); err != nil {
			return err
		}
	case catalog.PgTypeOid:
		t, err := cat.TypeRow(o.Oid)
		if err != nil {
			return err
		}
		if t.Typrelid != 0 {
			return c.ownRelation(t.Typrelid, owner, false)
		}
		return c.ownType(o.Oid, owner, true)
	case catalog.PgProcOid:
		r, err := catalog.Fetch[catalog.PgProc](cat, catalog.PgProcOidIndex, key)
		if err != nil {
			return err
		}
		r.Proacl = ownerInAcl(r.Proacl, r.Proowner, owner)
		r.Proowner, acl = owner, r.Proacl
		if err := cat.Update(r); err != nil {
			return err
		}
	default:
		return missing("ALTER ... OWNER TO for this kind of object")
	}
	if err := cat.ChangeOwner(o, owner); err != nil {
		return err
	}
	return cat.RecordAcl(o, owner, acl)
}
