package commands

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/storage/vacuum"
)

// vacuumOptions are the options of VACUUM and ANALYZE.
type vacuumOptions struct {
	full, freeze, verbose, analyze, skipLocked, noPageSkipping bool
	toast, truncate                                            bool
	truncateSet, cleanupSet                                    bool // they were given; else storage parameters decide
	cleanup                                                    vacuum.IndexCleanup
	workers                                                    int // of PARALLEL; 0: as many as are of use, -1: none
}

// maxParallelVacuum is the largest number that VACUUM (PARALLEL n) takes.
const maxParallelVacuum = 1024

func vacuumOptionsOf(st *ast.VacuumStmt) (*vacuumOptions, error) {
	o := &vacuumOptions{toast: true, truncate: true, analyze: !st.IsVacuumcmd}
	parallel := false
	for _, d := range st.Options {
		var to *bool
		switch d.Defname {
		case "verbose":
			to = &o.verbose
		case "skip_locked":
			to = &o.skipLocked
		case "analyze":
			to = &o.analyze
		case "freeze":
			to = &o.freeze
		case "full":
			to = &o.full
		case "disable_page_skipping":
			to = &o.noPageSkipping
		case "process_toast":
			to = &o.toast
		case "truncate":
			to, o.truncateSet = &o.truncate, true
		case "index_cleanup":
			o.cleanupSet = true
			if d.Arg != nil && strings.EqualFold(defString(d), "auto") {
				continue
			}
			on, err := defBool(d)
			if err != nil {
				return nil, err
			}
			o.cleanup = vacuum.CleanupOff
			if on {
				o.cleanup = vacuum.CleanupOn
			}
			continue
		case "parallel":
			if d.Arg == nil {
				return nil, pgerr.New(pgerr.SyntaxError, "parallel option requires a value between 0 and %d", maxParallelVacuum).At(int(d.Location))
			}
			n, err := defInt(d)
			if err != nil {
				return nil, err
			}
			if n < 0 || n > maxParallelVacuum {
				return nil, pgerr.New(pgerr.SyntaxError, "parallel workers for vacuum must be between 0 and %d", maxParallelVacuum).At(int(d.Location))
			}
			parallel, o.workers = n > 0, int(n)
			if n == 0 {
				o.workers = -1
			}
			continue
		}
		if to == nil || !st.IsVacuumcmd && to != &o.verbose && to != &o.skipLocked {
			what := "VACUUM"
			if !st.IsVacuumcmd {
				what = "ANALYZE"
			}
			return nil, pgerr.New(pgerr.SyntaxError, "unrecognized %s option %q", what, d.Defname).At(int(d.Location))
		}
		on, err := defBool(d)
		if err != nil {
			return nil, err
		}
		*to = on
	}
	if o.full && parallel {
		return nil, pgerr.NotSupported("VACUUM FULL cannot be performed in parallel")
	}
	if o.full && !o.toast {
		return nil, pgerr.NotSupported("PROCESS_TOAST required with VACUUM FULL")
	}
	if o.full && o.noPageSkipping {
		return nil, pgerr.NotSupported("VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL")
	}
	return o, nil
}

// vacuumTarget is one table of VACUUM or ANALYZE.
type vacuumTarget struct {
	oid  ids.Oid
	cols []string
	name string // as the statement names it: warnings are for named tables only
}

