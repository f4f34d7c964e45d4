package backend

import (
	"math"
	"strconv"
	"time"

	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

type timeNow = time.Time

func now() time.Time { return time.Now() }

// sink receives rows: the client, a held cursor, or nobody.
type sink interface {
	batch(b *types.Batch) error
	row(vals []types.Datum) error
}

// nowhere drops rows.
type nowhere struct{}

func (nowhere) batch(*types.Batch) error { return nil }
func (nowhere) row([]types.Datum) error  { return nil }

// batchSize is how many rows are asked of an executor at a time.
const batchSize = 1024

// runPortal runs a portal for at most max rows (0: all) and returns whether it is finished.
func (b *Backend) runPortal(p *Portal, max int64, to sink) (bool, error) {
	if p.done {
		return true, nil
	}
	outer, aside := b.running, b.steps.aside
	b.running, b.steps.aside = b.measure(p), 0
	began := b.clock()
	done, err := b.runOn(p, max, to)
	b.executed(began)
	b.steps.aside = aside
	if err != nil {
		p.runs = false
	} else if b.pause(p, &b.running); done {
		b.count(p)
	}
	b.running = outer
	return done, err
}

// runOn is runPortal without the account of what it costs.
func (b *Backend) runOn(p *Portal, max int64, to sink) (bool, error) {
	if p.stmt.utility {
		return b.runUtilityPortal(p, max, to)
	}
	if !p.started {
		if err := b.startPortal(p); err != nil {
			return false, err
		}
	}
	if p.store != nil {
		return b.fromStore(p, max, to)
	}
	limit := int64(math.MaxInt64)
	if max > 0 {
		limit = max
	}
	b.s.Tx.PushActive(p.snap)
	defer b.s.Tx.PopActive()
	p.rows = 0
	var sent int64
	for sent < limit {
		n := limit - sent
		if n > batchSize {
			n = batchSize
		}
		bt, err := p.exec.Next(int(n))
		if err != nil {
			return false, err
		}
		if bt == nil {
			p.done = true
			break
		}
		sent += int64(bt.Rows())
		p.rows += uint64(bt.Rows())
		began := b.clock()
		if err := to.batch(bt); err != nil {
			return false, err
		}
		b.encoded(began)
		if err := b.o.Slot.CheckInterrupts(); err != nil {
			return false, err
		}
	}
	if p.done {
		p.tag = b.completionTag(p)
		b.endPortal(p)
	}
	return p.done, nil
}

// startPortal plans and starts the statement. One with several queries, or that changes data and returns rows, runs to its
// end at once: its effects do not wait for the client to fetch.
func (b *Backend) startPortal(p *Portal) error {
	st := p.stmt
	p.started = true
	if len(st.queries) == 0 {
		p.done, p.tag = true, st.tag
		return nil
	}
	if len(st.queries) > 1 {
		b.announce(p)
		return b.runRewritten(p)
	}
	q := st.queries[0]
	if err := b.checkReadOnly(q); err != nil {
		return err
	}
	if err := b.open(p, q); err != nil {
		return err
	}
	b.announce(p)
	if q.CommandType != query.CmdSelect && st.returns && (p.visible || b.limited) {
		return b.storeAll(p)
	}
	return nil
}

// announce describes the rows of a simple query, once it is planned.
func (b *Backend) announce(p *Portal) {
	if p.simple && p.stmt.returns {
		b.c.RowDescription(p.stmt.fields, nil)
	}
}

// planAhead plans a portal's query when it is bound: what is wrong with constants is told then.
func (b *Backend) planAhead(p *Portal) (err error) {
	if st := p.stmt; st.raw != nil && !st.utility && len(st.queries) == 1 {
		p.plan, p.generic, err = b.planFor(st, st.queries[0], p.params)
	}
	return err
}

// open readies the executor, reusing the run state of the statement's last execution where there is one.
func (b *Backend) open(p *Portal, q *query.Query) error {
	plan, generic, err := p.plan, p.generic, error(nil)
	if plan == nil {
		if plan, generic, err = b.planFor(p.stmt, q, p.params); err != nil {
			return err
		}
	}
	generic = generic && plan == p.stmt.plan
	p.opened = plan
	if err := b.s.Tx.TakeSafeSnapshot(); err != nil {
		return err
	}
	p.snap = b.s.Tx.Register(b.s.Tx.Snapshot())
	if generic && p.stmt.exec != nil && !p.visible {
		x := p.stmt.exec
		p.stmt.exec = nil
		if err := x.Reset(p.params, p.snap); err != nil {
			x.Close()
			return err
		}
		p.exec, p.ownExec = x, true
		return nil
	}
	b.s.Tx.PushActive(p.snap)
	p.exec, err = b.eng.Start(b.s, plan, p.params, p.snap)
	b.s.Tx.PopActive()
	p.ownExec = generic && !p.visible
	return err
}

// endPortal releases the executor; a reusable one goes back to its statement.
func (b *Backend) endPortal(p *Portal) {
	if p.exec != nil {
		if p.ownExec && p.done && p.stmt.exec == nil && p.stmt.plan != nil && (p.plan == nil || p.plan == p.stmt.plan) {
			p.stmt.exec = p.exec
		} else {
			p.exec.Close()
		}
		p.exec = nil
	}
	if p.snap != nil {
		if b.s.Tx.InTransaction() {
			b.s.Tx.Unregister(p.snap)
		}
		p.snap = nil
	}
	if p.store != p.held {
		p.store.close()
	}
}

// storeAll runs the statement to its end and keeps its rows.
func (b *Backend) storeAll(p *Portal) error {
	h := b.newHeldRows(len(p.stmt.fields))
	p.store = h
	b.s.Tx.PushActive(p.snap)
	defer b.s.Tx.PopActive()
	for {
		bt, err := p.exec.Next(batchSize)
		if err != nil {
			return err
		}
		if bt == nil {
			break
		}
		if err := h.batch(bt); err != nil {
			return err
		}
	}
	return nil
}

func (b *Backend) fromStore(p *Portal, max int64, to sink) (bool, error) {
	n := p.store.count - p.pos
	if max > 0 && n > max {
		n = max
	}
	for i := int64(0); i < n; i++ {
		vals, err := p.store.get(p.pos)
		if err == nil {
			err = to.row(vals)
		}
		if err != nil {
			return false, err
		}
		p.pos++
	}
	if !p.stmt.utility {
		p.rows = uint64(n)
		p.tag = p.rowTag()
	}
	if p.pos >= p.store.count {
		p.done = true
		b.endPortal(p)
	}
	return p.done, nil
}

// runRewritten runs the queries that a rewritten statement became, in order; the rows are those of the one that sets the tag.
func (b *Backend) runRewritten(p *Portal) error {
	h := b.newHeldRows(len(p.stmt.fields))
	defer func() {
		if p.store == nil { // it has failed
			h.close()
		}
	}()
	for i, q := range p.stmt.queries {
		if i > 0 {
			if err := b.s.Tx.IncrementCommand(); err != nil {
				return err
			}
		}
		if err := b.checkReadOnly(q); err != nil {
			return err
		}
		if err := b.open(p, q); err != nil {
			return err
		}
		b.s.Tx.PushActive(p.snap)
		for {
			bt, err := p.exec.Next(batchSize)
			if err != nil {
				b.s.Tx.PopActive()
				return err
			}
			if bt == nil {
				break
			}
			if q.CanSetTag {
				if err := h.batch(bt); err != nil {
					b.s.Tx.PopActive()
					return err
				}
			}
		}
		b.s.Tx.PopActive()
		if q.CanSetTag {
			p.rows = uint64(h.count)
			p.tag = b.completionTag(p)
		}
		b.endPortal(p)
	}
	p.store = h
	if !p.stmt.returns {
		p.done = true
	}
	return nil
}

// completionTag is the command tag with its row count.
func (b *Backend) completionTag(p *Portal) string {
	n := p.rows
	cmd := p.stmt.tag
	for _, q := range p.stmt.queries {
		if !q.CanSetTag {
			continue
		}
		switch q.CommandType {
		case query.CmdInsert:
			return "INSERT 0 " + strconv.FormatUint(p.exec.Processed(), 10)
		case query.CmdUpdate:
			return "UPDATE " + strconv.FormatUint(p.exec.Processed(), 10)
		case query.CmdDelete:
			return "DELETE " + strconv.FormatUint(p.exec.Processed(), 10)
		case query.CmdMerge:
			return "MERGE " + strconv.FormatUint(p.exec.Processed(), 10)
		}
	}
	if cmd == "SELECT" || p.stmt.returns {
		return "SELECT " + strconv.FormatUint(n, 10)
	}
	return cmd
}

// rowTag is the command tag of a statement whose kept rows are being fetched: it counts those that this Execute has sent.
func (p *Portal) rowTag() string {
	word := "SELECT "
	for _, q := range p.stmt.queries {
		if !q.CanSetTag {
			continue
		}
		switch q.CommandType {
		case query.CmdInsert:
			word = "INSERT 0 "
		case query.CmdUpdate:
			word = "UPDATE "
		case query.CmdDelete:
			word = "DELETE "
		case query.CmdMerge:
			word = "MERGE "
		}
	}
	return word + strconv.FormatUint(p.rows, 10)
}

// checkReadOnly rejects changes in a read-only transaction.
func (b *Backend) checkReadOnly(q *query.Query) error {
	if !b.s.Tx.ReadOnly() {
		return nil
	}
	name := ""
	switch q.CommandType {
	case query.CmdInsert:
		name = "INSERT"
	case query.CmdUpdate:
		name = "UPDATE"
	case query.CmdDelete:
		name = "DELETE"
	case query.CmdMerge:
		name = "MERGE"
	}
	if name == "" && len(q.RowMarks) > 0 {
		for _, m := range q.RowMarks {
			switch m.Strength {
			case query.LockForUpdate:
				name = "SELECT FOR UPDATE"
			case query.LockForNoKeyUpdate:
				name = "SELECT FOR NO KEY UPDATE"
			case query.LockForShare:
				name = "SELECT FOR SHARE"
			case query.LockForKeyShare:
				name = "SELECT FOR KEY SHARE"
			}
		}
	}
	if name == "" && q.HasModifyingCTE {
		name = "SELECT"
	}
	if name == "" {
		return nil
	}
	if q.ResultRelation > 0 {
		if r, err := b.s.Cat.Relation(q.RTable[q.ResultRelation-1].Relid); err == nil && r != nil && r.IsTemp() {
			return nil
		}
	}
	return pgerr.New(pgerr.ReadOnlySqlTransaction, "cannot execute %s in a read-only transaction", name)
}

// runUtilityPortal runs a utility statement; rows that it returns are kept when they are fetched in parts.
func (b *Backend) runUtilityPortal(p *Portal, max int64, to sink) (bool, error) {
	if p.started {
		return b.fromStore(p, max, to)
	}
	p.started = true
	b.announce(p)
	if max <= 0 {
		tag, err := b.utility(p, to)
		p.tag, p.done = tag, err == nil
		return p.done, err
	}
	h := b.newHeldRows(len(p.stmt.fields))
	p.store = h
	tag, err := b.utility(p, h)
	if err != nil {
		return false, err
	}
	p.tag = tag
	return b.fromStore(p, max, to)
}

// utility runs a utility statement with rows going to a sink.
func (b *Backend) utility(p *Portal, to sink) (string, error) {
	stmt := p.stmt.raw.Stmt
	switch x := stmt.(type) {
	case *ast.TransactionStmt:
		return b.transaction(x)
	case *ast.PrepareStmt:
		return "PREPARE", b.prepareSQL(x, p.stmt)
	case *ast.ExecuteStmt:
		return b.executeSQL(x, p, to)
	case *ast.DeallocateStmt:
		return b.deallocate(x)
	case *ast.DeclareCursorStmt:
		return "DECLARE CURSOR", b.declareCursor(x, p)
	case *ast.FetchStmt:
		return b.fetch(x, to)
	case *ast.ClosePortalStmt:
		return b.closeCursor(x)
	}
	u := &UtilityContext{S: b.s, SQL: p.stmt.sql, Params: p.params, ParamTys: p.stmt.paramTypes, b: b, query: p.stmt.queries[0], raw: p.stmt.raw,
		TopLevel: !b.blk.explicit && !b.blk.implicit, Row: to.row, Start: func([]Column) error { return nil }}
	snap := needsSnapshot(stmt)
	if snap {
		if err := b.s.Tx.TakeSafeSnapshot(); err != nil {
			return "", err
		}
		b.s.Tx.PushActive(b.s.Tx.Snapshot())
	}
	tag, err := b.eng.Utility(u, stmt)
	p.stored = u.stored
	if snap && b.s.Tx.InTransaction() && b.s.Tx.Active() != nil && err == nil {
		b.s.Tx.PopActive()
	}
	if d, ok := stmt.(*ast.DiscardStmt); ok && err == nil && d.Target != ast.DiscardTemp && d.Target != ast.DiscardSequences {
		b.cache.clear()
		if d.Target == ast.DiscardAll {
			b.closePortals()
			b.dropPrepared()
		}
	}
	return tag, err
}

// needsSnapshot reports whether a utility statement reads tables under a snapshot of its own. Those that must be able to set
// the isolation level, or that wait for others, run without.
func needsSnapshot(stmt ast.Stmt) bool {
	switch stmt.(type) {
	case *ast.VariableSetStmt, *ast.VariableShowStmt, *ast.LockStmt, *ast.CheckPointStmt, *ast.DiscardStmt, *ast.VacuumStmt,
		*ast.ConstraintsSetStmt, *ast.ListenStmt, *ast.NotifyStmt, *ast.UnlistenStmt, *ast.LoadStmt, *ast.ReindexStmt, *ast.ClusterStmt:
		return false
	}
	return true
}
