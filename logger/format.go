package logger

import (
	"strconv"
	"time"
	"unicode/utf8"

	"gompho/internal/pgerr"
)

// form is the form of a log's lines.
type form uint8

const (
	formText form = iota
	formCSV
	formJSON
	forms // how many there are
)

// destinations are the words of log_destination, in the order of forms; they name the files in current_logfiles, too.
var destinations = [forms]string{"stderr", "csvlog", "jsonlog"}

// extensions replace .log at the end of log_filename.
var extensions = [forms]string{"", ".csv", ".json"}

const (
	timeMillis = "2006-01-02 15:04:05.000 MST"
	timeSecond = "2006-01-02 15:04:05 MST"
)

// csvText appends a value as csvlog quotes it.
func csvText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// csvSome appends a value that is nothing when it is empty.
func csvSome(b []byte, s string) []byte {
	if s == "" {
		return b
	}
	return csvText(b, s)
}

// csv appends the line of an event with the 26 columns of csvlog.
func csv(b []byte, ev *Event, at time.Time) []byte {
	p, e := ev.Proc, ev.Err
	user, db, app := p.names()
	b = append(at.AppendFormat(b, timeMillis), ',')
	b = append(csvSome(b, user), ',')
	b = append(csvSome(b, db), ',')
	b = append(strconv.AppendInt(b, int64(p.PID), 10), ',')
	if p.Host != "" {
		from := p.Host
		if p.Port != "" {
			from += ":" + p.Port
		}
		b = csvText(b, from)
	}
	b = append(b, ',')
	b = append(append(b, p.sessionID()...), ',')
	b = append(strconv.AppendInt(b, p.lines[formCSV].Add(1), 10), ',')
	if p.Client {
		b = csvText(b, ev.Tag)
	}
	b = append(b, ',')
	b = append(p.Start.In(at.Location()).AppendFormat(b, timeSecond), ',')
	b = append(append(b, ev.Vxid...), ',')
	b = append(strconv.AppendUint(b, ev.Xid, 10), ',')
	b = append(append(b, e.Level()...), ',')
	b = append(append(b, e.Code...), ',')
	b = append(csvText(b, e.Message), ',')
	b = append(csvSome(b, detail(e)), ',')
	b = append(csvSome(b, e.Hint), ',')
	b = append(csvSome(b, e.InternalQuery), ',')
	if e.InternalPosition > 0 && e.InternalQuery != "" {
		b = strconv.AppendInt(b, int64(e.InternalPosition), 10)
	}
	b = append(b, ',')
	b = append(csvSome(b, e.Where), ',')
	b = append(csvSome(b, ev.Statement), ',')
	if ev.Statement != "" && e.Position > 0 {
		b = strconv.AppendInt(b, int64(e.Position), 10)
	}
	b = append(b, ',', ',') // no location
	b = append(csvText(b, app), ',')
	b = append(csvText(b, p.Type), ',')
	if n := p.leader(); n != 0 {
		b = strconv.AppendInt(b, int64(n), 10)
	}
	b = append(b, ',')
	return append(strconv.AppendInt(b, p.queryID(), 10), '\n')
}

// jsonObject appends keys in the order in which they come.
type jsonObject struct{ b []byte }

func (j *jsonObject) key(k string) {
	if n := len(j.b); n > 0 && j.b[n-1] != '{' {
		j.b = append(j.b, ',')
	}
	j.b = append(j.b, '"')
	j.b = append(append(j.b, k...), '"', ':')
}

// text adds a key, unless the value is empty.
func (j *jsonObject) text(k, v string) {
	if v != "" {
		j.key(k)
		j.b = jsonText(j.b, v)
	}
}

func (j *jsonObject) number(k string, v int64) {
	j.key(k)
	j.b = strconv.AppendInt(j.b, v, 10)
}

const hexDigits = "0123456789abcdef"

// jsonText appends a string as jsonlog escapes it; what is not UTF-8 is replaced.
func jsonText(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		switch i++; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\b':
			b = append(b, '\\', 'b')
		case c == '\f':
			b = append(b, '\\', 'f')
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// jsonLine appends the line of an event with the keys of jsonlog.
func jsonLine(b []byte, ev *Event, at time.Time) []byte {
	p, e := ev.Proc, ev.Err
	user, db, app := p.names()
	j := &jsonObject{append(b, '{')}
	j.text("timestamp", at.Format(timeMillis))
	j.text("user", user)
	j.text("dbname", db)
	j.number("pid", int64(p.PID))
	j.text("remote_host", p.Host)
	if n, err := strconv.Atoi(p.Port); err == nil {
		j.number("remote_port", int64(n))
	}
	j.text("session_id", p.sessionID())
	j.number("line_num", p.lines[formJSON].Add(1))
	if p.Client {
		j.key("ps")
		j.b = jsonText(j.b, ev.Tag)
	}
	j.text("session_start", p.Start.In(at.Location()).Format(timeSecond))
	j.text("vxid", ev.Vxid)
	j.number("txid", int64(ev.Xid))
	j.text("error_severity", string(e.Level()))
	if e.Code != pgerr.SuccessfulCompletion {
		j.text("state_code", string(e.Code))
	}
	j.text("message", e.Message)
	j.text("detail", detail(e))
	j.text("hint", e.Hint)
	j.text("internal_query", e.InternalQuery)
	if e.InternalPosition > 0 && e.InternalQuery != "" {
		j.number("internal_position", int64(e.InternalPosition))
	}
	j.text("context", e.Where)
	if ev.Statement != "" {
		j.text("statement", ev.Statement)
		if e.Position > 0 {
			j.number("cursor_position", int64(e.Position))
		}
	}
	j.text("backtrace", ev.Backtrace)
	j.text("application_name", app)
	j.text("backend_type", p.Type)
	if n := p.leader(); n != 0 {
		j.number("leader_pid", int64(n))
	}
	j.number("query_id", p.queryID())
	return append(j.b, '}', '\n')
}
