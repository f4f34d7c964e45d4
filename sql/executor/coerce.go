package executor

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
	"gompho/types"
)

// viaIO converts a value through its text form.
type viaIO struct {
	sc       *scope
	arg      expr
	from, to *types.Type
	kind     types.Kind
	buf      []byte
	result
}

// textLike reports whether the text form of a type's values is their memory form.
func textLike(oid ids.Oid) bool {
	return oid == textOid || oid == varcharOid || oid == nameOid || oid == unknownOid
}

func (e *viaIO) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	if err != nil {
		return types.Null, err
	}
	if d.IsNull() {
		return types.Null, nil
	}
	return e.convert(d)
}

func (e *viaIO) convert(d types.Datum) (types.Datum, error) {
	env := e.sc.ex.env.Func
	var text []byte
	if textLike(e.from.Underlying().Oid) {
		text = d.Bytes()
	} else {
		if err := functions.AffordOutput(e.sc.ex.env.Slot, e.from, d); err != nil {
			return types.Null, err
		}
		e.buf = types.Output(env, e.from, d, e.buf[:0])
		text = e.buf
		if cap(e.buf) > 1<<20 {
			e.buf = nil // it would stay until the statement ends
		}
	}
	pace := types.PaceFor(e.sc.ex.env.Slot)
	if to := e.to.Underlying().Oid; to == textOid || to == varcharOid {
		m := e.sc.mem.Alloc(len(text))
		_, err := pace.Copy(m, text)
		return types.Bytes(m), err
	}
	if err := functions.AffordInput(e.sc.ex.env.Slot, e.to, text); err != nil {
		return types.Null, err
	}
	own, err := pace.Clone(text) // what is made of it may refer to it
	if err != nil {
		return types.Null, err
	}
	return types.Input(env, e.to, types.Bytes(own).Str(), -1)
}

func (e *viaIO) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(e.kind, n), sel, n)
}

// domainCheck is one check of a domain. A nil expression is NOT NULL.
type domainCheck struct {
	name string
	e    expr
}

// coerceDomain checks a value against its domain's constraints.
type coerceDomain struct {
	sc     *scope
	arg    expr
	typ    *types.Type
	name   string
	checks []domainCheck
	kind   types.Kind
	result
}

func (e *coerceDomain) scalar(row int) (types.Datum, error) {
	d, err := e.arg.scalar(row)
	if err != nil {
		return types.Null, err
	}
	return d, e.check(d, row)
}

func (e *coerceDomain) check(d types.Datum, row int) error {
	old := e.sc.domVal
	e.sc.domVal = d
	defer func() { e.sc.domVal = old }()
	for _, c := range e.checks {
		if c.e == nil {
			if d.IsNull() {
				return pgerr.New(pgerr.NotNullViolation, "domain %s does not allow null values", e.name).WithDataType(e.typ.Name)
			}
			continue
		}
		r, err := c.e.scalar(row)
		if err != nil {
			return err
		}
		if !r.IsNull() && !r.Bool() {
			return pgerr.New(pgerr.CheckViolation, "value for domain %s violates check constraint \"%s\"", e.name, c.name).
				WithDataType(e.typ.Name).WithConstraint(c.name)
		}
	}
	return nil
}

func (e *coerceDomain) vec(sel []int32, n int) (*types.Vector, error) {
	return eachScalar(e, e.start(e.kind, n), sel, n)
}

// domain compiles the checks of a domain, those of the domains below it first.
func (c *compiler) domain(n *query.CoerceToDomain, arg expr) (expr, error) {
	env := c.ex.env
	t, err := env.typ(n.Type())
	if err != nil {
		return nil, err
	}
	d := &coerceDomain{sc: c.sc, arg: arg, typ: t, kind: t.Kind(), name: env.Catalog.TypeName(n.Type())}
	if d.checks, err = c.domainChecks(n.Type()); err != nil {
		return nil, err
	}
	if len(d.checks) == 0 {
		return arg, nil
	}
	return d, nil
}

func (c *compiler) domainChecks(typ ids.Oid) ([]domainCheck, error) {
	cat := c.ex.env.Catalog
	var out []domainCheck
	notNull := false
	for typ != 0 {
		row, err := cat.TypeRow(typ)
		if err != nil || row == nil || row.Typtype != 'd' {
			if err != nil {
				return nil, err
			}
			break
		}
		notNull = notNull || row.Typnotnull
		cons, err := cat.DomainConstraints(typ)
		if err != nil {
			return nil, err
		}
		var own []domainCheck
		for _, con := range cons {
			if con.Contype != 'c' {
				continue
			}
			q, err := query.DecodeExpr(catalog.StrValue(con.Conbin))
			if err != nil {
				return nil, err
			}
			e, err := c.compile(q)
			if err != nil {
				return nil, err
			}
			own = append(own, domainCheck{con.Conname, e})
		}
		out = append(own, out...)
		typ = row.Typbasetype
	}
	if notNull {
		out = append([]domainCheck{{}}, out...)
	}
	return out, nil
}
