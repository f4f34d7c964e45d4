package commands

import (
	"encoding/binary"
	"io"
	"strconv"

	"gompho/internal/ids"
	"gompho/sql/ast"
	"gompho/stats"
	"gompho/types"
)

// copyWriter writes rows in one of the formats.
type copyWriter struct {
	c     *Context
	o     *copyOptions
	names []string
	types []*types.Type
	force []bool // FORCE_QUOTE
	sink  io.WriteCloser
	buf   []byte // the row being made
	val   []byte
	n     uint64
	env   types.Env
}

func (w *copyWriter) column(name string, typ ids.Oid) error {
	if typ == 705 {
		typ = textOid
	}
	t, err := w.c.copyType(typ)
	if err != nil {
		return err
	}
	w.names, w.types = append(w.names, name), append(w.types, t)
	w.force = append(w.force, w.o.forceQuoteAll || w.o.forceQuote[name])
	return nil
}

const copySignature = "PGCOPY\n\xff\r\n\x00"

// open begins the output: header line, or signature.
func (w *copyWriter) open(st *ast.CopyStmt) error {
	w.env = w.c.typeEnv()
	var err error
	if w.sink, err = w.c.copySink(st, len(w.types), w.o.binary); err != nil {
		return err
	}
	if w.o.binary {
		w.buf = append(w.buf[:0], copySignature...)
		w.buf = append(w.buf, 0, 0, 0, 0, 0, 0, 0, 0)
		_, err := w.sink.Write(w.buf)
		return err
	}
	if w.o.header == headerOff {
		return nil
	}
	w.buf = w.buf[:0]
	for i, n := range w.names {
		if i > 0 {
			w.buf = append(w.buf, w.o.delim)
		}
		if w.o.csv {
			w.csvField([]byte(n), false)
		} else {
			w.textField([]byte(n))
		}
	}
	return w.endRow()
}

func (w *copyWriter) endRow() error {
	w.buf = append(w.buf, '\n')
	_, err := w.sink.Write(w.buf)
	w.c.S.Slot.AddProgress(stats.ProgressCopy, stats.CopyBytes, int64(len(w.buf)))
	return err
}

// close ends the output; err is what has gone wrong before.
func (w *copyWriter) close(err error) error {
	if err == nil && w.o.binary {
		_, err = w.sink.Write([]byte{0xff, 0xff})
	}
	if err != nil {
		if f, ok := w.sink.(*fileSink); ok {
			f.f.Close()
		}
		return err
	}
	return w.sink.Close()
}

// batch writes the rows of a batch.
func (w *copyWriter) batch(b *types.Batch) error {
	if err := w.c.S.Slot.CheckInterrupts(); err != nil {
		return err
	}
	for i := range b.Rows() {
		row := b.Row(i)
		w.buf = w.buf[:0]
		err := w.affordRow(b, row)
		if err != nil {
			return err
		}
		if w.o.binary {
			err = w.binaryRow(b, row)
		} else {
			w.textRow(b, row)
			err = w.endRow()
		}
		if err != nil {
			return err
		}
		w.n++
		w.c.S.Slot.SetProgress(stats.ProgressCopy, stats.CopyTuples, int64(w.n))
	}
	return nil
}

func (w *copyWriter) binaryRow(b *types.Batch, row int) error {
	w.buf = binary.BigEndian.AppendUint16(w.buf, uint16(len(w.types)))
	for i, t := range w.types {
		d := b.Cols[i].Get(row)
		if d.IsNull() {
			w.buf = append(w.buf, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(w.buf)
		w.buf = append(w.buf, 0, 0, 0, 0)
		var err error
		if w.buf, err = types.Send(w.env, t, d, w.buf); err != nil {
			return err
		}
		binary.BigEndian.PutUint32(w.buf[at:], uint32(len(w.buf)-at-4))
	}
	_, err := w.sink.Write(w.buf)
	return err
}

// longField is from which length on, in bytes, it is asked whether there is room for the output of a value: in its text form, with escapes, and in the message.
const longField = 256 << 10

// affordRow asks that for the long values of a row.
func (w *copyWriter) affordRow(b *types.Batch, row int) error {
	long := 0
	for i := range w.types {
		if d := b.Cols[i].Get(row); d.IsBytes() && len(d.Bytes()) > longField {
			long += len(d.Bytes())
		}
	}
	if long == 0 {
		return nil
	}
	return w.c.S.Slot.Account().Afford(3*int64(long), "a row of COPY")
}

func (w *copyWriter) textRow(b *types.Batch, row int) {
	for i, t := range w.types {
		if i > 0 {
			w.buf = append(w.buf, w.o.delim)
		}
		d := b.Cols[i].Get(row)
		if d.IsNull() {
			w.buf = append(w.buf, w.o.null...)
			continue
		}
		switch t.Oid {
		case 20, 21, 23:
			if w.o.csv && w.force[i] {
				break
			}
			w.buf = strconv.AppendInt(w.buf, d.Int(), 10)
			continue
		}
		w.val = types.Output(w.env, t, d, w.val[:0])
		if w.o.csv {
			w.csvField(w.val, w.force[i])
		} else {
			w.textField(w.val)
		}
	}
}

// textEscapes are the letters behind the backslash of control characters.
var textEscapes = [...]byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v'}

func (w *copyWriter) textField(v []byte) {
	start := 0
	for i, ch := range v {
		if ch >= 0x20 && ch != '\\' && ch != w.o.delim {
			continue
		}
		esc := ch
		if int(ch) < len(textEscapes) && textEscapes[ch] != 0 {
			esc = textEscapes[ch]
		} else if ch != '\\' && ch != w.o.delim {
			continue
		}
		w.buf = append(w.buf, v[start:i]...)
		w.buf = append(w.buf, '\\', esc)
		start = i + 1
	}
	w.buf = append(w.buf, v[start:]...)
}

func (w *copyWriter) csvField(v []byte, force bool) {
	o := w.o
	quote := force || string(v) == o.null || len(w.types) == 1 && string(v) == "\\."
	if !quote {
		for _, ch := range v {
			if ch == o.delim || ch == o.quote || ch == '\n' || ch == '\r' {
				quote = true
				break
			}
		}
	}
	if !quote {
		w.buf = append(w.buf, v...)
		return
	}
	w.buf = append(w.buf, o.quote)
	for _, ch := range v {
		if ch == o.quote || ch == o.escape {
			w.buf = append(w.buf, o.escape)
		}
		w.buf = append(w.buf, ch)
	}
	w.buf = append(w.buf, o.quote)
}
