package stats

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"gompho/internal/ids"
)

// The statistics file: magic, the server's counters and reset times, those of the archiver, the reset times of the SLRUs and of prefetching, the number of databases and these, the number of relations and these, a CRC-32C of all
// that. Little endian, fields in the order of their declaration.
const fileMagic = "gomphostat\x00\x05"

var errFile = errors.New("the statistics file is damaged")

type relationEntry struct {
	ID RelID
	R  Relation
}

type databaseEntry struct {
	DB ids.Oid
	D  Database
}

// Encode returns the counters in the form of the statistics file.
func (s *Shared) Encode() []byte {
	total, bg, wal := s.Server()
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	b.WriteString(fileMagic)
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) } // a bytes.Buffer takes all
	put(&total)
	put([2]Time{bg, wal})
	put(&s.archiver)
	put(&s.slruReset)
	put(s.prefetchReset)
	put(uint32(len(s.dbs)))
	for db, d := range s.dbs {
		put(&databaseEntry{db, *d})
	}
	put(uint32(len(s.rels)))
	for id, r := range s.rels {
		put(&relationEntry{id, *r})
	}
	put(crc32.Checksum(b.Bytes(), crc32.MakeTable(crc32.Castagnoli)))
	return b.Bytes()
}

// Decode replaces the counters by those of a statistics file; a damaged one changes nothing and is an error.
func (s *Shared) Decode(file []byte) error {
	n := len(file) - 4
	if n < len(fileMagic) || string(file[:len(fileMagic)]) != fileMagic ||
		crc32.Checksum(file[:n], crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(file[n:]) {
		return errFile
	}
	in := bytes.NewReader(file[len(fileMagic):n])
	var failed error
	get := func(v any) {
		if err := binary.Read(in, binary.LittleEndian, v); err != nil && failed == nil {
			failed = errFile
		}
	}
	var base Server
	var resetAt [2]Time
	var archiver archiverCounts
	var slruReset [NumSLRU]Time
	var prefetchReset Time
	var count uint32
	dbs, rels := map[ids.Oid]*Database{}, map[RelID]*Relation{}
	get(&base)
	get(&resetAt)
	get(&archiver)
	get(&slruReset)
	get(&prefetchReset)
	get(&count)
	for ; count > 0 && failed == nil; count-- {
		var e databaseEntry
		get(&e)
		dbs[e.DB] = &e.D
	}
	get(&count)
	for ; count > 0 && failed == nil; count-- {
		var e relationEntry
		get(&e)
		rels[e.ID] = &e.R
	}
	if failed != nil || in.Len() > 0 {
		return errFile
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base, s.resetAt, s.archiver, s.slruReset, s.prefetchReset, s.dbs, s.rels = base, resetAt, archiver, slruReset, prefetchReset, dbs, rels
	return nil
}
