package analyzer

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
)

// begin makes the analysis of a part of a DDL statement.
func begin(s *Session) *state { return newState(&analysis{s: s, cat: s.Cat}, nil) }

// TypenameType resolves a type name and its modifier.
func TypenameType(s *Session, tn *ast.TypeName) (typ ids.Oid, typmod int32, err error) {
	defer catch(&err)
	t, typmod := begin(s).typenameType(tn)
	return t.Oid, typmod, nil
}

// Collation resolves a collation name.
func Collation(s *Session, names []string, loc int32) (oid ids.Oid, err error) {
	defer catch(&err)
	return begin(s).lookupCollation(names, loc), nil
}

// OpClass resolves the name of an operator class of an access method.
func OpClass(s *Session, am ids.Oid, names []string) (oid ids.Oid, err error) {
	defer catch(&err)
	return begin(s).lookupOpClass(am, names), nil
}

// SortOperators returns the default ordering and equality operators of a type, 0 where there is none.
func SortOperators(s *Session, typ ids.Oid) (lt, eq, gt ids.Oid, err error) {
	defer catch(&err)
	o := begin(s).sortOpsOf(typ)
	return o.lt, o.eq, o.gt, nil
}

// ExprKind is the place where an expression of a DDL statement stands.
type ExprKind uint8

const (
	ColumnDefault ExprKind = iota
	GeneratedColumn
	CheckConstraint
	DomainCheck
	IndexExpression
	IndexPredicate
	AlterColumnUsing
	CopyWhere
	PolicyExpr
	TriggerWhen
	StatsExpression
	ExecuteParameter
	FunctionDefault
	PartitionKey
	PartitionBound
)

var ddlKinds = [...]exprKind{ColumnDefault: exprColumnDefault, GeneratedColumn: exprGeneratedColumn, CheckConstraint: exprCheck,
	DomainCheck: exprDomainCheck, IndexExpression: exprIndexExpression, IndexPredicate: exprIndexPredicate,
	AlterColumnUsing: exprAlterColTransform, CopyWhere: exprCopyWhere, PolicyExpr: exprPolicy, TriggerWhen: exprTriggerWhen,
	StatsExpression: exprStatsExpression, ExecuteParameter: exprExecuteParameter, FunctionDefault: exprFunctionDefault,
	PartitionKey: exprPartitionExpression, PartitionBound: exprPartitionBound}

// Expression analyzes an expression of a DDL statement. The columns of rel (nil: none) become Vars of relation 1, with
// their own names and, if it is known, the table's. want, when not 0, is the type to coerce to by assignment: for
// DomainCheck the type of VALUE. column is the column that a default is for or that changes its type. Conditions
// come back as booleans.
func Expression(s *Session, n ast.Node, kind ExprKind, rel *catalog.Relation, column string, want ids.Oid,
	typmod int32) (e query.Expr, err error) {
	defer catch(&err)
	p := begin(s)
	if rel != nil {
		it := p.addRelation(rel, locks.AccessShare, nil, false, true)
		it.relVisible, it.colsVisible = true, true
		p.namespace = append(p.namespace, it)
	}
	switch kind {
	case ColumnDefault, GeneratedColumn:
		return p.cookDefault(n, kind, column, want, typmod), nil
	case CheckConstraint:
		return p.cookCondition(n, exprCheck, "CHECK", rel), nil
	case DomainCheck:
		p.columnHook = domainValueHook(want, typmod, p.typeCollation(want))
		return p.cookCondition(n, exprDomainCheck, "CHECK", rel), nil
	case IndexPredicate:
		e := p.cookCondition(n, exprIndexPredicate, "WHERE", rel)
		if p.mutable(e) {
			fail(pgerr.New(pgerr.InvalidObjectDefinition, "functions in index predicate must be marked IMMUTABLE"))
		}
		return e, nil
	case CopyWhere, TriggerWhen:
		what := "WHERE"
		if kind == TriggerWhen {
			what = "WHEN"
		}
		return p.cookCondition(n, ddlKinds[kind], what, rel), nil
	case PolicyExpr:
		return p.cookCondition(n, exprPolicy, "POLICY", rel), nil
	case IndexExpression:
		return p.indexExpr(n), nil
	case PartitionBound:
		return p.boundValue(n, column, want, typmod), nil
	case AlterColumnUsing:
		return p.usingExpr(n, column, want, typmod), nil
	}
	e = p.expr(n, ddlKinds[kind])
	if want != 0 {
		e = p.coerceOrFail(e, want, typmod)
	}
	p.assignExprCollations(e)
	return e, nil
}

