package mvcc

import (
	"fmt"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/ssi"
)

// Exported snapshots. A transaction exports what it sees under a name, and others in the same database import it while that transaction runs.
//
//  1. The exporter holds the snapshot to its end, so its xmin keeps what the snapshot sees.
//  2. The name goes, under Manager.mu, before the exporter lets go of its xmin. Who finds the name under Manager.mu and stores xmin in its own entry
//     before letting go of the latch has taken over: every horizon counts the one or the other.
//  3. After an error in a transaction block the name stays until the block ends, but says only that the exporter is gone.
//  4. What the exporter itself does is not seen by importers, committed subtransactions included: its ids are running in the snapshot, or not before its Xmax.

// export is a snapshot that has a name.
type export struct {
	data     *snapData
	pid      int32
	db       ids.Oid
	iso      Isolation
	readOnly bool
	ser      *ssi.Xact
	ended    bool // rule 3; under Manager.mu
}

// Export gives the active snapshot a name under which others can Import it until the transaction ends, and returns the name. Errors: 25001 in a
// subtransaction.
func (s *Session) Export() (string, error) {
	if len(s.levels) > 1 {
		return "", pgerr.New(pgerr.ActiveSqlTransaction, "cannot export a snapshot from a subtransaction")
	}
	sn := s.Active()
	if sn == nil {
		sn = s.Snapshot()
	}
	s.Register(sn)
	e := &export{data: sn.data, db: s.Database(), iso: s.iso, readOnly: s.readOnly, ser: s.ser}
	if s.slot != nil {
		e.pid = s.slot.PID
	}
	v := s.Vxid()
	name := fmt.Sprintf("%08X-%08X-%d", v.Proc, v.Local, len(s.exported)+1)
	s.exported = append(s.exported, name)
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	m.exports[name] = e
	return name, nil
}

// endExports lets nobody import the transaction's snapshots any more. Call it while the session still holds them.
func (s *Session) endExports() {
	if len(s.exported) == 0 {
		return
	}
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range s.exported {
		m.exports[name].ended = true
	}
}

// DropExports removes the names that snapshots of the session's last transaction have left. Call it when the transaction block is over.
func (s *Session) DropExports() {
	if len(s.exported) == 0 {
		return
	}
	m := s.m
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range s.exported {
		delete(m.exports, name)
	}
	s.exported = nil
}

// Import makes an exported snapshot the transaction's own. Errors: 25001 when the transaction has done something already, 0A000 when its
// characteristics or database do not go with the exporter's, 22023 for a name that is none, 55000 when the exporter has ended, 40001 when
// it is going to fail.
func (s *Session) Import(name string) error {
	if s.taken || s.TopXid() != ids.InvalidXid || len(s.levels) > 1 {
		return pgerr.New(pgerr.ActiveSqlTransaction, "SET TRANSACTION SNAPSHOT must be called before any query")
	}
	if !s.iso.UsesOneSnapshot() {
		return pgerr.NotSupported("a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ")
	}
	m := s.m
	m.mu.RLock()
	e := m.exports[name]
	m.mu.RUnlock()
	if e == nil {
		return pgerr.New(pgerr.InvalidParameterValue, "invalid snapshot identifier: \"%s\"", name)
	}
	if err := s.mayImport(e); err != nil {
		return err
	}
	if err := s.adopt(e); err != nil {
		return err
	}
	s.taken = true
	return nil
}

func (s *Session) mayImport(e *export) error {
	serial := s.iso == Serializable
	switch {
	case serial && e.iso != Serializable:
		return pgerr.NotSupported("a serializable transaction cannot import a snapshot from a non-serializable transaction")
	case serial && e.readOnly && !s.readOnly:
		return pgerr.NotSupported("a non-read-only serializable transaction cannot import a snapshot from a read-only transaction")
	case e.db != s.Database():
		return pgerr.NotSupported("cannot import a snapshot from a different database")
	case serial && s.readOnly && s.deferrable:
		return pgerr.NotSupported("a snapshot-importing transaction must not be READ ONLY DEFERRABLE")
	}
	return nil
}

// adopt takes the snapshot over, if its exporter still holds it.
func (s *Session) adopt(e *export) error {
	take := func() (ids.Xid, error) {
		m := s.m
		m.mu.Lock()
		defer m.mu.Unlock()
		if e.ended {
			return 0, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "could not import the requested snapshot").
				WithDetail("The source process with PID %d is not running anymore.", e.pid)
		}
		s.first = s.newSnapshot(e.data)
		s.protect(s.first)
		return s.first.Xmin, nil
	}
	if s.iso != Serializable {
		_, err := take()
		return err
	}
	o := ssi.BeginOpts{ReadOnly: s.readOnly, Vxid: s.Vxid(), Slot: s.slot}
	ser, err := s.m.ssi.Import(o, e.ser, take)
	if err != nil {
		s.first = nil
		s.settleXmin()
		return err
	}
	s.ser = ser
	return nil
}
