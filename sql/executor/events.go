package executor

import (
	"bytes"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/types"
)

// rowEvents are the changes of rows that triggers of foreign keys are to hear of: after the statement, or deferred. They name versions
// of rows; what these hold is read when the event fires.
type rowEvents struct {
	queue []rowEvent // of the statements that run, in order; the inner statement's are behind the outer one's
	open  bool       // the last events of the queue may grow by rows that follow
	later []rowEvent // deferred
	done  []doneCheck
	// triggers are those that events name, by place.
	triggers []rowTrigger
	count    []int // of events in queue and later, for each of triggers
	places   map[rowTrigger]uint32
	tables   map[ids.Oid]*tableTriggers
}

// rowEvent is one change: old is the version that was updated or deleted, new the one that was made. Insertions of rows that stand in a page one after the
// other are one event for each trigger: a load of millions of rows is to be kept until its end.
type rowEvent struct {
	trigger  uint32 // in rowEvents.triggers
	table    ids.Oid
	sub      mvcc.SubID
	old, new ids.TID
	to       ids.Oid // of a row that moved from one partition, table, to another: that one
	more     uint16  // rows that were inserted at the offsets after new
}

// rowTrigger is a trigger of a foreign key: function fn of pg_proc for constraint con.
type rowTrigger struct{ con, fn ids.Oid }

// doneCheck is a deferred check that was made in a subtransaction later than its row: if that is rolled back, it is due again.
type doneCheck struct {
	by    mvcc.SubID
	key   *deferredKey // or event
	event rowEvent
}

// recall puts the deferred events into the queue.
func (r *rowEvents) recall() {
	r.queue = append(r.queue, r.later...)
	r.later = r.later[:0]
}

func (r *rowEvents) pending(table ids.Oid) bool {
	for _, l := range [][]rowEvent{r.queue, r.later} {
		for i := range l {
			if l[i].table == table {
				return true
			}
		}
	}
	return false
}

func (r *rowEvents) forget() {
	clear(r.count)
	r.later, r.done = nil, nil
	if r.queue = r.queue[:0]; cap(r.queue) > maxIdleEvents {
		r.queue = nil
	}
}

// maxIdleEvents is how long a queue may be that is kept for the next transaction.
const maxIdleEvents = 256

// maxKeptEvents is how long a queue may be that is kept for the next statement.
const maxKeptEvents = 64 << 10

// endSub follows the end of a subtransaction. It returns the keys that are to be checked again.
func (r *rowEvents) endSub(sub, parent mvcc.SubID, commit bool) (keys []deferredKey) {
	keep := func(l []rowEvent) []rowEvent {
		out := l[:0]
		for _, e := range l {
			if e.sub == sub {
				if !commit {
					continue
				}
				e.sub = parent
			}
			out = append(out, e)
		}
		return out
	}
	r.queue, r.later = keep(r.queue), keep(r.later)
	done := r.done[:0]
	for _, c := range r.done {
		switch {
		case c.by != sub:
		case commit:
			c.by = parent
		case c.key != nil:
			keys = append(keys, *c.key)
			continue
		default:
			r.later = append(r.later, c.event)
			continue
		}
		done = append(done, c)
	}
	r.done = done
	clear(r.count)
	for _, l := range [][]rowEvent{r.queue, r.later} {
		for i := range l {
			r.count[l[i].trigger]++
		}
	}
	return keys
}

// tableTriggers are the triggers of foreign keys that a table's rows fire, by event, in the order of their names.
type tableTriggers struct {
	rel           *catalog.Relation
	ins, upd, del []*tableTrigger
}

// tableTrigger is a trigger with what decides whether a change concerns it.
type tableTrigger struct {
	place uint32
	con   ids.Oid
	out   bool  // the table refers to another one; false: it is referred to
	cols  []int // of the key in this table, from 0
	full  bool  // MATCH FULL
	when  byte  // pg_trigger.tgenabled
	clone bool  // a partition's part of a trigger of the partitioned table
}

