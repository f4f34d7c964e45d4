package tests

import (
	"bufio"
	"bytes"
	"context"
	bigendian "encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// rawConn speaks just enough of the protocol for a crowd of sessions that costs the client little.
type rawConn struct {
	nc  net.Conn
	buf []byte
}

// dialRaw opens a session of postgres in the database postgres.
func dialRaw(nc net.Conn) (*rawConn, error) {
	c := &rawConn{nc: nc, buf: make([]byte, 4096)}
	params := "user\x00postgres\x00database\x00postgres\x00\x00"
	msg := bigendian.BigEndian.AppendUint32(nil, uint32(8+len(params)))
	msg = bigendian.BigEndian.AppendUint32(msg, 3<<16)
	if _, err := nc.Write(append(msg, params...)); err != nil {
		return nil, err
	}
	_, err := c.answer()
	return c, err
}

// query runs a simple query and returns the first column of the last row.
func (c *rawConn) query(sql string) (string, error) {
	msg := append([]byte{'Q'}, bigendian.BigEndian.AppendUint32(nil, uint32(5+len(sql)))...)
	if _, err := c.nc.Write(append(append(msg, sql...), 0)); err != nil {
		return "", err
	}
	return c.answer()
}

// answer reads up to ReadyForQuery.
func (c *rawConn) answer() (value string, failed error) {
	for {
		if _, err := io.ReadFull(c.nc, c.buf[:5]); err != nil {
			return "", err
		}
		t, n := c.buf[0], int(bigendian.BigEndian.Uint32(c.buf[1:]))-4
		if n > len(c.buf) {
			c.buf = make([]byte, n)
		}
		body := c.buf[:n]
		if _, err := io.ReadFull(c.nc, body); err != nil {
			return "", err
		}
		switch t {
		case 'Z':
			return value, failed
		case 'E':
			failed = fmt.Errorf("%q", bytes.Split(body, []byte{0}))
		case 'D':
			if k := int(int32(bigendian.BigEndian.Uint32(body[2:]))); k >= 0 {
				value = string(body[6 : 6+k])
			}
		}
	}
}

// residentKB returns the resident memory of a process.
func residentKB(t *testing.T, pid int) int {
	t.Helper()
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Skip("there is no /proc to read the server's memory from")
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(v)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// TestTenThousandIdleSessionsInOneGigabyte: a server process with 10,000 sessions on its socket is resident in less than 1 GB, as they stand idle after connecting and
// again after each has run a query on a table; all of them answer.
func TestTenThousandIdleSessionsInOneGigabyte(t *testing.T) {
	const sessions, limitKB = 10000, 1 << 20
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if files.Cur < sessions+200 && files.Max >= sessions+200 {
		files.Cur = files.Max
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
			t.Fatal(err)
		}
	}
	if files.Cur < sessions+200 {
		t.Skipf("this process may open %d files: too few for %d sockets", files.Cur, sessions)
	}
	bin, dir, sock := binary(t), t.TempDir()+"/data", shortDir(t)
	conf := func() { // settings before the start
		if out, err := exec.Command(bin, "init", "-D", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		f, err := os.OpenFile(dir+"/postgresql.conf", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprintf(f, "\nmax_connections = %d\n", sessions+20)
	}
	conf()
	p := startProcess(t, bin, dir, sock)
	admin := socketConn(t, sock)
	defer admin.Close(context.Background())
	run(t, admin, "create table t as select i, repeat('x', 100) s from generate_series(1, 1000) i")
	run(t, admin, "alter table t add primary key (i)")
	conns := make([]*rawConn, sessions)
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.nc.Close()
			}
		}
	}()
	all := func(f func(i int) error) {
		t.Helper()
		var wg sync.WaitGroup
		var next atomic.Int64
		for range 8 {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < sessions; i = int(next.Add(1)) - 1 {
					if err := f(i); err != nil {
						t.Errorf("session %d: %v", i, err)
						return
					}
				}
			})
		}
		if wg.Wait(); t.Failed() {
			t.FailNow()
		}
	}
	all(func(i int) error {
		nc, err := net.Dial("unix", sock+"/.s.PGSQL.54777")
		if err == nil {
			conns[i], err = dialRaw(nc)
		}
		return err
	})
	if n := value[int](t, admin, "select count(*) from pg_stat_activity where backend_type = 'client backend' and state = 'idle'"); n != sessions {
		t.Fatalf("%d sessions are idle", n)
	}
	connected := residentKB(t, p.Process.Pid)
	all(func(i int) error {
		got, err := conns[i].query(fmt.Sprintf("select i from t where i = %d and length(s) = 100", i%1000+1))
		if err == nil && got != strconv.Itoa(i%1000+1) {
			err = fmt.Errorf("answer %q", got)
		}
		return err
	})
	queried := residentKB(t, p.Process.Pid)
	t.Logf("%d sessions: %d MB resident after they connected, %d MB after a query each", sessions, connected/1024, queried/1024)
	if connected >= limitKB || queried >= limitKB {
		t.Errorf("more than %d MB", limitKB/1024)
	}
}

// TestTwoThousandActiveSessions: 2,000 sessions run transactions at once, all the time, until each has committed its share. Nobody starves: that has come true before the
// eager ones have committed very much more; and nothing is lost.
func TestTwoThousandActiveSessions(t *testing.T) {
	const sessions, share = 2000, 5
	const most = 30 * sessions * share // transactions until when all have to have their share
	s := openWith(t, map[string]string{"shared_buffers": "64MB", "max_connections": strconv.Itoa(sessions + 20), "autovacuum": "off"})
	look := connect(t, s)
	run(t, look, "create table counters (id int primary key, n int not null) with (fillfactor = 40)")
	run(t, look, "insert into counters select i, 0 from generate_series(0, 499) i") // four sessions each wait for one another's rows
	run(t, look, "create table journal (session int)")
	conns := make([]*rawConn, sessions)
	for i := range conns {
		nc, err := s.Dial(context.Background(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if conns[i], err = dialRaw(nc); err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	var total, satisfied atomic.Int64
	var done [sessions]int
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			<-begin
			for satisfied.Load() < sessions && total.Load() < most {
				for _, sql := range []string{"begin", fmt.Sprintf("update counters set n = n + 1 where id = %d", i%500),
					fmt.Sprintf("insert into journal values (%d)", i), "commit"} {
					if _, err := c.query(sql); err != nil {
						t.Errorf("session %d: %s: %v", i, sql, err)
						satisfied.Add(sessions)
						return
					}
				}
				total.Add(1)
				if done[i]++; done[i] == share {
					satisfied.Add(1)
				}
			}
		})
	}
	close(begin)
	if wg.Wait(); t.Failed() {
		t.FailNow()
	}
	if n := satisfied.Load(); n != sessions {
		t.Errorf("after %d transactions only %d sessions have committed %d", total.Load(), n, share)
	}
	if n := value[int64](t, look, "select sum(n) from counters"); n != total.Load() {
		t.Errorf("the counters say %d, the sessions have committed %d", n, total.Load())
	}
	fewest, eager := done[0], done[0]
	for i, n := range done {
		fewest, eager = min(fewest, n), max(eager, n)
		if i%100 == 0 {
			if got := value[int](t, look, "select count(*) from journal where session = $1", i); got != n {
				t.Errorf("session %d has committed %d, its rows are %d", i, n, got)
			}
		}
	}
	t.Logf("%d transactions of %d sessions, from %d to %d each", total.Load(), sessions, fewest, eager)
}
