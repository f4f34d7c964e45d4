package commands

import (
	"runtime"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/parallel"
	"gompho/sql/query"
	"gompho/stats"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/storage/page"
	"gompho/types"
)

const buildBatch = 1024

// indexOf returns the descriptor of one of a table's indexes.
func indexOf(rel *catalog.Relation, oid ids.Oid) *catalog.Index {
	for _, ix := range rel.Indexes {
		if ix.Oid == oid {
			return ix
		}
	}
	return nil
}

// buildIndex fills an index, whose files are new, from its table. sizes says whether the sizes go to pg_class.
func (c *Context) buildIndex(table, index ids.Oid, sizes bool) error {
	rel, err := c.S.Relation(table)
	if err != nil {
		return err
	}
	ix := indexOf(rel, index)
	if ix == nil || ix.Btree == nil || rel.Heap == nil {
		return pgerr.Internal("index %d of relation %d cannot be built", index, table)
	}
	if c.would(BuildsIndex, index) {
		return ix.Btree.CreateEmpty(c.S.Tx)
	}
	blocks, err := rel.Heap.Blocks()
	if err != nil {
		return err
	}
	if blocks == 0 {
		rel.Heap.Counts(c.S.Slot).Scan() // a short one
		if err := ix.Btree.CreateEmpty(c.S.Tx); err != nil {
			return err
		}
		return nil
	}
	b, err := c.newIndexBuild(rel, ix, blocks)
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.run(); err != nil {
		return err
	}
	if b.broken != ix.CheckXmin && table >= firstNormalOid {
		// Transactions with an older snapshot must not use the index.
		if err := c.setIndexState(table, index, func(r *catalog.PgIndex) { r.Indcheckxmin = b.broken }); err != nil {
			return err
		}
	}
	if !sizes {
		return nil
	}
	return c.storeBuildStats(rel, ix, blocks, b.rows, b.entries)
}

// buildCount counts what one goroutine of a build has read and made.
type buildCount struct {
	rows, entries float64
	broken        bool
}

// indexBuild is the state of filling one index.
type indexBuild struct {
	c             *Context
	rel           *catalog.Relation
	ix            *catalog.Index
	cols          []int // of the table, from 0, that are read
	pos           []int // key i of the index is column pos[i] of the batch, or -1-n for expression n
	eval          RowEval
	hasPred       bool
	builder       *btree.Builder
	workers       int // besides the session
	limit         int // of workers of the whole server
	team          *parallel.Team
	blocks        *heap.BlockSource // nil: one goroutine reads all
	counts        []buildCount      // by goroutine
	row           []types.Datum     // a row of the table, for expressions
	results       []types.Datum     // predicate (if any), then expressions
	rows, entries float64
	snap          *mvcc.Snapshot // of a build that others do not wait for; nil: all rows that somebody may see
	broken        bool           // a snapshot may see rows that have no entry
}

func (c *Context) newIndexBuild(rel *catalog.Relation, ix *catalog.Index, blocks ids.BlockNumber) (*indexBuild, error) {
	b := &indexBuild{c: c, rel: rel, ix: ix}
	exprs, err := ix.Exprs()
	if err != nil {
		return nil, err
	}
	pred, err := ix.Pred()
	if err != nil {
		return nil, err
	}
	b.plan(exprs, pred)
	if err := b.compile(exprs, pred); err != nil {
		return nil, err
	}
	mem := int(c.S.Settings.Bytes("maintenance_work_mem") / 1024)
	b.planWorkers(blocks, mem)
	b.counts = make([]buildCount, 1+b.workers)
	if b.workers > 0 {
		if b.blocks, err = rel.Heap.NewBlockSource(); err != nil {
			return nil, err
		}
	}
	b.builder = ix.Btree.NewBuilder(c.S.Tx, btree.BuildOpts{MemKB: mem, Sinks: 1 + b.workers})
	return b, nil
}

// plan chooses the columns to read and where each index column comes from.
func (b *indexBuild) plan(exprs []query.Expr, pred query.Expr) {
	at := map[int]int{}
	column := func(att int) int {
		if i, ok := at[att]; ok {
			return i
		}
		at[att] = len(b.cols)
		b.cols = append(b.cols, att-1)
		return len(b.cols) - 1
	}
	n := 0
	for _, k := range b.ix.Keys {
		if k == 0 {
			b.pos = append(b.pos, -1-n)
			n++
			continue
		}
		b.pos = append(b.pos, column(int(k)))
	}
	needed := func(e query.Expr) {
		for _, att := range varColumns(e) {
			if att > 0 {
				column(int(att))
				continue
			}
			for i := range b.rel.Desc.Attrs {
				if !b.rel.Desc.Attrs[i].Dropped {
					column(i + 1)
				}
			}
		}
	}
	for _, e := range exprs {
		needed(e)
	}
	if pred != nil {
		needed(pred)
	}
}

func (b *indexBuild) close() {
	if b.team != nil {
		b.team.Stop()
	}
	if b.builder != nil {
		b.builder.Close()
	}
}

