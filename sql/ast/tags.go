package ast

// CommandTag implements Stmt.
func (*CreateRoleStmt) CommandTag() string { return "CREATE ROLE" }

// CommandTag implements Stmt.
func (*AlterRoleStmt) CommandTag() string { return "ALTER ROLE" }

// CommandTag implements Stmt.
func (*AlterRoleSetStmt) CommandTag() string { return "ALTER ROLE" }

// CommandTag implements Stmt.
func (*DropRoleStmt) CommandTag() string { return "DROP ROLE" }

// CommandTag implements Stmt.
func (*AlterDefaultPrivilegesStmt) CommandTag() string { return "ALTER DEFAULT PRIVILEGES" }

// CommandTag implements Stmt.
func (*ReassignOwnedStmt) CommandTag() string { return "REASSIGN OWNED" }

// CommandTag implements Stmt.
func (*DropOwnedStmt) CommandTag() string { return "DROP OWNED" }

// CommandTag implements Stmt.
func (*CreatedbStmt) CommandTag() string { return "CREATE DATABASE" }

// CommandTag implements Stmt.
func (*AlterDatabaseStmt) CommandTag() string { return "ALTER DATABASE" }

// CommandTag implements Stmt.
func (*AlterDatabaseRefreshCollStmt) CommandTag() string { return "ALTER DATABASE" }

// CommandTag implements Stmt.
func (*AlterDatabaseSetStmt) CommandTag() string { return "ALTER DATABASE" }

// CommandTag implements Stmt.
func (*DropdbStmt) CommandTag() string { return "DROP DATABASE" }

// CommandTag implements Stmt.
func (*CreateTableSpaceStmt) CommandTag() string { return "CREATE TABLESPACE" }

// CommandTag implements Stmt.
func (*DropTableSpaceStmt) CommandTag() string { return "DROP TABLESPACE" }

// CommandTag implements Stmt.
func (*AlterTableSpaceOptionsStmt) CommandTag() string { return "ALTER TABLESPACE" }

// CommandTag implements Stmt.
func (*AlterSystemStmt) CommandTag() string { return "ALTER SYSTEM" }

// CommandTag implements Stmt.
func (*CreateFdwStmt) CommandTag() string { return "CREATE FOREIGN DATA WRAPPER" }

// CommandTag implements Stmt.
func (*AlterFdwStmt) CommandTag() string { return "ALTER FOREIGN DATA WRAPPER" }

// CommandTag implements Stmt.
func (*CreateForeignServerStmt) CommandTag() string { return "CREATE SERVER" }

// CommandTag implements Stmt.
func (*AlterForeignServerStmt) CommandTag() string { return "ALTER SERVER" }

// CommandTag implements Stmt.
func (*CreateUserMappingStmt) CommandTag() string { return "CREATE USER MAPPING" }

// CommandTag implements Stmt.
func (*AlterUserMappingStmt) CommandTag() string { return "ALTER USER MAPPING" }

// CommandTag implements Stmt.
func (*DropUserMappingStmt) CommandTag() string { return "DROP USER MAPPING" }

// CommandTag implements Stmt.
func (*ImportForeignSchemaStmt) CommandTag() string { return "IMPORT FOREIGN SCHEMA" }

// CommandTag implements Stmt.
func (*CreatePublicationStmt) CommandTag() string { return "CREATE PUBLICATION" }

// CommandTag implements Stmt.
func (*AlterPublicationStmt) CommandTag() string { return "ALTER PUBLICATION" }

// CommandTag implements Stmt.
func (*CreateSubscriptionStmt) CommandTag() string { return "CREATE SUBSCRIPTION" }

// CommandTag implements Stmt.
func (*AlterSubscriptionStmt) CommandTag() string { return "ALTER SUBSCRIPTION" }

// CommandTag implements Stmt.
func (*DropSubscriptionStmt) CommandTag() string { return "DROP SUBSCRIPTION" }

// CommandTag implements Stmt.
func (*DoStmt) CommandTag() string { return "DO" }

