package catalog

import (
	"fmt"
	"reflect"
	"slices"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// cachesOf lists the caches of each catalog.
func cachesOf(table ids.Oid) []cacheID {
	switch table {
	case PgDependOid, PgShdependOid:
		return nil
	}
	return cachesByTable()[table]
}

// rowValues returns the columns of a row in the session's scratch space, valid until the next write.
func (s *Session) rowValues(row Row) []types.Datum {
	n := natts(row.Table())
	s.vals = slices.Grow(s.vals[:0], n)[:n]
	row.Values(s.vals)
	return s.vals
}

// Insert adds a row to its catalog, with its index entries. Lookups see it after the command ends.
func (s *Session) Insert(row Row) error {
	vals := s.rowValues(row)
	tid, err := s.store.insert(row.Table(), vals)
	if err != nil {
		return err
	}
	row.setPlace(rowTID{tid: tid, epoch: s.fileEpoch(), xmin: s.ownXid()})
	s.invalidateRow(row.Table(), vals)
	return nil
}

// Update stores a changed row over the one it was read as (row.TID says which). XX000 "tuple concurrently updated" when another
// transaction was faster.
func (s *Session) Update(row Row) error {
	if !row.TID().IsValid() {
		return pgerr.Internal("update of a row of %s that was not read", catalogName(row.Table()))
	}
	if err := s.checkPlace(row); err != nil {
		return err
	}
	if err := s.invalidateStored(row); err != nil {
		return err
	}
	vals := s.rowValues(row)
	tid, err := s.store.update(row.Table(), row.TID(), vals)
	if err != nil {
		return err
	}
	row.setPlace(rowTID{tid: tid, epoch: s.fileEpoch(), xmin: s.ownXid()})
	s.invalidateRow(row.Table(), vals)
	return nil
}

// Delete removes a row that was read.
func (s *Session) Delete(row Row) error {
	if !row.TID().IsValid() {
		return pgerr.Internal("deletion of a row of %s that was not read", catalogName(row.Table()))
	}
	if err := s.checkPlace(row); err != nil {
		return err
	}
	if err := s.store.remove(row.Table(), row.TID()); err != nil {
		return err
	}
	s.invalidateRow(row.Table(), s.rowValues(row))
	return nil
}

// ChangeClassInPlace overwrites fixed-width columns of a relation's pg_class row without making a new version: statistics and flags, which several
// sessions may set at the same time. It is not undone by an abort. change returns false when there is nothing to do; it is called again with a newer
// row when somebody else has changed that meanwhile. Without a row nothing is done.
func (s *Session) ChangeClassInPlace(rel ids.Oid, change func(c *PgClass) bool) error {
	var at ids.TID
	var last PgClass
	for {
		c, err := s.ClassRow(rel)
		if c == nil || err != nil {
			return err
		}
		if c.TID() == at && reflect.DeepEqual(*c, last) {
			return pgerr.Internal("row of %q in pg_class cannot be overwritten in place", c.Relname)
		}
		at, last = c.TID(), *c
		old := slices.Clone(s.rowValues(c))
		if !change(c) {
			return nil
		}
		if s.rehearsing {
			return s.Update(c)
		}
		vals := s.rowValues(c)
		done, err := s.store.inPlace(PgClassOid, c.TID(), old, vals)
		if err != nil {
			return err
		}
		if done {
			s.invalidateRow(PgClassOid, vals)
			return nil
		}
	}
}

// ChangeDatabaseInPlace is ChangeClassInPlace for the row of a database in pg_database.
func (s *Session) ChangeDatabaseInPlace(db ids.Oid, change func(d *PgDatabase) bool) error {
	for range 100 {
		d, err := fetch[PgDatabase](s, PgDatabaseOidIndex, OidKey(AttPgDatabaseOid, db))
		if d == nil || err != nil {
			return err
		}
		old := slices.Clone(s.rowValues(d))
		if !change(d) {
			return nil
		}
		if s.rehearsing {
			return s.Update(d)
		}
		vals := s.rowValues(d)
		done, err := s.store.inPlace(PgDatabaseOid, d.TID(), old, vals)
		if err != nil {
			return err
		}
		if done {
			s.invalidateRow(PgDatabaseOid, vals)
			return nil
		}
	}
	return pgerr.Internal("row of database %d cannot be overwritten in place", db)
}

// Rehearse makes ChangeClassInPlace an ordinary update, as long as changes are to be rolled back.
func (s *Session) Rehearse(on bool) { s.rehearsing = on }

// invalidateStored marks the keys that the row has had before an update: its name may change.
func (s *Session) invalidateStored(row Row) error {
	table := row.Table()
	if len(cachesOf(table)) == 0 && relColumns[table] == nil {
		return nil
	}
	return s.store.get(table, row.TID(), func(vals []types.Datum) { s.invalidateRow(table, vals) })
}

// invalidateRow marks every key that a row is found under.
func (s *Session) invalidateRow(table ids.Oid, vals []types.Datum) {
	s.over.editsN++
	s.invalidateTypesOf(table, vals)
	for _, id := range cachesOf(table) {
		s.over.mark(keyOfRow(id, vals))
	}
	for _, att := range relColumns[table] {
		s.InvalidateRelation(vals[att-1].Oid())
	}
	if table == PgClassOid {
		s.invalidateOwner(vals)
	}
}

// invalidateOwner follows the pg_class row of an index or toast table to the table whose descriptor it is part of; from the index of
// a toast table in two steps.
func (s *Session) invalidateOwner(vals []types.Datum) {
	oid := vals[AttPgClassOid-1].Oid()
	switch byte(vals[AttPgClassRelkind-1].Word()) {
	case 'i', 'I':
		if x, err := fetch[PgIndex](s, PgIndexIndexrelidIndex, OidKey(AttPgIndexIndexrelid, oid)); x != nil && err == nil {
			s.InvalidateRelation(x.Indrelid)
			if t, err := fetch[PgClass](s, PgClassOidIndex, OidKey(AttPgClassOid, x.Indrelid)); t != nil && err == nil && t.Relkind == 't' {
				s.invalidateToasted(t.Relname)
			}
		}
	case 't':
		s.invalidateToasted(vals[AttPgClassRelname-1].Str())
	}
}

// invalidateToasted finds a toast table's owner by its name.
func (s *Session) invalidateToasted(toast string) {
	var owner ids.Oid
	if n, err := fmt.Sscanf(toast, "pg_toast_%d", &owner); n == 1 && err == nil {
		s.InvalidateRelation(owner)
	}
}

// InvalidateRelation makes this session, at the end of the command, and all others, at commit, read the descriptor of a
// relation anew.
func (s *Session) InvalidateRelation(oid ids.Oid) {
	if oid == 0 {
		return
	}
	s.over.mark(keyOid(relCache, oid))
}

// publish makes the changes of a committed transaction known to all sessions.
func (s *Session) publish() { s.cat.publish(s.cache, s.over.dirty, s.isBuiltinKey) }

// publish invalidates keys in the caches of a database and in those of the shared catalogs.
func (c *Catalog) publish(cache *sharedCache, keys map[cacheKey]struct{}, isBuiltin func(*cacheKey) bool) {
	if len(keys) == 0 {
		return
	}
	own, shared := make(map[cacheKey]struct{}), make(map[cacheKey]struct{})
	for k := range keys {
		if IsSharedCatalog(cacheDefs[k.id].table) || k.id == relCache && IsSharedCatalog(ids.Oid(k.n[0])) {
			shared[k] = struct{}{}
		} else {
			own[k] = struct{}{}
		}
	}
	cache.invalidate(own, isBuiltin)
	c.shared.invalidate(shared, isBuiltin)
}

// isBuiltinKey reports whether a key is one that the table of built-ins answers.
func (s *Session) isBuiltinKey(k *cacheKey) bool {
	return !s.boot && s.cat.isBuiltinKey(k)
}

func (c *Catalog) isBuiltinKey(k *cacheKey) bool {
	if !cacheDefs[k.id].builtin {
		return false
	}
	_, ok := c.facts.lookup(k)
	return ok
}
