package backend_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgproto3/v2"
	"go.uber.org/goleak"

	"gompho/postmaster"
)

// The scripts under testdata/wire are conversations in protocol messages. Their answers are recorded from PostgreSQL 15:
//
//	GOMPHO_WIRE_REF=127.0.0.1:5432 go test ./backend -run TestWire -rewrite
//
// runs them there, as user postgres in database postgres; without the variable they run against a server of our own. Commands:
//
//	exchange [until=Message] [conn=name]   sends the messages, reads answers up to as many ReadyForQuery as there were Query and
//	                                       Sync messages, or to the named message, or to the end of the connection
//	gompho ...                             the same, not sent to PostgreSQL: a difference that is meant
//	postgres ...                           what PostgreSQL answers there, not sent to gompho
//	reset                                  closes all connections
func TestWire(t *testing.T) {
	defer goleak.VerifyNone(t)
	dial, stop := wireServer(t)
	defer stop()
	files, err := filepath.Glob("../testdata/wire/*.wire")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts: ", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			s := &script{dial: dial, conns: map[string]*client{}}
			defer s.reset()
			datadriven.RunTest(t, f, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
		})
	}
}

func wireServer(t *testing.T) (dial func() (net.Conn, error), stop func()) {
	if ref := os.Getenv("GOMPHO_WIRE_REF"); ref != "" {
		return func() (net.Conn, error) { return net.Dial("tcp", ref) }, func() {}
	}
	pm := startServer(t)
	return pm.Dial, func() { stopServer(t, pm) }
}

// startServer runs a server without sockets.
func startServer(t *testing.T, settings ...string) *postmaster.Postmaster {
	t.Helper()
	pm, err := postmaster.Start(postmaster.Options{Dir: filepath.Join(t.TempDir(), "data"), NoListen: true,
		Settings: append([]string{"shared_buffers=16MB", "fsync=off"}, settings...)})
	if err != nil {
		t.Fatal(err)
	}
	return pm
}

func stopServer(t *testing.T, pm *postmaster.Postmaster) {
	if err := pm.Stop(t.Context(), postmaster.Fast); err != nil {
		t.Error(err)
	}
}

// client is a connection that speaks in messages.
type client struct {
	nc net.Conn
	fe *pgproto3.Frontend
	// key is what a cancel request needs.
	key pgproto3.BackendKeyData
}

// newClient connects and logs in; params are more start-up parameters.
func newClient(dial func() (net.Conn, error), params ...string) (*client, error) {
	nc, err := dial()
	if err != nil {
		return nil, err
	}
	c := &client{nc: nc, fe: pgproto3.NewFrontend(pgproto3.NewChunkReader(nc), nc)}
	m := pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: map[string]string{"user": "postgres", "database": "postgres"}}
	for i := 0; i < len(params); i += 2 {
		m.Parameters[params[i]] = params[i+1]
	}
	if err := c.fe.Send(&m); err != nil {
		return nil, err
	}
	for {
		msg, err := c.receive()
		if err != nil {
			nc.Close()
			return nil, err
		}
		switch x := msg.(type) {
		case *pgproto3.BackendKeyData:
			c.key = *x
		case *pgproto3.ReadyForQuery:
			return c, nil
		case *pgproto3.ErrorResponse:
			nc.Close()
			return nil, fmt.Errorf("%s: %s (%s)", x.Severity, x.Message, x.Code)
		}
	}
}

// receive reads one message, within a time that only a hanging server exceeds.
func (c *client) receive() (pgproto3.BackendMessage, error) {
	c.nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	return c.fe.Receive()
}

// script runs one file.
type script struct {
	dial  func() (net.Conn, error)
	conns map[string]*client
}

