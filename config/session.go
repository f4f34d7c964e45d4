package config

import (
	"strings"
	"time"

	"gompho/internal/pgerr"
)

// Session is the settings of one session: the server's values with what this session changed. One goroutine uses it.
type Session struct {
	server *Server
	vars   map[int]*variable    // settings that differ, or did, by Def.Index
	custom map[string]*variable // dotted names, by lower-case name
	level  int                  // nesting of subtransactions; 0 outside of transactions
	open   []*variable          // variables with undo entries
	// Superuser tells whether settings of the superuser context may be changed.
	Superuser bool
	// OnChange is called after a setting's effective value changed; it may be nil.
	OnChange func(d *Def, v Value)
	// Check vetoes or adjusts a value that is to be set by SQL (transaction_isolation, role ...); it may be nil.
	Check func(d *Def, v Value) (Value, error)
	// Shown returns what SHOW and pg_settings show of a setting in place of its value; it may be nil.
	Shown func(d *Def, v Value) Value
}

type variable struct {
	def     *Def // nil for a custom setting
	name    string
	cur     Setting
	set     bool // cur counts; otherwise the reset value
	reset   *Setting
	undo    []undo
	journal bool // in Session.open
}

// undo restores what a (sub)transaction changed.
type undo struct {
	level int
	prior Setting
	had   bool
	local bool    // the change was SET LOCAL: undone at commit too
	under Setting // with local: the value of an earlier plain SET at the same level, which commit keeps
	plain bool    // under counts
}

// NewSession makes a session's settings.
func NewSession(s *Server) *Session { return &Session{server: s} }

// Server returns the server's settings.
func (s *Session) Server() *Server { return s.server }

// Find returns a definition by name.
func (s *Session) Find(name string) *Def { return s.server.Registry.Find(name) }

// At returns the effective value of a setting.
func (s *Session) At(d *Def) *Setting {
	if s.vars != nil {
		if v := s.vars[d.Index]; v != nil {
			if v.set {
				return &v.cur
			}
			if v.reset != nil {
				return v.reset
			}
		}
	}
	return s.server.Values().At(d)
}

// Get returns the effective value of a setting that must exist.
func (s *Session) Get(name string) *Value { return &s.At(s.server.must(name)).Value }

// Duration returns a time setting's effective value.
func (s *Session) Duration(name string) time.Duration {
	d := s.server.must(name)
	return d.Duration(s.At(d).Value)
}

// Bytes returns a memory setting's effective value in bytes.
func (s *Session) Bytes(name string) int64 {
	d := s.server.must(name)
	return d.Bytes(s.At(d).Value)
}

// Lookup returns a setting as SHOW prints it.
func (s *Session) Lookup(name string) (string, bool) {
	if d := s.Find(name); d != nil {
		return d.Show(s.shown(d)), true
	}
	if v := s.custom[strings.ToLower(name)]; v != nil && v.set {
		return v.cur.Text, true
	}
	t, ok := s.server.Values().custom[strings.ToLower(name)]
	return t, ok || s.custom[strings.ToLower(name)] != nil // once named it exists, empty
}

// shown is the value as users are to see it.
func (s *Session) shown(d *Def) Value {
	v := s.At(d).Value
	if s.Shown != nil {
		v = s.Shown(d, v)
	}
	return v
}

// SetDefault sets the session's reset value of a setting (start-up packet, ALTER ROLE, ALTER DATABASE). A weaker source
// does not replace a stronger one.
func (s *Session) SetDefault(name, text string, src Source) error {
	d := s.Find(name)
	if d == nil {
		if IsCustomName(name) {
			v := s.customVar(name)
			v.cur, v.set = Setting{Value: Value{Text: text}, Source: src}, true
			return nil
		}
		return Unrecognized(name)
	}
	if src == SourceClient {
		if err := s.allowed(d, true); err != nil {
			return err
		}
	}
	val, err := d.Parse(text)
	if err != nil {
		return err
	}
	v := s.variable(d)
	if v.reset != nil && v.reset.Source > src {
		return nil
	}
	v.reset = &Setting{Value: val, Source: src}
	s.changed(d)
	return nil
}

func (s *Session) variable(d *Def) *variable {
	v := s.vars[d.Index]
	if v == nil {
		if s.vars == nil {
			s.vars = map[int]*variable{}
		}
		v = &variable{def: d, name: d.Name}
		s.vars[d.Index] = v
	}
	return v
}

func (s *Session) customVar(name string) *variable {
	k := strings.ToLower(name)
	v := s.custom[k]
	if v == nil {
		if s.custom == nil {
			s.custom = map[string]*variable{}
		}
		v = &variable{name: name}
		s.custom[k] = v
	}
	return v
}

// allowed checks the setting's context against a change by SQL or, at connect, by the start-up packet.
func (s *Session) allowed(d *Def, connect bool) error {
	switch d.Context {
	case Internal:
		return pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed", d.Name)
	case Postmaster:
		return needsRestart(d)
	case Sighup:
		return pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed now", d.Name)
	case Backend, SuperuserBackend:
		if !connect {
			return pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be set after connection start", d.Name)
		}
		if d.Context == SuperuserBackend && !s.Superuser {
			return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set parameter %q", d.Name)
		}
	case Superuser:
		if !s.Superuser {
			return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set parameter %q", d.Name)
		}
	}
	return nil
}

