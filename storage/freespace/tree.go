package freespace

import (
	"encoding/binary"

	"gompho/storage/page"
)

// A page of the free space map, after the page header: next u32 (the slot where the next search begins), then a binary tree
// of bytes in the order of a heap: inner nodes, then leaves. An inner node is the greater of its children.
const (
	treeStart  = page.HeaderSize + 4
	innerNodes = 4095
	allNodes   = page.Size - treeStart
	// slots is how many leaves a page has.
	slots = allNodes - innerNodes
)

// tree is a page of the free space map. Its methods are pure.
type tree page.Page

func (t tree) node(i int) byte { return t[treeStart+i] }

func (t tree) next() int        { return int(binary.LittleEndian.Uint32(t[page.HeaderSize:])) }
func (t tree) setNext(slot int) { binary.LittleEndian.PutUint32(t[page.HeaderSize:], uint32(slot)) }

// max returns the greatest value on the page.
func (t tree) max() byte { return t.node(0) }

func (t tree) get(slot int) byte { return t.node(innerNodes + slot) }

func child(t tree, i int) byte {
	if i >= allNodes {
		return 0
	}
	return t.node(i)
}

// set stores v at slot and reports whether anything changed.
func (t tree) set(slot int, v byte) bool {
	i := innerNodes + slot
	if t.node(i) == v && t.max() >= v {
		return false
	}
	t[treeStart+i] = v
	for i > 0 {
		i = (i - 1) / 2
		m := max(child(t, 2*i+1), child(t, 2*i+2))
		if t.node(i) == m {
			break
		}
		t[treeStart+i] = m
	}
	return true
}

// find returns a slot with at least v, or -1. broken tells that an inner node promised what its children do not
// have: rebuild.
func (t tree) find(v byte) (slot int, broken bool) {
	if t.max() < v {
		return -1, false
	}
	i := innerNodes + t.next()%slots
	// Go up to the right until a node promises enough, so that searchers spread over the page; then down.
	for i > 0 && t.node(i) < v {
		i = rightOf(i+1) - 1
		i = (i - 1) / 2
		if i < 0 {
			i = 0
		}
	}
	for i < innerNodes {
		switch {
		case child(t, 2*i+1) >= v:
			i = 2*i + 1
		case child(t, 2*i+2) >= v:
			i = 2*i + 2
		default:
			return -1, true
		}
	}
	return i - innerNodes, false
}

// rightOf returns the right neighbour of a node counted from 1, wrapping round within its level.
func rightOf(n int) int {
	n++
	if n&(n-1) == 0 {
		return n / 2
	}
	if n-1 >= allNodes {
		// The last level is not full: wrap to its beginning.
		return innerNodes + 1
	}
	return n
}

// rebuild computes the inner nodes anew.
func (t tree) rebuild() {
	for i := innerNodes - 1; i >= 0; i-- {
		t[treeStart+i] = max(child(t, 2*i+1), child(t, 2*i+2))
	}
}

// clearFrom forgets the slots from slot on and reports whether any was set.
func (t tree) clearFrom(slot int) bool {
	changed := false
	for s := slot; s < slots; s++ {
		if t.get(s) != 0 {
			t[treeStart+innerNodes+s] = 0
			changed = true
		}
	}
	if changed {
		t.rebuild()
	}
	return changed
}

// Nodes returns the nodes of a page of the free space map, inner ones first, and the slot where the next search begins. They alias pg.
func Nodes(pg page.Page) (nodes []byte, next int) { return pg[treeStart:], tree(pg).next() }
