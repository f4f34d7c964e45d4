package tests

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"gompho"
	"gompho/logger"
)

// logSettings are what the servers of TestLogFiles run with.
var logSettings = map[string]string{"logging_collector": "on", "log_destination": "stderr,csvlog,jsonlog", "log_connections": "on", "log_disconnections": "on",
	"log_line_prefix": "%a|%u|%d|%b|%P|%i|%e|%v|%x|%l|%q%h|%% ", "log_timezone": "UTC", "log_rotation_age": "0", "log_rotation_size": "0"}

// logSteps are run one after the other in one session; what they leave in the log is kept in testdata/log as PostgreSQL 15 writes it.
var logSteps = []struct {
	sql  string
	args []string                   // in the extended protocol, if there are any
	wire []pgproto3.FrontendMessage // instead of them, before a Sync
}{
	{sql: "select 1/0"}, {sql: "set log_error_verbosity = verbose"}, {sql: "select \"a\tb\" from nosuch"},
	{sql: "set log_error_verbosity = terse"}, {sql: "create table t (a int primary key)"}, {sql: "insert into t values (1), (1)"},
	{sql: "set log_error_verbosity = default"}, {sql: "insert into t values (1), (1)"},
	{sql: "set log_min_error_statement = fatal"}, {sql: "select 1/0"}, {sql: "reset log_min_error_statement"},
	{sql: "commit"}, {sql: "set log_min_messages = notice"}, {sql: "drop table if exists nosuch"}, {sql: "set log_min_messages = fatal"}, {sql: "select 1/0"},
	{sql: "reset log_min_messages"},
	{sql: "begin; insert into t values (7); insert into t values (7)"}, {sql: "select 1"}, {sql: "rollback"},
	{sql: "set log_statement = 'all'"}, {sql: "select 'several',\n\t'lines'"}, {sql: "select $1::text, $2::int", args: []string{"quo'ted", "5"}},
	{sql: "set log_parameter_max_length = 3"}, {sql: "select $1::text", args: []string{"cut off here"}},
	{sql: "set log_statement = 'mod'"}, {sql: "select 2"}, {sql: "delete from t"}, {sql: "create table u ()"}, {sql: "set log_statement = 'ddl'"},
	{sql: "delete from t"}, {sql: "drop table u"}, {sql: "set log_statement = 'none'"}, {sql: "drop table t"},
	{sql: "set log_parameter_max_length_on_error = -1"}, {sql: "select 1 / $1::int", args: []string{"0"}}, {sql: "reset log_parameter_max_length_on_error"},
	{sql: "set log_duration = on"}, {sql: "select 3"}, {sql: "set log_duration = off"},
	{sql: "set log_min_duration_statement = 0"}, {sql: "select 4"}, {sql: "select $1::int", args: []string{"44"}}, {sql: "set log_min_duration_statement = -1"},
	{sql: "set log_min_duration_sample = 0"}, {sql: "select 5"}, {sql: "set log_statement_sample_rate = 0"}, {sql: "select 6"}, {sql: "reset log_min_duration_sample"},
	{sql: "set log_transaction_sample_rate = 1"}, {sql: "select 7"}, {sql: "reset log_transaction_sample_rate"},
	{sql: "select 'ü', nosuch"}, {sql: "set log_statement = 'all'"},
	{wire: []pgproto3.FrontendMessage{&pgproto3.Parse{Name: "s", Query: "select g, $1::text, $2::int\nfrom generate_series(1, 3) g"}}},
	{wire: []pgproto3.FrontendMessage{&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s", Parameters: [][]byte{[]byte("it's"), nil}},
		&pgproto3.Execute{Portal: "p", MaxRows: 1}, &pgproto3.Execute{Portal: "p", MaxRows: 1}, &pgproto3.Execute{Portal: "p"}}},
	{sql: "set log_statement = 'none'"}, {sql: "set log_min_duration_statement = 0"},
	{wire: []pgproto3.FrontendMessage{&pgproto3.Bind{PreparedStatement: "s", Parameters: [][]byte{[]byte("x"), []byte("7")}}, &pgproto3.Execute{MaxRows: 2}, &pgproto3.Execute{}}},
	{wire: []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "select $1::int4", ParameterOIDs: []uint32{23}},
		&pgproto3.Bind{Parameters: [][]byte{{0, 0, 0, 9}}, ParameterFormatCodes: []int16{1}}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}}},
	{sql: "select 8; select 9"}, {sql: "prepare q(int) as select $1 + 1"}, {sql: "execute q(4)"}, {sql: "begin; declare c cursor for select generate_series(1, 5); fetch 2 from c; commit"},
	{sql: ""}, {sql: "set log_min_duration_statement = -1"}, {sql: "set log_duration = on"},
	{wire: []pgproto3.FrontendMessage{&pgproto3.Bind{PreparedStatement: "s", Parameters: [][]byte{[]byte("x"), []byte("7")}}, &pgproto3.Execute{}}},
	{sql: "select 10"}, {sql: "set log_duration = off"}, {sql: "set log_statement = 'all'"}, {sql: "execute q(5)"}, {sql: "explain execute q(6)"}, {sql: "deallocate q"},
	{sql: "set log_duration = on"}, {sql: "select 11"}, {sql: "set log_duration = off"}, {sql: "set log_statement = 'none'"},
	{sql: "set log_parameter_max_length_on_error = 4"},
	{wire: []pgproto3.FrontendMessage{&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s", Parameters: [][]byte{[]byte("long enough"), []byte("no number")}}}},
	{wire: []pgproto3.FrontendMessage{&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "nosuch"}}},
	{wire: []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "select $1 fro"}}}, {wire: []pgproto3.FrontendMessage{&pgproto3.Execute{Portal: "nosuch"}}},
	{sql: "select $1::text || (1 / $2::int)::text", args: []string{"abcdefgh", "0"}}, {sql: "reset log_parameter_max_length_on_error"},
	{wire: []pgproto3.FrontendMessage{&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s", Parameters: [][]byte{[]byte("x"), []byte("no number")}}}},
	{sql: "create table w (a int primary key, b int check (b > 0))"}, {sql: "insert into w values (1, 1)"}, {sql: "insert into w values (2, -1)"}, {sql: "insert into w values (null, 1)"},
	{sql: "set statement_timeout = 20"}, {sql: "select pg_sleep(5)"}, {sql: "reset statement_timeout"},
	{sql: "set log_lock_waits = on; set deadlock_timeout = '10ms'; set lock_timeout = '100ms'"}, {sql: "lock table held"}, {sql: "update held set a = 2"},
	{sql: "select * from held for update nowait"}, {sql: "reset log_lock_waits; reset lock_timeout"},
	{sql: "drop table w"}, {sql: "set log_min_messages = debug1"}, {sql: "reset log_min_messages"},
	{sql: "set application_name = 'said \"so\"'"}, {sql: "select 1/0"},
}

// TestLogFiles runs statements under the settings of the log, and compares its three files with what PostgreSQL 15 writes, but for numbers of
// processes and transactions, times and error sites. Whether a transaction runs while "statement:" is logged, and whether one that has failed still has its
// number, is not compared. GOMPHO_LOG_REFERENCE, "dsn|data directory" of a server with logSettings, makes the kept files anew.
func TestLogFiles(t *testing.T) {
	dsn, dir := "", ""
	reference, rewrite := os.LookupEnv("GOMPHO_LOG_REFERENCE")
	if rewrite {
		dsn, dir, _ = strings.Cut(reference, "|")
	} else {
		s := openFiles(t, logSettings)
		dsn, dir = s.DSN(), s.DataDir
	}
	logSession(t, dsn)
	for _, form := range []string{"stderr", "csvlog", "jsonlog"} {
		name, err := logger.Current(dir, form)
		if err != nil || name == "" {
			t.Fatal(name, err)
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]func(*testing.T, string) string{"stderr": plainText, "csvlog": plainCSV, "jsonlog": plainJSON}[form](t, string(b))
		kept := "testdata/log/" + form
		if rewrite {
			if err := os.WriteFile(kept, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(kept)
		if err != nil {
			t.Fatal(err)
		}
		g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		differ := 0
		for i := range max(len(g), len(w)) {
			a, b := "", ""
			if i < len(g) {
				a = g[i]
			}
			if i < len(w) {
				b = w[i]
			}
			if a != b && differ < 10 {
				differ++
				t.Errorf("%s, line %d:\n%s\nPostgreSQL has\n%s", form, i+1, a, b)
			}
		}
	}
}

// fileServer is a server with a directory of its own.
type fileServer struct {
	*gompho.Server
	DataDir string
}

func openFiles(t *testing.T, settings map[string]string) fileServer {
	t.Helper()
	set := map[string]string{"shared_buffers": "16MB"}
	for k, v := range settings {
		set[k] = v
	}
	dir := t.TempDir() + "/data"
	s, err := gompho.Open(context.Background(), gompho.Options{Dir: dir, Listen: true, Settings: set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return fileServer{s, dir}
}

func logSession(t *testing.T, dsn string) {
	t.Helper()
	ctx := context.Background()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams["application_name"] = "steps"
	c, err := pgconn.ConnectConfig(ctx, &cfg.Config)
	if err != nil {
		t.Fatal(err)
	}
	holder, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(ctx, "drop table if exists held; create table held (a int); insert into held values (1)"); err != nil {
		t.Fatal(err)
	}
	if _, err := holder.Exec(ctx, "begin; update held set a = 3"); err != nil {
		t.Fatal(err)
	}
	for _, s := range logSteps {
		if s.wire != nil {
			sendWire(t, c, s.wire)
			continue
		}
		if s.args == nil {
			c.Exec(ctx, s.sql).ReadAll()
			continue
		}
		var args [][]byte
		for _, a := range s.args {
			args = append(args, []byte(a))
		}
		c.ExecParams(ctx, s.sql, args, nil, nil, nil).Read()
	}
	c.Close(ctx)
	if _, err := holder.Exec(ctx, "rollback; drop table held"); err != nil {
		t.Fatal(err)
	}
	holder.Close(ctx)
	// The line of the disconnection is there when the session is gone from the view.
	d, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close(ctx)
	for n := 1; n > 0; {
		if err := d.QueryRow(ctx, "select count(*) from pg_stat_activity where application_name like 'said%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}

// sendWire sends messages and reads all that comes back for them.
func sendWire(t *testing.T, c *pgconn.PgConn, list []pgproto3.FrontendMessage) {
	t.Helper()
	for _, m := range list {
		c.Frontend().Send(m)
	}
	c.Frontend().Send(&pgproto3.Sync{})
	if err := c.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := c.ReceiveMessage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := m.(*pgproto3.ReadyForQuery); ok {
			return
		}
	}
}

var (
	logNumbers = []struct {
		re *regexp.Regexp
		to string
	}{
		{regexp.MustCompile(`duration: \d+\.\d+ ms`), "duration: N ms"}, {regexp.MustCompile(`session time: [\d:.]+`), "session time: T"},
		{regexp.MustCompile(`(process|Process holding the lock:|Wait queue:) \d+`), "$1 P"}, {regexp.MustCompile(`on transaction \d+`), "on transaction X"},
		{regexp.MustCompile(`after \d+\.\d+ ms`), "after N ms"}, {regexp.MustCompile(`of database \d+`), "of database D"}, {regexp.MustCompile(`relation \d+`), "relation R"},
		{regexp.MustCompile(`\|\d+/\d*\|`), "|V|"}, {regexp.MustCompile(`\|25P02\|V\|[1-9]\d*\|`), "|25P02|V|0|"}, {regexp.MustCompile(`\|V\|[1-9]\d*\|(\d+)\|`), "|V|X|$1|"},
		{regexp.MustCompile(`(host=\S+) port=\d+`), "$1 port=P"},
	}
	ofSession = regexp.MustCompile(`steps|said`)
)

func withoutNumbers(s string) string {
	for _, n := range logNumbers {
		s = n.re.ReplaceAllString(s, n.to)
	}
	return s
}

// plainText keeps the lines of the session with the name steps, without error sites, which would count, too.
func plainText(t *testing.T, log string) string {
	var out []string
	keep, number := false, 0
	for _, l := range strings.Split(log, "\n") {
		if !strings.HasPrefix(l, "\t") {
			f := strings.SplitN(l, "|", 11)
			if keep = len(f) == 11 && ofSession.MatchString(f[0]) && !strings.Contains(l, "LOCATION:  "); keep {
				number++
				f[9] = fmt.Sprint(number) // without those of error sites
				l = strings.Join(f, "|")
			}
		}
		if keep {
			out = append(out, withoutNumbers(l))
		}
	}
	return strings.Join(out, "\n") + "\n"
}

func plainCSV(t *testing.T, log string) string {
	rows, err := csv.NewReader(strings.NewReader(log)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range rows {
		if len(r) != 26 {
			t.Errorf("%d columns: %q", len(r), r)
			continue
		}
		if !ofSession.MatchString(r[22]) {
			continue
		}
		for i, name := range map[int]string{0: "time", 3: "pid", 4: "from", 5: "session", 8: "start", 21: "location", 25: "query id"} {
			if r[i] != "" || i == 21 {
				r[i] = name
			}
		}
		if r[9], r[10] = vxid(r[9]), xid(r[10]); r[12] == "25P02" {
			r[10] = "0"
		}
		fmt.Fprintf(&b, "%s\n", withoutNumbers(fmt.Sprintf("%q", r)))
	}
	return b.String()
}

func vxid(s string) string {
	if s != "" {
		return "V"
	}
	return s
}

func xid(s string) string {
	if s == "0" {
		return s
	}
	return "X"
}

func plainJSON(t *testing.T, log string) string {
	var b strings.Builder
	for line := range strings.Lines(log) {
		dec := json.NewDecoder(strings.NewReader(line))
		dec.UseNumber()
		var out []string
		var keep bool
		if _, err := dec.Token(); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for dec.More() {
			k, err := dec.Token()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			v, err := dec.Token()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			key, text := k.(string), fmt.Sprint(v)
			keep = keep || key == "application_name" && ofSession.MatchString(text)
			switch {
			case slices.Contains([]string{"func_name", "file_name", "file_line_num"}, key):
				continue
			case slices.Contains([]string{"timestamp", "pid", "remote_port", "session_id", "session_start", "query_id"}, key):
				v = fmt.Sprintf("%T", v)
			case key == "vxid":
				v = vxid(text)
			case key == "txid":
				v = xid(text)
			case key == "message", key == "detail":
				v = withoutNumbers(text)
			}
			out = append(out, fmt.Sprintf("%s=%q", key, fmt.Sprint(v)))
		}
		if keep {
			text := strings.Join(out, " ") + "\n"
			if strings.Contains(text, "25P02") {
				text = strings.Replace(text, `txid="X"`, `txid="0"`, 1)
			}
			b.WriteString(text)
		}
	}
	return b.String()
}

// TestLogControl uses the functions of the log's files, and changes its settings in a running server.
func TestLogControl(t *testing.T) {
	s := openFiles(t, map[string]string{"logging_collector": "on"})
	c := connect(t, s.Server)
	text := func(sql string) (v string) {
		t.Helper()
		run1(t, c, "select coalesce(("+sql+")::text, 'null')", &v)
		return v
	}
	first := text("select pg_current_logfile()")
	if !regexp.MustCompile(`^log/postgresql-\d{4}-\d\d-\d\d_\d{6}\.log$`).MatchString(first) || text("select pg_current_logfile('csvlog')") != "null" {
		t.Errorf("current file %q, csvlog %s", first, text("select pg_current_logfile('csvlog')"))
	}
	reload := func(pairs ...string) {
		t.Helper()
		for i := 0; i < len(pairs); i += 2 {
			run(t, c, "alter system set "+pairs[i]+" = '"+pairs[i+1]+"'")
		}
		run(t, c, "select pg_reload_conf()")
	}
	reload("log_destination", "csvlog", "log_filename", "other.log", "log_directory", "logs", "log_line_prefix", "here ")
	if a, b := text("select pg_current_logfile()"), text("select pg_current_logfile('stderr')"); a != "logs/other.csv" || b != "null" {
		t.Errorf("after the reload: %s, %s", a, b)
	}
	if _, err := c.Exec(context.Background(), "select 1/0"); err == nil {
		t.Error("no error")
	}
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(s.DataDir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := read("logs/other.csv"); !strings.Contains(got, "division by zero") {
		t.Errorf("the file has %s", got)
	}
	if got := read(first); !strings.Contains(got, "database system is ready to accept connections") || strings.Contains(got, "division by zero") {
		t.Errorf("the first file has %s", got)
	}
	if err := os.Rename(s.DataDir+"/logs/other.csv", s.DataDir+"/logs/old.csv"); err != nil {
		t.Fatal(err)
	}
	if text("select pg_rotate_logfile()") != "true" {
		t.Error("not rotated")
	}
	if n := text("select string_agg(name, ' ' order by name) from pg_ls_logdir()"); n != "old.csv other.csv other.log" {
		t.Errorf("files: %s", n)
	}
	reload("log_min_messages", "error", "log_destination", "jsonlog,stderr")
	run(t, c, "commit") // a WARNING
	if got := read("logs/other.json"); strings.Contains(got, "no transaction in progress") {
		t.Error(got)
	}
	reload("log_min_messages", "warning")
	run(t, c, "commit")
	if got := read("logs/other.json"); !strings.Contains(got, "there is no transaction in progress") {
		t.Error(got)
	}
	if got := read("logs/other.log"); !strings.Contains(got, "here WARNING:  there is no transaction in progress") {
		t.Error(got)
	}
}

// TestLogKept: what was logged is in the file when the process is killed, and nothing is missing or doubled after a crash cycle.
func TestLogKept(t *testing.T) {
	bin, dir, sock := binary(t), t.TempDir()+"/data", shortDir(t)
	v := startVictim(t, bin, dir, sock, "", 0, "log_min_messages=warning")
	<-v.ready
	v.kill()
	const n = 200
	settings := []string{"logging_collector=on", "log_destination=stderr,jsonlog", "log_filename=x.log", "log_statement=all"}
	v = startVictim(t, bin, dir, sock, "", 0, settings...)
	c := socketRetry(t, v, sock)
	for i := range n {
		run(t, c, fmt.Sprintf("select %d as number", i))
	}
	v.kill()
	for _, name := range []string{"x.log", "x.json"} {
		b, err := os.ReadFile(dir + "/log/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if k := strings.Count(string(b), fmt.Sprintf("select %d as number", i)); k != 1 {
				t.Errorf("%s: statement %d is there %d times", name, i, k)
			}
		}
	}
	if !strings.Contains(v.logged(), "redirecting log output to logging collector process") || strings.Contains(v.logged(), "as number") {
		t.Errorf("on standard error: %s", v.logged())
	}
}

// socketRetry connects to a server whose log cannot tell when it is ready.
func socketRetry(t *testing.T, v *victim, sock string) *pgx.Conn {
	t.Helper()
	for {
		c, err := pgx.Connect(context.Background(), socketDSN(sock))
		if err == nil {
			return c
		}
		select {
		case <-v.dead:
			t.Fatalf("the server does not start: %s", v.logged())
		default:
		}
	}
}
