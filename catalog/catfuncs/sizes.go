package catfuncs

import (
	"fmt"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// forkBytes returns the size of one fork of a relation in bytes.
func forkBytes(c *functions.Call, r *catalog.Relation, fork ids.Fork) (int64, error) {
	env, ok := c.Env.(FileEnv)
	if !ok {
		return 0, pgerr.NotSupported("sizes of files are not known here")
	}
	if !r.HasStorage() {
		return 0, nil
	}
	n, err := env.RelationBlocks(r.File, fork)
	return int64(n) * ids.BlockSize, err
}

func allForks(c *functions.Call, r *catalog.Relation) (int64, error) {
	var total int64
	for fork := range ids.NumForks {
		n, err := forkBytes(c, r, fork)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// tableBytes is a table with its toast table, without its own indexes.
func tableBytes(s *catalog.Session, c *functions.Call, r *catalog.Relation) (int64, error) {
	total, err := allForks(c, r)
	if r.Toast == 0 || err != nil {
		return total, err
	}
	toast, err := s.Relation(r.Toast)
	if toast == nil || err != nil {
		return total, err
	}
	n, err := allForks(c, toast)
	if err != nil {
		return 0, err
	}
	m, err := indexBytes(s, c, toast)
	return total + n + m, err
}

func indexBytes(s *catalog.Session, c *functions.Call, r *catalog.Relation) (int64, error) {
	var total int64
	for _, ix := range r.Indexes {
		x, err := s.Relation(ix.Oid)
		if x == nil || err != nil {
			return 0, err
		}
		n, err := allForks(c, x)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func sizeFunctions() []functions.Entry {
	size := func(name string, f func(s *catalog.Session, c *functions.Call, r *catalog.Relation) (int64, error)) functions.Entry {
		return entry(name, func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Relation(oid(c, 0))
			if r == nil || err != nil {
				return null(err)
			}
			n, err := f(s, c, r)
			return types.Int(n), err
		})
	}
	return []functions.Entry{
		size("pg_relation_size(regclass)", func(_ *catalog.Session, c *functions.Call, r *catalog.Relation) (int64, error) {
			return forkBytes(c, r, ids.MainFork)
		}),
		size("pg_relation_size", func(_ *catalog.Session, c *functions.Call, r *catalog.Relation) (int64, error) {
			for fork := range ids.NumForks {
				if fork.String() == str(c, 1) {
					return forkBytes(c, r, fork)
				}
			}
			return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid fork name").
				WithHint("Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".")
		}),
		size("pg_table_size", tableBytes),
		size("pg_indexes_size", indexBytes),
		size("pg_total_relation_size", func(s *catalog.Session, c *functions.Call, r *catalog.Relation) (int64, error) {
			n, err := tableBytes(s, c, r)
			if err != nil {
				return 0, err
			}
			m, err := indexBytes(s, c, r)
			return n + m, err
		}),
		entry("pg_relation_filenode", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Relation(oid(c, 0))
			if r == nil || err != nil || !r.HasStorage() {
				return null(err)
			}
			return types.OidDatum(r.File.Rel), nil
		}),
		entry("pg_relation_filepath", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			r, err := s.Relation(oid(c, 0))
			if r == nil || err != nil || !r.HasStorage() {
				return null(err)
			}
			switch {
			case r.File.Spc == ids.GlobalTablespace:
				return text(fmt.Sprintf("global/%d", r.File.Rel)), nil
			case r.File.Spc == ids.DefaultTablespace:
				return text(fmt.Sprintf("base/%d/%d", r.File.DB, r.File.Rel)), nil
			}
			return text(fmt.Sprintf("pg_tblspc/%d/%d/%d", r.File.Spc, r.File.DB, r.File.Rel)), nil
		}),
		entry("pg_filenode_relation", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			spc := oid(c, 0)
			if spc == ids.DefaultTablespace {
				spc = 0
			}
			row, err := catalog.Fetch[catalog.PgClass](s, catalog.PgClassTblspcRelfilenodeIndex,
				catalog.OidKey(catalog.AttPgClassReltablespace, spc), catalog.OidKey(catalog.AttPgClassRelfilenode, oid(c, 1)))
			if row != nil || err != nil {
				if err != nil {
					return null(err)
				}
				return types.OidDatum(row.Oid), nil
			}
			r, err := s.Relation(oid(c, 1)) // a catalog's file has its Oid
			if r == nil || err != nil || r.File.Rel != oid(c, 1) {
				return null(err)
			}
			return types.OidDatum(r.Oid), nil
		}),
		entry("pg_tablespace_location", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			if o := oid(c, 0); o == 0 || o == ids.DefaultTablespace || o == ids.GlobalTablespace {
				return text(""), nil
			}
			return null(functions.NotThere("pg_tablespace_location"))
		}),
		entry("pg_tablespace_size_oid", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			t, err := s.Tablespace(oid(c, 0))
			if t == nil || err != nil {
				return null(err)
			}
			return tablespaceSize(c, t.Oid)
		}),
		entry("pg_tablespace_size_name", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			t, err := s.TablespaceByName(str(c, 0))
			if t == nil && err == nil {
				err = pgerr.New(pgerr.UndefinedObject, "tablespace \"%s\" does not exist", str(c, 0))
			}
			if err != nil {
				return null(err)
			}
			return tablespaceSize(c, t.Oid)
		}),
		entry("pg_database_size_oid", func(s *catalog.Session, c *functions.Call) (types.Datum, error) { return databaseSize(s, c, oid(c, 0)) }),
		entry("pg_database_size_name", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			d, err := s.DatabaseByName(str(c, 0))
			if d == nil && err == nil {
				err = pgerr.New(pgerr.UndefinedDatabase, "database \"%s\" does not exist", str(c, 0))
			}
			if err != nil {
				return null(err)
			}
			return databaseSize(s, c, d.Oid)
		}),
	}
}

// tablespaceSizer is an environment that can add up the files of a tablespace.
type tablespaceSizer interface {
	TablespaceBytes(spc ids.Oid) (int64, error)
}

func tablespaceSize(c *functions.Call, spc ids.Oid) (types.Datum, error) {
	env, ok := c.Env.(tablespaceSizer)
	if !ok {
		return null(functions.NotThere("pg_tablespace_size"))
	}
	n, err := env.TablespaceBytes(spc)
	return types.Int(n), err
}

// databaseSizer is an environment that can add up the files of a database.
type databaseSizer interface {
	DatabaseBytes(db ids.Oid) (int64, error)
}

func databaseSize(s *catalog.Session, c *functions.Call, db ids.Oid) (types.Datum, error) {
	d, err := s.DatabaseRow(db)
	if d == nil || err != nil {
		return null(err)
	}
	env, ok := c.Env.(databaseSizer)
	if !ok {
		return null(functions.NotThere("pg_database_size"))
	}
	n, err := env.DatabaseBytes(db)
	return types.Int(n), err
}
