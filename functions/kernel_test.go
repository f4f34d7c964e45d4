package functions

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gompho/internal/pgerr"
	"gompho/types"
)

// kernelDatum draws words and strings near the edges of every type that a kernel may get.
func kernelDatum(r *rand.Rand, kind types.Kind, name string) types.Datum {
	if r.IntN(8) == 0 {
		return types.Null
	}
	if kind == types.BytesKind {
		words := []string{"", "a", "b", "ab", "a%b", "%", "_", "a_", "é", "aé", "ABC", "abc", `a\%b`, "%b%"}
		return types.String(words[r.IntN(len(words))])
	}
	if strings.HasPrefix(name, "float") {
		f := []float64{0, math.Copysign(0, -1), 1, -1.5, math.NaN(), math.Inf(1), math.Inf(-1), 1e308, 5e-324, 3}
		return types.Float(f[r.IntN(len(f))])
	}
	ints := []int64{0, 1, -1, 2, 7, 32767, -32768, 1 << 30, -1 << 31, math.MaxInt32, math.MaxInt64, math.MinInt64}
	n := len(ints)
	switch {
	case strings.HasPrefix(name, "int2"):
		n = 7
	case strings.HasPrefix(name, "int4"):
		n = 10
	}
	return types.Int(ints[r.IntN(n)])
}

func kindsOf(name string) types.Kind {
	for _, p := range []string{"text", "name", "bytea", "uuid", "bpchar", "macaddr"} {
		if strings.HasPrefix(name, p) {
			return types.BytesKind
		}
	}
	return types.WordKind
}

// TestKernels runs every kernel over random columns and expects what the scalar form gives row by row.
func TestKernels(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	env := DefaultEnv()
	tested := 0
	for _, family := range families() {
		for i := range family {
			e := &family[i]
			if e.Kernel == nil {
				continue
			}
			tested++
			for range 20 {
				checkKernel(t, r, env, e)
			}
		}
	}
	if tested < 80 {
		t.Errorf("only %d kernels found", tested)
	}
}

func checkKernel(t *testing.T, r *rand.Rand, env Env, e *Entry) {
	n := 1 + r.IntN(150)
	kind := kindsOf(e.Name)
	args := []*types.Vector{types.NewVector(kind, n), types.NewVector(kind, n)}
	for range n {
		args[0].Append(kernelDatum(r, kind, e.Name))
		args[1].Append(kernelDatum(r, kind, e.Name))
	}
	var sel []int32
	if r.IntN(2) == 0 {
		sel = []int32{}
		for i := range n {
			if r.IntN(3) == 0 {
				sel = append(sel, int32(i))
			}
		}
	}
	out := types.NewVector(types.WordKind, n)
	out.Len = n
	for i := range n {
		if r.IntN(4) == 0 {
			out.SetNull(i) // a mark left from another batch
		} else {
			out.W[i] = 77
		}
	}
	before := types.NewVector(types.WordKind, n)
	for i := range n {
		before.Append(out.Get(i))
	}
	err := e.Kernel(args, sel, n, out)
	c := &Call{Env: env, Args: make([]types.Datum, 2)}
	picked := map[int]bool{}
	scalarErrs := map[pgerr.Code]bool{} // SQLSTATEs of the rows; a kernel may meet any of them first
	check := func(i int) {
		picked[i] = true
		c.Args[0], c.Args[1] = args[0].Get(i), args[1].Get(i)
		if c.Args[0].IsNull() || c.Args[1].IsNull() {
			if err == nil && !out.IsNull(i) {
				t.Errorf("%s: row %d is not NULL", e.Name, i)
			}
			return
		}
		want, werr := e.Scalar(c)
		if werr != nil {
			scalarErrs[pgerr.From(werr).Code] = true
			return
		}
		if got := out.Get(i); err == nil && (got.IsNull() || got.Word() != want.Word()) && !bothNaN(got, want) {
			t.Errorf("%s(%v, %v) = %x, want %x", e.Name, c.Args[0], c.Args[1], got.Word(), want.Word())
		}
	}
	if sel != nil {
		for _, i := range sel {
			check(int(i))
		}
	} else {
		for i := range n {
			check(i)
		}
	}
	if err == nil && len(scalarErrs) > 0 || err != nil && !scalarErrs[pgerr.From(err).Code] {
		t.Errorf("%s: kernel says %v, the rows %v", e.Name, err, scalarErrs)
	}
	for i := range n {
		if !picked[i] && out.W[i] != before.W[i] && !before.IsNull(i) {
			t.Errorf("%s: row %d outside the selection was touched", e.Name, i)
		}
	}
}

func bothNaN(a, b types.Datum) bool { return a.Float() != a.Float() && b.Float() != b.Float() }
