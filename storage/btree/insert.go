package btree

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/heap"
	"gompho/storage/page"
	"gompho/types"
	"gompho/wal"
)

// insertion is the state of one Insert.
type insertion struct {
	ix     *Index
	tx     *mvcc.Session
	slot   *stats.Slot
	key    searchKey
	values []types.Datum
	tid    ids.TID
	it     item
	mode   UniqueMode
	// churn: the entry is one more for a row that has some, or there are entries of removed rows with its key. When the page is full, it may be so
	// because of old versions.
	churn bool
	path  path
	rows  *heap.Fetcher // made when a row has to be looked at
	toast [maxItem + 64]byte
}

// Insert adds an entry for the row at tid; values are those of all columns, INCLUDE columns last. conflict is meaningful with UniquePartial only:
// another row that is there, or in progress, has the key. Errors: 23505, 54000 for an entry that is too large, and those of waiting.
func (ix *Index) Insert(tx *mvcc.Session, values []types.Datum, tid ids.TID, mode UniqueMode) (conflict bool, err error) {
	return ix.insert(tx, values, tid, mode, false)
}

// InsertVersion is Insert for a new version of a row whose key columns are those of the version before: a full page is looked through for entries of
// versions that nobody sees any more before it is split.
func (ix *Index) InsertVersion(tx *mvcc.Session, values []types.Datum, tid ids.TID, mode UniqueMode) (conflict bool, err error) {
	return ix.insert(tx, values, tid, mode, true)
}

func (ix *Index) insert(tx *mvcc.Session, values []types.Datum, tid ids.TID, mode UniqueMode, churn bool) (conflict bool, err error) {
	s, _ := ix.spare.Get().(*insertion)
	if s == nil {
		s = new(insertion)
	}
	s.ix, s.tx, s.slot, s.values, s.tid, s.mode, s.churn = ix, tx, tx.Slot(), values, tid, mode, churn
	conflict, err = s.run()
	if s.rows != nil {
		s.rows.Close()
		s.rows = nil
	}
	s.tx, s.slot, s.values, s.it, s.key = nil, nil, nil, nil, searchKey{}
	ix.spare.Put(s)
	return conflict, err
}

func (s *insertion) run() (conflict bool, err error) {
	if s.it, err = s.ix.form(s.values, s.tid, s.toast[:0]); err != nil {
		return false, err
	}
	keys := s.values[:s.ix.nkeys]
	s.key = s.ix.key(keys)
	unique := s.mode != UniqueNo && (s.ix.NullsNotDistinct || !anyNull(keys))
	for {
		s.key.hasTID, s.key.tid = !unique, s.tid
		b, err := s.ix.descend(s.slot, &s.key, 0, buffer.Exclusive, &s.path)
		if err != nil {
			return false, err
		}
		if unique {
			c, wait, err := s.checkUnique(b)
			if err != nil {
				b.UnlockRelease()
				return false, err
			}
			if wait.xid != 0 {
				b.UnlockRelease()
				s.rows.Unpin()
				if err := s.ix.wait(s.tx, wait, s.tid, s.ix.Name); err != nil {
					return false, err
				}
				continue
			}
			conflict = c
			s.key.hasTID = true
		}
		if s.mode == UniqueExisting {
			b.UnlockRelease()
			return conflict, nil
		}
		if err := s.ix.noteInsert(s.tx, b.Block()); err != nil {
			b.UnlockRelease()
			return false, err
		}
		return conflict, s.insertInto(b)
	}
}

func anyNull(vals []types.Datum) bool {
	for i := range vals {
		if vals[i].IsNull() {
			return true
		}
	}
	return false
}

// blocker is a transaction, or its speculative insertion, to wait for.
type blocker struct {
	xid   ids.Xid
	token uint32
}

