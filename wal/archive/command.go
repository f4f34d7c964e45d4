package archive

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"gompho/stats"
)

// Command is a shell command of a setting.
type Command struct {
	Text string // with %p, %f, %r
	Dir  string // where it runs: the data directory
	// Event is what the process waits for meanwhile.
	Event stats.WaitEvent
}

// Values are what a command's letters stand for.
type Values struct {
	Path   string // %p: the file in this server, from the data directory
	File   string // %f: its name
	Oldest string // %r: the oldest segment that is still needed
}

// Expand puts the values into the text.
func (c Command) Expand(v Values) string {
	return strings.NewReplacer("%%", "%", "%p", v.Path, "%f", v.File, "%r", v.Oldest).Replace(c.Text)
}

// Result is how a command ended. The zero value is success.
type Result struct {
	Command string // as it was run
	Exit    int    // exit code, if it ended by itself
	Signal  syscall.Signal
	Failure error  // it could not be run
	Output  string // what it printed, or the begin of that
}

// OK reports success.
func (r *Result) OK() bool { return r.Exit == 0 && r.Signal == 0 && r.Failure == nil }

// outputMax bounds what is kept of a command's output.
const outputMax = 4096

// limited keeps the begin of what is written to it.
type limited struct{ b bytes.Buffer }

// Write implements io.Writer.
func (l *limited) Write(b []byte) (int, error) {
	l.b.Write(b[:min(len(b), max(0, outputMax-l.b.Len()))])
	return len(b), nil
}

// Run runs the command to its end. An interrupt that ends the process ends the command, and is the error.
func (c Command) Run(slot *stats.Slot, v Values) (Result, error) {
	r := Result{Command: c.Expand(v)}
	cmd := exec.Command("/bin/sh", "-c", r.Command)
	cmd.Dir = c.Dir
	// A group of its own: what the shell started ends with it, and a Ctrl-C at the server's terminal is not for it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	null, err := os.Open(os.DevNull)
	if err != nil {
		r.Failure = err
		return r, nil
	}
	defer null.Close()
	var out limited
	cmd.Stdin, cmd.Stdout, cmd.Stderr = null, &out, &out
	if r.Failure = cmd.Start(); r.Failure != nil {
		return r, nil
	}
	prev := slot.BeginWait(c.Event)
	defer slot.EndWait(prev)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			r.take(err)
			r.Output = strings.TrimSpace(out.b.String())
			return r, nil
		case <-slot.Wake():
			if err := slot.CheckInterrupts(); err != nil {
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
				<-ended
				return r, err
			}
		}
	}
}

func (r *Result) take(err error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			r.Signal = ws.Signal()
			return
		}
		r.Exit = exit.ExitCode()
	default:
		r.Failure = err
	}
}
