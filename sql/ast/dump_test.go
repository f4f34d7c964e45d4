package ast

import "testing"

func TestDump(t *testing.T) {
	n := &SelectStmt{
		TargetList:  []*ResTarget{{Val: &AConst{Val: &Integer{Ival: 1}, Location: 7}, Location: 7}},
		WhereClause: &AExpr{Kind: AExprOp, Name: []string{"="}, Lexpr: &ColumnRef{Fields: []Node{Str("a")}, Location: 15}, Location: 17},
	}
	const want = `(SelectStmt TargetList=[(ResTarget@7 Val=(AConst@7 Val=1))] ` +
		`WhereClause=(AExpr@17 Name=["="] Lexpr=(ColumnRef@15 Fields=["a"])))`
	if got := DumpLoc(n); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := ExprLocation(n.WhereClause); got != 15 {
		t.Errorf("ExprLocation = %d, want 15", got)
	}
}

func TestCommandTags(t *testing.T) {
	for want, s := range map[string]Stmt{
		"DROP MATERIALIZED VIEW": &DropStmt{RemoveType: ObjectMatview},
		"ALTER TYPE":             &RenameStmt{RenameType: ObjectAttribute},
		"ALTER VIEW":             &RenameStmt{RenameType: ObjectColumn, RelationType: ObjectView},
		"ROLLBACK":               &TransactionStmt{Kind: TransStmtRollbackTo},
		"CLOSE CURSOR ALL":       &ClosePortalStmt{},
	} {
		if got := s.CommandTag(); got != want {
			t.Errorf("tag %q, want %q", got, want)
		}
	}
}
