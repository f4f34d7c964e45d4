package commands

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/parallel"
	"gompho/stats"
	"gompho/storage/btree"
	"gompho/storage/page"
	"gompho/storage/vacuum"
)

// info sends an INFO message.
func (c *Context) info(format string, args ...any) {
	c.sendNotice(pgerr.New(pgerr.SuccessfulCompletion, format, args...).WithSeverity(pgerr.Info))
}

func (c *Context) fullName(rel *catalog.Relation) string {
	return c.S.DBName + "." + c.schemaName(rel.Namespace) + "." + rel.Name
}

func (c *Context) lazyVacuum(rel *catalog.Relation, o *vacuumOptions) error {
	if err := c.holdIndexes(rel, locks.RowExclusive); err != nil {
		return err
	}
	if c.would(Vacuums, rel.Oid) {
		return nil
	}
	c.S.Tx.SetLazyVacuum(true)
	defer c.S.Tx.SetLazyVacuum(false)
	row, err := c.S.Cat.ClassRow(rel.Oid)
	if row == nil || err != nil {
		return err
	}
	u := beginUsage(c.S.Slot)
	p := c.vacuumParams(rel, row, o)
	if o.verbose {
		p.Began = func(aggressive bool) {
			word := "vacuuming"
			if aggressive {
				word = "aggressively vacuuming"
			}
			c.info("%s \"%s\"", word, c.fullName(rel))
		}
		p.Say = func(line string) { c.info("%s", line) }
	}
	var indexes []*btree.Index
	var names []string
	for _, ix := range rel.Indexes {
		if ix.Btree != nil && ix.Ready {
			indexes, names = append(indexes, ix.Btree), append(names, ix.Name)
		}
	}
	if rel.Persistence == 't' {
		if o.workers > 0 && len(indexes) > 1 {
			c.S.Warn("01000", "disabling parallel option of vacuum on \"%s\" --- cannot vacuum temporary tables in parallel", rel.Name)
		}
	} else if o.workers >= 0 && c.Auto == nil {
		c.vacuumWorkers(&p, o.workers)
	}
	c.S.Slot.StartProgress(stats.ProgressVacuum, rel.Oid)
	defer c.S.Slot.EndProgress()
	st, err := vacuum.Heap(c.S.Tx, rel.Heap, indexes, p)
	if err != nil {
		return err
	}
	c.S.Stats.Vacuumed(c.S.Slot.Counters(), statsID(rel), int64(st.NewRelTuples), int64(st.RecentlyDead+st.MissedDead), c.Auto != nil)
	if err := c.storeVacuum(rel, indexes, &st); err != nil {
		return err
	}
	if o.verbose || c.Auto != nil && c.Auto.LogMin >= 0 && time.Since(u.began) >= c.Auto.LogMin {
		report := c.vacuumReport(rel, names, &st, &p, &u)
		if o.verbose {
			c.info("%s", report)
		} else {
			c.Auto.report = report
		}
	}
	return nil
}

