package ssi

import "gompho/internal/ids"

// Row is one SIReadLock row of pg_locks.
type Row struct {
	Tag
	PID  int32
	Vxid ids.VirtualXid
}

// Snapshot lists the predicate locks.
func (m *Manager) Snapshot() (rows []Row) {
	if m == nil {
		return nil
	}
	for i := range m.parts {
		p := &m.parts[i]
		p.mu.Lock()
		for t, hs := range p.targets {
			for _, h := range hs {
				rows = append(rows, Row{t, h.x.pid.Load(), h.x.vxid})
			}
		}
		p.mu.Unlock()
	}
	return rows
}
