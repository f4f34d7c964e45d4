package locks

import (
	"sync"
	"sync/atomic"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
)

const (
	numPartitions = 16   // PostgreSQL's NUM_LOCK_PARTITIONS
	strongSlots   = 1024 // counters of strong relation locks, by hash
)

// Manager is the lock table of one server.
type Manager struct {
	maxFast    int
	maxLocks   int64
	maxHolders int64
	log        func(*pgerr.Error)

	parts    [numPartitions]partition
	nLocks   atomic.Int64
	nHolders atomic.Int64

	// strong counts, by hash of the relation, the strong locks held or being acquired. A weak lock may take
	// the fast path only while its counter is 0; see fastpath.go for why that suffices.
	strong [strongSlots]atomic.Int32

	waits     ring[Wait]
	deadlocks ring[Deadlock]

	// marks counts searches that mark what they have seen, so that they need no sets. Under all partitions, as the marks.
	marks  uint64
	waited atomic.Int64 // how often somebody had to wait
	// looks counts the waiters that releases of locks have looked at.
	looks atomic.Int64

	ownersMu sync.RWMutex // owners
	owners   []*Owner
}

// partition is a share of the lock table.
type partition struct {
	mu      sync.Mutex // everything below, the locks in it, their holders and queues, and the wait fields of owners queued
	buckets []*lock
	count   int
	freeL   *lock
	freeH   *holder
	_       [64]byte
}

// lock is a thing on which locks are held or wanted. It exists while it has holders.
type lock struct {
	tag      Tag
	hash     uint32
	granted  Mask // modes with nGranted > 0
	waiting  Mask // modes with nWaiting > 0
	nGranted [numModes]int32
	nWaiting [numModes]int32
	first    *holder // holders, oldest first; a waiter has one too, perhaps with an empty mask
	last     *holder
	head     *Owner // wait queue
	tail     *Owner
	next     *lock  // bucket chain or free list
	mark     uint64 // see Manager.marks
	number   int32
}

// holder joins an owner and a lock: what PostgreSQL calls a PROCLOCK.
type holder struct {
	lock       *lock
	owner      *Owner
	held       Mask
	prev, next *holder // in lock's list; next also links the free list
}

// New makes an empty lock table.
func New(o Options) *Manager {
	if o.MaxLocksPerTransaction <= 0 {
		o.MaxLocksPerTransaction = 64
	}
	if o.FastPath <= 0 {
		o.FastPath = o.MaxLocksPerTransaction
	}
	if o.MaxOwners <= 0 {
		o.MaxOwners = 100
	}
	m := &Manager{log: o.Log, maxFast: o.FastPath}
	m.maxLocks = int64(o.MaxLocksPerTransaction) * int64(o.MaxOwners)
	m.maxHolders = 2 * m.maxLocks
	m.waits.size, m.deadlocks.size = o.WaitHistory, o.DeadlockHistory
	for i := range m.parts {
		m.parts[i].buckets = make([]*lock, 16)
	}
	return m
}

// NewOwner registers a process. slot may be nil.
func (m *Manager) NewOwner(slot *stats.Slot, opts OwnerOptions) *Owner {
	o := &Owner{m: m, slot: slot, opts: opts, sem: make(chan struct{}, 1)}
	if slot != nil {
		o.pid = slot.PID
	}
	o.buckets = make([]*local, 16)
	m.ownersMu.Lock()
	o.index = len(m.owners)
	m.owners = append(m.owners, o)
	m.ownersMu.Unlock()
	return o
}

// Close releases all that the owner holds and forgets it.
func (o *Owner) Close() {
	o.ReleaseTransaction()
	o.ReleaseAllSession()
	o.ClearVxid()
	m := o.m
	m.ownersMu.Lock()
	last := m.owners[len(m.owners)-1]
	m.owners[o.index] = last
	last.index = o.index
	m.owners[len(m.owners)-1] = nil
	m.owners = m.owners[:len(m.owners)-1]
	m.ownersMu.Unlock()
}

func (m *Manager) part(hash uint32) *partition { return &m.parts[hash%numPartitions] }

func (m *Manager) lockAll() {
	for i := range m.parts {
		m.parts[i].mu.Lock()
	}
}

// nextMark starts a search. Caller holds all partitions.
func (m *Manager) nextMark() uint64 {
	m.marks++
	return m.marks
}

func (m *Manager) unlockAll() {
	for i := range m.parts {
		m.parts[i].mu.Unlock()
	}
}

func (p *partition) bucket(hash uint32) int {
	return int(hash/numPartitions) & (len(p.buckets) - 1)
}

func (p *partition) find(tag Tag, hash uint32) *lock {
	for l := p.buckets[p.bucket(hash)]; l != nil; l = l.next {
		if l.tag == tag {
			return l
		}
	}
	return nil
}

func (p *partition) grow() {
	old := p.buckets
	p.buckets = make([]*lock, 2*len(old))
	for _, l := range old {
		for l != nil {
			next := l.next
			b := p.bucket(l.hash)
			l.next, p.buckets[b] = p.buckets[b], l
			l = next
		}
	}
}

