package postmaster

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"gompho/stats"
)

// What statements say that they hold is bounded by the account (stats.MemoryPool). What they do not say shows in the size of Go's heap: it is looked at some
// hundred times a second while there is a limit, and the greediest statement is ended when the collector cannot keep the heap below it.

// watchEvery is the time between two looks; a process that fills memory at a gigabyte a second takes 10 MB meanwhile.
const watchEvery = 10 * time.Millisecond

// heapMeter reads the size of Go's heap, in bytes.
type heapMeter struct {
	samples [3]metrics.Sample
}

func newHeapMeter() *heapMeter {
	m := &heapMeter{}
	m.samples[0].Name = "/memory/classes/total:bytes"
	m.samples[1].Name = "/memory/classes/heap/released:bytes"
	m.samples[2].Name = "/gc/heap/live:bytes"
	return m
}

// read returns what the runtime has of the machine's memory, and what was in use when the collector last looked.
func (m *heapMeter) read() (used, live int64) {
	metrics.Read(m.samples[:])
	return int64(m.samples[0].Value.Uint64() - m.samples[1].Value.Uint64()), int64(m.samples[2].Value.Uint64())
}

// heapLimit returns what Go's heap is to keep to, in bytes; 0: there is no limit.
func (p *Postmaster) heapLimit() int64 {
	limit := p.memoryLimit()
	if limit == 0 {
		return 0
	}
	return max(limit-p.outside(), leastForQueries/3*4)
}

// watchMemory runs until the server stops.
func (p *Postmaster) watchMemory() {
	defer p.wg.Done()
	meter := newHeapMeter()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	high, beyond := 0, 0 // looks in a row that found the heap above its limit, and far above
	for {
		select {
		case <-p.quit:
			return
		case <-tick.C:
		}
		limit := p.heapLimit()
		if limit == 0 {
			continue
		}
		used, live := meter.read()
		p.mu.Lock()
		c := p.cluster
		p.mu.Unlock()
		if c == nil || used < limit/4*3 {
			high, beyond = 0, 0
			continue
		}
		c.memory.Watch()
		if used <= limit+limit/16 {
			beyond = 0
		} else {
			if beyond%collectEvery == 0 {
				used, live = p.collect(meter, limit)
			}
			beyond++
		}
		over := func() bool { return used > limit+limit/16 && live > limit/4*3 || live > limit/16*15 }
		switch {
		case !over():
			c.memory.Ease()
		case !c.memory.Press(used, limit, false):
			runtime.GC() // what is live is known for sure now
			if used, live = meter.read(); over() {
				c.memory.Press(used, limit, true)
			}
		}
		// What nobody holds any more goes back to the machine; the runtime would take its time.
		if high++; used <= limit {
			high = 0
		}
		if high == 10 {
			debug.FreeOSMemory()
			high = 0
		}
	}
}

// collectEvery is at how many looks that find the heap far above its limit garbage is collected once: what is live would be above it all the time.
const collectEvery = 10

// collect collects garbage while the statements wait. The collector of Go takes no more than half of the processors' time: among statements that leave a gigabyte of garbage a second, beside
// one that holds most of the limit, the heap would grow far beyond it. It returns what the meter says then.
func (p *Postmaster) collect(meter *heapMeter, limit int64) (used, live int64) {
	paused := p.procs.Append(nil)
	for _, s := range paused {
		if _, running := s.Activity.Running(); running {
			s.Pause(stats.MakeRoom)
		}
	}
	runtime.GC()
	if used, live = meter.read(); used > limit+limit/16 {
		debug.FreeOSMemory()
		used, live = meter.read()
	}
	for _, s := range paused {
		s.Resume(stats.MakeRoom)
	}
	return used, live
}

// fits tells whether Go's heap has room for n bytes more below its limit; garbage is collected when it has not. There is slack of a sixteenth for what cannot be known so exactly.
func (p *Postmaster) fits(n int64) bool {
	limit := p.heapLimit()
	if limit == 0 {
		return true
	}
	limit += limit / 16
	meter := newHeapMeter()
	if used, _ := meter.read(); used+n <= limit {
		return true
	}
	// What is free goes back to the machine, too: a large value does not fit into the holes, and would come on top of them.
	debug.FreeOSMemory()
	used, _ := meter.read()
	return used+n <= limit
}
