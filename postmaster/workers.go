package postmaster

import (
	"sync"

	"gompho/stats"
	"gompho/storage/checkpoint"
)

// workers are the auxiliary processes of a cluster.
type workers struct {
	ckpt  *checkpoint.Checkpointer
	wg    sync.WaitGroup
	mu    sync.Mutex // protects slots
	slots []*stats.Slot
}

// spawn runs a worker as a supervised goroutine with a slot; a panic in it is a crash of the server.
func (c *cluster) spawn(kind string, run func(slot *stats.Slot)) {
	slot := c.p.procs.Add(kind)
	c.workers.mu.Lock()
	c.workers.slots = append(c.workers.slots, slot)
	c.workers.mu.Unlock()
	c.workers.wg.Add(1)
	go func() {
		defer c.workers.wg.Done()
		defer c.p.procs.Remove(slot)
		c.p.guard(func() { run(slot) })
	}()
}

// startWorkers starts the auxiliary processes.
func (c *cluster) startWorkers() {
	c.workers.ckpt = checkpoint.New(c.checkpointOptions())
}

// stopWorkers ends them.
func (c *cluster) stopWorkers() {
	c.workers.mu.Lock()
	for _, s := range c.workers.slots {
		s.Interrupt(stats.Terminate)
	}
	c.workers.slots = nil
	c.workers.mu.Unlock()
	c.workers.wg.Wait()
}

// checkpointNow makes a checkpoint and waits for it.
func (c *cluster) checkpointNow(slot *stats.Slot, immediate bool) error {
	flags := checkpoint.Force
	if immediate {
		flags |= checkpoint.Immediate
	}
	_, err := c.workers.ckpt.Run(slot, flags, nil)
	return err
}
