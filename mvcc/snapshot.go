package mvcc

import (
	"slices"

	"gompho/internal/ids"
)

// Snapshot says which transactions' effects a reader sees. It is immutable but for CurCid and belongs to one session.
//
// A snapshot just taken is safe until the session releases its last other one; make it active or register it before.
type Snapshot struct {
	Xmin, Xmax ids.Xid   // all below Xmin are over; none from Xmax on is seen
	Xip        []ids.Xid // in progress when taken, in [Xmin, Xmax), ascending; shared, do not write
	CurCid     ids.CommandID
	data       *snapData
	view       view
}

// snapshots are those that a session holds.
type snapshots struct {
	first  *Snapshot // of the transaction, under RepeatableRead
	taken  bool
	cat    *Snapshot
	active []heldSnapshot
	regd   []heldSnapshot
}

type heldSnapshot struct {
	sn    *Snapshot
	level int // index in levels of the (sub)transaction that holds it
}

func (s *snapshots) reset() {
	s.first, s.taken, s.cat = nil, false, nil
	clear(s.active)
	clear(s.regd)
	s.active, s.regd = s.active[:0], s.regd[:0]
}

func (s *Session) newSnapshot(d *snapData) *Snapshot {
	return &Snapshot{Xmin: d.xmin, Xmax: d.xmax, Xip: d.xip, CurCid: s.cid, data: d, view: s}
}

// Snapshot returns the snapshot for a new statement: a fresh one, or under RepeatableRead the transaction's.
func (s *Session) Snapshot() *Snapshot {
	s.taken = true
	if !s.iso.UsesOneSnapshot() {
		return s.newSnapshot(s.m.take(s.p))
	}
	if s.first == nil && s.iso == Serializable {
		s.beginSerializable()
	}
	if s.first == nil {
		s.first = s.newSnapshot(s.m.take(s.p))
	}
	return s.newSnapshot(s.first.data)
}

// HasSnapshot reports whether the transaction has taken a snapshot: then it is too late for SET TRANSACTION.
func (s *Session) HasSnapshot() bool { return s.taken }

// LatestSnapshot returns a fresh snapshot at every isolation level.
func (s *Session) LatestSnapshot() *Snapshot { return s.newSnapshot(s.m.take(s.p)) }

// CatalogSnapshot returns a snapshot that is fresh, for reading catalogs. The session holds it until it asks again or
// ReleaseCatalogSnapshot; while nothing changes, successive calls return the same.
func (s *Session) CatalogSnapshot() *Snapshot {
	if c := s.cat; c != nil && c.CurCid == s.cid && s.m.snap.Load() == c.data {
		return c
	}
	d := s.m.take(s.p)
	hadOlder := s.cat != nil && s.cat.Xmin < d.xmin
	s.cat = s.newSnapshot(d)
	if hadOlder {
		s.settleXmin()
	}
	return s.cat
}

// ReleaseCatalogSnapshot gives up the catalog snapshot: before waiting for the client, so that an idle session does not
// hold the horizon back.
func (s *Session) ReleaseCatalogSnapshot() {
	if s.cat != nil {
		s.cat = nil
		s.settleXmin()
	}
}

// PushActive makes sn the active snapshot, held until PopActive.
func (s *Session) PushActive(sn *Snapshot) {
	s.protect(sn)
	s.active = append(s.active, heldSnapshot{sn, len(s.levels) - 1})
}

// PopActive makes the one before active again.
func (s *Session) PopActive() {
	n := len(s.active) - 1
	s.active[n] = heldSnapshot{}
	s.active = s.active[:n]
	s.settleXmin()
}

// Active returns the active snapshot, nil if there is none.
func (s *Session) Active() *Snapshot {
	if n := len(s.active); n > 0 {
		return s.active[n-1].sn
	}
	return nil
}

// UpdateActiveCommandID lets the active snapshot see the session's own changes so far. It must not be in use elsewhere.
func (s *Session) UpdateActiveCommandID() { s.Active().CurCid = s.cid }

// WithCommandID returns a copy of sn that sees the session's own commands before c.
func (sn *Snapshot) WithCommandID(c ids.CommandID) *Snapshot {
	cp := *sn
	cp.CurCid = c
	return &cp
}

// Register holds sn until Unregister or the end of the (sub)transaction, and returns it.
func (s *Session) Register(sn *Snapshot) *Snapshot {
	s.protect(sn)
	s.regd = append(s.regd, heldSnapshot{sn, len(s.levels) - 1})
	return sn
}

