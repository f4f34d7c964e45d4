package postmaster

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"gompho/stats"
)

// crash is called by the process that panicked, before it ends. Whatever is in memory can no longer be trusted. A process of
// a cluster that was given up already changes nothing.
func (c *cluster) crash(reason any, stack []byte) {
	p := c.p
	p.mu.Lock()
	switch {
	case p.cluster != c: // while starting or at the end of a shutdown, the error reaches whoever began that
		p.mu.Unlock()
		return
	case p.state == stateStopping: // it will be no clean one
		again := c.fs.cut.Swap(true)
		p.mu.Unlock()
		if again {
			return
		}
		p.log.Info("server process crashed", zap.String("detail", fmt.Sprint(reason)), zap.ByteString("stack", stack))
		p.endSessions(stats.CrashExit)
		c.pool.Abort()
		c.log.Abort()
		return
	}
	p.state, p.cluster = stateCrashed, nil
	p.wg.Add(1)
	p.mu.Unlock()
	p.log.Info("server process crashed", zap.String("detail", fmt.Sprint(reason)), zap.ByteString("stack", stack))
	p.log.Info("terminating any other active server processes")
	p.endSessions(stats.CrashExit) // first: who fails from here on knows why
	c.fence()
	go p.crashCycle(c)
}

// guard runs a worker; its panic is a crash of the server.
func (c *cluster) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			c.crash(r, debug.Stack())
		}
	}()
	f()
}

// crashCycle ends all processes, opens the cluster anew through recovery, and goes on.
func (p *Postmaster) crashCycle(old *cluster) {
	defer p.wg.Done()
	// Who waits for a latch or for the log may wait for a process that has died.
	old.pool.Abort()
	old.log.Abort()
	p.waitSome(5 * time.Second)
	old.abandon()
	p.mu.Lock()
	p.crashes++
	stopped := p.state != stateCrashed
	p.mu.Unlock()
	switch {
	case stopped:
		return // a shutdown came in between
	case !p.cfg.Get("restart_after_crash").Bool():
		p.log.Info("shutting down because restart_after_crash is off")
	default:
		p.log.Info("all server processes terminated; reinitializing")
		err := p.reopen()
		for wait := firstSpaceWait; noSpace(err); wait = min(2*wait, maxSpaceWait) {
			p.log.Error("recovery after the crash has no space on the disk", zap.Error(err),
				zap.String("hint", "Free disk space: the server tries again until there is some."))
			if !p.pause(wait) {
				return // a shutdown came in between
			}
			err = p.reopen()
		}
		if err == nil {
			return
		}
		p.log.Error("recovery after the crash failed", zap.Error(err))
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
	}
	go p.Stop(context.Background(), Immediate)
}

// Between two attempts to recover while the disk is full.
const firstSpaceWait, maxSpaceWait = 100 * time.Millisecond, 5 * time.Second

// spaceError is an error of openCluster that goes away when there is room on the disk.
type spaceError struct{ error }

func noSpace(err error) bool {
	_, ok := err.(spaceError)
	return ok
}

// pause waits for d, false when the server is told to stop.
func (p *Postmaster) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.quit:
		return false
	}
}

// reopen opens the cluster after a crash.
func (p *Postmaster) reopen() error {
	c, err := p.openCluster()
	if err != nil {
		return err
	}
	p.mu.Lock()
	if p.state != stateCrashed { // a shutdown came in between
		p.mu.Unlock()
		return c.close(false)
	}
	p.cluster = c
	p.mu.Unlock()
	c.startWorkers()
	p.mu.Lock()
	if p.state == stateCrashed && p.cluster == c { // else a worker has crashed already
		p.state = stateRunning
	}
	p.mu.Unlock()
	p.log.Info("database system is ready to accept connections")
	return nil
}

// abandon gives a crashed cluster up: nothing of it reaches the disk any more. A session that is stuck for ever keeps its memory.
func (c *cluster) abandon() {
	c.fence()
	c.stopWorkers()
	c.stopArchiver(false)
	c.letGo()
}

// letGo releases the cluster when its last session has ended, at once in most cases.
func (c *cluster) letGo() {
	gone := make(chan struct{})
	go func() {
		c.sessions.Wait()
		c.release()
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(time.Second):
	}
}

// fence keeps this cluster's processes from writing anything more.
func (c *cluster) fence() { c.fs.cut.Store(true) }
