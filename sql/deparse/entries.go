package deparse

import (
	"strconv"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// Env is a functions.Env that knows the session's catalogs.
type Env interface {
	functions.Env
	Catalogs() *catalog.Session
}

func formatFloat(f float32) string { return strconv.FormatFloat(float64(f), 'g', -1, 32) }

// fn is a function of this package; ok false is NULL.
type fn func(cat *catalog.Session, c *functions.Call) (s string, ok bool)

func entry(name string, f fn) functions.Entry {
	return functions.Entry{Name: name, Scalar: func(c *functions.Call) (d types.Datum, err error) {
		defer catch(&err)
		env, ok := c.Env.(Env)
		if !ok {
			return types.Null, pgerr.Internal("function %s called without catalogs", name)
		}
		s, ok := f(env.Catalogs(), c)
		if !ok {
			return types.Null, nil
		}
		return types.String(s), nil
	}}
}

func notSupported(name string) functions.Entry {
	return functions.Entry{Name: name, Scalar: func(*functions.Call) (types.Datum, error) {
		return types.Null, pgerr.NotSupported("function %s is not supported", name)
	}}
}

func present(s string) (string, bool) { return s, s != "" }

// Entries returns the functions that show definitions, by pg_proc.prosrc.
func Entries() []functions.Entry {
	return append(append(viewEntries(), definitionEntries()...), functionEntries()...)
}

func viewEntries() []functions.Entry {
	byOid := func(f func(c *functions.Call) (flags, int)) fn {
		return func(cat *catalog.Session, c *functions.Call) (string, bool) {
			fl, wrap := f(c)
			return viewDef(cat, c.Env, c.Args[0].Oid(), fl, wrap)
		}
	}
	byName := func(f func(c *functions.Call) flags) fn {
		return func(cat *catalog.Session, c *functions.Call) (string, bool) {
			oid := must(cat.LookupName(types.RegClass, c.Args[0].Str()))
			return viewDef(cat, c.Env, oid, f(c), 0)
		}
	}
	plain := func(*functions.Call) flags { return prettyIndent }
	given := func(c *functions.Call) flags { return prettyFlags(c.Args[1].Bool()) }
	return []functions.Entry{
		entry("pg_get_viewdef", byOid(func(c *functions.Call) (flags, int) { return prettyIndent, 0 })),
		entry("pg_get_viewdef_ext", byOid(func(c *functions.Call) (flags, int) { return given(c), 0 })),
		entry("pg_get_viewdef_wrap", byOid(func(c *functions.Call) (flags, int) { return allPretty, int(c.Args[1].Int()) })),
		entry("pg_get_viewdef_name", byName(plain)),
		entry("pg_get_viewdef_name_ext", byName(given)),
		entry("pg_get_ruledef", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			return ruleDef(cat, c.Env, c.Args[0].Oid(), prettyIndent)
		}),
		entry("pg_get_ruledef_ext", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			return ruleDef(cat, c.Env, c.Args[0].Oid(), given(c))
		}),
	}
}

func viewDef(cat *catalog.Session, env types.Env, oid ids.Oid, f flags, wrap int) (string, bool) {
	rel := must(cat.Relation(oid))
	if rel == nil || len(rel.Rules) == 0 {
		return "", false
	}
	q := must(rel.ViewQuery())
	if q == nil {
		return "Not a view", true
	}
	return viewText(cat, env, q, columnNames(rel), f, wrap) + ";", true
}

func columnNames(rel *catalog.Relation) []string {
	var out []string
	for i := range rel.Desc.Attrs {
		out = append(out, rel.Desc.Attrs[i].Name)
	}
	return out
}

func ruleDef(cat *catalog.Session, env types.Env, oid ids.Oid, f flags) (string, bool) {
	rule := must(catalog.Fetch[catalog.PgRewrite](cat, catalog.PgRewriteOidIndex, catalog.OidKey(catalog.AttPgRewriteOid, oid)))
	if rule == nil {
		return "", false
	}
	rel := must(cat.Relation(rule.EvClass))
	q := must(rel.ViewQuery())
	if q == nil {
		panic(bailout{pgerr.NotSupported("rules other than views are not supported")})
	}
	p := newPrinter(cat, env, f)
	p.str("CREATE RULE ")
	p.ident(rule.Rulename)
	p.str(" AS")
	if p.pretty() {
		p.str("\n    ON ")
	} else {
		p.str(" ON ")
	}
	p.str("SELECT TO ")
	if f&prettySchema != 0 {
		p.str(p.relationName(rel.Oid))
	} else {
		p.str(p.qualifiedRelation(rel))
	}
	p.str(" DO INSTEAD ")
	return p.buf.String() + viewText(cat, env, q, columnNames(rel), f, 0) + ";", true
}

