package parallel

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"gompho/stats"
)

// Worker is one goroutine that helps a session.
type Worker struct {
	Slot *stats.Slot
	No   int // from 0
}

// Team are the workers of one part of a statement.
type Team struct {
	procs   *stats.Table
	leader  *stats.Slot
	workers []*Worker
	running sync.WaitGroup
	done    chan struct{} // closed when no worker runs
	stopped atomic.Bool   // the leader has no use for what comes

	mu     sync.Mutex // protects what follows
	err    error      // the first
	broken *crash
}

// crash is a panic of a worker.
type crash struct {
	reason  any
	stack   []byte
	damages bool
}

// Error implements error: what a log shows of the leader's panic.
func (c *crash) Error() string {
	return fmt.Sprintf("%v\n\nin a parallel worker:\n%s", c.reason, c.stack)
}

// Start runs up to n workers, no more than limit being in use by the whole server. The leader's slot may be nil, procs too: then there are none.
func Start(procs *stats.Table, leader *stats.Slot, n, limit int, run func(w *Worker) error) *Team {
	t := &Team{procs: procs, leader: leader, done: make(chan struct{})}
	if procs != nil && leader != nil {
		for i, s := range procs.AddWorkers(leader, n, limit) {
			t.workers = append(t.workers, &Worker{Slot: s, No: i})
		}
	}
	t.running.Add(len(t.workers))
	for _, w := range t.workers {
		go t.work(w, run)
	}
	go func() {
		t.running.Wait()
		close(t.done)
	}()
	return t
}

// Size returns how many workers were started.
func (t *Team) Size() int { return len(t.workers) }

// Done is closed when no worker runs any more.
func (t *Team) Done() <-chan struct{} { return t.done }

func (t *Team) work(w *Worker, run func(w *Worker) error) {
	defer t.running.Done()
	defer t.procs.RemoveWorker(w.Slot)
	defer func() {
		if r := recover(); r != nil {
			t.fail(nil, &crash{reason: r, stack: debug.Stack(), damages: w.Slot.DamagesShared()})
		}
	}()
	if err := run(w); err != nil {
		t.fail(err, nil)
	}
}

// Failed reports whether a worker has ended with an error or a panic.
func (t *Team) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil || t.broken != nil
}

// fail notes what went wrong and stops the others.
func (t *Team) fail(err error, c *crash) {
	t.mu.Lock()
	if t.err == nil && !t.stopped.Load() {
		t.err = err
	}
	if t.broken == nil {
		t.broken = c
	}
	t.mu.Unlock()
	t.Interrupt()
}

// Interrupt asks the workers to stop, without waiting for it.
func (t *Team) Interrupt() {
	for _, w := range t.workers {
		w.Slot.Interrupt(stats.CancelQuery)
	}
}

// Wait waits until all workers have ended and returns the first error; an interrupt of the leader stops them and is returned.
func (t *Team) Wait() error {
	defer t.leader.EndWait(t.leader.BeginWait(stats.IPCExecuteGather))
	for {
		select {
		case <-t.done:
			return t.end()
		case <-t.leader.Wake():
			if err := t.leader.CheckInterrupts(); err != nil {
				t.Stop()
				return err
			}
		}
	}
}

// Stop makes the workers stop and waits for that. It may be called more than once.
func (t *Team) Stop() {
	t.stopped.Store(true)
	t.Interrupt()
	<-t.done
	t.end()
}

// end hands on what the workers have left: counters, a panic, an error.
func (t *Team) end() error {
	for _, w := range t.workers {
		t.leader.Absorb(w.Slot)
	}
	t.workers = nil
	t.mu.Lock()
	c, err := t.broken, t.err
	t.broken = nil
	t.mu.Unlock()
	if c != nil {
		if c.damages {
			t.leader.EnterCritical()
		}
		panic(c)
	}
	return err
}
