package locks

// The deadlock search, a pure function of a snapshot of who waits for whom.
//
// A process that waits for a lock is blocked by every holder of a conflicting mode (a hard edge) and by every
// waiter ahead of it in the queue that wants a conflicting mode (a soft edge). A cycle of hard edges is a
// deadlock. A cycle with a soft edge can perhaps be broken by letting the later waiter go first, so the search
// tries, for each soft edge of a cycle that it finds, to demand the opposite order, lays out the queues accordingly
// (a topological sort that otherwise keeps the order) and looks again; demands add up on the way down.

// waitGraph is the snapshot. Processes and locks are numbered from 0.
type waitGraph struct {
	procs []graphProc
	locks []graphLock
}

type graphProc struct {
	lock int // that it waits for, -1 for none
	mode Mode
}

type graphLock struct {
	holders []graphHolder
	queue   []int // waiting processes, first to be served first
}

type graphHolder struct {
	proc int
	held Mask
}

// softEdge says that waiter is behind blocker in the queue of lock. As a demand it says the opposite:
// waiter shall be put before blocker.
type softEdge struct{ waiter, blocker, lock int }

// outcome is the result of a search.
type outcome struct {
	deadlock bool
	cycle    []int         // of a deadlock: each process waits for the next, the last for the first
	orders   map[int][]int // of a cure: the new queue orders by lock; empty when there was nothing to cure
}

type searcher struct {
	g       *waitGraph
	start   int
	demands []softEdge
	orders  map[int][]int // queues as the demands want them
	visited []bool
	scans   []scan // of the present visit, by lock and mode; NoLock: places are known
	place   []int  // of each process in its queue
	steps   int    // edges looked at, for tests
	path    []int  // processes on the way down
	cycle   []int
}

// scan tells how much of a lock has been looked at for waiters of one mode: what conflicts with it has been visited from there already, so that
// the next one who waits for that mode goes on where the scan ended. Without it the search of a queue of n would look at n² pairs.
type scan struct {
	holders bool // all of them
	queue   int  // so many of the queue
}

// search looks for a deadlock that start is part of.
func search(g *waitGraph, start int) outcome {
	s := &searcher{g: g, start: start, visited: make([]bool, len(g.procs))}
	if s.hopeless() {
		s.demands, s.orders = nil, nil
		s.findCycle(start) // once more without demands: the cycle as it is
		return outcome{deadlock: true, cycle: s.cycle}
	}
	return outcome{orders: s.orders}
}

// hopeless reports whether no further demands make the configuration free of deadlock.
// When it returns false, orders is the cure.
func (s *searcher) hopeless() bool {
	found, edges := s.test()
	if !found {
		return false
	}
	if len(edges) == 0 || len(s.demands) >= len(s.g.procs) {
		return true
	}
	n := len(s.demands)
	for _, e := range edges {
		s.demands = append(s.demands[:n], e)
		if !s.hopeless() {
			return false
		}
	}
	s.demands = s.demands[:n]
	return true
}

// test lays out the queues by the demands and reports whether a cycle runs through start or a process that a
// demand moves, with the soft edges of that cycle. No edges: it cannot be cured.
func (s *searcher) test() (found bool, edges []softEdge) {
	s.orders = nil
	for _, d := range s.demands {
		if _, done := s.orders[d.lock]; done {
			continue
		}
		order, ok := s.reorder(d.lock)
		if !ok {
			return true, nil
		}
		if s.orders == nil {
			s.orders = map[int][]int{}
		}
		s.orders[d.lock] = order
	}
	// start comes last: the cycle to be reported is its own.
	for _, d := range s.demands {
		for _, p := range [2]int{d.waiter, d.blocker} {
			if f, e := s.findCycle(p); f {
				if len(e) == 0 {
					return true, nil
				}
				found, edges = true, e
			}
		}
	}
	if f, e := s.findCycle(s.start); f {
		return true, e
	}
	return found, edges
}

// findCycle looks for a cycle through from and returns its soft edges. It leaves the cycle in s.cycle.
func (s *searcher) findCycle(from int) (bool, []softEdge) {
	clear(s.visited)
	if s.scans == nil {
		s.scans = make([]scan, len(s.g.locks)*int(numModes))
		s.place = make([]int, len(s.g.procs))
	}
	clear(s.scans)
	s.path = s.path[:0]
	var edges []softEdge
	return s.visit(from, from, &edges), edges
}

func (s *searcher) visit(p, from int, edges *[]softEdge) bool {
	if s.visited[p] {
		if p != from {
			return false
		}
		s.cycle = append(s.cycle[:0], s.path...)
		return true
	}
	s.visited[p] = true
	proc := s.g.procs[p]
	if proc.lock < 0 {
		return false
	}
	s.path = append(s.path, p)
	defer func() { s.path = s.path[:len(s.path)-1] }()
	conflict := conflictTable[proc.mode]
	sc := &s.scans[proc.lock*int(numModes)+int(proc.mode)]
	if !sc.holders {
		sc.holders = p != from // from passes itself by, others must not
		for _, h := range s.g.locks[proc.lock].holders {
			s.steps++
			if h.proc != p && h.held&conflict != 0 && s.visit(h.proc, from, edges) {
				return true
			}
		}
	}
	queue, moved := s.orders[proc.lock]
	if !moved {
		queue = s.g.locks[proc.lock].queue
	}
	s.number(proc.lock, queue)
	for sc.queue < s.place[p] {
		w := queue[sc.queue]
		sc.queue++
		s.steps++
		if conflict.Has(s.g.procs[w].mode) && s.visit(w, from, edges) {
			*edges = append(*edges, softEdge{waiter: p, blocker: w, lock: proc.lock})
			return true
		}
	}
	return false
}

// number notes the places in the queue of a lock, once for each visit.
func (s *searcher) number(lock int, queue []int) {
	sc := &s.scans[lock*int(numModes)]
	if sc.holders {
		return
	}
	sc.holders = true
	for i, p := range queue {
		s.place[p] = i
	}
}

// reorder sorts the queue of a lock so that the demands on it hold, from the back: the last place goes to the
// last process that no demand wants before one still to be placed. ok is false if the demands contradict.
func (s *searcher) reorder(lock int) (order []int, ok bool) {
	left := append([]int(nil), s.g.locks[lock].queue...)
	order = make([]int, len(left))
	for at := len(left) - 1; at >= 0; at-- {
		i := at
		for i >= 0 && s.mustPrecede(left[i], lock, left) {
			i--
		}
		if i < 0 {
			return nil, false
		}
		order[at] = left[i]
		left = append(left[:i], left[i+1:]...)
	}
	return order, true
}

// mustPrecede reports whether a demand wants p before one of left.
func (s *searcher) mustPrecede(p, lock int, left []int) bool {
	for _, d := range s.demands {
		if d.lock != lock || d.waiter != p {
			continue
		}
		for _, q := range left {
			if q == d.blocker {
				return true
			}
		}
	}
	return false
}
