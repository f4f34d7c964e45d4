package catfuncs

import (
	"testing"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// testEnv is an environment over catalogs in memory.
type testEnv struct {
	functions.Env
	s *catalog.Session
}

func (e testEnv) Catalogs() *catalog.Session { return e.s }

func (e testEnv) LookupName(kind types.RegKind, name string) (ids.Oid, error) {
	return e.s.LookupName(kind, name)
}

func (e testEnv) ObjectName(kind types.RegKind, oid ids.Oid) (string, bool) {
	return e.s.ObjectName(kind, oid)
}

func newEnv(t testing.TB) testEnv {
	s, err := catalog.NewInMemory()
	if err != nil {
		t.Fatal(err)
	}
	return testEnv{functions.DefaultEnv(), s}
}

// TestCalls calls built-ins by their pg_proc Oid with arguments in text form, as the server would.
func TestCalls(t *testing.T) {
	env := newEnv(t)
	reg := functions.Builtins().With(Entries())
	for _, tc := range []struct {
		fn   ids.Oid
		args []string
		want string // of the result's text; NULL
	}{
		{2079, []string{"1259"}, "t"}, {2079, []string{"999999"}, "NULL"}, {2080, []string{"23"}, "t"},
		{1081, []string{"23", "-1"}, "integer"}, {1081, []string{"1043", "14"}, "character varying(10)"},
		{1642, []string{"10"}, "postgres"}, {1642, []string{"77"}, "unknown (OID=77)"},
		{1597, []string{"6"}, "UTF8"}, {1264, []string{"utf-8"}, "6"}, {1264, []string{"Latin1"}, "8"},
		{1402, nil, "public"}, {1403, []string{"t"}, "{pg_catalog,public}"},
		{3495, []string{"pg_class"}, "pg_class"}, {3495, []string{"nothing"}, "NULL"}, {3493, []string{"int4[]"}, "integer[]"},
		{1922, []string{"postgres", "pg_class", "select"}, "t"},
		{2273, []string{"2200", "usage, create"}, "t"},
		{1215, []string{"1259", "pg_class"}, "NULL"},
	} {
		p, err := env.s.Proc(tc.fn)
		if err != nil || p == nil {
			t.Fatalf("no function %d: %v", tc.fn, err)
		}
		if len(p.Proargtypes) != len(tc.args) {
			continue
		}
		got, err := call(env, reg, p, tc.args)
		if err != nil {
			t.Errorf("%s%v: %v", p.Proname, tc.args, err)
		} else if got != tc.want {
			t.Errorf("%s%v = %s, want %s", p.Proname, tc.args, got, tc.want)
		}
	}
}

func call(env testEnv, reg *functions.Registry, p *catalog.Proc, args []string) (string, error) {
	e := reg.Lookup(p.Prosrc)
	if e == nil || e.Scalar == nil {
		return "", pgerr.Internal("%s is not there", p.Prosrc)
	}
	ret, err := env.s.Type(p.Prorettype)
	if err != nil {
		return "", err
	}
	c := &functions.Call{Env: env, RetType: ret}
	for i, a := range args {
		typ, err := env.s.Type(p.Proargtypes[i])
		if err != nil {
			return "", err
		}
		d, err := types.Input(env, typ, a, -1)
		if err != nil {
			return "", err
		}
		c.Args, c.ArgTypes = append(c.Args, d), append(c.ArgTypes, typ)
	}
	d, err := e.Scalar(c)
	if err != nil {
		return "", err
	}
	if d.IsNull() {
		return "NULL", nil
	}
	return types.OutputString(env, ret, d), nil
}

// TestNamesAreListed checks that every entry belongs to a function of pg_proc, or to information_schema.
func TestNamesAreListed(t *testing.T) {
	env := newEnv(t)
	listed := make(map[string]bool)
	procs, err := catalog.FetchAll[catalog.PgProc](env.s, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		listed[p.Prosrc] = true
	}
	for _, e := range infoFunctions() {
		listed[e.Name] = true
	}
	seen := make(map[string]bool)
	for _, e := range Entries() {
		if !listed[e.Name] {
			t.Errorf("no built-in function has prosrc %q", e.Name)
		}
		if seen[e.Name] {
			t.Errorf("two entries %q", e.Name)
		}
		seen[e.Name] = true
	}
}
