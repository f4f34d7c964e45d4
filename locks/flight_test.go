package locks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gompho/stats"
)

func (s *script) showWaits() {
	for _, w := range s.m.Waits() {
		fmt.Fprintf(&s.out, "%d: %c %s %s after %s for %s, behind %s", w.ID, 'a'+w.Waiter.PID-1, w.Waiter.Query, w.Outcome, w.Length, w.Mode, w.Tag)
		for _, b := range w.Blockers {
			fmt.Fprintf(&s.out, " %c", 'a'+b-1)
		}
		s.showParty(&w.Blocker)
		if w.Wanted != NoLock {
			fmt.Fprintf(&s.out, "   wants %s", w.Wanted)
		}
		fmt.Fprintln(&s.out)
	}
}

func (s *script) showParty(p *Party) {
	fmt.Fprintf(&s.out, "; %c: %s", 'a'+p.PID-1, p.Query)
	for _, st := range p.Statements {
		fmt.Fprintf(&s.out, " / %s", st.Text)
	}
}

func (s *script) showDeadlocks() {
	for _, d := range s.m.Deadlocks() {
		fmt.Fprintf(&s.out, "%d: victim %c\n", d.ID, 'a'+d.Victim-1)
		for i := range d.Cycle {
			p := &d.Cycle[i]
			fmt.Fprintf(&s.out, "  waits %s for %s on %s", d.Time.Sub(p.WaitStart), p.Mode, p.Tag)
			s.showParty(&p.Party)
			fmt.Fprintf(&s.out, "; blocked by %c\n", 'a'+p.Blocker-1)
		}
	}
}

// Of many statements the first and the last are kept, as long as their locks are held.
func TestStatements(t *testing.T) {
	slot := stats.NewSlot(1, 0)
	o := New(Options{}).NewOwner(slot, OwnerOptions{})
	run := func(i int, mode Mode) {
		slot.Activity.SetQuery("active", fmt.Sprint("statement ", i), time.Unix(int64(i), 0))
		if err := o.Acquire(RelationTag(1, 1), mode, Opts{}); err != nil {
			t.Fatal(err)
		}
	}
	show := func() string {
		var out []string
		list, left := o.Statements()
		for _, st := range list {
			var n int
			fmt.Sscanf(st.Text, "statement %d", &n)
			if st.Start.Unix() != int64(n) {
				t.Errorf("%s starts at %d", st.Text, st.Start.Unix())
			}
			out = append(out, fmt.Sprint(n))
		}
		return fmt.Sprintf("%d of %d: %s", left, left+len(list), strings.Join(out, " "))
	}
	want := func(w string) {
		t.Helper()
		if got := show(); got != w {
			t.Errorf("%s\nwant %s", got, w)
		}
	}
	want("0 of 0: ")
	for i := 2; i <= 5; i++ {
		run(i, AccessShare)
	}
	run(5, RowExclusive) // again at once
	want("0 of 4: 2 3 4 5")
	m := o.Mark()
	run(6, RowShare)
	o.ReleaseToMark(m)
	want("0 of 4: 2 3 4 5")
	for i := 7; i <= 70; i++ {
		run(i, RowExclusive)
	}
	want("4 of 68: 2 3 4 5 7 8 9 10 11 12 13 14 15 16 17 18 " + numbers(23, 70))
	m = o.Mark()
	for i := 71; i <= 150; i++ {
		run(i, RowExclusive)
	}
	want("84 of 148: 2 3 4 5 7 8 9 10 11 12 13 14 15 16 17 18 " + numbers(103, 150))
	o.ReleaseToMark(m)
	want("52 of 68: 2 3 4 5 7 8 9 10 11 12 13 14 15 16 17 18")
	o.ReleaseTransaction()
	want("0 of 0: ")
	slot.Activity.SetQuery("active", strings.Repeat("long ", 2000), time.Unix(0, 0))
	o.Acquire(RelationTag(1, 1), Share, Opts{})
	if list, _ := o.Statements(); len(list[0].Text) != 1023 {
		t.Errorf("%d bytes are kept of a long statement", len(list[0].Text))
	}
	// In a transaction like those before nothing is allocated.
	n := testing.AllocsPerRun(100, func() {
		slot.Activity.SetQuery("active", "update t", time.Unix(0, 0))
		o.Acquire(RelationTag(1, 1), RowExclusive, Opts{})
		o.ReleaseTransaction()
	})
	if n != 0 {
		t.Errorf("a statement that is noted allocates %v times", n)
	}
}

func numbers(from, to int) string {
	var w []string
	for i := from; i <= to; i++ {
		w = append(w, fmt.Sprint(i))
	}
	return strings.Join(w, " ")
}

// A ring keeps the last entries in order, also when its size changes.
func TestRing(t *testing.T) {
	size := 3
	r := ring[uint64]{size: func() int { return size }}
	for i, step := range []struct {
		size int
		want string
	}{{3, "[1]"}, {3, "[1 2]"}, {3, "[1 2 3]"}, {3, "[2 3 4]"}, {3, "[3 4 5]"}, {5, "[3 4 5 6]"}, {5, "[3 4 5 6 7]"}, {5, "[4 5 6 7 8]"},
		{2, "[8 9]"}, {2, "[9 10]"}, {0, "[]"}, {2, "[12]"}, {2, "[12 13]"}, {2, "[13 14]"}} {
		size = step.size
		r.add(new(uint64), func(e *uint64, id uint64) { *e = id })
		got := []uint64{}
		for _, e := range r.list() {
			got = append(got, *e)
		}
		if s := fmt.Sprint(got); s != step.want {
			t.Fatalf("step %d, size %d: %s, want %s", i+1, size, s, step.want)
		}
	}
}
