package commands

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// privilegeBits are the words of GRANT.
var privilegeBits = map[string]uint32{"insert": catalog.AclInsert, "select": catalog.AclSelect, "update": catalog.AclUpdate,
	"delete": catalog.AclDelete, "truncate": catalog.AclTruncate, "references": catalog.AclReferences, "trigger": catalog.AclTrigger,
	"execute": catalog.AclExecute, "usage": catalog.AclUsage, "create": catalog.AclCreate, "temporary": catalog.AclCreateTemp,
	"temp": catalog.AclCreateTemp, "connect": catalog.AclConnect, "set": catalog.AclSet, "alter system": catalog.AclAlterSystem}

// grantKind is a kind of objects that have an access control list.
type grantKind struct {
	what   string // in messages: table, schema ...
	all    uint32 // privileges that exist for it; the owner has them by default
	public uint32 // what everybody has by default
}

const columnPrivileges = catalog.AclInsert | catalog.AclSelect | catalog.AclUpdate | catalog.AclReferences

var grantKinds = map[ast.ObjectType]grantKind{
	ast.ObjectTable:      {"table", catalog.AclAllTable, 0},
	ast.ObjectSequence:   {"sequence", catalog.AclAllSequence, 0},
	ast.ObjectSchema:     {"schema", catalog.AclAllSchema, 0},
	ast.ObjectDatabase:   {"database", catalog.AclAllDatabase, catalog.AclCreateTemp | catalog.AclConnect},
	ast.ObjectTablespace: {"tablespace", catalog.AclAllTablespace, 0},
	ast.ObjectLanguage:   {"language", catalog.AclAllLanguage, catalog.AclUsage},
	ast.ObjectFunction:   {"function", catalog.AclAllFunction, catalog.AclExecute},
	ast.ObjectProcedure:  {"procedure", catalog.AclAllFunction, catalog.AclExecute},
	ast.ObjectRoutine:    {"routine", catalog.AclAllFunction, catalog.AclExecute},
	ast.ObjectTypeType:   {"type", catalog.AclAllType, catalog.AclUsage},
	ast.ObjectDomain:     {"domain", catalog.AclAllType, catalog.AclUsage},
}

// grant is GRANT and REVOKE of privileges.
func grant(c *Context, st *ast.GrantStmt) (string, error) {
	tag := "GRANT"
	if !st.IsGrant {
		tag = "REVOKE"
	}
	k, ok := grantKinds[st.Objtype]
	if !ok || st.Targtype == ast.AclTargetDefaults {
		return "", missing(tag + " on " + strings.ToLower(st.Objtype.String()) + " objects")
	}
	grantees, err := c.grantees(st)
	if err != nil {
		return "", err
	}
	if st.Grantor != nil {
		g, err := c.role(st.Grantor, false)
		if err != nil {
			return "", err
		}
		if g != c.S.User {
			return "", pgerr.NotSupported("grantor must be current user")
		}
	}
	objs, err := c.grantObjects(st)
	if err != nil {
		return "", err
	}
	for _, o := range objs {
		if err := c.grantOn(st, k, o, grantees); err != nil {
			return "", err
		}
		if err := c.step(); err != nil {
			return "", err
		}
	}
	return tag, nil
}

// grantees resolves who gets or loses privileges; 0 is PUBLIC.
func (c *Context) grantees(st *ast.GrantStmt) ([]ids.Oid, error) {
	var out []ids.Oid
	for _, g := range st.Grantees {
		oid, err := c.role(g, true)
		if err != nil {
			return nil, err
		}
		if oid == 0 && st.IsGrant && st.GrantOption {
			return nil, pgerr.New(pgerr.InvalidGrantOperation, "grant options can only be granted to roles")
		}
		out = append(out, oid)
	}
	return out, nil
}

