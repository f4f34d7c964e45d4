package restore

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"gompho/config"
	"gompho/internal/ids"
	"gompho/postmaster"
	"gompho/storage/vfs"
	"gompho/wal/backup"
)

const (
	sourceDir  = "/source"
	archiveDir = "/archive"
	backupDir  = "/backup"
)

// server is a running server and a connection to it.
type server struct {
	t    testing.TB
	pm   *postmaster.Postmaster
	c    *pgconn.PgConn
	logs *observer.ObservedLogs
	fs   vfs.FS
}

// tryStart starts a server on a directory of a file system. Its archive is archiveDir, unless settings say otherwise.
func tryStart(t testing.TB, fsys vfs.FS, dir string, settings ...string) (*server, error) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	set := append([]string{"shared_buffers=8MB", "archive_mode=on", "gompho.archive_directory=" + archiveDir, "autovacuum=off", "max_prepared_transactions=5"}, settings...)
	pm, err := postmaster.Start(postmaster.Options{Dir: dir, FS: fsys, NoListen: true, Settings: set, WalSegmentSize: 1 << 20,
		Log: func(*config.Server) *zap.Logger { return zap.New(core) }})
	s := &server{t: t, pm: pm, logs: logs, fs: fsys}
	if err != nil {
		return s, err
	}
	s.c, err = s.dial()
	if err != nil {
		pm.Stop(context.Background(), postmaster.Immediate)
	}
	return s, err
}

func start(t testing.TB, fsys vfs.FS, dir string, settings ...string) *server {
	t.Helper()
	s, err := tryStart(t, fsys, dir, settings...)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.log())
	}
	t.Cleanup(func() { s.pm.Stop(context.Background(), postmaster.Immediate) })
	return s
}

func (s *server) dial() (*pgconn.PgConn, error) {
	cfg, err := pgconn.ParseConfig("host=127.0.0.1 port=1 user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		return nil, err
	}
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return s.pm.Dial() }
	return pgconn.ConnectConfig(context.Background(), cfg)
}

// sql runs statements and returns the values of the last one's rows, with commas and semicolons between.
func (s *server) sql(text string) string {
	s.t.Helper()
	out, err := exec(s.c, text)
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", text, err, s.log())
	}
	return out
}

func exec(c *pgconn.PgConn, text string) (string, error) {
	res, err := c.Exec(context.Background(), text).ReadAll()
	if err != nil || len(res) == 0 {
		return "", err
	}
	var rows []string
	for _, r := range res[len(res)-1].Rows {
		var vals []string
		for _, v := range r {
			vals = append(vals, string(v))
		}
		rows = append(rows, strings.Join(vals, ","))
	}
	return strings.Join(rows, ";"), nil
}

// stop ends the server cleanly.
func (s *server) stop() {
	s.t.Helper()
	s.c.Close(context.Background())
	if err := s.pm.Stop(context.Background(), postmaster.Fast); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) log() string {
	var sb strings.Builder
	for _, e := range s.logs.All() {
		fmt.Fprintln(&sb, e.Message)
	}
	return sb.String()
}

// logged reports whether the log has a line that contains text.
func (s *server) logged(text string) bool { return strings.Contains(s.log(), text) }

// backup takes a base backup with the server's functions; during runs while the files are being copied.
func (s *server) backup(fsys vfs.FS, from, to string, during func()) (end ids.LSN) {
	s.t.Helper()
	c := &backup.Copier{FS: fsys, From: from, To: to, Warn: func(w string) { s.t.Error(w) }}
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	must(c.PrepareTarget())
	at, err := ids.ParseLSN(s.sql("select pg_backup_start('test', true)"))
	must(err)
	c.Start = at
	must(c.Data())
	if during != nil {
		during()
	}
	must(c.Control())
	stop, text, _ := strings.Cut(s.sql("select lsn, labelfile from pg_backup_stop(false)"), ",")
	end, err = ids.ParseLSN(stop)
	must(err)
	l, err := backup.ParseLabel(text)
	must(err)
	must(c.Log(l.Timeline, at, end, 1<<20))
	must(c.Add(backup.LabelFile, strings.TrimSuffix(text, ",")))
	must(c.Finish(l.Timeline, at, end))
	return end
}

// newSource makes a cluster with an archive and starts it.
func newSource(t testing.TB) (*vfs.Mem, *server) {
	t.Helper()
	fsys := vfs.NewMem(1)
	if err := fsys.MkdirAll(archiveDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := fsys.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	if err := postmaster.Init(sourceDir, postmaster.InitOptions{FS: fsys, Sync: true, WalSegmentSize: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	return fsys, start(t, fsys, sourceDir)
}

// touch makes an empty file durable.
func touch(t testing.TB, fsys vfs.FS, dir, name string) {
	t.Helper()
	if err := vfs.ReplaceFile(fsys, dir+"/"+name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// check runs the check of the whole cluster.
func check(t testing.TB, fsys vfs.FS, dir string) {
	t.Helper()
	n, err := postmaster.Check(postmaster.CheckOptions{Dir: dir, FS: fsys}, func(p string) { t.Error(p) })
	if err != nil || n > 0 {
		t.Fatalf("%s: %d problems, %v", dir, n, err)
	}
}

// archived waits until everything up to now is in the archive.
func (s *server) archived() {
	s.t.Helper()
	s.sql("create table if not exists tick(a int)")
	name := s.sql("select pg_walfile_name(pg_switch_wal())")
	for range 2000 {
		if s.sql("select coalesce(last_archived_wal >= '"+name+"', false) from pg_stat_archiver") == "t" {
			return
		}
		s.sql("select pg_sleep(0.01)")
	}
	s.t.Fatalf("%s does not get into the archive\n%s", name, s.log())
}

// copyTree copies a directory from one file system to another, durably.
func copyTree(t testing.TB, from, to vfs.FS, src, dst string) {
	t.Helper()
	if err := to.MkdirAll(dst, 0o700); err != nil {
		t.Fatal(err)
	}
	entries, err := from.ReadDir(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			copyTree(t, from, to, src+"/"+e.Name(), dst+"/"+e.Name())
			continue
		}
		b, err := vfs.ReadFile(from, src+"/"+e.Name())
		if err == nil {
			err = vfs.WriteFile(to, dst+"/"+e.Name(), b, 0o600, true)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := to.SyncTree("/"); err != nil {
		t.Fatal(err)
	}
}