// The functions of the triggers of foreign keys.
const (
	riCheckIns    ids.Oid = 1644
	riCheckUpd    ids.Oid = 1645
	riCascadeDel  ids.Oid = 1646
	riCascadeUpd  ids.Oid = 1647
	riRestrictDel ids.Oid = 1648
	riRestrictUpd ids.Oid = 1649
	riSetNullDel  ids.Oid = 1650
	riSetNullUpd  ids.Oid = 1651
	riSetDefDel   ids.Oid = 1652
	riSetDefUpd   ids.Oid = 1653
	riNoActionDel ids.Oid = 1654
	riNoActionUpd ids.Oid = 1655

	firstRI, endRI = riCheckIns, riNoActionUpd + 1
)

// Values of pg_trigger.tgenabled; the fourth, 'O', is for the role origin.
const (
	triggerOff     = 'D'
	triggerReplica = 'R'
	triggerAlways  = 'A'
)

// fires reports whether a trigger fires in the session's session_replication_role.
func (d *Deferred) fires(x *tableTrigger) bool {
	if x.when == triggerAlways {
		return true
	}
	return (x.when == triggerReplica) == (d.env.Replica != nil && d.env.Replica())
}

// triggersOf returns the triggers of a table; nil when it has none.
func (d *Deferred) triggersOf(rel *catalog.Relation) (*tableTriggers, error) {
	if !rel.HasTriggers {
		return nil, nil
	}
	if t := d.rows.tables[rel.Oid]; t != nil && t.rel == rel {
		return t, nil
	}
	t := &tableTriggers{rel: rel}
	for _, row := range rel.Triggers {
		if row.Tgfoid < firstRI || row.Tgfoid >= endRI || row.Tgenabled == triggerOff {
			continue
		}
		con, err := d.con(row.Tgconstraint)
		if err != nil {
			return nil, err
		}
		if con == nil {
			continue
		}
		x := &tableTrigger{place: d.rows.placeOf(rowTrigger{con.Oid, row.Tgfoid}), con: con.Oid, out: row.Tgfoid <= riCheckUpd, full: con.Confmatchtype == 'f',
			when: row.Tgenabled, clone: row.Tgparentid != 0}
		cols := con.Confkey
		if x.out {
			cols = con.Conkey
		}
		for _, a := range cols {
			x.cols = append(x.cols, int(a)-1)
		}
		switch {
		case row.Tgfoid == riCheckIns:
			t.ins = append(t.ins, x)
		case row.Tgfoid%2 == 0:
			t.del = append(t.del, x)
		default:
			t.upd = append(t.upd, x)
		}
	}
	if d.rows.tables == nil {
		d.rows.tables = map[ids.Oid]*tableTriggers{}
	}
	d.rows.tables[rel.Oid] = t
	return t, nil
}

func (r *rowEvents) placeOf(t rowTrigger) uint32 {
	if at, ok := r.places[t]; ok {
		return at
	}
	if r.places == nil {
		r.places = map[rowTrigger]uint32{}
	}
	at := uint32(len(r.triggers))
	r.places[t] = at
	r.triggers, r.count = append(r.triggers, t), append(r.count, 0)
	return at
}

// mark is the length of the queue: the events of a statement that begins now are behind it.
func (d *Deferred) mark() int {
	d.rows.open = false
	return len(d.rows.queue)
}

func (d *Deferred) add(t *tableTriggers, x *tableTrigger, old, new ids.TID) {
	d.rows.open = false
	d.rows.count[x.place]++
	d.rows.queue = append(d.rows.queue, rowEvent{trigger: x.place, table: t.rel.Oid, sub: d.tx.SubID(), old: old, new: new})
	if len(d.rows.queue)&4095 == 0 {
		d.weigh()
	}
}

// Inserted notes rows that were added to a table, before the end of the statement.
func (d *Deferred) Inserted(rel *catalog.Relation, tids ...ids.TID) error {
	t, err := d.triggersOf(rel)
	if t == nil || err != nil {
		return err
	}
	for _, tid := range tids {
		d.inserted(t, tid)
	}
	return nil
}

func (d *Deferred) inserted(t *tableTriggers, tid ids.TID) {
	if d.grow(t, tid) {
		return
	}
	n := len(d.rows.queue)
	for _, x := range t.ins {
		if d.fires(x) {
			d.add(t, x, ids.TID{}, tid)
		}
	}
	d.rows.open = len(d.rows.queue) == n+len(t.ins)
}