// CommandTag implements Stmt.
func (*CallStmt) CommandTag() string { return "CALL" }

// CommandTag implements Stmt.
func (*TruncateStmt) CommandTag() string { return "TRUNCATE TABLE" }

// CommandTag implements Stmt.
func (*CommentStmt) CommandTag() string { return "COMMENT" }

// CommandTag implements Stmt.
func (*SecLabelStmt) CommandTag() string { return "SECURITY LABEL" }

// CommandTag implements Stmt.
func (*CompositeTypeStmt) CommandTag() string { return "CREATE TYPE" }

// CommandTag implements Stmt.
func (*CreateEnumStmt) CommandTag() string { return "CREATE TYPE" }

// CommandTag implements Stmt.
func (*CreateRangeStmt) CommandTag() string { return "CREATE TYPE" }

// CommandTag implements Stmt.
func (*AlterEnumStmt) CommandTag() string { return "ALTER TYPE" }

// CommandTag implements Stmt.
func (*AlterTypeStmt) CommandTag() string { return "ALTER TYPE" }

// CommandTag implements Stmt.
func (*CreateDomainStmt) CommandTag() string { return "CREATE DOMAIN" }

// CommandTag implements Stmt.
func (*AlterDomainStmt) CommandTag() string { return "ALTER DOMAIN" }

// CommandTag implements Stmt.
func (*CreateSchemaStmt) CommandTag() string { return "CREATE SCHEMA" }

// CommandTag implements Stmt.
func (*CreateCastStmt) CommandTag() string { return "CREATE CAST" }

// CommandTag implements Stmt.
func (*CreateTransformStmt) CommandTag() string { return "CREATE TRANSFORM" }

// CommandTag implements Stmt.
func (*CreateConversionStmt) CommandTag() string { return "CREATE CONVERSION" }

// CommandTag implements Stmt.
func (*CreateOpClassStmt) CommandTag() string { return "CREATE OPERATOR CLASS" }

// CommandTag implements Stmt.
func (*CreateOpFamilyStmt) CommandTag() string { return "CREATE OPERATOR FAMILY" }

// CommandTag implements Stmt.
func (*AlterOpFamilyStmt) CommandTag() string { return "ALTER OPERATOR FAMILY" }

// CommandTag implements Stmt.
func (*AlterOperatorStmt) CommandTag() string { return "ALTER OPERATOR" }

// CommandTag implements Stmt.
func (*CreateAmStmt) CommandTag() string { return "CREATE ACCESS METHOD" }

// CommandTag implements Stmt.
func (*AlterCollationStmt) CommandTag() string { return "ALTER COLLATION" }

// CommandTag implements Stmt.
func (*CreatePLangStmt) CommandTag() string { return "CREATE LANGUAGE" }

// CommandTag implements Stmt.
func (*CreateExtensionStmt) CommandTag() string { return "CREATE EXTENSION" }

// CommandTag implements Stmt.
func (*AlterExtensionStmt) CommandTag() string { return "ALTER EXTENSION" }

// CommandTag implements Stmt.
func (*AlterExtensionContentsStmt) CommandTag() string { return "ALTER EXTENSION" }

// CommandTag implements Stmt.
func (*AlterTSConfigurationStmt) CommandTag() string { return "ALTER TEXT SEARCH CONFIGURATION" }

// CommandTag implements Stmt.
func (*AlterTSDictionaryStmt) CommandTag() string { return "ALTER TEXT SEARCH DICTIONARY" }

// CommandTag implements Stmt.
func (*CreateEventTrigStmt) CommandTag() string { return "CREATE EVENT TRIGGER" }

// CommandTag implements Stmt.
func (*AlterEventTrigStmt) CommandTag() string { return "ALTER EVENT TRIGGER" }

// CommandTag implements Stmt.
func (*SelectStmt) CommandTag() string { return "SELECT" }

// CommandTag implements Stmt.
func (*InsertStmt) CommandTag() string { return "INSERT" }

// CommandTag implements Stmt.
func (*UpdateStmt) CommandTag() string { return "UPDATE" }

