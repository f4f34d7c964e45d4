package locks

import "testing"

// The table of PostgreSQL's documentation, one row for each requested mode, X where it conflicts with the
// held mode of the column.
var documented = [8]string{
	".......X",
	"......XX",
	"....XXXX",
	"...XXXXX",
	"..XX.XXX",
	"..XXXXXX",
	".XXXXXXX",
	"XXXXXXXX",
}

func TestConflictTable(t *testing.T) {
	for i, row := range documented {
		for j, c := range row {
			a, b := Mode(i+1), Mode(j+1)
			if got := Conflicts(a, b); got != (c == 'X') {
				t.Errorf("%s with %s: %v", a, b, got)
			}
		}
	}
}

// Each pair of modes on one relation, taken by two owners: granted exactly when they do not conflict, in
// whichever of fast path and main table the first one is.
func TestEveryPairOfModes(t *testing.T) {
	for a := AccessShare; a < numModes; a++ {
		for b := AccessShare; b < numModes; b++ {
			for _, tag := range []Tag{RelationTag(5, 100), AdvisoryKey(5, -7)} {
				m := New(Options{})
				o1, o2 := m.NewOwner(nil, OwnerOptions{}), m.NewOwner(nil, OwnerOptions{})
				if err := o1.Acquire(tag, a, Opts{}); err != nil {
					t.Fatal(err)
				}
				ok, err := o2.TryAcquire(tag, b, false)
				if err != nil || ok == Conflicts(a, b) {
					t.Errorf("%s held, %s wanted: %v %v", a, b, ok, err)
				}
				if !ok {
					// Once the first is gone the second can have it, and one's own locks never conflict.
					o1.ReleaseTransaction()
					for _, mode := range []Mode{b, a} {
						if ok, err := o2.TryAcquire(tag, mode, false); err != nil || !ok {
							t.Errorf("%s after release: %v %v", mode, ok, err)
						}
					}
				}
				o1.Close()
				o2.Close()
				checkEmpty(t, m)
			}
		}
	}
}

func checkEmpty(t *testing.T, m *Manager) {
	t.Helper()
	if rows := m.Snapshot(); len(rows) != 0 {
		t.Fatalf("left behind: %+v", rows)
	}
	if l, h := m.nLocks.Load(), m.nHolders.Load(); l != 0 || h != 0 {
		t.Fatalf("%d locks and %d holders left in the table", l, h)
	}
	for i := range m.strong {
		if n := m.strong[i].Load(); n != 0 {
			t.Fatalf("strong counter %d is %d", i, n)
		}
	}
}
