package partition

import (
	"math/bits"

	"gompho/sql/query"
	"gompho/types"
)

// CondKind is the kind of a Cond.
type CondKind uint8

const (
	And     CondKind = iota
	Or               // of Args
	Compare          // key column Col with Values[Value], by Strategy
	IsNull           // key column Col
	NotNull          // key column Col
)

// NotEqual is the strategy of <>, after btree's 1 (<) to 5 (>).
const NotEqual = 6

// Cond is what a condition says of the key columns of a table. What it cannot say is left out of an And, and makes of an Or no condition.
type Cond struct {
	Kind     CondKind
	Args     []*Cond
	Col      int
	Strategy int
	Value    int
	List     bool // Compare: the value is a list, one of which is to meet it
	All      bool // Compare with a list: with all its values, not with any
}

// Value is what a Compare compares with. Of a list (= ANY, <> ALL) Elems are the values.
type Value struct {
	Known bool
	List  bool
	D     types.Datum
	Elems []types.Datum
}

// Set is a set of partitions by their places in a Desc.
type Set []uint64

// NewSet makes a set for n partitions.
func NewSet(n int, all bool) Set {
	s := make(Set, (n+63)/64)
	if all {
		for i := range n {
			s.Add(i)
		}
	}
	return s
}

// Add puts i into the set.
func (s Set) Add(i int) { s[i>>6] |= 1 << (uint(i) & 63) }

// Remove takes i out of the set.
func (s Set) Remove(i int) { s[i>>6] &^= 1 << (uint(i) & 63) }

// Has reports whether i is in the set.
func (s Set) Has(i int) bool { return s[i>>6]&(1<<(uint(i)&63)) != 0 }

// Count returns the number of members.
func (s Set) Count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s Set) and(t Set) {
	for i := range s {
		s[i] &= t[i]
	}
}

func (s Set) or(t Set) {
	for i := range s {
		s[i] |= t[i]
	}
}

// Prune returns the partitions that can have rows for which a condition is true: never too few. Comparisons with values that are not known
// say nothing; those with NULL are never true.
func (d *Desc) Prune(k *Key, c *Cond, vals []Value) Set {
	p := pruner{d: d, k: k, vals: vals}
	return p.cond(c)
}

type pruner struct {
	d    *Desc
	k    *Key
	vals []Value
}

func (p *pruner) cond(c *Cond) Set {
	n := len(p.d.Oids)
	switch c.Kind {
	case Or:
		out := NewSet(n, false)
		for _, a := range c.Args {
			out.or(p.cond(a))
		}
		return out
	case And:
		return p.all(c.Args)
	}
	return p.all([]*Cond{c})
}

// term is one comparison with one value.
type term struct {
	col, strategy int
	d             types.Datum
}

// all is the And of conditions: comparisons together, the others one by one.
func (p *pruner) all(args []*Cond) Set {
	n := len(p.d.Oids)
	var t terms
	t.null, t.notNull = make([]bool, p.k.Cols()), make([]bool, p.k.Cols())
	var rest []*Cond
	for len(args) > 0 {
		c := args[0]
		args = args[1:]
		switch c.Kind {
		case And:
			args = append(args[:len(args):len(args)], c.Args...)
		case Or:
			rest = append(rest, c)
		case IsNull:
			t.null[c.Col] = true
		case NotNull:
			t.notNull[c.Col] = true
		default:
			v := &p.vals[c.Value]
			switch {
			case !v.Known:
			case !v.List && v.D.IsNull():
				return NewSet(n, false)
			case !v.List:
				t.add(term{c.Col, c.Strategy, v.D})
			case c.All:
				for _, e := range v.Elems {
					if e.IsNull() {
						return NewSet(n, false)
					}
					t.add(term{c.Col, c.Strategy, e})
				}
			case len(v.Elems) == 1 && !v.Elems[0].IsNull():
				t.add(term{c.Col, c.Strategy, v.Elems[0]})
			default:
				rest = append(rest, c)
			}
		}
	}
	out := p.simple(&t)
	for _, c := range rest {
		if c.Kind == Or {
			out.and(p.cond(c))
			continue
		}
		out.and(p.any(&t, c))
	}
	return out
}

// any is a comparison with any value of a list, together with the other comparisons, which can make it say more.
func (p *pruner) any(t *terms, c *Cond) Set {
	out := NewSet(len(p.d.Oids), false)
	for _, e := range p.vals[c.Value].Elems {
		if e.IsNull() {
			continue
		}
		with := terms{list: t.list[:len(t.list):len(t.list)], null: t.null, notNull: append([]bool(nil), t.notNull...)}
		with.add(term{c.Col, c.Strategy, e})
		out.or(p.simple(&with))
	}
	return out
}

type terms struct {
	list          []term
	null, notNull []bool
}

func (t *terms) add(x term) {
	t.list = append(t.list, x)
	t.notNull[x.col] = true
}

func (p *pruner) simple(t *terms) Set {
	n := len(p.d.Oids)
	for i := range t.null {
		if t.null[i] && t.notNull[i] {
			return NewSet(n, false)
		}
	}
	switch p.d.Bounds.Strategy {
	case List:
		return p.list(t)
	case Range:
		return p.ranges(t)
	}
	return p.hash(t)
}

func (p *pruner) put(s Set, part int) {
	if part >= 0 {
		s.Add(part)
	}
}

