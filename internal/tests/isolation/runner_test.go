package isolation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// poll is how long nothing comes of a step before the server is asked whether it waits.
const poll = 10 * time.Millisecond

// giveUp is when a step that neither ends nor waits is cancelled; after twice that the spec fails.
const giveUp = 30 * time.Second

// runner runs one spec over one connection for each session and one more to look.
type runner struct {
	sp     *spec
	out    *strings.Builder
	look   *pgconn.PgConn
	conns  []*conn
	pids   string // of the sessions, as an array
	notice bool   // one came since the flag was cleared
}

// conn is a session's connection. Its goroutine reads messages; all else belongs to the runner.
type conn struct {
	name    string
	c       *pgconn.HijackedConn
	msgs    chan pgproto3.BackendMessage
	got     []pgproto3.BackendMessage // of the present step, notices left out
	ready   bool                      // the step's last message came
	closed  bool
	active  *permStep
	notices int
}

// runSpec returns what the spec prints. The error says why it could not run to its end.
func runSpec(ctx context.Context, sp *spec, cfg *pgconn.Config) (string, error) {
	r := &runner{sp: sp, out: &strings.Builder{}}
	defer r.close(ctx)
	for _, n := range sp.unused() {
		fmt.Fprintf(r.out, "unused step name: %s\n", n)
	}
	fmt.Fprintf(r.out, "Parsed test spec with %d sessions\n", len(sp.sessions))
	var err error
	if r.look, err = pgconn.ConnectConfig(ctx, cfg); err != nil {
		return "", err
	}
	var pids []string
	for _, s := range sp.sessions {
		c, err := dial(ctx, cfg, s.name)
		if err != nil {
			return r.out.String(), err
		}
		r.conns = append(r.conns, c)
		pids = append(pids, fmt.Sprint(c.c.PID))
	}
	r.pids = "{" + strings.Join(pids, ",") + "}"
	for _, order := range sp.orders() {
		if err := r.permutation(ctx, order); err != nil {
			return r.out.String(), err
		}
	}
	return r.out.String(), nil
}

// dial connects a session and names it as isolationtester does, which specs can look for in pg_stat_activity.
func dial(ctx context.Context, cfg *pgconn.Config, name string) (*conn, error) {
	pc, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := pc.ExecParams(ctx, "select set_config('application_name', current_setting('application_name') || '/' || $1, false)",
		[][]byte{[]byte(name)}, nil, nil, nil).Read().Err; err != nil {
		return nil, err
	}
	h, err := pc.Hijack()
	if err != nil {
		return nil, err
	}
	c := &conn{name: name, c: h, msgs: make(chan pgproto3.BackendMessage)}
	go c.read()
	return c, nil
}

// read hands on copies of the messages until the connection ends.
func (c *conn) read() {
	defer close(c.msgs)
	for {
		m, err := c.c.Frontend.Receive()
		if err != nil {
			return
		}
		switch m := m.(type) {
		case *pgproto3.DataRow:
			row := &pgproto3.DataRow{Values: make([][]byte, len(m.Values))}
			for i, v := range m.Values {
				row.Values[i] = slices.Clone(v)
			}
			c.msgs <- row
		case *pgproto3.RowDescription:
			d := &pgproto3.RowDescription{Fields: slices.Clone(m.Fields)}
			for i := range d.Fields {
				d.Fields[i].Name = slices.Clone(d.Fields[i].Name)
			}
			c.msgs <- d
		case *pgproto3.ErrorResponse:
			e := *m
			c.msgs <- &e
		case *pgproto3.NoticeResponse:
			n := *m
			c.msgs <- &n
		case *pgproto3.NotificationResponse:
			n := *m
			c.msgs <- &n
		case *pgproto3.CommandComplete:
			c.msgs <- &pgproto3.CommandComplete{}
		case *pgproto3.ReadyForQuery:
			c.msgs <- &pgproto3.ReadyForQuery{TxStatus: m.TxStatus}
		}
	}
}

func (r *runner) close(ctx context.Context) {
	if r.look != nil {
		r.look.Close(ctx)
	}
	for _, c := range r.conns {
		c.c.Conn.Close()
		for range c.msgs {
		}
	}
}

// take notes one message of a session; notices are printed as they come.
func (r *runner) take(c *conn, m pgproto3.BackendMessage, ok bool) {
	switch n := m.(type) {
	case nil:
		if !ok {
			c.closed, c.ready = true, true
		}
	case *pgproto3.NoticeResponse:
		fmt.Fprintf(r.out, "%s: %s", c.name, notice(n))
		c.notices++
		r.notice = true
	case *pgproto3.ReadyForQuery:
		c.ready = true
	default:
		c.got = append(c.got, m)
	}
}

