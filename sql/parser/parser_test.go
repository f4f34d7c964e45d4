package parser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// TestScripts runs testdata/script: "parse" prints the trees of the statements, "locate" prints them with
// locations, "expr" and "type" parse just that, "tokens" prints the lexer's tokens.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/script", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "parse", "locate":
				return dumpAll(d.Input, d.Cmd == "locate")
			case "expr":
				n, err := ParseExpr(d.Input)
				return dumpOne(n, err)
			case "type":
				n, err := ParseTypeName(d.Input)
				return dumpOne(n, err)
			case "assign":
				n, err := ParsePLAssign(d.Input, 1)
				return dumpOne(n, err)
			case "tokens":
				return dumpTokens(d.Input)
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

func dumpAll(sql string, locate bool) string {
	stmts, err := Parse(sql)
	if err != nil {
		return outcome(sql) + "\n"
	}
	var b strings.Builder
	for _, s := range stmts {
		if locate {
			fmt.Fprintf(&b, "%s [%q] %s\n", s.Stmt.CommandTag(), s.Text(sql), ast.DumpLoc(s.Stmt))
		} else {
			fmt.Fprintf(&b, "%s\n", ast.Dump(s.Stmt))
		}
	}
	return b.String()
}

func dumpOne(n ast.Node, err error) string {
	if err != nil {
		e := pgerr.From(err)
		return formatOutcome(string(e.Code), e.Position, e.Message, e.Hint) + "\n"
	}
	return ast.DumpLoc(n) + "\n"
}

func dumpTokens(sql string) string {
	lx := lexer{sql: sql}
	var b strings.Builder
	for {
		t := lx.next()
		switch {
		case t.kind == tokEOF:
			return b.String()
		case t.kind == tokError:
			return b.String() + lx.err.Message + "\n"
		case t.kind.isKeyword():
			fmt.Fprintf(&b, "%d-%d keyword %s\n", t.pos, t.end, t.str)
		case t.kind < 128:
			fmt.Fprintf(&b, "%d-%d %c\n", t.pos, t.end, rune(t.kind))
		default:
			fmt.Fprintf(&b, "%d-%d %s %q\n", t.pos, t.end, kindNames[t.kind], t.str)
		}
	}
}

var kindNames = map[tokKind]string{tokIdent: "ident", tokUIdent: "U&ident", tokSconst: "string", tokUSconst: "U&string",
	tokBconst: "bits", tokXconst: "hex", tokIconst: "int", tokFconst: "float", tokParam: "param", tokOp: "op",
	tokTypecast: "typecast", tokDotDot: "dotdot", tokColonEquals: "assign", tokEqualsGreater: "arrow",
	tokLessEquals: "le", tokGreaterEquals: "ge", tokNotEquals: "ne", tokOther: "other"}

// TestDepth nests each construct beyond the limit and far below it.
func TestDepth(t *testing.T) {
	for _, c := range []struct{ open, mid, end string }{
		{"select ", "(", "1"}, {"select ", "- ", "a"}, {"select ", "not ", "a"}, {"select ", "@ ", "a"},
		{"", "(", "select 1"}, {"select ", "(select ", "1"}, {"select ", "f(", "1"}, {"select ", "array[", "1"},
		{"select array", "[", "1"}, {"select ", "case when ", "1"}, {"select * from ", "(", "a join b on true"},
		{"select * from ", "(select * from ", "a"}, {"select * from a ", "join a ", ""}, {"", "explain ", ""},
		{"", "with a as (", "select 1"}, {"select a", "[1 + b", "[1]"}, {"select 1 ", "= any (select ", "1"},
		{"select a from t group by ", "grouping sets (", "a"}, {"select ", "coalesce(", "1"},
		{"create schema a ", "create schema b ", ""}, {"create rule r as on select to t do instead ", "(", "select 1"},
		{"create function f() ", "begin atomic create function f() ", "return 1"}, {"select f(a) over ", "(order by f(a) over ", "()"},
		{"prepare a as ", "with a as (", "select 1"}, {"select 1 union ", "(select 1 union ", "select 2"},
	} {
		for _, n := range []int{100, 100000} {
			sql := c.open + strings.Repeat(c.mid, n) + c.end
			start := time.Now()
			_, err := Parse(sql)
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("%s %s: %d levels took %v", c.open, c.mid, n, d)
			}
			if n == 100 { // complete, or broken off
				if err != nil && !pgerr.Is(err, pgerr.SyntaxError) {
					t.Errorf("%s %s: %d levels: %v", c.open, c.mid, n, err)
				}
				continue
			}
			if !pgerr.Is(err, pgerr.SyntaxError) && !pgerr.Is(err, pgerr.StatementTooComplex) {
				t.Errorf("%s %s: %d levels: %v", c.open, c.mid, n, err)
			}
		}
	}
	deep := "select " + strings.Repeat("(", 3000) + "1" + strings.Repeat(")", 3000)
	if _, err := Parse(deep); err != nil {
		t.Error(err)
	}
	_, err := Parse("select " + strings.Repeat("(", 30000) + "1" + strings.Repeat(")", 30000))
	if e := pgerr.From(err); err == nil || e.Code != pgerr.StatementTooComplex || e.Hint == "" {
		t.Error("deep nesting:", err)
	}
}