func (b *indexBuild) run() error {
	n, err := b.rel.Heap.Blocks()
	if err != nil {
		return err
	}
	b.c.buildPhase(stats.IndexBuild)
	b.c.buildProgress(stats.IndexSubphase, stats.IndexBuildTableScan)
	b.c.buildProgress(stats.IndexBlocks, int64(n))
	b.team = parallel.Start(b.c.S.Procs, b.c.S.Slot, b.workers, b.limit, func(w *parallel.Worker) error {
		return b.share(b.c.S.Tx.Worker(w.Slot), b.builder.Sink(1+w.No), w.No+1)
	})
	if err = b.share(b.c.S.Tx, b.builder.Sink(0), 0); err != nil {
		return err
	}
	if err := b.team.Wait(); err != nil {
		return err
	}
	for _, n := range b.counts {
		b.rows += n.rows
		b.entries += n.entries
		b.broken = b.broken || n.broken
	}
	b.c.buildProgress(stats.IndexBlocksDone, int64(n))
	b.c.buildProgress(stats.IndexSubphase, stats.IndexBuildLoad)
	b.c.buildProgress(stats.IndexTuples, int64(b.entries))
	err = b.builder.Finish()
	b.c.buildProgress(stats.IndexTuplesDone, int64(b.entries))
	return err
}

// share gives a part of the table's rows to a sink of the builder.
func (b *indexBuild) share(tx *mvcc.Session, sink *btree.Sink, no int) error {
	scan, err := heap.BeginBuildScan(tx, b.rel.Heap, b.cols)
	if err != nil {
		return err
	}
	defer scan.Close()
	if b.snap != nil {
		scan.Under(b.snap)
	}
	if b.blocks != nil {
		scan.Share(b.blocks)
	}
	batch := scan.NewBatch(buildBatch)
	tids := make([]ids.TID, buildBatch)
	live := make([]bool, buildBatch)
	vals := make([]types.Datum, len(b.pos))
	var count buildCount
	for {
		n, err := scan.NextBatch(buildBatch, batch, tids, live)
		if err != nil {
			return err
		}
		if n == 0 {
			count.broken = scan.BrokenHotChain()
			b.counts[no] = count
			if no == 0 {
				b.c.buildProgress(stats.IndexSubphase, stats.IndexBuildSort)
			}
			return sink.Sort()
		}
		if no == 0 {
			b.c.buildProgress(stats.IndexBlocksDone, int64(tids[n-1].Block))
		}
		for i := range n {
			if live[i] {
				count.rows++
			}
			ok, err := b.values(batch, i, vals)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			count.entries++
			if err := sink.Add(vals, tids[i], live[i]); err != nil {
				return err
			}
		}
	}
}

// minShareKB is the sort memory that each goroutine of a build must have.
const minShareKB = 32 << 10

// planWorkers decides how many workers help: by the size of the table, as for scans, and by the sort memory. Expressions are for the session alone.
func (b *indexBuild) planWorkers(blocks ids.BlockNumber, memKB int) {
	set := b.c.S.Settings
	b.limit = int(set.Get("max_parallel_workers").Num)
	most := min(int(set.Get("max_parallel_maintenance_workers").Num), runtime.GOMAXPROCS(0)-1, memKB/minShareKB-1)
	if b.eval != nil || b.rel.Oid < firstNormalOid {
		return
	}
	// One worker from min_parallel_table_scan_size on, and another each time that the table is three times as large.
	for size := float64(max(1, set.Bytes("min_parallel_table_scan_size")/page.Size)); float64(blocks) >= size && b.workers < most; size *= 3 {
		b.workers++
	}
}

// values puts the index columns of a row into out; false when the predicate leaves the row out.
func (b *indexBuild) values(batch *types.Batch, row int, out []types.Datum) (bool, error) {
	return b.valuesOf(func(i int) types.Datum { return batch.Cols[i].Get(row) }, out)
}

// valuesOf is values of a row whose columns at cols column returns.
func (b *indexBuild) valuesOf(column func(i int) types.Datum, out []types.Datum) (bool, error) {
	if b.eval != nil {
		for i, col := range b.cols {
			b.row[col] = column(i)
		}
		if err := b.eval.Eval(b.row, b.results); err != nil {
			return false, err
		}
		if b.hasPred && !b.results[0].IsTrue() {
			return false, nil
		}
	}
	first := 0
	if b.hasPred {
		first = 1
	}
	for i, p := range b.pos {
		if p >= 0 {
			out[i] = column(p)
		} else {
			out[i] = b.results[first-1-p]
		}
	}
	return true, nil
}

// storeBuildStats puts the sizes that a build has found into pg_class.
func (c *Context) storeBuildStats(rel *catalog.Relation, ix *catalog.Index, blocks ids.BlockNumber, rows, entries float64) error {
	n, err := c.S.Ops.Blocks(ix.File, ids.MainFork)
	if err != nil {
		return err
	}
	if err := c.setClassSize(ix.Oid, int32(n), float32(entries)); err != nil {
		return err
	}
	return c.setClassSize(rel.Oid, int32(blocks), float32(rows))
}

func (c *Context) setClassSize(oid ids.Oid, pages int32, tuples float32) error {
	if oid < firstNormalOid {
		return nil
	}
	changed := false
	err := c.S.Cat.ChangeClassInPlace(oid, func(row *catalog.PgClass) bool {
		changed = row.Relpages != pages || row.Reltuples != tuples
		row.Relpages, row.Reltuples = pages, tuples
		return changed
	})
	if err != nil || !changed {
		return err
	}
	return c.step()
}
