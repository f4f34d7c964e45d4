package tests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sqlState returns the SQLSTATE of an error, "" when there is none.
func sqlState(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// TestPgxTransactions: each isolation level and mode through pgx, nested transactions as savepoints.
func TestPgxTransactions(t *testing.T) {
	ctx := context.Background()
	s := open(t, false)
	c, other := connect(t, s), connect(t, s)
	run(t, c, "create table t(a int primary key, v int)")
	run(t, c, "insert into t values (1, 0)")
	for i, k := range []struct {
		level pgx.TxIsoLevel
		sees  int // what a second read sees of a change committed in between
	}{{pgx.ReadUncommitted, 1}, {pgx.ReadCommitted, 1}, {pgx.RepeatableRead, 0}, {pgx.Serializable, 0}} {
		run(t, other, "update t set v = 0")
		tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: k.level, AccessMode: pgx.ReadWrite, DeferrableMode: pgx.NotDeferrable})
		if err != nil {
			t.Fatal(err)
		}
		if got := value[string](t, c, "show transaction_isolation"); got != string(k.level) {
			t.Errorf("%s runs as %s", k.level, got)
		}
		first := value[int](t, c, "select v from t where a = 1")
		run(t, other, "update t set v = 1")
		if got := value[int](t, c, "select v from t where a = 1"); first != 0 || got != k.sees {
			t.Errorf("%s reads %d, then %d", k.level, first, got)
		}
		run(t, c, "insert into t values ($1, 0)", 10+i)
		if err := tx.Commit(ctx); err != nil {
			t.Errorf("%s: %v", k.level, err)
		}
	}
	if n := value[int](t, other, "select count(*) from t"); n != 5 {
		t.Errorf("%d rows", n)
	}
	tx, err := c.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = tx.Exec(ctx, "delete from t"); sqlState(err) != "25006" {
		t.Errorf("a write in a read-only transaction: %v", err)
	}
	tx.Rollback(ctx)
	if tx, err = c.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		a    int
		keep bool
	}{{100, true}, {101, false}, {102, true}} {
		sub, err := tx.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sub.Exec(ctx, "insert into t values ($1, 0)", k.a); err != nil {
			t.Fatal(err)
		}
		if k.keep {
			err = sub.Commit(ctx)
		} else {
			if _, err := sub.Exec(ctx, "insert into t values (100, 0)"); sqlState(err) != "23505" {
				t.Errorf("a duplicate: %v", err)
			}
			err = sub.Rollback(ctx)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Error(err)
	}
	if got := value[string](t, other, "select string_agg(a::text, ',' order by a) from t where a >= 100"); got != "100,102" {
		t.Errorf("nested transactions left %s", got)
	}
	if tx, err = c.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "select 1/0"); sqlState(err) != "22012" {
		t.Error(err)
	}
	if err := tx.Commit(ctx); !errors.Is(err, pgx.ErrTxCommitRollback) {
		t.Errorf("commit of a failed transaction: %v", err)
	}
}