func (s *script) reset() {
	for _, c := range s.conns {
		c.nc.Close()
	}
	clear(s.conns)
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	ref := os.Getenv("GOMPHO_WIRE_REF") != ""
	switch {
	case d.Cmd == "reset":
		s.reset()
		return ""
	case d.Cmd == "gompho" && ref, d.Cmd == "postgres" && !ref:
		return d.Expected
	}
	name, until := "", ""
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "conn":
			name = a.Vals[0]
		case "until":
			until = a.Vals[0]
		default:
			d.Fatalf(t, "unknown argument %s", a.Key)
		}
	}
	c := s.conns[name]
	if c == nil {
		var err error
		if c, err = newClient(s.dial); err != nil {
			d.Fatalf(t, "%v", err)
		}
		s.conns[name] = c
	}
	ready := 0
	var out bytes.Buffer
	for _, line := range strings.Split(strings.TrimSpace(d.Input), "\n") {
		b, syncs, err := encode(line)
		if err != nil {
			d.Fatalf(t, "%s: %v", line, err)
		}
		out.Write(b)
		ready += syncs
	}
	c.nc.Write(out.Bytes())
	text, open := c.answers(ready, until)
	if !open {
		c.nc.Close()
		delete(s.conns, name)
	}
	return text
}

// answers reads up to so many ReadyForQuery, or to a message; open is false when the server closed the connection.
func (c *client) answers(ready int, until string) (text string, open bool) {
	var w strings.Builder
	for ready > 0 || until != "" {
		m, err := c.receive()
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			w.WriteString("closed\n")
			return w.String(), false
		}
		if err != nil {
			fmt.Fprintf(&w, "%v\n", err)
			return w.String(), false
		}
		line := describe(m)
		w.WriteString(line + "\n")
		if word, _, _ := strings.Cut(line, " "); word == until {
			break
		}
		if _, ok := m.(*pgproto3.ReadyForQuery); ok && until == "" {
			ready--
		}
	}
	return w.String(), true
}

// words splits a line at spaces; a word may be a quoted Go string.
func words(line string) ([]string, error) {
	var out []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if line[0] != '"' {
			w, rest, _ := strings.Cut(line, " ")
			out, line = append(out, w), rest
			continue
		}
		q, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, err
		}
		w, err := strconv.Unquote(q)
		if err != nil {
			return nil, err
		}
		out, line = append(out, w), line[len(q):]
	}
	return out, nil
}

// encode makes the message of a line; syncs is 1 when ReadyForQuery answers it.
func encode(line string) (b []byte, syncs int, err error) {
	w, err := words(line)
	if err != nil || len(w) == 0 {
		return nil, 0, fmt.Errorf("not a message: %v", err)
	}
	arg := func(i int) string {
		if i < len(w) {
			return w[i]
		}
		return ""
	}
	var m pgproto3.FrontendMessage
	switch w[0] {
	case "Query":
		m, syncs = &pgproto3.Query{String: arg(1)}, 1
	case "Sync":
		m, syncs = &pgproto3.Sync{}, 1
	case "Flush":
		m = &pgproto3.Flush{}
	case "Terminate":
		m = &pgproto3.Terminate{}
	case "Parse": // name, text, types
		p := &pgproto3.Parse{Name: arg(1), Query: arg(2)}
		for _, o := range w[min(3, len(w)):] {
			n, err := strconv.ParseUint(o, 10, 32)
			if err != nil {
				return nil, 0, err
			}
			p.ParameterOIDs = append(p.ParameterOIDs, uint32(n))
		}
		m = p
	case "Bind":
		m, err = bindMessage(w)
	case "Describe":
		m = &pgproto3.Describe{ObjectType: arg(1)[0], Name: arg(2)}
	case "Close":
		m = &pgproto3.Close{ObjectType: arg(1)[0], Name: arg(2)}
	case "Execute": // portal, rows
		n, _ := strconv.Atoi(arg(2))
		m = &pgproto3.Execute{Portal: arg(1), MaxRows: uint32(n)}
	case "CopyData":
		m = &pgproto3.CopyData{Data: []byte(arg(1))}
	case "CopyDone":
		m = &pgproto3.CopyDone{}
	case "CopyFail":
		m = &pgproto3.CopyFail{Message: arg(1)}
	case "Raw": // bytes in hex
		b, err = hex.DecodeString(strings.Join(w[1:], ""))
		return b, 0, err
	case "Msg", "MsgSync": // type letter and body in hex; with Sync, ReadyForQuery answers it
		body, err := hex.DecodeString(strings.Join(w[2:], ""))
		b = append(binary.BigEndian.AppendUint32([]byte(w[1]), uint32(len(body)+4)), body...)
		return b, len(w[0]) / len("MsgSync"), err
	default:
		return nil, 0, fmt.Errorf("unknown message %s", w[0])
	}
	if err != nil {
		return nil, 0, err
	}
	b, err = m.Encode(nil)
	return b, syncs, err
}

