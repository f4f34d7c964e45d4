package functions

import (
	"cmp"
	"strings"

	"gompho/types"
)

// cmpWords orders words as integers of a kind.
func cmpWords[T int64 | uint64](a, b types.Datum) int { return cmp.Compare(T(a.Word()), T(b.Word())) }

// cmpText orders byte strings.
func cmpText(a, b types.Datum) int { return strings.Compare(a.Str(), b.Str()) }

// order is a total order with column forms of its six operators.
type order interface {
	compare(a, b types.Datum) int
	kernel(op cmpOp) Kernel
}

// cmpOp is one of the six comparison operators.
type cmpOp uint8

const (
	opEQ cmpOp = iota
	opNE
	opLT
	opLE
	opGT
	opGE
)

var cmpSuffix = [...]string{opEQ: "eq", opNE: "ne", opLT: "lt", opLE: "le", opGT: "gt", opGE: "ge"}

func (op cmpOp) holds(c int) bool {
	switch op {
	case opEQ:
		return c == 0
	case opNE:
		return c != 0
	case opLT:
		return c < 0
	case opLE:
		return c <= 0
	case opGT:
		return c > 0
	}
	return c >= 0
}

// wordOrder is the order of words as integers.
type wordOrder[T int64 | uint64] struct{}

func (wordOrder[T]) compare(a, b types.Datum) int { return cmpWords[T](a, b) }
func (wordOrder[T]) kernel(op cmpOp) Kernel       { return wordCompareKernel[T](op) }

// textOrder is the order of byte strings.
type textOrder struct{}

func (textOrder) compare(a, b types.Datum) int { return cmpText(a, b) }
func (textOrder) kernel(op cmpOp) Kernel       { return textCompareKernel(op) }

// funcOrder is any other order; it has no column form.
type funcOrder func(a, b types.Datum) int

func (f funcOrder) compare(a, b types.Datum) int { return f(a, b) }
func (funcOrder) kernel(cmpOp) Kernel            { return nil }

// comparisons makes the six operators prefix+eq, ne, lt, le, gt, ge.
func comparisons(prefix string, o order) []Entry {
	return comparisonsNamed(o, func(op cmpOp) string { return prefix + cmpSuffix[op] })
}

// comparisonsNamed makes the six operators under names of their own.
func comparisonsNamed(o order, name func(op cmpOp) string) []Entry {
	fs := make([]Entry, 0, 6)
	for op := opEQ; op <= opGE; op++ {
		fs = append(fs, Entry{Name: name(op), Scalar: compareScalar(op, o), Kernel: o.kernel(op)})
	}
	return fs
}

func compareScalar(op cmpOp, o order) Scalar {
	switch o.(type) {
	case wordOrder[int64]:
		switch op {
		case opEQ:
			return func(c *Call) (types.Datum, error) { return types.Bool(c.Args[0].Word() == c.Args[1].Word()), nil }
		case opLT:
			return func(c *Call) (types.Datum, error) { return types.Bool(c.Args[0].Int() < c.Args[1].Int()), nil }
		case opGT:
			return func(c *Call) (types.Datum, error) { return types.Bool(c.Args[0].Int() > c.Args[1].Int()), nil }
		}
	case textOrder:
		switch op {
		case opEQ:
			return func(c *Call) (types.Datum, error) { return types.Bool(c.str(0) == c.str(1)), nil }
		case opNE:
			return func(c *Call) (types.Datum, error) { return types.Bool(c.str(0) != c.str(1)), nil }
		}
	}
	return func(c *Call) (types.Datum, error) { return types.Bool(op.holds(o.compare(c.Args[0], c.Args[1]))), nil }
}

func btcmp(f func(a, b types.Datum) int) Scalar {
	return func(c *Call) (types.Datum, error) { return types.Int(int64(f(c.Args[0], c.Args[1]))), nil }
}

func larger(f func(a, b types.Datum) int) Scalar {
	return func(c *Call) (types.Datum, error) {
		if f(c.Args[0], c.Args[1]) > 0 {
			return c.Args[0], nil
		}
		return c.Args[1], nil
	}
}

func smaller(f func(a, b types.Datum) int) Scalar {
	return func(c *Call) (types.Datum, error) {
		if f(c.Args[0], c.Args[1]) < 0 {
			return c.Args[0], nil
		}
		return c.Args[1], nil
	}
}

