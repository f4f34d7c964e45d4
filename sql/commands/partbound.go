package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/sql/ast"
	"gompho/sql/deparse"
	"gompho/sql/partition"
	"gompho/sql/query"
	"gompho/types"
)

// partitionBound analyzes FOR VALUES ... or DEFAULT for a partition of a table.
func (c *Context) partitionBound(parent *catalog.Relation, spec *ast.PartitionBoundSpec) (*query.PartitionBound, error) {
	k := parent.PartKey
	b := &query.PartitionBound{Strategy: k.Strategy, IsDefault: spec.IsDefault}
	bad := func(format string, args ...any) *pgerr.Error {
		return pgerr.New(pgerr.InvalidTableDefinition, format, args...)
	}
	if spec.IsDefault {
		if k.Strategy == partition.Hash {
			return nil, bad("a hash-partitioned table may not have a default partition")
		}
		return b, nil
	}
	if spec.Strategy != k.Strategy {
		word := map[byte]string{partition.Hash: "hash", partition.List: "list", partition.Range: "range"}[k.Strategy]
		return nil, bad("invalid bound specification for a %s partition", word).At(int(spec.Location))
	}
	var err error
	switch k.Strategy {
	case partition.Hash:
		if spec.Modulus <= 0 {
			return nil, bad("modulus for hash partition must be an integer value greater than zero")
		}
		if spec.Remainder >= spec.Modulus {
			return nil, bad("remainder for hash partition must be less than modulus")
		}
		b.Modulus, b.Remainder = spec.Modulus, spec.Remainder
	case partition.List:
		for _, n := range spec.Listdatums {
			v, err := c.boundValue(parent, 0, n)
			if err != nil {
				return nil, err
			}
			if !hasConst(k, b.List, v) {
				b.List = append(b.List, v)
			}
		}
	default:
		if len(spec.Lowerdatums) != k.Cols() {
			return nil, bad("FROM must specify exactly one value per partitioning column")
		}
		if len(spec.Upperdatums) != k.Cols() {
			return nil, bad("TO must specify exactly one value per partitioning column")
		}
		if b.Lower, err = c.rangeBound(parent, spec.Lowerdatums); err != nil {
			return nil, err
		}
		b.Upper, err = c.rangeBound(parent, spec.Upperdatums)
	}
	return b, err
}

func hasConst(k *partition.Key, list []query.Expr, v *query.Const) bool {
	for _, e := range list {
		o := e.(*query.Const)
		if v.Value.IsNull() != o.Value.IsNull() {
			continue
		}
		if v.Value.IsNull() || k.Compare[0](v.Value, o.Value) == 0 {
			return true
		}
	}
	return false
}

// rangeBound analyzes the columns of a lower or upper bound.
func (c *Context) rangeBound(parent *catalog.Relation, list []ast.Node) ([]*query.RangeDatum, error) {
	var out []*query.RangeDatum
	for i, n := range list {
		if kind := infinite(n); kind != query.RangeValue {
			out = append(out, &query.RangeDatum{Kind: kind})
			continue
		}
		v, err := c.boundValue(parent, i, n)
		if err != nil {
			return nil, err
		}
		if v.Value.IsNull() {
			return nil, pgerr.New(pgerr.InvalidObjectDefinition, "cannot specify NULL in range bound")
		}
		out = append(out, &query.RangeDatum{Value: v})
	}
	for i, d := range out {
		if i == 0 || out[i-1].Kind == query.RangeValue || out[i-1].Kind == d.Kind {
			continue
		}
		word := "MINVALUE"
		if out[i-1].Kind == query.RangeMax {
			word = "MAXVALUE"
		}
		return nil, pgerr.New(pgerr.DatatypeMismatch, "every bound following %s must also be %s", word, word).At(int(ast.ExprLocation(list[i])))
	}
	return out, nil
}

func infinite(n ast.Node) query.RangeKind {
	ref, ok := n.(*ast.ColumnRef)
	if !ok || len(ref.Fields) != 1 {
		return query.RangeValue
	}
	if s, ok := ref.Fields[0].(*ast.String); ok {
		switch s.Sval {
		case "minvalue":
			return query.RangeMin
		case "maxvalue":
			return query.RangeMax
		}
	}
	return query.RangeValue
}

