package analyzer

import (
	"strconv"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// Session is what analysis needs of the session that a statement runs in.
type Session struct {
	Cat *catalog.Session
	// Env serves the input functions of literals.
	Env types.Env
	// OnNotice gets notices and warnings; nil drops them.
	OnNotice func(*pgerr.Error)
	// Interrupted returns the error of a request to end the statement, nil when there is none; nil: nobody asks.
	Interrupted func() error
}

// Notice hands a notice to the client.
func (s *Session) Notice(e *pgerr.Error) {
	if s.OnNotice != nil {
		s.OnNotice(e)
	}
}

// Params are the types of $1, $2, ... of a statement. Unless Fixed, types that are 0 (or missing) are inferred
// from use and filled in.
type Params struct {
	Types []ids.Oid
	Fixed bool
}

// Analyze turns a parsed statement into a Query. params nil means that the statement has no parameters. Errors are
// *pgerr.Error with Position as the byte offset in the text plus one.
func Analyze(s *Session, stmt *ast.RawStmt, params *Params) (q *query.Query, err error) {
	defer catch(&err)
	a := &analysis{s: s, cat: s.Cat, params: params}
	p := newState(a, nil)
	q = p.topStatement(stmt.Stmt)
	q.StmtLocation, q.StmtLen = stmt.Location, stmt.Len
	if params != nil && !params.Fixed && len(params.Types) > 0 {
		p.checkParams(q)
	}
	return q, nil
}

// topStatement also turns SELECT INTO into CREATE TABLE AS.
func (p *state) topStatement(n ast.Stmt) *query.Query {
	if s, ok := n.(*ast.SelectStmt); ok {
		left := s
		for left != nil && left.Op != ast.SetopNone {
			left = left.Larg
		}
		if into := left.IntoClause; into != nil {
			n = &ast.CreateTableAsStmt{Query: withoutInto(s), Into: into, Objtype: ast.ObjectTable, IsSelectInto: true}
		}
	}
	return p.statement(n)
}

// withoutInto copies the left spine of a SELECT without its INTO.
func withoutInto(s *ast.SelectStmt) *ast.SelectStmt {
	c := *s
	if c.Op == ast.SetopNone {
		c.IntoClause = nil
	} else {
		c.Larg = withoutInto(c.Larg)
	}
	return &c
}

func (p *state) statement(n ast.Stmt) *query.Query {
	switch n := n.(type) {
	case *ast.SelectStmt:
		return p.selectStmt(n)
	case *ast.InsertStmt:
		return p.insertStmt(n)
	case *ast.UpdateStmt:
		return p.updateStmt(n)
	case *ast.DeleteStmt:
		return p.deleteStmt(n)
	case *ast.MergeStmt:
		return p.mergeStmt(n)
	}
	return p.utility(n)
}

// checkParams verifies that every parameter has got a type.
func (p *state) checkParams(q *query.Query) {
	ps := p.params
	query.Walk(q, func(n query.Node) bool {
		prm, ok := n.(*query.Param)
		if !ok || prm.Kind != query.ParamExtern {
			return true
		}
		if t := ps.Types[prm.ID-1]; t != prm.Type() {
			if prm.Type() == unknownOid && t != unknownOid {
				// A use that said nothing about the type.
				failAt(prm.Location, pgerr.AmbiguousParameter, "could not determine data type of parameter $%d", prm.ID)
			}
			failAt(prm.Location, pgerr.AmbiguousParameter, "could not determine data type of parameter $%d", prm.ID)
		}
		return true
	})
	for i, t := range ps.Types {
		if t == 0 || t == unknownOid {
			fail(pgerr.New(pgerr.IndeterminateDatatype, "could not determine data type of parameter $%d", i+1))
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

func (p *state) lookupOpClass(am ids.Oid, names []string) ids.Oid {
	schema, name := p.splitName(names, -1)
	list := must(p.cat.OpClasses(am, name))
	path := must(p.cat.SearchPath(true))
	if schema != "" {
		path = []ids.Oid{must(p.cat.LookupNamespace(schema, false))}
	}
	for _, ns := range path {
		for _, c := range list {
			if c.Opcnamespace == ns {
				return c.Oid
			}
		}
	}
	amName := "???"
	if m := must(p.cat.Am(am)); m != nil {
		amName = m.Amname
	}
	fail(pgerr.New(pgerr.UndefinedObject, "operator class \"%s\" does not exist for access method \"%s\"", name, amName))
	return 0
}

func familyProcs(cat *catalog.Session, family ids.Oid) ([]*catalog.PgAmproc, error) {
	return catalog.FetchAll[catalog.PgAmproc](cat, catalog.PgAmprocFamProcIndex, catalog.OidKey(catalog.AttPgAmprocAmprocfamily, family))
}
