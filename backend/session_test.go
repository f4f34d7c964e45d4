package backend_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgproto3/v2"
	"go.uber.org/goleak"

	"gompho/postmaster"
)

// say sends messages and reads the answers as a script does.
func say(t *testing.T, c *client, ready int, until string, lines ...string) string {
	t.Helper()
	for _, l := range lines {
		b, _, err := encode(l)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.nc.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := c.answers(ready, until)
	return text
}

func login(t *testing.T, pm *postmaster.Postmaster, params ...string) *client {
	t.Helper()
	c, err := newClient(pm.Dial, params...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.nc.Close() })
	return c
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s: got\n%swant %s", what, got, want)
	}
}

// eventually asks until the answer is t.
func eventually(t *testing.T, c *client, sql string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if strings.Contains(say(t, c, 1, "", fmt.Sprintf("Query %q", sql)), `DataRow "t"`) {
			return
		}
	}
	t.Fatalf("never came true: %s", sql)
}

// TestTimeouts: each of the timeouts ends what it should, and nothing else.
func TestTimeouts(t *testing.T) {
	defer goleak.VerifyNone(t)
	pm := startServer(t)
	defer stopServer(t, pm)
	a, b := login(t, pm), login(t, pm)
	say(t, a, 1, "", `Query "create table t(a int)"`)

	got := say(t, a, 3, "", `Query "set statement_timeout = 50"`, `Query "select pg_sleep(100)"`, `Query "select 1"`)
	want(t, "statement_timeout", got, "Error ERROR 57014 canceling statement due to statement timeout\nReadyForQuery I\nRowDescription")
	got = say(t, a, 2, "", `Parse "" "select pg_sleep(100)"`, `Bind "" ""`, `Execute ""`, "Sync", `Query "reset statement_timeout"`)
	want(t, "statement_timeout, extended", got, "57014 canceling statement due to statement timeout\nReadyForQuery I\nCommandComplete RESET")
	// Messages that come one by one belong to one statement, whose time runs between them, too.
	say(t, a, 1, "", `Query "set statement_timeout = 50"`)
	say(t, a, 0, "BindComplete", `Parse "" "select pg_sleep(100)"`, `Bind "" ""`, "Flush")
	got = say(t, a, 1, "", `Execute ""`, "Sync")
	want(t, "statement_timeout, message by message", got, "57014 canceling statement due to statement timeout\nReadyForQuery I")
	say(t, a, 0, "BindComplete", `Parse "" "select 1"`, `Bind "" ""`, "Flush")
	eventually(t, b, "select state = 'active' and clock_timestamp() > query_start + interval '500 ms' from pg_stat_activity where query = 'select 1'")
	got = say(t, a, 1, "", "Sync")
	want(t, "statement_timeout, while nothing runs", got, "57014 canceling statement due to statement timeout\nReadyForQuery I")
	say(t, a, 1, "", `Query "reset statement_timeout"`)
	got = say(t, a, 1, "", `Query "set statement_timeout = 50; select pg_sleep(100)"`)
	want(t, "statement_timeout set in the same query", got, "57014")
	say(t, a, 1, "", `Query "reset statement_timeout"`)

	say(t, b, 1, "", `Query "begin; lock table t"`)
	got = say(t, a, 3, "", `Query "set lock_timeout = 50"`, `Query "select * from t"`, `Query "select 1"`)
	want(t, "lock_timeout", got, "Error ERROR 55P03 canceling statement due to lock timeout")
	want(t, "after lock_timeout", got, `DataRow "1"`)
	say(t, b, 1, "", `Query "rollback"`)

	// A session that is in the middle of a query cycle is not idle.
	say(t, b, 1, "", `Query "set idle_session_timeout = 50"`)
	say(t, b, 0, "BindComplete", `Parse "" "select 7"`, `Bind "" ""`, "Flush")
	eventually(t, a, "select clock_timestamp() > query_start + interval '100 ms' from pg_stat_activity where query = 'select 7'")
	want(t, "idle_session_timeout within a query cycle", say(t, b, 1, "", `Execute ""`, "Sync", `Query "set idle_session_timeout = 0"`), `DataRow "7"`)

	// Idle in a transaction: the session ends, and its locks go.
	got = say(t, b, 99, "", `Query "set idle_in_transaction_session_timeout = 50"`, `Query "begin; lock table t"`)
	want(t, "idle_in_transaction_session_timeout", got, "ReadyForQuery T\nError FATAL 25P03 terminating connection due to idle-in-transaction timeout\nclosed")
	want(t, "its lock", say(t, a, 1, "", `Query "select * from t"`), "SELECT 0")
	b = login(t, pm)
	got = say(t, b, 99, "", `Query "set idle_session_timeout = 50"`)
	want(t, "idle_session_timeout", got, "Error FATAL 57P05 terminating connection due to idle-session timeout\nclosed")
	eventually(t, a, "select count(*) = 1 from pg_stat_activity where backend_type = 'client backend'")
}

