package crash

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// pending is a transaction of a worker that PREPARE TRANSACTION was sent for.
type pending struct {
	gid     string
	state   *state // what the database holds when it commits
	durable bool   // PREPARE TRANSACTION was answered
	tried   string // the end that was last asked for and not answered, "commit" or "rollback"
}

// prepare ends the transaction under way with PREPARE TRANSACTION, and mostly finishes it at once.
func (w *worker) prepare() error {
	w.gids++
	w.pending = &pending{gid: fmt.Sprintf("w%d-%d", w.id, w.gids), state: w.cur}
	_, err := w.exec("prepare transaction '" + w.pending.gid + "'")
	var pe *pgconn.PgError
	if w.local && errors.As(err, &pe) && pe.Code == "0A000" { // it has used a temporary table
		w.pending, w.local = nil, false
		return nil
	}
	if err == errLost {
		return err
	}
	if err != nil {
		return w.failf("prepare: %v", err)
	}
	// All before it is durable with it.
	w.pending.durable = true
	w.states = w.states[len(w.states)-1:]
	w.floor = max(w.floor, w.cur.maxSeen)
	if w.rnd.IntN(3) == 0 {
		if _, err := w.must("checkpoint"); err != nil {
			return err
		}
	}
	return w.finish()
}

// finish commits or rolls back the prepared transaction, which is there.
func (w *worker) finish() error {
	p := w.pending
	p.durable, p.tried = true, "commit"
	if w.rnd.IntN(3) == 0 {
		p.tried = "rollback"
	}
	if _, err := w.must(p.tried + " prepared '" + p.gid + "'"); err != nil {
		return err
	}
	w.pending = nil
	if p.tried == "commit" {
		w.states = []*state{p.state}
	}
	return nil
}

// resolvePrepared finds out after a start what has become of the prepared transaction, and finishes it: its locks are in the way of a dump.
func (w *worker) resolvePrepared() error {
	rows, err := w.must(fmt.Sprintf("select gid from pg_prepared_xacts where gid like 'w%d-%%'", w.id))
	if err != nil {
		return err
	}
	p := w.pending
	switch {
	case len(rows) > 1 || len(rows) == 1 && (p == nil || string(rows[0][0]) != p.gid):
		return w.failf("%s is prepared, and %d in all; expected %+v", rows[0][0], len(rows), p)
	case len(rows) == 1:
		// Its record is in the log, so is all before it.
		w.states = w.states[len(w.states)-1:]
		return w.finish()
	case p == nil:
		return nil
	case p.tried == "commit":
		w.states = []*state{p.state}
	case p.tried == "" && p.durable:
		return w.failf("the prepared transaction %s is gone", p.gid)
	}
	w.pending = nil
	return nil
}

// leavePrepared leaves a prepared transaction behind for the check of the whole cluster.
func (w *worker) leavePrepared() error {
	if w.rnd.IntN(3) > 0 {
		return nil
	}
	sqls := []string{"begin", fmt.Sprintf("create table left_%d (id int primary key, v text)", w.id),
		fmt.Sprintf("insert into left_%d select g, repeat('x', 3000) from generate_series(1, 50) g", w.id)}
	if name, t := w.someTableOf(w.states[len(w.states)-1]); t != nil {
		sqls = append(sqls, []string{"drop table " + name + " cascade", "truncate " + name, "delete from " + name}[w.rnd.IntN(3)])
	}
	for _, sql := range append(sqls, fmt.Sprintf("prepare transaction 'left-%d'", w.id)) {
		if _, err := w.must(sql); err != nil {
			return err
		}
	}
	return nil
}
