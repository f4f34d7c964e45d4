package commands

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/stats"
)

// databaseOptions are the options of CREATE and ALTER DATABASE by name.
func databaseOptions(list []*ast.DefElem, known ...string) (map[string]*ast.DefElem, error) {
	m := map[string]*ast.DefElem{}
	for _, o := range list {
		if m[o.Defname] != nil {
			return nil, pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").At(int(o.Location))
		}
		if !containsString(known, o.Defname) {
			return nil, pgerr.New(pgerr.SyntaxError, "option %q not recognized", o.Defname).At(int(o.Location))
		}
		m[o.Defname] = o
	}
	return m, nil
}

func databaseTag(oid ids.Oid) locks.Tag { return locks.ObjectTag(0, catalog.PgDatabaseOid, oid, 0) }

// createDatabase is CREATE DATABASE: a copy of a template's files and a row.
func createDatabase(c *Context, st *ast.CreatedbStmt) error {
	if err := c.requireTopLevel("CREATE DATABASE"); err != nil {
		return err
	}
	m, err := databaseOptions(st.Options, "tablespace", "owner", "template", "encoding", "locale", "lc_collate", "lc_ctype", "icu_locale",
		"locale_provider", "is_template", "allow_connections", "connection_limit", "collation_version", "location", "oid", "strategy")
	if err != nil {
		return err
	}
	cat := c.S.Cat
	row := &catalog.PgDatabase{Datname: st.Dbname, Datdba: c.S.User, Datallowconn: true, Datconnlimit: -1, Dattablespace: defaultTablespace}
	if o := m["owner"]; o != nil && o.Arg != nil {
		if row.Datdba, err = c.role(&ast.RoleSpec{Rolename: defString(o)}, false); err != nil {
			return err
		}
	}
	if err := c.mayCreateDatabase(row.Datdba); err != nil {
		return err
	}
	template := "template1"
	if o := m["template"]; o != nil && o.Arg != nil && defString(o) != "default" {
		template = defString(o)
	}
	src, err := c.lockDatabase(template, locks.Share)
	if err != nil {
		return err
	}
	if src == nil {
		return pgerr.New(pgerr.InvalidCatalogName, "template database %q does not exist", template)
	}
	if !src.Datistemplate {
		if ok, err := cat.HasPrivsOf(c.S.User, src.Datdba); err != nil {
			return err
		} else if !ok {
			return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to copy database %q", template)
		}
	}
	if err := c.databaseLocale(row, src, m, template); err != nil {
		return err
	}
	if err := databaseFlags(row, m); err != nil {
		return err
	}
	if o := m["tablespace"]; o != nil && o.Arg != nil && defString(o) != "pg_default" {
		if _, err := c.tablespace(defString(o)); err != nil {
			return err
		}
		return missing("TABLESPACE of a database")
	}
	if old, err := cat.DatabaseByName(st.Dbname); err != nil {
		return err
	} else if old != nil {
		return pgerr.New(pgerr.DuplicateDatabase, "database %q already exists", st.Dbname)
	}
	if c.wouldDatabase(CopiesFiles, src.Oid) {
		return nil
	}
	if err := c.databaseUnused(src.Oid, func(n int) *pgerr.Error {
		return pgerr.New(pgerr.ObjectInUse, "source database %q is being accessed by other users", template)
	}); err != nil {
		return err
	}
	return c.insertDatabase(row, src, m["oid"])
}

func (c *Context) insertDatabase(row, src *catalog.PgDatabase, oid *ast.DefElem) error {
	cat := c.S.Cat
	var err error
	if oid != nil {
		n, err := defInt(oid)
		if err != nil {
			return err
		}
		row.Oid = ids.Oid(n)
	} else if row.Oid, err = cat.NewObjectOid(catalog.PgDatabaseOid); err != nil {
		return err
	}
	row.Datfrozenxid, row.Datminmxid = src.Datfrozenxid, src.Datminmxid
	if err := cat.Insert(row); err != nil {
		return err
	}
	if err := cat.RecordOwner(catalog.Object{Class: catalog.PgDatabaseOid, Oid: row.Oid}, row.Datdba); err != nil {
		return err
	}
	if err := c.copySharedDependencies(src.Oid, row.Oid); err != nil {
		return err
	}
	if err := c.step(); err != nil {
		return err
	}
	return c.S.Ops.CreateDatabase(c.S.Slot, src.Oid, row.Oid)
}