// wait waits for w; nothing is latched or pinned. row is what an error of the wait speaks of, in the relation of that name.
func (ix *Index) wait(tx *mvcc.Session, w blocker, row ids.TID, relation string) error {
	if w.token != 0 {
		return tx.WaitSpeculative(w.xid, w.token)
	}
	o := tx.Locks()
	o.SetAbout(locks.About{Action: locks.InsertingIndexTuple, Row: locks.TupleTag(ix.Heap.DB, ix.Heap.Oid, row), Relation: relation})
	defer o.SetAbout(locks.About{})
	return tx.WaitForXid(w.xid)
}

func blockerOf(d mvcc.Dirty) blocker {
	if d.Xmin != 0 {
		return blocker{d.Xmin, d.SpecToken}
	}
	return blocker{d.Xmax, 0}
}

// checkUnique looks at the entries with the key of s, from the latched leaf b on. A transaction to wait for is returned with the leaf still
// latched; nothing was decided then.
func (s *insertion) checkUnique(first buffer.Buf) (conflict bool, wait blocker, err error) {
	b := first
	defer func() {
		if b != first {
			b.UnlockRelease()
		}
	}()
	n := nodeOf(b)
	off := s.ix.find(n, &s.key)
	found := false
	for {
		if off > n.MaxOffset() {
			if n.isRightmost() || s.ix.compare(&s.key, item(n.Item(1))) != 0 {
				break
			}
			next := n.next()
			if b != first {
				b.UnlockRelease()
				b = first
			}
			nb, err := s.ix.readLocked(s.slot, next, buffer.Share)
			if err != nil {
				return false, wait, err
			}
			b = nb
			n = nodeOf(b)
			off = n.first()
			continue
		}
		it := item(n.Item(off))
		if s.ix.compare(&s.key, it) != 0 {
			break
		}
		if n.ItemID(off).IsDead() {
			off++
			continue
		}
		t := it.tid()
		if s.mode == UniqueExisting && t == s.tid {
			found = true
			off++
			continue
		}
		s.fetcher()
		there, d, err := s.rows.IndexDirty(t)
		if err != nil {
			return false, wait, err
		}
		switch {
		case there && s.mode == UniquePartial:
			return true, wait, nil
		case there && (d.Xmin != 0 || d.Xmax != 0):
			return false, blockerOf(d), nil
		case there:
			return false, wait, s.violation(first.Block())
		case s.rows.AllDead():
			markDead(b, off)
		}
		s.churn = true
		off++
	}
	if s.mode == UniqueExisting && !found {
		return false, wait, pgerr.Internal("failed to re-find tuple within index \"%s\"", s.ix.Name).
			WithHint("This may be because of a non-immutable index expression.")
	}
	return false, wait, nil
}

func (s *insertion) fetcher() {
	if s.rows == nil {
		s.rows = heap.NewFetcher(s.tx, s.ix.Heap, nil)
	}
}

// violation decides about a row that is there with the key: an error, unless our own row is gone meanwhile.
// A serializable transaction that must fail for its dependencies anyway says so instead: the conflict may be gone in a retry.
func (s *insertion) violation(leaf ids.BlockNumber) error {
	alive, err := s.rows.IndexSelf(s.tid)
	if err != nil || !alive {
		return err
	}
	if err := s.ix.noteInsert(s.tx, leaf); err != nil {
		return err
	}
	return s.ix.duplicate(s.tx, s.values)
}

// duplicate is the error of a key that is there already.
func (ix *Index) duplicate(tx *mvcc.Session, values []types.Datum) error {
	e := pgerr.New(pgerr.UniqueViolation, "duplicate key value violates unique constraint \"%s\"", ix.Name).
		WithTable(ix.Schema, ix.Table).WithConstraint(ix.Name)
	if ix.KeyDetail != nil {
		if keys := ix.KeyDetail(tx, values[:ix.nkeys]); keys != "" {
			e = e.WithDetail("Key %s already exists.", keys)
		}
	}
	return e
}

// markDead marks an item whose row is dead to all. It is a hint: the latch may be a shared one.
func markDead(b buffer.Buf, off ids.OffsetNumber) {
	pg := b.Page()
	id := pg.ItemID(off)
	pg.SetItemID(off, page.MakeItemID(id.Offset(), page.LPDead, id.Len()))
	n := node{pg}
	if n.flags()&flagGarbage == 0 {
		le.PutUint16(pg[posFlags:], n.flags()|flagGarbage)
	}
	b.MarkDirtyHint()
}

