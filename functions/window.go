package functions

import (
	"gompho/internal/pgerr"
	"gompho/types"
)

// windowBase keeps the partition for the functions that need nothing else.
type windowBase struct{ p Partition }

func (w *windowBase) Begin(p Partition) error { w.p = p; return nil }

type rowNumber struct{ windowBase }

func (*rowNumber) Eval(row int) (types.Datum, error) { return types.Int(int64(row) + 1), nil }

// ranker follows the peer groups of a partition.
type ranker struct {
	windowBase
	first int // first row of the current peer group
	group int64
	last  int // one past the last peer, 0 until asked for
	out   func(r *ranker, row int) types.Datum
}

func (r *ranker) Begin(p Partition) error {
	r.p, r.first, r.group, r.last = p, 0, 1, 0
	return nil
}

func (r *ranker) Eval(row int) (types.Datum, error) {
	if row > 0 && !r.p.Peers(row-1, row) {
		r.first = row
		r.group++
	}
	return r.out(r, row), nil
}

// groupEnd returns one past the last peer of a row.
func (r *ranker) groupEnd(row int) int {
	if r.last <= row {
		r.last = row + 1
		for r.last < r.p.Rows() && r.p.Peers(row, r.last) {
			r.last++
		}
	}
	return r.last
}

// ntile spreads the rows over so many buckets.
type ntile struct {
	windowBase
	buckets int64
	null    bool
}

func (t *ntile) Eval(row int) (types.Datum, error) {
	if row == 0 {
		d, err := t.p.Arg(0, 0)
		if err != nil {
			return types.Null, err
		}
		t.null = d.IsNull()
		if t.buckets = d.Int(); !t.null && t.buckets <= 0 {
			return types.Null, pgerr.New(pgerr.InvalidArgumentForNtile, "argument of ntile must be greater than zero")
		}
	}
	if t.null {
		return types.Null, nil
	}
	rows, at := int64(t.p.Rows()), int64(row)
	size, extra := rows/t.buckets, rows%t.buckets
	if at < extra*(size+1) {
		return types.Int(at/(size+1) + 1), nil
	}
	return types.Int(extra + (at-extra*(size+1))/size + 1), nil
}

// leadLag reads another row of the partition.
type leadLag struct {
	windowBase
	sign int64
	args int // how many arguments: value [, offset [, default]]
}

func (l *leadLag) Eval(row int) (types.Datum, error) {
	offset := int64(1)
	if l.args > 1 {
		d, err := l.p.Arg(1, row)
		if err != nil || d.IsNull() {
			return types.Null, err
		}
		offset = d.Int()
	}
	if at := int64(row) + l.sign*offset; at >= 0 && at < int64(l.p.Rows()) {
		return l.p.Arg(0, int(at))
	}
	if l.args > 2 {
		return l.p.Arg(2, row)
	}
	return types.Null, nil
}

// frameValue is first_value, last_value and nth_value.
type frameValue struct {
	windowBase
	pick byte // 'f', 'l' or 'n'
}

func (f *frameValue) Eval(row int) (types.Datum, error) {
	nth := int64(1)
	if f.pick == 'n' {
		d, err := f.p.Arg(1, row)
		if err != nil || d.IsNull() {
			return types.Null, err
		}
		if nth = d.Int(); nth <= 0 {
			return types.Null, pgerr.New(pgerr.InvalidArgumentForNthValue, "argument of nth_value must be greater than zero")
		}
	}
	start, end, err := f.p.Frame()
	if err != nil {
		return types.Null, err
	}
	if f.pick == 'l' {
		for i := end - 1; i >= start; i-- {
			if !f.p.Excluded(i) {
				return f.p.Arg(0, i)
			}
		}
		return types.Null, nil
	}
	for i := start; i < end; i++ {
		if f.p.Excluded(i) {
			continue
		}
		if nth--; nth == 0 {
			return f.p.Arg(0, i)
		}
	}
	return types.Null, nil
}

func windowFamily() []Entry {
	entry := func(name string, f func(c *AggCall) WindowEval) Entry {
		return Entry{Name: name, Window: &Window{New: func(c *AggCall) (WindowEval, error) { return f(c), nil }}}
	}
	rank := func(name string, out func(r *ranker, row int) types.Datum) Entry {
		return entry(name, func(*AggCall) WindowEval { return &ranker{out: out} })
	}
	shift := func(name string, sign int64, args int) Entry {
		return entry(name, func(*AggCall) WindowEval { return &leadLag{sign: sign, args: args} })
	}
	value := func(name string, pick byte) Entry {
		return entry(name, func(*AggCall) WindowEval { return &frameValue{pick: pick} })
	}
	return []Entry{
		entry("window_row_number", func(*AggCall) WindowEval { return &rowNumber{} }),
		entry("window_ntile", func(*AggCall) WindowEval { return &ntile{} }),
		rank("window_rank", func(r *ranker, _ int) types.Datum { return types.Int(int64(r.first) + 1) }),
		rank("window_dense_rank", func(r *ranker, _ int) types.Datum { return types.Int(r.group) }),
		rank("window_percent_rank", func(r *ranker, _ int) types.Datum {
			if r.p.Rows() <= 1 {
				return types.Float(0)
			}
			return types.Float(float64(r.first) / float64(r.p.Rows()-1))
		}),
		rank("window_cume_dist", func(r *ranker, row int) types.Datum {
			return types.Float(float64(r.groupEnd(row)) / float64(r.p.Rows()))
		}),
		shift("window_lag", -1, 1), shift("window_lag_with_offset", -1, 2), shift("window_lag_with_offset_and_default", -1, 3),
		shift("window_lead", 1, 1), shift("window_lead_with_offset", 1, 2), shift("window_lead_with_offset_and_default", 1, 3),
		value("window_first_value", 'f'), value("window_last_value", 'l'), value("window_nth_value", 'n'),
	}
}