func (p *pruner) list(t *terms) Set {
	b := p.d.Bounds
	out := NewSet(len(p.d.Oids), false)
	if t.null[0] {
		if b.Null >= 0 {
			out.Add(b.Null)
		} else {
			p.put(out, b.Default)
		}
		return out
	}
	for _, x := range t.list {
		if x.strategy != 3 {
			continue
		}
		at, equal := b.SearchList(p.k, x.d)
		switch {
		case !equal: // a value that is in no list
			p.put(out, b.Default)
		case p.meets(b.Datums[at][0], t.list):
			out.Add(b.Indexes[at])
		}
		return out
	}
	for i, v := range b.Datums {
		if p.meets(v[0], t.list) {
			out.Add(b.Indexes[i])
		}
	}
	p.put(out, b.Default)
	if !t.notNull[0] {
		p.put(out, b.Null)
	}
	return out
}

func (p *pruner) meets(v types.Datum, list []term) bool {
	for _, x := range list {
		c := p.k.Compare[x.col](v, x.d)
		ok := false
		switch x.strategy {
		case 1:
			ok = c < 0
		case 2:
			ok = c <= 0
		case 3:
			ok = c == 0
		case 4:
			ok = c >= 0
		case 5:
			ok = c > 0
		default:
			ok = c != 0
		}
		if !ok {
			return false
		}
	}
	return true
}

func (p *pruner) hash(t *terms) Set {
	b := p.d.Bounds
	vals := make([]types.Datum, p.k.Cols())
	for i := range vals {
		found := t.null[i]
		vals[i] = types.Null
		for _, x := range t.list {
			if x.col == i && x.strategy == 3 {
				vals[i], found = x.d, true
			}
		}
		if !found {
			return NewSet(len(p.d.Oids), true)
		}
	}
	out := NewSet(len(p.d.Oids), false)
	if b.Modulus > 0 {
		p.put(out, b.Indexes[p.k.HashRow(vals)%uint64(b.Modulus)])
	}
	return out
}

// limits are the tightest comparisons with one column.
type limits struct {
	eq, lo, hi   types.Datum
	hasEq        bool
	hasLo, hasHi bool
	loIn, hiIn   bool
	never        bool
}

func (p *pruner) limits(t *terms, col int) limits {
	var l limits
	cmp := p.k.Compare[col]
	for _, x := range t.list {
		if x.col != col {
			continue
		}
		switch x.strategy {
		case 3:
			l.never = l.never || l.hasEq && cmp(l.eq, x.d) != 0
			l.eq, l.hasEq = x.d, true
		case 1, 2:
			if c := 1; l.hasHi {
				if c = cmp(l.hi, x.d); c < 0 || c == 0 && !l.hiIn {
					continue
				}
			}
			l.hi, l.hasHi, l.hiIn = x.d, true, x.strategy == 2
		case 4, 5:
			if c := -1; l.hasLo {
				if c = cmp(l.lo, x.d); c > 0 || c == 0 && !l.loIn {
					continue
				}
			}
			l.lo, l.hasLo, l.loIn = x.d, true, x.strategy == 4
		}
	}
	if l.hasEq && l.hasLo {
		c := cmp(l.eq, l.lo)
		l.never = l.never || c < 0 || c == 0 && !l.loIn
	}
	if l.hasEq && l.hasHi {
		c := cmp(l.eq, l.hi)
		l.never = l.never || c > 0 || c == 0 && !l.hiIn
	}
	return l
}

func (p *pruner) ranges(t *terms) Set {
	b := p.d.Bounds
	out := NewSet(len(p.d.Oids), false)
	strict := true
	for i := range t.null {
		if t.null[i] {
			p.put(out, b.Default)
			return out
		}
		strict = strict && t.notNull[i]
	}
	if !strict {
		p.put(out, b.Default)
	}
	if len(b.Indexes) == 0 {
		p.put(out, b.Default)
		return out
	}
	first, last := 0, len(b.Indexes)-1
	if b.Kinds[0][0] == query.RangeMin { // nothing is below MINVALUE
		first = 1
	}
	if b.Kinds[last-1][0] == query.RangeMax {
		last--
	}
	lo, hi, never := p.span(t, last)
	if never {
		return NewSet(len(p.d.Oids), false)
	}
	for s := max(first, lo); s <= min(last, hi); s++ {
		if b.Indexes[s] >= 0 {
			out.Add(b.Indexes[s])
		} else {
			p.put(out, b.Default)
		}
	}
	return out
}

// span returns the first and last gap between bounds in which rows can be: by the values of the leading columns that are known, and the
// limits of the next one.
func (p *pruner) span(t *terms, last int) (lo, hi int, never bool) {
	b := p.d.Bounds
	var prefix []types.Datum
	var l limits
	for col := 0; col < p.k.Cols(); col++ {
		l = p.limits(t, col)
		if l.never {
			return 0, 0, true
		}
		if !l.hasEq {
			break
		}
		prefix = append(prefix, l.eq)
		l = limits{}
	}
	atLeast := func(v []types.Datum) int {
		if len(v) == p.k.Cols() {
			return b.SearchRange(p.k, v) + 1
		}
		return b.FirstNotBelow(p.k, v)
	}
	hi = last
	if len(prefix) > 0 {
		lo, hi = atLeast(prefix), b.SearchRange(p.k, prefix)+1
	}
	n := len(prefix)
	if l.hasLo {
		v := append(prefix[:n:n], l.lo)
		if l.loIn {
			lo = atLeast(v)
		} else {
			lo = b.SearchRange(p.k, v) + 1
		}
	}
	if l.hasHi {
		v := append(prefix[:n:n], l.hi)
		if l.hiIn {
			hi = b.SearchRange(p.k, v) + 1
		} else {
			hi = b.FirstNotBelow(p.k, v)
		}
	}
	return lo, hi, false
}
