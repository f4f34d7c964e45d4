package lockstress

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
)

const (
	rowTables = 2 // t0, t1: with rows, which are locked
	ddlTable  = 2 // t2: altered, truncated and dropped
	rowsEach  = 4
	advisory  = 4 // keys of each kind
)

// session is the client of one session.
type session struct {
	no   int
	r    *rand.Rand
	m    *model
	st   *state
	srv  *gompho.Server
	turn chan int // so many steps; < 0: end

	conn     *pgconn.PgConn
	net      net.Conn
	level    int  // savepoints that are open
	rollback bool // the transaction must not commit
	dropped  bool // the transaction has dropped t2
	names    int
}

func (s *session) run() {
	for n := range s.turn {
		if n < 0 {
			s.close()
			return
		}
		for range n {
			s.step()
		}
		s.m.change(func() { s.st.parked = true })
	}
}

// connect opens the connection, again if it was lost.
func (s *session) connect() {
	cfg, err := pgconn.ParseConfig(s.srv.DSN())
	if err != nil {
		panic(err)
	}
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := s.srv.Dial(ctx, network, addr)
		s.net = c
		return c, err
	}
	conn, err := pgconn.ConnectConfig(context.Background(), cfg)
	s.m.change(func() {
		if err != nil {
			s.m.problem("connect: %v", err)
			return
		}
		s.conn, s.st.pid = conn, conn.PID()
	})
}

// lost forgets the connection. The process may still be there.
func (s *session) lost() {
	s.net.Close()
	s.conn, s.level, s.rollback, s.dropped = nil, 0, false, false
	s.m.change(func() { s.forget() })
}

// forget takes the session out of the model. Caller holds mu.
func (s *session) forget() {
	if s.st.pid != 0 {
		s.m.zombies[s.st.pid] = true
	}
	s.st.end()
	clear(s.st.session)
	s.st.pid, s.st.busy, s.st.doomed = 0, false, false
}

func (s *session) close() {
	if s.conn == nil {
		return
	}
	s.m.change(func() { s.forget() })
	s.conn.Close(context.Background())
	s.net.Close()
}

// allowed are the errors that a statement may end with.
var allowed = []string{"40P01", "55P03", "57014", "40001", "57P01"}

// exec runs a statement. done says what it means for the model and gets the values of the last result; it runs only when the statement succeeds.
func (s *session) exec(sql string, done func(st *state, rows [][][]byte)) bool {
	s.m.change(func() { s.st.busy, s.st.last = true, sql; s.m.steps++ })
	results, err := s.conn.Exec(context.Background(), sql).ReadAll()
	if err == nil {
		var rows [][][]byte
		if len(results) > 0 {
			rows = results[len(results)-1].Rows
		}
		s.m.change(func() {
			s.st.busy = false
			s.st.note(fmt.Sprintf("%s: ok %c", sql, s.conn.TxStatus()))
			if done != nil {
				done(s.st, rows)
			}
			s.m.checkConflicts(s.st)
		})
		return true
	}
	var pe *pgconn.PgError
	isServer := errors.As(err, &pe)
	s.m.change(func() {
		s.st.errors++
		code := "lost"
		if isServer {
			code = pe.Code
		}
		s.m.codes[code]++
		s.st.note(fmt.Sprintf("%s: %s %c", sql, code, s.conn.TxStatus()))
		if isServer && !slices.Contains(allowed, pe.Code) && !(s.dropped && pe.Code == "42P01") {
			s.m.problem("%s: %s: %s %s", sql, pe.Code, pe.Message, pe.Detail)
		}
		if !isServer && !s.st.doomed {
			s.m.problem("%s: %v, though nobody has ended the session", sql, err)
		}
		if code == "40P01" {
			s.checkReport(pe)
		}
	})
	if s.conn.IsClosed() || !isServer || pe.Severity == "FATAL" {
		s.lost()
		return false
	}
	s.failed(pe.Code)
	return false
}

// failed brings the model to what an error leaves.
func (s *session) failed(code string) {
	s.m.change(func() {
		switch {
		case s.conn.TxStatus() == 'I':
			s.st.end()
			s.level, s.rollback, s.dropped = 0, false, false
		case s.level == 0:
			s.st.holds, s.st.failed = nil, true
		default:
			s.st.rollbackTo(s.level)
		}
		s.st.busy = false
	})
}

var reportLine = regexp.MustCompile(`Process (\d+) waits for (\w+) on .*; blocked by process (\d+)\.`)

