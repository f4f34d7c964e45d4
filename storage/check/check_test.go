package check_test

import (
	"strings"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/tests/storetest"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/buffer"
	"gompho/storage/check"
	"gompho/storage/freespace"
	"gompho/storage/heap"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/types"
)

// damaged makes a small table with an index, lets damage do something to it, and returns what the checkers report.
func damaged(t *testing.T, damage func(s *storetest.Store, tx *mvcc.Session, r *heap.Rel, ix *btree.Index, tids []ids.TID)) string {
	t.Helper()
	s := storetest.New(t, 1, 64)
	r := s.Table(storetest.Desc("int4", "text"), func(r *heap.Rel) { r.HotAttrs = []int{0} })
	ix := btree.New(&btree.Index{Env: s.Env, File: s.NewFile(), Name: "i", Heap: r, Desc: storetest.Desc("int4"), Logged: true,
		Keys: []btree.Key{{Order: btree.OrderSigned}}})
	tx := s.Begin()
	storetest.Check(t, heap.CreateStorage(tx, s.Env, ix.File, true, false))
	storetest.Check(t, ix.CreateEmpty(tx))
	var tids []ids.TID
	for i := range 3000 {
		v := []types.Datum{types.Int(int64(i)), types.String("text")}
		tid, err := heap.Insert(tx, r, v, tx.CommandID(true), heap.InsertOpts{})
		storetest.Check(t, err)
		_, err = ix.Insert(tx, v[:1], tid, btree.UniqueNo)
		storetest.Check(t, err)
		tids = append(tids, tid)
	}
	storetest.Check(t, tx.IncrementCommand())
	u, res, _, err := heap.Update(tx, r, tids[2999], []types.Datum{types.Int(2999), types.String("new")}, tx.CommandID(true), heap.ModifyOpts{})
	if err != nil || res != heap.Ok || !u.Hot {
		t.Fatal(res, u, err)
	}
	storetest.Commit(t, tx)
	tx = s.Begin()
	if damage != nil {
		damage(s, tx, r, ix, tids)
	}
	var out []string
	report := func(p check.Problem) { out = append(out, p.String()) }
	storetest.Check(t, check.Heap(tx, r, report))
	storetest.Check(t, check.Index(tx, ix, &check.Extract{Cols: []int{0}}, report))
	storetest.Check(t, check.Complete(tx, ix, &check.Extract{Cols: []int{0}}, report))
	storetest.Commit(t, tx)
	return strings.Join(out, "\n")
}

// edit writes to a page behind everybody's back.
func edit(s *storetest.Store, file ids.RelFile, blk ids.BlockNumber, f func(pg page.Page)) {
	b, err := s.Pool.Read(nil, file, ids.MainFork, blk, nil)
	storetest.Check(s.T, err)
	b.Lock(buffer.Exclusive)
	f(b.Page())
	b.UnlockRelease()
}