// Unregister gives sn up; of one registered twice, the later registration.
func (s *Session) Unregister(sn *Snapshot) {
	for i := len(s.regd) - 1; i >= 0; i-- {
		if s.regd[i].sn == sn {
			s.regd = slices.Delete(s.regd, i, i+1)
			s.settleXmin()
			return
		}
	}
}

// protect makes sure that the session's xmin holds sn, which another's release may have raised.
func (s *Session) protect(sn *Snapshot) {
	if x := s.p.xmin.Load(); x == 0 || x > uint64(sn.Xmin) {
		s.p.xmin.Store(uint64(sn.Xmin))
	}
}

// settleXmin lets go of what no held snapshot needs any more.
func (s *Session) settleXmin() {
	const none = ^ids.Xid(0)
	low := none
	if s.first != nil {
		low = s.first.Xmin
	}
	if s.cat != nil {
		low = min(low, s.cat.Xmin)
	}
	for _, h := range s.active {
		low = min(low, h.sn.Xmin)
	}
	for _, h := range s.regd {
		low = min(low, h.sn.Xmin)
	}
	if low == none {
		low = 0
	}
	if uint64(low) != s.p.xmin.Load() {
		s.p.xmin.Store(uint64(low))
	}
}

// commitLevel hands the snapshots of level n to its parent.
func (s *snapshots) commitLevel(n int) {
	for _, l := range [2][]heldSnapshot{s.active, s.regd} {
		for i := range l {
			l[i].level = min(l[i].level, n-1)
		}
	}
}

// dropLevel gives up the snapshots of level n.
func (s *snapshots) dropLevel(n int) {
	inner := func(h heldSnapshot) bool { return h.level >= n }
	s.active = slices.DeleteFunc(s.active, inner)
	s.regd = slices.DeleteFunc(s.regd, inner)
}

// inProgress tells whether sn counts x as still running: what x did is not seen.
func (sn *Snapshot) inProgress(x ids.Xid) bool {
	if x < sn.Xmin {
		return false
	}
	if x >= sn.Xmax {
		return true
	}
	if sn.data != nil && sn.data.overflowed {
		if x = sn.view.topOf(x); x < sn.Xmin {
			return false
		}
	}
	return contains(sn.Xip, x)
}

// KeepsFrom reports whether the transaction keeps one snapshot to its end, taken here at the latest, that does not see what x did.
func (s *Session) KeepsFrom(x ids.Xid) bool {
	if !s.iso.UsesOneSnapshot() {
		return false
	}
	if s.first == nil {
		s.Snapshot()
	}
	return !s.IsCurrent(x) && s.first.inProgress(x)
}

// VisTest answers whether what a transaction removed is invisible to all, with a horizon that is renewed when that may help.
type VisTest struct {
	s       *Session
	shared  bool
	temp    bool // of the session's own temporary relations
	horizon ids.Xid
	at      uint64 // completions when horizon was computed
}

// VisTest returns a test for the relations of the session's database or, if shared, for those of all.
func (s *Session) VisTest(shared bool) *VisTest { return &VisTest{s: s, shared: shared} }

// TempVisTest returns a test for the session's temporary relations: snapshots of others do not matter, and its own are later than what it has removed,
// the running transaction's work excepted.
func (s *Session) TempVisTest() *VisTest { return &VisTest{s: s, temp: true} }

// TempHorizon is OldestXmin for the session's temporary relations.
func (s *Session) TempHorizon() ids.Xid {
	if x := s.TopXid(); x != 0 {
		return x
	}
	s.m.mu.RLock()
	defer s.m.mu.RUnlock()
	return s.m.latest + 1
}

// Horizon returns the horizon as far as it is known: OldestXmin now or a while ago.
func (v *VisTest) Horizon() ids.Xid {
	if v.horizon == 0 {
		v.renew()
	}
	return v.horizon
}

func (v *VisTest) renew() {
	v.at = v.s.m.completions.Load()
	if v.temp {
		v.horizon = max(v.horizon, v.s.TempHorizon())
		return
	}
	var db ids.Oid
	if !v.shared {
		db = v.s.Database()
	}
	v.horizon = max(v.horizon, v.s.m.OldestXmin(db))
}

// Removable reports whether no snapshot can see what x removed.
func (v *VisTest) Removable(x ids.Xid) bool {
	if x < v.horizon {
		return true
	}
	if v.horizon != 0 {
		if own := v.s.p.xmin.Load(); !v.temp && own != 0 && uint64(x) >= own && !v.s.p.vacuum.Load() {
			return false // one's own snapshots are in the way
		}
		if v.at == v.s.m.completions.Load() {
			return false
		}
	}
	v.renew()
	return x < v.horizon
}
