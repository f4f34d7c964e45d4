package stats

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gompho/internal/ids"
)

const (
	flushInterval = time.Second // a busy session hands in its counters no more often
	keepRelations = 32          // beyond so many, a flush forgets the relations that were not used
	readCells     = 32
)

// Pending are the counters of one session that the server does not know of yet. Counting touches only this: no lock is taken and, once a
// relation is known, nothing is allocated.
//
// The session holds busy from its first action until it is idle outside of a transaction. Whoever else gets busy then may hand in what has been
// counted, so a reader of the statistics sees what idle sessions have done, however long ago. All methods but those of Shared
// are for the session's goroutine. A nil *Pending is valid and counts nothing.
type Pending struct {
	shared *Shared
	db     ids.Oid
	busy   sync.Mutex // protects what follows
	held   bool       // by the session itself; only its goroutine looks

	rels    map[RelID]*RelPending
	recent  [16]*RelPending // by the low bits of the Oid
	files   map[ids.RelFile]ids.Oid
	reads   [readCells]readCell // by the low bits of the file's number
	level   int                 // nesting of subtransactions, from 0
	inXact  []*RelPending       // those with counts that the end of the transaction settles
	spare   *relXact
	objects []objectChange
	own     Database
	temp    *TempSpace // the session's temporary files
	used    bool       // something was counted since the last flush
	off     bool       // nothing is counted but what Track says
	last    time.Time
	force   bool
	seen    seen
	steps   Steps
	stepsDB atomic.Uint32 // db, for those who read the steps
}

// readCell counts reads of the blocks of one file.
type readCell struct {
	file       ids.RelFile
	reads, hit uint32
}

// objectChange is a relation that the transaction has created or dropped.
type objectChange struct {
	id     RelID
	level  int
	create bool
}

// RelPending are a session's own counts of one relation. A nil *RelPending counts nothing. Do not keep one from one scan or
// statement to the next.
type RelPending struct {
	p    *Pending
	id   RelID
	file ids.RelFile

	Scans, Returned, Fetched int64

	ins, upd, del, hot  int64 // of transactions that are over, but for hot
	live, dead, changed int64
	truncated           bool
	blocks, hits        int64
	xact                *relXact
}

// relXact is what one level of the running transaction did to a relation.
type relXact struct {
	level                  int
	ins, upd, del          int64
	insWas, updWas, delWas int64 // before the first TRUNCATE at this level
	truncated              bool
	upper                  *relXact
}

// NewPending makes the counters of a new session, which is busy. It ends with Close.
func (s *Shared) NewPending() *Pending {
	p := newPending(s, 0)
	p.Busy()
	s.mu.Lock()
	s.sessions[p] = struct{}{}
	s.mu.Unlock()
	return p
}

func newPending(s *Shared, db ids.Oid) *Pending {
	return &Pending{shared: s, db: db, rels: map[RelID]*RelPending{}}
}

// Connect tells the session's database; what it has done so far counts there.
func (p *Pending) Connect(db ids.Oid) {
	if p != nil {
		p.db = db
		p.stepsDB.Store(uint32(db))
	}
}

// Track says whether the session counts what it does to relations, its deadlocks and temporary files: track_counts. Its transactions and its
// time count always. So does what it has counted before.
func (p *Pending) Track(on bool) {
	if p != nil && p.off == on {
		p.off = !on
	}
}

// Tracks reports whether the session counts what it does to relations.
func (p *Pending) Tracks() bool { return p != nil && !p.off }

// Busy says that the session has something to do.
func (p *Pending) Busy() {
	if p != nil && !p.held {
		p.busy.Lock()
		p.held = true
	}
}

// Idle says that the session waits for its client outside of a transaction. Counters are handed in if that was not done lately.
func (p *Pending) Idle() {
	if p == nil || !p.held {
		return
	}
	if p.used {
		if now := time.Now(); p.force || now.Sub(p.last) >= flushInterval {
			p.last = now
			p.shared.flush(p)
		}
	}
	p.held = false
	p.busy.Unlock()
}

// Flush hands the counters in now. The session must be outside of a transaction.
func (p *Pending) Flush() {
	if p != nil && p.level == 0 && len(p.inXact) == 0 {
		p.shared.flush(p)
	}
}

// ForceNextFlush makes the next Idle hand in the counters, whenever the last one did.
func (p *Pending) ForceNextFlush() {
	if p != nil {
		p.force, p.used = true, true
	}
}

// Close hands in what is left and forgets the session.
func (p *Pending) Close() {
	if p == nil {
		return
	}
	p.Busy()
	p.takeTemp(p.temp)
	if p.db != 0 {
		p.shared.flush(p)
	}
	p.shared.mu.Lock()
	p.shared.leaveSteps(p)
	delete(p.shared.sessions, p)
	p.shared.mu.Unlock()
	p.held = false
	p.busy.Unlock()
}

// Shared returns where the counters go.
func (p *Pending) Shared() *Shared {
	if p == nil {
		return nil
	}
	return p.shared
}

