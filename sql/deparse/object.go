package deparse

import (
	"gompho/catalog"
	"gompho/internal/ids"
)

func (p *printer) namespace(oid ids.Oid) string {
	if n := must(p.cat.Namespace(oid)); n != nil {
		return n.Nspname
	}
	return ""
}

// relationBareName is a relation's name alone.
func (p *printer) relationBareName(oid ids.Oid) string {
	if r := must(p.cat.Relation(oid)); r != nil {
		return r.Name
	}
	return ""
}

// relationName is a relation's name, qualified when the search path or a WITH query hides it.
func (p *printer) relationName(oid ids.Oid) string {
	r := must(p.cat.Relation(oid))
	if r == nil {
		return itoa(int(oid))
	}
	hidden := false
	for _, l := range p.levels {
		for _, c := range l.ctes {
			hidden = hidden || c.CTEName == r.Name
		}
	}
	if visible, _ := p.cat.RelationIsVisible(oid); visible && !hidden {
		return catalog.QuoteIdent(r.Name)
	}
	return p.qualifiedRelation(r)
}

func (p *printer) qualifiedRelation(r *catalog.Relation) string {
	return catalog.QuoteQualified(p.namespace(r.Namespace), r.Name)
}

func (p *printer) functionName(oid ids.Oid) string {
	f := must(p.cat.Proc(oid))
	if f == nil {
		return itoa(int(oid))
	}
	if p.inGroupBy && (f.Proname == "cube" || f.Proname == "rollup") {
		return catalog.QuoteQualified(p.namespace(f.Pronamespace), f.Proname)
	}
	for _, c := range must(p.cat.FuncCandidates("", f.Proname)) {
		if c.Oid == oid {
			return catalog.QuoteIdent(f.Proname)
		}
	}
	return catalog.QuoteQualified(p.namespace(f.Pronamespace), f.Proname)
}

func (p *printer) operatorName(oid ids.Oid) string {
	o := must(p.cat.Operator(oid))
	if o == nil {
		return "???"
	}
	for _, c := range must(p.cat.OperCandidates("", o.Oprname)) {
		if c.Oid == oid {
			return o.Oprname
		}
	}
	return "OPERATOR(" + catalog.QuoteIdent(p.namespace(o.Oprnamespace)) + "." + o.Oprname + ")"
}

func (p *printer) collationName(oid ids.Oid) string {
	c := must(p.cat.Collation(oid))
	if c == nil {
		return itoa(int(oid))
	}
	for _, ns := range must(p.cat.SearchPath(true)) {
		for _, x := range must(p.cat.Collations(c.Collname)) {
			if x.Collnamespace != ns {
				continue
			}
			if x.Oid == oid {
				return catalog.QuoteIdent(c.Collname)
			}
			return catalog.QuoteQualified(p.namespace(c.Collnamespace), c.Collname)
		}
	}
	return catalog.QuoteQualified(p.namespace(c.Collnamespace), c.Collname)
}

func (p *printer) typeCollation(typ ids.Oid) ids.Oid {
	if t := must(p.cat.TypeRow(typ)); t != nil {
		return t.Typcollation
	}
	return 0
}

// sortOperators are the default < and > of a type.
func (p *printer) sortOperators(typ ids.Oid) (lt, gt ids.Oid) {
	cls := must(p.cat.DefaultOpClass(typ, catalog.BtreeAm))
	if cls == 0 {
		return 0, 0
	}
	c := must(p.cat.OpClass(cls))
	if m := must(p.cat.AmOp(c.Opcfamily, c.Opcintype, c.Opcintype, 1)); m != nil {
		lt = m.Amopopr
	}
	if m := must(p.cat.AmOp(c.Opcfamily, c.Opcintype, c.Opcintype, 5)); m != nil {
		gt = m.Amopopr
	}
	return lt, gt
}

// opClassName is an operator class's name for an index column; "" when it is the default for the column's type (0: never).
func (p *printer) opClassName(oid, typ ids.Oid) string {
	c := must(p.cat.OpClass(oid))
	if c == nil {
		return itoa(int(oid))
	}
	if typ != 0 && must(p.cat.DefaultOpClass(typ, c.Opcmethod)) == oid {
		return ""
	}
	for _, ns := range must(p.cat.SearchPath(true)) {
		for _, x := range must(p.cat.OpClasses(c.Opcmethod, c.Opcname)) {
			if x.Opcnamespace == ns {
				if x.Oid == oid {
					return catalog.QuoteIdent(c.Opcname)
				}
				return catalog.QuoteQualified(p.namespace(c.Opcnamespace), c.Opcname)
			}
		}
	}
	return catalog.QuoteQualified(p.namespace(c.Opcnamespace), c.Opcname)
}
