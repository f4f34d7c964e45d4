package crash

import (
	"context"
	"slices"
	"strings"
	"testing"

	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/vfs"
	"gompho/wal"
)

// unwritten are the kinds of records that no server of the crash suite writes, with the reason.
var unwritten = map[wal.Kind]string{
	wal.EndOfRecovery: "recovery ends with a checkpoint", wal.Noop: "kept for tools", wal.ParameterChange: "there are no standbys",
	wal.FullPageWrites: "only a configuration file that is read again changes the setting, and a file system in memory has none",
	wal.XactAssignment: "subtransactions need none without standbys", wal.XactInvalidations: "commit records hold them", wal.RunningXacts: "there are no standbys",
	wal.MultiTruncate: "CLOG_TRUNCATE says it too", wal.FileDrop: "the ends of transactions say it", wal.TablespaceCreate: "no tablespaces", wal.TablespaceDrop: "no tablespaces",
	wal.LogicalMessage: "no logical decoding", wal.HeapInit: "an operation on the page says it",
	wal.BtreeMeta: "part of the records that change it", wal.BtreeDedup: "there is no deduplication", wal.FsmChange: "the free space map is not logged",
	wal.HashChange: "no such index", wal.GinChange: "no such index", wal.GistChange: "no such index", wal.SpgistChange: "no such index", wal.BrinChange: "no such index",
	wal.GenericChange: "no extensions",
}

// kindsHistory writes a record of each kind; "crash" is a crash. Statements that begin with 2: are for a second session.
var kindsHistory = []string{
	"create table t(a int primary key, b text)", "insert into t select g, repeat('x', g % 60) from generate_series(1, 6000) g", "create index t_b on t (b, a)",
	"crash", "checkpoint", "update t set b = b where a % 7 = 0", "update t set a = -a where a between 100 and 130",
	"begin", "insert into t values (100000, 'gone')", "rollback",
	"begin", "select a from t where a < 20 for share", "2:begin", "2:select a from t where a < 10 for share", "2:commit", "commit",
	"begin", "insert into t values (100001, 'kept')", "prepare transaction 'one'", "commit prepared 'one'",
	"begin", "insert into t values (100002, 'not kept')", "prepare transaction 'two'", "rollback prepared 'two'",
	"insert into t values (300000, 'new') on conflict (a) do nothing", "insert into t values (5, '') on conflict (a) do update set b = 'y'",
	"delete from t where a > 1500", "vacuum t", "vacuum (freeze, truncate) t", "vacuum t", "insert into t select g, 'again' from generate_series(7000, 9000) g",
	"select count(*) from t where a > 0", "update t set b = 'z' where a < 300", "update t set b = 'zz' where a < 300", "select count(b) from t", "select count(b) from t",
	"create sequence s", "select nextval('s')", "create unlogged table u(a int primary key)", "alter table t add c bigint default (random() * 0)::bigint", "reindex table t", "cluster t using t_pkey",
	"vacuum full pg_class", "crash", "reindex table pg_attribute", "crash", "create database extra", "crash", "drop database extra", "crash", "select pg_create_restore_point('here')", "crash", "select pg_backup_start('b', true)", "insert into t values (200000)",
	"select pg_backup_stop(false)", "select pg_switch_wal()", "create table d(a int, b int)", "create index d_a on d (a)",
	"insert into d select g, 0 from generate_series(1, 300) g", "delete from d", "select count(*) from d", "set enable_seqscan = off", "select count(*) from d where a > 0",
	"select count(*) from d where a > 0", "insert into d select g, 0 from generate_series(1, 900) g", "update d set b = b + 1", "update d set a = a", "vacuum (freeze)", "vacuum (freeze) d",
	"crash", "checkpoint",
}

