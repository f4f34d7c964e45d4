package stats

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// The file of statements: magic, dealloc and reset time, the number of entries and these, each with the length of its text and that, a CRC-32C of
// all that. Little endian.
const statementsMagic = "gomphostmt\x00\x01"

type statementEntry struct {
	Key   StatementKey
	Usage float64
	C     StatementCounts
	Len   uint32
}

// Encode returns the entries in the form of their file.
func (s *Statements) Encode() []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var b bytes.Buffer
	b.WriteString(statementsMagic)
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) } // a bytes.Buffer takes all
	put(s.dealloc)
	put(s.resetAt)
	put(uint32(len(s.entries)))
	for _, e := range s.entries {
		e.mu.Lock()
		put(&statementEntry{e.Key, e.usage, e.c, uint32(len(e.Text))})
		e.mu.Unlock()
		b.WriteString(e.Text)
	}
	put(crc32.Checksum(b.Bytes(), crc32.MakeTable(crc32.Castagnoli)))
	return b.Bytes()
}

// Decode replaces the entries by those of a file; a damaged one changes nothing and is an error.
func (s *Statements) Decode(file []byte) error {
	n := len(file) - 4
	if n < len(statementsMagic) || string(file[:len(statementsMagic)]) != statementsMagic ||
		crc32.Checksum(file[:n], crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(file[n:]) {
		return errFile
	}
	in := bytes.NewReader(file[len(statementsMagic):n])
	ok := true
	get := func(v any) { ok = ok && binary.Read(in, binary.LittleEndian, v) == nil }
	var dealloc int64
	var resetAt Time
	var count uint32
	get(&dealloc)
	get(&resetAt)
	get(&count)
	entries := map[StatementKey]*Statement{}
	for ; count > 0 && ok; count-- {
		var e statementEntry
		get(&e)
		if ok = ok && int64(e.Len) <= int64(in.Len()); !ok {
			break
		}
		text := make([]byte, e.Len)
		get(text)
		entries[e.Key] = &Statement{Key: e.Key, Text: string(text), usage: e.Usage, c: e.C}
	}
	if !ok || in.Len() > 0 {
		return errFile
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries, s.dealloc, s.resetAt = entries, dealloc, resetAt
	return nil
}
