package locks

import (
	"fmt"

	"gompho/internal/ids"
	"gompho/stats"
)

// Kind is the kind of thing a tag names.
type Kind uint8

// Kinds, in PostgreSQL's order.
const (
	KindRelation Kind = iota
	KindExtend
	KindFrozenIDs
	KindPage
	KindTuple
	KindTransaction
	KindVirtualXid
	KindSpecToken
	KindObject
	KindUserLock
	KindAdvisory
	numKinds
)

var kindNames = [numKinds]string{"relation", "extend", "frozenid", "page", "tuple", "transactionid",
	"virtualxid", "spectoken", "object", "userlock", "advisory"}

// String returns pg_locks.locktype.
func (k Kind) String() string {
	if k >= numKinds {
		return "unknown"
	}
	return kindNames[k]
}

// Tag names a lockable thing. It is comparable; what the fields mean depends on Kind, so make tags with
// the functions below and read them with the accessors.
type Tag struct {
	f1, f2, f3 uint32
	f4         uint16
	kind       Kind
}

// RelationTag names a table, index, sequence or view as a whole; db is 0 for shared relations.
func RelationTag(db, rel ids.Oid) Tag {
	return Tag{f1: uint32(db), f2: uint32(rel), kind: KindRelation}
}

// ExtendTag names the right to add blocks to a relation.
func ExtendTag(db, rel ids.Oid) Tag { return Tag{f1: uint32(db), f2: uint32(rel), kind: KindExtend} }

// FrozenIDsTag names the right to change a database's frozen ids.
func FrozenIDsTag(db ids.Oid) Tag { return Tag{f1: uint32(db), kind: KindFrozenIDs} }

// PageTag names one page of a relation.
func PageTag(db, rel ids.Oid, b ids.BlockNumber) Tag {
	return Tag{f1: uint32(db), f2: uint32(rel), f3: uint32(b), kind: KindPage}
}

// TupleTag names one row version of a relation.
func TupleTag(db, rel ids.Oid, t ids.TID) Tag {
	return Tag{f1: uint32(db), f2: uint32(rel), f3: uint32(t.Block), f4: uint16(t.Offset), kind: KindTuple}
}

// TransactionTag names a transaction; its own process holds Exclusive on it until it ends.
func TransactionTag(x ids.Xid) Tag {
	return Tag{f1: uint32(x), f2: uint32(x >> 32), kind: KindTransaction}
}

// VirtualTag names a virtual transaction; its own process holds Exclusive on it until it ends.
func VirtualTag(v ids.VirtualXid) Tag {
	return Tag{f1: uint32(v.Proc), f2: uint32(v.Local), f3: uint32(v.Local >> 32), kind: KindVirtualXid}
}

// SpecTokenTag names one speculative insertion of a transaction.
func SpecTokenTag(x ids.Xid, token uint32) Tag {
	return Tag{f1: uint32(x), f2: uint32(x >> 32), f3: token, kind: KindSpecToken}
}

// ObjectTag names a catalog object that is no relation.
func ObjectTag(db, class, obj ids.Oid, subid int32) Tag {
	return Tag{f1: uint32(db), f2: uint32(class), f3: uint32(obj), f4: uint16(subid), kind: KindObject}
}

// AdvisoryTag names an advisory lock by the three columns that pg_locks shows for it.
func AdvisoryTag(db ids.Oid, classid, objid uint32, objsubid uint16) Tag {
	return Tag{f1: uint32(db), f2: classid, f3: objid, f4: objsubid, kind: KindAdvisory}
}

// AdvisoryKey is the tag of pg_advisory_lock(bigint).
func AdvisoryKey(db ids.Oid, key int64) Tag {
	return AdvisoryTag(db, uint32(uint64(key)>>32), uint32(uint64(key)), 1)
}

// AdvisoryKeys is the tag of pg_advisory_lock(int, int).
func AdvisoryKeys(db ids.Oid, key1, key2 int32) Tag {
	return AdvisoryTag(db, uint32(key1), uint32(key2), 2)
}

// Kind returns the kind of thing named.
func (t Tag) Kind() Kind { return t.kind }

