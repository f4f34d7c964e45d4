package ssi

import (
	"encoding/binary"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// Prepared is what must survive a restart of a prepared transaction: what it read. With whom it had conflicts is not kept: after a restart it
// counts as having had both.
type Prepared struct {
	Xmin  ids.Xid
	Locks []Tag
}

// State returns what to keep of a transaction at PREPARE TRANSACTION, after PreCommit.
func (x *Xact) State() Prepared {
	x.lmu.Lock()
	defer x.lmu.Unlock()
	p := Prepared{Xmin: x.xmin}
	for t := range x.held {
		p.Locks = append(p.Locks, t)
	}
	return p
}

// Detach tells that the transaction goes on without its process: it is prepared.
func (x *Xact) Detach() {
	if x != nil {
		x.pid.Store(0)
	}
}

const encodedTag = 14

// Append encodes p after b.
func (p Prepared) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Xmin))
	for _, t := range p.Locks {
		b = binary.LittleEndian.AppendUint32(b, uint32(t.DB))
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Oid))
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Block))
		b = binary.LittleEndian.AppendUint16(b, uint16(t.Offset))
	}
	return b
}

// DecodePrepared is the inverse of Append. Errors: XX001.
func DecodePrepared(b []byte) (p Prepared, err error) {
	if len(b) < 8 || (len(b)-8)%encodedTag != 0 {
		return p, pgerr.New(pgerr.DataCorrupted, "predicate locks of a prepared transaction are damaged")
	}
	p.Xmin = ids.Xid(binary.LittleEndian.Uint64(b))
	for b = b[8:]; len(b) > 0; b = b[encodedTag:] {
		p.Locks = append(p.Locks, Tag{
			Rel:    Rel{DB: ids.Oid(binary.LittleEndian.Uint32(b)), Oid: ids.Oid(binary.LittleEndian.Uint32(b[4:]))},
			Block:  ids.BlockNumber(binary.LittleEndian.Uint32(b[8:])),
			Offset: ids.OffsetNumber(binary.LittleEndian.Uint16(b[12:])),
		})
	}
	return p, nil
}

// Restore makes the transaction known again after a restart; xids are those of it and its subtransactions. End it with Finish.
func (m *Manager) Restore(p Prepared, xids []ids.Xid) (*Xact, error) {
	m.mu.Lock()
	x := m.begin(BeginOpts{}, p.Xmin)
	for _, xid := range xids {
		x.addXid(xid)
	}
	m.lastCommit++
	x.prepareSeq = m.lastCommit
	x.set(prepared | summaryIn | summaryOut)
	x.didWrite.Store(true)
	m.mu.Unlock()
	for _, t := range p.Locks {
		if err := m.add(x, t, 0); err != nil {
			return x, err
		}
	}
	return x, nil
}
