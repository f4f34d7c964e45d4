package catalog

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/storage/heap"
	"gompho/types"
)

// The files of the catalogs (package relmap). VACUUM FULL, CLUSTER and REINDEX of a catalog fill new files that nobody knows (NewFiles), and put all of them in
// place at once (TakeFiles), so that the catalogs can be read all of the time, by the one who makes them too.

// mapDB is the database under which the map has a relation.
func (s *Session) mapDB(rel ids.Oid) ids.Oid {
	if IsSharedCatalog(rel) {
		return 0
	}
	return s.db
}

// currentFile returns the files of a catalog; those of other relations are what they are in pg_class.
func (s *Session) currentFile(rel ids.Oid, f ids.RelFile) (ids.RelFile, error) {
	if rel >= firstUnpinned || s.cat.relmap == nil {
		return f, nil
	}
	db := s.mapDB(rel)
	if s.tx != nil {
		if own := s.tx.MappedFile(db, rel); own != 0 {
			f.Rel = own
			return f, nil
		}
	}
	n, err := s.cat.relmap.Get(db, rel)
	f.Rel = n
	return f, err
}

// findFiles puts the files of a catalog, or of an index of one, and of its indexes into its descriptor.
func (s *Session) findFiles(r *Relation) (err error) {
	if r.File, err = s.currentFile(r.Oid, r.File); err != nil {
		return err
	}
	if r.Index != nil {
		r.Index.File = r.File
	}
	for _, ix := range r.Indexes {
		if ix.File, err = s.currentFile(ix.Oid, ix.File); err != nil {
			return err
		}
	}
	return nil
}

// fileEpoch is the state of the map that addresses of rows belong to.
func (s *Session) fileEpoch() uint64 {
	if s.cat.relmap == nil {
		return 0
	}
	return s.cat.relmap.Epoch()
}

// checkPlace locks the catalog of a row that is about to be written, and makes sure that the row is where it was read: its table may have been
// moved to another file meanwhile.
func (s *Session) checkPlace(row Row) error {
	table := row.Table()
	if s.cat.relmap == nil || s.tx == nil {
		return nil
	}
	if _, err := (heapStore{s}).open(table, locks.RowExclusive); err != nil {
		return err
	}
	if !s.cat.relmap.Changed(s.mapDB(table), table, row.place().epoch) {
		return nil
	}
	return s.findAgain(row)
}

// placeAt is the place of the row that a scan shows now.
func (s *Session) placeAt(tid ids.TID) rowTID {
	return rowTID{tid: tid, epoch: s.fileEpoch(), xmin: s.rowXmin}
}

// ownXid is the transaction that makes the versions that the session writes.
func (s *Session) ownXid() ids.Xid {
	if s.tx == nil {
		return 0
	}
	return s.tx.Xid()
}

// findAgain finds a row whose table has moved, by its key; it must be the version that was read, whose transaction a move keeps.
func (s *Session) findAgain(row Row) error {
	was := row.place()
	fact := s.cat.facts.relations[row.Table()]
	for _, ix := range fact.Indexes {
		if !ix.Primary || was.xmin == 0 {
			continue
		}
		vals, found := s.rowValues(row), false
		var keys []Key
		for _, att := range ix.Keys {
			keys = append(keys, Key{int(att), vals[att-1]})
		}
		err := s.store.scan(row.Table(), ix.Oid, keys, func(tid ids.TID, _ []types.Datum) (bool, error) {
			if at := s.placeAt(tid); at.xmin == was.xmin {
				row.setPlace(at)
				found = true
			}
			return false, nil
		})
		if found || err != nil {
			return err
		}
	}
	return modifyError(heap.Updated)
}

// FileOwner returns the table whose lock protects the files of a catalog: itself, or the one that an index or a toast table belongs to.
func FileOwner(rel ids.Oid) ids.Oid {
	r := builtinFacts().relations[rel]
	if r == nil {
		return rel
	}
	if r.Index != nil {
		return FileOwner(r.Index.Table)
	}
	if r.Kind == 't' {
		for _, t := range builtinFacts().relations {
			if t.Toast == rel {
				return t.Oid
			}
		}
	}
	return rel
}

// NewIndexFile makes an empty file for an index of a catalog, and the descriptor and handle through which it is filled.
func (s *Session) NewIndexFile(table *Relation, index ids.Oid) (*Index, error) {
	for _, ix := range table.Indexes {
		if ix.Oid != index {
			continue
		}
		n := ix.forDB(table.Shared, s.db)
		var err error
		if n.File, err = s.newFile(ix.File); err != nil {
			return nil, err
		}
		n.Btree, err = s.btreeHandle(n, table, true, false)
		return n, err
	}
	return nil, pgerr.Internal("catalog %s has no index %d", table.Name, index)
}

