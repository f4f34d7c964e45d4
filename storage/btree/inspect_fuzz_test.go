package btree

import (
	"testing"

	"gompho/internal/ids"
	"gompho/storage/page"
)

// FuzzInspect shows pages of any content: no panic, and items that lie on the page.
func FuzzInspect(f *testing.F) {
	pg := make(page.Page, page.Size)
	pg.Init(specialSize, 0)
	pg.InsertItem(0, minusInf(7))
	it := append(minusInf(8), 1, 2, 3, 4, 5, 6, 7, 8)
	le.PutUint16(it[6:], infoPivot|infoPivotTID|1)
	pg.InsertItem(0, it)
	f.Add([]byte(pg))
	f.Add(make([]byte, page.Size))
	f.Fuzz(func(t *testing.T, data []byte) {
		pg := make(page.Page, page.Size)
		copy(pg, data)
		_ = InspectMeta(pg)
		p, ok := InspectPage(pg)
		if !ok {
			return
		}
		_ = p.Kind()
		for _, x := range InspectItems(pg) {
			if x.Offset < 1 || x.Offset > pg.MaxOffset() || len(x.Data) > x.Len || x.HeapTID != (ids.TID{}) && x.Pivot && x.Len < itemHeader+8 {
				t.Fatalf("item %+v", x)
			}
		}
	})
}
