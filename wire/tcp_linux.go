package wire

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tcpOptions are the system's numbers.
var tcpOptions = [...]int{KeepIdle: unix.TCP_KEEPIDLE, KeepInterval: unix.TCP_KEEPINTVL, KeepCount: unix.TCP_KEEPCNT, UserTimeout: unix.TCP_USER_TIMEOUT}

// ChecksPeers tells that PeerClosed can tell.
const ChecksPeers = true

// control calls f with the file descriptor of the socket; false when there is none.
func (c *Conn) control(f func(fd int)) bool {
	s, ok := c.nc.(syscall.Conn)
	if !ok {
		return false
	}
	rc, err := s.SyscallConn()
	return err == nil && rc.Control(func(fd uintptr) { f(int(fd)) }) == nil
}

func (c *Conn) isTCP() bool {
	_, ok := c.nc.(*net.TCPConn)
	return ok
}

// TCPOption returns an option's value, in its unit; false when the connection is not by TCP.
func (c *Conn) TCPOption(o TCPOption) (v int, ok bool) {
	var err error
	ok = c.isTCP() && c.control(func(fd int) { v, err = unix.GetsockoptInt(fd, unix.IPPROTO_TCP, tcpOptions[o]) })
	return v, ok && err == nil
}

// SetTCPOption changes an option of a TCP connection; others have none, and nothing happens.
func (c *Conn) SetTCPOption(o TCPOption, v int) (err error) {
	if c.isTCP() {
		c.control(func(fd int) { err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, tcpOptions[o], v) })
	}
	return err
}

// PeerClosed reports whether the other side has closed the connection, or it broke, without reading from it. Any goroutine may ask.
func (c *Conn) PeerClosed() bool {
	if p, ok := c.nc.(interface{ PeerClosed() bool }); ok {
		return p.PeerClosed()
	}
	gone := false
	c.control(func(fd int) {
		const events = unix.POLLRDHUP | unix.POLLHUP | unix.POLLERR
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(fds, 0)
		gone = err == nil && n > 0 && fds[0].Revents&events != 0
	})
	return gone
}
