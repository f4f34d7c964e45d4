package catfuncs

import (
	"strings"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// privilege is one word of a privilege string.
type privilege struct {
	word string
	bits uint32
}

func withGrant(list []privilege) []privilege {
	out := list
	for _, p := range list {
		out = append(out, privilege{p.word + " WITH GRANT OPTION", catalog.GrantOption(p.bits)})
	}
	return out
}

// parsePrivileges reads a list of privileges separated by commas; one bit set for each alternative.
func parsePrivileges(list []privilege, s string) ([]uint32, error) {
	var out []uint32
next:
	for _, w := range strings.Split(s, ",") {
		w = strings.TrimSpace(w)
		for _, p := range list {
			if strings.EqualFold(p.word, w) {
				out = append(out, p.bits)
				continue next
			}
		}
		return nil, pgerr.New(pgerr.InvalidParameterValue, "unrecognized privilege type: \"%s\"", w)
	}
	return out, nil
}

// object is a kind of object that privileges can be asked about.
type object struct {
	name  string // in the functions' names
	privs []privilege
	// find returns the object's Oid from its name.
	find func(s *catalog.Session, name string) (ids.Oid, error)
	// mask returns which of want the role has; exists is false when there is no such object.
	mask func(s *catalog.Session, role, obj ids.Oid, want uint32) (have uint32, exists bool, err error)
}

var tablePrivs = withGrant([]privilege{{"SELECT", catalog.AclSelect}, {"INSERT", catalog.AclInsert}, {"UPDATE", catalog.AclUpdate},
	{"DELETE", catalog.AclDelete}, {"TRUNCATE", catalog.AclTruncate}, {"REFERENCES", catalog.AclReferences}, {"TRIGGER", catalog.AclTrigger}})

var parameterPrivs = withGrant([]privilege{{"SET", catalog.AclSet}, {"ALTER SYSTEM", catalog.AclAlterSystem}})

var columnPrivs = withGrant([]privilege{{"SELECT", catalog.AclSelect}, {"INSERT", catalog.AclInsert}, {"UPDATE", catalog.AclUpdate},
	{"REFERENCES", catalog.AclReferences}})

func findRelation(s *catalog.Session, name string) (ids.Oid, error) {
	return s.LookupName(types.RegClass, name)
}

// findAlias reads a name as an alias type of oid does, which takes numbers, too.
func findAlias(typ ids.Oid) func(s *catalog.Session, name string) (ids.Oid, error) {
	kind, _ := types.RegKindOf(typ)
	return func(s *catalog.Session, name string) (ids.Oid, error) {
		if name != "" && strings.Trim(name, "0123456789") == "" {
			d, err := types.Input(types.DefaultEnv, types.Builtin(types.OidOid), name, -1)
			return d.Oid(), err
		}
		return s.LookupName(kind, name)
	}
}

func relationMask(s *catalog.Session, role, obj ids.Oid, want uint32) (uint32, bool, error) {
	r, err := s.Relation(obj)
	if r == nil || err != nil {
		return 0, false, err
	}
	have, err := s.RelationPrivileges(role, r, want)
	return have, true, err
}

var objects = []object{
	{"table", tablePrivs, findRelation, relationMask},
	{"sequence", withGrant([]privilege{{"USAGE", catalog.AclUsage}, {"SELECT", catalog.AclSelect}, {"UPDATE", catalog.AclUpdate}}), findRelation, relationMask},
	{"schema", withGrant([]privilege{{"CREATE", catalog.AclCreate}, {"USAGE", catalog.AclUsage}}),
		func(s *catalog.Session, name string) (ids.Oid, error) { return namespaceOid(s, name) },
		func(s *catalog.Session, role, obj ids.Oid, want uint32) (uint32, bool, error) {
			n, err := s.Namespace(obj)
			if n == nil || err != nil {
				return 0, false, err
			}
			have, err := s.AclMask(role, n.Nspowner, n.Nspacl, want, catalog.AclAllSchema, 0)
			return have, true, err
		}},
	{"database", withGrant([]privilege{{"CREATE", catalog.AclCreate}, {"TEMPORARY", catalog.AclCreateTemp}, {"TEMP", catalog.AclCreateTemp}, {"CONNECT", catalog.AclConnect}}),
		func(s *catalog.Session, name string) (ids.Oid, error) {
			d, err := s.DatabaseByName(name)
			if d == nil && err == nil {
				err = pgerr.New(pgerr.UndefinedDatabase, "database \"%s\" does not exist", name)
			}
			if err != nil {
				return 0, err
			}
			return d.Oid, nil
		},
		func(s *catalog.Session, role, obj ids.Oid, want uint32) (uint32, bool, error) {
			d, err := s.DatabaseRow(obj)
			if d == nil || err != nil {
				return 0, false, err
			}
			have, err := s.DatabasePrivileges(role, d, want)
			return have, true, err
		}},
	{"function", withGrant([]privilege{{"EXECUTE", catalog.AclExecute}}),
		findAlias(types.RegprocedureOid),
		func(s *catalog.Session, role, obj ids.Oid, want uint32) (uint32, bool, error) {
			p, err := s.Proc(obj)
			if p == nil || err != nil {
				return 0, false, err
			}
			have, err := s.AclMask(role, p.Proowner, p.Proacl, want, catalog.AclExecute, catalog.AclExecute)
			return have, true, err
		}},
	{"language", withGrant([]privilege{{"USAGE", catalog.AclUsage}}),
		func(s *catalog.Session, name string) (ids.Oid, error) {
			l, err := s.LanguageByName(name)
			if l == nil && err == nil {
				err = pgerr.New(pgerr.UndefinedObject, "language \"%s\" does not exist", name)
			}
			if err != nil {
				return 0, err
			}
			return l.Oid, nil
		},
		func(s *catalog.Session, role, obj ids.Oid, want uint32) (uint32, bool, error) {
			l, err := s.Language(obj)
			if l == nil || err != nil {
				return 0, false, err
			}
			have, err := s.AclMask(role, l.Lanowner, l.Lanacl, want, catalog.AclUsage, catalog.AclUsage)
			return have, true, err
		}},
	{"tablespace", withGrant([]privilege{{"CREATE", catalog.AclCreate}}),
		func(s *catalog.Session, name string) (ids.Oid, error) {
			t, err := s.TablespaceByName(name)
			if t == nil && err == nil {
				err = pgerr.New(pgerr.UndefinedObject, "tablespace \"%s\" does not exist", name)
			}
			if err != nil {
				return 0, err
			}
			return t.Oid, nil
		},
		func(s *catalog.Session, role, obj ids.Oid, want uint32) (uint32, bool, error) {
			t, err := s.Tablespace(obj)
			if t == nil || err != nil {
				return 0, false, err
			}
			have, err := s.TablespacePrivileges(role, t, want)
			return have, true, err
		}},
	{"type", withGrant([]privilege{{"USAGE", catalog.AclUsage}}),
		findAlias(types.RegtypeOid),
		func(s *catalog.Session, role, obj ids.Oid, want uint32) (uint32, bool, error) {
			t, err := s.TypeRow(obj)
			if t == nil || err != nil {
				return 0, false, err
			}
			have, err := s.AclMask(role, t.Typowner, t.Typacl, want, catalog.AclUsage, catalog.AclUsage)
			return have, true, err
		}},
	{"foreign_data_wrapper", withGrant([]privilege{{"USAGE", catalog.AclUsage}}),
		func(s *catalog.Session, name string) (ids.Oid, error) {
			w, err := catalog.Fetch[catalog.PgForeignDataWrapper](s, catalog.PgForeignDataWrapperNameIndex, catalog.NameKey(catalog.AttPgForeignDataWrapperFdwname, name))
			if w == nil && err == nil {
				err = pgerr.New(pgerr.UndefinedObject, "foreign-data wrapper \"%s\" does not exist", name)
			}
			if err != nil {
				return 0, err
			}
			return w.Oid, nil
		},
		func(s *catalog.Session, role, obj ids.Oid, want uint32) (uint32, bool, error) {
			w, err := catalog.Fetch[catalog.PgForeignDataWrapper](s, catalog.PgForeignDataWrapperOidIndex, catalog.OidKey(1, obj))
			if w == nil || err != nil {
				return 0, false, err
			}
			have, err := s.AclMask(role, w.Fdwowner, w.Fdwacl, want, catalog.AclUsage, 0)
			return have, true, err
		}},
	{"server", withGrant([]privilege{{"USAGE", catalog.AclUsage}}),
		func(s *catalog.Session, name string) (ids.Oid, error) {
			w, err := catalog.Fetch[catalog.PgForeignServer](s, catalog.PgForeignServerNameIndex, catalog.NameKey(catalog.AttPgForeignServerSrvname, name))
			if w == nil && err == nil {
				err = pgerr.New(pgerr.UndefinedObject, "server \"%s\" does not exist", name)
			}
			if err != nil {
				return 0, err
			}
			return w.Oid, nil
		},
		func(s *catalog.Session, role, obj ids.Oid, want uint32) (uint32, bool, error) {
			w, err := catalog.Fetch[catalog.PgForeignServer](s, catalog.PgForeignServerOidIndex, catalog.OidKey(1, obj))
			if w == nil || err != nil {
				return 0, false, err
			}
			have, err := s.AclMask(role, w.Srvowner, w.Srvacl, want, catalog.AclUsage, 0)
			return have, true, err
		}},
}

func namespaceOid(s *catalog.Session, name string) (ids.Oid, error) {
	n, err := s.NamespaceByName(name)
	if n == nil && err == nil {
		err = pgerr.New(pgerr.InvalidSchemaName, "schema \"%s\" does not exist", name)
	}
	if err != nil {
		return 0, err
	}
	return n.Oid, nil
}

// asked is who is asked about: the first argument, a name or an Oid, or the current user.
func asked(s *catalog.Session, c *functions.Call, form string) (role ids.Oid, rest int, err error) {
	switch form {
	case "name":
		role, err = roleNamed(s, str(c, 0))
		return role, 1, err
	case "id":
		return oid(c, 0), 1, nil
	}
	return c.Env.CurrentUser(), 0, nil
}

// privilegeFunctions makes the six forms of has_x_privilege: role by name, by Oid or the current one; object by name or by Oid.
func privilegeFunctions() []functions.Entry {
	var out []functions.Entry
	for _, o := range objects {
		for _, roleForm := range []string{"", "name", "id"} {
			for _, objForm := range []string{"name", "id"} {
				name := "has_" + o.name + "_privilege_" + objForm
				if roleForm != "" {
					name = "has_" + o.name + "_privilege_" + roleForm + "_" + objForm
				}
				out = append(out, entry(name, func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
					return o.has(s, c, roleForm, objForm)
				}))
			}
		}
	}
	return append(out, columnFunctions()...)
}

