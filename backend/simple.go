package backend

import (
	"strings"

	"gompho/sql/ast"
	"gompho/stats"
)

// simpleQuery serves a Query message: all its statements, then readiness.
func (b *Backend) simpleQuery(sql string) error {
	b.enter(sql)
	b.s.StatementStart = now()
	b.setState("active", sql)
	b.timer.startStatement(b)
	b.limited, b.cache.fresh = false, false
	b.dropUnnamed()
	if p := b.portals[""]; p != nil {
		b.dropPortal(p)
	}
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
	if b.durations() {
		b.logDuration(b.s.StatementStart, func() (string, string) { return "statement: " + sql, b.sourceOf })
	}
	return b.ready()
}

// enter notes the text that is running from now on.
func (b *Backend) enter(sql string) {
	b.s.QueryText = sql
	b.inQuery, b.logged, b.sourceOf = true, false, ""
}

func (b *Backend) runText(sql string) error {
	b.enter(sql)
	b.steps.parsing = b.clock()
	stmts, err := b.parseText(sql)
	if err != nil {
		b.countUnparsed()
		return err
	}
	b.logStatement(sql, stmts)
	if b.durations() {
		b.sourceOf = b.prepareDetail(stmts)
	}
	if len(stmts) == 0 {
		b.c.Simple('I')
		return nil
	}
	for i := range stmts {
		raw := &stmts[i]
		if i > 0 {
			b.steps.parsing = b.clock()
			b.timer.startStatement(b) // each statement has its time
		}
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
	b.ps = raw.Stmt.CommandTag()
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
	b.step(stats.StepParse, b.steps.parsing)
	if c := &b.cache; c.fresh {
		c.fresh = false
		if c.seen != nil {
			c.seen[string(c.norm.Key)] = known{p.queryID, p.stat}
		}
	}
	return b.runOnce(p)
}

// runOnce runs a prepared statement without parameters in a portal that lives for this run only.
func (b *Backend) runOnce(p *Prepared) error {
	pt := &Portal{stmt: p, created: now(), sub: len(b.blk.points), simple: true}
	w := b.writer(p, nil)
	b.current = pt
	_, err := b.runPortal(pt, 0, w)
	b.current = nil
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
	*w = rowWriter{c: b.c, env: b.env, types: p.outTypes, formats: formats, n: len(p.outTypes), slot: b.o.Slot}
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
