package locks

import (
	"testing"

	"pgregory.net/rapid"
)

// drawGraph makes a state that the lock table could be in: holders of a lock do not conflict with one another,
// and a waiter has a reason to wait in some arrangement.
func drawGraph(t *rapid.T) *waitGraph {
	nProcs := rapid.IntRange(2, 6).Draw(t, "procs")
	nLocks := rapid.IntRange(1, 4).Draw(t, "locks")
	mode := rapid.SampledFrom([]Mode{AccessShare, RowExclusive, ShareUpdateExclusive, Share, Exclusive, AccessExclusive})
	g := &waitGraph{procs: make([]graphProc, nProcs), locks: make([]graphLock, nLocks)}
	for l := range g.locks {
		var all Mask
		for p := 0; p < nProcs; p++ {
			if !rapid.Bool().Draw(t, "holds") {
				continue
			}
			if m := mode.Draw(t, "held"); m.ConflictsWith()&all == 0 {
				all |= m.Bit()
				g.locks[l].holders = append(g.locks[l].holders, graphHolder{p, m.Bit()})
			}
		}
	}
	for _, p := range rapid.Permutation(seq(nProcs)).Draw(t, "arrival") {
		g.procs[p].lock = rapid.IntRange(-1, nLocks-1).Draw(t, "waits")
		if l := g.procs[p].lock; l >= 0 {
			g.procs[p].mode = mode.Draw(t, "wanted")
			g.locks[l].queue = append(g.locks[l].queue, p)
		}
	}
	return g
}

func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// blockers lists whom p waits for under the given queue orders.
func (g *waitGraph) blockers(p int, queues [][]int) []int {
	w := g.procs[p]
	if w.lock < 0 {
		return nil
	}
	var out []int
	for _, h := range g.locks[w.lock].holders {
		if h.proc != p && h.held&w.mode.ConflictsWith() != 0 {
			out = append(out, h.proc)
		}
	}
	for _, q := range queues[w.lock] {
		if q == p {
			break
		}
		if Conflicts(w.mode, g.procs[q].mode) {
			out = append(out, q)
		}
	}
	return out
}

// inCycle reports whether p can reach itself.
func (g *waitGraph) inCycle(p int, queues [][]int) bool {
	seen := map[int]bool{}
	todo := g.blockers(p, queues)
	for len(todo) > 0 {
		q := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if q == p {
			return true
		}
		if !seen[q] {
			seen[q] = true
			todo = append(todo, g.blockers(q, queues)...)
		}
	}
	return false
}

func (g *waitGraph) queues() [][]int {
	out := make([][]int, len(g.locks))
	for i := range g.locks {
		out[i] = g.locks[i].queue
	}
	return out
}

func permutations(s []int) [][]int {
	if len(s) == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for i := range s {
		rest := append(append([]int(nil), s[:i]...), s[i+1:]...)
		for _, p := range permutations(rest) {
			out = append(out, append([]int{s[i]}, p...))
		}
	}
	return out
}

// curable reports, by trying every order of every queue, whether one is free of cycles through start and
// through the members of the queues that it changes.
func (g *waitGraph) curable(start, lock int, queues [][]int) bool {
	if lock == len(g.locks) {
		if g.inCycle(start, queues) {
			return false
		}
		for l := range queues {
			if !equal(queues[l], g.locks[l].queue) {
				for _, p := range queues[l] {
					if g.inCycle(p, queues) {
						return false
					}
				}
			}
		}
		return true
	}
	for _, p := range permutations(g.locks[lock].queue) {
		q := append([][]int(nil), queues...)
		q[lock] = p
		if g.curable(start, lock+1, q) {
			return true
		}
	}
	return false
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestSearchAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		start := rapid.IntRange(0, len(g.procs)-1).Draw(t, "start")
		res := search(g, start)
		before := g.queues()
		cyclic := g.inCycle(start, before)
		switch {
		case !cyclic && (res.deadlock || len(res.orders) > 0):
			t.Fatalf("nothing to cure, got %+v", res)
		case cyclic && !res.deadlock && len(res.orders) == 0:
			t.Fatal("a cycle was missed")
		}
		if res.deadlock {
			checkCycle(t, g, start, res.cycle)
			if g.curable(start, 0, before) {
				t.Fatalf("a curable deadlock was given up: %+v", g)
			}
			return
		}
		after := g.queues()
		for l, o := range res.orders {
			checkPermutation(t, o, after[l])
			after[l] = o
		}
		if g.inCycle(start, after) {
			t.Fatalf("the cure %v leaves a cycle: %+v", res.orders, g)
		}
	})
}

func checkCycle(t *rapid.T, g *waitGraph, start int, cycle []int) {
	if len(cycle) < 2 || cycle[0] != start {
		t.Fatalf("cycle %v does not begin with %d", cycle, start)
	}
	for i, p := range cycle {
		next, ok := cycle[(i+1)%len(cycle)], false
		for _, b := range g.blockers(p, g.queues()) {
			ok = ok || b == next
		}
		if !ok {
			t.Fatalf("cycle %v: %d does not wait for %d in %+v", cycle, p, next, g)
		}
	}
}

func checkPermutation(t *rapid.T, a, b []int) {
	n := map[int]int{}
	for _, x := range a {
		n[x]++
	}
	for _, x := range b {
		n[x]--
	}
	for _, c := range n {
		if c != 0 {
			t.Fatalf("%v is no permutation of %v", a, b)
		}
	}
}
