package restore

import (
	"fmt"
	"strings"
	"testing"

	"gompho/postmaster"
	"gompho/storage/vfs"
)

// history is a source whose table t got the values 1 to 5 in one transaction each, 1 before the backup, with what names the moments between.
type history struct {
	fs    *vfs.Mem
	xids  [6]string // of the transaction that inserted the value
	times [6]string // of its commit, or a moment after it and before the next
	lsns  [6]string // of the log before it
	ends  [6]string // of the log after it
}

func newHistory(t testing.TB) *history {
	t.Helper()
	fsys, s := newSource(t)
	h := &history{fs: fsys}
	s.sql("create table t(a int primary key)")
	insert := func(n int) {
		h.lsns[n] = s.sql("select pg_current_wal_insert_lsn()")
		h.xids[n] = s.sql(fmt.Sprintf("begin; insert into t values (%d); select pg_current_xact_id()", n))
		s.sql("commit")
		h.ends[n] = s.sql("select pg_current_wal_insert_lsn()")
		s.sql("select pg_sleep(0.002)")
		h.times[n] = s.sql("select clock_timestamp()")
		s.sql("select pg_sleep(0.002)")
		s.sql(fmt.Sprintf("select pg_create_restore_point('after %d')", n))
	}
	insert(1)
	s.backup(fsys, sourceDir, backupDir, func() { insert(2) })
	insert(3)
	s.sql("select pg_switch_wal()")
	insert(4)
	s.sql("checkpoint")
	insert(5)
	s.archived()
	s.stop()
	return h
}

// restore starts a server on a copy of the backup.
func (h *history) restore(t testing.TB, settings ...string) (*vfs.Mem, *server, error) {
	t.Helper()
	fsys := h.fs.Clone(1)
	touch(t, fsys, backupDir, "recovery.signal")
	s, err := tryStart(t, fsys, backupDir, append([]string{"recovery_target_action=promote"}, settings...)...)
	return fsys, s, err
}

// TestTargets restores the same backup to targets of each kind and looks at what is there.
func TestTargets(t *testing.T) {
	h := newHistory(t)
	for _, k := range []struct {
		name     string
		settings []string
		want     string
		reason   string // in the history file
	}{
		{"end", nil, "1;2;3;4;5", "no recovery target specified"},
		{"immediate", []string{"recovery_target=immediate"}, "1;2", "reached consistency"},
		{"name", []string{"recovery_target_name=after 3"}, "1;2;3", `at restore point "after 3"`},
		{"time", []string{"recovery_target_time=" + h.times[3]}, "1;2;3", "before 2"},
		{"time of a zone", []string{"timezone=America/New_York", "recovery_target_time=" + h.times[4]}, "1;2;3;4", "before 2"},
		{"xid", []string{"recovery_target_xid=" + h.xids[4]}, "1;2;3;4", "after transaction " + h.xids[4]},
		{"before xid", []string{"recovery_target_xid=" + h.xids[4], "recovery_target_inclusive=off"}, "1;2;3", "before transaction " + h.xids[4]},
		{"lsn", []string{"recovery_target_lsn=" + h.ends[4]}, "1;2;3;4", "after LSN " + h.ends[4]},
		{"before lsn", []string{"recovery_target_lsn=" + h.lsns[4], "recovery_target_inclusive=off"}, "1;2;3", "before LSN"},
	} {
		t.Run(k.name, func(t *testing.T) {
			fsys, s, err := h.restore(t, k.settings...)
			if err != nil {
				t.Fatalf("%v\n%s", err, s.log())
			}
			defer s.pm.Stop(t.Context(), postmaster.Immediate)
			if got := s.sql("select a from t order by a"); got != k.want {
				t.Errorf("the table has %s, not %s\n%s", got, k.want, s.log())
			}
			if got := s.sql("select timeline_id, prev_timeline_id from pg_control_checkpoint()"); got != "2,1" {
				t.Errorf("timelines %s", got)
			}
			if got := s.sql("select * from pg_control_recovery()"); got != "0/0,0,0/0,0/0,f" {
				t.Errorf("pg_control_recovery: %s", got)
			}
			b, err := vfs.ReadFile(fsys, backupDir+"/pg_wal/00000002.history")
			if err != nil || !strings.HasPrefix(string(b), "1\t0/") || !strings.Contains(string(b), k.reason) {
				t.Errorf("history file: %q, %v", b, err)
			}
			for _, name := range []string{"recovery.signal", "backup_label"} {
				if vfs.Exists(fsys, backupDir+"/"+name) {
					t.Errorf("%s is still there", name)
				}
			}
			s.sql("insert into t values (100)")
			s.stop()
			check(t, fsys, backupDir)
			if !vfs.Exists(fsys, archiveDir+"/00000002.history") {
				t.Error("the history file is not in the archive")
			}
			again := start(t, fsys, backupDir) // it is an ordinary server now
			if got := again.sql("select max(a) from t"); got != "100" {
				t.Errorf("after a restart the last row is %s", got)
			}
			again.stop()
		})
	}
}

