package ast

// CreateStmt is CREATE TABLE; of an OF-type table OfTypename is set. TableElts holds *ColumnDef,
// *TableLikeClause and *Constraint.
type CreateStmt struct {
	Relation       *RangeVar
	TableElts      []Node
	InhRelations   []*RangeVar
	Partbound      *PartitionBoundSpec
	Partspec       *PartitionSpec
	OfTypename     *TypeName
	Constraints    []*Constraint
	Options        []*DefElem
	Oncommit       OnCommitAction
	Tablespacename string
	AccessMethod   string
	IfNotExists    bool
}

// CreateForeignTableStmt is CREATE FOREIGN TABLE.
type CreateForeignTableStmt struct {
	Base       CreateStmt
	Servername string
	Options    []*DefElem
}

// Values of Constraint.Identity attributes: ATTRIBUTE_IDENTITY_* and ATTRIBUTE_GENERATED_STORED.
const (
	AttributeIdentityAlways    byte = 'a'
	AttributeIdentityByDefault byte = 'd'
	AttributeGeneratedStored   byte = 's'
)

// ColumnDef is a column of a table, a composite type or a function's column list. TypeName is nil
// in a typed table or a partition.
type ColumnDef struct {
	Colname     string
	TypeName    *TypeName
	Compression string
	IsLocal     bool
	IsNotNull   bool
	StorageName string // of ALTER TABLE forms only
	RawDefault  Node
	CollClause  *CollateClause
	Constraints []*Constraint
	Fdwoptions  []*DefElem
	Location    int32
}

// Options of TableLikeClause.
const (
	CreateTableLikeComments    uint32 = 1 << 0
	CreateTableLikeCompression uint32 = 1 << 1
	CreateTableLikeConstraints uint32 = 1 << 2
	CreateTableLikeDefaults    uint32 = 1 << 3
	CreateTableLikeGenerated   uint32 = 1 << 4
	CreateTableLikeIdentity    uint32 = 1 << 5
	CreateTableLikeIndexes     uint32 = 1 << 6
	CreateTableLikeStatistics  uint32 = 1 << 7
	CreateTableLikeStorage     uint32 = 1 << 8
	CreateTableLikeAll         uint32 = 0x7fffffff
)

// TableLikeClause is LIKE table INCLUDING ... in CREATE TABLE.
type TableLikeClause struct {
	Relation *RangeVar
	Options  uint32
}

// ConstrType is the kind of a Constraint.
type ConstrType uint8

const (
	ConstrNull ConstrType = iota
	ConstrNotnull
	ConstrDefault
	ConstrIdentity
	ConstrGenerated
	ConstrCheck
	ConstrPrimary
	ConstrUnique
	ConstrExclusion
	ConstrForeign
	ConstrAttrDeferrable
	ConstrAttrNotDeferrable
	ConstrAttrDeferred
	ConstrAttrImmediate
)

// Foreign-key actions and match types, as pg_constraint stores them.
const (
	FkconstrActionNoaction   byte = 'a'
	FkconstrActionRestrict   byte = 'r'
	FkconstrActionCascade    byte = 'c'
	FkconstrActionSetnull    byte = 'n'
	FkconstrActionSetdefault byte = 'd'

	FkconstrMatchFull    byte = 'f'
	FkconstrMatchPartial byte = 'p'
	FkconstrMatchSimple  byte = 's'
)

// ExclusionElem is one "element WITH operator" of EXCLUDE.
type ExclusionElem struct {
	Index    *IndexElem
	Operator []string
}

// Constraint is a table or column constraint, or one of the clauses that may follow a column like
// one (DEFAULT, GENERATED, DEFERRABLE ...).
type Constraint struct {
	Contype          ConstrType
	Conname          string
	Deferrable       bool
	Initdeferred     bool
	Location         int32
	IsNoInherit      bool
	RawExpr          Node // CHECK, DEFAULT, GENERATED
	GeneratedWhen    byte // AttributeIdentityAlways or AttributeIdentityByDefault
	NullsNotDistinct bool
	Keys             []string // PRIMARY KEY, UNIQUE
	Including        []string
	Exclusions       []ExclusionElem
	Options          []*DefElem // WITH, or the sequence options of an identity column
	Indexname        string     // USING INDEX
	Indexspace       string
	AccessMethod     string
	WhereClause      Node
	Pktable          *RangeVar
	FkAttrs          []string
	PkAttrs          []string
	FkMatchtype      byte
	FkUpdAction      byte
	FkDelAction      byte
	FkDelSetCols     []string
	SkipValidation   bool
	InitiallyValid   bool
}

