package backend

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// tidType is the type of ctid.
const tidType ids.Oid = 27

// trackedRow is a table whose row addresses a cursor notes, for WHERE CURRENT OF.
type trackedRow struct {
	rel    ids.Oid
	rti    int
	col    int  // of the stored rows
	locked bool // the cursor's query has FOR UPDATE or SHARE for it
}

// trackRows adds to a cursor's query the addresses of the rows that a position of the cursor stands for: of the tables that FOR UPDATE
// and its kin name, else of the one table of a plain query.
func trackRows(q *query.Query, fields int) []trackedRow {
	if q.CommandType != query.CmdSelect || q.HasAggs || q.HasWindowFuncs || q.HasTargetSRFs || q.GroupClause != nil ||
		q.GroupingSets != nil || q.HavingQual != nil || q.DistinctClause != nil || q.SetOperations != nil || q.JoinTree == nil {
		return nil
	}
	var out []trackedRow
	add := func(rti int, locked bool) {
		rte := q.RTable[rti-1]
		if rte.Kind != query.RTERelation {
			return
		}
		v := &query.Var{Result: query.Result{ResType: tidType, ResTypmod: -1}, Varno: rti, Varattno: -1, Location: -1}
		q.TargetList = append(q.TargetList, &query.TargetEntry{Expr: v, Resno: len(q.TargetList) + 1, Resname: "ctid"})
		out = append(out, trackedRow{rel: rte.Relid, rti: rti, col: fields + len(out), locked: locked})
	}
	if len(q.RowMarks) > 0 {
		for _, m := range q.RowMarks {
			add(m.RTI, true)
		}
		return out
	}
	if len(q.JoinTree.FromList) == 1 {
		if r, ok := q.JoinTree.FromList[0].(*query.RangeTblRef); ok {
			add(r.RTIndex, false)
		}
	}
	return out
}

// cursorRowAddress finds the row of a table on which a cursor stands; ok is false when it stands on none of that table.
func (b *Backend) cursorRowAddress(name string, rel ids.Oid) (tid ids.TID, ok bool, err error) {
	state := func(format string, args ...any) error { return pgerr.New(pgerr.InvalidCursorState, format, args...) }
	p := b.portals[name]
	if p == nil {
		return tid, false, pgerr.New(pgerr.InvalidCursorName, "cursor %q does not exist", name)
	}
	if !p.visible {
		return tid, false, state("cursor %q is not a SELECT query", name)
	}
	if p.held != nil {
		return tid, false, state("cursor %q is held from a previous transaction", name)
	}
	t, err := b.trackedTable(p, rel)
	if err != nil {
		return tid, false, err
	}
	if p.pos < 1 || p.store == nil || p.pos > p.store.count {
		return tid, false, state("cursor %q is not positioned on a row", name)
	}
	vals, err := p.store.get(p.pos - 1)
	if err != nil {
		return tid, false, err
	}
	d := vals[t.col]
	if d.IsNull() {
		return tid, false, nil
	}
	return ids.UnpackTID(d.Word()), true, nil
}

// trackedTable finds what a cursor notes of a table.
func (b *Backend) trackedTable(p *Portal, rel ids.Oid) (*trackedRow, error) {
	table := ""
	if r, err := b.s.Relation(rel); err == nil {
		table = r.Name
	}
	marked := len(p.stmt.queries[0].RowMarks) > 0
	var found *trackedRow
	for i := range p.tracked {
		if p.tracked[i].rel != rel {
			continue
		}
		if found != nil {
			return nil, pgerr.New(pgerr.InvalidCursorState, "cursor %q has multiple FOR UPDATE/SHARE references to table %q", p.name, table)
		}
		found = &p.tracked[i]
	}
	switch {
	case marked && found == nil:
		return nil, pgerr.New(pgerr.InvalidCursorState, "cursor %q does not have a FOR UPDATE/SHARE reference to table %q", p.name, table)
	case !marked && (found == nil || p.opened == nil || !plainScan(p.opened.Root)):
		return nil, pgerr.New(pgerr.InvalidCursorState, "cursor %q is not a simply updatable scan of table %q", p.name, table)
	}
	return found, nil
}

// plainScan reports whether a plan does no more than scan one table.
func plainScan(n plan.Node) bool {
	for n != nil {
		switch n.(type) {
		case *plan.SeqScan, *plan.IndexScan, *plan.IndexOnlyScan, *plan.BitmapHeapScan, *plan.TidScan, *plan.TidRangeScan:
			return true
		case *plan.Result, *plan.Limit:
			n = n.Base().Left
		default:
			return false
		}
	}
	return false
}

// inUse reports whether a query that is not finished reads a relation. A SELECT counts until its portal goes, as in PostgreSQL.
func (b *Backend) inUse(rel ids.Oid) bool {
	for _, p := range b.portals {
		if p.opened == nil || p.held != nil || p.done && p.opened.CommandType != query.CmdSelect {
			continue
		}
		for _, r := range p.opened.RTable {
			if r.Kind == query.RTERelation && r.Relid == rel {
				return true
			}
		}
	}
	return false
}