// vacuumStmt is VACUUM and ANALYZE.
func vacuumStmt(c *Context, st *ast.VacuumStmt) (string, error) {
	o, err := vacuumOptionsOf(st)
	if err != nil {
		return "", err
	}
	tag := "ANALYZE"
	if st.IsVacuumcmd {
		tag = "VACUUM"
		if err := c.requireTopLevel("VACUUM"); err != nil {
			return "", err
		}
		for _, r := range st.Rels {
			if r.VaCols != nil && !o.analyze {
				return "", pgerr.NotSupported("ANALYZE option must be specified when a column list is provided")
			}
		}
	}
	list, err := c.vacuumTargets(st, o)
	if err != nil {
		return "", err
	}
	// In a transaction block ANALYZE works in the block's transaction, else each table has one of its own.
	own := c.TopLevel && (st.IsVacuumcmd || len(list) > 1)
	if err := c.between(own); err != nil {
		return "", err
	}
	for _, t := range list {
		if st.IsVacuumcmd {
			if ok, err := c.vacuumLock(t, "vacuum", o); err != nil {
				return "", err
			} else if !ok {
				if err := c.between(own); err != nil {
					return "", err
				}
				continue
			}
			if err := c.vacuumOne(t.oid, o); err != nil {
				return "", err
			}
			if err := c.between(own); err != nil {
				return "", err
			}
		}
		if !o.analyze {
			continue
		}
		ok, err := c.vacuumLock(t, "analyze", o)
		if ok && err == nil {
			err = c.analyzeRelation(t.oid, t.cols, o.verbose)
		}
		if err != nil {
			return "", err
		}
		if err := c.between(own); err != nil {
			return "", err
		}
	}
	if st.IsVacuumcmd && own && c.Rehearsal == nil {
		if err := c.FrozenIDs(); err != nil {
			return "", err
		}
	}
	return tag, c.step()
}

// between begins another transaction.
func (c *Context) between(own bool) error {
	if !own || c.Hooks == nil || c.Hooks.NextTransaction == nil {
		return c.step()
	}
	return c.Hooks.NextTransaction()
}

// vacuumTargets lists the tables: those named, or all that the user may vacuum.
func (c *Context) vacuumTargets(st *ast.VacuumStmt, o *vacuumOptions) ([]vacuumTarget, error) {
	word := "analyze"
	if st.IsVacuumcmd {
		word = "vacuum"
	}
	var out []vacuumTarget
	if st.Rels == nil {
		rows, err := catalog.FetchAll[catalog.PgClass](c.S.Cat, 0)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.Relkind != 'r' && r.Relkind != 'm' {
				continue
			}
			if temp, mine, err := c.S.Cat.IsTempNamespace(r.Relnamespace); err != nil {
				return nil, err
			} else if temp && !mine {
				continue
			}
			ok, err := c.mayVacuum(r.Oid)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, vacuumTarget{oid: r.Oid})
			}
		}
		return out, nil
	}
	for _, v := range st.Rels {
		rel, err := c.S.Cat.OpenRelation(relName(v.Relation), locks.AccessShare, catalog.LockOpts{SkipLock: o.skipLocked})
		if err != nil {
			return nil, err
		}
		if rel == nil {
			c.S.Warn(pgerr.LockNotAvailable, "skipping %s of %q --- lock not available", word, v.Relation.Relname)
			continue
		}
		defer c.S.Cat.UnlockRelation(rel.Oid, locks.AccessShare)
		if ok, err := c.mayVacuum(rel.Oid); err != nil {
			return nil, err
		} else if !ok {
			who := "table or database owner"
			if rel.Shared {
				who = "superuser"
			} else if rel.Namespace == ids.PgCatalogNamespace {
				who = "superuser or database owner"
			}
			c.S.Warn("01000", "skipping %q --- only %s can %s it", rel.Name, who, word)
			continue
		}
		if rel.Kind != 'r' && rel.Kind != 'm' && rel.Kind != 'p' && (rel.Kind != 't' || !st.IsVacuumcmd) {
			c.S.Warn("01000", "skipping %q --- cannot %s non-tables or special system tables", rel.Name, word)
			continue
		}
		if _, err := c.analyzeColumns(rel, v.VaCols); err != nil {
			return nil, err
		}
		out = append(out, vacuumTarget{rel.Oid, v.VaCols, v.Relation.Relname})
		if rel.Kind == 'p' {
			parts, _, err := c.S.Cat.AllInheritors(rel.Oid, locks.NoLock)
			if err != nil {
				return nil, err
			}
			for _, oid := range parts[1:] {
				out = append(out, vacuumTarget{oid: oid, cols: v.VaCols})
			}
		}
	}
	return out, nil
}

