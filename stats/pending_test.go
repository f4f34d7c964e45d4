package stats

import (
	"encoding/binary"
	"hash/crc32"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"gompho/internal/ids"
)

const testDB ids.Oid = 5

func file(oid ids.Oid) ids.RelFile { return ids.RelFile{Spc: 1663, DB: testDB, Rel: oid} }

// process makes a slot with counters.
func process(s *Shared) *Slot {
	slot := NewSlot(1, 0)
	slot.Stats = s.NewPending()
	slot.Stats.Connect(testDB)
	return slot
}

func relation(t testing.TB, s *Shared, oid ids.Oid) Relation {
	t.Helper()
	r, _ := s.Relation(RelID{testDB, oid})
	return r
}

// TestTransactions: the figures are those that PostgreSQL 15 shows after the same.
func TestTransactions(t *testing.T) {
	type step = func(p *Pending, r *RelPending)
	ins := func(n int) step { return func(_ *Pending, r *RelPending) { r.Insert(n) } }
	upd := func(_ *Pending, r *RelPending) { r.Update(true) }
	del := func(_ *Pending, r *RelPending) { r.Delete() }
	truncate := func(_ *Pending, r *RelPending) { r.Truncate() }
	begin := func(p *Pending, _ *RelPending) { p.BeginSub() }
	release := func(p *Pending, _ *RelPending) { p.EndSub(true) }
	rollback := func(p *Pending, _ *RelPending) { p.EndSub(false) }
	commit := func(p *Pending, _ *RelPending) { p.EndTransaction(true) }
	abort := func(p *Pending, _ *RelPending) { p.EndTransaction(false) }
	for _, c := range []struct {
		name  string
		steps []step
		want  Relation
	}{
		{"commit", []step{ins(100), upd, del, commit}, Relation{Inserted: 100, Updated: 1, Deleted: 1, HotUpdated: 1, Live: 99, Dead: 2,
			ModSinceAnalyze: 102, InsSinceVacuum: 100}},
		{"abort", []step{ins(10), upd, del, abort}, Relation{Inserted: 10, Updated: 1, Deleted: 1, HotUpdated: 1, Dead: 11, InsSinceVacuum: 10}},
		{"savepoint rolled back", []step{ins(1), begin, ins(2), rollback, del, commit}, Relation{Inserted: 3, Deleted: 1, Dead: 3,
			ModSinceAnalyze: 2, InsSinceVacuum: 3}},
		{"savepoint released", []step{begin, ins(2), release, ins(1), commit}, Relation{Inserted: 3, Live: 3, ModSinceAnalyze: 3, InsSinceVacuum: 3}},
		{"two levels down", []step{begin, begin, ins(2), release, release, abort}, Relation{Inserted: 2, Dead: 2, InsSinceVacuum: 2}},
		{"abort of open savepoints", []step{ins(1), begin, ins(2), begin, ins(4), abort}, Relation{Inserted: 7, Dead: 7, InsSinceVacuum: 7}},
		{"truncate", []step{ins(20), commit, truncate, ins(7), commit}, Relation{Inserted: 27, Live: 7, ModSinceAnalyze: 27, InsSinceVacuum: 27}},
		{"truncate rolled back", []step{ins(20), commit, truncate, ins(7), abort}, Relation{Inserted: 20, Live: 20, ModSinceAnalyze: 20, InsSinceVacuum: 20}},
		{"truncate in a savepoint", []step{ins(20), commit, del, begin, truncate, rollback, ins(1), commit}, Relation{Inserted: 21, Deleted: 1, Live: 20,
			Dead: 1, ModSinceAnalyze: 22, InsSinceVacuum: 21}},
		{"truncate in a released savepoint", []step{ins(20), commit, ins(5), begin, truncate, ins(2), release, commit}, Relation{Inserted: 22, Live: 2,
			ModSinceAnalyze: 22, InsSinceVacuum: 22}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewShared(nil)
			slot := process(s)
			for _, f := range c.steps {
				f(slot.Stats, slot.Relation(100, file(100)))
			}
			slot.Stats.Flush()
			if got := relation(t, s, 100); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// TestXact: a session sees its own counts at once, others when it has handed them in.
func TestXact(t *testing.T) {
	s := NewShared(nil)
	a, b := process(s), process(s)
	r := a.Relation(100, file(100))
	r.Scan()
	r.Return(5)
	r.Insert(2)
	a.CountHit(file(100))
	a.CountRead(file(100))
	id := RelID{testDB, 100}
	want := Relation{Scans: 1, Returned: 5, Inserted: 2, BlocksFetched: 2, BlocksHit: 1}
	if got := a.Stats.Xact(id); got != want {
		t.Errorf("own: %+v, want %+v", got, want)
	}
	if got, ok := b.Stats.SeeRelation(id, id); ok {
		t.Errorf("others see %+v of a running transaction", got)
	}
	a.Stats.EndTransaction(true)
	a.Stats.Idle()
	if _, ok := b.Stats.SeeRelation(id, id); ok {
		t.Error("the same transaction sees another state")
	}
	b.Stats.EndTransaction(true)
	a.Stats.Busy()
	a.Relation(100, file(100)).Scan()
	a.Stats.EndTransaction(true)
	a.Stats.Idle() // not handed in: that was done just now
	if got, _ := b.Stats.SeeRelation(id, id); got.Scans != 2 || got.Live != 2 {
		t.Errorf("a reader does not see what an idle session has counted: %+v", got)
	}
	if d, _ := s.Database(testDB); d.Commits != 2 || d.Inserted != 2 || d.Returned != 5 || d.BlocksHit != 1 {
		t.Errorf("database: %+v", d)
	}
}

// TestFiles: blocks count for the relation whose file they belong to, under whatever number, and cells that are shared lose nothing.
func TestFiles(t *testing.T) {
	s := NewShared(nil)
	slot := process(s)
	slot.Relation(100, file(2000)).Scan()
	for range 3 {
		for oid := ids.Oid(2000); oid < 2000+4*readCells; oid++ {
			slot.CountHit(file(oid))
		}
	}
	slot.Stats.Flush()
	if got := relation(t, s, 100); got.BlocksHit != 3 {
		t.Errorf("table: %+v", got)
	}
	if _, ok := s.Relation(RelID{testDB, 2000}); ok {
		t.Error("blocks counted for the number of the file")
	}
	for oid := ids.Oid(2001); oid < 2000+4*readCells; oid++ {
		if got := relation(t, s, oid); got.BlocksHit != 3 || got.BlocksFetched != 3 {
			t.Errorf("%d: %+v", oid, got)
		}
	}
}

func TestDropped(t *testing.T) {
	s := NewShared(nil)
	slot := process(s)
	p := slot.Stats
	exists := func(oid ids.Oid) bool { _, ok := s.Relation(RelID{testDB, oid}); return ok }
	for _, oid := range []ids.Oid{1, 2} {
		slot.Relation(oid, file(oid)).Insert(1)
	}
	p.EndTransaction(true)
	p.Flush()
	p.DropRelation(RelID{testDB, 1})
	p.EndTransaction(false)
	p.BeginSub()
	p.DropRelation(RelID{testDB, 1})
	p.EndSub(false)
	p.BeginSub()
	p.DropRelation(RelID{testDB, 2})
	p.CreateRelation(RelID{testDB, 3})
	slot.Relation(3, file(3)).Insert(1)
	p.EndSub(true)
	p.BeginSub()
	p.CreateRelation(RelID{testDB, 4})
	slot.Relation(4, file(4)).Insert(1)
	p.EndSub(false)
	p.EndTransaction(true)
	p.Flush()
	if !exists(1) || exists(2) || !exists(3) || exists(4) {
		t.Errorf("left: %v %v %v %v", exists(1), exists(2), exists(3), exists(4))
	}
}

// TestVacuumed: what vacuum and ANALYZE find replaces the estimates; an ANALYZE leaves out what its own transaction will report.
func TestVacuumed(t *testing.T) {
	s := NewShared(nil)
	slot := process(s)
	id := RelID{testDB, 7}
	slot.Relation(7, file(7)).Insert(50)
	s.Analyzed(slot.Stats, id, 50, 0, true, false)
	slot.Stats.EndTransaction(true)
	slot.Stats.Flush()
	if got := relation(t, s, 7); got.Live != 50 || got.Analyzes != 1 || got.LastAnalyze == 0 || got.InsSinceVacuum != 50 {
		t.Errorf("after ANALYZE: %+v", got)
	}
	s.Vacuumed(slot.Stats, id, 40, 2, true)
	if got := relation(t, s, 7); got.Live != 40 || got.Dead != 2 || got.InsSinceVacuum != 0 || got.Autovacuums != 1 || got.LastAutovacuum == 0 || got.Vacuums != 0 {
		t.Errorf("after autovacuum: %+v", got)
	}
	s.ResetRelation(id, testDB)
	if got := relation(t, s, 7); got != (Relation{}) {
		t.Errorf("after a reset: %+v", got)
	}
}

func TestServerCounters(t *testing.T) {
	live := Server{Allocated: 5, WalBytes: 100}
	s := NewShared(func() Server { return live })
	s.ResetWal()
	live.Allocated, live.WalBytes = 8, 130
	saved := s.Encode()
	live = Server{Allocated: 1, WalBytes: 1}
	again := NewShared(func() Server { return live })
	if err := again.Decode(saved); err != nil {
		t.Fatal(err)
	}
	if c, _, _ := again.Server(); c.Allocated != 9 || c.WalBytes != 31 {
		t.Errorf("%+v", c)
	}
}

// TestModel runs random transactions over a few tables against plain sums.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewShared(nil)
		slot := process(s)
		p := slot.Stats
		type sums struct{ live, dead, ins int64 }
		const tables = 3
		var total [tables]sums
		type level [tables]struct{ ins, del int64 }
		levels := []level{{}}
		settle := func(commit bool) {
			l := levels[len(levels)-1]
			levels = levels[:len(levels)-1]
			for i := range l {
				switch {
				case !commit:
					total[i].dead += l[i].ins
					total[i].ins += l[i].ins
				case len(levels) > 0:
					levels[len(levels)-1][i].ins += l[i].ins
					levels[len(levels)-1][i].del += l[i].del
				default:
					total[i].live += l[i].ins - l[i].del
					total[i].dead += l[i].del
					total[i].ins += l[i].ins
				}
			}
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			i := rapid.IntRange(0, tables-1).Draw(t, "table")
			r := slot.Relation(ids.Oid(16+16*i), file(ids.Oid(16+16*i))) // all in the same place of the cache
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0, 1:
				r.Insert(3)
				levels[len(levels)-1][i].ins += 3
			case 2:
				if l := &levels[len(levels)-1][i]; l.ins > l.del {
					r.Delete()
					l.del++
				}
			case 3:
				p.BeginSub()
				levels = append(levels, level{})
			case 4, 5:
				commit := rapid.Bool().Draw(t, "commit")
				if len(levels) > 1 {
					p.EndSub(commit)
					settle(commit)
					break
				}
				p.EndTransaction(commit)
				settle(commit)
				levels = []level{{}}
				p.Flush()
			case 6:
				p.EndTransaction(false)
				for len(levels) > 0 {
					settle(false)
				}
				levels = []level{{}}
			}
		}
		p.EndTransaction(true)
		for len(levels) > 0 {
			settle(true)
		}
		p.Flush()
		for i := range total {
			got, _ := s.Relation(RelID{testDB, ids.Oid(16 + 16*i)})
			if want := (sums{max(0, total[i].live), total[i].dead, total[i].ins}); (sums{got.Live, got.Dead, got.Inserted}) != want {
				t.Fatalf("table %d: %+v, want %+v", i, got, want)
			}
		}
	})
}

