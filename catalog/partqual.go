package catalog

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/partition"
	"gompho/sql/query"
	"gompho/types"
)

// PartitionQual returns the condition that the rows of a partition meet by its bound and those of the partitions that it is in, over the
// partition's own columns; nil when there is none. It is for showing: rows are checked by a search in the bounds.
func (s *Session) PartitionQual(rel *Relation) (query.Expr, error) {
	quals, err := s.partitionQuals(rel)
	if err != nil {
		return nil, err
	}
	switch len(quals) {
	case 0:
		return nil, nil
	case 1:
		return quals[0], nil
	}
	return boolExpr(query.AndExpr, quals), nil
}

func (s *Session) partitionQuals(rel *Relation) ([]query.Expr, error) {
	if rel.PartBound == nil || rel.Parent == 0 {
		return nil, nil
	}
	parent, err := s.Relation(rel.Parent)
	if parent == nil || err != nil {
		return nil, err
	}
	out, err := s.partitionQuals(parent)
	if err != nil {
		return nil, err
	}
	b := qualBuilder{s: s, k: parent.PartKey, parent: parent}
	own, err := b.quals(rel.PartBound)
	if err != nil {
		return nil, err
	}
	out = append(out, own...)
	for i, e := range out {
		out[i] = MapColumns(e, parent, rel)
	}
	return out, nil
}

// MapColumns renumbers the columns of an expression over relation 1 from one table to the columns of the same names of another.
func MapColumns(e query.Expr, from, to *Relation) query.Expr {
	return query.Mutate(e, func(x query.Expr) query.Expr {
		v, ok := x.(*query.Var)
		if !ok || v.Varattno <= 0 {
			return x
		}
		n := *v
		n.Varattno = int(to.AttNum(from.AttName(int16(v.Varattno))))
		n.Varnosyn, n.Varattnosyn = 0, 0
		return &n
	})
}

var truth = query.Result{ResType: types.BoolOid, ResTypmod: -1}

func boolExpr(op query.BoolOp, args []query.Expr) query.Expr {
	return &query.BoolExpr{Result: truth, Op: op, Args: args, Location: -1}
}

// joined is args under op, or the only one of them.
func joined(op query.BoolOp, args []query.Expr) query.Expr {
	if len(args) == 1 {
		return args[0]
	}
	return boolExpr(op, args)
}

// Strategy numbers of btree operator families.
const (
	btLess         = 1
	btLessEqual    = 2
	btEqual        = 3
	btGreaterEqual = 4
	btGreater      = 5
)

// qualBuilder makes the conditions of the partitions of one table.
type qualBuilder struct {
	s      *Session
	k      *partition.Key
	parent *Relation
}

func (b *qualBuilder) quals(p *query.PartitionBound) ([]query.Expr, error) {
	switch b.k.Strategy {
	case partition.Hash:
		return b.hash(p), nil
	case partition.List:
		return b.list(p)
	}
	return b.ranges(p, false)
}

func (b *qualBuilder) nullTest(i int, isNull bool) query.Expr {
	return &query.NullTest{Result: truth, Arg: b.k.Column(i), IsNull: isNull, Location: -1}
}

// hash is a call of satisfies_hash_partition.
func (b *qualBuilder) hash(p *query.PartitionBound) []query.Expr {
	const satisfiesHashPartition ids.Oid = 5028
	word := func(typ ids.Oid, v int64) query.Expr {
		return &query.Const{Result: query.Result{ResType: typ, ResTypmod: -1}, Value: types.Int(v), Location: -1}
	}
	args := []query.Expr{word(types.OidOid, int64(b.parent.Oid)), word(types.Int4Oid, int64(p.Modulus)), word(types.Int4Oid, int64(p.Remainder))}
	for i := range b.k.Atts {
		args = append(args, b.k.Column(i))
	}
	return []query.Expr{&query.FuncExpr{Result: truth, FuncID: satisfiesHashPartition, Args: args, Location: -1}}
}

