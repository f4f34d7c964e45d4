package postmaster

import (
	"fmt"
	"math"

	"gompho/stats"
)

// gompho.memory_limit bounds the server as a whole. Part of it is outside of Go's heap and fixed: the shared buffers and the log's buffers. What is left
// is the soft limit of Go's heap; three quarters of that are for what statements hold and account for (stats.MemoryPool), the rest is for what
// nobody counts: sessions, caches, plans, garbage between two collections.

// leastForQueries is what statements may hold together however small the limit is.
const leastForQueries = 8 << 20

// pageBytes is the memory that a shared buffer takes: its page, and its descriptor and place in the table.
const pageBytes = 8192 + 256

// outside returns the bytes outside of Go's heap.
func (p *Postmaster) outside() int64 {
	shared := p.cfg.Get("shared_buffers").Int()
	return shared*pageBytes + int64(walBuffers(p.cfg.Get("wal_buffers").Int(), shared))
}

// memoryLimit returns gompho.memory_limit in bytes; 0: there is none.
func (p *Postmaster) memoryLimit() int64 { return p.cfg.Get("gompho.memory_limit").Int() * 8192 }

// queryMemory returns the bytes that statements may hold together; 0: any.
func (p *Postmaster) queryMemory() int64 {
	limit := p.memoryLimit()
	if limit == 0 {
		return 0
	}
	return max((limit-p.outside())/4*3, leastForQueries)
}

// limitHeap tells the process what Go's heap should keep to.
func (p *Postmaster) limitHeap() {
	if p.opt.HeapLimit == nil {
		return
	}
	limit, heap := p.memoryLimit(), p.heapLimit()
	if limit == 0 {
		p.opt.HeapLimit(math.MaxInt64)
		return
	}
	if heap > limit-p.outside() {
		p.log.Warn(fmt.Sprintf("gompho.memory_limit is %d kB, of which the shared buffers and the buffers of the log take %d kB", limit/1024, p.outside()/1024))
	}
	p.opt.HeapLimit(heap)
}

// newMemory makes the account of what statements hold.
func (p *Postmaster) newMemory() *stats.MemoryPool {
	p.queryLimit.Store(p.queryMemory())
	pool := stats.NewMemoryPool(p.queryLimit.Load)
	if p.opt.HeapLimit != nil {
		pool.Measure(p.fits)
	}
	return pool
}