func (o *object) has(s *catalog.Session, c *functions.Call, roleForm, objForm string) (types.Datum, error) {
	role, i, err := asked(s, c, roleForm)
	if err != nil {
		return null(err)
	}
	obj := ids.Oid(0)
	var alternatives []uint32
	if o.name == "sequence" { // the privilege is read first
		if alternatives, err = parsePrivileges(o.privs, str(c, i+1)); err != nil {
			return null(err)
		}
	}
	if objForm == "name" {
		obj, err = o.find(s, str(c, i))
	} else {
		obj = oid(c, i)
	}
	if err != nil {
		return null(err)
	}
	if alternatives, err = parsePrivileges(o.privs, str(c, i+1)); err != nil {
		return null(err)
	}
	for _, want := range alternatives {
		have, exists, err := o.mask(s, role, obj, want)
		if !exists || err != nil {
			return null(err)
		}
		if have&want == want {
			return types.Bool(true), nil
		}
	}
	return types.Bool(false), nil
}

// columnFunctions makes the forms of has_column_privilege and has_any_column_privilege.
func columnFunctions() []functions.Entry {
	var out []functions.Entry
	for _, roleForm := range []string{"", "name_", "id_"} {
		for _, relForm := range []string{"name", "id"} {
			role := strings.TrimSuffix(roleForm, "_")
			out = append(out, entry("has_any_column_privilege_"+roleForm+relForm, func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
				return columnPrivilege(s, c, role, relForm, "")
			}))
			for _, colForm := range []string{"name", "attnum"} {
				out = append(out, entry("has_column_privilege_"+roleForm+relForm+"_"+colForm, func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
					return columnPrivilege(s, c, role, relForm, colForm)
				}))
			}
		}
	}
	return out
}