// copySharedDependencies gives the objects in a copied database the dependencies on roles that their originals have.
func (c *Context) copySharedDependencies(src, dst ids.Oid) error {
	rows, err := catalog.FetchAll[catalog.PgShdepend](c.S.Cat, catalog.PgShdependDependerIndex,
		catalog.OidKey(catalog.AttPgShdependDbid, src))
	if err != nil {
		return err
	}
	for _, r := range rows {
		n := *r
		n.Dbid = dst
		if err := c.S.Cat.Insert(&n); err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) mayCreateDatabase(owner ids.Oid) error {
	super, err := c.S.Cat.IsSuperuser(c.S.User)
	if err != nil || super {
		return err
	}
	r, err := c.S.Cat.Role(c.S.User)
	if err != nil {
		return err
	}
	if r == nil || !r.Rolcreatedb {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to create database")
	}
	ok, err := c.S.Cat.IsMemberOf(c.S.User, owner)
	if err == nil && !ok {
		err = pgerr.New(pgerr.InsufficientPrivilege, "must be member of role %q", c.roleName(owner))
	}
	return err
}

// databaseLocale checks encoding and locale: there is one of each.
func (c *Context) databaseLocale(row, src *catalog.PgDatabase, m map[string]*ast.DefElem, template string) error {
	row.Encoding, row.Datcollate, row.Datctype, row.Datlocprovider = src.Encoding, src.Datcollate, src.Datctype, src.Datlocprovider
	if o := m["encoding"]; o != nil && o.Arg != nil {
		name := defString(o)
		if n, ok := o.Arg.(*ast.Integer); ok && n.Ival != 6 && n.Ival != -1 {
			return pgerr.New(pgerr.UndefinedObject, "%d is not a valid encoding code", n.Ival).At(int(o.Location))
		} else if !ok {
			switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name)) {
			case "utf8", "unicode", "default":
			case "sqlascii", "latin1", "iso88591", "latin2", "latin9", "win1252", "win1251", "euc_jp", "sjis":
				return pgerr.New(pgerr.InvalidParameterValue, "encoding %q does not match locale %q", strings.ToUpper(name), src.Datctype).
					WithDetail("The chosen LC_CTYPE setting requires encoding \"UTF8\".")
			default:
				return pgerr.New(pgerr.UndefinedObject, "%s is not a valid encoding name", name).At(int(o.Location))
			}
		}
	}
	for _, key := range []string{"locale", "lc_collate", "lc_ctype"} {
		o := m[key]
		if o == nil || o.Arg == nil {
			continue
		}
		v := defString(o)
		switch v {
		case "C", "POSIX", "C.UTF-8", "C.utf8", src.Datcollate:
		default:
			return pgerr.New(pgerr.WrongObjectType, "invalid locale name: %q", v)
		}
		if key != "lc_ctype" {
			row.Datcollate = v
		}
		if key != "lc_collate" {
			row.Datctype = v
		}
	}
	if o := m["locale_provider"]; o != nil && o.Arg != nil && !strings.EqualFold(defString(o), "libc") {
		if strings.EqualFold(defString(o), "icu") {
			return pgerr.NotSupported("ICU is not supported in this build")
		}
		return pgerr.New(pgerr.InvalidObjectDefinition, "unrecognized locale provider: %s", defString(o))
	}
	_ = template
	return nil
}

// databaseFlags applies IS_TEMPLATE, ALLOW_CONNECTIONS and CONNECTION LIMIT.
func databaseFlags(row *catalog.PgDatabase, m map[string]*ast.DefElem) error {
	var err error
	if o := m["is_template"]; o != nil && o.Arg != nil {
		if row.Datistemplate, err = defBool(o); err != nil {
			return err
		}
	}
	if o := m["allow_connections"]; o != nil && o.Arg != nil {
		if row.Datallowconn, err = defBool(o); err != nil {
			return err
		}
	}
	if o := m["connection_limit"]; o != nil && o.Arg != nil {
		n, err := defInt(o)
		if err != nil {
			return err
		}
		if n < -1 {
			return pgerr.New(pgerr.InvalidParameterValue, "invalid connection limit: %d", n)
		}
		row.Datconnlimit = int32(n)
	}
	return nil
}

// lockDatabase finds a database and locks it, looking again when it was renamed or dropped meanwhile.
func (c *Context) lockDatabase(name string, mode locks.Mode) (*catalog.PgDatabase, error) {
	for {
		d, err := catalog.Fetch[catalog.PgDatabase](c.S.Cat, catalog.PgDatabaseDatnameIndex, catalog.NameKey(catalog.AttPgDatabaseDatname, name))
		if d == nil || err != nil {
			return nil, err
		}
		if err := c.S.Owner.Acquire(databaseTag(d.Oid), mode, locks.Opts{}); err != nil {
			return nil, err
		}
		again, err := catalog.Fetch[catalog.PgDatabase](c.S.Cat, catalog.PgDatabaseDatnameIndex, catalog.NameKey(catalog.AttPgDatabaseDatname, name))
		if err != nil {
			return nil, err
		}
		if again != nil && again.Oid == d.Oid {
			return again, nil
		}
		c.S.Owner.Release(databaseTag(d.Oid), mode, false)
	}
}

