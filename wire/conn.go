package wire

import (
	"encoding/binary"
	"io"
	"net"
	"sync"

	"gompho/internal/pgerr"
)

const (
	smallBuffer = 1 << 10
	flushAt     = 32 << 10
	// maxStartup bounds start-up packets, maxMessage all others.
	maxStartup = 10000
	maxMessage = 1<<30 - 1
	// smallMessage bounds messages that never carry much: a larger length means a broken client.
	smallMessage = 10000
)

// Conn is a connection's buffers and framing.
type Conn struct {
	nc   net.Conn
	sock *socket // nc as a socket; nil where it is none
	in   []byte  // buffered input is in[r:w]
	r, w int
	out  []byte
	// OnRead is called before the Conn blocks for input (with true) and after (false); it may be nil.
	OnRead func(begin bool)
	// OnWrite is the same for output, which blocks while the client does not read.
	OnWrite func(begin bool)
	// Account is told of large messages; nil: nobody is.
	Account Account
	charged int64 // for the body
	sending int64 // for out
	werr    error // the first failed write: everything after it is dropped
	pool    *Pool
	body    []byte // a large message, returned to the pool at the next read
}

// Account keeps the account of a session's memory, in bytes; *stats.Memory is one.
type Account interface {
	Afford(n int64, what string) error
	Grow(n int64, what string)
	Shrink(n int64)
}

// accounted is the size in bytes from which on a message is put on the account.
const accounted = 1 << 20

// Pool recycles large buffers between connections of a server.
type Pool struct{ big sync.Pool }

// Get returns an empty buffer with some capacity.
func (p *Pool) Get() []byte {
	if b, ok := p.big.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, flushAt+8192)
}

// Put gives a buffer back; very large ones are left to the garbage collector.
func (p *Pool) Put(b []byte) {
	if cap(b) >= flushAt && cap(b) <= 1<<20 {
		p.big.Put(&b)
	}
}

// NewConn wraps a socket.
func NewConn(nc net.Conn, pool *Pool) *Conn {
	return &Conn{nc: nc, sock: newSocket(nc), pool: pool, in: make([]byte, smallBuffer)}
}

// NetConn returns the socket.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Close closes the socket.
func (c *Conn) Close() error { return c.nc.Close() }

// Buffered reports whether input is waiting in the buffer.
func (c *Conn) Buffered() bool { return c.w > c.r }

// fill makes at least n bytes available at in[r:].
func (c *Conn) fill(n int) error {
	if c.w-c.r >= n {
		return nil
	}
	if c.r > 0 {
		copy(c.in, c.in[c.r:c.w])
		c.w -= c.r
		c.r = 0
	}
	if n > len(c.in) {
		b := make([]byte, n)
		copy(b, c.in[:c.w])
		c.in = b
	}
	for c.w < n {
		if c.OnRead != nil {
			c.OnRead(true)
		}
		k, err := c.read(c.in[c.w:])
		if c.OnRead != nil {
			c.OnRead(false)
		}
		c.w += k
		if c.w >= n {
			return nil
		}
		if err != nil {
			if err == io.EOF && c.w > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

func (c *Conn) read(b []byte) (int, error) {
	if c.sock != nil {
		return c.sock.read(b)
	}
	return c.nc.Read(b)
}

// ReadStartup reads a start-up packet: length and body, no type byte.
func (c *Conn) ReadStartup() ([]byte, error) {
	if err := c.fill(4); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(c.in[c.r:]))
	if n < 8 || n > maxStartup {
		return nil, pgerr.New(pgerr.ProtocolViolation, "invalid length of startup packet").WithSeverity(pgerr.Fatal)
	}
	if err := c.fill(n); err != nil {
		return nil, err
	}
	b := c.in[c.r+4 : c.r+n]
	c.r += n
	return b, nil
}

// largeTypes are the messages that may be long.
func isLarge(t byte) bool {
	switch t {
	case 'Q', 'P', 'B', 'F', 'd':
		return true
	}
	return false
}

// ReadMessage reads the next message. The body is valid until the next call. An error that is not fatal comes with the type: the message was read over, for
// want of memory.
func (c *Conn) ReadMessage() (byte, []byte, error) {
	if c.body != nil {
		c.pool.Put(c.body)
		c.body = nil
		c.release(&c.charged)
	}
	if c.r == c.w {
		c.r, c.w = 0, 0
		if len(c.in) > smallBuffer {
			c.in = make([]byte, smallBuffer)
		}
	}
	if err := c.fill(5); err != nil {
		return 0, nil, err
	}
	t := c.in[c.r]
	n := int(binary.BigEndian.Uint32(c.in[c.r+1:])) - 4
	if !known(t) {
		return 0, nil, pgerr.New(pgerr.ProtocolViolation, "invalid frontend message type %d", t).WithSeverity(pgerr.Fatal)
	}
	if n < 0 || n > maxMessage || !isLarge(t) && n > smallMessage {
		return 0, nil, pgerr.New(pgerr.ProtocolViolation, "invalid message length").WithSeverity(pgerr.Fatal)
	}
	if 5+n <= smallBuffer {
		if err := c.fill(5 + n); err != nil {
			return 0, nil, err
		}
		b := c.in[c.r+5 : c.r+5+n]
		c.r += 5 + n
		return t, b, nil
	}
	c.r += 5
	if n >= accounted && c.Account != nil {
		if err := c.Account.Afford(int64(n), "a message"); err != nil {
			if lost := c.skip(n); lost != nil {
				return t, nil, lost
			}
			return t, nil, err
		}
		c.charge(&c.charged, n, "a message")
	}
	b, err := c.readLarge(n)
	return t, b, err
}

func (c *Conn) charge(on *int64, n int, what string) {
	if c.Account != nil {
		c.Account.Grow(int64(n)-*on, what)
		*on = int64(n)
	}
}

func (c *Conn) release(on *int64) {
	if *on != 0 {
		c.Account.Shrink(*on)
		*on = 0
	}
}

// skip reads over n bytes.
func (c *Conn) skip(n int) error {
	for n > 0 {
		if err := c.fill(1); err != nil {
			return err
		}
		k := min(n, c.w-c.r)
		c.r += k
		n -= k
	}
	return nil
}

// readLarge reads a long body into a buffer that grows as the bytes arrive, so that a length alone allocates nothing.
func (c *Conn) readLarge(n int) ([]byte, error) {
	b := c.pool.Get()
	take := min(n, c.w-c.r)
	b = append(b, c.in[c.r:c.r+take]...)
	c.r += take
	for len(b) < n {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), nextSize(cap(b), n))
			copy(grown, b)
			b = grown
		}
		end := min(n, cap(b))
		if c.OnRead != nil {
			c.OnRead(true)
		}
		k, err := c.read(b[len(b):end])
		if c.OnRead != nil {
			c.OnRead(false)
		}
		b = b[:len(b)+k]
		if err != nil && len(b) < n {
			return nil, err
		}
	}
	c.body = b
	return b, nil
}

