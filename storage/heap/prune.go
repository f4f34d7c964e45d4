package heap

import (
	"slices"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/wal"
)

// prunePlan is what pruning does to the line pointers of a page.
type prunePlan struct {
	redirect [][2]ids.OffsetNumber // root, and the version that it stands for from now on
	dead     []ids.OffsetNumber    // index entries still point to them
	unused   []ids.OffsetNumber    // nothing points to them
	newXid   ids.Xid               // the next prune hint, 0 for none
	removed  int                   // row versions that go away
	freed    int                   // of unused, those that were roots of chains: dead line pointers if there were indexes
}

func (p *prunePlan) empty() bool {
	return len(p.redirect) == 0 && len(p.dead) == 0 && len(p.unused) == 0
}

// pruner plans the pruning of one page; what it decides depends on the page and on the verdicts only.
type pruner struct {
	pg      page.Page
	blk     ids.BlockNumber
	verdict [MaxTuplesPerPage + 1]mvcc.VacuumVerdict // of each normal line pointer
	updater [MaxTuplesPerPage + 1]ids.Xid            // of those that were updated
	done    [MaxTuplesPerPage + 1]bool
	plan    prunePlan
}

// judge fills in the verdicts. removable decides about what was deleted by a transaction; hinted is set when hint bits were.
func (p *pruner) judge(status func(h tuple.Header) (mvcc.VacuumVerdict, ids.Xid, bool), removable func(ids.Xid) bool,
	updater func(tuple.Header) ids.Xid) (hinted bool) {
	for off := ids.OffsetNumber(1); off <= p.pg.MaxOffset(); off++ {
		if !p.pg.ItemID(off).IsNormal() {
			continue
		}
		h := tuple.Header(p.pg.Item(off))
		v, deadAfter, hint := status(h)
		if v == mvcc.VacuumRecentlyDead && removable(deadAfter) {
			v = mvcc.VacuumDead
		}
		p.verdict[off] = v
		p.updater[off] = updater(h)
		hinted = hinted || hint
	}
	return hinted
}

func (p *pruner) run() {
	for off := ids.OffsetNumber(1); off <= p.pg.MaxOffset(); off++ {
		if id := p.pg.ItemID(off); !p.done[off] && (id.IsNormal() || id.IsRedirected()) {
			p.chain(off)
		}
	}
}

func (p *pruner) prunable(x ids.Xid) {
	if x.IsNormal() && (p.plan.newXid == 0 || x < p.plan.newXid) {
		p.plan.newXid = x
	}
}

// chain prunes the HOT chain that begins at root: versions up to the last dead one go, and root then stands for the one after it.
func (p *pruner) chain(root ids.OffsetNumber) {
	rootID := p.pg.ItemID(root)
	if rootID.IsNormal() && tuple.Header(p.pg.Item(root)).IsHeapOnly() {
		p.orphan(root)
		return
	}
	var members [MaxTuplesPerPage]ids.OffsetNumber
	n, lastDead := 0, -1
	prior := ids.InvalidXid
walk:
	for off := root; off >= 1 && off <= p.pg.MaxOffset() && n < len(members) && !p.done[off]; {
		id := p.pg.ItemID(off)
		if id.IsRedirected() {
			if n > 0 {
				break
			}
			members[n] = off
			n++
			off = id.Redirect()
			continue
		}
		if !id.IsNormal() {
			break
		}
		h := tuple.Header(p.pg.Item(off))
		if prior != 0 && h.Xmin() != prior {
			break
		}
		members[n] = off
		n++
		switch p.verdict[off] {
		case mvcc.VacuumDead:
			lastDead = n - 1
		case mvcc.VacuumRecentlyDead:
			p.prunable(p.updater[off])
		case mvcc.VacuumDeleteInProgress:
			p.prunable(p.updater[off])
			break walk
		default:
			break walk
		}
		if !h.IsHotUpdated() || h.Ctid().Block != p.blk {
			break
		}
		off, prior = h.Ctid().Offset, p.updater[off]
	}
	p.cut(root, members[:n], lastDead)
}

