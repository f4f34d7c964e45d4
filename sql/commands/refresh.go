package commands

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/parser"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

// refreshConcurrently brings a materialized view to what its query gives now by the rows that differ: readers go on, with the rows that their
// snapshots see. The new rows stand in a temporary table meanwhile. It holds Exclusive.
func (c *Context) refreshConcurrently(rel *catalog.Relation, q *query.Query) error {
	if err := c.S.Cat.HoldRelation(rel.Oid, locks.RowExclusive); err != nil {
		return err
	}
	if err := c.holdIndexes(rel, locks.RowExclusive); err != nil {
		return err
	}
	c.would(Writes, rel.Oid) // what follows finds no rows then
	temp, err := c.stageRows(rel, q)
	if err != nil {
		return err
	}
	m := &merge{c: c, rel: rel, temp: temp}
	if err := m.run(); err != nil {
		return err
	}
	return c.S.Cat.PerformDeletion([]catalog.Object{catalog.RelationObject(temp)}, catalog.DropOpts{Quiet: true, Cascade: true})
}

// stageRows puts the rows of a query into a temporary table like rel.
func (c *Context) stageRows(rel *catalog.Relation, q *query.Query) (ids.Oid, error) {
	ns, err := c.S.Cat.LookupCreationNamespace("pg_temp")
	if err != nil {
		return 0, err
	}
	n := &catalog.NewRelation{Name: "pg_temp_" + itoa(int64(rel.Oid)), Namespace: ns, Owner: c.S.User, Kind: 'r', Persistence: 't'}
	for i := range rel.Desc.Attrs {
		a := rel.Desc.Attrs[i]
		if a.Dropped {
			return 0, pgerr.Internal("materialized view \"%s\" has a dropped column", rel.Name)
		}
		a.NotNull = false
		n.Columns = append(n.Columns, catalog.NewColumn{Attr: a})
	}
	oid, err := c.S.Cat.CreateRelation(n)
	if err != nil {
		return 0, err
	}
	if err := c.step(); err != nil {
		return 0, err
	}
	if err := c.createToast(oid, nil, false); err != nil {
		return 0, err
	}
	c.Stored, err = c.fill(oid, q, nil)
	return oid, err
}

// merge is the state of one refresh.
type merge struct {
	c    *Context
	rel  *catalog.Relation
	temp ids.Oid
}

func (m *merge) run() error {
	c := m.c
	t, err := c.S.Relation(m.temp)
	if err != nil {
		return err
	}
	old := catalog.QuoteQualified(c.schemaName(m.rel.Namespace), m.rel.Name) + " mv"
	now := catalog.QuoteQualified(c.schemaName(t.Namespace), t.Name) + " newdata"
	if err := m.refuseDuplicates(now); err != nil {
		return err
	}
	same := m.sameRow()
	if err := m.remove("select mv.ctid from " + old + " left join " + now + " on " + same + " where newdata.ctid is null"); err != nil {
		return err
	}
	// The rows that were removed match none, so that it is the same whether they are still seen.
	return m.add("select newdata.* from " + now + " left join " + old + " on " + same + " where mv.ctid is null")
}

// sameRow is the condition that a new row is an old one: by the keys of the unique indexes, which can be looked up, and by all columns.
func (m *merge) sameRow() string {
	var conds []string
	seen := map[int16]bool{}
	for _, ix := range m.rel.Indexes {
		if !ix.Unique || !ix.Valid || !ix.Immediate || ix.PredText != nil || ix.ExprText != nil {
			continue
		}
		for _, a := range ix.Keys[:ix.NKeyAtts] {
			if !seen[a] {
				seen[a] = true
				col := catalog.QuoteIdent(m.rel.AttName(a))
				conds = append(conds, "newdata."+col+" = mv."+col)
			}
		}
	}
	return strings.Join(append(conds, "newdata.* operator(pg_catalog.*=) mv.*"), " and ")
}

// refuseDuplicates fails when the new rows have one twice that has no NULLs.
func (m *merge) refuseDuplicates(now string) error {
	var cols []string
	for i := range m.rel.Desc.Attrs {
		cols = append(cols, catalog.QuoteIdent(m.rel.Desc.Attrs[i].Name))
	}
	list := strings.Join(cols, ", ")
	row := ""
	err := m.query("select row("+list+")::text from "+now+" where newdata.* is not null group by "+list+" having count(*) > 1 limit 1", func(b *types.Batch) error {
		if b.Rows() > 0 {
			row = b.Cols[0].Get(b.Row(0)).Clone().Str()
		}
		return nil
	})
	if row != "" && err == nil {
		err = pgerr.New(pgerr.CardinalityViolation, "new data for materialized view %q contains duplicate rows without any null columns", m.rel.Name).
			WithDetail("Row: %s", row)
	}
	return err
}

func (m *merge) remove(sql string) error {
	cid := m.c.S.Tx.CommandID(true)
	return m.query(sql, func(b *types.Batch) error {
		for i := range b.Rows() {
			tid := ids.UnpackTID(b.Cols[0].Get(b.Row(i)).Word())
			res, _, err := heap.Delete(m.c.S.Tx, m.rel.Heap, tid, cid, heap.ModifyOpts{})
			if err != nil {
				return err
			}
			if res != heap.Ok {
				return pgerr.Internal("unrecognized result %d of deleting a row of materialized view \"%s\"", res, m.rel.Name)
			}
		}
		return nil
	})
}

func (m *merge) add(sql string) error {
	if err := m.c.step(); err != nil {
		return err
	}
	given := map[int16]bool{}
	for i := range m.rel.Desc.Attrs {
		given[int16(i+1)] = true
	}
	l, err := m.c.newLoader(m.rel, given, false)
	if err != nil {
		return err
	}
	defer l.close()
	row := make([]types.Datum, len(m.rel.Desc.Attrs))
	err = m.query(sql, func(b *types.Batch) error {
		for i := range b.Rows() {
			for k := range row {
				row[k] = b.Cols[k].Get(b.Row(i))
			}
			if err := l.add(row, 0); err != nil {
				return err
			}
		}
		return l.flush()
	})
	if err != nil {
		return err
	}
	return m.c.step()
}

// query runs a query of the merge's own.
func (m *merge) query(sql string, each func(b *types.Batch) error) error {
	stmts, err := parser.Parse(sql)
	if err != nil {
		return err
	}
	if m.c.Hooks == nil || m.c.Hooks.Analyze == nil {
		return missing("REFRESH MATERIALIZED VIEW CONCURRENTLY here")
	}
	q, err := m.c.Hooks.Analyze(stmts[0].Stmt, nil)
	if err != nil {
		return err
	}
	for _, rte := range q.RTable {
		rte.CheckAsUser = ids.BootstrapRole
	}
	_, err = m.c.runQuery(q, nil, each)
	return err
}
