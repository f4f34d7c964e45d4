package catalog

import (
	"fmt"
	"testing"

	"gompho/internal/ids"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/heap"
	"gompho/storage/smgr"
	"gompho/storage/vfs"
	"gompho/types"
	"gompho/wal"
)

// cluster is a server's storage in memory, with a bootstrapped catalog.
type cluster struct {
	cat   *Catalog
	tx    *mvcc.Manager
	locks *locks.Manager
	env   *heap.Env
	pool  *buffer.Pool
	next  int32
}

func newStorage(t testing.TB) *cluster {
	t.Helper()
	fsys := vfs.NewMem(1)
	for _, d := range []string{"/data/pg_wal", "/data/global", "/data/base/1", "/data/pg_xact", "/data/pg_multixact"} {
		must(t, fsys.MkdirAll(d, 0o700))
	}
	const segment = 16 << 20
	first := wal.FirstLSN(segment)
	log, err := wal.Open(wal.Options{FS: fsys, Dir: "/data/pg_wal", SystemID: 1, SegmentSize: segment}, first, first, false)
	must(t, err)
	storage := smgr.New(smgr.Options{FS: fsys, DataDir: "/data"})
	pool, err := buffer.New(buffer.Options{Buffers: 4096, Storage: storage, Log: log, Checksums: true})
	must(t, err)
	c := &cluster{cat: New(), pool: pool, locks: locks.New(locks.Options{})}
	c.tx, err = mvcc.Open(mvcc.Options{FS: fsys, Dir: "/data", Log: log, Locks: c.locks,
		Unlink: func(rels []ids.RelFile) {
			if err := pool.DropRelations(rels); err != nil {
				t.Error(err)
			}
		}})
	must(t, err)
	c.tx.Start(false)
	c.env = &heap.Env{Pool: pool, Mvcc: c.tx}
	c.cat.SetEnv(c.env)
	t.Cleanup(func() {
		c.tx.Close()
		must(t, pool.Close())
		must(t, storage.Close())
		must(t, log.Close())
	})
	return c
}

func (c *cluster) newTx() *mvcc.Session {
	c.next++
	slot := stats.NewSlot(100+c.next, c.next)
	tx := c.tx.NewSession(slot, c.locks.NewOwner(slot, locks.OwnerOptions{}), mvcc.SessionOptions{})
	tx.SetDatabase(ids.Template1DB)
	return tx
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	c := newStorage(t)
	tx := c.newTx()
	must(t, tx.Begin(mvcc.BeginOpts{}))
	must(t, c.cat.Bootstrap(tx, BootstrapOpts{}))
	must(t, tx.Commit())
	tx.Close()
	return c
}

// session starts a session in template1.
func (c *cluster) session(t testing.TB) *Session {
	tx := c.newTx()
	s := c.cat.NewSession(tx, ids.Template1DB, ids.BootstrapRole)
	t.Cleanup(func() { tx.Close() })
	return s
}

func (s *Session) begin(t testing.TB) {
	t.Helper()
	must(t, s.tx.Begin(mvcc.BeginOpts{Isolation: mvcc.ReadCommitted}))
}

func (s *Session) commit(t testing.TB) {
	t.Helper()
	must(t, s.tx.Commit())
}

// TestBootstrap compares every catalog, read through its heap and through each of its indexes, with the facts.
func TestBootstrap(t *testing.T) {
	c := newCluster(t)
	s := c.session(t)
	s.begin(t)
	for oid, r := range c.cat.facts.relations {
		if !isCatalog(oid) {
			continue
		}
		want := make(map[string]int)
		must(t, allFacts(oid, func(v []types.Datum) error { want[rowText(v)]++; return nil }))
		facts := 0
		for _, n := range want {
			facts += n
		}
		check := func(index ids.Oid) {
			left := make(map[string]int, len(want))
			for k, n := range want {
				left[k] = n
			}
			extra := 0
			must(t, s.store.scan(oid, index, nil, func(_ ids.TID, v []types.Datum) (bool, error) {
				if k := rowText(v); left[k] > 0 {
					left[k]--
				} else {
					extra++
				}
				return true, nil
			}))
			for k, n := range left {
				if n > 0 {
					t.Errorf("%s through %d lacks %d of %.200s", r.Name, index, n, k)
				}
			}
			// information_schema adds rows of its own to some catalogs.
			switch oid {
			case PgNamespaceOid, PgTypeOid, PgProcOid, PgConstraintOid, PgDependOid:
			default:
				if extra > 0 {
					t.Errorf("%s through %d has %d rows that are not facts (%d are)", r.Name, index, extra, facts)
				}
			}
		}
		check(0)
		for _, ix := range r.Indexes {
			check(ix.Oid)
		}
	}
	s.commit(t)
}

func rowText(v []types.Datum) string {
	b := make([]byte, 0, 200)
	for _, d := range v {
		if d.IsNull() {
			b = append(b, "|NULL"...)
		} else {
			b = fmt.Appendf(b, "|%x:%s", d.Word(), d.Bytes())
		}
	}
	return string(b)
}

func TestStoredDDL(t *testing.T) {
	c := newCluster(t)
	for name, f := range map[string]func(*testing.T, *Session){"create": testCreateTable, "drop": testDrop} {
		t.Run(name, func(t *testing.T) {
			s := c.session(t)
			s.begin(t)
			f(t, s)
			s.tx.Abort()
		})
	}
}