// boundValue analyzes and computes one value of a bound.
func (c *Context) boundValue(parent *catalog.Relation, i int, n ast.Node) (*query.Const, error) {
	k := parent.PartKey
	name := ""
	if k.Atts[i] != 0 {
		name = parent.AttName(k.Atts[i])
	} else {
		var err error
		if name, err = deparse.Expr(c.S.Cat, c.typeEnv(), k.Column(i), parent, false); err != nil {
			return nil, err
		}
	}
	expr, err := c.expr(n, PartitionBoundExpr, nil, name, k.Types[i], k.Typmods[i])
	if err != nil {
		return nil, err
	}
	v, err := c.constant(expr)
	if err != nil {
		return nil, err
	}
	return &query.Const{Result: query.Result{ResType: k.Types[i], ResTypmod: k.Typmods[i], ResCollation: k.Collations[i]}, Value: v.Clone(), Location: -1}, nil
}

// checkNewBound refuses a partition that does not fit among those that are there.
func (c *Context) checkNewBound(name string, parent *catalog.Relation, b *query.PartitionBound, spec *ast.PartitionBoundSpec) error {
	d := parent.Partitions(true)
	x := d.Conflict(parent.PartKey, b)
	bad := func(format string, args ...any) *pgerr.Error {
		return pgerr.New(pgerr.InvalidObjectDefinition, format, args...)
	}
	with := ""
	if x.Kind != partition.Fits && x.Kind != partition.EmptyRange {
		with, _ = c.S.Cat.RelationName(d.Oids[x.With])
	}
	switch x.Kind {
	case partition.Fits:
		return nil
	case partition.SecondDefault:
		return bad("partition %q conflicts with existing default partition %q", name, with).At(int(spec.Location))
	case partition.NotFactor:
		return bad("every hash partition modulus must be a factor of the next larger modulus").
			WithDetail("The new modulus %d is not a factor of %d, the modulus of existing partition %q.", b.Modulus, x.Other, with)
	case partition.NotDivisible:
		return bad("every hash partition modulus must be a factor of the next larger modulus").
			WithDetail("The new modulus %d is not divisible by %d, the modulus of existing partition %q.", b.Modulus, x.Other, with)
	case partition.EmptyRange:
		low, err := deparse.RangeBound(c.S.Cat, c.typeEnv(), b.Lower)
		if err != nil {
			return err
		}
		up, err := deparse.RangeBound(c.S.Cat, c.typeEnv(), b.Upper)
		if err != nil {
			return err
		}
		return bad("empty range bound specified for partition %q", name).
			WithDetail("Specified lower bound %s is greater than or equal to upper bound %s.", low, up).At(int(ast.ExprLocation(spec.Lowerdatums[x.Item])))
	}
	return bad("partition %q would overlap partition %q", name, with).At(overlapLocation(spec, b, x))
}

func overlapLocation(spec *ast.PartitionBoundSpec, b *query.PartitionBound, x partition.Conflict) int {
	switch {
	case b.Strategy == partition.Hash:
		return int(spec.Location)
	case b.Strategy == partition.List:
		if x.Item < len(spec.Listdatums) {
			return int(ast.ExprLocation(spec.Listdatums[x.Item]))
		}
	case x.Lower:
		return int(ast.ExprLocation(spec.Lowerdatums[x.Item]))
	default:
		return int(ast.ExprLocation(spec.Upperdatums[x.Item]))
	}
	return int(spec.Location)
}

// rowLocator computes where the rows of a table belong among the partitions of one of its ancestors, or of itself.
type rowLocator struct {
	key  *partition.Key
	eval RowEval
	cols []int // for each key column: the column of the row from 0, or -1-n for expression n
	vals []types.Datum
	out  []types.Datum
}

// newRowLocator prepares reading the key of parent from the rows of rel.
func (c *Context) newRowLocator(parent, rel *catalog.Relation) (*rowLocator, error) {
	k := parent.PartKey
	l := &rowLocator{key: k, vals: make([]types.Datum, k.Cols()), out: make([]types.Datum, len(k.Exprs))}
	var exprs []query.Expr
	for _, att := range k.Atts {
		if att != 0 {
			l.cols = append(l.cols, int(rel.AttNum(parent.AttName(att)))-1)
			continue
		}
		l.cols = append(l.cols, -1-len(exprs))
		e, err := mapColumns(k.Exprs[len(exprs)], parent, rel)
		if err != nil {
			return nil, err
		}
		exprs = append(exprs, e)
	}
	var err error
	if len(exprs) > 0 {
		l.eval, err = c.compile(exprs, rel)
	}
	return l, err
}

