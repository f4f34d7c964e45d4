package catalog

import (
	"slices"
	"strings"

	"gompho/internal/pgerr"
	"gompho/locks"
)

// DropHooks are told of what a deletion removes; every field may be nil.
type DropHooks struct {
	// Relation is called for each relation before its rows go; its files are unlinked at commit without it.
	Relation func(r *Relation) error
	// Column is called for each column that is dropped while its table stays.
	Column func(r *Relation, att int16) error
}

// SetDropHooks sets what is called for deletions in this session.
func (s *Session) SetDropHooks(h DropHooks) { s.onDrop = h }

// DropOpts say how a deletion goes.
type DropOpts struct {
	Cascade bool               // drop what depends on the objects too, instead of refusing
	Quiet   bool               // no notices of cascades
	Notice  func(*pgerr.Error) // receives the notices; may be nil
	// KeepOriginal drops only what depends on the objects.
	KeepOriginal bool
	// NoLock says that the caller holds all locks that are needed.
	NoLock bool
	// CheckOnly looks whether the objects can be dropped, and drops nothing.
	CheckOnly bool
}

// Flags of why an object is to be dropped.
type dropFlags uint16

const (
	dropOriginal dropFlags = 1 << iota // was asked for
	dropNormal                         // needs CASCADE
	dropAuto
	dropInternal
	dropExtension
	dropPartition
	dropIsPart // a partition's dependent object
	dropReverse
	dropSubobject // a column of an object that is dropped as a whole
)

type target struct {
	obj      Object
	flags    dropFlags
	dependee Object
}

// deletion is the state of one PerformDeletion.
type deletion struct {
	s       *Session
	opts    DropOpts
	targets []target
	of      map[Object][]int // the targets of an object and its columns, under the object as a whole
	pending []Object
}

// stackItem is an object on the way from an original object to the one being looked at.
type stackItem struct {
	obj   Object
	flags dropFlags
	next  *stackItem
}

// PerformDeletion drops objects with all that belongs to them, and with Cascade all that depends on them. Without, it
// fails with 2BP01 when something does, naming it. Notices of cascades go to opts.Notice.
func (s *Session) PerformDeletion(objs []Object, opts DropOpts) error {
	if len(objs) == 0 {
		return nil
	}
	d := &deletion{s: s, opts: opts, pending: objs, of: map[Object][]int{}}
	for _, o := range objs {
		if err := d.lock(o); err != nil {
			return err
		}
		if err := d.find(o, dropOriginal, dropOriginal, nil); err != nil {
			return err
		}
	}
	var orig *Object
	if len(objs) == 1 {
		orig = &objs[0]
	}
	if err := d.report(orig); err != nil || opts.CheckOnly {
		return err
	}
	return d.deleteAll()
}

// lock takes the lock that keeps others from an object that will be dropped.
func (d *deletion) lock(o Object) error {
	s := d.s
	if s.locks == nil || d.opts.NoLock {
		return nil
	}
	if o.Class == PgClassOid {
		return s.locks.Acquire(s.RelationTag(o.Oid), locks.AccessExclusive, locks.Opts{})
	}
	return s.locks.Acquire(s.ObjectTag(o), locks.AccessExclusive, locks.Opts{})
}

// ObjectTag returns the lock tag of an object that is no relation.
func (s *Session) ObjectTag(o Object) locks.Tag {
	return locks.ObjectTag(s.sharedDB(o.Class), o.Class, o.Oid, 0)
}

func (d *deletion) unlock(o Object) {
	s := d.s
	if s.locks == nil || d.opts.NoLock {
		return
	}
	if o.Class == PgClassOid {
		s.locks.Release(s.RelationTag(o.Oid), locks.AccessExclusive, false)
		return
	}
	s.locks.Release(s.ObjectTag(o), locks.AccessExclusive, false)
}

// onStack marks an object that is being looked at already. A whole object on the stack covers its columns; a column on the
// stack does not cover the whole.
func onStack(o Object, flags dropFlags, stack *stackItem) bool {
	for ; stack != nil; stack = stack.next {
		if stack.obj.Class != o.Class || stack.obj.Oid != o.Oid {
			continue
		}
		if stack.obj.Sub == o.Sub {
			stack.flags |= flags
			return true
		}
		if stack.obj.Sub == 0 {
			return true
		}
	}
	return false
}

