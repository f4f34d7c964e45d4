package lockstress

import (
	"fmt"
	"strings"
)

// take notes a lock of the transaction.
func (s *session) take(o object, mode int) func(*state, [][][]byte) {
	return func(st *state, _ [][][]byte) {
		if st.inTx {
			st.holds = append(st.holds, hold{obj: o, mode: mode, level: s.level})
		}
	}
}

func table(n int) object { return object(fmt.Sprintf("t%d", n)) }

func (s *session) lockTable() {
	mode, o := s.r.IntN(8), table(s.r.IntN(3))
	if mode == accessExclusive && s.r.IntN(2) == 0 {
		mode = s.r.IntN(8)
	}
	nowait := ""
	if s.r.IntN(3) == 0 {
		nowait = " nowait"
	}
	words := strings.TrimSpace(strings.NewReplacer("Lock", "", "Access", "access ", "Row", "row ", "Share", "share ", "Update", "update ", "Exclusive", "exclusive ").Replace(modeNames[mode]))
	s.exec(fmt.Sprintf("lock table %s in %s mode%s", o, words, nowait), s.take(o, mode))
}

// command takes a table lock by a command that does something else; one of those that cannot be repeated is rolled back.
func (s *session) command() {
	s.names++
	name := fmt.Sprintf("x%d_%d", s.no, s.names)
	commands := []struct {
		sql      string
		table    int
		mode     int
		rollback bool
	}{
		{"select count(*) from t0", 0, accessShare, false},
		{"select count(*) from t1, t1 b", 1, accessShare, false},
		{"insert into t2 values (default, 1)", 2, rowExclusive, false},
		{"delete from t2 where id < 0", 2, rowExclusive, false},
		{"analyze t2", 2, shareUpdateExclusive, false},
		{"alter table t0 alter v set statistics 10", 0, shareUpdateExclusive, false},
		{"alter table t1 set (fillfactor = 90)", 1, shareUpdateExclusive, false},
		{"comment on table t2 is 'c'", 2, shareUpdateExclusive, false},
		{"create index " + name + " on t2 (v)", 2, share, true},
		{"reindex table t2", 2, share, true},
		{"alter table t2 add column " + name + " int", 2, accessExclusive, true},
		{"truncate t2", 2, accessExclusive, false},
		{"drop table t2", 2, accessExclusive, true},
	}
	c := commands[s.r.IntN(len(commands))]
	s.dropped = s.dropped || strings.HasPrefix(c.sql, "drop")
	s.rollback = s.rollback || c.rollback
	s.exec(c.sql, s.take(table(c.table), c.mode))
}

func (s *session) lockRow() {
	t, id, strength := s.r.IntN(rowTables), s.r.IntN(rowsEach), s.r.IntN(4)
	policy := []string{"", "", " nowait", " skip locked"}[s.r.IntN(4)]
	row := object(fmt.Sprintf("t%d/%d", t, id))
	s.exec(fmt.Sprintf("select id from t%d where id = %d for %s%s", t, id, rowNames[strength], policy), func(st *state, rows [][][]byte) {
		s.take(table(t), rowShare)(st, nil)
		if len(rows) == 1 {
			s.take(row, strength)(st, nil)
		} else if policy != " skip locked" {
			s.m.problem("%s gives %d rows", st.last, len(rows))
		}
	})
}

func (s *session) updateRow() {
	t, id := s.r.IntN(rowTables), s.r.IntN(rowsEach)
	s.exec(fmt.Sprintf("update t%d set v = v + 1 where id = %d", t, id), func(st *state, _ [][][]byte) {
		s.take(table(t), rowExclusive)(st, nil)
		st.holds = append(st.holds, hold{obj: object(fmt.Sprintf("t%d/%d", t, id)), mode: 2, level: s.level, updated: true})
	})
}

