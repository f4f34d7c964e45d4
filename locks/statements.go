package locks

import (
	"bytes"
	"time"
)

// What a transaction has done, told by the statements that took its locks. A process notes the statement that it runs when
// that takes its first lock: one comparison at each acquisition, a mutex and a copy into memory that is used again once a statement.

// Statement is a statement of a transaction that took locks.
type Statement struct {
	Text  string // as pg_stat_activity shows it
	Start time.Time
}

const (
	maxStatements   = 64  // that are kept of a transaction: the first FirstStatements and the last
	FirstStatements = 16  // that stay when there are more: those in the middle are left out
	keptText        = 512 // bytes of a text's memory that are kept for other transactions
)

// noted is a statement that took locks; its memory is used again by later ones.
type noted struct {
	text  []byte
	start time.Time
}

// noteStatement adds the statement that the process runs to those of its transaction. Caller found that it is not the one
// noted last. A statement that is repeated at once (a prepared one; Parse and Execute of one) is there once.
func (o *Owner) noteStatement(serial uint64) {
	o.notedUpTo = serial
	text, start := o.slot.Activity.Statement()
	n := len(o.statements)
	if len(text) == 0 || n > 0 && bytes.Equal(o.statements[n-1].text, text) {
		return
	}
	o.histMu.Lock()
	defer o.histMu.Unlock()
	if n < maxStatements {
		if n < cap(o.statements) {
			o.statements = o.statements[:n+1]
		} else {
			o.statements = append(o.statements, noted{})
		}
	} else {
		o.leftOut++
		n--
		spare := o.statements[FirstStatements]
		copy(o.statements[FirstStatements:], o.statements[FirstStatements+1:])
		o.statements[n] = spare
	}
	st := &o.statements[n]
	st.text, st.start = append(st.text[:0], text...), start
}

// Statements returns the statements of the process's transaction that took locks, oldest first, and how many were left out after the first FirstStatements of them. Anybody may ask.
func (o *Owner) Statements() (list []Statement, leftOut int) {
	o.histMu.Lock()
	defer o.histMu.Unlock()
	for _, st := range o.statements {
		list = append(list, Statement{string(st.text), st.start})
	}
	return list, o.leftOut
}

// statementCount is the position that forgetStatements goes back to.
func (o *Owner) statementCount() int { return len(o.statements) + o.leftOut }

// forgetStatements forgets all but the first n statements: their locks are released.
func (o *Owner) forgetStatements(n int) {
	o.notedUpTo = 0
	if o.statementCount() <= n {
		return
	}
	o.histMu.Lock()
	defer o.histMu.Unlock()
	keep := len(o.statements) - (o.statementCount() - n)
	if o.leftOut > 0 && keep < FirstStatements {
		keep = min(n, FirstStatements)
		o.leftOut = n - keep
	}
	for i := keep; i < len(o.statements); i++ {
		if cap(o.statements[i].text) > keptText {
			o.statements[i].text = nil
		}
	}
	o.statements = o.statements[:keep]
}
