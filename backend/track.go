package backend

import (
	"slices"
	"strings"
	"time"

	"gompho/sql/ast"
	"gompho/sql/executor"
	"gompho/sql/parser"
	"gompho/sql/query"
	"gompho/stats"
)

// trackSettings say what is counted for pg_stat_statements.
type trackSettings struct {
	identify bool // statements get identifiers
	runs     bool // their runs are counted
	nested   bool // and those of statements within them
	utility  bool // those of utility statements too
	planning bool
}

func (t *trackSettings) load(b *Backend) {
	set := b.s.Settings
	t.identify = set.Get("compute_query_id").Text != "off"
	what := set.Get("pg_stat_statements.track").Text
	t.runs = b.s.Statements != nil && what != "none"
	t.nested = t.runs && what == "all"
	t.utility = set.Get("pg_stat_statements.track_utility").Bool()
	t.planning = set.Get("pg_stat_statements.track_planning").Bool()
}

func (h *hotSettings) tracks(b *Backend) *trackSettings { h.load(b); return &h.track }

// identity tells which statement an analyzed text is.
type identity struct {
	id     int64 // 0: none was asked for
	text   string
	consts []parser.Constant // in text
	params int               // the highest $n
}

// placeholders is the text to show.
func (i *identity) placeholders() string {
	return parser.Placeholders(i.text, i.consts, i.params+1)
}

// identify finds out which statement q is, before views are put in their places.
func (e *engine) identify(q *query.Query, raw *ast.RawStmt, sql string) {
	i := &e.ident
	*i = identity{consts: i.consts[:0]}
	if e.identifies == nil || !e.identifies() {
		return
	}
	if int(raw.Location) > len(sql) {
		return // a tree without its text
	}
	i.text = strings.TrimSpace(raw.Text(sql))
	start := int32(strings.Index(sql[raw.Location:], i.text)) + raw.Location
	if q.CommandType == query.CmdUtility {
		i.id = parser.FingerprintText(i.text)
		return
	}
	seed := uint64(q.CommandType)
	query.Walk(q, func(n query.Node) bool {
		switch n := n.(type) {
		case *query.Const:
			if n.Location >= start {
				i.consts = append(i.consts, parser.Constant{Pos: n.Location - start, Type: uint32(n.ResType)})
			}
		case *query.Param:
			if n.Kind == query.ParamExtern {
				i.params = max(i.params, n.ID)
			}
		case *query.RangeTblEntry:
			seed = seed*31 + uint64(n.Relid)
		}
		return true
	})
	slices.SortFunc(i.consts, func(a, b parser.Constant) int { return int(a.Pos) - int(b.Pos) })
	from := int32(parser.Inner(i.text))
	for k := range i.consts {
		i.consts[k].Pos -= from
	}
	i.id = parser.Fingerprint(i.text[from:], i.consts, seed)
	for k := range i.consts {
		i.consts[k].Pos += from
	}
}

// noteIdentity gives a statement that was just analyzed its identifier, and its entry in pg_stat_statements.
func (b *Backend) noteIdentity(p *Prepared) {
	e, ok := b.eng.(*engine)
	if !ok || p.simple {
		return // one of the plan cache has the identifier of the text with its literals
	}
	p.queryID, p.stat = e.ident.id, nil
	if p.queryID != 0 && b.hot.tracks(b).runs {
		p.stat = b.s.Statements.Get(b.statementKey(p.queryID), e.ident.placeholders)
	}
}

func (b *Backend) statementKey(id int64) stats.StatementKey {
	return stats.StatementKey{User: b.s.User, DB: b.s.DB, ID: id, TopLevel: true}
}

// known is what the plan cache remembers of a text that came once.
type known struct {
	id   int64
	stat *stats.Statement
}

// run measures a run of a statement.
type run struct {
	stat   *stats.Statement // nil: nobody asks
	start  time.Time
	before executor.Usage
}

// measure begins a run of a portal, or goes on with it.
func (b *Backend) measure(p *Portal) (r run) {
	st := p.stmt
	b.o.Slot.Activity.SetQueryID(st.queryID)
	t := b.hot.tracks(b)
	if st.queryID == 0 || !t.runs || st.utility && !(t.utility && counted(st.raw.Stmt)) {
		return r
	}
	if st.stat == nil { // prepared while nothing was counted: the text shows as it is
		st.stat = b.s.Statements.Get(b.statementKey(st.queryID), func() string { return strings.TrimSpace(st.raw.Text(st.sql)) })
	}
	r.stat = st.stat
	if r.stat.Key.User != b.s.User {
		r.stat = b.s.Statements.Get(b.statementKey(st.queryID), func() string { return st.stat.Text })
		st.stat = r.stat
	}
	b.began(&r)
	return r
}

