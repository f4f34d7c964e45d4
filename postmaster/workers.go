package postmaster

import (
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"gompho/bgwriter"
	"gompho/checkpointer"
	"gompho/cpugovernor"
	"gompho/logger"
	"gompho/stats"
	"gompho/storage/checkpoint"
	"gompho/walwriter"
)

// workers are the auxiliary processes of a cluster.
type workers struct {
	ckpt  *checkpoint.Checkpointer
	wg    sync.WaitGroup
	mu    sync.Mutex // protects slots, ended
	slots []*stats.Slot
	ended bool // no more processes are started
	// process takes requests for checkpoints; nil before the workers have started.
	process atomic.Pointer[checkpointer.Process]
}

// worker registers an auxiliary process and makes its log.
func (c *cluster) worker(kind string) (*stats.Slot, *zap.Logger) {
	slot := c.p.procs.Add(kind)
	c.workers.mu.Lock()
	c.workers.slots = append(c.workers.slots, slot)
	c.workers.mu.Unlock()
	return slot, c.p.logOf(kind, slot)
}

// logOf makes the log of a process that serves no client.
func (p *Postmaster) logOf(kind string, slot *stats.Slot) *zap.Logger {
	return p.root.With(logger.NewProcess(kind, slot.PID, slot).Field())
}

// spawn runs a worker as a supervised goroutine; a panic in it is a crash of the server.
func (c *cluster) spawn(slot *stats.Slot, run func(slot *stats.Slot) error) {
	c.workers.wg.Add(1)
	go func() {
		defer c.workers.wg.Done()
		defer c.p.procs.Remove(slot)
		c.guard(func() {
			if err := run(slot); err != nil && !c.fs.cut.Load() {
				c.crash(err, nil)
			}
		})
	}()
}

// startWorkers starts the auxiliary processes.
func (c *cluster) startWorkers() {
	cfg := c.p.cfg
	c.workers.ckpt = checkpoint.New(c.checkpointOptions())
	slot, log := c.worker("checkpointer")
	cp := checkpointer.New(checkpointer.Options{
		Mechanism: c.workers.ckpt, Log: c.log, Logger: log,
		Timeout:          func() time.Duration { return c.duration("checkpoint_timeout") },
		CompletionTarget: func() float64 { return cfg.Get("checkpoint_completion_target").Num },
		Warning:          func() time.Duration { return c.duration("checkpoint_warning") },
		LogCheckpoints:   c.logsCheckpoints,
		FullPageWrites:   func() bool { return cfg.Get("full_page_writes").Bool() },
	})
	c.workers.process.Store(cp)
	c.spawn(slot, cp.Run)
	slot, blog := c.worker("background writer")
	c.spawn(slot, func(slot *stats.Slot) error {
		return bgwriter.Run(slot, bgwriter.Options{Pool: c.pool, Logger: blog,
			Delay:      func() time.Duration { return c.duration("bgwriter_delay") },
			MaxPages:   func() int { return int(cfg.Get("bgwriter_lru_maxpages").Int()) },
			Multiplier: func() float64 { return cfg.Get("bgwriter_lru_multiplier").Num },
			FlushAfter: func() int { return int(cfg.Get("bgwriter_flush_after").Int()) },
		})
	})
	slot, wlog := c.worker("walwriter")
	c.spawn(slot, func(slot *stats.Slot) error {
		return walwriter.Run(slot, walwriter.Options{Log: c.log, Logger: wlog,
			Delay:      func() time.Duration { return c.duration("wal_writer_delay") },
			FlushAfter: func() int { return int(cfg.Bytes("wal_writer_flush_after")) },
		})
	})
	slot, _ = c.worker("cpu governor")
	c.spawn(slot, func(slot *stats.Slot) error {
		return cpugovernor.Run(slot, cpugovernor.Options{Processes: c.p.procs.Append, Extra: c.p.opt.ExtraProcessors,
			Share: func() int { return int(cfg.Get("gompho.long_statement_share").Int()) }})
	})
	c.startAutovacuum()
	c.startArchiver()
}

func (c *cluster) logsCheckpoints() bool { return c.p.cfg.Get("log_checkpoints").Bool() }

func (c *cluster) duration(name string) time.Duration {
	d := c.p.cfg.Registry.Find(name)
	return d.Duration(c.p.cfg.Values().At(d).Value)
}

// stopWorkers ends them.
func (c *cluster) stopWorkers() {
	c.workers.mu.Lock()
	for _, s := range c.workers.slots {
		s.Interrupt(stats.Terminate)
	}
	c.workers.slots, c.workers.ended = nil, true
	c.workers.mu.Unlock()
	c.workers.wg.Wait()
}

// checkpointNow makes a checkpoint and waits for it.
func (c *cluster) checkpointNow(slot *stats.Slot, immediate bool) error {
	flags := checkpoint.Force
	if immediate {
		flags |= checkpoint.Immediate
	}
	return c.workers.process.Load().Request(slot, flags, true)
}
