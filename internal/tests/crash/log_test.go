package crash

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// logPoint writes a record that is about the log itself.
func (w *worker) logPoint() error {
	sql := "select pg_switch_wal()"
	if w.rnd.IntN(2) == 0 {
		sql = fmt.Sprintf("select pg_create_restore_point('point %d')", w.txns)
	}
	_, err := w.exec(sql)
	return refused(err)
}

// refused lets pass that wal_level minimal allows no such function.
func refused(err error) error {
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == "55000" {
		return nil
	}
	return err
}

// backup begins a base backup, writes a little while it runs, and ends it.
func (w *worker) backup() error {
	for _, sql := range []string{"select pg_backup_start('b', true)", "update common.account set balance = balance where id = 0", "select lsn from pg_backup_stop(false)"} {
		if _, err := w.exec(sql); allowed(err) {
			continue
		} else if err != nil {
			return refused(err)
		}
	}
	return nil
}

// shrink takes the rows of a table away and lets vacuum give back its pages and those of its indexes.
func (w *worker) shrink(name string, t *table) error {
	if t == nil {
		return nil
	}
	if err := w.admin(op{sql: "delete from " + name + " where id >= 0", apply: func(s *state) { clear(s.tables[name].rows) }}); err != nil {
		return err
	}
	w.cur = w.states[len(w.states)-1].clone()
	_, err := w.must("vacuum " + name)
	return err
}
