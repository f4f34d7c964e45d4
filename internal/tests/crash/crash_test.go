package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"gompho/config"
	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/page"
	"gompho/storage/vfs"
	"gompho/wal"
)

const dataDir = "/crash-test/data" // in memory

// image makes the cluster that all rounds begin with.
func image(t *testing.T, workers int) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem(1)
	if err := postmaster.Init(dataDir, postmaster.InitOptions{FS: m, Sync: true, WalSegmentSize: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	pm, err := postmaster.Start(postmaster.Options{Dir: dataDir, FS: m, NoListen: true, Settings: []string{"shared_buffers=8MB"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(pm)
	if err != nil {
		t.Fatal(err)
	}
	sql := `create schema common; create table common.account(id int primary key, balance bigint) with (fillfactor=50);
		create table common.ledger(w int, n int, account int, delta int, primary key (w, n));`
	for i := range accounts {
		sql += fmt.Sprintf("insert into common.account values (%d, 0);", i)
	}
	for i := range workers {
		sql += fmt.Sprintf(`create schema w%[1]d; create sequence w%[1]d.seq;
			create table w%[1]d.fkp(id int primary key, c0 text);
			create table w%[1]d.fkc(id int primary key, ref int references w%[1]d.fkp on delete cascade on update cascade, c1 text);
			create index fkc_ref on w%[1]d.fkc (ref);`, i)
	}
	if _, err := c.Exec(context.Background(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
	c.Close(context.Background())
	if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	if err := m.SyncTree("/"); err != nil {
		t.Fatal(err)
	}
	return m
}

func dial(pm *postmaster.Postmaster) (*pgconn.PgConn, error) { return dialTo(pm, "postgres") }

func dialTo(pm *postmaster.Postmaster, database string) (*pgconn.PgConn, error) {
	cfg, err := pgconn.ParseConfig("host=127.0.0.1 port=1 user=postgres sslmode=disable dbname=" + database)
	if err != nil {
		return nil, err
	}
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return pm.Dial() }
	return pgconn.ConnectConfig(context.Background(), cfg)
}

const workers = 3

// TestCrash is the suite; see the package's documentation.
func TestCrash(t *testing.T) {
	base := image(t, workers)
	rounds := 120
	if testing.Short() {
		rounds = 40
	}
	rounds, first := rerun.Rounds(t, "GOMPHO_CRASH_ROUNDS", rounds)
	_, fixed := rerun.Given(t)
	counts := newTally()
	var next, failed, lives, crashes atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(rounds) || failed.Load() > 2 {
					return
				}
				seed := first
				if !fixed {
					seed += uint64(i)
				}
				r := newRound(base.Clone(seed), seed, counts)
				if err := r.run(); err != nil {
					failed.Add(1)
					t.Errorf("seed %d: %v\n%s", seed, err, r.tail())
					if to := os.Getenv("GOMPHO_CRASH_KEEP"); to != "" {
						t.Log(r.keep(fmt.Sprintf("%s/%d-%d", to, seed, i)))
					}
				}
				lives.Add(int64(r.lives))
				crashes.Add(int64(r.crashes))
			}
		})
	}
	wg.Wait()
	rerun.Told(t, "%d lives, %d crashes: %s", lives.Load(), crashes.Load(), counts)
	if rounds >= 40 && failed.Load() == 0 && crashes.Load() < int64(rounds)/2 {
		t.Errorf("only %d crashes in %d rounds", crashes.Load(), rounds)
	}
}

// round is one cluster with its workers, from the image to the final check.
type round struct {
	seed    uint64
	rnd     *rand.Rand
	fs      *vfs.Mem
	pm      *postmaster.Postmaster
	power   *power
	workers []*worker
	lives   int
	crashes int
	tally   *tally
	whole   bool // storage never tears a page: full_page_writes may be off

	mu  sync.Mutex // protects log
	log []string
}

func newRound(fs *vfs.Mem, seed uint64, counts *tally) *round {
	r := &round{seed: seed, tally: counts, rnd: rand.New(rand.NewPCG(seed, 7)), fs: fs}
	if r.whole = r.rnd.IntN(4) == 0; r.whole {
		fs.SetUnit(page.Size)
	}
	for i := range workers {
		r.workers = append(r.workers, &worker{r: r, id: i, rnd: rand.New(rand.NewPCG(seed, uint64(100+i))), states: []*state{newState()}})
	}
	return r
}

func (r *round) logf(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	r.mu.Lock()
	r.log = append(r.log, s)
	r.mu.Unlock()
}

// tail prints the end of the round's log.
func (r *round) tail() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := max(0, len(r.log)-150)
	if os.Getenv("GOMPHO_CRASH_TRACE") != "" {
		from = 0
	}
	return strings.Join(r.log[from:], "\n")
}

