//go:build !linux

package wire

import "net"

// socket is there on Linux only; elsewhere net does the reading and writing.
type socket struct{}

func newSocket(net.Conn) *socket { return nil }

func (*socket) read([]byte) (int, error) { panic("wire: no socket") }
func (*socket) write([]byte) error       { panic("wire: no socket") }
