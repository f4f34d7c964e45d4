package ids

import (
	"fmt"
	"strconv"
	"strings"
)

// Oid names an object of the catalogs. 0 names none.
type Oid uint32

// FirstNormalOid is the first Oid handed out to user objects; those below are fixed or made at bootstrap.
const FirstNormalOid Oid = 16384

// Xid is a transaction id, 64 bits wide in memory and on the page: it never wraps.
type Xid uint64

const (
	InvalidXid     Xid = 0
	BootstrapXid   Xid = 1 // rows of the first cluster image: always committed
	FrozenXid      Xid = 2 // rows older than every snapshot: always committed
	FirstNormalXid Xid = 3
)

// IsNormal reports whether x was assigned to a real transaction.
func (x Xid) IsNormal() bool { return x >= FirstNormalXid }

// MultiXactID names a set of transactions that hold row locks together. It shares xmax with Xid;
// an infomask bit tells which of them is meant.
type MultiXactID uint64

// CommandID numbers the commands within a transaction, from 0.
type CommandID uint32

// InvalidCommandID is the command id that no command has.
const InvalidCommandID CommandID = ^CommandID(0)

// LSN is a byte position in the write-ahead log.
type LSN uint64

// InvalidLSN is the position before every record.
const InvalidLSN LSN = 0

// String prints the LSN as PostgreSQL does: two hexadecimal halves.
func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) }

// ParseLSN reads an LSN as String prints it.
func ParseLSN(s string) (LSN, error) {
	high, low, ok := strings.Cut(s, "/")
	h, err := strconv.ParseUint(high, 16, 32)
	if err == nil {
		var l uint64
		if l, err = strconv.ParseUint(low, 16, 32); err == nil && ok {
			return LSN(h<<32 | l), nil
		}
	}
	return 0, fmt.Errorf("%q is not a position in the write-ahead log", s)
}

// BlockNumber counts the 8 KiB blocks of a relation fork from 0.
type BlockNumber uint32

// InvalidBlock is the block number that no block has.
const InvalidBlock BlockNumber = ^BlockNumber(0)

// OffsetNumber counts the line pointers of a page from 1.
type OffsetNumber uint16

// InvalidOffset is the offset that no line pointer has.
const InvalidOffset OffsetNumber = 0

// TID is the address of a tuple: block and line pointer.
type TID struct {
	Block  BlockNumber
	Offset OffsetNumber
}

// IsValid reports whether t can address a tuple.
func (t TID) IsValid() bool { return t.Offset != InvalidOffset && t.Block != InvalidBlock }

// Pack returns the TID as one integer that sorts as TIDs do.
func (t TID) Pack() uint64 { return uint64(t.Block)<<16 | uint64(t.Offset) }

// UnpackTID is the inverse of TID.Pack.
func UnpackTID(v uint64) TID {
	return TID{Block: BlockNumber(v >> 16), Offset: OffsetNumber(v & 0xffff)}
}

// Less orders TIDs by block, then offset.
func (t TID) Less(u TID) bool { return t.Pack() < u.Pack() }

// String prints the TID as PostgreSQL's tid type does.
func (t TID) String() string {
	return "(" + strconv.FormatUint(uint64(t.Block), 10) + "," + strconv.Itoa(int(t.Offset)) + ")"
}

// VirtualXid names a transaction before it has an Xid: the process slot and a counter local to it.
type VirtualXid struct {
	Proc  int32
	Local uint64
}

// IsValid reports whether v names a transaction.
func (v VirtualXid) IsValid() bool { return v.Local != 0 }

// String prints v as pg_locks does.
func (v VirtualXid) String() string {
	return strconv.Itoa(int(v.Proc)) + "/" + strconv.FormatUint(v.Local, 10)
}

// RelFile names the files of one relation: tablespace, database (0 for shared relations), file number.
type RelFile struct {
	Spc, DB, Rel Oid
}

// Fork is one of the files that make up a relation.
type Fork uint8

const (
	MainFork Fork = iota
	FsmFork
	VmFork
	InitFork // the empty image to which an unlogged relation is reset after a crash
	NumForks
)

// String returns the fork's suffix in file names, "main" for the main fork.
func (f Fork) String() string {
	return [...]string{"main", "fsm", "vm", "init"}[f]
}

// Well-known Oids of databases, tablespaces, schemas and the first role.
const (
	DefaultTablespace  Oid = 1663
	GlobalTablespace   Oid = 1664
	Template1DB        Oid = 1
	Template0DB        Oid = 4
	PostgresDB         Oid = 5
	PgCatalogNamespace Oid = 11
	PgToastNamespace   Oid = 99
	PublicNamespace    Oid = 2200
	BootstrapRole      Oid = 10
)

// BlockSize is the size of a page in bytes.
const BlockSize = 8192
