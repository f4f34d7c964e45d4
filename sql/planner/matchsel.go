package planner

import (
	"bytes"
	"math"
	"strings"

	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"
)

// Selectivities of the parts of a pattern, as PostgreSQL has them.
const (
	fixedCharSel    = 0.20
	anyCharSel      = 0.9
	charRangeSel    = 0.25
	fullWildcardSel = 5.0
)

// pattern is what planning can tell of a LIKE pattern or regular expression.
type pattern struct {
	prefix []byte  // every match begins with it
	exact  bool    // only the prefix itself matches
	rest   float64 // selectivity of what follows the prefix
}

// patternOf reads a pattern of an operator with the given selectivity function; ok is false when the operator is no match of patterns.
func patternOf(restrict string, pat string) (p pattern, ok bool) {
	switch restrict {
	case "likesel", "nlikesel":
		return likePattern(pat, false), true
	case "iclikesel", "icnlikesel":
		return likePattern(pat, true), true
	case "regexeqsel", "regexnesel":
		return regexPattern(pat, false), true
	case "icregexeqsel", "icregexnesel":
		return regexPattern(pat, true), true
	case "prefixsel":
		return pattern{prefix: []byte(pat), rest: 1}, true
	}
	return pattern{}, false
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }

func likePattern(pat string, fold bool) pattern {
	var p pattern
	i := 0
	for ; i < len(pat); i++ {
		c := pat[i]
		if c == '%' || c == '_' || fold && isLetter(c) {
			break
		}
		if c == '\\' {
			if i++; i >= len(pat) {
				break
			}
			c = pat[i]
		}
		p.prefix = append(p.prefix, c)
	}
	if p.exact = i >= len(pat); p.exact {
		p.rest = 1
		return p
	}
	p.rest = likeRest(pat[i:])
	return p
}

// likeRest is the selectivity of a pattern without its fixed prefix.
func likeRest(pat string) float64 {
	s := 1.0
	pat = strings.TrimLeft(pat, "%_")
	for i := 0; i < len(pat); i++ {
		switch pat[i] {
		case '%':
			s *= fullWildcardSel
		case '_':
			s *= anyCharSel
		case '\\':
			i++
			s *= fixedCharSel
		default:
			s *= fixedCharSel
		}
	}
	return math.Min(s, 1)
}

// regexPattern finds the fixed beginning of an anchored regular expression.
func regexPattern(pat string, fold bool) pattern {
	var p pattern
	p.rest = regexRest(pat)
	if len(pat) == 0 || pat[0] != '^' || strings.ContainsAny(pat, "|") || strings.HasPrefix(pat, "***") {
		return p
	}
	i := 1
	for ; i < len(pat); i++ {
		c := pat[i]
		if strings.IndexByte(".[]()*+?{}\\$^", c) >= 0 || fold && isLetter(c) {
			break
		}
		if i+1 < len(pat) && strings.IndexByte("*?{", pat[i+1]) >= 0 {
			break // the character may be absent
		}
		p.prefix = append(p.prefix, c)
	}
	p.exact = i == len(pat)-1 && pat[i] == '$'
	if p.exact {
		p.rest = 1
		return p
	}
	p.rest = math.Min(1, p.rest/math.Pow(fixedCharSel, float64(len(p.prefix))))
	return p
}

// regexRest is the selectivity of a whole regular expression by its characters.
func regexRest(pat string) float64 {
	s, inSet := 1.0, false
	for i := 0; i < len(pat); i++ {
		switch c := pat[i]; {
		case inSet:
			inSet = c != ']'
		case c == '[':
			inSet = true
			s *= charRangeSel
		case c == '.':
			s *= anyCharSel
		case c == '*' || c == '+' || c == '?':
			s *= 2
		case c == '^' || c == '$' || c == '(' || c == ')':
		case c == '\\':
			i++
			s *= fixedCharSel
		default:
			s *= fixedCharSel
		}
	}
	if !strings.HasSuffix(pat, "$") {
		s *= fullWildcardSel
	}
	return math.Min(1, math.Max(s, 0))
}

// after returns the least string greater than all that begin with prefix; nil when there is none.
func after(prefix []byte) []byte {
	out := bytes.Clone(prefix)
	for n := len(out); n > 0; n = len(out) {
		if c := out[n-1]; c < 0x7f {
			out[n-1]++
			return out
		}
		for n--; n > 0 && out[n]&0xc0 == 0x80; n-- { // a whole character
		}
		out = out[:n]
	}
	return nil
}

// matchSel estimates LIKE and regular expressions: the most common values and a long histogram are matched against the
// pattern itself; otherwise the fixed prefix is a range, and what follows it costs something for each character.
func (r *root) matchSel(x *query.OpExpr, info *opInfo, col query.Expr, c *query.Const, negated bool) float64 {
	def := defaultMatchSel
	if negated {
		def = 1 - defaultMatchSel
	}
	if c == nil || !c.Value.IsNull() && !c.Value.IsBytes() {
		return def
	}
	if c.Value.IsNull() {
		return 0
	}
	p, ok := patternOf(info.restrict, c.Value.Str())
	if !ok {
		return def
	}
	vi := r.varStats(col)
	match := info
	if negated {
		if match = r.g.facts.op(info.negator); match == nil {
			return def
		}
	}
	var s float64
	switch {
	case p.exact:
		eq := textOp(col.Type(), 0)
		if eq == nil {
			return def
		}
		s = r.eqSel(r.g.facts.op(eq.oid), col, r.prefixConst(col, p.prefix), false, x.InputCollid)
	case vi.st == nil:
		s = r.prefixSel(col, p, x.InputCollid) * p.rest
	default:
		s = r.matchStats(match, vi.st, col, c, p, x.InputCollid)
	}
	if negated {
		s = 1 - s - vi.nullFrac()
	}
	return clampSel(s)
}

