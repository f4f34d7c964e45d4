package commands

import (
	"fmt"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/analyzer"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/storage/heap"
	"gompho/types"
)

// createTableAs is CREATE TABLE AS, SELECT INTO and CREATE MATERIALIZED VIEW.
func createTableAs(c *Context, st *ast.CreateTableAsStmt) (string, error) {
	tag := st.CommandTag()
	ns, p, err := c.creationNamespace(st.Into.Rel)
	if err != nil {
		return "", err
	}
	matview := st.Objtype == ast.ObjectMatview
	if oid, err := c.S.Cat.RelationOid(ns, st.Into.Rel.Relname); err != nil {
		return "", err
	} else if oid != 0 {
		if st.IfNotExists {
			c.skipNotice(pgerr.DuplicateTable, "relation %q already exists, skipping", st.Into.Rel.Relname)
			return tag, nil
		}
		return "", pgerr.New(pgerr.DuplicateTable, "relation %q already exists", st.Into.Rel.Relname)
	}
	q, params, err := c.sourceQuery(st)
	if err != nil {
		return "", err
	}
	if matview {
		if err := c.checkMatview(q, st.Into.Rel); err != nil {
			return "", err
		}
	}
	cols, err := c.queryColumns(visible(q.TargetList), st.Into.ColNames)
	if err != nil {
		return "", err
	}
	own, toast, err := relationOptions(nil, st.Into.Options, "r", false)
	if err != nil {
		return "", err
	}
	space, err := c.tablespace(st.Into.TableSpaceName)
	if err != nil {
		return "", err
	}
	if st.Into.AccessMethod != "" && st.Into.AccessMethod != "heap" {
		return "", c.tableAm(st.Into.AccessMethod)
	}
	kind := byte('r')
	if matview {
		kind = 'm'
	}
	oid, err := c.S.Cat.CreateRelation(&catalog.NewRelation{Name: st.Into.Rel.Relname, Namespace: ns, Owner: c.S.User, Kind: kind,
		Persistence: p, Tablespace: space, Options: own, Columns: cols})
	if err != nil {
		return "", err
	}
	if err := c.step(); err != nil {
		return "", err
	}
	if err := c.createToast(oid, toast, false); err != nil {
		return "", err
	}
	if matview {
		stored, err := analyzer.Analyze(c.analyzer(), &ast.RawStmt{Stmt: st.Query}, nil)
		if err != nil {
			return "", err
		}
		if err := c.matviewRule(oid, stored, !st.Into.SkipData); err != nil {
			return "", err
		}
	}
	if st.Into.OnCommit != ast.OncommitNoop {
		c.registerOnCommit(oid, st.Into.OnCommit)
	}
	if st.Into.SkipData {
		if _, ok := st.Query.(*ast.ExecuteStmt); ok {
			tag = "SELECT 0"
		}
		return tag, nil
	}
	n, err := c.fill(oid, q, params)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("SELECT %d", n), nil
}

// sourceQuery returns the analyzed query of CREATE TABLE AS and its parameters.
func (c *Context) sourceQuery(st *ast.CreateTableAsStmt) (*query.Query, []types.Datum, error) {
	if x, ok := st.Query.(*ast.ExecuteStmt); ok {
		if c.Hooks == nil || c.Hooks.Execute == nil {
			return nil, nil, missing("CREATE TABLE AS EXECUTE")
		}
		return c.Hooks.Execute(x)
	}
	if st.Into.SkipData {
		q, err := analyzer.Analyze(c.analyzer(), &ast.RawStmt{Stmt: st.Query}, nil)
		return q, nil, err
	}
	if c.Hooks == nil || c.Hooks.Analyze == nil {
		return nil, nil, missing(st.CommandTag())
	}
	q, err := c.Hooks.Analyze(st.Query, c.ParamTypes)
	return q, c.Params, err
}

func (c *Context) checkMatview(q *query.Query, rv *ast.RangeVar) error {
	if q.HasModifyingCTE {
		return pgerr.NotSupported("materialized views must not use data-modifying statements in WITH")
	}
	if len(c.ParamTypes) > 0 {
		return pgerr.NotSupported("materialized views may not be defined using bound parameters")
	}
	if rv.Relpersistence == 'u' {
		return pgerr.NotSupported("materialized views cannot be unlogged")
	}
	return nil
}

