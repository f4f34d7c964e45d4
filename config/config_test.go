package config

import (
	"os"
	"path/filepath"
	"testing"
)

func session(t *testing.T) *Session {
	t.Helper()
	s := NewSession(NewServer(NewRegistry()))
	s.Superuser = true
	return s
}

func str(s string) *string { return &s }

func TestSetErrors(t *testing.T) {
	s := session(t)
	for _, c := range []struct{ name, value, want string }{
		{"work_mem", "abc", `ERROR: invalid value for parameter "work_mem": "abc" (SQLSTATE 22023)`},
		{"work_mem", "1", `ERROR: 1 kB is outside the valid range for parameter "work_mem" (64 .. 2147483647) (SQLSTATE 22023)`},
		{"work_mem", "10XB", `ERROR: invalid value for parameter "work_mem": "10XB" (SQLSTATE 22023)`},
		{"enable_seqscan", "maybe", `ERROR: parameter "enable_seqscan" requires a Boolean value (SQLSTATE 22023)`},
		{"max_connections", "3", `ERROR: parameter "max_connections" cannot be changed without restarting the server (SQLSTATE 55P02)`},
		{"foo", "1", `ERROR: unrecognized configuration parameter "foo" (SQLSTATE 42704)`},
		{"log_connections", "on", `ERROR: parameter "log_connections" cannot be set after connection start (SQLSTATE 55P02)`},
		{"timezone", "xx", `ERROR: invalid value for parameter "TimeZone": "xx" (SQLSTATE 22023)`},
		{"datestyle", "x", `ERROR: invalid value for parameter "DateStyle": "x" (SQLSTATE 22023)`},
		{"seq_page_cost", "-1", `ERROR: -1 is outside the valid range for parameter "seq_page_cost" (0 .. 1.79769e+308) (SQLSTATE 22023)`},
		{"server_version", "1", `ERROR: parameter "server_version" cannot be changed (SQLSTATE 55P02)`},
	} {
		err := s.Set(c.name, str(c.value), false)
		if err == nil || err.Error() != c.want {
			t.Errorf("SET %s = %s: %v, want %s", c.name, c.value, err, c.want)
		}
	}
}

func TestShow(t *testing.T) {
	s := session(t)
	for _, c := range []struct{ name, value, want string }{
		{"work_mem", "64MB", "64MB"}, {"work_mem", "65", "65kB"}, {"statement_timeout", "1.5s", "1500ms"},
		{"statement_timeout", "0", "0"}, {"random_page_cost", "1.10", "1.1"}, {"enable_sort", "of", "off"},
		{"DateStyle", "sql, dmy", "SQL, DMY"}, {"TimeZone", "europe/berlin", "Europe/Berlin"}, {"TimeZone", "utc", "UTC"},
		{"foo.bar", "x y", "x y"}, {"application_name", "ä", "??"}, {"TimeZone", "-3.5", "<-03:30>+03:30"},
	} {
		if err := s.Set(c.name, str(c.value), false); err != nil {
			t.Errorf("SET %s = %s: %v", c.name, c.value, err)
		}
		if got, _ := s.Lookup(c.name); got != c.want {
			t.Errorf("SHOW %s after %s: %s, want %s", c.name, c.value, got, c.want)
		}
	}
}

func TestTransactions(t *testing.T) {
	s := session(t)
	check := func(want string) {
		t.Helper()
		if got, _ := s.Lookup("work_mem"); got != want {
			t.Errorf("work_mem is %s, want %s", got, want)
		}
	}
	set := func(v string, local bool) {
		t.Helper()
		if err := s.Set("work_mem", &v, local); err != nil {
			t.Fatal(err)
		}
	}
	s.Begin()
	set("5MB", false)
	s.End(false)
	check("4MB")
	s.Begin()
	set("5MB", false)
	set("6MB", true)
	check("6MB")
	s.End(true)
	check("5MB")
	s.Begin()
	s.Begin()
	set("7MB", false)
	s.End(true)
	check("7MB")
	s.Begin()
	set("8MB", true)
	s.End(false)
	check("7MB")
	s.End(false)
	check("5MB")
	s.Begin()
	s.Begin()
	set("9MB", true)
	s.End(true)
	check("9MB")
	s.End(true)
	check("5MB")
	if err := s.Set("work_mem", nil, false); err != nil {
		t.Fatal(err)
	}
	check("4MB")
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("postgresql.conf", "work_mem = 8MB # note\ninclude 'more.conf'\nport=5433\nsearch_path 'a''b, c'\n")
	write("more.conf", "shared_buffers = '1GB'\n")
	srv := NewServer(NewRegistry())
	srv.Dir = dir
	if err := srv.CommandLine([]string{"port=6000"}); err != nil {
		t.Fatal(err)
	}
	if err := srv.Load(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"work_mem": "8192", "shared_buffers": "131072", "port": "6000", "search_path": "a'b, c"} {
		if got := srv.Get(name).Text; got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if err := AlterSystem(dir, "work_mem", str("9MB")); err != nil {
		t.Fatal(err)
	}
	if err := AlterSystem(dir, "max_connections", str("7")); err != nil {
		t.Fatal(err)
	}
	r := srv.Reload()
	if !r.Applied || len(r.Changed) != 1 || r.Changed[0].Name != "work_mem" || len(r.Problems) != 1 {
		t.Errorf("reload changed %v, %v", r.Changed, r.Problems)
	}
	if !srv.Values().PendingRestart[srv.Registry.Find("max_connections").Index] {
		t.Error("max_connections does not wait for a restart")
	}
	problem := func(want string, applied bool) {
		t.Helper()
		r := srv.Reload()
		if len(r.Problems) == 0 || r.Problems[0].Message != want || r.Applied != applied {
			t.Errorf("reload: applied %v, %v; want %s", r.Applied, r.Problems, want)
		}
	}
	if err := AlterSystem(dir, "", nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "postgresql.conf")
	write("postgresql.conf", "work_mem = 10MB\nwork_men = 8MB\n")
	problem(`unrecognized configuration parameter "work_men" in file "`+path+`" line 2`, false)
	write("postgresql.conf", "work_mem = 10MB\nmaintenance_work_mem = much\nshared_buffers='1GB'\nsearch_path 'a''b, c'\n")
	problem(`invalid value for parameter "maintenance_work_mem": "much"`, true)
	if got := srv.Get("work_mem").Text; got != "10240" {
		t.Errorf("work_mem = %s beside a wrong value", got)
	}
	write("postgresql.conf", "shared_buffers='1GB'\nsearch_path 'a''b, c'\n")
	if r := srv.Reload(); len(r.Removed) != 1 || r.Removed[0].Name != "work_mem" || srv.Get("work_mem").Text != "4096" {
		t.Errorf("removed %v, %v", r.Removed, r.Problems)
	}
	write("postgresql.conf", "work_mem = 8MB\nport 'x\n")
	problem(`syntax error in file "`+path+`" line 2`, false)
}
