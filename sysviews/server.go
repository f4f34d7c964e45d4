package sysviews

import (
	"fmt"
	"net/netip"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/session"
	"gompho/types"
)

// in makes a scalar function of one over the session.
func in(f func(s *session.Session, c *functions.Call) (types.Datum, error)) functions.Scalar {
	return func(c *functions.Call) (types.Datum, error) {
		s, err := sessionOf(c)
		if err != nil {
			return types.Null, err
		}
		return f(s, c)
	}
}

func serverEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "pg_last_xact_replay_timestamp", Scalar: null},
		{Name: "pg_wal_lsn_diff", Scalar: in(func(_ *session.Session, c *functions.Call) (types.Datum, error) {
			return types.Input(types.DefaultEnv, types.Builtin(1700), fmt.Sprint(int64(c.Args[0].Word()-c.Args[1].Word())), -1)
		})},
		{Name: "pg_stat_get_db_numbackends", Scalar: in(backends)},
		{Name: "pg_xact_status", Scalar: in(xactStatus)},
		{Name: "pg_xact_commit_timestamp", Scalar: in(func(*session.Session, *functions.Call) (types.Datum, error) {
			return types.Null, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "could not get commit timestamp data").
				WithHint("Make sure the configuration parameter %q is set.", "track_commit_timestamp")
		})},
		{Name: "pg_trigger_depth", Scalar: in(func(*session.Session, *functions.Call) (types.Datum, error) { return types.Int(0), nil })},
		{Name: "pg_notification_queue_usage", Scalar: in(func(*session.Session, *functions.Call) (types.Datum, error) { return types.Float(0), nil })},
		{Name: "pg_listening_channels", Set: noRows},
		{Name: "inet_client_addr", Scalar: in(func(s *session.Session, _ *functions.Call) (types.Datum, error) {
			return address(s.Slot.Activity.Snapshot().Client), nil
		})},
		{Name: "inet_client_port", Scalar: in(func(s *session.Session, _ *functions.Call) (types.Datum, error) {
			return port(s.Slot.Activity.Snapshot().Client), nil
		})},
		{Name: "inet_server_addr", Scalar: in(func(s *session.Session, _ *functions.Call) (types.Datum, error) {
			return address(s.Slot.Activity.Snapshot().Server), nil
		})},
		{Name: "inet_server_port", Scalar: in(func(s *session.Session, _ *functions.Call) (types.Datum, error) {
			return port(s.Slot.Activity.Snapshot().Server), nil
		})},
		{Name: "pg_collation_actual_version", Scalar: null},
		{Name: "pg_database_collation_actual_version", Scalar: null},
		{Name: "pg_get_replica_identity_index", Scalar: in(replicaIdentity)},
		{Name: "pg_get_multixact_members", Set: multiMembers},
	}
}

// void is what functions return that return nothing.
var void = types.String("")

// address is one end of a TCP connection as inet, port its port; NULL for Unix sockets.
func address(a netip.AddrPort) types.Datum {
	if !a.IsValid() {
		return types.Null
	}
	return types.InetOf(a.Addr())
}

func port(a netip.AddrPort) types.Datum {
	if !a.IsValid() {
		return types.Null
	}
	return types.Int(int64(a.Port()))
}

// backends counts the sessions of a database.
func backends(s *session.Session, c *functions.Call) (types.Datum, error) {
	n := int64(0)
	for _, p := range s.Procs.All() {
		if a := p.Activity.Snapshot(); a.DB == c.Args[0].Oid() && a.BackendType == "client backend" {
			n++
		}
	}
	return types.Int(n), nil
}

func null(*functions.Call) (types.Datum, error) { return types.Null, nil }

func noRows(*functions.Call) (functions.RowSource, error) { return &rows{}, nil }

func xactStatus(s *session.Session, c *functions.Call) (types.Datum, error) {
	x := ids.Xid(c.Args[0].Word())
	if x >= s.Mvcc.NextXid() {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "transaction ID %d is in the future", uint64(x))
	}
	if x < s.Mvcc.OldestXid() && x > 2 {
		return types.Null, nil
	}
	if s.Mvcc.IsInProgress(x) {
		return types.String("in progress"), nil
	}
	if x <= 2 || s.Mvcc.Status(x) == mvcc.Committed {
		return types.String("committed"), nil
	}
	return types.String("aborted"), nil
}

func replicaIdentity(s *session.Session, c *functions.Call) (types.Datum, error) {
	r, err := s.Cat.Relation(c.Args[0].Oid())
	if r == nil || err != nil {
		return types.Null, err
	}
	o := r.ReplicaIndex
	if r.ReplIdent == 'd' {
		o = r.PrimaryKey
	}
	if o == 0 {
		return types.Null, nil
	}
	return types.OidDatum(o), nil
}

func multiMembers(c *functions.Call) (functions.RowSource, error) {
	s, err := sessionOf(c)
	if err != nil {
		return nil, err
	}
	list, err := s.Mvcc.MultiMembers(ids.MultiXactID(c.Args[0].Int()))
	if err != nil {
		return nil, err
	}
	out := &rows{}
	for _, m := range list {
		out.list = append(out.list, []types.Datum{types.Int(int64(uint32(m.Xid))), types.String(fmt.Sprint(m.Status))})
	}
	return out, nil
}
