package config

import (
	_ "embed"
	"strconv"
	"strings"

	"gompho/internal/pgerr"
)

// Type is the type of a setting.
type Type uint8

const (
	Bool Type = iota
	Int
	Real
	String
	Enum
)

// Context tells who may change a setting, and when.
type Context uint8

const (
	Internal Context = iota
	Postmaster
	Sighup
	SuperuserBackend
	Backend
	Superuser
	User
)

var contextNames = [...]string{"internal", "postmaster", "sighup", "superuser-backend", "backend", "superuser", "user"}

// String returns the name as in pg_settings.context.
func (c Context) String() string { return contextNames[c] }

var typeNames = [...]string{"bool", "integer", "real", "string", "enum"}

// String returns the name as in pg_settings.vartype.
func (t Type) String() string { return typeNames[t] }

// Def defines a setting.
type Def struct {
	Index    int // place in Registry.Defs
	Name     string
	Unit     string // "", "B", "kB", "8kB", "MB", "ms", "s", "min"
	Category string
	Context  Context
	Type     Type
	Min, Max float64
	MinText  string
	MaxText  string
	Enum     []string
	Boot     string
	HasBoot  bool
	Report   bool // sent to clients as ParameterStatus
	NoShow   bool
	NoReset  bool
	// check returns the canonical form of a string setting's value.
	check func(def *Def, s string) (string, error)
}

//go:embed settings.tsv
var settingsTSV string

// reported are the settings that clients are told of.
var reported = map[string]bool{
	"application_name": true, "client_encoding": true, "DateStyle": true, "default_transaction_read_only": true,
	"in_hot_standby": true, "integer_datetimes": true, "IntervalStyle": true, "is_superuser": true, "server_encoding": true,
	"server_version": true, "session_authorization": true, "standard_conforming_strings": true, "TimeZone": true,
}

// ours are gompho's own settings and those that pg_settings hides.
var ours = []Def{
	{Name: "is_superuser", Category: "Preset Options", Context: Internal, Type: Bool, Boot: "off", HasBoot: true, NoShow: true},
	{Name: "session_authorization", Category: "Preset Options", Context: User, Type: String, HasBoot: false, NoShow: true, NoReset: true},
	{Name: "role", Category: "Preset Options", Context: User, Type: String, Boot: "none", HasBoot: true, NoShow: true},
	{Name: "seed", Category: "Preset Options", Context: User, Type: Real, Min: -1, Max: 1, MinText: "-1", MaxText: "1", Boot: "0", HasBoot: true, NoShow: true, NoReset: true},
	{Name: "gompho.lock_wait_history", Category: "Lock Management", Context: Sighup, Type: Int, MinText: "0", MaxText: "1000000", Max: 1000000, Boot: "1000", HasBoot: true},
	{Name: "gompho.lock_wait_min_duration", Unit: "ms", Category: "Lock Management", Context: Superuser, Type: Int, MinText: "-1", MaxText: "2147483647", Min: -1, Max: 2147483647, Boot: "10", HasBoot: true},
	{Name: "gompho.deadlock_history", Category: "Lock Management", Context: Sighup, Type: Int, MinText: "0", MaxText: "1000000", Max: 1000000, Boot: "100", HasBoot: true},
	{Name: "gompho.admin_address", Category: "Reporting and Logging", Context: Postmaster, Type: String, Boot: "", HasBoot: true},
	{Name: "gompho.archive_directory", Category: "Write-Ahead Log / Archiving", Context: Sighup, Type: String, Boot: "", HasBoot: true},
	{Name: "gompho.memory_limit", Unit: "8kB", Category: "Resource Usage / Memory", Context: Sighup, Type: Int, MinText: "0", MaxText: "1073741823", Max: 1073741823, Boot: "0", HasBoot: true},
	{Name: "gompho.long_statement_share", Category: "Resource Usage / Asynchronous Behavior", Context: Sighup, Type: Int, MinText: "1", MaxText: "100", Min: 1, Max: 100, Boot: "15", HasBoot: true},
	{Name: "gompho.request_steps", Category: "Statistics / Monitoring", Context: Superuser, Type: Bool, Boot: "on", HasBoot: true},
	{Name: "pg_stat_statements.max", Category: "Customized Options", Context: Postmaster, Type: Int, MinText: "100", MaxText: "1073741823", Min: 100, Max: 1073741823, Boot: "5000", HasBoot: true},
	{Name: "pg_stat_statements.track", Category: "Customized Options", Context: Superuser, Type: Enum, Enum: []string{"none", "top", "all"}, Boot: "top", HasBoot: true},
	{Name: "pg_stat_statements.track_utility", Category: "Customized Options", Context: Superuser, Type: Bool, Boot: "on", HasBoot: true},
	{Name: "pg_stat_statements.track_planning", Category: "Customized Options", Context: Superuser, Type: Bool, Boot: "off", HasBoot: true},
	{Name: "pg_stat_statements.save", Category: "Customized Options", Context: Sighup, Type: Bool, Boot: "on", HasBoot: true},
	{Name: "log_format", Category: "Reporting and Logging / Where to Log", Context: Postmaster, Type: Enum, Enum: []string{"text", "json"}, Boot: "text", HasBoot: true},
}

