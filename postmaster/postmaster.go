package postmaster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"gompho/backend"
	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/logger"
	"gompho/metrics"
	"gompho/session"
	"gompho/stats"
	"gompho/storage/vfs"
	"gompho/wal"
	"gompho/wire"
)

// ShutdownMode is how a server stops.
type ShutdownMode uint8

const (
	Smart     ShutdownMode = iota // wait until all sessions have ended by themselves
	Fast                          // end the sessions
	Immediate                     // stop at once; the next start recovers
)

// String names the mode.
func (m ShutdownMode) String() string { return [...]string{"smart", "fast", "immediate"}[m] }

type state uint8

const (
	stateStarting state = iota
	stateRunning
	stateCrashed
	stateStopping
	stateStopped
)

// Options of Start.
type Options struct {
	Dir string
	// Settings are name=value pairs that win over configuration files.
	Settings []string
	// Ephemeral: the directory is temporary, nothing is synced, and it goes away at the end.
	Ephemeral bool
	// NoListen: no sockets; connections come through Dial only.
	NoListen bool
	// AnyPort listens on a free TCP port instead of the one of the settings.
	AnyPort bool
	// Log receives the server log; nil: nothing is logged, but to the files of logging_collector.
	Log func(*config.Server) *zap.Logger
	// InitUser is the name of the first role of a new cluster.
	InitUser string
	// FS holds the cluster instead of the operating system's files; nil: those. Configuration files are not read then.
	FS vfs.FS
	// WalSegmentSize is the size in bytes of the log's segments in a new cluster; 0: wal.DefaultSegmentSize.
	WalSegmentSize int
	// Cancel interrupts the start while it recovers: Start then returns ErrCanceled. nil: nothing does.
	Cancel <-chan struct{}
	// HeapLimit is told what the memory of Go's heap should keep to, in bytes: after the start, and when gompho.memory_limit changes. nil: the process sees to
	// that itself. It is for a process that is nothing but the server: the limit is the process's.
	HeapLimit func(bytes int64)
	// ExtraProcessors is told how many goroutines more than at the start should run at a time: some while short statements come in beside long ones, then 0.
	// nil: it stays as it is. It, too, is for a process that is nothing but the server.
	ExtraProcessors func(n int)
	// Engine, for tests, wraps what runs the statements of a session.
	Engine func(*session.Session, backend.Engine) backend.Engine
	// Critical, for tests of the crash cycle, is called within every critical section; it may panic.
	Critical func()
	// Replayed, for tests of recovery, is told of each record that is replayed, in order.
	Replayed func(*wal.Record)
}

// ErrCanceled says that the start was interrupted. The next one recovers.
var ErrCanceled = errors.New("the start was interrupted by a shutdown request")

// Postmaster is a running server.
type Postmaster struct {
	opt   Options
	cfg   *config.Server
	root  *zap.Logger // the server's log
	log   *zap.Logger // the postmaster's own lines in it
	procs *stats.Table
	bufs  wire.Pool
	pid   *pidFile          // nil with Options.FS
	lock  io.Closer         // instead of it
	files *logger.Collector // nil: the log goes to Options.Log's writer
	admin *metrics.Server   // nil: none
	start time.Time
	port  int
	// recovering: the start replays the log.
	recovering atomic.Bool
	queryLimit atomic.Int64 // bytes that statements may hold together; 0: any

	mu        sync.Mutex // protects state, children, cluster, reloaded
	childGone *sync.Cond
	state     state
	children  map[int32]*child
	cluster   *cluster
	reloaded  time.Time
	crashes   int
	finishing bool // somebody is in finish, or was

	listeners []net.Listener
	sockets   []string
	wg        sync.WaitGroup // accept loops, connections, the crash cycle
	closing   *cluster       // that finish closes
	quit      chan struct{}
	done      chan struct{}
	err       error
}

// Start starts a server; it is ready for connections when Start returns.
func Start(opt Options) (*Postmaster, error) {
	p := &Postmaster{opt: opt, procs: stats.NewTable(int32(os.Getpid()) + 1), children: map[int32]*child{}, start: time.Now(), reloaded: time.Now(),
		quit: make(chan struct{}), done: make(chan struct{})}
	p.childGone = sync.NewCond(&p.mu)
	if err := p.startup(); err != nil {
		p.teardown()
		return nil, err
	}
	return p, nil
}