// whole is the object that a column belongs to.
func whole(o Object) Object {
	o.Sub = 0
	return o
}

// known merges flags into an object that is a target already. Columns of a target that is dropped as a whole count as known.
func (d *deletion) known(o Object, flags dropFlags) bool {
	found := false
	for _, i := range d.of[whole(o)] {
		t := &d.targets[i]
		switch {
		case t.obj.Sub == o.Sub:
			t.flags |= flags
			found = true
		case t.obj.Sub == 0:
			t.flags |= flags
			found = true
		case o.Sub == 0:
			// The column came first; the whole object is added later and makes the column's entry superfluous.
			if flags != 0 {
				t.flags |= flags | dropSubobject
			}
		}
	}
	return found
}

// find adds an object to the targets, after everything that depends on it. objFlags are of the object, flags of the way it was
// reached.
func (d *deletion) find(o Object, objFlags, flags dropFlags, stack *stackItem) error {
	if onStack(o, objFlags, stack) || d.known(o, objFlags) {
		return nil
	}
	if err := d.s.slot.CheckInterrupts(); err != nil {
		return err
	}
	if isPinned(o) && !d.s.boot {
		return pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop %s because it is required by the database system", d.s.Describe(o))
	}
	owner, err := d.owner(o, flags, stack)
	if err != nil || owner.done {
		return err
	}
	if owner.redirect {
		// The object is part of another: drop that one, which comes back here.
		if err := d.lock(owner.obj); err != nil {
			return err
		}
		if err := d.find(owner.obj, dropReverse, flags, stack); err != nil {
			return err
		}
		if !d.known(o, objFlags) {
			return pgerr.Internal("deletion of owning %s failed to delete %s", d.s.Describe(owner.obj), d.s.Describe(o))
		}
		return nil
	}
	me := &stackItem{obj: o, flags: objFlags, next: stack}
	if err := d.findDependents(o, me); err != nil {
		return err
	}
	t := target{obj: o, flags: me.flags, dependee: o}
	if me.flags&dropReverse != 0 {
		t.dependee = owner.obj
	}
	if stack != nil {
		t.dependee = stack.obj
	}
	d.of[whole(o)] = append(d.of[whole(o)], len(d.targets))
	d.targets = append(d.targets, t)
	return nil
}

type ownerAnswer struct {
	obj      Object
	redirect bool // drop obj instead
	done     bool // nothing to do now: another original object takes care of it
}

// owner looks at what the object is part of.
func (d *deletion) owner(o Object, flags dropFlags, stack *stackItem) (ownerAnswer, error) {
	deps, err := d.s.DependenciesOf(o)
	if err != nil {
		return ownerAnswer{}, err
	}
	for _, dep := range deps {
		other := Object{dep.Refclassid, dep.Refobjid, dep.Refobjsubid}
		if other.Class == o.Class && other.Oid == o.Oid && other.Sub == 0 {
			continue
		}
		kind := DepType(dep.Deptype)
		switch kind {
		case DepInternal, DepExtension:
		case DepPartitionPri:
			// A partition's part of an object goes with that object or with the partition, but not alone.
			if stack != nil {
				continue
			}
		default:
			continue
		}
		if stack == nil {
			// An original object that is part of another can only go with it.
			if slices.ContainsFunc(d.pending, func(p Object) bool {
				return p == other || p.Class == other.Class && p.Oid == other.Oid && p.Sub == 0
			}) {
				return ownerAnswer{done: true}, nil
			}
			what := d.s.Describe(other)
			return ownerAnswer{}, pgerr.New(pgerr.DependentObjectsStillExist, "cannot drop %s because %s requires it", d.s.Describe(o), what).
				WithHint("You can drop %s instead.", what)
		}
		if onStack(other, 0, stack) {
			continue
		}
		return ownerAnswer{obj: other, redirect: true}, nil
	}
	return ownerAnswer{}, nil
}

