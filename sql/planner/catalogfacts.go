package planner

import (
	"math"
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

// Env is what planning needs of a session.
type Env struct {
	Catalog *catalog.Session
	// KeepsFrom, if not nil, tells that the transaction keeps a snapshot that does not see what another one did: a partition that that one began
	// to detach still counts.
	KeepsFrom func(ids.Xid) bool
	// Type returns what is known of a type, nil when there is no such type.
	Type func(ids.Oid) *types.Type
	// Blocks returns the present size of a relation's main fork in blocks.
	Blocks func(ids.RelFile) (ids.BlockNumber, error)
	// Call evaluates a function over constants; ok is false when it cannot be called while planning.
	Call  func(fn, collation ids.Oid, args []types.Datum, argTypes []ids.Oid, result ids.Oid) (d types.Datum, ok bool, err error)
	Costs *Costs
	// Interrupted returns the error of a request to end the statement, nil when there is none.
	Interrupted func() error
}

// Plan makes the plan of an analyzed and rewritten statement. The caller holds locks on its relations.
func Plan(env *Env, q *query.Query, opt Options) (*plan.Statement, error) {
	f := &catalogFacts{env: env}
	st, err := planStatement(f, q, opt)
	if err == nil {
		err = f.err
	}
	return st, err
}

// catalogFacts answers from the session's catalog caches, keeping what it has answered for the length of one planning.
type catalogFacts struct {
	env    *Env
	ops    map[ids.Oid]*opInfo
	procs  map[ids.Oid]*procInfo
	fams   map[ids.Oid][]famMember
	tables map[ids.Oid]*tableInfo
	colst  map[[2]uint32]*colStats
	err    error // the first failure of a lookup
}

func (f *catalogFacts) costs() *Costs { return f.env.Costs }

func (f *catalogFacts) interrupted() error { return f.env.Interrupted() }

func (f *catalogFacts) typ(oid ids.Oid) *types.Type { return f.env.Type(oid) }

func (f *catalogFacts) note(err error) {
	if err != nil && f.err == nil {
		f.err = err
	}
}

func (f *catalogFacts) op(oid ids.Oid) *opInfo {
	if o, ok := f.ops[oid]; ok {
		return o
	}
	row, err := f.env.Catalog.Operator(oid)
	f.note(err)
	var o *opInfo
	if row != nil {
		o = &opInfo{name: row.Oprname, fn: row.Oprcode, left: row.Oprleft, right: row.Oprright, result: row.Oprresult,
			commutator: row.Oprcom, negator: row.Oprnegate, canMerge: row.Oprcanmerge, canHash: row.Oprcanhash,
			restrict: f.procName(row.Oprrest), join: f.procName(row.Oprjoin)}
	}
	if f.ops == nil {
		f.ops = map[ids.Oid]*opInfo{}
	}
	f.ops[oid] = o
	return o
}

func (f *catalogFacts) procName(oid ids.Oid) string {
	if oid == 0 {
		return ""
	}
	p, err := f.env.Catalog.Proc(oid)
	f.note(err)
	if p == nil {
		return ""
	}
	return p.Proname
}

func (f *catalogFacts) proc(oid ids.Oid) *procInfo {
	if p, ok := f.procs[oid]; ok {
		return p
	}
	row, err := f.env.Catalog.Proc(oid)
	f.note(err)
	var p *procInfo
	if row != nil {
		p = &procInfo{name: row.Proname, volatile: row.Provolatile, strict: row.Proisstrict, retset: row.Proretset, parallel: row.Proparallel,
			cost: float64(row.Procost), rows: float64(row.Prorows)}
	}
	if f.procs == nil {
		f.procs = map[ids.Oid]*procInfo{}
	}
	f.procs[oid] = p
	return p
}

// inheritors leaves out temporary tables of other sessions: nobody else can read them.
func (f *catalogFacts) inheritors(table ids.Oid, mode uint8) ([]ids.Oid, error) {
	l, _, err := f.env.Catalog.AllInheritors(table, locks.Mode(mode))
	if err != nil {
		return nil, err
	}
	mine := l[:1]
	for _, o := range l[1:] {
		r, err := f.env.Catalog.Relation(o)
		if err != nil {
			return nil, err
		}
		if r != nil && r.IsTemp() {
			if _, own, err := f.env.Catalog.IsTempNamespace(r.Namespace); err != nil {
				return nil, err
			} else if !own {
				f.env.Catalog.UnlockRelation(o, locks.Mode(mode))
				continue
			}
		}
		mine = append(mine, o)
	}
	return mine, nil
}

func (f *catalogFacts) lock(table ids.Oid, mode uint8) error {
	_, err := f.env.Catalog.LockRelation(table, locks.Mode(mode))
	return err
}

func (f *catalogFacts) lockIndexes(table ids.Oid, mode uint8) ([]ids.Oid, error) {
	for {
		r, err := f.env.Catalog.Relation(table)
		if r == nil || err != nil {
			return nil, err
		}
		before := f.env.Catalog.Generation()
		out := make([]ids.Oid, len(r.Indexes))
		for i, ix := range r.Indexes {
			out[i] = ix.Oid
			if err := f.env.Catalog.HoldRelation(ix.Oid, locks.Mode(mode)); err != nil {
				return nil, err
			}
		}
		if f.env.Catalog.Generation() == before {
			return out, nil
		}
		delete(f.tables, table) // an index was made anew while its lock was waited for
	}
}

// btreeAm is the Oid of the btree access method.
const btreeAm = 403

func (f *catalogFacts) families(op ids.Oid) []famMember {
	if m, ok := f.fams[op]; ok {
		return m
	}
	rows, err := f.env.Catalog.AmOpsOf(op)
	f.note(err)
	var out []famMember
	for _, r := range rows {
		if r.Amopmethod == btreeAm && r.Amoppurpose == 's' {
			out = append(out, famMember{family: r.Amopfamily, strategy: int(r.Amopstrategy), left: r.Amoplefttype, right: r.Amoprighttype})
		}
	}
	if f.fams == nil {
		f.fams = map[ids.Oid][]famMember{}
	}
	f.fams[op] = out
	return out
}

func (f *catalogFacts) famOp(family, left, right ids.Oid, strategy int) ids.Oid {
	row, err := f.env.Catalog.AmOp(family, left, right, int16(strategy))
	f.note(err)
	if row == nil {
		return 0
	}
	return row.Amopopr
}

func (f *catalogFacts) aggSortOp(agg ids.Oid) ids.Oid {
	a, err := f.env.Catalog.Aggregate(agg)
	f.note(err)
	if a == nil {
		return 0
	}
	return a.Aggsortop
}

func (f *catalogFacts) aggCombines(agg ids.Oid) bool {
	a, err := f.env.Catalog.Aggregate(agg)
	f.note(err)
	return a != nil && a.Aggcombinefn != 0
}

func (f *catalogFacts) call(fn, coll ids.Oid, args []types.Datum, ts []ids.Oid, res ids.Oid) (types.Datum, bool, error) {
	return f.env.Call(fn, coll, args, ts, res)
}

func (f *catalogFacts) table(oid ids.Oid) (*tableInfo, error) {
	if t, ok := f.tables[oid]; ok {
		return t, nil
	}
	r, err := f.env.Catalog.Relation(oid)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, pgerr.New(pgerr.UndefinedTable, "relation with OID %d does not exist", oid)
	}
	t := &tableInfo{oid: oid, kind: r.Kind, desc: r.Desc, temp: r.IsTemp(), hasSubclass: r.HasSubclass, key: r.PartKey,
		name: r.Name, parts: r.Partitions(r.DetachXid != 0 && f.env.KeepsFrom != nil && f.env.KeepsFrom(r.DetachXid))}
	if err := f.tableSize(t, r); err != nil {
		return nil, err
	}
	// The newest first, as in PostgreSQL: among paths of equal cost the first one stays.
	for _, ix := range slices.Backward(r.Indexes) {
		if !ix.Valid || ix.Am != btreeAm || ix.CheckXmin && f.env.KeepsFrom != nil && f.env.KeepsFrom(ix.Since) {
			continue
		}
		info, err := f.index(t, ix)
		if err != nil {
			return nil, err
		}
		t.indexes = append(t.indexes, info)
	}
	if f.tables == nil {
		f.tables = map[ids.Oid]*tableInfo{}
	}
	f.tables[oid] = t
	return t, nil
}

