package logger

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/stats"
)

func TestPrefix(t *testing.T) {
	slot := stats.NewSlot(42, 0)
	slot.Activity.Update(func(a *stats.ActivityData) { a.UserName, a.DBName, a.Application = "me", "db", "app" })
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	client := &Process{PID: 42, Type: "client backend", Slot: slot, Start: began, Client: true, Host: "10.0.0.1", Port: "999"}
	ev := &Event{Proc: client, Err: pgerr.New(pgerr.DivisionByZero, "division by zero"), Tag: "SELECT", Vxid: "3/7", Xid: 12}
	worker := &Event{Proc: &Process{PID: 7, Type: "checkpointer", Start: began}, Err: pgerr.New("00000", "x")}
	at := began.Add(1500 * time.Millisecond)
	for _, c := range []struct {
		format string
		ev     *Event
		want   string
	}{
		{"%m [%p] ", ev, "2026-01-02 03:04:06.500 UTC [42] "},
		{"%t %n %s", ev, "2026-01-02 03:04:06 UTC 1767323046.500 2026-01-02 03:04:05 UTC"},
		{"%u@%d/%a %h %r %b %i %e %v %x", ev, "me@db/app 10.0.0.1 10.0.0.1(999) client backend SELECT 22012 3/7 12"},
		{"[%5p|%-5p|%%]", ev, "[   42|42   |%]"},
		{"%c", ev, "695735a5.2a"},
		{"%b%q %u", ev, "client backend me"},
		{"%b%q %u", worker, "checkpointer"},
		{"%u|%d|%a|%z|", worker, "||||"},
		{"end %", ev, "end "},
		{"end %-", ev, "end "},
	} {
		if got := string(appendPrefix(nil, c.format, c.ev, at)); got != c.want {
			t.Errorf("%q: %q, want %q", c.format, got, c.want)
		}
	}
	unknown := &Event{Proc: &Process{Client: true}, Err: pgerr.New("00000", "x")}
	if got := string(appendPrefix(nil, "%u@%d %a", unknown, at)); got != "[unknown]@[unknown] [unknown]" {
		t.Errorf("names not known yet: %q", got)
	}
}

func TestOutputs(t *testing.T) {
	for _, c := range []struct {
		s    pgerr.Severity
		min  string
		want bool
	}{
		{pgerr.LogSev, "error", true}, {pgerr.LogSev, "log", true}, {pgerr.LogSev, "fatal", false}, {pgerr.Error_, "log", false}, {pgerr.Error_, "error", true},
		{pgerr.Notice, "warning", false}, {pgerr.Notice, "notice", true}, {pgerr.Fatal, "log", true}, {pgerr.Debug, "debug1", true}, {pgerr.Debug, "info", false},
	} {
		if got := Outputs(c.s, c.min); got != c.want {
			t.Errorf("%s at %s: %v", c.s, c.min, got)
		}
	}
}

func server(t *testing.T, pairs map[string]string) (*config.Server, *zap.Logger, *bytes.Buffer) {
	t.Helper()
	cfg := config.NewServer(config.NewRegistry())
	pairs["log_timezone"] = "UTC"
	if err := cfg.Override(pairs); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	return cfg, ForServer(&b)(cfg), &b
}

func TestText(t *testing.T) {
	cfg, log, out := server(t, map[string]string{"log_line_prefix": "%p:%l "})
	e := pgerr.New(pgerr.UniqueViolation, "no\nway").WithDetail("detail").WithHint("hint").WithWhere("where")
	e.Position = 5
	p := NewProcess("client backend", 9, nil)
	(&Event{Proc: p, Err: e, Statement: "select"}).Write(log)
	want := "9:1 ERROR:  no\n\tway at character 5\n9:2 DETAIL:  detail\n9:3 HINT:  hint\n9:4 CONTEXT:  where\n9:5 STATEMENT:  select\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	out.Reset()
	(&Event{Proc: p, Err: e, Terse: true, Verbose: true}).Write(log)
	if want := "9:6 ERROR:  23505: no\n\tway at character 5\n"; out.String() != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	out.Reset()
	worker := log.With(NewProcess("walwriter", 3, nil).Field())
	worker.Info("hello", zap.String("detail", "more"))
	worker.Debug("not seen")
	if err := cfg.Override(map[string]string{"log_min_messages": "fatal"}); err != nil {
		t.Fatal(err)
	}
	worker.Error("not seen either")
	if want := "3:1 LOG:  hello\n3:2 DETAIL:  more\n"; out.String() != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

func TestJSON(t *testing.T) {
	_, log, out := server(t, map[string]string{"log_destination": "jsonlog"})
	(&Event{Proc: NewProcess("client backend", 9, nil), Err: pgerr.New(pgerr.DivisionByZero, "division by zero").WithDetail("d"), Statement: "select 1/0"}).Write(log)
	var m map[string]any
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for k, want := range map[string]any{"message": "division by zero", "error_severity": "ERROR", "state_code": "22012", "detail": "d", "statement": "select 1/0",
		"pid": 9.0, "backend_type": "client backend", "line_num": 1.0} {
		if m[k] != want {
			t.Errorf("%s = %v, want %v", k, m[k], want)
		}
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("not one line: %q", out)
	}
}
