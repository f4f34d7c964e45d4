package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
)

// checkpoint is CHECKPOINT.
func checkpoint(c *Context) error {
	ok, err := c.S.Cat.HasPrivsOf(c.S.User, checkpointRole)
	if err != nil {
		return err
	}
	if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT")
	}
	if c.S.Ops.Checkpoint == nil {
		return missing("CHECKPOINT")
	}
	return c.S.Ops.Checkpoint(c.S.Slot, true)
}

const checkpointRole ids.Oid = 4544

// reindex is REINDEX.
func reindex(c *Context, st *ast.ReindexStmt) error {
	concurrently := false
	for _, o := range st.Params {
		switch o.Defname {
		case "verbose", "tablespace":
		case "concurrently":
			on, err := defBool(o)
			if err != nil {
				return err
			}
			concurrently = on
		default:
			return pgerr.New(pgerr.SyntaxError, "unrecognized REINDEX option %q", o.Defname).At(int(o.Location))
		}
	}
	if concurrently {
		return c.reindexConcurrently(st)
	}
	switch st.Kind {
	case ast.ReindexObjectIndex:
		return c.reindexIndex(st.Relation)
	case ast.ReindexObjectTable:
		rel, err := c.openOwned(st.Relation, locks.Share, false)
		if err != nil {
			return err
		}
		if rel.Kind == 'p' {
			if err := c.requireTopLevel("REINDEX TABLE"); err != nil {
				return err
			}
			return c.reindexPartitions(rel.Oid)
		}
		if rel.Kind != 'r' && rel.Kind != 'm' && rel.Kind != 't' {
			return pgerr.New(pgerr.WrongObjectType, "%q is not a table or materialized view", rel.Name)
		}
		if len(rel.Indexes) == 0 {
			c.notice("table %q has no indexes to reindex", rel.Name)
		}
		return c.reindexTable(rel)
	}
	what := map[ast.ReindexObjectType]string{ast.ReindexObjectSchema: "SCHEMA", ast.ReindexObjectSystem: "SYSTEM", ast.ReindexObjectDatabase: "DATABASE"}[st.Kind]
	if err := c.requireTopLevel("REINDEX " + what); err != nil {
		return err
	}
	return c.reindexMany(st, locks.Share, c.reindexTable)
}

func (c *Context) reindexIndex(rv *ast.RangeVar) error {
	oid, err := c.S.Cat.LookupRelation(relName(rv))
	if err != nil {
		return err
	}
	ix, err := c.S.Cat.Relation(oid)
	if err != nil {
		return err
	}
	if ix == nil {
		return pgerr.New(pgerr.UndefinedTable, "relation \"%s\" does not exist", relName(rv))
	}
	if ix.Kind == 'I' {
		if err := c.requireTopLevel("REINDEX INDEX"); err != nil {
			return err
		}
		if err := c.checkOwner(ix); err != nil {
			return err
		}
		return c.reindexPartitions(ix.Oid)
	}
	if ix.Kind != 'i' || ix.Index == nil {
		return pgerr.New(pgerr.WrongObjectType, "%q is not an index", ix.Name)
	}
	if err := c.checkOwner(ix); err != nil {
		return err
	}
	if _, err := c.S.Cat.LockRelation(ix.Index.Table, locks.Share); err != nil {
		return err
	}
	return c.rebuildIndex(ix.Index.Table, ix.Oid, ix.Persistence, true)
}

// reindexPartitions rebuilds the indexes of the partitions of a table, or those that belong to an index, one transaction each.
func (c *Context) reindexPartitions(oid ids.Oid) error {
	list, _, err := c.S.Cat.AllInheritors(oid, locks.NoLock)
	if err != nil {
		return err
	}
	for _, o := range list {
		if err := c.between(true); err != nil {
			return err
		}
		rel, err := c.S.Cat.Relation(o)
		if err != nil {
			return err
		}
		if rel == nil || !rel.HasStorage() {
			continue
		}
		if rel.Index == nil {
			if rel, err = c.S.Cat.LockRelation(o, locks.Share); rel != nil && err == nil {
				err = c.reindexTable(rel)
			}
		} else if _, err = c.S.Cat.LockRelation(rel.Index.Table, locks.Share); err == nil {
			err = c.rebuildIndex(rel.Index.Table, o, rel.Persistence, true)
		}
		if err != nil {
			return err
		}
	}
	return c.between(true)
}

func (c *Context) reindexTable(rel *catalog.Relation) error {
	if rel.Oid < firstNormalOid {
		return pgerr.NotSupported("REINDEX of system catalogs is not supported")
	}
	if err := c.rebuildIndexes(rel.Oid, true); err != nil || rel.Toast == 0 {
		return err
	}
	return c.rebuildIndexes(rel.Toast, true)
}