// crashed counts a crash.
func (r *round) crashed(when string) {
	r.crashes++
	r.tally.add(r.power, when)
}

func (r *round) down() bool { return r.power.off.Load() }

func (r *round) dial() (*pgconn.PgConn, error) { return dial(r.pm) }

func (r *round) settings() []string {
	method := []string{"fdatasync", "fsync", "open_datasync"}[r.rnd.IntN(3)]
	images, level := "on", "replica"
	if r.whole {
		images = []string{"on", "off"}[r.rnd.IntN(2)]
	}
	if r.rnd.IntN(4) == 0 {
		level = "minimal"
	}
	return []string{"full_page_writes=" + images, "wal_level=" + level, "shared_buffers=" + []string{"512kB", "1MB", "4MB"}[r.rnd.IntN(3)], "wal_sync_method=" + method, "max_wal_size=2MB", "min_wal_size=2MB",
		"bgwriter_delay=10ms", "wal_writer_delay=1ms", "deadlock_timeout=5ms", "wal_buffers=64kB", "max_prepared_transactions=6", "log_min_messages=debug1",
		"wal_compression=" + []string{"off", "pglz", "lz4", "zstd"}[r.rnd.IntN(4)], "wal_recycle=" + []string{"on", "off"}[r.rnd.IntN(2)],
		"wal_init_zero=" + []string{"on", "off"}[r.rnd.IntN(2)], "checkpoint_flush_after=" + []string{"0", "256kB"}[r.rnd.IntN(2)]}
}

// run lives the lives of the round.
func (r *round) run() error {
	recovered := false
	for n := 1 + r.rnd.IntN(4); n > 0; n-- {
		clean, err := r.life(recovered, false)
		if err != nil {
			return err
		}
		recovered = !clean
	}
	if _, err := r.life(recovered, true); err != nil {
		return err
	}
	var problems []string
	o := postmaster.CheckOptions{Dir: dataDir, FS: r.fs, Settings: []string{"shared_buffers=16MB"}}
	if r.seed%16 > 0 {
		o.Database = "postgres"
	}
	_, err := postmaster.Check(o, func(p string) { problems = append(problems, p) })
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if len(problems) > 0 {
		return fmt.Errorf("the check finds %d problems:\n%s", len(problems), strings.Join(problems[:min(20, len(problems))], "\n"))
	}
	return nil
}

// life starts the server, lets it work, and ends it; clean says that it was shut down.
func (r *round) life(recovered, last bool) (clean bool, err error) {
	r.lives++
	r.power = &power{aim: aim{kind: anyChange}, short: r.rnd.IntN(9000), unit: vfs.SectorSize}
	if r.whole {
		r.power.unit = page.Size
	}
	n := int64(1) << 40
	if !last {
		r.power.aim, n = drawAim(r.rnd)
	}
	r.power.left.Store(n)
	r.logf("life %d: power fails at call %d of kind %d %s", r.lives, n, r.power.aim.kind, r.power.aim.part)
	defer func() {
		if err == nil && !clean {
			r.fs.Kill()
			if r.rnd.IntN(5) > 0 {
				r.fs.Crash()
			}
		}
	}()
	var replayed []wal.Kind
	r.pm, err = postmaster.Start(postmaster.Options{Dir: dataDir, FS: vfs.NewFaulty(r.fs, r.power.policy), NoListen: true, Settings: r.settings(),
		Replayed: func(rec *wal.Record) { replayed = append(replayed, rec.Kind) }, Log: func(*config.Server) *zap.Logger { return zap.New(&logCore{r: r}) }})
	r.tally.replayed(replayed)
	if err != nil {
		if !r.down() {
			return false, fmt.Errorf("start: %w", err)
		}
		r.logf("the power failed at start in %s %s: %v", r.power.cut.Kind, r.power.cut.Name, err)
		if recovered {
			r.crashed("in recovery")
		} else {
			r.crashed("at start")
		}
		return false, nil
	}
	err = r.sessions(recovered, last)
	clean = err == nil && !r.down() && (last || r.rnd.IntN(3) == 0)
	if clean {
		if !last && r.rnd.IntN(2) == 0 { // it takes few calls
			r.power.left.Store(1 + r.rnd.Int64N(60))
		}
		if err = r.pm.Stop(context.Background(), postmaster.Fast); err != nil && r.down() {
			clean, err = false, nil
		}
		<-r.pm.Done()
		for _, w := range r.workers {
			w.dirty = false // even if the power failed: the shutdown may have been complete
		}
		if err != nil || r.down() {
			r.logf("the power failed during the shutdown")
			r.crashed("in shutdown")
			return false, err
		}
		return true, nil
	}
	if !r.power.off.Swap(true) {
		r.logf("the power fails between the calls")
	} else {
		r.logf("the power failed in %s %s at %d, %d bytes", r.power.cut.Kind, r.power.cut.Name, r.power.cut.Offset, r.power.cut.Len)
	}
	r.crashed("at work")
	_ = r.pm.Stop(context.Background(), postmaster.Immediate)
	select {
	case <-r.pm.Done():
	case <-time.After(30 * time.Second):
		return false, fmt.Errorf("the server does not end after the power failed")
	}
	return false, err
}

