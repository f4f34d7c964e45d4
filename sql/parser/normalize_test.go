package parser

import (
	"fmt"
	"strings"
	"testing"

	"gompho/sql/ast"
)

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"SELECT abalance FROM pgbench_accounts WHERE aid = 42;", "SELECT abalance FROM pgbench_accounts WHERE aid = $1|i:42"},
		{" select 'it''s', 1.5, 5000000000, 99999999999999999999 -- c\n", "select $1, $2, $3, $4|u:it's n:1.5 l:5000000000 n:99999999999999999999"},
		{"select'x'from t where a=1and b=2", "refused"},
		{"select'x'from t where a=1 and b='y'and c", "select $1 from t where a=$2 and b=$3 and c|u:x i:1 u:y"},
		{"select $$x$$, e'a\\nb', u&'x', b'1', 'a'\n'b'", "select $1, $2, u&'x', b'1', $3|u:x u:a\nb u:ab"},
		{"select date '2020-01-01', interval '1' day, s.t 'x', n'x', a = '2020'", "select date '2020-01-01', interval '1' day, s.t 'x', n'x', a = $1|u:2020"},
		{"select x::varchar(10), y::numeric(10, 2) + 5, cast(z as char(3)) || 'a', q::int[3][4], 'x'::text, 5::int8",
			"select x::varchar(10), y::numeric(10, 2) + $1, cast(z as char(3)) || $2, q::int[3][4], $3::text, $4::int8|i:5 u:a u:x i:5"},
		{"select x::s.ty(5), (y)[1], x::timestamp(3) with time zone, (x::int[])[2]", "select x::s.ty(5), (y)[$1], x::timestamp(3) with time zone, (x::int[])[$2]|i:1 i:2"},
		{"select a from t where b in (1, 2) order by 1, a + 2 limit 3 offset 4", "select a from t where b in ($1, $2) order by 1, a + 2 limit $3 offset $4|i:1 i:2 i:3 i:4"},
		{"select * from (select 1 order by 1) x where a = 1", "select * from (select $1 order by 1) x where a = $2|i:1 i:1"},
		{"select a from t fetch first 5 rows only", "select a from t fetch first 5 rows only|"},
		{"select sum(x) over (order by y, 1) + 2", "select sum(x) over (order by y, 1) + $1|i:2"},
		{"select a from t group by 1", "refused"},
		{"select distinct a + 1 from t", "refused"},
		{"select a is distinct from 1, a is not distinct from 2", "select a is distinct from $1, a is not distinct from $2|i:1 i:2"},
		{"select -5, a - 5, -2147483648, -9223372036854775808", "select -$1, a - $2, -2147483648, -9223372036854775808|i:5 i:5"},
		{"insert into t (a, b) values (1, 'x') on conflict (a) where b = 'y' do update set b = 'z' returning 5",
			"insert into t (a, b) values ($1, $2) on conflict (a) where b = 'y' do update set b = $3 returning $4|i:1 u:x u:z i:5"},
		{"update t set a = 1 where b like 'x%' escape '!' and c between 'a' and 'b'", "update t set a = $1 where b like $2 escape $3 and c between $4 and $5|i:1 u:x% u:! u:a u:b"},
		{"delete from t where a at time zone 'UTC' > '2020'", "delete from t where a at time zone $1 > $2|u:UTC u:2020"},
		{"with x as (select 1) select * from x where a = 2", "with x as (select $1) select * from x where a = $2|i:1 i:2"},
		{"with x as materialized (select 1) select * from x as y (p, q)", "with x as materialized (select $1) select * from x as y (p, q)|i:1"},
		{"select extract('year' from a), current_time(3), substring(a from 1 for 2)", "select extract('year' from a), current_time(3), substring(a from $1 for $2)|i:1 i:2"},
		{"select 1; select 2", "refused"},
		{"select $1", "refused"},
		{"select 1 into t", "refused"},
		{"insert into t select 1", "insert into t select $1|i:1"},
		{"select my(1, 2) 'x'", "refused"},
		{"select 'unterminated", "refused"},
		{"set a = 1", "refused"},
		{"create table t (a varchar(10))", "refused"},
		{"explain select 1", "refused"},
		{"", "refused"},
		{"select a from t where b = any('{1,2}'::int[]) for update", "select a from t where b = any($1::int[]) for update|u:{1,2}"},
		{"values (1, 'a'), (2, 'b')", "values ($1, $2), ($3, $4)|i:1 u:a i:2 u:b"},
		{"select " + strings.Repeat("1,", 100) + "1", "refused"},
	} {
		if got := normalized(c.sql); got != c.want {
			t.Errorf("%s\n  got  %s\n  want %s", c.sql, got, c.want)
		}
	}
}

func normalized(sql string) string {
	var n Normalized
	if !Normalize(sql, &n) {
		return "refused"
	}
	var lits []string
	for _, l := range n.Literals {
		v := l.Text
		if l.Kind == LiteralInt4 || l.Kind == LiteralInt8 {
			v = fmt.Sprint(l.Int)
		}
		lits = append(lits, string(l.Kind)+":"+v)
	}
	return n.Text() + "|" + strings.Join(lits, " ")
}

// TestNormalizeCorpus checks on the corpus that a normalized text parses exactly when the original does, into
// the same tree up to the literals.
func TestNormalizeCorpus(t *testing.T) {
	var n Normalized
	taken := 0
	for _, f := range corpusFiles(t) {
		for _, sql := range corpus(t, f) {
			if !Normalize(sql, &n) {
				continue
			}
			orig, err1 := Parse(sql)
			norm, err2 := Parse(n.Text())
			if (err1 == nil) != (err2 == nil) {
				t.Errorf("%s\n  %s\n  %v\n  %v", sql, n.Text(), err1, err2)
				continue
			}
			if err1 != nil {
				continue
			}
			taken += len(n.Literals)
			a, b := shape(ast.Dump(orig[0].Stmt)), shape(ast.Dump(norm[0].Stmt))
			for i, l := range n.Literals {
				v := literalDump(l)
				b = strings.ReplaceAll(b, fmt.Sprintf("(ParamRef Number=%d)", i+1), v)
			}
			// a minus sign before a literal is folded into it
			if a != b && !strings.Contains(sql, "-") {
				t.Errorf("%s\n  %s\n  %s\n  %s", sql, n.Text(), a, b)
			}
		}
	}
	if taken < 200 {
		t.Errorf("only %d literals taken out of the corpus", taken)
	}
}

func shape(s string) string { return strings.ReplaceAll(s, "(AConst Val=0)", "(AConst)") }

func literalDump(l Literal) string {
	switch l.Kind {
	case LiteralInt4:
		return ast.Dump(&ast.AConst{Val: &ast.Integer{Ival: int32(l.Int)}})
	case LiteralString:
		return ast.Dump(&ast.AConst{Val: ast.Str(l.Text)})
	}
	return ast.Dump(&ast.AConst{Val: &ast.Float{Fval: l.Text}})
}

func BenchmarkNormalize(b *testing.B) {
	b.ReportAllocs()
	var n Normalized
	for b.Loop() {
		if !Normalize("SELECT abalance FROM pgbench_accounts WHERE aid = 12345", &n) {
			b.Fatal("refused")
		}
	}
}
