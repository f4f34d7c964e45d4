package mvcc

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// SkipTo makes xid and multi the next ids to be given out, 0 meaning no change: those in between are never used. It is called before sessions
// begin, and becomes durable with the next checkpoint. Errors: 22023 for ids that were given out.
func (m *Manager) SkipTo(xid ids.Xid, multi ids.MultiXactID) error {
	if xid != 0 {
		m.mu.Lock()
		defer m.mu.Unlock()
		if xid < m.next {
			return pgerr.New(pgerr.InvalidParameterValue, "transaction ID %d was used: the next one is %d", xid, m.next)
		}
		m.next, m.latest = xid, xid-1
		if len(m.running) == 0 {
			m.oldest.Store(uint64(xid))
		}
		m.gen.mu.Lock()
		m.gen.logged = max(m.gen.logged, xid)
		m.gen.durable.Store(uint64(m.gen.logged))
		m.gen.mu.Unlock()
		m.snap.Store(nil)
	}
	if multi != 0 {
		m.multi.mu.Lock()
		defer m.multi.mu.Unlock()
		if multi < m.multi.next {
			return pgerr.New(pgerr.InvalidParameterValue, "multixact ID %d was used: the next one is %d", multi, m.multi.next)
		}
		m.multi.next = multi
	}
	return nil
}