// Relation returns the session's counts of a relation whose main fork is file.
func (s *Slot) Relation(oid ids.Oid, file ids.RelFile) *RelPending {
	if s == nil || s.Stats == nil || s.Stats.off {
		return nil
	}
	p := s.Stats
	p.used = true
	if r := p.recent[oid%16]; r != nil && r.id.Rel == oid && r.file == file {
		return r
	}
	return p.relation(oid, file)
}

func (p *Pending) relation(oid ids.Oid, file ids.RelFile) *RelPending {
	r := p.get(RelID{file.DB, oid})
	if r.file != file {
		r.file = file
		if file.Rel != oid {
			if p.files == nil {
				p.files = map[ids.RelFile]ids.Oid{}
			}
			p.files[file] = oid
		}
	}
	p.recent[oid%16] = r
	return r
}

func (p *Pending) get(id RelID) *RelPending {
	r := p.rels[id]
	if r == nil {
		r = &RelPending{p: p, id: id}
		p.rels[id] = r
	}
	return r
}

// countRead counts a read of a block that was found in the shared buffers or not.
func (p *Pending) countRead(file ids.RelFile, hit bool) {
	if p.off {
		return
	}
	c := &p.reads[file.Rel%readCells]
	if c.file != file || c.reads == 1<<31 {
		p.settleRead(c)
		c.file = file
		p.used = true
	}
	c.reads++
	if hit {
		c.hit++
	}
}

func (p *Pending) settleRead(c *readCell) {
	if c.reads == 0 {
		return
	}
	oid, ok := p.files[c.file]
	if !ok {
		oid = c.file.Rel
	}
	r := p.get(RelID{c.file.DB, oid})
	r.blocks += int64(c.reads)
	r.hits += int64(c.hit)
	*c = readCell{}
}

func (p *Pending) settleReads() {
	for i := range p.reads {
		p.settleRead(&p.reads[i])
	}
}

// Scan counts a scan that begins.
func (r *RelPending) Scan() {
	if r != nil {
		r.Scans++
	}
}

// Return counts rows, or index entries, that a scan gave.
func (r *RelPending) Return(n int) {
	if r != nil {
		r.Returned += int64(n)
	}
}

// Fetch counts rows that were fetched by address: for an index, those its entries led to.
func (r *RelPending) Fetch(n int) {
	if r != nil {
		r.Fetched += int64(n)
	}
}

// Insert counts new rows.
func (r *RelPending) Insert(n int) {
	if r != nil {
		r.now().ins += int64(n)
	}
}

// Update counts an updated row.
func (r *RelPending) Update(hot bool) {
	if r != nil {
		r.now().upd++
		if hot {
			r.hot++
		}
	}
}

// Delete counts a deleted row.
func (r *RelPending) Delete() {
	if r != nil {
		r.now().del++
	}
}

// Prune counts dead rows that have gone away without a vacuum.
func (r *RelPending) Prune(n int) {
	if r != nil {
		r.dead -= int64(n)
	}
}

// Truncate counts that the relation was emptied.
func (r *RelPending) Truncate() {
	if r != nil {
		x := r.now()
		x.saveTruncated(false)
		x.ins, x.upd, x.del = 0, 0, 0
	}
}

// now returns the counts of the current level.
func (r *RelPending) now() *relXact {
	if x := r.xact; x != nil && x.level == r.p.level {
		return x
	}
	p := r.p
	x := p.spare
	if x == nil {
		x = &relXact{}
	} else {
		p.spare = x.upper
	}
	*x = relXact{level: p.level, upper: r.xact}
	if r.xact == nil {
		p.inXact = append(p.inXact, r)
	}
	r.xact = x
	return x
}

func (x *relXact) saveTruncated(drop bool) {
	if !x.truncated || drop {
		x.insWas, x.updWas, x.delWas = x.ins, x.upd, x.del
		x.truncated = true
	}
}

// undo settles the counts of a level that was aborted: what it made is dead.
func (r *RelPending) undo() {
	x := r.xact
	if x.truncated {
		x.ins, x.upd, x.del = x.insWas, x.updWas, x.delWas
	}
	r.ins += x.ins
	r.upd += x.upd
	r.del += x.del
	r.dead += x.ins + x.upd
	r.pop()
}

// commit settles the counts of the transaction.
func (r *RelPending) commit() {
	x := r.xact
	r.ins += x.ins
	r.upd += x.upd
	r.del += x.del
	if x.truncated {
		r.truncated = true
		r.live, r.dead = 0, 0
	}
	r.live += x.ins - x.del
	r.dead += x.upd + x.del
	r.changed += x.ins + x.upd + x.del
	r.pop()
}

// merge hands the counts of a subtransaction that ended to its parent.
func (r *RelPending) merge() {
	x := r.xact
	u := x.upper
	if u == nil || u.level < x.level-1 {
		x.level--
		return
	}
	if x.truncated {
		u.saveTruncated(false)
		u.ins, u.upd, u.del = x.ins, x.upd, x.del
	} else {
		u.ins += x.ins
		u.upd += x.upd
		u.del += x.del
	}
	r.pop()
}