func (p *state) coerceOrFail(e query.Expr, want ids.Oid, typmod int32) query.Expr {
	r := p.coerceTo(e, e.Type(), want, typmod, assigning, query.CoerceImplicitCast, -1)
	if r == nil {
		failAt(exprLoc(e), pgerr.CannotCoerce, "cannot cast type %s to %s", p.typeName(e.Type()), p.typeName(want))
	}
	return r
}

func (p *state) cookCondition(n ast.Node, k exprKind, what string, rel *catalog.Relation) query.Expr {
	e := p.coerceBool(p.expr(n, k), what)
	p.assignExprCollations(e)
	if k == exprCheck && len(p.rtable) != 1 && rel != nil {
		fail(pgerr.New(pgerr.InvalidColumnReference, "only table \"%s\" can be referenced in check constraint", rel.Name))
	}
	return e
}

// domainValueHook lets VALUE stand for the value under test.
func domainValueHook(typ ids.Oid, typmod int32, coll ids.Oid) func(*state, *ast.ColumnRef) query.Expr {
	return func(p *state, c *ast.ColumnRef) query.Expr {
		if len(c.Fields) != 1 {
			return nil
		}
		if s, ok := c.Fields[0].(*ast.String); !ok || s.Sval != "value" {
			return nil
		}
		return &query.CoerceToDomainValue{Result: result(typ, typmod, coll)}
	}
}

func (p *state) cookDefault(n ast.Node, kind ExprKind, column string, want ids.Oid, typmod int32) query.Expr {
	e := p.expr(n, ddlKinds[kind])
	if kind == GeneratedColumn {
		p.checkGenerated(e)
	}
	if want != 0 {
		t := e.Type()
		r := p.coerceTo(e, t, want, typmod, assigning, query.CoerceImplicitCast, -1)
		if r == nil {
			fail(pgerr.New(pgerr.DatatypeMismatch, "column \"%s\" is of type %s but default expression is of type %s", column,
				p.typeName(want), p.typeName(t)).WithHint("You will need to rewrite or cast the expression."))
		}
		e = r
	}
	p.assignExprCollations(e)
	if kind == GeneratedColumn && p.mutable(e) {
		fail(pgerr.New(pgerr.InvalidObjectDefinition, "generation expression is not immutable"))
	}
	return e
}

// checkGenerated refuses what a generation expression must not refer to.
func (p *state) checkGenerated(e query.Expr) {
	query.WalkExpr(e, func(n query.Node) bool {
		v, ok := n.(*query.Var)
		if !ok {
			return true
		}
		rel := p.relationOf(p.rtable[v.Varno-1])
		if v.Varattno > 0 && rel.Desc.Attrs[v.Varattno-1].Generated != 0 {
			fail(pgerr.New(pgerr.InvalidObjectDefinition, "cannot use generated column \"%s\" in column generation expression",
				rel.Desc.Attrs[v.Varattno-1].Name).
				WithDetail("A generated column cannot reference another generated column.").At(int(v.Location)))
		}
		if v.Varattno == 0 {
			fail(pgerr.New(pgerr.InvalidObjectDefinition, "cannot use whole-row variable in column generation expression").
				WithDetail("This would cause the generated column to depend on its own value.").At(int(v.Location)))
		}
		return true
	})
}

func (p *state) indexExpr(n ast.Node) query.Expr {
	e := p.expr(n, exprIndexExpression)
	p.assignExprCollations(e)
	if returnsSet(e) {
		fail(pgerr.New(pgerr.DatatypeMismatch, "index expression cannot return a set"))
	}
	if e.Type() == unknownOid {
		e = p.coerce(e, unknownOid, textOid, -1, implicitly, query.CoerceImplicitCast, -1)
	}
	if p.mutable(e) {
		fail(pgerr.New(pgerr.InvalidObjectDefinition, "functions in index expression must be marked IMMUTABLE"))
	}
	return e
}

