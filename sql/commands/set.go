package commands

import (
	"strings"

	"gompho/catalog"
	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/types"
)

const textOid = 25

// listSettings are the settings whose value is a list; true where elements are identifiers that are quoted.
func listSetting(name string) (isList, quote bool) {
	switch strings.ToLower(name) {
	case "search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries", "local_preload_libraries",
		"unix_socket_directories":
		return true, true
	case "datestyle", "listen_addresses", "log_destination", "wal_consistency_checking", "synchronous_standby_names":
		return true, false
	}
	return false, false
}

// settingText joins the arguments of SET to one text; nil for DEFAULT.
func settingText(name string, args []ast.Node) (*string, error) {
	if len(args) == 0 {
		return nil, nil
	}
	isList, quote := listSetting(name)
	if len(args) > 1 && !isList {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "SET %s takes only one argument", name)
	}
	var b strings.Builder
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		word, isString, err := argText(name, a)
		if err != nil {
			return nil, err
		}
		if isString && quote {
			word = catalog.QuoteIdent(word)
		}
		b.WriteString(word)
	}
	s := b.String()
	return &s, nil
}

func argText(name string, a ast.Node) (text string, isString bool, err error) {
	if tc, ok := a.(*ast.TypeCast); ok {
		return intervalZone(tc)
	}
	k, ok := a.(*ast.AConst)
	if !ok {
		return "", false, pgerr.Internal("unrecognized argument of SET %s", name)
	}
	switch v := k.Val.(type) {
	case *ast.Integer:
		return itoa(int64(v.Ival)), false, nil
	case *ast.Float:
		return v.Fval, false, nil
	case *ast.Boolean:
		if v.Boolval {
			return "true", false, nil
		}
		return "false", false, nil
	case *ast.String:
		return v.Sval, true, nil
	}
	return "", false, pgerr.Internal("unrecognized argument of SET %s", name)
}

// intervalZone renders SET TIME ZONE INTERVAL '...': the setting's own syntax for an interval is INTERVAL and the literal.
func intervalZone(tc *ast.TypeCast) (string, bool, error) {
	if k, ok := tc.Arg.(*ast.AConst); ok {
		if s, ok := k.Val.(*ast.String); ok {
			return "INTERVAL '" + s.Sval + "'", false, nil
		}
	}
	return "", false, pgerr.New(pgerr.InvalidParameterValue, "invalid interval value for time zone")
}

// ofTransaction reports whether a setting stands for a mode of the transaction: it ends with the transaction, however it is set.
func ofTransaction(name string) bool {
	switch strings.ToLower(name) {
	case "transaction_isolation", "transaction_read_only", "transaction_deferrable":
		return true
	}
	return false
}

func setVariable(c *Context, st *ast.VariableSetStmt) (string, error) {
	tag := "SET"
	set := c.S.Settings
	local := st.IsLocal || ofTransaction(st.Name)
	switch st.Kind {
	case ast.VarSetMulti:
		return tag, setMulti(c, st)
	case ast.VarSetValue:
		if st.IsLocal && !c.InBlock {
			c.S.Warn(pgerr.NoActiveSqlTransaction, "SET LOCAL can only be used in transaction blocks")
		}
		text, err := settingText(st.Name, st.Args)
		if err != nil {
			return "", err
		}
		return tag, set.Set(st.Name, text, local)
	case ast.VarSetCurrent:
		d := set.Find(st.Name)
		if d == nil {
			text, ok := set.Lookup(st.Name)
			if !ok {
				return "", config.Unrecognized(st.Name)
			}
			return tag, set.Set(st.Name, &text, local)
		}
		text := set.At(d).Text
		return tag, set.Set(st.Name, &text, local)
	case ast.VarSetDefault, ast.VarReset:
		if st.Kind == ast.VarReset {
			tag = "RESET"
		} else if st.IsLocal && !c.InBlock {
			c.S.Warn(pgerr.NoActiveSqlTransaction, "SET LOCAL can only be used in transaction blocks")
		}
		if strings.EqualFold(st.Name, "transaction_isolation") && c.InBlock && st.Kind == ast.VarReset {
			return tag, pgerr.New(pgerr.ActiveSqlTransaction, "parameter %q cannot be reset", st.Name)
		}
		return tag, set.Set(st.Name, nil, local)
	case ast.VarResetAll:
		set.ResetAll()
		return "RESET", nil
	}
	return tag, nil
}

// setMulti is SET TRANSACTION, SET SESSION CHARACTERISTICS and SET TRANSACTION SNAPSHOT.
func setMulti(c *Context, st *ast.VariableSetStmt) error {
	prefix := ""
	switch st.Name {
	case "TRANSACTION":
		c.warnNoBlock()
	case "SESSION CHARACTERISTICS":
		prefix = "default_"
	case "TRANSACTION SNAPSHOT":
		return setSnapshot(c, st)
	default:
		return pgerr.Internal("unexpected SET MULTI element: %s", st.Name)
	}
	for _, a := range st.Args {
		d, ok := a.(*ast.DefElem)
		if !ok {
			return pgerr.Internal("unexpected SET MULTI argument")
		}
		text, _, err := argText(d.Defname, d.Arg)
		if err != nil {
			return err
		}
		if err := c.S.Settings.Set(prefix+d.Defname, &text, prefix == ""); err != nil {
			return err
		}
	}
	return nil
}

