package analyzer

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
)

// candidate is a function or operator that a call may mean, with its parameter types as they line up with the
// call's arguments.
type candidate struct {
	oper     *catalog.Operator
	proc     *catalog.Proc
	args     []ids.Oid
	pathPos  int
	nvargs   int   // number of arguments that go into the variadic array
	ndefs    int   // number of arguments taken from defaults
	argNums  []int // with named arguments: parameter number of each argument
	conflict bool  // equally good as another one: choosing it is an error
}

// selectCandidate applies the rules for choosing among several matches; nil when they do not decide.
func (p *state) selectCandidate(actual []ids.Oid, cands []*candidate) *candidate {
	n := len(actual)
	in := make([]ids.Oid, n)
	unknowns := 0
	for i, t := range actual {
		if in[i] = t; t == unknownOid {
			unknowns++
		} else {
			in[i] = p.baseType(t)
		}
	}
	cands = mostMatches(cands, func(c *candidate) int {
		m := 0
		for i, t := range in {
			if t != unknownOid && c.args[i] == t {
				m++
			}
		}
		return m
	})
	if len(cands) == 1 {
		return cands[0]
	}
	slotCat := make([]byte, n)
	for i, t := range in {
		slotCat[i], _ = p.category(t)
	}
	cands = mostMatches(cands, func(c *candidate) int {
		m := 0
		for i, t := range in {
			if t != unknownOid && (c.args[i] == t || p.isPreferred(slotCat[i], c.args[i])) {
				m++
			}
		}
		return m
	})
	if len(cands) == 1 {
		return cands[0]
	}
	if unknowns == 0 {
		return nil
	}
	if kept := p.byCategory(in, cands); len(kept) > 0 {
		if cands = kept; len(cands) == 1 {
			return cands[0]
		}
	}
	if unknowns < n {
		return p.bySameType(in, cands)
	}
	return nil
}

func (p *state) isPreferred(cat byte, t ids.Oid) bool {
	c, pref := p.category(t)
	if c == cat || cat == 0 {
		return pref
	}
	return false
}

// mostMatches keeps the candidates with the highest score.
func mostMatches(cands []*candidate, score func(*candidate) int) []*candidate {
	best := -1
	var out []*candidate
	for _, c := range cands {
		switch s := score(c); {
		case s > best:
			best, out = s, append(out[:0:0], c)
		case s == best:
			out = append(out, c)
		}
	}
	return out
}

// byCategory decides the type category of each unknown argument and keeps the candidates that fit; nil when it cannot.
func (p *state) byCategory(in []ids.Oid, cands []*candidate) []*candidate {
	cats := make([]byte, len(in))
	prefs := make([]bool, len(in))
	for i, t := range in {
		if t != unknownOid {
			continue
		}
		conflict := false
		for _, c := range cands {
			cat, pref := p.category(c.args[i])
			switch {
			case cats[i] == 0:
				cats[i], prefs[i] = cat, pref
			case cat == cats[i]:
				prefs[i] = prefs[i] || pref
			case cat == 'S':
				cats[i], prefs[i] = cat, pref
			default:
				conflict = true
			}
		}
		if conflict && cats[i] != 'S' {
			return nil
		}
	}
	var out []*candidate
	for _, c := range cands {
		keep := true
		for i, t := range in {
			if t != unknownOid {
				continue
			}
			cat, pref := p.category(c.args[i])
			if cat != cats[i] || prefs[i] && !pref {
				keep = false
				break
			}
		}
		if keep {
			out = append(out, c)
		}
	}
	return out
}

// bySameType assumes that the unknown arguments have the type that all the known ones share.
func (p *state) bySameType(in []ids.Oid, cands []*candidate) *candidate {
	known := unknownOid
	for _, t := range in {
		if t == unknownOid {
			continue
		}
		if known != unknownOid && known != t {
			return nil
		}
		known = t
	}
	if known == unknownOid {
		return nil
	}
	all := make([]ids.Oid, len(in))
	for i := range all {
		all[i] = known
	}
	var found *candidate
	for _, c := range cands {
		if p.canCoerceAll(all, c.args, implicitly) {
			if found != nil {
				return nil
			}
			found = c
		}
	}
	return found
}

// callShape is what a call looks like to the search for candidates.
type callShape struct {
	nargs          int
	names          []string // of the last arguments, when they are named
	expandVariadic bool
	expandDefaults bool
	withOut        bool // CALL: OUT parameters have arguments too
}

