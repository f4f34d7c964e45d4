package deparse

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/query"
	"gompho/types"
)

// flags say how pretty the text is.
type flags uint8

const (
	prettyParen  flags = 1 << iota // leave out parentheses that are not needed
	prettyIndent                   // lines and indentation
	prettySchema                   // leave out schemas that are in the search path
)

const allPretty = prettyParen | prettyIndent | prettySchema

// prettyFlags are the flags of the functions with a "pretty" argument.
func prettyFlags(pretty bool) flags {
	if pretty {
		return allPretty
	}
	return prettyIndent
}

// Indentation.
const (
	indentStd   = 8
	indentJoin  = 4
	indentVar   = 4
	indentLimit = 40
)

// printer writes one text. Its levels are the queries around what is being written, innermost first.
type printer struct {
	cat    *catalog.Session
	env    types.Env
	buf    *strings.Builder
	levels []*level
	flags  flags
	wrap   int
	indent int
	prefix bool // qualify columns by their table

	windows   []*query.WindowClause
	windowTL  []*query.TargetEntry
	inGroupBy bool
	appending *query.TargetEntry
	plan      *Plan // set when printing for EXPLAIN
}

// bailout carries an error of the catalogs to the entry point.
type bailout struct{ err error }

func must[T any](v T, err error) T {
	if err != nil {
		panic(bailout{err})
	}
	return v
}

func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case bailout:
		*err = r.err
	default:
		panic(r)
	}
}

func newPrinter(cat *catalog.Session, env types.Env, f flags) *printer {
	if env == nil {
		env = types.DefaultEnv
	}
	return &printer{cat: cat, env: env, buf: &strings.Builder{}, flags: f}
}

func (p *printer) parens() bool { return p.flags&prettyParen == 0 }

func (p *printer) pretty() bool { return p.flags&prettyIndent != 0 }

func (p *printer) str(s string) { p.buf.WriteString(s) }

func (p *printer) ident(name string) { p.buf.WriteString(catalog.QuoteIdent(name)) }

// trimSpaces drops blanks at the end of the text.
func (p *printer) trimSpaces() {
	s := p.buf.String()
	t := strings.TrimRight(s, " ")
	if len(t) != len(s) {
		p.buf.Reset()
		p.buf.WriteString(t)
	}
}

// keyword writes a word; in indented text on a new line.
func (p *printer) keyword(word string, before, after, plus int) {
	if !p.pretty() {
		p.str(word)
		return
	}
	p.indent += before
	p.trimSpaces()
	n := max(p.indent, 0)
	if p.indent >= indentLimit {
		n = (indentLimit + (p.indent-indentLimit)/(indentStd/2)) % indentLimit
	}
	p.str("\n" + strings.Repeat(" ", n+plus))
	p.str(word)
	p.indent = max(p.indent+after, 0)
}

// capture runs f with an empty buffer and returns what it wrote.
func (p *printer) capture(f func()) string {
	saved := p.buf
	p.buf = &strings.Builder{}
	f()
	s := p.buf.String()
	p.buf = saved
	return s
}

// lineLength is the length of the last line.
func (p *printer) lineLength() int {
	s := p.buf.String()
	return len(s) - (strings.LastIndexByte(s, '\n') + 1)
}

// literal writes a string constant.
func (p *printer) literal(s string) {
	p.str("'" + strings.ReplaceAll(s, "'", "''") + "'")
}

func (p *printer) typ(oid ids.Oid, typmod int32) string { return p.cat.FormatType(oid, typmod) }

// Expr returns the text of an expression over the columns of one relation (nil: none), as pg_get_expr does.
func Expr(cat *catalog.Session, env types.Env, e query.Expr, rel *catalog.Relation, pretty bool) (s string, err error) {
	defer catch(&err)
	return exprText(cat, env, e, rel, prettyFlags(pretty)), nil
}

func exprText(cat *catalog.Session, env types.Env, e query.Node, rel *catalog.Relation, f flags) string {
	p := newPrinter(cat, env, f)
	if rel != nil {
		p.levels = []*level{relationLevel(cat, rel)}
	}
	if l, ok := e.(*query.List); ok {
		p.list(l.Exprs(), false)
	} else {
		p.expr(e.(query.Expr), false)
	}
	return p.buf.String()
}

// Query returns the text of a query as a view definition, without the semicolon. names, if not nil, are the output
// columns' names. wrap is the column at which target lists are wrapped, 0 for always, -1 for never.
func Query(cat *catalog.Session, env types.Env, q *query.Query, names []string, pretty bool, wrap int) (s string, err error) {
	defer catch(&err)
	return viewText(cat, env, q, names, prettyFlags(pretty), wrap), nil
}

func viewText(cat *catalog.Session, env types.Env, q *query.Query, names []string, f flags, wrap int) string {
	p := newPrinter(cat, env, f)
	p.wrap = wrap
	p.prefix = true
	p.queryLevel(q, names, true, true)
	return p.buf.String()
}