// TestLong checks that long flat texts are parsed in linear time.
func TestLong(t *testing.T) {
	for name, sql := range map[string]string{
		"and":     "select 1 where a" + strings.Repeat(" and a", 200000),
		"plus":    "select 1" + strings.Repeat(" + 1", 200000),
		"list":    "select 1" + strings.Repeat(", 1", 200000),
		"values":  "insert into t values (1, 'x')" + strings.Repeat(", (1, 'x')", 100000),
		"union":   "select 1" + strings.Repeat(" union all select 1", 50000),
		"joins":   "select * from a" + strings.Repeat(" cross join a", 50000),
		"string":  "select '" + strings.Repeat("x''", 500000) + "'",
		"estring": `select e'` + strings.Repeat(`\x41\u0041`, 200000) + "'",
		"name":    "select " + strings.Repeat("X", 1000000),
		"many":    strings.Repeat("select 1;", 100000),
		"cast":    "select 1" + strings.Repeat("::int", 100000),
		"index":   "select a" + strings.Repeat("[1]", 100000),
		"is null": "select a" + strings.Repeat(" is null", 100000),
		"comment": strings.Repeat("/*", 100000) + strings.Repeat("*/", 100000) + "select 1",
		"concat":  "select 'a'" + strings.Repeat("\n'a'", 100000),
	} {
		start := time.Now()
		if _, err := Parse(sql); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}

func TestQuoteIdent(t *testing.T) {
	for in, want := range map[string]string{"a": "a", "A": `"A"`, "select": `"select"`, "int": `"int"`, "left": `"left"`,
		"name": "name", `a"b`: `"a""b"`, "": `""`, "1a": `"1a"`, "_a1": "_a1", "a$": `"a$"`, "ü": `"ü"`} {
		if got := QuoteIdent(in); got != want {
			t.Errorf("QuoteIdent(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestKeywords(t *testing.T) {
	all := Keywords()
	if len(all) != 460 {
		t.Errorf("%d keywords, want 460", len(all))
	}
	for i, k := range all {
		if i > 0 && all[i-1].Word >= k.Word {
			t.Errorf("%s is out of order", k.Word)
		}
		if got, ok := LookupKeyword(k.Word); !ok || got != k {
			t.Errorf("LookupKeyword(%q) = %v, %v", k.Word, got, ok)
		}
	}
	if _, ok := LookupKeyword("foo"); ok {
		t.Error("foo is a keyword")
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range corpusFiles(f) {
		for _, sql := range corpus(f, file) {
			f.Add(sql)
		}
	}
	f.Fuzz(func(t *testing.T, sql string) {
		stmts, err := Parse(sql)
		if err != nil {
			e, ok := err.(*pgerr.Error)
			if !ok || e.Code == "" || e.Code == pgerr.InternalError || e.Position > len(sql)+1 {
				t.Fatalf("%q: %v", sql, err)
			}
		}
		for _, s := range stmts {
			_ = ast.Dump(s.Stmt)
			_ = s.Stmt.CommandTag()
			_ = s.Text(sql)
		}
		var n Normalized
		if Normalize(sql, &n) && err == nil {
			if _, err := Parse(n.Text()); err != nil {
				t.Fatalf("%q became %q: %v", sql, n.Text(), err)
			}
		}
	})
}
