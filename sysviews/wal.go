package sysviews

import (
	"io/fs"
	"path/filepath"
	"time"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/stats"
	"gompho/types"
	"gompho/wal"
	"gompho/wal/archive"
)

// walEntries are the functions of the log: where it is, its files, what is archived.
func walEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "pg_current_wal_lsn", Scalar: walPosition(func(s *session.Session) ids.LSN { return s.Ops.WalFlushed() })},
		{Name: "pg_current_wal_flush_lsn", Scalar: walPosition(func(s *session.Session) ids.LSN { return s.Ops.WalFlushed() })},
		{Name: "pg_current_wal_insert_lsn", Scalar: walPosition(func(s *session.Session) ids.LSN { return s.Ops.WalInserted() })},
		{Name: "pg_switch_wal", Scalar: walPosition(func(s *session.Session) ids.LSN { return s.Ops.SwitchWal() })},
		{Name: "pg_create_restore_point", Scalar: in(restorePoint)},
		{Name: "pg_walfile_name", Scalar: in(func(s *session.Session, c *functions.Call) (types.Datum, error) {
			name, _ := walFile(s, c.Args[0].Word())
			return types.String(name), nil
		})},
		rowOf("pg_walfile_name_offset", []ids.Oid{types.TextOid, types.Int4Oid}, func(s *session.Session, c *functions.Call) ([]types.Datum, error) {
			name, offset := walFile(s, c.Args[0].Word())
			return []types.Datum{types.String(name), types.Int(offset)}, nil
		}),
		{Name: "pg_backup_start", Scalar: in(func(s *session.Session, c *functions.Call) (types.Datum, error) {
			at, err := s.Ops.StartBackup(s.Slot, c.Args[0].Str(), c.Args[1].Bool())
			return types.Word(uint64(at)), err
		})},
		rowOf("pg_backup_stop", []ids.Oid{types.PgLsnOid, types.TextOid, types.TextOid}, func(s *session.Session, c *functions.Call) ([]types.Datum, error) {
			b, err := s.Ops.StopBackup(s.Slot, c.Args[0].Bool(), s.Notice)
			return []types.Datum{types.Word(uint64(b.Stop)), types.String(b.Label), types.String("")}, err // there are no tablespaces to map
		}),
		{Name: "pg_last_wal_receive_lsn", Scalar: null},
		{Name: "pg_last_wal_replay_lsn", Scalar: scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) {
			if s.Ops.WalReplayed == 0 {
				return types.Null, nil
			}
			return types.Word(uint64(s.Ops.WalReplayed)), nil
		})},
		{Name: "pg_wal_replay_pause", Scalar: notInRecovery}, {Name: "pg_wal_replay_resume", Scalar: notInRecovery},
		{Name: "pg_is_wal_replay_paused", Scalar: notInRecovery}, {Name: "pg_get_wal_replay_pause_state", Scalar: notInRecovery},
		{Name: "pg_promote", Scalar: notInRecovery},
		{Name: "pg_ls_waldir", Set: setOf(func(s *session.Session, _ *functions.Call) ([][]types.Datum, error) { return listWal(s, "") })},
		{Name: "pg_ls_archive_statusdir", Set: setOf(func(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
			return listWal(s, archive.StatusDir)
		})},
		{Name: "pg_ls_tmpdir_noargs", Set: setOf(listTemp)}, {Name: "pg_ls_tmpdir_1arg", Set: setOf(listTemp)},
		{Name: "pg_stat_get_archiver", Set: setOf(archiverRow)},
	}
}

// rowOf is a function that returns one row, as a row source or as a value.
func rowOf(name string, columns []ids.Oid, f func(s *session.Session, c *functions.Call) ([]types.Datum, error)) functions.Entry {
	set := setOf(func(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
		row, err := f(s, c)
		return [][]types.Datum{row}, err
	})
	scalar := in(func(s *session.Session, c *functions.Call) (types.Datum, error) {
		row, err := f(s, c)
		if err != nil {
			return types.Null, err
		}
		return types.Record{Type: types.RecordOid, Typmod: -1, Types: columns, Vals: row}.Encode(), nil
	})
	return functions.Entry{Name: name, Set: set, Scalar: scalar}
}

func walPosition(f func(s *session.Session) ids.LSN) functions.Scalar {
	return scalarOf(func(s *session.Session, _ []types.Datum) (types.Datum, error) { return types.Word(uint64(f(s))), nil })
}

// walFile returns the name of the segment that a position is in, and where in it: a position at a boundary belongs to the segment before, at 0.
func walFile(s *session.Session, at uint64) (string, int64) {
	timeline, size := s.Ops.WalSegment()
	return wal.SegmentName(timeline, (at-1)/size, int(size)), int64(at % size)
}

// notInRecovery is a function for sessions during recovery: there are none.
func notInRecovery(*functions.Call) (types.Datum, error) {
	return types.Null, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "recovery is not in progress").
		WithHint("Recovery control functions can only be executed during recovery.")
}

// maxRestorePoint is the longest name of a restore point, in bytes.
const maxRestorePoint = 63

func restorePoint(s *session.Session, c *functions.Call) (types.Datum, error) {
	if s.Config.Get("wal_level").Text == "minimal" {
		return types.Null, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "WAL level not sufficient for creating a restore point").
			WithHint("wal_level must be set to \"replica\" or \"logical\" at server start.")
	}
	name := c.Args[0].Str()
	if len(name) > maxRestorePoint {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "value too long for restore point (maximum %d characters)", maxRestorePoint)
	}
	at, err := s.Ops.RestorePoint(s.Slot, name)
	return types.Word(uint64(at)), err
}

// archiverRow is the row of pg_stat_archiver.
func archiverRow(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	all := counters(s).SeeFixed(stats.KindArchiver)
	row := make([]types.Datum, 0, 7)
	for _, a := range []stats.Archived{all.Done, all.Failed} {
		name, at := types.Null, types.Null
		if a.At != 0 {
			name, at = types.String(a.FileName()), timestamp(a.At.Time())
		}
		row = append(row, types.Int(a.Count), name, at)
	}
	return [][]types.Datum{append(row, timestamp(all.ResetAt[stats.KindArchiver].Time()))}, nil
}

// listWal lists the files of pg_wal, or of a directory in it: name, size, time of the last change.
func listWal(s *session.Session, dir string) ([][]types.Datum, error) {
	list, err := s.Ops.ListWal(dir)
	if err != nil {
		return nil, pgerr.Wrap(err, pgerr.IoError, "could not open directory \"%s\": %v", filepath.Join("pg_wal", dir), err)
	}
	return fileRows(list), nil
}

// listTemp lists the temporary files of a tablespace, all of which are in the default one.
func listTemp(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	if spc := ids.DefaultTablespace; len(c.Args) > 0 && c.Args[0].Oid() != spc {
		if row, err := s.Cat.Tablespace(c.Args[0].Oid()); err != nil || row == nil {
			if err == nil {
				err = pgerr.New(pgerr.UndefinedObject, "tablespace with OID %d does not exist", c.Args[0].Oid())
			}
			return nil, err
		}
		return nil, nil
	}
	list, err := s.Ops.ListTemp()
	return fileRows(list), err
}

func fileRows(list []fs.FileInfo) (out [][]types.Datum) {
	for _, f := range list {
		out = append(out, []types.Datum{types.String(f.Name()), types.Int(f.Size()), timestamp(f.ModTime().Truncate(time.Second))})
	}
	return out
}
