package wal

import (
	"reflect"
	"strings"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

func TestHistory(t *testing.T) {
	h, err := ParseHistory(3, "# two ancestors\n\n1\t0/5000000\tno recovery target specified\n2\t1/A0\tbefore 2026\n")
	if err != nil {
		t.Fatal(err)
	}
	want := History{{1, 0, 0x5000000}, {2, 0x5000000, 1<<32 + 0xA0}, {3, 1<<32 + 0xA0, endless}}
	if !reflect.DeepEqual(h, want) {
		t.Fatalf("%+v", h)
	}
	for at, tli := range map[uint64]uint32{0: 1, 0x4FFFFFF: 1, 0x5000000: 2, 1<<32 + 0x9F: 2, 1<<32 + 0xA0: 3, 1 << 60: 3} {
		if got := h.At(ids.LSN(at)).Timeline; got != tli {
			t.Errorf("%X is on timeline %d", at, got)
		}
	}
	if again, err := ParseHistory(3, h.Text("x")); err != nil || !reflect.DeepEqual(again, h) {
		t.Errorf("%+v, %v", again, err)
	}
	for _, f := range []struct {
		at   uint64
		want History
	}{
		{2 << 32, append(want[:2:2], Span{3, 1<<32 + 0xA0, 2 << 32}, Span{7, 2 << 32, endless})},
		{0x6000000, History{{1, 0, 0x5000000}, {2, 0x5000000, 0x6000000}, {7, 0x6000000, endless}}},
		{0x5000000, History{{1, 0, 0x5000000}, {7, 0x5000000, endless}}},
		{0x300, History{{1, 0, 0x300}, {7, 0x300, endless}}},
	} {
		if got := h.Fork(7, ids.LSN(f.at)); !reflect.DeepEqual(got, f.want) {
			t.Errorf("fork at %X: %+v", f.at, got)
		}
	}
	if _, ok := h.Span(4); ok {
		t.Error("timeline 4 is in the history")
	}
	if NoHistory(1).Text("x") != "" {
		t.Error("a first timeline has a text")
	}
}

func TestHistoryErrors(t *testing.T) {
	for text, want := range map[string]string{
		"x 0/1": "Expected a numeric timeline ID.", "1": "Expected a write-ahead log switchpoint location.", "1 5": "Expected a write-ahead log switchpoint location.",
		"2 0/1\n1 0/2": "Timeline IDs must be in increasing sequence.", "1 0/2\n2 0/1": "A timeline cannot be left before it began.",
		"3 0/1": "Timeline IDs must be less than child timeline's ID.", "0 0/1": "Expected a numeric timeline ID.",
	} {
		if _, err := ParseHistory(3, text); err == nil || pgerr.From(err).Hint != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzHistory(f *testing.F) {
	f.Add("1\t0/5000000\tno recovery target specified\n2\t1/A0\tx\n")
	f.Add("# c\n1 0/0 y")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHistory(9, text)
		if err != nil {
			return
		}
		if again, err := ParseHistory(9, h.Text("why")); err != nil || !reflect.DeepEqual(h, again) {
			t.Fatalf("%q became %+v and then %+v, %v", text, h, again, err)
		}
		if strings.Count(h.Text(""), "\n") != len(h)-1 {
			t.Fatal(h)
		}
	})
}
