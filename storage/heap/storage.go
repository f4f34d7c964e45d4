package heap

import (
	"sync"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/smgr"
)

// CreateStorage makes the empty files of a new relation within tx: they go away if it aborts. An unlogged relation also gets the init fork from which it is
// reset after a crash; an index writes its empty self into both.
func CreateStorage(tx *mvcc.Session, env *Env, file ids.RelFile, logged, temp bool) error {
	if _, err := tx.AssignXid(); err != nil {
		return err
	}
	if temp {
		env.Pool.AddLocal(tx.Slot(), file)
	}
	if err := createFork(tx, env, file, ids.MainFork, true); err != nil {
		return err
	}
	tx.CreatedFile(file)
	if logged || temp {
		return nil
	}
	return createFork(tx, env, file, ids.InitFork, true)
}

func createFork(tx *mvcc.Session, env *Env, file ids.RelFile, fork ids.Fork, logged bool) error {
	if err := env.Pool.Storage().Create(file, fork, false); err != nil {
		return err
	}
	if l := env.Pool.Log(); logged && l != nil {
		smgr.LogCreate(l, tx.Xid(), file, fork)
	}
	return nil
}

// TruncateAll empties the relation at once, not transactionally: for a table that was made in this very transaction.
func TruncateAll(tx *mvcc.Session, r *Rel) error { return Truncate(tx, r, 0) }

// Truncate cuts the table to n blocks, which are empty from there on. The caller holds AccessExclusive on it.
func Truncate(tx *mvcc.Session, r *Rel, n ids.BlockNumber) error {
	slot := tx.Slot()
	r.target.Store(0)
	vm := r.newVM()
	defer vm.Close()
	if err := vm.Truncate(slot, n); err != nil {
		return err
	}
	if err := r.fsm().Truncate(slot, n); err != nil {
		return err
	}
	sizes := [ids.NumForks]ids.BlockNumber{n, buffer.Keep, buffer.Keep, buffer.Keep}
	return r.Env.Pool.Truncate(slot, tx.Xid(), r.info(), sizes)
}

// vacuumCycles tells index page splits that a vacuum of the index is running, so that vacuum notices items which a split moves to a page
// that it has passed.
type vacuumCycles struct {
	mu      sync.Mutex
	last    uint16
	running map[ids.RelFile]uint16 // mu
}

// BeginIndexVacuum registers a vacuum of an index and returns its cycle id, never 0.
func (e *Env) BeginIndexVacuum(f ids.RelFile) uint16 {
	c := &e.cycles
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last++; c.last == 0 {
		c.last = 1
	}
	if c.running == nil {
		c.running = map[ids.RelFile]uint16{}
	}
	c.running[f] = c.last
	return c.last
}

// EndIndexVacuum ends it.
func (e *Env) EndIndexVacuum(f ids.RelFile) {
	e.cycles.mu.Lock()
	delete(e.cycles.running, f)
	e.cycles.mu.Unlock()
}

// IndexVacuumCycle returns the cycle id of the vacuum that works on an index, 0 if none does.
func (e *Env) IndexVacuumCycle(f ids.RelFile) uint16 {
	e.cycles.mu.Lock()
	defer e.cycles.mu.Unlock()
	return e.cycles.running[f]
}
