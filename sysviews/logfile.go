package sysviews

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gompho/functions"
	"gompho/internal/pgerr"
	"gompho/logger"
	"gompho/session"
	"gompho/types"
)

// logEntries are the functions of the server log's files.
func logEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "pg_rotate_logfile_v2", Scalar: in(func(s *session.Session, _ *functions.Call) (types.Datum, error) { return rotateLog(s), nil })},
		{Name: "pg_rotate_logfile", Scalar: in(func(s *session.Session, _ *functions.Call) (types.Datum, error) {
			if super, err := s.Cat.IsSuperuser(s.User); err != nil || !super {
				return types.Null, errors.Join(err, pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to rotate log files with adminpack 1.0").
					WithHint("Consider using %s, which is part of core, instead.", "pg_logfile_rotate()"))
			}
			return rotateLog(s), nil
		})},
		{Name: "pg_current_logfile", Scalar: in(currentLog)},
		{Name: "pg_current_logfile_1arg", Scalar: in(currentLog)},
		{Name: "pg_ls_logdir", Set: setOf(listLogs)},
	}
}

func rotateLog(s *session.Session) types.Datum {
	if !s.Ops.RotateLog() {
		s.Warn(pgerr.WarningCode, "rotation not possible because log collection not active")
		return types.Bool(false)
	}
	return types.Bool(true)
}

// currentLog names the file that the log is written to.
func currentLog(s *session.Session, c *functions.Call) (types.Datum, error) {
	form := ""
	if len(c.Args) > 0 && !c.Args[0].IsNull() {
		if form = c.Args[0].Str(); form == "" {
			form = " " // there is no such form either
		}
	}
	name, err := logger.Current(s.Ops.DataDirectory, form)
	if err != nil || name == "" {
		return types.Null, err
	}
	return types.String(name), nil
}

// listLogs lists log_directory: name, size, time of the last change.
func listLogs(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	dir := s.Config.Get("log_directory").Text
	at := dir
	if !filepath.IsAbs(at) {
		at = filepath.Join(s.Ops.DataDirectory, at)
	}
	entries, err := os.ReadDir(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, pgerr.New(pgerr.UndefinedFile, "could not open directory \"%s\": No such file or directory", dir)
	case err != nil:
		return nil, pgerr.New(pgerr.IoError, "could not open directory \"%s\": %v", dir, err)
	}
	var out [][]types.Datum
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		out = append(out, []types.Datum{types.String(e.Name()), types.Int(info.Size()), timestamp(info.ModTime().Truncate(time.Second))})
	}
	return out, nil
}
