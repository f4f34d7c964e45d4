package tests

import (
	"context"
	"regexp"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
	"gompho/postmaster"
)

// TestParallelVacuum: the indexes of a table are vacuumed by workers side by side, with the result that one process has, and VERBOSE tells of them.
func TestParallelVacuum(t *testing.T) {
	dir := t.TempDir()
	s, err := gompho.Open(context.Background(), gompho.Options{Dir: dir, Settings: map[string]string{"shared_buffers": "64MB", "autovacuum": "off"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgx.ParseConfig(s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = s.Dial
	var said []string
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { said = append(said, n.Message) }
	c, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	run(t, c, "create table t(a int primary key, b int, c text, d int)")
	run(t, c, "insert into t select g, g % 100, 'text ' || g, -g from generate_series(1, 20000) g")
	run(t, c, "create index t_b on t(b)")
	run(t, c, "create index t_c on t(c)")
	run(t, c, "create index t_d on t(d) where d > -10") // too small for a worker
	run(t, c, "set min_parallel_index_scan_size = '64kB'")
	run(t, c, "delete from t where a % 3 = 0")
	run(t, c, "vacuum (parallel 4, verbose) t")
	for _, want := range []string{`^vacuuming "postgres\.public\.t"$`, `^launched 2 parallel vacuum workers for index vacuuming \(planned: 2\)$`,
		`^finished vacuuming "postgres\.public\.t": index scans: 1\n(.*\n)*tuples: 6666 removed, 13334 remain, 0 are dead but not yet removable\n(.*\n)*` +
			`index scan needed: \d+ pages from table \(100\.00% of total\) had 6666 dead item identifiers removed\n` +
			`index "t_pkey": pages: .*\nindex "t_b": .*\nindex "t_c": .*\nindex "t_d": .*\n`} {
		if !slices.ContainsFunc(said, regexp.MustCompile(want).MatchString) {
			t.Errorf("VERBOSE did not say %s but %q", want, said)
		}
	}
	said = nil
	run(t, c, "set maintenance_work_mem = '1MB'")
	run(t, c, "delete from t where a % 3 = 1")
	run(t, c, "vacuum (parallel 0, verbose) t")
	if slices.ContainsFunc(said, regexp.MustCompile("parallel").MatchString) {
		t.Errorf("workers with PARALLEL 0: %q", said)
	}
	run(t, c, "set enable_seqscan = off")
	for _, q := range []string{"select count(*) from t where a > 0", "select count(*) from t where b >= 0", "select count(*) from t where c > ''"} {
		if n := value[int](t, c, q); n != 6667 {
			t.Errorf("%s: %d", q, n)
		}
	}
	c.Close(context.Background())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := postmaster.Check(postmaster.CheckOptions{Dir: dir}, func(p string) { t.Error(p) }); n > 0 || err != nil {
		t.Fatal(n, err)
	}
}
