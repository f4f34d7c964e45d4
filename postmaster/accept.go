package postmaster

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gompho/backend"
	"gompho/internal/pgerr"
	"gompho/logger"
	"gompho/session"
	"gompho/stats"
	"gompho/wire"
)

// Codes of the first packet.
const (
	protocol3  = 3 << 16
	cancelCode = 1234<<16 | 5678
	sslCode    = 1234<<16 | 5679
	gssCode    = 1234<<16 | 5680
)

// child is a connection that the postmaster serves.
type child struct {
	slot   *stats.Slot
	conn   net.Conn
	proc   *logger.Process
	secret uint32
}

// listen opens the sockets.
func (p *Postmaster) listen() error {
	port := int(p.cfg.Get("port").Int())
	if p.opt.AnyPort {
		port = 0
	}
	for _, host := range strings.Split(p.cfg.Get("listen_addresses").Text, ",") {
		host = strings.TrimSpace(host)
		switch host {
		case "":
			continue
		case "*":
			host = ""
		}
		// The keep-alive times of a connection are the system's until its session sets others.
		l, err := (&net.ListenConfig{KeepAlive: -1}).Listen(context.Background(), "tcp", net.JoinHostPort(host, fmt.Sprint(port)))
		if err != nil {
			return fmt.Errorf("could not bind address %q port %d: %w", host, port, plainErr(err))
		}
		at := l.Addr().(*net.TCPAddr)
		if port == 0 {
			port = at.Port
		}
		version := "IPv4"
		if at.IP.To4() == nil {
			version = "IPv6"
		}
		p.log.Info(fmt.Sprintf("listening on %s address %q, port %d", version, at.IP, at.Port))
		p.listeners = append(p.listeners, l)
	}
	p.port = port
	for _, dir := range strings.Split(p.cfg.Get("unix_socket_directories").Text, ",") {
		if dir = strings.TrimSpace(dir); dir == "" {
			continue
		}
		path := filepath.Join(dir, fmt.Sprintf(".s.PGSQL.%d", port))
		if c, err := net.Dial("unix", path); err == nil {
			c.Close()
			return fmt.Errorf("could not bind Unix address %q: a server is listening on it already", path)
		}
		os.Remove(path) // left by a server that died
		l, err := net.Listen("unix", path)
		if err != nil {
			return fmt.Errorf("could not bind Unix address %q: %w", path, plainErr(err))
		}
		os.Chmod(path, os.FileMode(p.cfg.Get("unix_socket_permissions").Int()))
		p.log.Info(fmt.Sprintf("listening on Unix socket %q", path))
		p.listeners = append(p.listeners, l)
		p.sockets = append(p.sockets, path)
	}
	for _, l := range p.listeners {
		p.wg.Add(1)
		go p.acceptLoop(l)
	}
	return nil
}

func plainErr(err error) error {
	if op, ok := err.(*net.OpError); ok {
		if sc, ok := op.Err.(*os.SyscallError); ok {
			return sc.Err
		}
		return op.Err
	}
	return err
}

func (p *Postmaster) acceptLoop(l net.Listener) {
	defer p.wg.Done()
	for {
		c, err := l.Accept()
		if err != nil {
			if p.stopping() {
				return
			}
			select {
			case <-p.quit:
				return
			case <-time.After(50 * time.Millisecond): // out of file descriptors, most likely
			}
			continue
		}
		if t, ok := c.(*net.TCPConn); ok {
			t.SetNoDelay(true)
			t.SetKeepAlive(true)
		}
		p.wg.Add(1)
		go p.serve(c)
	}
}

// Dial connects in memory.
func (p *Postmaster) Dial() (net.Conn, error) {
	if p.stopping() {
		return nil, net.ErrClosed
	}
	a, b := memPair()
	p.wg.Add(1)
	go p.serve(b)
	return a, nil
}