// DB returns the database, 0 for tags of transactions and of shared objects.
func (t Tag) DB() ids.Oid {
	switch t.kind {
	case KindTransaction, KindVirtualXid, KindSpecToken:
		return 0
	}
	return ids.Oid(t.f1)
}

// Rel returns the relation of a relation, extend, page or tuple tag.
func (t Tag) Rel() ids.Oid { return ids.Oid(t.f2) }

// Block returns the block of a page or tuple tag.
func (t Tag) Block() ids.BlockNumber { return ids.BlockNumber(t.f3) }

// TID returns the address of a tuple tag.
func (t Tag) TID() ids.TID {
	return ids.TID{Block: ids.BlockNumber(t.f3), Offset: ids.OffsetNumber(t.f4)}
}

// Xid returns the transaction of a transaction or speculative token tag.
func (t Tag) Xid() ids.Xid { return ids.Xid(t.f1) | ids.Xid(t.f2)<<32 }

// Vxid returns the virtual transaction of a virtualxid tag.
func (t Tag) Vxid() ids.VirtualXid {
	return ids.VirtualXid{Proc: int32(t.f1), Local: uint64(t.f2) | uint64(t.f3)<<32}
}

// Token returns the token of a speculative token tag.
func (t Tag) Token() uint32 { return t.f3 }

// ClassID, ObjID and ObjSubID are the columns of object, user and advisory tags.

// ClassID returns pg_locks.classid.
func (t Tag) ClassID() uint32 { return t.f2 }

// ObjID returns pg_locks.objid.
func (t Tag) ObjID() uint32 { return t.f3 }

// ObjSubID returns pg_locks.objsubid.
func (t Tag) ObjSubID() uint16 { return t.f4 }

// userLock reports whether the tag belongs to the user's locks (advisory), which a session may keep
// beyond its transactions and which never stand for anything of the server's own.
func (t Tag) userLock() bool { return t.kind == KindUserLock || t.kind == KindAdvisory }

// waitEvent is what a process that waits for the tag shows.
func (t Tag) waitEvent() stats.WaitEvent { return stats.LockRelation + stats.WaitEvent(t.kind) }

// String describes the thing in the words of PostgreSQL's messages.
func (t Tag) String() string {
	switch t.kind {
	case KindRelation:
		return fmt.Sprintf("relation %d of database %d", t.f2, t.f1)
	case KindExtend:
		return fmt.Sprintf("extension of relation %d of database %d", t.f2, t.f1)
	case KindFrozenIDs:
		return fmt.Sprintf("pg_database.datfrozenxid of database %d", t.f1)
	case KindPage:
		return fmt.Sprintf("page %d of relation %d of database %d", t.f3, t.f2, t.f1)
	case KindTuple:
		return fmt.Sprintf("tuple (%d,%d) of relation %d of database %d", t.f3, t.f4, t.f2, t.f1)
	case KindTransaction:
		return fmt.Sprintf("transaction %d", t.Xid())
	case KindVirtualXid:
		return "virtual transaction " + t.Vxid().String()
	case KindSpecToken:
		return fmt.Sprintf("speculative token %d of transaction %d", t.f3, t.Xid())
	case KindObject:
		return fmt.Sprintf("object %d of class %d of database %d", t.f3, t.f2, t.f1)
	case KindUserLock:
		return fmt.Sprintf("user lock [%d,%d,%d]", t.f1, t.f2, t.f3)
	case KindAdvisory:
		return fmt.Sprintf("advisory lock [%d,%d,%d,%d]", t.f1, t.f2, t.f3, t.f4)
	}
	return fmt.Sprintf("unrecognized locktag type %d", t.kind)
}

// hash mixes the tag; its low bits choose the partition, the next ones the bucket.
func (t Tag) hash() uint32 {
	a := uint64(t.f1) | uint64(t.f2)<<32
	b := uint64(t.f3) | uint64(t.f4)<<32 | uint64(t.kind)<<48
	h := (a ^ 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	h ^= h >> 29
	h = (h ^ b) * 0x94d049bb133111eb
	return uint32(h ^ h>>32)
}
