package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gompho"
)

// benched is a server with pgbench's database.
type benched struct {
	t *testing.T
	s *gompho.Server
	g target
}

// bench runs pgbench, which must not meet an error.
func (b benched) bench(args ...string) string {
	b.t.Helper()
	out := b.g.run(b.t, "", "pgbench", append(args, "postgres")...)
	if !strings.Contains(out, "number of failed transactions: 0 (0.000%)") && args[0] != "-i" {
		b.t.Errorf("pgbench %q:\n%s", args, out)
	}
	return out
}

// sums checks what pgbench's scripts keep equal: the sums of balances and of the history's deltas.
func (b benched) sums() {
	b.t.Helper()
	c := connect(b.t, b.s)
	got := value[string](b.t, c, `select format('%s %s %s %s', (select sum(abalance) from pgbench_accounts), (select sum(bbalance) from pgbench_branches),
		(select sum(tbalance) from pgbench_tellers), (select sum(delta) from pgbench_history))`)
	f := strings.Fields(got)
	if len(f) != 4 || f[0] != f[1] || f[1] != f[2] || f[2] != f[3] {
		b.t.Errorf("the sums of accounts, branches, tellers, history: %s", got)
	}
}

// TestPgbench fills pgbench's tables in each way and runs the built-in scripts in all protocol modes with 32 clients; the sums of
// TPC-B agree afterwards. GOMPHO_PGBENCH_SCALE and GOMPHO_PGBENCH_TRANSACTIONS make it a longer run.
func TestPgbench(t *testing.T) {
	scale, transactions := os.Getenv("GOMPHO_PGBENCH_SCALE"), os.Getenv("GOMPHO_PGBENCH_TRANSACTIONS")
	if scale == "" {
		scale = "1"
	}
	if transactions == "" {
		transactions = "20"
	}
	s := open(t, true)
	b := benched{t, s, targetOf(s)}
	b.bench("-i", "-q", "-s", scale, "-I", "dtGvp")
	b.rows(scale)
	b.bench("-i", "-q", "-s", "1", "--unlogged-tables", "-F", "80", "--tablespace=pg_default")
	b.bench("-n", "-c", "2", "-t", "5")
	b.bench("-i", "-q", "-s", scale, "-I", "dtgvp")
	b.rows(scale)
	for _, mode := range []string{"simple", "extended", "prepared"} {
		b.bench("-n", "-M", mode, "-c", "32", "-j", "2", "-t", transactions)
		b.sums()
		b.bench("-n", "-M", mode, "-c", "32", "-j", "2", "-t", transactions, "-S")
	}
	for _, mode := range []string{"simple", "extended", "prepared"} { // the sums of tellers and branches stay behind from here on
		b.bench("-n", "-M", mode, "-c", "32", "-j", "2", "-t", transactions, "-N")
	}
	out, err := b.g.try(t, "", "pgbench", "-i", "-q", "--foreign-keys", "postgres")
	if err != nil {
		t.Errorf("--foreign-keys: %v\n%s", err, out)
	}
	b.bench("-n", "-M", "prepared", "-c", "16", "-j", "2", "-t", "20")
	b.sums()
	if out, err = b.g.try(t, "", "pgbench", "-i", "-q", "--partitions=2", "postgres"); err != nil && !strings.Contains(out, "PARTITION is not supported") {
		t.Errorf("--partitions: %v\n%s", err, out)
	}
}

// rows checks that pgbench's tables are filled for the scale.
func (b benched) rows(scale string) {
	b.t.Helper()
	c := connect(b.t, b.s)
	if !value[bool](b.t, c, `select (select count(*) = $1 * 100000 and max(aid) = $1 * 100000 and bool_and(octet_length(filler) = 84 and abalance = 0) from pgbench_accounts)
		and (select count(*) = $1 from pgbench_branches) and (select count(*) = $1 * 10 from pgbench_tellers)`, scale) {
		b.t.Error("the tables are not filled as they should be")
	}
}

// TestPgbenchScripts runs scripts of one's own: variables set from results, conditions, pipelines, reconnects, rate limits, retries.
func TestPgbenchScripts(t *testing.T) {
	s := open(t, true)
	b := benched{t, s, targetOf(s)}
	b.bench("-i", "-q", "-s", "1")
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	const set = "\\set aid random(1, 100000 * :scale)\n\\set delta random(-5000, 5000)\n"
	pipeline := file("pipeline.sql", set+`
\startpipeline
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = 1;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = 1;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, :aid, :delta, CURRENT_TIMESTAMP);
END;
\endpipeline
`)
	gset := file("gset.sql", set+`
BEGIN;
SELECT bid AS b, abalance AS bal FROM pgbench_accounts WHERE aid = :aid \gset my_
\if :my_bal > 0
UPDATE pgbench_branches SET filler = :delta WHERE bid = :my_b;
\else
SELECT :my_bal::int + :my_b::int;
\endif
ROLLBACK;
`)
	several := file("several.sql", "SELECT 1 AS one \\; SELECT 2 AS two \\aset\nSELECT 1 / (:two - :one);\n")
	for _, mode := range []string{"extended", "prepared"} {
		b.bench("-n", "-M", mode, "-c", "8", "-t", "20", "-f", pipeline)
		b.sums()
	}
	for _, mode := range []string{"simple", "extended", "prepared"} {
		b.bench("-n", "-M", mode, "-c", "8", "-t", "20", "-f", gset)
	}
	b.bench("-n", "-c", "4", "-t", "20", "-f", several, "-f", gset+"@3")
	b.bench("-n", "-c", "4", "-t", "10", "-C", "-S", "-r")
	b.bench("-n", "-c", "4", "-t", "10", "-R", "1000", "-L", "10000", "-v")
	// a script that fails by serialization is tried again
	serial := file("serial.sql", `BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT tbalance FROM pgbench_tellers WHERE tid = 2;
UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = 2;
END;
`)
	c := connect(t, s)
	before := value[int](t, c, "select tbalance from pgbench_tellers where tid = 2")
	b.bench("-n", "-c", "8", "-t", "20", "--max-tries=1000", "-f", serial)
	if got := value[int](t, c, "select tbalance from pgbench_tellers where tid = 2") - before; got != 160 {
		t.Errorf("%d increments of 160 are there", got)
	}
	if out, err := b.g.try(t, "", "pgbench", "-n", "-t", "1", "-f", file("bad.sql", "SELECT nosuch;\n"), "postgres"); err == nil || !strings.Contains(out, `column "nosuch" does not exist`) {
		t.Errorf("a script with an error: %v\n%s", err, out)
	}
}
