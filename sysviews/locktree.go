package sysviews

import (
	"slices"
	"strconv"
	"time"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/session"
	"gompho/stats"
	"gompho/types"
)

// leaf is a line of the lock tree: a session, and what it waits for.
type leaf struct {
	pid   int32
	depth int
	text  string         // the session's number, drawn as part of the tree
	wait  *locks.Waiting // nil for one that only blocks others
}

// lockTree arranges those who wait under the first of those who keep them waiting: each session once. Sessions that wait for each
// other in a circle, a deadlock not yet found, stand under that with the smallest number among them.
func lockTree(waiting []locks.Waiting) []leaf {
	t := treeBuilder{wait: map[int32]*locks.Waiting{}, below: map[int32][]int32{}, done: map[int32]bool{}}
	var pids []int32
	for i := range waiting {
		w := &waiting[i]
		t.wait[w.PID] = w
		pids = append(pids, w.PID)
		if len(w.Blockers) > 0 {
			top := w.Blockers[0].PID
			t.below[top] = append(t.below[top], w.PID)
			pids = append(pids, top)
		}
	}
	slices.Sort(pids)
	pids = slices.Compact(pids)
	for _, roots := range []bool{true, false} { // then what is left of circles
		for _, pid := range pids {
			w := t.wait[pid]
			if !t.done[pid] && (!roots || w == nil || len(w.Blockers) == 0) {
				t.add(pid, 0, "", "")
			}
		}
	}
	return t.out
}

type treeBuilder struct {
	wait  map[int32]*locks.Waiting
	below map[int32][]int32 // sessions that wait for one, those who wait longest first
	done  map[int32]bool
	out   []leaf
}

// add draws a session and those below it. first precedes its number, rest the lines below.
func (t *treeBuilder) add(pid int32, depth int, first, rest string) {
	t.done[pid] = true
	t.out = append(t.out, leaf{pid: pid, depth: depth, text: first + strconv.Itoa(int(pid)), wait: t.wait[pid]})
	var below []int32
	for _, b := range t.below[pid] {
		if !t.done[b] {
			below = append(below, b)
		}
	}
	for i, b := range below {
		if t.done[b] {
			continue
		}
		if i == len(below)-1 {
			t.add(b, depth+1, rest+"└─ ", rest+"   ")
		} else {
			t.add(b, depth+1, rest+"├─ ", rest+"│  ")
		}
	}
}

// lockTreeRows lists the columns of gompho_lock_tree.
func lockTreeRows(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	w, err := newWatcher(s)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var out [][]types.Datum
	for _, l := range lockTree(s.Server.Locks.Waiting()) {
		var a stats.ActivityData
		if slot := s.Procs.ByPID(l.pid); slot != nil {
			a = slot.Activity.Snapshot()
		}
		row := []types.Datum{types.String(l.text), types.Int(int64(l.depth)), types.Int(int64(l.pid)), types.Null, w.role(a.User), w.database(a.DB),
			types.String(a.Application), w.private(a.User, a.State), types.Null, types.Null, types.Null, types.Null, w.query(a.User, a.Query)}
		if l.wait != nil {
			var blockers []int32
			for _, b := range l.wait.Blockers {
				blockers = append(blockers, b.PID)
			}
			row[3] = pidArray(blockers)
			row[8], row[9] = types.String(lockWords(s, l.wait.Tag, l.wait.About)), types.String(l.wait.Mode.String())
			if len(blockers) > 0 {
				row[10] = blockerMode(l.wait.Blockers[0].Held, l.wait.Blockers[0].Wanted)
			}
			row[11] = span(now.Sub(l.wait.Start))
		}
		out = append(out, row)
	}
	return out, nil
}

// blockerMode tells what a blocker has: the mode it holds, or the one that it waits for further ahead.
func blockerMode(held locks.Mask, wanted locks.Mode) types.Datum {
	switch {
	case held != 0:
		return types.String(maskWords(held))
	case wanted != locks.NoLock:
		return types.String(wanted.String() + " (waiting)")
	}
	return types.Null
}

// span is an interval of at least nothing.
func span(d time.Duration) types.Datum {
	return types.Interval{Usec: max(d.Microseconds(), 0)}.Datum()
}

// lockWaits lists the columns of gompho_lock_waits.
func lockWaits(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	w, err := newWatcher(s)
	if err != nil {
		return nil, err
	}
	var out [][]types.Datum
	for _, r := range s.Server.Locks.Waits() {
		row := []types.Datum{types.Int(int64(r.ID)), timestamp(r.Start), span(r.Length), types.String(r.Outcome.String()),
			types.String(r.Tag.Kind().String()), types.String(lockWords(s, r.Tag, r.About)), types.String(r.Mode.String()), blockerMode(r.Held, r.Wanted),
			w.database(r.Waiter.DB), types.Int(int64(r.Waiter.PID)), w.role(r.Waiter.User), types.String(r.Waiter.Application), w.query(r.Waiter.User, r.Waiter.Query),
			types.Null, types.Null, types.Null, types.Null, types.Null, types.Null, pidArray(r.Blockers)}
		if b := &r.Blocker; len(r.Blockers) > 0 {
			row[13], row[14], row[15] = types.Int(int64(b.PID)), w.role(b.User), types.String(b.Application)
			row[16], row[17], row[18] = w.private(b.User, b.State), w.query(b.User, b.Query), w.statements(b)
		}
		out = append(out, row)
	}
	return out, nil
}

// deadlocks lists the columns of gompho_deadlocks: a row for each process of each deadlock.
func deadlocks(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	w, err := newWatcher(s)
	if err != nil {
		return nil, err
	}
	var out [][]types.Datum
	for _, d := range s.Server.Locks.Deadlocks() {
		for i := range d.Cycle {
			p := &d.Cycle[i]
			thing := p.Thing
			if thing == "" {
				thing = lockWords(s, p.Tag, p.About)
			}
			out = append(out, []types.Datum{types.Int(int64(d.ID)), timestamp(d.Time), types.Int(int64(i + 1)), types.Bool(p.PID == d.Victim),
				types.Int(int64(p.PID)), types.Int(int64(p.Blocker)), w.role(p.User), w.database(p.DB), types.String(p.Application),
				types.String(thing), types.String(p.Mode.String()), w.private(p.User, p.Row), span(d.Time.Sub(p.WaitStart)), w.query(p.User, p.Query), w.statements(&p.Party)})
		}
	}
	return out, nil
}

// DescribeDeadlock puts names and key values into the story of the deadlock that the session was just the victim of, while its
// transaction still holds what it had. Without such a deadlock it does nothing.
func DescribeDeadlock(s *session.Session) {
	d := s.Owner.TakeDeadlock()
	if d == nil || !s.Tx.InTransaction() {
		return
	}
	s.Server.Locks.DescribeDeadlock(d, func(p *locks.Participant) (string, string) {
		row := ""
		tag := p.Tag
		if p.About.Action != locks.NoAction {
			tag = p.About.Row
		}
		if tag.Kind() == locks.KindTuple && (tag.DB() == s.DB || tag.DB() == 0) {
			row = rowKey(s, tag.Rel(), tag.TID())
		}
		return lockWords(s, p.Tag, p.About), row
	})
}

func rowKey(s *session.Session, rel ids.Oid, tid ids.TID) string {
	r, err := s.Cat.Relation(rel)
	if err != nil || r == nil {
		return ""
	}
	return s.Cat.RowKey(r, tid)
}