// PartitionSpec is PARTITION BY; Strategy is the word as written, in lower case.
type PartitionSpec struct {
	Strategy   string
	PartParams []*PartitionElem
	Location   int32
}

// PartitionElem is one key of PARTITION BY: column Name or Expr.
type PartitionElem struct {
	Name      string
	Expr      Node
	Collation []string
	Opclass   []string
	Location  int32
}

// Values of PartitionBoundSpec.Strategy.
const (
	PartitionStrategyHash  byte = 'h'
	PartitionStrategyList  byte = 'l'
	PartitionStrategyRange byte = 'r'
)

// PartitionBoundSpec is FOR VALUES ... or DEFAULT. MINVALUE and MAXVALUE in range bounds are
// ColumnRefs of one lower-case name.
type PartitionBoundSpec struct {
	Strategy    byte
	IsDefault   bool
	Modulus     int32
	Remainder   int32
	Listdatums  []Node
	Lowerdatums []Node
	Upperdatums []Node
	Location    int32
}

// PartitionCmd is ATTACH or DETACH PARTITION.
type PartitionCmd struct {
	Name       *RangeVar
	Bound      *PartitionBoundSpec
	Concurrent bool
}

// ReplicaIdentityStmt is ALTER TABLE ... REPLICA IDENTITY; IdentityType is 'n', 'f', 'd' or 'i'.
type ReplicaIdentityStmt struct {
	IdentityType byte
	Name         string
}

// AlterTableStmt is ALTER TABLE and the like; Objtype says of what kind of relation.
type AlterTableStmt struct {
	Relation  *RangeVar
	Cmds      []*AlterTableCmd
	Objtype   ObjectType
	MissingOk bool
}

// AlterTableType is the kind of an AlterTableCmd.
type AlterTableType uint8

const (
	ATAddColumn AlterTableType = iota
	ATColumnDefault
	ATDropNotNull
	ATSetNotNull
	ATDropExpression
	ATSetStatistics
	ATSetOptions
	ATResetOptions
	ATSetStorage
	ATSetCompression
	ATDropColumn
	ATAddConstraint
	ATAlterConstraint
	ATValidateConstraint
	ATDropConstraint
	ATAlterColumnType
	ATAlterColumnGenericOptions
	ATChangeOwner
	ATClusterOn
	ATDropCluster
	ATSetLogged
	ATSetUnLogged
	ATDropOids
	ATSetAccessMethod
	ATSetTableSpace
	ATSetRelOptions
	ATResetRelOptions
	ATReplaceRelOptions
	ATEnableTrig
	ATEnableAlwaysTrig
	ATEnableReplicaTrig
	ATDisableTrig
	ATEnableTrigAll
	ATDisableTrigAll
	ATEnableTrigUser
	ATDisableTrigUser
	ATEnableRule
	ATEnableAlwaysRule
	ATEnableReplicaRule
	ATDisableRule
	ATAddInherit
	ATDropInherit
	ATAddOf
	ATDropOf
	ATReplicaIdentity
	ATEnableRowSecurity
	ATDisableRowSecurity
	ATForceRowSecurity
	ATNoForceRowSecurity
	ATGenericOptions
	ATAttachPartition
	ATDetachPartition
	ATDetachPartitionFinalize
	ATAddIdentity
	ATSetIdentity
	ATDropIdentity
)

// AlterTableCmd is one action of ALTER TABLE. Def depends on Subtype: *ColumnDef (add column, column
// type), *Constraint, the default's expression, *List of *DefElem (options), *Integer (statistics,
// nil means -1 was not given), *String (storage, compression), *RangeVar (inherit),
// *TypeName (OF), *PartitionCmd, *ReplicaIdentityStmt.
type AlterTableCmd struct {
	Subtype   AlterTableType
	Name      string
	Num       int16 // column number, for an index's columns
	Newowner  *RoleSpec
	Def       Node
	Behavior  DropBehavior
	MissingOk bool
}

// AlterTableMoveAllStmt is ALTER TABLE ALL IN TABLESPACE.
type AlterTableMoveAllStmt struct {
	OrigTablespacename string
	Objtype            ObjectType
	Roles              []*RoleSpec
	NewTablespacename  string
	Nowait             bool
}

// IndexStmt is CREATE INDEX.
type IndexStmt struct {
	Idxname              string
	Relation             *RangeVar
	AccessMethod         string // "btree" when not given
	TableSpace           string
	IndexParams          []*IndexElem
	IndexIncludingParams []*IndexElem
	Options              []*DefElem
	WhereClause          Node
	ExcludeOpNames       [][]string
	Idxcomment           string
	Unique               bool
	NullsNotDistinct     bool
	Primary              bool
	Isconstraint         bool
	Deferrable           bool
	Initdeferred         bool
	Concurrent           bool
	IfNotExists          bool
	ResetDefaultTblspc   bool
}

