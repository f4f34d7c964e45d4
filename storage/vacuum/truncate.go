package vacuum

import (
	"fmt"
	"time"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/heap"
)

const (
	// truncateWait is how long the lock for truncation is tried for, and truncateRetry how often.
	truncateWait  = 5 * time.Second
	truncateRetry = 50 * time.Millisecond
	// truncateLook: after so many pages it is looked whether somebody waits for the lock.
	truncateLook = 32
)

func (v *run) say(format string, args ...any) {
	if v.p.Say != nil {
		v.p.Say(fmt.Sprintf(format, args...))
	}
}

// sayWorkers tells how many workers came.
func (v *run) sayWorkers(what string, launched, planned int) {
	word := "workers"
	if launched == 1 {
		word = "worker"
	}
	v.say("launched %d parallel vacuum %s for index %s (planned: %d)", launched, word, what, planned)
}

// truncate cuts empty pages off the end of the table. When somebody waits for the lock that this needs, it cuts what it knows to be empty, lets
// him in, and goes on later.
func (v *run) truncate() error {
	free := v.st.Pages - v.nonEmpty
	if v.p.NoTruncate || v.p.LockForTruncate == nil || free == 0 || free < truncatePages && free < v.st.Pages/truncateShare {
		return nil
	}
	v.progress(stats.VacuumPhase, stats.VacuumTruncating)
	v.st.NewRelPages = v.st.Pages
	for {
		unlock, err := v.lockTable()
		if unlock == nil {
			return err
		}
		again, err := v.cutEnd()
		unlock()
		if !again || err != nil {
			return err
		}
	}
}

// lockTable takes the lock for truncation, nil if it is not to be had.
func (v *run) lockTable() (func(), error) {
	for began := time.Now(); ; {
		if err := v.slot.CheckInterrupts(); err != nil {
			return nil, err
		}
		if unlock, ok := v.p.LockForTruncate(); ok {
			return unlock, nil
		}
		// Who waits for vacuum's own lock stands before this request for as long as vacuum goes on.
		if time.Since(began) > truncateWait || v.p.InTheWay != nil && v.p.InTheWay() {
			v.say("\"%s\": stopping truncate due to conflicting lock request", v.r.Name)
			return nil, nil
		}
		if err := v.nap(truncateRetry); err != nil {
			return nil, err
		}
	}
}

// nap sleeps for a moment.
func (v *run) nap(d time.Duration) error {
	prev := v.slot.BeginWait(stats.TimeoutVacuumTruncate)
	defer v.slot.EndWait(prev)
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return nil
		case <-v.slot.Wake():
			if err := v.slot.CheckInterrupts(); err != nil {
				return err
			}
		}
	}
}

// cutEnd truncates while the table is locked; again tells that it gave up for somebody who waits and that there may be more to cut.
func (v *run) cutEnd() (again bool, err error) {
	n, err := v.r.Blocks()
	if err != nil || n != v.st.NewRelPages {
		return false, err // somebody has added pages
	}
	keep, awaited, err := v.lastUsed(n)
	if err != nil || keep >= n {
		return false, err
	}
	if err := heap.Truncate(v.tx, v.r, keep); err != nil {
		return false, err
	}
	v.say("table \"%s\": truncated %d to %d pages", v.r.Name, n, keep)
	v.st.RemovedPages, v.st.NewRelPages = v.st.RemovedPages+n-keep, keep
	return awaited && keep > v.nonEmpty, nil
}

// lastUsed returns one past the last page that is not empty now, when nobody can put anything into one; or a page before which it did not look because
// somebody waits for the lock.
func (v *run) lastUsed(n ids.BlockNumber) (keep ids.BlockNumber, awaited bool, err error) {
	for ; n > v.nonEmpty; n-- {
		if n%truncateLook == 0 && v.p.Awaited != nil && v.p.Awaited() {
			v.say("table \"%s\": suspending truncate due to conflicting lock request", v.r.Name)
			return n, true, nil
		}
		if err := v.slot.CheckInterrupts(); err != nil {
			return 0, false, err
		}
		used, err := v.usedPage(n - 1)
		if err != nil {
			return 0, false, err
		}
		if used {
			break
		}
	}
	return n, false, nil
}

// usedPage reports whether a page has any line pointer in use. Dead ones count: an index may point to them.
func (v *run) usedPage(blk ids.BlockNumber) (bool, error) {
	b, err := v.r.Env.Pool.Read(v.slot, v.r.File, ids.MainFork, blk, v.strategy)
	if err != nil {
		return false, err
	}
	b.Lock(buffer.Share)
	defer b.UnlockRelease()
	for off := ids.OffsetNumber(1); off <= b.Page().MaxOffset(); off++ {
		if b.Page().ItemID(off).IsUsed() {
			return true, nil
		}
	}
	return false, nil
}
