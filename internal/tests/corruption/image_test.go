package corruption

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"gompho/config"
	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/vfs"
)

const dataDir = "/corruption-test/data" // in memory

// server is a started server and what it logged.
type server struct {
	pm *postmaster.Postmaster
	mu sync.Mutex
	// lines are those of the server log, mu.
	lines []string
}

func start(m vfs.FS, settings ...string) (*server, error) {
	s := &server{}
	pm, err := postmaster.Start(postmaster.Options{Dir: dataDir, FS: m, NoListen: true,
		Settings: append([]string{"shared_buffers=8MB", "autovacuum=off", "bgwriter_lru_maxpages=0", "max_parallel_workers=0"}, settings...),
		Log: func(*config.Server) *zap.Logger {
			return zap.New(&logCore{s})
		}})
	s.pm = pm
	return s, err
}

// logCore keeps the lines of the server log.
type logCore struct{ s *server }

func (c *logCore) Enabled(l zapcore.Level) bool      { return l >= zapcore.InfoLevel }
func (c *logCore) With([]zapcore.Field) zapcore.Core { return c }
func (c *logCore) Sync() error                       { return nil }
func (c *logCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}
func (c *logCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	line := e.Message
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(enc)
	}
	for _, k := range []string{"detail", "stack"} {
		if v, ok := enc.Fields[k]; ok {
			line += fmt.Sprintf("\n%s: %s", k, v)
		}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.lines = append(c.s.lines, line)
	return nil
}

var crashLine = regexp.MustCompile(`server process crashed|panic|PANIC`)

// crash returns the lines that tell of a crash or of a session that panicked.
func (s *server) crash() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range s.lines {
		if crashLine.MatchString(l) {
			return strings.Join(s.lines[i:], "\n")
		}
	}
	return ""
}

func (s *server) stop() error { return s.pm.Stop(context.Background(), postmaster.Fast) }

func (s *server) dial() (*pgconn.PgConn, error) {
	cfg, err := pgconn.ParseConfig("host=127.0.0.1 port=1 user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		return nil, err
	}
	cfg.DialFunc = dialer(s)
	cfg.Fallbacks = nil
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return pgconn.ConnectConfig(ctx, cfg)
}

func dialer(s *server) pgconn.DialFunc {
	return func(context.Context, string, string) (net.Conn, error) { return s.pm.Dial() }
}

