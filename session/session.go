package session

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"gompho/catalog"
	"gompho/config"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/control"
	"gompho/storage/heap"
)

// Server are the services of one server.
type Server struct {
	Catalog *catalog.Catalog
	Mvcc    *mvcc.Manager
	Locks   *locks.Manager
	Heap    *heap.Env
	Config  *config.Server
	Procs   *stats.Table
	Stats   *stats.Shared // cumulative counters
	// Statements counts what statements cost; nil: nobody does.
	Statements *stats.Statements
	Log        *zap.Logger
	Ops        Ops
	Start      time.Time
	ReloadAt   func() time.Time
}

// Ops are operations on the server as a whole, which the postmaster provides.
type Ops struct {
	// Blocks returns the size of a relation's fork in blocks.
	Blocks func(file ids.RelFile, fork ids.Fork) (ids.BlockNumber, error)
	// Checkpoint runs a checkpoint and waits for it.
	Checkpoint func(slot *stats.Slot, immediate bool) error
	// Reload reads the configuration files again.
	Reload func() error
	// Signal interrupts the process with that PID; false when there is none.
	Signal func(pid int32, i stats.Interrupt) bool
	// CreateDatabase copies the files of one database to another; DropDatabase removes a database's files.
	CreateDatabase func(slot *stats.Slot, source, target ids.Oid) error
	DropDatabase   func(slot *stats.Slot, db ids.Oid) error
	// DataDirectory is the absolute path of the cluster.
	DataDirectory string
	SystemID      uint64
	// WalInserted and WalFlushed return positions in the log.
	WalInserted func() ids.LSN
	WalFlushed  func() ids.LSN
	// Control returns the content of the control file.
	Control func() control.Data
	// WalReplayed is where recovery ended; 0 when the server was shut down cleanly before.
	WalReplayed ids.LSN
	// WalSegment returns the timeline of the log and the size of its segments in bytes.
	WalSegment func() (timeline uint32, size uint64)
	// SwitchWal ends the segment in use and returns where it ended, or where the next begins if that is unused.
	SwitchWal func() ids.LSN
	// StartBackup begins the session's base backup and returns where its log begins; StopBackup ends it.
	StartBackup func(slot *stats.Slot, label string, fast bool) (ids.LSN, error)
	StopBackup  func(slot *stats.Slot, wait bool, notice func(*pgerr.Error)) (Backup, error)
	// ListWal lists the files of pg_wal or, with a name, of a directory in it.
	ListWal func(dir string) ([]fs.FileInfo, error)
	// ListTemp lists the temporary files of all sessions.
	ListTemp func() ([]fs.FileInfo, error)
	// RestorePoint writes a record that recovery can stop at.
	RestorePoint func(slot *stats.Slot, name string) (ids.LSN, error)
	// RotateLog begins new files of the server's log; false: there are none.
	RotateLog func() bool
}

// Backup is the result of a base backup: where its log ends, and what is to be stored with it.
type Backup struct {
	Stop  ids.LSN
	Label string // for the file backup_label
}

// Session is one session.
type Session struct {
	*Server
	Slot     *stats.Slot
	Tx       *mvcc.Session
	Owner    *locks.Owner
	Cat      *catalog.Session
	Settings *config.Session

	DB          ids.Oid
	DBName      string
	AuthUser    ids.Oid // who logged in
	SessionUser ids.Oid // SET SESSION AUTHORIZATION
	User        ids.Oid // SET ROLE
	UserName    string

	StatementStart time.Time
	QueryText      string // the text that positions in errors refer to
	// Notice sends a NOTICE, WARNING or the like to the client and the log.
	Notice func(*pgerr.Error)
	// LogWait logs what the lock manager has to tell of the session's wait for a lock; nil: nobody is told.
	LogWait func(*pgerr.Error)
	// LogNote writes a message to the server log as the session's own; nil: nobody is told. Parallel workers call it, too.
	LogNote func(*pgerr.Error)
	// CopyIn starts COPY FROM STDIN and returns the data; CopyOut starts COPY TO STDOUT. The writer takes one row a call.
	CopyIn  func(columns int, binary bool) (io.Reader, error)
	CopyOut func(columns int, binary bool) (io.WriteCloser, error)

	// Sequences remembers the last values that nextval returned: currval, lastval.
	Sequences SequenceState
	zone      *time.Location
	zoneName  string
	rnd       *rand.Rand
	// Prepared and Cursors list the session's statements and portals for the views that show them.
	Prepared func() []PreparedInfo
	Cursors  func() []CursorInfo
	// Extra holds state of higher layers by their own key types.
	Extra map[any]any
}

// SequenceState is what a session remembers of sequences.
type SequenceState struct {
	Last   map[ids.Oid]int64
	LastID ids.Oid // the sequence that lastval speaks of
	Cached map[ids.Oid]CachedRange
}

// CachedRange are values drawn ahead with CACHE.
type CachedRange struct{ Next, Last, Increment int64 }

// PreparedInfo is a row of pg_prepared_statements.
type PreparedInfo struct {
	Name, Statement string
	Time            time.Time
	ParamTypes      []ids.Oid
	ResultTypes     []ids.Oid
	FromSQL         bool
	Generic, Custom int64
}

// CursorInfo is a row of pg_cursors.
type CursorInfo struct {
	Name, Statement          string
	Holdable, Binary, Scroll bool
	Created                  time.Time
}

// Zone returns the session's time zone.
func (s *Session) Zone() *time.Location {
	name := s.Settings.Get("TimeZone").Text
	if s.zone == nil || name != s.zoneName {
		_, loc, err := config.LoadZone(name)
		if err != nil {
			loc = time.UTC
		}
		s.zone, s.zoneName = loc, name
	}
	return s.zone
}

// Rand is the session's random number generator.
func (s *Session) Rand() *rand.Rand {
	if s.rnd == nil {
		s.rnd = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return s.rnd
}

// Seed makes Rand start anew, as setseed does.
func (s *Session) Seed(seed uint64) { s.rnd = rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)) }

// Warn sends a WARNING.
func (s *Session) Warn(code pgerr.Code, format string, args ...any) {
	if s.Notice != nil {
		s.Notice(pgerr.New(code, format, args...).WithSeverity(pgerr.Warning))
	}
}

// WorkMem returns work_mem in bytes.
func (s *Session) WorkMem() int64 { return s.Settings.Bytes("work_mem") }

// Relation returns a relation's descriptor; an unknown Oid is an error.
func (s *Session) Relation(oid ids.Oid) (*catalog.Relation, error) {
	r, err := s.Cat.Relation(oid)
	if err == nil && r == nil {
		err = pgerr.New(pgerr.UndefinedTable, "relation with OID %d does not exist", oid)
	}
	return r, err
}

// Self returns the session: what functions that need more than functions.Env ask their environment for.
func (s *Session) Self() *Session { return s }