// mayVacuum reports whether the user owns a table, or the database when the table is not shared.
func (c *Context) mayVacuum(oid ids.Oid) (bool, error) {
	rel, err := c.S.Cat.Relation(oid)
	if rel == nil || err != nil {
		return false, err
	}
	ok, err := c.S.Cat.HasPrivsOf(c.S.User, rel.Owner)
	if ok || err != nil || rel.Shared {
		return ok, err
	}
	db, err := c.S.Cat.DatabaseRow(c.S.DB)
	if db == nil || err != nil {
		return false, err
	}
	return c.S.Cat.HasPrivsOf(c.S.User, db.Datdba)
}

// vacuumLock locks a table for VACUUM or ANALYZE; false, with a warning for a table that the statement names, when it is gone, or
// when it is in use and such tables are to be skipped.
func (c *Context) vacuumLock(t vacuumTarget, word string, o *vacuumOptions) (bool, error) {
	mode := locks.ShareUpdateExclusive
	if o.full && word == "vacuum" {
		mode = locks.AccessExclusive
	}
	tag, missing := c.S.Cat.RelationTag(t.oid), ""
	// Who has the table may be about to wait for old snapshots: an index that is replaced concurrently. There must be none here while this waits for it.
	c.S.Tx.SetBystander(c.Auto != nil || word == "vacuum" && !o.full)
	c.S.Tx.ReleaseCatalogSnapshot()
	if o.skipLocked {
		ok, err := c.S.Owner.TryAcquire(tag, mode, false)
		if err != nil {
			return false, err
		}
		if !ok {
			missing = "lock not available"
		}
	} else if err := c.S.Owner.Acquire(tag, mode, locks.Opts{}); err != nil {
		return false, err
	}
	if missing == "" {
		r, err := c.S.Cat.Relation(t.oid)
		if r != nil || err != nil {
			return err == nil, err
		}
		c.S.Owner.Release(tag, mode, false)
		missing = "relation no longer exists"
	}
	if t.name != "" {
		code := pgerr.UndefinedTable
		if missing == "lock not available" {
			code = pgerr.LockNotAvailable
		}
		c.S.Warn(code, "skipping %s of \"%s\" --- %s", word, t.name, missing)
	}
	return false, nil
}

func (c *Context) vacuumOne(oid ids.Oid, o *vacuumOptions) error {
	if r, err := c.S.Cat.Relation(oid); err != nil || r == nil || r.Kind == 'p' {
		return err // the partitions are vacuumed
	}
	if o.full {
		return c.vacuumFull(oid, o)
	}
	rel, err := c.S.Cat.LockRelation(oid, locks.ShareUpdateExclusive)
	if rel == nil || err != nil || rel.Heap == nil {
		return err
	}
	if err := c.lazyVacuum(rel, o); err != nil || rel.Toast == 0 || !o.toast {
		return err
	}
	t, err := c.S.Cat.LockRelation(rel.Toast, locks.ShareUpdateExclusive)
	if t == nil || err != nil {
		return err
	}
	return c.lazyVacuum(t, o)
}

// holdIndexes locks the indexes of a table.
func (c *Context) holdIndexes(rel *catalog.Relation, mode locks.Mode) error {
	for _, ix := range rel.Indexes {
		if err := c.S.Cat.HoldRelation(ix.Oid, mode); err != nil {
			return err
		}
	}
	return nil
}

// vacuumFull copies a table's rows into new files.
func (c *Context) vacuumFull(oid ids.Oid, o *vacuumOptions) error {
	if isCatalog(oid) {
		if _, err := c.holdCatalog(oid); err != nil {
			return err
		}
	}
	rel, err := c.S.Cat.LockRelation(oid, locks.AccessExclusive)
	if rel == nil || err != nil || rel.Heap == nil {
		return err
	}
	a := &alteration{c: c, oid: oid, old: rel, persistence: rel.Persistence, frozen: true}
	return a.repack(o.verbose)
}
