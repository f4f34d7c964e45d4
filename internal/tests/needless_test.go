package tests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Needless refusals: serializable transactions that were made to fail for read/write dependencies although a serial order with them exists. Locks
// on pages and relations, and rules that look at two dependencies rather than at cycles, make some unavoidable; PostgreSQL's number is the
// yardstick. With GOMPHO_REFERENCE (see reference) the same workloads run on
// PostgreSQL too.

// workload is a kind of transactions of which a serial order always exists, unless history says otherwise.
type workload struct {
	name  string
	setup []string
	// txn is one transaction of a client; it does not commit.
	txn func(ctx context.Context, c *pgx.Conn, r *rand.Rand, client int) error
	// most is how many in a thousand may be refused for read/write dependencies. It is a guard against locks that have become coarse, with
	// room above what is usual.
	most int
}

const needlessClients = 8

func do(ctx context.Context, c *pgx.Conn, sql string, args ...any) error {
	_, err := c.Exec(ctx, sql, args...)
	return err
}

var workloads = []workload{
	{
		// Readers of a whole table beside writers of single rows: readers come first, or last.
		name:  "minimum",
		setup: []string{"CREATE TABLE mini (k int PRIMARY KEY, v int)", "INSERT INTO mini SELECT i, i FROM generate_series(1, 100) i"},
		txn: func(ctx context.Context, c *pgx.Conn, r *rand.Rand, client int) error {
			if client%2 == 0 {
				return do(ctx, c, "SELECT min(v) FROM mini")
			}
			return do(ctx, c, "UPDATE mini SET v = v + 1 WHERE k = $1", 1+r.IntN(100))
		},
		most: 5,
	},
	{
		// Each client reads and changes rows of its own, which are next to each other in the table and its indexes.
		name: "own ranges",
		setup: []string{"CREATE TABLE own (k int PRIMARY KEY, v int, pad text)", "CREATE INDEX own_v ON own (v)",
			"INSERT INTO own SELECT i, i, repeat('x', 50) FROM generate_series(0, 15999) i"},
		txn: func(ctx context.Context, c *pgx.Conn, r *rand.Rand, client int) error {
			at := client*2000 + r.IntN(1990)
			if err := do(ctx, c, "SELECT sum(v) FROM own WHERE k BETWEEN $1 AND $1 + 4", at); err != nil {
				return err
			}
			return do(ctx, c, "UPDATE own SET pad = repeat('y', 50) WHERE k = $1", at)
		},
		most: 30,
	},
	{
		// The same by a key that changes, so that entries come into the index.
		name: "own ranges, new keys",
		setup: []string{"CREATE TABLE ownk (k int PRIMARY KEY, v int)", "CREATE INDEX ownk_v ON ownk (v)",
			"INSERT INTO ownk SELECT i, i * 10 FROM generate_series(0, 15999) i"},
		txn: func(ctx context.Context, c *pgx.Conn, r *rand.Rand, client int) error {
			at := (client*2000 + r.IntN(1990)) * 10
			if err := do(ctx, c, "SELECT count(*) FROM ownk WHERE v BETWEEN $1 AND $1 + 30", at); err != nil {
				return err
			}
			return do(ctx, c, "UPDATE ownk SET v = v + 1 WHERE v BETWEEN $1 AND $1 + 9", at)
		},
		most: 150,
	},
	{
		// Single rows here and there: write skew is possible but rare.
		name:  "points",
		setup: []string{"CREATE TABLE pts (k int PRIMARY KEY, v int)", "INSERT INTO pts SELECT i, i FROM generate_series(0, 19999) i"},
		txn: func(ctx context.Context, c *pgx.Conn, r *rand.Rand, client int) error {
			for range 3 {
				if err := do(ctx, c, "SELECT v FROM pts WHERE k = $1", r.IntN(20000)); err != nil {
					return err
				}
			}
			return do(ctx, c, "UPDATE pts SET v = v + 1 WHERE k = $1", r.IntN(20000))
		},
		most: 20,
	},
	{
		// Receipts of the current batch, a report of the one before, and batches being closed: the order matters, some must fail.
		name: "receipts and reports",
		setup: []string{"CREATE TABLE batch (k int PRIMARY KEY, n int)", "INSERT INTO batch VALUES (1, 1)",
			"CREATE TABLE receipt (id bigint PRIMARY KEY, n int)", "CREATE INDEX receipt_n ON receipt (n)"},
		txn: func(ctx context.Context, c *pgx.Conn, r *rand.Rand, client int) error {
			switch {
			case client == 0:
				return do(ctx, c, "UPDATE batch SET n = n + 1 WHERE k = 1")
			case client == 1:
				return do(ctx, c, "SELECT count(*) FROM receipt WHERE n = (SELECT n - 1 FROM batch WHERE k = 1)")
			}
			return do(ctx, c, "INSERT INTO receipt SELECT $1, n FROM batch WHERE k = 1", r.Int64())
		},
		most: 1000,
	},
}

// outcome counts how transactions ended.
type outcome struct{ done, dependencies, other int }

func (o outcome) perThousand() int {
	return o.dependencies * 1000 / max(1, o.done+o.dependencies+o.other)
}