// wait takes messages of c until its step is done; false when nothing came for d.
func (r *runner) wait(c *conn, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for !c.ready {
		select {
		case m, ok := <-c.msgs:
			r.take(c, m, ok)
			t.Reset(d)
		case <-t.C:
			return false
		}
	}
	return true
}

// drain takes what has come by now; true when the step is done.
func (r *runner) drain(c *conn) bool {
	for !c.ready {
		select {
		case m, ok := <-c.msgs:
			r.take(c, m, ok)
		default:
			return false
		}
	}
	return true
}

func (c *conn) send(sql string) error {
	c.got, c.ready = c.got[:0], c.closed
	c.c.Frontend.Send(&pgproto3.Query{String: sql})
	return c.c.Frontend.Flush()
}

// blocked asks whether a session waits for another one.
func (r *runner) blocked(ctx context.Context, c *conn) (bool, error) {
	res := r.look.ExecParams(ctx, "select pg_catalog.pg_isolation_test_session_is_blocked($1::int4, $2::int4[])",
		[][]byte{[]byte(fmt.Sprint(c.c.PID)), []byte(r.pids)}, nil, nil, nil).Read()
	if res.Err != nil {
		return false, res.Err
	}
	return string(res.Rows[0][0]) == "t", nil
}

// permutation runs the steps in the given order, between setup and teardown.
func (r *runner) permutation(ctx context.Context, order []permStep) error {
	r.out.WriteString("\nstarting permutation:")
	for _, ps := range order {
		r.out.WriteString(" " + ps.name)
	}
	r.out.WriteByte('\n')
	for _, sql := range r.sp.setups {
		if err := r.control(ctx, sql); err != nil {
			return fmt.Errorf("setup failed: %w", err)
		}
	}
	for i, s := range r.sp.sessions {
		if err := r.whole(r.conns[i], s.setup); err != nil {
			return fmt.Errorf("setup of session %s failed: %w", s.name, err)
		}
	}
	if err := r.steps(ctx, order); err != nil {
		return err
	}
	for i, s := range r.sp.sessions {
		if err := r.whole(r.conns[i], s.teardown); err != nil {
			fmt.Fprintf(r.out, "teardown of session %s failed: %v", s.name, err)
		}
	}
	if err := r.control(ctx, r.sp.teardown); err != nil {
		fmt.Fprintf(r.out, "teardown failed: %v", err)
	}
	return nil
}

// control runs the spec's own setup or teardown.
func (r *runner) control(ctx context.Context, sql string) error {
	if sql == "" {
		return nil
	}
	results, err := r.look.Exec(ctx, sql).ReadAll()
	if err != nil {
		return err
	}
	if len(results) > 0 {
		if last := results[len(results)-1]; len(last.FieldDescriptions) > 0 {
			t := table{}
			for _, f := range last.FieldDescriptions {
				t.names = append(t.names, f.Name)
			}
			for _, row := range last.Rows {
				t.add(&pgproto3.DataRow{Values: row})
			}
			t.print(r.out)
		}
	}
	return nil
}

// whole runs a session's setup or teardown to its end. Of several results the last is shown.
func (r *runner) whole(c *conn, sql string) error {
	if sql == "" {
		return nil
	}
	if err := c.send(sql); err != nil {
		return err
	}
	if !r.wait(c, giveUp) {
		return fmt.Errorf("no end after %v: %s", giveUp, sql)
	}
	var t table
	for _, m := range c.got {
		switch m := m.(type) {
		case *pgproto3.RowDescription:
			t.describe(m)
		case *pgproto3.DataRow:
			t.add(m)
		case *pgproto3.ErrorResponse:
			return fmt.Errorf("%s:  %s\n", m.Severity, m.Message)
		}
	}
	t.print(r.out)
	return nil
}

// steps runs the steps. Those that wait are looked at again after each later one.
func (r *runner) steps(ctx context.Context, order []permStep) error {
	var waiting []*permStep
	for i := range order {
		ps := &order[i]
		c := r.conns[ps.session]
		// A session that is still busy with an earlier step has to end it first.
		for start := time.Now(); c.active != nil; {
			old := c.active
			still, err := r.try(ctx, old, false, true)
			if err != nil {
				return err
			}
			if !still {
				waiting = slices.DeleteFunc(waiting, func(w *permStep) bool { return w == old })
			}
			if waiting, err = r.tryAll(ctx, waiting, true); err != nil {
				return err
			}
			if c.active != nil && time.Since(start) > 2*giveUp {
				return fmt.Errorf("step %s timed out", old.name)
			}
		}
		if err := c.send(ps.sql); err != nil {
			return fmt.Errorf("failed to send query for step %s: %w", ps.name, err)
		}
		c.active = ps
		for _, b := range ps.blockers {
			if b.notices >= 0 {
				b.target = b.notices + r.conns[b.session].notices
			}
		}
		waits, err := r.try(ctx, ps, true, false)
		if err == nil {
			waiting, err = r.tryAll(ctx, waiting, true)
		}
		if err != nil {
			return err
		}
		if waits {
			waiting = append(waiting, ps)
		}
	}
	waiting, err := r.tryAll(ctx, waiting, false)
	if err == nil && len(waiting) > 0 {
		err = fmt.Errorf("failed to complete permutation due to mutually-blocking steps")
	}
	return err
}

