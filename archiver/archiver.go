package archiver

import (
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/wal/archive"
)

// Options of New.
type Options struct {
	Status archive.Status
	// Prepare is called before the archiver looks for what is ready; may be nil. Its error ends the server.
	Prepare func(slot *stats.Slot) error
	// Configured reports whether there is a way into an archive now.
	Configured func() bool
	// Archive copies one file of pg_wal to the archive and returns when it is there, safely. Its error is a failure, to be tried again, or an
	// interrupt.
	Archive func(slot *stats.Slot, name string) error
	// Exists reports whether pg_wal has a file.
	Exists func(name string) bool
	// Report is told of each attempt.
	Report func(name string, failed bool)
	// Timeout is archive_timeout, 0 for none; SwitchIfOlder begins a new segment when the last one has been in use for that long, and has something
	// in it; it returns after what time it should be asked again.
	Timeout       func() time.Duration
	SwitchIfOlder func(slot *stats.Slot, d time.Duration) (time.Duration, error)
	Logger        *zap.Logger
	// Retry and Round are the pauses between attempts and between rounds; 0: a second, a minute.
	Retry, Round time.Duration
}

// maxFailures is after how many failures in a row a round ends.
const maxFailures = 3

// Process is the archiver.
type Process struct {
	o      Options
	log    *zap.Logger
	wake   chan struct{} // capacity 1
	finish atomic.Bool
}

// New makes the process; Run runs it.
func New(o Options) *Process {
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	if o.Retry == 0 {
		o.Retry = time.Second
	}
	if o.Round == 0 {
		o.Round = time.Minute
	}
	return &Process{o: o, log: o.Logger, wake: make(chan struct{}, 1)}
}

// Wake says that there may be something to archive.
func (p *Process) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Finish makes Run archive what is left and return.
func (p *Process) Finish() {
	p.finish.Store(true)
	p.Wake()
}

// Run is the life of the process.
func (p *Process) Run(slot *stats.Slot) error {
	for slot.CheckInterrupts() == nil {
		slot.Clear(stats.ReloadConfig)
		finish := p.finish.Load()
		if goOn, err := p.round(slot); err != nil || !goOn || finish {
			return err
		}
		pause := p.o.Round
		if d := p.timeout(); d > 0 {
			next, err := p.o.SwitchIfOlder(slot, d)
			if err != nil {
				return err
			}
			pause = min(pause, next)
		}
		p.sleep(slot, pause)
	}
	return nil
}

func (p *Process) timeout() time.Duration {
	if p.o.Timeout == nil || p.o.SwitchIfOlder == nil || p.finish.Load() {
		return 0
	}
	return p.o.Timeout()
}

func (p *Process) sleep(slot *stats.Slot, d time.Duration) {
	prev := slot.BeginWait(stats.ActivityArchiverMain)
	defer slot.EndWait(prev)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.wake:
	case <-slot.Wake():
	}
}

// pause waits before the next attempt; nothing but an interrupt shortens it.
func (p *Process) pause(slot *stats.Slot, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return slot.CheckInterrupts()
		case <-slot.Wake():
			if err := slot.CheckInterrupts(); err != nil {
				return err
			}
		}
	}
}

// round archives what is ready. It returns false when the process is to end at once.
func (p *Process) round(slot *stats.Slot) (bool, error) {
	for {
		if p.o.Prepare != nil {
			if err := p.o.Prepare(slot); err != nil {
				return false, err
			}
		}
		names, err := p.o.Status.Waiting()
		if err != nil {
			p.log.Warn("could not read the status of archiving", zap.Error(err))
			return true, nil
		}
		if len(names) == 0 {
			return true, nil
		}
		for _, name := range names {
			if goOn, end := p.file(slot, name); !goOn {
				return !end, nil
			}
			if slot.CheckInterrupts() != nil {
				return false, nil
			}
		}
	}
}

// file archives one file. Without goOn the round is over, and with end the process.
func (p *Process) file(slot *stats.Slot, name string) (goOn, end bool) {
	for failures := 0; ; {
		if !p.o.Configured() {
			p.log.Warn("archive_mode enabled, yet archiving is not configured")
			return false, false
		}
		if !p.o.Exists(name) {
			return p.orphan(name), false
		}
		err := p.o.Archive(slot, name)
		if err == nil {
			err = p.done(name)
		} else if slot.CheckInterrupts() != nil {
			return false, true
		} else {
			p.failed(name, err)
		}
		if err == nil {
			return true, false
		}
		if failures++; failures >= maxFailures {
			p.log.Warn(fmt.Sprintf("archiving write-ahead log file %q failed too many times, will try again later", name))
			return false, false
		}
		if p.pause(slot, p.o.Retry) != nil {
			return false, true
		}
	}
}

// orphan removes the status of a file that is gone.
func (p *Process) orphan(name string) bool {
	file := archive.StatusDir + "/" + name + ".ready"
	if err := p.o.Status.DropReady(name); err != nil {
		p.log.Warn(fmt.Sprintf("removal of orphan archive status file %q failed, will try again later", file), zap.Error(err))
		return false
	}
	p.log.Warn(fmt.Sprintf("removed orphan archive status file %q", file))
	return true
}

func (p *Process) done(name string) error {
	p.o.Report(name, false)
	if err := p.o.Status.Archived(name); err != nil {
		p.log.Warn(fmt.Sprintf("could not mark write-ahead log file %q as archived", name), zap.Error(err))
		return err
	}
	return nil
}

func (p *Process) failed(name string, err error) {
	p.o.Report(name, true)
	e := pgerr.From(err)
	if e.Level() == pgerr.LogSev {
		p.log.Info(e.Message, zap.String("detail", e.Detail))
		return
	}
	p.log.Error(e.Message, zap.String("detail", e.Detail))
}
