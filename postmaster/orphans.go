package postmaster

import (
	"go.uber.org/zap"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/mvcc"
)

// dropUncommitted removes the files of relations whose creation was replayed but whose transaction never ended: it is aborted
// by now, without a record that would name them.
func (c *cluster) dropUncommitted(log *zap.Logger, made map[ids.RelFile]ids.Xid, drop func([]ids.RelFile)) {
	var gone []ids.RelFile
	for rel, xid := range made {
		if c.smgr.Exists(rel, ids.MainFork) && c.mvcc.Status(xid) == mvcc.Aborted {
			gone = append(gone, rel)
		}
	}
	if len(gone) > 0 {
		drop(gone)
		log.Info("removed files of relations whose transactions had not committed", zap.Int("relations", len(gone)))
	}
}

// dropOrphans drops the temporary relations of the sessions that a crash ended, in all databases. What cannot be dropped stays
// until a session uses the same temporary schema again.
func (c *cluster) dropOrphans(log *zap.Logger) {
	dbs, err := c.databases()
	if err != nil {
		log.Warn("could not look for orphaned temporary relations", zap.Error(err))
		return
	}
	for _, db := range dbs {
		err := c.inDatabase(db.Oid, func(_ *mvcc.Session, cat *catalog.Session) error { return cat.DropOrphanedTemp() })
		if err != nil {
			log.Warn("could not drop orphaned temporary relations", zap.Error(err))
		}
	}
}
