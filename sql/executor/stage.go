package executor

import (
	"errors"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// stage is what every node does with its input rows: it drops those that do not meet the condition and computes the target list.
type stage struct {
	sc       scope
	qual     expr
	qualVol  bool // the condition is volatile: row by row
	proj     []projCol
	identity bool // the output is the input
	rowwise  bool // the target list is volatile: row by row, as the order of calls can be seen
	multi    []expr
	vecs     []types.Vector // outputs of a rowwise target list
	sel      []int32
	out      types.Batch
	deferred error // of a row after the ones that were passed on
	defers   bool  // the node asks for deferred errors at each next
	inst     *Instrumentation
}

// measure makes the stage count the rows that it drops.
func (s *stage) measure(i *Instrumentation) { s.inst = i }

// projCol is one output column: column col of the input, or an expression.
type projCol struct {
	e    expr
	col  int
	kind types.Kind
}

// init compiles a condition and a target list with c, which must be made for s.sc. A nil target list passes the input on.
func (s *stage) init(c *compiler, qual query.Expr, tl []*query.TargetEntry) error {
	s.sc.ex = c.ex
	if qual != nil {
		c.volatile = false
		q, err := c.compile(qual)
		if err != nil {
			return err
		}
		s.qual, s.qualVol = q, c.volatile
	}
	if tl == nil {
		s.identity = true
		return nil
	}
	c.volatile = false
	s.proj = make([]projCol, len(tl))
	s.out.Cols = make([]*types.Vector, len(tl))
	for i, te := range tl {
		e, err := c.compile(te.Expr)
		if err != nil {
			return err
		}
		p := projCol{e: e, col: -1}
		if v, ok := e.(*colExpr); ok {
			p.col = v.col
		}
		if p.kind, err = c.ex.env.kind(te.Expr.Type()); err != nil {
			return err
		}
		s.proj[i] = p
	}
	s.multi = c.multi
	if s.rowwise = c.volatile || len(c.multi) > 0; s.rowwise {
		s.vecs = make([]types.Vector, len(tl))
		for i := range s.vecs {
			s.vecs[i].Kind = s.proj[i].kind
			s.out.Cols[i] = &s.vecs[i]
		}
	}
	return nil
}

// selBuf returns an empty slice with room for n rows.
func (s *stage) selBuf(n int) []int32 {
	if cap(s.sel) < n {
		s.sel = make([]int32, 0, max(n, 16))
	}
	return s.sel[:0]
}

// filter returns the rows of b that meet the condition; nil means all of 0..N-1. b becomes the input of the expressions.
func (s *stage) filter(b *types.Batch) ([]int32, error) {
	s.sc.begin(b)
	if s.qual == nil {
		return b.Sel, nil
	}
	buf := s.selBuf(b.N)
	if s.qualVol {
		return s.filterRows(b, buf)
	}
	sel, err := runFilter(s.qual, b.Sel, b.N, buf)
	if err == nil {
		if s.inst != nil {
			s.inst.Removed += float64(b.Rows() - len(sel))
		}
		return sel, nil
	}
	if !ofRow(err) {
		return nil, err
	}
	// Rows before the one that fails are passed on first: a LIMIT above may be content with them.
	sel, err = s.filterRows(b, s.selBuf(b.N))
	if err == nil || len(sel) > 0 && s.defers {
		s.deferred = err
		return sel, nil
	}
	return nil, err
}

// ofRow reports whether an error is one of the row that was looked at, and comes again when it is. Others, as that of a cancelled statement, end it at once.
func ofRow(err error) bool {
	var e *pgerr.Error
	if !errors.As(err, &e) || e.Level() != pgerr.Error_ {
		return false
	}
	switch e.Code[:2] {
	case "08", "25", "40", "53", "54", "55", "57", "58", "XX":
		return false
	}
	return true
}

func (s *stage) filterRows(b *types.Batch, buf []int32) ([]int32, error) {
	for i := range b.Rows() {
		pos := b.Row(i)
		d, err := s.qual.scalar(pos)
		if err != nil {
			return buf, err
		}
		if d.IsTrue() {
			buf = append(buf, int32(pos))
		}
	}
	return buf, nil
}

// takeDeferred returns and forgets the error of a row after those passed on.
func (s *stage) takeDeferred() error {
	err := s.deferred
	s.deferred = nil
	return err
}

// project computes the target list for the rows sel of the current input.
func (s *stage) project(sel []int32) (*types.Batch, error) {
	b := s.sc.in
	if s.identity {
		s.out.Cols, s.out.N, s.out.Sel = b.Cols, b.N, sel
		return &s.out, nil
	}
	s.out.N, s.out.Sel = b.N, sel
	if s.rowwise {
		return s.projectRows(sel)
	}
	for i := range s.proj {
		p := &s.proj[i]
		if p.col >= 0 {
			s.out.Cols[i] = b.Cols[p.col]
			continue
		}
		v, err := p.e.vec(sel, b.N)
		if err != nil {
			return nil, err
		}
		s.out.Cols[i] = v
	}
	return &s.out, nil
}

// projectRows computes the target list row by row.
func (s *stage) projectRows(sel []int32) (*types.Batch, error) {
	n := s.sc.in.N
	for i := range s.vecs {
		v := &s.vecs[i]
		v.Reset()
		v.Grow(n)
		v.Len = n
	}
	rows := n
	if sel != nil {
		rows = len(sel)
	}
	for k := range rows {
		row := k
		if sel != nil {
			row = int(sel[k])
		}
		for _, m := range s.multi {
			if _, err := m.scalar(row); err != nil {
				return nil, err
			}
		}
		for i := range s.proj {
			d, err := s.proj[i].e.scalar(row)
			if err != nil {
				return nil, err
			}
			s.vecs[i].Set(row, d)
		}
	}
	return &s.out, nil
}

// run filters and projects a batch; the result may have no rows.
func (s *stage) run(b *types.Batch) (*types.Batch, error) {
	sel, err := s.filter(b)
	if err != nil {
		return nil, err
	}
	if sel != nil && len(sel) == 0 {
		s.out.N, s.out.Sel = b.N, sel
		return &s.out, nil
	}
	return s.project(sel)
}

// limited is a stage over a source of rows of its own that it may read ahead of what was asked for: rows that passed
// the condition and are not wanted yet wait.
type limited struct {
	stage
	waiting []int32 // of the current input
	ahead   int
	// source gives the input, nil at the end; it is asked for at most max rows.
	source func(max int) (*types.Batch, error)
}

func (s *limited) reset() {
	s.waiting, s.ahead, s.deferred = nil, 0, nil
}

// next returns at most max rows of what source gives, nil at the end.
func (s *limited) next(max int) (*types.Batch, error) {
	if len(s.waiting) > 0 {
		return s.pass(s.waiting, max)
	}
	s.ahead, s.defers = max, true
	for {
		if s.deferred != nil {
			return nil, s.takeDeferred()
		}
		b, err := s.source(s.ahead)
		if b == nil || err != nil {
			return nil, err
		}
		sel, err := s.filter(b)
		if err != nil {
			return nil, err
		}
		if sel == nil {
			if b.N > 0 {
				return s.project(nil)
			}
		} else if len(sel) > 0 {
			return s.pass(sel, max)
		}
		if err := s.sc.ex.env.Slot.CheckInterrupts(); err != nil {
			return nil, err
		}
		if !s.qualVol {
			s.ahead = min(2*s.ahead, BatchSize)
		}
	}
}

func (s *limited) pass(sel []int32, max int) (*types.Batch, error) {
	s.waiting = nil
	if len(sel) > max {
		s.waiting = sel[max:]
		sel = sel[:max]
	}
	return s.project(sel)
}

// outTypes returns the types of a target list.
func outTypes(tl []*query.TargetEntry) []ids.Oid {
	out := make([]ids.Oid, len(tl))
	for i, te := range tl {
		out[i] = te.Expr.Type()
	}
	return out
}

func tooManyRows() error {
	return pgerr.New(pgerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
}
