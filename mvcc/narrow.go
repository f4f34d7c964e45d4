package mvcc

import "gompho/internal/ids"

// The catalogs have room for 32 bits of an id (relfrozenxid, datfrozenxid and their like for multixacts). What is kept there is a lower bound, so an
// id that is too far away to be told apart is kept as an older one: every such bound is understood as the id nearest to where the commit log (or the
// multixacts) begins, half of the 32-bit space before or after it. Before, because a table made by a transaction that ran long may say less.

// nearest returns the 64-bit id whose low half is low and which lies nearest to base.
func nearest(low uint32, base uint64) uint64 {
	d := int64(int32(low - uint32(base)))
	if d < 0 && uint64(-d) > base {
		return uint64(low)
	}
	return base + uint64(d)
}

// narrow returns the low half of v, or of the greatest id before v that nearest understands. The result is no less than least.
func narrow(v, base uint64, least uint32) uint32 {
	v = min(v, base+1<<31-1)
	for v > uint64(least) && uint32(v) < least {
		v--
	}
	return uint32(v)
}

// WidenXid returns the transaction that a frozen-id column of the catalogs means; 0 for 0.
func (m *Manager) WidenXid(low uint32) ids.Xid {
	if low == 0 {
		return 0
	}
	return ids.Xid(nearest(low, m.oldestXid.Load()))
}

// NarrowXid returns what to put into such a column so that it means x, or something older if x is too far from the begin of the commit log.
func (m *Manager) NarrowXid(x ids.Xid) uint32 {
	return narrow(uint64(x), m.oldestXid.Load(), uint32(ids.FirstNormalXid))
}

// WidenMulti is WidenXid for multixacts.
func (m *Manager) WidenMulti(low uint32) ids.MultiXactID {
	if low == 0 {
		return 0
	}
	return ids.MultiXactID(nearest(low, uint64(m.OldestKeptMulti())))
}

// NarrowMulti is NarrowXid for multixacts.
func (m *Manager) NarrowMulti(x ids.MultiXactID) uint32 {
	return narrow(uint64(x), uint64(m.OldestKeptMulti()), firstMulti)
}

// OldestKeptMulti returns the first multixact whose members are still on record.
func (m *Manager) OldestKeptMulti() ids.MultiXactID {
	m.multi.mu.Lock()
	defer m.multi.mu.Unlock()
	return m.multi.oldest
}
