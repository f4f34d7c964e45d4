package executor

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// windowFrame computes the frame of the current row of a window's partition. Within a partition the bounds of a RANGE frame with
// offsets only move forward.
type windowFrame struct {
	n          *windowAgg
	row        int
	known      bool
	lo, hi     int
	startOff   types.Datum
	endOff     types.Datum
	startRange *inRange
	endRange   *inRange
	head, tail int // where the search for RANGE bounds goes on
	at         int // row for which head and tail were found
}

// compileFrame prepares the frame's offsets.
func (n *windowAgg) compileFrame(outs []ids.Oid) error {
	c := &compiler{ex: n.ex, sc: &n.keysc}
	var err error
	if n.p.StartOffset != nil {
		if n.startOff, err = c.compile(n.p.StartOffset); err != nil {
			return err
		}
	}
	if n.p.EndOffset != nil {
		if n.endOff, err = c.compile(n.p.EndOffset); err != nil {
			return err
		}
	}
	if n.p.FrameOptions&query.FrameRange == 0 || len(n.p.OrdCols) == 0 {
		return nil
	}
	typ := outs[n.p.OrdCols[0]-1]
	if n.p.StartInRange != 0 && n.p.StartOffset != nil {
		if n.frame.startRange, err = n.ex.env.inRange(n.p.StartInRange, typ, n.p.StartOffset.Type()); err != nil {
			return err
		}
	}
	if n.p.EndInRange != 0 && n.p.EndOffset != nil {
		n.frame.endRange, err = n.ex.env.inRange(n.p.EndInRange, typ, n.p.EndOffset.Type())
	}
	return err
}

func (w *windowFrame) has(bits int) bool { return w.n.p.FrameOptions&bits != 0 }

func (w *windowFrame) begin() {
	w.known, w.head, w.tail, w.at = false, 0, 0, 0
}

// rewind makes row the first of a new pass.
func (w *windowFrame) rewind(row int) {
	w.known = false
	if row < w.at {
		w.head, w.tail, w.at = 0, 0, 0
	}
}

// move makes row the current one.
func (w *windowFrame) move(row int) {
	if row < w.at {
		w.head, w.tail = 0, 0
	}
	w.row, w.known = row, false
}

// offsets evaluates the frame's offsets, once in each scan.
func (w *windowFrame) offsets() error {
	n := w.n
	n.offsets = true
	n.keysc.begin(nil)
	isRange := w.has(query.FrameRange)
	check := func(e expr, what string) (types.Datum, error) {
		if e == nil {
			return types.Null, nil
		}
		d, err := e.scalar(0)
		if err != nil {
			return d, err
		}
		if d.IsNull() {
			return d, pgerr.New(pgerr.NullValueNotAllowed, "frame %s offset must not be null", what)
		}
		if !isRange && d.Int() < 0 {
			return d, pgerr.New(pgerr.InvalidPrecedingOrFollowingSize, "frame %s offset must not be negative", what)
		}
		return d.Clone(), nil
	}
	var err error
	if w.startOff, err = check(n.startOff, "starting"); err != nil {
		return err
	}
	w.endOff, err = check(n.endOff, "ending")
	return err
}

// bounds returns the frame of the current row as [lo, hi).
func (w *windowFrame) bounds() (lo, hi int, err error) {
	if w.known {
		return w.lo, w.hi, nil
	}
	if !w.n.offsets {
		if err := w.offsets(); err != nil {
			return 0, 0, err
		}
	}
	if w.lo, err = w.start(); err != nil {
		return 0, 0, err
	}
	if w.hi, err = w.end(); err != nil {
		return 0, 0, err
	}
	w.hi = max(w.hi, w.lo)
	w.known, w.at = true, w.row
	return w.lo, w.hi, nil
}

// groupStart returns the first row of a group of peers; groups beyond the partition have its end.
func (w *windowFrame) groupStart(g int64) int {
	last := int64(len(w.n.starts) - 1)
	switch {
	case g < 0:
		return 0
	case g > last:
		g = last
	}
	return int(w.n.starts[g])
}

func (w *windowFrame) clamp(r int64) int {
	return int(min(max(r, 0), int64(w.n.store.n)))
}

