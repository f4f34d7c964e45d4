package commands

import (
	"fmt"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
)

// ErrLocked says that autovacuum left a table alone because somebody had it locked.
var ErrLocked error = pgerr.New(pgerr.LockNotAvailable, "lock not available")

// autoRelation locks a table for autovacuum; nil when it is gone.
func (c *Context) autoRelation(oid ids.Oid) (*catalog.Relation, error) {
	ok, err := c.S.Owner.TryAcquire(c.S.Cat.RelationTag(oid), locks.ShareUpdateExclusive, false)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrLocked
	}
	return c.S.Cat.LockRelation(oid, locks.ShareUpdateExclusive)
}

// AutoVacuum vacuums a table for autovacuum, in the transaction that runs; not its toast table. It returns lines for the log. Its error is
// ErrLocked when somebody holds a lock.
func (c *Context) AutoVacuum(oid ids.Oid) (report string, err error) {
	rel, err := c.autoRelation(oid)
	if rel == nil || err != nil || rel.Heap == nil {
		return "", err
	}
	o := &vacuumOptions{truncate: true}
	before := c.S.Slot.BufferHits()
	read := c.S.Slot.Buffers.Read.Load()
	if err := c.lazyVacuum(rel, o); err != nil {
		return "", err
	}
	st := c.Auto.stats
	scanned := 100.0
	if st.Pages > 0 {
		scanned = 100 * float64(st.ScannedPages) / float64(st.Pages)
	}
	return fmt.Sprintf(": index scans: %d\npages: %d removed, %d remain, %d scanned (%.2f%% of total)\n"+
		"tuples: %.0f removed, %.0f remain, %.0f are dead but not yet removable\nremovable cutoff: %d\nbuffer usage: %d hits, %d misses",
		st.IndexScans, st.RemovedPages, st.NewRelPages, st.ScannedPages, scanned, st.Removed, st.NewRelTuples, st.RecentlyDead, st.OldestXmin,
		c.S.Slot.BufferHits()-before, c.S.Slot.Buffers.Read.Load()-read), nil
}

// AutoAnalyze analyzes a table for autovacuum, in the transaction that runs. Errors as AutoVacuum.
func (c *Context) AutoAnalyze(oid ids.Oid) (report string, err error) {
	if rel, err := c.autoRelation(oid); rel == nil || err != nil {
		return "", err
	}
	return "", c.analyzeRelation(oid, nil, false)
}
