package analyzer

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
)

// operator finds the operator that a name and argument types mean; left 0 asks for a prefix operator.
func (p *state) operator(name []string, left, right ids.Oid, loc int32) *catalog.Operator {
	op := p.findOperator(name, left, right, false, loc)
	return op
}

// findOperator is operator; with noError nil says that there is none.
func (p *state) findOperator(name []string, left, right ids.Oid, noError bool, loc int32) *catalog.Operator {
	schema, base := p.splitName(name, loc)
	if schema != "" {
		p.checkSchema(schema, loc)
	}
	ambiguous := false
	op := p.exactOperator(schema, base, left, right)
	if op == nil {
		op, ambiguous = p.bestOperator(schema, base, left, right)
	}
	if op == nil {
		if noError {
			return nil
		}
		p.operatorError(name, left, right, ambiguous, loc)
	}
	if op.Oprcode == 0 {
		if noError {
			return nil
		}
		failAt(loc, pgerr.UndefinedFunction, "operator is only a shell: %s", p.operatorSignature(name, op.Oprleft, op.Oprright))
	}
	return op
}

// exactOperator looks for declared types equal to the actual ones; an unknown operand is taken to be of the other's type.
func (p *state) exactOperator(schema, name string, left, right ids.Oid) *catalog.Operator {
	if left == 0 {
		return must(p.cat.OperatorExact(schema, name, 0, right))
	}
	guessed := false
	if left == unknownOid && right != 0 {
		left, guessed = right, true
	} else if right == unknownOid {
		right, guessed = left, true
	}
	if op := must(p.cat.OperatorExact(schema, name, left, right)); op != nil {
		return op
	}
	if guessed {
		if base := p.baseType(left); base != left {
			return must(p.cat.OperatorExact(schema, name, base, base))
		}
	}
	return nil
}

func (p *state) bestOperator(schema, name string, left, right ids.Oid) (*catalog.Operator, bool) {
	all := must(p.cat.OperCandidates(schema, name))
	actual := []ids.Oid{left, right}
	if left == 0 {
		actual = []ids.Oid{right}
	}
	cands := make([]*candidate, 0, len(all))
	for i := range all {
		o := all[i].Operator
		if (o.Oprleft == 0) != (left == 0) {
			continue
		}
		args := []ids.Oid{o.Oprleft, o.Oprright}
		if left == 0 {
			args = args[1:]
		}
		if p.canCoerceAll(actual, args, implicitly) {
			cands = append(cands, &candidate{oper: o, args: args})
		}
	}
	switch len(cands) {
	case 0:
		return nil, false
	case 1:
		return cands[0].oper, false
	}
	if c := p.selectCandidate(actual, cands); c != nil {
		return c.oper, false
	}
	return nil, true
}

func (p *state) operatorSignature(name []string, left, right ids.Oid) string {
	s := strings.Join(name, ".") + " " + p.typeName(right)
	if left != 0 {
		s = p.typeName(left) + " " + s
	}
	return s
}

func (p *state) operatorError(name []string, left, right ids.Oid, ambiguous bool, loc int32) {
	sig := p.operatorSignature(name, left, right)
	if ambiguous {
		fail(pgerr.New(pgerr.AmbiguousFunction, "operator is not unique: %s", sig).
			WithHint("Could not choose a best candidate operator. You might need to add explicit type casts.").At(int(loc)))
	}
	e := pgerr.New(pgerr.UndefinedFunction, "operator does not exist: %s", sig).At(int(loc))
	if left == 0 || right == 0 {
		fail(e.WithHint("No operator matches the given name and argument type. You might need to add an explicit type cast."))
	}
	fail(e.WithHint("No operator matches the given name and argument types. You might need to add explicit type casts."))
}

// makeOp builds an operator expression; left nil for a prefix operator.
func (p *state) makeOp(name []string, left, right query.Expr, lastSRF query.Expr, loc int32) query.Expr {
	var lt, rt ids.Oid
	if right == nil {
		failAt(loc, pgerr.SyntaxError, "postfix operators are not supported")
	}
	rt = right.Type()
	var args []query.Expr
	var actual, declared []ids.Oid
	if left != nil {
		lt = left.Type()
	}
	op := p.operator(name, lt, rt, loc)
	if left != nil {
		args, actual, declared = []query.Expr{left, right}, []ids.Oid{lt, rt}, []ids.Oid{op.Oprleft, op.Oprright}
	} else {
		args, actual, declared = []query.Expr{right}, []ids.Oid{rt}, []ids.Oid{op.Oprright}
	}
	ret := op.Oprresult
	if hasPolymorphic(declared) {
		ret = p.resolveGenerics(actual, declared, ret, false)
	}
	p.convertArgs(args, actual, declared)
	proc := must(p.cat.Proc(op.Oprcode))
	if proc == nil {
		fail(pgerr.Internal("cache lookup failed for function %d", op.Oprcode))
	}
	r := &query.OpExpr{Result: result(ret, -1, 0), OpNo: op.Oid, FuncID: op.Oprcode, RetSet: proc.Proretset, Args: args,
		Location: loc}
	if r.RetSet {
		p.checkSRF(lastSRF, loc)
		p.lastSRF = r
	}
	return r
}

func hasPolymorphic(l []ids.Oid) bool {
	for _, t := range l {
		if isPolymorphic(t) {
			return true
		}
	}
	return false
}

// makeArrayOp builds scalar op ANY/ALL (array).
func (p *state) makeArrayOp(name []string, useOr bool, left, right query.Expr, loc int32) query.Expr {
	lt, at := left.Type(), right.Type()
	rt := unknownOid
	if at != unknownOid {
		if rt = p.baseElementType(at); rt == 0 {
			failAt(loc, pgerr.WrongObjectType, "op ANY/ALL (array) requires array on right side")
		}
	}
	op := p.operator(name, lt, rt, loc)
	declared := []ids.Oid{op.Oprleft, op.Oprright}
	ret := op.Oprresult
	if hasPolymorphic(declared) {
		ret = p.resolveGenerics([]ids.Oid{lt, rt}, declared, ret, false)
	}
	if ret != boolOid {
		failAt(loc, pgerr.WrongObjectType, "op ANY/ALL (array) requires operator to yield boolean")
	}
	if proc := must(p.cat.Proc(op.Oprcode)); proc.Proretset {
		failAt(loc, pgerr.WrongObjectType, "op ANY/ALL (array) requires operator not to return a set")
	}
	if op.Oprright == anyOid || isPolymorphic(op.Oprright) && at != unknownOid {
		declared[1] = at
	} else {
		arr := p.arrayType(declared[1])
		if arr == 0 {
			failAt(loc, pgerr.UndefinedObject, "could not find array type for data type %s", p.typeName(declared[1]))
		}
		declared[1] = arr
	}
	args := []query.Expr{left, right}
	p.convertArgs(args, []ids.Oid{lt, at}, declared)
	return &query.ScalarArrayOpExpr{Result: boolResult(), OpNo: op.Oid, FuncID: op.Oprcode, UseOr: useOr, Args: args,
		Location: loc}
}

// convertArgs applies implicit coercions to arguments, in place.
func (p *state) convertArgs(args []query.Expr, actual, declared []ids.Oid) {
	for i := range args {
		if actual[i] != declared[i] {
			args[i] = p.coerce(args[i], actual[i], declared[i], -1, implicitly, query.CoerceImplicitCast, -1)
		}
	}
}
