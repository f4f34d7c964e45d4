package locks

import (
	"fmt"
	"strings"
	"time"

	"gompho/internal/pgerr"
	"gompho/stats"
)

// graphBuilder numbers what can be reached from one waiter. The caller holds all partitions.
type graphBuilder struct {
	g      waitGraph
	owners []*Owner
	locks  []*lock
	mark   uint64 // what has a number bears it
}

func buildGraph(start *Owner) *graphBuilder {
	b := &graphBuilder{mark: start.m.nextMark()}
	b.proc(start)
	for i := 0; i < len(b.owners); i++ { // grows on the way
		o := b.owners[i]
		if o.waitLock == nil {
			continue
		}
		b.g.procs[i].lock = b.lock(o.waitLock)
		b.g.procs[i].mode = o.waitMode
	}
	return b
}

func (b *graphBuilder) proc(o *Owner) int {
	if o.mark != b.mark {
		o.mark, o.number = b.mark, int32(len(b.owners))
		b.owners = append(b.owners, o)
		b.g.procs = append(b.g.procs, graphProc{lock: -1})
	}
	return int(o.number)
}

func (b *graphBuilder) lock(l *lock) int {
	if l.mark == b.mark {
		return int(l.number)
	}
	n := len(b.locks)
	l.mark, l.number = b.mark, int32(n)
	b.locks = append(b.locks, l)
	var gl graphLock
	for h := l.first; h != nil; h = h.next {
		gl.holders = append(gl.holders, graphHolder{b.proc(h.owner), h.held})
	}
	for w := l.head; w != nil; w = w.qnext {
		gl.queue = append(gl.queue, b.proc(w))
	}
	b.g.locks = append(b.g.locks, gl)
	return n
}

// reorderQueue makes l's queue that of order and wakes whom it can.
func (b *graphBuilder) reorderQueue(l *lock, order []int) {
	for _, n := range order {
		l.dequeue(b.owners[n])
	}
	for _, n := range order {
		l.enqueue(b.owners[n], nil)
	}
	l.wakeWaiters(b.owners[0].m)
}

// blockedBy is one line of a deadlock report.
type blockedBy struct {
	pid     int32
	mode    Mode
	tag     Tag
	blocker int32
}

func (b *graphBuilder) describe(cycle []int) []link {
	links := make([]link, len(cycle))
	for i, n := range cycle {
		links[i] = b.owners[n].link()
	}
	return links
}

type finding uint8

const (
	nothing finding = iota
	cured
	deadlocked
	blockedByAutovacuum
)

// checkDeadlock searches and acts at once, before anybody else can find the same cycle: where a new queue order
// helps it applies that, of a deadlock it makes this waiter the victim, which cycle describes.
func (s *sleeper) checkDeadlock() (f finding, cycle []link, vacuum *Owner) {
	o, m := s.o, s.o.m
	m.lockAll()
	defer m.unlockAll()
	if o.waitLock == nil {
		return nothing, nil, nil // granted just now
	}
	b := buildGraph(o)
	res := search(&b.g, 0)
	if res.deadlock {
		cycle = b.describe(res.cycle)
		s.leave()
		return deadlocked, cycle, nil
	}
	for n, order := range res.orders {
		b.reorderQueue(b.locks[n], order)
	}
	if len(res.orders) > 0 {
		return cured, nil, nil
	}
	for h := o.waitLock.first; h != nil; h = h.next {
		if h.owner != o && h.held&conflictTable[o.waitMode] != 0 && h.owner.autovacuum.Load() {
			return blockedByAutovacuum, nil, h.owner
		}
	}
	return nothing, nil, nil
}