// CommandTag implements Stmt.
func (*DeleteStmt) CommandTag() string { return "DELETE" }

// CommandTag implements Stmt.
func (*MergeStmt) CommandTag() string { return "MERGE" }

// CommandTag implements Stmt.
func (*ReturnStmt) CommandTag() string { return "SELECT" }

// CommandTag implements Stmt.
func (*PLAssignStmt) CommandTag() string { return "SELECT" }

// CommandTag implements Stmt.
func (*CreateStmt) CommandTag() string { return "CREATE TABLE" }

// CommandTag implements Stmt.
func (*CreateForeignTableStmt) CommandTag() string { return "CREATE FOREIGN TABLE" }

// CommandTag implements Stmt.
func (*IndexStmt) CommandTag() string { return "CREATE INDEX" }

// CommandTag implements Stmt.
func (*ViewStmt) CommandTag() string { return "CREATE VIEW" }

// CommandTag implements Stmt.
func (*RefreshMatViewStmt) CommandTag() string { return "REFRESH MATERIALIZED VIEW" }

// CommandTag implements Stmt.
func (*CreateSeqStmt) CommandTag() string { return "CREATE SEQUENCE" }

// CommandTag implements Stmt.
func (*AlterSeqStmt) CommandTag() string { return "ALTER SEQUENCE" }

// CommandTag implements Stmt.
func (*CreateStatsStmt) CommandTag() string { return "CREATE STATISTICS" }

// CommandTag implements Stmt.
func (*AlterStatsStmt) CommandTag() string { return "ALTER STATISTICS" }

// CommandTag implements Stmt.
func (*CreateTrigStmt) CommandTag() string { return "CREATE TRIGGER" }

// CommandTag implements Stmt.
func (*RuleStmt) CommandTag() string { return "CREATE RULE" }

// CommandTag implements Stmt.
func (*CreatePolicyStmt) CommandTag() string { return "CREATE POLICY" }

// CommandTag implements Stmt.
func (*AlterPolicyStmt) CommandTag() string { return "ALTER POLICY" }

// CommandTag implements Stmt.
func (*VariableShowStmt) CommandTag() string { return "SHOW" }

// CommandTag implements Stmt.
func (*CopyStmt) CommandTag() string { return "COPY" }

// CommandTag implements Stmt.
func (*ExplainStmt) CommandTag() string { return "EXPLAIN" }

// CommandTag implements Stmt.
func (*ClusterStmt) CommandTag() string { return "CLUSTER" }

// CommandTag implements Stmt.
func (*ReindexStmt) CommandTag() string { return "REINDEX" }

// CommandTag implements Stmt.
func (*LockStmt) CommandTag() string { return "LOCK TABLE" }

// CommandTag implements Stmt.
func (*ConstraintsSetStmt) CommandTag() string { return "SET CONSTRAINTS" }

// CommandTag implements Stmt.
func (*CheckPointStmt) CommandTag() string { return "CHECKPOINT" }

// CommandTag implements Stmt.
func (*PrepareStmt) CommandTag() string { return "PREPARE" }

// CommandTag implements Stmt.
func (*ExecuteStmt) CommandTag() string { return "EXECUTE" }

// CommandTag implements Stmt.
func (*DeclareCursorStmt) CommandTag() string { return "DECLARE CURSOR" }

// CommandTag implements Stmt.
func (*ListenStmt) CommandTag() string { return "LISTEN" }

// CommandTag implements Stmt.
func (*UnlistenStmt) CommandTag() string { return "UNLISTEN" }

// CommandTag implements Stmt.
func (*NotifyStmt) CommandTag() string { return "NOTIFY" }

// CommandTag implements Stmt.
func (*LoadStmt) CommandTag() string { return "LOAD" }

// CommandTag implements Stmt.
func (s *DropStmt) CommandTag() string {
	return "DROP " + s.RemoveType.String()
}

// CommandTag implements Stmt.
func (s *DefineStmt) CommandTag() string {
	return "CREATE " + s.Kind.String()
}

