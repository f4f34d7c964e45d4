package page

import (
	"fmt"
	"strings"

	"gompho/internal/ids"
)

// Op is the code of a page operation. An encoded operation is the code and its arguments, little endian:
//
//	Init           special u16, flags u16
//	Insert         off u16, length u16, bytes
//	InsertShift    off u16, length u16, bytes
//	Overwrite      position u16, length u16, bytes
//	SetItem        off u16, flags u8, target u16
//	DeleteItems    count u16, off u16 each
//	Compact        -
//	SetFlags       flags u16
//	SetPruneXid    xid u64
//	Image          hole begin u16, hole length u16, the page without the hole
//	Replace        off u16, length u16, bytes
//	TruncateItems  -
//	SetBounds      lower u16, upper u16
type Op uint8

const (
	OpInit Op = iota + 1
	OpInsert
	OpInsertShift
	OpOverwrite
	OpSetItem
	OpDeleteItems
	OpCompact
	OpSetFlags
	OpSetPruneXid
	OpImage
	OpReplace
	OpTruncateItems
	OpSetBounds
)

var opNames = [...]string{"?", "init", "insert", "insertshift", "overwrite", "setitem", "delete", "compact",
	"setflags", "setprunexid", "image", "replace", "truncateitems", "setbounds"}

// String names the operation.
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return fmt.Sprintf("op%d", uint8(o))
}

// The Append functions add one encoded operation to dst.

// AppendInit encodes Init.
func AppendInit(dst []byte, special int, flags uint16) []byte {
	return le.AppendUint16(le.AppendUint16(append(dst, byte(OpInit)), uint16(special)), flags)
}

// AppendInsert encodes InsertItem; off is the line pointer that was taken.
func AppendInsert(dst []byte, off ids.OffsetNumber, item []byte) []byte {
	return appendBytes(dst, OpInsert, uint16(off), item)
}

// AppendInsertShift encodes InsertItemShift.
func AppendInsertShift(dst []byte, off ids.OffsetNumber, item []byte) []byte {
	return appendBytes(dst, OpInsertShift, uint16(off), item)
}

// AppendReplace encodes ReplaceItem.
func AppendReplace(dst []byte, off ids.OffsetNumber, item []byte) []byte {
	return appendBytes(dst, OpReplace, uint16(off), item)
}

// AppendOverwrite encodes a write of b at position pos.
func AppendOverwrite(dst []byte, pos int, b []byte) []byte {
	return appendBytes(dst, OpOverwrite, uint16(pos), b)
}

func appendBytes(dst []byte, op Op, at uint16, b []byte) []byte {
	dst = le.AppendUint16(append(dst, byte(op)), at)
	return append(le.AppendUint16(dst, uint16(len(b))), b...)
}

// AppendSetItem encodes SetItem.
func AppendSetItem(dst []byte, off ids.OffsetNumber, flags int, target ids.OffsetNumber) []byte {
	dst = append(le.AppendUint16(append(dst, byte(OpSetItem)), uint16(off)), byte(flags))
	return le.AppendUint16(dst, uint16(target))
}

// AppendDeleteItems encodes DeleteItems.
func AppendDeleteItems(dst []byte, offs []ids.OffsetNumber) []byte {
	dst = le.AppendUint16(append(dst, byte(OpDeleteItems)), uint16(len(offs)))
	for _, o := range offs {
		dst = le.AppendUint16(dst, uint16(o))
	}
	return dst
}

// AppendCompact encodes Compact.
func AppendCompact(dst []byte) []byte { return append(dst, byte(OpCompact)) }

// AppendTruncateItems encodes TruncateItems.
func AppendTruncateItems(dst []byte) []byte { return append(dst, byte(OpTruncateItems)) }

// AppendSetFlags encodes SetFlags.
func AppendSetFlags(dst []byte, flags uint16) []byte {
	return le.AppendUint16(append(dst, byte(OpSetFlags)), flags)
}

// AppendSetPruneXid encodes SetPruneXid.
func AppendSetPruneXid(dst []byte, x ids.Xid) []byte {
	return le.AppendUint64(append(dst, byte(OpSetPruneXid)), uint64(x))
}

