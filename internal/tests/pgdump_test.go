package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

var dumpKeys = regexp.MustCompile(`(?m)^(\\(un)?restrict .*|-- Dumped from .*)\n`)

// dump returns pg_dump's text, less what differs from run to run and from server to server.
func (g target) dump(t *testing.T, args ...string) string {
	t.Helper()
	return dumpKeys.ReplaceAllString(g.run(t, "", "pg_dump", args...), "")
}

// sameText reports the first lines in which two texts differ.
func sameText(t *testing.T, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			end := func(l []string) string { return strings.Join(l[max(0, i-3):min(len(l), i+8)], "\n") }
			t.Errorf("%s, line %d:\n%s\n\nwant:\n%s", what, i+1, end(a), end(b))
			return
		}
	}
	t.Errorf("%s: %d lines, want %d", what, len(a), len(b))
}

// makeDumped makes the database of testdata/dump/objects.sql with its roles.
func (g target) makeDumped(t *testing.T) {
	t.Helper()
	roles := []string{"dump_owner", "dump_reader", "dump_group"}
	dropRoles := func() {
		for _, r := range roles {
			g.run(t, "", "dropuser", "--if-exists", r)
		}
	}
	dropRoles()
	t.Cleanup(dropRoles) // after the databases
	g.database(t, "dumpdb")
	g.run(t, "", "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "dumpdb", "-f", "testdata/dump/objects.sql")
}

// TestPgDump dumps a database with every kind of object in each format, restores it and dumps again: the same text.
func TestPgDump(t *testing.T) {
	s := open(t, true)
	g := targetOf(s)
	g.makeDumped(t)
	want := g.dump(t, "dumpdb")
	for _, must := range []string{"CREATE TABLE public.t (", "GENERATED ALWAYS AS IDENTITY", "INCLUDE (num)", "COPY public.t (", "CREATE VIEW public.v5", "ACL",
		"FOREIGN KEY (a, b) REFERENCES public.fk_p(a, b) MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED"} {
		if !strings.Contains(want, must) {
			t.Errorf("the dump is without %q", must)
		}
	}
	ref, haveRef := reference(t)
	if haveRef {
		ref.makeDumped(t)
		sameText(t, "against PostgreSQL", want, ref.dump(t, "dumpdb"))
		for _, args := range [][]string{{"-C", "--schema-only"}, {"--data-only", "--inserts"}, {"--column-inserts", "--rows-per-insert=3", "--clean", "--if-exists"}} {
			args = append(args, "dumpdb")
			sameText(t, fmt.Sprint(args), g.dump(t, args...), ref.dump(t, args...))
		}
	}
	file := filepath.Join(t.TempDir(), "dump")
	for i, k := range []struct {
		dump, restore []string // restore nil: through psql
	}{
		{nil, nil},
		{[]string{"--inserts"}, nil},
		{[]string{"--column-inserts", "--rows-per-insert=2", "--quote-all-identifiers"}, nil},
		{[]string{"-Fc"}, []string{}},
		{[]string{"-Fc"}, []string{"-j", "4"}},
		{[]string{"-Fd"}, []string{"-j", "2"}},
		{[]string{"-Fd", "-j", "4"}, []string{"-j", "2"}},
		{[]string{"-Ft"}, []string{"--single-transaction"}},
	} {
		name := fmt.Sprintf("%s%d", file, i)
		g.run(t, "", "pg_dump", append(k.dump, "-f", name, "dumpdb")...)
		servers := []target{g}
		if haveRef && i%3 == 0 {
			servers = append(servers, ref)
		}
		for _, to := range servers {
			db := fmt.Sprintf("restored%d", i)
			to.database(t, db)
			if k.restore == nil {
				to.run(t, "", "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", db, "-f", name)
			} else {
				to.run(t, "", "pg_restore", append(k.restore, "-d", db, name)...)
			}
			sameText(t, fmt.Sprint("after ", k.dump, k.restore), to.dump(t, db), want)
		}
	}
	// in two parts: the foreign keys are there before the rows
	schema := g.dump(t, "--schema-only", "dumpdb")
	g.run(t, "", "pg_dump", "--data-only", "--disable-triggers", "-f", file+"data", "dumpdb")
	g.database(t, "parts")
	g.run(t, schema, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "parts")
	g.run(t, "", "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "parts", "-f", file+"data")
	sameText(t, "in two parts", g.dump(t, "parts"), want)
	// --clean over what is there
	g.run(t, g.dump(t, "--clean", "--if-exists", "dumpdb"), "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "parts")
	sameText(t, "cleaned and restored", g.dump(t, "parts"), want)
}

// TestParallelDump dumps with several connections while rows move between tables: all connections read one snapshot.
func TestParallelDump(t *testing.T) {
	s := open(t, true)
	g := targetOf(s)
	g.database(t, "moving")
	ctx := context.Background()
	mover := connectTo(t, g.dsn("moving"))
	for i := range 4 {
		run(t, mover, fmt.Sprintf("create table m%d as select g as id, 100 as bal, repeat('x', 50) as pad from generate_series(1, 2000) g", i))
		run(t, mover, fmt.Sprintf("alter table m%d add primary key (id)", i))
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			sql := fmt.Sprintf("begin; update m%d set bal = bal - 1 where id = %d; update m%d set bal = bal + 1 where id = %d; commit", i%4, i%2000+1, (i+1)%4, i*7%2000+1)
			if _, err := mover.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				done <- err
				return
			}
		}
	}()
	dir := t.TempDir()
	for i, format := range []string{"-Fd", "-Fc"} {
		file, db := filepath.Join(dir, format), fmt.Sprintf("moved%d", i)
		dump := []string{format, "-f", file, "moving"}
		if format == "-Fd" {
			dump = append([]string{"-j", "4"}, dump...)
		}
		g.run(t, "", "pg_dump", dump...)
		g.database(t, db)
		g.run(t, "", "pg_restore", "-j", "2", "-d", db, file)
		c := connectTo(t, g.dsn(db))
		var rows, sum int
		err := c.QueryRow(ctx, `select count(*), sum(bal) from (select bal from m0 union all select bal from m1 union all select bal from m2
			union all select bal from m3) m`).Scan(&rows, &sum)
		if err != nil || rows != 8000 || sum != 800000 {
			t.Errorf("%s: %d rows, sum %d (%v), want 8000 and 800000", format, rows, sum, err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestPgDumpall moves a whole cluster to another server.
func TestPgDumpall(t *testing.T) {
	from, to := targetOf(open(t, true)), targetOf(open(t, true))
	from.makeDumped(t)
	globals := dumpKeys.ReplaceAllString(from.run(t, "", "pg_dumpall", "--globals-only"), "")
	for _, must := range []string{"CREATE ROLE dump_owner", "CONNECTION LIMIT 3 VALID UNTIL '2040-01-01 00:00:00+00'", "GRANT dump_group TO dump_owner WITH ADMIN OPTION",
		"COMMENT ON ROLE dump_owner", "ALTER ROLE dump_reader SET work_mem"} {
		if !strings.Contains(globals, must) {
			t.Errorf("--globals-only is without %q:\n%s", must, globals)
		}
	}
	all := from.run(t, "", "pg_dumpall")
	file := filepath.Join(t.TempDir(), "all.sql")
	// the superuser is there already
	if err := os.WriteFile(file, []byte(strings.Replace(all, "CREATE ROLE postgres;\n", "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	to.run(t, "", "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-f", file)
	sameText(t, "pg_dumpall", dumpKeys.ReplaceAllString(to.run(t, "", "pg_dumpall"), ""), dumpKeys.ReplaceAllString(all, ""))
}

// TestMaintenancePrograms runs the small programs of the distribution.
func TestMaintenancePrograms(t *testing.T) {
	g := targetOf(open(t, true))
	g.makeDumped(t)
	for _, k := range []struct {
		line, want string // want: part of the output; ! means that the program fails
	}{
		{"pg_isready", "accepting connections"},
		{"createuser -D -l -S ann", ""},
		{"createuser -s -g dump_group ben", ""},
		{"createuser ann", `!role "ann" already exists`},
		{"dropuser ann", ""},
		{"dropuser ann", `!role "ann" does not exist`},
		{"createdb -T template0 -E UTF8 -O ben copied comment", ""},
		{"createdb copied", `!database "copied" already exists`},
		{"createdb -T nosuch other", `!template database "nosuch" does not exist`},
		{"createdb -T dumpdb twin", ""},
		{"createdb --strategy=file_copy other", ""},
		{"dropdb -f other", ""},
		{"dropdb other", `!database "other" does not exist`},
		{"dropdb --if-exists other", "does not exist, skipping"},
		{"vacuumdb dumpdb", "vacuuming database"},
		{"vacuumdb -a -z", ""},
		{"vacuumdb -Z -j 2 dumpdb", ""},
		{"vacuumdb --analyze-in-stages twin", "Generating minimal optimizer statistics"},
		{"vacuumdb -f -t s1.st dumpdb", ""},
		{"vacuumdb -F -P 2 --skip-locked --min-xid-age 1 dumpdb", ""},
		{"vacuumdb -t nosuch dumpdb", `!relation "nosuch" does not exist`},
		{"reindexdb -t s1.st dumpdb", ""},
		{"reindexdb -i t_expr dumpdb", ""},
		{"reindexdb -S s1 dumpdb", ""},
		{"clusterdb dumpdb", ""},
		{"clusterdb -t t dumpdb", ""},
		{"dropdb copied", ""},
		{"dropdb twin", ""},
		{"dropuser ben", ""},
	} {
		f := strings.Fields(k.line)
		out, err := g.try(t, "", f[0], f[1:]...)
		want, fails := strings.CutPrefix(k.want, "!")
		if (err != nil) != fails || !strings.Contains(out, want) {
			t.Errorf("%s: %v, want %q\n%s", k.line, err, k.want, out)
		}
	}
	want := g.dump(t, "dumpdb")
	g.run(t, "", "vacuumdb", "-f", "dumpdb")
	sameText(t, "after a full vacuum", g.dump(t, "dumpdb"), want)
}
