package catalog

import (
	"gompho/internal/ids"
	"gompho/sql/query"
)

// References returns what an expression or query refers to, repetitions included. See RecordExprDependencies for rel.
func (s *Session) References(n query.Node, rel ids.Oid) []Object {
	f := &refFinder{rel: rel}
	if l, ok := n.(*query.List); ok {
		for _, it := range l.Items {
			f.visit(it)
		}
		return f.out
	}
	f.visit(n)
	return f.out
}

// refFinder collects the objects a tree refers to. levels holds the range tables of the queries around the
// current node, the innermost last.
type refFinder struct {
	rel    ids.Oid
	levels [][]*query.RangeTblEntry
	out    []Object
}

func (f *refFinder) add(class, oid ids.Oid) {
	if oid != 0 {
		f.out = append(f.out, Object{Class: class, Oid: oid})
	}
}

func (f *refFinder) typ(e query.Expr) {
	f.add(PgTypeOid, e.Type())
	if c := e.Collation(); c != 0 && c != DefaultCollation {
		f.add(PgCollationOid, c)
	}
}

func (f *refFinder) visit(n query.Node) {
	f.walk(n, func(n query.Node) bool {
		if q, ok := n.(*query.Query); ok {
			f.query(q)
			return false
		}
		f.node(n)
		return true
	})
}

// walk leaves out the columns that joins merely pass on: column follows those that are used.
func (f *refFinder) walk(n query.Node, visit func(query.Node) bool) {
	w := query.Walker{Visit: func(n query.Node, _ int) bool { return visit(n) }, Subqueries: true, SkipJoinAliases: true}
	w.Walk(n)
}

// query looks at a query's range table, then at its parts with that range table in scope.
func (f *refFinder) query(q *query.Query) {
	f.levels = append(f.levels, q.RTable)
	for _, rte := range q.RTable {
		if rte.Relid != 0 {
			f.add(PgClassOid, rte.Relid)
		}
		for i, t := range rte.ColTypes {
			f.add(PgTypeOid, t)
			if i < len(rte.ColColls) && rte.ColColls[i] != DefaultCollation {
				f.add(PgCollationOid, rte.ColColls[i])
			}
		}
	}
	if q.OnConflict != nil {
		f.add(PgConstraintOid, q.OnConflict.Constraint)
	}
	for _, c := range q.ConstraintDeps {
		f.add(PgConstraintOid, c)
	}
	if q.ResultRelation > 0 && q.ResultRelation <= len(q.RTable) && (q.CommandType == query.CmdInsert || q.CommandType == query.CmdUpdate) {
		for _, te := range q.TargetList {
			if !te.Resjunk {
				f.out = append(f.out, ColumnObject(q.RTable[q.ResultRelation-1].Relid, int16(te.Resno)))
			}
		}
	}
	first := true
	f.walk(q, func(n query.Node) bool {
		if first {
			first = false
			return true
		}
		if sub, ok := n.(*query.Query); ok {
			f.query(sub)
			return false
		}
		f.node(n)
		return true
	})
	f.levels = f.levels[:len(f.levels)-1]
}

func (f *refFinder) node(n query.Node) {
	switch x := n.(type) {
	case *query.Var:
		f.column(x)
	case *query.Const:
		f.typ(x)
		f.constant(x)
	case *query.Param:
		f.typ(x)
	case *query.FuncExpr:
		f.add(PgProcOid, x.FuncID)
	case *query.OpExpr:
		f.add(PgOperatorOid, x.OpNo)
	case *query.DistinctExpr:
		f.add(PgOperatorOid, x.OpNo)
	case *query.NullIfExpr:
		f.add(PgOperatorOid, x.OpNo)
	case *query.ScalarArrayOpExpr:
		f.add(PgOperatorOid, x.OpNo)
	case *query.Aggref:
		f.add(PgProcOid, x.AggFnOid)
	case *query.WindowFunc:
		f.add(PgProcOid, x.WinFnOid)
	case *query.SubscriptingRef:
		f.typ(x)
	case *query.RowCompareExpr:
		for _, o := range x.Opnos {
			f.add(PgOperatorOid, o)
		}
	case *query.RelabelType, *query.CoerceViaIO, *query.ArrayCoerceExpr, *query.ConvertRowtypeExpr, *query.RowExpr,
		*query.CoerceToDomain, *query.FieldSelect, *query.FieldStore:
		f.typ(x.(query.Expr))
	case *query.CollateExpr:
		f.add(PgCollationOid, x.Collation())
	case *query.NextValueExpr:
		f.add(PgClassOid, x.SeqID)
	case *query.SortGroupClause:
		f.add(PgOperatorOid, x.EqOp)
		f.add(PgOperatorOid, x.SortOp)
	case *query.InferenceElem:
		if x.InferColl != DefaultCollation {
			f.add(PgCollationOid, x.InferColl)
		}
		f.add(PgOpclassOid, x.InferOpcls)
	}
}

// column records the table column behind a Var, through joins.
func (f *refFinder) column(v *query.Var) {
	level := len(f.levels) - 1 - v.Varlevelsup
	if level < 0 {
		if f.rel != 0 && v.Varlevelsup == len(f.levels) && v.Varattno >= 0 {
			f.out = append(f.out, ColumnObject(f.rel, int16(v.Varattno)))
		}
		return
	}
	rt := f.levels[level]
	if v.Varno < 1 || v.Varno > len(rt) {
		return
	}
	rte := rt[v.Varno-1]
	switch rte.Kind {
	case query.RTERelation:
		if v.Varattno >= 0 {
			f.out = append(f.out, ColumnObject(rte.Relid, int16(v.Varattno)))
		}
	case query.RTEJoin:
		if v.Varattno > 0 && v.Varattno <= len(rte.JoinAliasVars) {
			saved := f.levels
			f.levels = f.levels[:level+1]
			f.visit(rte.JoinAliasVars[v.Varattno-1])
			f.levels = saved
		}
	}
}

// constant records the object that a constant of a reg* type names.
func (f *refFinder) constant(c *query.Const) {
	if c.Value.IsNull() {
		return
	}
	classes := map[ids.Oid]ids.Oid{24: PgProcOid, 2202: PgProcOid, 2203: PgOperatorOid, 2204: PgOperatorOid, 2205: PgClassOid,
		2206: PgTypeOid, 4191: PgCollationOid, 4089: PgNamespaceOid, 3734: PgTsConfigOid, 3769: PgTsDictOid}
	if class, ok := classes[c.Type()]; ok {
		f.add(class, c.Value.Oid())
	}
}
