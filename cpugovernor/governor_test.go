package cpugovernor

import (
	"math"
	"testing"
	"time"

	"gompho/stats"
)

// processes makes a governor that has looked at n processes.
func processes(t *testing.T, n int) (*governor, []*stats.Slot) {
	t.Helper()
	table := stats.NewTable(100)
	g := &governor{calm: linger}
	var slots []*stats.Slot
	for range n {
		s := table.Add("client backend")
		slots = append(slots, s)
		g.seen = append(g.seen, sight{slot: s})
	}
	return g, slots
}

// TestJudge: a statement that did much is long; so is the next statement of its session, at one look; one that waits has nothing to give.
func TestJudge(t *testing.T) {
	g, _ := processes(t, 1)
	for i, c := range []struct {
		serial, checks   uint64
		running, waiting bool
		long             bool
	}{
		{1, 1000, true, false, false}, // its first look: it is not known what of that it did
		{1, 1000 + worked - 1, true, false, false},
		{1, 1000 + worked, true, false, true},
		{1, 1000 + worked, true, true, false}, // it waits, for a lock or its client
		{1, 1000 + worked, true, false, true}, // and goes on
		{1, 2000, false, false, false},        // over
		{2, 2000, true, false, true},          // the session's next one
		{3, 2000, true, false, false},         // that one was short
		{5, 2000, true, false, false},
		{5, 2100, true, true, false}, // slow, but for its waiting
		{5, 2200, true, false, false},
		{6, 9000, true, false, false}, // a session that is always seen at work, with short ones
		{7, 9900, true, false, false},
	} {
		g.seen[0].serial, g.seen[0].checks, g.seen[0].running, g.seen[0].waiting = c.serial, c.checks, c.running, c.waiting
		g.judge(turn)
		if got := len(g.long) == 1; got != c.long {
			t.Errorf("look %d: long is %v", i, got)
		}
	}
}

// TestJudgeWorkers: the workers of a parallel statement are long when it is, also while it waits for them.
func TestJudgeWorkers(t *testing.T) {
	g, slots := processes(t, 2)
	slots[1].Leader = slots[0].PID
	g.seen[1].running = true
	for look, want := range []int{0, 2, 1} {
		g.seen[0].running, g.seen[0].waiting, g.seen[0].checks = true, look == 2, uint64(look*worked)
		if g.judge(turn); len(g.long) != want {
			t.Errorf("look %d: long: %v", look, g.long)
		}
	}
}

// TestRate: the rate comes near what begins, and calm grows while nothing does.
func TestRate(t *testing.T) {
	g, _ := processes(t, 2)
	for i := range 100 {
		g.seen[0].serial = uint64(50 * i)
		g.judge(turn)
	}
	if math.Abs(g.rate-10000) > 1 || g.calm != 0 {
		t.Errorf("%v statements a second, calm for %v", g.rate, g.calm)
	}
	for range 100 {
		g.judge(10 * time.Millisecond)
	}
	if g.rate > 1 || g.calm != linger {
		t.Errorf("%v statements a second, calm for %v", g.rate, g.calm)
	}
}

func TestLimit(t *testing.T) {
	for _, c := range []struct {
		name       string
		all, share int
		long       int
		rate       float64
		calm       time.Duration
		embedded   bool
		limit      float64
		contended  bool
		extra      int
	}{
		{"nothing long", 2, 25, 0, 9000, 0, false, 0, false, 0},
		{"nothing short", 2, 25, 3, 0, linger, false, 3, false, 0},
		{"off", 2, 100, 3, 90000, 0, false, 3, false, 0},
		{"few short ones", 2, 25, 3, 100, 0, false, 1.98, true, 1},
		{"some", 4, 25, 3, 5000, 0, false, 3, true, 1},
		{"many", 2, 25, 3, 20000, 0, false, 0.5, true, 1},
		{"many, a large share", 2, 75, 3, 20000, 0, false, 1.5, true, 1},
		{"many, many processors", 16, 25, 9, 20000, 0, false, 12, true, 4},
		{"few, embedded", 4, 25, 9, 0, 0, true, 3, true, 0},
		{"few, embedded, one processor", 1, 25, 9, 0, 0, true, 0.25, true, 0},
	} {
		g := &governor{long: make([]int, c.long), rate: c.rate, calm: c.calm}
		told := 0
		extra := func(n int) { told = n }
		if c.embedded {
			extra = nil
		}
		limit, contended := g.limit(c.all, c.share, extra)
		if math.Abs(limit-c.limit) > 1e-9 || contended != c.contended || told != c.extra {
			t.Errorf("%s: %v, %v, %d more", c.name, limit, contended, told)
		}
	}
}

// TestTurns: long statements run as often as the limit says, each as often as the others.
func TestTurns(t *testing.T) {
	for _, c := range []struct {
		long  int
		limit float64
	}{{1, 0.5}, {3, 0.5}, {3, 1}, {3, 1.25}, {5, 2.75}, {2, 2}, {2, 5}, {1, 0.25}} {
		g, _ := processes(t, c.long+2)
		for i := range c.long {
			g.long = append(g.long, i+1)
		}
		ran := make([]int, c.long)
		const looks = 6000
		for range looks {
			for i := range g.seen {
				g.seen[i].rests = false
			}
			g.turns(c.limit)
			for k, i := range g.long {
				if !g.seen[i].rests {
					ran[k]++
				}
			}
			if g.seen[0].rests || g.seen[c.long+1].rests {
				t.Fatal("a short statement has to rest")
			}
		}
		want := looks * min(c.limit, float64(c.long)) / float64(c.long)
		for k, n := range ran {
			if math.Abs(float64(n)-want) > 2 {
				t.Errorf("%d long ones, limit %v: number %d ran at %d looks, want %v", c.long, c.limit, k, n, want)
			}
		}
	}
}
