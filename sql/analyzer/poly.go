package analyzer

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// rangeSub returns the element type of a range type, 0 for others.
func (a *analysis) rangeSub(t ids.Oid) ids.Oid {
	if r := must(a.cat.Range(t)); r != nil {
		return r.Rngsubtype
	}
	return 0
}

// multirangeRange returns the range type of a multirange type, 0 for others.
func (a *analysis) multirangeRange(t ids.Oid) ids.Oid {
	if a.typtype(t) != 'm' {
		return 0
	}
	rows := must(catalog.FetchAll[catalog.PgRange](a.cat, 0))
	for _, r := range rows {
		if r.Rngmultitypid == t {
			return r.Rngtypid
		}
	}
	return 0
}

func (a *analysis) multirangeOf(rng ids.Oid) ids.Oid {
	if r := must(a.cat.Range(rng)); r != nil {
		return r.Rngmultitypid
	}
	return 0
}

// polyArgs collects what actual argument types say about the polymorphic types of a signature.
type polyArgs struct {
	elem, array, rng, multirange          ids.Oid
	haveNonArray, haveEnum                bool
	haveAnyElem, haveAnyArray             bool
	haveAnyRange, haveAnyMulti            bool
	compat                                []ids.Oid // actual types that take part in anycompatible
	compatArray, compatRange, compatMulti ids.Oid   // array, range and multirange types given for the compatible family
	compatRangeElem                       ids.Oid
	haveCompat, haveCompatNonArray        bool
	haveCompatArray, haveCompatRange      bool
	haveCompatMulti                       bool
}

// genericsConsistent reports whether actual types can stand for the polymorphic parameter types.
func (p *state) genericsConsistent(actual, declared []ids.Oid) bool {
	var g polyArgs
	for i, d := range declared {
		t := actual[i]
		switch {
		case isPolyFamily1(d):
			if !p.noteFamily1(&g, d, t) {
				return false
			}
		case isPolyFamily2(d):
			if !p.noteFamily2(&g, d, t) {
				return false
			}
		}
	}
	return p.consistent1(&g) && p.consistent2(&g)
}

func (p *state) noteFamily1(g *polyArgs, d, t ids.Oid) bool {
	same := func(slot *ids.Oid, t ids.Oid) bool {
		if *slot != 0 && *slot != t {
			return false
		}
		*slot = t
		return true
	}
	switch d {
	case anyelementOid, anynonarrayOid, anyenumOid:
		g.haveNonArray = g.haveNonArray || d == anynonarrayOid
		g.haveEnum = g.haveEnum || d == anyenumOid
		return t == unknownOid || same(&g.elem, t)
	case anyarrayOid:
		return t == unknownOid || same(&g.array, p.baseType(t))
	case anyrangeOid:
		return t == unknownOid || same(&g.rng, p.baseType(t))
	}
	return t == unknownOid || same(&g.multirange, p.baseType(t))
}

func (p *state) noteFamily2(g *polyArgs, d, t ids.Oid) bool {
	if t == unknownOid {
		g.haveCompatNonArray = g.haveCompatNonArray || d == anycompatnonarrOid
		return true
	}
	switch d {
	case anycompatibleOid, anycompatnonarrOid:
		g.haveCompatNonArray = g.haveCompatNonArray || d == anycompatnonarrOid
		g.compat = append(g.compat, t)
	case anycompatarrayOid:
		t = p.baseType(t)
		el := p.elementType(t)
		if el == 0 {
			return false
		}
		g.compat = append(g.compat, el)
	case anycompatrangeOid:
		t = p.baseType(t)
		if g.compatRange != 0 {
			return g.compatRange == t
		}
		sub := p.rangeSub(t)
		if sub == 0 {
			return false
		}
		g.compatRange, g.compatRangeElem = t, sub
		g.compat = append(g.compat, sub)
	case anycompatmultiOid:
		t = p.baseType(t)
		if g.compatMulti != 0 {
			return g.compatMulti == t
		}
		r := p.multirangeRange(t)
		if r == 0 {
			return false
		}
		g.compatMulti = t
		if g.compatRange == 0 {
			g.compatRange, g.compatRangeElem = r, p.rangeSub(r)
			g.compat = append(g.compat, g.compatRangeElem)
		} else if g.compatRange != r {
			return false
		}
	}
	return true
}

