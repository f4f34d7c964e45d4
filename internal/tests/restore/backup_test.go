package restore

import (
	"context"
	"strings"
	"testing"
	"time"

	"gompho/postmaster"
	"gompho/storage/vfs"
	"gompho/wal/backup"
)

// TestBackupSession: a backup ends with its session, which the log tells, and the write-ahead log is kept exactly as long. Two sessions can take backups at once.
func TestBackupSession(t *testing.T) {
	fsys, s := newSource(t)
	other, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	s.sql("create table t(a int)")
	begin, err := exec(other, "select pg_walfile_name(pg_backup_start('other', true) + 1)")
	if err != nil {
		t.Fatal(err)
	}
	mine := s.sql("select pg_walfile_name(pg_backup_start('mine', true) + 1)")
	if mine <= begin {
		t.Errorf("two backups begin in %s and %s", begin, mine)
	}
	has := func(name string) bool {
		return s.sql("select count(*) from pg_ls_waldir() where name = '"+name+"'") == "1"
	}
	turn := func() {
		s.sql("insert into t values (1)")
		s.archived()
		s.sql("checkpoint")
	}
	for range 3 {
		turn()
	}
	if !has(begin) || !has(mine) {
		t.Error("the log of a running backup is gone")
	}
	other.Close(context.Background())
	for !s.logged("aborting backup due to backend exiting before pg_backup_stop was called") {
		s.sql("select pg_sleep(0.01)")
	}
	turn()
	if has(begin) || !has(mine) {
		t.Errorf("after one session has ended: its log is there: %t, that of the other: %t", has(begin), has(mine))
	}
	if got := s.sql("select count(*) from pg_backup_stop()"); got != "1" {
		t.Error(got)
	}
	if got := s.sql("select count(*) from pg_ls_waldir() where name like '" + mine + ".%.backup'"); got != "1" {
		t.Error("there is no history file of the backup")
	}
	turn()
	if !has(mine) {
		t.Error("the log of a backup is gone while its session may still be copying it")
	}
	s.sql("select pg_backup_start('again', true)")
	turn()
	if has(mine) {
		t.Error("the log of a backup is kept after the next one")
	}
	if !vfs.Exists(fsys, archiveDir+"/"+mine) {
		t.Error("the log is not in the archive")
	}
	s.stop()
}

// TestVerify: the manifest finds what was changed, added, removed, cut.
func TestVerify(t *testing.T) {
	h := newHistory(t)
	verify := func(m *vfs.Mem) (problems []string) {
		t.Helper()
		id := uint64(0)
		s, err := tryStart(t, h.fs.Clone(9), sourceDir)
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		for _, c := range s.sql("select system_identifier from pg_control_system()") {
			n = n*10 + int64(c-'0')
		}
		id = uint64(n)
		s.stop()
		if err := backup.Verify(m, backupDir, id, 1<<20, func(p string) { problems = append(problems, p) }); err != nil {
			problems = append(problems, err.Error())
		}
		return problems
	}
	write := func(name, text string) func(m *vfs.Mem) error {
		return func(m *vfs.Mem) error { return vfs.WriteFile(m, backupDir+"/"+name, []byte(text), 0o600, true) }
	}
	for _, k := range []struct {
		name string
		do   func(m *vfs.Mem) error
		want string
	}{
		{"nothing", func(*vfs.Mem) error { return nil }, ""},
		{"signal", write("recovery.signal", ""), ""},
		{"added", write("base/5/77777", "x"), `"base/5/77777" is present on disk but not in the manifest`},
		{"cut", write("PG_VERSION", "1"), `"PG_VERSION" has size 1 on disk but size 3 in the manifest`},
		{"changed", write("PG_VERSION", "16\n"), `checksum mismatch for file "PG_VERSION"`},
		{"removed", func(m *vfs.Mem) error { return m.Remove(backupDir + "/backup_label") }, `"backup_label" is present in the manifest but not on disk`},
		{"manifest", func(m *vfs.Mem) error {
			b, err := vfs.ReadFile(m, backupDir+"/backup_manifest")
			if err != nil {
				return err
			}
			return write("backup_manifest", strings.Replace(string(b), `"Size":3`, `"Size":4`, 1))(m)
		}, "manifest checksum mismatch"},
		{"log", func(m *vfs.Mem) error {
			entries, err := m.ReadDir(backupDir + "/pg_wal")
			if err != nil {
				return err
			}
			for _, e := range entries {
				if len(e.Name()) == 24 {
					return m.Remove(backupDir + "/pg_wal/" + e.Name())
				}
			}
			return nil
		}, "write-ahead log of timeline 1 is not complete"},
	} {
		m := h.fs.Clone(1)
		if err := k.do(m); err != nil {
			t.Fatal(err)
		}
		got := verify(m)
		if k.want == "" && len(got) > 0 || k.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], k.want)) {
			t.Errorf("%s: %q", k.name, got)
		}
	}
}

// TestCancelRecovery: a shutdown request ends a recovery soon, and the next start does it.
func TestCancelRecovery(t *testing.T) {
	fsys := longHistory(t)
	cancel := make(chan struct{})
	close(cancel)
	began := time.Now()
	_, err := postmaster.Start(postmaster.Options{Dir: backupDir, FS: fsys, NoListen: true, Cancel: cancel,
		Settings: []string{"shared_buffers=8MB", "gompho.archive_directory=" + archiveDir}})
	if err != postmaster.ErrCanceled {
		t.Fatal(err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
	s := start(t, fsys, backupDir, "recovery_target_name=end", "recovery_target_action=promote")
	if got := s.sql("select count(*) from t"); got != "3000" {
		t.Error(got)
	}
	s.stop()
}
