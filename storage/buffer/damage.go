package buffer

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/page"
	"gompho/storage/smgr"
)

// readPage reads a block and verifies it. A damaged one is an error, or with orZero, or when the process is told to, a page of zeros; with
// ignore_checksum_failure it is used as it is, as long as its header and its line pointers make sense.
func (p *Pool) readPage(slot *stats.Slot, t *tag, pg page.Page, orZero bool) error {
	policy := slot.DamagePolicy()
	zero := func() bool { return orZero || policy != nil && policy.ZeroPages() }
	if err := p.storage.Read(slot, t.rel, t.fork, t.block, pg); err != nil {
		if pgerr.From(err).Code == pgerr.DataCorrupted && zero() { // the file ends within the block
			clear(pg)
			return nil
		}
		return err
	}
	reason := page.Verify(pg, t.block, p.opts.Checksums)
	if reason == nil {
		return nil
	}
	if p.opts.Checksums && !pg.IsNew() && pg.Checksum(t.block) != pg.StoredChecksum() {
		p.opts.ChecksumFailed(t.rel.DB)
		p.warn(policy, pgerr.New(pgerr.DataCorrupted, "page verification failed, calculated checksum %d but expected %d", pg.Checksum(t.block), pg.StoredChecksum()))
		if policy != nil && policy.IgnoreChecksums() && usable(pg) {
			return nil
		}
	}
	const format = "invalid page in block %d of relation %s"
	if zero() {
		p.warn(policy, pgerr.New(pgerr.DataCorrupted, format+"; zeroing out page", t.block, smgr.RelPath(t.rel, t.fork)))
		clear(pg)
		return nil
	}
	err := pgerr.Wrap(reason, pgerr.DataCorrupted, format, t.block, smgr.RelPath(t.rel, t.fork))
	err.DetailLog = reason.Error()
	return err
}

// usable reports whether a page with a wrong checksum can be looked at without going astray: its header and its items are where they can be, and
// rows (on pages without special space) have room for their headers. On pages of indexes each line pointer has an item.
func usable(pg page.Page) bool {
	if page.Check(pg) != nil {
		return false
	}
	least, index := 8, true
	if pg.SpecialStart() == page.Size {
		least, index = 32, false
	}
	for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
		if id := pg.ItemID(off); (index || id.IsNormal()) && id.Len() < least {
			return false
		}
	}
	return true
}

func (p *Pool) warn(policy *stats.Damage, e *pgerr.Error) {
	e = e.WithSeverity(pgerr.Warning)
	if policy != nil && policy.Warn != nil {
		policy.Warn(e)
	} else {
		p.opts.Warn(e)
	}
}
