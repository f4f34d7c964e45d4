package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/storage/sequence"
)

// setPersistence is SET LOGGED and SET UNLOGGED: a rewrite into files of the other kind.
func (a *alteration) setPersistence(p byte) error {
	rel := a.old
	if rel.IsTemp() {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot change logged status of table %q because it is temporary", rel.Name).
			WithTable(a.c.schemaName(rel.Namespace), rel.Name)
	}
	if rel.Persistence == p {
		return nil
	}
	a.persistence, a.rewrite = p, true
	return a.checkKeyPersistence(p)
}

// sequencePersistence makes the sequences of serial and identity columns follow their table.
func (a *alteration) sequencePersistence() error {
	if a.persistence == a.old.Persistence {
		return nil
	}
	list, err := a.c.ownedSequences(a.oid, 0)
	if err != nil {
		return err
	}
	for _, o := range list {
		rel, err := a.c.S.Cat.LockRelation(o.oid, locks.AccessExclusive)
		if err != nil {
			return err
		}
		if err := a.c.setSequencePersistence(rel, a.persistence); err != nil {
			return err
		}
	}
	return nil
}

// setSequencePersistence moves a sequence to a file of the other kind.
func (c *Context) setSequencePersistence(rel *catalog.Relation, persistence byte) error {
	st, err := sequence.Read(c.S.Tx, sequenceRel(c, rel))
	if err != nil {
		return err
	}
	delete(c.S.Sequences.Cached, rel.Oid)
	return c.rewriteSequenceAs(rel, persistence, st)
}

func (a *alteration) setTablespace(name string) error {
	spc, err := a.c.tablespace(name)
	if err != nil {
		return err
	}
	if spc != a.old.Tablespace {
		return missing("ALTER ... SET TABLESPACE")
	}
	return nil
}

// relOptions is SET (...) and RESET (...).
func (a *alteration) relOptions(cmd *ast.AlterTableCmd) error {
	list, _ := cmd.Def.(*ast.List)
	var defs []*ast.DefElem
	for _, it := range list.Items {
		if d, ok := it.(*ast.DefElem); ok {
			defs = append(defs, d)
		}
	}
	kind := "r"
	switch a.old.Kind {
	case 'i':
		kind = "i"
	case 'v':
		kind = "v"
	}
	reset := cmd.Subtype == ast.ATResetRelOptions
	if a.old.Kind == 'p' {
		kind = "p"
	}
	own, _, err := relationOptions(a.old.Options, defs, kind, reset)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		own = nil
	}
	if err := a.c.updateClass(a.oid, func(r *catalog.PgClass) { r.Reloptions = own }); err != nil {
		return err
	}
	if a.old.Toast == 0 || kind != "r" {
		return nil
	}
	t, err := a.c.S.Cat.LockRelation(a.old.Toast, a.set.mode)
	if err != nil {
		return err
	}
	var toastDefs []*ast.DefElem
	for _, d := range defs {
		if d.Defnamespace == "toast" {
			n := *d
			n.Defnamespace = ""
			toastDefs = append(toastDefs, &n)
		}
	}
	if len(toastDefs) == 0 {
		return nil
	}
	opts, _, err := relationOptions(t.Options, toastDefs, "t", reset)
	if err != nil {
		return err
	}
	return a.c.updateClass(t.Oid, func(r *catalog.PgClass) { r.Reloptions = opts })
}

func (a *alteration) clusterOn(name string) error {
	rel, err := a.rel()
	if err != nil {
		return err
	}
	for _, ix := range rel.Indexes {
		if ix.Name == name {
			if err := a.c.S.Cat.HoldRelation(ix.Oid, a.set.mode); err != nil {
				return err
			}
			return a.markClustered(ix.Oid)
		}
	}
	return pgerr.New(pgerr.UndefinedObject, "index %q for table %q does not exist", name, rel.Name)
}

// markClustered makes an index (0: none) the one that CLUSTER goes by.
func (a *alteration) markClustered(index ids.Oid) error { return a.c.markClustered(a.oid, index) }

