package mvcc

import (
	"encoding/binary"
	"slices"
	"sync"

	"gompho/internal/ids"
	"gompho/stats"
	"gompho/wal"
)

// LockStrength is the strength of a row lock.
type LockStrength uint8

// The row locks of FOR KEY SHARE, FOR SHARE, FOR NO KEY UPDATE and FOR UPDATE.
const (
	LockKeyShare LockStrength = iota
	LockShare
	LockNoKeyExclusive
	LockExclusive
)

// strengthConflicts[a] has bit b set when row locks a and b conflict.
var strengthConflicts = [4]uint8{
	LockKeyShare:       1 << LockExclusive,
	LockShare:          1<<LockNoKeyExclusive | 1<<LockExclusive,
	LockNoKeyExclusive: 1<<LockShare | 1<<LockNoKeyExclusive | 1<<LockExclusive,
	LockExclusive:      1<<LockKeyShare | 1<<LockShare | 1<<LockNoKeyExclusive | 1<<LockExclusive,
}

// Conflicts reports whether two transactions cannot hold a and b on one row.
func (a LockStrength) Conflicts(b LockStrength) bool { return strengthConflicts[a]>>b&1 != 0 }

// MemberStatus is what a member of a multixact does to the row, with PostgreSQL's numbers.
type MemberStatus uint8

// Lockers, and then those who changed the row: NoKeyUpdate left its key, Update changed it or deleted the row.
const (
	ForKeyShare MemberStatus = iota
	ForShare
	ForNoKeyUpdate
	ForUpdate
	NoKeyUpdate
	Update
)

// IsUpdate reports whether the member changed or deleted the row rather than locked it.
func (s MemberStatus) IsUpdate() bool { return s > ForUpdate }

// Strength returns the row lock that the status amounts to.
func (s MemberStatus) Strength() LockStrength {
	return [...]LockStrength{LockKeyShare, LockShare, LockNoKeyExclusive, LockExclusive, LockNoKeyExclusive, LockExclusive}[s]
}

// Member is one transaction of a multixact.
type Member struct {
	Xid    ids.Xid
	Status MemberStatus
}

func (m Member) pack() uint64 { return uint64(m.Xid)<<8 | uint64(m.Status) }

func unpackMember(v uint64) Member { return Member{ids.Xid(v >> 8), MemberStatus(v & 0xff)} }

const (
	maxMembers     = 1 << 16
	entriesPerPage = pageSize / 8
	multiPages     = 128  // pages of offsets and members in memory, each
	multiCacheSize = 1024 // multixacts with decoded members in memory
	firstMulti     = 1
)

// multis keeps the multixacts: an array of 8-byte entries that say where the members begin (48 bits) and how many
// there are (16 bits, less one), and an array of 8-byte members, both in pages on disk. Multixacts never change.
type multis struct {
	log Log

	mu         sync.Mutex // everything below
	offsets    pageCache
	members    pageCache
	next       ids.MultiXactID
	nextMember uint64
	oldest     ids.MultiXactID
	byID       map[ids.MultiXactID][]Member
}

func openMultis(files Files, dir string, log Log) (*multis, error) {
	o, err := openSegments(files, dir+"/pg_multixact/offsets")
	if err != nil {
		return nil, err
	}
	m, err := openSegments(files, dir+"/pg_multixact/members")
	if err != nil {
		return nil, err
	}
	return &multis{log: log, offsets: newPageCache(o, log), members: newPageCache(m, log),
		next: firstMulti, nextMember: 1, oldest: firstMulti, byID: map[ids.MultiXactID][]Member{}}, nil
}

// get returns the members of id, which the caller must not write. An id that was never made or is truncated has none.
func (c *multis) get(slot *stats.Slot, id ids.MultiXactID) ([]Member, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ms, ok := c.byID[id]; ok {
		return ms, nil
	}
	if id < c.oldest || id >= c.next {
		return nil, nil
	}
	v, err := c.offsets.get(slot, uint64(id))
	if err != nil || v == 0 {
		return nil, err
	}
	start, n := v>>16, int(v&0xffff)+1
	ms := make([]Member, n)
	for i := range ms {
		w, err := c.members.get(slot, start+uint64(i))
		if err != nil {
			return nil, err
		}
		ms[i] = unpackMember(w)
	}
	c.remember(id, ms)
	return ms, nil
}

func (c *multis) remember(id ids.MultiXactID, ms []Member) {
	for old := range c.byID {
		if len(c.byID) < multiCacheSize {
			break
		}
		delete(c.byID, old)
	}
	c.byID[id] = ms
}

// create logs and stores a new multixact. ms must be sorted; the caller gives it away.
// Caller holds the checkpoint gate shared.
func (c *multis) create(slot *stats.Slot, ms []Member) (ids.MultiXactID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := multiRecord{ID: c.next, Start: c.nextMember, Members: ms}
	// Bring the pages in first: nothing may fail once the record is in the log.
	if err := c.prepare(slot, &r); err != nil {
		return 0, err
	}
	lsn := c.log.InsertSimple(wal.MultiCreate, 0, r.append(nil))
	if err := c.store(&r, lsn); err != nil {
		return 0, err
	}
	return r.ID, nil
}

