package parser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	pgBin = "/usr/lib/postgresql/15/bin"
	// guard is run before each statement: the text is parsed as a whole first, and then ends here with 22012, so
	// that nothing of the statement is executed.
	guard = "SELECT 1/0; "
)

// connectServer connects to the PostgreSQL 15 named by GOMPHO_TEST_PG (a connection string), or to one started for
// the test from the installed binaries. It returns nil when there is neither.
func connectServer(t testing.TB) *pgconn.PgConn {
	dsn := os.Getenv("GOMPHO_TEST_PG")
	if dsn == "" {
		if _, err := os.Stat(filepath.Join(pgBin, "postgres")); err != nil {
			return nil
		}
		dsn = startServer(t)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// startServer makes a cluster in a temporary directory, reachable by a socket there only.
func startServer(t testing.TB) string {
	dir, err := os.MkdirTemp("/tmp", "gompho-pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := serverUser(t, dir)
	run := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(pgBin, name), args...)
		c.SysProcAttr, c.Dir = attr, dir
		return c
	}
	data := filepath.Join(dir, "data")
	if out, err := run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C",
		"--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	opts := fmt.Sprintf("-c listen_addresses='' -c unix_socket_directories=%s -c fsync=off", dir)
	if out, err := run("pg_ctl", "-D", data, "-o", opts, "-l", filepath.Join(dir, "log"), "-w", "start").
		CombinedOutput(); err != nil {
		t.Fatalf("pg_ctl start: %v\n%s", err, out)
	}
	t.Cleanup(func() { _ = run("pg_ctl", "-D", data, "-m", "immediate", "stop").Run() })
	return fmt.Sprintf("host=%s user=postgres dbname=postgres", dir)
}

// serverUser gives dir to the user postgres when the test runs as root, which PostgreSQL refuses to be.
func serverUser(t testing.TB, dir string) *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// serverOutcome is outcome as the server gives it.
func serverOutcome(t testing.TB, c *pgconn.PgConn, sql string) string {
	_, err := c.Exec(context.Background(), guard+sql).ReadAll()
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v", sql, err)
	}
	if e.Code == "22012" {
		return "ok"
	}
	pos := 0
	if e.Position > 0 {
		pos = int(e.Position) - len(guard)
	}
	return formatOutcome(e.Code, pos, e.Message, e.Hint)
}

// TestServer compares the parser with a server: the recorded outcomes, and variants of each statement
// with one token left out, doubled, or exchanged with the next.
func TestServer(t *testing.T) {
	c := connectServer(t)
	if c == nil {
		t.Skip("no PostgreSQL 15 in " + pgBin)
	}
	known := knownDifferences(t)
	for _, f := range corpusFiles(t) {
		var want []string
		for _, sql := range corpus(t, f) {
			w := serverOutcome(t, c, sql)
			want = append(want, w)
			if k, ok := known[sql]; ok {
				w = k
			}
			if got := outcome(sql); got != w {
				t.Errorf("%s\n  ours:   %s\n  server: %s", sql, got, w)
			}
		}
		file := strings.TrimSuffix(f, ".sql") + ".want"
		text := strings.Join(want, "\n") + "\n"
		if *record {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if old, err := os.ReadFile(file); err != nil || string(old) != text {
			t.Errorf("%s is not what the server says; run with -record", file)
		}
	}
}

// variants returns texts made from sql by leaving out, doubling or exchanging tokens, and by cutting it short.
func variants(sql string) []string {
	lx := lexer{sql: sql}
	var toks []token
	for tok := lx.next(); tok.kind != tokEOF && tok.kind != tokError; tok = lx.next() {
		toks = append(toks, tok)
	}
	var list []string
	for i, tok := range toks {
		head, tail := sql[:tok.pos], sql[tok.end:]
		word := sql[tok.pos:tok.end]
		list = append(list, head, head+tail, head+word+" "+word+tail)
		if i+1 < len(toks) {
			next := toks[i+1]
			list = append(list, head+sql[next.pos:next.end]+" "+word+sql[next.end:])
		}
		for _, ins := range [...]string{"(", ")", ",", "x", "select", "null", "1"} {
			list = append(list, head+ins+tail)
		}
	}
	return list
}

// TestServerVariants compares outcomes for broken variants of the corpus: for a tenth of them, or with -record all.
func TestServerVariants(t *testing.T) {
	c := connectServer(t)
	if c == nil {
		t.Skip("no PostgreSQL 15 in " + pgBin)
	}
	seen := map[string]bool{}
	bad, total := 0, 0
	for _, f := range corpusFiles(t) {
		for _, base := range corpus(t, f) {
			if len(base) > 400 {
				continue
			}
			for _, sql := range variants(base) {
				if seen[sql] {
					continue
				}
				seen[sql] = true
				if total++; !*record && total%10 != 0 {
					continue
				}
				want := serverOutcome(t, c, sql)
				if got := outcome(sql); got != want {
					if bad++; bad <= 40 || *record {
						t.Errorf("%s\n  ours:   %s\n  server: %s", sql, got, want)
					}
				}
			}
		}
	}
	t.Logf("%d of %d variants differ", bad, total)
}
