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

	"gompho/internal/tests/rerun"
)

// The checker of foreign keys: sessions run random transactions with savepoints over tables that refer to each other and to themselves, and no
// row without what it refers to is ever committed. GOMPHO_FK is the number of transactions, GOMPHO_SEED the seed.

const (
	fkKeys    = 12 // keys of the referenced tables
	fkClients = 6
)

// keyedTables are the tables of the checker: p is referred to with every action; t refers to itself; d is checked at commit.
const keyedTables = `
	CREATE TABLE p (id int PRIMARY KEY, u bigint UNIQUE, v int DEFAULT 0);
	CREATE TABLE plain (id serial PRIMARY KEY, p int REFERENCES p);
	CREATE TABLE cas (id serial PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE, q int UNIQUE);
	CREATE TABLE grand (id serial PRIMARY KEY, q int REFERENCES cas (q) ON DELETE CASCADE ON UPDATE CASCADE);
	CREATE TABLE nul (id serial PRIMARY KEY, p bigint REFERENCES p (u) ON DELETE SET NULL ON UPDATE SET NULL);
	CREATE TABLE def (id serial PRIMARY KEY, p int DEFAULT 0 REFERENCES p ON DELETE SET DEFAULT ON UPDATE SET DEFAULT);
	CREATE TABLE d (id serial PRIMARY KEY, p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);
	CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t ON DELETE CASCADE DEFERRABLE);
	CREATE TABLE part (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
	CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (6);
	CREATE TABLE part2 PARTITION OF part FOR VALUES FROM (6) TO (12);
	CREATE TABLE hash (id int, p int REFERENCES part, q int REFERENCES p ON DELETE CASCADE) PARTITION BY HASH (id);
	CREATE TABLE hash0 PARTITION OF hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE hash1 PARTITION OF hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	CREATE TABLE pcas (id serial PRIMARY KEY, p int REFERENCES part ON DELETE CASCADE ON UPDATE CASCADE);
	INSERT INTO part SELECT i, i FROM generate_series(0, 11) i;
	CREATE INDEX ON plain (p);
	CREATE INDEX ON cas (p);
	INSERT INTO p SELECT i, i FROM generate_series(0, 11) i;
	INSERT INTO t SELECT i, nullif(i - 1, 0) FROM generate_series(1, 6) i;`

// orphans counts the rows without what they refer to.
const orphans = `SELECT 'plain ' || x.id FROM plain x WHERE p IS NOT NULL AND NOT EXISTS (SELECT 1 FROM p WHERE p.id = x.p)
	UNION ALL SELECT 'cas ' || x.id FROM cas x WHERE p IS NOT NULL AND NOT EXISTS (SELECT 1 FROM p WHERE p.id = x.p)
	UNION ALL SELECT 'grand ' || x.id FROM grand x WHERE q IS NOT NULL AND NOT EXISTS (SELECT 1 FROM cas WHERE cas.q = x.q)
	UNION ALL SELECT 'nul ' || x.id FROM nul x WHERE p IS NOT NULL AND NOT EXISTS (SELECT 1 FROM p WHERE p.u = x.p)
	UNION ALL SELECT 'def ' || x.id FROM def x WHERE p IS NOT NULL AND NOT EXISTS (SELECT 1 FROM p WHERE p.id = x.p)
	UNION ALL SELECT 'd ' || x.id FROM d x WHERE p IS NOT NULL AND NOT EXISTS (SELECT 1 FROM p WHERE p.id = x.p)
	UNION ALL SELECT 'hash ' || x.id FROM hash x WHERE p IS NOT NULL AND NOT EXISTS (SELECT 1 FROM part WHERE part.id = x.p)
	UNION ALL SELECT 'hash q ' || x.id FROM hash x WHERE q IS NOT NULL AND NOT EXISTS (SELECT 1 FROM p WHERE p.id = x.q)
	UNION ALL SELECT 'pcas ' || x.id FROM pcas x WHERE p IS NOT NULL AND NOT EXISTS (SELECT 1 FROM part WHERE part.id = x.p)
	UNION ALL SELECT 't ' || x.id FROM t x WHERE up IS NOT NULL AND NOT EXISTS (SELECT 1 FROM t y WHERE y.id = x.up)`