// TestPgxBatch: an error in a batch takes the whole batch back, unless statements before it were committed; all modes of execution.
func TestPgxBatch(t *testing.T) {
	ctx := context.Background()
	s := open(t, false)
	c := connect(t, s)
	run(t, c, "create table t(a int primary key)")
	batch := func(args ...int) *pgx.Batch {
		b := &pgx.Batch{}
		for _, a := range args {
			b.Queue("insert into t values ($1)", a)
		}
		return b
	}
	r := c.SendBatch(ctx, batch(1, 2, 1, 3))
	for i, want := range []string{"", "", "23505"} {
		if _, err := r.Exec(); sqlState(err) != want {
			t.Errorf("statement %d: %v, want %q", i, err, want)
		}
	}
	if err := r.Close(); sqlState(err) != "23505" {
		t.Errorf("the batch ends with %v", err)
	}
	if n := value[int](t, c, "select count(*) from t"); n != 0 {
		t.Errorf("%d rows of a failed batch stay", n)
	}
	b := batch(1, 2)
	b.Queue("commit") // ends the implicit transaction
	b.Queue("insert into t values (3)")
	b.Queue("insert into t values (1)")
	if err := c.SendBatch(ctx, b).Close(); sqlState(err) != "23505" {
		t.Errorf("a batch with COMMIT: %v", err)
	}
	if got := value[string](t, c, "select string_agg(a::text, ',' order by a) from t"); got != "1,2" {
		t.Errorf("after COMMIT in a batch: %s", got)
	}
	b = &pgx.Batch{}
	var sums []int64
	for i := range 50 {
		b.Queue("select sum(g) from generate_series(1, $1::int) g", i).QueryRow(func(row pgx.Row) error {
			var n *int64
			if err := row.Scan(&n); err != nil {
				return err
			}
			if n != nil {
				sums = append(sums, *n)
			}
			return nil
		})
	}
	if err := c.SendBatch(ctx, b).Close(); err != nil || len(sums) != 49 || sums[48] != 49*50/2 {
		t.Errorf("a batch of queries: %v, %v", err, sums)
	}
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		for i := range 3 {
			var n int
			var text string
			if err := c.QueryRow(ctx, "select $1::int + 1, $2::text || '!'", mode, i, "it's").Scan(&n, &text); err != nil || n != i+1 || text != "it's!" {
				t.Errorf("mode %v: %d %q, %v", mode, n, text, err)
			}
		}
	}
	// a statement whose table changes is prepared anew
	run(t, c, "select * from t where a = $1", 1)
	run(t, c, "alter table t add column b text default 'x'")
	rows, err := c.Query(ctx, "select * from t where a = $1", 1)
	if err == nil {
		rows.Close()
		err = rows.Err()
	}
	if sqlState(err) != "0A000" {
		t.Errorf("a cached statement after ALTER TABLE: %v", err)
	}
	rows, _ = c.Query(ctx, "select * from t where a = $1", 1)
	if rows.Next(); len(rows.FieldDescriptions()) != 2 {
		t.Errorf("the second try has %d columns", len(rows.FieldDescriptions()))
	}
	if rows.Close(); rows.Err() != nil {
		t.Error(rows.Err())
	}
}

// TestPgxCopy: CopyFrom in binary with nulls and many types, its errors, and COPY TO.
func TestPgxCopy(t *testing.T) {
	ctx := context.Background()
	s := open(t, false)
	c := connect(t, s)
	run(t, c, "create table t(a int primary key, b text, n numeric, at timestamptz, ok bool, tags text[])")
	at := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	cols := []string{"a", "b", "n", "at", "ok", "tags"}
	n, err := c.CopyFrom(ctx, pgx.Identifier{"t"}, cols, pgx.CopyFromSlice(3000, func(i int) ([]any, error) {
		if i%5 == 0 {
			return []any{i, nil, nil, nil, nil, nil}, nil
		}
		return []any{i, fmt.Sprint("row ", i), fmt.Sprintf("%d.25", i), at.Add(time.Duration(i) * time.Second), i%2 == 0, []string{"x", fmt.Sprint(i)}}, nil
	}))
	if err != nil || n != 3000 {
		t.Fatalf("CopyFrom: %d, %v", n, err)
	}
	if got := value[string](t, c, `select format('%s %s %s %s %s', count(b), sum(n), max(at) at time zone 'UTC', count(*) filter (where ok), max(tags[2]::int)) from t`); got !=
		"2400 3600600.00 2024-02-29 12:49:59 1200 2999" {
		t.Errorf("after CopyFrom: %s", got)
	}
	_, err = c.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"a"}, pgx.CopyFromRows([][]any{{5000}, {1}}))
	if sqlState(err) != "23505" {
		t.Errorf("CopyFrom of a duplicate: %v", err)
	}
	if _, err = c.CopyFrom(ctx, pgx.Identifier{"nosuch"}, []string{"a"}, pgx.CopyFromRows([][]any{{1}})); sqlState(err) != "42P01" {
		t.Errorf("CopyFrom to a table that is not there: %v", err)
	}
	if _, err = c.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"a"}, pgx.CopyFromFunc(func() ([]any, error) { return nil, errors.New("out of rows") })); err == nil {
		t.Error("CopyFrom that the client gives up passed")
	}
	if got := value[int](t, c, "select count(*) from t"); got != 3000 {
		t.Errorf("%d rows after failed copies", got)
	}
	var out strings.Builder
	if _, err := c.PgConn().CopyTo(ctx, &out, "copy (select a, tags from t where a < 2 order by a) to stdout"); err != nil || out.String() != "0\t\\N\n1\t{x,1}\n" {
		t.Errorf("CopyTo: %v, %q", err, out.String())
	}
}