// othersIn lists the other sessions of a database.
func (c *Context) othersIn(db ids.Oid) []*stats.Slot {
	var out []*stats.Slot
	for _, s := range c.S.Procs.All() {
		if s == c.S.Slot {
			continue
		}
		a := s.Activity.Snapshot()
		if a.DB == db && db != 0 {
			out = append(out, s)
		}
	}
	return out
}

func (c *Context) databaseUnused(db ids.Oid, make func(n int) *pgerr.Error) error {
	if c.Rehearsal != nil {
		return nil
	}
	// Sessions that are about to end get some time for it.
	if err := c.awaitGone(db); err != nil {
		return err
	}
	n, prepared := len(c.othersIn(db)), c.preparedIn(db)
	switch {
	case n == 0 && prepared == 0:
		return nil
	case n > 0 && prepared > 0:
		return make(n).WithDetail("There are %d other session(s) and %d prepared transaction(s) using the database.", n, prepared)
	case prepared > 0:
		return preparedDetail(make(n), prepared)
	case n == 1:
		return make(n).WithDetail("There is 1 other session using the database.")
	}
	return make(n).WithDetail("There are %d other sessions using the database.", n)
}

// preparedIn counts the prepared transactions of a database.
func (c *Context) preparedIn(db ids.Oid) (n int) {
	for _, p := range c.S.Tx.Manager().Prepared() {
		if p.DB == db {
			n++
		}
	}
	return n
}

func preparedDetail(e *pgerr.Error, n int) *pgerr.Error {
	if n == 1 {
		return e.WithDetail("There is 1 prepared transaction using the database.")
	}
	return e.WithDetail("There are %d prepared transactions using the database.", n)
}

// dropDatabase is DROP DATABASE.
func dropDatabase(c *Context, st *ast.DropdbStmt) error {
	if err := c.requireTopLevel("DROP DATABASE"); err != nil {
		return err
	}
	force := false
	for _, o := range st.Options {
		if o.Defname != "force" {
			return pgerr.New(pgerr.SyntaxError, "unrecognized DROP DATABASE option %q", o.Defname).At(int(o.Location))
		}
		force = true
	}
	d, err := c.lockDatabase(st.Dbname, locks.AccessExclusive)
	if err != nil {
		return err
	}
	if d == nil {
		if st.MissingOk {
			c.skipNotice(pgerr.SuccessfulCompletion, "database %q does not exist, skipping", st.Dbname)
			return nil
		}
		return pgerr.New(pgerr.InvalidCatalogName, "database %q does not exist", st.Dbname)
	}
	if err := c.mayDropDatabase(d); err != nil {
		return err
	}
	if c.wouldDatabase(RemovesAll, d.Oid) {
		return nil
	}
	if force {
		if n := c.preparedIn(d.Oid); n > 0 {
			return preparedDetail(pgerr.New(pgerr.ObjectInUse, "database %q is being used by prepared transactions", st.Dbname), n)
		}
		for _, s := range c.othersIn(d.Oid) {
			if c.S.Ops.Signal != nil {
				c.S.Ops.Signal(s.PID, stats.Terminate)
			}
		}
	}
	if err := c.databaseUnused(d.Oid, func(n int) *pgerr.Error {
		return pgerr.New(pgerr.ObjectInUse, "database %q is being accessed by other users", st.Dbname)
	}); err != nil {
		return err
	}
	return c.removeDatabase(d)
}

func (c *Context) mayDropDatabase(d *catalog.PgDatabase) error {
	ok, err := c.S.Cat.HasPrivsOf(c.S.User, d.Datdba)
	switch {
	case err != nil:
		return err
	case !ok:
		return pgerr.New(pgerr.InsufficientPrivilege, "must be owner of database %s", d.Datname)
	case d.Oid == c.S.DB:
		return pgerr.New(pgerr.ObjectInUse, "cannot drop the currently open database")
	case d.Datistemplate:
		return pgerr.New(pgerr.WrongObjectType, "cannot drop a template database")
	}
	return nil
}

