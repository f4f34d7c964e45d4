package deparse

import (
	"testing"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

func session(t *testing.T) *catalog.Session {
	t.Helper()
	s, err := catalog.NewInMemory()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// callEnv is a function environment over catalogs in memory.
type callEnv struct {
	functions.Env
	cat *catalog.Session
}

func (e callEnv) Catalogs() *catalog.Session { return e.cat }

// call runs one of the SQL functions; NULL comes back as "NULL".
func call(t *testing.T, s *catalog.Session, name string, args ...types.Datum) (string, error) {
	t.Helper()
	e := functions.Builtins().With(Entries()).Lookup(name)
	if e == nil || e.Scalar == nil {
		t.Fatalf("no function %s", name)
	}
	d, err := e.Scalar(&functions.Call{Env: callEnv{functions.DefaultEnv(), s}, Args: args})
	if err != nil {
		return "", err
	}
	if d.IsNull() {
		return "NULL", nil
	}
	return d.Str(), nil
}

func TestFunctions(t *testing.T) {
	s := session(t)
	oid := types.OidDatum
	for _, c := range []struct {
		fn   string
		args []types.Datum
		want string
	}{
		{"pg_get_function_arguments", []types.Datum{oid(1067)}, "integer, integer"},
		{"pg_get_function_result", []types.Datum{oid(1067)}, "SETOF integer"},
		{"pg_get_function_arguments", []types.Datum{oid(3464)}, "years integer DEFAULT 0, months integer DEFAULT 0, weeks integer DEFAULT 0, days integer DEFAULT 0, hours integer DEFAULT 0, mins integer DEFAULT 0, secs double precision DEFAULT 0.0"},
		{"pg_get_function_identity_arguments", []types.Datum{oid(3986)}, "VARIADIC \"any\" ORDER BY VARIADIC \"any\""},
		{"pg_get_function_identity_arguments", []types.Datum{oid(3974)}, "double precision ORDER BY double precision"},
		{"pg_get_function_result", []types.Datum{oid(1686)}, "SETOF record"},
		{"pg_get_function_arguments", []types.Datum{oid(1)}, "NULL"},
		{"pg_get_indexdef", []types.Datum{oid(2663)}, "CREATE UNIQUE INDEX pg_class_relname_nsp_index ON pg_catalog.pg_class USING btree (relname, relnamespace)"},
		{"pg_get_indexdef_ext", []types.Datum{oid(2663), types.Int(2), types.Bool(true)}, "relnamespace"},
		{"pg_get_indexdef_ext", []types.Datum{oid(2663), types.Int(0), types.Bool(true)}, "CREATE UNIQUE INDEX pg_class_relname_nsp_index ON pg_class USING btree (relname, relnamespace)"},
		{"pg_get_indexdef", []types.Datum{oid(1)}, "NULL"},
		{"pg_get_viewdef", []types.Datum{oid(1259)}, "NULL"},
		{"pg_get_expr", []types.Datum{types.String(query.Encode(tinyExpr())), oid(1259)}, "(relname = 'x'::name)"},
		{"pg_get_expr_ext", []types.Datum{types.String(query.Encode(tinyExpr())), oid(1259), types.Bool(true)}, "relname = 'x'::name"},
		{"pg_get_expr", []types.Datum{types.String(query.Encode(tinyExpr())), oid(1)}, "NULL"},
	} {
		got, err := call(t, s, c.fn, c.args...)
		if err != nil || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.fn, got, err, c.want)
		}
	}
}

func TestFunctionErrors(t *testing.T) {
	s := session(t)
	for _, c := range []struct {
		fn   string
		args []types.Datum
		code pgerr.Code
	}{
		{"pg_get_expr", []types.Datum{types.String("{Nope}"), types.OidDatum(0)}, pgerr.DataCorrupted},
		{"pg_get_expr", []types.Datum{types.String("{Query :CommandType 1}"), types.OidDatum(0)}, pgerr.InvalidParameterValue},
		{"pg_get_expr", []types.Datum{types.String(query.Encode(tinyExpr())), types.OidDatum(0)}, pgerr.InvalidParameterValue},
		{"pg_get_functiondef", []types.Datum{types.OidDatum(2803)}, pgerr.WrongObjectType},
		{"pg_get_triggerdef", []types.Datum{types.OidDatum(1)}, pgerr.FeatureNotSupported},
	} {
		if got, err := call(t, s, c.fn, c.args...); !pgerr.Is(err, c.code) {
			t.Errorf("%s: got %q, %v; want %s", c.fn, got, err, c.code)
		}
	}
}

// tinyExpr is relname = 'x' over pg_class.
func tinyExpr() query.Expr {
	name := query.Result{ResType: 19, ResTypmod: -1, ResCollation: 950}
	return &query.OpExpr{Result: query.Result{ResType: 16, ResTypmod: -1}, OpNo: 93, FuncID: 62, Args: []query.Expr{
		&query.Var{Result: name, Varno: 1, Varattno: 2}, &query.Const{Result: name, Value: types.String("x")}}}
}

func TestPlanNamesAndSpecialVariables(t *testing.T) {
	s := session(t)
	rte := func() *query.RangeTblEntry {
		return &query.RangeTblEntry{Kind: query.RTERelation, Relid: catalog.PgClassOid, Relkind: 'r', Eref: &query.Alias{Name: "pg_class"}}
	}
	d, err := NewPlan(s, types.DefaultEnv, []*query.RangeTblEntry{rte(), rte(), rte()}, []int{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c := d.Name(1), d.Name(2), d.Name(3); a != "pg_class" || b != "" || c != "pg_class_1" {
		t.Fatalf("names %q %q %q", a, b, c)
	}
	inner := tinyExpr()
	d.Special = func(v *query.Var) query.Expr {
		if v.Varno == query.OuterVar {
			return inner
		}
		return nil
	}
	d.Param = func(n *query.Param, _ func(query.Expr) string) (string, bool) { return "$0", n.Kind == query.ParamExec }
	boolean := query.Result{ResType: 16, ResTypmod: -1}
	e := &query.BoolExpr{Result: boolean, Op: query.OrExpr, Args: []query.Expr{
		&query.Var{Result: boolean, Varno: query.OuterVar, Varattno: 1},
		&query.Param{Result: boolean, Kind: query.ParamExec, ID: 4},
		&query.Param{Result: boolean, Kind: query.ParamExtern, ID: 2}}}
	got, err := d.Expr(e, true, false)
	if want := "(((pg_class.relname = 'x'::name)) OR $0 OR $2)"; err != nil || got != want {
		t.Fatalf("got %s, %v; want %s", got, err, want)
	}
}

func TestConstants(t *testing.T) {
	s := session(t)
	for _, c := range []struct {
		typ    ids.Oid
		typmod int32
		v      types.Datum
		want   string
	}{
		{int4Oid, -1, types.Int(5), "5"}, {int4Oid, -1, types.Int(-5), "'-5'::integer"}, {20, -1, types.Int(5), "'5'::bigint"},
		{boolOid, -1, types.Bool(true), "true"}, {25, -1, types.String("it's"), "'it''s'::text"},
		{1043, 9, types.String("ab"), "'ab'::character varying(5)"}, {int4Oid, -1, types.Null, "NULL::integer"},
		{unknownOid, -1, types.String("q"), "'q'"},
	} {
		e := &query.Const{Result: query.Result{ResType: c.typ, ResTypmod: c.typmod}, Value: c.v}
		if got, err := Expr(s, nil, e, nil, false); err != nil || got != c.want {
			t.Errorf("got %s, %v; want %s", got, err, c.want)
		}
	}
}
