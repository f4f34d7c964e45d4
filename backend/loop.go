package backend

import (
	"io"
	"time"

	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/sysviews"
	"gompho/wire"
)

// loop reads and serves messages until the session ends.
func (b *Backend) loop() error {
	b.c.Account = b.o.Slot.Account()
	for {
		calm := !b.c.Buffered()
		if err := b.idle(); err != nil {
			return err
		}
		b.o.Slot.Account().SetIdle(true)
		t, body, err := b.c.ReadMessage()
		b.o.Slot.Account().SetIdle(false)
		cycle := !b.between
		b.between = false
		var refused error // a message that there is no room for: it was read over
		if e, ok := err.(*pgerr.Error); ok && !isFatal(e) {
			refused, err = e, nil
		}
		if err != nil {
			if e := b.o.Slot.CheckInterrupts(); e != nil && isFatal(e) {
				return e
			}
			if _, ok := err.(*pgerr.Error); ok {
				return err
			}
			if err == io.EOF {
				return nil
			}
			return err
		}
		if !b.steps.arrived.IsZero() {
			b.step(stats.StepRead, b.steps.arrived)
			b.steps.arrived = time.Time{}
		}
		b.o.Slot.Clear(stats.IdleInTxTimeout | stats.IdleTimeout)
		if calm {
			b.dropLate(cycle) // what comes while nothing runs hits nothing
		}
		if b.skipSync && t != 'S' && t != 'X' {
			continue
		}
		if cycle && refused == nil && b.o.Slot.Pending()&stats.StatementTimeout != 0 {
			refused = b.o.Slot.CheckInterrupts()
		}
		done, err := false, refused
		if err == nil {
			done, err = b.dispatch(t, body)
		}
		b.dropTrees()
		if done || err != nil && isFatal(err) {
			return err
		}
		if err != nil {
			b.fail(err)
			if b.lost {
				return pgerr.New(pgerr.ProtocolViolation, "terminating connection because protocol synchronization was lost").WithSeverity(pgerr.Fatal)
			}
			switch t {
			case 'Q', 'F', 'S':
				b.ready()
			default:
				b.skipSync = true
			}
		}
		b.inQuery = false
		if b.c.Err() != nil {
			return b.c.Err()
		}
	}
}

func isFatal(err error) bool {
	e, ok := err.(*pgerr.Error)
	return ok && (e.Severity == pgerr.Fatal || e.Severity == pgerr.Panic)
}

// idle prepares for the wait for the next message: it answers pending requests and arms the idle timeouts. Between messages of one query cycle
// the time of the statement runs on instead.
func (b *Backend) idle() error {
	if b.c.Buffered() {
		return nil
	}
	if p := b.o.Slot.Pending(); p != 0 {
		b.dropLate(!b.between)
		if err := b.o.Slot.CheckInterrupts(); err != nil && isFatal(err) {
			return err
		}
	}
	b.client.stop()
	if b.between {
		b.timer.armIdle(b)
	}
	return nil
}

// dropLate takes back requests that came while no statement runs; within a query cycle its timeout stays.
func (b *Backend) dropLate(cycle bool) {
	if cycle {
		b.o.Slot.Clear(stats.CancelQuery | stats.GiveWay | stats.MakeRoom)
	} else {
		b.o.Slot.EndStatement()
	}
}

