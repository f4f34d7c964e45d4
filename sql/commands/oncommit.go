package commands

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/session"
	"gompho/sql/ast"
	"gompho/storage/heap"
)

type onCommitKey struct{}

// onCommit remembers the temporary tables of a session that COMMIT empties or drops.
type onCommit struct {
	s      *session.Session
	tables []onCommitTable
}

type onCommitTable struct {
	oid    ids.Oid
	action ast.OnCommitAction
	made   mvcc.SubID // the (sub)transaction that made it, 0 once it is committed
}

// registerOnCommit notes the ON COMMIT clause of a new temporary table.
func (c *Context) registerOnCommit(oid ids.Oid, action ast.OnCommitAction) {
	if action != ast.OncommitDeleteRows && action != ast.OncommitDrop {
		return
	}
	if c.S.Extra == nil {
		c.S.Extra = map[any]any{}
	}
	h, _ := c.S.Extra[onCommitKey{}].(*onCommit)
	if h == nil {
		h = &onCommit{s: c.S}
		c.S.Extra[onCommitKey{}] = h
		c.S.Tx.AddHook(h)
	}
	h.tables = append(h.tables, onCommitTable{oid, action, c.S.Tx.SubID()})
}

// PreCommit empties and drops what the clauses say.
func (h *onCommit) PreCommit() error {
	if len(h.tables) == 0 {
		return nil
	}
	if err := h.checkKeys(); err != nil {
		return err
	}
	var drops []catalog.Object
	for _, t := range h.tables {
		r, err := h.s.Cat.Relation(t.oid)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		if t.action == ast.OncommitDrop {
			drops = append(drops, catalog.RelationObject(t.oid))
			continue
		}
		if h.s.Tx.Xid() == 0 && !h.touched(r) {
			continue
		}
		if err := emptyNow(h.s, r); err != nil {
			return err
		}
	}
	if len(drops) == 0 {
		return nil
	}
	if err := h.s.Cat.PerformDeletion(drops, catalog.DropOpts{Cascade: true, Quiet: true}); err != nil {
		return err
	}
	return h.s.Cat.IncrementCommand()
}

// checkKeys refuses to empty tables that others, which keep their rows, refer to.
func (h *onCommit) checkKeys() error {
	empties := func(oid ids.Oid) bool {
		return slices.ContainsFunc(h.tables, func(t onCommitTable) bool { return t.oid == oid && t.action == ast.OncommitDeleteRows })
	}
	for _, t := range h.tables {
		r, err := h.s.Cat.Relation(t.oid)
		if err != nil {
			return err
		}
		if r == nil || !r.HasTriggers || t.action != ast.OncommitDeleteRows {
			continue
		}
		refs, err := constraintsTo(h.s.Cat, t.oid)
		if err != nil {
			return err
		}
		for _, k := range refs {
			if empties(k.Conrelid) {
				continue
			}
			from, err := h.s.Cat.Relation(k.Conrelid)
			if err != nil || from == nil {
				return err
			}
			return pgerr.NotSupported("unsupported ON COMMIT and foreign key combination").
				WithDetail("Table %q references %q, but they do not have the same ON COMMIT setting.", from.Name, r.Name)
		}
	}
	return nil
}

// touched reports whether a table has any pages.
func (h *onCommit) touched(r *catalog.Relation) bool {
	if r.Heap == nil {
		return false
	}
	n, err := r.Heap.Blocks()
	return err != nil || n > 0
}

// emptyNow truncates a temporary table in place, with its indexes and toast table.
func emptyNow(s *session.Session, r *catalog.Relation) error {
	if r.Heap == nil {
		return nil // a partitioned table; its partitions have actions of their own
	}
	if err := heap.TruncateAll(s.Tx, r.Heap); err != nil {
		return err
	}
	for _, ix := range r.Indexes {
		if err := resetIndex(s, ix); err != nil {
			return err
		}
	}
	if r.Toast == 0 {
		return nil
	}
	t, err := s.Cat.Relation(r.Toast)
	if t == nil || err != nil {
		return err
	}
	return emptyNow(s, t)
}

// resetIndex makes an index empty in place.
func resetIndex(s *session.Session, ix *catalog.Index) error {
	if ix.Btree == nil {
		return nil
	}
	return ix.Btree.Reset(s.Tx)
}

// AtEnd forgets the tables that are gone.
func (h *onCommit) AtEnd(commit bool) {
	keep := h.tables[:0]
	for _, t := range h.tables {
		switch {
		case commit && t.action == ast.OncommitDrop, !commit && t.made != 0:
			continue
		}
		t.made = 0
		keep = append(keep, t)
	}
	h.tables = keep
}

// AtSubEnd hands the tables of a subtransaction to its parent, or forgets them.
func (h *onCommit) AtSubEnd(sub, parent mvcc.SubID, commit bool) {
	keep := h.tables[:0]
	for _, t := range h.tables {
		if t.made == sub {
			if !commit {
				continue
			}
			t.made = parent
		}
		keep = append(keep, t)
	}
	h.tables = keep
}

// OnCommand implements mvcc.Hook.
func (h *onCommit) OnCommand() {}