// IndexElem is one column (Name) or expression (Expr) of an index.
type IndexElem struct {
	Name          string
	Expr          Node
	Indexcolname  string
	Collation     []string
	Opclass       []string
	Opclassopts   []*DefElem
	Ordering      SortByDir
	NullsOrdering SortByNulls
}

// ViewCheckOption is WITH CHECK OPTION.
type ViewCheckOption uint8

const (
	NoCheckOption ViewCheckOption = iota
	LocalCheckOption
	CascadedCheckOption
)

// ViewStmt is CREATE VIEW.
type ViewStmt struct {
	View            *RangeVar
	Aliases         []string
	Query           *SelectStmt
	Replace         bool
	Options         []*DefElem
	WithCheckOption ViewCheckOption
}

// CreateTableAsStmt is CREATE TABLE AS, SELECT INTO (after analysis) or CREATE MATERIALIZED VIEW.
// Query is a *SelectStmt or *ExecuteStmt.
type CreateTableAsStmt struct {
	Query        Stmt
	Into         *IntoClause
	Objtype      ObjectType // ObjectTable or ObjectMatview
	IsSelectInto bool
	IfNotExists  bool
}

// RefreshMatViewStmt is REFRESH MATERIALIZED VIEW.
type RefreshMatViewStmt struct {
	Concurrent bool
	SkipData   bool
	Relation   *RangeVar
}

// CreateSeqStmt is CREATE SEQUENCE.
type CreateSeqStmt struct {
	Sequence    *RangeVar
	Options     []*DefElem
	ForIdentity bool
	IfNotExists bool
}

// AlterSeqStmt is ALTER SEQUENCE.
type AlterSeqStmt struct {
	Sequence    *RangeVar
	Options     []*DefElem
	ForIdentity bool
	MissingOk   bool
}

// CreateStatsStmt is CREATE STATISTICS. Exprs are *StatsElem; Relations are FROM items.
type CreateStatsStmt struct {
	Defnames    []string
	StatTypes   []string
	Exprs       []*StatsElem
	Relations   []Node
	Stxcomment  string
	IfNotExists bool
}

// StatsElem is a column Name or an Expr of CREATE STATISTICS.
type StatsElem struct {
	Name string
	Expr Node
}

// AlterStatsStmt is ALTER STATISTICS ... SET STATISTICS.
type AlterStatsStmt struct {
	Defnames      []string
	Stxstattarget int32
	MissingOk     bool
}

// Trigger timing and event bits, as pg_trigger.tgtype has them.
const (
	TriggerTypeRow      int16 = 1 << 0
	TriggerTypeBefore   int16 = 1 << 1
	TriggerTypeInsert   int16 = 1 << 2
	TriggerTypeDelete   int16 = 1 << 3
	TriggerTypeUpdate   int16 = 1 << 4
	TriggerTypeTruncate int16 = 1 << 5
	TriggerTypeInstead  int16 = 1 << 6
	TriggerTypeAfter    int16 = 0
)

// CreateTrigStmt is CREATE TRIGGER.
type CreateTrigStmt struct {
	Replace        bool
	Isconstraint   bool
	Trigname       string
	Relation       *RangeVar
	Funcname       []string
	Args           []string
	Row            bool
	Timing         int16
	Events         int16
	Columns        []string
	WhenClause     Node
	TransitionRels []*TriggerTransition
	Deferrable     bool
	Initdeferred   bool
	Constrrel      *RangeVar
}

// TriggerTransition is one REFERENCING element of CREATE TRIGGER.
type TriggerTransition struct {
	Name    string
	IsNew   bool
	IsTable bool
}

// RuleStmt is CREATE RULE. Actions are statements.
type RuleStmt struct {
	Relation    *RangeVar
	Rulename    string
	WhereClause Node
	Event       CmdType
	Instead     bool
	Actions     []Stmt
	Replace     bool
}

// CreatePolicyStmt is CREATE POLICY; CmdName is "all", "select", ...
type CreatePolicyStmt struct {
	PolicyName string
	Table      *RangeVar
	CmdName    string
	Permissive bool
	Roles      []*RoleSpec
	Qual       Node
	WithCheck  Node
}

// AlterPolicyStmt is ALTER POLICY.
type AlterPolicyStmt struct {
	PolicyName string
	Table      *RangeVar
	Roles      []*RoleSpec
	Qual       Node
	WithCheck  Node
}