// advisoryKey picks a key: the arguments of a function, and how pg_locks shows it.
func (s *session) advisoryKey() (args string, o object) {
	k := s.r.IntN(advisory)
	if s.r.IntN(2) == 0 {
		return fmt.Sprintf("%d", int64(k)<<32|int64(k)), object(fmt.Sprintf("advisory %d,%d,1", k, k))
	}
	return fmt.Sprintf("%d,%d", k, k), object(fmt.Sprintf("advisory %d,%d,2", k, k))
}

// advisoryMode picks a mode and the words of it in the functions' names.
func (s *session) advisoryMode() (mode int, shared string, try string) {
	mode = exclusive
	if s.r.IntN(2) == 0 {
		mode, shared = share, "_shared"
	}
	if s.r.IntN(3) == 0 {
		try = "try_"
	}
	return
}

func isTrue(rows [][][]byte) bool { return len(rows) == 1 && string(rows[0][0]) == "t" }

func (s *session) advisoryXact() {
	args, o := s.advisoryKey()
	mode, shared, try := s.advisoryMode()
	s.exec(fmt.Sprintf("select pg_%sadvisory_xact_lock%s(%s)", try, shared, args), func(st *state, rows [][][]byte) {
		if try == "" || isTrue(rows) {
			s.take(o, mode)(st, nil)
		}
	})
}

// sessionLock takes or releases an advisory lock of the session.
func (s *session) sessionLock() {
	args, o := s.advisoryKey()
	mode, shared, try := s.advisoryMode()
	switch s.r.IntN(8) {
	case 0:
		s.m.change(func() { clear(s.st.session) })
		s.exec("select pg_advisory_unlock_all()", nil)
		return
	case 1, 2, 3:
		s.unlock(o, mode, fmt.Sprintf("select pg_advisory_unlock%s(%s)", shared, args))
		return
	}
	ok := s.exec(fmt.Sprintf("select pg_%sadvisory_lock%s(%s)", try, shared, args), func(st *state, rows [][][]byte) {
		if try != "" && !isTrue(rows) {
			return
		}
		if st.session[o] == nil {
			st.session[o] = new([8]int)
		}
		st.session[o][mode]++
	})
	if !ok && s.conn != nil {
		s.sync() // whether it was granted before the statement was cancelled is unknown
	}
}

// unlock gives up one count. What the model says is dropped before it is true and judged by the answer.
func (s *session) unlock(o object, mode int, sql string) {
	before := 0
	s.m.change(func() {
		if n := s.st.session[o]; n != nil {
			if before = n[mode]; before > 0 {
				n[mode]--
			}
		}
	})
	ok := s.exec(sql, func(st *state, rows [][][]byte) {
		if isTrue(rows) != (before > 0) {
			s.m.problem("process %d: %s says %v, the model counts %d", st.pid, sql, isTrue(rows), before)
		}
	})
	if !ok && s.conn != nil {
		s.sync()
	}
}

// sync gives up all advisory locks of the session, which an error has left uncertain.
func (s *session) sync() {
	s.m.change(func() { clear(s.st.session) })
	if s.conn.TxStatus() == 'E' {
		s.end("rollback")
	}
	for s.conn != nil && !s.exec("select pg_advisory_unlock_all()", nil) {
		if s.conn != nil && s.conn.TxStatus() == 'E' {
			s.end("rollback")
		}
	}
}

func (s *session) savepoint() {
	if s.level == 4 {
		return
	}
	if s.exec(fmt.Sprintf("savepoint s%d", s.level+1), nil) {
		s.level++
	} else if s.conn != nil {
		s.end("rollback")
	}
}

func (s *session) releaseSavepoint() {
	if s.level == 0 {
		return
	}
	level := 1 + s.r.IntN(s.level)
	if s.exec(fmt.Sprintf("release s%d", level), func(st *state, _ [][][]byte) { st.release(level) }) {
		s.level = level - 1
	} else if s.conn != nil {
		s.end("rollback")
	}
}