// Set is SET and SET LOCAL. text nil means DEFAULT, which is the reset value.
func (s *Session) Set(name string, text *string, local bool) error {
	d := s.Find(name)
	if d == nil {
		return s.setCustom(name, text, local)
	}
	if err := s.allowed(d, false); err != nil {
		return err
	}
	if text == nil {
		return s.resetVar(d, local)
	}
	val, err := d.Parse(*text)
	if err != nil {
		return err
	}
	if s.Check != nil {
		if val, err = s.Check(d, val); err != nil {
			return err
		}
	}
	s.assign(s.variable(d), Setting{Value: val, Source: SourceSession}, true, local)
	s.changed(d)
	return nil
}

// Assign sets a setting as the server itself does, without looking at its context.
func (s *Session) Assign(name, text string) error {
	d := s.server.must(name)
	val, err := d.Parse(text)
	if err != nil {
		return err
	}
	v := s.variable(d)
	v.cur, v.set = Setting{Value: val, Source: SourceOverride}, true
	s.changed(d)
	return nil
}

func (s *Session) setCustom(name string, text *string, local bool) error {
	if !IsCustomName(name) {
		if strings.Contains(name, ".") {
			return pgerr.New(pgerr.InvalidName, "invalid configuration parameter name %q", name).
				WithDetail("Custom parameter names must be two or more simple identifiers separated by dots.")
		}
		return Unrecognized(name)
	}
	v := s.customVar(name)
	if text == nil {
		s.assign(v, Setting{}, false, local)
		return nil
	}
	s.assign(v, Setting{Value: Value{Text: *text}, Source: SourceSession}, true, local)
	return nil
}

func (s *Session) resetVar(d *Def, local bool) error {
	v := s.variable(d)
	if s.Check != nil && v.set && d.Name != "temp_buffers" { // that may always go back, to no effect
		val := s.server.Values().At(d).Value
		if v.reset != nil {
			val = v.reset.Value
		}
		if _, err := s.Check(d, val); err != nil {
			return err
		}
	}
	s.assign(v, Setting{}, false, local)
	s.changed(d)
	return nil
}

// ResetAll is RESET ALL.
func (s *Session) ResetAll() {
	for _, v := range s.vars {
		if v.set && !v.def.NoReset && v.def.Context == User || v.set && v.def.Context == Superuser {
			s.assign(v, Setting{}, false, false)
			s.changed(v.def)
		}
	}
	for _, v := range s.custom {
		s.assign(v, Setting{}, false, false)
	}
}

func (s *Session) assign(v *variable, val Setting, set, local bool) {
	if s.level > 0 {
		s.record(v, local)
	}
	v.cur, v.set = val, set
}

// record notes in the journal what the present (sub)transaction is about to change.
func (s *Session) record(v *variable, local bool) {
	if !v.journal {
		v.journal = true
		s.open = append(s.open, v)
	}
	n := len(v.undo)
	if n > 0 && v.undo[n-1].level == s.level {
		u := &v.undo[n-1]
		switch {
		case local && !u.local: // SET then SET LOCAL: commit goes back to the SET
			u.local, u.plain, u.under = true, true, v.cur
		case !local:
			u.local, u.plain = false, false
		}
		return
	}
	v.undo = append(v.undo, undo{level: s.level, prior: v.cur, had: v.set, local: local})
}

// Begin opens a transaction or subtransaction level.
func (s *Session) Begin() { s.level++ }

// End closes the innermost level: on abort its changes are undone, on commit those of SET LOCAL at the outermost level.
func (s *Session) End(commit bool) {
	if s.level == 0 {
		return
	}
	keep := s.open[:0]
	for _, v := range s.open {
		s.endVar(v, commit)
		if len(v.undo) > 0 {
			keep = append(keep, v)
		} else {
			v.journal = false
		}
	}
	s.open = keep
	s.level--
}

func (s *Session) endVar(v *variable, commit bool) {
	n := len(v.undo)
	if n == 0 || v.undo[n-1].level != s.level {
		return
	}
	u := v.undo[n-1]
	v.undo = v.undo[:n-1]
	old := v.cur.Text
	switch {
	case !commit || s.level == 1 && u.local && !u.plain:
		v.cur, v.set = u.prior, u.had
	case s.level == 1 && u.local:
		v.cur, v.set = u.under, true
	case s.level > 1: // the outer level takes over the right to undo
		if n > 1 && v.undo[n-2].level == s.level-1 {
			o := &v.undo[n-2]
			if u.local && !o.local {
				o.local, o.plain, o.under = true, true, u.prior
			} else if !u.local {
				o.local, o.plain = false, false
			}
		} else {
			u.level--
			v.undo = append(v.undo, u)
		}
		return
	}
	if v.def != nil && (old != v.cur.Text || !v.set) {
		s.changed(v.def)
	}
}

func (s *Session) changed(d *Def) {
	if s.OnChange != nil {
		s.OnChange(d, s.At(d).Value)
	}
}

// Row is one line of pg_settings.
type Row struct {
	Def        *Def
	Setting    Setting
	Boot       string
	Reset      string
	PendingRst bool
}

// Rows lists all settings as pg_settings shows them, by name.
func (s *Session) Rows() []Row {
	vals := s.server.Values()
	out := make([]Row, 0, len(s.server.Registry.Defs))
	for _, d := range s.server.Registry.Defs {
		if d.NoShow {
			continue
		}
		reset := vals.At(d)
		if v := s.vars[d.Index]; v != nil && v.reset != nil {
			reset = v.reset
		}
		set := *s.At(d)
		set.Value = s.shown(d)
		out = append(out, Row{Def: d, Setting: set, Boot: d.Boot, Reset: reset.Text, PendingRst: vals.PendingRestart[d.Index]})
	}
	return out
}
