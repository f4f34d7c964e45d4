package catalog

import (
	"encoding/binary"

	"gompho/internal/ids"
	"gompho/mvcc"
)

var _ mvcc.PreparedHook = hook{}

// UsesTemp looks at the relations that the transaction holds locks on: all that it has used, but for those that are gone.
func (h hook) UsesTemp() (bool, error) {
	s := h.s
	if s.locks == nil {
		return false, nil
	}
	for _, oid := range s.locks.Relations(s.db) {
		if oid < firstUnpinned {
			continue
		}
		if r, err := s.Relation(oid); err != nil {
			return false, err
		} else if r != nil && r.Persistence == 't' {
			return true, nil
		}
	}
	return false, nil
}

// AtPrepare returns the keys that the transaction has written, for PublishPrepared.
func (h hook) AtPrepare() (b []byte) {
	for k := range h.s.over.dirty {
		b = append(b, byte(k.id))
		for _, n := range k.n {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(len(k.s)))
		b = append(b, k.s...)
	}
	return b
}

const preparedKeyFixed = 1 + 4*4 + 4

// PublishPrepared invalidates what a prepared transaction of a database, which has committed, has written. Keys that cannot be read, because another
// version of the program prepared the transaction, make everybody read everything anew.
func (c *Catalog) PublishPrepared(db ids.Oid, b []byte) {
	keys := make(map[cacheKey]struct{})
	for len(b) > 0 {
		if len(b) < preparedKeyFixed || int(b[0]) >= len(cacheDefs) || uint64(binary.LittleEndian.Uint32(b[17:])) > uint64(len(b)-preparedKeyFixed) {
			c.ResetDatabase(db)
			c.ResetDatabase(0)
			break
		}
		k := cacheKey{id: cacheID(b[0])}
		for i := range k.n {
			k.n[i] = binary.LittleEndian.Uint32(b[1+4*i:])
		}
		n := preparedKeyFixed + int(binary.LittleEndian.Uint32(b[17:]))
		k.s = string(b[preparedKeyFixed:n])
		keys[k] = struct{}{}
		b = b[n:]
	}
	c.publish(c.db(db), keys, c.isBuiltinKey)
}
