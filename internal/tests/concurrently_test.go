package tests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
	"gompho/internal/tests/rerun"
)

// TestIndexesConcurrently makes, replaces and drops indexes while others write: after each step the index knows just the rows that the table has,
// for a new snapshot, and in the end the check of the whole cluster finds nothing. GOMPHO_SEED repeats a run, GOMPHO_ROUNDS sets the number of steps.
func TestIndexesConcurrently(t *testing.T) {
	seed, rounds := rerun.Seed(t), rerun.Count(t, "GOMPHO_ROUNDS", 12)
	dir, bin := t.TempDir()+"/data", binary(t)
	s, err := gompho.Open(context.Background(), gompho.Options{Dir: dir, Settings: map[string]string{"shared_buffers": "32MB", "deadlock_timeout": "100ms", "fsync": "off"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	admin := connect(t, s)
	exec := func(c *pgx.Conn, sql string) error {
		_, err := c.Exec(ctx, sql)
		return err
	}
	must := func(sql string) {
		t.Helper()
		if err := exec(admin, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	must("create table t(a int primary key, b int, c text)")
	must("insert into t select i, i % 50, 'c' || i from generate_series(1, 2000) i")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		c := connect(t, s)
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(w)))
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := writeSome(ctx, c, rnd, w, n); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	rnd := rand.New(rand.NewPCG(seed, 99))
	made := false
	for range rounds {
		switch {
		case !made:
			must([]string{"create index concurrently t_b on t(b)", "create index concurrently t_b on t(b) include (c)", "create index concurrently t_b on t(b) where a % 3 <> 0"}[rnd.IntN(3)])
			must("create index concurrently t_c on t(upper(c))")
			made = true
		case rnd.IntN(3) == 0:
			must("drop index concurrently t_b")
			must("drop index concurrently t_c")
			made = false
			continue
		case rnd.IntN(2) == 0:
			must("reindex table concurrently t")
		default:
			must("reindex index concurrently t_b")
		}
		compareIndexes(t, admin)
	}
	close(stop)
	wg.Wait()
	compareIndexes(t, admin)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkCluster(t, bin, dir, 0)
}

// writeSome is one transaction of a writer.
func writeSome(ctx context.Context, c *pgx.Conn, rnd *rand.Rand, w, n int) error {
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	for range 1 + rnd.IntN(4) {
		a := 1 + rnd.IntN(2000)
		sql := ""
		switch rnd.IntN(6) {
		case 0:
			sql = fmt.Sprintf("insert into t values (%d, %d, 'new')", 10000+w*1000000+n*10+rnd.IntN(10), rnd.IntN(50))
		case 1:
			sql = fmt.Sprintf("delete from t where a = %d", a)
		case 2, 3:
			sql = fmt.Sprintf("update t set b = %d where a = %d", rnd.IntN(50), a)
		case 4:
			sql = fmt.Sprintf("update t set c = c || 'x' where a = %d", a)
		default:
			sql = fmt.Sprintf("insert into t values (%d, %d, 'again') on conflict (a) do update set b = excluded.b", a, rnd.IntN(50))
		}
		if _, err := tx.Exec(ctx, sql); err != nil {
			var pe *pgconn.PgError
			if errors.As(err, &pe) && (pe.Code == "40P01" || pe.Code == "23505") {
				return tx.Rollback(ctx)
			}
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	if rnd.IntN(4) == 0 {
		return tx.Rollback(ctx)
	}
	return tx.Commit(ctx)
}

// compareIndexes reads the table with and without its indexes, in one snapshot.
func compareIndexes(t *testing.T, c *pgx.Conn) {
	t.Helper()
	ctx := context.Background()
	tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	for _, q := range []string{
		"select count(*), coalesce(sum(a), 0), coalesce(sum(hashtext(c)), 0) from t where b between 0 and 49 and a % 3 <> 0",
		"select count(*), coalesce(sum(a), 0), coalesce(sum(b), 0) from t where upper(c) >= 'A' and upper(c) < 'Z'",
		"select count(*), coalesce(sum(a), 0), coalesce(sum(b), 0) from t where a > 0",
	} {
		var got [2][3]int64
		for i, set := range []string{"set local enable_seqscan = on; set local enable_indexscan = off; set local enable_bitmapscan = off; set local enable_indexonlyscan = off",
			"set local enable_seqscan = off; set local enable_indexscan = on; set local enable_bitmapscan = on; set local enable_indexonlyscan = on"} {
			if _, err := tx.Exec(ctx, set); err != nil {
				t.Fatal(err)
			}
			if err := tx.QueryRow(ctx, q).Scan(&got[i][0], &got[i][1], &got[i][2]); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
		if got[0] != got[1] {
			t.Errorf("%s: %v by the table, %v by the index", q, got[0], got[1])
		}
	}
}
