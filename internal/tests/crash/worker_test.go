package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// worker owns a schema and runs transactions in it, one at a time.
type worker struct {
	r    *round
	id   int
	rnd  *rand.Rand
	conn *pgconn.PgConn

	// states are those that the database may have after a crash, oldest first; the last one is the current one as long as
	// the connection lives. Of the sequence's values those up to floor were acknowledged durable.
	states []*state
	floor  int
	txns   int
	dirty  bool // something was begun since the last start or clean end
	// pending is a prepared transaction that is not known to be over; gids counts them.
	pending *pending
	gids    int
	// building: a statement was begun that leaves invalid indexes behind when it is cut off.
	building bool

	// The transaction under way:
	cur    *state
	marks  []mark // savepoints
	paid   bool   // an account is locked
	repeat bool   // isolation level Repeatable Read
	local  bool   // a temporary table was used
}

type mark struct {
	name  string
	state *state
}

var errLost = errors.New("the server is gone")

// fault is a disagreement: the round fails.
type fault struct{ text string }

func (f fault) Error() string { return f.text }

func (w *worker) failf(format string, args ...any) error {
	return fault{fmt.Sprintf("worker %d: %s", w.id, fmt.Sprintf(format, args...))}
}

func (w *worker) schema() string { return fmt.Sprintf("w%d", w.id) }

// exec runs SQL in the simple protocol or, one statement, in the extended one. The error is nil, errLost, or the server's.
func (w *worker) exec(sql string) ([][][]byte, error) {
	ctx := context.Background()
	var rows [][][]byte
	var err error
	if w.rnd.IntN(3) > 0 {
		var res []*pgconn.Result
		if res, err = w.conn.Exec(ctx, sql).ReadAll(); err == nil && len(res) > 0 {
			rows = res[len(res)-1].Rows
		}
	} else {
		res := w.conn.ExecParams(ctx, sql, nil, nil, nil, nil).Read()
		rows, err = res.Rows, res.Err
	}
	w.r.logf("w%d: %.300s -> %d rows, %v", w.id, sql, len(rows), err)
	if err == nil {
		w.r.tally.statement(sql)
	}
	return rows, w.classify(err)
}

// classify makes errLost of every error that means the end of the server or of the connection.
func (w *worker) classify(err error) error {
	if err == nil {
		return nil
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || w.r.down() || pe.Severity == "FATAL" || pe.Severity == "PANIC" || pe.Code == "57P02" {
		if !w.r.down() {
			return w.failf("the session ends although the server should run: %v", err)
		}
		return errLost
	}
	return pe
}

// must runs SQL that cannot fail while the server lives.
func (w *worker) must(sql string) ([][][]byte, error) {
	rows, err := w.exec(sql)
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return nil, w.failf("%.500s: %s: %s %s", sql, pe.Code, pe.Message, pe.Detail)
	}
	return rows, err
}

// hangUp ends the worker's session.
func (w *worker) hangUp() {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	w.conn.Close(ctx)
	w.conn = nil
}

// connect opens the worker's session.
func (w *worker) connect() error {
	c, err := w.r.dial()
	if err != nil {
		if w.r.down() {
			return errLost
		}
		return w.failf("connect: %v", err)
	}
	w.conn, w.local = c, false
	_, err = w.must("set search_path = " + w.schema())
	return err
}