// grantObjects lists what a GRANT is on.
func (c *Context) grantObjects(st *ast.GrantStmt) ([]catalog.Object, error) {
	var out []catalog.Object
	if st.Targtype == ast.AclTargetAllInSchema {
		for _, n := range st.Objects {
			list, err := c.allInSchema(st.Objtype, joinNames(ast.Names(n)))
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
		return out, nil
	}
	for _, n := range st.Objects {
		if rv, ok := n.(*ast.RangeVar); ok {
			rel, err := c.openRelation(rv, locks.NoLock)
			if err != nil {
				return nil, err
			}
			switch {
			case rel.Kind == 'i' || rel.Kind == 'I':
				return nil, pgerr.New(pgerr.WrongObjectType, "%q is an index", rel.Name)
			case rel.Kind == 'c':
				return nil, pgerr.New(pgerr.WrongObjectType, "%q is a composite type", rel.Name)
			case st.Objtype == ast.ObjectSequence && rel.Kind != 'S':
				return nil, pgerr.New(pgerr.WrongObjectType, "%q is not a sequence", rel.Name)
			}
			out = append(out, catalog.RelationObject(rel.Oid))
			continue
		}
		o, err := c.objectAddress(st.Objtype, n)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (c *Context) allInSchema(kind ast.ObjectType, schema string) ([]catalog.Object, error) {
	ns, err := c.S.Cat.LookupNamespace(schema, false)
	if err != nil {
		return nil, err
	}
	var out []catalog.Object
	switch kind {
	case ast.ObjectTable, ast.ObjectSequence:
		rows, err := catalog.FetchAll[catalog.PgClass](c.S.Cat, 0)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			isSeq := r.Relkind == 'S'
			if r.Relnamespace == ns && (kind == ast.ObjectSequence && isSeq || kind == ast.ObjectTable && strings.IndexByte("rvmfp", r.Relkind) >= 0) {
				out = append(out, catalog.RelationObject(r.Oid))
			}
		}
	default:
		rows, err := catalog.FetchAll[catalog.PgProc](c.S.Cat, 0)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.Pronamespace == ns && (kind != ast.ObjectProcedure || r.Prokind == 'p') && (kind != ast.ObjectFunction || r.Prokind != 'p') {
				out = append(out, catalog.Object{Class: catalog.PgProcOid, Oid: r.Oid})
			}
		}
	}
	return out, nil
}

// grantOn applies a GRANT to one object and to the columns that it names.
func (c *Context) grantOn(st *ast.GrantStmt, k grantKind, o catalog.Object, grantees []ids.Oid) error {
	owner, err := c.ownerOf(o)
	if err != nil {
		return err
	}
	if o.Class == catalog.PgClassOid && st.Objtype == ast.ObjectTable {
		if r, err := c.S.Relation(o.Oid); err != nil {
			return err
		} else if r.Kind == 'S' {
			k = grantKinds[ast.ObjectSequence]
			k.all |= catalog.AclSelect | catalog.AclUpdate
		}
	}
	bits, columns, err := privilegesOf(st, k)
	if err != nil {
		return err
	}
	if bits != 0 {
		a, err := c.aclOf(o)
		if err != nil {
			return err
		}
		if *a.list == nil {
			*a.list = defaultAcl(owner, k)
		}
		if err := c.changeAcl(st, a.list, owner, grantees, bits, k.all, o); err != nil {
			return err
		}
		if err := c.S.Cat.Update(a.row); err != nil {
			return err
		}
		if err := c.S.Cat.RecordAcl(o, owner, *a.list); err != nil {
			return err
		}
	}
	if !st.IsGrant && st.Objtype == ast.ObjectTable && bits&columnPrivileges != 0 {
		if columns, err = c.withAllColumns(o, columns, bits&columnPrivileges); err != nil {
			return err
		}
	}
	return c.grantColumns(st, o, owner, grantees, columns)
}

// withAllColumns adds every column that has an access control list: what is revoked for the table goes for them, too.
func (c *Context) withAllColumns(o catalog.Object, columns map[string]uint32, bits uint32) (map[string]uint32, error) {
	rel, err := c.S.Relation(o.Oid)
	if err != nil {
		return nil, err
	}
	if columns == nil {
		columns = map[string]uint32{}
	}
	for i := range rel.Desc.Attrs {
		if rel.Desc.Attrs[i].Dropped {
			continue
		}
		row, err := c.S.Cat.Attribute(rel.Oid, int16(i+1))
		if err != nil {
			return nil, err
		}
		if row != nil && len(row.Attacl) > 0 {
			columns[row.Attname] |= bits
		}
	}
	return columns, nil
}

// privilegesOf reads the privileges of a statement: on the whole object, and by column.
func privilegesOf(st *ast.GrantStmt, k grantKind) (bits uint32, columns map[string]uint32, err error) {
	if st.Privileges == nil {
		return k.all, nil, nil
	}
	columns = map[string]uint32{}
	for _, p := range st.Privileges {
		b := uint32(0)
		if p.PrivName == "" {
			b = k.all
			if p.Cols != nil {
				b = columnPrivileges
			}
		} else {
			var ok bool
			if b, ok = privilegeBits[p.PrivName]; !ok {
				return 0, nil, pgerr.New(pgerr.SyntaxError, "unrecognized privilege type %q", p.PrivName)
			}
		}
		if p.Cols == nil {
			if k.what == "table" && b&^(catalog.AclAllTable|catalog.AclAllSequence) != 0 {
				return 0, nil, pgerr.New(pgerr.InvalidGrantOperation, "invalid privilege type %s for relation", strings.ToUpper(p.PrivName))
			}
			if b&^k.all != 0 {
				return 0, nil, pgerr.New(pgerr.InvalidGrantOperation, "invalid privilege type %s for %s", strings.ToUpper(p.PrivName), k.what)
			}
			bits |= b
			continue
		}
		if k.what != "table" {
			return 0, nil, pgerr.New(pgerr.InvalidGrantOperation, "column privileges are only valid for relations")
		}
		if b&^columnPrivileges != 0 {
			return 0, nil, pgerr.New(pgerr.InvalidGrantOperation, "invalid privilege type %s for column", strings.ToUpper(p.PrivName))
		}
		for _, col := range p.Cols {
			columns[col] |= b
		}
	}
	return bits, columns, nil
}

func defaultAcl(owner ids.Oid, k grantKind) []catalog.AclItem {
	var out []catalog.AclItem
	if k.public != 0 {
		out = append(out, catalog.AclItem{Grantee: 0, Grantor: owner, Privs: k.public})
	}
	return append(out, catalog.AclItem{Grantee: owner, Grantor: owner, Privs: k.all})
}

func (c *Context) grantColumns(st *ast.GrantStmt, o catalog.Object, owner ids.Oid, grantees []ids.Oid, columns map[string]uint32) error {
	if len(columns) == 0 {
		return nil
	}
	rel, err := c.S.Relation(o.Oid)
	if err != nil {
		return err
	}
	for i := range rel.Desc.Attrs {
		name := rel.Desc.Attrs[i].Name
		bits := columns[name]
		if bits == 0 || rel.Desc.Attrs[i].Dropped {
			continue
		}
		delete(columns, name)
		row, err := c.S.Cat.Attribute(rel.Oid, int16(i+1))
		if err != nil {
			return err
		}
		col := catalog.ColumnObject(rel.Oid, int16(i+1))
		acl := row.Attacl
		if err := c.changeAcl(st, &acl, owner, grantees, bits, columnPrivileges, col); err != nil {
			return err
		}
		if row.Attacl = acl; len(acl) == 0 {
			row.Attacl = nil
		}
		if err := c.S.Cat.Update(row); err != nil {
			return err
		}
		if err := c.S.Cat.RecordAcl(col, owner, acl); err != nil {
			return err
		}
	}
	for name := range columns {
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, rel.Name)
	}
	return nil
}

