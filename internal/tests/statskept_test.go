package tests

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"gompho/config"
	"gompho/internal/tests/rerun"
	"gompho/postmaster"
)

// keeper is a server whose statistics are looked at over restarts.
type keeper struct {
	t    *testing.T
	dir  string
	pm   *postmaster.Postmaster
	logs *observer.ObservedLogs
}

func (k *keeper) start() {
	k.t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	pm, err := postmaster.Start(postmaster.Options{Dir: k.dir, NoListen: true, Log: func(*config.Server) *zap.Logger { return zap.New(core) },
		Settings: []string{"shared_buffers=16MB", "autovacuum=off", "bgwriter_lru_maxpages=0"}})
	if err != nil {
		k.t.Fatal(err)
	}
	k.pm, k.logs = pm, logs
}

func (k *keeper) stop(mode postmaster.ShutdownMode) {
	k.t.Helper()
	if err := k.pm.Stop(context.Background(), mode); err != nil {
		k.t.Fatal(err)
	}
}

func (k *keeper) connect() *pgx.Conn {
	k.t.Helper()
	cfg, err := pgx.ParseConfig("host=127.0.0.1 user=postgres dbname=postgres sslmode=disable default_query_exec_mode=simple_protocol")
	if err != nil {
		k.t.Fatal(err)
	}
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return k.pm.Dial() }
	c, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}

// keptQueries ask for figures that nothing but the test itself changes while the server runs.
var keptQueries = map[string]string{
	"tables":  `select string_agg(t::text, E'\n' order by relname) from pg_stat_user_tables t`,
	"blocks":  `select string_agg(t::text, E'\n' order by relname) from pg_statio_user_tables t`,
	"indexes": `select string_agg(t::text, E'\n' order by indexrelname) from pg_stat_user_indexes t`,
	"database": `select concat_ws(' ', tup_inserted, tup_updated, tup_deleted, temp_files, temp_bytes, xact_rollback, sessions_killed, stats_reset)
		from pg_stat_database where datname = current_database()`,
	"other database": "select t::text from pg_stat_database t where datname = 'template0'",
	"bgwriter":       "select concat_ws(' ', checkpoints_timed, maxwritten_clean, stats_reset) from pg_stat_bgwriter",
	"wal":            "select stats_reset::text from pg_stat_wal",
	"archiver":       "select t::text from pg_stat_archiver t",
	"slru":           "select string_agg(name || stats_reset, ' ' order by name) from pg_stat_slru",
	"prefetch":       "select t::text from pg_stat_recovery_prefetch t",
	"statements":     `select string_agg(concat_ws(' ', queryid, calls, rows, total_exec_time, stddev_exec_time, wal_bytes, query), E'\n' order by queryid) from pg_stat_statements where query not like 'set pg_stat%'`,
	"info":           "select t::text from pg_stat_statements_info t",
}

// kept returns the figures, in a new session that leaves nothing in pg_stat_statements.
func (k *keeper) kept() map[string]string {
	k.t.Helper()
	c := k.connect()
	defer c.Close(context.Background())
	run(k.t, c, "set pg_stat_statements.track = none")
	out := map[string]string{}
	for name, q := range keptQueries {
		out[name] = value[string](k.t, c, "select coalesce(("+q+"), '')")
	}
	return out
}

// work changes every figure.
func (k *keeper) work() {
	k.t.Helper()
	c := k.connect()
	defer c.Close(context.Background())
	for _, sql := range []string{"create table if not exists a (x int primary key, y text)", "delete from a", "insert into a select g, 'y' from generate_series(1, 100) g",
		"update a set y = 'z' where x < 10", "delete from a where x = 50", "select * from a where x = 7", "vacuum a", "analyze a", "begin", "insert into a values (-1)", "rollback",
		"select pg_stat_reset_shared('bgwriter'), pg_stat_reset_shared('wal'), pg_stat_reset_shared('archiver'), pg_stat_reset_shared('recovery_prefetch'), pg_stat_reset_slru(null)",
		"set work_mem = '64kB'", "select count(*) from (select g from generate_series(1, 20000) g order by -g offset 0) x", "checkpoint"} {
		run(k.t, c, sql)
	}
}

