package types

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// EnumLabels are the labels of an enum type. A value of the type is the Oid of its label's row in pg_enum.
// A value's order is that of Labels, which Oids alone do not give once a label was inserted between others.
type EnumLabels struct {
	Labels []EnumLabel // in order
	byOid  map[ids.Oid]int
	byName map[string]int
}

// EnumLabel is one label of an enum type.
type EnumLabel struct {
	Oid  ids.Oid
	Name string
}

// NewEnumLabels makes the table of labels, which are in order.
func NewEnumLabels(labels []EnumLabel) *EnumLabels {
	e := &EnumLabels{Labels: labels, byOid: make(map[ids.Oid]int), byName: make(map[string]int)}
	for i, l := range labels {
		e.byOid[l.Oid], e.byName[l.Name] = i, i
	}
	return e
}

// Position returns the place of a value in the order, -1 if it is not of the type.
func (e *EnumLabels) Position(oid ids.Oid) int {
	if i, ok := e.byOid[oid]; ok {
		return i
	}
	return -1
}

// enumIOOf makes the functions of one enum type: its order is that of its labels.
func enumIOOf(e *EnumLabels) *typeIO {
	io := enumIO
	if e != nil {
		io.cmp = func(a, b Datum) int { return e.Position(a.Oid()) - e.Position(b.Oid()) }
	}
	return &io
}

var enumIO = typeIO{
	in: func(_ Env, t *Type, s string, _ int32) (Datum, error) { return enumValue(t, s) },
	recv: func(_ Env, t *Type, b []byte, _ int32) (Datum, error) {
		return enumValue(t, string(b))
	},
	out: func(_ Env, t *Type, d Datum, dst []byte) []byte { return append(dst, enumName(t, d)...) },
	send: func(_ Env, t *Type, d Datum, dst []byte) ([]byte, error) {
		return append(dst, enumName(t, d)...), nil
	},
	cmp:  cmpWord,
	hash: hashWordDatum,
}

func enumValue(t *Type, s string) (Datum, error) {
	if t.Enum != nil {
		if i, ok := t.Enum.byName[s]; ok {
			return OidDatum(t.Enum.Labels[i].Oid), nil
		}
	}
	return Null, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input value for enum %s: \"%s\"", t.Name, s)
}

func enumName(t *Type, d Datum) string {
	if t.Enum != nil {
		if i := t.Enum.Position(d.Oid()); i >= 0 {
			return t.Enum.Labels[i].Name
		}
	}
	return ""
}
