package buffer

import (
	"sync"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
)

// Local are the buffers that one session has for its temporary relations, apart from the shared ones: nobody else reads these relations, no checkpoint writes
// them, and they go with the session. Which relations they are is known by their files, from the creation of a file until it is dropped; the
// shared pool passes on what concerns one of them, so that access methods need not know.
type Local struct {
	shared *Pool
	pages  func() int // temp_buffers, read when the first page is

	mu    sync.RWMutex // protects what follows: parallel workers read along
	files map[ids.RelFile]struct{}
	pool  *Pool // nil until a page of a file is first needed
}

// AddLocal says that a file about to be made belongs to the session's local buffers, which end with CloseLocal. A process that is to have none keeps it
// in the shared ones.
func (p *Pool) AddLocal(slot *stats.Slot, rel ids.RelFile) {
	if slot == nil || slot.LocalPages == nil {
		return
	}
	l := localOf(slot)
	if l == nil {
		l = &Local{shared: p, pages: slot.LocalPages, files: map[ids.RelFile]struct{}{}}
		slot.Local = l
		p.localSets.Store(l, struct{}{})
	}
	l.mu.Lock()
	l.files[rel] = struct{}{}
	l.mu.Unlock()
	p.locals.Store(rel, l)
	p.storage.SetScratch(rel)
}

// LocalPages returns the number of the session's local buffers, 0 as long as none was needed.
func LocalPages(slot *stats.Slot) int {
	l := localOf(slot)
	if l == nil {
		return 0
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.pool == nil {
		return 0
	}
	return l.pool.Buffers()
}

// CloseLocal gives back the session's local buffers, with whatever is in them.
func (p *Pool) CloseLocal(slot *stats.Slot) {
	if l := localOf(slot); l != nil {
		slot.Local = nil
		p.localSets.Delete(l)
		l.close()
	}
}

func (l *Local) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rel := range l.files {
		l.shared.locals.Delete(rel)
	}
	l.files = nil
	if l.pool != nil {
		_ = l.pool.Close()
		l.pool = nil
	}
}

func localOf(slot *stats.Slot) *Local {
	if slot == nil || slot.Local == nil {
		return nil
	}
	l, _ := slot.Local.(*Local)
	return l
}

// holder returns the local buffers that may have rel: the session's, or when it is not known who asks, those that rel is noted with.
func (p *Pool) holder(slot *stats.Slot, rel ids.RelFile) *Local {
	if p.isLocal {
		return nil
	}
	if slot != nil {
		return localOf(slot)
	}
	if v, ok := p.locals.Load(rel); ok {
		return v.(*Local)
	}
	return nil
}

// local returns the session's local buffers if rel is one of their files; nil: it is shared.
func (p *Pool) local(slot *stats.Slot, rel ids.RelFile) (*Pool, error) {
	l := p.holder(slot, rel)
	if l == nil {
		return nil, nil
	}
	l.mu.RLock()
	_, mine := l.files[rel]
	pool := l.pool
	l.mu.RUnlock()
	if !mine || pool != nil {
		if !mine {
			pool = nil
		}
		return pool, nil
	}
	return l.make()
}

// make allocates the buffers.
func (l *Local) make() (*Pool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pool != nil {
		return l.pool, nil
	}
	o := l.shared.opts
	o.Buffers, o.Log, o.Critical = l.pages(), nil, nil
	pool, err := New(o)
	if err != nil {
		return nil, pgerr.Wrap(err, pgerr.OutOfMemory, "could not allocate %d local buffers: %v", o.Buffers, err)
	}
	pool.isLocal = true
	l.pool = pool
	return pool, nil
}

// started returns the session's local buffers if rel is one of their files and they are in use.
func (p *Pool) started(slot *stats.Slot, rel ids.RelFile) *Pool {
	l := p.holder(slot, rel)
	if l == nil {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if _, mine := l.files[rel]; !mine {
		return nil
	}
	return l.pool
}

// forgetLocal drops a relation from the local buffers that it is in; false: it is in none.
func (p *Pool) forgetLocal(rel ids.RelFile) bool {
	v, ok := p.locals.LoadAndDelete(rel)
	if !ok {
		return false
	}
	l := v.(*Local)
	l.mu.Lock()
	delete(l.files, rel)
	pool := l.pool
	l.mu.Unlock()
	if pool != nil {
		pool.discardFrom(rel, [ids.NumForks]ids.BlockNumber{})
	}
	return true
}
