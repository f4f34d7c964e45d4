package crash

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"gompho/postmaster"
	"gompho/storage/vfs"
)

// TestLeftoversAreSynced: a server is killed while the end of its log is in the memory of the operating system alone. The next one recovers all of it;
// the power fails when it writes the first block. What it then had replayed must be there still.
func TestLeftoversAreSynced(t *testing.T) {
	m := image(t, 1)
	var mu sync.Mutex
	var policy func(vfs.FaultOp) error
	set := func(f func(vfs.FaultOp) error) { mu.Lock(); policy = f; mu.Unlock() }
	fs := vfs.NewFaulty(m, func(op vfs.FaultOp) error {
		mu.Lock()
		defer mu.Unlock()
		if policy == nil {
			return nil
		}
		return policy(op)
	})
	start := func(settings ...string) (*postmaster.Postmaster, error) {
		return postmaster.Start(postmaster.Options{Dir: dataDir, FS: fs, NoListen: true,
			Settings: append([]string{"shared_buffers=8MB", "autovacuum=off", "bgwriter_lru_maxpages=0"}, settings...)})
	}
	// With fsync off the log is written and not synced, as by a server that is killed before it could.
	pm, err := start("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(pm)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"create table left_over(a int primary key)", "insert into left_over select generate_series(1, 5000)", "select pg_switch_wal()",
		"insert into left_over select generate_series(5001, 6000)"} {
		if _, err := c.Exec(context.Background(), sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	set(func(vfs.FaultOp) error { return errPower }) // it writes nothing more
	_ = pm.Stop(context.Background(), postmaster.Immediate)
	m.Kill()
	// The next life loses power at its first write to a relation.
	failed := false
	set(func(op vfs.FaultOp) error {
		if failed || op.Kind == vfs.OpWrite && strings.Contains(op.Name, "/base/") {
			failed = true
			return errPower
		}
		return nil
	})
	if pm, err = start(); err == nil {
		_ = pm.Stop(context.Background(), postmaster.Immediate)
	}
	if !failed || err != nil && !errors.Is(err, errPower) && !strings.Contains(err.Error(), errPower.Error()) {
		t.Fatalf("the power did not fail in recovery: %v", err)
	}
	m.Kill()
	m.Crash()
	set(nil)
	if pm, err = start(); err != nil {
		t.Fatal(err)
	}
	defer pm.Stop(context.Background(), postmaster.Fast)
	if c, err = dial(pm); err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	rs, err := c.Exec(context.Background(), "select count(*) from left_over").ReadAll()
	if err != nil || string(rs[0].Rows[0][0]) != "6000" {
		t.Fatalf("after the second crash: %v, %v", rs, err)
	}
}
