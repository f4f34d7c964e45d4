package stats

import (
	"math"
	"strconv"
	"testing"
	"time"
)

func entry(s *Statements, id int64) *Statement {
	return s.Get(StatementKey{10, 5, id, true}, func() string { return "select " + strconv.FormatInt(id, 10) })
}

func TestStatementSummary(t *testing.T) {
	s := NewStatements(nil)
	e := entry(s, 1)
	for _, ms := range []int{2, 4, 4, 4, 5, 5, 7, 9} {
		e = s.Executed(e, time.Duration(ms)*time.Millisecond, &StatementUse{Rows: 2})
	}
	r := s.Rows()[0]
	if r.Calls != 8 || r.Use.Rows != 16 || r.Exec.Min != 2 || r.Exec.Max != 9 || r.Exec.Total != 40 || math.Abs(r.Exec.Mean-5) > 1e-9 || math.Abs(r.Exec.Stddev(8)-2) > 1e-9 {
		t.Errorf("summary is %+v", r)
	}
}

// TestStatementsEvict: what is used stays; an entry that went comes back when it is counted again.
func TestStatementsEvict(t *testing.T) {
	s := NewStatements(func() int { return 100 })
	first := entry(s, 1)
	for range 20 {
		first = s.Executed(first, 1, &StatementUse{})
	}
	rare := s.Executed(entry(s, 2), 1, &StatementUse{})
	for id := int64(3); id < 300; id++ {
		e := entry(s, id)
		s.Executed(s.Executed(e, 1, &StatementUse{}), 1, &StatementUse{})
		if n := len(s.Rows()); n > 100 {
			t.Fatalf("%d entries", n)
		}
	}
	if n, _ := s.Info(); n == 0 {
		t.Error("nothing was removed")
	}
	if got := s.Executed(first, 1, &StatementUse{}); got != first || got.c.Calls != 21 {
		t.Error("the entry that is used most has gone")
	}
	if got := s.Executed(rare, 1, &StatementUse{}); got == rare || got.Text != "select 2" || got.c.Calls != 1 {
		t.Errorf("an entry that had gone is %+v", got)
	}
}

func TestStatementsFile(t *testing.T) {
	s := NewStatements(nil)
	for id := int64(1); id < 5; id++ {
		s.Executed(entry(s, id), time.Duration(id), &StatementUse{Rows: id, WALBytes: 7})
	}
	file := s.Encode()
	again := NewStatements(nil)
	if err := again.Decode(file); err != nil {
		t.Fatal(err)
	}
	rows := map[int64]StatementRow{}
	for _, r := range s.Rows() {
		rows[r.Key.ID] = r
	}
	for _, r := range again.Rows() {
		if rows[r.Key.ID] != r {
			t.Errorf("%+v came back as %+v", rows[r.Key.ID], r)
		}
		delete(rows, r.Key.ID)
	}
	if len(rows) > 0 {
		t.Errorf("lost: %v", rows)
	}
	for i := range file {
		bad := append([]byte(nil), file...)
		bad[i] ^= 0x10
		if err := again.Decode(bad); err == nil {
			t.Fatalf("byte %d is damaged and that is not noticed", i)
		}
	}
	if err := again.Decode(nil); err == nil {
		t.Error("no file at all is read")
	}
}

func FuzzStatementsDecode(f *testing.F) {
	s := NewStatements(nil)
	s.Executed(entry(s, 1), 1, &StatementUse{Rows: 1})
	good := s.Encode()
	f.Add(good[len(statementsMagic) : len(good)-4])
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewStatements(func() int { return 10 })
		if s.Decode(summed(statementsMagic, b)) != nil && len(s.Rows()) > 0 {
			t.Error("a damaged file has changed something")
		}
		entry(s, 7) // makes room if there is too much
		s.Encode()
	})
}

func BenchmarkStatementExecuted(b *testing.B) {
	s := NewStatements(nil)
	e := entry(s, 1)
	b.ReportAllocs()
	for b.Loop() {
		e = s.Executed(e, 1000, &StatementUse{Rows: 1})
	}
}
