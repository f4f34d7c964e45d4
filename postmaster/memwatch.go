package postmaster

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What statements say that they hold is bounded by the account (stats.MemoryPool). What they do not say shows in the size of Go's heap: it is looked at some
// hundred times a second while there is a limit, and the greediest statement is ended when the collector cannot keep the heap below it.

// watchEvery is the time between two looks; a process that fills memory at a gigabyte a second takes 10 MB meanwhile.
const watchEvery = 10 * time.Millisecond

// heapMeter reads the size of Go's heap, in bytes.
type heapMeter struct {
	samples [4]metrics.Sample
}

func newHeapMeter() *heapMeter {
	m := &heapMeter{}
	m.samples[0].Name = "/memory/classes/total:bytes"
	m.samples[1].Name = "/memory/classes/heap/released:bytes"
	m.samples[2].Name = "/gc/heap/live:bytes"
	m.samples[3].Name = "/memory/classes/heap/free:bytes"
	return m
}

// inUse returns what read calls used without what the runtime keeps for later.
func (m *heapMeter) inUse() int64 {
	used, _ := m.read()
	return used - int64(m.samples[3].Value.Uint64())
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
	high := 0 // looks in a row that found the heap above its limit
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
			high = 0
			continue
		}
		c.memory.Watch()
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
	runtime.GC()
	return meter.inUse()+n <= limit
}