// matviewRule stores a materialized view's query, in which views are still views, and whether it has data.
func (c *Context) matviewRule(oid ids.Oid, q *query.Query, populated bool) error {
	if _, err := c.S.Cat.CreateRule(oid, "_RETURN", '1', true, nil, q, true); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	return c.setPopulated(oid, populated)
}

func (c *Context) setPopulated(oid ids.Oid, populated bool) error {
	row, err := c.S.Cat.ClassRow(oid)
	if err != nil || row.Relispopulated == populated {
		return err
	}
	row.Relispopulated = populated
	if err := c.S.Cat.Update(row); err != nil {
		return err
	}
	return c.step()
}

// fill puts the rows of a query into a new table without indexes.
func (c *Context) fill(oid ids.Oid, q *query.Query, params []types.Datum) (uint64, error) {
	rel, err := c.S.Relation(oid)
	if err != nil {
		return 0, err
	}
	width := len(rel.Desc.Attrs)
	if c.would(Writes, oid) {
		_, err := c.runQuery(q, params, nil)
		return 0, err
	}
	bulk := heap.NewBulkInsert()
	defer bulk.Release()
	cid := c.S.Tx.CommandID(true)
	n := uint64(0)
	_, err = c.runQuery(q, params, func(b *types.Batch) error {
		n += uint64(b.Rows())
		part := types.Batch{Cols: b.Cols[:width], N: b.N, Sel: b.Sel}
		return heap.MultiInsert(c.S.Tx, rel.Heap, &part, cid, heap.InsertOpts{Bulk: bulk, SkipFsm: true}, nil)
	})
	if err != nil {
		return 0, err
	}
	return n, c.step()
}

// refreshMatView is REFRESH MATERIALIZED VIEW.
func refreshMatView(c *Context, st *ast.RefreshMatViewStmt) error {
	mode := locks.AccessExclusive
	if st.Concurrent {
		mode = locks.Exclusive
	}
	rel, err := c.openOwned(st.Relation, mode, false)
	if err != nil {
		return err
	}
	if rel.Kind != 'm' && rel.Kind != 'r' && rel.Kind != 'p' && rel.Kind != 't' {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a table or materialized view", rel.Name)
	}
	if rel.Kind != 'm' {
		return pgerr.NotSupported("%q is not a materialized view", rel.Name)
	}
	if st.Concurrent {
		if err := c.checkConcurrentRefresh(rel, st); err != nil {
			return err
		}
	}
	if err := c.S.Cat.HoldRelation(rel.Oid, locks.Exclusive); err != nil {
		return err
	}
	var q *query.Query
	if !st.SkipData {
		if err := c.S.Cat.HoldRelation(rel.Oid, locks.AccessShare); err != nil {
			return err
		}
		if q, err = analyzer.StoredQuery(c.analyzer(), rel); err != nil {
			return err
		}
	}
	if st.Concurrent {
		return c.refreshConcurrently(rel, q)
	}
	if err := c.setPopulated(rel.Oid, !st.SkipData); err != nil {
		return err
	}
	if rel.Heap != nil && c.Rehearsal == nil {
		rel.Heap.NoteRewritten(c.S.Tx)
		rel.Heap.Counts(c.S.Slot).Truncate()
	}
	if err := c.newHeapFiles(rel, rel.Persistence, locks.Share); err != nil {
		return err
	}
	if !st.SkipData {
		if c.Stored, err = c.fill(rel.Oid, q, nil); err != nil {
			return err
		}
	}
	return c.rebuildIndexes(rel.Oid, true)
}

func (c *Context) checkConcurrentRefresh(rel *catalog.Relation, st *ast.RefreshMatViewStmt) error {
	if st.SkipData {
		return pgerr.New(pgerr.SyntaxError, "%s and %s options cannot be used together", "CONCURRENTLY", "WITH NO DATA")
	}
	if !rel.Populated {
		return pgerr.NotSupported("CONCURRENTLY cannot be used when the materialized view is not populated")
	}
	for _, ix := range rel.Indexes {
		if ix.Unique && ix.Valid && ix.PredText == nil && ix.ExprText == nil {
			return nil
		}
	}
	name := catalog.QuoteQualified(c.schemaName(rel.Namespace), rel.Name)
	return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "cannot refresh materialized view %q concurrently", name).
		WithHint("Create a unique index with no WHERE clause on one or more columns of the materialized view.")
}
