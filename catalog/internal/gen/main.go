// Command gen writes the fact files of the catalog and the Go structs of its rows from a running PostgreSQL 15.
//
//	go run ./catalog/internal/gen -dsn "host=127.0.0.1 user=postgres dbname=template1" -out catalog
//
// It reads through psql, so psql must be on the path. Facts only leave the server: Oids, names, types, flags.
// Descriptions and view definitions do not.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	dsn := flag.String("dsn", "host=127.0.0.1 user=postgres dbname=template1", "connection string of the PostgreSQL 15 to read")
	out := flag.String("out", "catalog", "directory of package catalog")
	flag.Parse()
	g := &generator{dsn: *dsn, out: *out}
	for _, step := range []func() error{g.readTables, g.writeFacts, g.writeDefaults, g.writeRows, g.writeNames} {
		if err := step(); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}

type generator struct {
	dsn, out string
	tables   []table
}

type column struct {
	name, typ string
	notNull   bool
}

type table struct {
	oid, name string
	cols      []column
	indexes   [][2]string // oid, name
}

// query returns the rows of a COPY, split at tabs, still escaped.
func (g *generator) query(sql string) ([][]string, error) {
	cmd := exec.Command("psql", "-X", "-q", "-d", g.dsn, "-c", "SET search_path = pg_catalog", "-c", "COPY ("+sql+") TO STDOUT")
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	var rows [][]string
	for _, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		if line != "" {
			rows = append(rows, strings.Split(line, "\t"))
		}
	}
	return rows, nil
}

func (g *generator) readTables() error {
	rows, err := g.query(`SELECT c.oid, c.relname, a.attname, t.typname, a.attnotnull
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
		WHERE c.relkind = 'r' AND c.oid < 12000 AND a.attnum > 0 ORDER BY c.relname, a.attnum`)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if n := len(g.tables); n == 0 || g.tables[n-1].oid != r[0] {
			g.tables = append(g.tables, table{oid: r[0], name: r[1]})
		}
		t := &g.tables[len(g.tables)-1]
		t.cols = append(t.cols, column{name: r[2], typ: r[3], notNull: r[4] == "t"})
	}
	rows, err = g.query(`SELECT i.indrelid, i.indexrelid, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_class h ON h.oid = i.indrelid
		WHERE i.indexrelid < 12000 AND h.relkind = 'r' ORDER BY i.indexrelid`)
	if err != nil {
		return err
	}
	for _, r := range rows {
		for i := range g.tables {
			if g.tables[i].oid == r[0] {
				g.tables[i].indexes = append(g.tables[i].indexes, [2]string{r[1], r[2]})
			}
		}
	}
	return nil
}

// write stores a fact file: one line of column names, then rows in COPY text format.
func (g *generator) write(name string, cols []string, rows [][]string) error {
	var b strings.Builder
	b.WriteString("#" + strings.Join(cols, "\t") + "\n")
	for _, r := range rows {
		b.WriteString(strings.Join(r, "\t") + "\n")
	}
	return os.WriteFile(filepath.Join(g.out, "data", name+".tsv"), []byte(b.String()), 0o644)
}