// findDependents follows the dependencies on an object, newest dependent objects first.
func (d *deletion) findDependents(o Object, me *stackItem) error {
	rows, err := d.s.DependentsOf(o)
	if err != nil {
		return err
	}
	type dependent struct {
		obj   Object
		flags dropFlags
	}
	var list []dependent
	for _, dep := range rows {
		other := Object{dep.Classid, dep.Objid, dep.Objsubid}
		if other.Class == o.Class && other.Oid == o.Oid {
			// Columns that depend on their own table or on another column of it go with it, or are found by themselves.
			if o.Sub == 0 || other.Sub == o.Sub {
				continue
			}
		}
		if err := d.lock(other); err != nil {
			return err
		}
		if still, err := d.stillDepends(dep); err != nil {
			return err
		} else if !still {
			d.unlock(other)
			continue
		}
		var f dropFlags
		switch DepType(dep.Deptype) {
		case DepNormal:
			f = dropNormal
		case DepAuto, DepAutoExtension:
			f = dropAuto
		case DepInternal:
			f = dropInternal
		case DepPartitionPri, DepPartitionSec:
			f = dropPartition
		case DepExtension:
			f = dropExtension
		default:
			return pgerr.Internal("unrecognized dependency type '%c' for %s", dep.Deptype, d.s.Describe(o))
		}
		list = append(list, dependent{other, f})
	}
	slices.SortStableFunc(list, func(a, b dependent) int {
		switch {
		case a.obj.Oid != b.obj.Oid:
			return cmpUint(uint32(b.obj.Oid), uint32(a.obj.Oid))
		case a.obj.Class != b.obj.Class:
			return cmpUint(uint32(b.obj.Class), uint32(a.obj.Class))
		}
		return cmpUint(uint32(a.obj.Sub), uint32(b.obj.Sub))
	})
	for _, x := range list {
		if err := d.find(x.obj, x.flags, me.flags, me); err != nil {
			return err
		}
	}
	return nil
}

// stillDepends looks again at a dependency after the lock on the dependent object was waited for.
func (d *deletion) stillDepends(dep *PgDepend) (bool, error) {
	if d.s.locks == nil {
		return true, nil
	}
	rows, err := d.s.DependenciesOf(Object{dep.Classid, dep.Objid, dep.Objsubid})
	return slices.ContainsFunc(rows, func(r *PgDepend) bool {
		return r.Refclassid == dep.Refclassid && r.Refobjid == dep.Refobjid && r.Refobjsubid == dep.Refobjsubid
	}), err
}

const maxReported = 100

// report refuses the deletion, or tells what it takes with it.
func (d *deletion) report(orig *Object) error {
	var lines []string
	n, ok := 0, true
	add := func(line string) {
		if n++; n <= maxReported {
			lines = append(lines, line)
		}
	}
	for i := len(d.targets) - 1; i >= 0; i-- {
		t := &d.targets[i]
		if t.flags&(dropOriginal|dropSubobject) != 0 {
			continue
		}
		switch {
		case t.flags&(dropAuto|dropInternal|dropPartition|dropExtension) != 0:
			// goes without saying
		case !d.opts.Cascade:
			ok = false
			add(d.s.Describe(t.obj) + " depends on " + d.s.Describe(t.dependee))
		default:
			add("drop cascades to " + d.s.Describe(t.obj))
		}
	}
	detail := strings.Join(lines, "\n")
	if n > maxReported {
		word := "objects"
		if n-maxReported == 1 {
			word = "object"
		}
		detail += "\nand " + itoa(n-maxReported) + " other " + word + " (see server log for list)"
	}
	if !ok {
		msg := "cannot drop desired object(s) because other objects depend on them"
		if orig != nil {
			msg = "cannot drop " + d.s.Describe(*orig) + " because other objects depend on it"
		}
		return pgerr.New(pgerr.DependentObjectsStillExist, "%s", msg).WithDetail("%s", detail).
			WithHint("Use DROP ... CASCADE to drop the dependent objects too.")
	}
	if n == 0 || d.opts.Quiet || d.opts.Notice == nil {
		return nil
	}
	if n == 1 {
		d.opts.Notice(pgerr.New(pgerr.SuccessfulCompletion, "%s", detail).WithSeverity(pgerr.Notice))
		return nil
	}
	d.opts.Notice(pgerr.New(pgerr.SuccessfulCompletion, "drop cascades to %d other objects", n).
		WithSeverity(pgerr.Notice).WithDetail("%s", detail))
	return nil
}

// deleteAll removes the targets, dependents first.
func (d *deletion) deleteAll() error {
	for i := range d.targets {
		t := &d.targets[i]
		if d.opts.KeepOriginal && t.flags&dropOriginal != 0 {
			continue
		}
		if err := d.s.slot.CheckInterrupts(); err != nil {
			return err
		}
		if err := d.s.deleteObject(t.obj); err != nil {
			return err
		}
	}
	return nil
}