// tableSize scales the row count of the last VACUUM or ANALYZE to the table's present size; a table that was never
// counted is taken to have rows of the width of its columns, and to be no smaller than ten pages.
func (f *catalogFacts) tableSize(t *tableInfo, r *catalog.Relation) error {
	if !r.HasStorage() {
		return nil
	}
	n, err := f.env.Blocks(r.File)
	if err != nil {
		return err
	}
	pages := float64(n)
	if r.Tuples < 0 && pages < 10 && !r.HasSubclass {
		pages = 10
	}
	t.file, t.pages = r.File, pages
	if pages == 0 {
		return nil
	}
	if r.Tuples >= 0 && r.Pages > 0 {
		t.tuples = math.Round(float64(r.Tuples) / float64(r.Pages) * pages)
	} else {
		width := 0.0
		for i := range r.Desc.Attrs {
			if a := &r.Desc.Attrs[i]; a.Dropped {
				continue
			} else if a.Len > 0 {
				width += float64(a.Len)
			} else {
				width += 32
			}
		}
		t.tuples = math.Round((8192 - 32) / (width + 32 + 4) * pages * float64(r.FillFactor()) / 100)
	}
	if r.Pages > 0 {
		t.allVisPct = math.Min(1, float64(r.AllVisible)/math.Max(pages, float64(r.Pages)))
	}
	return nil
}

