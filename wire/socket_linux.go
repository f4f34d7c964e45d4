package wire

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// socket reads and writes a non-blocking socket by raw system calls. The scheduler is not told of them: they never
// block, and a thread that the kernel preempts inside one keeps its processor, instead of losing it to a thread that must be woken
// first. Waiting for the socket, deadlines and closing stay with net.
type socket struct {
	rc    syscall.RawConn
	buf   []byte // of the call under way
	n     int
	errno syscall.Errno
	// The two callbacks are made once, so that a call allocates nothing.
	onRead, onWrite func(fd uintptr) bool
}

// newSocket returns nil where nc is no socket of the operating system.
func newSocket(nc net.Conn) *socket {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	rc, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{rc: rc}
	s.onRead, s.onWrite = s.tryRead, s.tryWrite
	return s
}

func (s *socket) tryRead(fd uintptr) bool {
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(s.buf))), uintptr(len(s.buf)))
		switch e {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return false
		}
		s.n, s.errno = int(n), e
		return true
	}
}

func (s *socket) tryWrite(fd uintptr) bool {
	for s.n < len(s.buf) {
		b := s.buf[s.n:]
		n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch e {
		case 0:
			s.n += int(n)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			s.errno = e
			return true
		}
	}
	return true
}

// read is io.Reader's Read; b is not empty.
func (s *socket) read(b []byte) (int, error) {
	s.buf, s.n, s.errno = b, 0, 0
	err := s.rc.Read(s.onRead)
	s.buf = nil
	switch {
	case err != nil:
		return 0, err
	case s.errno != 0:
		return 0, os.NewSyscallError("read", s.errno)
	case s.n == 0:
		return 0, io.EOF
	}
	return s.n, nil
}

// write writes all of b.
func (s *socket) write(b []byte) error {
	s.buf, s.n, s.errno = b, 0, 0
	err := s.rc.Write(s.onWrite)
	s.buf = nil
	if err == nil && s.errno != 0 {
		err = os.NewSyscallError("write", s.errno)
	}
	return err
}