// TestStatisticsKept: a clean restart keeps all statistics; after a crash there are none, even if a file of an earlier shutdown is there.
func TestStatisticsKept(t *testing.T) {
	k := &keeper{t: t, dir: t.TempDir()}
	k.start()
	k.work()
	before := k.kept()
	k.stop(postmaster.Fast)
	files := k.files()
	k.start()
	after := k.kept()
	for name, was := range before {
		if now := after[name]; now != was || was == "" {
			t.Errorf("%s:\n%s\nhas become\n%s", name, was, now)
		}
	}
	if n := len(k.files()); n != 0 {
		t.Errorf("%d files of statistics are left while the server runs", n)
	}
	for name, data := range files {
		k.write(name, data) // nobody does that, but a crash must not trust them
	}
	k.stop(postmaster.Immediate)
	k.start()
	defer k.stop(postmaster.Fast)
	k.empty("after a crash", before)
}

// files returns the statistics files of a stopped server.
func (k *keeper) files() map[string][]byte {
	k.t.Helper()
	list, err := filepath.Glob(filepath.Join(k.dir, "pg_stat", "*"))
	if err != nil {
		k.t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, name := range list {
		if out[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			k.t.Fatal(err)
		}
	}
	return out
}

func (k *keeper) write(name string, data []byte) {
	k.t.Helper()
	if err := os.WriteFile(filepath.Join(k.dir, "pg_stat", name), data, 0o600); err != nil {
		k.t.Fatal(err)
	}
}

// empty checks that what was counted is not there any more.
func (k *keeper) empty(when string, before map[string]string) {
	k.t.Helper()
	now := k.kept()
	if got := now["tables"]; !strings.Contains(got, ",a,0,0,0,0,0,0,0,0,0,0,0,0,,,,,0,0,0,0)") {
		k.t.Errorf("%s the counters of the table are %s", when, got)
	}
	if strings.Contains(now["statements"], "insert") {
		k.t.Errorf("%s there are statements: %s", when, now["statements"])
	}
	for _, name := range []string{"bgwriter", "wal", "archiver", "slru", "prefetch", "info"} {
		if now[name] == before[name] {
			k.t.Errorf("%s %s shows what it did: %s", when, name, now[name])
		}
	}
	if !strings.HasPrefix(now["database"], "0 0 0 0 0 0 0") {
		k.t.Errorf("%s the counters of the database are %s", when, now["database"])
	}
}

// TestStatisticsDamaged: a damaged file is said to be so in the log and then ignored. GOMPHO_SEED chooses the damage.
func TestStatisticsDamaged(t *testing.T) {
	seed := rerun.Seed(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	k := &keeper{t: t, dir: t.TempDir()}
	k.start()
	k.work()
	before := k.kept()
	k.stop(postmaster.Fast)
	good := k.files()
	if len(good) != 2 {
		t.Fatalf("there are %d files of statistics", len(good))
	}
	for round := range 6 {
		what := map[string]string{}
		for name, data := range good {
			bad := append([]byte(nil), data...)
			switch round % 3 {
			case 0:
				at, bit := rnd.IntN(len(bad)), rnd.IntN(8)
				bad[at] ^= 1 << bit
				what[name] = fmt.Sprintf("bit %d of byte %d flipped", bit, at)
			case 1:
				bad = bad[:rnd.IntN(len(bad))]
				what[name] = fmt.Sprintf("cut to %d bytes", len(bad))
			case 2:
				at, n := rnd.IntN(len(bad)), 1+rnd.IntN(1000)
				for i := range n {
					if at+i == len(bad) {
						bad = append(bad, 0)
					}
					bad[at+i] = byte(rnd.Uint32())
				}
				what[name] = fmt.Sprintf("%d bytes from %d on overwritten", n, at)
			}
			k.write(name, bad)
		}
		k.start()
		if logged(k.logs, `^corrupted statistics file ".*gompho\.stat"$`) == "" || logged(k.logs, `^ignoring invalid data in file ".*pg_stat_statements\.stat"$`) == "" {
			t.Errorf("seed %d, %v: the log says nothing of it", seed, what)
		}
		k.empty(fmt.Sprintf("seed %d, %v:", seed, what), before)
		k.stop(postmaster.Fast)
	}
}