// outOfMemory is the error of a full lock table.
func outOfMemory() error {
	return pgerr.New(pgerr.OutOfMemory, "out of shared memory").
		WithHint("You might need to increase max_locks_per_transaction.")
}

// findOrAdd returns the lock of tag, new if need be. Caller holds p.mu.
func (m *Manager) findOrAdd(p *partition, tag Tag, hash uint32) (*lock, error) {
	if l := p.find(tag, hash); l != nil {
		return l, nil
	}
	if m.nLocks.Add(1) > m.maxLocks {
		m.nLocks.Add(-1)
		return nil, outOfMemory()
	}
	l := p.freeL
	if l == nil {
		l = new(lock)
	} else {
		p.freeL = l.next
	}
	if p.count >= 2*len(p.buckets) {
		p.grow()
	}
	p.count++
	b := p.bucket(hash)
	*l = lock{tag: tag, hash: hash, next: p.buckets[b]}
	p.buckets[b] = l
	return l, nil
}

// dropIfUnused frees l when nobody holds or wants it. Caller holds p.mu.
func (m *Manager) dropIfUnused(p *partition, l *lock) {
	if l.first != nil {
		return
	}
	at := &p.buckets[p.bucket(l.hash)]
	for *at != l {
		at = &(*at).next
	}
	*at = l.next
	p.count--
	l.next, p.freeL = p.freeL, l
	m.nLocks.Add(-1)
}

// holderOf returns o's holder on l, nil if it has none. Caller holds p.mu.
func (l *lock) holderOf(o *Owner) *holder {
	for h := l.first; h != nil; h = h.next {
		if h.owner == o {
			return h
		}
	}
	return nil
}

// addHolder adds an empty holder. Caller holds p.mu and knows that o has none on l.
func (m *Manager) addHolder(p *partition, l *lock, o *Owner) (*holder, error) {
	if m.nHolders.Add(1) > m.maxHolders {
		m.nHolders.Add(-1)
		return nil, outOfMemory()
	}
	h := p.freeH
	if h == nil {
		h = new(holder)
	} else {
		p.freeH = h.next
	}
	*h = holder{lock: l, owner: o, prev: l.last}
	if l.last == nil {
		l.first = h
	} else {
		l.last.next = h
	}
	l.last = h
	return h, nil
}

// dropHolderIfUnused frees a holder that holds nothing, and its lock when that was the last. Caller holds p.mu
// and knows that the owner does not wait through h.
func (m *Manager) dropHolderIfUnused(p *partition, h *holder) bool {
	if h.held != 0 {
		return false
	}
	l := h.lock
	if h.prev == nil {
		l.first = h.next
	} else {
		h.prev.next = h.next
	}
	if h.next == nil {
		l.last = h.prev
	} else {
		h.next.prev = h.prev
	}
	*h = holder{next: p.freeH}
	p.freeH = h
	m.nHolders.Add(-1)
	m.dropIfUnused(p, l)
	return true
}

func (l *lock) grant(h *holder, mode Mode) {
	l.nGranted[mode]++
	l.granted |= mode.Bit()
	h.held |= mode.Bit()
}

// ungrant takes mode away and reports whether waiters may go on because of it.
func (l *lock) ungrant(h *holder, mode Mode) (wake bool) {
	if l.nGranted[mode]--; l.nGranted[mode] == 0 {
		l.granted &^= mode.Bit()
	}
	h.held &^= mode.Bit()
	return conflictTable[mode]&l.waiting != 0
}

// conflicts reports whether mode conflicts with what others than h hold.
func (l *lock) conflicts(h *holder, mode Mode) bool {
	c := conflictTable[mode]
	if l.granted&c == 0 {
		return false
	}
	if l.granted&c&^h.held != 0 {
		return true
	}
	for m := AccessShare; m < numModes; m++ {
		if c.Has(m) && l.granted.Has(m) && l.nGranted[m] > 1 {
			return true // h holds it too, but somebody else as well
		}
	}
	return false
}

// HasWaiters reports whether somebody waits for tag.
func (m *Manager) HasWaiters(tag Tag) bool { return m.WaiterCount(tag) > 0 }

// WaiterCount returns how many processes wait for tag.
func (m *Manager) WaiterCount(tag Tag) int {
	hash := tag.hash()
	p := m.part(hash)
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	if l := p.find(tag, hash); l != nil {
		for o := l.head; o != nil; o = o.qnext {
			n++
		}
	}
	return n
}

// ownerWith returns the process that runs the virtual transaction v, nil if none does.
func (m *Manager) ownerWith(v ids.VirtualXid) *Owner {
	m.ownersMu.RLock()
	defer m.ownersMu.RUnlock()
	for _, o := range m.owners {
		if o.prepared.Load() == 0 && o.vxLocal.Load() == v.Local && o.vxProc.Load() == v.Proc {
			return o
		}
	}
	return nil
}

func orDefault(f func() time.Duration, d time.Duration) time.Duration {
	if f == nil {
		return d
	}
	return f()
}
