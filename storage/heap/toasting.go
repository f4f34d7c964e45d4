package heap

import (
	"bytes"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/tuple"
	"gompho/types"
)

const (
	// toastTarget is the size in bytes beyond which values of a row are compressed and moved out of line: a quarter of a page.
	toastTarget = 2032
	// minCompress is the size in bytes below which compressing is not tried.
	minCompress = 32
)

// toasting makes a row small enough: first by compressing, then by moving values out of line, the largest first.
type toasting struct {
	o      *op
	values []types.Datum
	stored tuple.Stored
	tried  []bool // compression was tried, or must not be
	cid    ids.CommandID
	opts   *InsertOpts
	base   int // size of the header
}

// make forms the tuple of values in o.form. keep holds stored forms to use for some values, as they were in an older version.
func (o *op) make(values []types.Datum, keep tuple.Stored, cid ids.CommandID, opts *InsertOpts) (tuple.Header, error) {
	l := o.r.layout
	base := tuple.HeaderSize
	for i := range values {
		if values[i].IsNull() {
			base = tuple.Align8(base + (len(values)+7)/8)
			break
		}
	}
	size := base + l.DataSize(values, keep)
	if size > toastTarget && !opts.NoToast {
		t := toasting{o: o, values: values, cid: cid, opts: opts, base: base,
			stored: make(tuple.Stored, len(values)), tried: make([]bool, len(values))}
		copy(t.stored, keep)
		if err := t.run(); err != nil {
			return nil, err
		}
		keep = t.stored
		size = base + l.DataSize(values, keep)
	}
	if tuple.Align8(size) > MaxTupleSize {
		return nil, pgerr.New(pgerr.ProgramLimitExceeded, "row is too big: size %d, maximum size %d", size, MaxTupleSize)
	}
	tup, err := l.Form(values, keep, o.form[:0])
	if err != nil {
		return nil, err
	}
	o.form = tup
	return tuple.Header(tup), nil
}

func (t *toasting) size() int { return t.base + t.o.r.layout.DataSize(t.values, t.stored) }

func (t *toasting) run() error {
	target := toastTarget
	if err := t.compress(target, "xe"); err != nil {
		return err
	}
	if t.o.r.Toast == nil {
		return t.compress(target, "m")
	}
	if err := t.move(target, "xe"); err != nil {
		return err
	}
	if err := t.compress(target, "m"); err != nil {
		return err
	}
	return t.move(MaxTupleSize, "m")
}

// biggest returns the attribute with the largest stored form among those of the storage kinds given that were not
// ruled out, -1 if none is worth it.
func (t *toasting) biggest(kinds string, out func(i int) bool) int {
	best, most := -1, tuple.Align8(tuple.ExternalSize)
	for i := range t.values {
		a := &t.o.r.Desc.Attrs[i]
		if a.Len != -1 || t.values[i].IsNull() || out(i) || bytes.IndexByte([]byte(kinds), a.Storage) < 0 {
			continue
		}
		n := len(t.values[i].Bytes())
		if t.stored[i] != nil {
			n = len(t.stored[i])
		}
		if n > most {
			best, most = i, n
		}
	}
	return best
}

// compress compresses values, the largest first, until the row fits. One that is too large even so goes out of line at once.
func (t *toasting) compress(target int, kinds string) error {
	for t.size() > target {
		i := t.biggest(kinds, func(i int) bool { return t.tried[i] || t.stored[i] != nil })
		if i < 0 {
			return nil
		}
		t.tried[i] = true
		b := t.values[i].Bytes()
		if t.o.r.Desc.Attrs[i].Storage != 'e' && len(b) >= minCompress {
			if block, ok := tuple.Pack(b); ok {
				t.stored[i] = tuple.AppendPacked(nil, block, len(b))
			}
		}
		if n := len(t.stored[i]); t.o.r.Toast != nil && kinds != "m" && (n > toastTarget || n == 0 && len(b) > toastTarget) {
			if err := t.moveOut(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// move moves values out of line, the largest first, until the row fits.
func (t *toasting) move(target int, kinds string) error {
	for t.size() > target {
		i := t.biggest(kinds, func(i int) bool { return isExternal(t.stored[i]) })
		if i < 0 {
			return nil
		}
		if err := t.moveOut(i); err != nil {
			return err
		}
	}
	return nil
}

func isExternal(stored []byte) bool { return len(stored) > 0 && stored[0] == 0x01 }

func (t *toasting) moveOut(i int) error {
	raw := t.values[i].Bytes()
	p := tuple.Pointer{RawSize: uint32(len(raw)), ExtSize: uint32(len(raw))}
	if s := t.stored[i]; s != nil {
		raw = tuple.PackedBlock(s)
		p.Compressed, p.ExtSize = true, uint32(len(raw))
	}
	p, err := t.o.r.Toast.Save(t.o.tx, t.cid, p, raw, *t.opts)
	if err != nil {
		return err
	}
	t.stored[i] = p.Append(nil)
	return nil
}

// keepExternal finds the out-of-line values of an old version that the new version has unchanged. It returns their stored
// forms, and the pointers of those that are not needed any more.
func (o *op) keepExternal(old []byte, values []types.Datum) (keep tuple.Stored, drop []tuple.Pointer, err error) {
	if tuple.Header(old).Infomask()&tuple.HasExternal == 0 {
		return nil, nil, nil
	}
	err = o.r.layout.Externals(old, func(i int, stored []byte, p tuple.Pointer) error {
		if i < len(values) && !values[i].IsNull() && len(values[i].Bytes()) == int(p.RawSize) {
			b, err := o.ext.Fetch(p)
			if err != nil {
				return err
			}
			if bytes.Equal(b, values[i].Bytes()) {
				if keep == nil {
					keep = make(tuple.Stored, len(values))
				}
				keep[i] = bytes.Clone(stored)
				return nil
			}
		}
		drop = append(drop, p)
		return nil
	})
	return keep, drop, err
}

// externals returns the pointers to all out-of-line values of a tuple.
func (r *Rel) externals(tup []byte) (ps []tuple.Pointer, err error) {
	if tuple.Header(tup).Infomask()&tuple.HasExternal == 0 {
		return nil, nil
	}
	err = r.layout.Externals(tup, func(_ int, _ []byte, p tuple.Pointer) error {
		ps = append(ps, p)
		return nil
	})
	return ps, err
}