// columnPrivilege answers for one column, or with an empty colForm for any column of the relation.
func columnPrivilege(s *catalog.Session, c *functions.Call, roleForm, relForm, colForm string) (types.Datum, error) {
	role, i, err := asked(s, c, roleForm)
	if err != nil {
		return null(err)
	}
	rel := ids.Oid(0)
	if relForm == "name" {
		rel, err = findRelation(s, str(c, i))
	} else {
		rel = oid(c, i)
	}
	if err != nil {
		return null(err)
	}
	i++
	r, err := s.Relation(rel)
	if err != nil {
		return null(err)
	}
	var cols []int16
	switch colForm {
	case "name":
		if r != nil {
			att := r.AttNum(str(c, i))
			if att == 0 {
				return null(pgerr.New(pgerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", str(c, i), r.Name))
			}
			cols = []int16{att}
		}
		i++
	case "attnum":
		cols = []int16{int16(c.Args[i].Int())}
		i++
	default:
		if r != nil {
			for n := range r.Desc.Attrs {
				if !r.Desc.Attrs[n].Dropped {
					cols = append(cols, int16(n+1))
				}
			}
		}
	}
	alternatives, err := parsePrivileges(columnPrivs, str(c, i))
	if r == nil || err != nil {
		return null(err)
	}
	if colForm == "attnum" && r.AttName(cols[0]) == "" {
		return types.Null, nil
	}
	return hasColumns(s, role, r, cols, alternatives)
}

func hasColumns(s *catalog.Session, role ids.Oid, r *catalog.Relation, cols []int16, alternatives []uint32) (types.Datum, error) {
	for _, want := range alternatives {
		have, err := s.RelationPrivileges(role, r, want)
		if err != nil {
			return null(err)
		}
		if have&want == want {
			return types.Bool(true), nil
		}
		for _, att := range cols {
			a, err := s.Attribute(r.Oid, att)
			if err != nil {
				return null(err)
			}
			if a == nil || a.Attacl == nil {
				continue
			}
			have, err := s.AclMask(role, r.Owner, a.Attacl, want, 0, 0)
			if err != nil {
				return null(err)
			}
			if have&want == want {
				return types.Bool(true), nil
			}
		}
	}
	return types.Bool(false), nil
}

// roleFunctions makes the six forms of pg_has_role, and the answers about parameters and row security.
func roleFunctions() []functions.Entry {
	const member, usage = 1, 2
	words := []privilege{{"USAGE", usage}, {"MEMBER", member}, {"USAGE WITH GRANT OPTION", 4}, {"USAGE WITH ADMIN OPTION", 4},
		{"MEMBER WITH GRANT OPTION", 4}, {"MEMBER WITH ADMIN OPTION", 4}}
	has := func(s *catalog.Session, c *functions.Call, userForm, roleForm string) (types.Datum, error) {
		user, i, err := asked(s, c, userForm)
		if err != nil {
			return null(err)
		}
		role := ids.Oid(0)
		if roleForm == "name" {
			role, err = s.LookupRoleOid(str(c, i))
		} else {
			role = oid(c, i)
		}
		if err != nil {
			return null(err)
		}
		alternatives, err := parsePrivileges(words, str(c, i+1))
		if err != nil {
			return null(err)
		}
		for _, want := range alternatives {
			var ok bool
			switch want {
			case usage:
				ok, err = s.HasPrivsOf(user, role)
			case member:
				ok, err = s.IsMemberOf(user, role)
			default:
				ok, err = s.IsAdminOf(user, role)
			}
			if ok || err != nil {
				return types.Bool(ok), err
			}
		}
		return types.Bool(false), nil
	}
	var out []functions.Entry
	for _, userForm := range []string{"", "name_", "id_"} {
		for _, roleForm := range []string{"name", "id"} {
			user := strings.TrimSuffix(userForm, "_")
			out = append(out, entry("pg_has_role_"+userForm+roleForm, func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
				return has(s, c, user, roleForm)
			}))
		}
	}
	noRLS := func(*catalog.Session, *functions.Call) (types.Datum, error) { return types.Bool(false), nil }
	parameter := func(userForm string) fn {
		return func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			if _, err := parsePrivileges(parameterPrivs, str(c, len(c.Args)-1)); err != nil {
				return null(err)
			}
			user, _, err := asked(s, c, userForm)
			if err != nil {
				return null(err)
			}
			super, err := s.IsSuperuser(user)
			return types.Bool(super), err
		}
	}
	return append(out, entry("row_security_active", noRLS), entry("row_security_active_name", noRLS),
		entry("has_parameter_privilege_name", parameter("")), entry("has_parameter_privilege_name_name", parameter("name")),
		entry("has_parameter_privilege_id_name", parameter("id")))
}