// serve handles one connection from its first packet to its end.
func (p *Postmaster) serve(c net.Conn) {
	defer p.wg.Done()
	proc := p.greeted(c)
	params, ok := p.handshake(c, proc)
	if !ok {
		c.Close()
		return
	}
	if proc.User, proc.Database = params["user"], params["database"]; proc.Database == "" {
		proc.Database = proc.User
	}
	ch, cl, err := p.admit(c, proc)
	if err != nil {
		p.refuse(c, proc, err)
		return
	}
	defer p.forget(ch, cl)
	backend.Run(backend.Options{
		Server: cl.session, Slot: ch.slot, Conn: c, Pool: &p.bufs, Secret: ch.secret, Startup: params, Process: proc,
		Attach: cl.attach, Crash: cl.crash,
		NewEngine: func(s *session.Session) backend.Engine {
			e := backend.NewEngine(s, cl.funcs)
			if p.opt.Engine != nil {
				return p.opt.Engine(s, e)
			}
			return e
		},
	})
}

// greeted makes the process of a connection, for the log.
func (p *Postmaster) greeted(c net.Conn) *logger.Process {
	proc := &logger.Process{PID: p.procs.TakePID(), Type: "not initialized", Start: time.Now(), Client: true, Host: "[local]"}
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		proc.Host, proc.Port = a.IP.String(), strconv.Itoa(a.Port)
		if proc.Name = p.clientName(a.IP); proc.Name != "" {
			proc.Host = proc.Name
		}
	}
	if p.cfg.Get("log_connections").Bool() {
		port := ""
		if proc.Port != "" {
			port = " port=" + proc.Port
		}
		p.logFor(proc, pgerr.New(pgerr.SuccessfulCompletion, "connection received: host=%s%s", proc.Host, port).WithSeverity(pgerr.LogSev))
	}
	return proc
}

// clientName looks up the name of a client's address, if log_hostname says so; empty when it has none.
func (p *Postmaster) clientName(ip net.IP) string {
	if !p.cfg.Get("log_hostname").Bool() {
		return ""
	}
	auth := p.cfg.Registry.Find("authentication_timeout")
	ctx, cancel := context.WithTimeout(context.Background(), auth.Duration(p.cfg.Values().At(auth).Value))
	defer cancel()
	names, err := net.DefaultResolver.LookupAddr(ctx, ip.String())
	if err != nil || len(names) == 0 {
		return ""
	}
	return strings.TrimSuffix(names[0], ".")
}

// logFor logs for a connection that has no backend.
func (p *Postmaster) logFor(proc *logger.Process, e *pgerr.Error) {
	if logger.Outputs(e.Level(), p.cfg.Get("log_min_messages").Text) {
		(&logger.Event{Proc: proc, Err: e}).Write(p.log)
	}
}

// refuse tells a client why it is not served.
func (p *Postmaster) refuse(c net.Conn, proc *logger.Process, err error) {
	e := *pgerr.From(err)
	e.Severity = pgerr.Fatal
	p.logFor(proc, &e)
	w := wire.NewConn(c, &wire.Pool{})
	w.Error(&e)
	c.SetWriteDeadline(time.Now().Add(5 * time.Second))
	w.Flush()
	c.Close()
}

// handshake answers encryption requests and cancel requests until the start-up packet comes.
func (p *Postmaster) handshake(c net.Conn, proc *logger.Process) (map[string]string, bool) {
	auth := p.cfg.Registry.Find("authentication_timeout")
	c.SetReadDeadline(time.Now().Add(auth.Duration(p.cfg.Values().At(auth).Value)))
	for range 3 {
		body, err := readPacket(c)
		if err != nil {
			if _, ok := err.(*pgerr.Error); ok {
				p.refuse(c, proc, err)
			}
			return nil, false
		}
		switch code := binary.BigEndian.Uint32(body); {
		case code == sslCode || code == gssCode:
			if _, err := c.Write([]byte{'N'}); err != nil {
				return nil, false
			}
		case code == cancelCode:
			if len(body) == 12 {
				p.cancel(int32(binary.BigEndian.Uint32(body[4:])), binary.BigEndian.Uint32(body[8:]))
			}
			return nil, false
		case code>>16 != protocol3>>16:
			p.refuse(c, proc, pgerr.New(pgerr.FeatureNotSupported, "unsupported frontend protocol %d.%d: server supports 3.0 to 3.0", code>>16, code&0xffff))
			return nil, false
		default:
			params, err := parseStartup(body[4:])
			if err != nil {
				p.refuse(c, proc, err)
				return nil, false
			}
			if options := protocolOptions(params); code&0xffff != 0 || len(options) > 0 {
				w := wire.NewConn(c, &p.bufs)
				w.NegotiateProtocolVersion(protocol3, options)
				w.Flush()
			}
			c.SetReadDeadline(time.Time{})
			return params, true
		}
	}
	return nil, false
}

