package deparse

import (
	"slices"

	"gompho/catalog"
	"gompho/sql/query"
)

// level holds the names of one query's range table.
type level struct {
	q           *query.Query
	rtable      []*query.RangeTblEntry
	ctes        []*query.CommonTableExpr
	names       []string // of the entries, "" for an unnamed join
	cols        []*columns
	uniqueUsing bool
	using       []string // names of merged columns that must be unique in the whole level
}

// columns are the names of an entry's columns.
type columns struct {
	names       []string // by column number - 1; "" for a dropped one
	shown       []string // those of live columns, for alias lists
	printAlias  bool
	parentUsing []string
	left, right int // of a join: its sides' entries
	leftAtt     []int
	rightAtt    []int
	usingNames  []string
}

func (c *columns) grow(n int) {
	for len(c.names) < n {
		c.names = append(c.names, "")
	}
}

// relationLevel is the level of an expression over one relation.
func relationLevel(cat *catalog.Session, rel *catalog.Relation) *level {
	rte := &query.RangeTblEntry{Kind: query.RTERelation, Relid: rel.Oid, Relkind: rel.Kind, Inh: true, InFrom: true}
	rte.Eref = &query.Alias{Name: rel.Name}
	for i := range rel.Desc.Attrs {
		a := &rel.Desc.Attrs[i]
		n := a.Name
		if a.Dropped {
			n = ""
		}
		rte.Eref.Colnames = append(rte.Eref.Colnames, n)
	}
	l := &level{rtable: []*query.RangeTblEntry{rte}}
	p := &printer{cat: cat}
	p.nameTables(l, nil)
	p.nameColumns(l)
	return l
}

// queryNames makes the level of a query. isRule reserves the names that rules have entries for.
func (p *printer) queryNames(q *query.Query, isRule bool) *level {
	l := &level{q: q, rtable: q.RTable, ctes: q.CTEList}
	var taken []string
	if isRule {
		taken = []string{"old", "new"}
	}
	p.nameTables(l, taken)
	p.nameColumns(l)
	return l
}

// nameTables gives each entry a name that no other one of this level or of those around has.
func (p *printer) nameTables(l *level, taken []string) {
	used := map[string]bool{}
	for _, t := range taken {
		used[t] = true
	}
	for _, o := range p.levels {
		for _, n := range o.names {
			used[n] = true
		}
	}
	l.names = make([]string, len(l.rtable))
	order := make([]int, 0, len(l.rtable))
	if p.plan != nil && p.plan.used != nil {
		order = append(order, p.plan.used...)
	} else {
		for i := range l.rtable {
			order = append(order, i+1)
		}
	}
	for _, rti := range order {
		rte, name := l.rtable[rti-1], ""
		switch {
		case rte.Alias != nil:
			name = rte.Alias.Name
		case rte.Kind == query.RTERelation:
			name = rte.Eref.Name
			if rel := must(p.cat.Relation(rte.Relid)); rel != nil {
				name = rel.Name
			}
		case rte.Kind == query.RTEJoin:
		default:
			name = rte.Eref.Name
		}
		if name != "" {
			name = uniqueName(name, func(s string) bool { return !used[s] })
			used[name] = true
		}
		l.names[rti-1] = name
	}
}

// maxName is the longest name in bytes.
const maxName = 63

// uniqueName appends _1, _2, ... until ok likes the name.
func uniqueName(name string, ok func(string) bool) string {
	if ok(name) {
		return name
	}
	for i := 1; ; i++ {
		suffix := "_" + itoa(i)
		base := name
		for len(base)+len(suffix) > maxName {
			r := []rune(base)
			base = string(r[:len(r)-1])
		}
		if ok(base + suffix) {
			return base + suffix
		}
	}
}

func (p *printer) nameColumns(l *level) {
	l.cols = make([]*columns, len(l.rtable))
	for i := range l.cols {
		l.cols[i] = &columns{}
	}
	if l.q != nil && l.q.JoinTree != nil {
		l.uniqueUsing = l.dangerousUsing(l.q.JoinTree)
		l.usingNames(l.q.JoinTree, nil)
	}
	for i, rte := range l.rtable {
		if rte.Kind == query.RTEJoin {
			l.joinColumns(rte, l.cols[i])
		} else {
			p.entryColumns(l, rte, l.cols[i])
		}
	}
}

// dangerousUsing reports whether an unnamed join has a merged column that is more than one of its inputs' columns.
func (l *level) dangerousUsing(n query.JoinNode) bool {
	switch n := n.(type) {
	case *query.FromExpr:
		return slices.ContainsFunc(n.FromList, l.dangerousUsing)
	case *query.JoinExpr:
		rte := l.rtable[n.RTIndex-1]
		if rte.Alias == nil {
			for _, v := range rte.JoinAliasVars[:rte.JoinMergedN] {
				if _, ok := v.(*query.Var); !ok {
					return true
				}
			}
		}
		return l.dangerousUsing(n.Larg) || l.dangerousUsing(n.Rarg)
	}
	return false
}

func joinIndex(n query.JoinNode) int {
	switch n := n.(type) {
	case *query.RangeTblRef:
		return n.RTIndex
	case *query.JoinExpr:
		return n.RTIndex
	}
	return 0
}

