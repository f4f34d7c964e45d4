package tests

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The history checker: sessions run random transactions side by side over registers whose every value was written once, so that what a read
// returned names the transaction it came from and what an update replaced. GOMPHO_HISTORY is the number of transactions, GOMPHO_SEED the seed.

const registers = 12

// observed is a committed transaction as its client saw it.
type observed struct {
	reads  map[int]int64 // value read of each register
	writes map[int]int64 // value written
}

// paths are settings that lead reads along each way to a table.
var paths = []string{
	"SET LOCAL enable_seqscan = on",
	"SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off",
	"SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off",
	"SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off",
}

func historySize(t *testing.T) (n int, seed uint64) {
	n, seed = 3000, uint64(time.Now().UnixNano())
	if v, err := strconv.Atoi(os.Getenv("GOMPHO_HISTORY")); err == nil {
		n = v
	}
	if v, err := strconv.ParseUint(os.Getenv("GOMPHO_SEED"), 10, 64); err == nil {
		seed = v
	}
	t.Logf("%d transactions, seed %d", n, seed)
	return n, seed
}

// history runs n transactions of a level and returns those that committed, and how many were refused.
func history(t *testing.T, level string, n int, seed uint64) (done []observed, refused int) {
	s := open(t, false)
	run(t, connect(t, s), "CREATE TABLE reg (k int PRIMARY KEY, v bigint)")
	run(t, connect(t, s), "INSERT INTO reg SELECT i, -i - 1 FROM generate_series(0, $1::int - 1) i", registers)
	run(t, connect(t, s), "CREATE INDEX reg_kv ON reg (k, v)")
	const clients = 6
	var mu sync.Mutex
	var wg sync.WaitGroup
	for c := range clients {
		conn := connect(t, s)
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(seed, uint64(c)))
			for i := range n / clients {
				o, err := transact(conn, level, r, int64(i*clients+c)*8+1)
				var e *pgconn.PgError
				mu.Lock()
				switch {
				case err == nil:
					done = append(done, o)
				case errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01"):
					refused++
				default:
					t.Error(err)
				}
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return done, refused
}

// transact reads some registers and changes some of those it read.
func transact(c *pgx.Conn, level string, r *rand.Rand, next int64) (o observed, err error) {
	ctx := context.Background()
	o = observed{map[int]int64{}, map[int]int64{}}
	mode := " READ WRITE"
	if r.IntN(5) == 0 {
		mode = " READ ONLY"
	}
	if _, err = c.Exec(ctx, "BEGIN ISOLATION LEVEL "+level+mode+"; "+paths[r.IntN(len(paths))]); err != nil {
		return o, err
	}
	defer func() {
		if err != nil {
			_, _ = c.Exec(ctx, "ROLLBACK")
		}
	}()
	for range 1 + r.IntN(3) {
		k := r.IntN(registers)
		if _, ok := o.writes[k]; ok {
			continue
		}
		if err = read(ctx, c, k, k+r.IntN(2), o); err != nil {
			return o, err
		}
		if mode == " READ WRITE" && r.IntN(2) == 0 {
			if _, err = c.Exec(ctx, "UPDATE reg SET v = $2 WHERE k = $1", k, next); err != nil {
				return o, err
			}
			o.writes[k] = next
			next++
		}
	}
	_, err = c.Exec(ctx, "COMMIT")
	return o, err
}

func read(ctx context.Context, c *pgx.Conn, from, to int, o observed) error {
	rows, err := c.Query(ctx, "SELECT k, v FROM reg WHERE k BETWEEN $1 AND $2", from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k int
		var v int64
		if err := rows.Scan(&k, &v); err != nil {
			return err
		}
		if _, own := o.writes[k]; !own {
			o.reads[k] = v
		}
	}
	return rows.Err()
}

// successors maps each value to the transaction that replaced it. Two that replaced the same are a lost update.
func successors(t *testing.T, done []observed) map[int64]int {
	next := map[int64]int{}
	for i, o := range done {
		for k := range o.writes {
			old := o.reads[k]
			if j, dup := next[old]; dup {
				t.Fatalf("lost update: transactions %d and %d both replaced value %d of register %d", i, j, old, k)
			}
			next[old] = i
		}
	}
	return next
}

// cycle reports whether the dependencies among the transactions have a cycle.
func cycle(done []observed, next map[int64]int) bool {
	writer := map[int64]int{}
	for i, o := range done {
		for _, v := range o.writes {
			writer[v] = i
		}
	}
	after := make([][]int, len(done))
	for i, o := range done {
		for _, v := range o.reads {
			if w, ok := writer[v]; ok {
				after[w] = append(after[w], i)
			}
			if n, ok := next[v]; ok && n != i {
				after[i] = append(after[i], n)
			}
		}
	}
	state := make([]int8, len(done))
	var visit func(i int) bool
	visit = func(i int) bool {
		state[i] = 1
		for _, n := range after[i] {
			if state[n] == 1 || state[n] == 0 && visit(n) {
				return true
			}
		}
		state[i] = 2
		return false
	}
	for i := range done {
		if state[i] == 0 && visit(i) {
			return true
		}
	}
	return false
}

func TestSerializableHistory(t *testing.T) {
	n, seed := historySize(t)
	done, refused := history(t, "SERIALIZABLE", n, seed)
	t.Logf("%d committed, %d refused", len(done), refused)
	if len(done) < n/20 || refused == 0 {
		t.Fatalf("%d committed and %d refused: a history of nothing", len(done), refused)
	}
	if cycle(done, successors(t, done)) {
		t.Fatal("the committed transactions have no serial order")
	}
}

// Repeatable Read loses no update; write skew it does allow, which shows that the checker finds one.
func TestRepeatableReadHistory(t *testing.T) {
	n, seed := historySize(t)
	done, refused := history(t, "REPEATABLE READ", n, seed)
	t.Logf("%d committed, %d refused", len(done), refused)
	if refused == 0 {
		t.Fatal("nobody was refused")
	}
	if !cycle(done, successors(t, done)) {
		t.Fatal("no write skew under Repeatable Read: the histories are too tame to tell anything")
	}
}