func (p *Postmaster) startup() error {
	dir, err := filepath.Abs(p.opt.Dir)
	if err != nil {
		return err
	}
	p.opt.Dir = dir
	if err := p.ensureCluster(); err != nil {
		return err
	}
	if err := p.takeDir(); err != nil {
		return err
	}
	if err := p.loadSettings(); err != nil {
		return err
	}
	p.root = zap.NewNop()
	switch {
	case p.opt.Log != nil:
		p.root = p.opt.Log(p.cfg)
	case p.opt.FS == nil && p.cfg.Get("logging_collector").Bool():
		p.root = logger.ForServer(io.Discard)(p.cfg)
	}
	p.log = p.root.With(logger.NewProcess("postmaster", int32(os.Getpid()), nil).Field())
	p.limitHeap()
	if p.opt.FS == nil {
		if p.files, err = logger.Collect(p.log, dir); err != nil {
			return err
		}
		p.files.Announce(p.log)
	}
	p.log.Info(fmt.Sprintf("starting gompho, compatible with PostgreSQL %s, on %s-%s, compiled by %s", p.cfg.Get("server_version").Text, runtime.GOARCH,
		runtime.GOOS, runtime.Version()))
	if err := p.writePid("starting"); err != nil {
		return err
	}
	if err := p.startAdmin(); err != nil {
		return err
	}
	c, err := p.openCluster()
	p.opt.Cancel = nil // later recoveries are stopped by Stop
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.cluster, p.state = c, stateRunning
	p.mu.Unlock()
	c.startWorkers()
	if p.opt.HeapLimit != nil {
		p.wg.Add(1)
		go p.watchMemory()
	}
	if !p.opt.NoListen {
		if err := p.listen(); err != nil {
			return err
		}
	}
	p.log.Info("database system is ready to accept connections")
	return p.writePid("ready")
}

// loadSettings reads postgresql.conf and the command line.
func (p *Postmaster) loadSettings() error {
	p.cfg = config.NewServer(config.NewRegistry())
	if p.opt.FS == nil {
		p.cfg.Dir = p.opt.Dir
	}
	set := p.opt.Settings
	if p.opt.Ephemeral {
		set = append([]string{"fsync=off", "synchronous_commit=off", "full_page_writes=off"}, set...)
	}
	if err := p.cfg.CommandLine(set); err != nil {
		return err
	}
	if err := p.cfg.Load(); err != nil {
		return err
	}
	return p.cfg.Override(map[string]string{
		"data_directory": p.opt.Dir, "config_file": filepath.Join(p.opt.Dir, "postgresql.conf"), "server_encoding": "UTF8", "client_encoding": "UTF8",
		"lc_collate": "C.UTF-8", "lc_ctype": "C.UTF-8", "data_checksums": "on", "is_superuser": "on",
	})
}

// fs is where the cluster's files are.
func (p *Postmaster) fs() vfs.FS {
	if p.opt.FS != nil {
		return p.opt.FS
	}
	return vfs.OS()
}

func (p *Postmaster) info(status string) PidInfo {
	i := PidInfo{PID: os.Getpid(), Dir: p.opt.Dir, Started: p.start, Port: p.port, Status: status}
	if len(p.sockets) > 0 {
		i.SocketDir = filepath.Dir(p.sockets[0])
	}
	for _, l := range p.listeners {
		if t, ok := l.Addr().(*net.TCPAddr); ok {
			i.Host = t.IP.String()
			break
		}
	}
	return i
}

// Port returns the TCP port, 0 without sockets.
func (p *Postmaster) Port() int { return p.port }

// SocketDir returns the directory of the Unix socket, empty when there is none.
func (p *Postmaster) SocketDir() string {
	if len(p.sockets) == 0 {
		return ""
	}
	return filepath.Dir(p.sockets[0])
}

// Dir returns the data directory.
func (p *Postmaster) Dir() string { return p.opt.Dir }

// Config returns the server's settings.
func (p *Postmaster) Config() *config.Server { return p.cfg }

func (p *Postmaster) stopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state == stateStopping || p.state == stateStopped
}

// Reload reads the configuration files again and tells all processes. The error says that nothing was changed.
func (p *Postmaster) Reload() error {
	p.log.Info("received SIGHUP, reloading configuration files")
	r := p.cfg.Reload()
	p.mu.Lock()
	p.reloaded = time.Now()
	p.mu.Unlock()
	for _, d := range r.Changed {
		if slices.Contains(r.Removed, d) {
			p.log.Info(fmt.Sprintf("parameter %q removed from configuration file, reset to default", d.Name))
		} else {
			p.log.Info(fmt.Sprintf("parameter %q changed to %q", d.Name, d.Show(p.cfg.Values().At(d).Value)))
		}
	}
	for _, e := range r.Problems {
		p.log.Info(e.Message, zap.String("code", string(e.Code)), zap.String("detail", e.Detail), zap.String("hint", e.Hint))
	}
	if len(r.Problems) > 0 {
		what := "unaffected changes were applied"
		if !r.Applied {
			what = "no changes were applied"
		}
		p.log.Info(fmt.Sprintf("configuration file %q contains errors; %s", filepath.Join(p.opt.Dir, "postgresql.conf"), what),
			zap.String("code", string(pgerr.ConfigFileError)))
	}
	p.files.Reloaded()
	p.queryLimit.Store(p.queryMemory())
	p.limitHeap()
	for _, s := range p.procs.All() {
		s.Interrupt(stats.ReloadConfig)
	}
	if !r.Applied {
		return r.Problems[0]
	}
	return nil
}

