package tests

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gompho"
	"gompho/postmaster"
)

// TestRewriteDying: VACUUM FULL and CLUSTER copy deleted and replaced rows that an older snapshot sees, with their values in the toast table. The snapshot
// reads them there, and once it is gone VACUUM removes them with their rows.
func TestRewriteDying(t *testing.T) {
	for _, command := range []string{"vacuum full t", "cluster t using t_pkey", "vacuum full t; vacuum full t"} {
		t.Run(command, func(t *testing.T) {
			dir := t.TempDir()
			s, err := gompho.Open(context.Background(), gompho.Options{Dir: dir, Settings: map[string]string{"shared_buffers": "16MB", "autovacuum": "off"}})
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := pgx.ParseConfig(s.DSN())
			if err != nil {
				t.Fatal(err)
			}
			cfg.DialFunc, cfg.DefaultQueryExecMode = s.Dial, pgx.QueryExecModeSimpleProtocol
			dial := func() *pgx.Conn {
				c, err := pgx.ConnectConfig(context.Background(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			c, old := dial(), dial()
			run(t, c, "create table t(a int primary key, b text, c int)")
			run(t, c, "alter table t alter b set storage external")
			run(t, c, "insert into t select g, repeat(g::text, 5000), 0 from generate_series(1, 40) g")
			const sum = "select md5(string_agg(a || b || c, ',' order by a)) from t"
			before := value[string](t, c, sum)
			run(t, old, "begin isolation level repeatable read; select 1") // a snapshot, but no lock of t
			run(t, c, "delete from t where a <= 10")
			run(t, c, "update t set b = b || 'new' where a between 11 and 20")
			run(t, c, "update t set c = 1 where a between 21 and 25")
			run(t, c, "begin; savepoint s; delete from t where a = 26; rollback to s; update t set b = 'short' where a = 27; commit")
			run(t, c, "begin; select 1 from t where a in (28, 29) for key share; update t set c = 2, b = b || '2' where a = 28; commit")
			now := value[string](t, c, sum)
			for _, st := range strings.Split(command, "; ") {
				run(t, c, st)
			}
			if got := value[string](t, old, sum); got != before {
				t.Error("the older snapshot does not see what it saw")
			}
			run(t, c, "vacuum t")
			if got := value[string](t, old, sum); got != before {
				t.Error("the older snapshot does not see what it saw after VACUUM")
			}
			run(t, old, "commit")
			run(t, c, "vacuum t")
			if got := value[string](t, c, sum); got != now {
				t.Error("the rows changed")
			}
			toast := value[string](t, c, "select reltoastrelid::regclass::text from pg_class where relname = 't'")
			if n := value[int](t, c, "select count(distinct chunk_id) from "+toast); n != 29 {
				t.Errorf("%d values in the toast table, want one for each of the 29 rows that have one", n)
			}
			c.Close(context.Background())
			old.Close(context.Background())
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if n, err := postmaster.Check(postmaster.CheckOptions{Dir: dir}, func(p string) { t.Error(p) }); n > 0 || err != nil {
				t.Fatal(n, err)
			}
		})
	}
}
