package autovacuum

import (
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/sql/commands"
	"gompho/stats"
)

// worker is one worker process.
type worker struct {
	l      *Launcher
	db     Database
	slot   *stats.Slot
	log    *zap.Logger
	c      *commands.Context
	shares atomic.Bool // it is at a table that takes part in the sharing of the cost limit
}

// table is one that may need work.
type table struct {
	oid     ids.Oid
	shared  bool
	options []string // of the table itself, or of the owner of a toast table that has none
	toast   bool
}

func (t *table) id(db ids.Oid) stats.RelID {
	if t.shared {
		db = 0
	}
	return stats.RelID{DB: db, Rel: t.oid}
}

// run is the life of the process. An error is one for which the server must go down.
func (w *worker) run(slot *stats.Slot, log *zap.Logger) error {
	defer w.l.gone(w)
	w.slot, w.log = slot, log
	c, end, err := w.l.o.Connect(slot, w.db)
	if err == nil {
		defer end()
		w.c = c
		err = w.work()
	}
	if err == nil {
		return nil
	}
	e := pgerr.From(err)
	if e.Level() == pgerr.Panic {
		return err
	}
	w.report(e, "")
	return nil
}

func (w *worker) report(e *pgerr.Error, context string) {
	fields := []zap.Field{zap.String("code", string(e.Code))}
	if e.Detail != "" {
		fields = append(fields, zap.String("detail", e.Detail))
	}
	if context != "" {
		fields = append(fields, zap.String("context", context))
	}
	if e.Level() == pgerr.Fatal {
		w.log.Info(e.Message, fields...)
		return
	}
	w.log.Error(e.Message, fields...)
}

// work does what the tables of the database need.
func (w *worker) work() error {
	list, err := w.candidates()
	if err != nil {
		return err
	}
	for i := range list {
		if err := w.slot.CheckInterrupts(); err != nil {
			if !isCancel(err) {
				return err
			}
		}
		if !w.l.enabled() {
			return nil
		}
		id := list[i].id(w.db.Oid)
		if !w.l.claim(id) {
			continue
		}
		err := w.table(&list[i])
		w.shares.Store(false)
		w.l.unclaim(id)
		if err != nil {
			return err
		}
	}
	return nil
}

func isCancel(err error) bool { return pgerr.Is(err, pgerr.QueryCanceled) }

// within runs f in a transaction.
func (w *worker) within(f func() error) error {
	tx := w.c.S.Tx
	now := time.Now()
	w.c.S.StatementStart = now
	if err := tx.Begin(mvcc.BeginOpts{Isolation: mvcc.ReadCommitted}); err != nil {
		return err
	}
	w.slot.Activity.SetXactStart(now)
	defer w.slot.Activity.SetXactStart(time.Time{})
	err := f()
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		tx.Abort()
	}
	w.slot.Stats.Flush()
	return err
}

// candidates lists the tables that need work, and forgets the counters of relations that are gone.
func (w *worker) candidates() (out []table, err error) {
	w.l.o.Stats.Sweep()
	// The counters are listed before the catalog is read: a relation that has some and is not in the catalog then was dropped, since
	// nothing is counted of one before it is committed.
	counted := w.l.o.Stats.Relations(w.db.Oid)
	shared := w.l.o.Stats.Relations(0)
	err = w.within(func() error {
		rows, err := catalog.FetchAll[catalog.PgClass](w.c.S.Cat, 0)
		if err != nil {
			return err
		}
		params := serverParams(w.l.o.Config)
		owner := map[ids.Oid]*catalog.PgClass{}
		for _, r := range rows {
			delete(counted, stats.RelID{DB: w.db.Oid, Rel: r.Oid})
			if r.Reltoastrelid != 0 {
				owner[r.Reltoastrelid] = r
			}
		}
		for _, r := range rows {
			t := table{oid: r.Oid, shared: r.Relisshared, options: r.Reloptions, toast: r.Relkind == 't'}
			if r.Relkind != 'r' && r.Relkind != 'm' && !t.toast || r.Relpersistence == 't' {
				continue
			}
			if o := owner[r.Oid]; o != nil && len(t.options) == 0 {
				t.options = o.Reloptions
			}
			p := params.With(t.options)
			id := t.id(w.db.Oid)
			s, ok := w.l.o.Stats.Relation(id)
			if !ok {
				s = shared[id]
			}
			if vacuum, analyze := w.need(&p, &t, &s, r); vacuum || analyze {
				out = append(out, t)
			}
		}
		return nil
	})
	if err == nil {
		for id := range counted {
			w.l.o.Stats.Drop(id)
		}
	}
	return out, err
}