// RotateLog begins new files of the log; false: the log is not collected.
func (p *Postmaster) RotateLog() bool {
	if p.files == nil {
		return false
	}
	p.files.Rotate()
	return true
}

// Stop stops the server and waits until it has stopped. ctx bounds the wait of a smart shutdown, which then turns into a
// fast one.
func (p *Postmaster) Stop(ctx context.Context, mode ShutdownMode) error {
	p.mu.Lock()
	if p.state == stateStopped {
		p.mu.Unlock()
		return nil
	}
	first := p.state != stateStopping
	p.state = stateStopping
	p.mu.Unlock()
	if first {
		close(p.quit)
	}
	p.log.Info(fmt.Sprintf("received %s shutdown request", mode))
	for _, l := range p.listeners {
		l.Close()
	}
	switch mode {
	case Smart:
		stop := context.AfterFunc(ctx, func() { p.endSessions(stats.Terminate) })
		p.waitSessions()
		stop()
	case Fast:
		p.log.Info("aborting any active transactions")
		p.endSessions(stats.Terminate)
		p.waitSessions()
	case Immediate:
		p.abandon()
		p.mu.Lock()
		if p.closing != nil { // by an orderly shutdown, which may wait for the archive
			p.closing.endArchiver()
		}
		p.mu.Unlock()
	}
	p.mu.Lock()
	again := p.finishing
	p.finishing = true
	p.mu.Unlock()
	if again { // somebody else stops it too, or the server itself after a crash
		<-p.done
		return nil
	}
	return p.finish(mode)
}

// finish closes the cluster after the sessions are gone.
func (p *Postmaster) finish(mode ShutdownMode) error {
	p.mu.Lock()
	c := p.cluster
	p.cluster, p.closing = nil, c
	p.mu.Unlock()
	var err error
	switch {
	case c == nil:
	case c.fs.cut.Load():
		c.abandon()
		if mode != Immediate {
			err = errors.New("a server process crashed during the shutdown: the next start recovers")
		}
	default:
		err = c.close(mode != Immediate)
	}
	p.mu.Lock()
	p.state = stateStopped
	p.mu.Unlock()
	p.wg.Wait()
	p.log.Info("database system is shut down")
	p.teardown()
	p.mu.Lock()
	if p.err == nil {
		p.err = err
	}
	p.mu.Unlock()
	close(p.done)
	return err
}

func (p *Postmaster) teardown() {
	for _, l := range p.listeners {
		l.Close()
	}
	for _, s := range p.sockets {
		os.Remove(s)
	}
	p.leaveDir()
	p.admin.Close()
	p.files.Close()
	if p.opt.Ephemeral && p.opt.Dir != "" {
		p.fs().RemoveAll(p.opt.Dir)
	}
}

// Done is closed when the server has stopped.
func (p *Postmaster) Done() <-chan struct{} { return p.done }

// Err returns what went wrong when the server stopped, nil after an orderly shutdown.
func (p *Postmaster) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *Postmaster) endSessions(i stats.Interrupt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ch := range p.children {
		ch.interrupt(i)
	}
}

func (p *Postmaster) waitSessions() {
	p.mu.Lock()
	for len(p.children) > 0 {
		p.childGone.Wait()
	}
	p.mu.Unlock()
}

// abandon cuts all connections without waiting for what the sessions are doing.
func (p *Postmaster) abandon() {
	p.mu.Lock()
	c := p.cluster
	for _, ch := range p.children {
		ch.slot.Interrupt(stats.CrashExit)
		ch.conn.Close()
	}
	p.mu.Unlock()
	if c != nil {
		c.fence()
		// A process that fails at the fence does not let go of its latches: nobody must wait for them.
		c.pool.Abort()
		c.log.Abort()
	}
	p.waitSome(5 * time.Second)
}

// waitSome waits for the sessions to end, but no longer than d: one may wait for a latch that nobody will release.
func (p *Postmaster) waitSome(d time.Duration) {
	late := false
	t := time.AfterFunc(d, func() {
		p.mu.Lock()
		late = true
		p.mu.Unlock()
		p.childGone.Broadcast()
	})
	defer t.Stop()
	p.mu.Lock()
	for len(p.children) > 0 && !late {
		p.childGone.Wait()
	}
	p.mu.Unlock()
}

var errNotCluster = errors.New("not a gompho data directory")
