package logger

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStrftime(t *testing.T) {
	at := time.Date(2024, 12, 30, 0, 5, 7, 0, time.FixedZone("CET", 3600)) // a Monday in week 1 of 2025
	for _, c := range []struct{ pattern, want string }{
		{"postgresql-%Y-%m-%d_%H%M%S.log", "postgresql-2024-12-30_000507.log"},
		{"%a %A %b %B %h %d %e %j %y %C", "Mon Monday Dec December Dec 30 30 365 24 20"},
		{"%G-W%V-%u %g %U %W %w", "2025-W01-1 25 52 53 1"},
		{"%I %l %k %p %r %R %T %D %F %x %X %z %Z", "12 12  0 AM 12:05:07 AM 00:05 00:05:07 12/30/24 2024-12-30 12/30/24 00:05:07 +0100 CET"},
		{"%c|%v|%+|%s", "Mon Dec 30 00:05:07 2024|30-Dec-2024|Mon Dec 30 00:05:07 CET 2024|1735513507"},
		{"100%% %Q %Ey %", "100% Q 24 %"},
	} {
		if got := strftime(c.pattern, at); got != c.want {
			t.Errorf("%s: %q, want %q", c.pattern, got, c.want)
		}
	}
	if got := fileName("a%d.log", formJSON, at); got != "a30.json" {
		t.Error(got)
	}
	if got := fileName("plain", formCSV, at); got != "plain.csv" {
		t.Error(got)
	}
	if got := nextRotation(at, 24*time.Hour); !got.Equal(time.Date(2024, 12, 31, 0, 0, 0, 0, at.Location())) {
		t.Errorf("rotation by day at %v", got)
	}
}

// TestForms compares lines with those that PostgreSQL 15 writes.
func TestForms(t *testing.T) {
	slot := stats.NewSlot(28525, 0)
	slot.Activity.Update(func(a *stats.ActivityData) {
		a.UserName, a.DBName, a.Application, a.QueryID = "postgres", "postgres", "psql", -42
	})
	began := time.Date(2026, 11, 23, 18, 39, 56, 0, time.UTC)
	client := func(port string) *Process {
		return &Process{PID: 28525, Type: "client backend", Slot: slot, Start: began, Client: true, Host: "127.0.0.1", Port: port}
	}
	worker := func() *Process { return &Process{PID: 28497, Type: "postmaster", Start: began} }
	undefined := pgerr.New(pgerr.UndefinedTable, "relation \"x\" does not exist")
	undefined.Position = 19
	inner := pgerr.New(pgerr.WarningCode, "a").WithSeverity(pgerr.Warning).WithDetail("d").WithHint("h").WithWhere("line 1\nline 2")
	inner.InternalQuery, inner.InternalPosition = "select\t1", 3
	plain := pgerr.New(pgerr.SuccessfulCompletion, "listening on IPv4 address \"127.0.0.1\", port 54607").WithSeverity(pgerr.LogSev)
	at := began.Add(766 * time.Millisecond)
	for _, c := range []struct {
		name      string
		ev        Event
		csv, json string
	}{
		{"worker", Event{Proc: worker(), Err: plain},
			`2026-11-23 18:39:56.766 UTC,,,28497,,6b04887c.6f51,1,,2026-11-23 18:39:56 UTC,,0,LOG,00000,"listening on IPv4 address ""127.0.0.1"", port 54607",,,,,,,,,"","postmaster",,0`,
			`{"timestamp":"2026-11-23 18:39:56.766 UTC","pid":28497,"session_id":"6b04887c.6f51","line_num":1,"session_start":"2026-11-23 18:39:56 UTC","txid":0,"error_severity":"LOG","message":"listening on IPv4 address \"127.0.0.1\", port 54607","backend_type":"postmaster","query_id":0}`},
		{"client", Event{Proc: client("36580"), Err: undefined, Tag: "SELECT", Vxid: "3/6", Xid: 7, Statement: "select \"a\tb\" from x", Terse: true},
			"2026-11-23 18:39:56.766 UTC,\"postgres\",\"postgres\",28525,\"127.0.0.1:36580\",6b04887c.6f6d,1,\"SELECT\",2026-11-23 18:39:56 UTC,3/6,7,ERROR,42P01,\"relation \"\"x\"\" does not exist\",,,,,,\"select \"\"a\tb\"\" from x\",19,,\"psql\",\"client backend\",,-42",
			`{"timestamp":"2026-11-23 18:39:56.766 UTC","user":"postgres","dbname":"postgres","pid":28525,"remote_host":"127.0.0.1","remote_port":36580,"session_id":"6b04887c.6f6d","line_num":1,"ps":"SELECT","session_start":"2026-11-23 18:39:56 UTC","vxid":"3/6","txid":7,"error_severity":"ERROR","state_code":"42P01","message":"relation \"x\" does not exist","statement":"select \"a\tb\" from x","cursor_position":19,"application_name":"psql","backend_type":"client backend","query_id":-42}`},
		{"inner", Event{Proc: client(""), Err: inner},
			"2026-11-23 18:39:56.766 UTC,\"postgres\",\"postgres\",28525,\"127.0.0.1\",6b04887c.6f6d,1,\"\",2026-11-23 18:39:56 UTC,,0,WARNING,01000,\"a\",\"d\",\"h\",\"select\t1\",3,\"line 1\nline 2\",,,,\"psql\",\"client backend\",,-42",
			`{"timestamp":"2026-11-23 18:39:56.766 UTC","user":"postgres","dbname":"postgres","pid":28525,"remote_host":"127.0.0.1","session_id":"6b04887c.6f6d","line_num":1,"ps":"","session_start":"2026-11-23 18:39:56 UTC","txid":0,"error_severity":"WARNING","state_code":"01000","message":"a","detail":"d","hint":"h","internal_query":"select\t1","internal_position":3,"context":"line 1\nline 2","application_name":"psql","backend_type":"client backend","query_id":-42}`},
	} {
		if got := string(csv(nil, &c.ev, at)); got != c.csv+"\n" {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.csv)
		}
		if got := string(jsonLine(nil, &c.ev, at)); got != c.json+"\n" {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.json)
		}
	}
}

