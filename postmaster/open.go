package postmaster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"gompho/checkpointer"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/ssi"
	"gompho/stats"
	"gompho/storage/checkpoint"
	"gompho/storage/control"
	"gompho/storage/smgr"
	"gompho/wal"
	"gompho/wal/recovery"
)

// newCluster makes the files of a new cluster and opens it for filling. Pages are not logged until it is finished.
func (p *Postmaster) newCluster(systemID uint64) (*cluster, error) {
	c, err := p.build()
	if err != nil {
		return nil, err
	}
	segment := p.opt.WalSegmentSize
	if segment == 0 {
		segment = wal.DefaultSegmentSize
	}
	first := wal.FirstLSN(segment)
	c.control, err = control.Create(c.fs, p.opt.Dir, control.Data{SystemID: systemID, State: control.StartingUp, Time: time.Now().Unix(),
		BlockSize: ids.BlockSize, SegmentSize: uint32(segment), Checksums: true, Checkpoint: control.Checkpoint{Timeline: 1}})
	if err != nil {
		return nil, err
	}
	if c.log, err = wal.New(c.logOptions(systemID, segment)); err != nil {
		return nil, err
	}
	if err := c.log.Start(first, first, false); err != nil {
		return nil, err
	}
	if err := c.openMvcc(mvcc.State{}); err != nil {
		return nil, err
	}
	if err := c.mvcc.Start(false); err != nil {
		return nil, err
	}
	c.wire()
	return c, nil
}

func (c *cluster) openMvcc(st mvcc.State) (err error) {
	c.redoLog = &redoLog{Log: c.log}
	c.mvcc, err = mvcc.Open(mvcc.Options{FS: c.fs, Dir: c.p.opt.Dir, Log: c.redoLog, Locks: c.locks, State: st, Unlink: c.unlink, Remap: c.relmap.Apply,
		Ssi: c.predicateLocks(), MaxPrepared: c.maxPrepared()})
	return err
}

func (c *cluster) maxPrepared() int { return int(c.p.cfg.Get("max_prepared_transactions").Int()) }

// predicateLocks makes the serializable transactions' side of the server, sized by the settings.
func (c *cluster) predicateLocks() *ssi.Manager {
	setting := func(name string) func() int { return func() int { return int(c.p.cfg.Get(name).Int()) } }
	return ssi.NewManager(ssi.Options{
		MaxOwners:        int(c.p.cfg.Get("max_connections").Int()) + 64 + c.maxPrepared(),
		LocksPerXact:     int(c.p.cfg.Get("max_pred_locks_per_transaction").Int()),
		LocksPerRelation: setting("max_pred_locks_per_relation"),
		LocksPerPage:     setting("max_pred_locks_per_page"),
	})
}

// syncLeftovers makes durable what a server that did not shut down has written. When only its process died, all of it can be read, the end of the log
// and blocks of relations among it, but some may be in the memory of the operating system alone: redo would build on it, the next checkpoint would not know that
// it has to be synced, and a power failure would take it away after all.
func (c *cluster) syncLeftovers() error {
	if !c.p.cfg.Get("fsync").Bool() {
		return nil
	}
	dirs := []string{c.p.opt.Dir, c.path("pg_wal")} // the latter, and tablespaces, may be links to other file systems
	if spaces, err := c.fs.ReadDir(c.path("pg_tblspc")); err == nil {
		for _, s := range spaces {
			dirs = append(dirs, c.path("pg_tblspc", s.Name()))
		}
	}
	for _, dir := range dirs {
		if err := c.fs.SyncTree(dir); err != nil {
			return pgerr.Wrap(err, pgerr.FileCode(err), "could not fsync directory %q: %v", dir, err)
		}
	}
	return nil
}

// finishInit makes a filled cluster durable and closes it.
func (c *cluster) finishInit(sync bool) error {
	c.pool.SetLog(c.log)
	err := c.shutdownCheckpoint()
	c.release()
	if err == nil && sync {
		err = c.fs.SyncTree(c.p.opt.Dir)
	}
	return err
}

// openCluster opens the cluster through recovery.
func (p *Postmaster) openCluster() (*cluster, error) {
	c, err := p.build()
	if err != nil {
		return nil, err
	}
	if err := c.open(); err != nil {
		c.fence()
		c.release()
		if errors.Is(err, recovery.ErrAtTarget) {
			p.log.Info(ErrAtTarget.Error())
			return nil, ErrAtTarget
		}
		if pgerr.Is(err, pgerr.AdminShutdown) {
			p.log.Info("received a shutdown request; the start is given up")
			return nil, ErrCanceled
		}
		if pgerr.IsNoSpace(err) {
			return nil, spaceError{plainError(err)}
		}
		return nil, plainError(err)
	}
	return c, nil
}

// cancelable lets Options.Cancel end a process, until the function that it returns is called.
func (p *Postmaster) cancelable(slot *stats.Slot) (done func()) {
	if p.opt.Cancel == nil {
		return func() {}
	}
	over, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-p.opt.Cancel:
			slot.Interrupt(stats.Terminate)
		case <-over:
		}
	}()
	return func() {
		close(over)
		<-gone
	}
}

