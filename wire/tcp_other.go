//go:build !linux

package wire

// ChecksPeers tells that PeerClosed can tell.
const ChecksPeers = false

// TCPOption, SetTCPOption and PeerClosed are there on Linux only.
func (c *Conn) TCPOption(TCPOption) (int, bool) { return 0, false }

// SetTCPOption does nothing.
func (c *Conn) SetTCPOption(TCPOption, int) error { return nil }

// PeerClosed knows about connections in memory only.
func (c *Conn) PeerClosed() bool {
	p, ok := c.nc.(interface{ PeerClosed() bool })
	return ok && p.PeerClosed()
}
