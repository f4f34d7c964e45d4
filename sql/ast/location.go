package ast

// ExprLocation returns the leftmost byte offset of an expression, or NoLocation. For an operator
// expression that is where its left operand starts, not where the operator stands.
func ExprLocation(n Node) int32 {
	switch n := n.(type) {
	case *AExpr:
		return leftmost(n.Location, n.Lexpr)
	case *BoolExpr:
		if n.Boolop == NotExpr || len(n.Args) == 0 {
			return n.Location
		}
		return leftmost(n.Location, n.Args[0])
	case *TypeCast:
		loc := leftmost(n.Location, n.Arg)
		if n.TypeName != nil {
			loc = least(loc, n.TypeName.Location)
		}
		return loc
	case *CollateClause:
		return leftmost(n.Location, n.Arg)
	case *NullTest:
		return leftmost(n.Location, n.Arg)
	case *BooleanTest:
		return leftmost(n.Location, n.Arg)
	case *SubLink:
		return leftmost(n.Location, n.Testexpr)
	case *NamedArgExpr:
		return leftmost(n.Location, n.Arg)
	case *AIndirection:
		return ExprLocation(n.Arg)
	case *MultiAssignRef:
		return ExprLocation(n.Source)
	case *List:
		for _, it := range n.Items {
			if loc := ExprLocation(it); loc >= 0 {
				return loc
			}
		}
	}
	return ownLocation(n)
}

func leftmost(loc int32, arg Node) int32 {
	if arg == nil {
		return loc
	}
	return least(loc, ExprLocation(arg))
}

func least(a, b int32) int32 {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

// ownLocation covers the nodes whose location is already their leftmost one.
func ownLocation(n Node) int32 {
	switch n := n.(type) {
	case *ColumnRef:
		return n.Location
	case *ParamRef:
		return n.Location
	case *AConst:
		return n.Location
	case *FuncCall:
		return n.Location
	case *AArrayExpr:
		return n.Location
	case *CaseExpr:
		return n.Location
	case *CaseWhen:
		return n.Location
	case *RowExpr:
		return n.Location
	case *CoalesceExpr:
		return n.Location
	case *MinMaxExpr:
		return n.Location
	case *SQLValueFunction:
		return n.Location
	case *SetToDefault:
		return n.Location
	case *GroupingFunc:
		return n.Location
	case *XmlExpr:
		return n.Location
	case *XmlSerialize:
		return n.Location
	case *GroupingSet:
		return n.Location
	}
	return otherLocation(n)
}

// otherLocation covers nodes that are no expressions.
func otherLocation(n Node) int32 {
	switch n := n.(type) {
	case *ResTarget:
		return n.Location
	case *TypeName:
		return n.Location
	case *RangeVar:
		return n.Location
	case *RangeTableFunc:
		return n.Location
	case *RangeTableSample:
		return n.Location
	case *ColumnDef:
		return n.Location
	case *Constraint:
		return n.Location
	case *SortBy:
		return ExprLocation(n.Node)
	case *WindowDef:
		return n.Location
	case *WithClause:
		return n.Location
	case *CommonTableExpr:
		return n.Location
	case *OnConflictClause:
		return n.Location
	case *InferClause:
		return n.Location
	case *DefElem:
		return n.Location
	case *RoleSpec:
		return n.Location
	case *PartitionSpec:
		return n.Location
	case *PartitionElem:
		return n.Location
	case *PartitionBoundSpec:
		return n.Location
	}
	return NoLocation
}