// cut carries out what chain found: members up to lastDead go away.
func (p *pruner) cut(root ids.OffsetNumber, members []ids.OffsetNumber, lastDead int) {
	if lastDead < 0 {
		if len(members) < 2 && p.pg.ItemID(root).IsRedirected() {
			// A redirection to nothing, after an aborted update.
			p.plan.dead = append(p.plan.dead, root)
		}
		return
	}
	for _, off := range members[1 : lastDead+1] {
		p.plan.unused = append(p.plan.unused, off)
		p.plan.removed++
		p.done[off] = true
	}
	if p.pg.ItemID(root).IsNormal() {
		p.plan.removed++
	}
	p.done[root] = true
	if lastDead+1 < len(members) {
		p.plan.redirect = append(p.plan.redirect, [2]ids.OffsetNumber{root, members[lastDead+1]})
	} else {
		p.plan.dead = append(p.plan.dead, root)
	}
}

// orphan removes a heap-only version that no chain leads to: its update aborted.
func (p *pruner) orphan(off ids.OffsetNumber) {
	h := tuple.Header(p.pg.Item(off))
	if p.verdict[off] == mvcc.VacuumDead && !h.IsHotUpdated() {
		p.plan.unused = append(p.plan.unused, off)
		p.plan.removed++
		p.done[off] = true
	}
}

// prunePage prunes a page that is latched for cleanup; dead line pointers become unused at once when noIndexes. It returns the plan that it
// carried out.
func prunePage(tx *mvcc.Session, r *Rel, b buffer.Buf, removable func(ids.Xid) bool, noIndexes bool) prunePlan {
	pg := b.Page()
	if pg.MaxOffset() > MaxTuplesPerPage {
		return prunePlan{} // a damaged page that ignore_checksum_failure let in: nothing of it is changed
	}
	p := pruner{pg: pg, blk: b.Block()}
	m := tx.Manager()
	hinted := p.judge(func(h tuple.Header) (mvcc.VacuumVerdict, ids.Xid, bool) { return tx.VacuumStatus(h, 0) }, removable, m.UpdateXid)
	p.run()
	plan := p.plan
	if noIndexes && len(plan.dead) > 0 {
		plan.unused = append(plan.unused, plan.dead...)
		plan.freed, plan.dead = len(plan.dead), nil
	}
	if plan.empty() {
		if plan.newXid != pg.PruneXid() || pg.HasFlag(page.PageFull) {
			pg.SetPruneXid(plan.newXid)
			pg.SetFlags(pg.Flags() &^ page.PageFull)
			hinted = true
		}
		if hinted {
			b.MarkDirtyHint()
		}
		return plan
	}
	slices.Sort(plan.unused)
	c := r.Env.Pool.Begin(tx.Slot(), wal.HeapPrune, ids.InvalidXid, r.info())
	pc := c.Page(b)
	for _, rd := range plan.redirect {
		pc.SetItem(rd[0], page.LPRedirect, rd[1])
	}
	for _, off := range plan.dead {
		pc.SetItem(off, page.LPDead, 0)
	}
	for _, off := range plan.unused {
		pc.SetItem(off, page.LPUnused, 0)
	}
	pc.Compact()
	pc.SetPruneXid(plan.newXid)
	if pg.HasFlag(page.PageFull) {
		pc.SetFlags(pg.Flags() &^ page.PageFull)
	}
	c.Commit()
	return plan
}

// pruneOpt prunes a pinned, unlatched page if it looks worthwhile and nobody else uses it.
func pruneOpt(tx *mvcc.Session, r *Rel, b buffer.Buf, vis *mvcc.VisTest) {
	pg := b.Page()
	x := pg.PruneXid()
	if x == 0 || !vis.Removable(x) {
		return
	}
	minFree := max(page.Size/10, r.saveFree())
	if !pg.HasFlag(page.PageFull) && freeSpace(pg) >= minFree || !b.TryLockCleanup() {
		return
	}
	if pg.HasFlag(page.PageFull) || freeSpace(pg) < minFree {
		// A line pointer that stays for the indexes to find is still a dead row for vacuum to remove.
		plan := prunePage(tx, r, b, vis.Removable, false)
		r.Counts(tx.Slot()).Prune(plan.removed - len(plan.dead))
	}
	b.Unlock()
}
