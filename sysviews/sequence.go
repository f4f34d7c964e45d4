package sysviews

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/session"
	"gompho/storage/sequence"
	"gompho/types"
)

func sequenceEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "nextval_oid", Scalar: func(c *functions.Call) (types.Datum, error) {
			s, err := sessionOf(c)
			if err != nil {
				return types.Null, err
			}
			v, err := NextVal(s, c.Args[0].Oid(), true)
			return types.Int(v), err
		}},
		{Name: "currval_oid", Scalar: currVal},
		{Name: "setval_oid", Scalar: func(c *functions.Call) (types.Datum, error) { return setVal(c, true) }},
		{Name: "setval3_oid", Scalar: func(c *functions.Call) (types.Datum, error) { return setVal(c, c.Args[2].Bool()) }},
		{Name: "lastval", Scalar: lastVal},
		{Name: "pg_sequence_last_value", Scalar: sequenceLastValue},
		{Name: "pg_sequence_parameters", Set: sequenceParameters},
	}
}

// openSequence locks a sequence and checks privileges (any of want).
func openSequence(s *session.Session, oid ids.Oid, mode locks.Mode, want ...uint32) (*catalog.Relation, error) {
	r, err := s.Cat.LockRelation(oid, mode)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, pgerr.New(pgerr.UndefinedTable, "could not open relation with OID %d", oid)
	}
	if r.Kind != 'S' {
		return nil, pgerr.New(pgerr.WrongObjectType, "%q is not a sequence", r.Name)
	}
	for _, w := range want {
		ok, err := s.Cat.HasRelationPrivilege(s.User, r, w)
		if err != nil {
			return nil, err
		}
		if ok {
			return r, nil
		}
	}
	if len(want) == 0 {
		return r, nil
	}
	return nil, pgerr.New(pgerr.InsufficientPrivilege, "permission denied for sequence %s", r.Name)
}

func handle(s *session.Session, r *catalog.Relation) sequence.Rel {
	return sequence.Rel{Pool: s.Heap.Pool, File: r.File, Oid: r.Oid, Name: r.Name, Logged: r.Persistence == 'p', Temp: r.Persistence == 't'}
}

// sequenceLock is the lock that functions take on the sequence that they draw from, set or ask for the last value.
const sequenceLock = locks.RowExclusive

// SequenceLock returns the lock that a built-in function, by its pg_proc.prosrc, takes on the sequence that is its first argument; NoLock
// for other functions.
func SequenceLock(prosrc string) locks.Mode {
	switch prosrc {
	case "nextval_oid", "currval_oid", "setval_oid", "setval3_oid":
		return sequenceLock
	}
	return locks.NoLock
}

// NextVal draws the next value of a sequence. check is false for identity columns, whose sequences need no privileges.
func NextVal(s *session.Session, oid ids.Oid, check bool) (int64, error) {
	want := []uint32{catalog.AclUsage, catalog.AclUpdate}
	if !check {
		want = nil
	}
	r, err := openSequence(s, oid, sequenceLock, want...)
	if err != nil {
		return 0, err
	}
	if !r.IsTemp() && s.Tx.ReadOnly() {
		return 0, pgerr.New(pgerr.ReadOnlySqlTransaction, "cannot execute %s in a read-only transaction", "nextval()")
	}
	st := &s.Sequences
	if st.Last == nil {
		st.Last = map[ids.Oid]int64{}
	}
	if c, ok := st.Cached[oid]; ok && c.Next != c.Last {
		v := c.Next + c.Increment
		c.Next = v
		st.Cached[oid] = c
		st.Last[oid], st.LastID = v, oid
		return v, nil
	}
	row, err := s.Cat.Sequence(oid)
	if err != nil {
		return 0, err
	}
	if row == nil {
		return 0, pgerr.Internal("cache lookup failed for sequence %d", oid)
	}
	first, last, err := sequence.Next(s.Tx, handle(s, r), sequence.Def{Start: row.Seqstart, Increment: row.Seqincrement,
		Min: row.Seqmin, Max: row.Seqmax, Cache: row.Seqcache, Cycle: row.Seqcycle})
	if err != nil {
		return 0, err
	}
	if row.Seqcache > 1 {
		if st.Cached == nil {
			st.Cached = map[ids.Oid]session.CachedRange{}
		}
		st.Cached[oid] = session.CachedRange{Next: first, Last: last, Increment: row.Seqincrement}
	}
	st.Last[oid], st.LastID = first, oid
	return first, nil
}