// open opens the files and recovers. What is raised as a panic because there is no way on, as a commit log that cannot be read or a log that
// cannot be written, is an error here: the cluster is given up with it.
func (c *cluster) open() (err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*pgerr.Error)
			if !ok {
				panic(r)
			}
			err = e.WithSeverity(pgerr.Panic)
		}
	}()
	p := c.p
	if c.control, err = control.Open(c.fs, p.opt.Dir); err != nil {
		return err
	}
	if err := c.archiving.status.MakeDir(); err != nil {
		return err
	}
	d := c.control.Data()
	slot := p.procs.Add("startup")
	defer p.procs.Remove(slot)
	defer p.cancelable(slot)()
	log := p.logOf("startup", slot)
	log.Info(stateLine(&d))
	lo := c.logOptions(d.SystemID, int(d.SegmentSize))
	if c.log, err = wal.New(lo); err != nil {
		return err
	}
	ro := recovery.Options{Control: c.control, Pool: c.pool, Log: c.log, Wal: lo, Checkpoint: c.checkpointOptions(), Logger: log, Slot: slot, Trace: p.opt.Replayed,
		OnCheckpoint: func(f checkpoint.Flags, r *checkpoint.Report) { c.logCheckpoint(log, f, r) }}
	if err := c.restoreOptions(&ro, log); err != nil {
		return err
	}
	rec, err := recovery.Open(ro)
	if err != nil {
		return err
	}
	if rec.Crashed() {
		if err := c.syncLeftovers(); err != nil {
			return err
		}
	}
	p.recovering.Store(rec.Crashed())
	defer p.recovering.Store(false)
	cp := rec.Checkpoint()
	c.drop = rec.DropRelations // redo has to know what is gone
	if err := c.openMvcc(checkpoint.Mvcc(&cp)); err != nil {
		return err
	}
	reached := rec.Reached
	c.redoLog.before.Store(&reached)
	c.wire()
	c.session.Ops.SystemID = d.SystemID
	nextOid := cp.NextOid
	crashed := rec.Crashed()
	defer func() { c.drop = nil }()
	made := map[ids.RelFile]ids.Xid{}
	done, err := rec.Run(slot, recovery.Routines{
		Transaction: func(kind wal.Kind, payload []byte) error { return c.mvcc.Redo(kind, payload) },
		SawXid:      c.mvcc.SawXid,
		NextOid:     func(o ids.Oid) { nextOid = max(nextOid, o) },
		Mapped: func(db ids.Oid, payload []byte) error {
			list, err := mvcc.DecodeMappings(payload)
			if err != nil {
				return err
			}
			return c.relmap.Set(db, list)
		},
		Created: func(rel ids.RelFile, xid ids.Xid) { made[rel] = xid },
	}, func() error {
		c.redoLog.before.Store(nil)
		if err := c.mvcc.Start(crashed); err != nil {
			return err
		}
		c.dropUncommitted(log, made, rec.DropRelations)
		c.catalog.SetNextOid(nextOid, c.logNextOid)
		return nil
	})
	if err != nil {
		return err
	}
	if crashed {
		c.session.Ops.WalReplayed = done.End
	}
	c.loadStats(crashed)
	c.fs.RemoveAll(c.path("base", "pgsql_tmp"))
	if crashed {
		c.dropOrphans(log)
	}
	return c.control.Update(func(d *control.Data) { d.State = control.InProduction })
}

// stateLine tells in what state the control file says that the cluster was left.
func stateLine(d *control.Data) string {
	at := time.Unix(d.Time, 0).UTC().Format("2006-01-02 15:04:05 MST")
	if s := recoveryState(d, at); s != "" {
		return s
	}
	switch d.State {
	case control.ShutDown:
		return "database system was shut down at " + at
	case control.InCrashRecovery:
		return "database system was interrupted while in recovery at " + at
	}
	return "database system was interrupted; last known up at " + at
}

// logCheckpoint logs the beginning of a checkpoint, or with a report its end, as log_checkpoints asks.
func (c *cluster) logCheckpoint(log *zap.Logger, f checkpoint.Flags, r *checkpoint.Report) {
	switch {
	case !c.logsCheckpoints():
	case r == nil:
		log.Info("checkpoint starting:" + f.String())
	default:
		log.Info(checkpointer.Describe(r, 0))
	}
}

// plainError is one line for the user.
func plainError(err error) error {
	if e, ok := err.(*pgerr.Error); ok {
		if e.Detail != "" {
			return fmt.Errorf("%s: %s", e.Message, e.Detail)
		}
		return fmt.Errorf("%s", e.Message)
	}
	return err
}

// logNextOid makes sure that after a crash the counter goes on at next or later.
func (c *cluster) logNextOid(next ids.Oid) error {
	if c.pool.Log() == nil {
		return nil
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(next))
	c.log.InsertSimple(wal.NextOid, 0, b[:])
	return nil
}

