package postmaster

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"gompho/backend"
	"gompho/catalog"
	"gompho/config"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/session"
	"gompho/storage/buffer"
	"gompho/storage/check"
	"gompho/storage/smgr"
)

// databaseCheck is the check of one database.
type databaseCheck struct {
	c      *cluster
	tx     *mvcc.Session
	cat    *catalog.Session
	db     *catalog.PgDatabase
	shared bool // what all databases share is checked too
	report check.Report
	// extract says how an index's columns come from rows of its table.
	extract func(*catalog.Relation, *catalog.Index) (*check.Extract, error)
	files   map[ids.RelFile]bool // of all relations
}

func (c *cluster) newDatabaseCheck(tx *mvcc.Session, cat *catalog.Session, db *catalog.PgDatabase, shared bool, report check.Report) *databaseCheck {
	s := &session.Session{Server: c.session, Slot: tx.Slot(), Tx: tx, Cat: cat, Settings: config.NewSession(c.p.cfg), DB: db.Oid, DBName: db.Datname,
		User: ids.BootstrapRole, AuthUser: ids.BootstrapRole, SessionUser: ids.BootstrapRole, Notice: func(*pgerr.Error) {}, StatementStart: time.Now()}
	s.Settings.Superuser = true
	of := backend.NewIndexExtractor(s, c.funcs)
	return &databaseCheck{c: c, tx: tx, cat: cat, db: db, shared: shared, report: report, files: map[ids.RelFile]bool{},
		extract: func(rel *catalog.Relation, ix *catalog.Index) (*check.Extract, error) {
			cols, row, err := of(rel, ix)
			return &check.Extract{Cols: cols, Row: row}, err
		}}
}

// bad reports what is wrong with a relation as a whole.
func (k *databaseCheck) bad(relation, format string, args ...any) {
	k.report(check.Problem{Relation: relation, Block: ids.InvalidBlock, Text: fmt.Sprintf(format, args...)})
}

// attempt runs a part of the check. What cannot be read is a finding; only an interrupt ends the check.
func (k *databaseCheck) attempt(relation string, f func() error) error {
	err := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				e, ok := r.(*pgerr.Error) // the commit log cannot be read
				if !ok {
					panic(r)
				}
				err = e
			}
		}()
		return f()
	}()
	if err == nil {
		return nil
	}
	if stop := k.tx.Slot().CheckInterrupts(); stop != nil {
		return stop
	}
	k.bad(relation, "%v", err)
	return nil
}

// run checks every table and index, catalogs included, then the catalogs against each other and the files against the catalogs.
func (k *databaseCheck) run() error {
	whole := fmt.Sprintf("database %s", k.db.Datname)
	var rows []*catalog.PgClass
	err := k.attempt(whole, func() (err error) {
		rows, err = catalog.FetchAll[catalog.PgClass](k.cat, 0)
		return err
	})
	if err != nil {
		return err
	}
	complete := len(rows) > 0
	for _, row := range rows {
		err := k.attempt(row.Relname, func() error {
			r, err := k.cat.Relation(row.Oid)
			if err != nil || r == nil {
				complete = false
				return err
			}
			return k.relation(r)
		})
		if err != nil {
			return err
		}
	}
	if err := k.attempt(whole, func() error {
		return k.cat.Verify(k.shared, func(name, text string) { k.bad(name, "%s", text) })
	}); err != nil || !complete {
		return err
	}
	return k.attempt(whole, k.orphans)
}

// relation checks a relation of any kind that has files.
func (k *databaseCheck) relation(r *catalog.Relation) error {
	if !r.HasStorage() {
		return nil
	}
	k.files[r.File] = true
	if r.Persistence == 't' || r.Shared && !k.shared {
		return nil // of a session that is gone; or checked with another database
	}
	if !k.present(r) {
		return nil
	}
	if r.Kind == 'S' || r.Kind == 'i' {
		if !k.blocks(r, ids.MainFork) || r.Kind == 'S' {
			return nil
		}
		return k.index(r)
	}
	k.blocks(r, ids.VmFork)
	if r.Heap == nil {
		return nil
	}
	return check.Heap(k.tx, r.Heap, k.report)
}

// present reports missing files.
func (k *databaseCheck) present(r *catalog.Relation) bool {
	ok := true
	forks := []ids.Fork{ids.MainFork}
	if r.Persistence == 'u' {
		forks = append(forks, ids.InitFork)
	}
	for _, f := range forks {
		if !k.c.smgr.Exists(r.File, f) {
			k.bad(r.Name, "file %s is missing", smgr.RelPath(r.File, f))
			ok = false
		}
	}
	return ok
}

// blocks reads every block of a fork, which verifies its checksum and header; false when one is damaged.
func (k *databaseCheck) blocks(r *catalog.Relation, fork ids.Fork) bool {
	if !k.c.smgr.Exists(r.File, fork) {
		return true
	}
	n, err := k.c.pool.Blocks(r.File, fork)
	if err != nil {
		k.bad(r.Name, "%v", err)
		return false
	}
	ok := true
	for blk := ids.BlockNumber(0); blk < n; blk++ {
		b, err := k.c.pool.Read(k.tx.Slot(), r.File, fork, blk, nil)
		if err != nil {
			k.report(check.Problem{Relation: r.Name, Block: blk, Text: err.Error()})
			ok = false
			continue
		}
		b.Lock(buffer.Share)
		if pg := b.Page(); r.Persistence == 'p' && !pg.IsNew() && pg.LSN() == 0 {
			k.report(check.Problem{Relation: r.Name, Block: blk, Text: "no log position, but the relation is logged"})
		}
		b.UnlockRelease()
	}
	return ok
}

// index checks an index by itself and against its table.
func (k *databaseCheck) index(r *catalog.Relation) error {
	if r.Index == nil { // the check of the catalogs says so
		return nil
	}
	t, err := k.cat.Relation(r.Index.Table)
	if err != nil || t == nil || t.Heap == nil {
		return err
	}
	for _, ix := range t.Indexes {
		if ix.Oid != r.Oid || ix.Btree == nil || !ix.Valid {
			continue
		}
		x, err := k.extract(t, ix)
		if err != nil {
			return err
		}
		if err := check.Index(k.tx, ix.Btree, x, k.report); err != nil {
			return err
		}
		return check.Complete(k.tx, ix.Btree, x, k.report)
	}
	return nil
}

// orphans reports files that no relation has.
func (k *databaseCheck) orphans() error {
	dirs := []ids.RelFile{{Spc: ids.DefaultTablespace, DB: k.db.Oid}}
	if k.shared {
		dirs = append(dirs, ids.RelFile{Spc: ids.GlobalTablespace})
	}
	for _, d := range dirs {
		found, err := k.c.orphanFiles(d, k.files)
		if errors.Is(err, fs.ErrNotExist) {
			k.bad("database "+k.db.Datname, "directory %s is missing", smgr.DatabaseDir(d.Spc, d.DB))
			continue
		}
		if err != nil {
			return err
		}
		for _, o := range found {
			k.bad("database "+k.db.Datname, "file %s belongs to no relation", o.name)
		}
	}
	return nil
}