// changeAcl applies a GRANT or REVOKE to an access control list.
func (c *Context) changeAcl(st *ast.GrantStmt, list *[]catalog.AclItem, owner ids.Oid, grantees []ids.Oid, bits, all uint32, o catalog.Object) error {
	grantor, avail, err := c.bestGrantor(*list, owner, bits)
	if err != nil {
		return err
	}
	if avail == 0 {
		if have, err := c.S.Cat.AclMask(c.S.User, owner, *list, all|all<<16, all, 0); err != nil {
			return err
		} else if have == 0 {
			return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for %s", c.S.Cat.Describe(o))
		}
	}
	if avail&bits != bits {
		word, code := "granted", pgerr.Code("01007")
		if !st.IsGrant {
			word, code = "revoked", "01006"
		}
		name := lastWord(c.S.Cat.Describe(o))
		switch {
		case avail&bits == 0:
			c.S.Warn(code, "no privileges could be %s for %q", word, name)
		case st.Privileges != nil:
			c.S.Warn(code, "not all privileges could be %s for %q", word, name)
		}
		bits &= avail
	}
	if bits == 0 {
		return nil
	}
	for _, g := range grantees {
		if st.IsGrant {
			p := bits
			if st.GrantOption {
				p |= catalog.GrantOption(bits)
			}
			*list = aclAdd(*list, g, grantor, p)
			continue
		}
		p := catalog.GrantOption(bits)
		if !st.GrantOption {
			p |= bits
		}
		if *list, err = aclRemove(*list, g, grantor, p, owner, st.Behavior == ast.DropCascade); err != nil {
			return err
		}
	}
	return nil
}

func lastWord(s string) string { return s[strings.LastIndexByte(s, ' ')+1:] }

