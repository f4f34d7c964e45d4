package vfs

import "math/rand/v2"

// Clone returns a file system with the same content, synced and not, and no open files; what crashes leave of it is drawn
// from its own seed. File contents are shared until one side changes them.
func (m *Mem) Clone(seed uint64) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &Mem{rnd: rand.New(rand.NewPCG(seed, 1)), life: 1, unit: m.unit}
	c.root = m.root.clone(map[*memNode]*memNode{})
	return c
}

// clone copies a node and what is below it. done keeps the identity of nodes that have several names.
func (n *memNode) clone(done map[*memNode]*memNode) *memNode {
	if n == nil {
		return nil
	}
	if c := done[n]; c != nil {
		return c
	}
	n.shared = !n.dir
	c := &memNode{name: n.name, dir: n.dir, link: n.link, mode: n.mode, modTime: n.modTime, data: n.data[:len(n.data):len(n.data)],
		shared: n.shared, syncedSize: n.syncedSize}
	done[n] = c
	names := func(from map[string]*memNode) map[string]*memNode {
		if from == nil {
			return nil
		}
		to := make(map[string]*memNode, len(from))
		for name, e := range from {
			to[name] = e.clone(done)
		}
		return to
	}
	c.entries, c.durable = names(n.entries), names(n.durable)
	for _, p := range n.pending {
		c.pending = append(c.pending, names(p))
	}
	if len(n.undo) > 0 {
		c.undo = make(map[int64][]byte, len(n.undo)) // the sectors themselves never change
		for s, b := range n.undo {
			c.undo[s] = b
		}
	}
	return c
}

// own makes the content this file system's own before it changes; size is how long it is about to be at least.
func (n *memNode) own(size int) {
	if !n.shared {
		return
	}
	b := make([]byte, len(n.data), max(len(n.data), size))
	copy(b, n.data)
	n.data, n.shared = b, false
}
