package sysviews

import (
	"math"

	"gompho/functions"
	"gompho/internal/ids"
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
			return types.Int(int64(int32(uint32(now) - x))), nil
		})},
		{Name: "mxid_age", Scalar: scalarOf(func(s *session.Session, args []types.Datum) (types.Datum, error) {
			x := uint32(args[0].Word())
			if x == 0 {
				return types.Int(math.MaxInt32), nil
			}
			return types.Int(int64(int32(uint32(s.Server.Mvcc.NextMulti()) - x))), nil
		})},
	}
}