// dispatch serves one message; done ends the session.
func (b *Backend) dispatch(t byte, body []byte) (done bool, err error) {
	if err := b.affordText(t, len(body)); err != nil {
		return false, err
	}
	m := wire.NewBody(body)
	switch t {
	case 'Q':
		sql := m.CString()
		if err := m.Done(); err != nil {
			return false, err
		}
		if err := validText(sql); err != nil {
			return false, err
		}
		return false, b.simpleQuery(sql)
	case 'P':
		return false, b.parse(&m)
	case 'B':
		return false, b.bind(&m)
	case 'D':
		return false, b.describe(&m)
	case 'E':
		return false, b.execute(&m)
	case 'C':
		return false, b.closeObject(&m)
	case 'H':
		if err := m.Done(); err != nil {
			return false, err
		}
		return false, b.c.Flush()
	case 'S':
		b.skipSync = false
		if err := m.Done(); err != nil {
			return false, err
		}
		return false, b.sync()
	case 'X':
		return true, nil
	case 'd', 'c', 'f':
		return false, nil // left over from a COPY that failed
	case 'F':
		if m.Int32(); m.Err() != nil {
			return false, m.Err()
		}
		return false, pgerr.NotSupported("function call message is not supported")
	}
	return false, pgerr.New(pgerr.ProtocolViolation, "unexpected message type 0x%02x", t)
}

// fail aborts after an error and tells the client.
func (b *Backend) fail(err error) {
	e := *pgerr.From(err)
	b.fixPosition(&e)
	b.timer.stopStatement(b)
	if e.Code == pgerr.TRDeadlockDetected {
		sysviews.DescribeDeadlock(b.s)
	}
	b.o.Slot.EndStatement()
	b.logLine(&e) // while there is a transaction to tell of
	b.blk.fail()
	if b.blk.failed {
		b.dropFailedPortals()
	}
	b.c.Error(&e)
}

// ready ends the answer to a query cycle.
func (b *Backend) ready() error {
	b.between = true
	if b.untold {
		b.reportSettings()
	}
	st := b.blk.status()
	b.c.ReadyForQuery(st)
	switch st {
	case 'I':
		b.ps = "idle"
	case 'T':
		b.ps = "idle in transaction"
		b.s.Tx.ReleaseCatalogSnapshot() // so that an idle session holds nobody back
	default:
		b.ps = "idle in transaction (aborted)"
	}
	b.setState(b.ps, "")
	return b.c.Flush()
}

// statementTimer raises the timeouts of the session. One timer is reused for all of them.
type statementTimer struct {
	t     *time.Timer
	armed stats.Interrupt
}

func (st *statementTimer) arm(b *Backend, d time.Duration, what stats.Interrupt) {
	st.stop()
	st.armed = what
	slot, conn := b.o.Slot, b.o.Conn
	st.t = time.AfterFunc(d, func() {
		slot.Interrupt(what)
		if what == stats.IdleInTxTimeout || what == stats.IdleTimeout {
			conn.SetReadDeadline(time.Unix(1, 0)) // wakes the reader; the session ends anyway
		}
	})
}

func (st *statementTimer) stop() {
	if st.t != nil {
		st.t.Stop()
		st.t = nil
	}
}

// startStatement arms statement_timeout, and the look at the client.
func (st *statementTimer) startStatement(b *Backend) {
	b.client.start(b)
	if d := b.hot.statementTimeout(b); d > 0 {
		st.arm(b, d, stats.StatementTimeout)
	} else {
		st.stop()
	}
}

// continueStatement arms statement_timeout for a message of a query cycle, unless an earlier one has.
func (st *statementTimer) continueStatement(b *Backend) {
	if st.t == nil || st.armed != stats.StatementTimeout {
		st.startStatement(b)
		return
	}
	b.client.start(b)
}

func (st *statementTimer) stopStatement(b *Backend) {
	if st.t != nil {
		st.stop()
		b.o.Slot.Clear(stats.StatementTimeout)
	}
}

// armIdle arms the timeout that fits the transaction status.
func (st *statementTimer) armIdle(b *Backend) {
	name, what := "idle_session_timeout", stats.IdleTimeout
	if b.blk.status() != 'I' {
		name, what = "idle_in_transaction_session_timeout", stats.IdleInTxTimeout
	}
	if d := b.hot.duration(b, name); d > 0 {
		st.arm(b, d, what)
	} else {
		st.stop()
	}
}
