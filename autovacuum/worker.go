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
	schema  ids.Oid
	name    string
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
	list, orphans, err := w.candidates()
	if err != nil {
		return err
	}
	if err := w.dropOrphans(orphans); err != nil {
		return err
	}
	for i := range list {
		if err := w.slot.CheckInterrupts(); err != nil {
			if !isCancel(err) {
				return err
			}
			w.slot.EndStatement()
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
	return w.survive(w.within(w.c.FrozenIDs), "")
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
		w.slot.EndStatement()
		tx.Abort()
	}
	w.slot.Stats.Flush()
	return err
}

// candidates lists the tables that need work and temporary ones whose session is gone; it forgets the counters of relations that are gone.
func (w *worker) candidates() (out, orphans []table, err error) {
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
			t := table{oid: r.Oid, schema: r.Relnamespace, name: r.Relname, shared: r.Relisshared, options: r.Reloptions, toast: r.Relkind == 't'}
			if r.Relkind != 'r' && r.Relkind != 'm' && !t.toast {
				continue
			}
			if r.Relpersistence == 't' {
				if !t.toast {
					orphans = append(orphans, t)
				}
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
			if w.need(&p, &t, &s, r).any() {
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
	return out, orphans, err
}

// need is Params.Need for a row of pg_class. Toast tables are not analyzed, nor is the table that has the results.
func (w *worker) need(p *Params, t *table, s *stats.Relation, r *catalog.PgClass) Needs {
	m := w.c.S.Tx.Manager()
	var xids, multis int64
	if r.Relfrozenxid != 0 {
		xids = int64(m.NextXid()) - int64(m.WidenXid(r.Relfrozenxid))
	}
	if r.Relminmxid != 0 {
		multis = int64(m.NextMulti()) - int64(m.WidenMulti(r.Relminmxid))
	}
	n := p.Need(s, float64(r.Reltuples), xids, multis, w.l.enabled())
	n.Analyze = n.Analyze && !t.toast && t.oid != catalog.PgStatisticOid
	return n
}

// dropOrphans drops temporary tables that were left behind.
func (w *worker) dropOrphans(list []table) error {
	for i := range list {
		t := &list[i]
		var schema string
		dropped := false
		err := w.within(func() error {
			orphan, err := w.c.IsOrphan(t.schema)
			if !orphan || err != nil {
				return err
			}
			ns, err := w.c.S.Cat.Namespace(t.schema)
			if ns == nil || err != nil {
				return err
			}
			schema = ns.Nspname
			dropped, err = w.c.DropOrphan(t.oid, t.schema)
			return err
		})
		if err := w.survive(err, ""); err != nil {
			return err
		}
		if dropped && err == nil {
			w.log.Info("autovacuum: dropping orphan temp table \"" + w.db.Name + "." + schema + "." + t.name + "\"")
		}
	}
	return nil
}

// table does what one table needs now. The error ends the worker.
func (w *worker) table(t *table) error {
	var name, schema string
	var n Needs
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
		n = w.need(&p, t, &s, r)
		return nil
	})
	if err != nil || !n.any() {
		return w.survive(err, "")
	}
	what := Describe(n, schema, name)
	w.slot.Activity.SetQuery("active", what, time.Now())
	defer w.slot.Activity.SetState("idle", time.Now())
	w.shares.Store(!p.OwnCost && p.CostDelay > 0)
	full := w.db.Name + "." + schema + "." + name
	w.c.Auto = &commands.Auto{Pace: func() (time.Duration, int) { return w.pace(t, p.OwnCost) }, FreezeMinAge: p.FreezeMinAge, FreezeTableAge: p.FreezeTableAge,
		MultiFreezeMinAge: p.MultiFreezeMinAge, MultiFreezeTableAge: p.MultiFreezeTableAge, Wraparound: n.Wraparound, LogMin: p.LogMin}
	if n.Vacuum {
		// Who waits for a table that has become too old does not stop its vacuum.
		w.c.S.Owner.SetAutovacuum(!n.Wraparound)
		err := w.do(t.oid, &p, full, "vacuum", w.c.AutoVacuum)
		w.c.S.Owner.SetAutovacuum(true)
		if err != nil {
			return w.survive(err, "automatic vacuum of table \""+full+"\"")
		}
	}
	if n.Analyze {
		if err := w.do(t.oid, &p, full, "analyze", w.c.AutoAnalyze); err != nil {
			return w.survive(err, "automatic analyze of table \""+full+"\"")
		}
	}
	return nil
}

// Describe is what pg_stat_activity shows of a worker's work.
func Describe(n Needs, schema, name string) string {
	var b strings.Builder
	b.WriteString("autovacuum:")
	if n.Vacuum {
		b.WriteString(" VACUUM")
	}
	if n.Analyze {
		b.WriteString(" ANALYZE")
	}
	b.WriteString(" " + schema + "." + name)
	if n.Wraparound {
		b.WriteString(" (to prevent wraparound)")
	}
	return b.String()
}

// do vacuums or analyzes a table and logs that it did.
func (w *worker) do(oid ids.Oid, p *Params, name, verb string, f func(ids.Oid) (string, error)) error {
	var report string
	err := w.within(func() (err error) {
		report, err = f(oid)
		return err
	})
	busy := errors.Is(err, commands.ErrLocked)
	switch {
	case busy && p.LogMin >= 0:
		w.log.Info("skipping " + verb + " of \"" + name + "\" --- lock not available")
	case err == nil && report != "":
		w.log.Info(report)
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
