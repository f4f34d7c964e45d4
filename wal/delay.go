package wal

import (
	"runtime"
	"sync/atomic"
	"time"
)

// delayGate lets a checkpoint wait until those who inserted a record before its redo pointer have also done what
// belongs to the record. They enter the side of the current epoch; the checkpoint opens a new epoch and waits for
// the old side, so that newcomers cannot hold it up for ever.
type delayGate struct {
	epoch atomic.Uint32
	in    [2]atomic.Int32
}

// Delay begins a stretch in which a record and its effect elsewhere (commit log, a truncated file, a buffer's dirty
// mark) belong together: a checkpoint whose redo pointer falls into it waits for its end. Keep it short, do not
// nest it, and pass the result to EndDelay.
func (l *Log) Delay() uint32 {
	g := &l.delays
	for {
		e := g.epoch.Load()
		g.in[e&1].Add(1)
		if g.epoch.Load() == e {
			return e
		}
		g.in[e&1].Add(-1)
	}
}

// EndDelay ends what Delay began.
func (l *Log) EndDelay(token uint32) { l.delays.in[token&1].Add(-1) }

// AwaitDelays returns when all stretches begun before the call are over. A checkpoint calls it after MoveRedo; one runs
// at a time.
func (l *Log) AwaitDelays() {
	old := l.delays.epoch.Add(1) - 1
	for i := 0; l.delays.in[old&1].Load() != 0; i++ {
		if l.Broken() != nil {
			return
		}
		if i < 100 {
			runtime.Gosched()
		} else {
			time.Sleep(100 * time.Microsecond)
		}
	}
}
