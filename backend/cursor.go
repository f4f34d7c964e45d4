package backend

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/sql/ast"
	"gompho/types"
)

// dropPortal forgets a portal.
func (b *Backend) dropPortal(p *Portal) {
	if !b.blk.failed {
		b.count(p) // one that was not run to its end
	}
	b.endPortal(p)
	p.store.close()
	if b.portals[p.name] == p {
		delete(b.portals, p.name)
	}
	if p.name == "" {
		b.spare = p
	}
}

// dropTxPortals forgets the portals of a transaction that is over; cursors WITH HOLD stay.
func (b *Backend) dropTxPortals() {
	if b.s.Tx.InTransaction() {
		return
	}
	for _, p := range b.portals {
		if p.held == nil {
			b.dropPortal(p)
		}
	}
}

// noteFailed remembers a portal that goes because its transaction failed: until the block ends, who asks for it is told of that.
func (b *Backend) noteFailed(p *Portal) {
	if b.failed == nil {
		b.failed = map[string]bool{}
	}
	b.failed[p.name] = true
}

// dropFailedPortals forgets the portals of an aborted transaction, or those made in an aborted subtransaction.
func (b *Backend) dropFailedPortals() {
	for _, p := range b.portals {
		if p.held == nil && (!b.s.Tx.InTransaction() || p.sub > len(b.blk.points)-1) {
			p.done = false
			b.noteFailed(p)
			b.dropPortal(p)
		}
	}
}

// adoptPortals gives the portals of released subtransactions to the one around them.
func (b *Backend) adoptPortals() {
	for _, p := range b.portals {
		p.sub = min(p.sub, len(b.blk.points))
	}
}

// dropSubPortals forgets the cursors made in subtransactions that ROLLBACK TO has undone.
func (b *Backend) dropSubPortals() {
	for _, p := range b.portals {
		if p.held == nil && p.opened != nil && p.sub > len(b.blk.points)-1 {
			p.done = false
			b.dropPortal(p)
		}
	}
}

func (b *Backend) closePortals() {
	for _, p := range b.portals {
		b.dropPortal(p)
	}
}

// declareCursor is DECLARE.
func (b *Backend) declareCursor(x *ast.DeclareCursorStmt, outer *Portal) error {
	hold := x.Options&ast.CursorOptHold != 0
	if !hold && !b.blk.explicit && !b.blk.implicit {
		return pgerr.New(pgerr.NoActiveSqlTransaction, "DECLARE CURSOR can only be used in transaction blocks")
	}
	if old := b.portals[x.Portalname]; old != nil {
		return pgerr.New(pgerr.DuplicateCursor, "cursor %q already exists", x.Portalname)
	}
	raw := &ast.RawStmt{Stmt: x.Query, Location: outer.stmt.raw.Location, Len: outer.stmt.raw.Len}
	st := &Prepared{sql: outer.stmt.sql, raw: raw, created: now(), cursor: true, scroll: x.Options&ast.CursorOptScroll != 0}
	if err := b.analyze(st, outer.stmt.paramTypes, false); err != nil {
		return err
	}
	if hold && len(st.queries) == 1 && len(st.queries[0].RowMarks) > 0 {
		return pgerr.NotSupported("DECLARE CURSOR WITH HOLD ... FOR UPDATE is not supported").WithDetail("Holdable cursors must be READ ONLY.")
	}
	p := &Portal{name: x.Portalname, stmt: st, params: outer.params, visible: true, holdable: hold, created: now(), sub: len(b.blk.points),
		binary: x.Options&ast.CursorOptBinary != 0, scroll: x.Options&ast.CursorOptNoScroll == 0}
	if p.binary {
		p.formats = []int16{1}
	}
	if b.portals == nil {
		b.portals = map[string]*Portal{}
	}
	p.started = true
	p.tracked = trackRows(st.queries[0], len(st.fields))
	if err := b.open(p, st.queries[0]); err != nil {
		return err
	}
	b.portals[p.name] = p
	b.toHold = b.toHold || hold
	return nil
}

