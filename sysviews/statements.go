package sysviews

import (
	"strconv"

	"gompho/functions"
	"gompho/session"
	"gompho/stats"
	"gompho/types"
)

func statementEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "pg_stat_statements_1_10", Set: setOf(statements)},
		{Name: "pg_stat_statements_info", Set: setOf(statementsInfo)},
		{Name: "pg_stat_statements_reset_1_7", Scalar: in(func(s *session.Session, c *functions.Call) (types.Datum, error) {
			if s.Statements != nil {
				s.Statements.Reset(c.Args[0].Oid(), c.Args[1].Oid(), c.Args[2].Int())
			}
			return void, nil
		})},
	}
}

// statements lists the columns of pg_stat_statements(showtext).
func statements(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	if s.Statements == nil {
		return nil, nil
	}
	w, err := newWatcher(s)
	if err != nil {
		return nil, err
	}
	showText := c.Args[0].Bool()
	list := s.Statements.Rows()
	out := make([][]types.Datum, len(list))
	for i := range list {
		if out[i], err = statementRow(&list[i], showText, w.all || list[i].Key.User == s.User); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func statementRow(e *stats.StatementRow, showText, sees bool) ([]types.Datum, error) {
	id, query := types.Int(e.Key.ID), types.Null
	switch {
	case !sees:
		id = types.Null
		if showText {
			query = types.String(hidden)
		}
	case showText:
		query = types.String(e.Text)
	}
	row := []types.Datum{types.OidDatum(e.Key.User), types.OidDatum(e.Key.DB), types.Bool(e.Key.TopLevel), id, query}
	summary := func(n int64, t *stats.TimeSummary) {
		row = append(row, types.Int(n))
		for _, ms := range []float64{t.Total, t.Min, t.Max, t.Mean, t.Stddev(n)} {
			row = append(row, types.Float(ms))
		}
	}
	summary(e.Plans, &e.Planning)
	summary(e.Calls, &e.Exec)
	u := &e.Use
	for _, n := range []int64{u.Rows, u.SharedHit, u.SharedRead, u.SharedDirtied, u.SharedWritten, u.LocalHit, u.LocalRead, u.LocalDirtied, u.LocalWritten,
		u.TempRead, u.TempWritten} {
		row = append(row, types.Int(n))
	}
	bytes, err := types.Input(types.DefaultEnv, types.Builtin(1700), strconv.FormatInt(u.WALBytes, 10), -1)
	zero := types.Float(0)
	row = append(row, types.Float(u.ReadMS), types.Float(u.WriteMS), types.Float(u.TempReadMS), types.Float(u.TempWriteMS), types.Int(u.WALRecords), types.Int(u.WALImages), bytes)
	for range 4 { // there is no just-in-time compilation: functions, inlining, optimization, emission
		row = append(row, types.Int(0), zero)
	}
	return row, err
}

// statementsInfo is the row of pg_stat_statements_info.
func statementsInfo(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	if s.Statements == nil {
		return nil, nil
	}
	n, at := s.Statements.Info()
	return [][]types.Datum{{types.Int(n), timestamp(at.Time())}}, nil
}
