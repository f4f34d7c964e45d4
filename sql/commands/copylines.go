package commands

import (
	"bytes"
	"io"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/stats"
)

// copyLines cuts the input of COPY FROM into lines, and lines into fields.
//
// Lines are kept in data until keep is called, so that fields of the rows of one batch can refer to them.
type copyLines struct {
	r     io.Reader
	o     *copyOptions
	slot  *stats.Slot // whose account long lines are on
	held  stats.Charge
	data  []byte // what has been read
	pos   int    // of data: where the next line begins
	eof   bool
	done  bool // the end was reached, or \. read
	line  []byte
	n     int  // lines read
	eol   byte // 0 unknown, '\n', '\r', or 'b' for both
	field field
}

// field is one value of a line.
type field struct {
	b      []byte
	null   bool
	quoted bool
}

const copyChunk = 256 << 10

// more reads on; false at the end of input.
func (l *copyLines) more() (bool, error) {
	if l.eof {
		return false, nil
	}
	if cap(l.data)-len(l.data) < 64<<10 {
		if err := l.grow(); err != nil {
			return false, err
		}
	}
	n, err := l.r.Read(l.data[len(l.data):cap(l.data)])
	l.data = l.data[:len(l.data)+n]
	if err == io.EOF {
		l.eof, err = true, nil
		return n > 0, nil
	}
	return true, err
}

// grow makes room for more of a line, or of a batch of lines. What is kept is twice on the account: the fields' values are copied when they are stored.
func (l *copyLines) grow() error {
	if n := len(l.data) - l.pos; n > maxCopyLine {
		return pgerr.New(pgerr.ProgramLimitExceeded, "out of memory").WithDetail("Cannot enlarge string buffer containing %d bytes by %d more bytes.", n, copyChunk)
	}
	size := 2*cap(l.data) + copyChunk
	if size > longLine {
		if err := l.slot.Account().Afford(int64(size), "a line of COPY"); err != nil {
			return err
		}
		l.held.Set(l.slot.Account(), 2*int64(size), "a line of COPY")
	}
	grown := make([]byte, len(l.data), size)
	copy(grown, l.data)
	l.data = grown // lines that refer to the old array keep it alive
	return nil
}

// maxCopyLine is the longest line in bytes; longLine is from what size on the input that is kept is on the account.
const (
	maxCopyLine = 1<<30 - 1
	longLine    = 1 << 20
)

// recycle forgets lines that nobody refers to any more: all before the next one.
func (l *copyLines) recycle() {
	if l.pos < copyChunk/2 {
		return
	}
	l.data = append(l.data[:0], l.data[l.pos:]...)
	l.pos = 0
	if cap(l.data) > longLine && len(l.data) < copyChunk {
		l.data = append(make([]byte, 0, copyChunk), l.data...)
		l.held.Done()
	}
}

// next reads a line; false at the end.
func (l *copyLines) next() (bool, error) {
	if l.done {
		return false, nil
	}
	l.n++
	var err error
	var ok bool
	if l.o.csv {
		ok, err = l.nextCSV()
	} else {
		ok, err = l.nextText()
	}
	if err != nil || !ok {
		l.done = true
		return false, err
	}
	if len(l.line) == 2 && l.line[0] == '\\' && l.line[1] == '.' {
		l.done = true
		return false, l.drain()
	}
	if !utf8.Valid(l.line) {
		return false, badEncoding(l.line)
	}
	return true, nil
}

// drain reads what follows the end mark and throws it away.
func (l *copyLines) drain() error {
	for {
		l.data = l.data[:0]
		if ok, err := l.more(); !ok || err != nil {
			return err
		}
	}
}

func badEncoding(b []byte) error {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			want := 1
			switch {
			case b[i] >= 0xf0 && b[i] < 0xf8:
				want = 4
			case b[i] >= 0xe0:
				want = 3
			case b[i] >= 0xc0:
				want = 2
			}
			text := ""
			for k := i; k < min(i+want, len(b)); k++ {
				const hex = "0123456789abcdef"
				if k > i {
					text += " "
				}
				text += "0x" + string(hex[b[k]>>4]) + string(hex[b[k]&15])
			}
			return pgerr.New(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding %q: %s", "UTF8", text)
		}
		i += n
	}
	return nil
}

