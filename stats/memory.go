package stats

import (
	"math"
	"sync"
	"sync/atomic"

	"gompho/internal/pgerr"
)

// MemoryPool is the account of what the sessions of a server hold for their statements. Accounts are charged in blocks of many kilobytes, never for
// rows, so that the shared counter is seldom touched.
//
// When the sum passes the limit, the session that holds the most is asked to give up its statement: it gets 53200 at its next CheckInterrupts. The
// others go on meanwhile, and may pass the limit by what those hold who have been asked, but by no more than a quarter of it: who asks for more
// then is refused, whoever holds the most. Sessions that hold little, a thirty-second of the limit, may go on: the greedy one, not they, is
// slow to give up. They are refused beyond twice the limit.
type MemoryPool struct {
	limit   func() int64
	held    atomic.Int64
	peak    atomic.Int64 // the most that was held since the start
	refused atomic.Int64
	fits    func(n int64) bool

	mu       sync.Mutex // protects accounts; never taken while memory is to be had
	accounts map[*Memory]struct{}
}

// NewMemoryPool makes the account of a server; limit is in bytes, 0 for none. It is called from all sessions.
func NewMemoryPool(limit func() int64) *MemoryPool {
	return &MemoryPool{limit: limit, accounts: map[*Memory]struct{}{}}
}

// Measure gives the account a look at the process: fits tells whether it has room for n bytes more, whatever was said to be held. It may take as long as a collection of garbage, and
// is called from all sessions, for what is large. Set it before the first session.
func (p *MemoryPool) Measure(fits func(n int64) bool) { p.fits = fits }

// Limit returns the bytes that the sessions may hold together; 0: there is no limit.
func (p *MemoryPool) Limit() int64 {
	if p == nil {
		return 0
	}
	return p.limit()
}

// Held returns the bytes that the sessions hold.
func (p *MemoryPool) Held() int64 {
	if p == nil {
		return 0
	}
	return p.held.Load()
}

// Peak returns the most that the sessions have held together.
func (p *MemoryPool) Peak() int64 {
	if p == nil {
		return 0
	}
	return p.peak.Load()
}

// Refused returns how many statements have ended with 53200.
func (p *MemoryPool) Refused() int64 {
	if p == nil {
		return 0
	}
	return p.refused.Load()
}

// Open makes the account of the session of slot, which its parallel workers share.
func (p *MemoryPool) Open(slot *Slot) *Memory {
	m := &Memory{pool: p, slot: slot}
	p.mu.Lock()
	p.accounts[m] = struct{}{}
	p.mu.Unlock()
	return m
}

// Memory is what one session holds, with its parallel workers. A nil *Memory has no limit and counts nothing. All methods may be called from any
// goroutine.
type Memory struct {
	pool *MemoryPool
	slot *Slot // of the session
	held atomic.Int64
	peak atomic.Int64 // the most since TakePeak
	idle atomic.Bool  // it waits for its client: it is not asked for anything
	last atomic.Pointer[request]
	// pressed is the error that waits for the session because the process is too large, whatever the account says; running counts how often the session was seen at work
	// since it last began to wait for its client.
	pressed atomic.Pointer[pgerr.Error]
	running atomic.Int64
	// failed is the error by which the session's statement ends, from when it has been raised to the end of the statement.
	failed atomic.Pointer[pgerr.Error]
}

// request is what made a session pass the limit.
type request struct {
	bytes int64
	what  string
}

// Pool returns the account of the server; nil when nothing is counted.
func (m *Memory) Pool() *MemoryPool {
	if m == nil {
		return nil
	}
	return m.pool
}

// Close ends the account.
func (m *Memory) Close() {
	if m == nil {
		return
	}
	p := m.pool
	p.held.Add(-m.held.Swap(0))
	p.mu.Lock()
	delete(p.accounts, m)
	p.mu.Unlock()
}

// SetIdle notes whether the session waits for its client. One that does is not asked to give up: it could not answer.
func (m *Memory) SetIdle(idle bool) {
	if m != nil {
		m.idle.Store(idle)
		if m.running.Load() != 0 {
			m.running.Store(0)
		}
	}
}

// Held returns the bytes charged.
func (m *Memory) Held() int64 {
	if m == nil {
		return 0
	}
	return m.held.Load()
}

// Peak returns the most that was charged at once since the session began.
func (m *Memory) Peak() int64 {
	if m == nil {
		return 0
	}
	return m.peak.Load()
}

// Grow charges n bytes that the session has taken, or is about to take, for what: words for an error's detail. It does not fail: if the limit is passed, an
// interrupt is sent to whoever is to give up.
func (m *Memory) Grow(n int64, what string) {
	if m == nil || n == 0 {
		return
	}
	raise(&m.peak, m.held.Add(n))
	p := m.pool
	sum := p.held.Add(n)
	raise(&p.peak, sum)
	if limit := p.limit(); limit > 0 && sum > limit {
		m.last.Store(&request{n, what})
		p.reclaim(m, limit)
	}
}

// Shrink takes n bytes from the account.
func (m *Memory) Shrink(n int64) {
	if m != nil && n != 0 {
		m.held.Add(-n)
		m.pool.held.Add(-n)
	}
}