func TestJSONText(t *testing.T) {
	for _, s := range []string{"", "\"\\/\b\f\n\r\t\x01\x1f\x7f", "grüß 漢 🙂", "bad \xff end"} {
		b := jsonText(nil, s)
		var back string
		if err := json.Unmarshal(b, &back); err != nil || back != strings.ToValidUTF8(s, "\uFFFD") {
			t.Errorf("%q: %s, %q, %v", s, b, back, err)
		}
	}
}

// collected makes a collector in a directory of its own.
func collected(t *testing.T, pairs map[string]string) (*config.Server, *zap.Logger, *Collector, string, *bytes.Buffer) {
	t.Helper()
	pairs["logging_collector"], pairs["log_line_prefix"] = "on", ""
	cfg, log, out := server(t, pairs)
	dir := t.TempDir()
	c, err := Collect(log, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return cfg, log, c, dir, out
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCollector(t *testing.T) {
	cfg, log, c, dir, out := collected(t, map[string]string{"log_destination": "csvlog", "log_filename": "a.log", "log_rotation_age": "0", "log_file_mode": "0640"})
	c.Announce(log)
	log.Info("one")
	if want := "LOG:  redirecting log output to logging collector process\nHINT:  Future log output will appear in directory \"log\".\n" +
		"LOG:  ending log output to stderr\nHINT:  Future log output will go to log destination \"csvlog\".\n"; out.String() != want {
		t.Errorf("on standard error:\n%s", out)
	}
	if got := names(t, dir+"/log"); got != "a.csv a.log" {
		t.Error(got)
	}
	if got := content(t, dir+"/log/a.csv"); strings.Count(got, "\n") != 2 || !strings.Contains(got, `"one"`) || content(t, dir+"/log/a.log") != "" {
		t.Error(got)
	}
	if info, err := os.Stat(dir + "/log/a.csv"); err != nil || info.Mode().Perm() != 0o640 {
		t.Error(info.Mode(), err)
	}
	current := func(want string) {
		t.Helper()
		if got := content(t, filepath.Join(dir, CurrentFiles)); got != want {
			t.Errorf("current_logfiles: %s", got)
		}
	}
	current("csvlog log/a.csv\n")
	// A reload that names other files.
	set := func(pairs map[string]string) {
		t.Helper()
		if err := cfg.Override(pairs); err != nil {
			t.Fatal(err)
		}
		c.Reloaded()
	}
	set(map[string]string{"log_destination": "jsonlog, STDERR", "log_filename": "b.log", "log_directory": dir + "/other"})
	log.Info("two")
	if got := content(t, dir+"/other/b.log"); got != "LOG:  two\n" {
		t.Error(got)
	}
	if got := names(t, dir+"/other"); got != "b.json b.log" {
		t.Error(got)
	}
	current("stderr " + dir + "/other/b.log\njsonlog " + dir + "/other/b.json\n")
	for of, want := range map[string]string{"": dir + "/other/b.log", "stderr": dir + "/other/b.log", "csvlog": "", "jsonlog": dir + "/other/b.json"} {
		if got, err := Current(dir, of); got != want || err != nil {
			t.Errorf("%s: %q, %v", of, got, err)
		}
	}
	if _, err := Current(dir, "xml"); pgerr.From(err).Code != pgerr.InvalidParameterValue {
		t.Error(err)
	}
	// A file that was moved away stays open until the log is rotated.
	if err := os.Rename(dir+"/other/b.log", dir+"/other/old"); err != nil {
		t.Fatal(err)
	}
	log.Info("three")
	c.Rotate()
	log.Info("four")
	if old, now := content(t, dir+"/other/old"), content(t, dir+"/other/b.log"); old != "LOG:  two\nLOG:  three\n" || now != "LOG:  four\n" {
		t.Errorf("%q, %q", old, now)
	}
	// A directory that cannot be made stops rotation until the next reload, and the files go on.
	set(map[string]string{"log_directory": dir + "/current_logfiles/no"})
	log.Info("five")
	if got := content(t, dir+"/other/b.log"); !strings.Contains(got, "could not create log directory") || !strings.Contains(got, "disabling automatic rotation") ||
		!strings.HasSuffix(got, "LOG:  five\n") {
		t.Error(got)
	}
	set(map[string]string{"log_directory": "log"})
	c.Close()
	log.Info("six")
	if !strings.HasSuffix(out.String(), "LOG:  six\n") {
		t.Errorf("after the end: %s", out)
	}
}

func TestRotation(t *testing.T) {
	cfg, log, c, dir, _ := collected(t, map[string]string{"log_filename": "%H.log", "log_rotation_age": "60", "log_truncate_on_rotation": "on", "log_rotation_size": "0"})
	c.out.mu.Lock()
	first := c.rotateAt
	c.out.mu.Unlock()
	log.Info("before")
	old := dir + "/" + must(t)(Current(dir, ""))
	next := dir + "/log/" + first.UTC().Format("15") + ".log"
	check(t, os.WriteFile(next, []byte("of yesterday\n"), 0o600))
	c.tick(first.Add(-time.Second)) // too early
	log.Info("still before")
	c.tick(first)
	log.Info("after")
	if content(t, old) != "LOG:  before\nLOG:  still before\n" || content(t, next) != "LOG:  after\n" {
		t.Errorf("%q, %q", content(t, old), content(t, next))
	}
	// By request nothing is truncated, and by age neither when the name stays.
	check(t, cfg.Override(map[string]string{"log_filename": "same.log"}))
	c.Reloaded()
	log.Info("x")
	c.out.mu.Lock()
	c.rotateAt = first.Add(time.Hour)
	c.out.mu.Unlock()
	c.tick(first.Add(time.Hour))
	c.Rotate()
	log.Info("y")
	if got := content(t, dir+"/log/same.log"); got != "LOG:  x\nLOG:  y\n" {
		t.Errorf("%q", got)
	}
}

// TestRotationSize fills files from many goroutines: nothing may be lost.
func TestRotationSize(t *testing.T) {
	_, log, c, dir, _ := collected(t, map[string]string{"log_destination": "stderr,jsonlog", "log_rotation_age": "0", "log_rotation_size": "1", "log_filename": "x.log"})
	const writers, lines = 8, 50
	var wg sync.WaitGroup
	seen := map[string]int{}
	for w := range writers {
		wg.Go(func() {
			for i := range lines {
				log.Info("line", zap.String("detail", string(rune('a'+w))+strings.Repeat("z", i)))
				if i%10 == 0 { // the outer world moves files away at any time
					c.out.mu.Lock()
					os.Rename(dir+"/log/x.log", dir+"/log/"+string(rune('a'+w))+string(rune('0'+i/10)))
					c.out.mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	files := strings.Fields(names(t, dir+"/log"))
	for _, f := range files {
		if f == "x.json" {
			continue
		}
		for _, l := range strings.Split(content(t, dir+"/log/"+f), "\n") {
			seen[strings.TrimPrefix(l, "DETAIL:  ")]++
		}
	}
	if n := seen["LOG:  line"]; n != writers*lines || len(files) < 10 {
		t.Errorf("%d lines in %d files", n, len(files))
	}
	if n := strings.Count(content(t, dir+"/log/x.json"), "\n"); n != writers*lines {
		t.Errorf("%d lines of JSON", n)
	}
	if !slices.Contains(files, "x.json") {
		t.Error(files)
	}
}

func must(t *testing.T) func(string, error) string {
	return func(s string, err error) string { check(t, err); return s }
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
