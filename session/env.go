package session

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
)

// Env is the session as functions and type conversion see it. It reads settings when they are asked for and keeps what it
// derived until ForgetSettings.
type Env struct {
	*Session
	valid     bool
	dateStyle types.DateStyle
	dateOrder types.DateOrder
	interval  types.IntervalStyle
	bytea     types.ByteaOutput
	digits    int

	// The column names of anonymous row types, numbered as they come up: the number is the type modifier in row values.
	rowNames [][]string
	rowTypes map[string]int32
}

var (
	_ functions.Env     = (*Env)(nil)
	_ types.Interrupter = (*Env)(nil)
)

// NewEnv makes the view of a session.
func NewEnv(s *Session) *Env { return &Env{Session: s} }

// ForgetSettings is to be called after settings that concern conversion changed.
func (e *Env) ForgetSettings() { e.valid = false }

func (e *Env) load() {
	if e.valid {
		return
	}
	e.valid = true
	style := e.Settings.Get("DateStyle").Text
	e.dateStyle, e.dateOrder = types.DateISO, types.OrderMDY
	for i := 0; i+1 < len(style); i++ {
		if style[i] == ',' {
			switch style[:i] {
			case "SQL":
				e.dateStyle = types.DateSQL
			case "Postgres":
				e.dateStyle = types.DatePostgres
			case "German":
				e.dateStyle = types.DateGerman
			}
			switch style[i+2:] {
			case "DMY":
				e.dateOrder = types.OrderDMY
			case "YMD":
				e.dateOrder = types.OrderYMD
			}
			break
		}
	}
	switch e.Settings.Get("IntervalStyle").Text {
	case "postgres_verbose":
		e.interval = types.IntervalPostgresVerbose
	case "sql_standard":
		e.interval = types.IntervalSQL
	case "iso_8601":
		e.interval = types.IntervalISO8601
	default:
		e.interval = types.IntervalPostgres
	}
	e.bytea = types.ByteaHex
	if e.Settings.Get("bytea_output").Text == "escape" {
		e.bytea = types.ByteaEscape
	}
	e.digits = int(e.Settings.Get("extra_float_digits").Int())
}

// DateStyle implements types.Env.
func (e *Env) DateStyle() (types.DateStyle, types.DateOrder) {
	e.load()
	return e.dateStyle, e.dateOrder
}

// IntervalStyle implements types.Env.
func (e *Env) IntervalStyle() types.IntervalStyle { e.load(); return e.interval }

// ByteaOutput implements types.Env.
func (e *Env) ByteaOutput() types.ByteaOutput { e.load(); return e.bytea }

// ExtraFloatDigits implements types.Env.
func (e *Env) ExtraFloatDigits() int { e.load(); return e.digits }

// TimeZone implements types.Env.
func (e *Env) TimeZone() *time.Location { return e.Zone() }

// TxNow implements types.Env.
func (e *Env) TxNow() time.Time {
	if e.Tx != nil && e.Tx.InTransaction() {
		return e.Tx.StartTime()
	}
	return e.StatementStart
}

// LookupName implements types.Env.
func (e *Env) LookupName(kind types.RegKind, name string) (ids.Oid, error) {
	return e.Cat.LookupName(kind, name)
}

// ObjectName implements types.Env.
func (e *Env) ObjectName(kind types.RegKind, oid ids.Oid) (string, bool) {
	return e.Cat.ObjectName(kind, oid)
}

// ResolveType finds types that are not built in, for the output of records.
func (e *Env) ResolveType(oid ids.Oid) (*types.Type, error) { return e.Cat.Type(oid) }

// Setting implements functions.Env.
func (e *Env) Setting(name string) (string, bool) { return e.Settings.Lookup(name) }

// SetSetting implements functions.Env.
func (e *Env) SetSetting(name, value string, local bool) (string, error) {
	if err := e.Settings.Set(name, &value, local); err != nil {
		return "", err
	}
	v, _ := e.Settings.Lookup(name)
	return v, nil
}