// TestTargetErrors: what cannot be reached, or makes no sense, is refused with PostgreSQL's words, and the same directory can be started again with
// better settings.
func TestTargetErrors(t *testing.T) {
	h := newHistory(t)
	for _, k := range []struct{ name, setting, want string }{
		{"name", "recovery_target_name=nowhere", "recovery ended before configured recovery target was reached"},
		{"xid", "recovery_target_xid=4000000", "recovery ended before configured recovery target was reached"},
		{"time", "recovery_target_time=2400-01-01", "recovery ended before configured recovery target was reached"},
		{"lsn", "recovery_target_lsn=F/0", "recovery ended before configured recovery target was reached"},
		{"too early", "recovery_target_time=2000-01-01", "requested recovery stop point is before consistent recovery point"},
		{"early lsn", "recovery_target_lsn=" + h.lsns[2], "requested recovery stop point is before consistent recovery point"},
		{"no way back", "gompho.archive_directory=", "must specify restore_command when standby mode is not enabled"},
		{"timeline", "recovery_target_timeline=7", "recovery target timeline 7 does not exist"},
		{"bad timeline", "recovery_target_timeline=x", `invalid value for parameter "recovery_target_timeline": "x"`},
		{"bad target", "recovery_target=soon", `invalid value for parameter "recovery_target": "soon"`},
		{"bad time", "recovery_target_time=now", `invalid value for parameter "recovery_target_time": "now"`},
		{"bad lsn", "recovery_target_lsn=5", `invalid value for parameter "recovery_target_lsn": "5"`},
	} {
		t.Run(k.name, func(t *testing.T) {
			fsys, s, err := h.restore(t, k.setting)
			if err == nil {
				s.pm.Stop(t.Context(), postmaster.Immediate)
				t.Fatal("it started")
			}
			if !strings.HasPrefix(err.Error(), k.want) {
				t.Fatalf("%v\n%s", err, s.log())
			}
			again := start(t, fsys, backupDir)
			if got := again.sql("select a from t order by a"); got != "1;2;3;4;5" {
				t.Errorf("with the target taken away the table has %s", got)
			}
			again.stop()
		})
	}
	_, s, err := h.restore(t, "recovery_target_xid=5", "recovery_target_name=x")
	if err == nil || !strings.HasPrefix(err.Error(), "multiple recovery targets specified") {
		t.Errorf("two targets: %v\n%s", err, s.log())
	}
}

// TestShutdownAtTarget: the server ends at its target and goes on from there, to a later one; not to an earlier one that is behind what it has written.
func TestShutdownAtTarget(t *testing.T) {
	h := newHistory(t)
	for _, action := range []string{"shutdown", "pause"} {
		fsys, s, err := h.restore(t, "recovery_target_action="+action, "recovery_target_name=after 3")
		if err != postmaster.ErrAtTarget {
			t.Fatalf("%s: %v\n%s", action, err, s.log())
		}
		if !s.logged("shutdown at recovery target") {
			t.Errorf("%s: the log does not tell\n%s", action, s.log())
		}
		if s, err = tryStart(t, fsys, backupDir, "recovery_target_action=shutdown", "recovery_target_name=after 4"); err != postmaster.ErrAtTarget {
			t.Fatalf("%s: %v\n%s", action, err, s.log())
		}
		if !s.logged("database system was shut down in recovery") {
			t.Errorf("%s: it does not know its state\n%s", action, s.log())
		}
		s = start(t, fsys, backupDir, "recovery_target_action=promote", "recovery_target_name=after 4")
		if got := s.sql("select a from t order by a"); got != "1;2;3;4" {
			t.Errorf("%s: %s", action, got)
		}
		s.stop()
		check(t, fsys, backupDir)
	}
}

// TestBackupAlone: a backup starts without an archive and is then what the source was at its end, on the same timeline. Without the log of its end it
// does not start.
func TestBackupAlone(t *testing.T) {
	h := newHistory(t)
	fsys := h.fs.Clone(1)
	s := start(t, fsys, backupDir, "archive_mode=off", "gompho.archive_directory=")
	if got := s.sql("select a from t order by a"); got != "1;2" {
		t.Errorf("the table has %s", got)
	}
	if got := s.sql("select timeline_id from pg_control_checkpoint()"); got != "1" {
		t.Errorf("it is on timeline %s", got)
	}
	s.sql("insert into t values (7)")
	s.stop()
	check(t, fsys, backupDir)

	fsys = h.fs.Clone(1)
	names, err := fsys.ReadDir(backupDir + "/pg_wal")
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, n := range names {
		if len(n.Name()) == 24 {
			last = n.Name()
		}
	}
	whole, err := vfs.ReadFile(fsys, backupDir+"/pg_wal/"+last)
	if err != nil {
		t.Fatal(err)
	}
	// The end's record is the last but one of the log: cut it off.
	cut := append([]byte(nil), whole...)
	end := len(cut)
	for end > 0 && cut[end-1] == 0 {
		end--
	}
	for i := max(0, end-40); i < len(cut); i++ {
		cut[i] = 0
	}
	if err := vfs.ReplaceFile(fsys, backupDir+"/pg_wal/"+last, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := tryStart(t, fsys, backupDir, "archive_mode=off"); err == nil || !strings.HasPrefix(err.Error(), "WAL ends before end of online backup") {
		t.Fatalf("without its end: %v\n%s", err, s.log())
	}
	if err := vfs.ReplaceFile(fsys, backupDir+"/pg_wal/"+last, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, fsys, backupDir, "archive_mode=off")
	if got := s.sql("select a from t order by a"); got != "1;2" {
		t.Errorf("with its end again the table has %s", got)
	}
	s.stop()

	fsys = h.fs.Clone(1)
	for _, n := range names {
		if len(n.Name()) == 24 {
			if err := fsys.Remove(backupDir + "/pg_wal/" + n.Name()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := tryStart(t, fsys, backupDir, "archive_mode=off"); err == nil || !strings.HasPrefix(err.Error(), "could not locate required checkpoint record") {
		t.Fatal("without any log: ", err)
	}
}