// position gives cursors their rows by number. What has been read stays, so that the cursor can move backward.
func (b *Backend) cursorRow(p *Portal, i int64) ([]types.Datum, bool, error) {
	if p.store == nil {
		p.store = b.newHeldRows(len(p.stmt.fields) + len(p.tracked))
	}
	for p.store.count <= i && p.exec != nil && !p.done {
		b.s.Tx.PushActive(p.snap)
		bt, err := p.exec.Next(int(min(i-p.store.count+1, batchSize)))
		b.s.Tx.PopActive()
		if err != nil {
			return nil, false, err
		}
		if bt == nil {
			p.done = true
			break
		}
		if err := p.store.batch(bt); err != nil {
			return nil, false, err
		}
	}
	if i < 0 || i >= p.store.count {
		return nil, false, nil
	}
	vals, err := p.store.get(i)
	if err != nil {
		return nil, false, err
	}
	return vals[:len(p.stmt.fields)], true, nil
}

// fetch is FETCH and MOVE. A cursor stands on row p.pos, counted from 1; 0 is before the first.
func (b *Backend) fetch(x *ast.FetchStmt, to sink) (string, error) {
	p := b.portals[x.Portalname]
	if p == nil {
		return "", pgerr.New(pgerr.InvalidCursorName, "cursor %q does not exist", x.Portalname)
	}
	if x.Ismove {
		to = nowhere{}
	}
	n, err := b.moveCursor(p, x, to)
	if err != nil {
		return "", err
	}
	if x.Ismove {
		return "MOVE " + itoa(n), nil
	}
	return "FETCH " + itoa(n), nil
}

func (b *Backend) moveCursor(p *Portal, x *ast.FetchStmt, to sink) (int64, error) {
	dir, n := x.Direction, x.HowMany
	if (dir == ast.FetchForward || dir == ast.FetchBackward) && n < 0 {
		n = -n
		if dir == ast.FetchForward {
			dir = ast.FetchBackward
		} else {
			dir = ast.FetchForward
		}
	}
	emit := func(at int64) (bool, error) {
		row, ok, err := b.cursorRow(p, at-1)
		if err != nil || !ok {
			return false, err
		}
		return true, to.row(row)
	}
	switch dir {
	case ast.FetchForward:
		return b.forward(p, n, emit)
	case ast.FetchBackward:
		return b.backward(p, n, emit)
	case ast.FetchAbsolute:
		if n < 0 {
			if _, _, err := b.cursorRow(p, 1<<62); err != nil {
				return 0, err
			}
			n = max(p.store.count+n+1, 0)
		}
	default:
		n = max(p.pos+n, 0)
	}
	if !p.scroll && n < p.pos {
		return 0, errNoScroll()
	}
	ok, err := emit(n)
	if err != nil {
		return 0, err
	}
	if n > 0 && !ok {
		n = p.store.count + 1
	}
	p.pos = n
	if ok {
		return 1, nil
	}
	return 0, nil
}

func errNoScroll() error {
	return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cursor can only scan forward").WithHint("Declare it with SCROLL option to enable backward scan.")
}

func (b *Backend) forward(p *Portal, n int64, emit func(int64) (bool, error)) (int64, error) {
	if n == 0 { // the current row again
		ok, err := emit(p.pos)
		if ok {
			return 1, err
		}
		return 0, err
	}
	var sent int64
	for sent < n {
		ok, err := emit(p.pos + 1)
		if err != nil {
			return sent, err
		}
		if !ok {
			p.pos = p.store.count + 1
			break
		}
		p.pos++
		sent++
	}
	return sent, nil
}

func (b *Backend) backward(p *Portal, n int64, emit func(int64) (bool, error)) (int64, error) {
	if !p.scroll {
		return 0, errNoScroll()
	}
	if n == 0 {
		return b.forward(p, 0, emit)
	}
	var sent int64
	for sent < n {
		if p.pos <= 1 {
			p.pos = 0
			break
		}
		p.pos--
		ok, err := emit(p.pos)
		if err != nil {
			return sent, err
		}
		if ok {
			sent++
		}
	}
	return sent, nil
}

// holdCursors materializes the cursors WITH HOLD before their transaction commits.
func (b *Backend) holdCursors() error {
	if !b.toHold {
		return nil
	}
	b.toHold = false
	for _, p := range b.portals {
		if !p.holdable || p.held != nil {
			continue
		}
		if _, _, err := b.cursorRow(p, 1<<62); err != nil {
			return err
		}
		p.held = p.store
		b.endPortal(p)
		p.done = true
	}
	return nil
}

