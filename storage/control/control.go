package control

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"sync"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/vfs"
)

// Name is the path of the control file within the data directory.
const Name = "global/pg_control"

const (
	magic   = "gompho\x00C"
	version = 1
)

// State is what the cluster was doing when the file was written.
type State uint8

const (
	StartingUp State = iota
	ShutDown
	ShutDownInRecovery
	ShuttingDown
	InCrashRecovery
	InArchiveRecovery
	InProduction
)

// String prints the state as pg_controldata does.
func (s State) String() string {
	names := [...]string{"starting up", "shut down", "shut down in recovery", "shutting down", "in crash recovery", "in archive recovery", "in production"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unrecognized status code"
}

// Checkpoint is what a checkpoint record says: where redo begins, and the counters from there on.
type Checkpoint struct {
	Redo            ids.LSN
	Timeline        uint32
	PrevTimeline    uint32
	FullPageWrites  bool
	NextXid         ids.Xid
	XidLimit        ids.Xid // no id from here on was used, as the log knows
	NextOid         ids.Oid
	NextMulti       ids.MultiXactID
	NextMultiOffset uint64
	OldestXid       ids.Xid
	OldestXidDB     ids.Oid
	OldestMulti     ids.MultiXactID
	OldestMultiDB   ids.Oid
	OldestActiveXid ids.Xid
	Time            int64 // Unix seconds
}

// Data is the content of the control file.
type Data struct {
	SystemID       uint64
	CatalogVersion uint32
	State          State
	Time           int64   // Unix seconds of the last update
	CheckpointAt   ids.LSN // begin of the last checkpoint's record
	Checkpoint     Checkpoint
	BlockSize      uint32
	SegmentSize    uint32 // of WAL segments, bytes
	Checksums      bool   // data pages carry checksums
	WalLevel       uint32
	MaxConnections uint32
	MaxPrepared    uint32
	MaxLocks       uint32
	Nonce          [32]byte // for authentication of users that do not exist

	// Recovery from an archive or of a base backup, all zero otherwise. MinRecovery is up to where the log has to be replayed before the files are
	// consistent. BackupStart is where the log of the base backup begins whose end has to be found, if BackupEndRequired.
	MinRecovery         ids.LSN
	MinRecoveryTimeline uint32
	BackupStart         ids.LSN
	BackupEndRequired   bool
	// EndedAt is where a recovery ended that goes on as NewTimeline; it is finished when both are zero again.
	EndedAt     ids.LSN
	NewTimeline uint32
}

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// Append encodes the checkpoint: the payload of checkpoint records.
func (c *Checkpoint) Append(b []byte) []byte {
	b = le.AppendUint64(b, uint64(c.Redo))
	b = le.AppendUint32(b, c.Timeline)
	b = le.AppendUint32(b, c.PrevTimeline)
	b = appendBool(b, c.FullPageWrites)
	b = le.AppendUint64(b, uint64(c.NextXid))
	b = le.AppendUint32(b, uint32(c.NextOid))
	b = le.AppendUint64(b, uint64(c.NextMulti))
	b = le.AppendUint64(b, c.NextMultiOffset)
	b = le.AppendUint64(b, uint64(c.OldestXid))
	b = le.AppendUint32(b, uint32(c.OldestXidDB))
	b = le.AppendUint64(b, uint64(c.OldestMulti))
	b = le.AppendUint32(b, uint32(c.OldestMultiDB))
	b = le.AppendUint64(b, uint64(c.OldestActiveXid))
	b = le.AppendUint64(b, uint64(c.Time))
	return le.AppendUint64(b, uint64(c.XidLimit))
}

// decoder takes fields off the front; past the end everything is zero.
type decoder []byte

func (d *decoder) take(n int) []byte {
	var b [32]byte
	k := copy(b[:n], *d)
	*d = (*d)[k:]
	return b[:n]
}

func (d *decoder) u64() uint64 { return le.Uint64(d.take(8)) }
func (d *decoder) u32() uint32 { return le.Uint32(d.take(4)) }
func (d *decoder) bool() bool  { return d.take(1)[0] != 0 }

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func (d *decoder) checkpoint() (c Checkpoint) {
	c.Redo = ids.LSN(d.u64())
	c.Timeline, c.PrevTimeline = d.u32(), d.u32()
	c.FullPageWrites = d.bool()
	c.NextXid, c.NextOid = ids.Xid(d.u64()), ids.Oid(d.u32())
	c.NextMulti, c.NextMultiOffset = ids.MultiXactID(d.u64()), d.u64()
	c.OldestXid, c.OldestXidDB = ids.Xid(d.u64()), ids.Oid(d.u32())
	c.OldestMulti, c.OldestMultiDB = ids.MultiXactID(d.u64()), ids.Oid(d.u32())
	c.OldestActiveXid, c.Time = ids.Xid(d.u64()), int64(d.u64())
	c.XidLimit = ids.Xid(d.u64())
	return c
}

// DecodeCheckpoint is the inverse of Checkpoint.Append.
func DecodeCheckpoint(b []byte) (Checkpoint, error) {
	if want := len((&Checkpoint{}).Append(nil)); len(b) < want {
		return Checkpoint{}, pgerr.New(pgerr.DataCorrupted, "invalid length of checkpoint record: %d", len(b))
	}
	d := decoder(b)
	return d.checkpoint(), nil
}

// Encode returns the content of the file.
func (c *Data) Encode() []byte {
	var body []byte
	body = le.AppendUint64(body, c.SystemID)
	body = le.AppendUint32(body, c.CatalogVersion)
	body = append(body, byte(c.State))
	body = le.AppendUint64(body, uint64(c.Time))
	body = le.AppendUint64(body, uint64(c.CheckpointAt))
	body = c.Checkpoint.Append(body)
	body = le.AppendUint32(body, c.BlockSize)
	body = le.AppendUint32(body, c.SegmentSize)
	body = appendBool(body, c.Checksums)
	for _, v := range []uint32{c.WalLevel, c.MaxConnections, c.MaxPrepared, c.MaxLocks} {
		body = le.AppendUint32(body, v)
	}
	body = append(body, c.Nonce[:]...)
	body = le.AppendUint64(body, uint64(c.MinRecovery))
	body = le.AppendUint32(body, c.MinRecoveryTimeline)
	body = le.AppendUint64(body, uint64(c.BackupStart))
	body = appendBool(body, c.BackupEndRequired)
	body = le.AppendUint64(body, uint64(c.EndedAt))
	body = le.AppendUint32(body, c.NewTimeline)

	b := append([]byte(magic), 0, 0, 0, 0, 0, 0, 0, 0)
	le.PutUint32(b[8:], version)
	le.PutUint32(b[12:], uint32(len(body)))
	b = append(b, body...)
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// Decode reads the content of a control file. The errors are for the person who starts the server.
func Decode(b []byte) (*Data, error) {
	if len(b) < 20 || string(b[:8]) != magic {
		return nil, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "the control file is not one of gompho").
			WithDetail("The data directory belongs to another server, or its control file is damaged.")
	}
	if v := le.Uint32(b[8:]); v > version {
		return nil, pgerr.New(pgerr.ObjectNotInPrerequisiteState, "database files are incompatible with server").
			WithDetail("The database cluster was initialized with control file version %d, but the server knows versions up to %d.", v, version).
			WithHint("It looks like you need a newer gompho.")
	}
	n := int(le.Uint32(b[12:]))
	if n > len(b)-20 || crc32.Checksum(b[:16+n], castagnoli) != le.Uint32(b[16+n:]) {
		return nil, pgerr.New(pgerr.DataCorrupted, "incorrect checksum in control file")
	}
	d := decoder(b[16 : 16+n])
	c := &Data{SystemID: d.u64(), CatalogVersion: d.u32(), State: State(d.take(1)[0]), Time: int64(d.u64()), CheckpointAt: ids.LSN(d.u64())}
	c.Checkpoint = d.checkpoint()
	c.BlockSize, c.SegmentSize, c.Checksums = d.u32(), d.u32(), d.bool()
	c.WalLevel, c.MaxConnections, c.MaxPrepared, c.MaxLocks = d.u32(), d.u32(), d.u32(), d.u32()
	copy(c.Nonce[:], d.take(32))
	c.MinRecovery, c.MinRecoveryTimeline = ids.LSN(d.u64()), d.u32() // zero in files of versions that had none of this
	c.BackupStart, c.BackupEndRequired = ids.LSN(d.u64()), d.bool()
	c.EndedAt, c.NewTimeline = ids.LSN(d.u64()), d.u32()
	return c, c.check()
}

func (c *Data) check() error {
	if c.BlockSize != ids.BlockSize {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "database files are incompatible with server").
			WithDetail("The database cluster was initialized with block size %d, but the server uses %d.", c.BlockSize, ids.BlockSize)
	}
	if s := c.SegmentSize; s < 1<<14 || s&(s-1) != 0 {
		return pgerr.New(pgerr.DataCorrupted, "the control file contains an invalid WAL segment size of %d bytes", s)
	}
	return nil
}

