package commands

import (
	"strings"
	"time"

	"gompho/catalog"
	"gompho/config"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/stats"
)

// alterRoleSet is ALTER ROLE ... SET.
func alterRoleSet(c *Context, st *ast.AlterRoleSetStmt) error {
	var role, db ids.Oid
	if st.Role != nil {
		oid, err := c.role(st.Role, false)
		if err != nil {
			return err
		}
		role = oid
		if err := c.mayAlterRoleSettings(role); err != nil {
			return err
		}
	}
	if st.Database != "" {
		d, err := c.S.Cat.DatabaseByName(st.Database)
		if err != nil {
			return err
		}
		if d == nil {
			return pgerr.New(pgerr.InvalidCatalogName, "database %q does not exist", st.Database)
		}
		db = d.Oid
		if err := c.S.Owner.Acquire(databaseTag(db), locks.AccessShare, locks.Opts{}); err != nil {
			return err
		}
		if st.Role == nil {
			if ok, err := c.S.Cat.HasPrivsOf(c.S.User, d.Datdba); err != nil {
				return err
			} else if !ok {
				return pgerr.New(pgerr.InsufficientPrivilege, "must be owner of database %s", d.Datname)
			}
		}
	}
	if st.Role == nil && st.Database == "" && !c.S.Settings.Superuser {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to alter settings globally")
	}
	return c.storeSetting(db, role, st.Setstmt)
}

func (c *Context) mayAlterRoleSettings(role ids.Oid) error {
	r, err := c.S.Cat.Role(role)
	if err != nil {
		return err
	}
	me, err := c.S.Cat.Role(c.S.User)
	if err != nil {
		return err
	}
	super, err := c.S.Cat.IsSuperuser(c.S.User)
	switch {
	case err != nil:
		return err
	case super:
		return nil
	case r.Rolsuper:
		return pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to alter superuser roles or change superuser attribute")
	case !me.Rolcreaterole && role != c.S.User:
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied")
	}
	return nil
}

// alterDatabaseSet is ALTER DATABASE ... SET.
func alterDatabaseSet(c *Context, st *ast.AlterDatabaseSetStmt) error {
	d, err := c.S.Cat.DatabaseByName(st.Dbname)
	if err != nil {
		return err
	}
	if d == nil {
		return pgerr.New(pgerr.InvalidCatalogName, "database %q does not exist", st.Dbname)
	}
	if ok, err := c.S.Cat.HasPrivsOf(c.S.User, d.Datdba); err != nil {
		return err
	} else if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "must be owner of database %s", st.Dbname)
	}
	return c.storeSetting(d.Oid, 0, st.Setstmt)
}

// storeSetting changes the settings stored for a database, a role or both.
func (c *Context) storeSetting(db, role ids.Oid, st *ast.VariableSetStmt) error {
	cat := c.S.Cat
	row, err := catalog.Fetch[catalog.PgDbRoleSetting](cat, catalog.PgDbRoleSettingDatabaseidRolIndex,
		catalog.OidKey(catalog.AttPgDbRoleSettingSetdatabase, db), catalog.OidKey(catalog.AttPgDbRoleSettingSetrole, role))
	if err != nil {
		return err
	}
	if st.Kind == ast.VarResetAll {
		if row == nil {
			return nil
		}
		return cat.Delete(row)
	}
	text, err := c.storedText(st)
	if err != nil {
		return err
	}
	var list []string
	if row != nil {
		list = row.Setconfig
	}
	list = withSetting(list, st.Name, text)
	switch {
	case row == nil && len(list) == 0:
		return nil
	case row == nil:
		return cat.Insert(&catalog.PgDbRoleSetting{Setdatabase: db, Setrole: role, Setconfig: list})
	case len(list) == 0:
		return cat.Delete(row)
	}
	row.Setconfig = list
	return cat.Update(row)
}

// storedText checks the value of a stored setting; nil removes it.
func (c *Context) storedText(st *ast.VariableSetStmt) (*string, error) {
	if st.Kind == ast.VarSetMulti {
		return nil, nil // SET TRANSACTION says nothing that could be stored
	}
	d := c.S.Settings.Find(st.Name)
	if d == nil && !config.IsCustomName(st.Name) {
		return nil, config.Unrecognized(st.Name)
	}
	if d != nil {
		switch d.Context {
		case config.Internal:
			return nil, pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed", d.Name)
		case config.Postmaster:
			return nil, pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed without restarting the server", d.Name)
		case config.Sighup:
			return nil, pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed now", d.Name)
		case config.Superuser, config.SuperuserBackend:
			if !c.S.Settings.Superuser {
				return nil, pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set parameter %q", d.Name)
			}
		}
	}
	switch st.Kind {
	case ast.VarSetValue:
		text, err := settingText(st.Name, st.Args)
		if err != nil || text == nil || d == nil {
			return text, err
		}
		_, err = d.Parse(*text)
		return text, err
	case ast.VarSetCurrent:
		if d != nil {
			text := c.S.Settings.At(d).Text
			return &text, nil
		}
		text, ok := c.S.Settings.Lookup(st.Name)
		if !ok {
			return nil, config.Unrecognized(st.Name)
		}
		return &text, nil
	}
	return nil, nil
}

// withSetting replaces, adds or (value nil) removes a setting in a list of name=value.
func withSetting(list []string, name string, value *string) []string {
	out := make([]string, 0, len(list)+1)
	done := false
	for _, s := range list {
		if k, _, _ := strings.Cut(s, "="); strings.EqualFold(k, name) {
			if value != nil {
				out = append(out, name+"="+*value)
			}
			done = true
			continue
		}
		out = append(out, s)
	}
	if !done && value != nil {
		out = append(out, name+"="+*value)
	}
	return out
}

// dropSettings removes the settings stored for a database (any role), or for a role (any database).
func (c *Context) dropSettings(db, role ids.Oid, byDB bool) error {
	rows, err := catalog.FetchAll[catalog.PgDbRoleSetting](c.S.Cat, 0)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if byDB && r.Setdatabase == db || !byDB && r.Setrole == role {
			if err := c.S.Cat.Delete(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitGone waits until terminated sessions have left a database.
func (c *Context) awaitGone(db ids.Oid) error {
	const most, step = 5 * time.Second, 10 * time.Millisecond
	for waited := time.Duration(0); waited < most && len(c.othersIn(db)) > 0; waited += step {
		for _, s := range c.othersIn(db) { // autovacuum comes back another time
			if s.Activity.Snapshot().BackendType == "autovacuum worker" {
				s.Interrupt(stats.Terminate)
			}
		}
		t := time.NewTimer(step)
		select {
		case <-t.C:
		case <-c.S.Slot.Wake():
			t.Stop()
			if err := c.S.Slot.CheckInterrupts(); err != nil {
				return err
			}
		}
	}
	return nil
}