// vacuumParams puts settings, options and storage parameters together.
func (c *Context) vacuumParams(rel *catalog.Relation, row *catalog.PgClass, o *vacuumOptions) vacuum.Params {
	set, m := c.S.Settings, c.S.Tx.Manager()
	n := func(name string) int64 { return set.Get(name).Int() }
	p := vacuum.Params{FreezeMinAge: n("vacuum_freeze_min_age"), FreezeTableAge: n("vacuum_freeze_table_age"), FreezeMaxAge: n("autovacuum_freeze_max_age"),
		MultiFreezeMinAge: n("vacuum_multixact_freeze_min_age"), MultiFreezeTableAge: n("vacuum_multixact_freeze_table_age"),
		MultiFreezeMaxAge: n("autovacuum_multixact_freeze_max_age"),
		Freeze:            o.freeze, DisablePageSkipping: o.noPageSkipping, IndexCleanup: o.cleanup, NoTruncate: !o.truncate,
		RelFrozenXid: m.WidenXid(row.Relfrozenxid), RelMinMulti: m.WidenMulti(row.Relminmxid), OldPages: ids.BlockNumber(row.Relpages),
		OldTuples: float64(row.Reltuples), MemKB: int(set.Bytes("maintenance_work_mem") / 1024), Delay: c.pacedVacuum()}
	if !o.cleanupSet {
		p.IndexCleanup = cleanupOption(row.Reloptions)
	}
	if !o.truncateSet {
		if v, ok := optionValue(row.Reloptions, "vacuum_truncate"); ok {
			p.NoTruncate = !isTrueWord(v)
		}
	}
	if rel.Oid < firstNormalOid {
		p.NoTruncate = true // everybody would wait for the lock that it takes; VACUUM FULL gives the space back
	}
	if a := c.Auto; a != nil {
		p.FreezeMinAge, p.FreezeTableAge = a.FreezeMinAge, a.FreezeTableAge
		p.MultiFreezeMinAge, p.MultiFreezeTableAge = a.MultiFreezeMinAge, a.MultiFreezeTableAge
		if kb := n("autovacuum_work_mem"); kb > 0 {
			p.MemKB = int(kb)
		}
	}
	tag := c.S.Cat.RelationTag(rel.Oid)
	p.LockForTruncate = func() (func(), bool) {
		ok, err := c.S.Owner.TryAcquire(tag, locks.AccessExclusive, false)
		if err != nil || !ok {
			return nil, false
		}
		return func() { c.S.Owner.Release(tag, locks.AccessExclusive, false) }, true
	}
	p.InTheWay = func() bool { return c.S.Owner.Awaited(tag, locks.ShareUpdateExclusive) }
	p.Awaited = func() bool { return c.S.Owner.Awaited(tag, locks.AccessExclusive) }
	return p
}

// optionValue finds a storage parameter.
func optionValue(reloptions []string, name string) (string, bool) {
	for _, o := range reloptions {
		if k, v, _ := strings.Cut(o, "="); k == name {
			return v, true
		}
	}
	return "", false
}

func isTrueWord(v string) bool {
	switch strings.ToLower(v) {
	case "true", "on", "yes", "1", "t", "tr", "tru", "y", "ye":
		return true
	}
	return false
}

// cleanupOption is the storage parameter vacuum_index_cleanup.
func cleanupOption(reloptions []string) vacuum.IndexCleanup {
	v, ok := optionValue(reloptions, "vacuum_index_cleanup")
	switch {
	case !ok || strings.EqualFold(v, "auto"):
		return vacuum.CleanupAuto
	case isTrueWord(v):
		return vacuum.CleanupOn
	}
	return vacuum.CleanupOff
}

// pacedVacuum is vacuumDelay for several processes that spend from one balance.
func (c *Context) pacedVacuum() func(slot *stats.Slot, cost int) error {
	spend := c.vacuumBalance()
	if spend == nil {
		return nil
	}
	var mu sync.Mutex
	return func(slot *stats.Slot, cost int) error {
		mu.Lock()
		nap := spend(cost)
		mu.Unlock()
		if nap == 0 {
			return nil
		}
		return napFor(slot, nap)
	}
}

// vacuumWorkers lets the vacuum of indexes have workers: asked is the number of the option PARALLEL, 0 when there is none.
func (c *Context) vacuumWorkers(p *vacuum.Params, asked int) {
	set := c.S.Settings
	p.MaxWorkers = int(set.Get("max_parallel_maintenance_workers").Int())
	if asked > 0 {
		p.MaxWorkers = min(p.MaxWorkers, asked)
	}
	p.MinIndexBlocks = ids.BlockNumber(set.Bytes("min_parallel_index_scan_size") / page.Size)
	p.Workers = func(n int, launched func(int), f func(tx *mvcc.Session) error) error {
		team := parallel.Start(c.S.Procs, c.S.Slot, n, int(set.Get("max_parallel_workers").Int()), func(w *parallel.Worker) error {
			w.Slot.Activity.SetQuery("active", c.SQL, time.Now())
			return f(c.S.Tx.Worker(w.Slot))
		})
		defer team.Stop()
		launched(team.Size())
		if err := f(c.S.Tx); err != nil {
			return err
		}
		return team.Wait()
	}
}