// nextSize returns how large a full buffer of size bytes is to grow for a body of n: the smallest of n, n/4, n/16, ... beyond it. The last copy is of a quarter of the body at most, so that
// the old buffer, which nobody accounts for, is small beside the new one.
func nextSize(size, n int) int {
	next := n
	for next/4 > size {
		next /= 4
	}
	return next
}

func known(t byte) bool {
	switch t {
	case 'Q', 'P', 'B', 'E', 'D', 'C', 'S', 'H', 'F', 'X', 'd', 'c', 'f', 'p':
		return true
	}
	return false
}

// Begin starts a message and returns its place for End.
func (c *Conn) Begin(t byte) int {
	if c.out == nil {
		c.out = c.pool.Get()
	}
	c.out = append(c.out, t, 0, 0, 0, 0)
	return len(c.out) - 4
}

// End completes a message, and writes the buffer out when it is large.
func (c *Conn) End(at int) {
	binary.BigEndian.PutUint32(c.out[at:], uint32(len(c.out)-at))
	if len(c.out) >= flushAt {
		if cap(c.out) >= accounted && int64(cap(c.out)) > c.sending {
			c.charge(&c.sending, cap(c.out), "a row for the client")
		}
		c.write()
	}
}

// Discard takes back an unfinished message.
func (c *Conn) Discard(at int) { c.out = c.out[:at-1] }

// Out is the write buffer, for appending to the message that is being built; store the result back with SetOut.
func (c *Conn) Out() []byte { return c.out }

// SetOut stores the write buffer after appending to it.
func (c *Conn) SetOut(b []byte) { c.out = b }

// Pending returns how many bytes wait to be written.
func (c *Conn) Pending() int { return len(c.out) }

func (c *Conn) write() {
	if c.werr == nil && len(c.out) > 0 {
		if c.OnWrite != nil {
			c.OnWrite(true)
			defer c.OnWrite(false)
		}
		if c.sock != nil {
			c.werr = c.sock.write(c.out)
		} else {
			_, c.werr = c.nc.Write(c.out)
		}
	}
	c.out = c.out[:0]
}

// Flush writes what waits and gives the buffer back. After a failed write all later ones fail alike.
func (c *Conn) Flush() error {
	if c.out != nil {
		c.write()
		c.pool.Put(c.out)
		c.out = nil
		c.release(&c.sending)
	}
	return c.werr
}

// Err returns the error of the first failed write.
func (c *Conn) Err() error { return c.werr }

// Byte, Int16, Int32, String and Bytes append to the message that is being built.

// Byte appends one byte.
func (c *Conn) Byte(b byte) { c.out = append(c.out, b) }

// Int16 appends a 16-bit integer.
func (c *Conn) Int16(v int16) { c.out = binary.BigEndian.AppendUint16(c.out, uint16(v)) }

// Int32 appends a 32-bit integer.
func (c *Conn) Int32(v int32) { c.out = binary.BigEndian.AppendUint32(c.out, uint32(v)) }

// String appends a string with its terminating zero.
func (c *Conn) String(s string) {
	c.out = append(c.out, s...)
	c.out = append(c.out, 0)
}

// Bytes appends bytes as they are.
func (c *Conn) Bytes(b []byte) { c.out = append(c.out, b...) }

// RawByte writes one byte outside any message: the answer to SSLRequest.
func (c *Conn) RawByte(b byte) error {
	_, err := c.nc.Write([]byte{b})
	return err
}
