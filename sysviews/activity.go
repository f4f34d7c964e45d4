package sysviews

import (
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/session"
	"gompho/stats"
	"gompho/types"
)

func activityEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "pg_stat_get_activity", Set: setOf(activity)},
		{Name: "pg_backend_pid", Scalar: scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) {
			return types.Int(int64(s.Slot.PID)), nil
		})},
		{Name: "pg_cancel_backend", Scalar: scalarOf(func(s *session.Session, a []types.Datum) (types.Datum, error) {
			return signal(s, int32(a[0].Int()), stats.CancelQuery)
		})},
		{Name: "pg_terminate_backend", Scalar: scalarOf(func(s *session.Session, a []types.Datum) (types.Datum, error) {
			return signal(s, int32(a[0].Int()), stats.Terminate)
		})},
		{Name: "pg_reload_conf", Scalar: scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) {
			return types.Bool(s.Ops.Reload() == nil), nil
		})},
		{Name: "pg_postmaster_start_time", Scalar: scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) { return timestamp(s.Start), nil })},
		{Name: "pg_conf_load_time", Scalar: scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) { return timestamp(s.ReloadAt()), nil })},
		{Name: "pg_is_in_recovery", Scalar: scalarOf(func(*session.Session, []types.Datum) (types.Datum, error) { return types.Bool(false), nil })},
		{Name: "pg_cursor", Set: setOf(cursors)},
		{Name: "pg_prepared_statement", Set: setOf(prepared)},
		{Name: "pg_prepared_xact", Set: setOf(preparedXacts)},
	}
}

// signal interrupts another session; nobody there is a WARNING.
func signal(s *session.Session, pid int32, i stats.Interrupt) (types.Datum, error) {
	target := s.Procs.ByPID(pid)
	if target == nil || !takesSignals(target.Activity.Snapshot().BackendType) {
		s.Warn(pgerr.WarningCode, "PID %d is not a PostgreSQL server process", pid)
		return types.Bool(false), nil
	}
	if super, err := s.Cat.IsSuperuser(s.User); err != nil {
		return types.Null, err
	} else if owner := target.Activity.Snapshot().User; !super && owner != s.User {
		what := "cancel another user's query"
		if i == stats.Terminate {
			what = "terminate another user's process"
		}
		return types.Null, pgerr.New(pgerr.InsufficientPrivilege, "must be a member of the role whose process is being %s", map[bool]string{true: "terminated", false: "canceled"}[i == stats.Terminate]).
			WithDetail("Not allowed to %s.", what)
	}
	return types.Bool(s.Ops.Signal(pid, i)), nil
}

// takesSignals reports whether a process can be cancelled and terminated by users; the others are the server's own.
func takesSignals(backendType string) bool {
	return backendType == "client backend" || backendType == "parallel worker" || backendType == "autovacuum worker" || backendType == "autovacuum launcher"
}

// activity lists the columns of pg_stat_get_activity.
func activity(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	only := int32(0)
	if len(c.Args) > 0 && !c.Args[0].IsNull() {
		only = int32(c.Args[0].Int())
	}
	byPID := map[int32]mvcc.ProcInfo{}
	for _, p := range s.Server.Mvcc.Procs() {
		byPID[p.PID] = p
	}
	w, err := newWatcher(s)
	if err != nil {
		return nil, err
	}
	var out [][]types.Datum
	for _, slot := range s.Procs.All() {
		if only != 0 && slot.PID != only {
			continue
		}
		a := slot.Activity.Snapshot()
		row := make([]types.Datum, 30)
		for i := range row {
			row[i] = types.Null
		}
		class, event := slot.Waiting().Names()
		row[0] = oidOrNull(a.DB)
		row[1] = types.Int(int64(slot.PID))
		row[2] = oidOrNull(a.User)
		row[3] = types.String(a.Application)
		if p, ok := byPID[slot.PID]; ok {
			row[15], row[16] = xidOrNull(p.Xid), xidOrNull(p.Xmin)
		}
		if !w.sees(a.User) {
			row[5] = types.String(hidden)
			out = append(out, row)
			continue
		}
		if slot.Leader != 0 {
			row[28] = types.Int(int64(slot.Leader))
		}
		if a.BackendType == "autovacuum worker" || a.BackendType == "parallel worker" {
			row[4], row[5] = text(a.State), types.String(a.Query)
		} else if a.BackendType == "client backend" {
			row[4], row[5] = text(a.State), types.String(a.Query)
			row[12], row[13], row[14] = address(a.Client), text(a.ClientHost), types.Int(-1)
			if a.Client.IsValid() {
				row[14] = port(a.Client)
			}
		} else {
			row[5] = types.String("")
		}
		row[6], row[7] = text(class), text(event)
		row[8], row[9], row[10], row[11] = timestamp(a.XactStart), timestamp(a.QueryStart), timestamp(a.BackendStart), timestamp(a.StateChange)
		if a.QueryID != 0 {
			row[29] = types.Int(a.QueryID)
		}
		row[17] = types.String(a.BackendType)
		row[18], row[25], row[27] = types.Bool(false), types.Bool(false), types.Bool(false)
		out = append(out, row)
	}
	return out, nil
}

func oidOrNull(o ids.Oid) types.Datum {
	if o == 0 {
		return types.Null
	}
	return types.OidDatum(o)
}

func xidOrNull(x ids.Xid) types.Datum {
	if x == 0 {
		return types.Null
	}
	return types.Word(uint64(uint32(x)))
}

func cursors(s *session.Session, _ *functions.Call) (out [][]types.Datum, err error) {
	for _, c := range s.Cursors() {
		out = append(out, []types.Datum{types.String(c.Name), types.String(c.Statement), types.Bool(c.Holdable), types.Bool(c.Binary), types.Bool(c.Scroll), timestamp(c.Created)})
	}
	return out, nil
}

// preparedXacts lists the columns of pg_prepared_xact.
func preparedXacts(s *session.Session, _ *functions.Call) (out [][]types.Datum, err error) {
	for _, p := range s.Tx.Manager().Prepared() {
		out = append(out, []types.Datum{xidOrNull(p.Xid), types.String(p.Gid), timestamp(p.At), types.OidDatum(p.Owner), types.OidDatum(p.DB)})
	}
	return out, nil
}

func prepared(s *session.Session, _ *functions.Call) (out [][]types.Datum, err error) {
	for _, p := range s.Prepared() {
		a := types.Array{Elem: 2206}
		for _, t := range p.ParamTypes {
			a.Elems = append(a.Elems, types.OidDatum(t))
		}
		if len(a.Elems) > 0 {
			a.Dims, a.Lbounds = []int32{int32(len(a.Elems))}, []int32{1}
		}
		out = append(out, []types.Datum{types.String(p.Name), types.String(p.Statement), timestamp(p.Time), a.Encode(types.Builtin(2206)),
			types.Bool(p.FromSQL), types.Int(p.Generic), types.Int(p.Custom)})
	}
	return out, nil
}