// insertInto adds the item to the latched leaf b or the one to the right of it where it belongs, and gives the latch back.
func (s *insertion) insertInto(b buffer.Buf) error {
	b, err := s.ix.moveRight(s.slot, b, &s.key, buffer.Exclusive)
	if err != nil {
		return err
	}
	n := nodeOf(b)
	if !n.HasRoom(len(s.it)) {
		s.makeRoom(b)
	}
	off := s.ix.find(n, &s.key)
	if !n.HasRoom(len(s.it)) {
		return s.split(b, off)
	}
	c := s.ix.Env.Pool.Begin(s.slot, wal.BtreeInsert, s.tx.Xid(), s.ix.info())
	c.Page(b).InsertItemShift(off, s.it)
	c.Commit()
	b.UnlockRelease()
	return nil
}

// deleteItems removes items from a latched leaf.
func (ix *Index) deleteItems(slot *stats.Slot, b buffer.Buf, offs []ids.OffsetNumber, kind wal.Kind) {
	if len(offs) == 0 {
		return
	}
	n := nodeOf(b)
	sp := n.special()
	sp.flags &^= flagGarbage
	c := ix.Env.Pool.Begin(slot, kind, 0, ix.info())
	pc := c.Page(b)
	pc.DeleteItems(offs)
	sp.put(pc)
	c.Commit()
}

// FindConflict looks for a row with the key, other than self (the zero TID: none), that is there: what ON CONFLICT does before it inserts. With wait it
// waits for transactions in progress; without, a row in progress is a conflict. Keys with NULLs conflict with nothing, unless NULLS NOT DISTINCT.
func (ix *Index) FindConflict(tx *mvcc.Session, values []types.Datum, self ids.TID, wait bool) (tid ids.TID, found bool, err error) {
	keys := values[:ix.nkeys]
	if !ix.NullsNotDistinct && anyNull(keys) {
		return tid, false, nil
	}
	rows := heap.NewFetcher(tx, ix.Heap, nil)
	defer rows.Close()
	for {
		tid, found, block, err := ix.findConflict(tx, rows, keys, self, wait)
		if err != nil || block.xid == 0 {
			return tid, found, err
		}
		rows.Unpin()
		if err := ix.wait(tx, block, tid, ix.Heap.Name); err != nil {
			return tid, false, err
		}
	}
}

func (ix *Index) findConflict(tx *mvcc.Session, rows *heap.Fetcher, keys []types.Datum, self ids.TID, wait bool) (tid ids.TID, found bool, block blocker, err error) {
	k := ix.key(keys)
	counts := ix.Counts(tx.Slot())
	counts.Scan()
	b, err := ix.descend(tx.Slot(), &k, 0, buffer.Share, nil)
	if err != nil {
		return tid, false, block, err
	}
	n := nodeOf(b)
	off := ix.find(n, &k)
	for {
		if off > n.MaxOffset() {
			if n.isRightmost() {
				break
			}
			next := n.next()
			b.UnlockRelease()
			if b, err = ix.readLocked(tx.Slot(), next, buffer.Share); err != nil {
				return tid, false, block, err
			}
			n = nodeOf(b)
			off = n.first()
			continue
		}
		it := item(n.Item(off))
		if ix.compare(&k, it) != 0 {
			break
		}
		if t := it.tid(); !n.ItemID(off).IsDead() && t != self {
			there, d, err := rows.IndexDirty(t)
			if err != nil {
				b.UnlockRelease()
				return tid, false, block, err
			}
			if there {
				b.UnlockRelease()
				counts.Return(1)
				counts.Fetch(1)
				if wait && (d.Xmin != 0 || d.Xmax != 0) {
					return rows.TID(), false, blockerOf(d), nil
				}
				return rows.TID(), true, block, nil
			}
		}
		off++
	}
	b.UnlockRelease()
	return tid, false, block, nil
}
