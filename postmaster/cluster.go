package postmaster

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"gompho/backend"
	"gompho/catalog"
	"gompho/catalog/catfuncs"
	"gompho/config"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/session"
	"gompho/sql/deparse"
	"gompho/sql/query"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/control"
	"gompho/storage/heap"
	"gompho/storage/relmap"
	"gompho/storage/smgr"
	"gompho/sysviews"
	"gompho/types"
	"gompho/wal"
	"gompho/wal/archive"
)

// cluster is everything of a running server that a crash throws away.
type cluster struct {
	p          *Postmaster
	fs         *fencedFS
	control    *control.File
	smgr       *smgr.Manager
	log        *wal.Log
	pool       *buffer.Pool
	locks      *locks.Manager
	mvcc       *mvcc.Manager
	heap       *heap.Env
	catalog    *catalog.Catalog
	relmap     *relmap.Map
	funcs      *functions.Registry
	session    *session.Server
	stats      *stats.Shared
	memory     *stats.MemoryPool
	statements *stats.Statements
	workers    workers
	redoLog    *redoLog
	archiving  archiving
	backups    backups
	tempNo     atomic.Uint64
	dbNames    dbNames
	// sessions counts the backends that use the cluster; released makes sure that its memory is given back once.
	sessions sync.WaitGroup
	released sync.Once
	drop     func([]ids.RelFile) // instead of the pool's, during recovery
}

func (c *cluster) path(elem ...string) string {
	return filepath.Join(append([]string{c.p.opt.Dir}, elem...)...)
}

// build makes the parts of a cluster that do not depend on the state of the disk.
func (p *Postmaster) build() (*cluster, error) {
	if err := p.checkWalLevel(); err != nil {
		return nil, err
	}
	c := &cluster{p: p, fs: &fencedFS{FS: p.fs()}, memory: p.newMemory()}
	c.archiving.status = archive.Status{FS: c.fs, Wal: c.path("pg_wal")}
	onPanic := func(err error) { c.crash(err, nil) }
	c.smgr = smgr.New(smgr.Options{FS: c.fs, DataDir: p.opt.Dir, Fsync: func() bool { return p.cfg.Get("fsync").Bool() }, OnPanic: onPanic})
	nb := int(p.cfg.Get("shared_buffers").Int())
	bo := buffer.Options{Buffers: nb, Storage: c.smgr, Checksums: true,
		Warn: func(e *pgerr.Error) { p.log.Warn(e.Message + detailOf(e)) }, ChecksumFailed: func(db ids.Oid) { c.stats.ChecksumFailed(db) }}
	if hook := p.opt.Critical; hook != nil {
		bo.Critical = func(wal.Kind) { hook() }
	}
	var err error
	if c.pool, err = buffer.New(bo); err != nil {
		return nil, err
	}
	c.stats = stats.NewShared(c.counts)
	c.statements = stats.NewStatements(func() int { return int(p.cfg.Get("pg_stat_statements.max").Int()) })
	perTx := int(p.cfg.Get("max_locks_per_transaction").Int())
	c.locks = locks.New(locks.Options{MaxLocksPerTransaction: perTx, FastPath: 4 * perTx, // a query over partitions locks their indexes too
		MaxOwners: int(p.cfg.Get("max_connections").Int()) + 64 + c.maxPrepared(), Log: p.logNotice,
		WaitHistory:     func() int { return int(p.cfg.Get("gompho.lock_wait_history").Int()) },
		DeadlockHistory: func() int { return int(p.cfg.Get("gompho.deadlock_history").Int()) }})
	c.catalog = catalog.New()
	c.relmap = relmap.New(c.fs, p.opt.Dir)
	c.catalog.SetRelationMap(c.relmap)
	c.catalog.SetExprText(func(s *catalog.Session, e query.Expr, rel *catalog.Relation) (string, error) {
		return deparse.Expr(s, types.DefaultEnv, e, rel, false)
	})
	c.funcs = functions.Builtins().With(catfuncs.Entries(), sysviews.Entries(), deparse.Entries())
	return c, nil
}

// wire makes what stands on transactions.
func (c *cluster) wire() {
	c.heap = &heap.Env{Pool: c.pool, Mvcc: c.mvcc, TempFile: c.tempFile}
	c.catalog.SetEnv(c.heap)
	c.mvcc.OnInvalidate(c.catalog.PublishPrepared)
	p := c.p
	c.session = &session.Server{Catalog: c.catalog, Mvcc: c.mvcc, Locks: c.locks, Heap: c.heap, Config: p.cfg, Procs: p.procs, Stats: c.stats, Statements: c.statements, Log: p.log, Start: p.start,
		ReloadAt: func() (t timeNow) { p.mu.Lock(); defer p.mu.Unlock(); return p.reloaded },
		Ops: session.Ops{
			Blocks: c.pool.Blocks, Checkpoint: c.checkpointNow, Reload: p.Reload, Signal: p.Signal,
			CreateDatabase: c.createDatabase, DropDatabase: c.dropDatabase, DataDirectory: p.opt.Dir,
			WalInserted: func() ids.LSN { return c.log.InsertedTo() }, WalFlushed: func() ids.LSN { return c.log.FlushedTo() },
			WalSegment: func() (uint32, uint64) { return c.log.Timeline(), uint64(c.log.SegmentSize()) }, Control: c.control.Data, StartBackup: c.startBackup, StopBackup: c.stopBackup, SwitchWal: c.switchWal, ListWal: c.listWal, ListTemp: c.listTemp, RestorePoint: c.restorePoint, RotateLog: p.RotateLog,
		}}
}

