package backend

import (
	"gompho/internal/pgerr"
	"gompho/mvcc"
)

// block is the state of the session's transaction block: what BEGIN, COMMIT, ROLLBACK and savepoints mean now.
type block struct {
	tx       *mvcc.Session
	explicit bool // BEGIN was given
	implicit bool // several statements of one simple query form a block
	failed   bool // an error happened: only the end of the block, or of the subtransaction, is accepted
	points   []savepoint
	lost     func() error                // an interrupt that the statement has not answered
	closing  func() error                // the transaction is about to commit; an error aborts it
	begun    func(sub bool)              // a (sub)transaction has started
	ended    func(sub bool, commit bool) // a (sub)transaction has ended
	options  func() mvcc.BeginOpts
	warn     func(code pgerr.Code, msg string)
}

// savepoint is a named subtransaction; after an error in it the subtransaction is gone but the name stays.
type savepoint struct {
	name    string
	aborted bool
}

// status is the transaction status of ReadyForQuery.
func (b *block) status() byte {
	switch {
	case b.failed:
		return 'E'
	case b.explicit || b.implicit && b.tx.InTransaction():
		return 'T'
	}
	return 'I'
}

// start makes sure that a transaction runs, for the statement to come.
func (b *block) start() error {
	if b.tx.InTransaction() || b.failed {
		return nil
	}
	if err := b.tx.Begin(b.options()); err != nil {
		return err
	}
	b.begun(false)
	return nil
}

// finish ends a statement that succeeded: outside of blocks it commits.
func (b *block) finish() error {
	if !b.tx.InTransaction() {
		return nil
	}
	if b.explicit || b.implicit {
		if err := b.lost(); err != nil {
			return err
		}
		return b.tx.IncrementCommand()
	}
	return b.commit()
}

// commit commits the transaction with all its subtransactions; an error means that it was aborted.
func (b *block) commit() error {
	err := b.closing()
	if err == nil {
		err = b.lost()
	}
	if err != nil {
		b.abort()
		return err
	}
	for range b.points {
		b.ended(true, true)
	}
	b.points = nil
	err = b.tx.Commit()
	if err != nil {
		b.tx.Abort()
	}
	b.reset()
	b.ended(false, err == nil)
	return err
}

// abort ends the transaction without effect.
func (b *block) abort() {
	if b.tx.InTransaction() {
		for range b.points {
			b.ended(true, false)
		}
		b.points = nil
		b.tx.Abort()
		b.ended(false, false)
	}
	b.reset()
}

func (b *block) reset() {
	b.explicit, b.implicit, b.failed, b.points = false, false, false, nil
	b.tx.DropExports()
}

// fail is called after an error: the innermost subtransaction, or the transaction, is undone; a block stays open in
// failed state.
func (b *block) fail() {
	switch {
	case !b.tx.InTransaction():
		if b.explicit {
			b.failed = true
		}
	case !b.explicit:
		b.abort()
	case b.failed:
	case len(b.points) > 0:
		p := &b.points[len(b.points)-1]
		if !p.aborted {
			b.tx.AbortSub()
			p.aborted = true
			b.ended(true, false)
		}
		b.failed = true
	default:
		b.tx.Abort()
		b.failed = true
		b.ended(false, false)
	}
}

// errAborted is the answer to statements in a failed block.
func errAborted() error {
	return pgerr.New(pgerr.InFailedSqlTransaction, "current transaction is aborted, commands ignored until end of transaction block")
}

// begin is BEGIN.
func (b *block) begin() error {
	if b.explicit {
		b.warn(pgerr.ActiveSqlTransaction, "there is already a transaction in progress")
		return nil
	}
	if err := b.start(); err != nil {
		return err
	}
	b.explicit, b.implicit = true, false
	return nil
}

