package functions

import (
	"math/rand/v2"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
)

// Env is the session as built-in functions see it.
type Env interface {
	types.Env
	// Setting returns the text form of a setting; ok is false if there is no such setting.
	Setting(name string) (value string, ok bool)
	// SetSetting changes a setting, until the end of the transaction if local, and returns its new text form.
	SetSetting(name, value string, local bool) (string, error)
	CurrentUser() ids.Oid
	SessionUser() ids.Oid
	UserName(ids.Oid) string
	Database() (ids.Oid, string)
	// SearchPath returns the schemas that exist in the search path; implicit adds pg_temp and pg_catalog.
	SearchPath(implicit bool) []string
	// StatementTime is when the current statement arrived; TxNow (of types.Env) when the transaction began.
	StatementTime() time.Time
	ClockTime() time.Time
	Slot() *stats.Slot
	Notice(*pgerr.Error)
	// Random is the session's generator behind random(); SeedRandom restarts it for setseed().
	Random() *rand.Rand
	SeedRandom(seed uint64)
}

// DefaultEnv is a session without settings, users or a database, for tests and constant folding without one.
func DefaultEnv() Env {
	now := time.Now()
	return &defaultEnv{Env: types.DefaultEnv, now: now, rand: rand.New(rand.NewPCG(1, 2))}
}

type defaultEnv struct {
	types.Env
	now  time.Time
	rand *rand.Rand
}

func (*defaultEnv) Setting(string) (string, bool) { return "", false }

func (*defaultEnv) SetSetting(name, _ string, _ bool) (string, error) {
	return "", pgerr.New(pgerr.UndefinedObject, "unrecognized configuration parameter \"%s\"", name)
}

func (*defaultEnv) CurrentUser() ids.Oid        { return ids.BootstrapRole }
func (*defaultEnv) SessionUser() ids.Oid        { return ids.BootstrapRole }
func (*defaultEnv) UserName(ids.Oid) string     { return "postgres" }
func (*defaultEnv) Database() (ids.Oid, string) { return ids.PostgresDB, "postgres" }
func (*defaultEnv) SearchPath(bool) []string    { return []string{"public"} }
func (e *defaultEnv) TxNow() time.Time          { return e.now }
func (e *defaultEnv) StatementTime() time.Time  { return e.now }
func (*defaultEnv) ClockTime() time.Time        { return time.Now() }
func (*defaultEnv) Slot() *stats.Slot           { return nil }
func (*defaultEnv) Notice(*pgerr.Error)         {}
func (e *defaultEnv) Random() *rand.Rand        { return e.rand }
func (e *defaultEnv) SeedRandom(seed uint64)    { e.rand = rand.New(rand.NewPCG(seed, seed)) }