func (w workload) run(t *testing.T, dial func() *pgx.Conn, n int, seed uint64) (sum outcome) {
	for _, q := range w.setup {
		if name, ok := strings.CutPrefix(q, "CREATE TABLE "); ok {
			run(t, dial(), "DROP TABLE IF EXISTS "+name[:strings.IndexByte(name, ' ')])
		}
		run(t, dial(), q)
	}
	run(t, dial(), "ANALYZE")
	var mu sync.Mutex
	var wg sync.WaitGroup
	for client := range needlessClients {
		c := dial()
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(seed, uint64(client)))
			for range n / needlessClients {
				err := w.one(c, r, client)
				mu.Lock()
				var e *pgconn.PgError
				switch {
				case err == nil:
					sum.done++
				case errors.As(err, &e) && e.Code == "40001" && strings.Contains(e.Message, "read/write dependencies"):
					sum.dependencies++
				case errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01"):
					sum.other++
				default:
					t.Error(err)
				}
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return sum
}

func (w workload) one(c *pgx.Conn, r *rand.Rand, client int) error {
	ctx := context.Background()
	err := do(ctx, c, "BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL enable_seqscan = off")
	if err == nil {
		err = w.txn(ctx, c, r, client)
	}
	if err != nil {
		_ = do(ctx, c, "ROLLBACK")
		return err
	}
	return do(ctx, c, "COMMIT")
}

// otherServer dials a database of its own of the reference server; nil when there is none.
func otherServer(t *testing.T) func() *pgx.Conn {
	ref, ok := reference(t)
	if !ok {
		return nil
	}
	dial := func(database string) *pgx.Conn {
		c, err := pgx.Connect(context.Background(), fmt.Sprintf("host=127.0.0.1 port=%d user=%s dbname=%s", ref.port, ref.user, database))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close(context.Background()) })
		return c
	}
	name := fmt.Sprintf("needless_%d", os.Getpid())
	admin := dial("postgres")
	run(t, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	run(t, admin, "CREATE DATABASE "+name)
	t.Cleanup(func() { run(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	return func() *pgx.Conn { return dial(name) }
}

func TestNeedlessRefusals(t *testing.T) {
	n, seed := historySize(t)
	s := open(t, true)
	ours, theirs := func() *pgx.Conn { return connect(t, s) }, otherServer(t)
	for _, w := range workloads {
		t.Run(w.name, func(t *testing.T) {
			begin := time.Now()
			got := w.run(t, ours, n, seed)
			t.Logf("gompho %v: %d committed, %d refused for dependencies (%d in a thousand), %d for other reasons", time.Since(begin), got.done, got.dependencies, got.perThousand(), got.other)
			if got.perThousand() > w.most {
				t.Errorf("more than %d in a thousand", w.most)
			}
			if theirs != nil {
				begin := time.Now()
				got := w.run(t, theirs, n, seed)
				t.Logf("reference %v: %d committed, %d refused for dependencies (%d in a thousand), %d for other reasons", time.Since(begin), got.done, got.dependencies, got.perThousand(), got.other)
			}
		})
	}
}

// Of the transactions that were refused in a history, those count as needless that fit into a serial order of the ones that committed.
func TestNeedlessInHistory(t *testing.T) {
	n, seed := historySize(t)
	s := open(t, true)
	ours, theirs := func() *pgx.Conn { return connect(t, s) }, otherServer(t)
	for _, keys := range []int{registers, 200} {
		t.Run(fmt.Sprint(keys), func(t *testing.T) {
			h := history(t, ours, "SERIALIZABLE", keys, n, seed)
			t.Logf("gompho: %d committed, %d refused, %d for dependencies, needlessly %d", len(h.done), h.refused, len(h.failed), h.needless())
			if theirs != nil {
				h := history(t, theirs, "SERIALIZABLE", keys, n, seed)
				t.Logf("reference: %d committed, %d refused, %d for dependencies, needlessly %d", len(h.done), h.refused, len(h.failed), h.needless())
			}
		})
	}
}

// needless counts the failed transactions that do not close a cycle with those that committed.
func (h recorded) needless() (n int) {
	next, _ := successors(h.done)
	g := dependencies(h.done, next)
	writer, readers := map[int64]int{}, map[int64][]int{}
	for i, o := range h.done {
		for _, v := range o.writes {
			writer[v] = i
		}
		for _, v := range o.reads {
			readers[v] = append(readers[v], i)
		}
	}
	seen := make([]int, len(h.done))
	for at, o := range h.failed {
		// Those that must come after it, and before it.
		var after []int
		before := map[int]bool{}
		fits := true
		for k, v := range o.reads {
			if w, ok := writer[v]; ok {
				before[w] = true
			}
			r, replaced := next[v]
			if replaced {
				after = append(after, r)
			}
			if _, wrote := o.writes[k]; wrote {
				fits = fits && !replaced
				for _, i := range readers[v] {
					before[i] = true
				}
			}
		}
		for len(after) > 0 && fits {
			i := after[len(after)-1]
			after = after[:len(after)-1]
			if fits = !before[i]; seen[i] == at+1 {
				continue
			}
			seen[i] = at + 1
			after = append(append(after, g.dep[i]...), g.anti[i]...)
		}
		if fits {
			n++
		}
	}
	return n
}
