package functions

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
)

// Call is one call site of a function and, while it runs, one call.
type Call struct {
	Env       Env
	Args      []types.Datum
	ArgTypes  []*types.Type
	RetType   *types.Type
	Collation ids.Oid
	// Variadic tells that the last argument was marked VARIADIC and is an array, for functions over "any".
	Variadic bool
	// State is the function's own, nil at the first call at this site.
	State any
	// Memory, if not nil, is where results live; the owner resets it per batch.
	Memory *Memory
}

// Scalar computes one value.
type Scalar func(c *Call) (types.Datum, error)

// Kernel computes a column: out row i from row i of the arguments, for i in sel, or in 0..n-1 when sel is nil.
// Every argument has all rows; rows outside sel are not touched. out has room, and may hold old NULL marks.
type Kernel func(args []*types.Vector, sel []int32, n int, out *types.Vector) error

// SetFunc begins a set-returning function.
type SetFunc func(c *Call) (RowSource, error)

// RowSource gives the rows of a set-returning function, one column for each output column.
type RowSource interface {
	// Next fills cols; false means there are no more rows.
	Next(cols []types.Datum) (bool, error)
	Close()
}

// Alloc returns n bytes for a result.
func (c *Call) Alloc(n int) []byte {
	if c.Memory == nil {
		return make([]byte, n)
	}
	return c.Memory.Alloc(n)
}

// Do calls a function: arguments that are large need room for a result of their size, and a large result is put on the account of Memory.
func (c *Call) Do(fn Scalar) (types.Datum, error) {
	size := 0
	for i := range c.Args {
		if c.Args[i].IsBytes() {
			size += len(c.Args[i].Bytes())
		}
	}
	if size > largeValue {
		if err := c.Afford(size); err != nil {
			return types.Null, err
		}
	}
	if c.Memory == nil {
		return fn(c)
	}
	told := c.Memory.told
	d, err := fn(c)
	if err == nil && d.IsBytes() {
		if n := len(d.Bytes()); n > memoryBlockMax/4 && c.Memory.told-told < n {
			c.Memory.tell(n - (c.Memory.told - told))
		}
	}
	return d, err
}

// largeValue is the size in bytes from which on it is asked whether there is room for a value.
const largeValue = 1 << 20

// slot is the session's, nil without one.
func (c *Call) slot() *stats.Slot {
	if c.Env == nil {
		return nil
	}
	return c.Env.Slot()
}

// Afford returns the error for a value of n bytes that the server has no memory for.
func (c *Call) Afford(n int) error {
	if n <= largeValue || c.Env == nil {
		return nil
	}
	return c.Env.Slot().Account().Afford(int64(n), "a value")
}

// keep makes a Datum of b, which the caller built in scratch memory, by copying it to where results live.
func (c *Call) keep(b []byte) types.Datum {
	m := c.Alloc(len(b))
	copy(m, b)
	return types.Bytes(m)
}

// null reports whether argument i is absent or NULL.
func (c *Call) null(i int) bool { return i >= len(c.Args) || c.Args[i].IsNull() }

func (c *Call) str(i int) string    { return c.Args[i].Str() }
func (c *Call) int(i int) int64     { return c.Args[i].Int() }
func (c *Call) float(i int) float64 { return c.Args[i].Float() }
func (c *Call) bool(i int) bool     { return c.Args[i].Bool() }
func (c *Call) bytes(i int) []byte  { return c.Args[i].Bytes() }

// argType returns the type of argument i without domains.
func (c *Call) argType(i int) (*types.Type, error) {
	if i >= len(c.ArgTypes) || c.ArgTypes[i] == nil {
		return nil, pgerr.Internal("could not determine type of argument %d", i+1)
	}
	return c.ArgTypes[i].Underlying(), nil
}

// Memory is where the byte strings of one batch of results live: taken piece by piece, given back at once.
type Memory struct {
	cur    []byte
	blocks [][]byte
	next   int
	// Account is told of what is large; nil: nobody is.
	Account Account
	told    int
}

// Account keeps the account of memory that is held: n bytes more, or n bytes less.
type Account interface {
	Took(n int)
	Gave(n int)
}

const (
	memoryBlock    = 4 << 10
	memoryBlockMax = 128 << 10
	memoryKept     = 16 // blocks kept for the next batch; more are told to the account, and given back
)

// tell takes n bytes on the account until the next Reset.
func (m *Memory) tell(n int) {
	if m.Account != nil {
		m.Account.Took(n)
		m.told += n
	}
}

// Alloc returns n bytes. They are not zero.
func (m *Memory) Alloc(n int) []byte {
	if n <= len(m.cur) {
		b := m.cur[:n:n]
		m.cur = m.cur[n:]
		return b
	}
	if n > memoryBlockMax/4 {
		m.tell(n)
		return types.Room(n)[:n:n]
	}
	for m.next < len(m.blocks) {
		b := m.blocks[m.next]
		m.next++
		if len(b) >= n {
			m.cur = b[n:]
			return b[:n:n]
		}
	}
	b := make([]byte, max(n, min(memoryBlockMax, memoryBlock<<len(m.blocks))))
	m.blocks = append(m.blocks, b)
	if len(m.blocks) > memoryKept {
		m.tell(len(b))
	}
	m.next = len(m.blocks)
	m.cur = b[n:]
	return b[:n:n]
}

// Reset gives everything back, keeping the first blocks.
func (m *Memory) Reset() {
	m.cur, m.next = nil, 0
	if len(m.blocks) > memoryKept {
		clear(m.blocks[memoryKept:])
		m.blocks = m.blocks[:memoryKept]
	}
	if m.told > 0 {
		m.Account.Gave(m.told)
		m.told = 0
	}
}

// NotThere is the answer of a built-in function that the catalog lists and this server does not have.
func NotThere(prosrc string) error {
	return pgerr.NotSupported("function %s is not supported", prosrc)
}
