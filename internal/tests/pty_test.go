package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a program that runs on a pseudo-terminal.
type terminal struct {
	t    *testing.T
	pty  *os.File
	cmd  *exec.Cmd
	seen []byte // output not yet consumed
	all  []byte // all output, for messages
}

// onTerminal starts a program on a terminal of its own.
func onTerminal(t *testing.T, cmd *exec.Cmd) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatalf("no pseudo-terminal: %v", err)
	}
	pty := os.NewFile(uintptr(fd), "ptmx")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 200})
	}
	if err != nil {
		t.Fatalf("pseudo-terminal: %v", err)
	}
	side, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer side.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = side, side, side
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, pty: pty, cmd: cmd}
	t.Cleanup(func() {
		pty.Close()
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return x
}

// keys types.
func (x *terminal) keys(s string) {
	x.t.Helper()
	if _, err := x.pty.WriteString(s); err != nil {
		x.t.Fatalf("typing %q: %v\n%s", s, err, x.all)
	}
}

// until reads up to and with a text and returns what came before it.
func (x *terminal) until(text string) string {
	x.t.Helper()
	x.pty.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 8192)
	for {
		if before, after, ok := bytes.Cut(x.seen, []byte(text)); ok {
			out := string(before)
			x.seen = append([]byte(nil), after...)
			return out
		}
		n, err := x.pty.Read(buf)
		x.seen, x.all = append(x.seen, buf[:n]...), append(x.all, buf[:n]...)
		if err != nil {
			x.t.Fatalf("waiting for %q: %v\n%s", text, err, x.all)
		}
	}
}

// end waits for the program to exit.
func (x *terminal) end() {
	x.t.Helper()
	if err := x.cmd.Wait(); err != nil {
		x.t.Errorf("%s: %v\n%s", x.cmd.Path, err, x.all)
	}
}
