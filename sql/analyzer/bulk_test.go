package analyzer

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"gompho/catalog"
)

// TestAgainstReference compares the resolution of operators, functions and casts over many types with a PostgreSQL 15
// server. It runs when GOMPHO_REFERENCE is set; GOMPHO_SEED and GOMPHO_ROUNDS choose the sample.
func TestAgainstReference(t *testing.T) {
	ref := reference(t)
	if ref == nil {
		t.Skip("no reference server")
	}
	seed, _ := strconv.ParseUint(os.Getenv("GOMPHO_SEED"), 10, 64)
	rounds, _ := strconv.Atoi(os.Getenv("GOMPHO_ROUNDS"))
	if rounds == 0 {
		rounds = 3000
	}
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	s := fixture(t)
	g := newExprGenerator(t, s, rnd)
	bad := 0
	for range rounds {
		sql := "SELECT " + g.expr(2)
		want := describeByReference(s, ref, sql)
		got := describe(s, sql)
		if strings.Contains(got, "is not supported") || strings.Contains(want, "invalid input syntax") || strings.Contains(want, "ACL key word") {
			continue // the input of literals is not what is tested here
		}
		if got != want {
			t.Errorf("%s\nwant: %sgot:  %s", sql, want, got)
			if bad++; bad > 25 {
				t.FailNow()
			}
		}
	}
}

// exprGenerator makes random expressions of built-in operators and functions over typed values.
type exprGenerator struct {
	rnd   *rand.Rand
	ops   []string
	funcs []string
	nargs map[string][]int
}

var valueTypes = []string{"int", "bigint", "smallint", "numeric", "float4", "float8", "text", "varchar(5)", "char(3)", "name", `"char"`,
	"bool", "date", "timestamp", "timestamptz", "time", "interval", "oid", "regclass", "bytea", "uuid", "json", "jsonb", "int[]",
	"text[]", "numeric[]", "inet", "xid", "tid", "int4range", "point"}

func newExprGenerator(t *testing.T, s *Session, rnd *rand.Rand) *exprGenerator {
	g := &exprGenerator{rnd: rnd, nargs: map[string][]int{}}
	seen := map[string]bool{}
	if err := catalog.Each(s.Cat, 0, func(o *catalog.PgOperator) (bool, error) {
		if !seen[o.Oprname] {
			seen[o.Oprname] = true
			g.ops = append(g.ops, o.Oprname)
		}
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := catalog.Each(s.Cat, 0, func(f *catalog.PgProc) (bool, error) {
		if strings.HasPrefix(f.Proname, "pg_stat") || strings.HasPrefix(f.Proname, "binary_upgrade") {
			return true, nil
		}
		if g.nargs[f.Proname] == nil {
			g.funcs = append(g.funcs, f.Proname)
		}
		g.nargs[f.Proname] = append(g.nargs[f.Proname], len(f.Proargtypes))
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *exprGenerator) pick(l []string) string { return l[g.rnd.IntN(len(l))] }

func (g *exprGenerator) value() string {
	switch g.rnd.IntN(6) {
	case 0:
		return "NULL"
	case 1:
		return g.pick([]string{"'1'", "'x'", "1", "2.5", "true", "ARRAY[1,2]", "9999999999"})
	case 2:
		return "$" + strconv.Itoa(1+g.rnd.IntN(2))
	}
	return "NULL::" + g.pick(valueTypes)
}

func (g *exprGenerator) expr(depth int) string {
	if depth == 0 {
		return g.value()
	}
	sub := func() string { return g.expr(g.rnd.IntN(depth)) }
	switch g.rnd.IntN(10) {
	case 0, 1, 2, 3:
		return "(" + sub() + " " + g.pick(g.ops) + " " + sub() + ")"
	case 4:
		return "(" + sub() + ")::" + g.pick(valueTypes)
	case 5:
		return g.pick([]string{"coalesce(", "greatest(", "nullif("}) + sub() + ", " + sub() + ")"
	case 6:
		return "CASE WHEN " + sub() + " THEN " + sub() + " ELSE " + sub() + " END"
	case 7:
		return "(" + sub() + " = ANY (" + sub() + "))"
	}
	name := g.pick(g.funcs)
	args := make([]string, g.nargs[name][g.rnd.IntN(len(g.nargs[name]))])
	for i := range args {
		args[i] = sub()
	}
	return `"` + name + `"(` + strings.Join(args, ", ") + ")"
}