// dump prints what the database holds of the worker.
func (w *worker) dump() (string, error) {
	var b strings.Builder
	rels, err := w.must(fmt.Sprintf(`select c.relname, c.relkind, c.relpersistence, t.relname, c.relispartition, pg_get_expr(c.relpartbound, c.oid), p.relname from pg_class c
		left join pg_index i on i.indexrelid = c.oid left join pg_class t on t.oid = i.indrelid
		left join pg_inherits h on h.inhrelid = c.oid left join pg_class p on p.oid = h.inhparent
		where c.relnamespace = '%s'::regnamespace and c.relname <> 'seq' order by c.relname collate "C"`, w.schema()))
	if err != nil {
		return "", err
	}
	var others []string
	for _, rel := range rels {
		name, kind := string(rel[0]), string(rel[1])
		switch {
		case kind == "r" && string(rel[4]) == "t":
			others = append(others, fmt.Sprintf("partition %s of %s %s", name, rel[6], rel[5]))
			continue
		case kind == "i" && autoName.MatchString(name):
			name = "auto"
		}
		switch kind {
		case "r", "p":
			if err := w.dumpTable(&b, name, string(rel[2]), kind == "p"); err != nil {
				return "", err
			}
		case "i", "I":
			others = append(others, "index "+name+" on "+string(rel[3]))
		case "v":
			others = append(others, "view "+name)
		default:
			others = append(others, fmt.Sprintf("kind %s %s", rel[1], name))
		}
	}
	slices.Sort(others)
	for _, s := range others {
		b.WriteString(s + "\n")
	}
	rows, err := w.must(fmt.Sprintf("select n, account, delta from common.ledger where w = %d order by n", w.id))
	for _, r := range rows {
		fmt.Fprintf(&b, "ledger %s %s %s\n", r[0], r[1], r[2])
	}
	return b.String(), err
}

func (w *worker) dumpTable(b *strings.Builder, name, persistence string, partitioned bool) error {
	cols, err := w.must(fmt.Sprintf(`select attname, format_type(atttypid, atttypmod) from pg_attribute
		where attrelid = '%s.%s'::regclass and attnum > 0 and not attisdropped order by attnum`, w.schema(), name))
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "table %s %s", name, persistence)
	var exprs []string
	for i, c := range cols {
		sep := ","
		if i == 0 {
			sep = ""
		}
		fmt.Fprintf(b, "%s %s %s", sep, c[0], c[1])
		if string(c[1]) == "text" {
			exprs = append(exprs, fmt.Sprintf("length(%[1]s)||':'||md5(%[1]s)", c[0]))
		} else {
			exprs = append(exprs, fmt.Sprintf("%s::text", c[0]))
		}
	}
	b.WriteString("\n")
	if partitioned {
		exprs = slices.Insert(exprs, 1, "tableoid::regclass::text")
	}
	rows, err := w.must(fmt.Sprintf("select %s from %s.%s as x order by x.id", strings.Join(exprs, ", "), w.schema(), name))
	for _, r := range rows {
		fmt.Fprintf(b, "%s %s|", name, r[0])
		for i, v := range r[1:] {
			if i > 0 {
				b.WriteString("|")
			}
			if v == nil {
				b.WriteString("N")
			} else {
				b.Write(v)
			}
		}
		b.WriteString("\n")
	}
	return err
}

// resolve finds out which of the possible states the database has, after a start. recovered says that the server did not stop
// cleanly before.
func (w *worker) resolve(recovered bool) error {
	if err := w.resolvePrepared(); err != nil {
		return err
	}
	if err := w.resolveInvalid(); err != nil {
		return err
	}
	got, err := w.dump()
	if err != nil {
		return err
	}
	for i := len(w.states) - 1; i >= 0; i-- {
		s := w.states[i]
		if recovered && got == s.emptied().dump() {
			w.states = []*state{s.emptied()}
			return w.checkSequence()
		}
		if (!recovered || !w.dirty) && got == s.dump() {
			w.states = []*state{s}
			return w.checkSequence()
		}
	}
	text := fmt.Sprintf("none of %d possible states is there (recovered %v)", len(w.states), recovered)
	for i, s := range w.states {
		want := s
		if recovered {
			want = s.emptied()
		}
		text += fmt.Sprintf("\nstate %d, - is expected and + is there:\n%s", i, difference(want.dump(), got))
	}
	return w.failf("%s", text)
}

// difference lists the lines that only one of two texts has.
func difference(want, got string) string {
	count := map[string]int{}
	for _, l := range strings.Split(want, "\n") {
		count[l]++
	}
	var lines []string
	for _, l := range strings.Split(got, "\n") {
		if count[l]--; count[l] < 0 {
			lines = append(lines, "+ "+l)
		}
	}
	for _, l := range strings.Split(want, "\n") {
		if count[l] > 0 {
			count[l]--
			lines = append(lines, "- "+l)
		}
	}
	if n := len(lines); n > 12 {
		lines = append(lines[:12], fmt.Sprintf("(%d lines more)", n-12))
	}
	return strings.Join(lines, "\n")
}

