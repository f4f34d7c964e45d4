package catalog

import (
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/sql/query"
	"gompho/stats"
	"gompho/storage/heap"
	"gompho/storage/relmap"
	"gompho/types"
)

// Catalog is what all sessions of a server share: the caches of each database and of the shared catalogs.
type Catalog struct {
	facts  *builtins
	shared *sharedCache // catalogs that are one for all databases
	mu     sync.Mutex   // protects dbs
	dbs    map[ids.Oid]*sharedCache
	oids   oidCounter
	// booting is set while a cluster is made: Oids of all kinds stay below those of user objects
	booting atomic.Bool
	env     *heap.Env // nil without storage
	relmap  *relmap.Map
	// fileExists tells whether a relation's file is there; nil: never
	fileExists func(ids.RelFile) bool
	exprText   func(s *Session, e query.Expr, rel *Relation) (string, error)
}

// New makes the catalog of a server.
func New() *Catalog {
	return &Catalog{facts: builtinFacts(), shared: newSharedCache(), dbs: make(map[ids.Oid]*sharedCache)}
}

func (c *Catalog) db(oid ids.Oid) *sharedCache {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.dbs[oid]
	if d == nil {
		d = newSharedCache()
		c.dbs[oid] = d
	}
	return d
}

// ForgetDatabase drops the caches of a database that is gone.
func (c *Catalog) ForgetDatabase(oid ids.Oid) {
	c.mu.Lock()
	delete(c.dbs, oid)
	c.mu.Unlock()
}

// ResetDatabase makes all sessions of a database read its catalogs anew; 0 means the shared catalogs.
func (c *Catalog) ResetDatabase(oid ids.Oid) {
	if oid == 0 {
		c.shared.reset()
		return
	}
	c.db(oid).reset()
}

// Session is one session's view of the catalogs. It is used by one goroutine at a time.
type Session struct {
	cat    *Catalog
	cache  *sharedCache
	store  store
	over   overlay
	db     ids.Oid
	user   ids.Oid // current user
	tx     *mvcc.Session
	locks  *locks.Owner
	slot   *stats.Slot
	path   searchPath
	temp   tempSchema
	boot   bool // a cluster is being made: Oids below 16384, Oids of built-ins may be written
	vals   []types.Datum
	onDrop DropHooks
	files  Files
	env    *heap.Env
	// typeEnv shows values in messages by the session's settings; nil: by the defaults
	typeEnv types.Env
	// rowXmin is who made the version that a scan shows now, 0 when that is not known
	rowXmin ids.Xid
	// rehearsing: what is changed will be rolled back
	rehearsing bool
}

// Catalog returns the server's catalog.
func (s *Session) Catalog() *Catalog { return s.cat }

// Database returns the database of the session.
func (s *Session) Database() ids.Oid { return s.db }

// SetTypeEnv gives the catalog the settings by which values are shown in messages.
func (s *Session) SetTypeEnv(env types.Env) { s.typeEnv = env }

// User returns the current user.
func (s *Session) User() ids.Oid { return s.user }

// SetUser sets the current user, whose schema "$user" in the search path means.
func (s *Session) SetUser(u ids.Oid) {
	if s.user != u {
		s.user = u
		s.path.valid = false
	}
}

// Generation changes whenever a plan made in this session might have become invalid. It is two loads and an addition.
func (s *Session) Generation() uint64 {
	return s.cache.generation.Load() + s.cat.shared.generation.Load() + s.over.epoch
}

// NewInMemory makes a session over rows in memory that start as in a new cluster, system views apart: for tests of the
// layers above that need no transactions or storage.
func NewInMemory() (*Session, error) {
	s, err := NewInMemoryBoot()
	if err != nil {
		return nil, err
	}
	s.boot = false
	s.SetSearchPath([]string{"$user", "public"})
	return s, nil
}

// NewInMemoryBoot is NewInMemory for a session that makes the system views, as NewBootSession does in a cluster.
func NewInMemoryBoot() (*Session, error) {
	c := New()
	m := &memStore{rows: make(map[ids.Oid][][]types.Datum)}
	for o := range c.facts.relations {
		if !isCatalog(o) {
			continue
		}
		if err := allFacts(o, func(v []types.Datum) error {
			_, err := m.insert(o, v)
			return err
		}); err != nil {
			return nil, err
		}
	}
	s := &Session{cat: c, cache: c.db(ids.PostgresDB), store: m, db: ids.PostgresDB, user: ids.BootstrapRole, boot: true}
	s.SetSearchPath([]string{"pg_catalog"})
	if err := s.bootInformationSchema(); err != nil {
		return nil, err
	}
	return s, s.IncrementCommand()
}

// EndCommand makes what the current command has written visible to lookups. Sessions with transactions need not call it:
// the command counter does.
func (s *Session) EndCommand() { s.over.endCommand() }