// compareFamily lists comparisons, btree support and min/max helpers of the types without a file of their own.
func compareFamily() []Entry {
	var fs []Entry
	fs = append(fs, comparisons("oid", wordOrder[uint64]{})...)
	fs = append(fs, comparisons("xid8", wordOrder[uint64]{})...)
	fs = append(fs, comparisons("bool", wordOrder[uint64]{})...)
	fs = append(fs, comparisons("char", wordOrder[uint64]{})...)
	fs = append(fs, comparisons("tid", wordOrder[uint64]{})...)
	fs = append(fs, comparisons("pg_lsn_", wordOrder[uint64]{})...)
	fs = append(fs, comparisons("name", textOrder{})...)
	fs = append(fs, comparisonsNamed(textOrder{}, func(op cmpOp) string { return "name" + cmpSuffix[op] + "text" })...)
	fs = append(fs, comparisonsNamed(textOrder{}, func(op cmpOp) string { return "text" + cmpSuffix[op] + "name" })...)
	fs = append(fs, comparisons("bytea", textOrder{})...)
	fs = append(fs, comparisons("uuid_", textOrder{})...)
	fs = append(fs, comparisonsNamed(textOrder{}, func(op cmpOp) string {
		return [...]string{opEQ: "texteq", opNE: "textne", opLT: "text_lt", opLE: "text_le", opGT: "text_gt", opGE: "text_ge"}[op]
	})...)
	fs = append(fs, comparisons("bpchar", funcOrder(types.Comparer(types.Builtin(types.BPCharOid), 0)))...)
	fs = append(fs, comparisons("oidvector", funcOrder(types.Comparer(types.Builtin(types.OidVectorOid), 0)))...)
	words, text := cmpWords[uint64], cmpText
	bp := types.Comparer(types.Builtin(types.BPCharOid), 0)
	fs = append(fs,
		Entry{Name: "xideq", Scalar: compareScalar(opEQ, wordOrder[uint64]{})},
		Entry{Name: "xidneq", Scalar: compareScalar(opNE, wordOrder[uint64]{})},
		Entry{Name: "cideq", Scalar: compareScalar(opEQ, wordOrder[uint64]{})},
		Entry{Name: "btoidcmp", Scalar: btcmp(words)}, Entry{Name: "btboolcmp", Scalar: btcmp(words)},
		Entry{Name: "btcharcmp", Scalar: btcmp(words)}, Entry{Name: "bttidcmp", Scalar: btcmp(words)},
		Entry{Name: "pg_lsn_cmp", Scalar: btcmp(words)}, Entry{Name: "xid8cmp", Scalar: btcmp(words)},
		Entry{Name: "btnamecmp", Scalar: btcmp(text)}, Entry{Name: "bttextcmp", Scalar: btcmp(text)},
		Entry{Name: "btnametextcmp", Scalar: btcmp(text)}, Entry{Name: "bttextnamecmp", Scalar: btcmp(text)},
		Entry{Name: "byteacmp", Scalar: btcmp(text)}, Entry{Name: "uuid_cmp", Scalar: btcmp(text)},
		Entry{Name: "bpcharcmp", Scalar: btcmp(bp)}, Entry{Name: "btoidvectorcmp", Scalar: btcmp(types.Comparer(types.Builtin(types.OidVectorOid), 0))},
		Entry{Name: "oidlarger", Scalar: larger(words)}, Entry{Name: "oidsmaller", Scalar: smaller(words)},
		Entry{Name: "tidlarger", Scalar: larger(words)}, Entry{Name: "tidsmaller", Scalar: smaller(words)},
		Entry{Name: "pg_lsn_larger", Scalar: larger(words)}, Entry{Name: "pg_lsn_smaller", Scalar: smaller(words)},
		Entry{Name: "xid8_larger", Scalar: larger(words)}, Entry{Name: "xid8_smaller", Scalar: smaller(words)},
		Entry{Name: "text_larger", Scalar: larger(text)}, Entry{Name: "text_smaller", Scalar: smaller(text)},
		Entry{Name: "bpchar_larger", Scalar: larger(bp)}, Entry{Name: "bpchar_smaller", Scalar: smaller(bp)},
	)
	return fs
}
