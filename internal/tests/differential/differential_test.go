//go:build linux

package differential

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
)

var (
	referenceDSN = flag.String("reference", "", "connection string of a running PostgreSQL 15 to compare with")
	files        = flag.String("files", "", "SQL files to run instead of those in testdata/sql (a glob pattern)")
)

// TestSQL runs each file on both servers.
func TestSQL(t *testing.T) {
	pattern := *files
	if pattern == "" {
		pattern = filepath.Join("..", "..", "..", "testdata", "sql", "*.sql")
	}
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	dsn := *referenceDSN
	if dsn == "" {
		dsn = startReference(t)
	}
	reference, err := newServer(dsn, nil)
	if err != nil {
		t.Fatal(err)
	}
	reference.foreign = *referenceDSN != ""
	defer reference.close()
	tested := startTested(t)
	defer tested.close()
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".sql")
		t.Run(name, func(t *testing.T) { compareFile(t, path, name, reference, tested) })
	}
}

// startTested opens a server in this process.
func startTested(t *testing.T) *server {
	t.Helper()
	g, err := gompho.Open(context.Background(), gompho.Options{Settings: map[string]string{
		"shared_buffers": "64MB", "deadlock_timeout": "50ms", "max_prepared_transactions": "10",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	s, err := newServer(g.DSN(), pgconn.DialFunc(g.Dial))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// compareFile runs one file in a fresh database of each server.
func compareFile(t *testing.T, path, name string, reference, tested *server) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	known, err := readKnown(strings.TrimSuffix(path, ".sql") + ".known")
	if err != nil {
		t.Fatal(err)
	}
	// Both servers know the database by the same name, for messages tell it.
	database := fmt.Sprintf("diff_%s_%d", name, os.Getpid())
	for _, s := range []*server{reference, tested} {
		defer leave(t, s, database)
		if err := enter(s, database); err != nil {
			t.Fatal(err)
		}
	}
	differs := map[string]bool{} // by statement: some occurrence differs
	for _, st := range split(string(text)) {
		want, got := reference.run(st), tested.run(st)
		d := difference(st, want, got)
		differs[st.key()] = differs[st.key()] || d != ""
		if _, ok := known[st.key()]; !ok && d != "" {
			t.Errorf("%s:%d: %s\n\t%s", filepath.Base(path), st.line, st.key(), d)
		}
		for _, s := range []*server{reference, tested} {
			if s.conn.IsClosed() {
				if err := s.connect(database); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for key, st := range known {
		if !differs[key] {
			t.Errorf("%s.known:%d: no difference, or no such statement: %s", name, st.line, key)
		}
	}
}

func enter(s *server, database string) error {
	if err := s.connect("postgres"); err != nil {
		return err
	}
	if err := s.must("create database " + database + " template template0"); err != nil {
		return err
	}
	return s.connect(database)
}

func leave(t *testing.T, s *server, database string) {
	t.Helper()
	err := s.connect("postgres")
	if err == nil {
		err = s.must("drop database if exists " + database)
	}
	if err == nil {
		err = s.dropRoles()
	}
	if err != nil {
		t.Error(err)
	}
}

// readKnown reads the differences that are meant, by statement. Each must say why.
func readKnown(path string) (map[string]statement, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	known := map[string]statement{}
	for _, st := range split(string(text)) {
		if st.comment == "" {
			return nil, fmt.Errorf("%s:%d: no comment says why this differs", path, st.line)
		}
		known[st.key()] = st
	}
	return known, nil
}