// find returns the place of a row's partition.
func (l *rowLocator) find(d *partition.Desc, row []types.Datum) (int, error) {
	if l.eval != nil {
		if err := l.eval.Eval(row, l.out); err != nil {
			return 0, err
		}
	}
	for i, at := range l.cols {
		if at >= 0 {
			l.vals[i] = row[at]
		} else {
			l.vals[i] = l.out[-1-at]
		}
	}
	return d.Find(l.key, l.vals), nil
}

// leaves returns the tables with rows of a table: itself, or the leaf partitions below it, locked.
func (c *Context) leaves(rel *catalog.Relation) ([]*catalog.Relation, error) {
	if rel.Kind != 'p' {
		return []*catalog.Relation{rel}, nil
	}
	list, _, err := c.S.Cat.AllInheritors(rel.Oid, locks.AccessExclusive)
	if err != nil {
		return nil, err
	}
	var out []*catalog.Relation
	for _, oid := range list {
		r, err := c.S.Relation(oid)
		if err != nil {
			return nil, err
		}
		if r != nil && r.Heap != nil {
			out = append(out, r)
		}
	}
	return out, nil
}

// checkRows looks for a row of a table, or of its partitions, for which bad says yes about where it belongs in the partitions d of parent.
func (c *Context) checkRows(rel, parent *catalog.Relation, d *partition.Desc, bad func(at int) bool, message, name string) error {
	tables, err := c.leaves(rel)
	if err != nil {
		return err
	}
	for _, t := range tables {
		l, err := c.newRowLocator(parent, t)
		if err != nil {
			return err
		}
		err = c.eachRow(t, func(row []types.Datum) error {
			at, err := l.find(d, row)
			if err == nil && bad(at) {
				shown := name
				if shown == "" {
					shown = t.Name
				}
				return c.tableError(pgerr.New(pgerr.CheckViolation, message, shown), t)
			}
			return err
		}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Context) tableError(e *pgerr.Error, rel *catalog.Relation) error {
	schema := ""
	if n, err := c.S.Cat.Namespace(rel.Namespace); err == nil && n != nil {
		schema = n.Nspname
	}
	return e.WithTable(schema, rel.Name)
}

// checkDefault refuses a new bound when the default partition has rows that belong to it.
// named is what the error calls it; "": the partition of it that has the row.
func (c *Context) checkDefault(parent *catalog.Relation, def *catalog.Relation, b *query.PartitionBound, named string) error {
	d, err := partition.NewDesc(parent.PartKey, []partition.Child{{Leaf: true, Bound: b}})
	if err != nil {
		return err
	}
	return c.checkRows(def, parent, d, func(at int) bool { return at >= 0 },
		"updated partition constraint for default partition %q would be violated by some row", named)
}

// bindPartition makes a table a partition: it analyzes and checks the bound and stores it.
func (c *Context) bindPartition(oid, parentOid ids.Oid, name string, spec *ast.PartitionBoundSpec) error {
	parent, err := c.S.Relation(parentOid)
	if err != nil {
		return err
	}
	if parent.Kind != 'p' {
		return pgerr.New(pgerr.InvalidObjectDefinition, "%q is not partitioned", parent.Name)
	}
	def, err := c.lockDefault(parent)
	if err != nil {
		return err
	}
	b, err := c.partitionBound(parent, spec)
	if err != nil {
		return err
	}
	if err := c.checkNewBound(name, parent, b, spec); err != nil {
		return err
	}
	if def != nil {
		if err := c.checkDefault(parent, def, b, def.Name); err != nil {
			return err
		}
	}
	return c.storeBound(oid, parent, b)
}

// lockDefault locks the default partition of a table; nil when there is none.
func (c *Context) lockDefault(parent *catalog.Relation) (*catalog.Relation, error) {
	d := parent.Partitions(true)
	if d.Bounds.Default < 0 {
		return nil, nil
	}
	return c.S.Cat.LockRelation(d.Oids[d.Bounds.Default], locks.AccessExclusive)
}

func (c *Context) storeBound(oid ids.Oid, parent *catalog.Relation, b *query.PartitionBound) error {
	cat := c.S.Cat
	if err := cat.SetPartBound(oid, b); err != nil {
		return err
	}
	if b.IsDefault {
		if err := cat.SetDefaultPartition(parent.Oid, oid); err != nil {
			return err
		}
	}
	cat.InvalidateRelation(parent.Oid)
	if d := parent.Partitions(true).Bounds.Default; d >= 0 {
		cat.InvalidateRelation(parent.Partitions(true).Oids[d])
	}
	return c.step()
}
