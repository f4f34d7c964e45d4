package partition

import (
	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"
)

// Strategies of partitioning, as pg_partitioned_table.partstrat has them.
const (
	List  byte = 'l'
	Range byte = 'r'
	Hash  byte = 'h'
)

// Key is what PARTITION BY says. The slices but Exprs have one entry for each key column.
type Key struct {
	Strategy   byte
	Atts       []int16      // columns of the table, 0 for an expression
	Exprs      []query.Expr // one for each 0 in Atts, over relation 1
	Types      []ids.Oid
	Typmods    []int32
	TypeColl   []ids.Oid // collations of the columns or expressions themselves
	Collations []ids.Oid // by which the partitioning compares
	OpClasses  []ids.Oid
	OpFamilies []ids.Oid
	InTypes    []ids.Oid // input types of the operator classes
	Support    []ids.Oid // comparison functions, or extended hash functions
	Compare    []func(a, b types.Datum) int
	HashFn     []func(d types.Datum, seed uint64) uint64 // hash partitioning only
}

// Cols returns the number of key columns.
func (k *Key) Cols() int { return len(k.Atts) }

// HasColumn reports whether a column of the table is a key column itself or used by a key expression; inExpr: by an expression.
func (k *Key) HasColumn(att int16) (used, inExpr bool) {
	for _, a := range k.Atts {
		if a == att {
			return true, false
		}
	}
	found := false
	for _, e := range k.Exprs {
		query.WalkExpr(e, func(n query.Node) bool {
			if v, ok := n.(*query.Var); ok && (v.Varattno == int(att) || v.Varattno == 0) {
				found = true
			}
			return !found
		})
	}
	return found, found
}

// Column returns the expression of key column i: a Var of relation 1 or the key expression.
func (k *Key) Column(i int) query.Expr {
	if k.Atts[i] != 0 {
		return &query.Var{Result: query.Result{ResType: k.Types[i], ResTypmod: k.Typmods[i], ResCollation: k.TypeColl[i]}, Varno: 1,
			Varattno: int(k.Atts[i]), Location: -1}
	}
	n := 0
	for _, a := range k.Atts[:i] {
		if a == 0 {
			n++
		}
	}
	return k.Exprs[n]
}

// hashSeed is the seed that PostgreSQL's hash partitioning uses.
const hashSeed uint64 = 0x7A5B22367996DCFD

// HashRow returns the hash value of a row's key: NULLs count as nothing.
func (k *Key) HashRow(vals []types.Datum) uint64 {
	var h uint64
	for i, v := range vals[:len(k.HashFn)] {
		if v.IsNull() {
			continue
		}
		h = combine(h, k.HashFn[i](v, hashSeed))
	}
	return h
}

func combine(a, b uint64) uint64 {
	return a ^ (b + 0x49a0f4dd15e5a8e3 + (a << 54) + (a >> 7))
}
