package query

import (
	"bytes"
	"reflect"
	"slices"

	"gompho/types"
)

// Equal reports whether a and b are the same tree; positions in the statement do not count.
func Equal(a, b Node) bool {
	if isNilNode(a) || isNilNode(b) {
		return isNilNode(a) && isNilNode(b)
	}
	if ea, ok := a.(Expr); ok {
		eb, ok := b.(Expr)
		return ok && equalExpr(ea, eb)
	}
	return equalValue(reflect.ValueOf(a), reflect.ValueOf(b))
}

// EqualExprs compares two lists of expressions.
func EqualExprs(a, b []Expr) bool { return slices.EqualFunc(a, b, equalExpr) }

func equalExpr(a, b Expr) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if a == b {
		return true
	}
	switch x := a.(type) {
	case *Var:
		y, ok := b.(*Var)
		return ok && x.Varno == y.Varno && x.Varattno == y.Varattno && x.Varlevelsup == y.Varlevelsup &&
			x.Result == y.Result
	case *Const:
		y, ok := b.(*Const)
		return ok && x.Result == y.Result && equalDatum(x.Value, y.Value)
	case *Param:
		y, ok := b.(*Param)
		return ok && x.Kind == y.Kind && x.ID == y.ID && x.Result == y.Result
	case *OpExpr:
		y, ok := b.(*OpExpr)
		return ok && equalOp(x, y)
	case *DistinctExpr:
		y, ok := b.(*DistinctExpr)
		return ok && equalOp(&x.OpExpr, &y.OpExpr)
	case *NullIfExpr:
		y, ok := b.(*NullIfExpr)
		return ok && equalOp(&x.OpExpr, &y.OpExpr)
	case *FuncExpr:
		// How a call was written does not change its value.
		y, ok := b.(*FuncExpr)
		return ok && x.FuncID == y.FuncID && x.Result == y.Result && x.RetSet == y.RetSet &&
			x.Variadic == y.Variadic && x.InputCollid == y.InputCollid && EqualExprs(x.Args, y.Args)
	case *BoolExpr:
		y, ok := b.(*BoolExpr)
		return ok && x.Op == y.Op && EqualExprs(x.Args, y.Args)
	case *ScalarArrayOpExpr:
		y, ok := b.(*ScalarArrayOpExpr)
		return ok && x.OpNo == y.OpNo && x.UseOr == y.UseOr && x.InputCollid == y.InputCollid &&
			EqualExprs(x.Args, y.Args)
	case *RelabelType:
		y, ok := b.(*RelabelType)
		return ok && x.Result == y.Result && equalExpr(x.Arg, y.Arg)
	case *CoerceViaIO:
		y, ok := b.(*CoerceViaIO)
		return ok && x.Result == y.Result && equalExpr(x.Arg, y.Arg)
	case *NullTest:
		y, ok := b.(*NullTest)
		return ok && x.IsNull == y.IsNull && x.Argisrow == y.Argisrow && equalExpr(x.Arg, y.Arg)
	case Extension:
		return x.EqualExtension(b)
	}
	return equalValue(reflect.ValueOf(a), reflect.ValueOf(b))
}

func equalOp(x, y *OpExpr) bool {
	return x.OpNo == y.OpNo && x.Result == y.Result && x.InputCollid == y.InputCollid && x.RetSet == y.RetSet &&
		EqualExprs(x.Args, y.Args)
}

func equalDatum(a, b types.Datum) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() == b.IsNull()
	}
	if a.IsBytes() != b.IsBytes() || a.Word() != b.Word() {
		return false
	}
	return !a.IsBytes() || bytes.Equal(a.Bytes(), b.Bytes())
}

var (
	datumType = reflect.TypeFor[types.Datum]()
	exprType  = reflect.TypeFor[Expr]()
	formType  = reflect.TypeFor[CoercionForm]()
)

// isPosition reports whether a field holds a place in the statement's text.
func isPosition(name string) bool {
	return name == "Location" || name == "StmtLocation" || name == "StmtLen"
}

// equalValue compares the rarer nodes field by field.
func equalValue(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Interface, reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		if a.Kind() == reflect.Interface {
			if a.Elem().Type() != b.Elem().Type() {
				return false
			}
			if x, ok := a.Interface().(Expr); ok && a.Type() == exprType {
				return equalExpr(x, b.Interface().(Expr))
			}
		} else if a.Type() != b.Type() {
			return false
		}
		return equalValue(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equalValue(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		if a.Type() == datumType {
			return equalDatum(a.Interface().(types.Datum), b.Interface().(types.Datum))
		}
		for i := range a.NumField() {
			f := a.Type().Field(i)
			if isPosition(f.Name) || f.Type == formType {
				continue
			}
			if !equalValue(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	default:
		return a.Equal(b)
	}
}
