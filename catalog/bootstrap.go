package catalog

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// BootstrapOpts say how a new cluster's first database is made.
type BootstrapOpts struct {
	Superuser string // name of the first role; empty: postgres
	MemKB     int    // for building indexes; 0: 64 MB
}

// Bootstrap fills an empty cluster: it writes all catalogs of template1, and the shared ones, from the facts. It runs in the first
// transaction of the cluster, in a session whose database is template1. Rows are frozen and pages are not logged: the caller
// takes a checkpoint before it says that the cluster is there.
//
// The cluster then has the role, the tablespaces, the rows of the databases template1, template0 and postgres, but files for
// template1 only and no system views: the caller runs Scripts in a session made by NewBootSession and calls FinishViews, then copies
// template1's files to the other databases.
func (c *Catalog) Bootstrap(tx *mvcc.Session, o BootstrapOpts) error {
	if c.env == nil {
		return pgerr.Internal("bootstrap without storage")
	}
	if o.MemKB == 0 {
		o.MemKB = 64 << 10
	}
	s := c.NewBootSession(tx)
	for _, oid := range sortedOids(c.facts.relations) {
		r := c.facts.relations[oid]
		if r.Kind == 'i' {
			continue
		}
		if err := s.bootTable(r, o); err != nil {
			return err
		}
	}
	c.oids.restart()
	if err := s.IncrementCommand(); err != nil {
		return err
	}
	return s.bootInformationSchema()
}

// NewBootSession makes a session that adds to the system of a new cluster: what it creates gets Oids below 16384, until
// FinishViews.
func (c *Catalog) NewBootSession(tx *mvcc.Session) *Session {
	s := c.NewSession(tx, ids.Template1DB, ids.BootstrapRole)
	s.boot = true
	c.booting.Store(true)
	s.SetSearchPath([]string{"pg_catalog"})
	return s
}

// bootTable makes the files of a catalog and its indexes and fills them.
func (s *Session) bootTable(fact *Relation, o BootstrapOpts) error {
	r := fact.forDB(s.db)
	if err := s.attach(r); err != nil {
		return err
	}
	// Nothing is logged until the checkpoint that ends the making of the cluster.
	h := heap.NewRel(&heap.Rel{Env: s.env, File: r.File, Oid: r.Oid, DB: r.File.DB, Name: r.Name, Desc: r.Desc, Logged: true, FillFactor: 100})
	if err := heap.CreateStorage(s.tx, s.env, r.File, true, false); err != nil {
		return err
	}
	builders := make([]*btree.Builder, len(r.Indexes))
	for i, ix := range r.Indexes {
		if err := heap.CreateStorage(s.tx, s.env, ix.File, true, false); err != nil {
			return err
		}
		handle, err := s.btreeHandle(ix, nil, true, false)
		if err != nil {
			return err
		}
		handle.Heap = h
		builders[i] = handle.NewBuilder(s.tx, btree.BuildOpts{MemKB: o.MemKB})
	}
	if err := s.bootRows(r, h, builders, o); err != nil {
		return err
	}
	for _, b := range builders {
		if err := b.Finish(); err != nil {
			return err
		}
		b.Close()
	}
	return nil
}

const bootBatch = 256

// bootRows inserts the facts' rows of a catalog and gives their keys to the index builders.
func (s *Session) bootRows(r *Relation, h *heap.Rel, builders []*btree.Builder, o BootstrapOpts) error {
	if !isCatalog(r.Oid) {
		return nil
	}
	batch := new(types.Batch)
	for i := range r.Desc.Attrs {
		batch.Cols = append(batch.Cols, types.NewVector(r.Desc.Attrs[i].Kind(), bootBatch))
	}
	tids := make([]ids.TID, bootBatch)
	bulk := heap.NewBulkInsert()
	defer bulk.Release()
	flush := func() error {
		if batch.N == 0 {
			return nil
		}
		err := heap.MultiInsert(s.tx, h, batch, s.tx.CommandID(true), heap.InsertOpts{Bulk: bulk, SkipFsm: true, Frozen: true}, tids[:batch.N])
		if err != nil {
			return err
		}
		if err := addEntries(r, builders, batch, tids); err != nil {
			return err
		}
		batch.N = 0
		for _, c := range batch.Cols {
			c.Reset()
		}
		return nil
	}
	err := allFacts(r.Oid, func(vals []types.Datum) error {
		if r.Oid == PgAuthidOid && o.Superuser != "" && vals[0].Oid() == ids.BootstrapRole {
			vals[AttPgAuthidRolname-1] = types.String(o.Superuser)
		}
		for i, v := range vals {
			batch.Cols[i].Append(v)
		}
		if batch.N++; batch.N == bootBatch {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

func addEntries(r *Relation, builders []*btree.Builder, batch *types.Batch, tids []ids.TID) error {
	var key [8]types.Datum
	for i, ix := range r.Indexes {
		for row := range batch.N {
			for k, att := range ix.Keys {
				key[k] = batch.Cols[att-1].Get(row)
			}
			if err := builders[i].Add(key[:len(ix.Keys)], tids[row], true); err != nil {
				return err
			}
		}
	}
	return nil
}