func (f *catalogFacts) index(t *tableInfo, ix *catalog.Index) (*indexInfo, error) {
	info := &indexInfo{oid: ix.Oid, table: t, nkeys: ix.NKeyAtts, families: ix.OpFamilies, inputTypes: ix.InTypes,
		collations: ix.Collations, unique: ix.Unique, immediate: ix.Immediate, tuples: t.tuples}
	exprs, err := ix.Exprs()
	if err != nil {
		return nil, err
	}
	info.exprs = make([]*indexExpr, len(ix.Keys))
	k := 0
	for i, a := range ix.Keys {
		info.keys = append(info.keys, int(a))
		if a == 0 && k < len(exprs) {
			info.exprs[i] = &indexExpr{expr: exprs[k]}
			k++
		}
	}
	for i := 0; i < ix.NKeyAtts; i++ {
		info.desc = append(info.desc, ix.Flags[i]&catalog.IndexDesc != 0)
		info.nullsFirst = append(info.nullsFirst, ix.Flags[i]&catalog.IndexNullsFirst != 0)
	}
	pred, err := ix.Pred()
	if err != nil {
		return nil, err
	}
	if t.kind == 'p' {
		if pred != nil {
			info.pred = &indexExpr{expr: pred}
		}
		return info, nil // it has no pages of its own: it is known for ON CONFLICT alone
	}
	n, err := f.env.Blocks(ix.File)
	if err != nil {
		return nil, err
	}
	info.pages = math.Max(1, float64(n)-1)
	if pred != nil {
		info.pred = &indexExpr{expr: pred}
		if ix.Tuples >= 0 && ix.Pages > 0 {
			info.tuples = math.Round(float64(ix.Tuples) / float64(ix.Pages) * info.pages)
		} else {
			info.tuples = math.Min(t.tuples, info.pages*200)
		}
	}
	for p := info.pages; p > 1; p /= 250 {
		info.height++
	}
	return info, nil
}

// Kinds of statistics slots in pg_statistic.
const (
	statMCV         = 1
	statHistogram   = 2
	statCorrelation = 3
)

func (f *catalogFacts) stats(table ids.Oid, att int) *colStats {
	key := [2]uint32{uint32(table), uint32(att)}
	if s, ok := f.colst[key]; ok {
		return s
	}
	row, err := f.env.Catalog.Statistic(table, int16(att), false)
	f.note(err)
	var s *colStats
	if row != nil {
		s = f.decodeStats(row, table, att)
	}
	if f.colst == nil {
		f.colst = map[[2]uint32]*colStats{}
	}
	f.colst[key] = s
	return s
}

func (f *catalogFacts) decodeStats(row *catalog.Statistic, table ids.Oid, att int) *colStats {
	s := &colStats{nullFrac: float64(row.Stanullfrac), width: float64(row.Stawidth), distinct: float64(row.Stadistinct)}
	elem := f.statType(table, att)
	slots := []struct {
		kind    int16
		numbers []float32
		values  types.Datum
	}{
		{row.Stakind1, row.Stanumbers1, row.Stavalues1}, {row.Stakind2, row.Stanumbers2, row.Stavalues2},
		{row.Stakind3, row.Stanumbers3, row.Stavalues3}, {row.Stakind4, row.Stanumbers4, row.Stavalues4},
		{row.Stakind5, row.Stanumbers5, row.Stavalues5},
	}
	for _, sl := range slots {
		switch {
		case sl.kind == statCorrelation && len(sl.numbers) > 0:
			s.corr, s.hasCorr = float64(sl.numbers[0]), true
		case sl.values.IsNull() || !sl.values.IsBytes() || elem == nil:
		case sl.kind == statMCV:
			s.mcv = types.DecodeArray(sl.values, elem).Elems
			for _, n := range sl.numbers {
				s.mcvFreq = append(s.mcvFreq, float64(n))
			}
			s.mcv = s.mcv[:min(len(s.mcv), len(s.mcvFreq))]
			s.mcvFreq = s.mcvFreq[:len(s.mcv)]
		case sl.kind == statHistogram:
			s.histogram = types.DecodeArray(sl.values, elem).Elems
		}
	}
	return s
}

// statType is the type of a column's statistics values.
func (f *catalogFacts) statType(table ids.Oid, att int) *types.Type {
	r, err := f.env.Catalog.Relation(table)
	f.note(err)
	if r == nil || att < 1 || att > len(r.Desc.Attrs) {
		return nil
	}
	return f.env.Type(r.Desc.Attrs[att-1].Type)
}
