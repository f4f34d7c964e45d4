package mvcc

import (
	"encoding/binary"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// Mapping tells in which file a catalog, or an index or toast table of one, is.
type Mapping struct {
	DB   ids.Oid // 0: shared by all databases
	Rel  ids.Oid // the relation
	File ids.Oid // number of its file
}

const mappingSize = 12

// AppendMappings encodes mappings after b.
func AppendMappings(b []byte, list []Mapping) []byte {
	for _, m := range list {
		b = binary.LittleEndian.AppendUint32(b, uint32(m.DB))
		b = binary.LittleEndian.AppendUint32(b, uint32(m.Rel))
		b = binary.LittleEndian.AppendUint32(b, uint32(m.File))
	}
	return b
}

// DecodeMappings is the inverse of AppendMappings.
func DecodeMappings(b []byte) (list []Mapping, err error) {
	if len(b)%mappingSize != 0 {
		return nil, badRecord("relation mapping")
	}
	for ; len(b) > 0; b = b[mappingSize:] {
		u := func(at int) ids.Oid { return ids.Oid(binary.LittleEndian.Uint32(b[at:])) }
		list = append(list, Mapping{u(0), u(4), u(8)})
	}
	return list, nil
}

// MapFile gives a catalog a new file when the transaction commits. The record of the commit tells it, so that it happens if, and only if, the
// transaction has committed.
func (s *Session) MapFile(m Mapping) error {
	if len(s.levels) > 1 {
		return pgerr.Internal("cannot change relation mapping within subtransaction")
	}
	for i := range s.maps {
		if s.maps[i].DB == m.DB && s.maps[i].Rel == m.Rel {
			s.maps[i].File = m.File
			return nil
		}
	}
	s.maps = append(s.maps, m)
	return nil
}

// MappedFile returns the file that the transaction itself has given to a catalog, 0 when it has given it none.
func (s *Session) MappedFile(db, rel ids.Oid) ids.Oid {
	for i := range s.maps {
		if s.maps[i].DB == db && s.maps[i].Rel == rel {
			return s.maps[i].File
		}
	}
	return 0
}

// Mappings lists what MapFile was told in this transaction.
func (s *Session) Mappings() []Mapping { return s.maps }