func TestFindsDamage(t *testing.T) {
	type damage func(s *storetest.Store, tx *mvcc.Session, r *heap.Rel, ix *btree.Index, tids []ids.TID)
	header := func(f func(h tuple.Header)) damage {
		return func(s *storetest.Store, tx *mvcc.Session, r *heap.Rel, ix *btree.Index, tids []ids.TID) {
			edit(s, r.File, tids[7].Block, func(pg page.Page) { f(tuple.Header(pg.Item(tids[7].Offset))) })
		}
	}
	for name, c := range map[string]struct {
		want string
		do   damage
	}{
		"none": {"", nil},
		"xmin": {"next transaction id", header(func(h tuple.Header) { h.SetXmin(1 << 40) })},
		"xmax": {"xmax", header(func(h tuple.Header) { h.SetXmax(1 << 40); h.SetInfomask(h.Infomask() &^ tuple.XmaxInvalid) })},
		"multixact": {"multixact", header(func(h tuple.Header) {
			h.SetXmax(1 << 40)
			h.SetInfomask(h.Infomask()&^tuple.XmaxInvalid | tuple.XmaxIsMulti)
		})},
		"header size": {"header does not fit", header(func(h tuple.Header) { h.SetHoff(255) })},
		"attributes":  {"attributes, the table has", header(func(h tuple.Header) { h.SetNatts(9) })},
		"value":       {"invalid tuple", header(func(h tuple.Header) { h[tuple.HeaderSize+4] = 0xfe })},
		"wrong key":   {"no entry for row", header(func(h tuple.Header) { h[tuple.HeaderSize]++ })},
		"item": {"item", func(s *storetest.Store, _ *mvcc.Session, r *heap.Rel, _ *btree.Index, tids []ids.TID) {
			edit(s, r.File, 0, func(pg page.Page) { pg.SetItemID(3, page.MakeItemID(100, page.LPNormal, 50)) })
		}},
		"broken HOT": {"HOT-updated", func(s *storetest.Store, _ *mvcc.Session, r *heap.Rel, _ *btree.Index, tids []ids.TID) {
			edit(s, r.File, tids[2999].Block, func(pg page.Page) {
				tuple.Header(pg.Item(tids[2999].Offset)).SetCtid(ids.TID{Block: tids[2999].Block, Offset: 200})
			})
		}},
		"row gone": {"has nothing", func(s *storetest.Store, _ *mvcc.Session, r *heap.Rel, _ *btree.Index, tids []ids.TID) {
			edit(s, r.File, 0, func(pg page.Page) { pg.SetItem(5, page.LPUnused, 0) })
		}},
		"redirect": {"redirected", func(s *storetest.Store, _ *mvcc.Session, r *heap.Rel, _ *btree.Index, tids []ids.TID) {
			edit(s, r.File, 0, func(pg page.Page) { pg.SetItem(5, page.LPUnused, 0); pg.SetItem(6, page.LPRedirect, 5) })
		}},
		"visible": {"all-visible page", func(s *storetest.Store, _ *mvcc.Session, r *heap.Rel, _ *btree.Index, tids []ids.TID) {
			edit(s, r.File, tids[2999].Block, func(pg page.Page) { pg.SetFlags(pg.Flags() | page.AllVisible) })
		}},
		"index order": {"not after the one before", func(s *storetest.Store, _ *mvcc.Session, _ *heap.Rel, ix *btree.Index, _ []ids.TID) {
			edit(s, ix.File, 1, func(pg page.Page) { pg.Item(5)[8] += 100 })
		}},
		"index entry": {"no entry for row", func(s *storetest.Store, _ *mvcc.Session, _ *heap.Rel, ix *btree.Index, _ []ids.TID) {
			edit(s, ix.File, 1, func(pg page.Page) { pg.DeleteItems([]ids.OffsetNumber{5}) })
		}},
		"index sibling": {"left link", func(s *storetest.Store, _ *mvcc.Session, _ *heap.Rel, ix *btree.Index, _ []ids.TID) {
			edit(s, ix.File, 2, func(pg page.Page) { pg[page.Size-24]++ })
		}},
		"index high key": {"after the page's high key", func(s *storetest.Store, _ *mvcc.Session, _ *heap.Rel, ix *btree.Index, _ []ids.TID) {
			edit(s, ix.File, 1, func(pg page.Page) { pg.Item(1)[8] = 1; pg.Item(1)[9] = 0 })
		}},
		"map": {"in the map", func(s *storetest.Store, tx *mvcc.Session, r *heap.Rel, _ *btree.Index, _ []ids.TID) {
			vm := freespace.NewVM(s.Pool, buffer.RelInfo{File: r.File, Logged: true})
			defer vm.Close()
			storetest.Check(s.T, vm.Pin(nil, 0))
			c := s.Pool.Begin(nil, 1, 0, buffer.RelInfo{File: r.File})
			m := vm.Set(c, 0, freespace.AllVisible)
			c.Commit()
			m.Unlock()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := damaged(t, c.do)
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("reported:\n%s\nwant %q", got, c.want)
			}
		})
	}
}
