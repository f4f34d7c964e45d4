package ast

// ObjectType is a kind of object, as DROP, COMMENT, GRANT and others name it.
type ObjectType uint8

const (
	ObjectAccessMethod ObjectType = iota
	ObjectAggregate
	ObjectAmop
	ObjectAmproc
	ObjectAttribute
	ObjectCast
	ObjectColumn
	ObjectCollation
	ObjectConversion
	ObjectDatabase
	ObjectDefault
	ObjectDefacl
	ObjectDomain
	ObjectDomconstraint
	ObjectEventTrigger
	ObjectExtension
	ObjectFdw
	ObjectForeignServer
	ObjectForeignTable
	ObjectFunction
	ObjectIndex
	ObjectLanguage
	ObjectLargeobject
	ObjectMatview
	ObjectOpclass
	ObjectOperator
	ObjectOpfamily
	ObjectParameterAcl
	ObjectPolicy
	ObjectProcedure
	ObjectPublication
	ObjectPublicationNamespace
	ObjectPublicationRel
	ObjectRole
	ObjectRoutine
	ObjectRule
	ObjectSchema
	ObjectSequence
	ObjectSubscription
	ObjectStatisticExt
	ObjectTabconstraint
	ObjectTable
	ObjectTablespace
	ObjectTransform
	ObjectTrigger
	ObjectTsconfiguration
	ObjectTsdictionary
	ObjectTsparser
	ObjectTstemplate
	ObjectTypeType
	ObjectUserMapping
	ObjectView
)

var objectWords = [...]string{
	ObjectAccessMethod: "ACCESS METHOD", ObjectAggregate: "AGGREGATE", ObjectAmop: "OPERATOR OF ACCESS METHOD",
	ObjectAmproc: "FUNCTION OF ACCESS METHOD", ObjectAttribute: "TYPE", ObjectCast: "CAST", ObjectColumn: "TABLE",
	ObjectCollation: "COLLATION", ObjectConversion: "CONVERSION", ObjectDatabase: "DATABASE",
	ObjectDefault: "DEFAULT", ObjectDefacl: "DEFAULT PRIVILEGES", ObjectDomain: "DOMAIN",
	ObjectDomconstraint: "DOMAIN", ObjectEventTrigger: "EVENT TRIGGER", ObjectExtension: "EXTENSION",
	ObjectFdw: "FOREIGN DATA WRAPPER", ObjectForeignServer: "SERVER", ObjectForeignTable: "FOREIGN TABLE",
	ObjectFunction: "FUNCTION", ObjectIndex: "INDEX", ObjectLanguage: "LANGUAGE", ObjectLargeobject: "LARGE OBJECT",
	ObjectMatview: "MATERIALIZED VIEW", ObjectOpclass: "OPERATOR CLASS", ObjectOperator: "OPERATOR",
	ObjectOpfamily: "OPERATOR FAMILY", ObjectParameterAcl: "PARAMETER", ObjectPolicy: "POLICY",
	ObjectProcedure: "PROCEDURE", ObjectPublication: "PUBLICATION", ObjectPublicationNamespace: "PUBLICATION",
	ObjectPublicationRel: "PUBLICATION", ObjectRole: "ROLE", ObjectRoutine: "ROUTINE", ObjectRule: "RULE",
	ObjectSchema: "SCHEMA", ObjectSequence: "SEQUENCE", ObjectSubscription: "SUBSCRIPTION",
	ObjectStatisticExt: "STATISTICS", ObjectTabconstraint: "TABLE", ObjectTable: "TABLE",
	ObjectTablespace: "TABLESPACE", ObjectTransform: "TRANSFORM", ObjectTrigger: "TRIGGER",
	ObjectTsconfiguration: "TEXT SEARCH CONFIGURATION", ObjectTsdictionary: "TEXT SEARCH DICTIONARY",
	ObjectTsparser: "TEXT SEARCH PARSER", ObjectTstemplate: "TEXT SEARCH TEMPLATE", ObjectTypeType: "TYPE",
	ObjectUserMapping: "USER MAPPING", ObjectView: "VIEW",
}

// String returns the SQL words of the kind, such as "MATERIALIZED VIEW". A column, constraint or
// attribute gives those of the object it belongs to, as command tags do.
func (t ObjectType) String() string { return objectWords[t] }

// DropBehavior is RESTRICT (the default) or CASCADE.
type DropBehavior uint8

const (
	DropRestrict DropBehavior = iota
	DropCascade
)

// DefElemAction is what an option of ALTER ... OPTIONS does.
type DefElemAction uint8

const (
	DefelemUnspec DefElemAction = iota
	DefelemSet
	DefelemAdd
	DefelemDrop
)

// DefElem is a name = value option. Arg is nil, *String, *Integer, *Float, *Boolean, *TypeName, *List,
// *AStar or, for some commands, an expression or clause.
type DefElem struct {
	Defnamespace string
	Defname      string
	Arg          Node
	Defaction    DefElemAction
	Location     int32
}

