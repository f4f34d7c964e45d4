package tests

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gompho"
)

// bySocket connects over the server's Unix socket.
func bySocket(t *testing.T, s *gompho.Server, dir string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), fmt.Sprintf("host=%s port=%d user=postgres dbname=postgres", dir, s.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// openForClients starts a server with a port and a socket, which lies in dir.
func openForClients(t *testing.T, settings map[string]string) (s *gompho.Server, dir string) {
	t.Helper()
	dir = shortDir(t)
	settings["shared_buffers"] = "16MB"
	s, err := gompho.Open(context.Background(), gompho.Options{Listen: true, SocketDir: dir, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, dir
}

// TestClientAddress: where clients come from, in functions, views and the log.
func TestClientAddress(t *testing.T) {
	logs := t.TempDir()
	s, dir := openForClients(t, map[string]string{"log_hostname": "on", "log_connections": "on", "logging_collector": "on", "log_directory": logs,
		"log_filename": "server.log", "log_destination": "stderr,csvlog,jsonlog", "log_line_prefix": "<%h|%r> "})
	tcp, unix := connect(t, s), bySocket(t, s, dir)
	local := tcp.PgConn().Conn().LocalAddr().(*net.TCPAddr)
	name := ""
	if names, err := net.LookupAddr(local.IP.String()); err == nil && len(names) > 0 {
		name = strings.TrimSuffix(names[0], ".")
	}
	const own = `select concat_ws(' ', client_addr, coalesce(client_hostname, '-'), client_port, inet_client_addr() = client_addr, inet_client_port(), inet_server_addr(), inet_server_port())
		from pg_stat_activity where pid = pg_backend_pid()`
	shown := name
	if shown == "" {
		shown = "-"
	}
	want := fmt.Sprintf("%s %s %d t %d %s %d", local.IP, shown, local.Port, local.Port, local.IP, s.Port())
	if got := value[string](t, tcp, own); got != want {
		t.Errorf("by TCP: %q, want %q", got, want)
	}
	{
		if got := value[string](t, unix, own); got != "- -1" {
			t.Errorf("not by TCP: %q", got)
		}
	}
	if got := value[string](t, unix, "select host(client_addr) || ' ' || client_port from pg_stat_activity where client_addr <<= '127.0.0.0/8'"); got != fmt.Sprintf("%s %d", local.IP, local.Port) {
		t.Errorf("of another session: %q", got)
	}
	host := name
	if host == "" {
		host = local.IP.String()
	}
	for file, lines := range map[string][]string{
		"server.log":  {fmt.Sprintf("<%s|%s(%d)> LOG:  connection received: host=%s port=%d", host, host, local.Port, host, local.Port), "<[local]|[local]> LOG:  connection received: host=[local]"},
		"server.csv":  {fmt.Sprintf(`"%s:%d"`, host, local.Port), `"[local]"`},
		"server.json": {fmt.Sprintf(`"remote_host":"%s","remote_port":%d`, host, local.Port), `"remote_host":"[local]"`},
	} {
		text, err := os.ReadFile(filepath.Join(logs, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if !strings.Contains(string(text), l) {
				t.Errorf("%s lacks %s:\n%s", file, l, text)
			}
		}
	}
}

// TestTCPSettings: the socket takes the settings, and SHOW asks the socket.
func TestTCPSettings(t *testing.T) {
	s, dir := openForClients(t, map[string]string{"tcp_keepalives_idle": "333"})
	c := connect(t, s)
	const all = `select string_agg(setting, ' ' order by name) from pg_settings where name like 'tcp_keepalives%' or name = 'tcp_user_timeout'`
	start := value[string](t, c, all)
	var count, idle, interval, timeout int
	if fmt.Sscan(start, &count, &idle, &interval, &timeout); count == 0 || idle != 333 || interval == 0 || timeout != 0 {
		t.Errorf("at the start: %s", start)
	}
	run(t, c, "set tcp_keepalives_idle = 100; set tcp_keepalives_interval = 7; set tcp_keepalives_count = 5; set tcp_user_timeout = '3s'")
	if got := value[string](t, c, all); got != "5 100 7 3000" {
		t.Errorf("set: %s", got)
	}
	run(t, c, "set tcp_keepalives_count = 1000") // the system takes no more than 127
	if got := value[string](t, c, "show tcp_keepalives_count"); got != "5" {
		t.Errorf("a value that the system refuses: %s", got)
	}
	run(t, c, "set tcp_keepalives_count = 0; reset tcp_keepalives_idle; set tcp_keepalives_interval = 0; set tcp_user_timeout = 0")
	if got := value[string](t, c, all); got != start {
		t.Errorf("back: %s, was %s", got, start)
	}
	run(t, c, "begin; set local tcp_keepalives_idle = 44")
	if got := value[string](t, c, "show tcp_keepalives_idle"); got != "44" {
		t.Errorf("SET LOCAL: %s", got)
	}
	run(t, c, "rollback")
	if got := value[string](t, c, all); got != start {
		t.Errorf("rolled back: %s", got)
	}
	u := bySocket(t, s, dir)
	run(t, u, "set tcp_keepalives_idle = 100; set tcp_user_timeout = 9")
	if got := value[string](t, u, all); got != "0 0 0 0" {
		t.Errorf("by a Unix socket: %s", got)
	}
}

// TestClientGone: a statement whose client has vanished ends, whatever it is doing, and one whose client is there goes on.
func TestClientGone(t *testing.T) {
	s, dir := openForClients(t, map[string]string{"client_connection_check_interval": "5ms"})
	c := connect(t, s)
	run(t, c, "create table t (a int primary key); insert into t values (1)")
	patient := connect(t, s)
	run(t, patient, "begin; lock table t")
	memory := func() *pgx.Conn {
		cfg, err := pgx.ParseConfig(s.DSN())
		if err != nil {
			t.Fatal(err)
		}
		cfg.DialFunc = s.Dial
		m, err := pgx.ConnectConfig(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, dial := range map[string]func() *pgx.Conn{
		"TCP": func() *pgx.Conn { return connect(t, s) }, "Unix": func() *pgx.Conn { return bySocket(t, s, dir) }, "memory": memory,
	} {
		for _, sql := range []string{"select pg_sleep(3600)", "select a from t", "select count(*) from generate_series(1, 1000000000000) g"} {
			x := dial()
			pid := x.PgConn().PID()
			run(t, x, "create temp table mine (a int)")
			go x.Exec(context.Background(), sql)
			eventually(t, c, "select state = 'active' and query = $2 from pg_stat_activity where pid = $1", pid, sql)
			x.PgConn().Conn().Close()
			eventually(t, c, "select not exists (select from pg_stat_activity where pid = $1)", pid)
			if value[bool](t, c, "select exists (select from pg_locks where pid = $1)", pid) {
				t.Errorf("%s, %s: locks are left", name, sql)
			}
		}
	}
	// Many looks later a client that is there has lost nothing.
	run(t, connect(t, s), "select pg_sleep(0.05)")
	if got := value[int](t, patient, "select a from t"); got != 1 {
		t.Errorf("the patient session sees %d", got)
	}
}