// TestReaders runs sessions beside readers that collect their counters.
func TestReaders(t *testing.T) {
	s := NewShared(nil)
	const sessions, rounds = 8, 300
	var work, read sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		read.Add(1)
		go func() {
			defer read.Done()
			p := s.NewPending()
			defer p.Close()
			for {
				select {
				case <-stop:
					return
				default:
				}
				p.SeeRelation(RelID{testDB, 3}, RelID{0, 3})
				p.EndTransaction(true)
			}
		}()
	}
	for range sessions {
		work.Add(1)
		go func() {
			defer work.Done()
			slot := process(s)
			defer slot.Stats.Close()
			for range rounds {
				slot.Relation(3, file(3)).Insert(1)
				slot.CountHit(file(3))
				slot.Stats.EndTransaction(true)
				slot.Stats.Idle()
				slot.Stats.Busy()
			}
		}()
	}
	work.Wait()
	close(stop)
	read.Wait()
	if got := relation(t, s, 3); got.Live != sessions*rounds || got.BlocksHit != sessions*rounds {
		t.Errorf("%+v", got)
	}
}

// summed makes a file.
func summed(magic string, content []byte) []byte {
	b := append([]byte(magic), content...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func FuzzDecode(f *testing.F) {
	s := NewShared(nil)
	slot := process(s)
	slot.Relation(9, file(9)).Insert(4)
	slot.Stats.EndTransaction(true)
	slot.Stats.Flush()
	good := s.Encode()
	f.Add(good[len(fileMagic) : len(good)-4])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) { // with a right checksum, so that the rest is read
		s := NewShared(nil)
		if s.Decode(summed(fileMagic, b)) != nil && len(s.Relations(testDB)) > 0 {
			t.Error("a damaged file has changed something")
		}
		s.Encode()
	})
}

func TestFile(t *testing.T) {
	s := NewShared(nil)
	slot := process(s)
	slot.Relation(9, file(9)).Insert(4)
	slot.Stats.EndTransaction(true)
	slot.Stats.Flush()
	saved := s.Encode()
	again := NewShared(nil)
	if err := again.Decode(saved); err != nil {
		t.Fatal(err)
	}
	if a, b := relation(t, s, 9), relation(t, again, 9); a != b || a.Live != 4 {
		t.Errorf("%+v and %+v", a, b)
	}
	d, ok := again.Database(testDB)
	if !ok || d.Commits != 1 {
		t.Errorf("%+v", d)
	}
	for i := range saved {
		bad := append([]byte(nil), saved...)
		bad[i] ^= 0x10
		if again.Decode(bad) == nil {
			t.Fatalf("byte %d changed, and nobody noticed", i)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	slot := process(NewShared(nil))
	b.ReportAllocs()
	for range b.N {
		r := slot.Relation(100, file(100))
		r.Scan()
		r.Return(1)
		for f := ids.Oid(100); f < 104; f++ {
			slot.CountHit(file(f))
		}
		slot.Stats.EndTransaction(true)
	}
}