func (p *state) consistent1(g *polyArgs) bool {
	if g.array != 0 {
		if g.array == anyarrayOid {
			// Only statistics columns have type anyarray itself: it matches other anyarray, no element type.
			if g.elem != 0 {
				return false
			}
		} else {
			el := p.elementType(g.array)
			if el == 0 || g.elem != 0 && g.elem != el {
				return false
			}
			g.elem = el
		}
	}
	if g.multirange != 0 {
		r := p.multirangeRange(g.multirange)
		if r == 0 || g.rng != 0 && g.rng != r {
			return false
		}
		g.rng = r
	}
	if g.rng != 0 {
		sub := p.rangeSub(g.rng)
		if sub == 0 || g.elem != 0 && g.elem != sub {
			return false
		}
		g.elem = sub
	}
	if g.haveNonArray && g.elem != 0 && p.baseElementType(g.elem) != 0 {
		return false
	}
	return !g.haveEnum || g.elem != 0 && p.typtype(p.baseType(g.elem)) == 'e'
}

func (p *state) consistent2(g *polyArgs) bool {
	if len(g.compat) == 0 {
		return true
	}
	common := p.commonTypeOfTypes(g.compat)
	if common == 0 {
		return false
	}
	for _, t := range g.compat {
		if !p.canCoerce(t, common, implicitly) {
			return false
		}
	}
	if g.haveCompatNonArray && p.baseElementType(common) != 0 {
		return false
	}
	return g.compatRange == 0 || g.compatRangeElem == common
}

// resolveGenerics replaces the polymorphic types of declared by the types that actual implies and returns the result type of
// a function that is declared to return ret. allowPoly is for the analysis of polymorphic functions themselves.
func (p *state) resolveGenerics(actual, declared []ids.Oid, ret ids.Oid, allowPoly bool) ids.Oid {
	r := polyResolver{state: p, actual: actual, declared: declared, ret: ret, allowPoly: allowPoly}
	r.collect()
	if !r.have1 && !r.have2 {
		return ret
	}
	if r.have1 {
		r.resolve1()
	}
	if r.have2 {
		r.resolve2()
	}
	r.fill()
	return r.result()
}

type polyResolver struct {
	*state
	actual, declared []ids.Oid
	ret              ids.Oid
	allowPoly        bool
	g                polyArgs
	have1, have2     bool
	unknowns         bool
	compatType       ids.Oid
}

func (r *polyResolver) mismatch(format string, args ...any) {
	fail(pgerr.New(pgerr.DatatypeMismatch, format, args...))
}

func (r *polyResolver) collect() {
	for i, d := range r.declared {
		t := r.actual[i]
		switch {
		case isPolyFamily1(d):
			r.have1 = true
			r.collect1(d, t)
		case isPolyFamily2(d):
			r.have2 = true
			r.collect2(d, t)
		}
	}
}

func (r *polyResolver) collect1(d, t ids.Oid) {
	g := &r.g
	switch d {
	case anyelementOid, anynonarrayOid, anyenumOid:
		g.haveAnyElem = true
		g.haveNonArray = g.haveNonArray || d == anynonarrayOid
		g.haveEnum = g.haveEnum || d == anyenumOid
	case anyarrayOid:
		g.haveAnyArray = true
	case anyrangeOid:
		g.haveAnyRange = true
	case anymultirangeOid:
		g.haveAnyMulti = true
	}
	if t == unknownOid {
		r.unknowns = true
		return
	}
	if r.allowPoly && t == d {
		return
	}
	slot, name := &g.elem, "anyelement"
	switch d {
	case anyarrayOid:
		slot, name, t = &g.array, "anyarray", r.baseType(t)
	case anyrangeOid:
		slot, name, t = &g.rng, "anyrange", r.baseType(t)
	case anymultirangeOid:
		slot, name, t = &g.multirange, "anymultirange", r.baseType(t)
	}
	if *slot != 0 && *slot != t {
		fail(pgerr.New(pgerr.DatatypeMismatch, "arguments declared \"%s\" are not all alike", name).
			WithDetail("%s versus %s", r.typeName(*slot), r.typeName(t)))
	}
	*slot = t
}

