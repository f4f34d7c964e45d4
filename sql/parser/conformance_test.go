package parser

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"gompho/internal/pgerr"
)

var record = flag.Bool("record", false, "rewrite testdata/conformance/*.want from a PostgreSQL 15 server")

// outcome is what a parser says of a text: "ok", or SQLSTATE, character position, message and hint.
func outcome(sql string) string {
	_, err := Parse(sql)
	if err == nil {
		return "ok"
	}
	e := pgerr.From(err)
	pos := 0
	if e.Position > 0 {
		pos = utf8.RuneCountInString(sql[:e.Position-1]) + 1
	}
	return formatOutcome(string(e.Code), pos, e.Message, e.Hint)
}

func formatOutcome(code string, pos int, msg, hint string) string {
	s := fmt.Sprintf("%s %d %s", code, pos, msg)
	if hint != "" {
		s += " | " + hint
	}
	return strings.ReplaceAll(s, "\n", `\n`)
}

// corpus returns the statements of a conformance file, one a line.
func corpus(t testing.TB, file string) []string {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, l := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		if !strings.HasPrefix(l, "# ") && l != "" {
			list = append(list, l)
		}
	}
	return list
}

func corpusFiles(t testing.TB) []string {
	files, err := filepath.Glob("testdata/conformance/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no conformance files", err)
	}
	return files
}

// TestConformance compares the parser with the recorded outcomes of PostgreSQL 15. Lines of
// known-differences.txt, "statement", newline, "outcome of ours", are exempt.
func TestConformance(t *testing.T) {
	known := knownDifferences(t)
	for _, f := range corpusFiles(t) {
		want := corpus(t, strings.TrimSuffix(f, ".sql")+".want")
		stmts := corpus(t, f)
		if len(want) != len(stmts) {
			t.Fatalf("%s: %d statements, %d outcomes; run with -record", f, len(stmts), len(want))
		}
		for i, sql := range stmts {
			exp := want[i]
			if k, ok := known[sql]; ok {
				exp = k
			}
			if got := outcome(sql); got != exp {
				t.Errorf("%s\n  ours: %s\n  want: %s", sql, got, exp)
			}
		}
	}
}

func knownDifferences(t testing.TB) map[string]string {
	lines := corpus(t, "testdata/conformance/known-differences.txt")
	m := map[string]string{}
	for i := 0; i+1 < len(lines); i += 2 {
		m[lines[i]] = lines[i+1]
	}
	return m
}
