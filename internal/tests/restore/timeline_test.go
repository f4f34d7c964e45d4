package restore

import (
	"strings"
	"testing"

	"gompho/postmaster"
	"gompho/storage/vfs"
)

// TestTimelines goes on with the first timeline, with a second that leaves it, and with a third that leaves the second; all share one archive. One
// backup of the first timeline then reaches each of them.
func TestTimelines(t *testing.T) {
	fsys, s := newSource(t)
	s.sql("create table t(a int primary key)")
	s.backup(fsys, sourceDir, backupDir, nil)
	s.sql("insert into t values (1)")
	s.sql("select pg_create_restore_point('one')")
	s.sql("insert into t values (2)")
	s.archived()

	base := fsys.Clone(1)
	restore := func(arch *vfs.Mem, dir string, settings ...string) *server {
		t.Helper()
		copyTree(t, base, arch, backupDir, dir)
		touch(t, arch, dir, "recovery.signal")
		return start(t, arch, dir, append([]string{"recovery_target_action=promote"}, settings...)...)
	}
	second := restore(fsys, "/second", "recovery_target_name=one")
	second.sql("insert into t values (12)")
	second.sql("select pg_create_restore_point('two')")
	second.sql("insert into t values (13)")
	second.archived()
	s.sql("insert into t values (3)")
	s.archived()
	third := restore(fsys, "/third", "recovery_target_name=two", "recovery_target_timeline=2")
	third.sql("insert into t values (113)")
	third.archived()
	if err := second.pm.Stop(t.Context(), postmaster.Immediate); err != nil {
		t.Fatal(err)
	}
	second = start(t, fsys, "/second") // after a crash it recovers on its own timeline
	if got := second.sql("select timeline_id, (select count(*) from t) from pg_control_checkpoint()"); got != "2,3" {
		t.Errorf("after a crash the second is on timeline, with rows: %s", got)
	}
	second.sql("insert into t values (14)") // they all go on
	second.archived()
	for _, x := range []*server{s, second, third} {
		x.stop()
	}
	for i, k := range []struct{ timeline, want, history string }{
		{"current", "1;2;3", "1"}, {"1", "1;2;3", "1"}, {"2", "1;12;13;14", "1,2"}, {"3", "1;12;113", "1,2,3"}, {"latest", "1;12;113", "1,2,3"},
	} {
		x := restore(fsys.Clone(uint64(i)), "/again", "recovery_target_timeline="+k.timeline)
		if got := x.sql("select a from t order by a"); got != k.want {
			t.Errorf("timeline %s has %s, not %s\n%s", k.timeline, got, k.want, x.log())
		}
		if got := x.sql("select timeline_id from pg_control_checkpoint()"); got != "4" {
			t.Errorf("from %s it went to timeline %s", k.timeline, got)
		}
		if got := x.sql("select left(pg_walfile_name(pg_current_wal_lsn()), 8)"); got != "00000004" {
			t.Errorf("its log is in %s", got)
		}
		b, err := vfs.ReadFile(x.fs, "/again/pg_wal/00000004.history")
		if err != nil {
			t.Fatal(err)
		}
		var parents []string
		for line := range strings.Lines(string(b)) {
			parents = append(parents, strings.Fields(line)[0])
		}
		if got := strings.Join(parents, ","); got != k.history {
			t.Errorf("from %s the history is %q", k.timeline, b)
		}
		x.stop()
		check(t, x.fs, "/again")
	}
	// A backup of a later timeline does not lead to one that had left before.
	x := start(t, fsys, "/third")
	x.backup(fsys, "/third", "/late", nil)
	x.stop()
	touch(t, fsys, "/late", "recovery.signal")
	if _, err := tryStart(t, fsys, "/late", "recovery_target_timeline=2"); err == nil || !strings.Contains(err.Error(), "requested timeline 2 is not a child of this server's history") {
		t.Errorf("from timeline 3 to timeline 2: %v", err)
	}
}

// TestAncestorsGo: the log of the old timeline does not stay for ever, and its last segment, which is not complete, is archived as such when it is the only one there is.
func TestAncestorsGo(t *testing.T) {
	fsys, s := newSource(t)
	s.sql("create table t(a int primary key)")
	s.backup(fsys, sourceDir, backupDir, nil)
	s.sql("insert into t values (1)")
	s.archived()
	s.sql("insert into t values (2)")
	last := s.sql("select pg_walfile_name(pg_current_wal_insert_lsn())")
	if err := s.pm.Stop(t.Context(), postmaster.Immediate); err != nil {
		t.Fatal(err)
	}
	// The source is lost, but its last segment was saved.
	b, err := vfs.ReadFile(fsys, sourceDir+"/pg_wal/"+last)
	if err != nil {
		t.Fatal(err)
	}
	if err := vfs.ReplaceFile(fsys, backupDir+"/pg_wal/"+last, b, 0o600); err != nil {
		t.Fatal(err)
	}
	touch(t, fsys, backupDir, "recovery.signal")
	x := start(t, fsys, backupDir)
	if got := x.sql("select a from t order by a"); got != "1;2" {
		t.Errorf("the table has %s\n%s", got, x.log())
	}
	x.archived()
	if !vfs.Exists(fsys, archiveDir+"/"+last+".partial") || vfs.Exists(fsys, archiveDir+"/"+last) {
		t.Error("the last segment of the old timeline is not archived as a partial one")
	}
	x.sql("checkpoint")
	if got := x.sql("select count(*) from pg_ls_waldir() where name like '00000001%' and name not like '%partial'"); got != "0" {
		t.Errorf("%s files of the old timeline: %s", got, x.sql("select name from pg_ls_waldir()"))
	}
	x.stop()
	check(t, fsys, backupDir)
}
