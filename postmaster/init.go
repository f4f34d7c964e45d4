package postmaster

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gompho/backend"
	"gompho/catalog"
	"gompho/config"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/session"
	"gompho/sql/parser"
	"gompho/stats"
	"gompho/storage/control"
	"gompho/storage/vfs"
)

type (
	timeNow = time.Time
	timeDur = time.Duration
)

// InitOptions say how a cluster is made.
type InitOptions struct {
	User string // name of the first role; empty: postgres
	Sync bool   // make everything durable before returning
	// FS and WalSegmentSize are as in Options.
	FS             vfs.FS
	WalSegmentSize int
}

// versionFile marks a directory as a cluster and names the version of its layout.
const versionFile = "PG_VERSION"

// subdirs are made in a new cluster.
var subdirs = []string{"base", "base/1", "base/4", "base/5", "global", "pg_wal", "pg_wal/archive_status", "pg_xact", "pg_multixact", "pg_tblspc", "pg_stat", "pg_logical"}

// ensureCluster makes the cluster when the directory is missing, empty, or was never finished.
func (p *Postmaster) ensureCluster() error {
	entries, err := p.fs().ReadDir(p.opt.Dir)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && (len(entries) == 0 || unfinished(entries)):
		return Init(p.opt.Dir, InitOptions{User: p.opt.InitUser, Sync: !p.opt.Ephemeral, FS: p.opt.FS, WalSegmentSize: p.opt.WalSegmentSize})
	case err != nil:
		return fmt.Errorf("could not open directory %q: %w", p.opt.Dir, err)
	}
	return p.existingCluster()
}

// existingCluster makes sure that the directory holds a cluster of this version.
func (p *Postmaster) existingCluster() error {
	v, err := vfs.ReadFile(p.fs(), filepath.Join(p.opt.Dir, versionFile))
	if err != nil {
		return fmt.Errorf("directory %q is not empty and holds no gompho cluster", p.opt.Dir)
	}
	if s := strings.TrimSpace(string(v)); s != clusterVersion {
		return fmt.Errorf("data directory %q was made by version %s, which is not compatible with this version %s", p.opt.Dir, s, clusterVersion)
	}
	if !vfs.Exists(p.fs(), filepath.Join(p.opt.Dir, control.Name)) {
		return fmt.Errorf("data directory %q is damaged or of another program: it has no control file of gompho", p.opt.Dir)
	}
	return nil
}

// clusterVersion is the content of PG_VERSION: the version whose catalogs the cluster has.
const clusterVersion = "15"