// checkReport looks whether a deadlock's report is a cycle that begins with its victim. Caller holds mu.
func (s *session) checkReport(pe *pgconn.PgError) {
	lines := reportLine.FindAllStringSubmatch(pe.Detail, -1)
	pid := strconv.Itoa(int(s.st.pid))
	if len(lines) < 2 || lines[0][1] != pid || lines[len(lines)-1][3] != pid {
		s.m.problem("deadlock of %s: the report is no cycle of it: %s", pid, pe.Detail)
		return
	}
	for i := 1; i < len(lines); i++ {
		if lines[i-1][3] != lines[i][1] {
			s.m.problem("deadlock of %s: a line does not follow from the one before: %s", pid, pe.Detail)
		}
	}
}

// step does one thing.
func (s *session) step() {
	doomed := false
	s.m.change(func() { doomed = s.st.doomed })
	if s.conn != nil && doomed {
		s.lost()
	}
	if s.conn == nil {
		s.connect()
		return
	}
	switch {
	case s.conn.TxStatus() == 'E':
		s.recover()
	case s.conn.TxStatus() == 'I':
		s.outside()
	default:
		s.inside()
	}
}

// end sends a statement that ends the transaction until it has ended. The model forgets its locks first: they go while the statement runs.
func (s *session) end(sql string) {
	s.m.change(func() { s.st.holds = nil })
	s.exec(sql, nil)
	for s.conn != nil && s.conn.TxStatus() != 'I' {
		s.exec("rollback", nil)
	}
	if s.conn != nil {
		s.level, s.rollback, s.dropped = 0, false, false
		s.m.change(func() { s.st.end() })
	}
}

// recover goes on after an error: at a savepoint, or in a new transaction.
func (s *session) recover() {
	if s.level == 0 || s.r.IntN(4) == 0 {
		s.end("rollback")
		return
	}
	s.rollbackTo(1 + s.r.IntN(s.level))
}

func (s *session) rollbackTo(level int) {
	s.m.change(func() { s.st.rollbackTo(level) })
	if !s.exec(fmt.Sprintf("rollback to s%d", level), nil) {
		if s.conn != nil {
			s.end("rollback")
		}
		return
	}
	s.level = level
}

// outside does something between transactions, mostly begin one.
func (s *session) outside() {
	switch s.r.IntN(20) {
	case 0:
		s.m.change(func() { clear(s.st.session) })
		s.exec("discard all", nil)
	case 1, 2:
		s.sessionLock()
	case 3:
		s.cut()
	case 4:
		s.exec(fmt.Sprintf("update t%d set v = v + 1 where id = %d", s.r.IntN(rowTables), s.r.IntN(rowsEach)), nil)
	case 5:
		s.exec(fmt.Sprintf("vacuum t%d", s.r.IntN(3)), nil)
	default:
		iso := ""
		if s.r.IntN(4) == 0 {
			iso = " isolation level repeatable read"
		}
		s.exec("begin"+iso, func(st *state, _ [][][]byte) { st.inTx = true })
	}
}

// cut closes the connection without a word.
func (s *session) cut() {
	if s.r.IntN(3) == 0 {
		s.lost()
	}
}

func (s *session) inside() {
	switch n := s.r.IntN(100); {
	case n < 16:
		s.lockTable()
	case n < 26:
		s.command()
	case n < 50:
		s.lockRow()
	case n < 56:
		s.updateRow()
	case n < 66:
		s.advisoryXact()
	case n < 74:
		s.sessionLock()
	case n < 80:
		s.savepoint()
	case n < 84:
		if s.level > 0 {
			s.rollbackTo(1 + s.r.IntN(s.level))
		}
	case n < 86:
		s.releaseSavepoint()
	case n < 89:
		s.exec(fmt.Sprintf("set local %s = %d", []string{"lock_timeout", "statement_timeout"}[s.r.IntN(2)], s.r.IntN(5)*10), nil)
	case n < 91:
		s.exec(fmt.Sprintf("select pg_cancel_backend(%d)", s.somebody(false)), nil)
	case n < 92:
		s.exec(fmt.Sprintf("select pg_terminate_backend(%d)", s.somebody(true)), nil)
	case n < 93:
		s.cut()
	case n < 96 || s.rollback:
		s.end("rollback")
	default:
		s.end("commit")
	}
}

// somebody picks a session; doom marks it as one that will end.
func (s *session) somebody(doom bool) (pid uint32) {
	s.m.change(func() {
		st := s.m.states[s.r.IntN(len(s.m.states))]
		pid = st.pid
		if pid == 0 {
			pid = s.st.pid
			st = s.st
		}
		st.doomed = st.doomed || doom
	})
	return pid
}