// reindexMany rebuilds the indexes of all tables of a schema or of the database, one transaction each.
func (c *Context) reindexMany(st *ast.ReindexStmt, mode locks.Mode, each func(rel *catalog.Relation) error) error {
	schema := ids.Oid(0)
	switch st.Kind {
	case ast.ReindexObjectSystem:
		return pgerr.NotSupported("REINDEX of system catalogs is not supported")
	case ast.ReindexObjectSchema:
		ns, err := c.S.Cat.LookupNamespace(st.Name, false)
		if err != nil {
			return err
		}
		schema = ns
	default:
		if st.Name != "" && st.Name != c.S.DBName {
			return pgerr.NotSupported("can only reindex the currently open database")
		}
	}
	rows, err := catalog.FetchAll[catalog.PgClass](c.S.Cat, 0)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Relkind != 'r' && r.Relkind != 'm' || r.Oid < firstNormalOid || schema != 0 && r.Relnamespace != schema {
			continue
		}
		if temp, mine, err := c.S.Cat.IsTempNamespace(r.Relnamespace); err != nil {
			return err
		} else if temp && !mine {
			continue
		}
		if err := c.between(true); err != nil {
			return err
		}
		rel, err := c.S.Cat.LockRelation(r.Oid, mode)
		if err != nil {
			return err
		}
		if rel == nil {
			continue
		}
		if ok, err := c.S.Cat.HasPrivsOf(c.S.User, rel.Owner); err != nil {
			return err
		} else if !ok {
			continue
		}
		if err := each(rel); err != nil {
			return err
		}
	}
	return c.between(true)
}

// cluster is CLUSTER.
func cluster(c *Context, st *ast.ClusterStmt) error {
	verbose := false
	for _, d := range st.Params {
		if d.Defname != "verbose" {
			return pgerr.New(pgerr.SyntaxError, "unrecognized CLUSTER option %q", d.Defname).At(int(d.Location))
		}
		var err error
		if verbose, err = defBool(d); err != nil {
			return err
		}
	}
	if st.Relation == nil {
		return c.clusterAll(verbose)
	}
	rel, err := c.openOwned(st.Relation, locks.AccessExclusive, false)
	if err != nil {
		return err
	}
	if rel.Kind != 'p' && (rel.Heap == nil || rel.Kind != 'r' && rel.Kind != 'm') {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a table or materialized view", rel.Name)
	}
	var by *catalog.Index
	for _, ix := range rel.Indexes {
		if st.Indexname == "" && ix.Clustered || ix.Name == st.Indexname && st.Indexname != "" {
			by = ix
		}
	}
	if by == nil {
		if st.Indexname == "" {
			return pgerr.New(pgerr.UndefinedObject, "there is no previously clustered index for table %q", rel.Name)
		}
		return pgerr.New(pgerr.UndefinedObject, "index %q for table %q does not exist", st.Indexname, rel.Name)
	}
	if by.PredText != nil {
		return pgerr.NotSupported("cannot cluster on partial index %q", by.Name)
	}
	if rel.Kind == 'p' {
		return c.clusterPartitions(by, verbose)
	}
	return c.clusterTable(rel, by, verbose)
}

// clusterPartitions clusters the partitions of a table by their parts of one of its indexes, each in a transaction of its own; those of others are
// left out.
func (c *Context) clusterPartitions(by *catalog.Index, verbose bool) error {
	if err := c.requireTopLevel("CLUSTER"); err != nil {
		return err
	}
	list, _, err := c.S.Cat.AllInheritors(by.Oid, locks.NoLock)
	if err != nil {
		return err
	}
	for _, oid := range list {
		ix, err := c.S.Relation(oid)
		if err != nil {
			return err
		}
		if ix == nil || ix.Kind != 'i' {
			continue
		}
		part, err := c.S.Relation(ix.Index.Table)
		if part == nil || err != nil {
			return err
		}
		if ok, err := c.S.Cat.HasPrivsOf(c.S.User, part.Owner); err != nil {
			return err
		} else if !ok {
			continue
		}
		if err := c.clusterOne(ix.Index.Table, oid, verbose); err != nil {
			return err
		}
	}
	return c.between(true)
}

// clusterOne is CLUSTER of one of several tables: in a new transaction, if it is there still and the user's.
func (c *Context) clusterOne(table, index ids.Oid, verbose bool) error {
	if err := c.between(true); err != nil {
		return err
	}
	rel, err := c.S.Cat.LockRelation(table, locks.AccessExclusive)
	if rel == nil || err != nil {
		return err
	}
	ix := indexOf(rel, index)
	if ok, err := c.S.Cat.HasPrivsOf(c.S.User, rel.Owner); err != nil || !ok || ix == nil {
		return err
	}
	return c.clusterTable(rel, ix, verbose)
}

func (c *Context) clusterAll(verbose bool) error {
	if err := c.requireTopLevel("CLUSTER"); err != nil {
		return err
	}
	rows, err := catalog.FetchAll[catalog.PgIndex](c.S.Cat, 0)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !r.Indisclustered {
			continue
		}
		if err := c.clusterOne(r.Indrelid, r.Indexrelid, verbose); err != nil {
			return err
		}
	}
	return c.between(true)
}

// clusterTable copies a table's rows into new files in the order of an index.
func (c *Context) clusterTable(rel *catalog.Relation, by *catalog.Index, verbose bool) error {
	if err := c.S.Cat.HoldRelation(by.Oid, locks.AccessExclusive); err != nil {
		return err
	}
	if err := c.holdIndexes(rel, locks.AccessShare); err != nil {
		return err
	}
	if err := c.markClustered(rel.Oid, by.Oid); err != nil {
		return err
	}
	a := &alteration{c: c, oid: rel.Oid, old: rel, persistence: rel.Persistence, frozen: true, order: by}
	return a.repack(verbose)
}
