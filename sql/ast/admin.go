package ast

// RoleStmtType is ROLE, USER or GROUP.
type RoleStmtType uint8

const (
	RolestmtRole RoleStmtType = iota
	RolestmtUser
	RolestmtGroup
)

// CreateRoleStmt is CREATE ROLE, USER or GROUP.
type CreateRoleStmt struct {
	StmtType RoleStmtType
	Role     string
	Options  []*DefElem
}

// AlterRoleStmt is ALTER ROLE options, or ALTER GROUP ADD (Action 1) or DROP (-1) USER.
type AlterRoleStmt struct {
	Role    *RoleSpec
	Options []*DefElem
	Action  int32
}

// AlterRoleSetStmt is ALTER ROLE ... SET; Role nil means ALL.
type AlterRoleSetStmt struct {
	Role     *RoleSpec
	Database string
	Setstmt  *VariableSetStmt
}

// DropRoleStmt is DROP ROLE.
type DropRoleStmt struct {
	Roles     []*RoleSpec
	MissingOk bool
}

// GrantTargetType says what a GRANT's objects are.
type GrantTargetType uint8

const (
	AclTargetObject GrantTargetType = iota
	AclTargetAllInSchema
	AclTargetDefaults
)

// GrantStmt is GRANT or REVOKE of privileges; Privileges nil means ALL. Objects are *RangeVar for
// tables and sequences, *ObjectWithArgs for functions, *List of *String for types and domains,
// *Float or *Integer for large objects, *String else.
type GrantStmt struct {
	IsGrant     bool
	Targtype    GrantTargetType
	Objtype     ObjectType
	Objects     []Node
	Privileges  []*AccessPriv
	Grantees    []*RoleSpec
	GrantOption bool
	Grantor     *RoleSpec
	Behavior    DropBehavior
}

// AccessPriv is a privilege, or a role in GRANT role; PrivName "" is ALL (Cols).
type AccessPriv struct {
	PrivName string
	Cols     []string
}

// GrantRoleStmt is GRANT or REVOKE of role membership.
type GrantRoleStmt struct {
	GrantedRoles []*AccessPriv
	GranteeRoles []*RoleSpec
	IsGrant      bool
	AdminOpt     bool
	Grantor      *RoleSpec
	Behavior     DropBehavior
}

// AlterDefaultPrivilegesStmt is ALTER DEFAULT PRIVILEGES. Options: "schemas" (*List of *String),
// "roles" (*List of *RoleSpec).
type AlterDefaultPrivilegesStmt struct {
	Options []*DefElem
	Action  *GrantStmt
}

// ReassignOwnedStmt is REASSIGN OWNED.
type ReassignOwnedStmt struct {
	Roles   []*RoleSpec
	Newrole *RoleSpec
}

// DropOwnedStmt is DROP OWNED.
type DropOwnedStmt struct {
	Roles    []*RoleSpec
	Behavior DropBehavior
}

// CreatedbStmt is CREATE DATABASE.
type CreatedbStmt struct {
	Dbname  string
	Options []*DefElem
}

// AlterDatabaseStmt is ALTER DATABASE options.
type AlterDatabaseStmt struct {
	Dbname  string
	Options []*DefElem
}

// AlterDatabaseRefreshCollStmt is ALTER DATABASE ... REFRESH COLLATION VERSION.
type AlterDatabaseRefreshCollStmt struct {
	Dbname string
}

// AlterDatabaseSetStmt is ALTER DATABASE ... SET.
type AlterDatabaseSetStmt struct {
	Dbname  string
	Setstmt *VariableSetStmt
}

// DropdbStmt is DROP DATABASE.
type DropdbStmt struct {
	Dbname    string
	MissingOk bool
	Options   []*DefElem
}

// CreateTableSpaceStmt is CREATE TABLESPACE.
type CreateTableSpaceStmt struct {
	Tablespacename string
	Owner          *RoleSpec
	Location       string
	Options        []*DefElem
}

// DropTableSpaceStmt is DROP TABLESPACE.
type DropTableSpaceStmt struct {
	Tablespacename string
	MissingOk      bool
}

// AlterTableSpaceOptionsStmt is ALTER TABLESPACE SET or RESET.
type AlterTableSpaceOptionsStmt struct {
	Tablespacename string
	Options        []*DefElem
	IsReset        bool
}

// AlterSystemStmt is ALTER SYSTEM.
type AlterSystemStmt struct {
	Setstmt *VariableSetStmt
}

