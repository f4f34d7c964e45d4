package checkpointer

import (
	"errors"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"gompho/bgwriter"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/checkpoint"
	"gompho/storage/control"
	"gompho/storage/smgr"
	"gompho/storage/vfs"
	"gompho/wal"
	"gompho/wal/recovery"
	"gompho/walwriter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const segment = 64 << 10

type cluster struct {
	pool    *buffer.Pool
	log     *wal.Log
	control *control.File
	mech    *checkpoint.Checkpointer
}

func open(t *testing.T, fsys vfs.FS) *cluster {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	wo := wal.Options{FS: fsys, Dir: "/data/pg_wal", SystemID: 1, SegmentSize: segment, BufferSize: segment}
	if !checkpoint.Exists(fsys, "/data") {
		check(checkpoint.Bootstrap("/data", wo, control.Data{Checksums: true}))
	}
	c, err := control.Open(fsys, "/data")
	check(err)
	l, err := wal.New(wo)
	check(err)
	st := smgr.New(smgr.Options{FS: fsys, DataDir: "/data"})
	p, err := buffer.New(buffer.Options{Buffers: 64, Storage: st, Checksums: true})
	check(err)
	r, err := recovery.Open(recovery.Options{Control: c, Pool: p, Log: l, Wal: wo})
	check(err)
	_, err = r.Run(nil, recovery.Routines{}, nil)
	check(err)
	t.Cleanup(func() { p.Close(); st.Close(); l.Close() })
	return &cluster{p, l, c, checkpoint.New(checkpoint.Options{Pool: p, Log: l, Control: c, MaxWalSize: func() int64 { return 4 * segment }})}
}

// TestLife drives the process through requests, a checkpoint because of log volume, and the one at shutdown.
func TestLife(t *testing.T) {
	c := open(t, vfs.NewMem(1))
	core, logs := observer.New(zap.InfoLevel)
	p := New(Options{Mechanism: c.mech, Log: c.log, Logger: zap.New(core)})
	slot, me := stats.NewSlot(1, 1), stats.NewSlot(2, 2)
	ended := make(chan error)
	go func() { ended <- p.Run(slot) }()
	for range 3 {
		c.log.InsertSimple(wal.Noop, 1, make([]byte, 100))
		before := c.log.InsertedTo()
		if err := p.Request(me, checkpoint.Immediate, true); err != nil {
			t.Fatal(err)
		}
		if d := c.control.Data(); d.Checkpoint.Redo < before {
			t.Fatalf("redo pointer %s, requested at %s", d.Checkpoint.Redo, before)
		}
	}
	at := c.log.InsertedTo()
	for c.control.Data().Checkpoint.Redo <= at {
		c.log.InsertSimple(wal.Noop, 1, make([]byte, 5000))
		p.WalWritten(0)
	}
	p.Shutdown()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if s := c.control.Data().State; s != control.ShutDown {
		t.Fatal(s)
	}
	if p.Stats.Requested.Load() < 4 || p.Stats.Timed.Load() != 0 {
		t.Fatal(p.Stats.Requested.Load(), p.Stats.Timed.Load())
	}
	all := ""
	for _, e := range logs.All() {
		all += e.Message + "\n"
	}
	for _, want := range []string{"checkpoint starting: immediate force wait\n", "checkpoint starting: wal\n", "checkpoint starting: shutdown immediate\n",
		"checkpoint complete: wrote 0 buffers (0.0%);", "checkpoints are occurring too frequently (0 seconds apart)"} {
		if !strings.Contains(all, want) {
			t.Errorf("the log does not say %q:\n%s", want, all)
		}
	}
}

// TestSpread: a checkpoint that is ahead of its schedule waits between writes, and an immediate request ends that.
func TestSpread(t *testing.T) {
	c := open(t, vfs.NewMem(1))
	rel := ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: 101}
	if err := c.pool.Storage().Create(rel, 0, false); err != nil {
		t.Fatal(err)
	}
	for range 40 {
		b, err := c.pool.Extend(nil, rel, 0, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		ch := c.pool.Begin(nil, wal.HeapInit, 1, buffer.RelInfo{File: rel, Logged: true})
		ch.Page(b).Init(0, 0)
		ch.Commit()
		b.UnlockRelease()
	}
	p := New(Options{Mechanism: c.mech, Log: c.log, Timeout: func() time.Duration { return time.Hour }})
	slot := stats.NewSlot(1, 1)
	ended := make(chan error)
	go func() { ended <- p.Run(slot) }()
	if err := p.Request(nil, 0, false); err != nil {
		t.Fatal(err)
	}
	for slot.Waiting() != stats.TimeoutCheckpointWriteDelay {
		runtime.Gosched()
	}
	if err := p.Request(nil, checkpoint.Immediate, true); err != nil {
		t.Fatal(err)
	}
	if n := p.Stats.Buffers.Load(); n != 40 {
		t.Fatalf("%d buffers", n)
	}
	slot.Interrupt(stats.Terminate)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := p.Request(stats.NewSlot(3, 3), 0, false); err != nil {
		t.Fatal(err)
	}
}

// TestSchedule: a checkpoint is ahead as long as more of its work is done than has passed of the time and of the log until the next one, both of them
// up to checkpoint_completion_target.
func TestSchedule(t *testing.T) {
	c := open(t, vfs.NewMem(1))
	target := 0.5
	p := New(Options{Mechanism: c.mech, Log: c.log, Timeout: func() time.Duration { return 100 * time.Hour }, CompletionTarget: func() float64 { return target }})
	full := ids.LSN(c.mech.TriggerDistance())
	for _, k := range []struct {
		target, time, log, progress float64
		ahead                       bool
	}{
		{0.5, 0, 0, 0.01, true}, {0.5, 0.25, 0, 0.4, false}, {0.5, 0.25, 0, 0.6, true}, {0.5, 0.51, 0, 1, false},
		{0.5, 0, 0.25, 0.4, false}, {0.5, 0, 0.25, 0.6, true}, {0.9, 0.25, 0.25, 0.29, true}, {0.9, 0.25, 0.3, 0.29, false}, {0, 0.01, 0, 1, false},
	} {
		target = k.target
		c := pacer{p: p, began: time.Now().Add(-time.Duration(k.time * 100 * float64(time.Hour))), from: p.o.Log.InsertedTo() - ids.LSN(k.log*float64(full))}
		if got := c.ahead(k.progress); got != k.ahead {
			t.Errorf("%+v: ahead %t", k, got)
		}
	}
}

// TestReports: an idle server is not asked to log checkpoints; what is logged has PostgreSQL 15's form; requests are told from timed ones.
func TestReports(t *testing.T) {
	c := open(t, vfs.NewMem(1))
	core, logs := observer.New(zap.DebugLevel)
	p := New(Options{Mechanism: c.mech, Log: c.log, Logger: zap.New(core)})
	slot := stats.NewSlot(1, 1)
	for _, flags := range []checkpoint.Flags{checkpoint.Force, checkpoint.CauseTime, checkpoint.CauseTime | checkpoint.CauseWal | checkpoint.Force} {
		if err := p.run(slot, flags); err != nil {
			t.Fatal(err)
		}
	}
	p.last = time.Now().Add(-1500 * time.Millisecond)
	p.warnFrequent(checkpoint.CauseWal)
	complete := `checkpoint complete: wrote \d+ buffers \(\d+\.\d%\); \d+ WAL file\(s\) added, \d+ removed, \d+ recycled; write=\d+\.\d{3} s, sync=\d+\.\d{3} s, ` +
		`total=\d+\.\d{3} s; sync files=\d+, longest=\d+\.\d{3} s, average=\d+\.\d{3} s; distance=\d+ kB, estimate=\d+ kB`
	want := []string{"checkpoint starting: force", complete, "checkpoint skipped because system is idle",
		"checkpoints are occurring too frequently \\(0 seconds apart\\)", "checkpoint starting: force wal time", complete,
		"checkpoints are occurring too frequently \\(1 second apart\\)"}
	for i, e := range logs.All() {
		if i >= len(want) || !regexp.MustCompile("^"+want[i]+"$").MatchString(e.Message) {
			t.Fatalf("line %d: %s", i, e.Message)
		}
	}
	if len(logs.All()) != len(want) || p.Stats.Timed.Load() != 1 || p.Stats.Requested.Load() != 2 {
		t.Errorf("%d lines, %d timed, %d requested", len(logs.All()), p.Stats.Timed.Load(), p.Stats.Requested.Load())
	}
}

// TestFailedSync: the process ends with a PANIC, who waits is told, and the old checkpoint stays.
func TestFailedSync(t *testing.T) {
	fail, boom := false, errors.New("boom")
	c := open(t, vfs.NewFaulty(vfs.NewMem(1), func(op vfs.FaultOp) error {
		if fail && op.Kind == vfs.OpSync && strings.Contains(op.Name, "base/5") {
			return boom
		}
		return nil
	}))
	rel := ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: 101}
	if err := c.pool.Storage().Create(rel, 0, false); err != nil {
		t.Fatal(err)
	}
	fail = true
	before := c.control.Data()
	p := New(Options{Mechanism: c.mech, Log: c.log})
	ended := make(chan error)
	go func() { ended <- p.Run(stats.NewSlot(1, 1)) }()
	if err := p.Request(stats.NewSlot(2, 2), 0, true); err == nil || pgerr.From(err).Message != "checkpoint request failed" {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, boom) || pgerr.From(err).Level() != pgerr.Panic {
		t.Fatal(err)
	}
	if c.control.Data() != before {
		t.Fatal("the control file changed")
	}
}

// TestWriters runs the background and the WAL writer: an asynchronous commit becomes durable, allocation wakes the
// background writer, both end when told.
func TestWriters(t *testing.T) {
	c := open(t, vfs.NewMem(1))
	ww, bw := stats.NewSlot(1, 1), stats.NewSlot(2, 2)
	ended := make(chan error)
	short := func() time.Duration { return time.Microsecond }
	go func() { ended <- walwriter.Run(ww, walwriter.Options{Log: c.log, Delay: short}) }()
	go func() {
		ended <- bgwriter.Run(bw, bgwriter.Options{Pool: c.pool, Delay: func() time.Duration { return time.Minute / 50 }})
	}()
	end := c.log.InsertSimple(wal.XactCommit, 1, []byte("x"))
	c.log.FlushAsync(end)
	for c.log.FlushedTo() < end {
		runtime.Gosched()
	}
	for _, s := range []*stats.Slot{ww, bw} {
		s.Interrupt(stats.ReloadConfig)
		s.Interrupt(stats.Terminate)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}
