package backend

import (
	"fmt"
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/sql/ast"
	"gompho/sql/commands"
	"gompho/sql/executor"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/sysviews"
	"gompho/types"
)

// foresight is what EXPLAIN (LOCKS) finds out about one statement.
type foresight struct {
	e     *engine
	rec   *locks.Rehearsal
	maybe []locks.Rehearsed // locks that are taken if there is a row that asks for them: on partitions, by foreign keys
	rows  []rowLock
	work  []commands.Work
	keys  map[keyEvent]bool // changes of which the foreign keys have been looked at
	byKey bool              // what is looked at is the query of a foreign key
	names map[any]string    // of tags and objects
	made  map[any]bool      // those that the statement itself makes
}

// keyEvent is a kind of change of a table.
type keyEvent struct {
	rel ids.Oid
	op  query.CommandType
}

// lookedUp are the rows that a foreign key finds.
const lookedUp = "looked up by a foreign key"

// rowLock is a lock on the rows of a table that a statement returns or changes.
type rowLock struct {
	rel      ids.Oid
	strength mvcc.LockStrength
	which    string // rows
	policy   query.LockWaitPolicy
}

// explainLocks is EXPLAIN (LOCKS): the statement is rehearsed in a subtransaction that is rolled back.
func (e *engine) explainLocks(u *UtilityContext, st *ast.ExplainStmt, params []types.Datum, format string) ([]string, error) {
	f := &foresight{e: e, rec: &locks.Rehearsal{Phase: "parse"}, names: map[any]string{}, made: map[any]bool{}}
	if err := f.rehearse(u, st.Query, params); err != nil {
		return nil, err
	}
	f.name(false)
	f.leaveOutGone()
	if format == "json" {
		return f.json(st.Query.CommandTag())
	}
	return f.text(st.Query.CommandTag()), nil
}

// rehearse runs a rehearsal, of which nothing stays.
func (f *foresight) rehearse(u *UtilityContext, stmt ast.Stmt, params []types.Datum) error {
	s := f.e.s
	if _, err := s.Tx.BeginSub(); err != nil {
		return err
	}
	notice := s.Notice
	s.Notice = func(*pgerr.Error) {}
	s.Owner.Rehearse(f.rec)
	s.Cat.Rehearse(true)
	defer func() {
		s.Cat.Rehearse(false)
		s.Owner.Rehearse(nil)
		s.Notice = notice
		s.Tx.AbortSub()
		if len(f.keys) > 0 {
			f.e.ex.Deferred.ForgetPlans()
		}
	}()
	if err := f.statement(u, stmt, params); err != nil {
		return err
	}
	f.name(true)
	return nil
}

// statement rehearses a statement of any kind.
func (f *foresight) statement(u *UtilityContext, stmt ast.Stmt, params []types.Datum) error {
	switch n := stmt.(type) {
	case *ast.SelectStmt:
		if n.IntoClause == nil {
			return f.queries(u, stmt, params)
		}
		q, err := f.e.analyzeUtility(stmt)
		if err != nil {
			return err
		}
		return f.command(u, q)
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt, *ast.MergeStmt, *ast.DeclareCursorStmt, *ast.ExecuteStmt:
		return f.queries(u, stmt, params)
	case *ast.ExplainStmt:
		return pgerr.NotSupported("EXPLAIN (LOCKS) EXPLAIN is not supported")
	}
	return f.command(u, stmt)
}

// analyzeUtility returns the command that a SELECT INTO is.
func (e *engine) analyzeUtility(stmt ast.Stmt) (ast.Stmt, error) {
	qs, _, err := e.Analyze(e.s, &ast.RawStmt{Stmt: stmt}, "", nil, false)
	if err != nil {
		return nil, err
	}
	if len(qs) == 1 {
		if st, ok := qs[0].UtilityStmt.(ast.Stmt); ok {
			return st, nil
		}
	}
	return nil, pgerr.Internal("SELECT INTO is no command")
}

