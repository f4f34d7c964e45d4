package locks

import (
	"time"

	"gompho/internal/ids"
)

// Participant is one process of a deadlock: it waits for the next one of the cycle, the last for the first.
type Participant struct {
	Party
	Tag       Tag
	About     About
	Mode      Mode
	WaitStart time.Time
	Blocker   int32 // PID of the next
	// Thing and Row describe in words what the process waits for and the row's key values; whoever heard the error fills them in.
	Thing, Row string
}

// Deadlock is the story of a deadlock that was found.
type Deadlock struct {
	ID     uint64 // counts up from 1
	Time   time.Time
	DB     ids.Oid
	Victim int32         // PID of who was cancelled
	Cycle  []Participant // the victim first
}

// link is one edge of a cycle: owner waits for tag.
type link struct {
	owner *Owner
	mode  Mode
	tag   Tag
	start time.Time
	about About
}

// link describes o's wait. Caller holds the partition of o.waitLock.
func (o *Owner) link() link {
	return link{o, o.waitMode, o.waitLock.tag, o.waitStart, o.aboutOf(o.waitLock.tag)}
}

// lines puts a cycle into the words of the error.
func lines(cycle []link) []blockedBy {
	out := make([]blockedBy, len(cycle))
	for i, l := range cycle {
		out[i] = blockedBy{l.owner.pid, l.mode, l.tag, cycle[(i+1)%len(cycle)].owner.pid}
	}
	return out
}

// tellDeadlock records the story of a deadlock whose victim is o, the first of the cycle. Nothing is locked; the others still wait, since
// o has released nothing yet.
func (o *Owner) tellDeadlock(cycle []link) {
	d := &Deadlock{Time: time.Now(), Victim: o.pid}
	for i, l := range cycle {
		p := Participant{Party: l.owner.party(), Tag: l.tag, About: l.about, Mode: l.mode, WaitStart: l.start,
			Blocker: cycle[(i+1)%len(cycle)].owner.pid}
		d.Cycle = append(d.Cycle, p)
	}
	d.DB = d.Cycle[0].DB
	o.m.deadlocks.add(d, func(d *Deadlock, id uint64) { d.ID = id })
	o.lastDeadlock = d
}

// TakeDeadlock returns the story of the deadlock that the owner was the victim of, nil if there was none since the last call.
func (o *Owner) TakeDeadlock() *Deadlock {
	d := o.lastDeadlock
	o.lastDeadlock = nil
	return d
}

// DescribeDeadlock puts words into a story: of each participant what it waits for and which row that is.
func (m *Manager) DescribeDeadlock(d *Deadlock, words func(p *Participant) (thing, row string)) {
	told := *d
	told.Cycle = append([]Participant(nil), d.Cycle...)
	for i := range told.Cycle {
		told.Cycle[i].Thing, told.Cycle[i].Row = words(&told.Cycle[i])
	}
	m.deadlocks.replace(d, &told)
}

// Deadlocks returns the recorded deadlocks, oldest first. They are not to be changed.
func (m *Manager) Deadlocks() []*Deadlock { return m.deadlocks.list() }
