package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"gompho/config"
	"gompho/postmaster"
	"gompho/storage/vfs"
)

const dataDir = "/faults/data" // in memory

// patience is how long a run waits for what must come.
const patience = 60 * time.Second

var settings = []string{"shared_buffers=1MB", "wal_buffers=64kB", "checkpoint_timeout=1h", "max_wal_size=1GB", "autovacuum=off", "bgwriter_lru_maxpages=0",
	"wal_writer_delay=10s", "max_prepared_transactions=4", "work_mem=64kB", "max_parallel_workers_per_gather=0", "max_parallel_maintenance_workers=0", "log_checkpoints=off"}

// server is a server that a run started, with its log.
type server struct {
	pm *postmaster.Postmaster

	mu      sync.Mutex // protects what follows
	lines   []string
	crashes int
}

func start(fsys vfs.FS, more ...string) (*server, error) {
	s := &server{}
	var err error
	s.pm, err = postmaster.Start(postmaster.Options{Dir: dataDir, FS: fsys, NoListen: true, Settings: append(slices.Clone(settings), more...),
		Log: func(*config.Server) *zap.Logger { return zap.New(logCore{s}) }})
	return s, err
}

// dial connects once the server lets it.
func (s *server) dial(ctx context.Context) (*pgconn.PgConn, error) {
	cfg, err := pgconn.ParseConfig("host=127.0.0.1 port=1 user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		return nil, err
	}
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return s.pm.Dial() }
	for {
		c, err := pgconn.ConnectConfig(ctx, cfg)
		if err == nil {
			return c, nil
		}
		select {
		case <-s.pm.Done():
			return nil, fmt.Errorf("the server has stopped: %w", errors.Join(s.pm.Err(), err))
		case <-ctx.Done():
			return nil, fmt.Errorf("the server does not come back: %w", err)
		case <-time.After(time.Millisecond):
		}
	}
}

// stop ends the server. The error is nil when it was shut down in order.
func (s *server) stop(mode postmaster.ShutdownMode) error {
	err := s.pm.Stop(context.Background(), mode)
	select {
	case <-s.pm.Done():
		return err
	case <-time.After(patience):
		return errors.New("the server does not stop")
	}
}

func (s *server) crashed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.crashes
}

// image makes the cluster that the runs begin with: shut down, and crashed with something to recover.
func image(t *testing.T) (clean, crashed *vfs.Mem) {
	t.Helper()
	m := vfs.NewMem(1)
	for _, f := range []func() error{func() error { return m.MkdirAll("/faults", 0o700) }, func() error { return m.SyncTree("/") }} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	if err := postmaster.Init(dataDir, postmaster.InitOptions{FS: m, Sync: true, WalSegmentSize: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	s, err := start(m)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := s.dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range append([]string{"create sequence numbers"}, setup...) {
		if _, err := c.Exec(ctx, sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	crashed = m.Clone(2)
	crashed.Crash()
	c.Close(ctx)
	if err := s.stop(postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	return m, crashed
}

// logCore keeps the server's log.
type logCore struct{ s *server }

func (c logCore) Enabled(zapcore.Level) bool        { return true }
func (c logCore) With([]zapcore.Field) zapcore.Core { return c }
func (c logCore) Sync() error                       { return nil }
func (c logCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}
func (c logCore) Write(e zapcore.Entry, f []zapcore.Field) error {
	enc := zapcore.NewMapObjectEncoder()
	for _, x := range f {
		x.AddTo(enc)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if e.Message == "server process crashed" {
		c.s.crashes++
	}
	if line := fmt.Sprintf("%s %v", e.Message, enc.Fields); len(c.s.lines) < 500 {
		c.s.lines = append(c.s.lines, strings.TrimSuffix(line, " map[]"))
	}
	return nil
}

func (s *server) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// said counts the lines of the log that begin like this.
func (s *server) said(what string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if strings.HasPrefix(l, what) {
			n++
		}
	}
	return n
}
