package wal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Kind says what a record is about. Records with pages are redone the same way whatever their kind; the kind
// then serves readers of the log and statistics. The numbers are on disk: never reuse one.
type Kind uint8

// Records of the log itself and of the layers above that have no pages, or a payload to redo besides them.
const (
	KindInvalid        Kind = 0
	CheckpointShutdown Kind = 1
	CheckpointOnline   Kind = 2
	EndOfRecovery      Kind = 3
	Switch             Kind = 4 // the rest of the segment is unused
	FullPageImage      Kind = 5 // image of a page because of a hint bit
	NewPage            Kind = 6 // image of a page that was built outside the shared buffers
	Noop               Kind = 7
	NextOid            Kind = 8
	ParameterChange    Kind = 9
	RestorePoint       Kind = 10
	BackupEnd          Kind = 11 // a base backup that began at the position in the payload is consistent from here on
	FullPageWrites     Kind = 12 // full_page_writes was changed: the payload is 1 for on, 0 for off
	XactCommit         Kind = 16
	XactAbort          Kind = 17
	XactPrepare        Kind = 18
	XactCommitPrepared Kind = 19
	XactAbortPrepared  Kind = 20
	XactAssignment     Kind = 21
	XactInvalidations  Kind = 22
	RunningXacts       Kind = 23
	ClogTruncate       Kind = 24
	MultiCreate        Kind = 25
	MultiTruncate      Kind = 26
	NextXid            Kind = 27
	FileCreate         Kind = 32
	FileTruncate       Kind = 33
	FileDrop           Kind = 34
	DatabaseCreate     Kind = 35
	DatabaseDrop       Kind = 36
	TablespaceCreate   Kind = 37
	TablespaceDrop     Kind = 38
	RelMapUpdate       Kind = 39
	LogicalMessage     Kind = 40
	HeapInsert         Kind = 64
	HeapMultiInsert    Kind = 65
	HeapDelete         Kind = 66
	HeapUpdate         Kind = 67
	HeapHotUpdate      Kind = 68
	HeapLock           Kind = 69
	HeapInplace        Kind = 70
	HeapConfirm        Kind = 71
	HeapPrune          Kind = 72
	HeapVacuum         Kind = 73
	HeapFreeze         Kind = 74
	HeapVisible        Kind = 75
	HeapInit           Kind = 76
	BtreeInsert        Kind = 80
	BtreeSplit         Kind = 81
	BtreeDelete        Kind = 82
	BtreeVacuum        Kind = 83
	BtreeUnlink        Kind = 84
	BtreeNewRoot       Kind = 85
	BtreeMeta          Kind = 86
	BtreeDedup         Kind = 87
	BtreeBuild         Kind = 88
	SequenceChange     Kind = 96
	FsmChange          Kind = 97
	VmChange           Kind = 98
	HashChange         Kind = 104
	GinChange          Kind = 105
	GistChange         Kind = 106
	SpgistChange       Kind = 107
	BrinChange         Kind = 108
	GenericChange      Kind = 127
)