// ObjectWithArgs names a function or operator by argument types. Objargs holds the input types (nil for a missing
// operand of an operator); ArgsUnspecified when no list was given.
type ObjectWithArgs struct {
	Objname         []string
	Objargs         []*TypeName
	Objfuncargs     []*FunctionParameter
	ArgsUnspecified bool
}

// DropStmt is DROP of most kinds. An element of Objects is a *List of *String (a qualified name; for triggers, rules
// and policies its last element is the name on the relation before it), *String, *TypeName
// (types, domains), *ObjectWithArgs, or a *List of two *TypeName (casts) or of
// *TypeName and *String (transforms), of *String and names for operator classes and families (access method first).
type DropStmt struct {
	Objects    []Node
	RemoveType ObjectType
	Behavior   DropBehavior
	MissingOk  bool
	Concurrent bool
}

// TruncateStmt is TRUNCATE.
type TruncateStmt struct {
	Relations   []*RangeVar
	RestartSeqs bool
	Behavior    DropBehavior
}

// CommentStmt is COMMENT ON; Comment is meaningful only when !IsNull.
type CommentStmt struct {
	Objtype ObjectType
	Object  Node // as in DropStmt.Objects; *Integer or *Float for a large object
	Comment string
	IsNull  bool
}

// SecLabelStmt is SECURITY LABEL.
type SecLabelStmt struct {
	Objtype  ObjectType
	Object   Node
	Provider string
	Label    string
	IsNull   bool
}

// RenameStmt is ALTER ... RENAME. Relation for relations and what is in them, else Object.
type RenameStmt struct {
	RenameType   ObjectType
	RelationType ObjectType // of Relation, when RenameType is a column or the like
	Relation     *RangeVar
	Object       Node
	Subname      string // the old column, trigger, constraint ... name
	Newname      string
	Behavior     DropBehavior
	MissingOk    bool
}

// AlterObjectDependsStmt is ALTER ... [NO] DEPENDS ON EXTENSION.
type AlterObjectDependsStmt struct {
	ObjectType ObjectType
	Relation   *RangeVar
	Object     Node
	Extname    string
	Remove     bool
}

// AlterObjectSchemaStmt is ALTER ... SET SCHEMA.
type AlterObjectSchemaStmt struct {
	ObjectType ObjectType
	Relation   *RangeVar
	Object     Node
	Newschema  string
	MissingOk  bool
}

// AlterOwnerStmt is ALTER ... OWNER TO, except for relations (see ATChangeOwner).
type AlterOwnerStmt struct {
	ObjectType ObjectType
	Relation   *RangeVar
	Object     Node
	Newowner   *RoleSpec
}

// DefineStmt is CREATE AGGREGATE, OPERATOR, TYPE (base and shell), COLLATION, TEXT SEARCH ...
type DefineStmt struct {
	Kind        ObjectType
	Oldstyle    bool
	Defnames    []string
	Args        *AggrArgs // of an aggregate in the new style
	Definition  []*DefElem
	IfNotExists bool
	Replace     bool
}

// AggrArgs is an aggregate's argument list: NumDirect is -1 for a plain aggregate, else the count
// of direct arguments before ORDER BY. Star is (*).
type AggrArgs struct {
	Args      []*FunctionParameter
	NumDirect int32
	Star      bool
}

// CompositeTypeStmt is CREATE TYPE name AS (columns).
type CompositeTypeStmt struct {
	Typevar    *RangeVar
	Coldeflist []*ColumnDef
}

// CreateEnumStmt is CREATE TYPE name AS ENUM.
type CreateEnumStmt struct {
	TypeName []string
	Vals     []string
}

// CreateRangeStmt is CREATE TYPE name AS RANGE.
type CreateRangeStmt struct {
	TypeName []string
	Params   []*DefElem
}

// AlterEnumStmt is ALTER TYPE ... ADD VALUE (OldVal "") or RENAME VALUE (HasOldVal).
type AlterEnumStmt struct {
	TypeName           []string
	HasOldVal          bool
	OldVal             string
	NewVal             string
	HasNeighbor        bool
	NewValNeighbor     string
	NewValIsAfter      bool
	SkipIfNewValExists bool
}

// AlterTypeStmt is ALTER TYPE ... SET (options).
type AlterTypeStmt struct {
	TypeName []string
	Options  []*DefElem
}

// CreateDomainStmt is CREATE DOMAIN.
type CreateDomainStmt struct {
	Domainname  []string
	TypeName    *TypeName
	CollClause  *CollateClause
	Constraints []*Constraint
}

// AlterDomainStmt is ALTER DOMAIN. Subtype: 'T' default, 'N' drop not null, 'O' set not null,
// 'C' add constraint, 'X' drop constraint, 'V' validate constraint.
type AlterDomainStmt struct {
	Subtype   byte
	TypeName  []string
	Name      string
	Def       Node
	Behavior  DropBehavior
	MissingOk bool
}

