package deparse

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/types"
)

// Index returns CREATE INDEX for an index, as pg_get_indexdef(oid) does; "" when there is no such index.
func Index(cat *catalog.Session, env types.Env, oid ids.Oid) (s string, err error) {
	defer catch(&err)
	return indexDef(cat, env, oid, 0, prettyIndent, false), nil
}

// indexDef prints an index, or only its column col when that is not 0. withSpace adds its tablespace.
func indexDef(cat *catalog.Session, env types.Env, oid ids.Oid, col int, f flags, withSpace bool) string {
	rel := must(cat.Relation(oid))
	if rel == nil || rel.Index == nil {
		return ""
	}
	ix := rel.Index
	table := must(cat.Relation(ix.Table))
	p := newPrinter(cat, env, f)
	if col == 0 {
		p.str("CREATE ")
		if ix.Unique {
			p.str("UNIQUE ")
		}
		p.str("INDEX ")
		p.ident(rel.Name)
		p.str(" ON ")
		if rel.Kind == 'I' {
			p.str("ONLY ")
		}
		if f&prettySchema != 0 {
			p.str(p.relationName(table.Oid))
		} else {
			p.str(p.qualifiedRelation(table))
		}
		am := must(cat.Am(ix.Am))
		p.str(" USING ")
		p.ident(am.Amname)
		p.str(" (")
	}
	p.indexColumns(ix, table, col)
	if col != 0 {
		return p.buf.String()
	}
	p.str(")")
	if ix.NullsNotDistinct {
		p.str(" NULLS NOT DISTINCT")
	}
	if len(rel.Options) > 0 {
		p.str(" WITH (" + p.options(rel.Options) + ")")
	}
	if withSpace && rel.Tablespace != 0 {
		if t := must(cat.Tablespace(rel.Tablespace)); t != nil {
			p.str(" TABLESPACE ")
			p.ident(t.Spcname)
		}
	}
	if pred := must(ix.Pred()); pred != nil {
		p.str(" WHERE " + exprText(cat, env, pred, table, f))
	}
	return p.buf.String()
}

func (p *printer) indexColumns(ix *catalog.Index, table *catalog.Relation, col int) {
	exprs := must(ix.Exprs())
	sep := ""
	for i, att := range ix.Keys {
		if col == 0 && i == ix.NKeyAtts {
			p.str(") INCLUDE (")
			sep = ""
		}
		if col == 0 {
			p.str(sep)
		}
		sep = ", "
		var typ, coll ids.Oid
		show := col == 0 || col == i+1
		if att != 0 {
			a := &table.Desc.Attrs[att-1]
			typ, coll = a.Type, a.Collation
			if show {
				p.ident(a.Name)
			}
		} else {
			e := exprs[0]
			exprs = exprs[1:]
			typ, coll = e.Type(), e.Collation()
			if show {
				text := exprText(p.cat, p.env, e, table, p.flags)
				if !looksLikeFunction(e) {
					text = "(" + text + ")"
				}
				p.str(text)
			}
		}
		if col == 0 && i < ix.NKeyAtts {
			p.indexKey(ix, i, typ, coll)
		}
	}
}

func (p *printer) indexKey(ix *catalog.Index, i int, typ, coll ids.Oid) {
	if c := ix.Collations[i]; c != 0 && c != coll {
		p.str(" COLLATE " + p.collationName(c))
	}
	if n := p.opClassName(ix.OpClasses[i], typ); n != "" {
		p.str(" " + n)
	}
	if ix.Am != catalog.BtreeAm {
		return
	}
	f := ix.Flags[i]
	switch {
	case f&catalog.IndexDesc != 0:
		p.str(" DESC")
		if f&catalog.IndexNullsFirst == 0 {
			p.str(" NULLS LAST")
		}
	case f&catalog.IndexNullsFirst != 0:
		p.str(" NULLS FIRST")
	}
}

