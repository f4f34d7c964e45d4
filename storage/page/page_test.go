package page

import (
	"bytes"
	"testing"

	"gompho/internal/ids"
	"pgregory.net/rapid"
)

// TestModel runs random operations on a page and on a slice of byte strings, and on a second page through the
// encoded operations.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, redo := make(Page, Size), make(Page, Size)
		var model [][]byte // nil: unused
		do := func(ops []byte) {
			if err := Apply(redo, ops); err != nil {
				rt.Fatalf("redo: %v", err)
			}
		}
		p.Init(16, 0)
		do(AppendInit(nil, 16, 0))
		rt.Repeat(map[string]func(*rapid.T){
			"insert": func(rt *rapid.T) {
				item := rapid.SliceOfN(rapid.Byte(), 1, 600).Draw(rt, "item")
				off := p.InsertItem(0, item)
				if off == 0 {
					if p.HasRoom(len(item)) {
						rt.Fatal("no room although HasRoom")
					}
					return
				}
				do(AppendInsert(nil, off, item))
				if int(off) > len(model) {
					model = append(model, nil)
				}
				if model[off-1] != nil {
					rt.Fatalf("offset %d was in use", off)
				}
				model[off-1] = item
			},
			"insertshift": func(rt *rapid.T) {
				off := ids.OffsetNumber(rapid.IntRange(1, len(model)+1).Draw(rt, "off"))
				item := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(rt, "item")
				if p.HasRoom(len(item)) != p.InsertItemShift(off, item) {
					rt.Fatal("HasRoom disagrees")
				} else if int(p.MaxOffset()) == len(model) {
					return
				}
				do(AppendInsertShift(nil, off, item))
				model = append(model[:off-1:off-1], append([][]byte{item}, model[off-1:]...)...)
			},
			"free": func(rt *rapid.T) {
				if len(model) == 0 {
					rt.Skip()
				}
				off := rapid.IntRange(1, len(model)).Draw(rt, "off")
				p.SetItem(ids.OffsetNumber(off), LPUnused, 0)
				do(AppendSetItem(nil, ids.OffsetNumber(off), LPUnused, 0))
				model[off-1] = nil
			},
			"compact": func(*rapid.T) { p.Compact(); do(AppendCompact(nil)) },
			"truncate": func(*rapid.T) {
				p.TruncateItems()
				do(AppendTruncateItems(nil))
				for len(model) > 0 && model[len(model)-1] == nil {
					model = model[:len(model)-1]
				}
			},
			"replace": func(rt *rapid.T) {
				if len(model) == 0 {
					rt.Skip()
				}
				off := rapid.IntRange(1, len(model)).Draw(rt, "off")
				item := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(rt, "item")
				if model[off-1] != nil && p.ReplaceItem(ids.OffsetNumber(off), item) {
					do(AppendReplace(nil, ids.OffsetNumber(off), item))
					model[off-1] = item
				}
			},
			"delete": func(rt *rapid.T) {
				var offs []ids.OffsetNumber
				var rest [][]byte
				for i := range model {
					if rapid.Bool().Draw(rt, "del") {
						offs = append(offs, ids.OffsetNumber(i+1))
					} else {
						rest = append(rest, model[i])
					}
				}
				if !p.DeleteItems(offs) {
					rt.Fatal("delete failed")
				}
				do(AppendDeleteItems(nil, offs))
				model = rest
			},
			"": func(rt *rapid.T) {
				if err := Check(p); err != nil {
					rt.Fatal(err)
				}
				if int(p.MaxOffset()) != len(model) {
					rt.Fatalf("%d line pointers, want %d", p.MaxOffset(), len(model))
				}
				for i, item := range model {
					off := ids.OffsetNumber(i + 1)
					if item == nil != !p.ItemID(off).IsUsed() || item != nil && !bytes.Equal(item, p.Item(off)) {
						rt.Fatalf("item %d differs", off)
					}
				}
				redo.SetFlags(p.Flags()) // HasFreeLines is a hint
				if !bytes.Equal(p[:p.Lower()], redo[:redo.Lower()]) || !bytes.Equal(p[p.Upper():], redo[redo.Upper():]) {
					rt.Fatal("redo gives another page")
				}
			},
		})
	})
}

func TestImageAndChecksum(t *testing.T) {
	p := make(Page, Size)
	if err := Verify(p, 3, true); err != nil {
		t.Fatal(err)
	}
	p.Init(8, 5)
	p.InsertItem(0, []byte("some bytes"))
	p.SetLSN(77)
	p.SetChecksum(3)
	if err := Verify(p, 3, true); err != nil {
		t.Fatal(err)
	}
	if Verify(p, 4, true) == nil {
		t.Fatal("the checksum does not depend on the block")
	}
	q := make(Page, Size)
	for i := range q {
		q[i] = 0xff
	}
	if err := Apply(q, AppendImage(nil, p)); err != nil || !bytes.Equal(p, q) {
		t.Fatal("image differs", err)
	}
	q[5000] ^= 1
	if Verify(q, 3, true) == nil || Verify(q, 3, false) != nil {
		t.Fatal("a flipped bit: the checksum and nothing else must find it")
	}
}

// TestImageKeepsContents: what lies between lower and upper of a page without items is content.
func TestImageKeepsContents(t *testing.T) {
	p, q := make(Page, Size), make(Page, Size)
	p.Init(0, 0)
	if n := len(AppendImage(nil, p)); n > 100 {
		t.Fatalf("the image of an empty page has %d bytes", n)
	}
	p[4000] = 9
	if err := Apply(q, AppendImage(nil, p)); err != nil || !bytes.Equal(p, q) {
		t.Fatal("content lost", err)
	}
}

// FuzzApply feeds damaged operations and pages: no panic, and a page that passed Check before and took
// the operations keeps its header sane.
func FuzzApply(f *testing.F) {
	p := make(Page, Size)
	p.Init(8, 0)
	p.InsertItem(0, []byte("abc"))
	f.Add([]byte(p), AppendDeleteItems(AppendInsertShift(nil, 1, []byte("x")), []ids.OffsetNumber{1}))
	f.Add([]byte(p), AppendImage(nil, p))
	f.Add([]byte(p), AppendReplace(AppendCompact(nil), 1, []byte("longer than that")))
	f.Fuzz(func(t *testing.T, pg, ops []byte) {
		p := make(Page, Size)
		copy(p, pg)
		_ = Verify(p, 1, false)
		_ = Check(p)
		_ = DescribeOps(ops)
		_ = Apply(p, ops)
	})
}

func BenchmarkInsertItem(b *testing.B) {
	p, item := make(Page, Size), make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		if p.InsertItem(0, item) == 0 {
			p.Init(0, 0)
		}
	}
}

func BenchmarkChecksum(b *testing.B) {
	p := make(Page, Size)
	p.Init(0, 0)
	b.SetBytes(Size)
	for b.Loop() {
		p.SetChecksum(1)
	}
}