// TestStartupParameters: settings of the start-up packet and of its options.
func TestStartupParameters(t *testing.T) {
	defer goleak.VerifyNone(t)
	pm := startServer(t)
	defer stopServer(t, pm)
	c := login(t, pm, "application_name", "me", "options", `-c work_mem=7MB --statement-timeout=5s -c search_path=a\ b`)
	for name, value := range map[string]string{"application_name": "me", "work_mem": "7MB", "statement_timeout": "5s", "search_path": "a b"} {
		want(t, name, say(t, c, 1, "", fmt.Sprintf("Query %q", "show "+name)), fmt.Sprintf("DataRow %q", value))
	}
	say(t, c, 2, "", `Query "set work_mem = '9MB'"`, `Query "reset all"`)
	want(t, "work_mem after RESET ALL", say(t, c, 1, "", `Query "show work_mem"`), `DataRow "7MB"`)
	for _, p := range [][2]string{{"options", "-c nosuch=1"}, {"work_mem", "lots"}, {"shared_buffers", "1MB"}} {
		if c, err := newClient(pm.Dial, p[0], p[1]); err == nil {
			c.nc.Close()
			t.Errorf("%v is accepted", p)
		}
	}
}

// TestVanish: a client that goes away in the middle of something leaves nothing behind.
func TestVanish(t *testing.T) {
	defer goleak.VerifyNone(t)
	pm, err := postmaster.Start(postmaster.Options{Dir: filepath.Join(t.TempDir(), "data"), AnyPort: true,
		Settings: []string{"shared_buffers=16MB", "fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories="}})
	if err != nil {
		t.Fatal(err)
	}
	defer pm.Stop(context.Background(), postmaster.Fast)
	tcp := func() (net.Conn, error) { return net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", pm.Port())) }
	watch := login(t, pm)
	defer watch.nc.Close()
	say(t, watch, 1, "", `Query "create table t(a int)"`)
	for name, script := range map[string]func(c *client){
		"idle":             func(c *client) {},
		"in a transaction": func(c *client) { say(t, c, 1, "", `Query "begin; insert into t values (1); lock table t"`) },
		"in COPY from": func(c *client) {
			say(t, c, 0, "CopyInResponse", `Query "copy t from stdin"`)
			b, _, _ := encode(`CopyData "1\n2\n"`)
			c.nc.Write(b)
		},
		"in a result": func(c *client) {
			say(t, c, 0, "DataRow", `Query "select g, repeat('x', 1000) from generate_series(1, 1000000) g"`)
		},
		"in COPY to": func(c *client) {
			say(t, c, 0, "CopyData", `Query "copy (select repeat('x', 1000) from generate_series(1, 1000000)) to stdout"`)
		},
		"in a portal": func(c *client) {
			say(t, c, 0, "PortalSuspended", `Parse "" "select generate_series(1, 1000)"`, `Bind "" ""`, `Execute "" 5`, "Flush")
		},
		"within a message": func(c *client) { c.nc.Write([]byte{'Q', 0, 0, 1, 0, 's', 'e'}) },
		"after a Parse":    func(c *client) { say(t, c, 0, "ParseComplete", `Parse "" "insert into t values (1)"`, "Flush") },
	} {
		c, err := newClient(tcp)
		if err != nil {
			t.Fatal(err)
		}
		script(c)
		c.nc.(*net.TCPConn).SetLinger(0) // reset, as when the machine is gone
		c.nc.Close()
		eventually(t, watch, "select count(*) = 1 from pg_stat_activity where backend_type = 'client backend'")
		want(t, name, say(t, watch, 1, "", `Query "select count(*) from t"`), `DataRow "0"`)
		want(t, name, say(t, watch, 1, "", `Query "select count(*) from pg_locks where relation = 't'::regclass"`), `DataRow "0"`)
	}
}

// TestLateCancel: a cancel request that comes when nothing runs does not hit the next statement.
func TestLateCancel(t *testing.T) {
	defer goleak.VerifyNone(t)
	pm := startServer(t)
	defer stopServer(t, pm)
	c := login(t, pm)
	nc, err := pm.Dial()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := (&pgproto3.CancelRequest{ProcessID: c.key.ProcessID, SecretKey: c.key.SecretKey}).Encode(nil)
	nc.Write(b)
	nc.Read(make([]byte, 1)) // closed when the request was seen to
	nc.Close()
	want(t, "the statement after it", say(t, c, 1, "", `Query "select 1"`), `DataRow "1"`)
}
