package locks

import (
	"slices"
	"time"

	"gompho/internal/ids"
)

func (o *Owner) vxid() ids.VirtualXid {
	return ids.VirtualXid{Proc: o.vxProc.Load(), Local: o.vxLocal.Load()}
}

// Snapshot returns the rows of pg_locks: first the fast paths, process by process, then the table as it is
// at one moment.
func (m *Manager) Snapshot() []Row {
	var rows []Row
	m.ownersMu.RLock()
	for _, o := range m.owners {
		rows = o.fastRows(rows)
	}
	m.ownersMu.RUnlock()
	m.lockAll()
	defer m.unlockAll()
	for i := range m.parts {
		for _, l := range m.parts[i].buckets {
			for ; l != nil; l = l.next {
				for h := l.first; h != nil; h = h.next {
					rows = h.rows(rows)
				}
			}
		}
	}
	return rows
}

func (o *Owner) fastRows(rows []Row) []Row {
	o.fpMu.Lock()
	defer o.fpMu.Unlock()
	v := o.vxid()
	for _, s := range o.fast {
		for mode := AccessShare; mode <= maxWeak; mode++ {
			if s.modes.Has(mode) {
				tag := RelationTag(ids.Oid(s.rel>>32), ids.Oid(uint32(s.rel)))
				rows = append(rows, Row{Tag: tag, Vxid: v, PID: o.pid, Mode: mode, Granted: true, FastPath: true})
			}
		}
	}
	if o.vxFast {
		rows = append(rows, Row{Tag: VirtualTag(v), Vxid: v, PID: o.pid, Mode: Exclusive, Granted: true, FastPath: true})
	}
	return rows
}

func (h *holder) rows(rows []Row) []Row {
	o := h.owner
	r := Row{Tag: h.lock.tag, Vxid: o.vxid(), PID: o.pid, Granted: true}
	for mode := AccessShare; mode < numModes; mode++ {
		if h.held.Has(mode) {
			r.Mode = mode
			rows = append(rows, r)
		}
	}
	if o.waitHolder == h {
		r.Mode, r.Granted, r.WaitStart = o.waitMode, false, o.waitStart
		rows = append(rows, r)
	}
	return rows
}

// BlockingPIDs returns the processes that keep pid waiting, as pg_blocking_pids does: holders of conflicting
// modes and those ahead in the queue that want one. nil when pid does not wait.
func (m *Manager) BlockingPIDs(pid int32) []int32 {
	m.ownersMu.RLock()
	defer m.ownersMu.RUnlock()
	m.lockAll()
	defer m.unlockAll()
	for _, o := range m.owners {
		if o.pid == pid && o.waitLock != nil {
			return o.blockers()
		}
	}
	return nil
}

func (o *Owner) blockers() []int32 {
	conflict := conflictTable[o.waitMode]
	gen := o.m.nextMark()
	for w := o.qprev; w != nil; w = w.qprev {
		w.mark = gen // it is ahead
	}
	var pids []int32
	for h := o.waitLock.first; h != nil; h = h.next {
		if h.owner == o {
			continue
		}
		if h.held&conflict != 0 || h.owner.waitHolder == h && conflict.Has(h.owner.waitMode) && h.owner.mark == gen {
			pids = append(pids, h.owner.pid)
		}
	}
	return pids
}

// WaitStart returns since when pid waits for a lock, zero when it does not.
func (m *Manager) WaitStart(pid int32) time.Time {
	m.ownersMu.RLock()
	defer m.ownersMu.RUnlock()
	m.lockAll()
	defer m.unlockAll()
	for _, o := range m.owners {
		if o.pid == pid && o.waitLock != nil {
			return o.waitStart
		}
	}
	return time.Time{}
}

// Conflicting returns the virtual transactions, except's own left out, that hold tag in a mode that conflicts
// with mode: those for whose end CREATE INDEX CONCURRENTLY and the like must wait.
func (m *Manager) Conflicting(tag Tag, mode Mode, except *Owner) []ids.VirtualXid {
	conflict := conflictTable[mode]
	seen := map[*Owner]bool{except: true}
	var out []ids.VirtualXid
	add := func(o *Owner) {
		if v := o.vxid(); !seen[o] && v.IsValid() {
			seen[o] = true
			out = append(out, v)
		}
	}
	if tag.kind == KindRelation {
		m.ownersMu.RLock()
		for _, o := range m.owners {
			if o.holdsFast(tag, conflict) {
				add(o)
			}
		}
		m.ownersMu.RUnlock()
	}
	hash := tag.hash()
	p := m.part(hash)
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.find(tag, hash); l != nil {
		for h := l.first; h != nil; h = h.next {
			if h.held&conflict != 0 {
				add(h.owner)
			}
		}
	}
	return out
}

func (o *Owner) holdsFast(tag Tag, modes Mask) bool {
	key := fastKey(tag)
	o.fpMu.Lock()
	defer o.fpMu.Unlock()
	for _, s := range o.fast {
		if s.rel == key && s.modes&modes != 0 {
			return true
		}
	}
	return false
}

// Waiting is a process that waits at the moment.
type Waiting struct {
	PID      int32
	Tag      Tag
	About    About
	Mode     Mode
	Start    time.Time
	Blockers []Blocker // holders in the order in which they came, then those ahead in the queue
}

// Blocker is a process that keeps another waiting.
type Blocker struct {
	PID    int32
	Held   Mask // what it holds of the thing, when that conflicts
	Wanted Mode // what it wants itself, when it is only ahead in the queue
}

// Waiting lists the processes that wait for a lock at one moment, those who wait longest first.
func (m *Manager) Waiting() []Waiting {
	m.ownersMu.RLock()
	defer m.ownersMu.RUnlock()
	m.lockAll()
	defer m.unlockAll()
	var out []Waiting
	for _, o := range m.owners {
		if o.waitLock == nil {
			continue
		}
		w := Waiting{PID: o.pid, Tag: o.waitLock.tag, About: o.aboutOf(o.waitLock.tag), Mode: o.waitMode, Start: o.waitStart}
		for _, b := range o.obstacles() {
			w.Blockers = append(w.Blockers, Blocker{b.owner.pid, b.held, b.wanted})
		}
		out = append(out, w)
	}
	slices.SortStableFunc(out, func(a, b Waiting) int { return a.Start.Compare(b.Start) })
	return out
}
