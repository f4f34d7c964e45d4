package smgr

import (
	"encoding/binary"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/wal"
)

var le = binary.LittleEndian

func appendRel(b []byte, rel ids.RelFile) []byte {
	b = le.AppendUint32(b, uint32(rel.Spc))
	b = le.AppendUint32(b, uint32(rel.DB))
	return le.AppendUint32(b, uint32(rel.Rel))
}

func takeRel(b []byte) ids.RelFile {
	return ids.RelFile{Spc: ids.Oid(le.Uint32(b)), DB: ids.Oid(le.Uint32(b[4:])), Rel: ids.Oid(le.Uint32(b[8:]))}
}

func short(kind wal.Kind) error {
	return pgerr.New(pgerr.DataCorrupted, "%s record is too short", kind)
}

// LogCreate logs the creation of a fork's file, which is done. Who creates the main fork of a relation also registers it
// for removal with the transaction's abort.
func LogCreate(l *wal.Log, xid ids.Xid, rel ids.RelFile, fork ids.Fork) ids.LSN {
	var buf [16]byte
	return l.InsertSimple(wal.FileCreate, xid, append(appendRel(buf[:0], rel), byte(fork)))
}

// DecodeCreate reads the payload of LogCreate.
func DecodeCreate(b []byte) (rel ids.RelFile, fork ids.Fork, err error) {
	if len(b) < 13 || ids.Fork(b[12]) >= ids.NumForks {
		return rel, 0, short(wal.FileCreate)
	}
	return takeRel(b), ids.Fork(b[12]), nil
}

// LogTruncate logs that forks are cut to sizes; InvalidBlock leaves a fork alone. The record must be flushed before the
// files are cut.
func LogTruncate(l *wal.Log, xid ids.Xid, rel ids.RelFile, sizes [ids.NumForks]ids.BlockNumber) ids.LSN {
	b := appendRel(nil, rel)
	for _, n := range sizes {
		b = le.AppendUint32(b, uint32(n))
	}
	return l.InsertSimple(wal.FileTruncate, xid, b)
}

// DecodeTruncate reads the payload of LogTruncate.
func DecodeTruncate(b []byte) (rel ids.RelFile, sizes [ids.NumForks]ids.BlockNumber, err error) {
	if len(b) < 12+4*len(sizes) {
		return rel, sizes, short(wal.FileTruncate)
	}
	for i := range sizes {
		sizes[i] = ids.BlockNumber(le.Uint32(b[12+4*i:]))
	}
	return takeRel(b), sizes, nil
}

// LogDrop logs the removal of relations outside of a transaction's end. Usually the commit and abort records say it.
func LogDrop(l *wal.Log, xid ids.Xid, rels []ids.RelFile) ids.LSN {
	return l.InsertSimple(wal.FileDrop, xid, EncodeRels(nil, rels))
}

// EncodeRels appends a count and relations, as LogDrop writes them and commit records may.
func EncodeRels(b []byte, rels []ids.RelFile) []byte {
	b = le.AppendUint32(b, uint32(len(rels)))
	for _, r := range rels {
		b = appendRel(b, r)
	}
	return b
}

// DecodeRels is the inverse of EncodeRels; rest follows the relations.
func DecodeRels(b []byte) (rels []ids.RelFile, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, short(wal.FileDrop)
	}
	n := int(le.Uint32(b))
	b = b[4:]
	if n < 0 || n > len(b)/12 {
		return nil, nil, short(wal.FileDrop)
	}
	for range n {
		rels = append(rels, takeRel(b))
		b = b[12:]
	}
	return rels, b, nil
}

// DatabaseRecord is the payload of the records of database creation (all fields) and removal (Spc, DB).
type DatabaseRecord struct {
	Spc, DB, SrcSpc, SrcDB ids.Oid
}

// LogDatabase logs that a database's directory was copied durably, or is about to be removed.
func LogDatabase(l *wal.Log, kind wal.Kind, xid ids.Xid, r DatabaseRecord) ids.LSN {
	var b []byte
	for _, v := range []ids.Oid{r.Spc, r.DB, r.SrcSpc, r.SrcDB} {
		b = le.AppendUint32(b, uint32(v))
	}
	return l.InsertSimple(kind, xid, b)
}

// DecodeDatabase reads the payload of LogDatabase.
func DecodeDatabase(b []byte) (r DatabaseRecord, err error) {
	if len(b) < 16 {
		return r, short(wal.DatabaseCreate)
	}
	v := func(i int) ids.Oid { return ids.Oid(le.Uint32(b[4*i:])) }
	return DatabaseRecord{v(0), v(1), v(2), v(3)}, nil
}