// NewFiles makes empty files for a catalog and for its indexes, and the descriptor through which they are filled. toast, from another call, takes its
// long values; nil when it has none.
func (s *Session) NewFiles(r, toast *Relation) (*Relation, error) {
	fact := s.cat.facts.relations[r.Oid]
	if fact == nil {
		return nil, pgerr.Internal("relation %d is no catalog", r.Oid)
	}
	n := fact.forDB(s.db)
	var err error
	if n.File, err = s.newFile(r.File); err != nil {
		return nil, err
	}
	for _, ix := range n.Indexes {
		if ix.File, err = s.newFile(ix.File); err != nil {
			return nil, err
		}
	}
	hot, key, err := indexedColumns(n)
	if err != nil {
		return nil, err
	}
	h := &heap.Rel{Env: s.env, File: n.File, Oid: n.Oid, DB: n.File.DB, Name: n.Name, Desc: n.Desc, Logged: true, FillFactor: n.FillFactor(),
		HotAttrs: hot, KeyAttrs: key}
	if toast != nil {
		h.Toast = s.cat.newToaster(toast)
	}
	return n, s.attachRows(n, h)
}

// newFile makes an empty file beside another one.
func (s *Session) newFile(like ids.RelFile) (ids.RelFile, error) {
	f := like
	for {
		o, err := s.NewOid(PgClassOid, PgClassOidIndex, AttPgClassOid)
		if err != nil {
			return f, err
		}
		if f.Rel = o; s.files == nil || !s.files.Exists(f) {
			break
		}
	}
	if s.files == nil {
		return f, nil
	}
	return f, s.files.Create(f, 'p')
}

// newPlace is a file that takes the place of another.
type newPlace struct {
	rel      ids.Oid
	old, now ids.RelFile
}

// TakeFiles puts the new files of a catalog and of its indexes into place, when the transaction commits, and for itself at once. The old ones go then.
// What pg_class says of their age and of the files is brought up to date.
func (s *Session) TakeFiles(old, now *Relation) error {
	moves := []newPlace{{old.Oid, old.File, now.File}}
	for i, ix := range old.Indexes {
		moves = append(moves, newPlace{ix.Oid, ix.File, now.Indexes[i].File})
	}
	if err := s.moveFiles(moves); err != nil {
		return err
	}
	return s.changeClass(old.Oid, func(c *PgClass) {
		if c.Relfrozenxid != 0 {
			c.Relfrozenxid, c.Relminmxid = s.frozenIDs()
		}
	})
}

// TakeIndexFile is TakeFiles for one index of a catalog.
func (s *Session) TakeIndexFile(old, now *Index) error {
	return s.moveFiles([]newPlace{{old.Oid, old.File, now.File}})
}

func (s *Session) moveFiles(moves []newPlace) error {
	for _, m := range moves {
		if err := s.tx.MapFile(mvcc.Mapping{DB: s.mapDB(m.rel), Rel: m.rel, File: m.now.Rel}); err != nil {
			return err
		}
		s.tx.DropFile(m.old)
		s.forgetNow(m.rel)
		s.forgetNow(FileOwner(m.rel))
		if r := s.cat.facts.relations[m.rel]; r.Index != nil {
			s.forgetNow(r.Index.Table)
		}
	}
	if err := s.IncrementCommand(); err != nil {
		return err
	}
	for _, m := range moves {
		if err := s.changeClass(m.rel, func(c *PgClass) {
			if c.Relfilenode != 0 { // those that PostgreSQL's map has show none
				c.Relfilenode = m.now.Rel
			}
		}); err != nil {
			return err
		}
	}
	return s.IncrementCommand()
}

// forgetNow is InvalidateRelation that does not wait for the end of the command, which may not have written anything.
func (s *Session) forgetNow(rel ids.Oid) {
	s.InvalidateRelation(rel)
	delete(s.over.entries, keyOid(relCache, rel))
	s.over.epoch++
}

// changeClass changes the pg_class row of a catalog, if there is anything to change.
func (s *Session) changeClass(rel ids.Oid, change func(c *PgClass)) error {
	c, err := s.ClassRow(rel)
	if c == nil || err != nil {
		return err
	}
	file, frozen, multi := c.Relfilenode, c.Relfrozenxid, c.Relminmxid
	change(c)
	if c.Relfilenode == file && c.Relfrozenxid == frozen && c.Relminmxid == multi {
		return nil
	}
	if err := s.Update(c); err != nil {
		return err
	}
	return s.IncrementCommand()
}

// publishFiles makes all sessions read descriptors, and rows with their addresses, anew after a commit that has moved catalogs.
func (s *Session) publishFiles() {
	shared := false
	for _, m := range s.tx.Mappings() {
		shared = shared || m.DB == 0
	}
	switch {
	case shared:
		s.cat.resetAll()
	case len(s.tx.Mappings()) > 0:
		s.cache.reset()
	}
}

// resetAll makes all sessions read all catalogs anew.
func (c *Catalog) resetAll() {
	c.shared.reset()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.dbs {
		d.reset()
	}
}
