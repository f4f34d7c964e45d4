package catalog

import (
	"strings"

	"gompho/internal/ids"
	"gompho/types"
)

// peek answers a question from the overlay, the built-ins or a shared cache, without reading catalogs.
func (s *Session) peek(k *cacheKey) (any, bool) {
	if len(s.over.dirty) > 0 {
		if _, dirty := s.over.dirty[*k]; dirty {
			s.checkOverlay()
			v, ok := s.over.entries[*k]
			return v, ok
		}
	}
	d := &cacheDefs[k.id]
	if d.builtin && !d.list {
		if v, ok := s.cat.facts.lookup(k); ok && !s.cache.isEdited(k) {
			return v, true
		}
	}
	return s.cacheFor(d.table).get(k)
}

// fill reads the answer to a question that peek could not answer, and keeps it.
func (s *Session) fill(k *cacheKey, load func() (any, error)) (any, error) {
	k.s = strings.Clone(k.s) // the caches outlive the message that the name may be part of
	if s.isDirty(k) {
		v, err := load()
		if err == nil {
			s.over.entries[*k] = v
		}
		return v, err
	}
	if s.env != nil && !s.boot && !s.cache.scanned.Load() && s.tx.InTransaction() {
		if err := s.findEdits(); err != nil {
			return nil, err
		}
	}
	c := s.cacheFor(cacheDefs[k.id].table)
	gen := c.generation.Load()
	v, err := load()
	if err != nil {
		return nil, err
	}
	return c.put(k, v, gen), nil
}

// checkOverlay drops what the overlay holds when another session has changed catalogs meanwhile.
func (s *Session) checkOverlay() {
	if g := s.cache.generation.Load() + s.cat.shared.generation.Load(); g != s.over.seen {
		clear(s.over.entries)
		s.over.seen = g
	}
}

func (s *Session) cacheFor(table ids.Oid) *sharedCache {
	if IsSharedCatalog(table) {
		return s.cat.shared
	}
	return s.cache
}

// IsSharedCatalog reports whether a catalog, or an index or toast table of one, is one for all databases.
func IsSharedCatalog(rel ids.Oid) bool {
	if rel == 0 || rel >= firstUnpinned {
		return false
	}
	switch rel {
	case PgAuthidOid, PgAuthMembersOid, PgDatabaseOid, PgDbRoleSettingOid, PgTablespaceOid, PgShdependOid, PgShdescriptionOid,
		PgShseclabelOid, PgReplicationOriginOid, PgSubscriptionOid, PgParameterAclOid:
		return true
	case PgClassOid, PgAttributeOid, PgProcOid, PgTypeOid:
		return false
	}
	r := builtinFacts().relations[rel]
	return r != nil && r.Shared
}

// one returns the row under a key; nil when there is none.
func one[T any, P rowPtr[T]](s *Session, k cacheKey) (P, error) {
	if v, ok := s.peek(&k); ok {
		return v.(P), nil
	}
	return oneSlow[T, P](s, k)
}

func oneSlow[T any, P rowPtr[T]](s *Session, k cacheKey) (P, error) {
	v, err := s.fill(&k, func() (any, error) {
		var conds [4]Key
		return fetch[T, P](s, cacheDefs[k.id].index, k.conditions(conds[:0])...)
	})
	p, _ := v.(P)
	return p, err
}

// many returns the rows under a key. Built-in rows come from the facts unless one of them has been edited.
func many[T any, P rowPtr[T]](s *Session, k cacheKey) ([]P, error) {
	if v, ok := s.peek(&k); ok {
		return v.([]P), nil
	}
	return manySlow[T, P](s, k)
}

func manySlow[T any, P rowPtr[T]](s *Session, k cacheKey) ([]P, error) {
	d := &cacheDefs[k.id]
	v, err := s.fill(&k, func() (any, error) {
		var rows []P
		known := false
		if d.builtin && !s.cache.isEdited(&k) && !s.isDirty(&k) {
			if b, ok := s.cat.facts.lookup(&k); ok {
				rows, known = b.([]P), true
				rows = rows[:len(rows):len(rows)]
			}
		}
		var conds [4]Key
		err := s.store.scan(d.table, d.index, k.conditions(conds[:0]), func(tid ids.TID, v []types.Datum) (bool, error) {
			if known && v[0].Oid() < firstUnpinned {
				return true, nil
			}
			p := P(new(T))
			p.Scan(v)
			p.setPlace(s.placeAt(tid))
			rows = append(rows, p)
			return true, nil
		})
		return rows, err
	})
	l, _ := v.([]P)
	return l, err
}

func (s *Session) isDirty(k *cacheKey) bool {
	_, ok := s.over.dirty[*k]
	return ok
}

// indexTable is the catalog of each index of a catalog.
func indexTable(index ids.Oid) ids.Oid {
	if r := builtinFacts().relations[index]; r != nil && r.Index != nil {
		return r.Index.Table
	}
	return 0
}

// each calls fn with the rows of a catalog that meet keys, the first columns of index, in index order; fn
// returns false to stop. The row is reused between calls: copy the struct to keep it.
func each[T any, P rowPtr[T]](s *Session, index ids.Oid, fn func(P) (bool, error), keys ...Key) error {
	row := P(new(T))
	return s.store.scan(row.Table(), index, keys, func(tid ids.TID, v []types.Datum) (bool, error) {
		row.Scan(v)
		row.setPlace(s.placeAt(tid))
		return fn(row)
	})
}

// fetch returns the first row that meets keys, read from the catalog itself; nil when there is none.
func fetch[T any, P rowPtr[T]](s *Session, index ids.Oid, keys ...Key) (P, error) {
	var found P
	err := each(s, index, func(r P) (bool, error) {
		found = r
		return false, nil
	}, keys...)
	return found, err
}

// fetchAll returns all rows that meet keys.
func fetchAll[T any, P rowPtr[T]](s *Session, index ids.Oid, keys ...Key) ([]*T, error) {
	var rows []*T
	err := each(s, index, func(r P) (bool, error) {
		c := *r
		rows = append(rows, &c)
		return true, nil
	}, keys...)
	return rows, err
}

// Fetch reads the first row of a catalog that meets keys, past all caches; nil when there is none. keys are on the
// first columns of index; index 0 scans the whole catalog. Use it for a row that is about to be updated.
func Fetch[T any, P rowPtr[T]](s *Session, index ids.Oid, keys ...Key) (P, error) {
	return fetch[T, P](s, index, keys...)
}

// FetchAll reads all rows of a catalog that meet keys, past all caches, in index order.
func FetchAll[T any, P rowPtr[T]](s *Session, index ids.Oid, keys ...Key) ([]*T, error) {
	return fetchAll[T, P](s, index, keys...)
}

// Each calls fn with the rows that meet keys; fn returns false to stop. The row is reused: copy the struct to keep it.
func Each[T any, P rowPtr[T]](s *Session, index ids.Oid, fn func(P) (bool, error), keys ...Key) error {
	return each(s, index, fn, keys...)
}