// Init makes a cluster in a missing or empty directory, or in one where that was begun and never finished.
func Init(dir string, o InitOptions) (err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	fsys := (&Postmaster{opt: Options{FS: o.FS}}).fs()
	claim, err := claimDir(fsys, dir, o.Sync)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			claim.giveUp()
		}
	}()
	for _, d := range subdirs {
		if err := fsys.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	conf := "# Settings of this cluster, as name = value. What is not set here has PostgreSQL's default.\n" +
		"listen_addresses = '127.0.0.1'\nmax_connections = 100\nshared_buffers = 128MB\ntimezone = 'UTC'\nlog_timezone = 'UTC'\ndatestyle = 'iso, mdy'\n" +
		"default_text_search_config = 'pg_catalog.english'\nlc_messages = 'C.UTF-8'\nlc_monetary = 'C.UTF-8'\nlc_numeric = 'C.UTF-8'\nlc_time = 'C.UTF-8'\n"
	if err := vfs.WriteFile(fsys, filepath.Join(dir, "postgresql.conf"), []byte(conf), 0o600, false); err != nil {
		return err
	}
	if err := bootstrap(dir, o); err != nil {
		return err
	}
	// A directory with this file counts as a cluster: it comes last.
	version := filepath.Join(dir, versionFile)
	if o.Sync {
		err = vfs.ReplaceFile(fsys, version, []byte(clusterVersion+"\n"), 0o600)
	} else {
		err = vfs.WriteFile(fsys, version, []byte(clusterVersion+"\n"), 0o600, false)
	}
	if err != nil {
		return err
	}
	if o.Sync {
		if err := fsys.SyncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	claim.finish()
	return nil
}

// bootstrap fills the catalogs of a new cluster.
func bootstrap(dir string, o InitOptions) error {
	p := quiet(Options{Dir: dir, Settings: []string{"shared_buffers=64MB", "fsync=off"}, FS: o.FS, WalSegmentSize: o.WalSegmentSize})
	if err := p.loadSettings(); err != nil {
		return err
	}
	p.cfg.Override(map[string]string{"listen_addresses": ""})
	c, err := p.newCluster(newSystemID())
	if err != nil {
		return err
	}
	if err := c.fill(o); err != nil {
		c.abandon()
		return err
	}
	return c.finishInit(o.Sync)
}

func newSystemID() uint64 {
	var b [4]byte
	rand.Read(b[:])
	return uint64(time.Now().Unix())<<32 | uint64(binary.LittleEndian.Uint32(b[:]))
}

// fill writes the catalogs, the system views and the databases.
func (c *cluster) fill(o InitOptions) error {
	slot := c.p.procs.Add("startup")
	defer c.p.procs.Remove(slot)
	owner := c.locks.NewOwner(slot, locks.OwnerOptions{})
	defer owner.Close()
	tx := c.mvcc.NewSession(slot, owner, mvcc.SessionOptions{SyncCommit: func() bool { return false }})
	defer tx.Close()
	tx.SetDatabase(ids.Template1DB)
	if err := tx.Begin(mvcc.BeginOpts{}); err != nil {
		return err
	}
	user := o.User
	if user == "" {
		user = "postgres"
	}
	if err := c.catalog.Bootstrap(tx, catalog.BootstrapOpts{Superuser: user}); err != nil {
		return fmt.Errorf("catalogs: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if err := c.runScripts(tx, slot, owner, user); err != nil {
		return err
	}
	if err := c.pool.FlushAll(slot); err != nil {
		return err
	}
	for _, db := range []ids.Oid{ids.Template0DB, ids.PostgresDB} {
		if err := c.smgr.CopyDatabase(slot, ids.DefaultTablespace, ids.Template1DB, ids.DefaultTablespace, db); err != nil {
			return err
		}
	}
	return nil
}

// runScripts runs the SQL of the system views.
func (c *cluster) runScripts(tx *mvcc.Session, slot *stats.Slot, owner *locks.Owner, user string) error {
	scripts, err := catalog.Scripts()
	if err != nil {
		return err
	}
	cat := c.catalog.NewBootSession(tx)
	s := &session.Session{Server: c.session, Slot: slot, Tx: tx, Owner: owner, Cat: cat, Settings: config.NewSession(c.p.cfg),
		DB: ids.Template1DB, DBName: "template1", User: ids.BootstrapRole, AuthUser: ids.BootstrapRole, SessionUser: ids.BootstrapRole, UserName: user}
	s.Settings.Superuser = true
	s.Settings.Assign("allow_system_table_mods", "on")
	s.Notice = func(*pgerr.Error) {}
	s.StatementStart = time.Now()
	run := backend.NewScriptRunner(s, c.funcs)
	if err := tx.Begin(mvcc.BeginOpts{}); err != nil {
		return err
	}
	for _, sc := range scripts {
		cat.SetSearchPath(sc.SearchPath)
		stmts, err := parser.Parse(sc.SQL)
		if err != nil {
			return fmt.Errorf("%s: %w", sc.Name, err)
		}
		for i := range stmts {
			if err := run(&stmts[i], sc.SQL); err != nil {
				tx.Abort()
				return fmt.Errorf("%s, %q: %w", sc.Name, firstLine(stmts[i].Text(sc.SQL)), err)
			}
		}
	}
	if err := cat.FinishViews(); err != nil {
		return err
	}
	return tx.Commit()
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}
