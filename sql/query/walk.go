package query

// Extension is a node of another package (a finished plan's SubPlan) that takes part in walks and mutations.
type Extension interface {
	Expr
	// VisitChildren calls f for each child expression, in order.
	VisitChildren(f func(Expr))
	// WithChildren returns a copy whose child expressions are f's results for them, or the node itself
	// when f changes none.
	WithChildren(f func(Expr) Expr) Expr
	// EqualExtension reports whether other is equal, positions aside.
	EqualExtension(other Expr) bool
}

// Walk visits n and everything below it, subqueries included, parents first. When visit returns false the
// children of that node are left out.
func Walk(n Node, visit func(Node) bool) {
	w := Walker{Visit: func(n Node, _ int) bool { return visit(n) }, Subqueries: true}
	w.Walk(n)
}

// WalkExpr is Walk without the subselects of SubLinks and, when n is a Query, without nested Queries.
func WalkExpr(n Node, visit func(Node) bool) {
	w := Walker{Visit: func(n Node, _ int) bool { return visit(n) }}
	w.Walk(n)
}

// WalkLevels is Walk that tells visit how many Query nodes lie between n and the visited node: 0 for the
// expressions of n itself, 1 for those of a subselect in it. A Query node is visited with the level of the
// expressions around it. When n is itself a Query its own expressions have level 0.
func WalkLevels(n Node, visit func(n Node, level int) bool) {
	w := Walker{Visit: visit, Subqueries: true}
	w.Walk(n)
}

// Find reports whether f holds for n or any node below it, subqueries included.
func Find(n Node, f func(n Node, level int) bool) bool {
	found := false
	WalkLevels(n, func(n Node, level int) bool {
		if !found && f(n, level) {
			found = true
		}
		return !found
	})
	return found
}

// FindExpr is Find that does not enter subqueries.
func FindExpr(n Node, f func(n Node) bool) bool {
	found := false
	WalkExpr(n, func(n Node) bool {
		if !found && f(n) {
			found = true
		}
		return !found
	})
	return found
}

// Walker is a walk with options.
type Walker struct {
	Visit func(n Node, level int) bool
	// Subqueries: enter SubLinks' subselects and, in Queries, subqueries of the range table and WITH.
	Subqueries bool
	// SkipJoinAliases leaves out JoinAliasVars.
	SkipJoinAliases bool
	// SkipRTable leaves out the range table and WITH list of Queries.
	SkipRTable bool

	level int
	depth int
}

// Walk runs the walk from n; nil is allowed.
func (w *Walker) Walk(n Node) {
	if isNilNode(n) || !w.Visit(n, w.level) {
		return
	}
	w.children(n)
}

func isNilNode(n Node) bool {
	if n == nil {
		return true
	}
	switch n := n.(type) {
	case *Query:
		return n == nil
	case *FromExpr:
		return n == nil
	case *TargetEntry:
		return n == nil
	case *SetOperationStmt:
		return n == nil
	case *OnConflictExpr:
		return n == nil
	}
	return false
}

func (w *Walker) expr(e Expr) {
	if e != nil && w.Visit(e, w.level) {
		w.children(e)
	}
}

func (w *Walker) exprs(list []Expr) {
	for _, e := range list {
		w.expr(e)
	}
}

func (w *Walker) targets(list []*TargetEntry) {
	for _, t := range list {
		w.Walk(t)
	}
}

