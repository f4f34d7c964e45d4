package deparse

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"
)

// decodeExpr decodes the stored text of an expression.
func decodeExpr(text *string) (query.Expr, error) {
	if text == nil {
		return nil, nil
	}
	return query.DecodeExpr(*text)
}

// functionParam is one parameter as declared.
type functionParam struct {
	name string
	typ  ids.Oid
	mode byte
}

func paramsOf(f *catalog.Proc) []functionParam {
	typs := f.Proargtypes
	if f.Proallargtypes != nil {
		typs = f.Proallargtypes
	}
	out := make([]functionParam, len(typs))
	for i, t := range typs {
		out[i] = functionParam{typ: t, mode: 'i'}
		if i < len(f.Proargnames) {
			out[i].name = f.Proargnames[i]
		}
		if i < len(f.Proargmodes) {
			out[i].mode = f.Proargmodes[i]
		}
	}
	return out
}

func (f functionParam) isInput() bool { return f.mode == 'i' || f.mode == 'b' || f.mode == 'v' }

// arguments prints the parameters of a function: those of its result table, or the others. The answer is how many.
func (p *printer) arguments(f *catalog.Proc, table, defaults bool) int {
	params := paramsOf(f)
	orderBy := -1
	if f.Prokind == 'a' {
		if a := must(p.cat.Aggregate(f.Oid)); a != nil && (a.Aggkind == 'o' || a.Aggkind == 'h') {
			orderBy = int(a.Aggnumdirectargs)
		}
	}
	var defs []string
	if defaults {
		defs = p.defaults(f)
	}
	lacking := len(f.Proargtypes) - len(defs)
	printed, inputs := 0, 0
	for i := 0; i < len(params); i++ {
		a := params[i]
		if a.isInput() {
			inputs++
		}
		if table != (a.mode == 't') {
			continue
		}
		switch {
		case printed == orderBy:
			if printed > 0 {
				p.str(" ")
			}
			p.str("ORDER BY ")
		case printed > 0:
			p.str(", ")
		}
		p.argument(f, a)
		if a.isInput() && defs != nil && inputs > lacking {
			p.str(" DEFAULT " + defs[inputs-lacking-1])
		}
		printed++
		if printed == orderBy && i == len(params)-1 {
			i--
			defs = nil
		}
	}
	return printed
}

func (p *printer) argument(f *catalog.Proc, a functionParam) {
	switch a.mode {
	case 'i':
		if f.Prokind == 'p' {
			p.str("IN ")
		}
	case 'b':
		p.str("INOUT ")
	case 'o':
		p.str("OUT ")
	case 'v':
		p.str("VARIADIC ")
	}
	if a.name != "" {
		p.ident(a.name)
		p.str(" ")
	}
	p.str(p.cat.TypeName(a.typ))
}

// defaults returns the texts of a function's default arguments.
func (p *printer) defaults(f *catalog.Proc) []string {
	if f.Proargdefaults == nil || !strings.HasPrefix(*f.Proargdefaults, "{") {
		return f.DefaultSQL
	}
	var out []string
	for _, e := range must(query.DecodeExprs(*f.Proargdefaults)) {
		out = append(out, exprText(p.cat, p.env, e, nil, 0))
	}
	return out
}

// resultType prints what a function returns.
func (p *printer) resultType(f *catalog.Proc) {
	for _, a := range paramsOf(f) {
		if a.mode == 't' {
			p.str("TABLE(")
			p.arguments(f, true, false)
			p.str(")")
			return
		}
	}
	if f.Proretset {
		p.str("SETOF ")
	}
	p.str(p.cat.TypeName(f.Prorettype))
}

// FunctionArguments returns a function's parameter list; identity leaves out what does not identify the function.
func FunctionArguments(cat *catalog.Session, env types.Env, oid ids.Oid, identity bool) (s string, ok bool, err error) {
	defer catch(&err)
	f := must(cat.Proc(oid))
	if f == nil {
		return "", false, nil
	}
	p := newPrinter(cat, env, 0)
	p.arguments(f, false, !identity)
	return p.buf.String(), true, nil
}

// functionDef prints CREATE OR REPLACE FUNCTION.
func (p *printer) functionDef(f *catalog.Proc) {
	kind := "FUNCTION"
	if f.Prokind == 'p' {
		kind = "PROCEDURE"
	}
	p.str("CREATE OR REPLACE " + kind + " " + catalog.QuoteQualified(p.namespace(f.Pronamespace), f.Proname) + "(")
	p.arguments(f, false, true)
	p.str(")\n")
	if f.Prokind != 'p' {
		p.str(" RETURNS ")
		p.resultType(f)
		p.str("\n")
	}
	if l := must(p.cat.Language(f.Prolang)); l != nil {
		p.str(" LANGUAGE ")
		p.ident(l.Lanname)
		p.str("\n")
	}
	p.functionProperties(f)
	for _, c := range f.Proconfig {
		name, value, _ := strings.Cut(c, "=")
		p.str(" SET ")
		p.ident(name)
		p.str(" TO ")
		p.literal(value)
		p.str("\n")
	}
	p.str("AS ")
	if f.Probin != nil && *f.Probin != "" {
		p.literal(*f.Probin)
		p.str(", ")
	}
	tag := "$function$"
	if f.Prokind == 'p' {
		tag = "$procedure$"
	}
	for strings.Contains(f.Prosrc, tag) {
		tag = tag[:len(tag)-1] + "x$"
	}
	p.str(tag + f.Prosrc + tag + "\n")
}

func (p *printer) functionProperties(f *catalog.Proc) {
	var words []string
	add := func(cond bool, w string) {
		if cond {
			words = append(words, w)
		}
	}
	add(f.Prokind == 'w', "WINDOW")
	add(f.Provolatile == 'i', "IMMUTABLE")
	add(f.Provolatile == 's', "STABLE")
	add(f.Proparallel == 's', "PARALLEL SAFE")
	add(f.Proparallel == 'r', "PARALLEL RESTRICTED")
	add(f.Proisstrict, "STRICT")
	add(f.Prosecdef, "SECURITY DEFINER")
	add(f.Proleakproof, "LEAKPROOF")
	cost := float32(100)
	if f.Prolang == 12 || f.Prolang == 13 {
		cost = 1
	}
	if f.Procost != cost {
		words = append(words, "COST "+formatFloat(f.Procost))
	}
	if f.Prorows > 0 && f.Prorows != 1000 {
		words = append(words, "ROWS "+formatFloat(f.Prorows))
	}
	if len(words) > 0 {
		p.str(" " + strings.Join(words, " ") + "\n")
	}
}
