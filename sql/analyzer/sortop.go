package analyzer

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// sortOps are the default ordering and equality operators of a type; 0 where it has none.
type sortOps struct {
	lt, eq, gt ids.Oid
	hashable   bool
}

// builtinSortOps are those of the built-in base types, which need no search.
var builtinSortOps = map[ids.Oid]sortOps{
	16: {58, 91, 59, true}, 17: {1957, 1955, 1959, true}, 18: {631, 92, 633, true}, 19: {660, 93, 662, true},
	20: {412, 410, 413, true}, 21: {95, 94, 520, true}, 23: {97, 96, 521, true}, 25: {664, 98, 666, true},
	26: {609, 607, 610, true}, 27: {2799, 387, 2800, true}, 30: {645, 649, 646, true}, 700: {622, 620, 623, true},
	701: {672, 670, 674, true}, 774: {3364, 3362, 3366, true}, 790: {902, 900, 903, false}, 829: {1222, 1220, 1224, true},
	869: {1203, 1201, 1205, true}, 1042: {1058, 1054, 1060, true}, 1043: {664, 98, 666, true},
	1082: {1095, 1093, 1097, true}, 1083: {1110, 1108, 1112, true}, 1114: {2062, 2060, 2064, true},
	1184: {1322, 1320, 1324, true}, 1186: {1332, 1330, 1334, true}, 1266: {1552, 1550, 1554, true},
	1560: {1786, 1784, 1787, false}, 1562: {1806, 1804, 1807, false}, 1700: {1754, 1752, 1756, true},
	2950: {2974, 2972, 2975, true}, 3220: {3224, 3222, 3225, true}, 3614: {3627, 3629, 3632, false},
	3615: {3674, 3676, 3679, false}, 3802: {3242, 3240, 3243, true}, 5069: {5073, 5068, 5074, true},
}

// Operators that compare containers: they exist only where the elements compare.
var (
	arrayOps  = sortOps{1072, 1070, 1073, true}
	recordOps = sortOps{2990, 2988, 2991, true}
	rangeOps  = sortOps{3884, 3882, 3887, true}
	multiOps  = sortOps{2862, 2860, 2865, true}
	enumOps   = sortOps{3518, 3516, 3519, true}
)

// sortOpsOf finds the default operators of a type.
func (a *analysis) sortOpsOf(typ ids.Oid) sortOps {
	if o, ok := builtinSortOps[typ]; ok {
		return o
	}
	t := a.typeRow(typ)
	switch {
	case t.Typtype == 'd':
		return a.sortOpsOf(a.baseType(typ))
	case isTrueArray(t):
		return arrayOps.where(a.sortOpsOf(t.Typelem))
	case t.Typtype == 'e':
		return enumOps
	case t.Typtype == 'c':
		o := recordOps
		for i := range a.rowDesc(typ).Attrs {
			if at := &a.rowDesc(typ).Attrs[i]; !at.Dropped {
				o = o.where(a.sortOpsOf(at.Type))
			}
		}
		return o
	case typ == recordOid:
		return recordOps
	case t.Typtype == 'r':
		return rangeOps.where(sortOps{1, 1, 1, a.sortOpsOf(a.rangeSub(typ)).hashable})
	case t.Typtype == 'm':
		return multiOps.where(sortOps{1, 1, 1, a.sortOpsOf(a.rangeSub(a.multirangeRange(typ))).hashable})
	}
	return a.opclassOps(typ)
}

// where drops the operators that the elements lack.
func (o sortOps) where(elem sortOps) sortOps {
	if elem.lt == 0 {
		o.lt, o.gt = 0, 0
	}
	if elem.eq == 0 {
		o.eq = 0
	}
	o.hashable = o.hashable && elem.hashable
	return o
}

func (a *analysis) opclassOps(typ ids.Oid) sortOps {
	var o sortOps
	if cls := must(a.cat.DefaultOpClass(typ, btreeAm)); cls != 0 {
		c := must(a.cat.OpClass(cls))
		o.lt = a.familyMember(c.Opcfamily, c.Opcintype, btLess)
		o.eq = a.familyMember(c.Opcfamily, c.Opcintype, btEqual)
		o.gt = a.familyMember(c.Opcfamily, c.Opcintype, btGreater)
	}
	if cls := must(a.cat.DefaultOpClass(typ, hashAm)); cls != 0 {
		c := must(a.cat.OpClass(cls))
		eq := a.familyMember(c.Opcfamily, c.Opcintype, 1)
		if o.eq == 0 {
			o.eq = eq
		}
		o.hashable = o.eq == eq
	}
	return o
}

func (a *analysis) familyMember(family, typ ids.Oid, strategy int16) ids.Oid {
	if m := must(a.cat.AmOp(family, typ, typ, strategy)); m != nil {
		return m.Amopopr
	}
	return 0
}

// needSortOps is sortOpsOf that errors when a needed operator is missing.
func (a *analysis) needSortOps(typ ids.Oid, needLT, needEQ, needGT bool) sortOps {
	o := a.sortOpsOf(typ)
	if needLT && o.lt == 0 || needGT && o.gt == 0 {
		fail(pgerr.New(pgerr.UndefinedFunction, "could not identify an ordering operator for type %s", a.typeName(typ)).
			WithHint("Use an explicit ordering operator or modify the query."))
	}
	if needEQ && o.eq == 0 {
		fail(pgerr.New(pgerr.UndefinedFunction, "could not identify an equality operator for type %s", a.typeName(typ)))
	}
	return o
}

// equalityFor finds the equality operator of an ordering operator's btree family, and whether the ordering is descending.
func (a *analysis) equalityFor(sortop ids.Oid) (eq ids.Oid, reverse bool) {
	for _, m := range must(a.cat.AmOpsOf(sortop)) {
		if m.Amopmethod == btreeAm && (m.Amopstrategy == btLess || m.Amopstrategy == btGreater) {
			if e := must(a.cat.AmOp(m.Amopfamily, m.Amoplefttype, m.Amoprighttype, btEqual)); e != nil {
				return e.Amopopr, m.Amopstrategy == btGreater
			}
		}
	}
	return 0, false
}

// hashableOp reports whether an equality operator can be used for hashing values of a type.
func (a *analysis) hashableOp(op, typ ids.Oid) bool {
	if op == arrayOps.eq || op == recordOps.eq {
		return a.sortOpsOf(typ).hashable
	}
	o := must(a.cat.Operator(op))
	return o != nil && o.Oprcanhash
}