func (c *Context) markClustered(table, index ids.Oid) error {
	rows, err := catalog.FetchAll[catalog.PgIndex](c.S.Cat, catalog.PgIndexIndrelidIndex, catalog.OidKey(catalog.AttPgIndexIndrelid, table))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if want := r.Indexrelid == index; r.Indisclustered != want {
			r.Indisclustered = want
			if err := c.S.Cat.Update(r); err != nil {
				return err
			}
		}
	}
	return c.step()
}

// replicaIdentity is REPLICA IDENTITY.
func (a *alteration) replicaIdentity(cmd *ast.AlterTableCmd) error {
	st, ok := cmd.Def.(*ast.ReplicaIdentityStmt)
	if !ok {
		return pgerr.Internal("REPLICA IDENTITY without a kind")
	}
	rel, err := a.rel()
	if err != nil {
		return err
	}
	chosen := ids.Oid(0)
	if st.IdentityType == 'i' {
		for _, ix := range rel.Indexes {
			if ix.Name == st.Name {
				chosen = ix.Oid
				if err := a.c.S.Cat.HoldRelation(ix.Oid, locks.Share); err != nil {
					return err
				}
				if err := mayIdentify(rel, ix); err != nil {
					return err
				}
			}
		}
		if chosen == 0 {
			return pgerr.New(pgerr.UndefinedObject, "index %q for table %q does not exist", st.Name, rel.Name)
		}
	}
	rows, err := catalog.FetchAll[catalog.PgIndex](a.c.S.Cat, catalog.PgIndexIndrelidIndex, catalog.OidKey(catalog.AttPgIndexIndrelid, a.oid))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if want := r.Indexrelid == chosen; r.Indisreplident != want {
			r.Indisreplident = want
			if err := a.c.S.Cat.Update(r); err != nil {
				return err
			}
		}
	}
	return a.c.updateClass(a.oid, func(r *catalog.PgClass) { r.Relreplident = st.IdentityType })
}

// mayIdentify refuses indexes that do not name each row once.
func mayIdentify(rel *catalog.Relation, ix *catalog.Index) error {
	wrong := func(format string, args ...any) error { return pgerr.New(pgerr.WrongObjectType, format, args...) }
	switch {
	case !ix.Unique:
		return wrong("cannot use non-unique index %q as replica identity", ix.Name)
	case !ix.Immediate:
		return pgerr.NotSupported("cannot use non-immediate index %q as replica identity", ix.Name)
	case ix.ExprText != nil:
		return pgerr.NotSupported("cannot use expression index %q as replica identity", ix.Name)
	case ix.PredText != nil:
		return pgerr.NotSupported("cannot use partial index %q as replica identity", ix.Name)
	}
	for _, att := range ix.Keys[:ix.NKeyAtts] {
		if at := &rel.Desc.Attrs[att-1]; !at.NotNull {
			return wrong("index %q cannot be used as replica identity because column %q is nullable", ix.Name, at.Name)
		}
	}
	return nil
}

// changeOwner is OWNER TO of a relation.
func (a *alteration) changeOwner(cmd *ast.AlterTableCmd) error {
	owner, err := a.c.role(cmd.Newowner, false)
	if err != nil {
		return err
	}
	if a.old.Kind == 'i' {
		a.c.sendNotice(pgerr.New(pgerr.WrongObjectType, "cannot change owner of index %q", a.old.Name).
			WithHint("Change the ownership of the index's table, instead.").WithSeverity(pgerr.Warning))
		return nil
	}
	if a.old.Kind == 'S' {
		if deps, err := a.c.S.Cat.DependenciesOf(catalog.RelationObject(a.oid)); err != nil {
			return err
		} else if owned := ownerTable(deps); owned != 0 {
			t, _ := a.c.S.Cat.RelationName(owned)
			return pgerr.NotSupported("cannot change owner of sequence %q", a.old.Name).
				WithDetail("Sequence %q is linked to table %q.", a.old.Name, t)
		}
	}
	return a.c.ownRelation(a.oid, owner, true)
}

func ownerTable(deps []*catalog.PgDepend) ids.Oid {
	for _, d := range deps {
		k := catalog.DepType(d.Deptype)
		if d.Refclassid == catalog.PgClassOid && d.Refobjsubid > 0 && (k == catalog.DepAuto || k == catalog.DepInternal) {
			return d.Refobjid
		}
	}
	return 0
}

