package tests

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho/postmaster"
	"gompho/storage/vfs"
)

const memoryDir = "/buffers-test/data"

// ioServer is a server in memory whose file operations a test sees and can hold.
type ioServer struct {
	pm *postmaster.Postmaster

	mu sync.Mutex
	// watch is called for each operation on a file, mu held; nil: nobody looks. A channel that it returns is waited for before the operation runs.
	watch func(op vfs.FaultOp) <-chan struct{}
}

func newIOServer(t *testing.T, settings ...string) *ioServer {
	t.Helper()
	m := vfs.NewMem(1)
	if err := postmaster.Init(memoryDir, postmaster.InitOptions{FS: m, WalSegmentSize: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	s := &ioServer{}
	fs := vfs.NewFaulty(m, func(op vfs.FaultOp) error {
		s.mu.Lock()
		var wait <-chan struct{}
		if s.watch != nil {
			wait = s.watch(op)
		}
		s.mu.Unlock()
		if wait != nil {
			<-wait
		}
		return nil
	})
	pm, err := postmaster.Start(postmaster.Options{Dir: memoryDir, FS: fs, NoListen: true, Settings: append([]string{"autovacuum=off", "max_parallel_workers=0"}, settings...)})
	if err != nil {
		t.Fatal(err)
	}
	s.pm = pm
	t.Cleanup(func() {
		s.see(nil)
		if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *ioServer) see(watch func(op vfs.FaultOp) <-chan struct{}) {
	s.mu.Lock()
	s.watch = watch
	s.mu.Unlock()
}

func (s *ioServer) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig("host=127.0.0.1 port=1 user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return s.pm.Dial() }
	c, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// TestBigScansSpareTheWorkingSet: a scan, a load and a vacuum of a table that is larger than a quarter of shared buffers go through rings; a small table
// that is in use stays in the buffers. A scan of less than a quarter is no reason for a ring.
func TestBigScansSpareTheWorkingSet(t *testing.T) {
	s := newIOServer(t, "shared_buffers=4MB", "bgwriter_lru_maxpages=0") // 512 buffers
	c := s.connect(t)
	run(t, c, "create table hot(a int primary key, f text) with (fillfactor=10); insert into hot select i, repeat('x', 700) from generate_series(1, 100) i")
	run(t, c, "create table big()")
	run(t, c, "create table middle(a int, f text); insert into middle select i, repeat('y', 1000) from generate_series(1, 700) i")
	cached := func(table string) int {
		return value[int](t, c, "select count(*) from pg_buffercache where relfilenode = pg_relation_filenode($1::regclass) and relforknumber = 0", table)
	}
	warm := func() {
		for range 5 {
			run(t, c, "select count(f) from hot")
			run(t, c, "select f from hot where a = 50")
		}
	}
	pages := func(table string) int {
		return value[int](t, c, "select pg_relation_size($1::regclass)::int / 8192", table)
	}
	warm()
	run(t, c, "checkpoint")
	hot := cached("hot")
	if hot != pages("hot") || hot < 50 || hot > 128 {
		t.Fatalf("%d pages of %d of the small table are in the buffers", hot, pages("hot"))
	}
	step := func(what string, sql string, most int) {
		t.Helper()
		warm()
		run(t, c, sql)
		if n := cached("hot"); n != hot {
			t.Errorf("%s leaves %d pages of %d of the working set in the buffers", what, n, hot)
		}
		if n := cached("big"); n > most {
			t.Errorf("%s has %d pages of the big table in the buffers", what, n)
		}
	}
	run(t, c, "drop table big")
	step("a load", "create table big as select i as a, repeat('z', 1000) as f from generate_series(1, 10000) i", 80)
	if pages("big") < 1000 {
		t.Fatalf("the big table has %d pages", pages("big"))
	}
	step("a scan", "select count(f) from big", 120)
	step("a second scan", "select count(f) from big where a > 3", 160)
	step("a vacuum", "vacuum (freeze) big", 200)
	step("ANALYZE", "analyze big", 220)
	step("an index", "create index on big(a)", 250)
	step("COPY TO", "copy big(a) to '/dev/null'", 300)
	run(t, c, "select count(f) from middle")
	if n := cached("middle"); n != pages("middle") || n > 127 || n < 90 {
		t.Errorf("%d pages of %d of a table of less than a quarter of the buffers are there after a scan", n, pages("middle"))
	}
}

// TestReadAhead: bitmap scans, ANALYZE and the second pass of VACUUM ask for their blocks ahead, as far as effective_io_concurrency and
// maintenance_io_concurrency say; blocks that are in the buffers are not asked for.
func TestReadAhead(t *testing.T) {
	s := newIOServer(t, "shared_buffers=1MB", "bgwriter_lru_maxpages=0") // 128 buffers
	c := s.connect(t)
	run(t, c, "create table t(a int, b int, f text); insert into t select i, i % 100, repeat('x', 1000) from generate_series(1, 4000) i; create index on t(b); analyze t")
	run(t, c, "vacuum t")
	run(t, c, "set enable_seqscan = off; set enable_indexscan = off")
	path := value[string](t, c, "select pg_relation_filepath('t')")
	var hints, reads []int64
	most := 0
	watch := func() {
		hints, reads, most = nil, nil, 0
		asked := map[int64]bool{}
		s.see(func(op vfs.FaultOp) <-chan struct{} {
			if !strings.HasSuffix(op.Name, path) {
				return nil
			}
			switch op.Kind {
			case vfs.OpReadHint:
				hints = append(hints, op.Offset/8192)
				asked[op.Offset/8192] = true
				most = max(most, len(asked))
			case vfs.OpRead:
				reads = append(reads, op.Offset/8192)
				delete(asked, op.Offset/8192)
			}
			return nil
		})
	}
	done := func() { s.see(nil) }
	scan := func(depth int) {
		t.Helper()
		run(t, c, fmt.Sprintf("set effective_io_concurrency = %d", depth))
		watch()
		if n := value[int](t, c, "select count(f) from t where b = 7"); n != 40 {
			t.Fatalf("%d rows", n)
		}
		done()
	}
	scan(0)
	if len(hints) != 0 || len(reads) < 20 {
		t.Fatalf("without read-ahead: %d hints, %d reads", len(hints), len(reads))
	}
	others := func() { // others into the buffers, not through a ring
		run(t, c, "set effective_io_concurrency = 0")
		if n := value[int](t, c, "select count(f) from t where b between 30 and 60"); n != 31*40 {
			t.Fatalf("%d rows", n)
		}
	}
	others()
	for _, depth := range []int{1, 8} {
		scan(depth)
		if most != depth+1 || len(hints) < 20 { // one of them is about to be read
			t.Errorf("effective_io_concurrency = %d: at most %d blocks asked for ahead, %d in all", depth, most, len(hints))
		}
		for _, h := range hints {
			if !slices.Contains(reads, h) {
				t.Errorf("block %d was asked for and not read", h)
			}
		}
		others()
	}
	run(t, c, "create table hit as select * from t where b = 7; create index on hit(b); select count(f) from hit where b = 7")
	path = value[string](t, c, "select pg_relation_filepath('hit')")
	watch()
	run(t, c, "select count(f) from hit where b = 7")
	if done(); len(hints) != 0 {
		t.Errorf("%d blocks that are in the buffers were asked for", len(hints))
	}
	path = value[string](t, c, "select pg_relation_filepath('t')")
	others()
	run(t, c, "set maintenance_io_concurrency = 5; set default_statistics_target = 1") // 300 of the blocks
	watch()
	run(t, c, "analyze t")
	if done(); most != 6 || len(hints) < 100 {
		t.Errorf("ANALYZE: at most %d blocks asked for ahead, %d in all", most, len(hints))
	}
	run(t, c, "delete from t where b = 3")
	others()
	watch()
	run(t, c, "vacuum (index_cleanup on) t")
	if done(); most != 6 || len(hints) < 10 {
		t.Errorf("VACUUM: at most %d blocks asked for ahead, %d in all", most, len(hints))
	}
}

// TestIOWaitEvents holds one operation on a relation's file after the other, and looks at what pg_stat_activity says that the process waits for.
func TestIOWaitEvents(t *testing.T) {
	s := newIOServer(t, "shared_buffers=1MB", "bgwriter_lru_maxpages=0", "checkpoint_flush_after=1", "full_page_writes=on")
	c, look := s.connect(t), s.connect(t)
	run(t, c, "create table t(a int, b int, f text); insert into t select i, i % 100, repeat('x', 1000) from generate_series(1, 2000) i; create index on t(b); analyze t")
	run(t, c, "create table other as select * from t; checkpoint")
	path := value[string](t, c, "select pg_relation_filepath('t')")
	empty := "select max(f) from other; select count(*) from other o where f is null; create table x as select * from other; drop table x"
	for _, k := range []struct {
		event, backend, before, sql string
		kind                        vfs.OpKind
	}{
		{"DataFileRead", "client backend", empty, "select count(f) from t", vfs.OpRead},
		{"DataFilePrefetch", "client backend", "set enable_seqscan = off; set enable_indexscan = off; set effective_io_concurrency = 3; " + empty,
			"select count(f) from t where b = 5", vfs.OpReadHint},
		{"DataFileExtend", "client backend", "reset all", "insert into t select i, 0, repeat('y', 1000) from generate_series(1, 30) i", vfs.OpWrite},
		{"DataFileWrite", "checkpointer", "update t set b = b + 1 where a < 100", "checkpoint", vfs.OpWrite},
		{"DataFileFlush", "checkpointer", "update t set b = b + 1 where a < 100", "checkpoint", vfs.OpFlush},
		{"DataFileSync", "checkpointer", "update t set b = b + 1 where a < 100", "checkpoint", vfs.OpSync},
		{"DataFileTruncate", "client backend", "delete from t", "vacuum t", vfs.OpTruncate},
	} {
		for _, sql := range strings.Split(k.before, "; ") {
			run(t, c, sql)
		}
		held, release := make(chan struct{}), make(chan struct{})
		first := true
		s.see(func(op vfs.FaultOp) <-chan struct{} {
			if first && op.Kind == k.kind && strings.HasSuffix(op.Name, path) {
				first = false
				close(held)
				return release
			}
			return nil
		})
		ended := async(c, k.sql)
		select {
		case <-held:
		case err := <-ended:
			t.Fatalf("%s: %s ends without the operation, %v", k.event, k.sql, err)
		}
		got := value[string](t, look, "select string_agg(wait_event_type || ' ' || wait_event, ',') from pg_stat_activity where backend_type = $1 and pid <> pg_backend_pid()", k.backend)
		if got != "IO "+k.event {
			t.Errorf("%s: the %s waits for %s", k.event, k.backend, got)
		}
		s.see(nil)
		close(release)
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", k.event, err)
		}
	}
}

// TestLocalBuffers: temporary tables live in buffers of their session, as many as temp_buffers says. The shared buffers know nothing of them, nothing is
// logged of their rows, no checkpoint writes or syncs their files, and all goes with the session.
func TestLocalBuffers(t *testing.T) {
	s := newIOServer(t, "shared_buffers=4MB", "bgwriter_lru_maxpages=0")
	c, look := s.connect(t), s.connect(t)
	run(t, c, "set temp_buffers = '1MB'") // 128 buffers
	run(t, c, "create temp table t(a int primary key, b text); create temp sequence q")
	run(t, c, "insert into t select i, repeat('x', 1000) from generate_series(1, 500) i")
	shared := "select count(*) from pg_buffercache where relfilenode in (pg_relation_filenode('t'), pg_relation_filenode('t_pkey'), pg_relation_filenode('q'))"
	if n := value[int](t, c, shared); n != 0 {
		t.Errorf("%d pages of temporary relations are in the shared buffers", n)
	}
	path := value[string](t, c, "select pg_relation_filepath('t')")
	var ops []string
	record := func() {
		ops = nil
		s.see(func(op vfs.FaultOp) <-chan struct{} {
			if strings.HasSuffix(op.Name, path) {
				ops = append(ops, op.Kind.String())
			}
			return nil
		})
	}
	record()
	run(t, look, "checkpoint")
	s.see(nil)
	if len(ops) > 0 {
		t.Errorf("a checkpoint does %v with a temporary table", ops)
	}
	before := value[int64](t, look, "select pg_current_wal_insert_lsn() - '0/0'")
	record()
	run(t, c, "insert into t select i, repeat('y', 1000) from generate_series(501, 2500) i") // more than the buffers hold
	run(t, c, "update t set b = b || 'z' where a % 3 = 0")
	run(t, c, "delete from t where a % 5 = 0")
	s.see(nil)
	if !slices.Contains(ops, "write") || slices.Contains(ops, "sync") {
		t.Errorf("a temporary table larger than temp_buffers was written by %v", ops)
	}
	if after := value[int64](t, look, "select pg_current_wal_insert_lsn() - '0/0'"); after-before > 3000 {
		t.Errorf("%d bytes of log for rows of a temporary table", after-before)
	}
	check := func(want string) {
		t.Helper()
		if got := value[string](t, c, "select count(*) || ' ' || sum(a) || ' ' || sum(length(b)) from t"); got != want {
			t.Errorf("the table has %s, want %s", got, want)
		}
	}
	want := value[string](t, look, "select count(*) || ' ' || sum(a) || ' ' || sum(case when a % 3 = 0 then 1001 else 1000 end) from generate_series(1, 2500) a where a % 5 <> 0")
	check(want)
	run(t, c, "begin; update t set b = ''; truncate t; insert into t values (1, 'x'); savepoint s; create temp table u as select * from t; rollback")
	check(want)
	run(t, c, "create index on t(b); cluster t using t_pkey")
	check(want)
	run(t, c, "vacuum (full) t")
	run(t, c, "vacuum (freeze) t")
	run(t, c, "analyze t; reindex table t; alter table t add k int default 7")
	check(want)
	if n := value[int](t, c, "select count(*) from t where a = 1001 and k = 7"); n != 1 {
		t.Errorf("the index finds %d rows", n)
	}
	if got := value[string](t, c, "select nextval('q') || ' ' || nextval('q') || ' ' || last_value from q"); got != "1 2 1" {
		t.Errorf("the sequence gives %s", got)
	}
	if n := value[int](t, c, shared); n != 0 {
		t.Errorf("%d pages of temporary relations are in the shared buffers", n)
	}
	for _, sql := range []string{"set temp_buffers = '1MB'", "reset temp_buffers"} {
		run(t, c, sql)
	}
	_, err := c.Exec(context.Background(), "set temp_buffers = '2MB'")
	if e, ok := err.(*pgconn.PgError); !ok || e.Code != "22023" || e.Message != `invalid value for parameter "temp_buffers": 256` ||
		e.Detail != `"temp_buffers" cannot be changed after any temporary tables have been accessed in the session.` {
		t.Errorf("temp_buffers can be changed: %v", err)
	}
	c.Close(context.Background())
	eventually(t, look, "select count(*) = 0 from pg_class where relpersistence = 't'")
	d := s.connect(t) // the same number of schema, perhaps
	run(t, d, "create temp table t(a int); insert into t values (1); select * from t; drop table t; create temp table t as select generate_series(1, 3000) a")
	if n := value[int](t, d, "select count(*) from t"); n != 3000 {
		t.Errorf("%d rows in the next session's table", n)
	}
}
