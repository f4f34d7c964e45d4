package sysviews

import (
	"math"
	"slices"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/types"
)

func xactEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "pg_current_xact_id", Scalar: scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) {
			x, err := s.Tx.AssignTopXid()
			return types.Word(uint64(x)), err
		})},
		{Name: "pg_current_xact_id_if_assigned", Scalar: scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) {
			if x := s.Tx.TopXid(); x != 0 {
				return types.Word(uint64(x)), nil
			}
			return types.Null, nil
		})},
		{Name: "pg_current_snapshot", Scalar: scalarOf(currentSnapshot)},
		{Name: "pg_snapshot_xmin", Scalar: snapshotPart(func(s *types.Snapshot) uint64 { return s.Xmin })},
		{Name: "pg_snapshot_xmax", Scalar: snapshotPart(func(s *types.Snapshot) uint64 { return s.Xmax })},
		{Name: "pg_snapshot_xip", Set: snapshotXip},
		{Name: "pg_visible_in_snapshot", Scalar: visibleInSnapshot},
		{Name: "pg_export_snapshot", Scalar: scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) {
			name, err := s.Tx.Export()
			return types.String(name), err
		})},
		{Name: "xid_age", Scalar: scalarOf(func(s *session.Session, args []types.Datum) (types.Datum, error) {
			x := uint32(args[0].Word())
			if x < uint32(ids.FirstNormalXid) {
				return types.Int(math.MaxInt32), nil
			}
			now := s.Tx.TopXid()
			if now == 0 {
				now = s.Server.Mvcc.NextXid()
			}
			return types.Int(ageOf(uint32(now), x)), nil
		})},
		{Name: "mxid_age", Scalar: scalarOf(func(s *session.Session, args []types.Datum) (types.Datum, error) {
			x := uint32(args[0].Word())
			if x == 0 {
				return types.Int(math.MaxInt32), nil
			}
			return types.Int(ageOf(uint32(s.Server.Mvcc.NextMulti()), x)), nil
		})},
	}
}

// currentSnapshot is pg_current_snapshot.
func currentSnapshot(s *session.Session, _ []types.Datum) (types.Datum, error) {
	snap := s.Tx.Active()
	if snap == nil {
		return types.Null, pgerr.Internal("no active snapshot set")
	}
	out := types.Snapshot{Xmin: uint64(snap.Xmin), Xmax: uint64(snap.Xmax)}
	for _, x := range snap.Xip {
		if s.Tx.Manager().TopXid(x) == x && !s.Tx.IsCurrent(x) {
			out.Xip = append(out.Xip, uint64(x))
		}
	}
	return out.Datum(), nil
}

func snapshotPart(part func(*types.Snapshot) uint64) functions.Scalar {
	return func(c *functions.Call) (types.Datum, error) {
		s, _ := types.ParseSnapshot(c.Args[0].Str())
		return types.Word(part(&s)), nil
	}
}

// snapshotXip is pg_snapshot_xip.
func snapshotXip(c *functions.Call) (functions.RowSource, error) {
	s, _ := types.ParseSnapshot(c.Args[0].Str())
	out := &rows{}
	for _, x := range s.Xip {
		out.list = append(out.list, []types.Datum{types.Word(x)})
	}
	return out, nil
}

// visibleInSnapshot is pg_visible_in_snapshot(xid8, pg_snapshot).
func visibleInSnapshot(c *functions.Call) (types.Datum, error) {
	x := c.Args[0].Word()
	s, _ := types.ParseSnapshot(c.Args[1].Str())
	_, running := slices.BinarySearch(s.Xip, x)
	return types.Bool(x < s.Xmin || x < s.Xmax && !running), nil
}

// ageOf returns how long before now an id was, by the low halves of both. An id may be some way ahead of a transaction's own, but not half a billion:
// such a one is from before the ids passed 2^31 from it, older than the result can say.
func ageOf(now, x uint32) int64 {
	if d := int64(int32(now - x)); d > -1<<29 {
		return d
	}
	return math.MaxInt32
}
