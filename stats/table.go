package stats

import (
	"slices"
	"sync"
)

// Table is the array of activity slots of a server. PIDs are handed out once and never reused while the server runs.
type Table struct {
	mu      sync.Mutex // protects all
	slots   []*Slot    // by Index; nil when free
	free    []int32
	nextPID int32
	workers int // parallel workers among them
}

// NewTable makes an empty table; firstPID is the first process id to hand out.
func NewTable(firstPID int32) *Table { return &Table{nextPID: firstPID} }

// TakePID hands out a process id to one that may get a slot later, by AddPID.
func (t *Table) TakePID() int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nextPID++
	return t.nextPID - 1
}

// Add registers a process.
func (t *Table) Add(backendType string) *Slot { return t.AddPID(backendType, t.TakePID()) }

// AddPID registers a process that has its id already.
func (t *Table) AddPID(backendType string, pid int32) *Slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	var i int32
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		i = int32(len(t.slots))
		t.slots = append(t.slots, nil)
	}
	s := NewSlot(pid, i)
	s.Activity.BackendType = backendType
	t.slots[i] = s
	return s
}

// Remove forgets a process.
func (t *Table) Remove(s *Slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.slots[s.Index] == s {
		t.slots[s.Index] = nil
		t.free = append(t.free, s.Index)
	}
}

// ByPID finds a process; nil when there is none.
func (t *Table) ByPID(pid int32) *Slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.slots {
		if s != nil && s.PID == pid {
			return s
		}
	}
	return nil
}

// All lists the processes by PID order of their slots.
func (t *Table) All() []*Slot { return t.Append(nil) }

// Append is All into a list of the caller's.
func (t *Table) Append(out []*Slot) []*Slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	out = slices.Grow(out, len(t.slots)-len(t.free))
	for _, s := range t.slots {
		if s != nil {
			out = append(out, s)
		}
	}
	return out
}

// AddWorkers registers up to n parallel workers of a leader, as many as limit leaves room for in the whole server.
func (t *Table) AddWorkers(leader *Slot, n, limit int) []*Slot {
	t.mu.Lock()
	n = max(0, min(n, limit-t.workers))
	t.workers += n
	t.mu.Unlock()
	if n == 0 {
		return nil
	}
	out := make([]*Slot, n)
	a := leader.Activity.Snapshot()
	for i := range out {
		out[i] = t.Add("parallel worker")
		out[i].Leader, out[i].Local, out[i].Memory = leader.PID, leader.Local, leader.Memory
		if d := leader.Damage; d != nil {
			ignore, zero := d.IgnoreChecksums(), d.ZeroPages()
			out[i].Damage = &Damage{IgnoreChecksums: func() bool { return ignore }, ZeroPages: func() bool { return zero }}
		}
		if o := leader.IO; o != nil {
			flush, scan, maintain := o.FlushAfter(), o.Concurrency(), o.Maintenance()
			out[i].IO = &IOSettings{FlushAfter: func() int { return flush }, Concurrency: func() int { return scan }, Maintenance: func() int { return maintain }}
			if o.Timing != nil {
				timing := o.Timing()
				out[i].IO.Timing = func() bool { return timing }
			}
		}
		if p := leader.Stats; p != nil {
			out[i].Stats = newPending(p.shared, p.db)
			out[i].Stats.off = p.off
		}
		out[i].Activity.Update(func(d *ActivityData) {
			*d = a
			d.BackendType, d.BackendXid = "parallel worker", 0
		})
	}
	return out
}

// RemoveWorker forgets a parallel worker.
func (t *Table) RemoveWorker(s *Slot) {
	t.Remove(s)
	t.mu.Lock()
	t.workers--
	t.mu.Unlock()
}
