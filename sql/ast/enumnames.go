package ast

// String returns the operator's form as in PostgreSQL's A_Expr kinds.
func (k AExprKind) String() string {
	return [...]string{"OP", "OP_ANY", "OP_ALL", "DISTINCT", "NOT_DISTINCT", "NULLIF", "IN", "LIKE", "ILIKE",
		"SIMILAR", "BETWEEN", "NOT_BETWEEN", "BETWEEN_SYM", "NOT_BETWEEN_SYM"}[k]
}

// String returns AND, OR or NOT.
func (t BoolExprType) String() string { return [...]string{"AND", "OR", "NOT"}[t] }

// String returns the kind of subquery.
func (t SubLinkType) String() string {
	return [...]string{"EXISTS", "ALL", "ANY", "ROWCOMPARE", "EXPR", "MULTIEXPR", "ARRAY"}[t]
}

// String returns the join's keyword.
func (t JoinType) String() string { return [...]string{"INNER", "LEFT", "FULL", "RIGHT"}[t] }

// String returns the set operation's keyword.
func (o SetOperation) String() string { return [...]string{"NONE", "UNION", "INTERSECT", "EXCEPT"}[o] }

// String returns the command's keyword.
func (c CmdType) String() string {
	return [...]string{"UNKNOWN", "SELECT", "UPDATE", "INSERT", "DELETE", "MERGE", "UTILITY", "NOTHING"}[c]
}

// String returns the constraint's keywords.
func (t ConstrType) String() string {
	return [...]string{"NULL", "NOT_NULL", "DEFAULT", "IDENTITY", "GENERATED", "CHECK", "PRIMARY", "UNIQUE",
		"EXCLUSION", "FOREIGN", "DEFERRABLE", "NOT_DEFERRABLE", "DEFERRED", "IMMEDIATE"}[t]
}

// String returns the action's name as in PostgreSQL's AlterTableType, without the AT_ prefix.
func (t AlterTableType) String() string {
	return [...]string{"AddColumn", "ColumnDefault", "DropNotNull", "SetNotNull", "DropExpression", "SetStatistics",
		"SetOptions", "ResetOptions", "SetStorage", "SetCompression", "DropColumn", "AddConstraint",
		"AlterConstraint", "ValidateConstraint", "DropConstraint", "AlterColumnType",
		"AlterColumnGenericOptions", "ChangeOwner", "ClusterOn", "DropCluster", "SetLogged", "SetUnLogged",
		"DropOids", "SetAccessMethod", "SetTableSpace", "SetRelOptions", "ResetRelOptions",
		"ReplaceRelOptions", "EnableTrig", "EnableAlwaysTrig", "EnableReplicaTrig", "DisableTrig",
		"EnableTrigAll", "DisableTrigAll", "EnableTrigUser", "DisableTrigUser", "EnableRule",
		"EnableAlwaysRule", "EnableReplicaRule", "DisableRule", "AddInherit", "DropInherit", "AddOf", "DropOf",
		"ReplicaIdentity", "EnableRowSecurity", "DisableRowSecurity", "ForceRowSecurity",
		"NoForceRowSecurity", "GenericOptions", "AttachPartition", "DetachPartition",
		"DetachPartitionFinalize", "AddIdentity", "SetIdentity", "DropIdentity"}[t]
}
