package catalog

import (
	"strings"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/parser"
	"gompho/sql/query"
	"gompho/types"
)

func column(name string, typ ids.Oid) NewColumn {
	f := catalogs().types[typ]
	c := NewColumn{Attr: types.Attr{Name: name, Type: typ, Typmod: -1, Len: f.len, ByVal: f.byVal, Align: f.align, Storage: f.storage}}
	if f.collation != 0 && typ != nameOid {
		c.Collation = DefaultCollation
	}
	return c
}

// makeTable makes table name (id int4, body text) with a primary key.
func makeTable(t testing.TB, s *Session, name string) ids.Oid {
	t.Helper()
	ns, err := s.CreationNamespace()
	must(t, err)
	oid, err := s.CreateRelation(&NewRelation{Name: name, Namespace: ns, Owner: s.User(), Kind: 'r', Persistence: 'p',
		Columns: []NewColumn{column("id", int4Oid), column("body", textOid)}})
	must(t, err)
	must(t, s.IncrementCommand())
	must(t, s.CreateToastTable(oid, false))
	must(t, s.IncrementCommand())
	ix, err := s.CreateIndexRows(&NewIndex{Name: name + "_pkey", Namespace: ns, Table: oid, Owner: s.User(), Persistence: 'p',
		Keys: []int16{1}, NKeyAtts: 1, Names: []string{"id"}, OpClasses: []ids.Oid{int4BtreeOps}, Unique: true, Primary: true,
		Constraint: true})
	must(t, err)
	_, err = s.CreateConstraint(&NewConstraint{PgConstraint: PgConstraint{Conname: name + "_pkey", Connamespace: ns, Contype: 'p',
		Conrelid: oid, Conindid: ix, Conkey: []int16{1}, Convalidated: true, Conislocal: true, Connoinherit: true}})
	must(t, err)
	must(t, s.IncrementCommand())
	return oid
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// makeView makes a view that reads column id of a table.
func makeView(t testing.TB, s *Session, name string, table ids.Oid) ids.Oid {
	t.Helper()
	ns, err := s.CreationNamespace()
	must(t, err)
	oid, err := s.CreateRelation(&NewRelation{Name: name, Namespace: ns, Owner: s.User(), Kind: 'v', Persistence: 'p',
		Columns: []NewColumn{column("id", int4Oid)}})
	must(t, err)
	must(t, s.IncrementCommand())
	v := &query.Var{Result: query.Result{ResType: int4Oid, ResTypmod: -1}, Varno: 1, Varattno: 1}
	q := &query.Query{CommandType: query.CmdSelect, RTable: []*query.RangeTblEntry{{Kind: query.RTERelation, Relid: table, Relkind: 'r'}},
		JoinTree:   &query.FromExpr{FromList: []query.JoinNode{&query.RangeTblRef{RTIndex: 1}}},
		TargetList: []*query.TargetEntry{{Expr: v, Resno: 1, Resname: "id"}}}
	_, err = s.CreateRule(oid, "_RETURN", '1', true, nil, q, false)
	must(t, err)
	must(t, s.IncrementCommand())
	return oid
}

func TestCreateTable(t *testing.T) { testCreateTable(t, memSession(t)) }

func testCreateTable(t *testing.T, s *Session) {
	oid := makeTable(t, s, "t")
	r, err := s.OpenRelation(RelName{Schema: "public", Name: "t"}, 1, LockOpts{})
	must(t, err)
	if r.Oid != oid || len(r.Indexes) != 1 || !r.Indexes[0].Primary || r.PrimaryKey != r.Indexes[0].Oid || r.Toast == 0 ||
		r.Indexes[0].Constraint == 0 || r.Desc.TypeOid != r.RowType {
		t.Fatalf("table: %+v", r)
	}
	if got := s.TypeName(r.RowType); got != "t" {
		t.Errorf("row type is called %q", got)
	}
	row, err := s.TypeRow(r.RowType)
	must(t, err)
	if got := s.TypeName(row.Typarray); got != "t[]" {
		t.Errorf("array type is called %q", got)
	}
	_, err = s.CreateRelation(&NewRelation{Name: "t", Namespace: ids.PublicNamespace, Owner: s.User(), Kind: 'r', Persistence: 'p'})
	if !pgerr.Is(err, pgerr.DuplicateTable) {
		t.Errorf("second table t: %v", err)
	}
	if _, err := s.OpenRelation(RelName{Schema: "nowhere", Name: "t"}, 1, LockOpts{}); err == nil ||
		pgerr.From(err).Message != `schema "nowhere" does not exist` {
		t.Errorf("nowhere.t: %v", err)
	}
}

func TestDrop(t *testing.T) { testDrop(t, memSession(t)) }

func testDrop(t *testing.T, s *Session) {
	counts := func() map[ids.Oid]int {
		m := make(map[ids.Oid]int)
		for _, table := range []ids.Oid{PgClassOid, PgAttributeOid, PgTypeOid, PgIndexOid, PgConstraintOid, PgDependOid, PgRewriteOid, PgShdependOid} {
			must(t, s.store.scan(table, 0, nil, func(ids.TID, []types.Datum) (bool, error) { m[table]++; return true, nil }))
		}
		return m
	}
	before := counts()
	oid := makeTable(t, s, "t")
	view := makeView(t, s, "v", oid)
	makeView(t, s, "w", view)
	err := s.PerformDeletion([]Object{RelationObject(oid)}, DropOpts{})
	if !pgerr.Is(err, pgerr.DependentObjectsStillExist) {
		t.Fatalf("drop restrict: %v", err)
	}
	e := pgerr.From(err)
	if e.Message != "cannot drop table t because other objects depend on it" ||
		e.Detail != "view v depends on table t\nview w depends on view v" ||
		e.Hint != "Use DROP ... CASCADE to drop the dependent objects too." {
		t.Errorf("drop restrict: %q %q %q", e.Message, e.Detail, e.Hint)
	}
	err = s.PerformDeletion([]Object{ColumnObject(oid, 1)}, DropOpts{})
	if e := pgerr.From(err); err == nil || e.Message != "cannot drop column id of table t because other objects depend on it" ||
		e.Detail != "view v depends on column id of table t\nview w depends on view v" {
		t.Errorf("drop column: %v", err)
	}
	r, err := s.Relation(oid)
	must(t, err)
	err = s.PerformDeletion([]Object{RelationObject(r.PrimaryKey)}, DropOpts{})
	if e := pgerr.From(err); err == nil || e.Message != "cannot drop index t_pkey because constraint t_pkey on table t requires it" ||
		e.Hint != "You can drop constraint t_pkey on table t instead." {
		t.Errorf("drop index: %v", err)
	}
	var notices []string
	must(t, s.PerformDeletion([]Object{RelationObject(oid)}, DropOpts{Cascade: true, Notice: func(n *pgerr.Error) {
		notices = append(notices, n.Message+": "+n.Detail)
	}}))
	if got := strings.Join(notices, "|"); got != "drop cascades to 2 other objects: drop cascades to view v\ndrop cascades to view w" {
		t.Errorf("notices: %q", got)
	}
	after := counts()
	for k, n := range before {
		if after[k] != n {
			t.Errorf("%s has %d rows, had %d", catalogName(k), after[k], n)
		}
	}
	if o, err := s.LookupRelation(RelName{Name: "t"}); o != 0 || err != nil {
		t.Errorf("t is still there: %d, %v", o, err)
	}
}

func TestDropColumn(t *testing.T) {
	s := memSession(t)
	oid := makeTable(t, s, "t")
	must(t, s.PerformDeletion([]Object{ColumnObject(oid, 1)}, DropOpts{}))
	r, err := s.Relation(oid)
	must(t, err)
	if !r.Desc.Attrs[0].Dropped || len(r.Indexes) != 0 || r.AttNum("id") != 0 || r.AttNum("body") != 2 {
		t.Errorf("after DROP COLUMN: %+v", r)
	}
}

func TestFormatType(t *testing.T) {
	s := memSession(t)
	for _, tc := range []struct {
		oid    ids.Oid
		typmod int32
		want   string
	}{
		{1042, -1, "bpchar"}, {1042, 5, "character(1)"}, {1002, -1, `"char"[]`}, {1186, 4 | 0x7fff<<16, "interval(4)"},
		{1700, -1, "numeric"}, {1700, 655366, "numeric(10,2)"}, {30, -1, "oidvector"}, {1560, -1, `"bit"`},
		{1114, 3, "timestamp(3) without time zone"}, {1115, 3, "timestamp(3) without time zone[]"}, {19, -1, "name"},
		{2275, 5, "cstring(5)"}, {0, -1, "-"}, {1043, 3, "character varying"}, {1043, 24, "character varying(20)"}, {999999, -1, "???"},
	} {
		if got := s.FormatType(tc.oid, tc.typmod); got != tc.want {
			t.Errorf("FormatType(%d, %d) = %q, want %q", tc.oid, tc.typmod, got, tc.want)
		}
	}
}

func TestQuoteIdent(t *testing.T) {
	for in, want := range map[string]string{"a": "a", "A": `"A"`, "select": `"select"`, "1a": `"1a"`, "a1": "a1", `a"b`: `"a""b"`,
		"": `""`, "abort": "abort", "between": `"between"`} {
		if got := QuoteIdent(in); got != want {
			t.Errorf("QuoteIdent(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestRegNames(t *testing.T) {
	s := memSession(t)
	makeTable(t, s, "Tab")
	for _, tc := range []struct {
		kind      types.RegKind
		in, want  string
		errorText string
	}{
		{types.RegClass, "pg_class", "pg_class", ""}, {types.RegClass, `"Tab"`, `"Tab"`, ""},
		{types.RegClass, `public."Tab"`, `"Tab"`, ""}, {types.RegClass, "Tab", "", `relation "tab" does not exist`},
		{types.RegClass, "pg_toast.pg_toast_1255", "pg_toast.pg_toast_1255", ""},
		{types.RegType, "int[]", "integer[]", ""}, {types.RegType, "timestamp with time zone", "timestamp with time zone", ""},
		{types.RegType, "nothing", "", `type "nothing" does not exist`}, {types.RegType, "varchar(3)", "character varying", ""},
		{types.RegProc, "boolin", "boolin", ""}, {types.RegProc, "sum", "", `more than one function named "sum"`},
		{types.RegProcedure, "sum(int4)", "sum(integer)", ""}, {types.RegProcedure, "sum(bool)", "", `function "sum(bool)" does not exist`},
		{types.RegOperator, "=(int4, int4)", "=(integer,integer)", ""}, {types.RegOperator, "pg_catalog.-(none,int4)", "-(NONE,integer)", ""},
		{types.RegNamespace, "public", "public", ""}, {types.RegRole, "postgres", "postgres", ""},
		{types.RegCollation, `"C"`, `"C"`, ""},
	} {
		oid, err := s.LookupName(tc.kind, tc.in)
		if tc.errorText != "" {
			if err == nil || pgerr.From(err).Message != tc.errorText {
				t.Errorf("%s: %v, want %s", tc.in, err, tc.errorText)
			}
			continue
		}
		must(t, err)
		if got, ok := s.ObjectName(tc.kind, oid); !ok || got != tc.want {
			t.Errorf("%s is shown as %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestTypes(t *testing.T) {
	s := memSession(t)
	oid := makeTable(t, s, "t")
	r, err := s.Relation(oid)
	must(t, err)
	row, err := s.Type(r.RowType)
	must(t, err)
	if row == nil || len(row.Fields) != 2 || row.Fields[1].Type.Oid != textOid {
		t.Fatalf("row type: %+v", row)
	}
	array, err := s.Type(row.Array)
	must(t, err)
	if array == nil || array.ElemType != row || !array.IsArray {
		t.Fatalf("array type: %+v", array)
	}
	col := column("extra", int4Oid)
	must(t, s.InsertColumn(oid, 3, &col, true))
	c, err := s.ClassRow(oid)
	must(t, err)
	c.Relnatts = 3
	must(t, s.Update(c))
	must(t, s.IncrementCommand())
	must(t, s.SetMissingValue(oid, 3, types.Int(-7)))
	must(t, s.IncrementCommand())
	array, err = s.Type(row.Array)
	must(t, err)
	if len(array.ElemType.Fields) != 3 {
		t.Errorf("array type has not seen the new column: %+v", array.ElemType)
	}
	r, err = s.Relation(oid)
	must(t, err)
	if m := r.Desc.Attrs[2].Missing; m == nil || m.Int() != -7 {
		t.Errorf("missing value: %v", m)
	}
}

func TestInformationSchema(t *testing.T) {
	s := memSession(t)
	row, err := s.LookupType("information_schema", "yes_or_no")
	must(t, err)
	if row == nil || row.Oid < firstUnpinned || row.Oid >= ids.FirstNormalOid {
		t.Fatalf("yes_or_no: %+v", row)
	}
	checks, err := s.DomainConstraints(row.Oid)
	must(t, err)
	if len(checks) != 1 {
		t.Fatalf("yes_or_no has %d constraints", len(checks))
	}
	if _, err := query.DecodeExpr(StrValue(checks[0].Conbin)); err != nil {
		t.Error(err)
	}
	typ, err := s.Type(row.Oid)
	must(t, err)
	if _, err := types.Input(types.DefaultEnv, typ, "MAYBE", -1); !pgerr.Is(err, pgerr.StringDataRightTruncation) {
		t.Errorf("a word of 5 letters: %v", err)
	}
	fs, err := s.FuncCandidates("information_schema", "_pg_expandarray")
	must(t, err)
	if len(fs) != 1 {
		t.Fatalf("_pg_expandarray: %v", fs)
	}
	names, typs := fs[0].OutColumns()
	if strings.Join(names, ",") != "x,n" || len(typs) != 2 {
		t.Errorf("_pg_expandarray returns %v %v", names, typs)
	}
}

func TestScripts(t *testing.T) {
	scripts, err := Scripts()
	must(t, err)
	views := 0
	for _, sc := range scripts {
		stmts, err := parser.Parse(sc.SQL)
		if err != nil {
			t.Errorf("%s: %v", sc.Name, err)
		}
		views += len(stmts)
	}
	if views < 138 {
		t.Errorf("only %d views", views)
	}
}
