package check

import (
	"fmt"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/storage/toast"
	"gompho/storage/tuple"
	"gompho/types"
)

// orphans looks for chunks that are alive, but belong to a value that no version of any row refers to. A value is reported once.
func (c *tables) orphans(t *toast.Table) error {
	r := t.Rel
	n, err := r.Blocks()
	if err != nil {
		return err
	}
	proj, vals := r.Layout().Project([]int{0}), make([]types.Datum, 1)
	told := map[ids.Oid]bool{}
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		b, err := r.Env.Pool.Read(c.tx.Slot(), r.File, ids.MainFork, blk, nil)
		if err != nil {
			continue // the toast table's own check reports it
		}
		b.Lock(buffer.Share)
		pg := append(page.Page(nil), b.Page()...)
		b.UnlockRelease()
		if page.Check(pg) != nil {
			continue
		}
		for off := ids.OffsetNumber(1); off <= pg.MaxOffset(); off++ {
			if !pg.ItemID(off).IsNormal() || pg.ItemID(off).Len() < tuple.HeaderSize {
				continue
			}
			tup := pg.Item(off)
			if v, _, _ := c.tx.VacuumStatus(tuple.Header(tup), c.oldest); v != mvcc.VacuumLive || proj.Deform(tup, vals, nil, nil) != nil {
				continue
			}
			if id := vals[0].Oid(); !c.values[id] && !told[id] {
				told[id] = true
				c.report(Problem{r.Name, blk, off, fmt.Sprintf("chunk of value %d, which no row of table %s refers to", id, c.r.Name)})
			}
		}
	}
	return nil
}
