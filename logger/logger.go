package logger

import (
	"io"
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"gompho/config"
)

// ForServer returns a constructor of a server's log on w: log_format chooses text or JSON, log_min_messages the level.
func ForServer(w io.Writer) func(*config.Server) *zap.Logger {
	return func(cfg *config.Server) *zap.Logger {
		var enc zapcore.Encoder
		if cfg.Get("log_format").Text == "json" {
			ec := zap.NewProductionEncoderConfig()
			ec.TimeKey, ec.EncodeTime, ec.LevelKey = "timestamp", zapcore.ISO8601TimeEncoder, ""
			enc = zapcore.NewJSONEncoder(ec)
		} else {
			enc = newText()
		}
		level := zap.LevelEnablerFunc(func(l zapcore.Level) bool { return l >= levelOf(cfg.Get("log_min_messages").Text) })
		return zap.New(zapcore.NewCore(enc, zapcore.Lock(zapcore.AddSync(w)), level))
	}
}

// levelOf maps log_min_messages. PostgreSQL ranks LOG above ERROR in the server log, so LOG lines always appear; here they
// are Info.
func levelOf(name string) zapcore.Level {
	if strings.HasPrefix(name, "debug") {
		return zapcore.DebugLevel
	}
	return zapcore.InfoLevel
}

// text prints a line like PostgreSQL's stderr log: time [pid] user@db SEVERITY:  message, then one line for each detail.
type text struct {
	zapcore.ObjectEncoder
	fields *zapcore.MapObjectEncoder
	pool   buffer.Pool
}

func newText() *text {
	m := zapcore.NewMapObjectEncoder()
	return &text{ObjectEncoder: m, fields: m, pool: buffer.NewPool()}
}

// Clone implements zapcore.Encoder.
func (t *text) Clone() zapcore.Encoder {
	c := newText()
	for k, v := range t.fields.Fields {
		c.fields.Fields[k] = v
	}
	return c
}

// EncodeEntry implements zapcore.Encoder.
func (t *text) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	m := zapcore.NewMapObjectEncoder()
	for k, v := range t.fields.Fields {
		m.Fields[k] = v
	}
	for _, f := range fields {
		f.AddTo(m)
	}
	str := func(k string) string { s, _ := m.Fields[k].(string); return s }
	b := t.pool.Get()
	b.AppendString(e.Time.Format("2006-01-02 15:04:05.000 MST"))
	if pid, ok := m.Fields["pid"].(int32); ok {
		b.AppendString(" [")
		b.AppendInt(int64(pid))
		b.AppendByte(']')
	}
	if u := str("user"); u != "" {
		b.AppendString(" " + u + "@" + str("db"))
	}
	prefix := b.String()
	line := func(word, s string) {
		if s != "" {
			b.AppendString(prefix + " " + word + ":  " + strings.ReplaceAll(s, "\n", "\n\t") + "\n")
		}
	}
	b.AppendString(" " + severity(e.Level, str("severity")) + ":  ")
	if c := str("code"); c != "" && c != "00000" {
		b.AppendString(c + ": ")
	}
	b.AppendString(strings.ReplaceAll(e.Message, "\n", "\n\t"))
	b.AppendByte('\n')
	line("DETAIL", str("detail"))
	line("HINT", str("hint"))
	line("CONTEXT", str("context"))
	line("STATEMENT", str("statement"))
	if err := str("error"); err != "" {
		line("DETAIL", err)
	}
	if r, ok := m.Fields["reason"]; ok {
		line("DETAIL", stringOf(r))
	}
	if s := stringOf(m.Fields["stack"]); s != "" {
		line("BACKTRACE", s)
	}
	return b, nil
}

func stringOf(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case []byte:
		return string(x)
	case error:
		return x.Error()
	case interface{ String() string }:
		return x.String()
	}
	return ""
}

func severity(l zapcore.Level, given string) string {
	if given != "" {
		return given
	}
	switch {
	case l < zapcore.InfoLevel:
		return "DEBUG"
	case l == zapcore.InfoLevel:
		return "LOG"
	case l == zapcore.WarnLevel:
		return "WARNING"
	}
	return "ERROR"
}