func (r *polyResolver) collect2(d, t ids.Oid) {
	g := &r.g
	switch d {
	case anycompatnonarrOid:
		g.haveCompatNonArray = true
	case anycompatarrayOid:
		g.haveCompatArray = true
	case anycompatrangeOid:
		g.haveCompatRange = true
	case anycompatmultiOid:
		g.haveCompatMulti = true
	}
	if t == unknownOid || r.allowPoly && t == d {
		return
	}
	switch d {
	case anycompatibleOid, anycompatnonarrOid:
		g.compat = append(g.compat, t)
	case anycompatarrayOid:
		b := r.baseType(t)
		el := r.elementType(b)
		if el == 0 {
			r.mismatch("argument declared %s is not an array but type %s", "anycompatiblearray", r.typeName(b))
		}
		g.compat = append(g.compat, el)
	case anycompatrangeOid:
		r.compatRange(r.baseType(t))
	case anycompatmultiOid:
		b := r.baseType(t)
		if g.compatMulti != 0 && g.compatMulti != b {
			fail(pgerr.New(pgerr.DatatypeMismatch, "arguments declared \"anycompatiblemultirange\" are not all alike").
				WithDetail("%s versus %s", r.typeName(g.compatMulti), r.typeName(b)))
		}
		g.compatMulti = b
		rng := r.multirangeRange(b)
		if rng == 0 {
			r.mismatch("argument declared %s is not a multirange type but type %s", "anycompatiblemultirange", r.typeName(b))
		}
		r.compatRange(rng)
	}
}

func (r *polyResolver) compatRange(b ids.Oid) {
	g := &r.g
	if g.compatRange != 0 {
		if g.compatRange != b {
			fail(pgerr.New(pgerr.DatatypeMismatch, "arguments declared \"anycompatiblerange\" are not all alike").
				WithDetail("%s versus %s", r.typeName(g.compatRange), r.typeName(b)))
		}
		return
	}
	sub := r.rangeSub(b)
	if sub == 0 {
		r.mismatch("argument declared %s is not a range type but type %s", "anycompatiblerange", r.typeName(b))
	}
	g.compatRange, g.compatRangeElem = b, sub
	g.compat = append(g.compat, sub)
}

// resolve1 settles the anyelement family.
func (r *polyResolver) resolve1() {
	g := &r.g
	if g.array != 0 {
		r.elementOfArray()
	}
	if g.multirange != 0 {
		rng := r.multirangeRange(g.multirange)
		if rng == 0 {
			r.mismatch("argument declared %s is not a multirange type but type %s", "anymultirange", r.typeName(g.multirange))
		}
		if g.rng != 0 && g.rng != rng {
			fail(pgerr.New(pgerr.DatatypeMismatch, "argument declared %s is not consistent with argument declared %s",
				"anymultirange", "anyrange").WithDetail("%s versus %s", r.typeName(g.multirange), r.typeName(g.rng)))
		}
		g.rng = rng
	} else if g.haveAnyMulti && g.rng != 0 {
		g.multirange = r.multirangeOf(g.rng)
	}
	if g.rng != 0 {
		sub := r.rangeSub(g.rng)
		if sub == 0 {
			r.mismatch("argument declared %s is not a range type but type %s", "anyrange", r.typeName(g.rng))
		}
		if g.elem != 0 && g.elem != sub {
			fail(pgerr.New(pgerr.DatatypeMismatch, "argument declared %s is not consistent with argument declared %s",
				"anyrange", "anyelement").WithDetail("%s versus %s", r.typeName(g.rng), r.typeName(g.elem)))
		}
		g.elem = sub
	}
	if g.elem == 0 {
		if r.allowPoly {
			g.elem, g.array, g.rng, g.multirange = anyelementOid, anyarrayOid, anyrangeOid, anymultirangeOid
		} else if g.array != anyarrayOid {
			fail(pgerr.New(pgerr.DatatypeMismatch, "could not determine polymorphic type because input has type %s", "unknown"))
		}
	}
	if g.haveNonArray && g.elem != anyelementOid && g.elem != 0 && r.baseElementType(g.elem) != 0 {
		r.mismatch("type matched to anynonarray is an array type: %s", r.typeName(g.elem))
	}
	if g.haveEnum && g.elem != anyelementOid && g.elem != 0 && r.typtype(r.baseType(g.elem)) != 'e' {
		r.mismatch("type matched to anyenum is not an enum type: %s", r.typeName(g.elem))
	}
}

func (r *polyResolver) elementOfArray() {
	g := &r.g
	if g.array == anyarrayOid {
		// A statistics column: the result may be anyarray again, but has no element type.
		if g.elem != 0 || g.haveAnyElem && r.ret != 0 || r.ret == anyelementOid {
			r.mismatch("cannot determine element type of \"anyarray\" argument")
		}
		return
	}
	el := r.elementType(g.array)
	if el == 0 {
		r.mismatch("argument declared %s is not an array but type %s", "anyarray", r.typeName(g.array))
	}
	if g.elem != 0 && g.elem != el {
		fail(pgerr.New(pgerr.DatatypeMismatch, "argument declared %s is not consistent with argument declared %s",
			"anyarray", "anyelement").WithDetail("%s versus %s", r.typeName(g.array), r.typeName(g.elem)))
	}
	g.elem = el
}