// command rehearses a command.
func (f *foresight) command(u *UtilityContext, stmt ast.Stmt) error {
	c := f.e.context(u)
	h := c.Hooks
	c.Out = nil
	analyze := h.Analyze
	h.Analyze = func(stmt ast.Stmt, types []ids.Oid) (*query.Query, error) {
		defer f.phase("parse")()
		return analyze(stmt, types)
	}
	h.ValidateForeignKey = func(con ids.Oid) error {
		st, err := f.e.ex.Deferred.PlanValidate(con)
		if st == nil || err != nil {
			return err
		}
		return f.planned(st)
	}
	h.RunQuery = func(q *query.Query, params []types.Datum, _ func(*types.Batch) error) (uint64, error) {
		return 0, f.query(q, params, u.ParamTys)
	}
	transactions := 1
	h.NextTransaction = func() error {
		transactions++
		f.rec.NextTransaction()
		f.rec.Phase = fmt.Sprintf("execution, transaction %d", transactions)
		return f.e.s.Cat.IncrementCommand()
	}
	f.rec.Phase = "execution"
	r, err := commands.Rehearse(c, stmt)
	if r != nil {
		f.work = append(f.work, r.Work...)
	}
	return err
}

// phase sets the phase until the function that it returns is called.
func (f *foresight) phase(name string) (done func()) {
	before := f.rec.Phase
	f.rec.Phase = name
	return func() { f.rec.Phase = before }
}

// queries analyzes and plans a statement.
func (f *foresight) queries(u *UtilityContext, stmt ast.Stmt, params []types.Datum) error {
	qs, params, err := f.e.explained(u, stmt, params)
	if err != nil {
		return err
	}
	for _, q := range qs {
		if q.CommandType == query.CmdUtility {
			continue
		}
		if err := f.query(q, params, u.ParamTys); err != nil {
			return err
		}
	}
	return nil
}

// query plans a query and looks at what the plan will lock.
func (f *foresight) query(q *query.Query, params []types.Datum, paramTypes []ids.Oid) error {
	done := f.phase("plan")
	st, err := f.e.Plan(f.e.s, q, params, paramTypes, false, false)
	if err == nil {
		err = f.e.holdPlanned(st)
	}
	done()
	if err != nil {
		return err
	}
	return f.planned(st)
}

// holdPlanned locks the tables of a plan whose query was analyzed before, by PREPARE.
func (e *engine) holdPlanned(st *plan.Statement) error {
	for _, rte := range st.RTable {
		if rte.Relid == 0 || rte.Rellockmode == 0 {
			continue
		}
		if err := e.s.Cat.HoldRelation(rte.Relid, locks.Mode(rte.Rellockmode)); err != nil {
			return err
		}
	}
	return nil
}

// planned looks at what a plan will lock when it is executed.
func (f *foresight) planned(st *plan.Statement) error {
	for _, rte := range st.RTable {
		if err := f.e.checkRights(rte); err != nil {
			return err
		}
	}
	if !f.byKey {
		defer f.phase("execution")()
	}
	var err error
	executor.WalkPlan(st, func(p plan.Node) {
		if err == nil {
			err = f.node(st, p)
		}
	}, f.expr)
	return err
}

// node looks at one node of a plan.
func (f *foresight) node(st *plan.Statement, p plan.Node) error {
	switch p := p.(type) {
	case *plan.SeqScan:
		f.does(commands.Scans, st.RTable[p.ScanRelID-1].Relid)
	case *plan.LockRows:
		for _, m := range p.Marks {
			if m.Strength == query.LockNone {
				continue
			}
			rels := m.Children
			if len(rels) == 0 {
				rels = []int{m.RTI}
			}
			for _, rti := range rels {
				which := "returned"
				if f.byKey {
					which = lookedUp
				}
				f.row(rowLock{st.RTable[rti-1].Relid, executor.LockStrength(m.Strength), which, m.WaitPolicy})
			}
			f.rec.Note(locks.TransactionTag(0), locks.Exclusive)
		}
	case *plan.ModifyTable:
		return f.modify(st, p)
	}
	return nil
}

