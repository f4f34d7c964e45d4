package parser

import "gompho/sql/ast"

// slab hands out structs and exact-length slices from blocks, so that a small statement costs a few
// allocations. The first block is part of the parser.
type slab[T any] struct {
	free []T
	size int
}

const maxSlab = 128

func (s *slab[T]) refill(n int) {
	s.size = min(max(2*s.size, 8), maxSlab)
	s.free = make([]T, max(n, s.size))
}

func (s *slab[T]) one() *T {
	if len(s.free) == 0 {
		s.refill(1)
	}
	p := &s.free[0]
	s.free = s.free[1:]
	return p
}

// save copies list into the slab; an empty list gives nil.
func (s *slab[T]) save(list []T) []T {
	n := len(list)
	if n == 0 {
		return nil
	}
	if len(s.free) < n {
		s.refill(n)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	copy(out, list)
	return out
}

// arena holds the slabs of the commonest nodes.
type arena struct {
	selects slab[ast.SelectStmt]
	columns slab[ast.ColumnRef]
	strings slab[ast.String]
	targets slab[ast.ResTarget]
	rels    slab[ast.RangeVar]
	exprs   slab[ast.AExpr]
	consts  slab[ast.AConst]
	ints    slab[ast.Integer]
	nodes   slab[ast.Node]
	names   slab[string]
	tlists  slab[*ast.ResTarget]
}

// firstBlock is the memory of a short statement's nodes.
type firstBlock struct {
	selects [1]ast.SelectStmt
	columns [3]ast.ColumnRef
	strings [5]ast.String
	targets [3]ast.ResTarget
	rels    [1]ast.RangeVar
	exprs   [2]ast.AExpr
	consts  [2]ast.AConst
	ints    [2]ast.Integer
	nodes   [8]ast.Node
	names   [4]string
	tlists  [4]*ast.ResTarget
	stmts   [1]ast.RawStmt
}

func (a *arena) init(b *firstBlock) {
	a.selects.free = b.selects[:]
	a.columns.free = b.columns[:]
	a.strings.free = b.strings[:]
	a.targets.free = b.targets[:]
	a.rels.free = b.rels[:]
	a.exprs.free = b.exprs[:]
	a.consts.free = b.consts[:]
	a.ints.free = b.ints[:]
	a.nodes.free = b.nodes[:]
	a.names.free = b.names[:]
	a.tlists.free = b.tlists[:]
}

func (a *arena) str(s string) *ast.String {
	n := a.strings.one()
	n.Sval = s
	return n
}

func (a *arena) constant(val ast.Node, pos int32) *ast.AConst {
	c := a.consts.one()
	c.Val, c.Location = val, pos
	return c
}

func (a *arena) intConst(v, pos int32) *ast.AConst {
	i := a.ints.one()
	i.Ival = v
	return a.constant(i, pos)
}

func (a *arena) strConst(s string, pos int32) *ast.AConst { return a.constant(a.str(s), pos) }

// list1 is a one-node list.
func (a *arena) list1(n ast.Node) []ast.Node {
	l := [1]ast.Node{n}
	return a.nodes.save(l[:])
}

func (a *arena) name1(s string) []string {
	l := [1]string{s}
	return a.names.save(l[:])
}

// aexpr makes an operator expression with a one-word operator.
func (a *arena) aexpr(kind ast.AExprKind, op string, l, r ast.Node, pos int32) *ast.AExpr {
	e := a.exprs.one()
	*e = ast.AExpr{Kind: kind, Name: a.name1(op), Lexpr: l, Rexpr: r, Location: pos}
	return e
}
