package wal

import "sync"

// flushWaiter waits for the log to be written, or to be durable, up to pos.
type flushWaiter struct {
	pos     uint64
	durable bool
	wake    chan struct{} // of capacity 1
}

// flushQueue holds those who wait for the leader, in the order in which they came; Log.flushMu protects it. Each is
// woken by itself when its position is reached: a broadcast would wake all at each flush, most of them to wait again.
type flushQueue struct {
	list []*flushWaiter
	free []*flushWaiter
}

// wait waits with mu unlocked. It may return early: the caller looks again.
func (q *flushQueue) wait(mu *sync.Mutex, pos uint64, durable bool) {
	var w *flushWaiter
	if n := len(q.free); n > 0 {
		w, q.free = q.free[n-1], q.free[:n-1]
	} else {
		w = &flushWaiter{wake: make(chan struct{}, 1)}
	}
	w.pos, w.durable = pos, durable
	q.list = append(q.list, w)
	mu.Unlock()
	<-w.wake
	mu.Lock()
	q.free = append(q.free, w)
}

// wakeDone wakes those whose position is reached.
func (q *flushQueue) wakeDone(written, flushed uint64) {
	keep := q.list[:0]
	for _, w := range q.list {
		if w.durable && flushed >= w.pos || !w.durable && written >= w.pos {
			w.wake <- struct{}{}
		} else {
			keep = append(keep, w)
		}
	}
	clear(q.list[len(keep):])
	q.list = keep
}

// wakeFirst wakes the one who came first.
func (q *flushQueue) wakeFirst() {
	if len(q.list) > 0 {
		q.list[0].wake <- struct{}{}
		q.list = append(q.list[:0], q.list[1:]...)
	}
}

func (q *flushQueue) wakeAll() {
	for _, w := range q.list {
		w.wake <- struct{}{}
	}
	clear(q.list)
	q.list = q.list[:0]
}
