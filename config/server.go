package config

import (
	"errors"
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

// Load reads the configuration files and the command line. At the start of the server (and for a check beforehand) every
// error counts; a reload applies what it can and returns the errors joined. changed lists the settings with new values.
func (s *Server) Load() (changed []*Def, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []Entry
	if s.Dir != "" {
		if entries, err = ReadFile(filepath.Join(s.Dir, "postgresql.conf"), true); err != nil {
			return nil, err
		}
		auto, err := ReadFile(filepath.Join(s.Dir, AutoConf), true)
		if err != nil {
			return nil, err
		}
		entries = append(entries, auto...)
	}
	old := s.cur.Load()
	v := NewServer(s.Registry).Values()
	for i := range old.list {
		if s := old.list[i].Source; s == SourceOverride || s == SourceDynamic {
			v.list[i] = old.list[i]
		}
	}
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
	if s.started && len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	changed = s.compare(old, v)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	s.cur.Store(v)
	s.started = true
	return changed, nil
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
	return &FileError{e.File, e.Line, pgerr.From(err).Message}
}

// compare finds the changed settings; a running server keeps the old value of those that need a restart.
func (s *Server) compare(old, v *Values) []*Def {
	var changed []*Def
	for i, d := range s.Registry.Defs {
		if old.list[i].Text == v.list[i].Text && old.list[i].Null == v.list[i].Null {
			continue
		}
		if s.started && d.Context == Postmaster {
			v.PendingRestart[i] = true
			v.list[i] = old.list[i]
			continue
		}
		changed = append(changed, d)
	}
	return changed
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
