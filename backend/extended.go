package backend

import (
	"strings"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/stats"
	"gompho/types"
	"gompho/wire"
)

// parse serves Parse: a statement is analyzed and kept under a name.
func (b *Backend) parse(m *wire.Body) error {
	name, sql := m.CString(), m.CString()
	n := int(uint16(m.Int16()))
	var pts []ids.Oid
	for i := 0; i < n && m.Err() == nil; i++ {
		pts = append(pts, ids.Oid(uint32(m.Int32())))
	}
	if err := m.Done(); err != nil {
		return err
	}
	if err := validText(sql); err != nil {
		return err
	}
	b.ps = "PARSE"
	if name == "" && len(pts) == 0 {
		if done, err := b.parseAgain(sql); done || err != nil {
			return err
		}
	}
	name, sql = strings.Clone(name), strings.Clone(sql)
	b.enter(sql)
	b.s.StatementStart = now()
	b.setState("active", sql)
	b.timer.continueStatement(b)
	if name == "" {
		b.dropUnnamed()
	} else if b.prepared[name] != nil {
		return pgerr.New(pgerr.DuplicatePstatement, "prepared statement %q already exists", name)
	}
	stmts, err := b.parseText(sql)
	if err != nil {
		b.countUnparsed()
		return err
	}
	if len(stmts) > 1 {
		return pgerr.New(pgerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	var raw *ast.RawStmt
	if len(stmts) == 1 {
		raw = &stmts[0]
		if err := b.admit(raw.Stmt); err != nil {
			return err
		}
		if err := b.begin(raw.Stmt); err != nil {
			return err
		}
	}
	p, err := b.prepare(raw, sql, pts, true)
	if err != nil {
		return err
	}
	p.name = name
	b.keep(p)
	b.step(stats.StepParse, b.s.StatementStart)
	if name == "" && len(pts) == 0 && raw != nil && !p.utility {
		b.cache.remember(p)
	}
	b.c.Simple('1')
	b.logParse(p)
	return nil
}

func (b *Backend) logParse(p *Prepared) {
	if b.durations() {
		b.logDuration(b.s.StatementStart, func() (string, string) { return "parse " + statementName(p) + ": " + p.sql, "" })
	}
}

// parseAgain takes an unnamed statement whose text came before from the cache; false when it is not there, or not valid
// any more.
func (b *Backend) parseAgain(sql string) (bool, error) {
	p := b.cache.parsed[sql]
	if p == nil || b.blk.failed {
		return false, nil
	}
	b.enter(p.sql)
	b.s.StatementStart = now()
	b.setState("active", p.sql)
	b.timer.continueStatement(b)
	if err := b.blk.start(); err != nil {
		return false, err
	}
	if b.revalidate(p) != nil {
		delete(b.cache.parsed, sql)
		return false, nil
	}
	b.dropUnnamed()
	b.unnamed = p
	b.step(stats.StepParse, b.s.StatementStart)
	b.c.Simple('1')
	b.logParse(p)
	return true, nil
}

func (b *Backend) keep(p *Prepared) {
	if p.name == "" {
		b.unnamed = p
		return
	}
	if b.prepared == nil {
		b.prepared = map[string]*Prepared{}
	}
	b.prepared[p.name] = p
}

func (b *Backend) dropUnnamed() {
	if b.unnamed != nil {
		if !b.unnamed.cached {
			b.dropExec(b.unnamed)
		}
		b.unnamed = nil
	}
}

func (b *Backend) dropPrepared() {
	for _, p := range b.prepared {
		b.dropExec(p)
	}
	b.prepared = nil
	b.dropUnnamed()
}

func (b *Backend) statement(name string) (*Prepared, error) {
	if name == "" {
		if b.unnamed == nil {
			return nil, pgerr.New(pgerr.InvalidSqlStatementName, "unnamed prepared statement does not exist")
		}
		return b.unnamed, nil
	}
	p := b.prepared[name]
	if p == nil {
		return nil, pgerr.New(pgerr.InvalidSqlStatementName, "prepared statement %q does not exist", name)
	}
	return p, nil
}

// bind serves Bind: a portal with parameter values.
func (b *Backend) bind(m *wire.Body) error {
	portal, stmtName := m.CString(), m.CString()
	if m.Err() != nil {
		return m.Err()
	}
	st, err := b.statement(stmtName)
	if err != nil {
		return err
	}
	b.ps = "BIND"
	b.enter(st.sql)
	b.s.StatementStart = now()
	b.setState("active", st.sql)
	b.timer.continueStatement(b)
	if st.raw != nil {
		if err := b.admit(st.raw.Stmt); err != nil {
			return err
		}
		if err := b.begin(st.raw.Stmt); err != nil {
			return err
		}
		if err := b.revalidate(st); err != nil {
			return err
		}
	}
	decoding := b.clock()
	formats, err := readFormats(m)
	if err != nil {
		return err
	}
	params, err := b.readParams(m, portal, st, formats)
	if err != nil {
		return err
	}
	if len(params) > 0 {
		b.step(stats.StepDecode, decoding)
	}
	results, err := readFormats(m)
	if err != nil {
		return err
	}
	if err := m.Done(); err != nil {
		return err
	}
	if err := checkFormats(results, len(st.fields)); err != nil {
		return err
	}
	return b.addPortal(portal, st, params, results)
}

func (b *Backend) addPortal(name string, st *Prepared, params []types.Datum, results []int16) error {
	if old := b.portals[name]; old != nil {
		if name != "" {
			return pgerr.New(pgerr.DuplicateCursor, "cursor %q already exists", name)
		}
		b.dropPortal(old)
	}
	if b.portals == nil {
		b.portals = map[string]*Portal{}
	}
	p := b.spare
	if p == nil {
		p = &Portal{}
	}
	b.spare = nil
	*p = Portal{name: name, stmt: st, params: params, formats: results, created: b.s.StatementStart, sub: len(b.blk.points)}
	if name != "" {
		p.name = strings.Clone(name)
	}
	if err := b.planAhead(p); err != nil {
		return b.withParams(err, p)
	}
	b.portals[p.name] = p
	b.c.Simple('2')
	if b.durations() {
		b.logDuration(b.s.StatementStart, func() (string, string) { return "bind " + portalName(p) + ": " + st.sql, b.paramsDetail(p) })
	}
	return nil
}

func readFormats(m *wire.Body) ([]int16, error) {
	n := int(uint16(m.Int16()))
	if n*2 > m.Len() {
		return nil, pgerr.New(pgerr.ProtocolViolation, "insufficient data left in message")
	}
	if n == 0 {
		return nil, m.Err()
	}
	out := make([]int16, n)
	for i := range out {
		out[i] = m.Int16()
	}
	return out, m.Err()
}

// readParams decodes parameter values into memory of their own.
func (b *Backend) readParams(m *wire.Body, portal string, st *Prepared, formats []int16) ([]types.Datum, error) {
	n := int(uint16(m.Int16()))
	if m.Err() != nil {
		return nil, m.Err()
	}
	if len(formats) > 1 && len(formats) != n {
		return nil, pgerr.New(pgerr.ProtocolViolation, "bind message has %d parameter formats but %d parameters", len(formats), n)
	}
	if n != len(st.paramTypes) {
		name := st.name
		return nil, pgerr.New(pgerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement %q requires %d", n, name, len(st.paramTypes))
	}
	if n == 0 {
		return nil, nil
	}
	out := make([]types.Datum, n)
	for i := range out {
		size := int(m.Int32())
		if size == -1 {
			out[i] = types.Null
			continue
		}
		raw := m.Bytes(size)
		err := m.Err()
		var shown bool
		if err == nil {
			out[i], shown, err = b.param(st.paramTypes[i], raw, wire.Format(formats, i), i)
		}
		if err != nil {
			return nil, b.paramError(err, portal, i, raw, shown)
		}
	}
	return out, nil
}

// param decodes one value; shown tells that an error is about its text.
func (b *Backend) param(oid ids.Oid, raw []byte, format int16, i int) (d types.Datum, shown bool, err error) {
	t, err := b.eng.Type(b.s, oid)
	if err != nil {
		return d, false, err
	}
	switch format {
	case 0:
		if err := validUTF8(raw); err != nil {
			return d, false, err
		}
		if err := functions.AffordInput(b.o.Slot, t, raw); err != nil {
			return d, false, err
		}
		d, err = types.Input(b.env, t, string(raw), -1)
		return d, true, err
	case 1:
		if err := functions.AffordInput(b.o.Slot, types.Builtin(types.ByteaOid), raw); err != nil {
			return d, false, err
		}
		own := append([]byte(nil), raw...)
		d, err = types.Receive(b.env, t, own, -1)
		if err != nil && pgerr.Is(err, pgerr.InvalidBinaryRepresentation) && pgerr.From(err).Message == "incorrect binary data format" {
			err = pgerr.New(pgerr.InvalidBinaryRepresentation, "incorrect binary data format in bind parameter %d", i+1)
		}
		return d, false, err
	}
	return d, false, pgerr.New(pgerr.InvalidParameterValue, "unsupported format code: %d", format)
}

// paramError adds to an error which parameter it is about; its text only as log_parameter_max_length_on_error allows.
func (b *Backend) paramError(err error, portal string, i int, raw []byte, shown bool) error {
	e := *pgerr.From(err)
	name := "unnamed portal"
	if portal != "" {
		name = "portal \"" + portal + "\""
	}
	if !shown {
		return e.WithWhere("%s parameter $%d", name, i+1)
	}
	return e.WithWhere("%s parameter $%d = %s", name, i+1, quoteValue(string(raw), b.hot.log(b).onError))
}

// describe serves Describe of a statement or portal.
func (b *Backend) describe(m *wire.Body) error {
	kind, name := m.Byte(), m.CString()
	if err := m.Done(); err != nil {
		return err
	}
	switch kind {
	case 'S':
		st, err := b.statement(name)
		if err != nil {
			return err
		}
		if st.raw != nil {
			if err := b.admit(st.raw.Stmt); err != nil {
				return err
			}
			if err := b.begin(st.raw.Stmt); err != nil {
				return err
			}
			if err := b.revalidate(st); err != nil {
				return err
			}
		}
		oids := make([]uint32, len(st.paramTypes))
		for i, t := range st.paramTypes {
			oids[i] = uint32(t)
		}
		b.c.ParameterDescription(oids)
		b.describeRows(st, nil)
		return nil
	case 'P':
		p := b.portals[name]
		if p == nil {
			return pgerr.New(pgerr.InvalidCursorName, "portal %q does not exist", name)
		}
		b.describeRows(p.stmt, p.formats)
		return nil
	}
	return pgerr.New(pgerr.ProtocolViolation, "invalid DESCRIBE message subtype %d", kind)
}

func (b *Backend) describeRows(st *Prepared, formats []int16) {
	if !st.returns {
		b.c.Simple('n')
		return
	}
	b.c.RowDescription(st.fields, formats)
}

// execute serves Execute: a portal runs, for a number of rows or to its end.
func (b *Backend) execute(m *wire.Body) error {
	name, max := m.CString(), m.Int32()
	if err := m.Done(); err != nil {
		return err
	}
	p := b.portals[name]
	if p == nil {
		if b.blk.failed && b.failed[name] {
			return errAborted()
		}
		return pgerr.New(pgerr.InvalidCursorName, "portal %q does not exist", name)
	}
	st := p.stmt
	if st.raw == nil {
		b.c.Simple('I')
		return nil
	}
	b.enter(st.sql)
	b.ps = st.tag
	began := b.executeStart()
	b.timer.continueStatement(b)
	if err := b.admit(st.raw.Stmt); err != nil {
		return err
	}
	if err := b.begin(st.raw.Stmt); err != nil {
		return err
	}
	b.logExecute(p)
	word := executeWord(p)
	b.limited = max > 0
	if err := checkCodes(p.formats); err != nil && st.returns {
		return err
	}
	if p.done && p.started {
		if st.returns {
			p.rows = 0
			b.c.CommandComplete(p.rowTag())
			return nil
		}
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "portal %q cannot be run", name)
	}
	done, err := b.runPortal(p, int64(max), b.writer(st, p.formats))
	if err != nil {
		return b.withParams(err, p)
	}
	if b.durations() {
		defer b.logDuration(began, func() (string, string) { return word + " " + portalName(p) + ": " + st.sql, b.paramsDetail(p) })
	}
	if !done {
		b.c.Simple('s')
		if p.store != nil { // it has run to its end: what follows sees its effects
			return b.s.Tx.IncrementCommand()
		}
		return nil
	}
	if _, ok := st.raw.Stmt.(*ast.TransactionStmt); !ok && b.s.Tx.InTransaction() {
		if err := b.o.Slot.Lost(); err != nil {
			return err
		}
		if err := b.s.Tx.IncrementCommand(); err != nil {
			return err
		}
	}
	b.timer.stopStatement(b) // the next Execute has its own time
	b.c.CommandComplete(p.tag)
	return nil
}

// executeStart is when an Execute began, if somebody wants to know.
func (b *Backend) executeStart() (t timeNow) {
	if b.durations() {
		t = now()
	}
	return t
}

// closeObject serves Close.
func (b *Backend) closeObject(m *wire.Body) error {
	kind, name := m.Byte(), m.CString()
	if err := m.Done(); err != nil {
		return err
	}
	switch kind {
	case 'S':
		if name == "" {
			b.dropUnnamed()
		} else if p := b.prepared[name]; p != nil {
			b.dropExec(p)
			delete(b.prepared, name)
		}
	case 'P':
		if p := b.portals[name]; p != nil {
			b.dropPortal(p)
		}
	default:
		return pgerr.New(pgerr.ProtocolViolation, "invalid CLOSE message subtype %d", kind)
	}
	b.c.Simple('3')
	return nil
}

// sync serves Sync: the implicit transaction ends, and the client is told where it stands.
func (b *Backend) sync() error {
	var err error
	if b.s.Tx.InTransaction() && !b.blk.explicit {
		b.blk.implicit = false
		if err = b.blk.commit(); err != nil {
			b.fail(err)
		}
	}
	b.timer.stopStatement(b)
	b.dropTxPortals()
	return b.ready()
}
