package ssi

import (
	"slices"

	"gompho/internal/ids"
)

// clear forgets finished transactions beside which nobody runs any more, and returns them for release of their locks.
func (m *Manager) clear() (free []*Xact) {
	xmin := ids.Xid(never)
	for x := range m.active {
		xmin = min(xmin, x.xmin)
	}
	n := 0
	for _, x := range m.finished {
		if x.finishedBefore > xmin {
			break
		}
		m.forget(x, false)
		free = append(free, x)
		n++
	}
	m.finished = slices.Delete(m.finished, 0, n)
	free = append(free, m.clearPartly()...)
	for xid := range m.oldXids {
		if xid < xmin {
			delete(m.oldXids, xid)
		}
	}
	if len(m.active) == 0 {
		clear(m.oldXids)
		free = append(free, m.old)
	}
	return free
}

// clearPartly forgets what only writers could ask of transactions beside which only read-only ones run: their locks and conflicts in.
func (m *Manager) clearPartly() (free []*Xact) {
	if m.didPartial >= m.canPartial {
		return nil
	}
	for _, x := range m.finished {
		if x.commitSeq <= m.didPartial {
			continue
		}
		if x.commitSeq > m.canPartial {
			break
		}
		m.dropIn(x, false)
		free = append(free, x)
		m.didPartial = x.commitSeq
	}
	return free
}

// forget takes a transaction out of the graph. With summarise those that had a conflict with it keep a mark of that.
func (m *Manager) forget(x *Xact, summarise bool) {
	for w := range x.out {
		if summarise {
			w.set(summaryIn)
		}
		unlink(x, w)
	}
	m.dropIn(x, summarise)
	for _, xid := range x.xids {
		if m.byXid[xid] != x {
			continue
		}
		delete(m.byXid, xid)
		if summarise && !x.is(readOnly) {
			m.oldXids[xid] = never
			if x.is(conflictOut) {
				m.oldXids[xid] = x.earliestOut
			}
		}
	}
	m.xacts.Add(-1)
}

func (m *Manager) dropIn(x *Xact, summarise bool) {
	for r := range x.in {
		if summarise {
			r.set(summaryOut)
		}
		unlink(r, x)
	}
}

// summariseOldest makes room: the transaction that committed first becomes part of m.old. Its locks are the summary's before they cease to
// be its own: a writer that comes in between meets both, which does no harm.
func (m *Manager) summariseOldest() {
	m.mu.Lock()
	if len(m.finished) == 0 {
		m.mu.Unlock()
		return
	}
	x := m.finished[0]
	m.mu.Unlock()
	m.inherit(x)
	m.mu.Lock()
	mine := len(m.finished) > 0 && m.finished[0] == x
	if mine {
		m.finished = slices.Delete(m.finished, 0, 1)
		m.forget(x, true)
	}
	m.mu.Unlock()
	if mine {
		m.release([]*Xact{x})
	}
}