// bindMessage reads Bind portal statement [in=0,1] [out=0,1] value ...; a value is text, NULL or x:hex.
func bindMessage(w []string) (*pgproto3.Bind, error) {
	if len(w) < 3 {
		return nil, fmt.Errorf("portal and statement expected")
	}
	m := &pgproto3.Bind{DestinationPortal: w[1], PreparedStatement: w[2]}
	for _, v := range w[3:] {
		switch {
		case strings.HasPrefix(v, "in="):
			m.ParameterFormatCodes = codes(v[3:])
		case strings.HasPrefix(v, "out="):
			m.ResultFormatCodes = codes(v[4:])
		case v == "NULL":
			m.Parameters = append(m.Parameters, nil)
		case strings.HasPrefix(v, "x:"):
			b, err := hex.DecodeString(v[2:])
			if err != nil {
				return nil, err
			}
			m.Parameters = append(m.Parameters, b)
		default:
			m.Parameters = append(m.Parameters, []byte(v))
		}
	}
	return m, nil
}

func codes(s string) (out []int16) {
	for _, f := range strings.Split(s, ",") {
		n, _ := strconv.Atoi(f)
		out = append(out, int16(n))
	}
	return out
}

// describe prints a message of the server in one line.
func describe(m pgproto3.BackendMessage) string {
	switch x := m.(type) {
	case *pgproto3.RowDescription:
		s := "RowDescription"
		for _, f := range x.Fields {
			s += fmt.Sprintf(" %s:%d:%d:%d", f.Name, f.DataTypeOID, f.TypeModifier, f.Format)
		}
		return s
	case *pgproto3.DataRow:
		s := "DataRow"
		for _, v := range x.Values {
			if v == nil {
				s += " NULL"
			} else if strings.ToValidUTF8(string(v), "") != string(v) || bytes.IndexByte(v, 0) >= 0 {
				s += " x:" + hex.EncodeToString(v)
			} else {
				s += " " + strconv.Quote(string(v))
			}
		}
		return s
	case *pgproto3.ParameterDescription:
		return strings.TrimRight("ParameterDescription "+strings.Trim(fmt.Sprint(x.ParameterOIDs), "[]"), " ")
	case *pgproto3.CommandComplete:
		return "CommandComplete " + string(x.CommandTag)
	case *pgproto3.ReadyForQuery:
		return "ReadyForQuery " + string(x.TxStatus)
	case *pgproto3.ParameterStatus:
		return "ParameterStatus " + x.Name + "=" + x.Value
	case *pgproto3.ErrorResponse:
		return "Error" + errorText((*pgproto3.ErrorResponse)(x))
	case *pgproto3.NoticeResponse:
		return "Notice" + errorText((*pgproto3.ErrorResponse)(x))
	case *pgproto3.CopyData:
		return "CopyData " + strconv.Quote(string(x.Data))
	case *pgproto3.CopyInResponse:
		return fmt.Sprintf("CopyInResponse %d %v", x.OverallFormat, x.ColumnFormatCodes)
	case *pgproto3.CopyOutResponse:
		return fmt.Sprintf("CopyOutResponse %d %v", x.OverallFormat, x.ColumnFormatCodes)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3.")
}

func errorText(e *pgproto3.ErrorResponse) string {
	s := fmt.Sprintf(" %s %s %s", e.Severity, e.Code, e.Message)
	for _, f := range []struct{ name, text string }{{"detail", e.Detail}, {"hint", e.Hint}, {"where", e.Where}} {
		if f.text != "" {
			s += fmt.Sprintf(" | %s: %s", f.name, strings.ReplaceAll(f.text, "\n", " / "))
		}
	}
	if e.Position != 0 {
		s += fmt.Sprintf(" | position: %d", e.Position)
	}
	return s
}
