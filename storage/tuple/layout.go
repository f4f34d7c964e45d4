package tuple

import (
	"gompho/internal/ids"
	"gompho/types"
)

// rep is how values of a column lie on the page.
type rep uint8

const (
	repVarlena rep = iota
	repInt2        // sign-extended
	repInt4        // sign-extended
	repWord1
	repWord2 // zero-extended
	repWord4
	repWord8
	repFloat4
	repTID
	repName    // padded with zeros, which do not belong to the value
	repFixed   // a fixed number of bytes
	repCString // ended by a zero byte
)

// Oids of the types whose form in memory differs from that on the page.
const (
	oidName   ids.Oid = 19
	oidInt2   ids.Oid = 21
	oidInt4   ids.Oid = 23
	oidFloat4 ids.Oid = 700
	oidDate   ids.Oid = 1082
)

// column is what forming and deforming need to know of one attribute.
type column struct {
	off     int32 // position from the start of the data when no attribute before is null or variable; else -1
	size    int32 // bytes of a fixed-width value; 0 otherwise
	mask    int32 // alignment - 1
	rep     rep
	storage byte
	missing *types.Datum
}

// Layout is a row description made ready for the page. It never changes and is shared freely.
type Layout struct {
	Desc  *types.Desc
	cols  []column
	fixed int // the number of leading columns with a fixed position
}

// NewLayout computes the layout of desc.
func NewLayout(desc *types.Desc) *Layout {
	l := &Layout{Desc: desc, cols: make([]column, len(desc.Attrs))}
	off := int32(0)
	for i := range desc.Attrs {
		a := &desc.Attrs[i]
		c := &l.cols[i]
		*c = column{off: -1, rep: repOf(a), mask: alignMask(a.Align), storage: a.Storage, missing: a.Missing}
		if a.Len > 0 {
			c.size = int32(a.Len)
		}
		if off >= 0 {
			start := (off + c.mask) &^ c.mask
			switch {
			case c.size > 0:
				c.off = start
				off = start + c.size
				l.fixed = i + 1
			case start == off:
				// A variable column that needs no padding begins at a known place, short or not.
				c.off = start
				l.fixed = i + 1
				off = -1
			default:
				off = -1
			}
		}
	}
	return l
}

func repOf(a *types.Attr) rep {
	typ := a.Type
	if a.Base != 0 {
		typ = a.Base
	}
	switch {
	case a.Len == -1:
		return repVarlena
	case a.Len == -2:
		return repCString
	case typ == types.TIDOid:
		return repTID
	case typ == oidName:
		return repName
	case !a.ByVal:
		return repFixed
	case typ == oidFloat4:
		return repFloat4
	case typ == oidInt2:
		return repInt2
	case typ == oidInt4 || typ == oidDate:
		return repInt4
	}
	switch a.Len {
	case 1:
		return repWord1
	case 2:
		return repWord2
	case 4:
		return repWord4
	}
	return repWord8
}

func alignMask(a byte) int32 {
	switch a {
	case 's':
		return 1
	case 'i':
		return 3
	case 'd':
		return 7
	}
	return 0
}

// isBytes reports whether the column's values are byte strings in memory.
func (c *column) isBytes() bool {
	return c.rep == repVarlena || c.rep >= repName
}

// Kind returns where values of column i live in memory.
func (l *Layout) Kind(i int) types.Kind {
	if l.cols[i].isBytes() {
		return types.BytesKind
	}
	return types.WordKind
}

// Align8 rounds n up to a multiple of 8.
func Align8(n int) int { return (n + 7) &^ 7 }