// grow adds an inserted row to the events of the one before it, if it stands behind that in its page.
func (d *Deferred) grow(t *tableTriggers, tid ids.TID) bool {
	q := d.rows.queue
	at := len(q) - len(t.ins)
	if !d.rows.open || at < 0 || at == len(q) {
		return false
	}
	e := &q[at]
	if e.table != t.rel.Oid || e.new.Block != tid.Block || e.new.Offset+ids.OffsetNumber(e.more)+1 != tid.Offset || e.trigger != t.ins[0].place ||
		e.sub != d.tx.SubID() || e.old != (ids.TID{}) {
		return false
	}
	for i := at; i < len(q); i++ {
		q[i].more++
	}
	return true
}

func (d *Deferred) deleted(t *tableTriggers, tid ids.TID) {
	for _, x := range t.del {
		if d.fires(x) {
			d.add(t, x, tid, ids.TID{})
		}
	}
}

// updated notes an update, if it concerns a key. mine: the old version is the transaction's own.
func (d *Deferred) updated(t *tableTriggers, old, new []types.Datum, oldTID, newTID ids.TID, mine bool) {
	for _, x := range t.upd {
		if d.fires(x) && x.concerned(d, old, new, mine) {
			d.add(t, x, oldTID, newTID)
		}
	}
}

// concerned decides whether an update is one of the key. A key with a NULL refers to nothing and is not referred to.
func (x *tableTrigger) concerned(d *Deferred, old, new []types.Datum, mine bool) bool {
	if !x.out {
		return !hasNull(old, x.cols) && !sameKey(old, new, x.cols)
	}
	nulls := 0
	for _, c := range x.cols {
		if new[c].IsNull() {
			nulls++
		}
	}
	switch {
	case nulls == len(x.cols), nulls > 0 && !x.full:
		return false
	case nulls > 0:
		return true
	}
	// The check of the old version may still be waiting, and find the version gone.
	return !sameKey(old, new, x.cols) || mine && d.rows.waits(x)
}

// waits reports whether checks of a trigger's constraint are still to be made.
func (r *rowEvents) waits(x *tableTrigger) bool {
	for fn := riCheckIns; fn <= riCheckUpd; fn++ {
		if at, ok := r.places[rowTrigger{x.con, fn}]; ok && r.count[at] > 0 {
			return true
		}
	}
	return false
}

func hasNull(vals []types.Datum, cols []int) bool {
	for _, c := range cols {
		if vals[c].IsNull() {
			return true
		}
	}
	return false
}

func sameKey(a, b []types.Datum, cols []int) bool {
	for _, c := range cols {
		if !identical(a[c], b[c]) {
			return false
		}
	}
	return true
}

// identical reports whether two values look the same: what compares as equal, as 1.0 and 1.00 do, may still differ.
func identical(a, b types.Datum) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() == b.IsNull()
	}
	if a.IsBytes() {
		return bytes.Equal(a.Bytes(), b.Bytes())
	}
	return a.Word() == b.Word()
}

// fireNext fires the event at a place of the queue, or puts it among the deferred ones, with those after it that are of the same inserted rows: row by row,
// as if each had an event of its own. It returns the place of the last one.
func (d *Deferred) fireNext(at int, keep func(constraint ids.Oid) (bool, error)) (int, error) {
	first := d.rows.queue[at]
	end := at + 1
	for first.more > 0 && end < len(d.rows.queue) {
		e := &d.rows.queue[end]
		if e.more != first.more || e.new != first.new || e.table != first.table || e.old != first.old {
			break
		}
		end++
	}
	var buf [4]rowEvent
	now := buf[:0]
	for _, e := range d.rows.queue[at:end] {
		x := d.rows.triggers[e.trigger]
		if x.fn <= riCheckUpd || x.fn >= riNoActionDel { // the other actions cannot wait
			wait, err := keep(x.con)
			if err != nil {
				return at, err
			}
			if wait {
				d.rows.later = append(d.rows.later, e)
				continue
			}
		}
		d.rows.count[e.trigger]--
		now = append(now, e)
	}
	for row := range first.more + 1 {
		for _, e := range now {
			e.new.Offset += ids.OffsetNumber(row)
			if err := d.fireWatched(d.rows.triggers[e.trigger], e); err != nil {
				return at, err
			}
		}
	}
	if sub := d.tx.SubID(); first.sub != sub {
		for _, e := range now {
			d.rows.done = append(d.rows.done, doneCheck{by: sub, event: e})
		}
	}
	return end - 1, nil
}