// modify looks at what changes rows.
func (f *foresight) modify(st *plan.Statement, p *plan.ModifyTable) error {
	f.rec.Note(locks.TransactionTag(0), locks.Exclusive)
	root, err := f.e.s.Cat.Relation(st.RTable[p.ResultRel-1].Relid)
	if err != nil || root == nil {
		return err
	}
	moves := p.Operation == query.CmdInsert
	for _, col := range p.UpdateCols {
		moves = moves || root.PartKey != nil && slices.Contains(root.PartKey.Atts, int16(col))
	}
	rels := p.ResultRels
	if len(rels) == 0 {
		rels = []int{p.ResultRel}
	}
	for _, rti := range rels {
		rel, err := f.e.s.Cat.Relation(st.RTable[rti-1].Relid)
		if err != nil || rel == nil {
			return err
		}
		f.does(commands.Writes, rel.Oid)
		if rel.Heap == nil {
			continue
		}
		by := ""
		if f.byKey {
			by = " by a foreign key"
		}
		switch p.Operation {
		case query.CmdInsert:
			f.briefly(rel)
		case query.CmdUpdate:
			f.row(rowLock{rel.Oid, updateStrength(root, rel, p.UpdateCols), "updated" + by, query.LockWaitBlock})
		case query.CmdDelete:
			f.row(rowLock{rel.Oid, mvcc.LockExclusive, "deleted" + by, query.LockWaitBlock})
		}
		if err := f.foreignKeys(root, rel, p.Operation, p.UpdateCols); err != nil {
			return err
		}
		if oc := p.OnConflict; oc != nil && oc.Action == query.OnConflictUpdate {
			var cols []int
			for _, te := range oc.Set {
				cols = append(cols, te.Resno)
			}
			f.row(rowLock{rel.Oid, updateStrength(root, rel, cols), "in conflict", query.LockWaitBlock})
		}
	}
	if moves && root.PartKey != nil {
		return f.partitions(root)
	}
	return nil
}

// briefly notes the locks on indexes that rows are added to; they go when the execution is over.
func (f *foresight) briefly(rel *catalog.Relation) {
	for _, ix := range rel.Indexes {
		tag := f.e.s.Cat.RelationTag(ix.Oid)
		if !slices.ContainsFunc(f.rec.Locks, func(l locks.Rehearsed) bool { return l.Tag == tag && l.Mode == catalog.RouteLock }) {
			f.rec.Note(tag, catalog.RouteLock)
			f.rec.Locks[len(f.rec.Locks)-1].Released = true
		}
	}
}

// foreignKeys looks at what the foreign keys of a table may do about a change: columns cols of root are updated. Their locks depend on the rows.
func (f *foresight) foreignKeys(root, rel *catalog.Relation, op query.CommandType, cols []int) error {
	if !rel.HasTriggers || f.e.ex.Deferred == nil {
		return nil
	}
	if ev := (keyEvent{rel.Oid, op}); f.keys[ev] {
		return nil
	} else if f.keys == nil {
		f.keys = map[keyEvent]bool{ev: true}
	} else {
		f.keys[ev] = true
	}
	var at []int
	for _, c := range cols {
		at = append(at, int(rel.AttNum(root.AttName(int16(c))))-1)
	}
	before, outer := len(f.rec.Locks), f.byKey
	f.byKey = true
	defer f.phase("execution, for a foreign key")()
	err := f.e.ex.Deferred.Foresee(rel, op, at, func(w executor.KeyWork) error {
		if w.Deferred {
			for i := range f.rec.Locks[before:] {
				f.rec.Locks[before+i].Phase = "commit, for a foreign key"
			}
		}
		if w.Plan == nil {
			f.row(rowLock{w.Table, mvcc.LockKeyShare, lookedUp, query.LockWaitBlock})
			return nil
		}
		return f.planned(w.Plan)
	})
	f.byKey = outer
	f.maybe = append(f.maybe, f.rec.Locks[before:]...)
	f.rec.Locks = f.rec.Locks[:before]
	return err
}

// updateStrength is the row lock of an update of columns of root, in one of the tables below it.
func updateStrength(root, rel *catalog.Relation, cols []int) mvcc.LockStrength {
	for _, col := range cols {
		if att := rel.AttNum(root.AttName(int16(col))); att > 0 && slices.Contains(rel.Heap.KeyAttrs, int(att)-1) {
			return mvcc.LockExclusive
		}
	}
	return mvcc.LockNoKeyExclusive
}