func (r *RelPending) pop() {
	x := r.xact
	r.xact = x.upper
	x.upper, r.p.spare = r.p.spare, x
}

// BeginSub says that a subtransaction begins.
func (p *Pending) BeginSub() {
	if p != nil {
		p.level++
	}
}

// EndSub says that the current subtransaction is over.
func (p *Pending) EndSub(commit bool) {
	if p == nil {
		return
	}
	left := p.inXact[:0]
	for _, r := range p.inXact {
		switch {
		case r.xact.level < p.level:
		case commit:
			r.merge()
		default:
			r.undo()
		}
		if r.xact != nil {
			left = append(left, r)
		}
	}
	clear(p.inXact[len(left):])
	p.inXact = left
	for i := 0; i < len(p.objects); i++ {
		o := &p.objects[i]
		switch {
		case o.level < p.level:
			continue
		case commit:
			o.level--
			continue
		case o.create:
			p.forget(o.id)
		}
		p.objects = slices.Delete(p.objects, i, i+1)
		i--
	}
	p.level--
}

// EndTransaction says that the transaction is over, with all its subtransactions.
func (p *Pending) EndTransaction(commit bool) {
	if p == nil {
		return
	}
	p.used = true
	p.takeTemp(p.temp)
	if commit {
		p.own.Commits++
	} else {
		p.own.Rollbacks++
	}
	for i, r := range p.inXact {
		for r.xact != nil {
			if commit {
				r.commit()
			} else {
				r.undo()
			}
		}
		p.inXact[i] = nil
	}
	p.inXact, p.level = p.inXact[:0], 0
	if len(p.objects) > 0 {
		for _, o := range p.objects {
			if o.create != commit {
				p.forget(o.id)
			}
		}
		p.objects = p.objects[:0]
	}
	p.seen.forget()
}

// forget drops the counters of a relation that is gone.
func (p *Pending) forget(id RelID) {
	p.settleReads()
	delete(p.rels, id)
	if r := p.recent[id.Rel%16]; r != nil && r.id == id {
		p.recent[id.Rel%16] = nil
	}
	p.shared.Drop(id)
}

// CreateRelation says that the transaction has created a relation; its counters go if it aborts.
func (p *Pending) CreateRelation(id RelID) {
	if p != nil {
		p.objects = append(p.objects, objectChange{id, p.level, true})
	}
}

// DropRelation says that the transaction has dropped a relation; its counters go if it commits.
func (p *Pending) DropRelation(id RelID) {
	if p != nil {
		p.objects = append(p.objects, objectChange{id, p.level, false})
	}
}

// Deadlock counts a deadlock in the session's database.
func (p *Pending) Deadlock() {
	if p.Tracks() {
		p.Database().Deadlocks++
	}
}

// Database gives access to the session's own counts of its database.
func (p *Pending) Database() *Database {
	if p == nil {
		return &Database{}
	}
	p.used = true
	return &p.own
}

// Xact returns what the session has counted of a relation and not handed in: the current transaction, and maybe some before it. Live, Dead and
// what vacuum leaves are zero.
func (p *Pending) Xact(id RelID) (x Relation) {
	if p == nil {
		return x
	}
	p.settleReads()
	r := p.rels[id]
	if r == nil {
		return x
	}
	x = Relation{Scans: r.Scans, Returned: r.Returned, Fetched: r.Fetched, Inserted: r.ins, Updated: r.upd, Deleted: r.del, HotUpdated: r.hot,
		BlocksFetched: r.blocks, BlocksHit: r.hits}
	for l := r.xact; l != nil; l = l.upper {
		x.Inserted += l.ins
		x.Updated += l.upd
		x.Deleted += l.del
	}
	return x
}

// unsettled returns the live and dead rows of a relation that the session will report at the end of its transaction.
func (p *Pending) unsettled(id RelID) (live, dead int64) {
	if p == nil || p.rels[id] == nil {
		return 0, 0
	}
	r := p.rels[id]
	for l := r.xact; l != nil; l = l.upper {
		live += l.ins - l.del
		dead += l.upd + l.del
	}
	return live, dead + r.dead
}

// absorb adds what a worker of the session has counted.
func (p *Pending) absorb(w *Pending) {
	if p == nil || w == nil {
		return
	}
	w.settleReads()
	p.used = true
	for id, x := range w.rels {
		r := p.get(id)
		r.Scans += x.Scans
		r.Returned += x.Returned
		r.Fetched += x.Fetched
		r.blocks += x.blocks
		r.hits += x.hits
	}
	p.own.BlkReadNS += w.own.BlkReadNS
	p.own.BlkWriteNS += w.own.BlkWriteNS
	w.own = Database{}
	w.rels, w.recent = map[RelID]*RelPending{}, [16]*RelPending{}
}
