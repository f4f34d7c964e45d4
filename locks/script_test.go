package locks

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
)

// The scripts in testdata play sessions a, b, c, ... against one lock table, in a bubble of synctest so that
// timeouts take no time and "nobody can go on" is a fact.
//
//	run
//	a lock T1 AccessShare [nowait] [session]    wait for it unless nowait
//	a unlock T1 AccessShare [session]
//	a commit | a mark | a rollbackmark | a mergemark
//	a cancel | a terminate
//	sleep 1s
//	a says some statement | a did | a record 10ms
//	locks | blocking a | waits | deadlocks | log | keep 3
//
// Things: T1 relation, X1 transaction, A1 advisory.
type script struct {
	t      *testing.T
	m      *Manager
	s      map[string]*player
	out    strings.Builder
	keep   int        // waits that are kept
	logMu  sync.Mutex // logged
	logged []string
}

type player struct {
	name  string
	o     *Owner
	slot  *stats.Slot
	todo  chan func() string
	done  chan string
	busy  bool
	marks []Mark
	lock  time.Duration
	// record is the least length of waits that are recorded.
	record time.Duration
}

func (p *player) loop() {
	for f := range p.todo {
		p.done <- f()
	}
}

func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{t: t}
			s.reset()
			datadriven.RunTest(t, path, s.run)
			s.finish()
		})
	})
}

func (s *script) reset() {
	s.logged, s.keep = nil, 3
	s.s = map[string]*player{}
	s.m = New(Options{MaxLocksPerTransaction: 4, MaxOwners: 8, WaitHistory: func() int { return s.keep }, Log: func(e *pgerr.Error) {
		s.logMu.Lock()
		defer s.logMu.Unlock()
		s.logged = append(s.logged, e.Message)
		if e.DetailLog != "" {
			s.logged = append(s.logged, "  "+e.DetailLog)
		}
	}})
}

func (s *script) player(name string) *player {
	if p := s.s[name]; p != nil {
		return p
	}
	p := &player{name: name, slot: stats.NewSlot(int32(name[0]-'a')+1, int32(name[0]-'a')), todo: make(chan func() string), done: make(chan string, 1), record: -1}
	p.o = s.m.NewOwner(p.slot, OwnerOptions{LogLockWaits: func() bool { return true }, LockTimeout: func() time.Duration { return p.lock },
		RecordWaits: func() time.Duration { return p.record }})
	p.o.SetVxid(ids.VirtualXid{Proc: p.slot.PID, Local: 1})
	go p.loop()
	s.s[name] = p
	return p
}

func (s *script) finish() {
	for _, p := range s.s {
		if p.busy {
			p.slot.Interrupt(stats.Terminate)
			<-p.done
		}
		p.o.Close()
		close(p.todo)
	}
	checkEmpty(s.t, s.m)
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	if d.Cmd == "new" {
		s.finish()
		s.reset()
		return ""
	}
	s.out.Reset()
	for _, line := range strings.Split(d.Input, "\n") {
		s.line(strings.Fields(line))
	}
	return s.out.String()
}

func thing(w string) Tag {
	n, _ := strconv.Atoi(w[1:])
	switch w[0] {
	case 'T':
		return RelationTag(1, ids.Oid(n))
	case 'X':
		return TransactionTag(ids.Xid(n))
	}
	return AdvisoryKey(1, int64(n))
}

func mode(w string) Mode {
	for m := AccessShare; m < numModes; m++ {
		if m.String() == w+"Lock" {
			return m
		}
	}
	panic("unknown mode " + w)
}

func result(err error) string {
	if err == nil {
		return "granted"
	}
	var e *pgerr.Error
	errors.As(err, &e)
	out := string(e.Code) + " " + e.Message
	if e.Detail != "" {
		out += "\n  " + strings.ReplaceAll(e.Detail, "\n", "\n  ")
	}
	return out
}

func has(ws []string, w string) bool {
	for _, x := range ws {
		if x == w {
			return true
		}
	}
	return false
}