func (c *multis) prepare(slot *stats.Slot, r *multiRecord) error {
	if _, err := c.offsets.get(slot, uint64(r.ID)); err != nil {
		return err
	}
	for i := 0; i < len(r.Members); i += entriesPerPage {
		if _, err := c.members.get(slot, r.Start+uint64(i)); err != nil {
			return err
		}
	}
	_, err := c.members.get(slot, r.Start+uint64(len(r.Members)-1))
	return err
}

func (c *multis) store(r *multiRecord, lsn ids.LSN) error {
	for i, m := range r.Members {
		if err := c.members.put(r.Start+uint64(i), m.pack(), lsn); err != nil {
			return err
		}
	}
	if err := c.offsets.put(uint64(r.ID), r.Start<<16|uint64(len(r.Members)-1), lsn); err != nil {
		return err
	}
	c.next = max(c.next, r.ID+1)
	c.nextMember = max(c.nextMember, r.Start+uint64(len(r.Members)))
	c.remember(r.ID, r.Members)
	return nil
}

func (c *multis) flush(slot *stats.Slot) error {
	for _, p := range []*pageCache{&c.members, &c.offsets} {
		c.mu.Lock()
		dirty := p.dirty()
		c.mu.Unlock()
		for _, no := range dirty {
			c.mu.Lock()
			err := p.writeOut(slot, no)
			c.mu.Unlock()
			if err != nil {
				return err
			}
		}
		if err := p.seg.sync(); err != nil {
			return err
		}
	}
	return nil
}

// truncate forgets multixacts before oldest.
func (c *multis) truncate(slot *stats.Slot, oldest ids.MultiXactID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if oldest <= c.oldest || oldest > c.next {
		return nil
	}
	start, known, err := c.firstMember(slot, oldest)
	if err != nil {
		return err
	}
	c.oldest = oldest
	for id := range c.byID {
		if id < oldest {
			delete(c.byID, id)
		}
	}
	if known {
		if err := c.members.seg.truncate(start / entriesPerPage); err != nil {
			return err
		}
	}
	return c.offsets.seg.truncate(uint64(oldest) / entriesPerPage)
}

// firstMember returns where the members of the first multixact from id on begin. Ids that were skipped have none: after too many of them the
// answer is not known. Caller holds mu.
func (c *multis) firstMember(slot *stats.Slot, id ids.MultiXactID) (start uint64, known bool, err error) {
	for end := id + 64*entriesPerPage; id < c.next; id++ {
		if id == end {
			return 0, false, nil
		}
		v, err := c.offsets.get(slot, uint64(id))
		if err != nil {
			return 0, false, err
		}
		if v != 0 {
			return v >> 16, true, nil
		}
	}
	return c.nextMember, true, nil
}

// pageCache is a write-back cache of pages of 8-byte entries. Its user locks.
type pageCache struct {
	seg   *segments
	log   Log
	pages map[uint64]*cachedPage
}

type cachedPage struct {
	b     []byte
	dirty bool
	lsn   ids.LSN
}

func newPageCache(seg *segments, log Log) pageCache {
	return pageCache{seg: seg, log: log, pages: map[uint64]*cachedPage{}}
}

func (c *pageCache) page(slot *stats.Slot, no uint64) (*cachedPage, error) {
	if p := c.pages[no]; p != nil {
		c.seg.counts.hit(no)
		return p, nil
	}
	for old := range c.pages {
		if len(c.pages) < multiPages {
			break
		}
		if err := c.writeOut(slot, old); err != nil {
			return nil, err
		}
		delete(c.pages, old)
	}
	p := &cachedPage{b: make([]byte, pageSize)}
	if err := c.seg.read(slot, no, p.b); err != nil {
		return nil, err
	}
	c.pages[no] = p
	return p, nil
}

func (c *pageCache) get(slot *stats.Slot, i uint64) (uint64, error) {
	p, err := c.page(slot, i/entriesPerPage)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(p.b[i%entriesPerPage*8:]), nil
}

func (c *pageCache) put(i, v uint64, lsn ids.LSN) error {
	p, err := c.page(nil, i/entriesPerPage)
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint64(p.b[i%entriesPerPage*8:], v)
	p.dirty, p.lsn = true, max(p.lsn, lsn)
	return nil
}

func (c *pageCache) dirty() []uint64 {
	var out []uint64
	for no, p := range c.pages {
		if p.dirty {
			out = append(out, no)
		}
	}
	slices.Sort(out)
	return out
}

func (c *pageCache) writeOut(slot *stats.Slot, no uint64) error {
	p := c.pages[no]
	if p == nil || !p.dirty {
		return nil
	}
	if err := c.log.Flush(slot, p.lsn); err != nil {
		return err
	}
	prev := slot.BeginWait(stats.IOSlruWrite)
	err := c.seg.write(no, p.b)
	slot.EndWait(prev)
	if err != nil {
		return err
	}
	p.dirty = false
	return nil
}
