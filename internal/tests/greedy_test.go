package tests

import (
	"bufio"
	"context"
	bigendian "encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// greed is something a client can do to take memory. It returns the error by which it was refused; most of it has to be, some is bounded otherwise, and may go through.
type greed struct {
	name string
	do   func(t *testing.T, sock string) error
	fits bool // it is not refused: what it takes is bounded
}

// sqlGreed is a statement, or several.
func sqlGreed(name, sql string) greed {
	return greed{name: name, do: func(t *testing.T, sock string) error {
		c := socketConn(t, sock)
		defer c.Close(context.Background())
		_, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
		return err
	}}
}

// fitting is a statement that is not refused.
func fitting(name, sql string) greed {
	g := sqlGreed(name, sql)
	g.fits = true
	return g
}

// message sends messages by hand and reads the answers.
func message(name string, send func(w *bufio.Writer), fits bool) greed {
	return greed{name: name, fits: fits, do: func(t *testing.T, sock string) error {
		nc, err := net.Dial("unix", sock+"/.s.PGSQL.54777")
		if err != nil {
			return err
		}
		defer nc.Close()
		c, err := dialRaw(nc)
		if err != nil {
			return err
		}
		w := bufio.NewWriterSize(nc, 1<<16)
		send(w)
		if err := w.Flush(); err != nil {
			return err
		}
		_, err = c.answer()
		return err
	}}
}

// head writes a message's type and the length of its body.
func head(w *bufio.Writer, t byte, n int) {
	w.WriteByte(t)
	w.Write(bigendian.BigEndian.AppendUint32(nil, uint32(n+4)))
}

// fill writes n bytes.
func fill(w *bufio.Writer, n int) {
	io.CopyN(w, xs{}, int64(n))
}

type xs struct{}

func (xs) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// copyIn sends a COPY whose data has no end.
func copyIn(name, sql, before string, n int) greed {
	return greed{name: name, do: func(t *testing.T, sock string) error {
		c := socketConn(t, sock)
		defer c.Close(context.Background())
		if _, err := c.Exec(context.Background(), "create temp table t (s bytea)"); err != nil {
			return err
		}
		_, err := c.PgConn().CopyFrom(context.Background(), io.MultiReader(strings.NewReader(before), io.LimitReader(xs{}, int64(n))), sql)
		return err
	}}
}

func columns(n int, f string) string {
	cols := make([]string, n)
	for i := range cols {
		cols[i] = fmt.Sprintf(f, i)
	}
	return strings.Join(cols, ", ")
}

const binaryHead = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"

var greeds = []greed{
	sqlGreed("string_agg of pieces", "select length(string_agg(repeat('x', 1000), ',')) from generate_series(1, 10000000) i"),
	sqlGreed("input of an array", "select cardinality(('{' || repeat('1,', 79999999) || '1}')::int[])"),
	sqlGreed("input of an array of texts", "select cardinality(('{' || repeat('a,', 59999999) || 'a}')::text[])"),
	sqlGreed("encode", "select length(encode(convert_to(repeat('x', 150000000), 'UTF8'), 'hex'))"),
	sqlGreed("input of bytea", "select length(('\\x' || repeat('ab', 100000000))::bytea)"),
	sqlGreed("output of an array", "select length(array_fill('abcdefgh'::text, array[15000000])::text)"),
	sqlGreed("output of a bytea", "select length(convert_to(repeat('x', 150000000), 'UTF8')::text)"),
	sqlGreed("array_agg of arrays", "select cardinality(array_agg(a)) from (select array_fill(i, array[1000]) a from generate_series(1, 1000000) i) x"),
	sqlGreed("array_cat", "with recursive r(a, n) as (select array_fill(1, array[1000000]), 1 union all select a || a, n + 1 from r where n < 9) select max(cardinality(a)) from r"),
	sqlGreed("json_agg of rows", "select length(json_agg(x)::text) from (select i, repeat('x', 200) s from generate_series(1, 100000000) i) x"),
	sqlGreed("json_object_agg", "select length(json_object_agg(i, i)::text) from generate_series(1, 100000000) i"),
	sqlGreed("DISTINCT aggregates", "set work_mem = '2GB'; select count(distinct i), count(distinct i::text) from generate_series(1, 100000000) i"),
	fitting("DISTINCT aggregates that spill", "select count(distinct repeat('x', 100) || i) from generate_series(1, 500000) i"),
	sqlGreed("grouping sets", "set work_mem = '2GB'; select count(*) from (select i, j, count(*) from generate_series(1, 100000) i, generate_series(1, 1000) j group by grouping sets ((i, j), (j, i), (i), (j)) offset 0) x"),
	sqlGreed("recursive query", "set work_mem = '2GB'; with recursive r(i, s) as (select 1, repeat('x', 1000) union all select i + 1, s from (select r.* from r, generate_series(1, 3)) x where i < 20) select count(*) from r"),
	sqlGreed("growing recursion", "with recursive r(i, s) as (select 1, 'x' union all select i + 1, s || s from r where i < 35) select max(length(s)) from r"),
	sqlGreed("aggregate of a large frame", "select count(*) from (select array_agg(repeat('x', 1000)) over () from generate_series(1, 1000000) i) x"),
	sqlGreed("wide rows of texts", "select "+columns(1600, "repeat('x', 1000000 + i - %d)")+" from generate_series(1, 20) i"),
	copyIn("COPY of a line", "copy t from stdin", "", 700<<20),
	copyIn("COPY of a field in binary", "copy t from stdin (format binary)", binaryHead+"\x00\x01\x3f\x00\x00\x00", 900<<20),
	copyIn("COPY of a quoted field", "copy t from stdin (format csv)", "\"", 700<<20),
	message("a query of 500 MB", func(w *bufio.Writer) { head(w, 'Q', 500<<20); fill(w, 500<<20-1); w.WriteByte(0) }, false),
	message("a query of 200 MB", func(w *bufio.Writer) {
		const n = 200 << 20
		head(w, 'Q', n+18)
		w.WriteString("select length('")
		fill(w, n)
		w.WriteString("')")
		w.WriteByte(0)
	}, false),
	message("a query of a million constants", func(w *bufio.Writer) {
		const n = 8 << 20
		q := "select count(*) from (values (1)" + strings.Repeat(",(1)", n) + ") x"
		head(w, 'Q', len(q)+1)
		w.WriteString(q)
		w.WriteByte(0)
	}, false),
	message("a long list", func(w *bufio.Writer) {
		q := "select 1 where 1 in (2" + strings.Repeat(",3", 8<<20) + ")"
		head(w, 'Q', len(q)+1)
		w.WriteString(q)
		w.WriteByte(0)
	}, false),
	message("a million statements", func(w *bufio.Writer) {
		q := strings.Repeat("select 1;", 3<<20)
		head(w, 'Q', len(q)+1)
		w.WriteString(q)
		w.WriteByte(0)
	}, false),
	bindGreed("a parameter of 500 MB", 1, 500<<20, false),
	bindGreed("a parameter of 200 MB", 1, 200<<20, false),
	bindGreed("60,000 parameters", 60000, 100, true),
	bindGreed("60,000 parameters of 8 kB", 60000, 8192, false),
}

// bindGreed executes a statement with parameters of so many bytes.
func bindGreed(name string, params, size int, fits bool) greed {
	return message(name, func(w *bufio.Writer) {
		b := &strings.Builder{}
		b.WriteString("select length($1)")
		for i := 2; i <= params; i++ {
			if i%1600 == 0 {
				b.WriteString(" + length($" + strconv.Itoa(i) + ")")
			}
		}
		head(w, 'P', len(b.String())+1+1+2+4*params)
		w.WriteByte(0)
		w.WriteString(b.String())
		w.WriteByte(0)
		w.Write(bigendian.BigEndian.AppendUint16(nil, uint16(params)))
		for range params {
			w.Write(bigendian.BigEndian.AppendUint32(nil, 25))
		}
		head(w, 'B', 2+2+2+params*(4+size)+2)
		w.Write([]byte{0, 0, 0, 0})
		w.Write(bigendian.BigEndian.AppendUint16(nil, uint16(params)))
		for range params {
			w.Write(bigendian.BigEndian.AppendUint32(nil, uint32(size)))
			fill(w, size)
		}
		w.Write([]byte{0, 0})
		head(w, 'E', 5)
		w.Write([]byte{0, 0, 0, 0, 0})
		head(w, 'S', 0)
	}, fits)
}

// peakKB returns the most memory of a process that was resident since the last call of forgetPeak.
func peakKB(t *testing.T, pid int) int {
	t.Helper()
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Skip("there is no /proc to read the server's memory from")
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.Fields(v)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

func forgetPeak(t *testing.T, pid int) {
	t.Helper()
	if err := os.WriteFile("/proc/"+strconv.Itoa(pid)+"/clear_refs", []byte("5"), 0); err != nil {
		t.Skip("the peak of a process cannot be reset here")
	}
}

// TestServerKeepsToItsMemory: with gompho.memory_limit = 512MB nothing that a client does takes the process beyond 650 MB; most of it is refused with 53200; and
// a small session beside goes on without an error.
func TestServerKeepsToItsMemory(t *testing.T) {
	const mostKB = 650 << 10
	bin, dir, sock := binary(t), t.TempDir()+"/data", shortDir(t)
	if out, err := exec.Command(bin, "init", "-D", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := appendTo(dir+"/postgresql.conf", "\ngompho.memory_limit = '512MB'\nautovacuum = off\nfsync = off\n"); err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, bin, dir, sock)
	small := socketConn(t, sock)
	defer small.Close(context.Background())
	run(t, small, "create table small as select i, repeat('x', 50) s from generate_series(1, 20000) i")
	var stop atomic.Bool
	var rounds atomic.Int64
	ended := make(chan error, 1)
	go func() {
		for !stop.Load() {
			if _, err := small.Exec(context.Background(), "select count(*), string_agg(s, ',') from (select * from small order by s, i desc offset 0) x"); err != nil {
				ended <- err
				return
			}
			rounds.Add(1)
		}
		ended <- nil
	}()
	look := socketConn(t, sock)
	defer look.Close(context.Background())
	for _, g := range greeds {
		t.Run(g.name, func(t *testing.T) {
			forgetPeak(t, p.Process.Pid)
			before, start := peakKB(t, p.Process.Pid), time.Now()
			err := g.do(t, sock)
			peak := peakKB(t, p.Process.Pid)
			t.Logf("%s: %d MB were resident at most, %d MB before, %.1f s: %.200v", g.name, peak>>10, before>>10, time.Since(start).Seconds(), err)
			var e *pgconn.PgError
			switch {
			case g.fits && err != nil:
				t.Error("it was refused")
			case !g.fits && err == nil:
				t.Error("it was not refused")
			case err != nil && !(errors.As(err, &e) && e.Code == "53200" || strings.Contains(err.Error(), "\"C53200\"")):
				t.Error("it was refused otherwise")
			}
			if peak > mostKB {
				t.Errorf("%d MB were resident", peak>>10)
			}
		})
	}
	stop.Store(true)
	if err := <-ended; err != nil {
		t.Errorf("the small session after %d statements: %#v", rounds.Load(), err)
	}
	t.Logf("%d statements of the small session went on beside", rounds.Load())
}

func appendTo(file, text string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}
