package backup

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestLabel compares with what PostgreSQL 15 writes, and reads it back, also with a label of several lines.
func TestLabel(t *testing.T) {
	at := time.Date(2026, 11, 23, 18, 13, 50, 0, time.UTC)
	l := NewLabel(0x20D000028, 0x20D000060, 1, 16<<20, "a\nb", at)
	want := "START WAL LOCATION: 2/D000028 (file 00000001000000020000000D)\nCHECKPOINT LOCATION: 2/D000060\nBACKUP METHOD: streamed\n" +
		"BACKUP FROM: primary\nSTART TIME: 2026-11-23 18:13:50 UTC\nLABEL: a\nb\nSTART TIMELINE: 1\n"
	if l.String() != want {
		t.Fatalf("%q", l)
	}
	got, err := ParseLabel(want)
	if err != nil {
		t.Fatal(err)
	}
	if l.Text = "a"; !reflect.DeepEqual(got, l) {
		t.Fatalf("%+v", got)
	}
	if n := l.HistoryName(16 << 20); n != "00000001000000020000000D.00000028.backup" {
		t.Error(n)
	}
	h := l.HistoryText(0x20E000000, 1, 16<<20, at)
	if !strings.Contains(h, "STOP WAL LOCATION: 2/E000000 (file 00000001000000020000000D)\nCHECKPOINT") || !strings.HasSuffix(h, "STOP TIME: 2026-11-23 18:13:50 UTC\nSTOP TIMELINE: 1\n") {
		t.Errorf("%q", h)
	}
}

func TestLabelErrors(t *testing.T) {
	for _, text := range []string{"", "x", "START WAL LOCATION: 2/D000028 (file 00000001000000020000000D)", "START WAL LOCATION: 2/D000028 (file 00000001000000020000000D)\nCHECKPOINT LOCATION: x",
		"START WAL LOCATION: 2/D000028 (file 00000001000000020000000D)\nCHECKPOINT LOCATION: 1/0", "START WAL LOCATION: 2/D000028 (file 000000)\nCHECKPOINT LOCATION: 3/0",
		"START WAL LOCATION: 2/D000028 (file 00000001000000020000000D)\nCHECKPOINT LOCATION: 3/0\nSTART TIMELINE: 2"} {
		if l, err := ParseLabel(text); err == nil {
			t.Errorf("%q: %+v", text, l)
		}
	}
}

func FuzzLabel(f *testing.F) {
	f.Add("START WAL LOCATION: 2/D000028 (file 00000001000000020000000D)\nCHECKPOINT LOCATION: 2/D000060\nLABEL: x\nSTART TIMELINE: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLabel(text)
		if err != nil {
			return
		}
		if again, err := ParseLabel(l.String()); err != nil || !reflect.DeepEqual(l, again) {
			t.Fatalf("%+v became %+v, %v", l, again, err)
		}
	})
}