func (b *qualBuilder) list(p *query.PartitionBound) ([]query.Expr, error) {
	var elems []query.Expr
	hasNull := false
	add := func(q *query.PartitionBound) {
		for _, e := range q.List {
			if c, ok := e.(*query.Const); ok && c.Value.IsNull() {
				hasNull = true
			} else {
				elems = append(elems, e)
			}
		}
	}
	if p.IsDefault {
		d := b.parent.Partitions(true)
		if len(d.Oids) == 0 || len(d.Oids) == 1 && d.Bounds.Default == 0 {
			return nil, nil
		}
		for _, v := range d.Bounds.Datums {
			elems = append(elems, &query.Const{Result: query.Result{ResType: b.k.Types[0], ResTypmod: b.k.Typmods[0], ResCollation: b.k.Collations[0]},
				Value: v[0], Location: -1})
		}
		hasNull = d.Bounds.Null >= 0
	} else {
		add(p)
	}
	var out []query.Expr
	if len(elems) > 0 {
		op, err := b.listOp(elems)
		if err != nil {
			return nil, err
		}
		out = append(out, op)
	}
	if hasNull {
		if out = append([]query.Expr{b.nullTest(0, true)}, out...); len(out) > 1 {
			out = []query.Expr{boolExpr(query.OrExpr, out)}
		}
	} else {
		out = append([]query.Expr{b.nullTest(0, false)}, out...)
	}
	if p.IsDefault {
		out = []query.Expr{boolExpr(query.NotExpr, []query.Expr{joined(query.AndExpr, out)})}
	}
	return out, nil
}

// listOp is key = value, or key = ANY (ARRAY[values]).
func (b *qualBuilder) listOp(elems []query.Expr) (query.Expr, error) {
	if len(elems) == 1 {
		return b.op(0, btEqual, elems[0])
	}
	t, err := b.s.TypeRow(b.k.Types[0])
	if err != nil {
		return nil, err
	}
	if t == nil || t.Typarray == 0 || t.Typelem != 0 && t.Typlen == -1 {
		var ors []query.Expr
		for _, e := range elems {
			o, err := b.op(0, btEqual, e)
			if err != nil {
				return nil, err
			}
			ors = append(ors, o)
		}
		return boolExpr(query.OrExpr, ors), nil
	}
	eq, err := b.op(0, btEqual, elems[0])
	if err != nil {
		return nil, err
	}
	o := eq.(*query.OpExpr)
	array := &query.ArrayExpr{Result: query.Result{ResType: t.Typarray, ResTypmod: -1, ResCollation: b.k.Collations[0]}, ElementType: b.k.Types[0],
		Elements: elems, Location: -1}
	return &query.ScalarArrayOpExpr{Result: truth, OpNo: o.OpNo, FuncID: o.FuncID, UseOr: true, InputCollid: b.k.Collations[0],
		Args: []query.Expr{o.Args[0], array}, Location: -1}, nil
}

// op is a comparison of key column i with a value.
func (b *qualBuilder) op(i int, strategy int16, v query.Expr) (query.Expr, error) {
	k := b.k
	a, err := b.s.AmOp(k.OpFamilies[i], k.InTypes[i], k.InTypes[i], strategy)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, pgerr.Internal("missing operator %d(%d,%d) in partition opfamily %d", strategy, k.InTypes[i], k.InTypes[i], k.OpFamilies[i])
	}
	o, err := b.s.Operator(a.Amopopr)
	if o == nil || err != nil {
		return nil, err
	}
	arg := k.Column(i)
	in := types.Builtin(k.InTypes[i])
	if k.Types[i] != k.InTypes[i] && in != nil && in.Typtype != 'p' || k.Collations[i] != arg.Collation() {
		typ := k.InTypes[i]
		if in != nil && in.Typtype == 'p' {
			typ = k.Types[i]
		}
		arg = &query.RelabelType{Result: query.Result{ResType: typ, ResTypmod: -1, ResCollation: k.Collations[i]}, Arg: arg,
			Format: query.CoerceExplicitCast, Location: -1}
	}
	return &query.OpExpr{Result: truth, OpNo: o.Oid, FuncID: o.Oprcode, InputCollid: k.Collations[i], Args: []query.Expr{arg, v}, Location: -1}, nil
}