// AppendSetBounds encodes SetBounds.
func AppendSetBounds(dst []byte, lower, upper int) []byte {
	return le.AppendUint16(le.AppendUint16(append(dst, byte(OpSetBounds)), uint16(lower)), uint16(upper))
}

// ImageHeaderSize is the length of an encoded image before the page's bytes.
const ImageHeaderSize = 5

// Hole returns the part of the page that an image leaves out: the free space, when the header makes sense. A page
// without line pointers may hold anything between lower and upper: then only zeros are left out.
func (p Page) Hole() (begin, length int) {
	lower, upper := p.Lower(), p.Upper()
	if lower < HeaderSize || lower >= upper || upper > Size || lower == HeaderSize && !zero(p[lower:upper]) {
		return 0, 0
	}
	return lower, upper - lower
}

func zero(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if le.Uint64(b) != 0 {
			return false
		}
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// AppendImageHeader encodes what precedes the two pieces of the page around its hole.
func AppendImageHeader(dst []byte, holeBegin, holeLen int) []byte {
	dst = le.AppendUint16(append(dst, byte(OpImage)), uint16(holeBegin))
	return le.AppendUint16(dst, uint16(holeLen))
}

// AppendImage encodes a full image of p.
func AppendImage(dst []byte, p Page) []byte {
	begin, n := p.Hole()
	dst = AppendImageHeader(dst, begin, n)
	dst = append(dst, p[:begin]...)
	return append(dst, p[begin+n:Size]...)
}

// SetBounds sets the ends of line pointers and items, for pages whose content is not items.
func (p Page) SetBounds(lower, upper int) bool {
	if lower < HeaderSize || lower > upper || upper > p.SpecialStart() {
		return false
	}
	p.setLower(lower)
	p.setUpper(upper)
	return true
}

// Rebuilds reports whether ops begin by giving the page all its content, so that redo need not read it.
func Rebuilds(ops []byte) bool {
	return len(ops) > 0 && (Op(ops[0]) == OpInit || Op(ops[0]) == OpImage)
}

// Apply runs encoded operations on p. An error means that ops are damaged or do not fit the page, which may
// then be changed in part.
func Apply(p Page, ops []byte) error {
	for len(ops) > 0 {
		d, rest, ok := decodeOp(ops)
		if !ok {
			return fmt.Errorf("damaged page operation %s", Op(ops[0]))
		}
		if !p.apply(&d) {
			return fmt.Errorf("page operation %s does not fit the page", d.op)
		}
		ops = rest
	}
	return nil
}

// decoded is one operation: which of the fields are set depends on op.
type decoded struct {
	op   Op
	a, b uint16
	c    uint8
	xid  uint64
	data []byte
}

func decodeOp(ops []byte) (d decoded, rest []byte, ok bool) {
	d.op, rest = Op(ops[0]), ops[1:]
	need := 4
	switch d.op {
	case OpCompact, OpTruncateItems:
		need = 0
	case OpDeleteItems, OpSetFlags:
		need = 2
	case OpSetItem:
		need = 5
	case OpSetPruneXid:
		need = 8
	}
	if len(rest) < need {
		return d, nil, false
	}
	args := rest[:need]
	rest = rest[need:]
	n := 0
	switch d.op {
	case OpCompact, OpTruncateItems:
	case OpInit, OpSetBounds:
		d.a, d.b = le.Uint16(args), le.Uint16(args[2:])
	case OpInsert, OpInsertShift, OpReplace, OpOverwrite:
		d.a, n = le.Uint16(args), int(le.Uint16(args[2:]))
	case OpDeleteItems:
		d.a = le.Uint16(args)
		n = 2 * int(d.a)
	case OpSetFlags:
		d.a = le.Uint16(args)
	case OpSetItem:
		d.a, d.c, d.b = le.Uint16(args), args[2], le.Uint16(args[3:])
	case OpSetPruneXid:
		d.xid = le.Uint64(args)
	case OpImage:
		d.a, d.b = le.Uint16(args), le.Uint16(args[2:])
		if n = Size - int(d.b); n < HeaderSize {
			return d, nil, false
		}
	default:
		return d, nil, false
	}
	if len(rest) < n {
		return d, nil, false
	}
	d.data = rest[:n]
	return d, rest[n:], true
}

func (p Page) apply(d *decoded) bool {
	needItems := d.op == OpInsert || d.op == OpInsertShift || d.op == OpReplace || d.op == OpDeleteItems ||
		d.op == OpCompact || d.op == OpTruncateItems || d.op == OpSetItem || d.op == OpSetBounds
	if needItems && (p.IsNew() || checkHeader(p) != nil) {
		return false
	}
	off := ids.OffsetNumber(d.a)
	switch d.op {
	case OpInit:
		if int(d.a) > Size-HeaderSize {
			return false
		}
		p.Init(int(d.a), d.b)
	case OpInsert:
		return off != 0 && p.InsertItem(off, d.data) != 0
	case OpInsertShift:
		return p.InsertItemShift(off, d.data)
	case OpReplace:
		return p.itemsFit() && p.ReplaceItem(off, d.data)
	case OpOverwrite:
		if int(d.a) < HeaderSize || int(d.a)+len(d.data) > Size {
			return false
		}
		copy(p[d.a:], d.data)
	case OpSetItem:
		return p.SetItem(off, int(d.c), ids.OffsetNumber(d.b))
	case OpDeleteItems:
		return p.deleteEncoded(d.data)
	case OpCompact:
		if !p.itemsFit() {
			return false
		}
		p.Compact()
	case OpTruncateItems:
		p.TruncateItems()
	case OpSetFlags:
		p.SetFlags(d.a)
	case OpSetPruneXid:
		p.SetPruneXid(ids.Xid(d.xid))
	case OpSetBounds:
		return p.SetBounds(int(d.a), int(d.b))
	case OpImage:
		begin := int(d.a)
		if begin+int(d.b) > Size {
			return false
		}
		copy(p, d.data[:begin])
		clear(p[begin : begin+int(d.b)])
		copy(p[begin+int(d.b):], d.data[begin:])
	}
	return true
}

// itemsFit reports whether the items are where they should be, before an operation that moves them.
func (p Page) itemsFit() bool {
	total := 0
	for o := ids.OffsetNumber(1); o <= p.MaxOffset(); o++ {
		id := p.ItemID(o)
		if !id.HasStorage() {
			continue
		}
		if id.Offset() < p.Upper() || id.Offset()+id.Len() > p.SpecialStart() {
			return false
		}
		total += align8(id.Len())
	}
	return total <= p.SpecialStart()-p.Lower()
}

func (p Page) deleteEncoded(b []byte) bool {
	if !p.itemsFit() {
		return false
	}
	var offs [MaxItems]ids.OffsetNumber
	n := len(b) / 2
	if n > MaxItems {
		return false
	}
	for i := range n {
		offs[i] = ids.OffsetNumber(le.Uint16(b[2*i:]))
	}
	return p.DeleteItems(offs[:n])
}

// DescribeOps prints encoded operations, for people.
func DescribeOps(ops []byte) string {
	var sb strings.Builder
	for len(ops) > 0 {
		d, rest, ok := decodeOp(ops)
		if sb.Len() > 0 {
			sb.WriteString("; ")
		}
		if !ok {
			fmt.Fprintf(&sb, "damaged %s", Op(ops[0]))
			break
		}
		switch d.op {
		case OpInsert, OpInsertShift, OpReplace, OpOverwrite:
			fmt.Fprintf(&sb, "%s at %d of %d bytes", d.op, d.a, len(d.data))
		case OpSetItem:
			fmt.Fprintf(&sb, "%s %d flags %d target %d", d.op, d.a, d.c, d.b)
		case OpInit, OpImage, OpSetBounds:
			fmt.Fprintf(&sb, "%s %d %d", d.op, d.a, d.b)
		case OpSetPruneXid:
			fmt.Fprintf(&sb, "%s %d", d.op, d.xid)
		case OpDeleteItems:
			fmt.Fprintf(&sb, "%s %d items", d.op, d.a)
		default:
			sb.WriteString(d.op.String())
		}
		ops = rest
	}
	return sb.String()
}