// usingNames chooses the names of merged columns from the top of the join tree down.
func (l *level) usingNames(n query.JoinNode, parent []string) {
	if f, ok := n.(*query.FromExpr); ok {
		for _, x := range f.FromList {
			l.usingNames(x, parent)
		}
		return
	}
	j, ok := n.(*query.JoinExpr)
	if !ok {
		return
	}
	rte, c := l.rtable[j.RTIndex-1], l.cols[j.RTIndex-1]
	c.identify(j, rte)
	left, right := l.cols[c.left-1], l.cols[c.right-1]
	push := func(i int, name string) {
		if a := c.leftAtt[i]; a > 0 {
			left.grow(a)
			left.names[a-1] = name
		}
		if a := c.rightAtt[i]; a > 0 {
			right.grow(a)
			right.names[a-1] = name
		}
	}
	c.grow(len(rte.JoinAliasVars))
	if rte.Alias == nil {
		for i, name := range c.names {
			if name != "" {
				push(i, name)
			}
		}
	}
	parent = slices.Clone(parent)
	for i, name := range j.Using {
		if c.names[i] != "" {
			name = c.names[i]
		} else {
			if rte.Alias != nil && i < len(rte.Alias.Colnames) {
				name = rte.Alias.Colnames[i]
			}
			name = uniqueName(name, func(s string) bool { return l.freeColumn(c, s) })
			if l.uniqueUsing {
				l.using = append(l.using, name)
			}
			c.names[i] = name
		}
		c.usingNames = append(c.usingNames, name)
		parent = append(parent, name)
		push(i, name)
	}
	left.parentUsing, right.parentUsing = parent, parent
	l.usingNames(j.Larg, parent)
	l.usingNames(j.Rarg, parent)
}

// identify finds which columns of its sides the columns of a join are.
func (c *columns) identify(j *query.JoinExpr, rte *query.RangeTblEntry) {
	c.left, c.right = joinIndex(j.Larg), joinIndex(j.Rarg)
	n := len(rte.JoinAliasVars)
	c.leftAtt, c.rightAtt = make([]int, n), make([]int, n)
	i := 0
	for ; i < rte.JoinMergedN; i++ {
		c.leftAtt[i], c.rightAtt[i] = rte.JoinLeftCols[i], rte.JoinRightCols[i]
	}
	for _, a := range rte.JoinLeftCols[rte.JoinMergedN:] {
		c.leftAtt[i] = a
		i++
	}
	for _, a := range rte.JoinRightCols[rte.JoinMergedN:] {
		c.rightAtt[i] = a
		i++
	}
}

func (l *level) freeColumn(c *columns, name string) bool {
	return !slices.Contains(c.names, name) && !slices.Contains(c.shown, name) && !slices.Contains(l.using, name) &&
		!slices.Contains(c.parentUsing, name)
}

// realColumns are the names that an entry's columns have of themselves.
func (p *printer) realColumns(rte *query.RangeTblEntry) []string {
	if rte.Kind != query.RTERelation {
		return rte.Eref.Colnames
	}
	rel := must(p.cat.Relation(rte.Relid))
	if rel == nil {
		return rte.Eref.Colnames
	}
	out := make([]string, len(rel.Desc.Attrs))
	for i := range out {
		if a := &rel.Desc.Attrs[i]; !a.Dropped {
			out[i] = a.Name
		}
	}
	return out
}

func (p *printer) entryColumns(l *level, rte *query.RangeTblEntry, c *columns) {
	real := p.realColumns(rte)
	c.grow(len(real))
	changed := false
	live := 0
	for i, r := range real {
		if r == "" {
			continue
		}
		name := c.names[i]
		if name == "" {
			name = r
			if rte.Alias != nil && live < len(rte.Alias.Colnames) {
				name = rte.Alias.Colnames[live]
			}
			name = uniqueName(name, func(s string) bool { return l.freeColumn(c, s) })
			c.names[i] = name
		}
		live++
		c.shown = append(c.shown, name)
		changed = changed || name != r
	}
	switch {
	case rte.Kind == query.RTERelation:
		c.printAlias = changed
	case rte.Kind == query.RTEFunction:
		c.printAlias = true
	case rte.Alias != nil && len(rte.Alias.Colnames) > 0:
		c.printAlias = true
	default:
		c.printAlias = changed
	}
}

func (l *level) joinColumns(rte *query.RangeTblEntry, c *columns) {
	if c.left == 0 {
		// Not in the join tree: nothing refers to it.
		c.names = append(c.names[:0], rte.Eref.Colnames...)
		return
	}
	left, right := l.cols[c.left-1], l.cols[c.right-1]
	changed := false
	for i := len(c.usingNames); i < len(rte.JoinAliasVars); i++ {
		real := rte.Eref.Colnames[i]
		if a := c.leftAtt[i]; a > 0 {
			real = left.names[a-1]
		} else if a := c.rightAtt[i]; a > 0 {
			real = right.names[a-1]
		}
		switch {
		case real == "":
			c.names[i] = ""
			continue
		case rte.Alias == nil:
			c.names[i] = real
			continue
		}
		if c.names[i] == "" {
			name := real
			if i < len(rte.Alias.Colnames) {
				name = rte.Alias.Colnames[i]
			}
			c.names[i] = uniqueName(name, func(s string) bool { return l.freeColumn(c, s) })
		}
		changed = changed || c.names[i] != real
	}
	for _, n := range c.names {
		if n != "" {
			c.shown = append(c.shown, n)
		}
	}
	c.printAlias = rte.Alias != nil && changed
}
