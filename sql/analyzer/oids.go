package analyzer

import "gompho/internal/ids"

// Types that the rules of analysis name.
const (
	boolOid             ids.Oid = 16
	nameOid             ids.Oid = 19
	int8Oid             ids.Oid = 20
	int2Oid             ids.Oid = 21
	int2vectorOid       ids.Oid = 22
	int4Oid             ids.Oid = 23
	textOid             ids.Oid = 25
	oidOid              ids.Oid = 26
	tidOid              ids.Oid = 27
	xidOid              ids.Oid = 28
	cidOid              ids.Oid = 29
	oidvectorOid        ids.Oid = 30
	float4Oid           ids.Oid = 700
	float8Oid           ids.Oid = 701
	unknownOid          ids.Oid = 705
	dateOid             ids.Oid = 1082
	timeOid             ids.Oid = 1083
	timestampOid        ids.Oid = 1114
	timestamptzOid      ids.Oid = 1184
	intervalOid         ids.Oid = 1186
	timetzOid           ids.Oid = 1266
	bitOid              ids.Oid = 1560
	numericOid          ids.Oid = 1700
	recordOid           ids.Oid = 2249
	cstringOid          ids.Oid = 2275
	anyOid              ids.Oid = 2276
	anyarrayOid         ids.Oid = 2277
	voidOid             ids.Oid = 2278
	anyelementOid       ids.Oid = 2283
	recordArrayOid      ids.Oid = 2287
	anynonarrayOid      ids.Oid = 2776
	anyenumOid          ids.Oid = 3500
	anyrangeOid         ids.Oid = 3831
	anymultirangeOid    ids.Oid = 4537
	anycompatmultiOid   ids.Oid = 4538
	anycompatibleOid    ids.Oid = 5077
	anycompatarrayOid   ids.Oid = 5078
	anycompatnonarrOid  ids.Oid = 5079
	anycompatrangeOid   ids.Oid = 5080
	arraySubscriptFn    ids.Oid = 6179
	rawArraySubscriptFn ids.Oid = 6180
	jsonbSubscriptFn    ids.Oid = 6098
)

// Collations.
const (
	defaultCollation ids.Oid = 100
)

// btreeAm and hashAm are access methods; btreeStrategies their members of an operator family.
const (
	btreeAm ids.Oid = 403
	hashAm  ids.Oid = 405
)

const (
	btLess int16 = 1 + iota
	btLessEqual
	btEqual
	btGreaterEqual
	btGreater
	rowCompareNE
)

func isPolymorphic(t ids.Oid) bool { return isPolyFamily1(t) || isPolyFamily2(t) }

// isPolyFamily1: the types that agree on one anyelement.
func isPolyFamily1(t ids.Oid) bool {
	switch t {
	case anyelementOid, anyarrayOid, anynonarrayOid, anyenumOid, anyrangeOid, anymultirangeOid:
		return true
	}
	return false
}

// isPolyFamily2: the types that agree on a common supertype.
func isPolyFamily2(t ids.Oid) bool {
	switch t {
	case anycompatibleOid, anycompatarrayOid, anycompatnonarrOid, anycompatrangeOid, anycompatmultiOid:
		return true
	}
	return false
}
