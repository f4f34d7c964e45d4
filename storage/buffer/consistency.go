package buffer

import (
	"fmt"

	"gompho/internal/pgerr"
	"gompho/storage/page"
)

// checkRedo repeats the change's operations on the pages as they were and compares with what they became: who
// changes a page past the operations, or operations that are not repeatable, are found where they happen and not in a
// recovery. It runs with invariants only. Hint bits may change beside the operations: a page may differ in
// a few bits of bytes that no operation wrote, but not in its header, line pointers, or larger parts.
func (c *Change) checkRedo() {
	for i := range c.n {
		pg := &c.pages[i]
		if pg.image {
			continue
		}
		was, is := page.Page(pg.before), pg.buf.Page()
		if err := page.Apply(was, pg.ops); err != nil {
			c.redoBug(pg, err.Error())
		}
		was.SetFlags(was.Flags()&^page.HasFreeLines | is.Flags()&page.HasFreeLines)
		if was.Lower() != is.Lower() || was.Upper() != is.Upper() || was.SpecialStart() != is.SpecialStart() ||
			was.Flags() != is.Flags() || was.PruneXid() != is.PruneXid() {
			c.redoBug(pg, fmt.Sprintf("header after redo: flags %#x lower %d upper %d prune %d; on the page: flags %#x lower %d upper %d prune %d",
				was.Flags(), was.Lower(), was.Upper(), was.PruneXid(), is.Flags(), is.Lower(), is.Upper(), is.PruneXid()))
		}
		differ := 0
		for at := page.HeaderSize; at < page.Size; at++ {
			inHole := at >= is.Lower() && at < is.Upper() && is.MaxOffset() > 0
			if was[at] != is[at] && !inHole {
				differ++
			}
		}
		if differ > 64 {
			c.redoBug(pg, fmt.Sprintf("%d bytes differ", differ))
		}
	}
}

func (c *Change) redoBug(pg *changedPage, what string) {
	t := pg.buf.desc().tag()
	panic(pgerr.Internal("%s change of block %d of relation %d cannot be redone: %s", c.kind, t.block, t.rel.Rel, what).
		WithDetail("%s", page.DescribeOps(pg.ops)).WithSeverity(pgerr.Panic))
}