func currVal(c *functions.Call) (types.Datum, error) {
	s, err := sessionOf(c)
	if err != nil {
		return types.Null, err
	}
	oid := c.Args[0].Oid()
	r, err := openSequence(s, oid, sequenceLock, catalog.AclSelect, catalog.AclUsage)
	if err != nil {
		return types.Null, err
	}
	v, ok := s.Sequences.Last[oid]
	if !ok {
		return types.Null, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "currval of sequence %q is not yet defined in this session", r.Name)
	}
	return types.Int(v), nil
}

func lastVal(c *functions.Call) (types.Datum, error) {
	s, err := sessionOf(c)
	if err != nil {
		return types.Null, err
	}
	notYet := func() error {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "lastval is not yet defined in this session")
	}
	id := s.Sequences.LastID
	if id == 0 {
		return types.Null, notYet()
	}
	if r, err := s.Cat.Relation(id); err != nil {
		return types.Null, err
	} else if r == nil {
		return types.Null, notYet()
	}
	if _, err := openSequence(s, id, sequenceLock, catalog.AclSelect, catalog.AclUsage); err != nil {
		return types.Null, err
	}
	return types.Int(s.Sequences.Last[id]), nil
}

func setVal(c *functions.Call, called bool) (types.Datum, error) {
	s, err := sessionOf(c)
	if err != nil {
		return types.Null, err
	}
	oid, v := c.Args[0].Oid(), c.Args[1].Int()
	r, err := openSequence(s, oid, sequenceLock, catalog.AclUpdate)
	if err != nil {
		return types.Null, err
	}
	if !r.IsTemp() && s.Tx.ReadOnly() {
		return types.Null, pgerr.New(pgerr.ReadOnlySqlTransaction, "cannot execute %s in a read-only transaction", "setval()")
	}
	row, err := s.Cat.Sequence(oid)
	if err != nil {
		return types.Null, err
	}
	if row == nil {
		return types.Null, pgerr.Internal("cache lookup failed for sequence %d", oid)
	}
	if v < row.Seqmin || v > row.Seqmax {
		return types.Null, pgerr.New(pgerr.NumericValueOutOfRange, "setval: value %d is out of bounds for sequence %q (%d..%d)",
			v, r.Name, row.Seqmin, row.Seqmax)
	}
	if err := sequence.Set(s.Tx, handle(s, r), v, called); err != nil {
		return types.Null, err
	}
	delete(s.Sequences.Cached, oid)
	if called {
		if s.Sequences.Last == nil {
			s.Sequences.Last = map[ids.Oid]int64{}
		}
		s.Sequences.Last[oid] = v
	}
	return types.Int(v), nil
}

func sequenceLastValue(c *functions.Call) (types.Datum, error) {
	s, err := sessionOf(c)
	if err != nil {
		return types.Null, err
	}
	r, err := openSequence(s, c.Args[0].Oid(), locks.AccessShare, catalog.AclSelect, catalog.AclUsage)
	if err != nil {
		return types.Null, err
	}
	st, err := sequence.Read(s.Tx, handle(s, r))
	if err != nil || !st.IsCalled {
		return types.Null, err
	}
	return types.Int(st.LastValue), nil
}

func sequenceParameters(c *functions.Call) (functions.RowSource, error) {
	s, err := sessionOf(c)
	if err != nil {
		return nil, err
	}
	r, err := openSequence(s, c.Args[0].Oid(), locks.NoLock, catalog.AclUpdate, catalog.AclUsage, catalog.AclSelect)
	if err != nil {
		return nil, err
	}
	row, err := s.Cat.Sequence(r.Oid)
	if err != nil {
		return nil, err
	}
	return oneRow(types.Int(row.Seqstart), types.Int(row.Seqmin), types.Int(row.Seqmax), types.Int(row.Seqincrement),
		types.Bool(row.Seqcycle), types.Int(row.Seqcache), types.OidDatum(row.Seqtypid)), nil
}

// rows is a RowSource of rows that are there already.
type rows struct {
	list [][]types.Datum
	next int
}

func oneRow(v ...types.Datum) *rows { return &rows{list: [][]types.Datum{v}} }

// Next implements functions.RowSource.
func (r *rows) Next(cols []types.Datum) (bool, error) {
	if r.next >= len(r.list) {
		return false, nil
	}
	copy(cols, r.list[r.next])
	r.next++
	return true, nil
}

// Close implements functions.RowSource.
func (r *rows) Close() {}