// usingExpr analyzes the conversion of ALTER COLUMN TYPE; n nil means the column itself.
func (p *state) usingExpr(n ast.Node, column string, want ids.Oid, typmod int32) query.Expr {
	given := n != nil
	if !given {
		n = &ast.ColumnRef{Fields: []ast.Node{ast.Str(column)}, Location: -1}
	}
	e := p.expr(n, exprAlterColTransform)
	r := p.coerceTo(e, e.Type(), want, typmod, assigning, query.CoerceImplicitCast, -1)
	if r == nil {
		typ := p.cat.FormatType(want, typmod)
		if given {
			fail(pgerr.New(pgerr.DatatypeMismatch, "result of USING clause for column \"%s\" cannot be cast automatically to type %s",
				column, p.typeName(want)).WithHint("You might need to add an explicit cast."))
		}
		fail(pgerr.New(pgerr.DatatypeMismatch, "column \"%s\" cannot be cast automatically to type %s", column, p.typeName(want)).
			WithHint("You might need to specify \"USING %s::%s\".", catalog.QuoteIdent(column), typ))
	}
	p.assignExprCollations(r)
	return r
}

// View analyzes the query of CREATE VIEW and names its columns.
func View(s *Session, v *ast.ViewStmt) (q *query.Query, err error) {
	defer catch(&err)
	p := begin(s)
	left := v.Query
	for left.Op != ast.SetopNone {
		left = left.Larg
	}
	if left.IntoClause != nil {
		fail(pgerr.New(pgerr.FeatureNotSupported, "views must not contain SELECT INTO"))
	}
	q = p.statement(v.Query)
	if q.HasModifyingCTE {
		fail(pgerr.New(pgerr.FeatureNotSupported, "views must not contain data-modifying statements in WITH"))
	}
	cols := visibleTargets(q.TargetList)
	if len(v.Aliases) > len(cols) {
		fail(pgerr.New(pgerr.SyntaxError, "CREATE VIEW specifies more column names than columns"))
	}
	for i, a := range v.Aliases {
		cols[i].Resname = a
	}
	if v.View.Relpersistence == ast.RelpersistenceUnlogged {
		fail(pgerr.New(pgerr.SyntaxError, "views cannot be unlogged because they do not have storage"))
	}
	return q, nil
}

// UsesTemp reports whether a query refers to a temporary relation, which makes a view on it temporary.
func UsesTemp(s *Session, q *query.Query) (bool, error) {
	var err error
	found := query.Find(q, func(n query.Node, _ int) bool {
		r, ok := n.(*query.RangeTblEntry)
		if !ok || r.Kind != query.RTERelation || err != nil {
			return false
		}
		rel, e := s.Cat.Relation(r.Relid)
		if e != nil {
			err = e
		}
		return rel != nil && rel.IsTemp()
	})
	return found, err
}

// ExecuteParams analyzes the arguments of EXECUTE name(...) for parameters of the given types.
func ExecuteParams(s *Session, name string, args []ast.Node, want []ids.Oid) (out []query.Expr, err error) {
	defer catch(&err)
	p := begin(s)
	if len(args) != len(want) {
		fail(pgerr.New(pgerr.SyntaxError, "wrong number of parameters for prepared statement \"%s\"", name).
			WithDetail("Expected %d parameters but got %d.", len(want), len(args)))
	}
	for i, n := range args {
		e := p.expr(n, exprExecuteParameter)
		t := e.Type()
		r := p.coerceTo(e, t, want[i], -1, assigning, query.CoerceImplicitCast, -1)
		if r == nil {
			fail(pgerr.New(pgerr.DatatypeMismatch, "parameter $%d of type %s cannot be coerced to the expected type %s", i+1,
				p.typeName(t), p.typeName(want[i])).WithHint("You will need to rewrite or cast the expression.").At(int(rawLoc(n))))
		}
		p.assignExprCollations(r)
		out = append(out, r)
	}
	return out, nil
}

// CoerceAssign converts an analyzed expression to a type as an assignment does; nil when there is no way.
func CoerceAssign(s *Session, e query.Expr, typ ids.Oid, typmod int32) (r query.Expr, err error) {
	defer catch(&err)
	p := begin(s)
	if r = p.coerceTo(e, e.Type(), typ, typmod, assigning, query.CoerceImplicitCast, -1); r != nil {
		p.assignExprCollations(r)
	}
	return r, nil
}

// boundValue analyzes a value of a partition bound for a key column.
func (p *state) boundValue(n ast.Node, column string, want ids.Oid, typmod int32) query.Expr {
	e := p.expr(n, exprPartitionBound)
	r := p.coerceTo(e, e.Type(), want, typmod, assigning, query.CoerceImplicitCast, -1)
	if r == nil {
		failAt(rawLoc(n), pgerr.DatatypeMismatch, "specified value cannot be cast to type %s for column \"%s\"", p.typeName(want), column)
	}
	p.assignExprCollations(r)
	return r
}