func (w *Walker) children(n Node) {
	switch n := n.(type) {
	case *Var, *Const, *Param, *CaseTestExpr, *CoerceToDomainValue, *SetToDefault, *CurrentOfExpr,
		*NextValueExpr, *SQLValueFunction, *RangeTblRef, *SortGroupClause, *GroupingSet, *RowMarkClause, *Alias:
	case *OpExpr:
		w.exprs(n.Args)
	case *FuncExpr:
		w.exprs(n.Args)
	case *BoolExpr:
		w.exprs(n.Args)
	case *TargetEntry:
		w.expr(n.Expr)
	case *RelabelType:
		w.expr(n.Arg)
	case *ScalarArrayOpExpr:
		w.exprs(n.Args)
	case *DistinctExpr:
		w.exprs(n.Args)
	case *NullIfExpr:
		w.exprs(n.Args)
	case *NullTest:
		w.expr(n.Arg)
	case *Aggref:
		w.exprs(n.AggDirectArgs)
		w.targets(n.Args)
		w.expr(n.AggFilter)
	case *GroupingFunc:
		w.exprs(n.Args)
	case *WindowFunc:
		w.exprs(n.Args)
		w.expr(n.AggFilter)
	case *SubscriptingRef:
		w.exprs(n.UpperIndexpr)
		w.exprs(n.LowerIndexpr)
		w.expr(n.RefExpr)
		w.expr(n.RefAssgnExpr)
	case *SubLink:
		w.expr(n.Testexpr)
		w.subquery(n.Subselect)
	case *FieldSelect:
		w.expr(n.Arg)
	case *FieldStore:
		w.expr(n.Arg)
		w.exprs(n.Newvals)
	case *CoerceViaIO:
		w.expr(n.Arg)
	case *ArrayCoerceExpr:
		w.expr(n.Arg)
		w.expr(n.Elemexpr)
	case *ConvertRowtypeExpr:
		w.expr(n.Arg)
	case *CollateExpr:
		w.expr(n.Arg)
	case *CaseExpr:
		w.expr(n.Arg)
		for _, c := range n.Whens {
			w.Walk(c)
		}
		w.expr(n.Defresult)
	case *CaseWhen:
		w.expr(n.Expr)
		w.expr(n.Result)
	case *ArrayExpr:
		w.exprs(n.Elements)
	case *RowExpr:
		w.exprs(n.Args)
	case *RowCompareExpr:
		w.exprs(n.Largs)
		w.exprs(n.Rargs)
	case *CoalesceExpr:
		w.exprs(n.Args)
	case *MinMaxExpr:
		w.exprs(n.Args)
	case *BooleanTest:
		w.expr(n.Arg)
	case *CoerceToDomain:
		w.expr(n.Arg)
	case Extension:
		n.VisitChildren(w.expr)
	case *Query:
		w.query(n)
	default:
		w.clause(n)
	}
}

// clause visits the children of nodes that are neither expressions nor Queries.
func (w *Walker) clause(n Node) {
	switch n := n.(type) {
	case *FromExpr:
		for _, it := range n.FromList {
			w.Walk(it)
		}
		w.expr(n.Quals)
	case *JoinExpr:
		w.Walk(n.Larg)
		w.Walk(n.Rarg)
		w.expr(n.Quals)
	case *RangeTblEntry:
		w.rangeEntry(n)
	case *RangeTblFunction:
		w.expr(n.FuncExpr)
	case *TableSampleClause:
		w.exprs(n.Args)
		w.expr(n.Repeatable)
	case *WindowClause:
		w.expr(n.StartOffset)
		w.expr(n.EndOffset)
	case *CommonTableExpr:
		w.subquery(n.Query)
	case *SetOperationStmt:
		w.Walk(n.Larg)
		w.Walk(n.Rarg)
	case *OnConflictExpr:
		for _, e := range n.ArbiterElems {
			w.Walk(e)
		}
		w.expr(n.ArbiterWhere)
		w.targets(n.Set)
		w.expr(n.Where)
	case *InferenceElem:
		w.expr(n.Expr)
	case *MergeAction:
		w.expr(n.Qual)
		w.targets(n.TargetList)
	case *WithCheckOption:
		w.expr(n.Qual)
	}
}

func (w *Walker) rangeEntry(n *RangeTblEntry) {
	switch n.Kind {
	case RTESubquery:
		w.subquery(n.Subquery)
	case RTEJoin:
		if !w.SkipJoinAliases {
			w.exprs(n.JoinAliasVars)
		}
	case RTEFunction:
		for _, f := range n.Functions {
			w.Walk(f)
		}
	case RTEValues:
		for _, l := range n.ValuesLists {
			w.exprs(l)
		}
	case RTERelation:
		if n.TableSample != nil {
			w.Walk(n.TableSample)
		}
	}
}

func (w *Walker) subquery(q *Query) {
	if q == nil || !w.Subqueries || !w.Visit(q, w.level) {
		return
	}
	w.level++
	w.query(q)
	w.level--
}

// query visits the parts of q; they have the level that w has now.
func (w *Walker) query(q *Query) {
	w.targets(q.TargetList)
	for _, c := range q.WithCheckOptions {
		w.Walk(c)
	}
	if q.OnConflict != nil {
		w.Walk(q.OnConflict)
	}
	for _, a := range q.MergeActions {
		w.Walk(a)
	}
	w.targets(q.ReturningList)
	if q.JoinTree != nil {
		w.Walk(q.JoinTree)
	}
	w.Walk(q.SetOperations)
	w.expr(q.HavingQual)
	w.expr(q.LimitOffset)
	w.expr(q.LimitCount)
	for _, c := range q.WindowClause {
		w.Walk(c)
	}
	if w.SkipRTable {
		return
	}
	for _, c := range q.CTEList {
		w.Walk(c)
	}
	for _, r := range q.RTable {
		w.Walk(r)
	}
}