// bestGrantor chooses in whose name a privilege is granted: the owner's for who has his privileges, else a role's that has
// the grant options. avail are the privileges that it can grant.
func (c *Context) bestGrantor(list []catalog.AclItem, owner ids.Oid, bits uint32) (grantor ids.Oid, avail uint32, err error) {
	ok, err := c.S.Cat.HasPrivsOf(c.S.User, owner)
	if ok || err != nil {
		return owner, bits, err
	}
	grantor = c.S.User
	for _, it := range list {
		if it.Grantee == 0 {
			continue
		}
		in, err := c.S.Cat.HasPrivsOf(c.S.User, it.Grantee)
		if err != nil {
			return 0, 0, err
		}
		if have := it.Privs >> 16 & bits; in && onesCount(have) > onesCount(avail) {
			grantor, avail = it.Grantee, have
		}
	}
	return grantor, avail, nil
}

func onesCount(v uint32) (n int) {
	for ; v != 0; v &= v - 1 {
		n++
	}
	return n
}

func aclAdd(list []catalog.AclItem, grantee, grantor ids.Oid, privs uint32) []catalog.AclItem {
	out := append([]catalog.AclItem(nil), list...)
	for i := range out {
		if out[i].Grantee == grantee && out[i].Grantor == grantor {
			out[i].Privs |= privs
			return out
		}
	}
	return append(out, catalog.AclItem{Grantee: grantee, Grantor: grantor, Privs: privs})
}

// aclRemove takes privileges away, and with cascade what was granted by the grant options that go.
func aclRemove(list []catalog.AclItem, grantee, grantor ids.Oid, privs uint32, owner ids.Oid, cascade bool) ([]catalog.AclItem, error) {
	out := make([]catalog.AclItem, 0, len(list))
	for _, it := range list {
		if it.Grantee == grantee && it.Grantor == grantor {
			if it.Privs &^= privs; it.Privs == 0 {
				continue
			}
		}
		out = append(out, it)
	}
	if grantee == owner || grantee == 0 {
		return out, nil
	}
	still := uint32(0)
	for _, it := range out {
		if it.Grantee == grantee {
			still |= it.Privs >> 16
		}
	}
	lost := privs >> 16 &^ still
	for _, it := range append([]catalog.AclItem(nil), out...) {
		if it.Grantor != grantee || it.Privs&lost == 0 {
			continue
		}
		if !cascade {
			return nil, pgerr.New(pgerr.DependentObjectsStillExist, "dependent privileges exist").WithHint("Use CASCADE to revoke them too.")
		}
		var err error
		if out, err = aclRemove(out, it.Grantee, grantee, lost|lost<<16, owner, true); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// aclRow is a catalog row that has been read, and the list in it.
type aclRow struct {
	row  catalog.Row
	list *[]catalog.AclItem
}

// aclOf reads the row with an object's access control list.
func (c *Context) aclOf(o catalog.Object) (aclRow, error) {
	cat := c.S.Cat
	key := catalog.OidKey(1, o.Oid)
	switch o.Class {
	case catalog.PgClassOid:
		r, err := cat.ClassRow(o.Oid)
		if err != nil {
			return aclRow{}, err
		}
		return aclRow{r, &r.Relacl}, nil
	case catalog.PgNamespaceOid:
		r, err := catalog.Fetch[catalog.PgNamespace](cat, catalog.PgNamespaceOidIndex, key)
		if err != nil {
			return aclRow{}, err
		}
		return aclRow{r, &r.Nspacl}, nil
	case catalog.PgDatabaseOid:
		r, err := catalog.Fetch[catalog.PgDatabase](cat, catalog.PgDatabaseOidIndex, key)
		if err != nil {
			return aclRow{}, err
		}
		return aclRow{r, &r.Datacl}, nil
	case catalog.PgTablespaceOid:
		r, err := catalog.Fetch[catalog.PgTablespace](cat, catalog.PgTablespaceOidIndex, key)
		if err != nil {
			return aclRow{}, err
		}
		return aclRow{r, &r.Spcacl}, nil
	case catalog.PgLanguageOid:
		r, err := catalog.Fetch[catalog.PgLanguage](cat, catalog.PgLanguageOidIndex, key)
		if err != nil {
			return aclRow{}, err
		}
		return aclRow{r, &r.Lanacl}, nil
	case catalog.PgProcOid:
		r, err := catalog.Fetch[catalog.PgProc](cat, catalog.PgProcOidIndex, key)
		if err != nil {
			return aclRow{}, err
		}
		return aclRow{r, &r.Proacl}, nil
	case catalog.PgTypeOid:
		r, err := catalog.Fetch[catalog.PgType](cat, catalog.PgTypeOidIndex, key)
		if err != nil {
			return aclRow{}, err
		}
		return aclRow{r, &r.Typacl}, nil
	}
	return aclRow{}, missing("GRANT on " + c.S.Cat.Describe(o))
}
