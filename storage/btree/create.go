package btree

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/wal"
)

// CreateEmpty writes the meta page and an empty root into the index's file, which is there and empty; for an unlogged index into its init fork too.
func (ix *Index) CreateEmpty(tx *mvcc.Session) error {
	if err := ix.createEmpty(tx, ids.MainFork); err != nil || ix.Logged || ix.Temp {
		return err
	}
	return ix.createEmpty(tx, ids.InitFork)
}

func (ix *Index) createEmpty(tx *mvcc.Session, fork ids.Fork) error {
	pool, slot := ix.Env.Pool, tx.Slot()
	meta, err := pool.Extend(slot, ix.File, fork, 1, nil)
	if err != nil {
		return err
	}
	defer meta.UnlockRelease()
	root, err := pool.Extend(slot, ix.File, fork, 1, nil)
	if err != nil {
		return err
	}
	defer root.UnlockRelease()
	if meta.Block() != metaBlock || root.Block() != firstRoot {
		return pgerr.Internal("index \"%s\" already contains data", ix.Name)
	}
	info := ix.info()
	info.Logged = info.Logged || fork == ids.InitFork
	c := pool.Begin(slot, wal.BtreeNewRoot, tx.Xid(), info)
	initMeta(c.Page(meta), firstRoot, 0)
	pc := c.Page(root)
	pc.Init(specialSize, 0)
	special{flags: flagLeaf | flagRoot}.put(pc)
	c.Commit()
	return nil
}

// initMeta writes the meta page. Its content counts as line pointers to the page's header, so that images hold it.
func initMeta(pc buffer.PageChange, root ids.BlockNumber, level int) {
	pc.Init(specialSize, 0)
	pc.SetBounds(page.HeaderSize, page.HeaderSize)
	special{flags: flagMeta}.put(pc)
	pc.Overwrite(page.HeaderSize, encodeMeta(root, level))
}

// Reset makes an index empty at once, not transactionally. The caller holds AccessExclusive on it.
func (ix *Index) Reset(tx *mvcc.Session) error {
	ix.cachedRoot.Store(0)
	sizes := [ids.NumForks]ids.BlockNumber{0, 0, buffer.Keep, buffer.Keep}
	if err := ix.Env.Pool.Truncate(tx.Slot(), tx.Xid(), ix.info(), sizes); err != nil {
		return err
	}
	return ix.createEmpty(tx, ids.MainFork)
}
