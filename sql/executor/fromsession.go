package executor

import (
	"gompho/functions"
	"gompho/session"
)

// FromSession makes the environment of a session's executions; fenv is the session as functions see it.
func FromSession(s *session.Session, funcs *functions.Registry, fenv functions.Env) *Env {
	return &Env{Slot: s.Slot, Tx: s.Tx, Catalog: s.Cat, Funcs: funcs, Func: fenv, WorkMem: s.WorkMem,
		TempFile: s.Heap.TempFile, Notice: s.Notice}
}