// readPacket reads a packet without a type byte, by itself so that nothing that follows is taken from the socket.
func readPacket(c net.Conn) ([]byte, error) {
	var head [4]byte
	if err := readFull(c, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n < 8 || n > 10000 {
		return nil, pgerr.New(pgerr.ProtocolViolation, "invalid length of startup packet")
	}
	body := make([]byte, n-4)
	return body, readFull(c, body)
}

func readFull(c net.Conn, b []byte) error {
	for len(b) > 0 {
		n, err := c.Read(b)
		b = b[n:]
		if err != nil && len(b) > 0 {
			return err
		}
	}
	return nil
}

func parseStartup(b []byte) (map[string]string, error) {
	m := wire.NewBody(b)
	out := map[string]string{}
	for m.Len() > 0 && b[len(b)-m.Len()] != 0 {
		name := m.CString()
		out[strings.Clone(name)] = strings.Clone(m.CString())
	}
	if m.Err() != nil || m.Len() != 1 {
		return nil, pgerr.New(pgerr.ProtocolViolation, "invalid startup packet layout: expected terminator as last byte")
	}
	return out, nil
}

// protocolOptions lists the start-up parameters that ask for extensions of the protocol, none of which there are.
func protocolOptions(params map[string]string) (out []string) {
	for name := range params {
		if strings.HasPrefix(name, "_pq_.") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// admit registers a connection, unless the server cannot take it now.
func (p *Postmaster) admit(c net.Conn, proc *logger.Process) (*child, *cluster, error) {
	var secret [4]byte
	rand.Read(secret[:])
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == stateStopping:
		return nil, nil, pgerr.New(pgerr.CannotConnectNow, "the database system is shutting down")
	case p.state == stateCrashed:
		return nil, nil, pgerr.New(pgerr.CannotConnectNow, "the database system is in recovery mode")
	case p.state != stateRunning:
		return nil, nil, pgerr.New(pgerr.CannotConnectNow, "the database system is starting up")
	case len(p.children) >= int(p.cfg.Get("max_connections").Int()):
		return nil, nil, pgerr.New(pgerr.TooManyConnections, "sorry, too many clients already")
	}
	ch := &child{slot: p.procs.AddPID("client backend", proc.PID), conn: c, proc: proc, secret: binary.BigEndian.Uint32(secret[:])}
	p.cluster.sessions.Add(1)
	proc.Slot, proc.Type = ch.slot, "client backend"
	p.children[ch.slot.PID] = ch
	return ch, p.cluster, nil
}

func (p *Postmaster) forget(ch *child, cl *cluster) {
	p.mu.Lock() // who no longer sees the session finds its place free
	p.procs.Remove(ch.slot)
	delete(p.children, ch.slot.PID)
	p.mu.Unlock()
	cl.sessions.Done()
	p.childGone.Broadcast()
}

// cancel interrupts the statement of the session with that process id, if the key fits.
func (p *Postmaster) cancel(pid int32, secret uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ch := p.children[pid]; ch != nil && ch.secret == secret {
		ch.slot.Interrupt(stats.CancelQuery)
	}
}

// Signal interrupts a process; false when there is none with that id.
func (p *Postmaster) Signal(pid int32, i stats.Interrupt) bool {
	p.mu.Lock()
	ch := p.children[pid]
	p.mu.Unlock()
	if ch == nil {
		s := p.procs.ByPID(pid)
		if s == nil {
			return false
		}
		s.Interrupt(i)
		return true
	}
	ch.interrupt(i)
	return true
}

// interrupt sets the request and, when it ends the session, wakes a session that waits for its client.
func (ch *child) interrupt(i stats.Interrupt) {
	ch.slot.Interrupt(i)
	if i&(stats.Terminate|stats.CrashExit|stats.ClientGone) != 0 {
		ch.conn.SetReadDeadline(time.Unix(1, 0))
		if ch.slot.Waiting() == stats.ClientWrite {
			ch.conn.SetWriteDeadline(time.Unix(1, 0)) // its client does not read
		}
	}
}
