package sysviews

import (
	"slices"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/session"
	"gompho/ssi"
	"gompho/types"
)

func lockEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "pg_lock_status", Set: setOf(lockStatus)},
		{Name: "pg_blocking_pids", Scalar: scalarOf(func(s *session.Session, a []types.Datum) (types.Datum, error) {
			return pidArray(s.Server.Locks.BlockingPIDs(int32(a[0].Int()))), nil
		})},
		{Name: "pg_safe_snapshot_blocking_pids", Scalar: scalarOf(func(s *session.Session, a []types.Datum) (types.Datum, error) {
			return pidArray(s.Tx.Manager().Ssi().BlockingPIDs(int32(a[0].Int()))), nil
		})},
		{Name: "gompho_get_lock_tree", Set: setOf(lockTreeRows)},
		{Name: "gompho_get_lock_waits", Set: setOf(lockWaits)},
		{Name: "gompho_get_deadlocks", Set: setOf(deadlocks)},
		{Name: "pgrowlocks", Set: setOf(rowLocks)},
		{Name: "pg_isolation_test_session_is_blocked", Scalar: scalarOf(sessionIsBlocked)},
	}
}

func pidArray(pids []int32) types.Datum {
	a := types.Array{Elem: 23}
	for _, p := range pids {
		a.Elems = append(a.Elems, types.Int(int64(p)))
	}
	if len(a.Elems) > 0 {
		a.Dims, a.Lbounds = []int32{int32(len(a.Elems))}, []int32{1}
	}
	return a.Encode(types.Builtin(23))
}

// sessionIsBlocked tells whether a session waits for one of others, which is how isolationtester finds out.
func sessionIsBlocked(s *session.Session, a []types.Datum) (types.Datum, error) {
	others := types.DecodeArray(a[1], types.Builtin(23)).Elems
	for _, p := range s.Server.Locks.BlockingPIDs(int32(a[0].Int())) {
		if slices.ContainsFunc(others, func(d types.Datum) bool { return int32(d.Int()) == p }) {
			return types.Bool(true), nil
		}
	}
	// Who waits for a safe snapshot waits for whichever sessions write.
	return types.Bool(len(s.Tx.Manager().Ssi().BlockingPIDs(int32(a[0].Int()))) > 0), nil
}

// lockStatus lists the columns of pg_locks.
func lockStatus(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	var out [][]types.Datum
	for _, r := range s.Server.Locks.Snapshot() {
		row := make([]types.Datum, 16)
		for i := range row {
			row[i] = types.Null
		}
		row[0] = types.String(r.Tag.Kind().String())
		lockTarget(row, r.Tag)
		row[10] = text(r.Vxid.String())
		row[11] = pidOrNull(r.PID)
		row[12] = types.String(r.Mode.String())
		row[13], row[14] = types.Bool(r.Granted), types.Bool(r.FastPath)
		if !r.Granted {
			row[15] = timestamp(r.WaitStart)
		}
		out = append(out, row)
	}
	for _, r := range s.Tx.Manager().Ssi().Snapshot() {
		out = append(out, predicateRow(r))
	}
	return out, nil
}

// pidOrNull shows a process; prepared transactions have none.
func pidOrNull(pid int32) types.Datum {
	if pid == 0 {
		return types.Null
	}
	return types.Int(int64(pid))
}

// predicateRow shows a predicate lock.
func predicateRow(r ssi.Row) []types.Datum {
	row := make([]types.Datum, 16)
	for i := range row {
		row[i] = types.Null
	}
	kind := locks.KindRelation
	row[1], row[2] = types.OidDatum(r.DB), types.OidDatum(r.Oid)
	if !r.IsRelation() {
		kind = locks.KindPage
		row[3] = types.Int(int64(r.Block))
	}
	if r.IsTuple() {
		kind = locks.KindTuple
		row[4] = types.Int(int64(r.Offset))
	}
	row[0] = types.String(kind.String())
	row[10], row[11] = text(r.Vxid.String()), pidOrNull(r.PID)
	row[12] = types.String("SIReadLock")
	row[13], row[14] = types.Bool(true), types.Bool(false)
	return row
}

// lockTarget fills the columns that tell what is locked: database 1, relation 2, page 3, tuple 4, virtualxid 5, transactionid 6,
// classid 7, objid 8, objsubid 9.
func lockTarget(row []types.Datum, t locks.Tag) {
	switch t.Kind() {
	case locks.KindRelation, locks.KindExtend:
		row[1], row[2] = types.OidDatum(t.DB()), types.OidDatum(t.Rel())
	case locks.KindPage:
		row[1], row[2], row[3] = types.OidDatum(t.DB()), types.OidDatum(t.Rel()), types.Int(int64(t.Block()))
	case locks.KindTuple:
		row[1], row[2] = types.OidDatum(t.DB()), types.OidDatum(t.Rel())
		row[3], row[4] = types.Int(int64(t.TID().Block)), types.Int(int64(t.TID().Offset))
	case locks.KindTransaction:
		row[6] = types.Word(uint64(uint32(t.Xid())))
	case locks.KindVirtualXid:
		row[5] = types.String(t.Vxid().String())
	case locks.KindSpecToken:
		row[6], row[8] = types.Word(uint64(uint32(t.Xid()))), types.Word(uint64(t.Token()))
	case locks.KindFrozenIDs:
		row[1] = types.OidDatum(t.DB())
	default:
		row[1] = types.OidDatum(t.DB())
		row[7], row[8], row[9] = types.OidDatum(ids.Oid(t.ClassID())), types.OidDatum(ids.Oid(t.ObjID())), types.Int(int64(t.ObjSubID()))
	}
}