// closeCursor is CLOSE.
func (b *Backend) closeCursor(x *ast.ClosePortalStmt) (string, error) {
	if x.Portalname == "" {
		for _, p := range b.portals {
			if p.visible {
				b.dropPortal(p)
			}
		}
		return "CLOSE CURSOR ALL", nil
	}
	p := b.portals[x.Portalname]
	if p == nil {
		return "", pgerr.New(pgerr.InvalidCursorName, "cursor %q does not exist", x.Portalname)
	}
	b.dropPortal(p)
	return "CLOSE CURSOR", nil
}

// prepareSQL is PREPARE.
func (b *Backend) prepareSQL(x *ast.PrepareStmt, outer *Prepared) error {
	if b.prepared[x.Name] != nil {
		return pgerr.New(pgerr.DuplicatePstatement, "prepared statement %q already exists", x.Name)
	}
	pts, err := b.eng.(typeNamer).TypeNames(b.s, x.Argtypes)
	if err != nil {
		return err
	}
	p := &Prepared{name: x.Name, sql: outer.sql, raw: &ast.RawStmt{Stmt: x.Query, Location: outer.raw.Location, Len: outer.raw.Len}, created: now(), fromSQL: true}
	if err := b.analyze(p, pts, true); err != nil {
		return err
	}
	b.keep(p)
	return nil
}

// typeNamer is the part of the engine that resolves the types of PREPARE.
type typeNamer interface {
	TypeNames(s *session.Session, names []*ast.TypeName) ([]ids.Oid, error)
	// EvalParams evaluates the arguments of EXECUTE as the given types.
	EvalParams(s *session.Session, args []ast.Node, paramTypes []ids.Oid, sql, name string) ([]types.Datum, error)
}

// executeSQL is EXECUTE.
func (b *Backend) executeSQL(x *ast.ExecuteStmt, outer *Portal, to sink) (string, error) {
	st := b.prepared[x.Name]
	if st == nil {
		return "", pgerr.New(pgerr.InvalidSqlStatementName, "prepared statement %q does not exist", x.Name)
	}
	if err := b.revalidate(st); err != nil {
		return "", err
	}
	if len(x.Params) != len(st.paramTypes) {
		return "", pgerr.New(pgerr.SyntaxError, "wrong number of parameters for prepared statement %q", x.Name).
			WithDetail("Expected %d parameters but got %d.", len(st.paramTypes), len(x.Params))
	}
	params, err := b.eng.(typeNamer).EvalParams(b.s, x.Params, st.paramTypes, outer.stmt.sql, x.Name)
	if err != nil {
		return "", err
	}
	p := &Portal{stmt: st, params: params, created: now(), sub: len(b.blk.points)}
	outside := b.current
	b.current = p
	_, err = b.runPortal(p, 0, to)
	b.current = outside
	if err != nil {
		p.done = false
	}
	b.endPortal(p)
	return p.tag, err
}

func (b *Backend) deallocate(x *ast.DeallocateStmt) (string, error) {
	if x.Name == "" {
		b.dropPrepared()
		return "DEALLOCATE ALL", nil
	}
	p := b.prepared[x.Name]
	if p == nil {
		return "", pgerr.New(pgerr.InvalidSqlStatementName, "prepared statement %q does not exist", x.Name)
	}
	b.dropExec(p)
	delete(b.prepared, x.Name)
	return "DEALLOCATE", nil
}

// preparedInfo lists the named statements, for pg_prepared_statements.
func (b *Backend) preparedInfo() []session.PreparedInfo {
	var out []session.PreparedInfo
	for _, p := range b.prepared {
		i := session.PreparedInfo{Name: p.name, Statement: p.sql, Time: p.created, ParamTypes: p.paramTypes, FromSQL: p.fromSQL, Generic: p.generic, Custom: p.custom}
		for _, f := range p.fields {
			i.ResultTypes = append(i.ResultTypes, ids.Oid(f.TypeOid))
		}
		out = append(out, i)
	}
	return out
}

// cursorInfo lists the open cursors, for pg_cursors.
func (b *Backend) cursorInfo() []session.CursorInfo {
	var out []session.CursorInfo
	for _, p := range b.portals {
		if p.visible || p.name != "" {
			out = append(out, session.CursorInfo{Name: p.name, Statement: p.stmt.sql, Holdable: p.holdable, Binary: p.binary, Scroll: p.scroll, Created: p.created})
		}
	}
	return out
}
