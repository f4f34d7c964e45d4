package sysviews

import (
	"gompho/functions"
	"gompho/session"
	"gompho/types"
)

// backendColumns are the functions of one process, by what follows pg_stat_get_backend_, with its column of pg_stat_get_activity.
var backendColumns = map[string]int{
	"dbid": 0, "pid": 1, "userid": 2, "activity": 5, "wait_event_type": 6, "wait_event": 7, "xact_start": 8, "activity_start": 9, "start": 10,
	"client_addr": 12, "client_port": 14,
}

// backendEntries lists the functions of one process, whose number is its place in pg_stat_get_activity, from 1.
func backendEntries() []functions.Entry {
	out := []functions.Entry{{Name: "pg_stat_get_backend_idset", Set: setOf(backendNumbers)}}
	for name, column := range backendColumns {
		out = append(out, functions.Entry{Name: "pg_stat_get_backend_" + name, Scalar: in(func(s *session.Session, c *functions.Call) (types.Datum, error) {
			return backendColumn(s, c.Args[0].Int(), column)
		})})
	}
	return out
}

func backendNumbers(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	rows, err := activity(s, &functions.Call{})
	for i := range rows {
		rows[i] = []types.Datum{types.Int(int64(i + 1))}
	}
	return rows, err
}

func backendColumn(s *session.Session, number int64, column int) (types.Datum, error) {
	rows, err := activity(s, &functions.Call{})
	if err != nil {
		return types.Null, err
	}
	shows := column >= 5 && column <= 7 // says why it has nothing to say
	switch {
	case number >= 1 && number <= int64(len(rows)):
		row := rows[number-1]
		if shows && row[5].Str() == hidden {
			return row[5], nil
		}
		return row[column], nil
	case shows:
		return types.String("<backend information not available>"), nil
	}
	return types.Null, nil
}
