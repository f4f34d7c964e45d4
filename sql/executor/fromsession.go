package executor

import (
	"gompho/functions"
	"gompho/session"
	"gompho/storage/heap"
)

// FromSession makes the environment of a session's executions; fenv is the session as functions see it.
func FromSession(s *session.Session, funcs *functions.Registry, fenv functions.Env) *Env {
	return &Env{Slot: s.Slot, Tx: s.Tx, Catalog: s.Cat, Funcs: funcs, Func: fenv, WorkMem: s.WorkMem,
		TempFile: func() (heap.TempFile, error) { return s.Heap.TempFile(s.Slot) }, Notice: s.Notice}
}
