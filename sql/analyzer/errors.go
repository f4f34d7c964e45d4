package analyzer

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// bailout carries an error from where it is found to the entry point of the analysis, which returns it.
type bailout struct{ err error }

// fail ends the analysis with err.
func fail(err error) { panic(bailout{err}) }

// check ends the analysis when err is not nil.
func check(err error) {
	if err != nil {
		fail(err)
	}
}

// must returns v, or ends the analysis with err.
func must[T any](v T, err error) T {
	if err != nil {
		fail(err)
	}
	return v
}

// catch turns a bailout into *err; every entry point defers it. Other panics go on.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case bailout:
		*err = r.err
	default:
		panic(r)
	}
}

// failAt ends the analysis with an error at a byte offset of the statement.
func failAt(loc int32, code pgerr.Code, format string, args ...any) {
	fail(pgerr.New(code, format, args...).At(int(loc)))
}

// positioned runs f and gives an error of it that has no position the position loc, as literals' input errors get.
func positioned(loc int32, err error) error {
	if err == nil {
		return nil
	}
	e := pgerr.From(err)
	if e.Position == 0 && loc >= 0 && e.Code != pgerr.QueryCanceled {
		c := *e
		return c.At(int(loc))
	}
	return err
}

// maxDepth bounds the nesting of expressions and queries: beyond it the answer is 54001.
const maxDepth = 4000

// enter counts a level of nesting; the caller defers leave.
// interruptEvery is the number of expressions between two questions whether to go on; they take about a millisecond.
const interruptEvery = 1024

func (a *analysis) enter() {
	a.depth++
	if a.visits++; a.visits%interruptEvery == 0 && a.s.Interrupted != nil {
		if err := a.s.Interrupted(); err != nil {
			fail(err)
		}
	}
	if a.depth > maxDepth {
		fail(pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded").
			WithHint("Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the platform's stack depth limit is adequate."))
	}
}

func (a *analysis) leave() { a.depth-- }

// exprLoc returns the leftmost position of an analyzed expression, -1 when unknown.
func exprLoc(e query.Node) int32 {
	switch n := e.(type) {
	case *query.Var:
		return n.Location
	case *query.Const:
		return n.Location
	case *query.Param:
		return n.Location
	case *query.Aggref:
		return n.Location
	case *query.GroupingFunc:
		return n.Location
	case *query.WindowFunc:
		return n.Location
	case *query.SubscriptingRef:
		return exprLoc(n.RefExpr)
	case *query.FuncExpr:
		return leftmost(n.Location, exprsLoc(n.Args))
	case *query.OpExpr:
		return leftmost(n.Location, exprsLoc(n.Args))
	case *query.DistinctExpr:
		return leftmost(n.Location, exprsLoc(n.Args))
	case *query.NullIfExpr:
		return leftmost(n.Location, exprsLoc(n.Args))
	case *query.ScalarArrayOpExpr:
		return leftmost(n.Location, exprsLoc(n.Args))
	case *query.BoolExpr:
		return leftmost(n.Location, exprsLoc(n.Args))
	case *query.SubLink:
		if n.Testexpr == nil {
			return n.Location
		}
		return leftmost(exprLoc(n.Testexpr), n.Location)
	case *query.FieldSelect:
		return exprLoc(n.Arg)
	case *query.FieldStore:
		return exprLoc(n.Arg)
	case *query.RelabelType:
		return leftmost(n.Location, exprLoc(n.Arg))
	case *query.CoerceViaIO:
		return leftmost(n.Location, exprLoc(n.Arg))
	case *query.ArrayCoerceExpr:
		return leftmost(n.Location, exprLoc(n.Arg))
	case *query.ConvertRowtypeExpr:
		return leftmost(n.Location, exprLoc(n.Arg))
	case *query.CollateExpr:
		return exprLoc(n.Arg)
	case *query.CaseExpr:
		return n.Location
	case *query.ArrayExpr:
		return n.Location
	case *query.RowExpr:
		return n.Location
	case *query.RowCompareExpr:
		return exprsLoc(n.Largs)
	case *query.CoalesceExpr:
		return n.Location
	case *query.MinMaxExpr:
		return n.Location
	case *query.SQLValueFunction:
		return n.Location
	case *query.NullTest:
		return leftmost(n.Location, exprLoc(n.Arg))
	case *query.BooleanTest:
		return leftmost(n.Location, exprLoc(n.Arg))
	case *query.CoerceToDomain:
		return leftmost(n.Location, exprLoc(n.Arg))
	case *query.SetToDefault:
		return n.Location
	case *query.TargetEntry:
		return exprLoc(n.Expr)
	}
	return -1
}

func leftmost(a, b int32) int32 {
	if a < 0 {
		return b
	}
	if b >= 0 && b < a {
		return b
	}
	return a
}

// exprsLoc returns the first known position in a list.
func exprsLoc(list []query.Expr) int32 {
	for _, e := range list {
		if e == nil {
			continue
		}
		if l := exprLoc(e); l >= 0 {
			return l
		}
	}
	return -1
}

// rawLoc is the leftmost position of a raw expression.
func rawLoc(n ast.Node) int32 {
	if n == nil {
		return -1
	}
	return ast.ExprLocation(n)
}
