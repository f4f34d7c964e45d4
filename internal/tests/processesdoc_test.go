package tests

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// section is what docs/processes.md says of a process: its table by the first column, and whether it tells of its death.
type section struct {
	rows  map[string]string
	death bool
}

func processSections(t *testing.T) map[string]*section {
	t.Helper()
	text, err := os.ReadFile("../../docs/processes.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*section{}
	var cur *section
	for _, l := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(l, "## "); ok {
			cur = &section{rows: map[string]string{}}
			out[name] = cur
		}
		if cells := strings.SplitN(strings.Trim(l, "| "), " | ", 2); cur != nil && strings.HasPrefix(l, "| ") && len(cells) == 2 {
			cur.rows[cells[0]] = cells[1]
		}
		if cur != nil && strings.HasPrefix(l, "**Its death") {
			cur.death = true
		}
	}
	delete(out, "What a death means")
	return out
}

// processTypes finds the types of processes that the program registers: the arguments of Add and AddPID of the table of processes, and of what calls them.
func processTypes(t *testing.T) (out []string) {
	t.Helper()
	for _, dir := range []string{"../../postmaster", "../../stats", "../../parallel", "../../autovacuum"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				lit, isText := call.Args[0].(*ast.BasicLit)
				if ok && isText && lit.Kind == token.STRING && slices.Contains([]string{"Add", "AddPID", "worker"}, sel.Sel.Name) {
					if s, err := strconv.Unquote(lit.Value); err == nil && !slices.Contains(out, s) {
						out = append(out, s)
					}
				}
				return true
			})
		}
	}
	return out
}

var quoted = regexp.MustCompile("`([a-z_.]+)`")

// TestProcessesDocument compares docs/processes.md with the server: each process that there can be has a section that says all there is to say, each that
// pg_stat_activity shows is one of these, and what is named of settings and views exists.
func TestProcessesDocument(t *testing.T) {
	sections := processSections(t)
	types := processTypes(t)
	if len(types) < 9 || !slices.Contains(types, "client backend") || !slices.Contains(types, "walwriter") {
		t.Fatalf("only the processes %q were found in the source", types)
	}
	for _, name := range types {
		if sections[name] == nil {
			t.Errorf("docs/processes.md has no section %q", name)
		}
	}
	ctx := context.Background()
	s := openFiles(t, map[string]string{"archive_mode": "on", "gompho.archive_directory": t.TempDir(), "autovacuum_naptime": "1s", "autovacuum_vacuum_threshold": "1",
		"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_cost_delay": "20ms", "autovacuum_vacuum_cost_limit": "1", "logging_collector": "on"})
	c, watch := connect(t, s.Server), connect(t, s.Server)
	for name, sec := range sections {
		for _, row := range []string{"Started by", "Settings", "Views", "Code"} {
			if sec.rows[row] == "" {
				t.Errorf("%s: there is no row %q", name, row)
			}
		}
		if !sec.death {
			t.Errorf("%s: nothing about its death", name)
		}
		for _, m := range quoted.FindAllStringSubmatch(sec.rows["Settings"], -1) {
			var n int
			if run1(t, c, "select count(*) from pg_settings where name = '"+m[1]+"'", &n); n != 1 {
				t.Errorf("%s: there is no setting %s", name, m[1])
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(sec.rows["Views"], -1) {
			if !strings.HasPrefix(m[1], "pg_") && !strings.HasPrefix(m[1], "gompho_") {
				continue // a column
			}
			if _, err := c.Exec(ctx, "select * from "+m[1]+" limit 0"); err != nil {
				t.Errorf("%s: %s: %v", name, m[1], err)
			}
		}
		for _, m := range regexp.MustCompile("packages? (`[a-z/]+`)|`([a-z/]+)` \\(").FindAllStringSubmatch(sec.rows["Code"], -1) {
			pkg := strings.Trim(m[1]+m[2], "`")
			if _, err := os.Stat("../../" + pkg); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	// All that can be had to show itself does.
	run(t, c, "create table t as select g as a, repeat('x', 200) as b from generate_series(1, 20000) g")
	run(t, c, "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; set max_parallel_workers_per_gather = 2")
	seen := map[string]bool{}
	want := []string{"checkpointer", "background writer", "walwriter", "cpu governor", "autovacuum launcher", "autovacuum worker", "archiver", "client backend", "parallel worker"}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-quit:
				return
			default:
			}
			c.Exec(ctx, "select count(*) from t where length(md5(b)) + a = -1")
			if i%10 == 0 {
				c.Exec(ctx, "update t set a = a where a % 7 = 0")
			}
		}
	}()
	for !all(want, seen) {
		rows, err := watch.Query(ctx, "select distinct backend_type from pg_stat_activity")
		if err != nil {
			t.Fatal(err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			seen[n] = true
		}
	}
	close(quit)
	<-done
	for n := range seen {
		if sections[n] == nil {
			t.Errorf("pg_stat_activity shows a %q, which docs/processes.md does not know", n)
		}
	}
}

func all(names []string, in map[string]bool) bool {
	for _, n := range names {
		if !in[n] {
			return false
		}
	}
	return true
}
