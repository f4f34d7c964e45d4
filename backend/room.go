package backend

import (
	"gompho/sql/ast"
	"gompho/sql/parser"
)

// treeBytes is about what an expression of a statement takes, in bytes: the tree of the parser, of the analyzer, and its plan, which are there together.
const treeBytes = 288

// parseText parses statements. The trees of long ones are on the session's account until the answer to the message is complete; they can be a hundred times as
// large as the text.
func (b *Backend) parseText(sql string) ([]ast.RawStmt, error) {
	grow := func() error {
		b.treeSize += parser.Step * treeBytes
		b.trees.Set(b.o.Slot.Account(), b.treeSize, "the tree of a statement")
		return b.s.Slot.CheckInterrupts()
	}
	return parser.ParseInterruptible(sql, grow)
}

// longText is from which length on, in bytes, room is asked for the copies of a statement's text and of the constants in it.
const longText = 1 << 20

// affordText asks for that.
func (b *Backend) affordText(t byte, n int) error {
	if n < longText || t != 'Q' && t != 'P' {
		return nil
	}
	account := b.o.Slot.Account()
	if err := account.Afford(3*int64(n), "the text of a statement"); err != nil {
		return err
	}
	b.treeSize += 2 * int64(n)
	b.trees.Set(account, b.treeSize, "the text of a statement")
	return nil
}

// dropTrees notes that what the message had parsed is gone, or kept as a prepared statement.
func (b *Backend) dropTrees() {
	if b.treeSize != 0 {
		b.treeSize = 0
		b.trees.Done()
	}
}
