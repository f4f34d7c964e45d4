package ssi

import (
	"gompho/internal/ids"
	"gompho/stats"
)

// leaveWriters ends the watch of a read-only transaction over the writers beside it.
func (x *Xact) leaveWriters() {
	for w := range x.possible {
		delete(w.possible, x)
	}
	clear(x.possible)
}

// settleReaders tells the read-only transactions that watch this writer what its end means for them.
func (x *Xact) settleReaders(commit bool) {
	bad := commit && x.didWrite.Load() && x.is(conflictOut)
	for r := range x.possible {
		delete(x.possible, r)
		delete(r.possible, x)
		switch {
		case bad && x.earliestOut <= r.snapshotSeq:
			r.set(roUnsafe)
			r.leaveWriters()
		case len(r.possible) == 0 && !r.is(roUnsafe):
			r.set(roSafe)
		default:
			continue
		}
		if r.is(waitsSafe) && r.slot != nil {
			r.slot.WakeUp()
		}
	}
}

// WaitSafe waits until it is known whether the snapshot of a READ ONLY transaction is safe: whether no transaction beside it can make what
// it reads part of an anomaly. After false, or an error, begin anew with another snapshot.
func (x *Xact) WaitSafe() (safe bool, err error) {
	if x == nil {
		return true, nil
	}
	x.m.mu.Lock()
	x.set(waitsSafe)
	if len(x.possible) == 0 && !x.is(roUnsafe) {
		x.set(roSafe)
	}
	x.m.mu.Unlock()
	was := x.slot.BeginWait(stats.IPCSafeSnapshot)
	defer x.slot.EndWait(was)
	for !x.is(roSafe | roUnsafe) {
		if err = x.slot.CheckInterrupts(); err != nil {
			break
		}
		<-x.slot.Wake()
	}
	x.m.mu.Lock()
	x.flags.And(^waitsSafe)
	x.m.mu.Unlock()
	return err == nil && x.is(roSafe), err
}

// BlockingPIDs lists the processes whose transactions a process waits for in WaitSafe.
func (m *Manager) BlockingPIDs(pid int32) (pids []int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for x := range m.active {
		if x.pid.Load() == pid && x.is(waitsSafe) {
			for w := range x.possible {
				pids = append(pids, w.pid.Load())
			}
		}
	}
	return pids
}

// Reading reports whether reads must be reported. A read-only transaction whose snapshot has turned out to be safe stops being tracked here.
func (x *Xact) Reading() bool {
	if x == nil || x.is(ended) {
		return false
	}
	if x.is(roSafe) {
		x.Finish(false, ids.InvalidXid)
		return false
	}
	return true
}
