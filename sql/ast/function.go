package ast

// FunctionParameterMode is a parameter's mode, as pg_proc.proargmodes has it.
type FunctionParameterMode byte

const (
	FuncParamIn       FunctionParameterMode = 'i'
	FuncParamOut      FunctionParameterMode = 'o'
	FuncParamInout    FunctionParameterMode = 'b'
	FuncParamVariadic FunctionParameterMode = 'v'
	FuncParamTable    FunctionParameterMode = 't'
	FuncParamDefault  FunctionParameterMode = 'd' // no mode given: IN
)

// FunctionParameter is a parameter of CREATE FUNCTION; Name may be "".
type FunctionParameter struct {
	Name    string
	ArgType *TypeName
	Mode    FunctionParameterMode
	Defexpr Node
}

// CreateFunctionStmt is CREATE FUNCTION or PROCEDURE. SqlBody is nil, a *ReturnStmt, or a *List whose
// one item is a *List of the statements of BEGIN ATOMIC.
type CreateFunctionStmt struct {
	IsProcedure bool
	Replace     bool
	Funcname    []string
	Parameters  []*FunctionParameter
	ReturnType  *TypeName
	Options     []*DefElem
	SqlBody     Node
}

// AlterFunctionStmt is ALTER FUNCTION, PROCEDURE or ROUTINE with actions.
type AlterFunctionStmt struct {
	Objtype ObjectType
	Func    *ObjectWithArgs
	Actions []*DefElem
}

// DoStmt is DO.
type DoStmt struct {
	Args []*DefElem
}

// CallStmt is CALL.
type CallStmt struct {
	Funccall *FuncCall
}