func (w *worker) checkSequence() error {
	v, err := w.nextval()
	if err == nil && v <= w.floor {
		err = w.failf("the sequence gives %d, %d was acknowledged", v, w.floor)
	}
	if err == nil {
		w.floor = v
	}
	return err
}

func (w *worker) nextval() (int, error) {
	rows, err := w.must("select nextval('" + w.schema() + ".seq')")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(rows[0][0]))
}

// work runs up to n transactions.
func (w *worker) work(n int) error {
	for range n {
		w.dirty = true
		if err := w.transaction(); err != nil {
			return err
		}
	}
	return nil
}

// settle lists the transaction's state as the one that is there now. A commit that changed nothing need not have made the ones
// before it durable.
func (w *worker) settle(durable bool) {
	if durable && w.cur.dump() != w.states[len(w.states)-1].dump() {
		w.states = w.states[:0:0]
		w.floor = max(w.floor, w.cur.maxSeen)
	}
	w.states = append(w.states, w.cur)
}

// transaction runs one transaction or one statement that wants none.
func (w *worker) transaction() error {
	w.txns++
	if w.rnd.IntN(4) == 0 {
		return w.outside()
	}
	w.cur, w.marks, w.paid = w.states[len(w.states)-1].clone(), nil, false
	w.local = false
	w.repeat = w.rnd.IntN(4) == 0
	begin := "begin"
	if w.repeat {
		begin += " isolation level repeatable read"
	}
	if _, err := w.must(begin); err != nil {
		return err
	}
	async := w.rnd.IntN(5) == 0
	if async {
		if _, err := w.must("set local synchronous_commit = off"); err != nil {
			return err
		}
	}
	for range 1 + w.rnd.IntN(5) {
		ended, err := w.step()
		if err != nil {
			return err
		}
		if ended {
			return nil
		}
	}
	if w.rnd.IntN(6) == 0 {
		w.local = false
		_, err := w.must("rollback")
		return err
	}
	if w.rnd.IntN(6) == 0 {
		return w.prepare()
	}
	rows, err := w.exec("commit")
	switch {
	case err == nil:
		w.settle(!async)
		_ = rows
		return nil
	case err == errLost:
		w.states = append(w.states, w.cur) // perhaps
		return err
	}
	return w.failf("commit: %v", err)
}

// allowed says whether the server may refuse a statement because of what others do.
func allowed(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "40P01" || pe.Code == "40001")
}

// step runs one statement of a transaction; ended says that the transaction is over.
func (w *worker) step() (ended bool, err error) {
	op := w.pick()
	if op.sql == "" {
		return false, nil
	}
	before := w.cur
	next := w.cur.clone()
	run := op.run
	if run == nil {
		run = func() error { _, err := w.exec(op.sql); return err }
	}
	err = run()
	var pe *pgconn.PgError
	switch {
	case err == nil && op.fails != "":
		return false, w.failf("%.300s: succeeds, %s expected", op.sql, op.fails)
	case err == nil:
		if op.apply != nil {
			op.apply(next)
		}
		next.maxSeen = max(next.maxSeen, w.cur.maxSeen)
		w.cur = next
		return false, nil
	case !errors.As(err, &pe):
		return false, err
	case allowed(err) || pe.Code == op.fails:
	default:
		return false, w.failf("%.500s: %s: %s %s", op.sql, pe.Code, pe.Message, pe.Detail)
	}
	if len(w.marks) > 0 && w.rnd.IntN(3) > 0 {
		m := w.marks[len(w.marks)-1]
		w.cur = m.state.clone()
		_, err := w.must("rollback to " + m.name)
		return false, err
	}
	_ = before
	w.local = false
	_, err = w.must("rollback")
	return true, err
}
