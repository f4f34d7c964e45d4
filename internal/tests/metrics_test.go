package tests

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"gompho"
)

// scrape reads a server's metrics; the key is the name with the values of the labels, by a space.
func scrape(t *testing.T, addr string) map[string]float64 {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for name, f := range families {
		for _, m := range f.Metric {
			key := strings.TrimPrefix(name, "gompho_")
			for _, l := range m.Label {
				key += " " + l.GetValue()
			}
			out[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return out
}

// TestMetrics compares what the admin endpoint shows with the views, while sessions wait for each other and after statements of each kind.
func TestMetrics(t *testing.T) {
	ctx := context.Background()
	s, err := gompho.Open(ctx, gompho.Options{Settings: map[string]string{"shared_buffers": "16MB", "gompho.admin_address": "0", "autovacuum": "off", "deadlock_timeout": "50ms"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if !strings.HasPrefix(s.AdminAddr(), "127.0.0.1:") {
		t.Fatalf("the address is %s", s.AdminAddr())
	}
	a, b, watch := connect(t, s), connect(t, s), connect(t, s)
	for _, sql := range []string{"create table t as select g as a, repeat('x', 100) as b from generate_series(1, 5000) g", "vacuum t", "analyze t", "checkpoint",
		"select pg_stat_force_next_flush()"} {
		run(t, a, sql)
	}
	before := scrape(t, s.AdminAddr())
	run(t, a, "set work_mem = '64kB'")
	run(t, a, "select count(*) from (select * from t order by b, a offset 10) x")
	run(t, a, "begin")
	run(t, a, "update t set a = 0 where a = 7")
	waiting := make(chan error, 1)
	go func() {
		_, err := b.Exec(ctx, "update t set a = 1 where a = 7")
		waiting <- err
	}()
	for n := 0; n == 0; {
		run1(t, watch, "select count(*) from pg_locks where not granted", &n)
	}
	during := scrape(t, s.AdminAddr())
	for key, want := range map[string]float64{"up": 1, "connections idle in transaction": 1, "connections active": 1, "connections idle": 1, "connections_max": 100,
		"processes client backend": 3, "processes checkpointer": 1, "processes walwriter": 1, "waiting_processes Lock": 1, "locks false ShareLock": 1} {
		if during[key] != want {
			t.Errorf("%s is %v, want %v", key, during[key], want)
		}
	}
	if during["locks true RowExclusiveLock"] < 2 {
		t.Errorf("%v locks of changing rows", during["locks true RowExclusiveLock"])
	}
	run(t, a, "commit")
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
	run(t, b, "insert into t values (1), (2), (3)")
	run(t, b, "delete from t where a = 2")
	if _, err := b.Exec(ctx, "select 1/0"); err == nil {
		t.Error("no error")
	}
	for _, sql := range []string{"vacuum t", "analyze t", "checkpoint"} {
		run(t, a, sql)
	}
	a.Close(ctx)
	b.Close(ctx)
	for n := 1; n > 0; { // their counters are there when they are gone
		run1(t, watch, "select count(*) - 1 from pg_stat_activity where backend_type = 'client backend'", &n)
	}
	after := scrape(t, s.AdminAddr())
	for _, key := range []string{"wal_bytes_total", "wal_records_total", "transactions_total postgres commit", "transactions_total postgres rollback", "buffer_hits_total postgres",
		"tuples_total postgres inserted", "tuples_total postgres updated", "tuples_total postgres deleted", "tuples_total postgres returned", "lock_waits_total",
		"vacuums_total vacuum command", "vacuums_total analyze command", "checkpoints_total requested", "buffers_written_total checkpointer", "wal_flushed_position_bytes"} {
		found := false
		for k, v := range after { // labels come in the order of their names
			if same(k, key) {
				found = true
				if v <= before[k] {
					t.Errorf("%s was %v and is %v", key, before[k], v)
				}
			}
		}
		if !found {
			t.Errorf("%s is missing", key)
		}
	}
	for key, sql := range map[string]string{
		"wal_records_total":                         "select wal_records from pg_stat_wal",
		"checkpoints_total requested":               "select checkpoints_req from pg_stat_bgwriter",
		"tuples_total postgres inserted":            "select tup_inserted from pg_stat_database where datname = 'postgres'",
		"tuples_total postgres deleted":             "select tup_deleted from pg_stat_database where datname = 'postgres'",
		"transactions_total postgres rollback":      "select xact_rollback from pg_stat_database where datname = 'postgres'",
		"shared_buffers_bytes":                      "select 16 * 1024 * 1024",
		"deadlocks_total postgres":                  "select deadlocks from pg_stat_database where datname = 'postgres'",
		"buffers_written_total checkpointer":        "select buffers_checkpoint from pg_stat_bgwriter",
		"vacuums_total vacuum command":              "select sum(vacuum_count) from pg_stat_all_tables",
		"prepared_transactions":                     "select count(*) from pg_prepared_xacts",
		"sessions_total postgres":                   "select sessions from pg_stat_database where datname = 'postgres'",
		"archived_segments_total done":              "select archived_count from pg_stat_archiver",
		"checksum_failures_total postgres":          "select checksum_failures from pg_stat_database where datname = 'postgres'",
		"temp_files_total postgres":                 "select temp_files from pg_stat_database where datname = 'postgres'",
		"sessions_ended_badly_total postgres fatal": "select sessions_fatal from pg_stat_database where datname = 'postgres'",
	} {
		var want float64
		run1(t, watch, "select ("+sql+")::float8", &want)
		for k, v := range after {
			if same(k, key) && v != want {
				t.Errorf("%s is %v, the view says %v", key, v, want)
			}
		}
	}
	r, err := http.Get("http://" + s.AdminAddr() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if body, _ := io.ReadAll(r.Body); r.StatusCode != 200 || string(body) != "ready\n" {
		t.Errorf("%d %s", r.StatusCode, body)
	}
}

// same compares keys of scrape, in which labels may come in another order.
func same(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	if len(x) != len(y) || x[0] != y[0] {
		return false
	}
	for _, w := range y {
		if !strings.Contains(" "+a+" ", " "+w+" ") {
			return false
		}
	}
	return true
}

// TestHealthRecovering asks a server that replays a long log, and one in a crash cycle.
func TestHealthRecovering(t *testing.T) {
	bin, dir, sock := binary(t), t.TempDir()+"/data", shortDir(t)
	v := startVictim(t, bin, dir, sock, "", 0, "max_wal_size=1GB").up()
	c := socketConn(t, sock)
	run(t, c, "create table t as select g as a, repeat('x', 500) as b from generate_series(1, 30000) g")
	run(t, c, "create index on t (a)")
	run(t, c, "update t set a = a + 1")
	v.kill()
	v = startVictim(t, bin, dir, sock, "", 0, "gompho.admin_address=127.0.0.1:54779")
	seen := map[string]bool{}
	for !seen["ready"] {
		select {
		case <-v.dead:
			t.Fatal(v.logged())
		default:
		}
		r, err := http.Get("http://127.0.0.1:54779/healthz")
		if err != nil {
			continue // not there yet
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		word := strings.TrimSpace(string(body))
		seen[word] = true
		if want := map[bool]int{true: 200, false: 503}[word == "ready"]; r.StatusCode != want {
			t.Errorf("%s: %d", word, r.StatusCode)
		}
		scrape(t, "127.0.0.1:54779") // at any time
	}
	if !seen["recovering"] {
		t.Errorf("the states were %v", seen)
	}
}