// vacuumReport is what VERBOSE and the log of autovacuum say of a vacuum that is done.
func (c *Context) vacuumReport(rel *catalog.Relation, indexes []string, st *vacuum.Stats, p *vacuum.Params, u *usage) string {
	m := c.S.Tx.Manager()
	var b strings.Builder
	what := "finished vacuuming"
	if c.Auto != nil {
		what = "automatic vacuum"
		if st.Aggressive {
			what = "automatic aggressive vacuum"
		}
		if c.Auto.Wraparound {
			what += " to prevent wraparound"
		}
		what += " of table"
	}
	share := func(n ids.BlockNumber) float64 {
		if st.Pages == 0 {
			return 100
		}
		return 100 * float64(n) / float64(st.Pages)
	}
	fmt.Fprintf(&b, "%s \"%s\": index scans: %d\n", what, c.fullName(rel), st.IndexScans)
	fmt.Fprintf(&b, "pages: %d removed, %d remain, %d scanned (%.2f%% of total)\n", st.RemovedPages, st.NewRelPages, st.ScannedPages, share(st.ScannedPages))
	fmt.Fprintf(&b, "tuples: %.0f removed, %.0f remain, %.0f are dead but not yet removable\n", st.Removed, st.NewRelTuples, st.RecentlyDead)
	if st.MissedDead > 0 {
		fmt.Fprintf(&b, "tuples missed: %.0f dead from %d pages not removed due to cleanup lock contention\n", st.MissedDead, st.MissedPages)
	}
	fmt.Fprintf(&b, "removable cutoff: %d, which was %d XIDs old when operation ended\n", uint32(st.OldestXmin), int64(m.NextXid()-st.OldestXmin))
	if st.NewFrozenXid > p.RelFrozenXid {
		fmt.Fprintf(&b, "new relfrozenxid: %d, which is %d XIDs ahead of previous value\n", uint32(st.NewFrozenXid), int64(st.NewFrozenXid-p.RelFrozenXid))
	}
	if st.NewMinMulti > p.RelMinMulti {
		fmt.Fprintf(&b, "new relminmxid: %d, which is %d MXIDs ahead of previous value\n", uint32(st.NewMinMulti), int64(st.NewMinMulti-p.RelMinMulti))
	}
	how, verb := "index scan not needed", "had %.0f dead item identifiers removed"
	if st.Bypassed {
		how, verb = "index scan bypassed", "have %.0f dead item identifiers"
	} else if st.IndexScans > 0 && len(indexes) > 0 {
		how = "index scan needed"
	}
	fmt.Fprintf(&b, "%s: %d pages from table (%.2f%% of total) "+verb+"\n", how, st.DeadItemPages, share(st.DeadItemPages), st.DeadItems)
	for i, x := range st.Indexes {
		if x.Done() {
			fmt.Fprintf(&b, "index \"%s\": pages: %d in total, %d newly deleted, %d currently deleted, %d reusable\n", indexes[i], x.Pages, x.PagesDeleted,
				x.DeletedNow, x.PagesFree)
		}
	}
	u.report(&b, true)
	return b.String()
}

// statsID names a relation in the cumulative statistics.
func statsID(rel *catalog.Relation) stats.RelID { return stats.RelID{DB: rel.File.DB, Rel: rel.Oid} }

// storeVacuum puts what a vacuum has found into pg_class.
func (c *Context) storeVacuum(rel *catalog.Relation, indexes []*btree.Index, st *vacuum.Stats) error {
	m := c.S.Tx.Manager()
	changed := false
	err := c.S.Cat.ChangeClassInPlace(rel.Oid, func(row *catalog.PgClass) bool {
		before := *row
		row.Relpages, row.Reltuples, row.Relallvisible = int32(st.NewRelPages), float32(st.NewRelTuples), int32(st.AllVisiblePages)
		row.Relhasindex = len(rel.Indexes) > 0
		if st.NewFrozenXid > m.WidenXid(row.Relfrozenxid) {
			row.Relfrozenxid = m.NarrowXid(st.NewFrozenXid)
		}
		if st.NewMinMulti > m.WidenMulti(row.Relminmxid) {
			row.Relminmxid = m.NarrowMulti(st.NewMinMulti)
		}
		changed = before.Relpages != row.Relpages || before.Reltuples != row.Reltuples || before.Relallvisible != row.Relallvisible ||
			before.Relhasindex != row.Relhasindex || before.Relfrozenxid != row.Relfrozenxid || before.Relminmxid != row.Relminmxid
		return changed
	})
	if err != nil {
		return err
	}
	for i, ix := range indexes {
		x := st.Indexes[i]
		if !x.Done() {
			continue
		}
		if err := c.setClassSize(ix.Oid, int32(x.Pages), float32(x.Tuples)); err != nil {
			return err
		}
	}
	return c.step()
}
