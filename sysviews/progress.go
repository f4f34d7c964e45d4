package sysviews

import (
	"strings"

	"gompho/functions"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/stats"
	"gompho/types"
)

// progressCommands are the names that pg_stat_get_progress_info takes.
var progressCommands = map[string]stats.ProgressCommand{"VACUUM": stats.ProgressVacuum, "ANALYZE": stats.ProgressAnalyze, "CLUSTER": stats.ProgressCluster,
	"CREATE INDEX": stats.ProgressCreateIndex, "BASEBACKUP": stats.ProgressBaseBackup, "COPY": stats.ProgressCopy}

func progressEntries() []functions.Entry {
	return []functions.Entry{{Name: "pg_stat_get_progress_info", Set: progressInfo}, {Name: "pg_indexam_progress_phasename", Scalar: buildPhase},
		{Name: "gompho_backup_progress", Scalar: in(backupProgress)}}
}

// progressInfo is pg_stat_get_progress_info. Of the processes of others who may not look there is the pid and the database only.
func progressInfo(c *functions.Call) (functions.RowSource, error) {
	s, err := sessionOf(c)
	if err != nil {
		return nil, err
	}
	name := c.Args[0].Str()
	want, ok := progressCommands[strings.ToUpper(name)]
	if !ok {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid command name: \"%s\"", name)
	}
	w, err := newWatcher(s)
	if err != nil {
		return nil, err
	}
	out := &rows{}
	for _, slot := range s.Procs.All() {
		now := slot.ProgressNow()
		if now.Command != want {
			continue
		}
		a := slot.Activity.Snapshot()
		row := make([]types.Datum, 3+stats.ProgressParams)
		for i := range row {
			row[i] = types.Null
		}
		row[0], row[1] = types.Int(int64(slot.PID)), types.OidDatum(a.DB)
		if w.sees(a.User) {
			row[2] = types.OidDatum(now.Rel)
			for i, v := range now.Params {
				row[3+i] = types.Int(v)
			}
		}
		out.list = append(out.list, row)
	}
	return out, nil
}

// backupProgress is gompho_backup_progress(phase, total, streamed, tablespaces, tablespaces_streamed): the session takes a base backup and tells how
// far it is, with the numbers of pg_stat_progress_basebackup; a negative phase says that it is over.
func backupProgress(s *session.Session, c *functions.Call) (types.Datum, error) {
	slot := s.Slot
	if c.Args[stats.BackupPhase].Int() < 0 {
		if slot.ShowsProgress(stats.ProgressBaseBackup) {
			slot.EndProgress()
		}
		return void, nil
	}
	if !slot.ShowsProgress(stats.ProgressBaseBackup) {
		slot.StartProgress(stats.ProgressBaseBackup, 0)
	}
	for param := stats.BackupTablespacesStreamed; param >= stats.BackupPhase; param-- { // the phase last, so that its numbers are there
		slot.SetProgress(stats.ProgressBaseBackup, param, c.Args[param].Int())
	}
	return void, nil
}

// buildPhase is pg_indexam_progress_phasename(access method, number).
func buildPhase(c *functions.Call) (types.Datum, error) {
	if c.Args[0].Oid() != btreeAm {
		return types.Null, nil
	}
	switch c.Args[1].Int() {
	case 1:
		return types.String("initializing"), nil
	case stats.IndexBuildTableScan:
		return types.String("scanning table"), nil
	case stats.IndexBuildSort:
		return types.String("sorting live tuples"), nil
	case stats.IndexBuildMerge:
		return types.String("sorting dead tuples"), nil
	case stats.IndexBuildLoad:
		return types.String("loading tuples in tree"), nil
	}
	return types.Null, nil
}