// logOptions are the settings of the log.
func (c *cluster) logOptions(systemID uint64, segment int) wal.Options {
	cfg := c.p.cfg
	return wal.Options{FS: c.fs, Dir: c.path("pg_wal"), SystemID: systemID, SegmentSize: segment, BufferSize: walBuffers(cfg.Get("wal_buffers").Int(), cfg.Get("shared_buffers").Int()),
		SyncMethod: func() wal.SyncMethod {
			for _, m := range []wal.SyncMethod{wal.Fdatasync, wal.Fsync, wal.OpenDatasync, wal.OpenSync} {
				if m.String() == cfg.Get("wal_sync_method").Text {
					return m
				}
			}
			return wal.Fdatasync
		},
		Fsync:          func() bool { return cfg.Get("fsync").Bool() },
		Compression:    func() wal.Compression { return wal.CompressionOf(cfg.Get("wal_compression").Text) },
		InitZero:       func() bool { return cfg.Get("wal_init_zero").Bool() },
		Recycle:        func() bool { return cfg.Get("wal_recycle").Bool() },
		CommitDelay:    func() time.Duration { return time.Duration(cfg.Get("commit_delay").Int()) * time.Microsecond },
		CommitSiblings: func() int { return int(cfg.Get("commit_siblings").Int()) },
		ActiveXacts:    func() int { return c.mvcc.Running() - 1 }, // without the one that commits
		TrackIOTiming:  func() bool { return cfg.Get("track_wal_io_timing").Bool() },
		FullPageWrites: func() bool { return cfg.Get("full_page_writes").Bool() || c.backups.running() },
		OnPanic:        func(err error) { c.crash(err, nil) },
		OnSegment:      c.segmentDone, MayRemove: c.mayRemoveSegment, Removed: c.archiving.status.Forget,
	}
}

func walBuffers(set, shared int64) int {
	if set < 0 { // 1/32 of shared_buffers, at most one segment
		set = max(8, min(shared/32, wal.DefaultSegmentSize/8192))
	}
	return int(set) * 8192
}

// attach opens a session's side of the cluster: user and database are looked up in the shared catalogs first.
func (c *cluster) attach(s *session.Session, user, database string) (func(), error) {
	return c.openSession(s, func(look *catalog.Session) (*catalog.Role, string, error) {
		role, err := look.RoleByName(user)
		switch {
		case err != nil:
			return nil, "", err
		case role == nil:
			return nil, "", refused(pgerr.InvalidAuthorizationSpecification, "role %q does not exist", user)
		case !role.Rolcanlogin:
			return nil, "", refused(pgerr.InvalidAuthorizationSpecification, "role %q is not permitted to log in", user)
		}
		return role, database, nil
	})
}

// refused is an error for one who is not let in.
func refused(code pgerr.Code, format string, args ...any) error {
	return pgerr.New(code, format, args...).WithSeverity(pgerr.Fatal)
}

// openSession opens a session's side of the cluster; who finds its role and the name of its database.
func (c *cluster) openSession(s *session.Session, who func(look *catalog.Session) (*catalog.Role, string, error)) (func(), error) {
	set := s.Settings
	counters := c.stats.NewPending()
	counters.Track(set.Get("track_counts").Bool())
	s.Slot.Stats = counters
	s.Slot.Temp = tempSpace(s)
	counters.CountTemp(s.Slot.Temp)
	s.Slot.Memory = c.memory.Open(s.Slot)
	number := func(name string) func() int { return func() int { return int(set.Get(name).Int()) } }
	s.Slot.LocalPages = number("temp_buffers")
	s.Slot.IO = &stats.IOSettings{FlushAfter: number("backend_flush_after"), Concurrency: number("effective_io_concurrency"),
		Maintenance: number("maintenance_io_concurrency"), Timing: func() bool { return set.Get("track_io_timing").Bool() },
		WALTiming: func() bool { return set.Get("track_wal_io_timing").Bool() }}
	s.Slot.Damage = &stats.Damage{
		IgnoreChecksums: func() bool { return set.Get("ignore_checksum_failure").Bool() },
		ZeroPages:       func() bool { return set.Get("zero_damaged_pages").Bool() },
		Warn: func(e *pgerr.Error) {
			if s.Notice != nil {
				s.Notice(e)
			} else {
				c.p.log.Warn(e.Message)
			}
		},
	}
	owner := c.locks.NewOwner(s.Slot, locks.OwnerOptions{
		DeadlockTimeout: func() timeDur { return set.Duration("deadlock_timeout") },
		LockTimeout:     func() timeDur { return set.Duration("lock_timeout") },
		LogLockWaits:    func() bool { return set.Get("log_lock_waits").Bool() },
		RecordWaits:     func() timeDur { return set.Duration("gompho.lock_wait_min_duration") },
		Log:             s.LogWait,
	})
	tx := c.mvcc.NewSession(s.Slot, owner, mvcc.SessionOptions{SyncCommit: func() bool { return set.Get("synchronous_commit").Text != "off" }})
	detach := func() {
		c.leaveBackup(s)
		tx.Close()
		c.pool.CloseLocal(s.Slot)
		owner.Close()
		s.Slot.Memory.Close()
		counters.Close()
	}
	if err := c.enter(s, tx, who); err != nil {
		tx.Abort()
		detach()
		return nil, err
	}
	s.Tx, s.Owner = tx, owner
	return detach, nil
}

