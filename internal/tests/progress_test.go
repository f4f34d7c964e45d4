package tests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// held runs a command that another session or its own slowness holds at a point, waits until the view shows what is expected, and cancels it.
func held(t *testing.T, look *pgx.Conn, c *pgx.Conn, command, view, want string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	pid := c.PgConn().PID()
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(ctx, command)
		done <- err
	}()
	eventually(t, look, fmt.Sprintf("select exists(select from %s where pid = %d and datname = current_database() and %s)", view, pid, want))
	run(t, look, "select pg_cancel_backend($1)", int(pid))
	if err := <-done; err == nil {
		t.Errorf("%s was not held", command)
	}
	cancel()
	if n := value[int](t, look, fmt.Sprintf("select count(*) from %s where pid = %d", view, pid)); n != 0 {
		t.Errorf("%s shows a command that has ended", view)
	}
}

// TestProgress: the views pg_stat_progress_* show phases and counters of commands that are held.
func TestProgress(t *testing.T) {
	s := open(t, false)
	c, other, look := connect(t, s), connect(t, s), connect(t, s)
	run(t, look, "create table t(a int primary key, b text) with (autovacuum_enabled = off)")
	run(t, look, "insert into t select g, repeat('x', 500) from generate_series(1, 3000) g")
	run(t, look, "delete from t where a % 2 = 0")
	run(t, c, "set vacuum_cost_delay = 100")
	run(t, c, "set vacuum_cost_limit = 1")
	held(t, look, c, "vacuum t", "pg_stat_progress_vacuum", "phase = 'scanning heap' and relid = 't'::regclass and heap_blks_total > 150 and heap_blks_scanned > 0 "+
		"and heap_blks_scanned < heap_blks_total and max_dead_tuples > 100000 and num_dead_tuples > 10 and index_vacuum_count = 0")
	held(t, look, c, "analyze t", "pg_stat_progress_analyze", "phase = 'acquiring sample rows' and relid = 't'::regclass and sample_blks_total > 150 "+
		"and sample_blks_scanned > 0 and sample_blks_scanned < sample_blks_total")
	run(t, c, "reset all")

	run(t, other, "begin")
	run(t, other, "select * from pg_toast.pg_toast_"+fmt.Sprint(value[uint32](t, look, "select 't'::regclass::oid")))
	held(t, look, c, "vacuum full t", "pg_stat_progress_cluster", "phase = 'seq scanning heap' and command = 'VACUUM FULL' and relid = 't'::regclass and heap_blks_total > 150")
	held(t, look, c, "cluster t using t_pkey", "pg_stat_progress_cluster", "phase = 'index scanning heap' and command = 'CLUSTER' and cluster_index_relid = 't_pkey'::regclass")
	run(t, other, "commit")

	run(t, other, "begin; update t set b = 'y' where a = 1")
	held(t, look, c, "create index concurrently i on t(b)", "pg_stat_progress_create_index", "phase = 'waiting for writers before build' and command = 'CREATE INDEX CONCURRENTLY' "+
		"and relid = 't'::regclass and lockers_total = 1 and lockers_done = 0 and current_locker_pid = "+fmt.Sprint(other.PgConn().PID()))
	run(t, other, "commit")
	run(t, other, "begin isolation level repeatable read; select 1")
	held(t, look, c, "create index concurrently j on t(b)", "pg_stat_progress_create_index", "phase = 'waiting for old snapshots' and index_relid = to_regclass('j') and lockers_total >= 1")
	run(t, other, "commit")

	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := c.PgConn().CopyFrom(context.Background(), r, "copy t from stdin where a <> 9001")
		done <- err
	}()
	rows := strings.Builder{}
	for i := range 5000 {
		fmt.Fprintf(&rows, "%d\tcopied\n", 9000+i)
	}
	if _, err := io.WriteString(w, rows.String()); err != nil {
		t.Fatal(err)
	}
	eventually(t, look, "select exists(select from pg_stat_progress_copy where relid = 't'::regclass and command = 'COPY FROM' and type = 'PIPE' "+
		"and bytes_processed > 10000 and tuples_processed > 1000 and tuples_excluded = 1)")
	w.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := value[int](t, look, "select count(*) from pg_stat_progress_copy"); n != 0 {
		t.Error("a COPY that has ended is shown")
	}
	if _, err := look.Exec(context.Background(), "select * from pg_stat_get_progress_info('NONE')"); err == nil || !strings.Contains(err.Error(), `invalid command name: "NONE"`) {
		t.Errorf("a command that is not there: %v", err)
	}
}

// TestProgressBackup: pg_stat_progress_basebackup shows what `gompho backup` does, phase by phase.
func TestProgressBackup(t *testing.T) {
	bin, top, sock := binary(t), t.TempDir(), shortDir(t)
	dir := filepath.Join(top, "data")
	p := startProcess(t, bin, dir, sock)
	defer p.Wait()
	defer p.Process.Signal(os.Interrupt)
	c := socketConn(t, sock)
	defer c.Close(context.Background())
	run(t, c, "create table big as select repeat('x', 1000) from generate_series(1, 50000)")
	cmd := exec.Command(bin, "backup", "--target", filepath.Join(top, "backup"), "-D", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var phases []string
	for done := false; !done; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			done = true
		default:
		}
		var phase string
		var total, streamed, spaces, spacesDone int64
		err := c.QueryRow(context.Background(), "select phase, backup_total, backup_streamed, tablespaces_total, tablespaces_streamed from pg_stat_progress_basebackup").
			Scan(&phase, &total, &streamed, &spaces, &spacesDone)
		if errors.Is(err, pgx.ErrNoRows) || phase == "initializing" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(phases) == 0 || phases[len(phases)-1] != phase {
			phases = append(phases, phase)
		}
		copied := phase == "waiting for wal archiving to finish" || phase == "transferring wal files"
		if streamed > total || spaces != 1 || copied && (streamed < 50_000_000 || spacesDone != 1) || phase == "streaming database files" && total < 50_000_000 {
			t.Errorf("%s: %d of %d bytes, %d of %d tablespaces", phase, streamed, total, spacesDone, spaces)
		}
	}
	all := []string{"waiting for checkpoint to finish", "estimating backup size", "streaming database files", "waiting for wal archiving to finish", "transferring wal files"}
	next := 0
	for _, phase := range phases { // a short one may have gone unseen
		at := slices.Index(all[next:], phase)
		if at < 0 {
			t.Fatalf("the phases were %q", phases)
		}
		next += at + 1
	}
	if !slices.Contains(phases, "streaming database files") {
		t.Errorf("the phases were %q", phases)
	}
	eventually(t, c, "select count(*) = 0 from pg_stat_progress_basebackup")
}