// keyedStatement makes up a statement.
func keyedStatement(r *rand.Rand) string {
	k, o := r.IntN(fkKeys), r.IntN(fkKeys)
	switch r.IntN(29) {
	case 22:
		return fmt.Sprintf("INSERT INTO part VALUES (%d) ON CONFLICT DO NOTHING", k)
	case 23:
		return fmt.Sprintf("DELETE FROM part WHERE id = %d", k)
	case 24:
		return fmt.Sprintf("UPDATE part SET id = %d WHERE id = %d", o, k)
	case 25:
		return fmt.Sprintf("UPDATE part SET v = v + 1 WHERE id = %d", k)
	case 26:
		return fmt.Sprintf("INSERT INTO hash VALUES (%d, %d, %d)", r.IntN(1000), k, o)
	case 27:
		return fmt.Sprintf("INSERT INTO pcas (p) VALUES (%d)", k)
	case 28:
		return fmt.Sprintf("UPDATE hash SET id = id + 1, p = %d WHERE p = %d", o, k)
	case 0, 1:
		return fmt.Sprintf("INSERT INTO p VALUES (%d, %d) ON CONFLICT DO NOTHING", k, k)
	case 2:
		return fmt.Sprintf("DELETE FROM p WHERE id = %d", k)
	case 3:
		return fmt.Sprintf("DELETE FROM p WHERE id IN (%d, %d)", k, o)
	case 4:
		return fmt.Sprintf("UPDATE p SET id = %d, u = %d WHERE id = %d", o, o, k)
	case 5, 6:
		return fmt.Sprintf("UPDATE p SET v = v + 1 WHERE id = %d", k)
	case 7, 8:
		return fmt.Sprintf("INSERT INTO plain (p) VALUES (%d)", k)
	case 9:
		return fmt.Sprintf("UPDATE plain SET p = %d WHERE id %% 7 = %d", o, k%7)
	case 10, 11:
		return fmt.Sprintf("INSERT INTO cas (p, q) VALUES (%d, %d) ON CONFLICT (q) DO UPDATE SET p = excluded.p", k, o)
	case 12:
		return fmt.Sprintf("INSERT INTO grand (q) VALUES (%d)", k)
	case 13:
		return fmt.Sprintf("INSERT INTO nul (p) VALUES (%d), (%d)", k, o)
	case 14:
		return fmt.Sprintf("INSERT INTO def (p) VALUES (%d)", k)
	case 15, 16:
		return fmt.Sprintf("INSERT INTO d (p) VALUES (%d)", k)
	case 17:
		return fmt.Sprintf("UPDATE d SET p = %d WHERE p = %d", o, k)
	case 18:
		return fmt.Sprintf("DELETE FROM %s WHERE id %% 5 = %d", []string{"plain", "nul", "def", "d", "grand", "cas"}[r.IntN(6)], k%5)
	case 19:
		return fmt.Sprintf("INSERT INTO t VALUES (%d, %d) ON CONFLICT (id) DO UPDATE SET up = excluded.up", k, o)
	case 20:
		return fmt.Sprintf("DELETE FROM t WHERE id = %d", k)
	}
	return fmt.Sprintf("WITH x AS (DELETE FROM plain WHERE p = %d RETURNING p) INSERT INTO d (p) SELECT p FROM x", k)
}

// keyedTransaction runs one transaction; the error is the one that ended it.
func keyedTransaction(ctx context.Context, c *pgx.Conn, r *rand.Rand) error {
	level := []string{"READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}[r.IntN(4)]
	if _, err := c.Exec(ctx, "BEGIN ISOLATION LEVEL "+level); err != nil {
		return err
	}
	depth := 0
	for range 1 + r.IntN(7) {
		sql := keyedStatement(r)
		switch r.IntN(9) {
		case 0, 1:
			sql = "SAVEPOINT s"
			depth++
		case 2:
			if depth > 0 {
				sql = "RELEASE s"
				depth--
			}
		case 3:
			if depth > 0 {
				sql = "ROLLBACK TO s"
			}
		case 4:
			sql = []string{"SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED", "SET CONSTRAINTS d_p_fkey IMMEDIATE", "SET CONSTRAINTS t_up_fkey DEFERRED"}[r.IntN(4)]
		}
		_, err := c.Exec(ctx, sql)
		if err == nil {
			continue
		}
		var e *pgconn.PgError
		if depth == 0 || !errors.As(err, &e) {
			_, _ = c.Exec(ctx, "ROLLBACK")
			return fmt.Errorf("%s: %w", sql, err)
		}
		if err := keyedExpected(err); err != nil {
			_, _ = c.Exec(ctx, "ROLLBACK")
			return fmt.Errorf("%s: %w", sql, err)
		}
		if _, err := c.Exec(ctx, "ROLLBACK TO s"); err != nil {
			return err
		}
	}
	end := "COMMIT"
	if r.IntN(6) == 0 {
		end = "ROLLBACK"
	}
	_, err := c.Exec(ctx, end)
	return err
}

// keyedExpected returns errors that these transactions should not meet.
func keyedExpected(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch e.Code {
		case "23503", "23505", "40001", "40P01", "21000":
			return nil
		}
	}
	return err
}

// TestForeignKeyHistories looks for orphans while the transactions run, in snapshots of their own, and after them.
func TestForeignKeyHistories(t *testing.T) {
	n, seed := rerun.Count(t, "GOMPHO_FK", 1500), rerun.Seed(t)
	s := open(t, false)
	setup := connect(t, s)
	if _, err := setup.PgConn().Exec(context.Background(), keyedTables).ReadAll(); err != nil {
		t.Fatal(err)
	}
	run(t, setup, "SET deadlock_timeout = '20ms'")
	var wg sync.WaitGroup
	done := make(chan struct{})
	committed := make([]int, fkClients)
	for c := range fkClients {
		conn := connect(t, s)
		run(t, conn, "SET deadlock_timeout = '20ms'")
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(seed, uint64(c)))
			for range n / fkClients {
				err := keyedTransaction(context.Background(), conn, r)
				if err == nil {
					committed[c]++
				} else if keyedExpected(err) != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	go func() { wg.Wait(); close(done) }()
	checks := 0
	for running := true; running; checks++ {
		select {
		case <-done:
			running = false
		default:
		}
		if lost, err := lostRows(setup); err != nil || len(lost) > 0 {
			t.Errorf("rows without what they refer to: %v %v", lost, err)
			break
		}
	}
	<-done
	sum := 0
	for _, k := range committed {
		sum += k
	}
	t.Logf("%d committed, looked at %d times", sum, checks)
	if sum < n/20 {
		t.Errorf("only %d of %d transactions committed", sum, n)
	}
}

func lostRows(c *pgx.Conn) ([]string, error) {
	rows, err := c.Query(context.Background(), orphans)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
