package commands

import (
	"fmt"
	"strings"
	"time"

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

// AutoVacuum vacuums a table for autovacuum, in the transaction that runs; not its toast table. It returns what is to
// be logged, if anything. Its error is
// ErrLocked when somebody holds a lock.
func (c *Context) AutoVacuum(oid ids.Oid) (report string, err error) {
	rel, err := c.autoRelation(oid)
	if rel == nil || err != nil || rel.Heap == nil {
		return "", err
	}
	c.Auto.report = ""
	err = c.lazyVacuum(rel, &vacuumOptions{truncate: true, workers: -1})
	return c.Auto.report, err
}

// AutoAnalyze analyzes a table for autovacuum, in the transaction that runs. Errors as AutoVacuum.
func (c *Context) AutoAnalyze(oid ids.Oid) (report string, err error) {
	rel, err := c.autoRelation(oid)
	if rel == nil || err != nil {
		return "", err
	}
	u := beginUsage(c.S.Slot)
	if err := c.analyzeRelation(oid, nil, false); err != nil || c.Auto.LogMin < 0 || time.Since(u.began) < c.Auto.LogMin {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "automatic analyze of table \"%s\"\n", c.fullName(rel))
	u.report(&b, false)
	return b.String(), nil
}
