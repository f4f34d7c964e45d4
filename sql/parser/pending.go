package parser

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

func (p *parser) ny(s string) ast.Stmt { p.fail(pgerr.NotSupported("%s", s)); return nil }
func (p *parser) alterStmt() ast.Stmt {
	p.expect(kwAlter)
	switch p.tok.kind {
	case kwTable, kwIndex, kwSequence, kwView:
		t, _ := p.objectTypeAnyName()
		return p.alterRelation(t)
	}
	return p.ny("ALTER")
}
func (p *parser) createDatabase() ast.Stmt      { return p.ny("CREATE DATABASE") }
func (p *parser) createRole() ast.Stmt          { return p.ny("CREATE ROLE") }
func (p *parser) createUserMapping() ast.Stmt   { return p.ny("CREATE of this kind") }
func (p *parser) createExtension() ast.Stmt     { return p.ny("CREATE of this kind") }
func (p *parser) createAccessMethod() ast.Stmt  { return p.ny("CREATE of this kind") }
func (p *parser) createAssertion() ast.Stmt     { return p.ny("CREATE of this kind") }
func (p *parser) createCast() ast.Stmt          { return p.ny("CREATE of this kind") }
func (p *parser) createCollation() ast.Stmt     { return p.ny("CREATE of this kind") }
func (p *parser) createConversion() ast.Stmt    { return p.ny("CREATE of this kind") }
func (p *parser) createEventTrigger() ast.Stmt  { return p.ny("CREATE of this kind") }
func (p *parser) createForeignTable() ast.Stmt  { return p.ny("CREATE of this kind") }
func (p *parser) createFdw() ast.Stmt           { return p.ny("CREATE of this kind") }
func (p *parser) createOperator() ast.Stmt      { return p.ny("CREATE of this kind") }
func (p *parser) createPolicy() ast.Stmt        { return p.ny("CREATE of this kind") }
func (p *parser) createPublication() ast.Stmt   { return p.ny("CREATE of this kind") }
func (p *parser) createServer() ast.Stmt        { return p.ny("CREATE of this kind") }
func (p *parser) createStatistics() ast.Stmt    { return p.ny("CREATE of this kind") }
func (p *parser) createSubscription() ast.Stmt  { return p.ny("CREATE of this kind") }
func (p *parser) createTablespace() ast.Stmt    { return p.ny("CREATE of this kind") }
func (p *parser) createTextSearch() ast.Stmt    { return p.ny("CREATE of this kind") }
func (p *parser) createLanguage(bool) ast.Stmt  { return p.ny("CREATE of this kind") }
func (p *parser) createRule(bool) ast.Stmt      { return p.ny("CREATE of this kind") }
func (p *parser) createTransform(bool) ast.Stmt { return p.ny("CREATE of this kind") }
func (p *parser) createTrigger(bool) ast.Stmt   { return p.ny("CREATE of this kind") }
func (p *parser) commentStmt() ast.Stmt         { return p.ny("COMMENT") }
func (p *parser) grantStmt() ast.Stmt           { return p.ny("GRANT") }
func (p *parser) revokeStmt() ast.Stmt          { return p.ny("REVOKE") }
func (p *parser) importStmt() ast.Stmt          { return p.ny("IMPORT") }
func (p *parser) secLabelStmt() ast.Stmt        { return p.ny("SECURITY LABEL") }
func (p *parser) authIdent() *ast.RoleSpec      { return p.roleSpec() }
