package config

import (
	"errors"
	"strings"
)

// FileSetting is one line of the configuration files, as pg_file_settings shows it.
type FileSetting struct {
	Entry
	Applied bool   // it counts, or would after a reload
	Err     string // what is wrong with it; empty: nothing
}

// FileSettings reads the configuration files and tells what a reload would make of them. Nothing is changed.
func (s *Server) FileSettings() []FileSetting {
	entries, err := s.read()
	var fe *FileError
	if errors.As(err, &fe) {
		return []FileSetting{{Entry: Entry{File: fe.File, Line: fe.Line}, Err: "syntax error"}}
	}
	if err != nil {
		return []FileSetting{{Err: err.Error()}}
	}
	last := map[string]int{}
	for i, e := range entries {
		last[strings.ToLower(e.Name)] = i
	}
	out := make([]FileSetting, len(entries))
	cur, scratch := s.Values(), s.fresh()
	for i, e := range entries {
		f := FileSetting{Entry: e}
		d := s.Registry.Find(e.Name)
		switch {
		case d == nil && !IsCustomName(e.Name):
			f.Err = "unrecognized configuration parameter"
		case last[strings.ToLower(e.Name)] != i: // a later line wins
		case s.apply(scratch, e, SourceFile) != nil:
			f.Err = "setting could not be applied"
		case d != nil && d.Context == Postmaster && cur.At(d).Source != SourceCommandLine && scratch.At(d).Text != cur.At(d).Text:
			f.Err = "setting could not be applied"
		default:
			f.Applied = true
		}
		out[i] = f
	}
	return out
}