// TestRollback checks that what an aborted transaction and an aborted subtransaction made is gone, files included.
func TestRollback(t *testing.T) {
	c := newCluster(t)
	s := c.session(t)
	s.begin(t)
	oid := makeTable(t, s, "t")
	r, err := s.Relation(oid)
	must(t, err)
	s.tx.Abort()
	s.begin(t)
	if o, err := s.LookupRelation(RelName{Name: "t"}); o != 0 || err != nil {
		t.Errorf("t is there after the rollback: %d, %v", o, err)
	}
	if c.pool.Storage().Exists(r.File, ids.MainFork) {
		t.Error("its file is there after the rollback")
	}
	_, err = s.tx.BeginSub()
	must(t, err)
	makeTable(t, s, "sub")
	s.tx.AbortSub()
	if o, err := s.LookupRelation(RelName{Name: "sub"}); o != 0 || err != nil {
		t.Errorf("sub is there after ROLLBACK TO: %d, %v", o, err)
	}
	makeTable(t, s, "kept")
	s.commit(t)
	s.begin(t)
	if o, err := s.LookupRelation(RelName{Name: "kept"}); o == 0 || err != nil {
		t.Errorf("kept is lost: %v", err)
	}
	s.commit(t)
}

// TestInvalidation has two sessions see each other's changes when they are committed, and not before.
func TestInvalidation(t *testing.T) {
	c := newCluster(t)
	a, b := c.session(t), c.session(t)
	lookup := func(s *Session, name string) ids.Oid {
		t.Helper()
		o, err := s.LookupRelation(RelName{Name: name})
		must(t, err)
		return o
	}
	a.begin(t)
	b.begin(t)
	if lookup(b, "t") != 0 { // leaves "no such relation" in the shared cache
		t.Fatal("t is there before it was made")
	}
	oid := makeTable(t, a, "t")
	if lookup(a, "t") != oid || lookup(b, "t") != 0 {
		t.Fatal("an uncommitted table is not visible to its maker alone")
	}
	gen := b.Generation()
	a.commit(t)
	if lookup(b, "t") != oid {
		t.Fatal("a committed table is not visible")
	}
	if b.Generation() == gen {
		t.Error("the generation did not move")
	}
	before, err := b.Relation(oid)
	must(t, err)
	a.begin(t)
	if same, err := a.Relation(oid); err != nil || same != before {
		t.Errorf("two sessions have two descriptors: %v", err)
	}
	row, err := a.ClassRow(oid)
	must(t, err)
	row.Relname = "u"
	must(t, a.Update(row))
	must(t, a.IncrementCommand())
	if lookup(a, "u") != oid || lookup(a, "t") != 0 || lookup(b, "t") != oid || lookup(b, "u") != 0 {
		t.Error("an uncommitted new name is not visible to its maker alone")
	}
	a.commit(t)
	if lookup(b, "u") != oid || lookup(b, "t") != 0 {
		t.Error("a committed new name is not visible")
	}
	if after, err := b.Relation(oid); err != nil || after == before || after.Name != "u" {
		t.Errorf("the descriptor is the old one: %v", err)
	}
	b.commit(t)
}

// TestEditedBuiltin changes a built-in function's row and reads it in another session, and after a restart of the caches.
func TestEditedBuiltin(t *testing.T) {
	c := newCluster(t)
	a, b := c.session(t), c.session(t)
	a.begin(t)
	p, err := Fetch[PgProc](a, PgProcOidIndex, OidKey(AttPgProcOid, 1242))
	must(t, err)
	p.Procost = 77
	must(t, a.Update(p))
	a.commit(t)
	cost := func(s *Session) float32 {
		s.begin(t)
		defer s.commit(t)
		_, err := s.Role(ids.BootstrapRole) // fills a cache: looks for edits
		must(t, err)
		_, err = s.LookupRelation(RelName{Name: "nothing of the kind"})
		must(t, err)
		p, err := s.Proc(1242)
		must(t, err)
		return p.Procost
	}
	if got := cost(b); got != 77 {
		t.Errorf("another session sees cost %v", got)
	}
	c.cat.ForgetDatabase(ids.Template1DB)
	if got := cost(c.session(t)); got != 77 {
		t.Errorf("after a restart the cost is %v", got)
	}
}

func TestTempSchema(t *testing.T) {
	c := newCluster(t)
	s := c.session(t)
	s.begin(t)
	ns, err := s.TempNamespace()
	must(t, err)
	_, err = s.CreateRelation(&NewRelation{Name: "pg_class", Namespace: ns, Owner: s.User(), Kind: 'r', Persistence: 't',
		Columns: []NewColumn{column("x", int4Oid)}})
	must(t, err)
	must(t, s.IncrementCommand())
	r, err := s.OpenRelation(RelName{Name: "pg_class"}, locks.AccessShare, LockOpts{})
	must(t, err)
	if r.Namespace != ns || r.Persistence != 't' {
		t.Errorf("the temporary pg_class does not hide the catalog: %+v", r)
	}
	s.commit(t)
	s.begin(t)
	must(t, s.DropTempRelations())
	s.commit(t)
	s.begin(t)
	r, err = s.OpenRelation(RelName{Name: "pg_class"}, locks.AccessShare, LockOpts{})
	must(t, err)
	if r.Oid != PgClassOid {
		t.Errorf("the temporary table is still there")
	}
	s.commit(t)
}

func BenchmarkBootstrap(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newCluster(b)
	}
}

// BenchmarkFirstLookup is the first look at a database after the server has started.
func BenchmarkFirstLookup(b *testing.B) {
	c := newCluster(b)
	s := c.session(b)
	s.begin(b)
	b.ReportAllocs()
	for b.Loop() {
		s.cache = newSharedCache()
		if _, err := s.LookupRelation(RelName{Name: "nothing"}); err != nil {
			b.Fatal(err)
		}
	}
	s.commit(b)
}
