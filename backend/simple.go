package backend

import (
	"strings"

	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/parser"
)

// simpleQuery serves a Query message: all its statements, then readiness.
func (b *Backend) simpleQuery(sql string) error {
	b.s.QueryText = sql
	b.s.StatementStart = now()
	b.setState("active", sql)
	b.timer.startStatement(b)
	b.limited = false
	b.dropUnnamed()
	done, err := b.fastPath(sql)
	if err != nil {
		return err
	}
	if !done {
		if err := b.runText(strings.Clone(sql)); err != nil {
			return err
		}
	}
	b.timer.stopStatement(b)
	return b.ready()
}

func (b *Backend) runText(sql string) error {
	b.s.QueryText = sql
	stmts, err := parser.Parse(sql)
	if err != nil {
		return err
	}
	b.logStatement(sql, stmts)
	if len(stmts) == 0 {
		b.c.Simple('I')
		return nil
	}
	for i := range stmts {
		raw := &stmts[i]
		if len(stmts) > 1 && !b.blk.explicit {
			b.blk.implicit = true
		}
		if i == len(stmts)-1 && b.blk.implicit && !b.blk.explicit {
			if err := b.lastOfBlock(raw, sql); err != nil {
				return err
			}
			continue
		}
		if err := b.runStatement(raw, sql); err != nil {
			return err
		}
	}
	return nil
}

// lastOfBlock runs the last statement of a multi-statement query; the implicit block ends with it.
func (b *Backend) lastOfBlock(raw *ast.RawStmt, sql string) error {
	if err := b.runStatementNoTag(raw, sql); err != nil {
		return err
	}
	if b.blk.implicit && !b.blk.explicit {
		b.blk.implicit = false
		if b.s.Tx.InTransaction() {
			if err := b.blk.commit(); err != nil {
				return err
			}
		}
	}
	b.sendTag()
	return nil
}

// runStatement runs one statement and reports its completion.
func (b *Backend) runStatement(raw *ast.RawStmt, sql string) error {
	if err := b.runStatementNoTag(raw, sql); err != nil {
		return err
	}
	b.sendTag()
	return nil
}

func (b *Backend) sendTag() {
	if b.tag != "" {
		b.c.CommandComplete(b.tag)
		b.tag = ""
	}
}

// runStatementNoTag runs one statement up to, but without, its CommandComplete, which is in b.tag.
func (b *Backend) runStatementNoTag(raw *ast.RawStmt, sql string) error {
	if err := b.admit(raw.Stmt); err != nil {
		return err
	}
	if err := b.begin(raw.Stmt); err != nil {
		return err
	}
	p, err := b.prepare(raw, sql, nil, false)
	if err != nil {
		return err
	}
	return b.runOnce(p)
}

// runOnce runs a prepared statement without parameters in a portal that lives for this run only.
func (b *Backend) runOnce(p *Prepared) error {
	pt := &Portal{stmt: p, created: now(), sub: len(b.blk.points)}
	w := b.writer(p, nil)
	if p.returns {
		b.c.RowDescription(p.fields, nil)
	}
	_, err := b.runPortal(pt, 0, w)
	if err != nil {
		pt.done = false
		b.endPortal(pt)
		return err
	}
	b.endPortal(pt)
	b.tag = pt.tag
	return b.finishStatement(p)
}

// finishStatement commits outside of blocks, or makes the statement's effects visible to the next.
func (b *Backend) finishStatement(p *Prepared) error {
	if p.raw != nil {
		if _, ok := p.raw.Stmt.(*ast.TransactionStmt); ok {
			return nil
		}
	}
	return b.blk.finish()
}

func (b *Backend) writer(p *Prepared, formats []int16) *rowWriter {
	w := &b.rows
	*w = rowWriter{c: b.c, env: b.env, types: p.outTypes, formats: formats, n: len(p.outTypes)}
	return w
}

// admit rejects statements in a failed block, all but those that end it.
func (b *Backend) admit(stmt ast.Stmt) error {
	if !b.blk.failed {
		return nil
	}
	if t, ok := stmt.(*ast.TransactionStmt); ok {
		switch t.Kind {
		case ast.TransStmtCommit, ast.TransStmtRollback, ast.TransStmtRollbackTo, ast.TransStmtPrepare:
			return nil
		}
	}
	return errAborted()
}

// begin starts the transaction that a statement runs in.
func (b *Backend) begin(ast.Stmt) error {
	if b.blk.failed {
		return nil
	}
	return b.blk.start()
}

// logStatement writes statements to the log as log_statement asks.
func (b *Backend) logStatement(sql string, stmts []ast.RawStmt) {
	level := b.hot.logStatement(b)
	if level == "none" {
		return
	}
	want := level == "all"
	for i := range stmts {
		c := classify(stmts[i].Stmt)
		want = want || c == "ddl" || level == "mod" && c == "mod"
	}
	if want {
		b.logLine(pgerr.New(pgerr.SuccessfulCompletion, "statement: %s", sql).WithSeverity(pgerr.LogSev))
	}
}

func classify(s ast.Stmt) string {
	switch s.(type) {
	case *ast.SelectStmt, *ast.VariableSetStmt, *ast.VariableShowStmt, *ast.TransactionStmt, *ast.FetchStmt, *ast.DeclareCursorStmt,
		*ast.ClosePortalStmt, *ast.ExplainStmt, *ast.LockStmt, *ast.CheckPointStmt, *ast.DiscardStmt, *ast.DeallocateStmt,
		*ast.VacuumStmt, *ast.PrepareStmt, *ast.ExecuteStmt:
		return "read"
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt, *ast.MergeStmt, *ast.CopyStmt, *ast.TruncateStmt:
		return "mod"
	}
	return "ddl"
}