// end is COMMIT (or END) and ROLLBACK; it returns the command tag.
func (b *block) end(commit, chain bool) (string, error) {
	if !b.explicit {
		if chain {
			word := "ROLLBACK AND CHAIN"
			if commit {
				word = "COMMIT AND CHAIN"
			}
			return "", pgerr.New(pgerr.NoActiveSqlTransaction, "%s can only be used in transaction blocks", word)
		}
		b.warn(pgerr.NoActiveSqlTransaction, "there is no transaction in progress")
		if !commit {
			b.abort()
			return "ROLLBACK", nil
		}
		if b.tx.InTransaction() {
			return "COMMIT", b.commit()
		}
		b.reset()
		return "COMMIT", nil
	}
	opts := mvcc.BeginOpts{Isolation: b.tx.Isolation(), ReadOnly: b.tx.ReadOnly(), Deferrable: b.tx.Deferrable()}
	tag := "COMMIT"
	if b.failed || !commit {
		tag = "ROLLBACK"
		b.abort()
	} else if err := b.commit(); err != nil {
		return "", err
	}
	if chain {
		if err := b.tx.Begin(opts); err != nil {
			return "", err
		}
		b.begun(false)
		b.explicit = true
	}
	return tag, nil
}

// prepare is PREPARE TRANSACTION, which run does to the session's transaction; it returns the command tag.
func (b *block) prepare(run func() error) (string, error) {
	switch {
	case b.failed:
		b.abort()
		return "ROLLBACK", nil
	case !b.explicit:
		b.warn(pgerr.NoActiveSqlTransaction, "there is no transaction in progress")
		if !b.implicit {
			return "ROLLBACK", b.finish()
		}
	}
	for range b.points {
		b.ended(true, true)
	}
	b.points = nil
	err := run()
	if err != nil {
		b.tx.Abort()
	}
	b.reset()
	b.ended(false, err == nil)
	return "PREPARE TRANSACTION", err
}

// needBlock is the check of statements that make sense only in a block.
func (b *block) needBlock(command string) error {
	if !b.explicit {
		return pgerr.New(pgerr.NoActiveSqlTransaction, "%s can only be used in transaction blocks", command)
	}
	return nil
}

// savepoint is SAVEPOINT name.
func (b *block) savepoint(name string) error {
	if b.failed {
		return errAborted()
	}
	if err := b.needBlock("SAVEPOINT"); err != nil {
		return err
	}
	if _, err := b.tx.BeginSub(); err != nil {
		return err
	}
	b.points = append(b.points, savepoint{name: name})
	b.begun(true)
	return nil
}

func (b *block) find(name string) int {
	for i := len(b.points) - 1; i >= 0; i-- {
		if b.points[i].name == name {
			return i
		}
	}
	return -1
}

func noSavepoint(name string) error {
	return pgerr.New(pgerr.SEInvalidSpecification, "savepoint %q does not exist", name)
}

// release is RELEASE SAVEPOINT name.
func (b *block) release(name string) error {
	if b.failed {
		return errAborted()
	}
	if err := b.needBlock("RELEASE SAVEPOINT"); err != nil {
		return err
	}
	i := b.find(name)
	if i < 0 {
		return noSavepoint(name)
	}
	for len(b.points) > i {
		if err := b.tx.CommitSub(); err != nil {
			return err
		}
		b.points = b.points[:len(b.points)-1]
		b.ended(true, true)
	}
	return nil
}

// rollbackTo is ROLLBACK TO SAVEPOINT name.
func (b *block) rollbackTo(name string) error {
	if err := b.needBlock("ROLLBACK TO SAVEPOINT"); err != nil {
		return err
	}
	i := b.find(name)
	if i < 0 {
		return noSavepoint(name)
	}
	if !b.tx.InTransaction() {
		return noSavepoint(name)
	}
	for j := len(b.points) - 1; j >= i; j-- {
		if !b.points[j].aborted {
			b.tx.AbortSub()
			b.ended(true, false)
		}
	}
	b.points = b.points[:i+1]
	b.points[i].aborted = false
	b.failed = false
	if _, err := b.tx.BeginSub(); err != nil {
		return err
	}
	b.begun(true)
	return nil
}