func must(t *testing.T, c *pgconn.PgConn, sql string) {
	t.Helper()
	if _, err := c.Exec(context.Background(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// imageSQL makes something of each kind of file.
var imageSQL = []string{
	`create table t(a int primary key, b text, c numeric, d timestamp default '2024-01-01'); insert into t select i, 'row ' || i, i * 1.5 from generate_series(1, 4000) i`,
	`create index t_b on t(b); create unique index t_ca on t(c, a)`,
	`create table big(a int primary key, v text); alter table big alter v set storage external; insert into big select i, repeat(i::text, 4000) from generate_series(1, 30) i`,
	`create table compressed(a int primary key, v text); insert into compressed select i, repeat('some text ', 2000) || i from generate_series(1, 30) i`,
	`create sequence s; select nextval('s')`,
	`create table locked(a int primary key, v int); insert into locked select i, i from generate_series(1, 100) i`,
	`create unlogged table u(a int); insert into u select generate_series(1, 500)`,
	`create view v as select a, b from t where a % 2 = 0`,
	`create type mood as enum ('sad', 'happy'); create table e(m mood, xs int[]); insert into e select 'happy', array[i, i + 1] from generate_series(1, 500) i`,
	`delete from t where a % 7 = 0; update t set b = b || '!' where a % 5 = 0`,
	`vacuum (freeze) big`, `vacuum t`, `analyze`,
	`update t set c = c + 1 where a % 11 = 0; delete from t where a % 13 = 0`,
}

// questions are what is asked of a damaged cluster; each answer is one text.
var questions = []string{
	`select count(*), sum(a), sum(c), min(b), max(b) from t`,
	`select md5(string_agg(t::text, '|' order by a)) from t`,
	`set enable_seqscan = off; set enable_bitmapscan = off; select sum(a) from t where a between 100 and 3000; select count(*) from t where b >= 'row 2'; select count(*), sum(a) from t where c > 100; reset all`,
	`select sum(length(v)), md5(string_agg(md5(v), '' order by a)) from big`,
	`select sum(length(v)), md5(string_agg(md5(v), '' order by a)) from compressed`,
	`select last_value, is_called from s`,
	`select count(*), sum(v) from locked; select a from locked where v < 10 order by a for update`,
	`select count(*), sum(a) from v`,
	`select count(*), sum(xs[1]), min(m) from e`,
	`select count(*), sum(a) from u`,
	`select count(*), md5(string_agg(relname, ',' order by oid)) from pg_class where oid < 100000`,
	`select count(*), md5(string_agg(attname, ',' order by attrelid, attnum)) from pg_attribute`,
	`select count(*), md5(string_agg(proname || prosrc, ',' order by oid)) from pg_proc`,
	`select count(*) from pg_type; select count(*) from pg_operator; select count(*) from pg_depend`,
	`begin; insert into t values (100000, 'new'); update t set b = 'changed' where a = 3; delete from t where a = 4; select count(*) from t; rollback`,
	`begin; create table n(a int primary key); insert into n select generate_series(1, 100); select count(*) from n; rollback`,
}

// image makes the cluster that all rounds begin with, shut down, and the answers that it gives.
func image(t *testing.T) (*vfs.Mem, []string) {
	t.Helper()
	m := vfs.NewMem(1)
	if err := postmaster.Init(dataDir, postmaster.InitOptions{FS: m, Sync: true, WalSegmentSize: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	s, err := start(m)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range imageSQL {
		must(t, a, sql)
	}
	b, err := s.dial() // rows with several lockers, for multixacts
	if err != nil {
		t.Fatal(err)
	}
	must(t, a, "begin; select * from locked where a <= 50 for key share")
	must(t, b, "begin; select * from locked where a <= 50 for key share; update locked set v = v where a <= 20")
	must(t, a, "commit")
	must(t, b, "commit")
	a.Close(context.Background())
	b.Close(context.Background())
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := m.SyncTree("/"); err != nil {
		t.Fatal(err)
	}
	clean, err := start(m.Clone(1))
	if err != nil {
		t.Fatal(err)
	}
	answers, errs := clean.ask()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("%s: %v", questions[i], err)
		}
	}
	if err := clean.stop(); err != nil {
		t.Fatal(err)
	}
	return m, answers
}

// ask asks all questions, each in a session of its own.
func (s *server) ask(before ...string) (answers []string, errs []error) {
	answers, errs = make([]string, len(questions)), make([]error, len(questions))
	for i, q := range questions {
		answers[i], errs[i] = s.answer(append(before, q))
	}
	return answers, errs
}

func (s *server) answer(sql []string) (string, error) {
	c, err := s.dial()
	if err != nil {
		return "", err
	}
	defer c.Close(context.Background())
	var sb strings.Builder
	for _, q := range sql {
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		rs, err := c.Exec(ctx, q).ReadAll()
		cancel()
		if err != nil {
			return "", err
		}
		for _, r := range rs {
			for _, row := range r.Rows {
				for _, v := range row {
					fmt.Fprintf(&sb, "%s;", v)
				}
			}
		}
	}
	return sb.String(), nil
}

// files lists the files of a cluster, less those that people write.
func files(t *testing.T, m vfs.FS) []string {
	t.Helper()
	var out []string
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := m.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			if e.IsDir() {
				walk(name)
			} else if strings.HasSuffix(name, ".conf") || strings.HasSuffix(name, ".pid") {
				continue
			} else if info, err := m.Stat(name); err == nil && info.Size() > 0 {
				out = append(out, name)
			}
		}
	}
	walk(dataDir)
	return out
}

// kindOf sorts files into kinds, so that each gets its share of the damage.
func kindOf(name string) string {
	rel := strings.TrimPrefix(name, dataDir+"/")
	base := path.Base(rel)
	no, _, _ := strings.Cut(base, "_")
	oid, err := strconv.Atoi(no)
	switch {
	case strings.HasPrefix(rel, "pg_wal"):
		return "log"
	case strings.HasPrefix(rel, "pg_xact"), strings.HasPrefix(rel, "pg_multixact"):
		return "transactions"
	case err != nil:
		return "other"
	case strings.HasSuffix(base, "_fsm"), strings.HasSuffix(base, "_vm"), strings.HasSuffix(base, "_init"):
		return base[strings.Index(base, "_")+1:]
	case strings.HasPrefix(rel, "global/"):
		return "shared catalogs"
	case oid < 16384:
		return "catalogs"
	}
	return "tables and indexes"
}

// flip inverts one bit of a file.
func flip(m vfs.FS, name string, bit int64) error {
	f, err := m.Open(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], bit/8); err != nil {
		return err
	}
	b[0] ^= 1 << (bit % 8)
	_, err = f.WriteAt(b[:], bit/8)
	return err
}

// damage is one flipped bit.
type damage struct {
	kind, name string
	bit        int64
}

func (d damage) String() string {
	return fmt.Sprintf("bit %d of %s (block %d, byte %d)", d.bit, strings.TrimPrefix(d.name, dataDir+"/"), d.bit/8/8192, d.bit/8%8192)
}

// draw chooses the damage of a round: a kind, a file of it, and a place, often near the begin of a block.
func draw(rnd *rand.Rand, m vfs.FS, byKind map[string][]string, kinds []string) (damage, error) {
	d := damage{kind: kinds[rnd.IntN(len(kinds))]}
	d.name = byKind[d.kind][rnd.IntN(len(byKind[d.kind]))]
	info, err := m.Stat(d.name)
	if err != nil {
		return d, err
	}
	size := info.Size()
	at := rnd.Int64N(size)
	if rnd.IntN(3) == 0 {
		at = at/8192*8192 + rnd.Int64N(64)
	}
	d.bit = min(at, size-1)*8 + rnd.Int64N(8)
	return d, nil
}

// rounds runs f for many seeds, side by side.
func rounds(t *testing.T, short, long int, f func(seed uint64) error) {
	t.Helper()
	n := long
	if testing.Short() || os.Getenv("CI") != "" {
		n = short
	}
	n, first := rerun.Rounds(t, "GOMPHO_CORRUPTION_ROUNDS", n)
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(n) || failed.Load() > 5 {
					return
				}
				if err := f(first + uint64(i)); err != nil {
					failed.Add(1)
					t.Errorf("seed %d: %v", first+uint64(i), err)
				}
			}
		})
	}
	wg.Wait()
}
