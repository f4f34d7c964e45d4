package sysviews

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/session"
	"gompho/storage/heap"
	"gompho/storage/tuple"
	"gompho/types"
)

// tableOf opens the table whose rows are to be split.
func tableOf(s *session.Session, oid ids.Oid) (*catalog.Relation, error) {
	r, err := s.Cat.LockRelation(oid, locks.AccessShare)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, pgerr.Internal("could not open relation with OID %d", oid)
	}
	if r.Heap == nil || r.Kind == 'S' {
		return nil, pgerr.NotSupported("only heap AM is supported")
	}
	return r, nil
}

// detoaster reads the long values of a table.
type detoaster struct {
	s *session.Session
	h *heap.Rel
}

// Fetch implements tuple.Detoaster.
func (d detoaster) Fetch(p tuple.Pointer) ([]byte, error) {
	if d.h.Toast == nil {
		return nil, pgerr.New(pgerr.DataCorrupted, "relation \"%s\" has no toast table", d.h.Name)
	}
	return d.h.Toast.Fetch(d.s.Tx, p)
}

// splitTuple is tuple_data_split: the attributes of a row as they are stored, as an array of bytea. With a sixth argument that is true, those of
// variable length as their values.
func splitTuple(s *session.Session, c *functions.Call) (types.Datum, error) {
	for i := range c.Args {
		if c.Args[i].IsNull() && i != 1 && i != 4 {
			return types.Null, nil
		}
	}
	if err := superuserFor(s, "raw page"); err != nil || c.Args[1].IsNull() {
		return types.Null, err
	}
	r, err := tableOf(s, c.Args[0].Oid())
	if err != nil {
		return types.Null, err
	}
	bits, err := nullBits(uint16(c.Args[2].Int()), uint16(c.Args[3].Int()), c.Args[4])
	if err != nil {
		return types.Null, err
	}
	return splitData(s, r, c.Args[1].Bytes(), int(uint16(c.Args[3].Int())&tuple.NattsMask), bits, len(c.Args) > 5 && c.Args[5].Bool())
}

// nullBits checks the text of a row's null bitmap; nil when the row has none.
func nullBits(mask, mask2 uint16, text types.Datum) ([]byte, error) {
	if mask&tuple.HasNull == 0 {
		if !text.IsNull() {
			return nil, pgerr.New(pgerr.DataCorrupted, "t_bits string is expected to be NULL, but instead it is %d bytes long", len(text.Str()))
		}
		return nil, nil
	}
	if text.IsNull() {
		return nil, pgerr.New(pgerr.DataCorrupted, "t_bits string must not be NULL")
	}
	b, want := text.Str(), (int(mask2&tuple.NattsMask)+7)/8*8
	if len(b) != want {
		return nil, pgerr.New(pgerr.DataCorrupted, "unexpected length of t_bits string: %d, expected %d", len(b), want)
	}
	for i := range len(b) {
		if b[i] != '0' && b[i] != '1' {
			return nil, pgerr.New(pgerr.DataCorrupted, "invalid character \"%c\" in t_bits string", b[i])
		}
	}
	return []byte(b), nil
}

// splitData splits the data of a row that has natts attributes; bits is '0' for each that is NULL, nil when none is.
func splitData(s *session.Session, r *catalog.Relation, data []byte, natts int, bits []byte, expand bool) (types.Datum, error) {
	if len(r.Desc.Attrs) < natts {
		return types.Null, pgerr.New(pgerr.DataCorrupted, "number of attributes in tuple header is greater than number of attributes in tuple descriptor")
	}
	l := tuple.NewLayout(r.Desc)
	out := make([]types.Datum, len(r.Desc.Attrs))
	off := 0
	for i := range out {
		if out[i] = types.Null; i >= natts || bits != nil && bits[i] == '0' {
			continue
		}
		stored, form, next, ok := l.Stored(data, i, off)
		if !ok {
			return types.Null, pgerr.New(pgerr.DataCorrupted, "unexpected end of tuple data")
		}
		if off = next; expand && l.Varies(i) {
			v, err := tuple.Expand(stored, form, detoaster{s, r.Heap})
			if err != nil {
				return types.Null, err
			}
			stored = v
		}
		out[i] = types.Bytes(stored)
	}
	if off != len(data) {
		return types.Null, pgerr.New(pgerr.DataCorrupted, "end of tuple reached without looking at all its data")
	}
	return types.NewArray(byteaOid, out).Encode(types.Builtin(byteaOid)), nil
}

const byteaOid = 17

// heapItemAttrs lists the columns of heap_page_item_attrs: those of heap_page_items with the attributes of each row instead of its data.
func heapItemAttrs(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	for _, a := range c.Args {
		if a.IsNull() {
			return nil, nil
		}
	}
	list, err := heapItems(s, c)
	if err != nil {
		return nil, err
	}
	for _, row := range list {
		data := row[13]
		if data.IsNull() {
			continue
		}
		r, err := tableOf(s, c.Args[1].Oid())
		if err != nil {
			return nil, err
		}
		bits, err := nullBits(uint16(row[9].Int()), uint16(row[8].Int()), row[11])
		if err != nil {
			return nil, err
		}
		if row[13], err = splitData(s, r, data.Bytes(), int(uint16(row[8].Int())&tuple.NattsMask), bits, len(c.Args) > 2 && c.Args[2].Bool()); err != nil {
			return nil, err
		}
	}
	return list, nil
}