// File is the control file of a running server. Its methods may be called concurrently.
type File struct {
	fsys vfs.FS
	path string
	mu   sync.Mutex // protects data and the order of writes
	data Data
}

// Create writes the control file of a new cluster in dataDir, whose subdirectory global exists.
func Create(fsys vfs.FS, dataDir string, d Data) (*File, error) {
	f := &File{fsys: fsys, path: filepath.Join(dataDir, Name), data: d}
	return f, f.Update(func(*Data) {})
}

// Open reads the control file of dataDir.
func Open(fsys vfs.FS, dataDir string) (*File, error) {
	f := &File{fsys: fsys, path: filepath.Join(dataDir, Name)}
	b, err := vfs.ReadFile(fsys, f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, pgerr.Wrap(err, pgerr.UndefinedFile, "could not open file %q: No such file or directory", Name)
	}
	if err != nil {
		return nil, pgerr.Wrap(err, pgerr.IoError, "could not read file %q: %v", Name, err)
	}
	d, err := Decode(b)
	if err != nil {
		return nil, err
	}
	f.data = *d
	return f, nil
}

// Data returns a copy of the content.
func (f *File) Data() Data {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.data
}

// Update changes the content and writes the file.
func (f *File) Update(change func(*Data)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.data
	change(&d)
	if err := vfs.ReplaceFile(f.fsys, f.path, d.Encode(), 0o600); err != nil {
		return pgerr.Wrap(err, pgerr.FileCode(err), "could not write file %q: %v", Name, err).WithSeverity(pgerr.Panic)
	}
	f.data = d
	return nil
}
