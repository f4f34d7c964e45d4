package backend

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// twoPhase runs PREPARE TRANSACTION, COMMIT PREPARED and ROLLBACK PREPARED.
func (b *Backend) twoPhase(x *ast.TransactionStmt) (string, error) {
	switch x.Kind {
	case ast.TransStmtPrepare:
		return b.blk.prepare(func() error { return b.prepareTransaction(x.Gid) })
	case ast.TransStmtCommitPrepared, ast.TransStmtRollbackPrepared:
		return x.CommandTag(), b.finishPrepared(x)
	}
	return "", pgerr.NotSupported("%s is not supported", x.CommandTag())
}

// prepareTransaction prepares the transaction of the block.
func (b *Backend) prepareTransaction(gid string) error {
	for _, p := range b.portals {
		if p.holdable && p.held == nil {
			return pgerr.NotSupported("cannot PREPARE a transaction that has created a cursor WITH HOLD")
		}
	}
	return b.s.Tx.Prepare(gid, b.s.User)
}

// finishPrepared finishes a prepared transaction, in a transaction of its own.
func (b *Backend) finishPrepared(x *ast.TransactionStmt) error {
	if b.blk.explicit || b.blk.implicit {
		return pgerr.New(pgerr.ActiveSqlTransaction, "%s cannot run inside a transaction block", x.CommandTag())
	}
	super, err := b.s.Cat.IsSuperuser(b.s.User)
	if err != nil {
		return err
	}
	m := b.s.Tx.Manager()
	p, err := m.ClaimPrepared(x.Gid, b.s.User, b.s.DB, super)
	if err != nil {
		return err
	}
	m.FinishPrepared(b.s.Slot, p, x.Kind == ast.TransStmtCommitPrepared)
	return b.blk.finish()
}
