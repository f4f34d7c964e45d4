package heap

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
	"gompho/wal"
)

// Insert adds a row, one value per attribute, and returns its address. Errors: 54000 for a row that does not fit a page.
func Insert(tx *mvcc.Session, r *Rel, values []types.Datum, cid ids.CommandID, opts InsertOpts) (ids.TID, error) {
	xid, err := tx.AssignXid()
	if err != nil {
		return ids.TID{}, err
	}
	o := r.begin(tx)
	defer o.end()
	tup, err := o.make(values, nil, cid, &opts)
	if err != nil {
		return ids.TID{}, err
	}
	initInserted(tup, xid, cid, &opts)
	b, err := o.pageFor(tuple.Align8(len(tup)), &opts, buffer.Buf{})
	if err != nil {
		return ids.TID{}, err
	}
	if err := r.noteInsert(tx); err != nil {
		b.UnlockRelease()
		return ids.TID{}, err
	}
	special := ids.TID{Block: ids.BlockNumber(opts.SpecToken), Offset: tuple.SpecTokenOffset}
	if opts.As != nil {
		special = opts.As.Next
	} else if opts.SpecToken == 0 {
		special = ids.TID{}
	}
	tid := o.put(b, tup, xid, special)
	b.UnlockRelease()
	if !opts.NoCount {
		o.counts().Insert(1)
	}
	return tid, nil
}

// initInserted fills in the transaction fields of a new tuple.
func initInserted(h tuple.Header, xid ids.Xid, cid ids.CommandID, opts *InsertOpts) {
	if opts.As != nil {
		opts.As.init(h, xid)
		return
	}
	h.SetXmin(xid)
	m := h.Infomask() | tuple.XmaxInvalid
	if opts.Frozen {
		m |= tuple.XminFrozen
	}
	h.SetInfomask(m)
	h.SetCid(cid, false)
}

// init fills in the transaction fields of a copy. Its command id is the first: who copies has seen the version.
func (v *Version) init(h tuple.Header, xid ids.Xid) {
	m := h.Infomask()
	if v.Xmin == 0 {
		h.SetXmin(xid)
		m |= tuple.XminFrozen
	} else {
		h.SetXmin(v.Xmin)
		if v.Frozen {
			m |= tuple.XminFrozen
		}
	}
	if v.Xmax == 0 {
		m |= tuple.XmaxInvalid
	} else {
		h.SetXmax(v.Xmax)
	}
	h.SetInfomask(m)
	if v.KeysUpdated {
		h.SetInfomask2(h.Infomask2() | tuple.KeysUpdated)
	}
	h.SetCid(0, false)
}

// put places tup on the latched page b, which has room, in a change of its own. Its ctid is next, or its own address if that is not valid.
func (o *op) put(b buffer.Buf, tup tuple.Header, xid ids.Xid, next ids.TID) ids.TID {
	pg := b.Page()
	fresh := pg.IsNew()
	tid := ids.TID{Block: b.Block(), Offset: 1}
	if !fresh {
		tid.Offset = pg.FreeOffset()
	}
	tup.SetCtid(tid)
	if next.Offset != 0 {
		tup.SetCtid(next)
	}
	c := o.pool.Begin(o.slot, wal.HeapInsert, xid, o.r.info())
	pc := c.Page(b)
	if fresh {
		pc.Init(0, 0)
	}
	vm := clearVisible(c, pc, b, &o.vm2)
	pc.InsertItem(tid.Offset, tup)
	c.Commit()
	unlock(vm)
	return tid
}

// MultiInsert adds the rows of b that count, one column per attribute, filling pages; tids, if not nil, gets their addresses.
// It costs one log record per page.
func MultiInsert(tx *mvcc.Session, r *Rel, batch *types.Batch, cid ids.CommandID, opts InsertOpts, tids []ids.TID) error {
	xid, err := tx.AssignXid()
	if err != nil {
		return err
	}
	o := r.begin(tx)
	defer o.end()
	m := multi{o: o, batch: batch, xid: xid, cid: cid, opts: &opts, values: make([]types.Datum, len(batch.Cols))}
	n := batch.Rows()
	for done := 0; done < n; {
		k, err := m.fillPage(done, n, tids)
		if err != nil {
			return err
		}
		done += k
	}
	if !opts.NoCount {
		o.counts().Insert(n)
	}
	return nil
}

// multi is the state of one MultiInsert.
type multi struct {
	o      *op
	batch  *types.Batch
	xid    ids.Xid
	cid    ids.CommandID
	opts   *InsertOpts
	values []types.Datum
	// made holds tuples formed but not placed, one after the other; ends their ends.
	made []byte
	ends []int
	next int // the row after the last one made
}

// makeSome forms tuples until they fill a page or there are no more rows.
func (m *multi) makeSome(n int) error {
	for m.next < n && len(m.made) < page.Size && len(m.ends) < MaxTuplesPerPage {
		row := m.batch.Row(m.next)
		for i, col := range m.batch.Cols {
			m.values[i] = col.Get(row)
		}
		tup, err := m.o.make(m.values, nil, m.cid, m.opts)
		if err != nil {
			return err
		}
		initInserted(tup, m.xid, m.cid, m.opts)
		m.made = append(m.made, tup...)
		m.ends = append(m.ends, len(m.made))
		m.next++
	}
	return nil
}

// fillPage places the rows from done on, as many as fit on one page.
func (m *multi) fillPage(done, n int, tids []ids.TID) (int, error) {
	if err := m.makeSome(n); err != nil {
		return 0, err
	}
	o := m.o
	b, err := o.pageFor(tuple.Align8(m.ends[0]), m.opts, buffer.Buf{})
	if err != nil {
		return 0, err
	}
	if err := o.r.noteInsert(o.tx); err != nil {
		b.UnlockRelease()
		return 0, err
	}
	c := o.pool.Begin(o.slot, wal.HeapMultiInsert, m.xid, o.r.info())
	pc := c.Page(b)
	if b.Page().IsNew() {
		pc.Init(0, 0)
	}
	vm := clearVisible(c, pc, b, &o.vm2)
	pg, save := b.Page(), o.r.saveFree()
	start, k := 0, 0
	for ; k < len(m.ends); k++ {
		tup := tuple.Header(m.made[start:m.ends[k]])
		need := tuple.Align8(len(tup))
		if free := freeSpace(pg); k > 0 && free < need+save || free < need {
			break
		}
		tid := ids.TID{Block: b.Block(), Offset: pg.FreeOffset()}
		tup.SetCtid(tid)
		pc.InsertItem(tid.Offset, tup)
		if tids != nil {
			tids[done+k] = tid
		}
		start = m.ends[k]
	}
	c.Commit()
	unlock(vm)
	b.UnlockRelease()
	m.drop(k, start)
	return k, nil
}

// drop forgets the first k tuples made.
func (m *multi) drop(k, bytes int) {
	m.made = m.made[:copy(m.made, m.made[bytes:])]
	m.ends = m.ends[:copy(m.ends, m.ends[k:])]
	for i := range m.ends {
		m.ends[i] -= bytes
	}
}
