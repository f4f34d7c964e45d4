package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"gompho/internal/pgerr"
)

// Source tells where a value came from, weakest first.
type Source uint8

const (
	SourceDefault Source = iota
	SourceDynamic        // a default that the server works out when it starts
	SourceFile
	SourceCommandLine
	SourceOverride
	SourceDatabase
	SourceUser
	SourceDatabaseUser
	SourceClient
	SourceSession
)

var sourceNames = [...]string{"default", "default", "configuration file", "command line", "override", "database", "user", "database user", "client", "session"}

// String returns the source as pg_settings.source has it.
func (s Source) String() string { return sourceNames[s] }

// Setting is a value with its origin.
type Setting struct {
	Value
	Source Source
	File   string
	Line   int
}

// Values are all values of a server at one time; they never change.
type Values struct {
	list   []Setting
	custom map[string]string // settings with dotted names, by lower-case name
	// PendingRestart lists settings whose new value waits for a restart.
	PendingRestart map[int]bool
}

// At returns the setting of a definition.
func (v *Values) At(d *Def) *Setting { return &v.list[d.Index] }

// Server holds the values of one server.
type Server struct {
	Registry *Registry
	Dir      string // data directory, "" when there is none yet
	cur      atomic.Pointer[Values]
	mu       sync.Mutex // one reload at a time
	cmdline  []Entry
	started  bool
}

// NewServer makes a server's settings with their boot values.
func NewServer(r *Registry) *Server {
	s := &Server{Registry: r}
	v := &Values{list: make([]Setting, len(r.Defs)), custom: map[string]string{}, PendingRestart: map[int]bool{}}
	for i, d := range r.Defs {
		val, err := d.Parse(d.Boot)
		if err != nil { // a boot value outside the checks, such as -1 for "automatic"
			val = Value{Text: d.Boot}
		}
		if !d.HasBoot && d.Type == String {
			val = Value{Null: true}
		}
		v.list[i].Value = val
	}
	s.cur.Store(v)
	return s
}

// Values returns the present values.
func (s *Server) Values() *Values { return s.cur.Load() }

// Override sets values that the server determines itself (data_directory, server_encoding ...).
func (s *Server) Override(pairs map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.cur.Load().clone()
	for name, text := range pairs {
		d := s.Registry.Find(name)
		if d == nil {
			return Unrecognized(name)
		}
		val, err := d.Parse(text)
		if err != nil {
			return err
		}
		src := SourceOverride
		if d.Context == Internal || name == "client_encoding" {
			src = SourceDynamic
		}
		v.list[d.Index] = Setting{Value: val, Source: src}
	}
	s.cur.Store(v)
	return nil
}

func (v *Values) clone() *Values {
	c := &Values{list: append([]Setting(nil), v.list...), custom: map[string]string{}, PendingRestart: map[int]bool{}}
	for k, x := range v.custom {
		c.custom[k] = x
	}
	for k := range v.PendingRestart {
		c.PendingRestart[k] = true
	}
	return c
}

// CommandLine notes the name=value pairs of the command line; they win over files.
func (s *Server) CommandLine(pairs []string) error {
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return pgerr.New(pgerr.SyntaxError, "-c %s requires a value", p)
		}
		s.cmdline = append(s.cmdline, Entry{Name: strings.ReplaceAll(name, "-", "_"), Value: value})
	}
	return nil
}

// Load reads the configuration files and the command line at the start of the server; every error counts.
func (s *Server) Load() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := s.read()
	if err != nil {
		return err
	}
	v := s.fresh()
	var errs []error
	for _, e := range entries {
		if err := s.apply(v, e, SourceFile); err != nil {
			errs = append(errs, err)
		}
	}
	for _, e := range s.cmdline {
		if err := s.apply(v, e, SourceCommandLine); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	s.cur.Store(v)
	s.started = true
	return nil
}

// read returns the entries of postgresql.conf and postgresql.auto.conf in the order in which they count.
func (s *Server) read() ([]Entry, error) {
	if s.Dir == "" {
		return nil, nil
	}
	entries, err := ReadFile(filepath.Join(s.Dir, "postgresql.conf"), true)
	if err != nil {
		return nil, err
	}
	auto, err := ReadFile(filepath.Join(s.Dir, AutoConf), true)
	return append(entries, auto...), err
}

// fresh makes values of the boot values and of what the server determines itself.
func (s *Server) fresh() *Values {
	old := s.cur.Load()
	v := NewServer(s.Registry).Values()
	for i := range old.list {
		if src := old.list[i].Source; src == SourceOverride || src == SourceDynamic {
			v.list[i] = old.list[i]
		}
	}
	return v
}

