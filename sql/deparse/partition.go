package deparse

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/partition"
	"gompho/sql/query"
	"gompho/types"
)

// RangeBound returns the text of one side of a range bound, in parentheses.
func RangeBound(cat *catalog.Session, env types.Env, l []*query.RangeDatum) (s string, err error) {
	defer catch(&err)
	p := newPrinter(cat, env, 0)
	p.rangeBound(l)
	return p.buf.String(), nil
}

func (p *printer) rangeBound(l []*query.RangeDatum) {
	p.str("(")
	for i, d := range l {
		if i > 0 {
			p.str(", ")
		}
		switch d.Kind {
		case query.RangeMin:
			p.str("MINVALUE")
		case query.RangeMax:
			p.str("MAXVALUE")
		default:
			p.constant(d.Value.(*query.Const), -1)
		}
	}
	p.str(")")
}

// bound prints FOR VALUES ... or DEFAULT.
func (p *printer) bound(b *query.PartitionBound) {
	if b.IsDefault {
		p.str("DEFAULT")
		return
	}
	p.str("FOR VALUES ")
	switch b.Strategy {
	case partition.Hash:
		p.str("WITH (modulus " + itoa(int(b.Modulus)) + ", remainder " + itoa(int(b.Remainder)) + ")")
	case partition.List:
		p.str("IN (")
		for i, e := range b.List {
			if i > 0 {
				p.str(", ")
			}
			p.constant(e.(*query.Const), -1)
		}
		p.str(")")
	default:
		p.str("FROM ")
		p.rangeBound(b.Lower)
		p.str(" TO ")
		p.rangeBound(b.Upper)
	}
}

// PartitionKey returns what follows PARTITION BY; "" when the relation is not partitioned. With columnsOnly the columns and expressions
// alone, as messages about rows show them.
func PartitionKey(cat *catalog.Session, env types.Env, rel *catalog.Relation, columnsOnly bool) (s string, err error) {
	defer catch(&err)
	return partitionKey(cat, env, rel, columnsOnly, prettyIndent), nil
}

func partitionKey(cat *catalog.Session, env types.Env, rel *catalog.Relation, columnsOnly bool, f flags) string {
	k := rel.PartKey
	if k == nil {
		return ""
	}
	p := newPrinter(cat, env, f)
	if !columnsOnly {
		p.str(map[byte]string{partition.Hash: "HASH", partition.List: "LIST", partition.Range: "RANGE"}[k.Strategy] + " (")
	}
	exprs := k.Exprs
	for i, att := range k.Atts {
		if i > 0 {
			p.str(", ")
		}
		if att != 0 {
			p.ident(rel.AttName(att))
		} else {
			text := exprText(cat, env, exprs[0], rel, f)
			if !looksLikeFunction(exprs[0]) {
				text = "(" + text + ")"
			}
			p.str(text)
			exprs = exprs[1:]
		}
		if columnsOnly {
			continue
		}
		if c := k.Collations[i]; c != 0 && c != k.TypeColl[i] {
			p.str(" COLLATE " + p.collationName(c))
		}
		if n := p.opClassName(k.OpClasses[i], k.Types[i]); n != "" {
			p.str(" " + n)
		}
	}
	if !columnsOnly {
		p.str(")")
	}
	return p.buf.String()
}

func partKeyDef(cat *catalog.Session, env types.Env, oid ids.Oid) (string, bool) {
	rel := must(cat.Relation(oid))
	if rel == nil {
		return "", false
	}
	return present(partitionKey(cat, env, rel, false, prettyIndent))
}

// partConstraintDef is the condition that the rows of a partition meet.
func partConstraintDef(cat *catalog.Session, env types.Env, oid ids.Oid) (string, bool) {
	rel := must(cat.Relation(oid))
	if rel == nil {
		return "", false
	}
	e := must(cat.PartitionQual(rel))
	if e == nil {
		return "", false
	}
	return exprText(cat, env, e, rel, prettyIndent), true
}
