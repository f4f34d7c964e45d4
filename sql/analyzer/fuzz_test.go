package analyzer

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"gompho/sql/ast"
	"gompho/sql/deparse"
	"gompho/sql/parser"
	"gompho/sql/query"
)

// seeds are the statements of the scripts.
func seeds(tb testing.TB) []string {
	var out []string
	for _, dir := range []string{"statements", "views"} {
		files, err := filepath.Glob(filepath.Join("testdata", dir, "*"))
		if err != nil || len(files) == 0 {
			tb.Fatal("no scripts", err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				tb.Fatal(err)
			}
			for _, part := range strings.Split(string(text), "analyze\n")[1:] {
				sql, _, _ := strings.Cut(part, "\n----")
				out = append(out, sql)
			}
		}
	}
	return out
}

// FuzzAnalyze: whatever parses gets a query or an error, and what is made of it can be stored, printed and rewritten.
func FuzzAnalyze(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	s := fixture(f)
	f.Fuzz(func(t *testing.T, sql string) {
		stmts, err := parser.Parse(sql)
		if err != nil {
			return
		}
		for i := range stmts {
			checkStatement(t, s, &stmts[i])
		}
	})
}

func checkStatement(t *testing.T, s *Session, st *ast.RawStmt) {
	q, err := Analyze(s, st, &Params{})
	if err != nil || q.CommandType == query.CmdUtility {
		return
	}
	text := query.Encode(q)
	back, err := query.Decode(text)
	if err != nil {
		t.Fatalf("stored text is refused: %v: %s", err, text)
	}
	if !query.Equal(q, back) {
		t.Fatalf("not equal after storing: %s", text)
	}
	if _, err := Rewrite(s, q); err == nil && query.Encode(q) != text {
		t.Fatal("rewriting has changed the query")
	}
	if q.CommandType == query.CmdSelect {
		if _, err := deparse.Query(s.Cat, s.Env, q, nil, false, 0); err != nil && !q.HasModifyingCTE {
			t.Fatal(err)
		}
	}
}

// TestMutatedStatements runs the fuzz check over statements with words exchanged between each other.
func TestMutatedStatements(t *testing.T) {
	s := fixture(t)
	all := seeds(t)
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	analyzed := 0
	for range 10000 {
		words := strings.Fields(all[rnd.IntN(len(all))])
		other := strings.Fields(all[rnd.IntN(len(all))])
		for range 1 + rnd.IntN(2) {
			i, k := rnd.IntN(len(words)), rnd.IntN(len(other))
			n := min(1+rnd.IntN(3), len(other)-k)
			words = slices.Concat(words[:i], other[k:k+n], words[min(len(words), i+rnd.IntN(2)):])
		}
		sql := strings.Join(words, " ")
		stmts, err := parser.Parse(sql)
		if err != nil || len(stmts) == 0 {
			continue
		}
		analyzed++
		func() {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("%s\n%v\n%s", sql, r, debug.Stack())
				}
			}()
			checkStatement(t, s, &stmts[0])
		}()
	}
	if analyzed < 300 {
		t.Fatalf("only %d statements parsed", analyzed)
	}
}
