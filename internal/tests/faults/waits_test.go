package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gompho/postmaster"
	"gompho/storage/vfs"
)

// gate holds the calls that it is closed for.
type gate struct {
	mu   sync.Mutex // protects what follows
	hold func(op vfs.FaultOp) bool
	open chan struct{}
}

func (g *gate) policy(op vfs.FaultOp) error {
	g.mu.Lock()
	var wait chan struct{}
	if g.hold != nil && g.hold(op) {
		wait = g.open
	}
	g.mu.Unlock()
	if wait != nil {
		<-wait
	}
	return nil
}

// close holds calls until the function that it returns is called.
func (g *gate) close(hold func(op vfs.FaultOp) bool) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold, g.open = hold, make(chan struct{})
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.hold = nil
		close(g.open)
	})
}

const activity = "select coalesce(string_agg(backend_type || ' ' || wait_event_type || '/' || wait_event, ', '), 'nothing') from pg_stat_activity where "

// TestWaitEventsIO holds I/O calls of a server, and reads in pg_stat_activity what the process in them waits for.
func TestWaitEventsIO(t *testing.T) {
	clean, _ := image(t)
	mem := clean.Clone(3)
	g := &gate{}
	s, err := start(vfs.NewFaulty(mem, g.policy), "shared_buffers=32MB") // who looks has to do without I/O
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop(postmaster.Immediate)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	look, err := s.dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close(ctx)
	work, err := s.dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer work.Close(ctx)
	isTemp := func(op vfs.FaultOp) bool { return strings.Contains(op.Name, "xlogtemp") }
	segment := func(kind vfs.OpKind) func(vfs.FaultOp) bool {
		return func(op vfs.FaultOp) bool { return op.Kind == kind && partOf(op.Name) == "wal" && !isTemp(op) }
	}
	making := func(kind vfs.OpKind) func(vfs.FaultOp) bool {
		return func(op vfs.FaultOp) bool { return op.Kind == kind && isTemp(op) }
	}
	of := func(kind vfs.OpKind, p part) func(vfs.FaultOp) bool {
		return func(op vfs.FaultOp) bool { return op.Kind == kind && partOf(op.Name) == p }
	}
	if _, err := look.Exec(ctx, activity+"true").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if _, err := work.Exec(ctx, "create table w(a int, b text); set work_mem = '64kB'; checkpoint").ReadAll(); err != nil {
		t.Fatal(err)
	}
	fill := "insert into w select g, repeat('x', 500) from generate_series(1, 2000) g; "
	for _, k := range []struct {
		event string
		hold  func(vfs.FaultOp) bool
		who   string // "" is the session itself
		sql   string
	}{
		{"WALWrite", segment(vfs.OpWrite), "", "insert into w values (1)"},
		{"WALSync", segment(vfs.OpSync), "", "insert into w values (1)"},
		{"WALInitWrite", making(vfs.OpWrite), "", fill + fill + fill + fill},
		{"WALInitSync", making(vfs.OpSync), "", fill + fill + fill + fill},
		{"DataFileExtend", of(vfs.OpWrite, "relation"), "", "create table grows as select 1 a"},
		{"DataFileRead", of(vfs.OpRead, "relation"), "", "select count(*) from gone"},
		{"DataFileTruncate", of(vfs.OpTruncate, "relation"), "", "delete from w; vacuum w"},
		{"BufFileWrite", of(vfs.OpWrite, "temp"), "", "select count(*) from (select g from generate_series(1, 20000) g order by g desc) s"},
		{"BufFileRead", of(vfs.OpRead, "temp"), "", "select count(*) from (select g from generate_series(1, 20000) g order by g desc) s"},
		{"DataFileWrite", of(vfs.OpWrite, "relation"), "checkpointer", "delete from gone where a = 1; checkpoint"},
		{"DataFileSync", of(vfs.OpSync, "relation"), "checkpointer", "delete from gone where a = 2; checkpoint"},
		{"SLRUWrite", of(vfs.OpWrite, "clog"), "checkpointer", "delete from gone where a = 3; checkpoint"},
		{"SLRUSync", of(vfs.OpSync, "clog"), "checkpointer", "delete from gone where a = 4; checkpoint"},
		{"ControlFileSync", of(vfs.OpSync, "control"), "checkpointer", "delete from gone where a = 5; checkpoint"},
	} {
		release := g.close(k.hold)
		done := make(chan error, 1)
		go func() { done <- plain(k.sql).run(ctx, work) }()
		who := fmt.Sprintf("pid = %d or backend_type = 'walwriter'", work.PID()) // the log is written by who comes first
		if k.who != "" {
			who = "backend_type = '" + k.who + "'"
		}
		for seen, last := false, ""; !seen; {
			res, err := look.Exec(ctx, activity+who).ReadAll()
			if err == nil && len(res[0].Rows) > 0 {
				last = string(res[0].Rows[0][0])
				seen = strings.Contains(last, " IO/"+k.event)
			}
			select {
			case err := <-done:
				t.Errorf("%s is not held: %v", k.event, err)
				seen = true
				done <- err
			case <-ctx.Done():
				release()
				t.Fatalf("%s is not shown, but %s", k.event, last)
			case <-time.After(time.Millisecond):
			}
		}
		release()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", k.event, err)
		}
	}
}