// CurrentUser implements functions.Env.
func (e *Env) CurrentUser() ids.Oid { return e.Session.User }

// SessionUser implements functions.Env.
func (e *Env) SessionUser() ids.Oid { return e.Session.SessionUser }

// UserName implements functions.Env.
func (e *Env) UserName(oid ids.Oid) string {
	r, err := e.Cat.Role(oid)
	if err != nil || r == nil {
		return "unknown (OID=" + strconv.FormatUint(uint64(oid), 10) + ")"
	}
	return r.Rolname
}

// Database implements functions.Env.
func (e *Env) Database() (ids.Oid, string) { return e.DB, e.DBName }

// SearchPath implements functions.Env.
func (e *Env) SearchPath(implicit bool) []string {
	oids, err := e.Cat.SearchPath(implicit)
	if err != nil {
		return nil
	}
	var out []string
	for _, o := range oids {
		if n, err := e.Cat.Namespace(o); err == nil && n != nil {
			out = append(out, n.Nspname)
		}
	}
	return out
}

// StatementTime implements functions.Env.
func (e *Env) StatementTime() time.Time { return e.StatementStart }

// ClockTime implements functions.Env.
func (e *Env) ClockTime() time.Time { return time.Now() }

// Slot implements functions.Env.
func (e *Env) Slot() *stats.Slot { return e.Session.Slot }

// CheckInterrupts implements types.Interrupter.
func (e *Env) CheckInterrupts() error { return e.Session.Slot.CheckInterrupts() }

// Notice implements functions.Env.
func (e *Env) Notice(n *pgerr.Error) {
	if e.Session.Notice != nil {
		e.Session.Notice(n)
	}
}

// Random implements functions.Env.
func (e *Env) Random() *rand.Rand { return e.Rand() }

// SeedRandom implements functions.Env.
func (e *Env) SeedRandom(seed uint64) { e.Seed(seed) }

// Catalogs returns the session's catalogs, for the functions of catfuncs.
func (e *Env) Catalogs() *catalog.Session { return e.Cat }

// RelationBlocks returns the size of one fork of a relation, 0 when it has no such fork.
func (e *Env) RelationBlocks(f ids.RelFile, fork ids.Fork) (ids.BlockNumber, error) {
	storage := e.Heap.Pool.Storage()
	if !storage.Exists(f, fork) {
		return 0, nil
	}
	return storage.Blocks(f, fork)
}

// DatabaseBytes returns the size of a database's files in its default tablespace.
func (e *Env) DatabaseBytes(db ids.Oid) (int64, error) {
	return e.Heap.Pool.Storage().Sizes(ids.DefaultTablespace, db)
}

// TablespaceBytes returns the size of all files in a tablespace.
func (e *Env) TablespaceBytes(spc ids.Oid) (int64, error) {
	return e.Heap.Pool.Storage().TablespaceSize(spc)
}

// RecordTypmod implements functions.RecordNamer.
func (e *Env) RecordTypmod(names []string) int32 {
	key := strings.Join(names, "\x00")
	n, ok := e.rowTypes[key]
	if !ok {
		if e.rowTypes == nil {
			e.rowTypes = map[string]int32{}
		}
		n = int32(len(e.rowNames))
		e.rowNames = append(e.rowNames, append([]string(nil), names...))
		e.rowTypes[key] = n
	}
	return n
}

// RecordNames implements functions.RecordNamer.
func (e *Env) RecordNames(typmod int32) []string {
	if typmod < 0 || int(typmod) >= len(e.rowNames) {
		return nil
	}
	return e.rowNames[typmod]
}

// TypeByOid implements types.TypeResolver.
func (e *Env) TypeByOid(oid ids.Oid) *types.Type { return e.Cat.TypeByOid(oid) }
