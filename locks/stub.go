package locks

import (
	"gompho/internal/ids"
	"gompho/stats"
)

// Manager is the lock table of one server.
type Manager struct{}

// Owner is one process's side of the lock manager; only that process's goroutine calls its methods.
type Owner struct{}

func New(o Options) *Manager                                                      { panic("locks") }
func (m *Manager) NewOwner(slot *stats.Slot, o OwnerOptions) *Owner               { panic("locks") }
func (o *Owner) Close()                                                           { panic("locks") }
func (o *Owner) Acquire(tag Tag, mode Mode, opts Opts) error                      { panic("locks") }
func (o *Owner) TryAcquire(tag Tag, mode Mode, session bool) (bool, error)        { panic("locks") }
func (o *Owner) Release(tag Tag, mode Mode, session bool) bool                    { panic("locks") }
func (o *Owner) ReleaseTransaction()                                              { panic("locks") }
func (o *Owner) ReleaseAdvisory()                                                 { panic("locks") } // session-level advisory ones
func (o *Owner) ReleaseAllSession()                                               { panic("locks") }
func (o *Owner) Mark() Mark                                                       { panic("locks") }
func (o *Owner) ReleaseToMark(m Mark)                                             { panic("locks") }
func (o *Owner) MergeMark(m Mark)                                                 { panic("locks") }
func (o *Owner) Holds(tag Tag, mode Mode) bool                                    { panic("locks") }
func (o *Owner) HoldsAtLeast(tag Tag, mode Mode) bool                             { panic("locks") }
func (o *Owner) SetVxid(v ids.VirtualXid)                                         { panic("locks") }
func (o *Owner) ClearVxid()                                                       { panic("locks") }
func (o *Owner) WaitVxid(v ids.VirtualXid, noWait bool) (bool, error)             { panic("locks") }
func (m *Manager) Snapshot() []Row                                                { panic("locks") }
func (m *Manager) BlockingPIDs(pid int32) []int32                                 { panic("locks") }
func (m *Manager) Conflicting(tag Tag, mode Mode, except *Owner) []ids.VirtualXid { panic("locks") }
func (m *Manager) HasWaiters(tag Tag) bool                                        { panic("locks") }
