package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/partition"
	"gompho/sql/query"
)

const maxPartitionKeys = 32

// strategyOf reads the word after PARTITION BY.
func strategyOf(spec *ast.PartitionSpec) (byte, error) {
	var s byte
	switch lower(spec.Strategy) {
	case "list":
		s = partition.List
	case "range":
		s = partition.Range
	case "hash":
		s = partition.Hash
	default:
		return 0, pgerr.New(pgerr.InvalidParameterValue, "unrecognized partitioning strategy %q", spec.Strategy)
	}
	if s == partition.List && len(spec.PartParams) > 1 {
		return 0, pgerr.New(pgerr.InvalidObjectDefinition, "cannot use \"list\" partition strategy with more than one column")
	}
	return s, nil
}

// storePartitionKey analyzes and stores the partition key of a new table.
func (c *Context) storePartitionKey(oid ids.Oid, spec *ast.PartitionSpec) error {
	if len(spec.PartParams) > maxPartitionKeys {
		return pgerr.New(pgerr.TooManyColumns, "cannot partition using more than %d columns", maxPartitionKeys)
	}
	rel, err := c.S.Relation(oid)
	if err != nil {
		return err
	}
	k := &partition.Key{}
	if k.Strategy, err = strategyOf(spec); err != nil {
		return err
	}
	for i, el := range spec.PartParams {
		if err := c.partitionElement(rel, k, i, el); err != nil {
			return err
		}
	}
	if err := c.S.Cat.ResolvePartKey(k); err != nil {
		return err
	}
	if err := c.S.Cat.StorePartKey(oid, k); err != nil {
		return err
	}
	return c.step()
}

func (c *Context) partitionElement(rel *catalog.Relation, k *partition.Key, i int, el *ast.PartitionElem) error {
	loc := int(el.Location)
	var typ, coll ids.Oid
	mod := int32(-1)
	if el.Name != "" {
		att := rel.AttNum(el.Name)
		switch {
		case att == 0:
			return pgerr.New(pgerr.UndefinedColumn, "column %q named in partition key does not exist", el.Name).At(loc)
		case att < 0:
			return pgerr.New(pgerr.InvalidObjectDefinition, "cannot use system column %q in partition key", el.Name).At(loc)
		}
		a := &rel.Desc.Attrs[att-1]
		if a.Generated != 0 {
			return pgerr.New(pgerr.InvalidObjectDefinition, "cannot use generated column in partition key").
				WithDetail("Column %q is a generated column.", a.Name).At(loc)
		}
		k.Atts = append(k.Atts, att)
		typ, mod, coll = a.Type, a.Typmod, a.Collation
	} else {
		expr, err := c.partitionExpr(rel, i, el)
		if err != nil {
			return err
		}
		typ, mod, coll = expr.Type(), expr.Typmod(), expr.Collation()
		for {
			x, ok := expr.(*query.CollateExpr)
			if !ok {
				break
			}
			expr = x.Arg
		}
		if v, ok := expr.(*query.Var); ok && v.Varattno > 0 {
			k.Atts = append(k.Atts, int16(v.Varattno))
		} else {
			if err := c.checkPartitionExpr(rel, expr, loc); err != nil {
				return err
			}
			k.Atts, k.Exprs = append(k.Atts, 0), append(k.Exprs, expr)
		}
	}
	k.Types, k.Typmods, k.TypeColl = append(k.Types, typ), append(k.Typmods, mod), append(k.TypeColl, coll)
	return c.partitionClass(k, typ, coll, el)
}

func (c *Context) partitionExpr(rel *catalog.Relation, i int, el *ast.PartitionElem) (query.Expr, error) {
	expr, err := c.expr(el.Expr, PartitionKeyExpr, rel, "", 0, -1)
	if err != nil {
		return nil, unplaced(err)
	}
	t, err := c.S.Cat.TypeRow(expr.Type())
	if err != nil {
		return nil, err
	}
	if t != nil && t.Typtype == 'p' {
		return nil, pgerr.New(pgerr.InvalidTableDefinition, "partition key column %d has pseudo-type %s", i+1, c.S.Cat.TypeName(expr.Type()))
	}
	return expr, nil
}

