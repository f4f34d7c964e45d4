package ssi

import (
	"slices"
	"sync"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

const partitions = 16

// partition is a part of the lock table.
type partition struct {
	mu      sync.Mutex // protects targets
	targets map[Tag][]holder
}

// holder is a transaction that holds a lock. seq is, for the summary of old transactions, when the last of them committed.
type holder struct {
	x   *Xact
	seq uint64
}

// LockRelation notes that the transaction reads all of a relation.
func (x *Xact) LockRelation(r Rel) error { return x.lock(relationTag(r)) }

// LockPage notes that it reads a page.
func (x *Xact) LockPage(r Rel, b ids.BlockNumber) error { return x.lock(pageTag(r, b)) }

// LockTuple notes that it reads a row version.
func (x *Xact) LockTuple(r Rel, t ids.TID) error { return x.lock(tupleTag(r, t)) }

func (x *Xact) lock(t Tag) error {
	if !x.Reading() || x.covered(t) {
		return nil
	}
	if err := x.m.add(x, t, 0); err != nil {
		return err
	}
	if whole, ok := x.promotion(t); ok {
		if err := x.lock(whole); err != nil {
			return err
		}
	} else if !t.IsTuple() {
		x.dropParts(t)
	}
	return nil
}

func (x *Xact) holds(t Tag) bool {
	x.lmu.Lock()
	defer x.lmu.Unlock()
	_, ok := x.held[t]
	return ok
}

// covered reports whether t, or what it is a part of, is locked already.
func (x *Xact) covered(t Tag) bool {
	x.lmu.Lock()
	defer x.lmu.Unlock()
	for ok := true; ok; t, ok = t.parent() {
		if _, held := x.held[t]; held {
			return true
		}
	}
	return false
}

// promotion counts the lock just taken and returns the largest whole that has more locked parts than it may.
func (x *Xact) promotion(t Tag) (whole Tag, ok bool) {
	x.lmu.Lock()
	defer x.lmu.Unlock()
	for p, up := t.parent(); up; p, up = p.parent() {
		if x.children[p] > x.m.maxParts(p) {
			whole, ok = p, true
		}
	}
	return whole, ok
}

func (m *Manager) maxParts(t Tag) int {
	if !t.IsRelation() {
		return m.opts.LocksPerPage()
	}
	n := m.opts.LocksPerRelation()
	if n < 0 {
		return m.opts.LocksPerXact/-n - 1
	}
	return n
}

// dropParts gives up the locks on parts of what is locked as a whole.
func (x *Xact) dropParts(whole Tag) {
	x.lmu.Lock()
	var parts []Tag
	if x.children[whole] > 0 {
		for t := range x.held {
			if t.within(whole) {
				parts = append(parts, t)
			}
		}
	}
	x.lmu.Unlock()
	for _, t := range parts {
		x.m.remove(x, t)
	}
}

// add gives x a lock on t.
func (m *Manager) add(x *Xact, t Tag, seq uint64) error {
	p := &m.parts[t.partition()]
	p.mu.Lock()
	defer p.mu.Unlock()
	return m.addLocked(p, x, t, seq)
}

func (m *Manager) addLocked(p *partition, x *Xact, t Tag, seq uint64) error {
	hs, ok := p.targets[t]
	if !ok && m.targets.Load() >= int64(m.opts.LocksPerXact*m.opts.MaxOwners) {
		return pgerr.New(pgerr.OutOfMemory, "out of shared memory").WithHint("You might need to increase max_pred_locks_per_transaction.")
	}
	x.lmu.Lock()
	defer x.lmu.Unlock()
	if x.gone {
		return nil
	}
	if _, held := x.held[t]; held {
		if x == m.old {
			i := slices.IndexFunc(hs, func(h holder) bool { return h.x == x })
			hs[i].seq = max(hs[i].seq, seq)
		}
		return nil
	}
	if !ok {
		m.targets.Add(1)
	}
	x.held[t] = struct{}{}
	for w, up := t.parent(); up; w, up = w.parent() {
		x.children[w]++
	}
	p.targets[t] = append(hs, holder{x, seq})
	return nil
}

// remove takes x's lock on t away.
func (m *Manager) remove(x *Xact, t Tag) {
	p := &m.parts[t.partition()]
	p.mu.Lock()
	defer p.mu.Unlock()
	m.removeLocked(p, x, t)
}

func (m *Manager) removeLocked(p *partition, x *Xact, t Tag) {
	x.lmu.Lock()
	defer x.lmu.Unlock()
	if _, held := x.held[t]; !held {
		return
	}
	delete(x.held, t)
	for w, up := t.parent(); up; w, up = w.parent() {
		if x.children[w]--; x.children[w] <= 0 {
			delete(x.children, w)
		}
	}
	hs := p.targets[t]
	i := slices.IndexFunc(hs, func(h holder) bool { return h.x == x })
	if hs = slices.Delete(hs, i, i+1); len(hs) > 0 {
		p.targets[t] = hs
		return
	}
	delete(p.targets, t)
	m.targets.Add(-1)
}

// release takes away all locks of transactions that nobody needs to know of any more; of the summary, those that it has now.
func (m *Manager) release(xs []*Xact) {
	for _, x := range xs {
		x.lmu.Lock()
		x.gone = x != m.old
		tags := make([]Tag, 0, len(x.held))
		for t := range x.held {
			tags = append(tags, t)
		}
		x.lmu.Unlock()
		for _, t := range tags {
			m.remove(x, t)
		}
	}
}

// PageSplit tells that what was on page from of an index is now partly on page to: locks on the one hold for the other. The caller has both
// latched. Also for a page whose range its right neighbour takes over.
func (m *Manager) PageSplit(r Rel, from, to ids.BlockNumber) {
	if m == nil || m.xacts.Load() == 0 {
		return
	}
	m.copyLocks(pageTag(r, from), pageTag(r, to), relationTag(r))
}

// copyLocks gives those who hold from locks on to as well, or on instead when there is no memory.
func (m *Manager) copyLocks(from, to, instead Tag) {
	unlock := m.lockParts(from, to, instead)
	defer unlock()
	hs := slices.Clone(m.parts[from.partition()].targets[from])
	for _, h := range hs {
		if m.addLocked(&m.parts[to.partition()], h.x, to, h.seq) != nil {
			// One more entry for a whole relation is always had.
			m.targets.Add(-1)
			_ = m.addLocked(&m.parts[instead.partition()], h.x, instead, h.seq)
			m.targets.Add(1)
		}
	}
}

// lockParts latches the partitions of tags in ascending order.
func (m *Manager) lockParts(tags ...Tag) (unlock func()) {
	var want [partitions]bool
	for _, t := range tags {
		want[t.partition()] = true
	}
	for i := range m.parts {
		if want[i] {
			m.parts[i].mu.Lock()
		}
	}
	return func() {
		for i := range m.parts {
			if want[i] {
				m.parts[i].mu.Unlock()
			}
		}
	}
}

// ToRelation replaces all locks on rel, or on parts of it, by locks on the whole of heap: the table itself when it is rewritten, and the table
// of an index that is dropped or built anew.
func (m *Manager) ToRelation(rel, heap Rel) {
	if m == nil || m.xacts.Load() == 0 {
		return
	}
	for i := range m.parts {
		m.parts[i].mu.Lock()
		defer m.parts[i].mu.Unlock()
	}
	whole := relationTag(heap)
	wp := &m.parts[whole.partition()]
	for i := range m.parts {
		p := &m.parts[i]
		for t, hs := range p.targets {
			if t.Rel != rel || t == whole {
				continue
			}
			for _, h := range slices.Clone(hs) {
				m.removeLocked(p, h.x, t)
				_ = m.addLocked(wp, h.x, whole, h.seq)
			}
		}
	}
}

// inherit gives the locks of x, which is being summarised, to the summary as well. Locks of x go afterwards.
func (m *Manager) inherit(x *Xact) {
	x.lmu.Lock()
	x.gone = true
	tags := make([]Tag, 0, len(x.held))
	for t := range x.held {
		tags = append(tags, t)
	}
	x.lmu.Unlock()
	for _, t := range tags {
		_ = m.add(m.old, t, x.commitSeq)
	}
}