// need is Params.Need for a row of pg_class. Toast tables are not analyzed, nor is the table that has the results.
func (w *worker) need(p *Params, t *table, s *stats.Relation, r *catalog.PgClass) (vacuum, analyze bool) {
	vacuum, analyze = p.Need(s, float64(r.Reltuples), age(w.c.S.Tx.Manager().NextXid(), r.Relfrozenxid))
	return vacuum, analyze && !t.toast && t.oid != catalog.PgStatisticOid
}

// table does what one table needs now. The error ends the worker.
func (w *worker) table(t *table) error {
	var name, schema string
	var vacuum, analyze bool
	p := serverParams(w.l.o.Config).With(t.options)
	err := w.within(func() error {
		r, err := w.c.S.Cat.ClassRow(t.oid)
		if r == nil || err != nil {
			return err
		}
		ns, err := w.c.S.Cat.Namespace(r.Relnamespace)
		if ns == nil || err != nil {
			return err
		}
		name, schema = r.Relname, ns.Nspname
		s, _ := w.l.o.Stats.Relation(t.id(w.db.Oid))
		vacuum, analyze = w.need(&p, t, &s, r)
		return nil
	})
	if err != nil || !vacuum && !analyze {
		return w.survive(err, "")
	}
	what := Describe(vacuum, analyze, schema, name)
	w.slot.Activity.SetQuery("active", what, time.Now())
	defer w.slot.Activity.SetState("idle", time.Now())
	w.shares.Store(!p.OwnCost && p.CostDelay > 0)
	full := w.db.Name + "." + schema + "." + name
	w.c.Auto = &commands.Auto{Pace: func() (time.Duration, int) { return w.pace(t, p.OwnCost) }, FreezeMinAge: p.FreezeMinAge, FreezeTableAge: p.FreezeTableAge}
	if vacuum {
		if err := w.do(t.oid, &p, full, "vacuum", w.c.AutoVacuum); err != nil {
			return w.survive(err, "automatic vacuum of table \""+full+"\"")
		}
	}
	if analyze {
		if err := w.do(t.oid, &p, full, "analyze", w.c.AutoAnalyze); err != nil {
			return w.survive(err, "automatic analyze of table \""+full+"\"")
		}
	}
	return nil
}

// Describe is what pg_stat_activity shows of a worker's work.
func Describe(vacuum, analyze bool, schema, name string) string {
	var b strings.Builder
	b.WriteString("autovacuum:")
	if vacuum {
		b.WriteString(" VACUUM")
	}
	if analyze {
		b.WriteString(" ANALYZE")
	}
	return b.String() + " " + schema + "." + name
}

// do vacuums or analyzes a table and logs that it did.
func (w *worker) do(oid ids.Oid, p *Params, name, verb string, f func(ids.Oid) (string, error)) error {
	began := time.Now()
	var report string
	err := w.within(func() (err error) {
		report, err = f(oid)
		return err
	})
	busy := errors.Is(err, commands.ErrLocked)
	took := time.Since(began)
	switch {
	case err != nil && !busy, p.LogMin < 0:
	case busy:
		w.log.Info("skipping " + verb + " of \"" + name + "\" --- lock not available")
	case took >= p.LogMin:
		w.log.Info("automatic "+verb+" of table \""+name+"\""+report, zap.Duration("elapsed", took))
	}
	if busy {
		return nil
	}
	return err
}

// survive reports an error that concerns one table only, and returns one that does not.
func (w *worker) survive(err error, context string) error {
	if err == nil {
		return nil
	}
	e := pgerr.From(err)
	if e.Level() == pgerr.Fatal || e.Level() == pgerr.Panic {
		return err
	}
	w.report(e, context)
	return nil
}

// pace is the speed at which the worker may go now.
func (w *worker) pace(t *table, own bool) (time.Duration, int) {
	p := serverParams(w.l.o.Config).With(t.options)
	if !own {
		p.CostLimit = w.l.share(p.CostLimit)
	}
	return p.CostDelay, p.CostLimit
}