var kindNames = map[Kind]string{
	CheckpointShutdown: "CHECKPOINT_SHUTDOWN", CheckpointOnline: "CHECKPOINT_ONLINE", EndOfRecovery: "END_OF_RECOVERY",
	Switch: "SWITCH", FullPageImage: "FPI_FOR_HINT", NewPage: "FPI", Noop: "NOOP", NextOid: "NEXTOID",
	ParameterChange: "PARAMETER_CHANGE", RestorePoint: "RESTORE_POINT", BackupEnd: "BACKUP_END", FullPageWrites: "FPW_CHANGE",
	XactCommit: "COMMIT", XactAbort: "ABORT", XactPrepare: "PREPARE", XactCommitPrepared: "COMMIT_PREPARED",
	XactAbortPrepared: "ABORT_PREPARED", XactAssignment: "ASSIGNMENT", XactInvalidations: "INVALIDATIONS",
	RunningXacts: "RUNNING_XACTS", ClogTruncate: "CLOG_TRUNCATE", MultiCreate: "MULTI_CREATE", MultiTruncate: "MULTI_TRUNCATE", NextXid: "NEXTXID",
	FileCreate: "FILE_CREATE", FileTruncate: "FILE_TRUNCATE", FileDrop: "FILE_DROP", DatabaseCreate: "DB_CREATE",
	DatabaseDrop: "DB_DROP", TablespaceCreate: "TBLSPC_CREATE", TablespaceDrop: "TBLSPC_DROP", RelMapUpdate: "RELMAP_UPDATE",
	LogicalMessage: "LOGICAL_MESSAGE",
	HeapInsert:     "HEAP_INSERT", HeapMultiInsert: "HEAP_MULTI_INSERT", HeapDelete: "HEAP_DELETE", HeapUpdate: "HEAP_UPDATE",
	HeapHotUpdate: "HEAP_HOT_UPDATE", HeapLock: "HEAP_LOCK", HeapInplace: "HEAP_INPLACE", HeapConfirm: "HEAP_CONFIRM",
	HeapPrune: "HEAP_PRUNE", HeapVacuum: "HEAP_VACUUM", HeapFreeze: "HEAP_FREEZE", HeapVisible: "HEAP_VISIBLE", HeapInit: "HEAP_INIT",
	BtreeInsert: "BTREE_INSERT", BtreeSplit: "BTREE_SPLIT", BtreeDelete: "BTREE_DELETE", BtreeVacuum: "BTREE_VACUUM",
	BtreeUnlink: "BTREE_UNLINK", BtreeNewRoot: "BTREE_NEWROOT", BtreeMeta: "BTREE_META", BtreeDedup: "BTREE_DEDUP", BtreeBuild: "BTREE_BUILD",
	SequenceChange: "SEQUENCE", FsmChange: "FSM", VmChange: "VM", HashChange: "HASH", GinChange: "GIN", GistChange: "GIST",
	SpgistChange: "SPGIST", BrinChange: "BRIN", GenericChange: "GENERIC",
}

// String names the kind as the log's readers print it.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("KIND_%d", uint8(k))
}

// Manager names the resource manager that PostgreSQL has for such records, and the record's type within it.
func (k Kind) Manager() (manager, typ string) {
	name := k.String()
	switch {
	case k < XactCommit:
		return "XLOG", name
	case k == ClogTruncate:
		return "CLOG", "TRUNCATE"
	case k == MultiCreate, k == MultiTruncate:
		return "MultiXact", strings.TrimPrefix(name, "MULTI_")
	case k == RunningXacts:
		return "Standby", name
	case k == NextXid:
		return "XLOG", name
	case k < FileCreate:
		return "Transaction", name
	}
	for _, m := range managers {
		if short, ok := strings.CutPrefix(name, m.prefix); ok {
			if m.manager == "Heap" && slices.Contains(heap2, k) {
				return "Heap2", short
			}
			return m.manager, cmp.Or(short, "CHANGE")
		}
	}
	return "Unknown", name
}

var heap2 = []Kind{HeapMultiInsert, HeapPrune, HeapVacuum, HeapFreeze, HeapVisible}

// managers maps the beginning of kinds' names.
var managers = []struct{ prefix, manager string }{{"FILE_", "Storage"}, {"DB_", "Database"}, {"TBLSPC_", "Tablespace"}, {"RELMAP_", "RelMap"},
	{"LOGICAL_", "LogicalMessage"}, {"HEAP_", "Heap"}, {"BTREE_", "Btree"}, {"SEQUENCE", "Sequence"}, {"FSM", "FreeSpace"}, {"VM", "Visibility"},
	{"HASH", "Hash"}, {"GIN", "Gin"}, {"GIST", "Gist"}, {"SPGIST", "SPGist"}, {"BRIN", "BRIN"}, {"GENERIC", "Generic"}}

// Managers lists the names that Manager returns.
func Managers() []string {
	out := []string{"XLOG", "Transaction", "CLOG", "MultiXact", "Standby", "Heap2"}
	for _, m := range managers {
		out = append(out, m.manager)
	}
	slices.Sort(out)
	return out
}
