package mvcc

import (
	"encoding/binary"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/wal"
)

// Log is what this package needs of the write-ahead log; *wal.Log is one.
//
// Its records: wal.XactCommit and wal.XactAbort (a transaction with its committed subtransactions, or a subtransaction that
// aborted), wal.NextXid (no transaction id from the given one on was used yet), wal.MultiCreate,
// wal.ClogTruncate.
type Log interface {
	// InsertSimple adds a record and returns the position after it. It cannot fail: a full disk is a PANIC of the log's own.
	InsertSimple(kind wal.Kind, xid ids.Xid, payload ...[]byte) ids.LSN
	// Flush returns when everything before upTo is on disk.
	Flush(slot *stats.Slot, upTo ids.LSN) error
	// FlushedTo returns the position before which everything is on disk.
	FlushedTo() ids.LSN
	// FlushAsync asks the WAL writer to flush up to upTo soon.
	FlushAsync(upTo ids.LSN)
}

// endRecord is the payload of wal.XactCommit and wal.XactAbort.
type endRecord struct {
	Xid   ids.Xid
	Time  time.Time
	Subs  []ids.Xid     // committed subtransactions of Xid, which share its fate
	Files []ids.RelFile // to unlink
	Maps  []Mapping     // new files of catalogs
}

func (r *endRecord) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Xid))
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Time.UnixMicro()))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Subs)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Files)))
	for _, x := range r.Subs {
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	for _, f := range r.Files {
		b = binary.LittleEndian.AppendUint32(b, uint32(f.Spc))
		b = binary.LittleEndian.AppendUint32(b, uint32(f.DB))
		b = binary.LittleEndian.AppendUint32(b, uint32(f.Rel))
	}
	if len(r.Maps) > 0 { // most records have none, and end here
		b = AppendMappings(b, r.Maps)
	}
	return b
}

func badRecord(what string) error {
	return pgerr.New(pgerr.DataCorrupted, "malformed %s record in write-ahead log", what)
}

func decodeEnd(b []byte) (r endRecord, err error) {
	if len(b) < 24 {
		return r, badRecord("transaction")
	}
	r.Xid = ids.Xid(binary.LittleEndian.Uint64(b))
	r.Time = time.UnixMicro(int64(binary.LittleEndian.Uint64(b[8:])))
	nSubs, nFiles := uint64(binary.LittleEndian.Uint32(b[16:])), uint64(binary.LittleEndian.Uint32(b[20:]))
	b = b[24:]
	if uint64(len(b)) < nSubs*8+nFiles*12 {
		return r, badRecord("transaction")
	}
	for ; nSubs > 0; nSubs-- {
		r.Subs = append(r.Subs, ids.Xid(binary.LittleEndian.Uint64(b)))
		b = b[8:]
	}
	for ; nFiles > 0; nFiles-- {
		r.Files = append(r.Files, ids.RelFile{Spc: ids.Oid(binary.LittleEndian.Uint32(b)),
			DB: ids.Oid(binary.LittleEndian.Uint32(b[4:])), Rel: ids.Oid(binary.LittleEndian.Uint32(b[8:]))})
		b = b[12:]
	}
	r.Maps, err = DecodeMappings(b)
	return r, err
}

// Outcome is what a record says of the end of a transaction or a subtransaction.
type Outcome struct {
	Xid                 ids.Xid
	Time                time.Time
	Committed, Prepared bool
	Subs                []ids.Xid     // subtransactions that share the end
	Files               []ids.RelFile // removed with it
	Maps                []Mapping     // new files of catalogs
}

// DecodeOutcome reads a record of the end of a transaction; ok is false for records of other kinds.
func DecodeOutcome(kind wal.Kind, payload []byte) (o Outcome, ok bool) {
	switch kind {
	case wal.XactCommit, wal.XactAbort, wal.XactCommitPrepared, wal.XactAbortPrepared:
	default:
		return o, false
	}
	r, err := decodeEnd(payload)
	return Outcome{Xid: r.Xid, Time: r.Time, Subs: r.Subs, Files: r.Files, Maps: r.Maps, Committed: kind == wal.XactCommit || kind == wal.XactCommitPrepared,
		Prepared: kind == wal.XactCommitPrepared || kind == wal.XactAbortPrepared}, err == nil
}

// multiRecord is the payload of wal.MultiCreate,
// wal.ClogTruncate.
type multiRecord struct {
	ID      ids.MultiXactID
	Start   uint64 // place of the first member
	Members []Member
}

func (r *multiRecord) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(r.ID))
	b = binary.LittleEndian.AppendUint64(b, r.Start)
	for _, m := range r.Members {
		b = binary.LittleEndian.AppendUint64(b, m.pack())
	}
	return b
}

func decodeMulti(b []byte) (r multiRecord, err error) {
	if len(b) < 16 || len(b)%8 != 0 || len(b) > 16+8*maxMembers {
		return r, badRecord("multixact")
	}
	r.ID = ids.MultiXactID(binary.LittleEndian.Uint64(b))
	r.Start = binary.LittleEndian.Uint64(b[8:])
	for b = b[16:]; len(b) > 0; b = b[8:] {
		r.Members = append(r.Members, unpackMember(binary.LittleEndian.Uint64(b)))
	}
	return r, nil
}
