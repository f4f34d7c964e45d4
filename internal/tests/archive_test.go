package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gompho"
)

// openIn starts a server in a directory; stop closes it.
func openIn(t *testing.T, dir string, settings map[string]string) (*gompho.Server, func()) {
	t.Helper()
	all := map[string]string{"shared_buffers": "16MB"}
	for k, v := range settings {
		all[k] = v
	}
	s, err := gompho.Open(context.Background(), gompho.Options{Dir: dir, Settings: all})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return s, stop
}

// archiverRow is what pg_stat_archiver counts.
type archiverRow struct {
	done, failed         int
	lastDone, lastFailed *string
}

func readArchiver(t *testing.T, c *pgx.Conn) (r archiverRow) {
	t.Helper()
	if err := c.QueryRow(context.Background(), "select archived_count, last_archived_wal, failed_count, last_failed_wal from pg_stat_archiver").
		Scan(&r.done, &r.lastDone, &r.failed, &r.lastFailed); err != nil {
		t.Fatal(err)
	}
	return r
}

func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i] = filepath.Base(list[i])
	}
	return list
}

// TestArchiver: segments get into the archive as they are switched, a shutdown archives the last one, and the counters survive it.
func TestArchiver(t *testing.T) {
	dir, arch := filepath.Join(t.TempDir(), "data"), t.TempDir()
	settings := map[string]string{"archive_mode": "on", "archive_command": "cp %p " + arch + "/%f"}
	s, stop := openIn(t, dir, settings)
	c := connect(t, s)
	eventually(t, c, "select coalesce(bool_or(wait_event = 'ArchiverMain'), false) from pg_stat_activity where backend_type = 'archiver' and backend_start is not null")
	run(t, c, "create table t(a int)")
	run(t, c, "insert into t values (1)")
	name := value[string](t, c, "select pg_walfile_name(pg_switch_wal())")
	eventually(t, c, "select coalesce(last_archived_wal = $1, false) and archived_count >= 1 and last_archived_time is not null from pg_stat_archiver", name)
	if b, err := os.ReadFile(filepath.Join(arch, name)); err != nil || len(b) != 16<<20 {
		t.Fatalf("%s in the archive: %d bytes, %v", name, len(b), err)
	}
	before := readArchiver(t, c)
	if !value[bool](t, c, "select pg_switch_wal() = pg_switch_wal()") {
		t.Error("a second switch did something")
	}
	run(t, c, "insert into t values (2)")
	last := value[string](t, c, "select pg_walfile_name(pg_current_wal_insert_lsn())")
	c.Close(context.Background())
	stop()
	if _, err := os.Stat(filepath.Join(arch, last)); err != nil {
		t.Fatal("the shutdown did not archive the last segment: ", err)
	}
	s, _ = openIn(t, dir, settings)
	c = connect(t, s)
	if after := readArchiver(t, c); after.done < before.done+1 || *after.lastDone < last {
		t.Errorf("archived %d before the restart, %d %s after it", before.done, after.done, *after.lastDone)
	}
	run(t, c, "select pg_stat_reset_shared('archiver')")
	if after := readArchiver(t, c); after != (archiverRow{}) {
		t.Errorf("after the reset: %+v", after)
	}
}

// TestArchiverFails: while the archive does not take anything, segments pile up; afterwards nothing is missing from it.
func TestArchiverFails(t *testing.T) {
	dir, arch := filepath.Join(t.TempDir(), "data"), t.TempDir()
	s, _ := openIn(t, dir, map[string]string{"archive_mode": "on", "archive_command": fmt.Sprintf("test ! -e %[1]s/full && cp %%p %[1]s/%%f", arch),
		"max_wal_size": "32MB", "min_wal_size": "32MB"})
	c := connect(t, s)
	full := filepath.Join(arch, "full")
	if err := os.WriteFile(full, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, c, "create table t(a int)")
	var names []string
	for i := range 6 {
		run(t, c, "insert into t values ($1)", i)
		names = append(names, value[string](t, c, "select pg_walfile_name(pg_switch_wal())"))
		run(t, c, "checkpoint")
	}
	eventually(t, c, "select failed_count >= 3 and last_failed_wal = $1 and last_failed_time is not null from pg_stat_archiver", names[0])
	for _, n := range names {
		if _, err := os.Stat(filepath.Join(dir, "pg_wal", n)); err != nil {
			t.Error("removed before it was archived: ", err)
		}
	}
	if got := value[int](t, c, "select count(*)::int from pg_ls_archive_statusdir() where name like '%.ready'"); got != 6 {
		t.Errorf("%d files wait", got)
	}
	os.Remove(full)
	run(t, c, "insert into t values (7)")
	names = append(names, value[string](t, c, "select pg_walfile_name(pg_switch_wal())"))
	eventually(t, c, "select coalesce(last_archived_wal = $1, false) from pg_stat_archiver", names[6])
	if got := strings.Join(files(t, arch, "0*"), " "); got != strings.Join(names, " ") {
		t.Errorf("the archive has %s, switched %s", got, names)
	}
	run(t, c, "checkpoint")
	for _, n := range names[:5] {
		if _, err := os.Stat(filepath.Join(dir, "pg_wal", n)); err == nil {
			t.Errorf("%s was archived but not recycled", n)
		}
	}
	if got := files(t, filepath.Join(dir, "pg_wal", "archive_status"), "*.ready"); len(got) != 0 {
		t.Errorf("still waiting: %s", got)
	}
}

// TestArchiveDirectory: the built-in archive, and archive_timeout, which switches only when something happened.
func TestArchiveDirectory(t *testing.T) {
	dir, arch := filepath.Join(t.TempDir(), "data"), t.TempDir()
	s, _ := openIn(t, dir, map[string]string{"archive_mode": "on", "gompho.archive_directory": arch, "archive_timeout": "1s"})
	c := connect(t, s)
	name := value[string](t, c, "select pg_walfile_name(pg_current_wal_insert_lsn())")
	run(t, c, "create table t(a int)")
	eventually(t, c, "select coalesce(last_archived_wal = $1, false) from pg_stat_archiver", name)
	if got := files(t, arch, "*"); len(got) != 1 || got[0] != name {
		t.Errorf("the archive has %s", got)
	}
	at := value[string](t, c, "select pg_current_wal_insert_lsn()::text")
	eventually(t, c, "select clock_timestamp() > last_archived_time + '2.5 s' from pg_stat_archiver")
	if now := value[string](t, c, "select pg_current_wal_insert_lsn()::text"); now != at {
		t.Errorf("switched from %s to %s although nothing happened", at, now)
	}
}
