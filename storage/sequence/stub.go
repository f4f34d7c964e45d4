package sequence

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/tuple"
)

// Rel is a handle of one sequence.
type Rel struct {
	File   ids.RelFile
	Oid    ids.Oid
	Name   string
	Logged bool
	Temp   bool
}

// Def is the definition of a sequence, from pg_sequence.
type Def struct {
	Start, Increment, Min, Max int64
	Cache                      int64 // values to take at once, at least 1
	Cycle                      bool
}

// State is a sequence's row.
type State struct {
	LastValue int64
	LogCnt    int64
	IsCalled  bool
}

var _ tuple.Header

// Create writes the page of a new sequence (its file is there already), or of one that is reset in a new file.
func Create(tx *mvcc.Session, r Rel, st State) error { panic("sequence") }

// Next takes up to d.Cache values: the first one and the last one cached. 2200H at the limit.
func Next(tx *mvcc.Session, r Rel, d Def) (first, last int64, err error) { panic("sequence") }

// Set is setval; the caller has checked the bounds.
func Set(tx *mvcc.Session, r Rel, value int64, isCalled bool) error { panic("sequence") }
func Read(tx *mvcc.Session, r Rel) (State, error)                   { panic("sequence") }
