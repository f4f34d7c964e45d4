package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gompho"
)

// The programs of the PostgreSQL distribution, and where they are pointed at.

const toolDir = "/usr/lib/postgresql/15/bin"

// target is a server as the programs of the distribution see it.
type target struct {
	port int
	user string
}

// dsn names a database of the server.
func (g target) dsn(db string) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=%s", g.port, g.user, db)
}

func targetOf(s *gompho.Server) target { return target{port: s.Port(), user: "postgres"} }

// reference is a running PostgreSQL 15 to compare with, from GOMPHO_REFERENCE ("port" or "port:user", on 127.0.0.1, trusted). Tests
// that need one are skipped without; testdata is rewritten from it with -rewrite.
func reference(t *testing.T) (target, bool) {
	t.Helper()
	v := os.Getenv("GOMPHO_REFERENCE")
	if v == "" {
		return target{}, false
	}
	port, user, ok := strings.Cut(v, ":")
	if !ok {
		user = "postgres"
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatalf("GOMPHO_REFERENCE: %v", err)
	}
	return target{n, user}, true
}

// command makes a run of a program of the distribution against the target.
func (g target) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(toolDir, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is not installed: scripts/test.sh installs it", name)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(g.port), "PGUSER="+g.user, "PGTZ=UTC",
		"LC_ALL=C.UTF-8", "PAGER=cat", "PSQL_HISTORY=/dev/null", "PSQLRC=/dev/null", "HOME="+t.TempDir())
	return cmd
}

// try runs a program and returns what it writes to either output.
func (g target) try(t *testing.T, stdin, name string, args ...string) (string, error) {
	t.Helper()
	cmd := g.command(t, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run is try for what must succeed, without a word of error.
func (g target) run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	out, err := g.try(t, stdin, name, args...)
	if err != nil || strings.Contains(out, "ERROR:") || strings.Contains(out, "error:") {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// database makes a database on the target, dropping one of that name, and drops it at the end of the test.
func (g target) database(t *testing.T, name string) {
	t.Helper()
	g.run(t, "", "dropdb", "--if-exists", name)
	g.run(t, "", "createdb", name)
	t.Cleanup(func() {
		if out, err := g.try(t, "", "dropdb", name); err != nil {
			t.Errorf("dropdb: %v\n%s", err, out)
		}
	})
}
