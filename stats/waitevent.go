package stats

// WaitEvent names what a process waits for: PostgreSQL's class in the high byte, event in the low bytes. 0 is none.
type WaitEvent uint32

// Class is the first part of a wait event, pg_stat_activity.wait_event_type.
type Class uint8

const (
	ClassLWLock Class = iota + 1
	ClassLock
	ClassBufferPin
	ClassActivity
	ClassClient
	ClassExtension
	ClassIPC
	ClassTimeout
	ClassIO
)

func event(c Class, n uint32) WaitEvent { return WaitEvent(uint32(c)<<24 | n) }

// Event makes a wait event of class c and number n of that class's name table.
func Event(c Class, n uint32) WaitEvent { return event(c, n) }

// Class returns the event's class, 0 for no event.
func (e WaitEvent) Class() Class { return Class(e >> 24) }

// Names returns wait_event_type and wait_event as pg_stat_activity shows them.
func (e WaitEvent) Names() (class, name string) {
	t, ok := eventNames[e.Class()]
	if !ok {
		return "", ""
	}
	if n := int(e & 0xffffff); n < len(t.names) {
		return t.class, t.names[n]
	}
	return t.class, "???"
}

// Events. Each constant is an index into its class's table of names below.
const (
	LockRelation WaitEvent = WaitEvent(ClassLock)<<24 + iota
	LockExtend
	LockFrozenid
	LockPage
	LockTuple
	LockTransactionid
	LockVirtualxid
	LockSpectoken
	LockObject
	LockUserlock
	LockAdvisory
)

const (
	ActivityArchiverMain WaitEvent = WaitEvent(ClassActivity)<<24 + iota
	ActivityAutovacuumMain
	ActivityBgwriterHibernate
	ActivityBgwriterMain
	ActivityCheckpointerMain
	ActivityLoggerMain
	ActivityRecoveryWalStream
	ActivityWalWriterMain
	ActivityGovernorMain // ours
)

const (
	ClientRead WaitEvent = WaitEvent(ClassClient)<<24 + iota
	ClientWrite
)

const (
	IPCCheckpointDone WaitEvent = WaitEvent(ClassIPC)<<24 + iota
	IPCCheckpointStart
	IPCProcSignalBarrier
	IPCBackendTermination
	IPCSafeSnapshot
	IPCExecuteGather
	IPCArchiveCommand
	IPCArchiveCleanupCommand
	IPCRestoreCommand
	IPCRecoveryEndCommand
	IPCBackupWaitWalArchive
)

const (
	TimeoutPgSleep WaitEvent = WaitEvent(ClassTimeout)<<24 + iota
	TimeoutVacuumDelay
	TimeoutCheckpointWriteDelay
	TimeoutVacuumTruncate
	TimeoutGiveWay  // ours: paused by the CPU governor
	TimeoutMakeRoom // ours: paused until garbage has been collected
)

const (
	IODataFileRead WaitEvent = WaitEvent(ClassIO)<<24 + iota
	IODataFileWrite
	IODataFileExtend
	IODataFileSync
	IODataFileTruncate
	IOWalWrite
	IOWalSync
	IOWalRead
	IOSlruRead
	IOSlruWrite
	IOSlruSync
	IOControlFileSync
	IOBufFileRead
	IOBufFileWrite
	IODataFileFlush
	IODataFilePrefetch
	IOWalInitWrite // a new segment of the log
	IOWalInitSync
)

const (
	LWLockWalWrite WaitEvent = WaitEvent(ClassLWLock)<<24 + iota
	LWLockWalInsert
	LWLockBufferContent
	LWLockBufferMapping
	LWLockProcArray
	LWLockLockManager
)

// BufferPinWait waits for a pin to go away.
const BufferPinWait WaitEvent = WaitEvent(ClassBufferPin) << 24

var eventNames = map[Class]struct {
	class string
	names []string
}{
	ClassLock:     {"Lock", []string{"relation", "extend", "frozenid", "page", "tuple", "transactionid", "virtualxid", "spectoken", "object", "userlock", "advisory"}},
	ClassActivity: {"Activity", []string{"ArchiverMain", "AutoVacuumMain", "BgWriterHibernate", "BgWriterMain", "CheckpointerMain", "SysLoggerMain", "RecoveryWalStream", "WalWriterMain", "CPUGovernorMain"}},
	ClassClient:   {"Client", []string{"ClientRead", "ClientWrite"}},
	ClassIPC: {"IPC", []string{"CheckpointDone", "CheckpointStart", "ProcSignalBarrier", "BackendTermination", "SafeSnapshot", "ExecuteGather", "ArchiveCommand",
		"ArchiveCleanupCommand", "RestoreCommand", "RecoveryEndCommand", "BackupWaitWalArchive"}},
	ClassTimeout:   {"Timeout", []string{"PgSleep", "VacuumDelay", "CheckpointWriteDelay", "VacuumTruncate", "GiveWay", "MakeRoom"}},
	ClassIO:        {"IO", []string{"DataFileRead", "DataFileWrite", "DataFileExtend", "DataFileSync", "DataFileTruncate", "WALWrite", "WALSync", "WALRead", "SLRURead", "SLRUWrite", "SLRUSync", "ControlFileSync", "BufFileRead", "BufFileWrite", "DataFileFlush", "DataFilePrefetch", "WALInitWrite", "WALInitSync"}},
	ClassLWLock:    {"LWLock", []string{"WALWrite", "WALInsert", "BufferContent", "BufferMapping", "ProcArray", "LockManager"}},
	ClassBufferPin: {"BufferPin", []string{"BufferPin"}},
}
