package catalog

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"gompho/internal/ids"
	"gompho/types"
)

// cacheKey is a question to the caches: which way of looking up, and the values of its key columns.
type cacheKey struct {
	id cacheID
	n  [4]uint32
	s  string
}

func key1(id cacheID, a uint32) cacheKey       { return cacheKey{id: id, n: [4]uint32{a}} }
func keyOid(id cacheID, o ids.Oid) cacheKey    { return key1(id, uint32(o)) }
func keyName(id cacheID, name string) cacheKey { return cacheKey{id: id, s: name} }

// keyOfRow returns the key under which a row is found through cache id.
func keyOfRow(id cacheID, vals []types.Datum) cacheKey {
	k := cacheKey{id: id}
	n := 0
	for _, att := range cacheDefs[id].atts {
		if v := vals[att-1]; v.IsBytes() {
			k.s = string(v.Bytes())
		} else {
			k.n[n] = uint32(v.Word())
			n++
		}
	}
	return k
}

// conditions returns the key as conditions on the columns of the catalog.
func (k *cacheKey) conditions(dst []Key) []Key {
	n := 0
	d := descOf(cacheDefs[k.id].table)
	for _, att := range cacheDefs[k.id].atts {
		if d.Attrs[att-1].Kind() == types.BytesKind {
			dst = append(dst, NameKey(att, k.s))
		} else {
			w := types.Word(uint64(k.n[n]))
			if d.Attrs[att-1].Type == int2Oid {
				w = types.Int(int64(int16(k.n[n])))
			}
			dst = append(dst, Key{att, w})
			n++
		}
	}
	return dst
}

const cacheShards = 32

// maxShardEntries bounds a shard: when it is reached the shard starts anew.
const maxShardEntries = 8192

// sharedCache is what all sessions of a database know of its catalogs (or, for the shared catalogs, all
// sessions of the server). Values are immutable: a row pointer, a slice of them, or a *Relation; a nil
// pointer says that there is no such row.
//
// Invariant: a value is in a shard only if no invalidation of its key came after its snapshot was taken.
// put checks generation under the shard's mutex; invalidate moves generation, deletes, and moves generation again: who
// finds the old value between the two moves, or a generation read there, sees that it has moved when it holds the lock
// that the writer gives back after invalidate.
type sharedCache struct {
	generation atomic.Uint64
	seed       maphash.Seed
	edited     atomic.Pointer[map[cacheKey]struct{}] // keys of built-ins that have been edited in this database
	editMu     sync.Mutex                            // serializes writers of edited
	scanned    atomic.Bool                           // edited is complete: the catalogs have been looked through
	scanMu     sync.Mutex                            // held while they are
	shards     [cacheShards]cacheShard
}

type cacheShard struct {
	mu sync.RWMutex // protects m
	m  map[cacheKey]any
}

func newSharedCache() *sharedCache {
	c := &sharedCache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].m = make(map[cacheKey]any)
	}
	return c
}

func (c *sharedCache) shard(k *cacheKey) *cacheShard {
	h := uint32(k.id)*0x9e3779b1 ^ k.n[0]*0x85ebca6b ^ k.n[1]*0xc2b2ae35 ^ k.n[2]
	if k.s != "" {
		h ^= uint32(maphash.String(c.seed, k.s))
	}
	h ^= h >> 15
	return &c.shards[h%cacheShards]
}

func (c *sharedCache) get(k *cacheKey) (any, bool) {
	s := c.shard(k)
	s.mu.RLock()
	v, ok := s.m[*k]
	s.mu.RUnlock()
	return v, ok
}

// put stores a value that was read with a snapshot taken when generation was at gen, or a later one. When another
// session was faster its value is returned, so that all hold the same pointer.
func (c *sharedCache) put(k *cacheKey, v any, gen uint64) any {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.generation.Load() != gen {
		return v
	}
	if old, ok := s.m[*k]; ok {
		return old
	}
	if len(s.m) >= maxShardEntries {
		clear(s.m)
	}
	s.m[*k] = v
	return v
}

// invalidate forgets keys. The transaction that wrote the rows must be visible to new snapshots.
func (c *sharedCache) invalidate(keys map[cacheKey]struct{}, isBuiltin func(*cacheKey) bool) {
	if len(keys) == 0 {
		return
	}
	c.noteEdits(keys, isBuiltin)
	c.generation.Add(1)
	for k := range keys {
		s := c.shard(&k)
		s.mu.Lock()
		delete(s.m, k)
		s.mu.Unlock()
	}
	c.generation.Add(1)
}

func (c *sharedCache) noteEdits(keys map[cacheKey]struct{}, isBuiltin func(*cacheKey) bool) {
	var add []cacheKey
	for k := range keys {
		if isBuiltin(&k) {
			add = append(add, k)
		}
	}
	if len(add) == 0 {
		return
	}
	c.editMu.Lock()
	defer c.editMu.Unlock()
	m := make(map[cacheKey]struct{})
	if old := c.edited.Load(); old != nil {
		for k := range *old {
			m[k] = struct{}{}
		}
	}
	for _, k := range add {
		m[k] = struct{}{}
	}
	c.edited.Store(&m)
}

func (c *sharedCache) isEdited(k *cacheKey) bool {
	m := c.edited.Load()
	if m == nil {
		return false
	}
	_, ok := (*m)[*k]
	return ok
}

// reset forgets everything.
func (c *sharedCache) reset() {
	c.generation.Add(1)
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		clear(s.m)
		s.mu.Unlock()
	}
	c.generation.Add(1)
}

// overlay is what one session knows of the keys that its own transaction has written.
type overlay struct {
	dirty   map[cacheKey]struct{} // keys whose rows the transaction has written; answered from entries, not from shared caches
	entries map[cacheKey]any      // what was read of them since the last command boundary that touched them
	queued  map[cacheKey]struct{} // written by the current command: entries to forget at its end
	seen    uint64                // generations (database's and shared) that entries were read under
	epoch   uint64                // moves whenever entries of this session may have changed; part of Generation
	editsN  int                   // number of writes in this transaction
}

func (o *overlay) mark(k cacheKey) {
	if o.dirty == nil {
		o.dirty = make(map[cacheKey]struct{})
		o.entries = make(map[cacheKey]any)
		o.queued = make(map[cacheKey]struct{})
	}
	o.dirty[k] = struct{}{}
	o.queued[k] = struct{}{}
}

// endCommand makes the command's own writes visible to lookups.
func (o *overlay) endCommand() {
	if len(o.queued) == 0 {
		return
	}
	for k := range o.queued {
		delete(o.entries, k)
	}
	clear(o.queued)
	o.epoch++
}

// forget drops what was read, after an abort of a subtransaction.
func (o *overlay) forget() {
	if len(o.dirty) > 0 {
		clear(o.entries)
		clear(o.queued)
		o.epoch++
	}
}

// end empties the overlay.
func (o *overlay) end() {
	if o.dirty != nil {
		o.dirty, o.entries, o.queued = nil, nil, nil
		o.epoch++
	}
	o.editsN = 0
}
