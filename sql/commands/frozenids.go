package commands

import (
	"gompho/catalog"
	"gompho/locks"
)

// The commit log and the multixacts are kept from the oldest id on that may stand in a table of any database. Each table's bound is in pg_class,
// each database's in pg_database; the catalogs have 32 bits for them (mvcc.Manager.WidenXid).

// FrozenIDs brings the database's datfrozenxid and datminmxid up to what its tables allow, and cuts the commit log and the multixacts off before
// what no database needs any more. It runs in a transaction.
func (c *Context) FrozenIDs() error {
	cat, m := c.S.Cat, c.S.Tx.Manager()
	if err := c.S.Owner.Acquire(locks.FrozenIDsTag(c.S.DB), locks.Exclusive, locks.Opts{}); err != nil {
		return err
	}
	// Tables that are not there yet for us have nothing older than who makes them.
	xid, multi := m.OldestXmin(0), m.OldestMulti()
	rows, err := catalog.FetchAll[catalog.PgClass](cat, 0)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Relkind != 'r' && r.Relkind != 'm' && r.Relkind != 't' {
			continue
		}
		if r.Relfrozenxid != 0 {
			xid = min(xid, m.WidenXid(r.Relfrozenxid))
		}
		if r.Relminmxid != 0 {
			multi = min(multi, m.WidenMulti(r.Relminmxid))
		}
	}
	changed := false
	err = cat.ChangeDatabaseInPlace(c.S.DB, func(d *catalog.PgDatabase) bool {
		changed = false
		if xid > m.WidenXid(d.Datfrozenxid) {
			d.Datfrozenxid, changed = m.NarrowXid(xid), true
		}
		if multi > m.WidenMulti(d.Datminmxid) {
			d.Datminmxid, changed = m.NarrowMulti(multi), true
		}
		return changed
	})
	if err != nil || !changed {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	return c.cutLogs()
}

// Cutting the logs is put off until it removes at least a page.
const (
	xidsPerCut   = 32768
	multisPerCut = 1024
)

func (c *Context) cutLogs() error {
	m := c.S.Tx.Manager()
	if err := c.S.Owner.Acquire(locks.FrozenIDsTag(0), locks.Exclusive, locks.Opts{}); err != nil {
		return err
	}
	xid, multi := m.NextXid(), m.NextMulti()
	rows, err := catalog.FetchAll[catalog.PgDatabase](c.S.Cat, 0)
	if err != nil {
		return err
	}
	for _, d := range rows {
		xid = min(xid, m.WidenXid(d.Datfrozenxid))
		multi = min(multi, m.WidenMulti(d.Datminmxid))
	}
	oldXid, oldMulti := m.OldestXid(), m.OldestKeptMulti()
	if xid < oldXid+xidsPerCut && multi < oldMulti+multisPerCut {
		return nil
	}
	return m.Truncate(c.S.Slot, max(xid, oldXid), max(multi, oldMulti))
}