func definitionEntries() []functions.Entry {
	return []functions.Entry{
		entry("pg_get_indexdef", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			return present(indexDef(cat, c.Env, c.Args[0].Oid(), 0, prettyIndent, false))
		}),
		entry("pg_get_indexdef_ext", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			oid := c.Args[0].Oid()
			if r := must(cat.Relation(oid)); r == nil || r.Index == nil {
				return "", false
			}
			return indexDef(cat, c.Env, oid, int(c.Args[1].Int()), prettyFlags(c.Args[2].Bool()), false), true
		}),
		entry("pg_get_constraintdef", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			return present(constraintDef(cat, c.Env, c.Args[0].Oid(), prettyIndent))
		}),
		entry("pg_get_constraintdef_ext", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			return present(constraintDef(cat, c.Env, c.Args[0].Oid(), prettyFlags(c.Args[1].Bool())))
		}),
		entry("pg_get_expr", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			return storedExpr(cat, c.Env, c.Args[0].Str(), c.Args[1].Oid(), prettyIndent)
		}),
		entry("pg_get_expr_ext", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			return storedExpr(cat, c.Env, c.Args[0].Str(), c.Args[1].Oid(), prettyFlags(c.Args[2].Bool()))
		}),
		entry("pg_get_partkeydef", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			return partKeyDef(cat, c.Env, c.Args[0].Oid())
		}),
		entry("pg_get_partition_constraintdef", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			return partConstraintDef(cat, c.Env, c.Args[0].Oid())
		}),
		notSupported("pg_get_triggerdef"), notSupported("pg_get_triggerdef_ext"),
		notSupported("pg_get_statisticsobjdef"), notSupported("pg_get_statisticsobjdef_columns"),
		notSupported("pg_get_statisticsobjdef_expressions"),
	}
}

func storedExpr(cat *catalog.Session, env types.Env, text string, relid ids.Oid, f flags) (string, bool) {
	var rel *catalog.Relation
	if relid != 0 {
		if rel = must(cat.Relation(relid)); rel == nil {
			return "", false
		}
	}
	n := must(query.Decode(text))
	switch x := n.(type) {
	case *query.PartitionBound:
		p := newPrinter(cat, env, f)
		p.bound(x)
		return p.buf.String(), true
	case query.Expr, *query.List:
	default:
		panic(bailout{pgerr.New(pgerr.InvalidParameterValue, "input is a query, not an expression")})
	}
	if query.Find(n, func(n query.Node, level int) bool {
		v, ok := n.(*query.Var)
		return ok && (rel == nil || v.Varlevelsup != level || v.Varno != 1)
	}) {
		panic(bailout{pgerr.New(pgerr.InvalidParameterValue, "expression contains variables of more than one relation")})
	}
	return exprText(cat, env, n, rel, f), true
}

func functionEntries() []functions.Entry {
	with := func(f func(p *printer, proc *catalog.Proc) bool) fn {
		return func(cat *catalog.Session, c *functions.Call) (string, bool) {
			proc := must(cat.Proc(c.Args[0].Oid()))
			if proc == nil {
				return "", false
			}
			p := newPrinter(cat, c.Env, 0)
			ok := f(p, proc)
			return p.buf.String(), ok
		}
	}
	return []functions.Entry{
		entry("pg_get_function_arguments", with(func(p *printer, f *catalog.Proc) bool {
			p.arguments(f, false, true)
			return true
		})),
		entry("pg_get_function_identity_arguments", with(func(p *printer, f *catalog.Proc) bool {
			p.arguments(f, false, false)
			return true
		})),
		entry("pg_get_function_result", with(func(p *printer, f *catalog.Proc) bool {
			if f.Prokind == 'p' {
				return false
			}
			p.resultType(f)
			return true
		})),
		entry("pg_get_functiondef", with(func(p *printer, f *catalog.Proc) bool {
			if f.Prokind == 'a' {
				panic(bailout{pgerr.New(pgerr.WrongObjectType, "\"%s\" is an aggregate function", f.Proname)})
			}
			p.functionDef(f)
			return true
		})),
		entry("pg_get_function_sqlbody", with(func(_ *printer, f *catalog.Proc) bool {
			if f.Prosqlbody != nil {
				panic(bailout{pgerr.NotSupported("function pg_get_function_sqlbody is not supported")})
			}
			return false
		})),
		entry("pg_get_function_arg_default", func(cat *catalog.Session, c *functions.Call) (string, bool) {
			proc := must(cat.Proc(c.Args[0].Oid()))
			if proc == nil {
				return "", false
			}
			return newPrinter(cat, c.Env, 0).argDefault(proc, int(c.Args[1].Int()))
		}),
	}
}

// argDefault is the default of the parameter number n among all parameters.
func (p *printer) argDefault(f *catalog.Proc, n int) (string, bool) {
	params := paramsOf(f)
	if n < 1 || n > len(params) || !params[n-1].isInput() {
		return "", false
	}
	inputs := 0
	for _, a := range params[:n] {
		if a.isInput() {
			inputs++
		}
	}
	defs := p.defaults(f)
	if k := inputs - 1 - (len(f.Proargtypes) - len(defs)); k >= 0 && k < len(defs) {
		return defs[k], true
	}
	return "", false
}
