package mvcc

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
)

// The commit log: two bits for each transaction, in pages of pg_xact.
//
// Readers take no lock: a page in memory is an array of atomic words, found through an atomic pointer. A slot holds the
// page whose number falls on it; when another page needs the slot the old one is written and dropped, and who still
// reads the dropped copy sees outcomes that were final when it was found. Writers hold mu shared so that their page
// cannot be dropped under them; loading a page holds it exclusively.

const (
	xidsPerWord  = 32
	wordsPerPage = pageSize / 8
	xidsPerPage  = xidsPerWord * wordsPerPage
	clogSlots    = 256 // pages in memory at most: 8 million transactions

	lsnGroup      = 32 // transactions that share a commit position
	groupsPerPage = xidsPerPage / lsnGroup
)

// Bits of a transaction in the log.
const (
	bitsInProgress = 0
	bitsCommitted  = 1
	bitsAborted    = 2
)

type clogPage struct {
	no    uint64
	dirty atomic.Bool
	lsn   atomic.Uint64 // the log must be flushed to here before the page is written
	words [wordsPerPage]atomic.Uint64
	// asyncLSN holds, by group, the highest commit position that was not waited for; made when first needed.
	asyncLSN atomic.Pointer[[groupsPerPage]atomic.Uint64]
}

type commitLog struct {
	seg *segments
	log Log

	mu    sync.RWMutex // held exclusively to change slots
	slots [clogSlots]atomic.Pointer[clogPage]
}

func openCommitLog(files Files, dir string, log Log) (*commitLog, error) {
	seg, err := openSegments(files, dir+"/pg_xact")
	if err != nil {
		return nil, err
	}
	return &commitLog{seg: seg, log: log}, nil
}

// page returns the page of x, from memory if it is there.
func (c *commitLog) page(slot *stats.Slot, x ids.Xid) *clogPage {
	no := uint64(x) / xidsPerPage
	if p := c.slots[no%clogSlots].Load(); p != nil && p.no == no {
		c.seg.counts.hit(uint64(x))
		return p
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load(slot, no)
}

// load brings a page in. Caller holds mu exclusively. A commit log that cannot be read leaves no way to say what is
// visible: the error is raised as a panic with a *pgerr.Error, which ends the session or, under a latch, crashes the server.
func (c *commitLog) load(slot *stats.Slot, no uint64) *clogPage {
	place := &c.slots[no%clogSlots]
	old := place.Load()
	if old != nil && old.no == no {
		return old
	}
	if old != nil {
		if err := c.write(slot, old); err != nil {
			panic(err)
		}
	}
	var buf [pageSize]byte
	if err := c.seg.read(slot, no, buf[:]); err != nil {
		panic(err)
	}
	p := &clogPage{no: no}
	for i := range p.words {
		p.words[i].Store(binary.LittleEndian.Uint64(buf[8*i:]))
	}
	place.Store(p)
	return p
}

// write puts a dirty page on disk (not yet synced).
func (c *commitLog) write(slot *stats.Slot, p *clogPage) error {
	if !p.dirty.Swap(false) {
		return nil
	}
	var buf [pageSize]byte
	for i := range p.words {
		binary.LittleEndian.PutUint64(buf[8*i:], p.words[i].Load())
	}
	err := c.log.Flush(slot, ids.LSN(p.lsn.Load()))
	if err == nil {
		prev := slot.BeginWait(stats.IOSlruWrite)
		err = c.seg.write(p.no, buf[:])
		slot.EndWait(prev)
	}
	if err != nil {
		p.dirty.Store(true)
	}
	return err
}

// get returns the bits of x.
func (c *commitLog) get(slot *stats.Slot, x ids.Xid) uint64 {
	p := c.page(slot, x)
	n := uint64(x) % xidsPerPage
	return p.words[n/xidsPerWord].Load() >> (n % xidsPerWord * 2) & 3
}

// set stores the outcome of transactions. async is the position of a commit record that was not flushed, 0 if it was.
func (c *commitLog) set(slot *stats.Slot, xids []ids.Xid, bits uint64, async ids.LSN) {
	for {
		xids = c.setPresent(xids, bits, async)
		if len(xids) == 0 {
			return
		}
		c.page(slot, xids[0]) // may panic: no lock is held. It may be gone again at once
	}
}

// setPresent stores outcomes up to the first transaction whose page is not in memory; it returns that one and the rest.
func (c *commitLog) setPresent(xids []ids.Xid, bits uint64, async ids.LSN) []ids.Xid {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for i, x := range xids {
		no := uint64(x) / xidsPerPage
		p := c.slots[no%clogSlots].Load()
		if p == nil || p.no != no {
			return xids[i:]
		}
		if i == 0 {
			c.seg.counts.hit(uint64(x))
		}
		p.set(x, bits, async)
	}
	return nil
}

func (p *clogPage) set(x ids.Xid, bits uint64, async ids.LSN) {
	n := uint64(x) % xidsPerPage
	if async != 0 {
		g := p.asyncLSN.Load()
		if g == nil {
			p.asyncLSN.CompareAndSwap(nil, new([groupsPerPage]atomic.Uint64))
			g = p.asyncLSN.Load()
		}
		raise(&g[n/lsnGroup], uint64(async))
		raise(&p.lsn, uint64(async))
	}
	p.words[n/xidsPerWord].Or(bits << (n % xidsPerWord * 2))
	p.dirty.Store(true)
}

func raise(a *atomic.Uint64, v uint64) {
	for {
		old := a.Load()
		if old >= v || a.CompareAndSwap(old, v) {
			return
		}
	}
}

// asyncLSN returns a position to which the log must be flushed before the outcome of x may reach disk by
// another way (a hint bit); 0 if it is there.
func (c *commitLog) asyncLSN(x ids.Xid) ids.LSN {
	no := uint64(x) / xidsPerPage
	p := c.slots[no%clogSlots].Load()
	if p == nil || p.no != no {
		return 0 // dropped pages were flushed first
	}
	g := p.asyncLSN.Load()
	if g == nil {
		return 0
	}
	return ids.LSN(g[uint64(x)%xidsPerPage/lsnGroup].Load())
}

// flush writes all dirty pages and syncs.
func (c *commitLog) flush(slot *stats.Slot) error {
	for i := range c.slots {
		c.mu.RLock()
		p := c.slots[i].Load()
		var err error
		if p != nil {
			err = c.write(slot, p)
		}
		c.mu.RUnlock()
		if err != nil {
			return err
		}
	}
	return c.seg.sync()
}

// truncate forgets transactions before oldest.
func (c *commitLog) truncate(oldest ids.Xid) error {
	return c.seg.truncate(uint64(oldest) / xidsPerPage)
}

// corrupt is the panic value for a state of the transaction files that cannot be.
func corrupt(format string, args ...any) *pgerr.Error {
	return pgerr.New(pgerr.DataCorrupted, format, args...)
}
