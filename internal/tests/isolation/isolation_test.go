//go:build linux

package isolation

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
)

// tester is the distribution's program.
const tester = "/usr/lib/postgresql/15/lib/pgxs/src/test/isolation/isolationtester"

var (
	rewrite   = flag.Bool("rewrite", false, "take the expected outputs anew from the server named by -reference")
	reference = flag.String("reference", "", "connection string of a running PostgreSQL 15, for -rewrite")
	specDir   = flag.String("specs", filepath.Join("..", "..", "..", "testdata", "isolation"), "where the specs are, their outputs under expected/")
)

// settings of the tested servers: short waits, so that deadlocks are found quickly, and long enough for a step to be seen waiting first.
var settings = map[string]string{
	"shared_buffers": "16MB", "deadlock_timeout": "200ms", "max_prepared_transactions": "20", "autovacuum": "off",
}

// workers is how many servers work through the specs.
const workers = 4

// TestSpecs runs the specs with this package's runner.
func TestSpecs(t *testing.T) {
	each(t, false, func(t *testing.T, s *gompho.Server, path, database string) (string, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		sp, err := parse(string(text))
		if err != nil {
			return "", err
		}
		cfg, err := pgconn.ParseConfig(s.DSN() + " dbname=" + database)
		if err != nil {
			return "", err
		}
		cfg.DialFunc = s.Dial
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		return runSpec(ctx, sp, cfg)
	})
}

// TestIsolationtester runs them with the distribution's program.
func TestIsolationtester(t *testing.T) {
	if _, err := os.Stat(tester); err != nil {
		t.Skip("isolationtester (package postgresql-server-dev-15) is not installed")
	}
	if testing.Short() {
		t.Skip("the same specs as TestSpecs")
	}
	each(t, true, func(t *testing.T, s *gompho.Server, path, database string) (string, error) {
		return runTester(t, s.DSN()+" dbname="+database, path)
	})
}

// TestRewrite takes the expected outputs from PostgreSQL; without -rewrite there is nothing to do.
func TestRewrite(t *testing.T) {
	if !*rewrite {
		t.Skip("no -rewrite")
	}
	for _, path := range specs(t) {
		name := specName(path)
		t.Run(name, func(t *testing.T) {
			admin := connectAdmin(t, *reference+" dbname=postgres", nil)
			database := fmt.Sprintf("isolation_%d", os.Getpid())
			must(t, admin, "create database "+database)
			defer must(t, admin, "drop database "+database+" with (force)")
			got, err := runTester(t, *reference+" dbname="+database, path)
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			if err := os.WriteFile(expected(path), []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func runTester(t *testing.T, dsn, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, tester, dsn)
	var out bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = f, &out, &out
	err = c.Run()
	return out.String(), err
}

func specs(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(*specDir, "*.spec"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no specs in %s: %v", *specDir, err)
	}
	return paths
}

func specName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".spec") }

func expected(path string) string {
	return filepath.Join(filepath.Dir(path), "expected", specName(path)+".out")
}

// each runs every spec in a fresh database of a free server and compares what it prints with what is on record.
func each(t *testing.T, listen bool, run func(t *testing.T, s *gompho.Server, path, database string) (string, error)) {
	if *rewrite {
		t.Skip("-rewrite")
	}
	free := make(chan *gompho.Server, workers)
	for range workers {
		s, err := gompho.Open(context.Background(), gompho.Options{Listen: listen, Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		free <- s
	}
	t.Run("spec", func(t *testing.T) {
		for i, path := range specs(t) {
			t.Run(specName(path), func(t *testing.T) {
				t.Parallel()
				want, err := os.ReadFile(expected(path))
				if err != nil {
					t.Fatal(err)
				}
				s := <-free
				defer func() { free <- s }()
				database := fmt.Sprintf("isolation_%d", i)
				admin := connectAdmin(t, s.DSN(), s.Dial)
				must(t, admin, "create database "+database)
				defer must(t, admin, "drop database "+database+" with (force)")
				got, err := run(t, s, path, database)
				if why, e := os.ReadFile(strings.TrimSuffix(path, ".spec") + ".known"); e == nil {
					if err != nil || got != string(want) {
						t.Skipf("known to differ: %s", why)
					}
					t.Log("agrees now: the .known file can go")
				}
				if err != nil {
					t.Errorf("%v", err)
				}
				if got != string(want) {
					t.Errorf("the output differs:\n%s", difference(string(want), got))
				}
				if testing.Verbose() {
					t.Log(got)
				}
			})
		}
	})
}

func connectAdmin(t *testing.T, dsn string, dial pgconn.DialFunc) *pgconn.PgConn {
	t.Helper()
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if dial != nil {
		cfg.DialFunc = dial
	}
	c, err := pgconn.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func must(t *testing.T, c *pgconn.PgConn, sql string) {
	t.Helper()
	if _, err := c.Exec(context.Background(), sql).ReadAll(); err != nil {
		var pe *pgconn.PgError
		if errors.As(err, &pe) {
			t.Errorf("%s: %s (%s)", sql, pe.Message, pe.Detail)
			return
		}
		t.Errorf("%s: %v", sql, err)
	}
}

// difference shows the lines around the first that differ, from the permutation that they are in.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(w) && i < len(g) && w[i] == g[i] {
		i++
	}
	from := min(i, len(w)-1)
	for from > 0 && !strings.HasPrefix(w[from], "starting permutation") {
		from--
	}
	var b strings.Builder
	fmt.Fprintf(&b, "line %d\n", i+1)
	for _, l := range w[from:min(i, len(w))] {
		b.WriteString("      " + l + "\n")
	}
	for _, l := range w[min(i, len(w)):min(i+12, len(w))] {
		b.WriteString("want: " + l + "\n")
	}
	for _, l := range g[min(i, len(g)):min(i+12, len(g))] {
		b.WriteString("got:  " + l + "\n")
	}
	return b.String()
}