// Reloaded is what a reload found: the settings that changed, and what was wrong.
type Reloaded struct {
	Changed []*Def // with new values, in the order of the files; those gone from the files last
	Removed []*Def // of Changed, those that went back to their default
	// Problems are messages for the log. Applied is false when, because of them, nothing was changed at all.
	Problems []*pgerr.Error
	Applied  bool
}

// Reload reads the configuration files again. A file that cannot be read or parsed, or names a setting that there is not, changes
// nothing; a value that does not fit leaves that setting as it was.
func (s *Server) Reload() (r Reloaded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := s.read()
	if err != nil {
		r.Problems = append(r.Problems, problem(err))
		return r
	}
	for _, e := range entries {
		if s.Registry.Find(e.Name) == nil && !IsCustomName(e.Name) {
			err := Unrecognized(e.Name)
			err.Message += fmt.Sprintf(" in file %q line %d", e.File, e.Line)
			r.Problems = append(r.Problems, err)
		}
	}
	if len(r.Problems) > 0 {
		return r
	}
	r.Applied = true
	old, v := s.cur.Load(), s.fresh()
	last := map[string]int{}
	for i, e := range entries {
		last[strings.ToLower(e.Name)] = i
	}
	for i, e := range entries {
		if last[strings.ToLower(e.Name)] != i {
			continue // a later line wins
		}
		if err := s.apply(v, e, SourceFile); err != nil {
			r.Problems = append(r.Problems, pgerr.From(errors.Unwrap(err)))
			if d := s.Registry.Find(e.Name); d != nil {
				v.list[d.Index] = old.list[d.Index]
			}
		}
	}
	for _, e := range s.cmdline {
		s.apply(v, e, SourceCommandLine) // it was right at the start
	}
	s.compare(old, v, entries, &r)
	s.cur.Store(v)
	return r
}

// problem makes an error in a configuration file one for the log.
func problem(err error) *pgerr.Error {
	var fe *FileError
	if errors.As(err, &fe) {
		return pgerr.New(pgerr.SyntaxError, "%s", fe.Error())
	}
	return pgerr.New(pgerr.ConfigFileError, "%s", err.Error())
}

func (s *Server) apply(v *Values, e Entry, src Source) error {
	d := s.Registry.Find(e.Name)
	if d == nil {
		if IsCustomName(e.Name) {
			v.custom[strings.ToLower(e.Name)] = e.Value
			return nil
		}
		return located(Unrecognized(e.Name), e)
	}
	if d.Context == Internal {
		return located(pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed", d.Name), e)
	}
	if v.list[d.Index].Source == SourceOverride {
		return nil // the server knows better
	}
	val, err := d.Parse(e.Value)
	if err != nil {
		return located(err, e)
	}
	v.list[d.Index] = Setting{Value: val, Source: src, File: e.File, Line: e.Line}
	return nil
}

func located(err error, e Entry) error {
	if e.File == "" {
		return err
	}
	pe := pgerr.From(err)
	return &FileError{File: e.File, Line: e.Line, Msg: pe.Message, cause: pe}
}

// compare finds the changed settings; a running server keeps the old value of those that need a restart.
func (s *Server) compare(old, v *Values, entries []Entry, r *Reloaded) {
	differs := func(d *Def) bool {
		i := d.Index
		return old.list[i].Text != v.list[i].Text || old.list[i].Null != v.list[i].Null
	}
	seen := map[*Def]bool{}
	check := func(d *Def, removed bool) {
		if seen[d] || !differs(d) {
			return
		}
		seen[d] = true
		if d.Context == Postmaster {
			v.PendingRestart[d.Index] = true
			v.list[d.Index] = old.list[d.Index]
			r.Problems = append(r.Problems, needsRestart(d))
			return
		}
		r.Changed = append(r.Changed, d)
		if removed {
			r.Removed = append(r.Removed, d)
		}
	}
	named := map[*Def]bool{}
	for _, e := range entries {
		if d := s.Registry.Find(e.Name); d != nil {
			named[d] = true
		}
	}
	for _, d := range s.Registry.Defs {
		if !named[d] {
			check(d, true)
		}
	}
	for _, e := range entries {
		if d := s.Registry.Find(e.Name); d != nil {
			check(d, false)
		}
	}
}

func needsRestart(d *Def) *pgerr.Error {
	return pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed without restarting the server", d.Name)
}

// Get returns a setting's value by name; it panics for a name that is not in the registry.
func (s *Server) Get(name string) *Value {
	return &s.Values().At(s.must(name)).Value
}

func (s *Server) must(name string) *Def {
	d := s.Registry.Find(name)
	if d == nil {
		panic("config: no setting " + name)
	}
	return d
}

// Bytes returns a memory setting in bytes.
func (s *Server) Bytes(name string) int64 { d := s.must(name); return d.Bytes(*s.Get(name)) }