// deadlockTimeout runs when the wait has lasted deadlock_timeout. After an error the wait is over.
func (s *sleeper) deadlockTimeout() error {
	f, cycle, vacuum := s.checkDeadlock()
	if vacuum != nil && vacuum.slot != nil {
		vacuum.slot.Interrupt(stats.CancelQuery)
	}
	switch f {
	case deadlocked:
		s.logf("process %d detected deadlock while waiting for %s on %s after %s ms")
		return s.o.deadlocked(cycle)
	case cured:
		s.logf("process %d avoided deadlock for %s on %s by rearranging queue order after %s ms")
	}
	s.p.mu.Lock()
	waiting := !s.o.granted
	s.p.mu.Unlock()
	if waiting {
		s.logf("process %d still waiting for %s on %s after %s ms")
	}
	return nil
}

// deadlocked makes o the victim of a cycle that it is the first of.
func (o *Owner) deadlocked(cycle []link) error {
	o.slot.Counters().Deadlock()
	o.tellDeadlock(cycle)
	return o.m.deadlockError(lines(cycle))
}

// deadlockError is the error for the one who found it. The log's detail also tells what each was doing.
func (m *Manager) deadlockError(lines []blockedBy) error {
	var detail, server strings.Builder
	for i, l := range lines {
		if i > 0 {
			detail.WriteByte('\n')
		}
		fmt.Fprintf(&detail, "Process %d waits for %s on %s; blocked by process %d.", l.pid, l.mode, l.tag, l.blocker)
	}
	server.WriteString(detail.String())
	for _, l := range lines {
		fmt.Fprintf(&server, "\nProcess %d: %s", l.pid, m.queryOf(l.pid))
	}
	e := pgerr.New(pgerr.TRDeadlockDetected, "deadlock detected").WithDetail("%s", detail.String()).
		WithHint("See server log for query details.")
	e.DetailLog = server.String()
	return e
}

// queryOf returns the statement that a process runs.
func (m *Manager) queryOf(pid int32) string {
	m.ownersMu.RLock()
	defer m.ownersMu.RUnlock()
	for _, o := range m.owners {
		if o.pid == pid && o.slot != nil {
			if q := o.slot.Activity.Snapshot().Query; q != "" {
				return q
			}
		}
	}
	return "<backend information not available>"
}

func (s *sleeper) log() func(*pgerr.Error) {
	if l := s.o.opts.Log; l != nil {
		return l
	}
	return s.o.m.log
}

func (s *sleeper) logs() bool {
	return s.checked && s.log() != nil && s.o.opts.LogLockWaits != nil && s.o.opts.LogLockWaits()
}

func (s *sleeper) logGranted() {
	if s.logs() {
		s.log()(s.message("process %d acquired %s on %s after %s ms"))
	}
}

// logf logs with the holders and the queue as detail.
func (s *sleeper) logf(format string) {
	if !s.logs() {
		return
	}
	e := s.message(format)
	e.DetailLog = s.o.m.holdersAndQueue(s.tag)
	s.log()(e)
}

func (s *sleeper) message(format string) *pgerr.Error {
	ms := fmt.Sprintf("%.3f", float64(time.Since(s.start).Microseconds())/1000)
	e := pgerr.New(pgerr.SuccessfulCompletion, format, s.o.pid, s.mode, s.tag, ms).WithSeverity(pgerr.LogSev)
	e.Where = s.o.aboutOf(s.tag).String()
	return e
}

func (m *Manager) holdersAndQueue(tag Tag) string {
	hash := tag.hash()
	p := m.part(hash)
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.find(tag, hash)
	if l == nil {
		return ""
	}
	var holders, waiters []string
	waits := map[*Owner]bool{} // what waits in other queues belongs to other partitions
	for w := l.head; w != nil; w = w.qnext {
		waits[w] = true
		waiters = append(waiters, fmt.Sprint(w.pid))
	}
	for h := l.first; h != nil; h = h.next {
		if h.held != 0 && !waits[h.owner] { // who waits for a stronger mode is among the waiters
			holders = append(holders, fmt.Sprint(h.owner.pid))
		}
	}
	noun := "Processes"
	if len(holders) == 1 {
		noun = "Process"
	}
	return fmt.Sprintf("%s holding the lock: %s. Wait queue: %s.", noun, strings.Join(holders, ", "), strings.Join(waiters, ", "))
}