// CreateSchemaStmt is CREATE SCHEMA with the statements in it.
type CreateSchemaStmt struct {
	Schemaname  string
	Authrole    *RoleSpec
	SchemaElts  []Stmt
	IfNotExists bool
}

// CreateCastStmt is CREATE CAST. Context is CoerceImplicitCast, -ExplicitCast, or Assignment.
type CreateCastStmt struct {
	Sourcetype *TypeName
	Targettype *TypeName
	Func       *ObjectWithArgs
	Context    CoercionContext
	Inout      bool
}

// CoercionContext says when a cast applies.
type CoercionContext uint8

const (
	CoercionImplicit CoercionContext = iota
	CoercionAssignment
	CoercionPlpgsql
	CoercionExplicit
)

// CreateTransformStmt is CREATE TRANSFORM.
type CreateTransformStmt struct {
	Replace  bool
	TypeName *TypeName
	Lang     string
	Fromsql  *ObjectWithArgs
	Tosql    *ObjectWithArgs
}

// CreateConversionStmt is CREATE CONVERSION.
type CreateConversionStmt struct {
	ConversionName  []string
	ForEncodingName string
	ToEncodingName  string
	FuncName        []string
	Def             bool
}

// CreateOpClassStmt is CREATE OPERATOR CLASS.
type CreateOpClassStmt struct {
	Opclassname  []string
	Opfamilyname []string
	Amname       string
	Datatype     *TypeName
	Items        []*CreateOpClassItem
	IsDefault    bool
}

// Kinds of CreateOpClassItem.
const (
	OpclassItemOperator    = 1
	OpclassItemFunction    = 2
	OpclassItemStoragetype = 3
)

// CreateOpClassItem is an operator, function or storage type of an operator class.
type CreateOpClassItem struct {
	Itemtype    int32
	Name        *ObjectWithArgs
	Number      int32
	OrderFamily []string
	ClassArgs   []*TypeName
	Storedtype  *TypeName
}

// CreateOpFamilyStmt is CREATE OPERATOR FAMILY.
type CreateOpFamilyStmt struct {
	Opfamilyname []string
	Amname       string
}

// AlterOpFamilyStmt is ALTER OPERATOR FAMILY ADD or DROP.
type AlterOpFamilyStmt struct {
	Opfamilyname []string
	Amname       string
	IsDrop       bool
	Items        []*CreateOpClassItem
}

// AlterOperatorStmt is ALTER OPERATOR ... SET.
type AlterOperatorStmt struct {
	Opername *ObjectWithArgs
	Options  []*DefElem
}

// CreateAmStmt is CREATE ACCESS METHOD; Amtype is 'i' or 't'.
type CreateAmStmt struct {
	Amname      string
	HandlerName []string
	Amtype      byte
}

// AlterCollationStmt is ALTER COLLATION ... REFRESH VERSION.
type AlterCollationStmt struct {
	Collname []string
}

// CreatePLangStmt is CREATE LANGUAGE with a handler.
type CreatePLangStmt struct {
	Replace     bool
	Plname      string
	Plhandler   []string
	Plinline    []string
	Plvalidator []string
	Pltrusted   bool
}

// CreateExtensionStmt is CREATE EXTENSION.
type CreateExtensionStmt struct {
	Extname     string
	IfNotExists bool
	Options     []*DefElem
}

// AlterExtensionStmt is ALTER EXTENSION ... UPDATE.
type AlterExtensionStmt struct {
	Extname string
	Options []*DefElem
}

// AlterExtensionContentsStmt is ALTER EXTENSION ADD (Action 1) or DROP (-1).
type AlterExtensionContentsStmt struct {
	Extname string
	Action  int32
	Objtype ObjectType
	Object  Node
}

// AlterTSConfigType is the kind of ALTER TEXT SEARCH CONFIGURATION.
type AlterTSConfigType uint8

const (
	AlterTSConfigAddMapping AlterTSConfigType = iota
	AlterTSConfigAlterMappingForToken
	AlterTSConfigReplaceDict
	AlterTSConfigReplaceDictForToken
	AlterTSConfigDropMapping
)

// AlterTSConfigurationStmt is ALTER TEXT SEARCH CONFIGURATION.
type AlterTSConfigurationStmt struct {
	Kind      AlterTSConfigType
	Cfgname   []string
	Tokentype []string
	Dicts     [][]string
	Override  bool
	Replace   bool
	MissingOk bool
}

// AlterTSDictionaryStmt is ALTER TEXT SEARCH DICTIONARY.
type AlterTSDictionaryStmt struct {
	Dictname []string
	Options  []*DefElem
}

// CreateEventTrigStmt is CREATE EVENT TRIGGER; the Arg of a Whenclause element is a *List of *String.
type CreateEventTrigStmt struct {
	Trigname   string
	Eventname  string
	Whenclause []*DefElem
	Funcname   []string
}

// AlterEventTrigStmt is ALTER EVENT TRIGGER ENABLE/DISABLE; Tgenabled is 'O', 'R', 'A' or 'D'.
type AlterEventTrigStmt struct {
	Trigname  string
	Tgenabled byte
}