func (c *Context) removeDatabase(d *catalog.PgDatabase) error {
	cat := c.S.Cat
	me := catalog.Object{Class: catalog.PgDatabaseOid, Oid: d.Oid}
	if err := cat.DeleteComments(me); err != nil {
		return err
	}
	if err := c.dropSettings(d.Oid, 0, true); err != nil {
		return err
	}
	deps, err := catalog.FetchAll[catalog.PgShdepend](cat, catalog.PgShdependDependerIndex, catalog.OidKey(catalog.AttPgShdependDbid, d.Oid))
	if err != nil {
		return err
	}
	own, err := catalog.FetchAll[catalog.PgShdepend](cat, catalog.PgShdependDependerIndex, catalog.OidKey(catalog.AttPgShdependDbid, 0),
		catalog.OidKey(catalog.AttPgShdependClassid, catalog.PgDatabaseOid), catalog.OidKey(catalog.AttPgShdependObjid, d.Oid))
	if err != nil {
		return err
	}
	for _, r := range append(deps, own...) {
		if err := cat.Delete(r); err != nil {
			return err
		}
	}
	if err := cat.Delete(d); err != nil {
		return err
	}
	// The files go when the database is gone for good: if the server dies before they have, the next start removes them. The other way round it
	// would find a database without files. Nobody gets in meanwhile.
	if err := c.S.Owner.Acquire(databaseTag(d.Oid), locks.AccessExclusive, locks.Opts{Session: true}); err != nil {
		return err
	}
	defer c.S.Owner.Release(databaseTag(d.Oid), locks.AccessExclusive, true)
	if err := c.nextTransaction(); err != nil {
		return err
	}
	if err := c.S.Ops.DropDatabase(c.S.Slot, d.Oid); err != nil {
		return err
	}
	cat.Catalog().ForgetDatabase(d.Oid)
	return nil
}

// alterDatabase is ALTER DATABASE with options.
func alterDatabase(c *Context, st *ast.AlterDatabaseStmt) error {
	m, err := databaseOptions(st.Options, "is_template", "allow_connections", "connection_limit", "tablespace")
	if err != nil {
		return err
	}
	if o := m["tablespace"]; o != nil {
		if _, err := c.tablespace(defString(o)); err != nil {
			return err
		}
		return missing("ALTER DATABASE SET TABLESPACE")
	}
	d, err := c.ownedDatabase(st.Dbname)
	if err != nil {
		return err
	}
	if o := m["allow_connections"]; o != nil && d.Oid == c.S.DB {
		if on, err := defBool(o); err != nil {
			return err
		} else if !on {
			return pgerr.New(pgerr.InvalidParameterValue, "cannot disallow connections for current database")
		}
	}
	if err := databaseFlags(d, m); err != nil {
		return err
	}
	return c.S.Cat.Update(d)
}

func (c *Context) ownedDatabase(name string) (*catalog.PgDatabase, error) {
	d, err := catalog.Fetch[catalog.PgDatabase](c.S.Cat, catalog.PgDatabaseDatnameIndex, catalog.NameKey(catalog.AttPgDatabaseDatname, name))
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, pgerr.New(pgerr.InvalidCatalogName, "database %q does not exist", name)
	}
	ok, err := c.S.Cat.HasPrivsOf(c.S.User, d.Datdba)
	if err == nil && !ok {
		err = pgerr.New(pgerr.InsufficientPrivilege, "must be owner of database %s", name)
	}
	return d, err
}

// renameDatabase is ALTER DATABASE ... RENAME.
func (c *Context) renameDatabase(old, name string) error {
	d, err := c.lockDatabase(old, locks.AccessExclusive)
	if err != nil {
		return err
	}
	if d == nil {
		return pgerr.New(pgerr.InvalidCatalogName, "database %q does not exist", old)
	}
	if ok, err := c.S.Cat.HasPrivsOf(c.S.User, d.Datdba); err != nil {
		return err
	} else if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be owner of database %s", old)
	}
	if err := c.mayCreateDatabase(c.S.User); err != nil {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to rename database")
	}
	if x, err := c.S.Cat.DatabaseByName(name); err != nil {
		return err
	} else if x != nil {
		return pgerr.New(pgerr.DuplicateDatabase, "database %q already exists", name)
	}
	if d.Oid == c.S.DB {
		return pgerr.NotSupported("current database cannot be renamed")
	}
	if err := c.databaseUnused(d.Oid, func(n int) *pgerr.Error {
		return pgerr.New(pgerr.ObjectInUse, "database %q is being accessed by other users", old)
	}); err != nil {
		return err
	}
	d.Datname = name
	return c.S.Cat.Update(d)
}
