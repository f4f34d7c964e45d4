package functions

import (
	"bytes"

	"gompho/types"
)

// Column kernels loop over rows in one of two ways: all rows 0..n-1, or those of a selection. NULLs are
// settled before the loop: where an argument has any, the result's marks are the union of the arguments'.

// unionNulls makes out NULL where an argument is, for all rows below n, and tells whether there are any.
// Rows outside the selection may be marked as well only if they are NULL in an argument, which harms nobody
// because they are not looked at; it must not clear marks of theirs, so it works row by row under a selection.
func unionNulls(args []*types.Vector, sel []int32, n int, out *types.Vector) bool {
	any := false
	for _, a := range args {
		any = any || a.HasNulls
	}
	if !any && !out.HasNulls {
		return false
	}
	if sel != nil {
		for _, i := range sel {
			setNullOf(args, int(i), out)
		}
		return any
	}
	for w := range (n + 63) / 64 {
		var m uint64
		for _, a := range args {
			if a.HasNulls {
				m |= a.Nulls[w]
			}
		}
		out.Nulls[w] = m
	}
	out.HasNulls = any
	return any
}

func setNullOf(args []*types.Vector, i int, out *types.Vector) {
	for _, a := range args {
		if a.IsNull(i) {
			out.SetNull(i)
			return
		}
	}
	out.ClearNull(i)
}

func arithKernel(w *intWidth, op func(a, b int64) (int64, bool)) Kernel {
	return func(args []*types.Vector, sel []int32, n int, out *types.Vector) error {
		nulls := unionNulls(args, sel, n, out)
		a, b, o := args[0].W, args[1].W, out.W
		if sel == nil {
			a, b, o = a[:n], b[:n], o[:n]
			for i := range a {
				v, ok := op(int64(a[i]), int64(b[i]))
				if (!ok || v < w.lo || v > w.hi) && !(nulls && out.IsNull(i)) {
					return w.overflow()
				}
				o[i] = uint64(v)
			}
			return nil
		}
		for _, i := range sel {
			v, ok := op(int64(a[i]), int64(b[i]))
			if (!ok || v < w.lo || v > w.hi) && !(nulls && out.IsNull(int(i))) {
				return w.overflow()
			}
			o[i] = uint64(v)
		}
		return nil
	}
}

func b2w(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func wordCompareKernel[T int64 | uint64](op cmpOp) Kernel {
	switch op {
	case opEQ:
		return wordKernel(func(a, b uint64) uint64 { return b2w(a == b) })
	case opNE:
		return wordKernel(func(a, b uint64) uint64 { return b2w(a != b) })
	case opLT:
		return wordKernel(func(a, b uint64) uint64 { return b2w(T(a) < T(b)) })
	case opLE:
		return wordKernel(func(a, b uint64) uint64 { return b2w(T(a) <= T(b)) })
	case opGT:
		return wordKernel(func(a, b uint64) uint64 { return b2w(T(a) > T(b)) })
	}
	return wordKernel(func(a, b uint64) uint64 { return b2w(T(a) >= T(b)) })
}

// wordKernel applies f, which cannot fail, to two columns of words.
func wordKernel(f func(a, b uint64) uint64) Kernel {
	return func(args []*types.Vector, sel []int32, n int, out *types.Vector) error {
		unionNulls(args, sel, n, out)
		a, b, o := args[0].W, args[1].W, out.W
		if sel == nil {
			a, b, o = a[:n], b[:n], o[:n]
			for i := range a {
				o[i] = f(a[i], b[i])
			}
			return nil
		}
		for _, i := range sel {
			o[i] = f(a[i], b[i])
		}
		return nil
	}
}

func textCompareKernel(op cmpOp) Kernel {
	switch op {
	case opEQ:
		return textKernel(func(a, b []byte) bool { return string(a) == string(b) })
	case opNE:
		return textKernel(func(a, b []byte) bool { return string(a) != string(b) })
	}
	return textKernel(func(a, b []byte) bool { return op.holds(bytes.Compare(a, b)) })
}

func textKernel(f func(a, b []byte) bool) Kernel {
	return func(args []*types.Vector, sel []int32, n int, out *types.Vector) error {
		nulls := unionNulls(args, sel, n, out)
		a, b, o := args[0].B, args[1].B, out.W
		if sel == nil {
			for i := range n {
				if nulls && out.IsNull(i) {
					continue
				}
				o[i] = b2w(f(a[i], b[i]))
			}
			return nil
		}
		for _, i := range sel {
			if nulls && out.IsNull(int(i)) {
				continue
			}
			o[i] = b2w(f(a[i], b[i]))
		}
		return nil
	}
}