// partitions notes the partitions to which rows may go.
func (f *foresight) partitions(rel *catalog.Relation) error {
	for _, oid := range rel.Partitions(false).Oids {
		f.maybe = append(f.maybe, locks.Rehearsed{Tag: f.e.s.Cat.RelationTag(oid), Mode: catalog.RouteLock, Phase: "execution, when a row goes there"})
		below, err := f.e.s.Cat.Relation(oid)
		if err != nil {
			return err
		}
		if below != nil && below.PartKey != nil {
			if err := f.partitions(below); err != nil {
				return err
			}
		}
	}
	return nil
}

// expr looks for functions of sequences.
func (f *foresight) expr(x query.Expr) {
	query.WalkExpr(x, func(n query.Node) bool {
		switch n := n.(type) {
		case *query.NextValueExpr:
			f.rec.Note(f.e.s.Cat.RelationTag(n.SeqID), sysviews.SequenceLock("nextval_oid"))
		case *query.FuncExpr:
			if len(n.Args) == 0 || n.FuncID >= firstUserOid {
				break
			}
			p, err := f.e.s.Cat.Proc(n.FuncID)
			if err != nil || p == nil {
				break
			}
			if k, ok := n.Args[0].(*query.Const); ok && !k.Value.IsNull() {
				if mode := sysviews.SequenceLock(p.Prosrc); mode != locks.NoLock {
					f.rec.Note(f.e.s.Cat.RelationTag(k.Value.Oid()), mode)
				}
			}
		}
		return true
	})
}

const firstUserOid = 16384

func (f *foresight) row(l rowLock) {
	if !slices.Contains(f.rows, l) {
		f.rows = append(f.rows, l)
	}
}

func (f *foresight) does(a commands.Action, rel ids.Oid) {
	if w := (commands.Work{Action: a, Object: catalog.RelationObject(rel)}); !slices.Contains(f.work, w) {
		f.work = append(f.work, w)
	}
}

// name looks up the names of everything. It is called within the rehearsal, where what the statement makes has names, and after it,
// where what it drops or renames has its own again.
func (f *foresight) name(within bool) {
	s := f.e.s
	set := func(key any, oid ids.Oid, rel bool, words string) {
		if rel {
			r, err := s.Cat.Relation(oid)
			if err != nil || r == nil {
				return
			}
		}
		if _, known := f.names[key]; within {
			f.made[key] = true
		} else if known {
			f.made[key] = false
		}
		f.names[key] = words
	}
	for _, l := range append(f.rec.Locks, f.maybe...) {
		switch l.Tag.Kind() {
		case locks.KindRelation:
			set(l.Tag, l.Tag.Rel(), true, sysviews.LockWords(s, l.Tag))
		case locks.KindObject:
			if d := s.Cat.DescribeIfExists(catalog.Object{Class: ids.Oid(l.Tag.ClassID()), Oid: ids.Oid(l.Tag.ObjID())}); d != "" {
				set(l.Tag, 0, false, d)
			}
		}
	}
	named := func(o catalog.Object) {
		if o.Class == catalog.PgClassOid {
			set(o, o.Oid, true, sysviews.LockWords(s, s.Cat.RelationTag(o.Oid)))
		} else if d := s.Cat.DescribeIfExists(o); d != "" {
			set(o, 0, false, d)
		}
	}
	for _, w := range f.work {
		named(w.Object)
	}
	for _, r := range f.rows {
		named(catalog.RelationObject(r.rel))
	}
}

// leaveOutGone forgets what the statement makes and removes again: nobody else can come across it.
func (f *foresight) leaveOutGone() {
	gone := func(l locks.Rehearsed) bool {
		k := l.Tag.Kind()
		_, known := f.names[l.Tag]
		return (k == locks.KindRelation || k == locks.KindObject) && !known
	}
	f.rec.Locks, f.maybe = slices.DeleteFunc(f.rec.Locks, gone), slices.DeleteFunc(f.maybe, gone)
	f.work = slices.DeleteFunc(f.work, func(w commands.Work) bool { return f.names[w.Object] == "" })
}

// thing returns the words for a lock's tag.
func (f *foresight) thing(t locks.Tag) string {
	switch t.Kind() {
	case locks.KindTransaction:
		return "the transaction's own id"
	case locks.KindVirtualXid:
		return "transactions that hold conflicting locks"
	}
	if n := f.names[t]; n != "" {
		return n
	}
	return t.String()
}
