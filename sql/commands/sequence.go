package commands

import (
	"math"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/storage/sequence"
	"gompho/types"
)

// sequenceDef is the definition of a sequence.
type sequenceDef struct {
	typ                        ids.Oid
	start, increment, max, min int64
	cache                      int64
	cycle                      bool
}

// newSequence is a sequence to be made.
type newSequence struct {
	name        string
	ns          ids.Oid
	persistence byte
	owner       ids.Oid // 0: the current user
	oid         ids.Oid
	options     []*ast.DefElem
	typ         ids.Oid // default type: of the column it is for
	identity    bool
	def         sequenceDef
	value       int64
	called      bool
	ready       bool // def and value are set
	ownedBy     *ast.DefElem
}

func (e *elements) newSequence(col *columnDef) *newSequence {
	p := byte('p')
	switch {
	case e.temp:
		p = 't'
	case e.unlogged:
		p = 'u'
	case e.rel != nil:
		p = e.rel.Persistence
	}
	s := &newSequence{ns: e.ns, persistence: p, typ: col.Type}
	if e.rel != nil {
		s.owner = e.rel.Owner
	}
	return s
}

// takeSequence names the sequence of a column and takes it among those to be made.
func (e *elements) takeSequence(col *columnDef, s *newSequence) error {
	if s.name == "" {
		for pass := 0; ; pass++ {
			label := "seq"
			if pass > 0 {
				label += itoa(int64(pass))
			}
			name, err := e.c.S.Cat.ChooseName(e.table, col.Name, label, e.ns, false)
			if err != nil {
				return err
			}
			if !e.sequenceNamed(name) {
				s.name = name
				break
			}
		}
	}
	oid, err := e.c.S.Cat.NewObjectOid(catalog.PgClassOid)
	if err != nil {
		return err
	}
	s.oid = oid
	col.seq, col.seqOid = s, oid
	e.sequences = append(e.sequences, s)
	return nil
}

func (e *elements) sequenceNamed(name string) bool {
	for _, s := range e.sequences {
		if s.name == name {
			return true
		}
	}
	return false
}

// addSerial gives a column a sequence of its own and nextval of it as default.
func (e *elements) addSerial(col *columnDef, typ ids.Oid, options []*ast.DefElem) error {
	s := e.newSequence(col)
	s.options = options
	if err := e.takeSequence(col, s); err != nil {
		return err
	}
	col.cooked = nextvalExpr(s.oid, typ)
	return nil
}