// candidates lists the functions of a name that fit the number and names of the arguments.
func (p *state) candidates(schema, name string, s callShape) []*candidate {
	all := must(p.cat.FuncCandidates(schema, name))
	out := make([]*candidate, 0, len(all))
	for i := range all {
		c := s.fit(all[i].Proc)
		if c == nil {
			continue
		}
		c.pathPos = all[i].PathPos
		out = addCandidate(out, c)
	}
	return out
}

// fit lines a function's parameters up with the call; nil when they do not fit.
func (s *callShape) fit(f *catalog.Proc) *candidate {
	c := &candidate{proc: f}
	params := f.Proargtypes
	if s.withOut && f.Proallargtypes != nil {
		params = paramsWithOut(f)
	}
	np := len(params)
	if len(s.names) > 0 {
		return s.fitNamed(f, c, params)
	}
	variadic := s.expandVariadic && np <= s.nargs && f.Provariadic != 0
	if np > s.nargs {
		if !s.expandDefaults || s.nargs+int(f.Pronargdefaults) < np {
			return nil
		}
		c.ndefs = np - s.nargs
	} else if np != s.nargs && !variadic {
		return nil
	}
	if !variadic {
		c.args = slices.Clone(params[:s.nargs])
		return c
	}
	c.nvargs = s.nargs - np + 1
	c.args = make([]ids.Oid, s.nargs)
	copy(c.args, params)
	for i := np - 1; i < s.nargs; i++ {
		c.args[i] = f.Provariadic
	}
	return c
}

// paramsWithOut returns the parameter types including OUT ones, as CALL passes them.
func paramsWithOut(f *catalog.Proc) []ids.Oid {
	var out []ids.Oid
	for i, t := range f.Proallargtypes {
		if i >= len(f.Proargmodes) || f.Proargmodes[i] != 't' {
			out = append(out, t)
		}
	}
	return out
}

// fitNamed matches named arguments to parameters.
func (s *callShape) fitNamed(f *catalog.Proc, c *candidate, params []ids.Oid) *candidate {
	np := len(params)
	if s.nargs > np || s.nargs+int(f.Pronargdefaults) < np && !s.expandDefaults || f.Proargnames == nil {
		return nil
	}
	positional := s.nargs - len(s.names)
	used := make([]bool, np)
	nums := make([]int, 0, np)
	for i := range positional {
		used[i] = true
		nums = append(nums, i)
	}
	for _, n := range s.names {
		pos := s.paramNumber(f, n)
		if pos < 0 || pos >= np || used[pos] {
			return nil
		}
		used[pos] = true
		nums = append(nums, pos)
	}
	first := np - int(f.Pronargdefaults)
	for i := range np {
		if used[i] {
			continue
		}
		if !s.expandDefaults || i < first {
			return nil
		}
		c.ndefs++
		nums = append(nums, i)
	}
	c.argNums = nums
	c.args = make([]ids.Oid, s.nargs)
	for i := range c.args {
		c.args[i] = params[nums[i]]
	}
	return c
}

// paramNumber finds an input parameter by name; -1 when there is none.
func (s *callShape) paramNumber(f *catalog.Proc, name string) int {
	pos := 0
	for i, n := range f.Proargnames {
		mode := byte('i')
		if i < len(f.Proargmodes) {
			mode = f.Proargmodes[i]
		}
		if mode == 't' || mode == 'o' && !s.withOut {
			continue
		}
		if n == name && n != "" {
			return pos
		}
		pos++
	}
	return -1
}

// addCandidate adds c unless one with the same parameter types is better: an earlier schema's, then a non-variadic one;
// with default arguments on both sides there is a conflict.
func addCandidate(list []*candidate, c *candidate) []*candidate {
	if c.nvargs == 0 && c.ndefs == 0 && !slices.ContainsFunc(list, func(o *candidate) bool { return o.nvargs > 0 || o.ndefs > 0 }) {
		return append(list, c)
	}
	for i, o := range list {
		if !slices.Equal(o.args, c.args) {
			continue
		}
		switch {
		case c.pathPos != o.pathPos:
			if c.pathPos < o.pathPos {
				list[i] = c
			}
		case (c.nvargs > 0) != (o.nvargs > 0):
			if c.nvargs == 0 {
				list[i] = c
			}
		case c.ndefs > 0 && o.ndefs > 0:
			o.conflict = true
		case c.ndefs != o.ndefs:
			if c.ndefs == 0 {
				list[i] = c
			}
		default:
			o.conflict = true
		}
		return list
	}
	return append(list, c)
}