// distance returns an offset in rows or groups, kept small enough not to overflow.
func distance(d types.Datum) int64 { return min(d.Int(), 1<<40) }

func (w *windowFrame) start() (int, error) {
	g := int64(w.n.group[w.row])
	switch {
	case w.has(query.FrameStartUnboundedPreceding):
		return 0, nil
	case w.has(query.FrameStartCurrentRow):
		if w.has(query.FrameRows) {
			return w.row, nil
		}
		return w.groupStart(g), nil
	}
	back := w.has(query.FrameStartOffsetPreceding)
	if w.has(query.FrameRange) {
		return w.rangeStart(back)
	}
	off := distance(w.startOff)
	if back {
		off = -off
	}
	if w.has(query.FrameRows) {
		return w.clamp(int64(w.row) + off), nil
	}
	return w.groupStart(g + off), nil
}

func (w *windowFrame) end() (int, error) {
	g := int64(w.n.group[w.row])
	switch {
	case w.has(query.FrameEndUnboundedFollowing):
		return w.n.store.n, nil
	case w.has(query.FrameEndCurrentRow):
		if w.has(query.FrameRows) {
			return w.row + 1, nil
		}
		return w.groupStart(g + 1), nil
	}
	back := w.has(query.FrameEndOffsetPreceding)
	if w.has(query.FrameRange) {
		return w.rangeEnd(back)
	}
	off := distance(w.endOff)
	if back {
		off = -off
	}
	if w.has(query.FrameRows) {
		return w.clamp(int64(w.row) + off + 1), nil
	}
	if g+off < 0 {
		return 0, nil
	}
	return w.groupStart(g + off + 1), nil
}

// key returns the order column of a row.
func (w *windowFrame) key(row int) types.Datum {
	return w.n.store.get(uint32(row), w.n.p.OrdCols[0]-1)
}

func (w *windowFrame) rangeStart(back bool) (int, error) {
	if w.startRange == nil {
		return 0, pgerr.Internal("RANGE frame without a function for its offset")
	}
	sub, less := back, false
	if !w.n.p.InRangeAsc {
		sub, less = !sub, true
	}
	cur := w.key(w.row)
	for ; w.head < w.n.store.n; w.head++ {
		v := w.key(w.head)
		if v.IsNull() || cur.IsNull() {
			if w.n.p.InRangeNF && (!v.IsNull() || cur.IsNull()) || !w.n.p.InRangeNF && (v.IsNull() || !cur.IsNull()) {
				break
			}
			continue
		}
		ok, err := w.startRange.holds(v, cur, w.startOff, sub, less)
		if err != nil {
			return 0, err
		}
		if ok {
			break
		}
	}
	return w.head, nil
}

func (w *windowFrame) rangeEnd(back bool) (int, error) {
	if w.endRange == nil {
		return 0, pgerr.Internal("RANGE frame without a function for its offset")
	}
	sub, less := back, true
	if !w.n.p.InRangeAsc {
		sub, less = !sub, false
	}
	cur := w.key(w.row)
	for ; w.tail < w.n.store.n; w.tail++ {
		v := w.key(w.tail)
		if v.IsNull() || cur.IsNull() {
			if w.n.p.InRangeNF && !v.IsNull() && cur.IsNull() || !w.n.p.InRangeNF && v.IsNull() && !cur.IsNull() {
				break
			}
			continue
		}
		ok, err := w.endRange.holds(v, cur, w.endOff, sub, less)
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
	}
	return w.tail, nil
}

// excludes reports whether the frame leaves rows out.
func (w *windowFrame) excludes() bool {
	return w.has(query.FrameExcludeCurrentRow | query.FrameExcludeGroup | query.FrameExcludeTies)
}

// excluded reports whether a row of the frame is left out.
func (w *windowFrame) excluded(row int) bool {
	peer := func() bool { return w.n.group[row] == w.n.group[w.row] }
	switch {
	case w.has(query.FrameExcludeCurrentRow):
		return row == w.row
	case w.has(query.FrameExcludeGroup):
		return peer()
	case w.has(query.FrameExcludeTies):
		return row != w.row && peer()
	}
	return false
}