// checkPartitionExpr refuses what a partition key cannot be computed from.
func (c *Context) checkPartitionExpr(rel *catalog.Relation, expr query.Expr, loc int) error {
	var bad error
	query.WalkExpr(expr, func(n query.Node) bool {
		v, ok := n.(*query.Var)
		if !ok || bad != nil {
			return bad == nil
		}
		switch {
		case v.Varattno < 0:
			bad = pgerr.New(pgerr.InvalidObjectDefinition, "partition key expressions cannot contain system column references")
		case v.Varattno > 0 && rel.Desc.Attrs[v.Varattno-1].Generated != 0:
			bad = pgerr.New(pgerr.InvalidObjectDefinition, "cannot use generated column in partition key").
				WithDetail("Column %q is a generated column.", rel.AttName(int16(v.Varattno))).At(loc)
		}
		return bad == nil
	})
	if bad != nil {
		return bad
	}
	if c.isMutable(expr) {
		return pgerr.New(pgerr.InvalidObjectDefinition, "functions in partition key expression must be marked IMMUTABLE")
	}
	constant := true
	query.WalkExpr(expr, func(n query.Node) bool {
		if _, ok := n.(*query.Var); ok {
			constant = false
		}
		return constant
	})
	if constant {
		return pgerr.New(pgerr.InvalidObjectDefinition, "cannot use constant expression as partition key")
	}
	return nil
}

// partitionClass resolves collation and operator class of a key column.
func (c *Context) partitionClass(k *partition.Key, typ, coll ids.Oid, el *ast.PartitionElem) error {
	cat := c.S.Cat
	var err error
	if len(el.Collation) > 0 {
		if coll, err = c.collation(el.Collation, ast.NoLocation); err != nil {
			return err
		}
	}
	t, err := cat.TypeRow(typ)
	if err != nil {
		return err
	}
	switch {
	case t != nil && t.Typcollation != 0 && coll == 0:
		return pgerr.New(pgerr.IndeterminateCollation, "could not determine which collation to use for partition expression").
			WithHint("Use the COLLATE clause to set the collation explicitly.")
	case t != nil && t.Typcollation == 0 && coll != 0:
		return pgerr.New(pgerr.DatatypeMismatch, "collations are not supported by type %s", cat.TypeName(typ))
	}
	am, word := catalog.BtreeAm, "btree"
	if k.Strategy == partition.Hash {
		am, word = catalog.HashAm, "hash"
	}
	oc, err := c.opClassOf(el.Opclass, typ, am, word)
	if err != nil {
		return err
	}
	if oc == 0 {
		return pgerr.New(pgerr.UndefinedObject, "data type %s has no default operator class for access method %q", cat.TypeName(typ), word).
			WithHint("You must specify a %s operator class or define a default %s operator class for the data type.", word, word)
	}
	k.OpClasses, k.Collations = append(k.OpClasses, oc), append(k.Collations, coll)
	return nil
}

// opClassOf resolves an operator class by name, or the default one of a type: 0 when there is none.
func (c *Context) opClassOf(names []string, typ, am ids.Oid, word string) (ids.Oid, error) {
	cat := c.S.Cat
	if len(names) == 0 {
		base, err := cat.BaseType(typ)
		if err != nil {
			return 0, err
		}
		return cat.DefaultOpClass(base, am)
	}
	schema, name, err := splitName(c, names)
	if err != nil {
		return 0, err
	}
	oc, err := cat.LookupOpClass(am, schema, name)
	if err != nil {
		return 0, err
	}
	if oc == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "operator class %q does not exist for access method %q", joinNames(names), word)
	}
	ok, err := cat.BinaryCoercible(typ, oc.Opcintype)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, pgerr.New(pgerr.DatatypeMismatch, "operator class %q does not accept data type %s", joinNames(names), cat.TypeName(typ))
	}
	return oc.Oid, nil
}
