package tests

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
	"gompho/internal/tests/rerun"
)

// The history checker: sessions run random transactions side by side over registers whose every value was written once, so that what a read
// returned names the transaction it came from and what an update replaced. GOMPHO_HISTORY is the number of transactions, GOMPHO_SEED the seed.

const registers = 12

// observed is a transaction as its client saw it.
type observed struct {
	client int
	reads  map[int]int64 // value read of each register
	writes map[int]int64 // value written
}

// recorded is what clients saw of a run.
type recorded struct {
	done    []observed // committed; those of one client in order
	failed  []observed // refused for read/write dependencies: what they had done until then
	refused int        // in all
}

// paths are settings that lead reads along each way to a table.
var paths = []string{
	"SET LOCAL enable_seqscan = on",
	"SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off",
	"SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off",
	"SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off",
}

func historySize(t *testing.T) (n int, seed uint64) {
	t.Helper()
	return rerun.Count(t, "GOMPHO_HISTORY", 3000), rerun.Seed(t)
}

// history runs n transactions of a level over so many registers.
func history(t *testing.T, dial func() *pgx.Conn, level string, keys, n int, seed uint64) (h recorded) {
	admin := dial()
	run(t, admin, "DROP TABLE IF EXISTS reg")
	run(t, admin, "CREATE TABLE reg (k int PRIMARY KEY, v bigint)")
	run(t, admin, "INSERT INTO reg SELECT i, -i - 1 FROM generate_series(0, $1::int - 1) i", keys)
	run(t, admin, "CREATE INDEX reg_kv ON reg (k, v)")
	run(t, admin, "ANALYZE reg")
	const clients = 6
	var mu sync.Mutex
	var wg sync.WaitGroup
	for c := range clients {
		conn := dial()
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(seed, uint64(c)))
			for i := range n / clients {
				o, err := transact(conn, level, keys, r, int64(i*clients+c)*8+1)
				o.client = c
				var e *pgconn.PgError
				mu.Lock()
				switch {
				case err == nil:
					h.done = append(h.done, o)
				case errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01"):
					h.refused++
					if strings.Contains(e.Message, "read/write dependencies") {
						h.failed = append(h.failed, o)
					}
				default:
					t.Error(err)
				}
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return h
}

// transact reads some registers and changes some of those it read.
func transact(c *pgx.Conn, level string, keys int, r *rand.Rand, next int64) (o observed, err error) {
	ctx := context.Background()
	o = observed{reads: map[int]int64{}, writes: map[int]int64{}}
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
		k := r.IntN(keys)
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

// successors maps each value to the transaction that replaced it. lost is a value that two replaced, 0 if there is none.
func successors(done []observed) (next map[int64]int, lost int64) {
	next = map[int64]int{}
	for i, o := range done {
		for k := range o.writes {
			if _, dup := next[o.reads[k]]; dup {
				lost = o.reads[k]
			}
			next[o.reads[k]] = i
		}
	}
	return next, lost
}

// graph has the dependencies among transactions: dep those of reading or replacing what another wrote, anti those of reading what another replaced.
type graph struct{ dep, anti [][]int }

func dependencies(done []observed, next map[int64]int) graph {
	writer := map[int64]int{}
	for i, o := range done {
		for _, v := range o.writes {
			writer[v] = i
		}
	}
	g := graph{make([][]int, len(done)), make([][]int, len(done))}
	for i, o := range done {
		for _, v := range o.reads {
			if w, ok := writer[v]; ok {
				g.dep[w] = append(g.dep[w], i)
			}
			if n, ok := next[v]; ok && n != i {
				g.anti[i] = append(g.anti[i], n)
			}
		}
	}
	return g
}

// cycle reports whether edges among n nodes have a cycle.
func cycle(n int, edges func(i int) []int) bool {
	state := make([]int8, n)
	var visit func(i int) bool
	visit = func(i int) bool {
		state[i] = 1
		for _, n := range edges(i) {
			if state[n] == 1 || state[n] == 0 && visit(n) {
				return true
			}
		}
		state[i] = 2
		return false
	}
	for i := range n {
		if state[i] == 0 && visit(i) {
			return true
		}
	}
	return false
}

// serializable reports whether the transactions have a serial order.
func serializable(done []observed) bool {
	next, lost := successors(done)
	g := dependencies(done, next)
	return lost == 0 && !cycle(len(done), func(i int) []int { return append(g.dep[i][:len(g.dep[i]):len(g.dep[i])], g.anti[i]...) })
}

// fromSnapshots reports whether each transaction can have read one snapshot, in which its client's earlier ones were, with no update lost: whether
// every cycle of dependencies has two antidependencies in a row (Cerone and Gotsman, "Analysing Snapshot Isolation", PODC 2016).
func fromSnapshots(done []observed) bool {
	next, lost := successors(done)
	g := dependencies(done, next)
	last := map[int]int{}
	for i, o := range done {
		if before, ok := last[o.client]; ok {
			g.dep[before] = append(g.dep[before], i)
		}
		last[o.client] = i
	}
	return lost == 0 && !cycle(len(done), func(i int) (out []int) {
		for _, n := range g.dep[i] {
			out = append(append(out, n), g.anti[n]...)
		}
		return out
	})
}

// the checks themselves, on histories made by hand.
func TestHistoryChecks(t *testing.T) {
	type m = map[int]int64
	for _, c := range []struct {
		name            string
		done            []observed
		snapshot, order bool
	}{
		{"one after the other", []observed{{0, m{0: -1}, m{0: 1}}, {1, m{0: 1}, m{0: 2}}}, true, true},
		{"lost update", []observed{{0, m{0: -1}, m{0: 1}}, {1, m{0: -1}, m{0: 2}}}, false, false},
		{"write skew", []observed{{0, m{0: -1, 1: -2}, m{0: 1}}, {1, m{0: -1, 1: -2}, m{1: 2}}}, true, false},
		{"read skew", []observed{{0, m{0: -1, 1: -2}, m{0: 1, 1: 2}}, {1, m{0: -1, 1: 2}, m{}}}, false, false},
		{"each reads the other", []observed{{0, m{0: -1, 1: 2}, m{0: 1}}, {1, m{0: 1, 1: -2}, m{1: 2}}}, false, false},
		{"long fork", []observed{{0, m{0: -1}, m{0: 1}}, {1, m{1: -2}, m{1: 2}}, {2, m{0: 1, 1: -2}, m{}}, {3, m{0: -1, 1: 2}, m{}}}, false, false},
		{"own write not seen", []observed{{0, m{0: -1}, m{0: 1}}, {0, m{0: -1}, m{}}}, false, true},
		{"read-only anomaly", []observed{{0, m{0: -1, 1: -2}, m{0: 1}}, {1, m{1: -2}, m{1: 2}}, {2, m{0: -1, 1: 2}, m{}}}, true, false},
	} {
		if got := fromSnapshots(c.done); got != c.snapshot {
			t.Errorf("%s: from snapshots: %v", c.name, got)
		}
		if got := serializable(c.done); got != c.order {
			t.Errorf("%s: serializable: %v", c.name, got)
		}
	}
}

func embedded(t *testing.T) func() *pgx.Conn {
	s := open(t, false)
	return func() *pgx.Conn { return connect(t, s) }
}

func TestSerializableHistory(t *testing.T) {
	n, seed := historySize(t)
	h := history(t, embedded(t), "SERIALIZABLE", registers, n, seed)
	t.Logf("%d committed, %d refused", len(h.done), h.refused)
	if len(h.done) < n/20 || h.refused == 0 {
		t.Fatalf("%d committed and %d refused: a history of nothing", len(h.done), h.refused)
	}
	if !fromSnapshots(h.done) {
		t.Fatal("the committed transactions did not read snapshots")
	}
	if !serializable(h.done) {
		t.Fatal("the committed transactions have no serial order")
	}
}

// Repeatable Read loses no update and reads snapshots; write skew it does allow, which shows that the checker finds one.
func TestRepeatableReadHistory(t *testing.T) {
	n, seed := historySize(t)
	h := history(t, embedded(t), "REPEATABLE READ", registers, n, seed)
	t.Logf("%d committed, %d refused", len(h.done), h.refused)
	if h.refused == 0 {
		t.Fatal("nobody was refused")
	}
	if !fromSnapshots(h.done) {
		t.Fatal("the committed transactions did not read snapshots, or an update was lost")
	}
	if serializable(h.done) {
		t.Fatal("no write skew under Repeatable Read: the histories are too tame to tell anything")
	}
}

// Read Committed does not read snapshots: the checker sees that.
func TestReadCommittedHistory(t *testing.T) {
	n, seed := historySize(t)
	h := history(t, embedded(t), "READ COMMITTED", registers, n, seed)
	t.Logf("%d committed, %d refused", len(h.done), h.refused)
	if fromSnapshots(h.done) {
		t.Fatal("Read Committed looks like snapshot isolation: the histories are too tame to tell anything")
	}
}

// A serializable transaction that stays open makes the server keep all that committed since, more than there is room for: the oldest are summarised,
// and what is refused then may be more, but never less, than what must be.
func TestSerializableHistorySummarised(t *testing.T) {
	n, seed := historySize(t)
	s, err := gompho.Open(context.Background(), gompho.Options{Settings: map[string]string{"shared_buffers": "64MB", "deadlock_timeout": "50ms",
		"max_connections": "15", "max_pred_locks_per_transaction": "640"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	dial := func() *pgx.Conn { return connect(t, s) }
	run(t, dial(), "CREATE TABLE other (k int)")
	long := dial()
	run(t, long, "BEGIN ISOLATION LEVEL SERIALIZABLE")
	run(t, long, "SELECT * FROM other")
	h := history(t, dial, "SERIALIZABLE", registers, n, seed)
	t.Logf("%d committed, %d refused", len(h.done), h.refused)
	if len(h.done) < n/20 || h.refused == 0 {
		t.Fatalf("%d committed and %d refused: a history of nothing", len(h.done), h.refused)
	}
	if !fromSnapshots(h.done) || !serializable(h.done) {
		t.Fatal("the committed transactions have no serial order")
	}
	if left := value[int](t, long, "SELECT count(*)::int FROM pg_locks WHERE mode = 'SIReadLock' AND pid IS NULL"); left == 0 {
		t.Error("nothing was summarised")
	}
	run(t, long, "INSERT INTO other VALUES (1)")
	run(t, long, "COMMIT")
	if left := value[int](t, long, "SELECT count(*)::int FROM pg_locks WHERE mode = 'SIReadLock'"); left != 0 {
		t.Errorf("%d predicate locks are left", left)
	}
}

// Tables of two databases may have the same number: what is done in one says nothing of the other.
func TestSerializableTwoDatabases(t *testing.T) {
	s := open(t, false)
	admin := connect(t, s)
	run(t, admin, "CREATE DATABASE first")
	cfg, err := pgx.ParseConfig(s.DSN() + " dbname=first")
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = s.Dial
	dial := func(database string) *pgx.Conn {
		c := cfg.Copy()
		c.Database = database
		conn, err := pgx.ConnectConfig(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	maker := dial("first")
	run(t, maker, "CREATE TABLE skew (k int PRIMARY KEY, v int)")
	run(t, maker, "INSERT INTO skew VALUES (1, 1), (2, 2)")
	maker.Close(context.Background())
	run(t, admin, "CREATE DATABASE second TEMPLATE first")
	a, b, again := dial("first"), dial("second"), dial("first")
	defer a.Close(context.Background())
	defer b.Close(context.Background())
	defer again.Close(context.Background())
	if value[uint32](t, a, "SELECT 'skew'::regclass::oid") != value[uint32](t, b, "SELECT 'skew'::regclass::oid") {
		t.Fatal("the two tables have different numbers")
	}
	for _, c := range []*pgx.Conn{a, b, again} {
		run(t, c, "BEGIN ISOLATION LEVEL SERIALIZABLE")
		run(t, c, "SELECT * FROM skew")
	}
	run(t, a, "UPDATE skew SET v = 10 WHERE k = 1")
	run(t, b, "UPDATE skew SET v = 20 WHERE k = 2")
	run(t, a, "COMMIT")
	run(t, b, "COMMIT")
	var e *pgconn.PgError
	if _, err := again.Exec(context.Background(), "UPDATE skew SET v = 20 WHERE k = 2"); err == nil {
		_, err = again.Exec(context.Background(), "COMMIT")
		if !errors.As(err, &e) || e.Code != "40001" {
			t.Errorf("write skew in one database: %v", err)
		}
	} else if !errors.As(err, &e) || e.Code != "40001" {
		t.Error(err)
	}
}
