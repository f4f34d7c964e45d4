package commands

import (
	"slices"

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
	concurrently, moves := false, false
	defer func() { c.reindexVerbose = false }()
	for _, o := range st.Params {
		switch o.Defname {
		case "verbose":
			on, err := defBool(o)
			if err != nil {
				return err
			}
			c.reindexVerbose = on
		case "tablespace":
			oid, err := c.reindexTablespace(defString(o))
			if err != nil {
				return err
			}
			moves = oid != 0
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
		rel, err := c.openMaintained(st.Relation, locks.Share)
		if err != nil {
			return err
		}
		if moves && isCatalog(rel.Oid) && len(rel.Indexes) > 0 {
			return pgerr.NotSupported("cannot move system relation \"%s\"", rel.Indexes[0].Name)
		}
		if rel.Kind == 'p' {
			if err := c.requireTopLevel("REINDEX TABLE"); err != nil {
				return err
			}
			return c.reindexPartitions(rel.Oid)
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
	if err := c.checkOwnerAlone(ix); err != nil {
		return err
	}
	if isCatalog(ix.Oid) {
		return c.reindexCatalog(ix.Index.Table, ix.Oid)
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

// openMaintained locks a table named in REINDEX or CLUSTER after a check that the user owns it. Catalogs are for any superuser.
func (c *Context) openMaintained(rv *ast.RangeVar, mode locks.Mode) (*catalog.Relation, error) {
	if oid, err := c.S.Cat.LookupRelation(relName(rv)); err != nil {
		return nil, err
	} else if oid != 0 && isCatalog(oid) {
		mode = locks.AccessExclusive
	}
	return c.S.Cat.OpenRelation(relName(rv), mode, catalog.LockOpts{Check: func(oid ids.Oid) error {
		r, err := c.S.Cat.Relation(oid)
		if r == nil || err != nil {
			return err
		}
		switch r.Kind {
		case 'r', 'm', 't', 'p':
			return c.checkOwnerAlone(r)
		}
		return pgerr.New(pgerr.WrongObjectType, "%q is not a table or materialized view", r.Name)
	}})
}

// reindexTablespace resolves the tablespace that new indexes go to.
func (c *Context) reindexTablespace(name string) (ids.Oid, error) {
	if name == "pg_global" {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "only shared relations can be placed in pg_global tablespace")
	}
	t, err := c.S.Cat.TablespaceByName(name)
	if err != nil {
		return 0, err
	}
	if t == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "tablespace \"%s\" does not exist", name)
	}
	return t.Oid, nil
}

// toldReindexed tells of an index that was made anew, as VERBOSE asks.
func (c *Context) toldReindexed(index ids.Oid, u *usage) {
	if c.reindexVerbose {
		name := ""
		if r, _ := c.S.Cat.Relation(index); r != nil {
			name = r.Name
		}
		c.sendNotice(pgerr.New(pgerr.SuccessfulCompletion, "index \"%s\" was reindexed", name).WithDetail("%s", u.processor()).WithSeverity(pgerr.Info))
	}
}

// clusteredCatalogIndex returns the index that a catalog was clustered by last, nil when there is none.
func (c *Context) clusteredCatalogIndex(rel *catalog.Relation) (*catalog.Index, error) {
	rows, err := catalog.FetchAll[catalog.PgIndex](c.S.Cat, catalog.PgIndexIndrelidIndex, catalog.OidKey(catalog.AttPgIndexIndrelid, rel.Oid))
	for _, r := range rows {
		if r.Indisclustered {
			return indexOf(rel, r.Indexrelid), err
		}
	}
	return nil, err
}

func (c *Context) reindexTable(rel *catalog.Relation) error {
	if isCatalog(rel.Oid) {
		if err := c.reindexCatalog(rel.Oid, 0); err != nil || rel.Toast == 0 {
			return err
		}
		return c.reindexCatalog(rel.Toast, 0)
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
	case ast.ReindexObjectSchema:
		ns, err := c.S.Cat.LookupNamespace(st.Name, false)
		if err != nil {
			return err
		}
		schema = ns
		n, err := c.S.Cat.Namespace(ns)
		if n == nil || err != nil {
			return err
		}
		if ok, err := c.S.Cat.HasPrivsOf(c.S.User, n.Nspowner); err != nil {
			return err
		} else if !ok {
			return pgerr.New(pgerr.InsufficientPrivilege, "must be owner of schema %s", st.Name)
		}
	default:
		if st.Name != "" && st.Name != c.S.DBName {
			return pgerr.NotSupported("can only reindex the currently open database")
		}
		db, err := c.S.Cat.DatabaseRow(c.S.DB)
		if db == nil || err != nil {
			return err
		}
		if ok, err := c.S.Cat.HasPrivsOf(c.S.User, db.Datdba); err != nil {
			return err
		} else if !ok {
			return pgerr.New(pgerr.InsufficientPrivilege, "must be owner of database %s", c.S.DBName)
		}
	}
	rows, err := catalog.FetchAll[catalog.PgClass](c.S.Cat, 0)
	if err != nil {
		return err
	}
	// pg_class first: the others' rows in it are found through its indexes.
	slices.SortStableFunc(rows, func(a, b *catalog.PgClass) int {
		first := func(c *catalog.PgClass) int {
			if c.Oid == catalog.PgClassOid {
				return 0
			}
			return 1
		}
		return first(a) - first(b)
	})
	skipped := false
	for _, r := range rows {
		if r.Relkind != 'r' && r.Relkind != 'm' || schema != 0 && r.Relnamespace != schema || st.Kind == ast.ReindexObjectSystem && !isCatalog(r.Oid) {
			continue
		}
		if isCatalog(r.Oid) && mode != locks.Share {
			if !skipped {
				c.S.Warn(pgerr.FeatureNotSupported, "cannot reindex system catalogs concurrently, skipping all")
			}
			skipped = true
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
		lock := mode
		if isCatalog(r.Oid) {
			lock = locks.AccessExclusive // at once, or two who wanted the stronger lock would wait for each other
		}
		rel, err := c.S.Cat.LockRelation(r.Oid, lock)
		if err != nil {
			return err
		}
		if rel == nil {
			continue
		}
		if rel.Shared { // others are for the owner of the database or the schema too
			if ok, err := c.S.Cat.HasPrivsOf(c.S.User, rel.Owner); err != nil {
				return err
			} else if !ok {
				continue
			}
		}
		if err := each(rel); err != nil {
			return err
		}
		if c.reindexVerbose && mode == locks.Share && len(rel.Indexes) > 0 {
			c.info("table \"%s.%s\" was reindexed", c.schemaName(rel.Namespace), rel.Name)
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
	rel, err := c.openMaintained(st.Relation, locks.AccessExclusive)
	if err != nil {
		return err
	}
	if rel.Kind != 'p' && (rel.Heap == nil || rel.Kind != 'r' && rel.Kind != 'm') {
		return pgerr.New(pgerr.WrongObjectType, "%q is not a table or materialized view", rel.Name)
	}
	var by *catalog.Index
	if st.Indexname == "" && isCatalog(rel.Oid) {
		if by, err = c.clusteredCatalogIndex(rel); err != nil {
			return err
		}
	}
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
	if rel.Shared {
		return pgerr.NotSupported("cannot cluster a shared catalog")
	}
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