// CommandTag implements Stmt.
func (s *AlterTableStmt) CommandTag() string {
	return "ALTER " + s.Objtype.String()
}

// CommandTag implements Stmt.
func (s *AlterTableMoveAllStmt) CommandTag() string {
	return "ALTER " + s.Objtype.String()
}

// CommandTag implements Stmt.
func (s *AlterFunctionStmt) CommandTag() string {
	return "ALTER " + s.Objtype.String()
}

// CommandTag implements Stmt.
func (s *AlterObjectDependsStmt) CommandTag() string {
	return "ALTER " + s.ObjectType.String()
}

// CommandTag implements Stmt.
func (s *AlterObjectSchemaStmt) CommandTag() string {
	return "ALTER " + s.ObjectType.String()
}

// CommandTag implements Stmt.
func (s *AlterOwnerStmt) CommandTag() string {
	return "ALTER " + s.ObjectType.String()
}

// CommandTag implements Stmt.
func (s *RenameStmt) CommandTag() string {
	if s.RenameType == ObjectColumn {
		return "ALTER " + s.RelationType.String()
	}
	return "ALTER " + s.RenameType.String()
}

// CommandTag implements Stmt.
func (s *GrantStmt) CommandTag() string {
	if s.IsGrant {
		return "GRANT"
	}
	return "REVOKE"
}

// CommandTag implements Stmt.
func (s *GrantRoleStmt) CommandTag() string {
	if s.IsGrant {
		return "GRANT ROLE"
	}
	return "REVOKE ROLE"
}

// CommandTag implements Stmt.
func (s *VacuumStmt) CommandTag() string {
	if s.IsVacuumcmd {
		return "VACUUM"
	}
	return "ANALYZE"
}

// CommandTag implements Stmt.
func (s *FetchStmt) CommandTag() string {
	if s.Ismove {
		return "MOVE"
	}
	return "FETCH"
}

// CommandTag implements Stmt.
func (s *CreateFunctionStmt) CommandTag() string {
	if s.IsProcedure {
		return "CREATE PROCEDURE"
	}
	return "CREATE FUNCTION"
}

// CommandTag implements Stmt.
func (s *ClosePortalStmt) CommandTag() string {
	if s.Portalname == "" {
		return "CLOSE CURSOR ALL"
	}
	return "CLOSE CURSOR"
}

// CommandTag implements Stmt.
func (s *DeallocateStmt) CommandTag() string {
	if s.Name == "" {
		return "DEALLOCATE ALL"
	}
	return "DEALLOCATE"
}

// CommandTag implements Stmt.
func (s *CreateTableAsStmt) CommandTag() string {
	switch {
	case s.Objtype == ObjectMatview:
		return "CREATE MATERIALIZED VIEW"
	case s.IsSelectInto:
		return "SELECT INTO"
	}
	return "CREATE TABLE AS"
}

// CommandTag implements Stmt.
func (s *DiscardStmt) CommandTag() string {
	return [...]string{"DISCARD ALL", "DISCARD PLANS", "DISCARD SEQUENCES", "DISCARD TEMP"}[s.Target]
}

// CommandTag implements Stmt.
func (s *VariableSetStmt) CommandTag() string {
	if s.Kind == VarReset || s.Kind == VarResetAll {
		return "RESET"
	}
	return "SET"
}

var transactionTags = [...]string{
	TransStmtBegin: "BEGIN", TransStmtStart: "START TRANSACTION", TransStmtCommit: "COMMIT",
	TransStmtRollback: "ROLLBACK", TransStmtSavepoint: "SAVEPOINT", TransStmtRelease: "RELEASE",
	TransStmtRollbackTo: "ROLLBACK", TransStmtPrepare: "PREPARE TRANSACTION",
	TransStmtCommitPrepared: "COMMIT PREPARED", TransStmtRollbackPrepared: "ROLLBACK PREPARED",
}

// CommandTag implements Stmt.
func (s *TransactionStmt) CommandTag() string {
	return transactionTags[s.Kind]
}