// CreateFdwStmt is CREATE FOREIGN DATA WRAPPER.
type CreateFdwStmt struct {
	Fdwname     string
	FuncOptions []*DefElem
	Options     []*DefElem
}

// AlterFdwStmt is ALTER FOREIGN DATA WRAPPER.
type AlterFdwStmt struct {
	Fdwname     string
	FuncOptions []*DefElem
	Options     []*DefElem
}

// CreateForeignServerStmt is CREATE SERVER.
type CreateForeignServerStmt struct {
	Servername  string
	Servertype  string
	Version     string
	Fdwname     string
	IfNotExists bool
	Options     []*DefElem
}

// AlterForeignServerStmt is ALTER SERVER.
type AlterForeignServerStmt struct {
	Servername string
	Version    string
	Options    []*DefElem
	HasVersion bool
}

// CreateUserMappingStmt is CREATE USER MAPPING.
type CreateUserMappingStmt struct {
	User        *RoleSpec
	Servername  string
	IfNotExists bool
	Options     []*DefElem
}

// AlterUserMappingStmt is ALTER USER MAPPING.
type AlterUserMappingStmt struct {
	User       *RoleSpec
	Servername string
	Options    []*DefElem
}

// DropUserMappingStmt is DROP USER MAPPING.
type DropUserMappingStmt struct {
	User       *RoleSpec
	Servername string
	MissingOk  bool
}

// ImportForeignSchemaType is which tables are imported.
type ImportForeignSchemaType uint8

const (
	FdwImportSchemaAll ImportForeignSchemaType = iota
	FdwImportSchemaLimitTo
	FdwImportSchemaExcept
)

// ImportForeignSchemaStmt is IMPORT FOREIGN SCHEMA.
type ImportForeignSchemaStmt struct {
	ServerName   string
	RemoteSchema string
	LocalSchema  string
	ListType     ImportForeignSchemaType
	TableList    []*RangeVar
	Options      []*DefElem
}

// PublicationObjSpecType is the kind of a PublicationObjSpec.
type PublicationObjSpecType uint8

const (
	PublicationobjTable PublicationObjSpecType = iota
	PublicationobjTablesInSchema
	PublicationobjTablesInCurSchema
)

// PublicationObjSpec is an element of a publication's object list.
type PublicationObjSpec struct {
	Pubobjtype PublicationObjSpecType
	Name       string
	Pubtable   *PublicationTable
	Location   int32
}

// PublicationTable is a table of a publication.
type PublicationTable struct {
	Relation    *RangeVar
	WhereClause Node
	Columns     []string
}

// CreatePublicationStmt is CREATE PUBLICATION.
type CreatePublicationStmt struct {
	Pubname      string
	Options      []*DefElem
	Pubobjects   []*PublicationObjSpec
	ForAllTables bool
}

// AlterPublicationAction is ADD, DROP or SET.
type AlterPublicationAction uint8

const (
	APAddObjects AlterPublicationAction = iota
	APDropObjects
	APSetObjects
)

// AlterPublicationStmt is ALTER PUBLICATION.
type AlterPublicationStmt struct {
	Pubname      string
	Options      []*DefElem
	Pubobjects   []*PublicationObjSpec
	ForAllTables bool
	Action       AlterPublicationAction
}

// CreateSubscriptionStmt is CREATE SUBSCRIPTION.
type CreateSubscriptionStmt struct {
	Subname     string
	Conninfo    string
	Publication []string
	Options     []*DefElem
}

// AlterSubscriptionType is the kind of ALTER SUBSCRIPTION.
type AlterSubscriptionType uint8

const (
	AlterSubscriptionOptions AlterSubscriptionType = iota
	AlterSubscriptionConnection
	AlterSubscriptionSetPublication
	AlterSubscriptionAddPublication
	AlterSubscriptionDropPublication
	AlterSubscriptionRefresh
	AlterSubscriptionEnabled
	AlterSubscriptionSkip
)

// AlterSubscriptionStmt is ALTER SUBSCRIPTION.
type AlterSubscriptionStmt struct {
	Kind        AlterSubscriptionType
	Subname     string
	Conninfo    string
	Publication []string
	Options     []*DefElem
}

// DropSubscriptionStmt is DROP SUBSCRIPTION.
type DropSubscriptionStmt struct {
	Subname   string
	MissingOk bool
	Behavior  DropBehavior
}
