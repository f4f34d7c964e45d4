package locks

import (
	"fmt"

	"gompho/internal/pgerr"
)

// Action is what a process does to a row while it waits for the transaction that has the row.
type Action uint8

// Actions, and the words of the CONTEXT of an error while waiting.
const (
	NoAction Action = iota
	UpdatingTuple
	DeletingTuple
	LockingTuple
	LockingUpdated
	InsertingIndexTuple
	CheckingUnique
	RecheckingUpdated
)

var actionFormats = [...]string{
	UpdatingTuple:       "while updating tuple (%d,%d) in relation \"%s\"",
	DeletingTuple:       "while deleting tuple (%d,%d) in relation \"%s\"",
	LockingTuple:        "while locking tuple (%d,%d) in relation \"%s\"",
	LockingUpdated:      "while locking updated version (%d,%d) of tuple in relation \"%s\"",
	InsertingIndexTuple: "while inserting index tuple (%d,%d) in relation \"%s\"",
	CheckingUnique:      "while checking uniqueness of tuple (%d,%d) in relation \"%s\"",
	RecheckingUpdated:   "while rechecking updated tuple (%d,%d) in relation \"%s\"",
}

// About tells which row a wait for a transaction is about, since the transaction's tag does not.
type About struct {
	Action   Action
	Row      Tag    // the row version waited for, a tuple tag
	Relation string // name of the relation that messages speak of: the table, or the index for its actions
}

// String is the line of CONTEXT, empty for no action.
func (a About) String() string {
	if a.Action == NoAction {
		return ""
	}
	t := a.Row.TID()
	return fmt.Sprintf(actionFormats[a.Action], t.Block, t.Offset, a.Relation)
}

// SetAbout tells what the next waits for transactions are about. The zero About ends that.
func (o *Owner) SetAbout(a About) { o.about = a }

// aboutOf returns what the process's wait for tag is about.
func (o *Owner) aboutOf(tag Tag) About {
	if tag.kind != KindTransaction {
		return About{}
	}
	return o.about
}

// withContext adds to an error of a wait what the wait was about.
func (a About) withContext(err error) error {
	if err == nil || a.Action == NoAction {
		return err
	}
	return pgerr.From(err).WithWhere("%s", a.String())
}