func (b *qualBuilder) nullTests() []query.Expr {
	var out []query.Expr
	for i := range b.k.Atts {
		out = append(out, b.nullTest(i, false))
	}
	return out
}

// ranges makes the conditions of a range partition. forDefault leaves out the tests for NULL.
func (b *qualBuilder) ranges(p *query.PartitionBound, forDefault bool) ([]query.Expr, error) {
	if p.IsDefault {
		return b.rangeDefault()
	}
	var out []query.Expr
	if !forDefault {
		out = b.nullTests()
	}
	i := 0
	for i < len(p.Lower)-1 && p.Lower[i].Kind == query.RangeValue && p.Upper[i].Kind == query.RangeValue && b.sameValue(i, p) {
		eq, err := b.op(i, btEqual, p.Lower[i].Value)
		if err != nil {
			return nil, err
		}
		out = append(out, eq)
		i++
	}
	for _, upper := range []bool{false, true} {
		arms, err := b.arms(p, i, upper)
		if err != nil {
			return nil, err
		}
		if len(arms) > 0 {
			out = append(out, joined(query.OrExpr, arms))
		}
	}
	if len(out) == 0 && forDefault {
		out = b.nullTests()
	}
	return out, nil
}

func (b *qualBuilder) sameValue(i int, p *query.PartitionBound) bool {
	l, lok := p.Lower[i].Value.(*query.Const)
	u, uok := p.Upper[i].Value.(*query.Const)
	return lok && uok && b.k.Compare[i](l.Value, u.Value) == 0
}

// arms are the alternatives of one side of a range: the first n columns equal the bound's, the next one is beyond it.
func (b *qualBuilder) arms(p *query.PartitionBound, first int, upper bool) ([]query.Expr, error) {
	side, endless := p.Lower, query.RangeMin
	strict, loose := int16(btGreater), int16(btGreaterEqual)
	if upper {
		side, endless = p.Upper, query.RangeMax
		strict, loose = btLess, btLessEqual
	}
	var arms []query.Expr
	for arm := 0; first+arm < len(side); arm++ {
		var args []query.Expr
		for j := first; j <= first+arm; j++ {
			if side[j].Kind != query.RangeValue {
				continue
			}
			strategy := strict
			switch {
			case j < first+arm:
				strategy = btEqual
			case !upper && j == len(side)-1, j+1 < len(side) && side[j+1].Kind == endless:
				strategy = loose
			}
			o, err := b.op(j, strategy, side[j].Value)
			if err != nil {
				return nil, err
			}
			args = append(args, o)
		}
		if len(args) > 0 {
			arms = append(arms, joined(query.AndExpr, args))
		}
		at := first + arm
		if side[at].Kind != query.RangeValue || at+1 >= len(side) || side[at+1].Kind != query.RangeValue {
			break
		}
	}
	return arms, nil
}

func (b *qualBuilder) rangeDefault() ([]query.Expr, error) {
	var ors []query.Expr
	for _, q := range b.parent.Partitions(true).Bound {
		if q.IsDefault {
			continue
		}
		l, err := b.ranges(q, true)
		if err != nil {
			return nil, err
		}
		ors = append(ors, joined(query.AndExpr, l))
	}
	if len(ors) == 0 {
		return nil, nil
	}
	and := append(b.nullTests(), joined(query.OrExpr, ors))
	return []query.Expr{boolExpr(query.NotExpr, []query.Expr{boolExpr(query.AndExpr, and)})}, nil
}