// lineEnd finds the end of the line that begins at pos, from at on: the index behind its last byte, and of the next line. end < 0: not there yet.
func (l *copyLines) lineEnd(at int) (end, next int, err error) {
	for {
		var i int
		if l.eol == '\n' || l.eol == 'b' {
			if i = bytes.IndexByte(l.data[at:], '\n'); i < 0 {
				return -1, 0, nil
			}
			i += at
			if l.eol == 'b' {
				if i == l.pos || l.data[i-1] != '\r' {
					at = i + 1
					continue
				}
				return i - 1, i + 1, nil
			}
			return i, i + 1, nil
		}
		if l.eol == '\r' {
			if i = bytes.IndexByte(l.data[at:], '\r'); i < 0 {
				return -1, 0, nil
			}
			return i + at, i + at + 1, nil
		}
		if i = bytes.IndexAny(l.data[at:], "\r\n"); i < 0 {
			return -1, 0, nil
		}
		i += at
		if l.data[i] == '\n' {
			l.eol = '\n'
			return i, i + 1, nil
		}
		if i+1 == len(l.data) && !l.eof {
			return -1, 0, nil // a \n may follow
		}
		l.eol = '\r'
		if i+1 < len(l.data) && l.data[i+1] == '\n' {
			l.eol = 'b'
			return i, i + 2, nil
		}
		return i, i + 1, nil
	}
}

// escapedAt reports whether an odd number of backslashes stands before end.
func escapedAt(b []byte, start, end int) bool {
	n := 0
	for i := end - 1; i >= start && b[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

func (l *copyLines) nextText() (bool, error) {
	at := l.pos
	for {
		end, next, err := l.lineEnd(at)
		if err != nil {
			return false, err
		}
		if end >= 0 {
			if escapedAt(l.data, l.pos, end) {
				at = next
				continue
			}
			l.line, l.pos = l.data[l.pos:end], next
			return true, l.strayText()
		}
		from := max(at, len(l.data)-1)
		ok, err := l.more()
		if err != nil {
			return false, err
		}
		if !ok {
			return l.rest()
		}
		at = max(l.pos, from)
	}
}

// strayText refuses line ends of another style in the line.
func (l *copyLines) strayText() error {
	switch {
	case l.eol == '\n' && bytes.IndexByte(l.line, '\r') >= 0 && !escapedCR(l.line):
		return pgerr.New(pgerr.BadCopyFileFormat, "literal carriage return found in data").WithHint("Use \"\\r\" to represent carriage return.")
	case (l.eol == '\r' || l.eol == 'b') && unescapedNewline(l.line):
		return pgerr.New(pgerr.BadCopyFileFormat, "literal newline found in data").WithHint("Use \"\\n\" to represent newline.")
	}
	return nil
}

func escapedCR(b []byte) bool {
	for i, ch := range b {
		if ch == '\r' && !escapedAt(b, 0, i) {
			return false
		}
	}
	return true
}

func unescapedNewline(b []byte) bool {
	for i, ch := range b {
		if ch == '\n' && !escapedAt(b, 0, i) {
			return true
		}
	}
	return false
}

// rest is the last line when it has no line end.
func (l *copyLines) rest() (bool, error) {
	if l.pos >= len(l.data) {
		return false, nil
	}
	l.line, l.pos = l.data[l.pos:], len(l.data)
	return true, nil
}

// nextCSV reads a record: line ends in quotes do not count.
func (l *copyLines) nextCSV() (bool, error) {
	at := l.pos
	inQuote, lastEscape := false, false
	scanned := l.pos
	for {
		eol := l.eol
		end, next, err := l.lineEnd(at)
		if err != nil {
			return false, err
		}
		upTo := end
		if end < 0 {
			upTo = len(l.data)
		}
		inQuote, lastEscape = l.scanQuotes(scanned, upTo, inQuote, lastEscape)
		scanned = upTo
		if end >= 0 {
			if inQuote {
				lastEscape = false
				at, scanned = next, next
				if l.eol = eol; eol != 0 {
					l.n++ // a line end in quotes says nothing about the style of the others
				}
				continue
			}
			l.line, l.pos = l.data[l.pos:end], next
			return true, nil
		}
		ok, err := l.more()
		if err != nil {
			return false, err
		}
		if !ok {
			if ok, err := l.rest(); !ok || err != nil {
				return ok, err
			}
			return true, nil
		}
		at = scanned
		if at > l.pos && l.data[at-1] == '\r' {
			at--
		}
	}
}

// scanQuotes follows the quotes in data[from:to].
func (l *copyLines) scanQuotes(from, to int, inQuote, lastEscape bool) (bool, bool) {
	quote, escape := l.o.quote, l.o.escape
	if quote == escape {
		if bytes.Count(l.data[from:to], []byte{quote})%2 == 1 {
			inQuote = !inQuote
		}
		return inQuote, false
	}
	for _, ch := range l.data[from:to] {
		if inQuote && ch == escape {
			lastEscape = !lastEscape
		}
		if ch == quote && !lastEscape {
			inQuote = !inQuote
		}
		if ch != escape {
			lastEscape = false
		}
	}
	return inQuote, lastEscape
}

// splitText cuts the line at delimiters, undoing escapes. Values without escapes refer to the line.
func (l *copyLines) splitText(out []field) ([]field, error) {
	line, delim := l.line, l.o.delim
	if bytes.IndexByte(line, '\\') < 0 {
		for {
			i := bytes.IndexByte(line, delim)
			v := line
			if i >= 0 {
				v = line[:i]
			}
			out = append(out, field{b: v, null: string(v) == l.o.null})
			if i < 0 {
				return out, nil
			}
			line = line[i+1:]
		}
	}
	for {
		end, escapes := fieldEnd(line, delim)
		raw := line[:end]
		f := field{b: raw, null: string(raw) == l.o.null}
		if !f.null && escapes {
			f.b = unescape(raw)
			if !utf8.Valid(f.b) {
				return nil, badEncoding(f.b)
			}
		}
		out = append(out, f)
		if end >= len(line) {
			return out, nil
		}
		line = line[end+1:]
	}
}

func fieldEnd(line []byte, delim byte) (end int, escapes bool) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case delim:
			return i, escapes
		case '\\':
			escapes = true
			i++
		}
	}
	return len(line), escapes
}