// TestRecordKinds replays, after a crash, a history in which there is a record of every kind that the server can write. A kind that is new has to be written
// by the history, or be listed as unwritten.
func TestRecordKinds(t *testing.T) {
	base := image(t, 1)
	redone := map[wal.Kind]int{}
	settings := []string{"shared_buffers=16MB", "max_wal_size=1GB", "checkpoint_timeout=1h", "max_prepared_transactions=4", "autovacuum=off"}
	open := func() *postmaster.Postmaster {
		pm, err := postmaster.Start(postmaster.Options{Dir: dataDir, FS: base, NoListen: true, Settings: settings, Replayed: func(r *wal.Record) { redone[r.Kind]++ }})
		if err != nil {
			t.Fatal(err)
		}
		return pm
	}
	for rest := kindsHistory; len(rest) > 0; { // a checkpoint hides what was before it
		n := slices.Index(rest, "crash")
		if n < 0 {
			n = len(rest)
		}
		pm := open()
		runHistory(t, pm, rest[:n])
		rest = rest[min(n+1, len(rest)):]
		crash(pm, base)
	}
	// The commit log is cut once ids that no row of any database has take a page of it.
	check(t, open().Stop(context.Background(), postmaster.Fast))
	check(t, postmaster.SkipIDs(postmaster.SkipOptions{Dir: dataDir, FS: base, NextXid: 200000}))
	pm := open()
	runHistory(t, pm, []string{"alter database template0 allow_connections on"})
	for _, db := range []string{"template0", "template1", "postgres"} {
		c, err := dialTo(pm, db)
		check(t, err)
		_, err = c.Exec(context.Background(), "vacuum (freeze)").ReadAll()
		check(t, err)
		c.Close(context.Background())
	}
	crash(pm, base)
	pm = open()
	if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	rerun.Told(t, "records replayed: %s", list(redone))
	for k := wal.Kind(1); k < 128; k++ {
		why, never := unwritten[k]
		switch {
		case strings.HasPrefix(k.String(), "KIND_"):
		case !never && redone[k] == 0:
			t.Errorf("no %s was replayed", k)
		case never && redone[k] > 0:
			t.Errorf("%d times %s was replayed, although %s", redone[k], k, why)
		}
	}
	wholeCheck(t, base)
}

func crash(pm *postmaster.Postmaster, fs *vfs.Mem) {
	_ = pm.Stop(context.Background(), postmaster.Immediate)
	<-pm.Done()
	fs.Kill()
	fs.Crash()
}

func runHistory(t *testing.T, pm *postmaster.Postmaster, history []string) {
	t.Helper()
	first, err := dial(pm)
	check(t, err)
	second, err := dial(pm)
	check(t, err)
	for _, sql := range history {
		c := first
		if rest, ok := strings.CutPrefix(sql, "2:"); ok {
			c, sql = second, rest
		}
		if _, err := c.Exec(context.Background(), sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func wholeCheck(t *testing.T, fs *vfs.Mem) {
	t.Helper()
	var problems []string
	if _, err := postmaster.Check(postmaster.CheckOptions{Dir: dataDir, FS: fs, Settings: []string{"shared_buffers=16MB"}}, func(p string) { problems = append(problems, p) }); err != nil || len(problems) > 0 {
		t.Errorf("check: %v %s", err, strings.Join(slices.Compact(problems), "\n"))
	}
}

// TestSequenceWithoutImages: a sequence's page is written while it says less than its record, and full_page_writes is off. Values that were given out do not come back.
func TestSequenceWithoutImages(t *testing.T) {
	fs := image(t, 1)
	open := func() *postmaster.Postmaster {
		pm, err := postmaster.Start(postmaster.Options{Dir: dataDir, FS: fs, NoListen: true, Settings: []string{"full_page_writes=off", "shared_buffers=512kB", "checkpoint_timeout=1h",
			"max_wal_size=1GB", "autovacuum=off"}})
		check(t, err)
		return pm
	}
	pm := open()
	runHistory(t, pm, []string{"create table t(a int, b text)", "checkpoint", "select nextval('w0.seq')", "insert into t select g, repeat('x', 500) from generate_series(1, 4000) g",
		"select nextval('w0.seq')", "select nextval('w0.seq')", "insert into t values (0, 'durable')"})
	_ = pm.Stop(context.Background(), postmaster.Immediate)
	<-pm.Done()
	fs.Kill()
	pm = open()
	c, err := dial(pm)
	check(t, err)
	res, err := c.Exec(context.Background(), "select nextval('w0.seq') > 3").ReadAll()
	if err != nil || string(res[0].Rows[0][0]) != "t" {
		t.Errorf("the sequence gives a value again that it gave before the crash: %v", err)
	}
	c.Close(context.Background())
	check(t, pm.Stop(context.Background(), postmaster.Fast))
}