// sessions resolves what is there and runs the workers.
func (r *round) sessions(recovered, last bool) error {
	errs := make([]error, workers)
	each := func(f func(w *worker) error) error {
		var wg sync.WaitGroup
		for i, w := range r.workers {
			wg.Go(func() {
				if errs[i] != nil {
					return
				}
				if errs[i] = f(w); errs[i] == nil {
					return
				}
				// The others may wait for what it holds, or has prepared.
				w.hangUp()
				_ = r.pm.Stop(context.Background(), postmaster.Immediate)
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil && err != errLost {
				return err
			}
		}
		return nil
	}
	defer each(func(w *worker) error { return nil })
	defer func() {
		for _, w := range r.workers {
			w.hangUp()
		}
	}()
	if err := each(func(w *worker) error {
		if err := w.connect(); err != nil {
			return err
		}
		if err := w.resolve(recovered); err != nil {
			return err
		}
		w.dirty = false
		return nil
	}); err != nil || r.down() {
		return err
	}
	if err := r.sums(); err != nil {
		return err
	}
	if last {
		return each((*worker).leavePrepared)
	}
	return each(func(w *worker) error { return w.work(2 + w.rnd.IntN(14)) })
}

// sums compares the accounts with the ledger.
func (r *round) sums() error {
	w := r.workers[0]
	rows, err := w.must("select a.id, a.balance, coalesce((select sum(delta) from common.ledger l where l.account = a.id), 0) from common.account a order by 1")
	if err == errLost {
		return nil
	}
	if err != nil {
		return err
	}
	if len(rows) != accounts {
		return w.failf("%d accounts", len(rows))
	}
	for _, v := range rows {
		if string(v[1]) != string(v[2]) {
			return w.failf("account %s has %s, the ledger says %s", v[0], v[1], v[2])
		}
	}
	return nil
}

// keep copies the cluster as it is to a directory of the real file system, to be looked at with gompho check and gompho wal dump.
func (r *round) keep(to string) error {
	var walk func(name string) error
	walk = func(name string) error {
		if err := os.MkdirAll(to+name, 0o700); err != nil {
			return err
		}
		entries, err := r.fs.ReadDir(dataDir + name)
		for _, e := range entries {
			at := name + "/" + e.Name()
			if e.IsDir() {
				err = errors.Join(err, walk(at))
				continue
			}
			data, rerr := vfs.ReadFile(r.fs, dataDir+at)
			err = errors.Join(err, rerr, os.WriteFile(to+at, data, 0o600))
		}
		return err
	}
	return walk("")
}

// logCore writes the server log into the round's.
type logCore struct {
	r      *round
	fields []zapcore.Field
}

func (c *logCore) Enabled(zapcore.Level) bool { return true }
func (c *logCore) With(f []zapcore.Field) zapcore.Core {
	return &logCore{c.r, append(c.fields[:len(c.fields):len(c.fields)], f...)}
}
func (c *logCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}
func (c *logCore) Sync() error { return nil }
func (c *logCore) Write(e zapcore.Entry, f []zapcore.Field) error {
	enc := zapcore.NewMapObjectEncoder()
	for _, x := range append(c.fields[:len(c.fields):len(c.fields)], f...) {
		x.AddTo(enc)
	}
	c.r.logf("log: %s %s %v", e.Level, e.Message, enc.Fields)
	return nil
}
