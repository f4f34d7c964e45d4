package archiver

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/vfs"
	"gompho/wal/archive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an archiver with an archive in memory that can be told to fail.
type world struct {
	t      *testing.T
	status archive.Status
	p      *Process
	slot   *stats.Slot
	logs   *observer.ObservedLogs
	ended  chan error

	mu       sync.Mutex
	archived []string
	failures map[string]int // how often the file still fails
	reports  []string
	missing  map[string]bool
	off      bool
	seen     chan struct{}
}

func newWorld(t *testing.T, change func(*Options)) *world {
	fsys := vfs.NewMem(1)
	w := &world{t: t, status: archive.Status{FS: fsys, Wal: "/pg_wal"}, slot: stats.NewSlot(1, 0), ended: make(chan error, 1),
		failures: map[string]int{}, missing: map[string]bool{}, seen: make(chan struct{}, 1000)}
	if err := w.status.MakeDir(); err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zap.InfoLevel)
	w.logs = logs
	o := Options{Status: w.status, Logger: zap.New(core), Retry: time.Microsecond, Round: time.Hour,
		Configured: func() bool { w.mu.Lock(); defer w.mu.Unlock(); return !w.off },
		Exists:     func(name string) bool { w.mu.Lock(); defer w.mu.Unlock(); return !w.missing[name] },
		Archive:    w.archive,
		Report: func(name string, failed bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.reports = append(w.reports, fmt.Sprint(name[len(name)-1:], failed))
		}}
	if change != nil {
		change(&o)
	}
	w.p = New(o)
	return w
}

func (w *world) archive(_ *stats.Slot, name string) error {
	defer func() { w.seen <- struct{}{} }()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failures[name] > 0 {
		w.failures[name]--
		return pgerr.New(pgerr.IoError, "no room").WithSeverity(pgerr.LogSev).WithDetail("of %s", name)
	}
	w.archived = append(w.archived, name)
	return nil
}

func (w *world) start() { go func() { w.ended <- w.p.Run(w.slot) }() }

func (w *world) finish() {
	w.t.Helper()
	w.p.Finish()
	if err := <-w.ended; err != nil {
		w.t.Fatal(err)
	}
}

func segment(n int) string { return fmt.Sprintf("%024X", n) }

func (w *world) notify(names ...string) {
	w.t.Helper()
	for _, n := range names {
		if err := w.status.Notify(n); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestOrder: histories go first, then the oldest; what was done before and names that no file of the log has are left alone.
func TestOrder(t *testing.T) {
	w := newWorld(t, nil)
	w.notify(segment(3), segment(2), "00000002.history", "x; rm -rf .......", segment(1)+".00000028.backup", segment(9)+".partial")
	if err := w.status.ForceDone(segment(1)); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.finish()
	want := []string{"00000002.history", segment(1) + ".00000028.backup", segment(2), segment(3), segment(9) + ".partial"}
	if !slices.Equal(w.archived, want) {
		t.Fatalf("archived %q", w.archived)
	}
	for _, n := range want {
		if w.status.Ready(n) || !w.status.Done(n) {
			t.Errorf("%s is not done", n)
		}
	}
}

// TestRetries: a file that fails twice gets through in the same round; one that fails three times ends the round, and nothing after it is tried
// until the archiver is woken again.
func TestRetries(t *testing.T) {
	w := newWorld(t, nil)
	w.failures[segment(1)], w.failures[segment(2)] = 2, 3
	w.notify(segment(1), segment(2), segment(3))
	w.start()
	for range 6 {
		<-w.seen
	}
	w.p.Wake()
	for range 2 {
		<-w.seen
	}
	w.finish()
	if want := []string{"1true", "1true", "1false", "2true", "2true", "2true", "2false", "3false"}; !slices.Equal(w.reports, want) {
		t.Fatalf("reports %q", w.reports)
	}
	if n := w.logs.FilterMessage(`archiving write-ahead log file "` + segment(2) + `" failed too many times, will try again later`).Len(); n != 1 {
		t.Errorf("%d lines say that it failed too often", n)
	}
	if n := w.logs.FilterMessage("no room").Len(); n != 5 {
		t.Errorf("%d lines tell of failures", n)
	}
}

// TestNotConfigured: nothing is lost while there is nowhere to archive to, and what is gone loses its status.
func TestNotConfigured(t *testing.T) {
	w := newWorld(t, nil)
	w.off = true
	w.notify(segment(1), segment(2))
	w.start()
	w.p.Wake()
	w.finish()
	if len(w.archived) != 0 || !w.status.Ready(segment(1)) {
		t.Fatalf("archived %q", w.archived)
	}
	w.off, w.missing[segment(1)] = false, true
	w.p = New(w.p.o)
	w.start()
	w.finish()
	if !slices.Equal(w.archived, []string{segment(2)}) || w.status.Ready(segment(1)) || w.status.Done(segment(1)) {
		t.Fatalf("archived %q", w.archived)
	}
}

// TestInterrupt: the archiver ends at once, also in the pause after a failure.
func TestInterrupt(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Retry = time.Hour })
	w.failures[segment(1)] = 1
	w.notify(segment(1))
	w.start()
	<-w.seen
	w.slot.Interrupt(stats.Terminate)
	if err := <-w.ended; err != nil {
		t.Fatal(err)
	}
	if !w.status.Ready(segment(1)) {
		t.Fatal("the file is not waiting any more")
	}
}

// TestTimeout: archive_timeout is asked for after each round and decides when the next one begins; its failure ends the server.
func TestTimeout(t *testing.T) {
	asked, answer := make(chan time.Duration), make(chan error)
	w := newWorld(t, func(o *Options) {
		o.Timeout = func() time.Duration { return 7 * time.Second }
		o.SwitchIfOlder = func(_ *stats.Slot, d time.Duration) (time.Duration, error) {
			asked <- d
			return time.Microsecond, <-answer
		}
	})
	w.start()
	broken := errors.New("broken")
	for _, err := range []error{nil, nil, broken} {
		if d := <-asked; d != 7*time.Second {
			t.Fatal(d)
		}
		answer <- err
	}
	if err := <-w.ended; err != broken {
		t.Fatal(err)
	}
}