// largeShare is which part of the limit a request has to be for the process to be measured before it is granted.
const largeShare = 64

// Afford asks whether n bytes could be had at once for what, before they are taken; the error is the statement's. It charges nothing.
func (m *Memory) Afford(n int64, what string) error {
	if m == nil {
		return nil
	}
	limit := m.pool.limit()
	if limit <= 0 {
		return nil
	}
	if m.pool.held.Load()+n <= limit {
		if n >= max(limit/largeShare, ChargeStep) && m.pool.fits != nil && !m.pool.fits(n) {
			m.last.Store(&request{n, what})
			return m.refuse()
		}
		return nil
	}
	if n > limit/4 || m.held.Load()+n >= m.pool.most(m) {
		m.last.Store(&request{n, what})
		return m.refuse()
	}
	return nil // another one is to give way, and is asked when this is charged
}

func raise(peak *atomic.Int64, n int64) {
	for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); old = peak.Load() {
	}
}

// most returns what the greediest session but m holds.
func (p *MemoryPool) most(m *Memory) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := int64(0)
	for a := range p.accounts {
		if a != m && !a.idle.Load() {
			most = max(most, a.held.Load())
		}
	}
	return most
}

// reclaim asks as many sessions to give up, the greediest first, as it takes to come below the limit; m has asked for more.
func (p *MemoryPool) reclaim(m *Memory, limit int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	over := p.held.Load() - limit
	if over > limit || over > limit/4 && m.held.Load() > limit/32 {
		m.slot.Interrupt(OutOfMemory)
	}
	for a := range p.accounts {
		if a.asked() {
			over -= a.held.Load()
		}
	}
	for over > 0 {
		var victim *Memory
		most := int64(0)
		for a := range p.accounts {
			if n := a.held.Load(); n > most && !a.asked() && (a == m || !a.idle.Load()) {
				victim, most = a, n
			}
		}
		if victim == nil {
			return
		}
		if victim != m {
			victim.last.CompareAndSwap(nil, &request{0, ""})
		}
		victim.slot.Interrupt(OutOfMemory)
		over -= most
	}
}

// asked reports whether the session has been asked to give up and has not answered.
func (m *Memory) asked() bool { return m.slot.Pending()&OutOfMemory != 0 }

// fails reports whether the session, which has been asked to give up, has to: not when there is room again. Once it has to, the statement does not get away.
func (m *Memory) fails() bool {
	if m == nil {
		return false
	}
	if m.failed.Load() != nil {
		return true
	}
	if e := m.pressed.Swap(nil); e != nil {
		m.pool.refused.Add(1)
		m.failed.CompareAndSwap(nil, e)
		return true
	}
	if limit := m.pool.limit(); limit <= 0 || m.pool.held.Load() <= limit {
		m.last.Store(nil)
		return false
	}
	m.failed.CompareAndSwap(nil, m.refuse())
	return true
}

// failure returns the error of the statement.
func (m *Memory) failure() *pgerr.Error {
	e := *m.failed.Load()
	return &e
}

// forget ends the statement.
func (m *Memory) forget() {
	if m != nil {
		m.failed.Store(nil)
		m.pressed.Store(nil)
		m.last.Store(nil)
	}
}

func (m *Memory) refuse() *pgerr.Error {
	m.pool.refused.Add(1)
	e := pgerr.New(pgerr.OutOfMemory, "out of memory")
	r := m.last.Swap(nil)
	kB := func(n int64) int64 { return int64(math.Ceil(float64(n) / 1024)) }
	if r == nil || r.bytes == 0 {
		return e.WithDetail("Another session's request passed gompho.memory_limit, which leaves %d kB to queries, while this one held the most: %d kB.",
			kB(m.pool.limit()), kB(m.held.Load()))
	}
	return e.WithDetail("Failed on request of size %d for %s, while this session held %d kB and all sessions %d kB; gompho.memory_limit leaves %d kB to queries.",
		r.bytes, r.what, kB(m.held.Load()), kB(m.pool.held.Load()), kB(m.pool.limit()))
}

// Charge is one thing on a session's account, by what it was last said to take. One goroutine at a time uses it.
type Charge struct {
	on *Memory
	n  int64
}

// ChargeStep is by how many bytes charges differ: less is not worth counting.
const ChargeStep = 256 << 10

// Set says that the thing takes n bytes now, for what. It does not fail: see Memory.Grow.
func (c *Charge) Set(m *Memory, n int64, what string) {
	switch n &^= ChargeStep - 1; {
	case n > c.n:
		m.Grow(n-c.n, what)
	case n == 0 || n+2*ChargeStep <= c.n:
		m.Shrink(c.n - n)
	default:
		return
	}
	c.on, c.n = m, n
}

// Done says that the thing is gone.
func (c *Charge) Done() {
	if c.n != 0 {
		c.on.Shrink(c.n)
		c.n = 0
	}
}

// MemoryUse is a line of the account.
type MemoryUse struct {
	PID        int32
	Held, Peak int64
}

// Uses lists the accounts, in no order.
func (p *MemoryPool) Uses() []MemoryUse {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]MemoryUse, 0, len(p.accounts))
	for a := range p.accounts {
		out = append(out, MemoryUse{a.slot.PID, a.held.Load(), a.peak.Load()})
	}
	return out
}