// tryAll looks at the waiting steps in their order and returns those that still wait. As long as steps with markers are among
// them, they are looked at again after each step that ended and each notice.
func (r *runner) tryAll(ctx context.Context, waiting []*permStep, mayWait bool) ([]*permStep, error) {
	for {
		r.notice = false
		marked := false
		var still []*permStep
		for i, ps := range waiting {
			waits, err := r.try(ctx, ps, mayWait, true)
			if err != nil {
				return append(still, waiting[i:]...), err
			}
			if waits {
				still = append(still, ps)
				marked = marked || ps.once || len(ps.blockers) > 0
			}
		}
		less := len(still) < len(waiting)
		waiting = still
		if !marked || !less && !r.notice {
			return waiting, nil
		}
	}
}

// try reports whether a step still waits; when it is done its results are printed. mayWait: a step that waits for another
// session is left alone. again: it was printed as waiting before.
func (r *runner) try(ctx context.Context, ps *permStep, mayWait, again bool) (waits bool, err error) {
	c := r.conns[ps.session]
	sayWaiting := func() bool {
		if !again {
			fmt.Fprintf(r.out, "step %s: %s <waiting ...>\n", ps.name, ps.sql)
		}
		return true
	}
	if ps.once && !again {
		return sayWaiting(), nil
	}
	cancelled := false
	for start := time.Now(); !r.wait(c, poll); {
		if mayWait {
			b, err := r.blocked(ctx, c)
			if err != nil {
				return false, err
			}
			if b && !r.drain(c) {
				return sayWaiting(), nil
			}
		}
		switch d := time.Since(start); {
		case d > giveUp && !cancelled:
			cancelled = true
			fmt.Fprintf(r.out, "isolationtester: canceling step %s after %d seconds\n", ps.name, int(d.Seconds()))
			if _, err := r.look.Exec(ctx, fmt.Sprintf("select pg_cancel_backend(%d)", c.c.PID)).ReadAll(); err != nil {
				return false, err
			}
		case d > 2*giveUp:
			return false, fmt.Errorf("step %s timed out", ps.name)
		}
	}
	for _, b := range ps.blockers {
		o := r.conns[b.session]
		if b.notices < 0 && o.active != nil && o.active.step == b.step || b.notices >= 0 && o.notices < b.target {
			return sayWaiting(), nil
		}
	}
	if again {
		fmt.Fprintf(r.out, "step %s: <... completed>\n", ps.name)
	} else {
		fmt.Fprintf(r.out, "step %s: %s\n", ps.name, ps.sql)
	}
	r.results(c)
	c.active = nil
	return false, nil
}

// results prints what a step gave: result sets, errors, then notifications.
func (r *runner) results(c *conn) {
	var t table
	var notes []*pgproto3.NotificationResponse
	for _, m := range c.got {
		switch m := m.(type) {
		case *pgproto3.RowDescription:
			t.describe(m)
		case *pgproto3.DataRow:
			t.add(m)
		case *pgproto3.ErrorResponse:
			t = table{}
			fmt.Fprintf(r.out, "%s:  %s\n", m.Severity, m.Message)
		case *pgproto3.NotificationResponse:
			notes = append(notes, m)
		}
		if done(m) {
			t.print(r.out)
			t = table{}
		}
	}
	for _, n := range notes {
		from := fmt.Sprintf("PID %d", n.PID)
		for _, o := range r.conns {
			if o.c.PID == n.PID {
				from = o.name
			}
		}
		fmt.Fprintf(r.out, "%s: NOTIFY \"%s\" with payload \"%s\" from %s\n", c.name, n.Channel, n.Payload, from)
	}
	if c.closed {
		r.out.WriteString("server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.\n\n")
	}
}

func done(m pgproto3.BackendMessage) bool {
	switch m.(type) {
	case *pgproto3.CommandComplete, *pgproto3.ErrorResponse:
		return true
	}
	return false
}
