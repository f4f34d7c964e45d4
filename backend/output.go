package backend

import (
	"encoding/binary"
	"slices"
	"strconv"

	"gompho/functions"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
	"gompho/wire"
)

// rowWriter encodes result rows into DataRow messages.
type rowWriter struct {
	c       *wire.Conn
	env     types.Env
	types   []*types.Type
	formats []int16
	n       int // visible columns
	slot    *stats.Slot
}

// batch sends the rows of a batch.
func (w *rowWriter) batch(b *types.Batch) error {
	rows := b.Rows()
	for i := 0; i < rows; i++ {
		if err := w.slot.CheckInterrupts(); err != nil { // values may be large
			return err
		}
		r := b.Row(i)
		at := w.c.Begin('D')
		out := binary.BigEndian.AppendUint16(w.c.Out(), uint16(w.n))
		var err error
		for col := 0; col < w.n; col++ {
			if out, err = w.value(out, col, b.Cols[col].Get(r)); err != nil {
				w.c.Discard(at)
				return err
			}
		}
		w.c.SetOut(out)
		w.c.End(at)
	}
	return w.c.Err()
}

// row sends one row.
func (w *rowWriter) row(vals []types.Datum) error {
	at := w.c.Begin('D')
	out := binary.BigEndian.AppendUint16(w.c.Out(), uint16(w.n))
	var err error
	for col := 0; col < w.n; col++ {
		if out, err = w.value(out, col, vals[col]); err != nil {
			w.c.Discard(at)
			return err
		}
	}
	w.c.SetOut(out)
	w.c.End(at)
	return w.c.Err()
}

// value appends one length-prefixed value.
func (w *rowWriter) value(out []byte, col int, d types.Datum) ([]byte, error) {
	if d.IsNull() {
		return append(out, 0xff, 0xff, 0xff, 0xff), nil
	}
	t := w.types[col]
	if d.IsBytes() && len(d.Bytes()) > longField {
		var err error
		if out, err = w.makeRoom(out, t, d); err != nil {
			return out, err
		}
	}
	at := len(out)
	out = append(out, 0, 0, 0, 0)
	if wire.Format(w.formats, col) == 0 {
		switch t.Oid { // the commonest need no dispatch
		case 23, 20, 21:
			out = strconv.AppendInt(out, d.Int(), 10)
		case 25, 1043, 1042, 19:
			out = append(out, d.Bytes()...)
		default:
			out = types.Output(w.env, t, d, out)
		}
	} else {
		switch t.Oid {
		case 23:
			out = binary.BigEndian.AppendUint32(out, uint32(d.Int()))
		case 20:
			out = binary.BigEndian.AppendUint64(out, uint64(d.Int()))
		default:
			var err error
			if out, err = types.Send(w.env, t, d, out); err != nil {
				return out, err
			}
		}
	}
	binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	return out, nil
}

// longField is from which length on, in bytes, it is asked whether there is room for a value in the message.
const longField = 64 << 10

// makeRoom asks for the memory that a long value needs, and lets out have it when the value is sent as it is.
func (w *rowWriter) makeRoom(out []byte, t *types.Type, d types.Datum) ([]byte, error) {
	if err := functions.AffordOutput(w.slot, t, d); err != nil {
		return out, err
	}
	want := len(out) + len(d.Bytes()) + 4
	if want <= cap(out) {
		return out, nil
	}
	if cap(out) >= 1<<20 { // it grows more than once: both are there while it is copied
		want = max(want, cap(out)+cap(out)/4)
		if err := w.slot.Account().Afford(int64(want), "a row for the client"); err != nil {
			return out, err
		}
	}
	return slices.Grow(out, want-len(out)), nil
}

// checkFormats rejects lists of format codes of the wrong length.
func checkFormats(formats []int16, n int) error {
	if len(formats) > 1 && len(formats) != n {
		return pgerr.New(pgerr.ProtocolViolation, "bind message has %d result formats but query has %d columns", len(formats), n)
	}
	return nil
}

// checkCodes rejects format codes other than text and binary.
func checkCodes(formats []int16) error {
	for _, f := range formats {
		if f != 0 && f != 1 {
			return pgerr.New(pgerr.InvalidParameterValue, "unsupported format code: %d", f)
		}
	}
	return nil
}
