package backend

import (
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/parser"
	"gompho/stats"
	"gompho/types"
)

// planCache keeps the simple-protocol statements of a session by their text with the literals taken out, from the second time
// on that such a text comes. Whether a plan is made for the literals' values is decided as for any prepared statement.
type planCache struct {
	entries     map[string]*Prepared // a nil value: cannot be cached
	seen        map[string]known     // texts that came once
	fresh       bool                 // the text that runs now came for the first time
	parsed      map[string]*Prepared // unnamed statements of the extended protocol, by text
	settings    uint64               // counts changes of settings that plans depend on
	pathVersion uint64
	norm        parser.Normalized
	params      []types.Datum
	portal      Portal
}

// maxCached bounds the number of remembered texts of a session.
const maxCached = 128

func (c *planCache) clear() {
	for _, p := range c.entries {
		if p != nil && p.exec != nil {
			p.exec.Close()
			p.exec = nil
		}
	}
	for _, p := range c.parsed {
		p.cached = false
		if p.exec != nil {
			p.exec.Close()
			p.exec = nil
		}
	}
	c.entries, c.parsed, c.seen = nil, nil, nil
	c.pathVersion++
}

// remember keeps an unnamed statement for the next Parse of the same text.
func (c *planCache) remember(p *Prepared) {
	if len(c.parsed) >= maxCached {
		c.clear()
	}
	if c.parsed == nil {
		c.parsed = map[string]*Prepared{}
	}
	p.cached = true
	c.parsed[p.sql] = p
}

// noteSetting follows a change of a setting: plans made under the old value are not used any more.
func (c *planCache) noteSetting(string) { c.settings++ }

func (c *planCache) put(key []byte, p *Prepared) {
	if len(c.entries) >= maxCached {
		c.clear()
	}
	if c.entries == nil {
		c.entries = map[string]*Prepared{}
	}
	c.entries[string(key)] = p
}

// first reports whether the normalized text has not come before, and remembers it: a text that comes once is not worth
// the memory of its tree.
func (c *planCache) first() bool {
	if _, ok := c.seen[string(c.norm.Key)]; ok {
		return false
	}
	if c.seen == nil || len(c.seen) >= 4*maxCached {
		c.seen = map[string]known{}
	}
	c.seen[string(c.norm.Key)] = known{}
	c.fresh = true
	return true
}

// fastPath runs a single plain statement by a cached plan; done is false when the statement must go the ordinary way, which
// also finds the right words and positions for whatever is wrong with it.
func (b *Backend) fastPath(sql string) (done bool, err error) {
	c := &b.cache
	if b.blk.failed || b.hot.log(b).statement != "none" || !parser.Normalize(sql, &c.norm) {
		return false, nil
	}
	p, seen := c.entries[string(c.norm.Key)]
	if seen && p == nil || !seen && c.first() {
		return false, nil
	}
	if err := b.blk.start(); err != nil {
		return true, err
	}
	if !seen {
		if p, err = b.newCached(); endsWait(err) {
			return true, err
		} else if p == nil {
			c.put(c.norm.Key, nil)
			return false, nil
		}
		c.put(c.norm.Key, p)
	} else if err := b.revalidate(p); err != nil {
		delete(c.entries, string(c.norm.Key))
		if endsWait(err) {
			return true, err
		}
		return false, nil
	}
	parsed := b.step(stats.StepParse, b.s.StatementStart)
	if !b.literals(p) {
		return false, nil
	}
	if len(c.norm.Literals) > 0 {
		b.step(stats.StepDecode, parsed)
	}
	return true, b.runCached(p)
}

// endsWait reports whether an error came from a wait for a lock or from a request to stop: the ordinary way must not wait a second time.
// The text that was analyzed is not the client's, so there is no position in it.
func endsWait(err error) bool {
	e, ok := err.(*pgerr.Error)
	if !ok {
		return false
	}
	switch e.Code {
	case pgerr.QueryCanceled, pgerr.LockNotAvailable, pgerr.TRDeadlockDetected:
		e.Position = 0
		return true
	}
	return isFatal(e)
}

// newCached analyzes the normalized text; nil when it cannot be cached. The error says why, if it could not be analyzed.
func (b *Backend) newCached() (*Prepared, error) {
	c := &b.cache
	text := c.norm.Text()
	stmts, err := b.parseText(text)
	if err != nil || len(stmts) != 1 {
		return nil, err
	}
	pts := make([]ids.Oid, len(c.norm.Literals))
	for i, l := range c.norm.Literals {
		switch l.Kind {
		case parser.LiteralInt4:
			pts[i] = 23
		case parser.LiteralInt8:
			pts[i] = 20
		case parser.LiteralNumeric:
			pts[i] = 1700
		}
	}
	p, err := b.prepare(&stmts[0], text, pts, true)
	if err != nil || p.utility || len(p.queries) != 1 {
		return nil, err
	}
	k := c.seen[string(c.norm.Key)]
	p.simple, p.lookup, p.queryID, p.stat = true, simpleLookup(p.queries[0]), k.id, k.stat
	switch stmts[0].Stmt.(type) {
	case *ast.SelectStmt, *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
		return p, nil
	}
	return nil, nil
}

// literals gives the parameters their values; false when one does not fit its type.
func (b *Backend) literals(p *Prepared) bool {
	c := &b.cache
	c.params = c.params[:0]
	for i := range c.norm.Literals {
		l := &c.norm.Literals[i]
		switch l.Kind {
		case parser.LiteralInt4, parser.LiteralInt8:
			c.params = append(c.params, types.Int(l.Int))
			continue
		}
		t, err := b.eng.Type(b.s, p.paramTypes[i])
		if err != nil {
			return false
		}
		text := l.Text
		if !p.lookup {
			text = strings.Clone(text) // functions may keep what they are given longer than the message lives
		}
		d, err := types.Input(b.env, t, text, -1)
		if err != nil {
			return false
		}
		c.params = append(c.params, d)
	}
	return true
}

func (b *Backend) runCached(p *Prepared) error {
	pt := &b.cache.portal
	*pt = Portal{stmt: p, params: b.cache.params, created: b.s.StatementStart, sub: len(b.blk.points), simple: true}
	b.ps = p.tag
	w := b.writer(p, nil)
	b.current = pt
	_, err := b.runPortal(pt, 0, w)
	b.current = nil
	if err != nil {
		pt.done = false
		b.endPortal(pt)
		return err
	}
	b.endPortal(pt)
	if err := b.blk.finish(); err != nil {
		return err
	}
	b.c.CommandComplete(pt.tag)
	return nil
}
