package catalog

import (
	"sync"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// oidPrefetch is how many Oids one log record covers.
const oidPrefetch = 8192

// oidCounter hands out Oids. It wraps past 2^32 to the first normal Oid.
//
// Invariant: next <= logged + 1 unless the counter is not logged; after a crash it goes on at logged.
type oidCounter struct {
	mu   sync.Mutex // protects next, left
	next ids.Oid
	left int                 // Oids that may be handed out before the next log record
	log  func(ids.Oid) error // makes sure that after a crash the counter goes on at or past its argument
}

// SetNextOid sets the counter as the control file says, and how to log its progress; log may be nil.
func (c *Catalog) SetNextOid(next ids.Oid, log func(ids.Oid) error) {
	c.oids.mu.Lock()
	defer c.oids.mu.Unlock()
	c.oids.next, c.oids.left, c.oids.log = max(next, firstUnpinned), 0, log
}

// NextOid returns the Oid at which the counter must go on after a crash, for the control file.
func (c *Catalog) NextOid() ids.Oid {
	c.oids.mu.Lock()
	defer c.oids.mu.Unlock()
	return c.oids.next + ids.Oid(c.oids.left)
}

// restart makes a new cluster's objects begin at the first Oid that is not a fact.
func (c *oidCounter) restart() {
	c.mu.Lock()
	c.next, c.left = firstUnpinned, 0
	c.mu.Unlock()
}

func (c *oidCounter) take(boot bool) (ids.Oid, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next < firstUnpinned {
		c.next = firstUnpinned
	}
	if !boot && c.next < ids.FirstNormalOid {
		c.next, c.left = ids.FirstNormalOid, 0
	}
	if c.left == 0 {
		if c.log != nil {
			if err := c.log(c.next + oidPrefetch); err != nil {
				return 0, err
			}
		}
		c.left = oidPrefetch
	}
	o := c.next
	c.next++
	c.left--
	return o, nil
}

// NewOid returns an Oid that no row of the catalog has in the column that index is on.
func (s *Session) NewOid(table, index ids.Oid, att int) (ids.Oid, error) {
	for {
		if s.slot != nil {
			if err := s.slot.CheckInterrupts(); err != nil {
				return 0, err
			}
		}
		o, err := s.cat.oids.take(s.boot)
		if err != nil {
			return 0, err
		}
		used, err := s.exists(table, index, OidKey(att, o))
		if err != nil || !used {
			return o, err
		}
	}
}

// exists reports whether a catalog has a row that meets keys.
func (s *Session) exists(table, index ids.Oid, keys ...Key) (bool, error) {
	found := false
	err := s.store.scan(table, index, keys, func(ids.TID, []types.Datum) (bool, error) {
		found = true
		return false, nil
	})
	return found, err
}

// NewObjectOid returns an Oid for a new row of a catalog that has a column oid.
func (s *Session) NewObjectOid(table ids.Oid) (ids.Oid, error) {
	index, ok := oidIndexes[table]
	if !ok {
		switch table {
		case PgClassOid:
			index = PgClassOidIndex
		case PgTypeOid:
			index = PgTypeOidIndex
		case PgConstraintOid:
			index = PgConstraintOidIndex
		case PgAttrdefOid:
			index = PgAttrdefOidIndex
		case PgRewriteOid:
			index = PgRewriteOidIndex
		case PgEnumOid:
			index = PgEnumOidIndex
		default:
			return 0, pgerr.Internal("catalog %s has no index on oid", catalogName(table))
		}
	}
	return s.NewOid(table, index, 1)
}

// NewRelFile returns a file number that no relation of the database uses.
func (s *Session) NewRelFile(tablespace ids.Oid) (ids.RelFile, error) {
	f := ids.RelFile{Spc: tablespace, DB: s.db}
	if f.Spc == 0 {
		f.Spc = ids.DefaultTablespace
	}
	for {
		o, err := s.NewOid(PgClassOid, PgClassOidIndex, AttPgClassOid)
		if err != nil {
			return f, err
		}
		f.Rel = o
		if s.files == nil || !s.files.Exists(f) {
			return f, nil
		}
	}
}