// resolve2 settles the anycompatible family.
func (r *polyResolver) resolve2() {
	g := &r.g
	if len(g.compat) > 0 {
		r.compatType = r.commonTypeOfTypes(g.compat)
		if r.compatType == 0 {
			r.mismatch("arguments of anycompatible family cannot be cast to a common type")
		}
		if g.compatRange != 0 && r.compatType != g.compatRangeElem {
			r.mismatch("anycompatiblerange type %s does not match anycompatible type %s", r.typeName(g.compatRange), r.typeName(r.compatType))
		}
		if g.haveCompatNonArray && r.baseElementType(r.compatType) != 0 {
			r.mismatch("type matched to anycompatiblenonarray is an array type: %s", r.typeName(r.compatType))
		}
	} else if r.allowPoly {
		r.compatType, g.compatArray, g.compatRange, g.compatMulti = anycompatibleOid, anycompatarrayOid, anycompatrangeOid,
			anycompatmultiOid
		return
	} else {
		if g.haveCompatRange {
			r.mismatch("could not determine polymorphic type %s because input has type %s", "anycompatiblerange", "unknown")
		}
		if g.haveCompatMulti {
			r.mismatch("could not determine polymorphic type %s because input has type %s", "anycompatiblemultirange", "unknown")
		}
		r.compatType = textOid
	}
	g.compatArray = r.arrayType(r.compatType)
	if g.compatArray == 0 && (g.haveCompatArray || r.ret == anycompatarrayOid) {
		fail(pgerr.New(pgerr.UndefinedObject, "could not find array type for data type %s", r.typeName(r.compatType)))
	}
	if g.compatRange != 0 && g.compatMulti == 0 {
		g.compatMulti = r.multirangeOf(g.compatRange)
	}
}

// fill puts the resolved types in place of the declared ones.
func (r *polyResolver) fill() {
	g := &r.g
	for i, d := range r.declared {
		unknown := r.actual[i] == unknownOid
		switch d {
		case anyelementOid, anynonarrayOid, anyenumOid:
			r.declared[i] = g.elem
		case anyarrayOid:
			if g.array == 0 && unknown {
				if g.array = r.arrayType(g.elem); g.array == 0 {
					fail(pgerr.New(pgerr.UndefinedObject, "could not find array type for data type %s", r.typeName(g.elem)))
				}
			}
			r.declared[i] = g.array
		case anyrangeOid:
			if g.rng == 0 {
				r.mismatch("could not determine polymorphic type %s because input has type %s", "anyrange", "unknown")
			}
			r.declared[i] = g.rng
		case anymultirangeOid:
			if g.multirange == 0 {
				r.mismatch("could not determine polymorphic type %s because input has type %s", "anymultirange", "unknown")
			}
			r.declared[i] = g.multirange
		case anycompatibleOid, anycompatnonarrOid:
			r.declared[i] = r.compatType
		case anycompatarrayOid:
			r.declared[i] = g.compatArray
		case anycompatrangeOid:
			r.declared[i] = g.compatRange
		case anycompatmultiOid:
			r.declared[i] = g.compatMulti
		}
	}
}

// result gives the type that the declared result type stands for.
func (r *polyResolver) result() ids.Oid {
	g := &r.g
	var t ids.Oid
	switch r.ret {
	case anyelementOid, anynonarrayOid, anyenumOid:
		t = g.elem
	case anyarrayOid:
		if g.array == 0 {
			if g.array = r.arrayType(g.elem); g.array == 0 {
				fail(pgerr.New(pgerr.UndefinedObject, "could not find array type for data type %s", r.typeName(g.elem)))
			}
		}
		t = g.array
	case anyrangeOid:
		t = g.rng
	case anymultirangeOid:
		if g.multirange == 0 && g.rng != 0 {
			g.multirange = r.multirangeOf(g.rng)
		}
		t = g.multirange
	case anycompatibleOid, anycompatnonarrOid:
		t = r.compatType
	case anycompatarrayOid:
		t = g.compatArray
	case anycompatrangeOid:
		t = g.compatRange
	case anycompatmultiOid:
		t = g.compatMulti
	default:
		return r.ret
	}
	if t == 0 {
		fail(pgerr.Internal("could not determine polymorphic type"))
	}
	return t
}
