package logger

import (
	"strconv"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"gompho/internal/pgerr"
)

// Event is one message of a session with all that the log can tell of it.
type Event struct {
	Proc *Process
	Err  *pgerr.Error
	// Terse leaves out detail, hint, query and context; Verbose adds the SQLSTATE.
	Terse, Verbose bool
	Statement      string // the text that was running; empty: not to be logged
	Tag            string // command tag or other state of the process, for %i
	Vxid           string
	Xid            uint64 // 0: none
	Backtrace      string
}

// ranks orders the severities of the server log but for LOG.
var ranks = map[string]int{"debug5": 1, "debug4": 2, "debug3": 3, "debug2": 4, "debug": 5, "debug1": 5, "info": 6, "notice": 7, "warning": 8, "error": 9,
	"log": 10, "fatal": 11, "panic": 12}

func rankOf(s pgerr.Severity) int {
	switch s {
	case pgerr.Debug:
		return 5
	case pgerr.Info:
		return 6
	case pgerr.Notice:
		return 7
	case pgerr.Warning:
		return 8
	case pgerr.LogSev:
		return 10
	case pgerr.Fatal:
		return 11
	case pgerr.Panic:
		return 12
	}
	return 9
}

// Outputs reports whether a message of severity s is written when log_min_messages, or log_min_error_statement, is min.
func Outputs(s pgerr.Severity, min string) bool { return rankOf(s) >= ranks[min] }

// Write logs the event. The caller has asked Outputs.
func (ev *Event) Write(log *zap.Logger) {
	level := zapcore.InfoLevel
	switch r := rankOf(ev.Err.Level()); {
	case r == 8:
		level = zapcore.WarnLevel
	case r == 9 || r > 10:
		level = zapcore.ErrorLevel
	}
	if ce := log.Check(level, ev.Err.Message); ce != nil {
		ce.Write(zap.Inline(ev))
	}
}

// MarshalLogObject implements zapcore.ObjectMarshaler with the keys of PostgreSQL's jsonlog.
func (ev *Event) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	add := func(k, v string) {
		if v != "" {
			enc.AddString(k, v)
		}
	}
	if ev.Proc != nil {
		ev.Proc.MarshalLogObject(enc)
	}
	e := ev.Err
	add("ps", ev.Tag)
	add("vxid", ev.Vxid)
	enc.AddUint64("txid", ev.Xid)
	enc.AddString("error_severity", string(e.Level()))
	enc.AddString("state_code", string(e.Code))
	if !ev.Terse {
		add("detail", detail(e))
		add("hint", e.Hint)
		add("internal_query", e.InternalQuery)
		if e.InternalPosition > 0 {
			enc.AddInt("internal_position", e.InternalPosition)
		}
		add("context", e.Where)
	}
	add("statement", ev.Statement)
	if ev.Statement != "" && e.Position > 0 {
		enc.AddInt("cursor_position", e.Position)
	}
	add("backtrace", ev.Backtrace)
	return nil
}

func detail(e *pgerr.Error) string {
	if e.DetailLog != "" {
		return e.DetailLog
	}
	return e.Detail
}

// position is the end of a message that points into the statement.
func position(e *pgerr.Error) string {
	switch {
	case e.Position > 0:
		return " at character " + strconv.Itoa(e.Position)
	case e.InternalPosition > 0:
		return " at character " + strconv.Itoa(e.InternalPosition)
	}
	return ""
}