func setSnapshot(c *Context, st *ast.VariableSetStmt) error {
	if st.IsLocal {
		return pgerr.NotSupported("SET LOCAL TRANSACTION SNAPSHOT is not implemented")
	}
	if len(st.Args) != 1 {
		return pgerr.Internal("unexpected arguments of SET TRANSACTION SNAPSHOT")
	}
	c.warnNoBlock()
	id, _, err := argText(st.Name, st.Args[0])
	if err != nil {
		return err
	}
	return c.S.Tx.Import(id)
}

// warnNoBlock warns that SET TRANSACTION has no transaction to act on beyond its own.
func (c *Context) warnNoBlock() {
	if !c.InBlock {
		c.S.Warn(pgerr.NoActiveSqlTransaction, "SET TRANSACTION can only be used in transaction blocks")
	}
}

func showColumns(c *Context, st *ast.VariableShowStmt) []Column {
	if strings.EqualFold(st.Name, "all") {
		return []Column{{"name", textOid, -1}, {"setting", textOid, -1}, {"description", textOid, -1}}
	}
	name := st.Name
	if d := c.S.Settings.Find(name); d != nil {
		name = d.Name
	}
	return []Column{{name, textOid, -1}}
}

func show(c *Context, st *ast.VariableShowStmt) error {
	if strings.EqualFold(st.Name, "all") {
		return showAll(c)
	}
	v, ok := c.S.Settings.Lookup(st.Name)
	if !ok {
		return config.Unrecognized(st.Name)
	}
	if err := c.Out.Start(showColumns(c, st)); err != nil {
		return err
	}
	return c.Out.Row([]types.Datum{types.String(v)})
}

func showAll(c *Context) error {
	if err := c.Out.Start(showColumns(c, &ast.VariableShowStmt{Name: "all"})); err != nil {
		return err
	}
	for _, r := range c.S.Settings.Rows() {
		row := []types.Datum{types.String(r.Def.Name), types.String(r.Def.Show(r.Setting.Value)), types.String("")}
		if err := c.Out.Row(row); err != nil {
			return err
		}
	}
	return nil
}

func alterSystem(c *Context, st *ast.AlterSystemStmt) error {
	if err := c.requireTopLevel("ALTER SYSTEM"); err != nil {
		return err
	}
	if !c.S.Settings.Superuser {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied to set parameter %q", st.Setstmt.Name)
	}
	dir := c.S.Config.Dir
	if st.Setstmt.Kind == ast.VarResetAll {
		return config.AlterSystem(dir, "", nil)
	}
	d := c.S.Settings.Find(st.Setstmt.Name)
	if d == nil && !config.IsCustomName(st.Setstmt.Name) {
		return config.Unrecognized(st.Setstmt.Name)
	}
	if d != nil && d.Context == config.Internal {
		return pgerr.New(pgerr.CantChangeRuntimeParam, "parameter %q cannot be changed", d.Name)
	}
	var text *string
	if st.Setstmt.Kind == ast.VarSetValue {
		var err error
		if text, err = settingText(st.Setstmt.Name, st.Setstmt.Args); err != nil {
			return err
		}
		if d != nil {
			if _, err := d.Parse(*text); err != nil {
				return err
			}
		}
	}
	return config.AlterSystem(dir, strings.ToLower(st.Setstmt.Name), text)
}

func discard(c *Context, st *ast.DiscardStmt) (string, error) {
	h := c.Hooks
	if h == nil {
		h = &Hooks{}
	}
	call := func(f func()) {
		if f != nil {
			f()
		}
	}
	switch st.Target {
	case ast.DiscardPlans:
		call(h.DiscardPlans)
		return "DISCARD PLANS", nil
	case ast.DiscardSequences:
		discardSequences(c)
		return "DISCARD SEQUENCES", nil
	case ast.DiscardTemp:
		return "DISCARD TEMP", c.S.Cat.DropTempRelations()
	}
	if err := c.requireTopLevel("DISCARD ALL"); err != nil {
		return "", err
	}
	call(h.CloseAll)
	c.S.Settings.ResetAll()
	call(h.DeallocateAll)
	call(h.UnlistenAll)
	c.S.Owner.ReleaseAdvisory()
	call(h.DiscardPlans)
	if err := c.S.Cat.DropTempRelations(); err != nil {
		return "", err
	}
	discardSequences(c)
	return "DISCARD ALL", nil
}

func discardSequences(c *Context) {
	q := &c.S.Sequences
	q.Last, q.Cached, q.LastID = nil, nil, 0
}