// Registry is the table of all settings.
type Registry struct {
	Defs   []*Def
	byName map[string]*Def // by lower-case name
	// Reported are those whose values clients are told.
	Reported []*Def
}

// NewRegistry builds the table from the facts.
func NewRegistry() *Registry {
	r := &Registry{byName: make(map[string]*Def, 400)}
	for line := range strings.Lines(settingsTSV) {
		r.add(parseFact(strings.TrimRight(line, "\n")))
	}
	for i := range ours {
		d := ours[i]
		r.add(&d)
	}
	return r
}

func (r *Registry) add(d *Def) {
	d.Index = len(r.Defs)
	d.Report = reported[d.Name]
	d.check = stringChecks[d.Name]
	if d.Report {
		r.Reported = append(r.Reported, d)
	}
	r.Defs = append(r.Defs, d)
	r.byName[strings.ToLower(d.Name)] = d
}

func parseFact(line string) *Def {
	f := strings.Split(line, "\t")
	d := &Def{Name: f[0], Unit: f[1], Category: f[2], MinText: f[5], MaxText: f[6], HasBoot: f[8] != `\N`}
	for i, n := range contextNames {
		if n == f[3] {
			d.Context = Context(i)
		}
	}
	for i, n := range typeNames {
		if n == f[4] {
			d.Type = Type(i)
		}
	}
	d.Min, _ = strconv.ParseFloat(f[5], 64)
	d.Max, _ = strconv.ParseFloat(f[6], 64)
	if f[7] != "" {
		d.Enum = strings.Split(f[7], ",")
	}
	if d.HasBoot {
		d.Boot = f[8]
	}
	for _, flag := range strings.Split(f[9], ",") {
		switch flag {
		case "NO_SHOW_ALL":
			d.NoShow = true
		case "NO_RESET_ALL":
			d.NoReset = true
		}
	}
	return d
}

// Find returns a setting by name, in any case; nil when there is none.
func (r *Registry) Find(name string) *Def { return r.byName[strings.ToLower(name)] }

// Unrecognized is the error for a name that no setting has.
func Unrecognized(name string) *pgerr.Error {
	return pgerr.New(pgerr.UndefinedObject, "unrecognized configuration parameter %q", name)
}

// IsCustomName reports whether a name can be a custom setting: identifiers joined by dots.
func IsCustomName(name string) bool {
	if !strings.Contains(name, ".") {
		return false
	}
	for _, part := range strings.Split(name, ".") {
		if part == "" {
			return false
		}
		for i := 0; i < len(part); i++ {
			c := part[i]
			letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
			if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '$')) {
				return false
			}
		}
	}
	return true
}