// mayGive checks that the user may hand something to a new owner, who may create things in its schema.
func (c *Context) mayGive(owner, namespace ids.Oid) error {
	super, err := c.S.Cat.IsSuperuser(c.S.User)
	if err != nil || super {
		return err
	}
	ok, err := c.S.Cat.IsMemberOf(c.S.User, owner)
	if err != nil {
		return err
	}
	if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be member of role %q", c.roleName(owner))
	}
	if namespace == 0 {
		return nil
	}
	if ok, err = c.S.Cat.HasNamespacePrivilege(owner, namespace, catalog.AclCreate); err == nil && !ok {
		err = pgerr.New(pgerr.InsufficientPrivilege, "permission denied for schema %s", c.schemaName(namespace))
	}
	return err
}

// ownRelation gives a relation, and what belongs to it, to another role.
func (c *Context) ownRelation(oid, owner ids.Oid, check bool) error {
	rel, err := c.S.Cat.LockRelation(oid, locks.AccessExclusive)
	if rel == nil || err != nil {
		return err
	}
	if rel.Owner == owner {
		return nil
	}
	if check {
		if err := c.mayGive(owner, rel.Namespace); err != nil {
			return err
		}
	}
	acl := ownerInAcl(rel.Acl, rel.Owner, owner)
	if err := c.updateClass(oid, func(r *catalog.PgClass) { r.Relowner, r.Relacl = owner, acl }); err != nil {
		return err
	}
	me := catalog.RelationObject(oid)
	if rel.Kind != 't' && rel.Kind != 'i' {
		if err := c.S.Cat.ChangeOwner(me, owner); err != nil {
			return err
		}
		if err := c.S.Cat.RecordAcl(me, owner, acl); err != nil {
			return err
		}
	}
	if rel.RowType != 0 {
		if err := c.ownType(rel.RowType, owner, rel.Kind == 'c'); err != nil {
			return err
		}
	}
	if err := c.step(); err != nil {
		return err
	}
	parts := make([]ids.Oid, 0, 4)
	for _, ix := range rel.Indexes {
		parts = append(parts, ix.Oid)
	}
	if rel.Toast != 0 {
		parts = append(parts, rel.Toast)
	}
	if rel.Kind == 'r' {
		seqs, err := c.ownedSequences(oid, 0)
		if err != nil {
			return err
		}
		for _, s := range seqs {
			parts = append(parts, s.oid)
		}
	}
	for _, p := range parts {
		if err := c.ownRelation(p, owner, false); err != nil {
			return err
		}
	}
	return nil
}

// ownType gives a type and its array type to another role. free types have an owner of their own in pg_shdepend.
func (c *Context) ownType(oid, owner ids.Oid, free bool) error {
	for oid != 0 {
		row, err := catalog.Fetch[catalog.PgType](c.S.Cat, catalog.PgTypeOidIndex, catalog.OidKey(catalog.AttPgTypeOid, oid))
		if row == nil || err != nil {
			return err
		}
		row.Typacl = ownerInAcl(row.Typacl, row.Typowner, owner)
		row.Typowner = owner
		if err := c.S.Cat.Update(row); err != nil {
			return err
		}
		if free {
			o := catalog.Object{Class: catalog.PgTypeOid, Oid: oid}
			if err := c.S.Cat.ChangeOwner(o, owner); err != nil {
				return err
			}
			if err := c.S.Cat.RecordAcl(o, owner, row.Typacl); err != nil {
				return err
			}
		}
		oid, free = row.Typarray, false
	}
	return nil
}

// ownerInAcl replaces the old owner by the new one in an access control list.
func ownerInAcl(acl []catalog.AclItem, old, owner ids.Oid) []catalog.AclItem {
	if len(acl) == 0 {
		return nil
	}
	var out []catalog.AclItem
next:
	for _, it := range acl {
		if it.Grantor == old {
			it.Grantor = owner
		}
		if it.Grantee == old {
			it.Grantee = owner
		}
		for i := range out {
			if out[i].Grantee == it.Grantee && out[i].Grantor == it.Grantor {
				out[i].Privs |= it.Privs
				continue next
			}
		}
		out = append(out, it)
	}
	return out
}
