package logger

import (
	"fmt"
	"strconv"
	"time"
)

func (p *Process) sessionID() string { return fmt.Sprintf("%x.%x", p.Start.Unix(), p.PID) }

// appendPrefix appends the line prefix of an event.
func appendPrefix(b []byte, format string, ev *Event, at time.Time) []byte {
	p := ev.Proc
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b = append(b, format[i])
			continue
		}
		i++
		if i >= len(format) {
			break
		}
		if format[i] == '%' {
			b = append(b, '%')
			continue
		}
		pad, digits := 0, i
		if format[i] == '-' {
			i++
		}
		for i < len(format) && format[i] >= '0' && format[i] <= '9' {
			i++
		}
		if i > digits {
			var err error
			if pad, err = strconv.Atoi(format[digits:i]); err != nil || i >= len(format) {
				break
			}
		}
		if format[i] == 'q' {
			if !p.Client {
				break
			}
			continue
		}
		b = padded(b, escape(format[i], ev, at), pad)
	}
	return b
}

// padded appends s in a field of at least the given width, to the left when it is negative.
func padded(b []byte, s string, width int) []byte {
	for n := len(s); n < width; n++ {
		b = append(b, ' ')
	}
	b = append(b, s...)
	for n := len(s); n < -width; n++ {
		b = append(b, ' ')
	}
	return b
}

// escape returns the text of one letter of log_line_prefix, empty for letters without meaning.
func escape(c byte, ev *Event, at time.Time) string {
	p := ev.Proc
	known := func(s string) string {
		if s == "" && p.Client {
			return "[unknown]"
		}
		return s
	}
	switch c {
	case 'a', 'u', 'd':
		user, db, app := p.names()
		switch c {
		case 'a':
			return known(app)
		case 'u':
			return known(user)
		}
		return known(db)
	case 'b':
		return p.Type
	case 'p':
		return strconv.Itoa(int(p.PID))
	case 'c':
		return p.sessionID()
	case 'l':
		return strconv.FormatInt(p.lines[formText].Load(), 10)
	case 'm':
		return at.Format(timeMillis)
	case 't':
		return at.Format(timeSecond)
	case 'n':
		return fmt.Sprintf("%d.%03d", at.Unix(), at.Nanosecond()/1e6)
	case 's':
		return p.Start.In(at.Location()).Format(timeSecond)
	case 'i':
		return ev.Tag
	case 'r':
		if p.Port != "" {
			return p.Host + "(" + p.Port + ")"
		}
		return p.Host
	case 'h':
		return p.Host
	case 'v':
		return ev.Vxid
	case 'x':
		return strconv.FormatUint(ev.Xid, 10)
	case 'e':
		return string(ev.Err.Code)
	case 'Q':
		return strconv.FormatInt(p.queryID(), 10)
	case 'P':
		if n := p.leader(); n != 0 {
			return strconv.Itoa(int(n))
		}
	}
	return ""
}