// options prints storage parameters.
func (p *printer) options(opts []string) string {
	var out []string
	for _, o := range opts {
		name, value, _ := strings.Cut(o, "=")
		if q := catalog.QuoteIdent(value); q == value {
			out = append(out, catalog.QuoteIdent(name)+"="+value)
		} else {
			out = append(out, catalog.QuoteIdent(name)+"='"+strings.ReplaceAll(value, "'", "''")+"'")
		}
	}
	return strings.Join(out, ", ")
}

// Constraint returns a constraint's definition as pg_get_constraintdef does; "" when there is no such constraint.
func Constraint(cat *catalog.Session, env types.Env, oid ids.Oid, pretty bool) (s string, err error) {
	defer catch(&err)
	return constraintDef(cat, env, oid, prettyFlags(pretty)), nil
}

func constraintDef(cat *catalog.Session, env types.Env, oid ids.Oid, f flags) string {
	c := must(cat.Constraint(oid))
	if c == nil {
		return ""
	}
	p := newPrinter(cat, env, f)
	var rel *catalog.Relation
	if c.Conrelid != 0 {
		rel = must(cat.Relation(c.Conrelid))
	}
	switch c.Contype {
	case 'f':
		p.foreignKey(c, rel)
	case 'p', 'u':
		p.uniqueConstraint(c, rel)
	case 'c':
		e := must(decodeExpr(c.Conbin))
		p.str("CHECK (" + exprText(cat, env, e, rel, f) + ")")
		if c.Connoinherit {
			p.str(" NO INHERIT")
		}
	case 't':
		p.str("TRIGGER")
	case 'x':
		p.str(p.exclusion(c))
	}
	if c.Condeferrable {
		p.str(" DEFERRABLE")
	}
	if c.Condeferred {
		p.str(" INITIALLY DEFERRED")
	}
	if !c.Convalidated {
		p.str(" NOT VALID")
	}
	return p.buf.String()
}

func (p *printer) columnList(cols []int16, rel *catalog.Relation) {
	for i, c := range cols {
		if i > 0 {
			p.str(", ")
		}
		p.ident(rel.AttName(c))
	}
}

func (p *printer) foreignKey(c *catalog.Constraint, rel *catalog.Relation) {
	p.str("FOREIGN KEY (")
	p.columnList(c.Conkey, rel)
	p.str(") REFERENCES " + p.relationName(c.Confrelid) + "(")
	p.columnList(c.Confkey, must(p.cat.Relation(c.Confrelid)))
	p.str(")")
	switch c.Confmatchtype {
	case 'f':
		p.str(" MATCH FULL")
	case 'p':
		p.str(" MATCH PARTIAL")
	}
	words := map[byte]string{'r': "RESTRICT", 'c': "CASCADE", 'n': "SET NULL", 'd': "SET DEFAULT"}
	if w := words[c.Confupdtype]; w != "" {
		p.str(" ON UPDATE " + w)
	}
	if w := words[c.Confdeltype]; w != "" {
		p.str(" ON DELETE " + w)
	}
	if len(c.Confdelsetcols) > 0 {
		p.str(" (")
		p.columnList(c.Confdelsetcols, rel)
		p.str(")")
	}
}

func (p *printer) uniqueConstraint(c *catalog.Constraint, rel *catalog.Relation) {
	word := "UNIQUE "
	if c.Contype == 'p' {
		word = "PRIMARY KEY "
	}
	p.str(word)
	var ix *catalog.Index
	if r := must(p.cat.Relation(c.Conindid)); r != nil {
		ix = r.Index
	}
	if ix != nil && ix.NullsNotDistinct {
		p.str("NULLS NOT DISTINCT ")
	}
	p.str("(")
	p.columnList(c.Conkey, rel)
	p.str(")")
	if ix != nil && len(ix.Keys) > ix.NKeyAtts {
		p.str(" INCLUDE (")
		p.columnList(ix.Keys[ix.NKeyAtts:], rel)
		p.str(")")
	}
}

func (p *printer) exclusion(c *catalog.Constraint) string {
	r := must(p.cat.Relation(c.Conindid))
	if r == nil || r.Index == nil {
		return ""
	}
	return "EXCLUDE USING " + catalog.QuoteIdent(must(p.cat.Am(r.Index.Am)).Amname)
}
