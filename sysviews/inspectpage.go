package sysviews

import (
	"fmt"
	"strings"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/storage/freespace"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
)

func word16(v uint16) types.Datum { return types.Int(int64(int16(v))) }

// xidDatum is a transaction id as xid shows it: its low 32 bits.
func xidDatum(x ids.Xid) types.Datum { return types.Word(uint64(uint32(x))) }

// pageHeader lists the columns of page_header. The version is that of our layout.
func pageHeader(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	if err := superuserFor(s, "raw page"); err != nil {
		return nil, err
	}
	pg, err := pageArg(c, 0)
	if err != nil {
		return nil, err
	}
	size := page.Size
	if pg.LayoutVersion() == 0 {
		size = 0
	}
	return [][]types.Datum{{types.Word(uint64(pg.LSN())), word16(pg.StoredChecksum()), word16(pg.Flags()), types.Int(int64(pg.Lower())),
		types.Int(int64(pg.Upper())), types.Int(int64(pg.SpecialStart())), types.Int(int64(size)), word16(pg.LayoutVersion()), xidDatum(pg.PruneXid())}}, nil
}

// pageChecksum is page_checksum: what the checksum should be; NULL for a page never initialised.
func pageChecksum(s *session.Session, c *functions.Call) (types.Datum, error) {
	if err := superuserFor(s, "raw page"); err != nil {
		return types.Null, err
	}
	blk, err := blockArg(c.Args[1].Int())
	if err != nil {
		return types.Null, err
	}
	pg, err := pageArg(c, 0)
	if err != nil || pg.IsNew() {
		return types.Null, err
	}
	return word16(pg.Checksum(blk)), nil
}

// fsmContents is fsm_page_contents: the nodes of a free space page that are not zero.
func fsmContents(s *session.Session, c *functions.Call) (types.Datum, error) {
	if err := superuserFor(s, "raw page"); err != nil {
		return types.Null, err
	}
	pg, err := pageArg(c, 0)
	if err != nil || pg.IsNew() {
		return types.Null, err
	}
	var sb strings.Builder
	nodes, next := freespace.Nodes(pg)
	for i, v := range nodes {
		if v != 0 {
			fmt.Fprintf(&sb, "%d: %d\n", i, v)
		}
	}
	fmt.Fprintf(&sb, "fp_next_slot: %d\n", next)
	return types.String(sb.String()), nil
}

// heapItems lists the columns of heap_page_items.
func heapItems(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	if err := superuserFor(s, "raw page"); err != nil {
		return nil, err
	}
	raw := c.Args[0].Bytes()
	if len(raw) < page.HeaderSize {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "input page too small (%d bytes)", len(raw))
	}
	pg := make(page.Page, page.Size)
	size := copy(pg, raw)
	n := min(pg.MaxOffset(), page.MaxItems)
	var out [][]types.Datum
	for off := ids.OffsetNumber(1); off <= n; off++ {
		id := pg.ItemID(off)
		row := nulls(14)[0]
		row[0], row[1], row[2], row[3] = types.Int(int64(off)), types.Int(int64(id.Offset())), types.Int(int64(id.Flags())), types.Int(int64(id.Len()))
		if id.Len() >= tuple.HeaderSize && id.Offset()%8 == 0 && id.Offset()+id.Len() <= size {
			tupleColumns(row[4:], pg.Item(off))
		}
		out = append(out, row)
	}
	return out, nil
}

// tupleColumns fills in what heap_page_items shows of a tuple, from t_xmin on.
func tupleColumns(row []types.Datum, tup []byte) {
	h := tuple.Header(tup)
	row[0], row[1], row[2] = xidDatum(h.Xmin()), xidDatum(h.Xmax()), types.Int(int64(int32(h.RawCid())))
	row[3] = types.Word(h.Ctid().Pack())
	row[4], row[5], row[6] = types.Int(int64(h.Infomask2())), types.Int(int64(h.Infomask())), types.Int(int64(h.Hoff()))
	if h.Hoff() < tuple.HeaderSize || h.Hoff() > len(tup) || h.Hoff()%8 != 0 {
		return
	}
	if h.Infomask()&tuple.HasNull != 0 {
		n := (h.Natts() + 7) / 8
		if tuple.HeaderSize+n > len(tup) {
			return
		}
		bits := make([]byte, 0, 8*n)
		for _, b := range tup[tuple.HeaderSize : tuple.HeaderSize+n] {
			for i := range 8 {
				bits = append(bits, '0'+b>>i&1)
			}
		}
		row[7] = types.Bytes(bits)
	}
	row[9] = types.Bytes(tup[h.Hoff():])
}

// flagNames are the bits of infomask and, from bit 16 on, infomask2, with the names of PostgreSQL.
var flagNames = [...]struct {
	bit  uint32
	name string
}{
	{1 << 0, "HEAP_HASNULL"}, {1 << 1, "HEAP_HASVARWIDTH"}, {1 << 2, "HEAP_HASEXTERNAL"}, {1 << 3, "HEAP_HASOID_OLD"},
	{1 << 4, "HEAP_XMAX_KEYSHR_LOCK"}, {1 << 5, "HEAP_COMBOCID"}, {1 << 6, "HEAP_XMAX_EXCL_LOCK"}, {1 << 7, "HEAP_XMAX_LOCK_ONLY"},
	{1 << 8, "HEAP_XMIN_COMMITTED"}, {1 << 9, "HEAP_XMIN_INVALID"}, {1 << 10, "HEAP_XMAX_COMMITTED"}, {1 << 11, "HEAP_XMAX_INVALID"},
	{1 << 12, "HEAP_XMAX_IS_MULTI"}, {1 << 13, "HEAP_UPDATED"}, {1 << 14, "HEAP_MOVED_OFF"}, {1 << 15, "HEAP_MOVED_IN"},
	{1 << 29, "HEAP_KEYS_UPDATED"}, {1 << 30, "HEAP_HOT_UPDATED"}, {1 << 31, "HEAP_ONLY_TUPLE"},
}

// combinedNames are sets of bits with a meaning of their own.
var combinedNames = [...]struct {
	bits uint32
	name string
}{{1<<4 | 1<<6, "HEAP_XMAX_SHR_LOCK"}, {1<<8 | 1<<9, "HEAP_XMIN_FROZEN"}, {1<<14 | 1<<15, "HEAP_MOVED"}}

// infomaskFlags lists the columns of heap_tuple_infomask_flags.
func infomaskFlags(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	if err := superuserFor(s, "raw page"); err != nil {
		return nil, err
	}
	mask := uint32(uint16(c.Args[0].Int())) | uint32(uint16(c.Args[1].Int()))<<16
	var raw, combined []types.Datum
	for _, f := range flagNames {
		if mask&f.bit != 0 {
			raw = append(raw, types.String(f.name))
		}
	}
	for _, f := range combinedNames {
		if mask&f.bits == f.bits {
			combined = append(combined, types.String(f.name))
		}
	}
	return [][]types.Datum{{types.NewArray(25, raw).Encode(types.Builtin(25)), types.NewArray(25, combined).Encode(types.Builtin(25))}}, nil
}
