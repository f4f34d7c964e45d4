package catalog

import (
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/storage/relmap"
)

// SetEnv gives the catalog the storage that relation handles stand on; before the first session.
func (c *Catalog) SetEnv(env *heap.Env) {
	c.env = env
	c.fileExists = func(f ids.RelFile) bool { return env.Pool.Storage().Exists(f, ids.MainFork) }
}

// SetRelationMap gives the catalog the map of its files; before the first session.
func (c *Catalog) SetRelationMap(m *relmap.Map) { c.relmap = m }

// SetExprText gives the catalog the means to show the expressions of index columns in messages; before the first session.
func (c *Catalog) SetExprText(f func(s *Session, e query.Expr, rel *Relation) (string, error)) {
	c.exprText = f
}

// NewSession makes the catalog side of a session: bound to its transactions, in a database, as a user. Call it once for
// each mvcc session; lookups need a running transaction unless they are answered from caches.
func (c *Catalog) NewSession(tx *mvcc.Session, db, user ids.Oid) *Session {
	s := &Session{cat: c, cache: c.db(db), db: db, user: user, tx: tx, locks: tx.Locks(), slot: tx.Slot(), env: c.env}
	s.store = heapStore{s}
	s.files = newFiles{s}
	s.path.names = []string{"$user", "public"}
	tx.AddHook(hook{s})
	tx.Companion = s
	return s
}

// Connect moves a session to a database, as a user: a session that starts looks both up in the shared catalogs first. It
// must not have changed anything.
func (s *Session) Connect(db, user ids.Oid) {
	s.db, s.user, s.cache = db, user, s.cat.db(db)
	s.temp, s.path.valid = tempSchema{}, false
}

// newFiles makes files in the session's transaction.
type newFiles struct{ s *Session }

func (f newFiles) Exists(file ids.RelFile) bool {
	return f.s.cat.fileExists != nil && f.s.cat.fileExists(file)
}

func (f newFiles) Create(file ids.RelFile, persistence byte) error {
	return heap.CreateStorage(f.s.tx, f.s.env, file, persistence == 'p', persistence == 't')
}

// hook follows the session's transactions.
type hook struct{ s *Session }

var _ mvcc.LockedHook = hook{}

func (h hook) PreCommit() error { return nil }

// BeforeUnlock publishes invalidations while the locks are still held: who waits for one of them finds the new state.
func (h hook) BeforeUnlock(commit bool) {
	if commit {
		h.s.publishFiles()
		h.s.publish()
	}
	h.s.over.end()
}

func (h hook) AtEnd(commit bool) { h.s.endTemp(commit) }

func (h hook) AtSubEnd(sub, parent mvcc.SubID, commit bool) {
	t := &h.s.temp
	if t.fresh && t.sub == sub {
		if commit {
			t.sub = parent
		} else {
			h.s.endTemp(false)
		}
	}
	if !commit {
		h.s.over.forget()
	}
}

func (h hook) OnCommand() { h.s.over.endCommand() }
