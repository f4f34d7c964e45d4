package logger

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"gompho/config"
	"gompho/internal/pgerr"
)

// ForServer returns a constructor of a server's log on w.
func ForServer(w io.Writer) func(*config.Server) *zap.Logger {
	return func(cfg *config.Server) *zap.Logger { return zap.New(&core{out: &output{w: w, cfg: cfg}}) }
}

// output is what all the loggers of a server write to.
type output struct {
	cfg *config.Server

	mu    sync.Mutex // one event at a time; protects what follows
	w     io.Writer
	files *Collector // takes the lines instead of w; nil: there is none
	echo  bool       // w gets the text, too
	buf   []byte
	zone  *time.Location
	name  string // of zone
}

// core is a zapcore.Core that keeps the fields of With as they are, because the process is among them.
type core struct {
	out    *output
	fields []zapcore.Field
}

// Enabled implements zapcore.LevelEnabler.
func (c *core) Enabled(l zapcore.Level) bool {
	return l > zapcore.DebugLevel || strings.HasPrefix(c.out.cfg.Get("log_min_messages").Text, "debug")
}

// With implements zapcore.Core.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{out: c.out, fields: append(c.fields[:len(c.fields):len(c.fields)], fields...)}
}

// Check implements zapcore.Core.
func (c *core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Sync implements zapcore.Core.
func (c *core) Sync() error { return nil }

// Write implements zapcore.Core.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	ev, proc := find(c.fields, fields)
	if ev == nil {
		if ev = plain(e, fields); !Outputs(ev.Err.Level(), c.out.cfg.Get("log_min_messages").Text) {
			return nil
		}
		verbosity := c.out.cfg.Get("log_error_verbosity").Text
		ev.Terse, ev.Verbose = verbosity == "terse", verbosity == "verbose"
	}
	if ev.Proc == nil {
		own := *ev
		own.Proc = proc
		ev = &own
	}
	if ev.Proc == nil {
		ev.Proc = NewProcess("postmaster", int32(os.Getpid()), nil)
	}
	return c.out.write(ev, e.Time)
}

// find returns the event and the process among the fields.
func find(with, fields []zapcore.Field) (ev *Event, p *Process) {
	for _, list := range [2][]zapcore.Field{with, fields} {
		for i := range list {
			switch x := list[i].Interface.(type) {
			case *Event:
				ev = x
			case *Process:
				p = x
			}
		}
	}
	return ev, p
}

// plain makes an event of an ordinary zap entry: the well-known fields become the parts of an error.
func plain(e zapcore.Entry, fields []zapcore.Field) *Event {
	m := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(m)
	}
	take := func(k string) string {
		v := m.Fields[k]
		delete(m.Fields, k)
		switch x := v.(type) {
		case string:
			return x
		case []byte:
			return string(x)
		}
		return ""
	}
	pe := pgerr.New(pgerr.SuccessfulCompletion, "%s", e.Message).WithSeverity(pgerr.LogSev)
	switch {
	case e.Level < zapcore.InfoLevel:
		pe.Severity = pgerr.Debug
	case e.Level == zapcore.WarnLevel:
		pe.Severity, pe.Code = pgerr.Warning, pgerr.WarningCode
	case e.Level > zapcore.WarnLevel:
		pe.Severity, pe.Code = pgerr.Error_, pgerr.InternalError
	}
	if code := take("code"); code != "" {
		pe.Code = pgerr.Code(code)
	}
	pe.Detail, pe.Hint, pe.Where = take("detail"), take("hint"), take("context")
	if err := take("error"); err != "" && pe.Detail == "" {
		pe.Detail = err
	}
	delete(m.Fields, "errorVerbose")
	return &Event{Err: pe, Statement: take("statement"), Backtrace: take("stack")}
}

func (o *output) write(ev *Event, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.emit(ev, at)
}

// emit writes an event to where the settings say. Without a collector all goes to one place, in one form.
func (o *output) emit(ev *Event, at time.Time) error {
	at = at.In(o.location())
	dest := o.cfg.Get("log_destination").Text
	if o.files == nil || o.echo {
		_, err := o.w.Write(o.encode(o.consoleForm(dest), ev, at))
		if o.files == nil {
			return err
		}
	}
	var err error
	for f := range forms {
		if wants(dest, f) {
			as := f
			if f == formText && o.cfg.Get("log_format").Text == "json" {
				as = formJSON
			}
			err = errors.Join(err, o.files.write(f, o.encode(as, ev, at)))
		}
	}
	return err
}

// consoleForm is the form of the lines on standard error: text if log_destination names it.
func (o *output) consoleForm(dest string) form {
	switch {
	case o.cfg.Get("log_format").Text == "json":
		return formJSON
	case o.echo || wants(dest, formText):
		return formText
	case wants(dest, formJSON):
		return formJSON
	case wants(dest, formCSV):
		return formCSV
	}
	return formText
}

// encode returns the lines of an event; they are good until the next call.
func (o *output) encode(f form, ev *Event, at time.Time) []byte {
	switch f {
	case formCSV:
		o.buf = csv(o.buf[:0], ev, at)
	case formJSON:
		o.buf = jsonLine(o.buf[:0], ev, at)
	default:
		o.buf = o.text(o.buf[:0], ev, at)
	}
	return o.buf
}

func (o *output) location() *time.Location {
	if name := o.cfg.Get("log_timezone").Text; o.zone == nil || name != o.name {
		_, loc, err := config.LoadZone(name)
		if err != nil {
			loc = time.UTC
		}
		o.zone, o.name = loc, name
	}
	return o.zone
}

// text appends the lines of an event.
func (o *output) text(b []byte, ev *Event, at time.Time) []byte {
	format := o.cfg.Get("log_line_prefix").Text
	line := func(word, s string) {
		ev.Proc.lines[formText].Add(1)
		b = appendPrefix(b, format, ev, at)
		b = append(b, word...)
		b = append(b, ":  "...)
		for i := 0; i < len(s); i++ {
			if b = append(b, s[i]); s[i] == '\n' {
				b = append(b, '\t')
			}
		}
		b = append(b, '\n')
	}
	more := func(word, s string) {
		if s != "" {
			line(word, s)
		}
	}
	e := ev.Err
	msg := e.Message + position(e)
	if ev.Verbose {
		msg = string(e.Code) + ": " + msg
	}
	line(string(e.Level()), msg)
	if !ev.Terse {
		more("DETAIL", detail(e))
		more("HINT", e.Hint)
		more("QUERY", e.InternalQuery)
		more("CONTEXT", e.Where)
		more("BACKTRACE", ev.Backtrace)
	}
	more("STATEMENT", ev.Statement)
	return b
}