func (b *Backend) began(r *run) {
	r.start, r.before = now(), executor.UsageOf(b.o.Slot)
}

// nested is a statement within the one that runs: the query of EXPLAIN or COPY.
type nested struct {
	b    *Backend
	stat *stats.Statement // nil: it is not counted
}

// within begins to count the statement that was analyzed last, if pg_stat_statements.track asks for that.
func (e *engine) within(b *Backend) (n nested) {
	if b == nil || e.ident.id == 0 {
		return n
	}
	t := b.hot.tracks(b)
	if !t.nested && (t.utility || !t.runs) {
		return n
	}
	key := b.statementKey(e.ident.id)
	key.TopLevel = !t.utility // as in PostgreSQL, where commands that are not counted are no level
	return nested{b, b.s.Statements.Get(key, e.ident.placeholders)}
}

// plan runs and measures the planning.
func (n *nested) plan(f func() error) error {
	if n.stat == nil || !n.b.hot.tracks(n.b).planning {
		return f()
	}
	return n.measure(f, n.b.s.Statements.Planned)
}

// run runs and measures the execution; f returns the number of rows.
func (n *nested) run(f func() (uint64, error)) error {
	if n.stat == nil {
		_, err := f()
		return err
	}
	rows := uint64(0)
	return n.measure(func() (err error) { rows, err = f(); return err }, func(e *stats.Statement, took time.Duration, use *stats.StatementUse) *stats.Statement {
		use.Rows = int64(rows)
		return n.b.s.Statements.Executed(e, took, use)
	})
}

func (n *nested) measure(f func() error, count func(*stats.Statement, time.Duration, *stats.StatementUse) *stats.Statement) error {
	start, before := now(), executor.UsageOf(n.b.o.Slot)
	if err := f(); err != nil {
		return err
	}
	took, u := time.Since(start), executor.UsageOf(n.b.o.Slot).Since(before)
	var use stats.StatementUse
	u.AddTo(&use)
	n.stat = count(n.stat, took, &use)
	return nil
}

// counted reports whether a utility statement has an entry of its own: EXECUTE counts as what it runs.
func counted(s ast.Stmt) bool {
	switch s.(type) {
	case *ast.ExecuteStmt, *ast.PrepareStmt, *ast.DeallocateStmt:
		return false
	}
	return true
}

// pause ends a run of a portal that may go on later.
func (b *Backend) pause(p *Portal, r *run) {
	if r.stat == nil {
		return
	}
	p.spent += time.Since(r.start)
	u := executor.UsageOf(b.o.Slot).Since(r.before)
	u.AddTo(&p.used)
	p.runs = true
	if !p.stmt.returns || p.stmt.utility {
		p.used.Rows = rowsOf(p)
	} else {
		p.used.Rows += int64(p.rows)
	}
}

// rowsOf is the number in a command tag, where pg_stat_statements shows it.
func rowsOf(p *Portal) int64 {
	word, rest, _ := strings.Cut(p.tag, " ")
	switch word {
	case "INSERT", "UPDATE", "DELETE", "MERGE":
		if p.stmt.utility {
			return 0
		}
	case "REFRESH":
		return p.stored
	case "SELECT", "COPY", "FETCH":
	default:
		return 0
	}
	n := int64(0)
	for i := strings.LastIndexByte(rest, ' ') + 1; i < len(rest); i++ {
		if c := rest[i]; c >= '0' && c <= '9' {
			n = n*10 + int64(c-'0')
		}
	}
	return n
}

// count reports a portal that has ended without an error.
func (b *Backend) count(p *Portal) {
	if !p.runs {
		return
	}
	p.runs = false
	p.stmt.stat = b.s.Statements.Executed(p.stmt.stat, p.spent, &p.used)
}

// planned counts the planning of a statement that began at start.
func (b *Backend) planned(p *Prepared, r *run) {
	u := executor.UsageOf(b.o.Slot).Since(r.before)
	var use stats.StatementUse
	u.AddTo(&use)
	p.stat = b.s.Statements.Planned(p.stat, time.Since(r.start), &use)
}

// plan plans a query of a statement; the time counts for pg_stat_statements if that is asked for, and not as part of its run.
func (b *Backend) plan(p *Prepared, f func() error) error {
	began := b.clock()
	defer func() { b.asideStep(stats.StepPlan, began) }()
	if p.stat == nil {
		return f()
	}
	r := run{stat: p.stat}
	counts := b.hot.tracks(b).planning
	if counts {
		b.began(&r)
	}
	err := f()
	if err == nil && counts {
		b.planned(p, &r)
	}
	if b.running.stat != nil {
		b.began(&b.running)
	}
	return err
}