func (s *script) line(w []string) {
	switch w[0] {
	case "#":
	case "sleep":
		d, _ := time.ParseDuration(w[1])
		time.Sleep(d)
		s.settle("")
	case "locks":
		s.showLocks()
	case "blocking":
		fmt.Fprintf(&s.out, "%s is blocked by %v\n", w[1], s.m.BlockingPIDs(s.player(w[1]).o.pid))
	case "waits":
		s.showWaits()
	case "deadlocks":
		s.showDeadlocks()
	case "keep":
		s.keep, _ = strconv.Atoi(w[1])
	case "log":
		fmt.Fprintln(&s.out, strings.Join(s.logged, "\n"))
		s.logged = nil
	default:
		s.act(s.player(w[0]), w[1:])
	}
}

func (s *script) act(p *player, w []string) {
	var f func() string
	switch w[0] {
	case "lock":
		tag, m, opts := thing(w[1]), mode(w[2]), Opts{NoWait: has(w, "nowait"), Session: has(w, "session")}
		f = func() string { return result(p.o.Acquire(tag, m, opts)) }
	case "unlock":
		tag, m := thing(w[1]), mode(w[2])
		f = func() string { return fmt.Sprint(p.o.Release(tag, m, has(w, "session"))) }
	case "commit":
		f = func() string { p.o.ReleaseTransaction(); p.marks = nil; return "ok" }
	case "mark":
		f = func() string { p.marks = append(p.marks, p.o.Mark()); return "ok" }
	case "rollbackmark", "mergemark":
		f = func() string {
			m := p.marks[len(p.marks)-1]
			p.marks = p.marks[:len(p.marks)-1]
			if w[0] == "mergemark" {
				p.o.MergeMark(m)
			} else {
				p.o.ReleaseToMark(m)
			}
			return "ok"
		}
	case "unlockall":
		f = func() string { p.o.ReleaseAdvisory(); return "ok" }
	case "waitvxid":
		v := ids.VirtualXid{Proc: s.player(w[1]).slot.PID, Local: 1}
		f = func() string { _, err := p.o.WaitVxid(v, false); return result(err) }
	case "endvxid":
		f = func() string { p.o.ClearVxid(); return "ok" }
	case "record":
		p.record, _ = time.ParseDuration(w[1])
		return
	case "says":
		p.slot.Activity.SetQuery("active", strings.Join(w[1:], " "), time.Now())
		return
	case "did":
		list, out := p.o.Statements()
		for _, st := range list {
			fmt.Fprintf(&s.out, "  %s\n", st.Text)
		}
		if out > 0 {
			fmt.Fprintf(&s.out, "  %d left out\n", out)
		}
		return
	case "timeout":
		p.lock, _ = time.ParseDuration(w[1])
		return
	case "cancel":
		p.slot.Interrupt(stats.CancelQuery)
		s.settle("")
		return
	case "autovacuum":
		p.o.SetAutovacuum(true)
		return
	default:
		panic("unknown action " + w[0])
	}
	if p.busy {
		fmt.Fprintf(&s.out, "%s: still waits\n", p.name)
		return
	}
	p.busy = true
	p.todo <- f
	s.settle(p.name)
}

// settle waits until all players are idle or wait for a lock and prints what became of them.
func (s *script) settle(actor string) {
	synctest.Wait()
	var names []string
	for n := range s.s {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		p := s.s[n]
		select {
		case r := <-p.done:
			p.busy = false
			fmt.Fprintf(&s.out, "%s: %s\n", n, r)
		default:
			if p.busy && n == actor {
				_, ev := p.slot.Waiting().Names()
				fmt.Fprintf(&s.out, "%s: waits for %s\n", n, ev)
			}
		}
	}
}

func (s *script) showLocks() {
	var lines []string
	for _, r := range s.m.Snapshot() {
		if r.Tag.kind == KindVirtualXid && r.FastPath {
			continue
		}
		l := fmt.Sprintf("%c %s %s", 'a'+r.PID-1, r.Mode, r.Tag)
		if r.FastPath {
			l += " fastpath"
		}
		if !r.Granted {
			l += " waiting"
			if r.WaitStart.IsZero() {
				l += " since never"
			}
		}
		lines = append(lines, l)
	}
	sort.Strings(lines)
	fmt.Fprintln(&s.out, strings.Join(lines, "\n"))
}