// enter finds the user and the database and makes the catalog session.
func (c *cluster) enter(s *session.Session, tx *mvcc.Session, who func(look *catalog.Session) (*catalog.Role, string, error)) error {
	if err := tx.Begin(mvcc.BeginOpts{ReadOnly: true}); err != nil {
		return err
	}
	look := c.catalog.NewSession(tx, ids.PostgresDB, ids.BootstrapRole)
	role, database, err := who(look)
	if err != nil {
		return err
	}
	if role == nil {
		return refused(pgerr.InvalidAuthorizationSpecification, "role with OID %d does not exist", ids.BootstrapRole)
	}
	db, err := look.DatabaseByName(database)
	if err != nil {
		return err
	}
	if db == nil {
		return refused(pgerr.InvalidCatalogName, "database %q does not exist", database)
	}
	if !db.Datallowconn && s.Slot.Activity.Snapshot().BackendType != "autovacuum worker" {
		return refused(pgerr.ObjectNotInPrerequisiteState, "database %q is not currently accepting connections", database)
	}
	// Whoever copies or drops the database now either sees this session in it or is waited for.
	if err := tx.Locks().Acquire(locks.ObjectTag(0, catalog.PgDatabaseOid, db.Oid, 0), locks.RowExclusive, locks.Opts{}); err != nil {
		return err
	}
	if again, err := look.DatabaseByName(database); err != nil {
		return err
	} else if again == nil || again.Oid != db.Oid {
		return refused(pgerr.InvalidCatalogName, "database %q does not exist", database).(*pgerr.Error).
			WithDetail("It seems to have just been dropped or renamed.")
	}
	if !role.Rolsuper {
		if err := c.limits(s, look, role, db); err != nil {
			return err
		}
	}
	look.Connect(db.Oid, role.Oid)
	s.Cat = look
	tx.SetDatabase(db.Oid)
	s.Slot.Counters().Connect(db.Oid)
	s.DB, s.DBName, s.User, s.AuthUser, s.SessionUser, s.UserName = db.Oid, db.Datname, role.Oid, role.Oid, role.Oid, role.Rolname
	s.Settings.Superuser = role.Rolsuper
	if err := s.Settings.SetDefault("session_authorization", role.Rolname, config.SourceOverride); err != nil {
		return err
	}
	if !role.Rolsuper {
		if err := s.Settings.Assign("is_superuser", "off"); err != nil {
			return err
		}
	}
	s.Slot.Activity.Update(func(a *stats.ActivityData) {
		if a.DB = db.Oid; a.BackendType != "autovacuum worker" { // which acts for nobody, as PostgreSQL's
			a.User = role.Oid
		}
	})
	if err := c.roleSettings(s); err != nil {
		return err
	}
	s.Cat.SetSearchPath(backend.SplitPath(s.Settings.Get("search_path").Text))
	return tx.Commit()
}

// roleSettings applies ALTER ROLE ... SET and ALTER DATABASE ... SET, weakest first.
func (c *cluster) roleSettings(s *session.Session) error {
	for _, src := range settingSources(s) {
		list, err := s.Cat.RoleSettings(src.db, src.role)
		if err != nil {
			return err
		}
		for _, kv := range list {
			if k, v, ok := cut(kv); ok {
				if err := s.Settings.SetDefault(k, v, src.source); err != nil {
					s.Log.Warn(err.Error())
				}
			}
		}
	}
	return nil
}

// unlink removes files after the end of a transaction.
func (c *cluster) unlink(files []ids.RelFile) {
	if c.drop != nil {
		c.drop(files)
		return
	}
	if err := c.pool.DropRelations(files); err != nil {
		c.p.log.Warn("could not remove files of a dropped relation: " + err.Error())
	}
}

func (p *Postmaster) logNotice(e *pgerr.Error) {
	p.log.Info(e.Message + detailOf(e))
}

func detailOf(e *pgerr.Error) string {
	if e.Detail == "" {
		return ""
	}
	return "\n" + e.Detail
}
