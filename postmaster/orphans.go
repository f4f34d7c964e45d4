package postmaster

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"

	"go.uber.org/zap"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/smgr"
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

// dropOrphans drops the temporary relations of the sessions that a crash ended, in all databases, and removes files and directories that
// no relation and no database has: those of relations whose creation the log does not know, or whose removal it has forgotten.
// What cannot be dropped stays: temporary relations until a session uses the same temporary schema again.
func (c *cluster) dropOrphans(log *zap.Logger) {
	dbs, err := c.databases()
	if err != nil {
		log.Warn("could not look for orphaned relations", zap.Error(err))
		return
	}
	known, shared := map[string]bool{}, false
	for _, db := range dbs {
		known[strconv.Itoa(int(db.Oid))] = true
		err := c.inDatabase(db.Oid, func(_ *mvcc.Session, cat *catalog.Session) error { return cat.DropOrphanedTemp() })
		if err != nil {
			log.Warn("could not drop orphaned temporary relations", zap.Error(err))
		}
		err = c.inDatabase(db.Oid, func(_ *mvcc.Session, cat *catalog.Session) error {
			files, err := cat.RelationFiles()
			if err == nil {
				c.dropFiles(log, ids.RelFile{Spc: ids.DefaultTablespace, DB: db.Oid}, files)
				if !shared { // each database lists the shared catalogs
					c.dropFiles(log, ids.RelFile{Spc: ids.GlobalTablespace}, files)
					shared = true
				}
			}
			return err
		})
		if err != nil {
			log.Warn("could not look for orphaned files", zap.Error(err))
		}
	}
	c.dropDirectories(log, known)
}

// dropFiles removes the orphaned files of a database. Files numbered like catalogs are left alone, whatever they are, unless the catalog is elsewhere.
func (c *cluster) dropFiles(log *zap.Logger, d ids.RelFile, files map[ids.RelFile]bool) {
	found, err := c.orphanFiles(d, files)
	if err != nil {
		log.Warn("could not look for orphaned files", zap.Error(err))
		return
	}
	gone := map[ids.RelFile]bool{}
	for _, o := range found {
		if file, err := c.relmap.Get(d.DB, o.rel.Rel); err == nil && (o.rel.Rel >= firstUserOid || file != o.rel.Rel) && !gone[o.rel] {
			gone[o.rel] = true
			if err := c.pool.DropRelations([]ids.RelFile{o.rel}); err != nil {
				log.Warn("could not remove an orphaned file", zap.Error(err))
			}
		}
	}
	if len(gone) > 0 {
		log.Info("removed files that belong to no relation", zap.String("directory", smgr.DatabaseDir(d.Spc, d.DB)), zap.Int("relations", len(gone)))
	}
}

// firstUserOid is the first Oid that is given to what users create.
const firstUserOid = 16384

// orphan is a file that no relation has.
type orphan struct {
	rel  ids.RelFile
	name string // below the data directory
}

// orphanFiles lists the files of relations in the directory of d that are not in files, belong to no prepared transaction and do not
// wait for their removal.
func (c *cluster) orphanFiles(d ids.RelFile, files map[ids.RelFile]bool) (out []orphan, err error) {
	dir := smgr.DatabaseDir(d.Spc, d.DB)
	entries, err := c.fs.ReadDir(c.path(dir))
	if err != nil {
		return nil, err
	}
	prepared := c.mvcc.PreparedFiles()
	for _, e := range entries {
		no, fork, seg, ok := smgr.ParseFileName(e.Name())
		rel := ids.RelFile{Spc: d.Spc, DB: d.DB, Rel: no}
		if ok && !files[rel] && !prepared[rel] && (fork != ids.MainFork || seg > 0 || c.smgr.Exists(rel, fork)) {
			out = append(out, orphan{rel, filepath.Join(dir, e.Name())})
		}
	}
	return out, nil
}

// dropDirectories removes what a creation or removal of a database has left.
func (c *cluster) dropDirectories(log *zap.Logger, known map[string]bool) {
	dirs, err := c.orphanDirectories(known)
	if err != nil {
		log.Warn("could not look for orphaned directories", zap.Error(err))
	}
	for _, db := range dirs {
		c.pool.DropDatabaseBuffers(db)
		if err := c.smgr.DropDatabase(ids.DefaultTablespace, db); err != nil {
			log.Warn("could not remove an orphaned directory", zap.Error(err))
			continue
		}
		log.Info("removed a directory that belongs to no database", zap.String("directory", smgr.DatabaseDir(ids.DefaultTablespace, db)))
	}
}

// orphanDirectories lists the numbered directories of databases that are not known.
func (c *cluster) orphanDirectories(known map[string]bool) (out []ids.Oid, err error) {
	entries, err := c.fs.ReadDir(c.path("base"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		no, fork, seg, ok := smgr.ParseFileName(e.Name())
		if ok && fork == ids.MainFork && seg == 0 && e.IsDir() && !known[e.Name()] {
			out = append(out, no)
		}
	}
	return out, err
}
