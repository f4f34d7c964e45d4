package metrics

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"gompho/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestListenAddress(t *testing.T) {
	for in, want := range map[string]string{"9187": "127.0.0.1:9187", ":9187": "127.0.0.1:9187", "0.0.0.0:9187": "0.0.0.0:9187", "[::1]:1": "[::1]:1", "localhost:0": "localhost:0"} {
		if got := listenAddress(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func get(t *testing.T, s *Server, path string) (int, string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get("http://" + s.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func TestServer(t *testing.T) {
	state := "recovering"
	sample := &Sample{State: state, Started: time.UnixMilli(1500), Connections: map[string]int{"idle": 2}, MaxConnections: 100}
	s, err := Start(Options{Address: "0", State: func() string { return state }, Sample: func() *Sample { return sample }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Start(Options{Address: s.Addr()}); err == nil || !strings.Contains(err.Error(), "could not bind admin address") {
		t.Errorf("a second one: %v", err)
	}
	if code, body := get(t, s, "/healthz"); code != 503 || body != "recovering\n" {
		t.Errorf("%d %q", code, body)
	}
	_, body := get(t, s, "/metrics")
	for _, want := range []string{"gompho_up 0\n", "gompho_connections{state=\"idle\"} 2\n", "gompho_start_time_seconds 1.5\n", "go_goroutines "} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(body, "gompho_wal") {
		t.Error("the log is shown although there is none")
	}
	state = "ready"
	sample = &Sample{State: state, Cluster: &Cluster{Locks: map[Lock]int{{"AccessShareLock", true}: 3}, Server: stats.Server{CheckpointSyncMicros: 2500000, WalBytes: 77},
		Databases: map[string]stats.Database{"d\"b": {Commits: 5, BlocksFetched: 10, BlocksHit: 7, IdleInTransactionMicros: 1000}, "": {}}}}
	if code, body := get(t, s, "/healthz"); code != 200 || body != "ready\n" {
		t.Errorf("%d %q", code, body)
	}
	_, body = get(t, s, "/metrics")
	for _, want := range []string{"gompho_up 1\n", `gompho_locks{granted="true",mode="AccessShareLock"} 3`, "gompho_checkpoint_sync_seconds_total 2.5\n", "gompho_wal_bytes_total 77\n",
		`gompho_transactions_total{database="d\"b",end="commit"} 5`, `gompho_buffer_reads_total{database="d\"b"} 3`,
		`gompho_session_seconds_total{database="d\"b",doing="idle in transaction"} 0.001`} {
		if !strings.Contains(body, want+"\n") && !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range familyList(t) {
		if families["gompho_"+f.name] == nil && f.name != "connections" && f.name != "processes" && f.name != "waiting_processes" {
			t.Errorf("%s is missing", f.name)
		}
		if f.help == "" || f.counter != strings.HasSuffix(f.name, "_total") {
			t.Errorf("%s: its name, help and kind do not agree", f.name)
		}
	}
	if code, body := get(t, s, "/debug/pprof/goroutine?debug=1"); code != 200 || !strings.Contains(body, "goroutine profile") {
		t.Errorf("%d %.100s", code, body)
	}
	if code, _ := get(t, s, "/"); code != 404 {
		t.Errorf("the root answers %d", code)
	}
}

func familyList(t *testing.T) []family {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range families() {
		if seen[f.name] {
			t.Errorf("%s is there twice", f.name)
		}
		seen[f.name] = true
	}
	return families()
}
