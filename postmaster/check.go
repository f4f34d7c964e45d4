package postmaster

import (
	"fmt"
	"path/filepath"
	"strconv"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/storage/check"
	"gompho/storage/smgr"
	"gompho/storage/vfs"
)

// CheckOptions say what Check looks at.
type CheckOptions struct {
	Dir      string
	Database string // its name; empty: all
	// FS and Settings are as in Options.
	FS       vfs.FS
	Settings []string
}

// Check verifies a whole cluster that no server runs: page checksums, tables, toast, indexes by themselves and against their
// tables, catalogs by themselves and against the files, in every database. It recovers the cluster first if it was not shut down. Each problem is reported; the number of
// them is returned.
func Check(o CheckOptions, report func(string)) (n int, err error) {
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return 0, err
	}
	// However few prepared transactions the settings allow, what there is of them is no problem here.
	settings := append([]string{"max_prepared_transactions=1000"}, o.Settings...)
	p := quiet(Options{Dir: o.Dir, FS: o.FS, Settings: settings})
	if err := p.existingCluster(); err != nil {
		return 0, err
	}
	if vfs.Exists(p.fs(), filepath.Join(o.Dir, recoverySignal)) {
		return 0, fmt.Errorf("data directory %q is to be recovered from an archive: start a server on it first", o.Dir)
	}
	if err := p.takeDir(); err != nil {
		return 0, err
	}
	defer p.leaveDir()
	if err := p.loadSettings(); err != nil {
		return 0, err
	}
	c, err := p.openCluster()
	if err != nil {
		return 0, err
	}
	err = c.check(o.Database, func(pr check.Problem) {
		n++
		report(pr.String())
	})
	if cerr := c.close(true); err == nil {
		err = cerr
	}
	return n, err
}

func (c *cluster) check(name string, report check.Report) error {
	dbs, err := c.databases()
	if err != nil {
		return err
	}
	checked, known := 0, map[string]bool{}
	for _, db := range dbs {
		known[strconv.Itoa(int(db.Oid))] = true
		if name != "" && db.Datname != name {
			continue
		}
		err := c.inDatabase(db.Oid, func(tx *mvcc.Session, cat *catalog.Session) error {
			return c.newDatabaseCheck(tx, cat, db, checked == 0, report).run()
		})
		if err != nil {
			return err
		}
		checked++
	}
	if checked == 0 {
		return fmt.Errorf("database %q does not exist", name)
	}
	dirs, err := c.orphanDirectories(known)
	for _, d := range dirs {
		report(check.Problem{Relation: "directory " + smgr.DatabaseDir(ids.DefaultTablespace, d), Block: ids.InvalidBlock, Text: "belongs to no database"})
	}
	return err
}

// inDatabase runs f in a transaction of its own in a database, as the first role.
func (c *cluster) inDatabase(db ids.Oid, f func(tx *mvcc.Session, cat *catalog.Session) error) error {
	slot := c.p.procs.Add("check")
	defer c.p.procs.Remove(slot)
	owner := c.locks.NewOwner(slot, locks.OwnerOptions{})
	defer owner.Close()
	tx := c.mvcc.NewSession(slot, owner, mvcc.SessionOptions{})
	defer tx.Close()
	tx.SetDatabase(db)
	cat := c.catalog.NewSession(tx, db, ids.BootstrapRole)
	if err := tx.Begin(mvcc.BeginOpts{}); err != nil {
		return err
	}
	tx.PushActive(tx.Snapshot())
	err := f(tx, cat)
	tx.PopActive()
	if err != nil {
		tx.Abort()
		return err
	}
	return tx.Commit()
}

func (c *cluster) databases() (out []*catalog.PgDatabase, err error) {
	err = c.inDatabase(ids.Template1DB, func(_ *mvcc.Session, cat *catalog.Session) (err error) {
		out, err = catalog.FetchAll[catalog.PgDatabase](cat, catalog.PgDatabaseOidIndex)
		return err
	})
	return out, err
}