// unescape undoes the backslash sequences of the text format.
func unescape(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		ch := raw[i]
		if ch != '\\' || i+1 == len(raw) {
			out = append(out, ch)
			continue
		}
		i++
		switch ch = raw[i]; {
		case ch >= '0' && ch <= '7':
			v := int(ch - '0')
			for k := 0; k < 2 && i+1 < len(raw) && raw[i+1] >= '0' && raw[i+1] <= '7'; k++ {
				i++
				v = v<<3 | int(raw[i]-'0')
			}
			out = append(out, byte(v))
			continue
		case ch == 'x':
			v, digits := 0, 0
			for digits < 2 && i+1 < len(raw) && hexDigit(raw[i+1]) >= 0 {
				i++
				v = v<<4 | hexDigit(raw[i])
				digits++
			}
			if digits > 0 {
				ch = byte(v)
			}
		case ch == 'b':
			ch = '\b'
		case ch == 'f':
			ch = '\f'
		case ch == 'n':
			ch = '\n'
		case ch == 'r':
			ch = '\r'
		case ch == 't':
			ch = '\t'
		case ch == 'v':
			ch = '\v'
		}
		out = append(out, ch)
	}
	return out
}

func hexDigit(ch byte) int {
	switch {
	case ch >= '0' && ch <= '9':
		return int(ch - '0')
	case ch >= 'a' && ch <= 'f':
		return int(ch-'a') + 10
	case ch >= 'A' && ch <= 'F':
		return int(ch-'A') + 10
	}
	return -1
}

// splitCSV cuts the record into fields.
func (l *copyLines) splitCSV(out []field) ([]field, error) {
	line, o := l.line, l.o
	i := 0
	for {
		start := i
		var buf []byte
		quoted, plain := false, true
		for i < len(line) && line[i] != o.delim {
			if line[i] != o.quote {
				if !plain {
					buf = append(buf, line[i])
				}
				i++
				continue
			}
			if plain {
				buf, plain = append(buf, line[start:i]...), false
			}
			quoted = true
			i++
			for {
				if i >= len(line) {
					return nil, pgerr.New(pgerr.BadCopyFileFormat, "unterminated CSV quoted field")
				}
				ch := line[i]
				if ch == o.escape && i+1 < len(line) && (line[i+1] == o.escape || line[i+1] == o.quote) {
					buf = append(buf, line[i+1])
					i += 2
					continue
				}
				i++
				if ch == o.quote {
					break
				}
				buf = append(buf, ch)
			}
		}
		f := field{b: buf, quoted: quoted}
		if plain {
			f.b = line[start:i]
		}
		f.null = !quoted && string(f.b) == o.null
		out = append(out, f)
		if i >= len(line) {
			return out, nil
		}
		i++
	}
}

// split cuts the line as the format says.
func (l *copyLines) split(out []field) ([]field, error) {
	if l.o.csv {
		return l.splitCSV(out)
	}
	return l.splitText(out)
}