// TestPgxCancel: a context that ends cancels the statement on the server; LISTEN works or says that it is not there.
func TestPgxCancel(t *testing.T) {
	s := open(t, true)
	look := connect(t, s)
	c := connect(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { _, err := c.Exec(ctx, "select pg_sleep(60)"); done <- err }()
	eventually(t, look, "select exists (select 1 from pg_stat_activity where wait_event = 'PgSleep')")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the statement ends with %v", err)
	}
	eventually(t, look, "select not exists (select 1 from pg_stat_activity where wait_event = 'PgSleep')")
	c = connect(t, s)
	_, err := c.Exec(context.Background(), "listen channel")
	if state := sqlState(err); state != "" && state != "0A000" {
		t.Errorf("LISTEN: %v", err)
	}
	if err != nil {
		return
	}
	run(t, look, "notify channel, 'hello'")
	ctx, cancel = context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if n, err := c.WaitForNotification(ctx); err != nil || n.Payload != "hello" {
		t.Errorf("notification %v, %v", n, err)
	}
}

// TestPgxPool: many goroutines share a pool; transfers between accounts keep the total.
func TestPgxPool(t *testing.T) {
	ctx := context.Background()
	s := open(t, true)
	setup := connect(t, s)
	run(t, setup, "create table account(id int primary key, balance int not null check (balance >= 0))")
	run(t, setup, "insert into account select g, 1000 from generate_series(1, 10) g")
	cfg, err := pgxpool.ParseConfig(s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 20 {
				from, to := 1+(w+i)%10, 1+(w*3+i*7+1)%10
				for {
					err := pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
						if _, err := tx.Exec(ctx, "update account set balance = balance - $1 where id = $2", 1+i, from); err != nil {
							return err
						}
						_, err := tx.Exec(ctx, "update account set balance = balance + $1 where id = $2", 1+i, to)
						return err
					})
					if state := sqlState(err); state == "40001" || state == "40P01" {
						continue
					} else if state != "" && state != "23514" {
						t.Errorf("transfer: %v", err)
					}
					break
				}
			}
		})
	}
	wg.Wait()
	if got := value[int](t, setup, "select sum(balance) from account"); got != 10000 {
		t.Errorf("the accounts hold %d", got)
	}
	if st := pool.Stat(); st.TotalConns() > 8 {
		t.Errorf("%d connections", st.TotalConns())
	}
}

// TestUnnamedPortal: what the unnamed portal has read or written stands in the way of no command that follows it in the transaction; a
// named portal that is not closed does.
func TestUnnamedPortal(t *testing.T) {
	ctx := context.Background()
	s := open(t, false)
	c := connect(t, s).PgConn()
	exec := func(sql string) error { return c.Exec(ctx, sql).Close() }
	for _, first := range []string{"insert into t values (1)", "select * from t", "update t set a = 2 returning a"} {
		for _, then := range []string{"truncate t", "alter table t add column b int", "drop table t"} {
			for _, simple := range []bool{true, false} {
				for _, sql := range []string{"create table t(a int)", "begin"} {
					if err := exec(sql); err != nil {
						t.Fatal(err)
					}
				}
				err := c.ExecParams(ctx, first, nil, nil, nil, nil).Read().Err
				if err == nil && simple {
					err = exec(then)
				} else if err == nil {
					err = c.ExecParams(ctx, then, nil, nil, nil, nil).Read().Err
				}
				if err != nil {
					t.Errorf("%s, then %s: %v", first, then, err)
				}
				if err := exec("rollback; drop table t"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := exec("create table t(a int); insert into t values (1), (2); begin; declare x cursor for select * from t; fetch x"); err != nil {
		t.Fatal(err)
	}
	if err := exec("truncate t"); sqlState(err) != "55006" {
		t.Errorf("TRUNCATE under an open cursor: %v", err)
	}
}
