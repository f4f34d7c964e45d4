package functions

import (
	"crypto/rand"
	"math"
	"runtime"
	"time"

	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
)

// serverVersion is the release of PostgreSQL whose behaviour this server has.
const serverVersion = "15.18"

func version(*Call) (types.Datum, error) {
	return types.String("PostgreSQL " + serverVersion + " (gompho) on " + runtime.GOARCH + "-" + runtime.GOOS + ", compiled by " +
		runtime.Version() + ", 64-bit"), nil
}

func showConfig(c *Call) (types.Datum, error) {
	name := c.str(0)
	v, ok := c.Env.Setting(name)
	switch {
	case ok:
		return types.String(v), nil
	case len(c.Args) > 1 && c.bool(1):
		return types.Null, nil
	}
	return types.Null, pgerr.New(pgerr.UndefinedObject, "unrecognized configuration parameter \"%s\"", name)
}

func setConfig(c *Call) (types.Datum, error) {
	if c.null(0) {
		return types.Null, pgerr.New(pgerr.NullValueNotAllowed, "SET requires parameter name")
	}
	value := ""
	if !c.null(1) {
		value = string(c.bytes(1))
	}
	v, err := c.Env.SetSetting(string(c.bytes(0)), value, !c.null(2) && c.bool(2))
	return types.String(v), err
}

// currentQuery is the text that the client sent.
func currentQuery(c *Call) (types.Datum, error) {
	slot := c.Env.Slot()
	if slot == nil {
		return types.Null, nil
	}
	return types.String(slot.Activity.Snapshot().Query), nil
}

// pgSleep waits in steps that end early at an interrupt.
func pgSleep(c *Call) (types.Datum, error) {
	sec := c.float(0)
	slot := c.Env.Slot()
	if math.IsNaN(sec) || sec <= 0 {
		return types.Null, slot.CheckInterrupts()
	}
	d := time.Duration(math.MaxInt64)
	if sec < 9e9 {
		d = time.Duration(sec * float64(time.Second))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	var wake <-chan struct{}
	if slot != nil {
		wake = slot.Wake()
		prev := slot.BeginWait(stats.TimeoutPgSleep)
		defer slot.EndWait(prev)
	}
	for {
		if err := slot.CheckInterrupts(); err != nil {
			return types.Null, err
		}
		select {
		case <-timer.C:
			return types.String(""), nil
		case <-wake:
		}
	}
}

func setSeed(c *Call) (types.Datum, error) {
	seed := c.float(0)
	if math.IsNaN(seed) || seed < -1 || seed > 1 {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "setseed parameter %s is out of allowed range [-1,1]",
			types.AppendG(nil, seed, 6))
	}
	c.Env.SeedRandom(math.Float64bits(seed))
	return types.String(""), nil
}

func randomUUID(*Call) (types.Datum, error) {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		return types.Null, pgerr.Internal("could not generate random values")
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return types.Bytes(b), nil
}

func userName(c *Call) (types.Datum, error) {
	return types.Name(c.Env.UserName(c.Env.CurrentUser())), nil
}

func sessionUserName(c *Call) (types.Datum, error) {
	return types.Name(c.Env.UserName(c.Env.SessionUser())), nil
}

func databaseName(c *Call) (types.Datum, error) {
	_, name := c.Env.Database()
	return types.Name(name), nil
}

func backendPID(c *Call) (types.Datum, error) {
	if s := c.Env.Slot(); s != nil {
		return types.Int(int64(s.PID)), nil
	}
	return types.Int(0), nil
}

func typeOf(c *Call) (types.Datum, error) {
	if len(c.ArgTypes) == 0 || c.ArgTypes[0] == nil {
		return types.Null, nil
	}
	return types.OidDatum(c.ArgTypes[0].Oid), nil
}

// countNulls is num_nulls and num_nonnulls, over arguments or over the elements of a VARIADIC array.
func countNulls(nulls bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		n, total := 0, len(c.Args)
		if c.Variadic {
			if c.null(0) {
				return types.Null, nil
			}
			a, _, err := c.arrayArg(0)
			if err != nil {
				return types.Null, err
			}
			total = len(a.Elems)
			for _, e := range a.Elems {
				if e.IsNull() {
					n++
				}
			}
		} else {
			for _, a := range c.Args {
				if a.IsNull() {
					n++
				}
			}
		}
		if !nulls {
			n = total - n
		}
		return types.Int(int64(n)), nil
	}
}

// columnSize is the bytes a value takes in a row, without compression.
func columnSize(c *Call) (types.Datum, error) {
	d := c.Args[0]
	if !d.IsBytes() {
		t, err := c.argType(0)
		if err != nil {
			return types.Null, err
		}
		return types.Int(int64(t.Len)), nil
	}
	if t, err := c.argType(0); err == nil && t.Len > 0 {
		return types.Int(int64(t.Len)), nil
	}
	n := len(d.Bytes())
	if n < 127 {
		return types.Int(int64(n + 1)), nil
	}
	return types.Int(int64(n + 4)), nil
}

// sessionFamily lists functions that ask about the session, and those that only it can do.
func sessionFamily() []Entry {
	return []Entry{
		{Name: "pgsql_version", Scalar: version}, {Name: "show_config_by_name", Scalar: showConfig},
		{Name: "show_config_by_name_missing_ok", Scalar: showConfig}, {Name: "set_config_by_name", Scalar: setConfig},
		{Name: "current_query", Scalar: currentQuery}, {Name: "pg_sleep", Scalar: pgSleep},
		{Name: "drandom", Scalar: func(c *Call) (types.Datum, error) { return types.Float(c.Env.Random().Float64()), nil }},
		{Name: "setseed", Scalar: setSeed}, {Name: "gen_random_uuid", Scalar: randomUUID},
		{Name: "current_user", Scalar: userName}, {Name: "session_user", Scalar: sessionUserName}, {Name: "current_database", Scalar: databaseName},
		{Name: "pg_backend_pid", Scalar: backendPID}, {Name: "pg_typeof", Scalar: typeOf},
		{Name: "pg_num_nulls", Scalar: countNulls(true)}, {Name: "pg_num_nonnulls", Scalar: countNulls(false)},
		{Name: "pg_column_size", Scalar: columnSize},
		{Name: "pg_jit_available", Scalar: func(*Call) (types.Datum, error) { return types.Bool(false), nil }},
	}
}