func (c *cluster) checkpointOptions() checkpoint.Options {
	cfg := c.p.cfg
	return checkpoint.Options{Pool: c.pool, Log: c.log, Control: c.control, Participants: []checkpoint.Participant{participant{c}},
		Counters: func(cp *control.Checkpoint) {
			checkpoint.SetMvcc(cp, c.mvcc.State())
			cp.NextOid = c.catalog.NextOid()
		},
		KeepFrom:         c.backups.keepFrom,
		MaxWalSize:       func() int64 { return cfg.Bytes("max_wal_size") },
		MinWalSize:       func() int64 { return cfg.Bytes("min_wal_size") },
		CompletionTarget: func() float64 { return cfg.Get("checkpoint_completion_target").Num },
		FlushAfter:       func() int { return int(cfg.Get("checkpoint_flush_after").Int()) },
	}
}

// participant lets checkpoints reach the transactions, which are opened after the options are made.
type participant struct{ c *cluster }

func (p participant) Flush(slot *stats.Slot) error { return p.c.mvcc.Flush(slot) }
func (p participant) WaitCommitting()              { p.c.mvcc.WaitCommitting() }

func (c *cluster) shutdownCheckpoint() error {
	slot := c.p.procs.Add("checkpointer")
	defer c.p.procs.Remove(slot)
	log, flags := c.p.logOf("checkpointer", slot), checkpoint.Shutdown|checkpoint.Immediate
	log.Info("shutting down")
	c.logCheckpoint(log, flags, nil)
	report, err := checkpoint.New(c.checkpointOptions()).Run(slot, flags, nil)
	if err == nil {
		c.logCheckpoint(log, flags, &report)
	}
	return err
}

// close stops the workers and closes the files, after a shutdown checkpoint if clean.
func (c *cluster) close(clean bool) error {
	c.stopWorkers()
	var err error
	if clean {
		if c.archives() { // what is in the last segment gets into the archive, all but the checkpoint
			c.log.Switch()
		}
		err = c.shutdownCheckpoint()
	}
	c.stopArchiver(clean && err == nil)
	if clean && err == nil {
		c.saveStats()
	}
	c.letGo()
	return err
}

// release closes files and gives back memory. Nobody uses the cluster any more.
func (c *cluster) release() {
	c.released.Do(func() {
		if c.mvcc != nil {
			c.mvcc.Close()
		}
		if c.log != nil {
			c.log.Close()
		}
		c.smgr.Close()
		c.pool.Close()
	})
}

// createDatabase copies a database's files, as a logged operation.
func (c *cluster) createDatabase(slot *stats.Slot, source, target ids.Oid) error {
	if err := c.pool.FlushDatabase(slot, source); err != nil {
		return err
	}
	rec := smgr.DatabaseRecord{Spc: ids.DefaultTablespace, DB: target, SrcSpc: ids.DefaultTablespace, SrcDB: source}
	if err := c.smgr.CopyDatabase(slot, rec.SrcSpc, rec.SrcDB, rec.Spc, rec.DB); err != nil {
		_ = c.smgr.DropDatabase(rec.Spc, rec.DB) // nobody knows of it; what cannot be removed now the next recovery removes
		return err
	}
	end := smgr.LogDatabase(c.log, wal.DatabaseCreate, 0, rec)
	maps, err := c.relmap.All(source)
	if err != nil {
		return err
	}
	for i := range maps {
		maps[i].DB = target
	}
	end = c.log.InsertSimple(wal.RelMapUpdate, 0, binary.LittleEndian.AppendUint32(nil, uint32(target)), mvcc.AppendMappings(nil, maps))
	if c.p.cfg.Get("wal_level").Text != "minimal" {
		var err error
		if end, err = c.smgr.LogCopiedDatabase(slot, c.log, rec.Spc, rec.DB); err != nil {
			if pgerr.From(err).Level() != pgerr.Panic {
				_ = c.dropDatabase(slot, target) // logged too: who replays its creation must not keep it
			}
			return err
		}
	}
	return c.log.Flush(slot, end)
}

// dropDatabase removes a database's files after its last session is gone.
func (c *cluster) dropDatabase(slot *stats.Slot, db ids.Oid) error {
	c.pool.DropDatabaseBuffers(db)
	rec := smgr.DatabaseRecord{Spc: ids.DefaultTablespace, DB: db}
	end := smgr.LogDatabase(c.log, wal.DatabaseDrop, 0, rec)
	if err := c.log.Flush(slot, end); err != nil {
		return err
	}
	c.catalog.ForgetDatabase(db)
	c.relmap.Forget(db)
	c.stats.DropDatabase(db)
	if err := c.smgr.DropDatabase(ids.DefaultTablespace, db); err != nil { // the database is gone all the same: the statement has succeeded, and the next recovery from a crash tries again
		c.p.log.Warn(fmt.Sprintf("some useless files may be left behind in old database directory %q", smgr.DatabaseDir(ids.DefaultTablespace, db)), zap.Error(err))
	}
	return nil
}
