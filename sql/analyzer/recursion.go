package analyzer

import (
	"reflect"

	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// rawChildren calls f with the nodes directly below a raw node. It uses reflection: only WITH RECURSIVE needs it.
func rawChildren(n ast.Node, f func(ast.Node)) {
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Interface:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Pointer:
			if v.IsNil() {
				return
			}
			if c, ok := v.Interface().(ast.Node); ok {
				f(c)
			} else if v.Elem().Kind() == reflect.Struct {
				visit(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					visit(v.Field(i))
				}
			}
		}
	}
	v := reflect.ValueOf(n)
	if v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Struct {
		visit(v.Elem())
	}
}

// refScan finds references to WITH queries by name, minding inner WITH clauses that hide them.
type refScan struct {
	names map[string]int
	found func(int, *ast.RangeVar)
}

func (s *refScan) scan(n ast.Node) {
	if rv, ok := n.(*ast.RangeVar); ok {
		if k, ok := s.names[rv.Relname]; ok && rv.Schemaname == "" {
			s.found(k, rv)
		}
		return
	}
	w := withOf(n)
	if w == nil {
		rawChildren(n, s.scan)
		return
	}
	inner := &refScan{names: map[string]int{}, found: s.found}
	for k, v := range s.names {
		inner.names[k] = v
	}
	if w.Recursive {
		for _, c := range w.Ctes {
			delete(inner.names, c.Ctename)
		}
	}
	for _, c := range w.Ctes {
		inner.scan(c.Ctequery)
		delete(inner.names, c.Ctename)
	}
	rawChildren(n, func(c ast.Node) {
		if c != ast.Node(w) {
			inner.scan(c)
		}
	})
}

func withOf(n ast.Node) *ast.WithClause {
	switch n := n.(type) {
	case *ast.SelectStmt:
		return n.WithClause
	case *ast.InsertStmt:
		return n.WithClause
	case *ast.UpdateStmt:
		return n.WithClause
	case *ast.DeleteStmt:
		return n.WithClause
	case *ast.MergeStmt:
		return n.WithClause
	}
	return nil
}

// recursionContext is a place in which a recursive reference is not allowed.
type recursionContext uint8

const (
	inNothing recursionContext = iota
	inNonRecursive
	inSubquery
	inOuterJoin
	inIntersect
	inExcept
)

var recursionErrors = [...]string{
	inNonRecursive: "recursive reference to query \"%s\" must not appear within its non-recursive term",
	inSubquery:     "recursive reference to query \"%s\" must not appear within a subquery",
	inOuterJoin:    "recursive reference to query \"%s\" must not appear within an outer join",
	inIntersect:    "recursive reference to query \"%s\" must not appear within INTERSECT",
	inExcept:       "recursive reference to query \"%s\" must not appear within EXCEPT",
}

// recursionCheck walks the recursive term and checks where the reference stands.
type recursionCheck struct {
	name  string
	ctx   recursionContext
	count int
}

func (r *recursionCheck) context(c recursionContext, n ast.Node) {
	old := r.ctx
	r.ctx = c
	r.walk(n)
	r.ctx = old
}

func (r *recursionCheck) walk(n ast.Node) {
	switch n := n.(type) {
	case *ast.RangeVar:
		if n.Schemaname != "" || n.Relname != r.name {
			return
		}
		if r.ctx != inNothing {
			failAt(n.Location, pgerr.InvalidRecursion, recursionErrors[r.ctx], r.name)
		}
		if r.count++; r.count > 1 {
			failAt(n.Location, pgerr.InvalidRecursion, "recursive reference to query \"%s\" must not appear more than once", r.name)
		}
	case *ast.SelectStmt:
		r.selectStmt(n)
	case *ast.JoinExpr:
		r.join(n)
	case *ast.SubLink:
		r.context(inSubquery, n.Subselect)
		if n.Testexpr != nil {
			r.walk(n.Testexpr)
		}
	default:
		rawChildren(n, r.walk)
	}
}

func (r *recursionCheck) join(n *ast.JoinExpr) {
	side := func(outer bool, x ast.Node) {
		if outer && r.ctx == inNothing {
			r.context(inOuterJoin, x)
		} else {
			r.walk(x)
		}
	}
	side(n.Jointype == ast.JoinRight || n.Jointype == ast.JoinFull, n.Larg)
	side(n.Jointype == ast.JoinLeft || n.Jointype == ast.JoinFull, n.Rarg)
	if n.Quals != nil {
		r.walk(n.Quals)
	}
}

func (r *recursionCheck) selectStmt(n *ast.SelectStmt) {
	if n.WithClause != nil {
		for _, c := range n.WithClause.Ctes {
			if c.Ctename == r.name {
				// Hidden: what follows does not mean the recursive query.
				return
			}
		}
	}
	if n.Op == ast.SetopNone {
		rawChildren(n, func(c ast.Node) {
			if sub, ok := c.(*ast.RangeSubselect); ok {
				r.walk(sub.Subquery)
				return
			}
			r.walk(c)
		})
		return
	}
	switch n.Op {
	case ast.SetopUnion:
		r.walk(n.Larg)
		r.walk(n.Rarg)
	case ast.SetopIntersect:
		old := r.ctx
		if !n.All {
			r.walk(n.Larg)
			r.walk(n.Rarg)
			return
		}
		r.context(inIntersect, n.Larg)
		r.context(inIntersect, n.Rarg)
		r.ctx = old
	default:
		if n.All {
			r.context(inExcept, n.Larg)
		} else {
			r.walk(n.Larg)
		}
		r.context(inExcept, n.Rarg)
	}
}
