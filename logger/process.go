package logger

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"gompho/stats"
)

// Process is who logs: what the line prefix tells of a process.
type Process struct {
	PID  int32
	Type string // as pg_stat_activity.backend_type
	// Slot has user, database and application; nil when the process has none (yet).
	Slot  *stats.Slot
	Start time.Time
	// Client: the process serves a connection. Names that are not known yet print as [unknown].
	Client bool
	Host   string // address of the client without port, or its name with log_hostname; "[local]" for a Unix socket
	Name   string // the client's name with log_hostname, empty where it has none
	Port   string // empty for a Unix socket
	// User and Database are what the start-up packet says, until the slot knows better.
	User, Database string

	lines [forms]atomic.Int64 // how many were written in each form
}

// NewProcess describes a process that serves no client.
func NewProcess(kind string, pid int32, slot *stats.Slot) *Process {
	return &Process{PID: pid, Type: kind, Slot: slot, Start: time.Now()}
}

// Field makes the lines of a logger those of the process: log.With(p.Field()).
func (p *Process) Field() zap.Field { return zap.Inline(p) }

// names returns user, database and application, empty where unknown.
func (p *Process) names() (user, db, app string) {
	user, db = p.User, p.Database
	if p.Slot != nil {
		a := p.Slot.Activity.Snapshot()
		app = a.Application
		if a.UserName != "" {
			user, db = a.UserName, a.DBName
		}
	}
	return user, db, app
}

// MarshalLogObject implements zapcore.ObjectMarshaler with the keys of PostgreSQL's jsonlog.
func (p *Process) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	user, db, app := p.names()
	add := func(k, v string) {
		if v != "" {
			enc.AddString(k, v)
		}
	}
	add("user", user)
	add("dbname", db)
	enc.AddInt32("pid", p.PID)
	add("remote_host", p.Host)
	add("remote_port", p.Port)
	enc.AddString("session_id", p.sessionID())
	enc.AddInt64("line_num", p.lines[formJSON].Add(1))
	add("application_name", app)
	add("backend_type", p.Type)
	return nil
}

// leader is the PID of the session that a parallel worker helps, else 0.
func (p *Process) leader() int32 {
	if p.Slot == nil {
		return 0
	}
	return p.Slot.Leader
}

// queryID identifies the statement that is running, 0 when nobody counts.
func (p *Process) queryID() int64 {
	if p.Slot == nil {
		return 0
	}
	return p.Slot.Activity.Snapshot().QueryID
}