// addIdentity gives an identity column its sequence.
func (e *elements) addIdentity(col *columnDef, options []*ast.DefElem) error {
	if col.Type != 20 && col.Type != 21 && col.Type != 23 {
		return pgerr.New(pgerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint")
	}
	s := e.newSequence(col)
	s.identity = true
	for _, o := range options {
		if o.Defname != "sequence_name" {
			s.options = append(s.options, o)
			continue
		}
		schema, name, err := splitName(e.c, ast.Names(o.Arg))
		if err != nil {
			return err
		}
		s.name = name
		if schema != "" {
			if s.ns, err = e.c.S.Cat.LookupCreationNamespace(schema); err != nil {
				return err
			}
		}
	}
	return e.takeSequence(col, s)
}

// nextvalExpr is the default of a serial column: nextval of a sequence, cast to the column's type.
func nextvalExpr(seq, typ ids.Oid) query.Expr {
	arg := &query.Const{Result: query.Result{ResType: 2205, ResTypmod: -1}, Value: types.OidDatum(seq), Location: -1}
	var e query.Expr = &query.FuncExpr{Result: query.Result{ResType: 20, ResTypmod: -1}, FuncID: 1574, Args: []query.Expr{arg}, Location: -1}
	cast := map[ids.Oid]ids.Oid{23: 480, 21: 714}[typ]
	if cast == 0 {
		return e
	}
	return &query.FuncExpr{Result: query.Result{ResType: typ, ResTypmod: -1}, FuncID: cast, Format: query.CoerceImplicitCast,
		Args: []query.Expr{e}, Location: -1}
}

// createSequence makes a sequence.
func (c *Context) createSequence(s *newSequence) error {
	cat := c.S.Cat
	if !s.ready {
		if err := s.init(c); err != nil {
			return err
		}
	}
	notNull := func(name string, typ ids.Oid, n int16) catalog.NewColumn {
		t := types.Builtin(typ)
		return catalog.NewColumn{Attr: types.Attr{Name: name, Type: typ, Typmod: -1, Len: n, ByVal: true, Align: t.Align, Storage: 'p', NotNull: true}}
	}
	owner := s.owner
	if owner == 0 {
		owner = c.S.User
	}
	oid, err := cat.CreateRelation(&catalog.NewRelation{Oid: s.oid, Name: s.name, Namespace: s.ns, Owner: owner, Kind: 'S',
		Persistence: s.persistence, NoType: true,
		Columns: []catalog.NewColumn{notNull("last_value", 20, 8), notNull("log_cnt", 20, 8), notNull("is_called", 16, 1)}})
	if err != nil {
		return err
	}
	s.oid = oid
	d := &s.def
	row := &catalog.PgSequence{Seqrelid: oid, Seqtypid: d.typ, Seqstart: d.start, Seqincrement: d.increment, Seqmax: d.max,
		Seqmin: d.min, Seqcache: d.cache, Seqcycle: d.cycle}
	if err := cat.Insert(row); err != nil {
		return err
	}
	if err := cat.RecordDependency(catalog.RelationObject(oid), catalog.Object{Class: catalog.PgTypeOid, Oid: d.typ}, catalog.DepNormal); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	rel, err := c.S.Relation(oid)
	if err != nil {
		return err
	}
	return sequence.Create(c.S.Tx, sequenceRel(c, rel), sequence.State{LastValue: s.value, IsCalled: s.called})
}

// sequenceRel makes the storage handle of a sequence.
func sequenceRel(c *Context, r *catalog.Relation) sequence.Rel {
	return sequence.Rel{Pool: c.S.Heap.Pool, File: r.File, Oid: r.Oid, Name: r.Name, Logged: r.Persistence == 'p', Temp: r.Persistence == 't'}
}

// init computes the definition of a new sequence from its options.
func (s *newSequence) init(c *Context) error {
	s.def = sequenceDef{typ: 20, increment: 1, cache: 1}
	if s.typ != 0 {
		s.def.typ = s.typ
	}
	s.called = false
	if err := c.sequenceOptions(s, true); err != nil {
		return err
	}
	s.ready = true
	return nil
}

func typeLimits(typ ids.Oid) (lo, hi int64) {
	switch typ {
	case 21:
		return math.MinInt16, math.MaxInt16
	case 23:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

// seqOptions are the options of a statement by name.
type seqOptions map[string]*ast.DefElem

func (c *Context) sortSequenceOptions(s *newSequence) (seqOptions, error) {
	m := seqOptions{}
	for _, o := range s.options {
		name := o.Defname
		if m[name] != nil {
			return nil, pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").At(int(o.Location))
		}
		switch name {
		case "as", "increment", "start", "restart", "maxvalue", "minvalue", "cache", "cycle", "owned_by":
			m[name] = o
		case "sequence_name":
			return nil, pgerr.New(pgerr.SyntaxError, "invalid sequence option SEQUENCE NAME").At(int(o.Location))
		default:
			return nil, pgerr.Internal("option %q not recognized", name)
		}
	}
	return m, nil
}

// sequenceOptions applies options to a definition: to the defaults of a new sequence (isInit), or to those of an old one.
func (c *Context) sequenceOptions(s *newSequence, isInit bool) error {
	m, err := c.sortSequenceOptions(s)
	if err != nil {
		return err
	}
	d := &s.def
	resetMax, resetMin := false, false
	if o := m["as"]; o != nil {
		tn, ok := o.Arg.(*ast.TypeName)
		if !ok {
			return pgerr.Internal("AS of a sequence without a type")
		}
		typ, _, err := c.typeName(tn)
		if err != nil {
			return err
		}
		if typ != 20 && typ != 21 && typ != 23 {
			what := "sequence"
			if s.identity {
				what = "identity column"
			}
			return pgerr.New(pgerr.InvalidParameterValue, "%s type must be smallint, integer, or bigint", what)
		}
		if !isInit && typ != d.typ {
			// Limits that are those of the old type follow the new one.
			lo, hi := typeLimits(d.typ)
			resetMax = d.increment > 0 && d.max == hi
			resetMin = d.increment < 0 && d.min == lo
		}
		d.typ = typ
	}
	if o := m["increment"]; o != nil {
		if d.increment, err = defInt(o); err != nil {
			return err
		}
		if d.increment == 0 {
			return pgerr.New(pgerr.InvalidParameterValue, "INCREMENT must not be zero")
		}
	}
	if o := m["cycle"]; o != nil {
		b, ok := o.Arg.(*ast.Boolean)
		d.cycle = ok && b.Boolval
	}
	if err := s.limits(c, m, isInit, resetMax, resetMin); err != nil {
		return err
	}
	if err := s.startValue(m, isInit); err != nil {
		return err
	}
	if o := m["cache"]; o != nil {
		if d.cache, err = defInt(o); err != nil {
			return err
		}
		if d.cache <= 0 {
			return pgerr.New(pgerr.InvalidParameterValue, "CACHE (%d) must be greater than zero", d.cache)
		}
	}
	s.ownedBy = m["owned_by"]
	return nil
}

func (s *newSequence) limits(c *Context, m seqOptions, isInit, resetMax, resetMin bool) error {
	d := &s.def
	lo, hi := typeLimits(d.typ)
	var err error
	if o := m["maxvalue"]; o != nil && o.Arg != nil {
		if d.max, err = defInt(o); err != nil {
			return err
		}
	} else if isInit || o != nil || resetMax {
		d.max = -1
		if d.increment > 0 || resetMax {
			d.max = hi
		}
	}
	if d.max < lo || d.max > hi {
		return pgerr.New(pgerr.InvalidParameterValue, "MAXVALUE (%d) is out of range for sequence data type %s", d.max, c.S.Cat.TypeName(d.typ))
	}
	if o := m["minvalue"]; o != nil && o.Arg != nil {
		if d.min, err = defInt(o); err != nil {
			return err
		}
	} else if isInit || o != nil || resetMin {
		d.min = 1
		if d.increment < 0 || resetMin {
			d.min = lo
		}
	}
	if d.min < lo || d.min > hi {
		return pgerr.New(pgerr.InvalidParameterValue, "MINVALUE (%d) is out of range for sequence data type %s", d.min, c.S.Cat.TypeName(d.typ))
	}
	if d.min >= d.max {
		return pgerr.New(pgerr.InvalidParameterValue, "MINVALUE (%d) must be less than MAXVALUE (%d)", d.min, d.max)
	}
	return nil
}

// startValue applies START and RESTART, and checks both against the limits.
func (s *newSequence) startValue(m seqOptions, isInit bool) error {
	d := &s.def
	var err error
	if o := m["start"]; o != nil {
		if d.start, err = defInt(o); err != nil {
			return err
		}
	} else if isInit {
		d.start = d.min
		if d.increment < 0 {
			d.start = d.max
		}
	}
	if d.start < d.min {
		return pgerr.New(pgerr.InvalidParameterValue, "START value (%d) cannot be less than MINVALUE (%d)", d.start, d.min)
	}
	if d.start > d.max {
		return pgerr.New(pgerr.InvalidParameterValue, "START value (%d) cannot be greater than MAXVALUE (%d)", d.start, d.max)
	}
	if o := m["restart"]; o != nil {
		s.value, s.called = d.start, false
		if o.Arg != nil {
			if s.value, err = defInt(o); err != nil {
				return err
			}
		}
	} else if isInit {
		s.value, s.called = d.start, false
	}
	if s.value < d.min {
		return pgerr.New(pgerr.InvalidParameterValue, "RESTART value (%d) cannot be less than MINVALUE (%d)", s.value, d.min)
	}
	if s.value > d.max {
		return pgerr.New(pgerr.InvalidParameterValue, "RESTART value (%d) cannot be greater than MAXVALUE (%d)", s.value, d.max)
	}
	return nil
}

// createSequenceStmt is CREATE SEQUENCE.
func createSequenceStmt(c *Context, st *ast.CreateSeqStmt) error {
	ns, p, err := c.creationNamespace(st.Sequence)
	if err != nil {
		return err
	}
	if st.IfNotExists {
		oid, err := c.S.Cat.RelationOid(ns, st.Sequence.Relname)
		if err != nil {
			return err
		}
		if oid != 0 {
			c.skipNotice(pgerr.DuplicateTable, "relation %q already exists, skipping", st.Sequence.Relname)
			return nil
		}
	}
	s := &newSequence{name: st.Sequence.Relname, ns: ns, persistence: p, options: st.Options}
	if err := c.createSequence(s); err != nil {
		return err
	}
	if s.ownedBy != nil {
		return c.ownSequence(s.oid, s.ownedBy, false)
	}
	return nil
}

// ownSequence is OWNED BY.
func (c *Context) ownSequence(seq ids.Oid, o *ast.DefElem, identity bool) error {
	names := ast.Names(o.Arg)
	cat := c.S.Cat
	rel, err := c.S.Relation(seq)
	if err != nil {
		return err
	}
	if len(names) == 1 && names[0] != "none" {
		return pgerr.New(pgerr.SyntaxError, "invalid OWNED BY option").WithHint("Specify OWNED BY table.column or OWNED BY NONE.")
	}
	if !identity {
		if err := c.notIdentitySequence(rel); err != nil {
			return err
		}
	}
	if len(names) == 1 {
		return c.dropOwnership(seq)
	}
	table, err := c.openRelation(rangeVarOf(names[:len(names)-1]), locks.AccessShare)
	if err != nil {
		return err
	}
	switch table.Kind {
	case 'r', 'f', 'v', 'p':
	default:
		return pgerr.New(pgerr.WrongObjectType, "sequence cannot be owned by relation %q", table.Name).
			WithDetail("This operation is not supported for %s.", pluralKind(table.Kind))
	}
	if table.Owner != rel.Owner {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "sequence must have same owner as table it is linked to")
	}
	if table.Namespace != rel.Namespace {
		return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "sequence must be in same schema as table it is linked to")
	}
	att := table.AttNum(names[len(names)-1])
	if att == 0 {
		return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", names[len(names)-1], table.Name)
	}
	if err := c.dropOwnership(seq); err != nil {
		return err
	}
	kind := catalog.DepAuto
	if identity {
		kind = catalog.DepInternal
	}
	if err := cat.RecordDependency(catalog.RelationObject(seq), catalog.ColumnObject(table.Oid, att), kind); err != nil {
		return err
	}
	return c.step()
}

// notIdentitySequence refuses to give the sequence of an identity column to another owner.
func (c *Context) notIdentitySequence(seq *catalog.Relation) error {
	deps, err := c.S.Cat.DependenciesOf(catalog.RelationObject(seq.Oid))
	if err != nil {
		return err
	}
	for _, d := range deps {
		if d.Refclassid != catalog.PgClassOid || d.Refobjsubid <= 0 || catalog.DepType(d.Deptype) != catalog.DepInternal {
			continue
		}
		table, err := c.S.Relation(d.Refobjid)
		if err != nil {
			return err
		}
		return pgerr.NotSupported("cannot change ownership of identity sequence").
			WithDetail("Sequence %q is linked to table %q.", seq.Name, table.Name)
	}
	return nil
}

// dropOwnership forgets that a sequence belongs to a column.
func (c *Context) dropOwnership(seq ids.Oid) error {
	deps, err := catalog.FetchAll[catalog.PgDepend](c.S.Cat, catalog.PgDependDependerIndex,
		catalog.OidKey(catalog.AttPgDependClassid, catalog.PgClassOid), catalog.OidKey(catalog.AttPgDependObjid, seq))
	if err != nil {
		return err
	}
	for _, d := range deps {
		if d.Refclassid == catalog.PgClassOid && d.Refobjsubid > 0 && catalog.DepType(d.Deptype) == catalog.DepAuto {
			if err := c.S.Cat.Delete(d); err != nil {
				return err
			}
		}
	}
	return c.step()
}

// ownedSequence returns the sequence that belongs to a column, 0 when there is none.
func (c *Context) ownedSequence(rel ids.Oid, att int16, kind catalog.DepType) (ids.Oid, error) {
	list, err := c.ownedSequences(rel, att)
	if err != nil {
		return 0, err
	}
	for _, o := range list {
		if o.kind == kind {
			return o.oid, nil
		}
	}
	return 0, nil
}

type owned struct {
	oid  ids.Oid
	att  int16
	kind catalog.DepType
}

// ownedSequences lists the sequences that belong to a column, or with att 0 to any column of a table.
func (c *Context) ownedSequences(rel ids.Oid, att int16) ([]owned, error) {
	deps, err := catalog.FetchAll[catalog.PgDepend](c.S.Cat, catalog.PgDependReferenceIndex,
		catalog.OidKey(catalog.AttPgDependRefclassid, catalog.PgClassOid), catalog.OidKey(catalog.AttPgDependRefobjid, rel))
	if err != nil {
		return nil, err
	}
	var out []owned
	for _, d := range deps {
		k := catalog.DepType(d.Deptype)
		if d.Classid != catalog.PgClassOid || d.Objsubid != 0 || d.Refobjsubid == 0 || att != 0 && d.Refobjsubid != int32(att) ||
			k != catalog.DepAuto && k != catalog.DepInternal {
			continue
		}
		r, err := c.S.Cat.Relation(d.Objid)
		if err != nil {
			return nil, err
		}
		if r != nil && r.Kind == 'S' {
			out = append(out, owned{d.Objid, int16(d.Refobjsubid), k})
		}
	}
	return out, nil
}

// alterSequence is ALTER SEQUENCE, and ALTER TABLE ... SET of an identity column's options.
func alterSequence(c *Context, st *ast.AlterSeqStmt) error {
	rel, err := c.openOwned(st.Sequence, locks.ShareRowExclusive, st.MissingOk)
	if err != nil {
		return err
	}
	if rel == nil {
		c.skipNotice(pgerr.SuccessfulCompletion, "relation %q does not exist, skipping", st.Sequence.Relname)
		return nil
	}
	if rel.Kind != 'S' {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a sequence", rel.Name)
	}
	if err := c.S.Cat.HoldRelation(rel.Oid, locks.RowExclusive); err != nil {
		return err
	}
	return c.changeSequence(rel, st.Options)
}

func (c *Context) changeSequence(rel *catalog.Relation, options []*ast.DefElem) error {
	row, err := catalog.Fetch[catalog.PgSequence](c.S.Cat, catalog.PgSequenceSeqrelidIndex, catalog.OidKey(catalog.AttPgSequenceSeqrelid, rel.Oid))
	if err != nil {
		return err
	}
	state, err := sequence.Read(c.S.Tx, sequenceRel(c, rel))
	if err != nil {
		return err
	}
	s := &newSequence{oid: rel.Oid, name: rel.Name, options: options, value: state.LastValue, called: state.IsCalled,
		def: sequenceDef{row.Seqtypid, row.Seqstart, row.Seqincrement, row.Seqmax, row.Seqmin, row.Seqcache, row.Seqcycle}}
	if err := c.sequenceOptions(s, false); err != nil {
		return err
	}
	d := &s.def
	row.Seqtypid, row.Seqstart, row.Seqincrement, row.Seqmax, row.Seqmin, row.Seqcache, row.Seqcycle =
		d.typ, d.start, d.increment, d.max, d.min, d.cache, d.cycle
	if err := c.S.Cat.Update(row); err != nil {
		return err
	}
	delete(c.S.Sequences.Cached, rel.Oid)
	if sequenceChanges(options) {
		// A new file, so that an abort brings the old state back.
		if err := c.rewriteSequence(rel, sequence.State{LastValue: s.value, IsCalled: s.called}); err != nil {
			return err
		}
	}
	if s.ownedBy != nil {
		return c.ownSequence(rel.Oid, s.ownedBy, false)
	}
	return c.step()
}

// sequenceChanges reports whether options change more than the owner.
func sequenceChanges(options []*ast.DefElem) bool {
	for _, o := range options {
		if o.Defname != "owned_by" {
			return true
		}
	}
	return false
}

// rewriteSequence gives a sequence a new file with a given state.
func (c *Context) rewriteSequence(rel *catalog.Relation, st sequence.State) error {
	return c.rewriteSequenceAs(rel, rel.Persistence, st)
}

func (c *Context) rewriteSequenceAs(rel *catalog.Relation, persistence byte, st sequence.State) error {
	if _, err := c.S.Cat.SetRelFile(rel.Oid, persistence); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	now, err := c.S.Relation(rel.Oid)
	if err != nil {
		return err
	}
	return sequence.Create(c.S.Tx, sequenceRel(c, now), st)
}

// resetSequence makes a sequence start anew: TRUNCATE ... RESTART IDENTITY.
func (c *Context) resetSequence(oid ids.Oid) error {
	rel, err := c.S.Cat.LockRelation(oid, locks.AccessExclusive)
	if rel == nil || err != nil {
		return err
	}
	if err := c.S.Cat.HoldRelation(oid, locks.RowExclusive); err != nil {
		return err
	}
	row, err := c.S.Cat.Sequence(oid)
	if err != nil {
		return err
	}
	delete(c.S.Sequences.Cached, oid)
	return c.rewriteSequence(rel, sequence.State{LastValue: row.Seqstart})
}