func (r *root) matchStats(info *opInfo, st *colStats, col query.Expr, c *query.Const, p pattern, coll ids.Oid) float64 {
	h, n := 0.0, len(st.histogram)
	if n >= 10 {
		hits := 0.0
		for _, v := range st.histogram[1 : n-1] {
			if t, ok := r.compare(info, v, c, col.Type(), false, coll); ok && t {
				hits++
			}
		}
		h = hits / float64(n-2)
	}
	if n < 100 {
		guess := r.prefixSel(col, p, coll) * p.rest
		if n < 10 {
			h = guess
		} else {
			w := float64(n) / 100
			h = h*w + guess*(1-w)
		}
	}
	h = math.Min(0.9999, math.Max(0.0001, h))
	var mcv, sum float64
	for i, m := range st.mcv {
		sum += st.mcvFreq[i]
		if t, ok := r.compare(info, m, c, col.Type(), false, coll); ok && t {
			mcv += st.mcvFreq[i]
		}
	}
	return h*clampSel(1-st.nullFrac-sum) + mcv
}

// prefixSel is the fraction of rows that begin with the pattern's prefix.
func (r *root) prefixSel(col query.Expr, p pattern, coll ids.Oid) float64 {
	if len(p.prefix) == 0 {
		return 1
	}
	ge, lt, eq := textOp(col.Type(), strategyGe), textOp(col.Type(), strategyLt), textOp(col.Type(), 0)
	if ge == nil || r.g.facts.op(ge.oid) == nil {
		return defaultMatchSel
	}
	low := r.prefixConst(col, p.prefix)
	s := r.ineqSel(r.g.facts.op(ge.oid), col, low, false, coll)
	if vi := r.varStats(col); vi.st == nil {
		s = defaultMatchSel
	} else if next := after(p.prefix); next != nil {
		s += r.ineqSel(r.g.facts.op(lt.oid), col, r.prefixConst(col, next), false, coll) - 1 + vi.nullFrac()
	}
	return clampSel(math.Max(s, r.eqSel(r.g.facts.op(eq.oid), col, low, false, coll)))
}

func (r *root) prefixConst(col query.Expr, b []byte) *query.Const {
	t := ids.Oid(25)
	if o := textOp(col.Type(), 0); o != nil {
		t = o.right
	}
	return &query.Const{Result: query.Result{ResType: t, ResTypmod: -1, ResCollation: col.Collation()}, Value: types.Bytes(b), Location: -1}
}

// textOps are the comparisons of the types that patterns match; strategy 0 stands for equality.
type textOpInfo struct {
	typ      ids.Oid
	strategy int
	oid      ids.Oid
	right    ids.Oid
}

var textOps = []textOpInfo{
	{25, 0, 98, 25}, {25, strategyGe, 667, 25}, {25, strategyLt, 664, 25},
	{1043, 0, 98, 25}, {1043, strategyGe, 667, 25}, {1043, strategyLt, 664, 25},
	{1042, 0, 1054, 1042}, {1042, strategyGe, 1061, 1042}, {1042, strategyLt, 1058, 1042},
	{19, 0, 93, 19}, {19, strategyGe, 663, 19}, {19, strategyLt, 660, 19},
}

func textOp(typ ids.Oid, strategy int) *textOpInfo {
	for i := range textOps {
		if o := &textOps[i]; o.typ == typ && o.strategy == strategy {
			return o
		}
	}
	return nil
}

// matchPattern takes column LIKE 'prefix...' and the like as a range, or for a pattern without wildcards as an equality; rows are checked
// with the pattern itself. Text is kept in the order of its bytes, so every operator class of text will do.
func (r *root) matchPattern(b *rel, ix *indexInfo, col int, ri *rinfo, x *query.OpExpr) *indexMatch {
	info := r.g.facts.op(x.OpNo)
	if info == nil || len(x.Args) != 2 || !r.matchesColumn(b, ix, col, x.Args[0]) || ix.inputTypes[col] != 25 && ix.inputTypes[col] != 1043 {
		return nil
	}
	if info.restrict != "likesel" && info.restrict != "regexeqsel" && info.restrict != "prefixsel" {
		return nil
	}
	c := r.patternConst(x.Args[1])
	if c == nil || c.Value.IsNull() || !c.Value.IsBytes() {
		return nil
	}
	p, _ := patternOf(info.restrict, c.Value.Str())
	if len(p.prefix) == 0 {
		return nil
	}
	in := ix.inputTypes[col]
	make := func(strategy int, b []byte) *indexMatch {
		op := r.g.facts.famOp(ix.families[col], in, in, strategy)
		o := r.g.facts.op(op)
		if o == nil {
			return nil
		}
		val := &query.Const{Result: query.Result{ResType: in, ResTypmod: -1, ResCollation: x.InputCollid}, Value: types.Bytes(b), Location: -1}
		e := &query.OpExpr{Result: query.Result{ResType: boolOid, ResTypmod: -1}, OpNo: op, FuncID: o.fn, InputCollid: x.InputCollid, Args: []query.Expr{x.Args[0], val}, Location: -1}
		return &indexMatch{info: ri, column: col, strategy: strategy, op: op, value: val, orig: e, lossy: true}
	}
	if p.exact {
		return make(strategyEq, p.prefix)
	}
	m := make(strategyGe, p.prefix)
	if next := after(p.prefix); m != nil && next != nil {
		m.also = make(strategyLt, next)
	}
	return m
}

// patternConst returns a pattern that is known and stays so while the plan is used.
func (r *root) patternConst(e query.Expr) *query.Const {
	c, _ := stripRelabel(e).(*query.Const)
	return c
}
