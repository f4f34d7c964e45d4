package postmaster

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memPipe is one direction of an in-memory connection: a bounded buffer.
type memPipe struct {
	mu       sync.Mutex // protects all
	changed  *sync.Cond
	buf      []byte
	closed   bool // by either side: no more bytes go in
	deadline time.Time
	timer    *time.Timer
}

// memLimit is how many bytes may wait in one direction.
const memLimit = 64 << 10

func newMemPipe() *memPipe {
	p := &memPipe{}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *memPipe) expired() bool { return !p.deadline.IsZero() && !time.Now().Before(p.deadline) }

func (p *memPipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) == 0 {
		if p.closed {
			return 0, io.EOF
		}
		if p.expired() {
			return 0, os.ErrDeadlineExceeded
		}
		p.changed.Wait()
	}
	n := copy(b, p.buf)
	p.buf = p.buf[:copy(p.buf, p.buf[n:])]
	p.changed.Broadcast()
	return n, nil
}

func (p *memPipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent := 0
	for len(b) > 0 {
		if p.closed {
			return sent, io.ErrClosedPipe
		}
		if room := memLimit - len(p.buf); room > 0 {
			n := min(room, len(b))
			p.buf = append(p.buf, b[:n]...)
			b, sent = b[n:], sent+n
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
	return sent, nil
}

func (p *memPipe) close() {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.changed.Broadcast()
	p.mu.Unlock()
}

func (p *memPipe) setDeadline(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	if d := time.Until(t); !t.IsZero() && d > 0 && !p.closed {
		p.timer = time.AfterFunc(d, func() {
			p.mu.Lock()
			p.changed.Broadcast()
			p.mu.Unlock()
		})
	}
	p.changed.Broadcast()
}

// memConn is one end of an in-memory connection.
type memConn struct{ in, out *memPipe }

// memPair makes both ends.
func memPair() (net.Conn, net.Conn) {
	a, b := newMemPipe(), newMemPipe()
	return &memConn{a, b}, &memConn{b, a}
}

func (c *memConn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *memConn) Write(b []byte) (int, error) { return c.out.write(b) }

// Close ends both directions; what was written can still be read.
func (c *memConn) Close() error {
	c.in.close()
	c.out.close()
	return nil
}

// PeerClosed reports whether either side has closed the connection.
func (c *memConn) PeerClosed() bool {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return c.in.closed
}

type memAddr struct{}

func (memAddr) Network() string { return "memory" }
func (memAddr) String() string  { return "memory" }

func (c *memConn) LocalAddr() net.Addr                { return memAddr{} }
func (c *memConn) RemoteAddr() net.Addr               { return memAddr{} }
func (c *memConn) SetDeadline(t time.Time) error      { c.in.setDeadline(t); return nil }
func (c *memConn) SetReadDeadline(t time.Time) error  { c.in.setDeadline(t); return nil }
func (c *memConn) SetWriteDeadline(t time.Time) error { return nil }
