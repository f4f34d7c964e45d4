package executor

import (
	"encoding/binary"
	"math"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// sample decides which rows TABLESAMPLE lets through: a row, or with SYSTEM its whole block, is in the sample when the hash of
// its place and the seed is below a bound. With REPEATABLE the sample is PostgreSQL's.
type sample struct {
	perRow  bool
	percent expr
	repeat  expr // nil without REPEATABLE
	ready   bool
	bound   uint64
	seed    uint32
	tids    []ids.TID
	sel     []int32
}

// makeSample compiles the clause of range-table entry rti, nil when there is none.
func (ex *Exec) makeSample(rti int, sc *scope) (*sample, error) {
	t := ex.st.RTable[rti-1].TableSample
	if t == nil {
		return nil, nil
	}
	c := &compiler{ex: ex, sc: sc}
	for _, e := range append([]query.Expr{t.Repeatable}, t.Args...) {
		if e != nil && query.FindExpr(e, func(n query.Node) bool { _, ok := n.(*query.Var); return ok }) {
			return nil, pgerr.NotSupported("TABLESAMPLE with columns of other tables is not supported")
		}
	}
	s := &sample{perRow: t.Method == "bernoulli"}
	var err error
	if s.percent, err = c.compile(t.Args[0]); err == nil && t.Repeatable != nil {
		s.repeat, err = c.compile(t.Repeatable)
	}
	return s, err
}

// start evaluates the parameters.
func (s *sample) start(ex *Exec) error {
	d, err := s.percent.scalar(0)
	if err != nil {
		return err
	}
	if d.IsNull() {
		return pgerr.New(pgerr.InvalidTablesampleArgument, "TABLESAMPLE parameter cannot be null")
	}
	p := d.Float()
	if math.IsNaN(p) || p < 0 || p > 100 {
		return pgerr.New(pgerr.InvalidTablesampleArgument, "sample percentage must be between 0 and 100")
	}
	s.bound = uint64(math.RoundToEven((math.MaxUint32 + 1) * p / 100))
	if s.repeat == nil {
		if !s.ready {
			s.seed = ex.env.Func.Random().Uint32()
		}
	} else {
		if d, err = s.repeat.scalar(0); err != nil {
			return err
		}
		if d.IsNull() {
			return pgerr.New(pgerr.InvalidTablesampleRepeat, "TABLESAMPLE REPEATABLE parameter cannot be null")
		}
		s.seed = functions.HashFloat8(d.Float())
	}
	s.ready = true
	return nil
}

func (s *sample) has(t ids.TID) bool {
	var b [12]byte
	binary.LittleEndian.PutUint32(b[:], uint32(t.Block))
	n := 8
	if s.perRow {
		binary.LittleEndian.PutUint32(b[4:], uint32(t.Offset))
		n = 12
	}
	binary.LittleEndian.PutUint32(b[n-4:], s.seed)
	return uint64(functions.HashAny(b[:n])) < s.bound
}

// filter keeps the first k rows of b that are in the sample; their places are in s.tids.
func (s *sample) filter(b *types.Batch, k int) int {
	s.sel = s.sel[:0]
	for i := range k {
		if s.has(s.tids[i]) {
			s.sel = append(s.sel, int32(i))
		}
	}
	b.Sel = s.sel
	return len(s.sel)
}
