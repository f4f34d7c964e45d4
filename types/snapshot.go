package types

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// A pg_snapshot (and txid_snapshot) is kept as its text, xmin:xmax:xip,... in canonical form.

// Snapshot are the parts of a pg_snapshot: what is before Xmin is over, what is from Xmax on had not begun, Xip were running, ascending.
type Snapshot struct {
	Xmin, Xmax uint64
	Xip        []uint64
}

// Datum returns the value.
func (s *Snapshot) Datum() Datum {
	b := strconv.AppendUint(nil, s.Xmin, 10)
	b = strconv.AppendUint(append(b, ':'), s.Xmax, 10)
	b = append(b, ':')
	for i, x := range s.Xip {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, x, 10)
	}
	return Bytes(b)
}

// ParseSnapshot reads the text of a pg_snapshot.
func ParseSnapshot(text string) (s Snapshot, ok bool) {
	low, rest, ok1 := strings.Cut(text, ":")
	high, list, ok2 := strings.Cut(rest, ":")
	var err1, err2 error
	s.Xmin, err1 = strconv.ParseUint(low, 10, 64)
	s.Xmax, err2 = strconv.ParseUint(high, 10, 64)
	if !ok1 || !ok2 || err1 != nil || err2 != nil || s.Xmin == 0 || s.Xmax < s.Xmin {
		return s, false
	}
	if list == "" {
		return s, true
	}
	for _, one := range strings.Split(list, ",") {
		x, err := strconv.ParseUint(one, 10, 64)
		if err != nil || !s.add(x) {
			return s, false
		}
	}
	return s, true
}

// add adds a running transaction; they come in order, and once more does no harm.
func (s *Snapshot) add(x uint64) bool {
	if x < s.Xmin || x >= s.Xmax {
		return false
	}
	if n := len(s.Xip); n > 0 {
		if x <= s.Xip[n-1] {
			return x == s.Xip[n-1]
		}
	}
	s.Xip = append(s.Xip, x)
	return true
}

var snapshotIO = typeIO{
	in: func(_ Env, t *Type, text string, _ int32) (Datum, error) {
		s, ok := ParseSnapshot(text)
		if !ok {
			return Null, badSyntax("pg_snapshot", text)
		}
		return s.Datum(), nil
	},
	out: func(_ Env, _ *Type, d Datum, dst []byte) []byte { return append(dst, d.Bytes()...) },
	recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) {
		if len(b) < 20 || uint64(len(b)) != 20+8*uint64(binary.BigEndian.Uint32(b)) {
			return Null, badBinary()
		}
		s := Snapshot{Xmin: binary.BigEndian.Uint64(b[4:]), Xmax: binary.BigEndian.Uint64(b[12:])}
		if s.Xmin == 0 || s.Xmax < s.Xmin {
			return Null, badBinary()
		}
		for b = b[20:]; len(b) > 0; b = b[8:] {
			if !s.add(binary.BigEndian.Uint64(b)) {
				return Null, badBinary()
			}
		}
		return s.Datum(), nil
	},
	send: func(_ Env, _ *Type, d Datum, dst []byte) ([]byte, error) {
		s, _ := ParseSnapshot(d.Str())
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.Xip)))
		dst = binary.BigEndian.AppendUint64(dst, s.Xmin)
		dst = binary.BigEndian.AppendUint64(dst, s.Xmax)
		for _, x := range s.Xip {
			dst = binary.BigEndian.AppendUint64(dst, x)
		}
		return dst, nil
	},
}
