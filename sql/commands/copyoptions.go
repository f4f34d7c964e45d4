package commands

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// headerKind is the HEADER option.
type headerKind uint8

const (
	headerOff headerKind = iota
	headerOn
	headerMatch
)

// copyOptions are the options of COPY, checked.
type copyOptions struct {
	csv, binary, freeze bool
	header              headerKind
	delim               byte
	null                string
	quote, escape       byte
	forceQuote          map[string]bool
	forceQuoteAll       bool
	forceNotNull        map[string]bool
	forceNull           map[string]bool
}

// copyOptionsOf reads the options of a statement.
func copyOptionsOf(st *ast.CopyStmt) (*copyOptions, error) {
	o := &copyOptions{}
	seen := map[string]*ast.DefElem{}
	for _, d := range st.Options {
		if seen[d.Defname] != nil {
			return nil, pgerr.New(pgerr.SyntaxError, "conflicting or redundant options").At(int(d.Location))
		}
		seen[d.Defname] = d
		if err := o.take(d, st.IsFrom); err != nil {
			return nil, err
		}
	}
	return o, o.check(seen, st.IsFrom)
}

func (o *copyOptions) take(d *ast.DefElem, isFrom bool) error {
	var err error
	switch d.Defname {
	case "format":
		switch defString(d) {
		case "text":
		case "csv":
			o.csv = true
		case "binary":
			o.binary = true
		default:
			return pgerr.New(pgerr.InvalidParameterValue, "COPY format %q not recognized", defString(d)).At(int(d.Location))
		}
	case "freeze":
		o.freeze, err = defBool(d)
	case "header":
		o.header, err = headerOf(d, isFrom)
	case "delimiter", "null", "quote", "escape":
	case "force_quote":
		if _, all := d.Arg.(*ast.AStar); all {
			o.forceQuoteAll = true
			return nil
		}
		o.forceQuote, err = nameSet(d)
	case "force_not_null":
		o.forceNotNull, err = nameSet(d)
	case "force_null":
		o.forceNull, err = nameSet(d)
	case "encoding":
		switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(defString(d))) {
		case "utf8", "unicode", "sqlascii":
		default:
			return pgerr.New(pgerr.InvalidParameterValue, "argument to option %q must be a valid encoding name", d.Defname).At(int(d.Location))
		}
	case "convert_selectively":
	default:
		return pgerr.New(pgerr.SyntaxError, "option %q not recognized", d.Defname).At(int(d.Location))
	}
	return err
}

func headerOf(d *ast.DefElem, isFrom bool) (headerKind, error) {
	if d.Arg == nil {
		return headerOn, nil
	}
	s := defString(d)
	if strings.EqualFold(s, "match") {
		if !isFrom {
			return 0, pgerr.NotSupported("cannot use %q with HEADER in COPY TO", s)
		}
		return headerMatch, nil
	}
	switch strings.ToLower(s) {
	case "true", "on", "1":
		return headerOn, nil
	case "false", "off", "0":
		return headerOff, nil
	}
	return 0, pgerr.New(pgerr.SyntaxError, "%s requires a Boolean value or \"match\"", d.Defname)
}

func nameSet(d *ast.DefElem) (map[string]bool, error) {
	l, ok := d.Arg.(*ast.List)
	if !ok {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "argument to option %q must be a list of column names", d.Defname).At(int(d.Location))
	}
	m := map[string]bool{}
	for _, n := range ast.Names(l) {
		m[n] = true
	}
	return m, nil
}

func (o *copyOptions) check(seen map[string]*ast.DefElem, isFrom bool) error {
	text := func(name string) (string, bool) {
		d := seen[name]
		if d == nil {
			return "", false
		}
		return defString(d), true
	}
	delim, hasDelim := text("delimiter")
	null, hasNull := text("null")
	quote, hasQuote := text("quote")
	escape, hasEscape := text("escape")
	syntax := func(msg string) error { return pgerr.New(pgerr.SyntaxError, "%s", msg) }
	bad := func(msg string, args ...any) error { return pgerr.New(pgerr.InvalidParameterValue, msg, args...) }
	if o.binary && hasDelim {
		return syntax("cannot specify DELIMITER in BINARY mode")
	}
	if o.binary && hasNull {
		return syntax("cannot specify NULL in BINARY mode")
	}
	if !hasDelim {
		delim = "\t"
		if o.csv {
			delim = ","
		}
	}
	if !hasNull {
		null = "\\N"
		if o.csv {
			null = ""
		}
	}
	if o.csv {
		if !hasQuote {
			quote = "\""
		}
		if !hasEscape {
			escape = quote
		}
	}
	switch {
	case len(delim) != 1:
		return pgerr.NotSupported("COPY delimiter must be a single one-byte character")
	case strings.ContainsAny(delim, "\r\n"):
		return bad("COPY delimiter cannot be newline or carriage return")
	case strings.ContainsAny(null, "\r\n"):
		return bad("COPY null representation cannot use newline or carriage return")
	case !o.csv && strings.Contains("\\.abcdefghijklmnopqrstuvwxyz0123456789", delim):
		return bad("COPY delimiter cannot be %q", delim)
	case o.binary && o.header != headerOff:
		return pgerr.NotSupported("cannot specify HEADER in BINARY mode")
	case !o.csv && hasQuote:
		return pgerr.NotSupported("COPY quote available only in CSV mode")
	case o.csv && len(quote) != 1:
		return pgerr.NotSupported("COPY quote must be a single one-byte character")
	case o.csv && delim == quote:
		return bad("COPY delimiter and quote must be different")
	case !o.csv && hasEscape:
		return pgerr.NotSupported("COPY escape available only in CSV mode")
	case o.csv && len(escape) != 1:
		return pgerr.NotSupported("COPY escape must be a single one-byte character")
	case !o.csv && (o.forceQuote != nil || o.forceQuoteAll):
		return pgerr.NotSupported("COPY force quote available only in CSV mode")
	case (o.forceQuote != nil || o.forceQuoteAll) && isFrom:
		return pgerr.NotSupported("COPY force quote only available using COPY TO")
	case !o.csv && o.forceNotNull != nil:
		return pgerr.NotSupported("COPY force not null available only in CSV mode")
	case o.forceNotNull != nil && !isFrom:
		return pgerr.NotSupported("COPY force not null only available using COPY FROM")
	case !o.csv && o.forceNull != nil:
		return pgerr.NotSupported("COPY force null available only in CSV mode")
	case o.forceNull != nil && !isFrom:
		return pgerr.NotSupported("COPY force null only available using COPY FROM")
	case strings.Contains(null, delim):
		return pgerr.NotSupported("COPY delimiter must not appear in the NULL specification")
	case o.csv && strings.Contains(null, quote):
		return pgerr.NotSupported("CSV quote character must not appear in the NULL specification")
	}
	o.delim, o.null = delim[0], null
	if o.csv {
		o.quote, o.escape = quote[0], escape[0]
	}
	return nil
}

// copyColumns returns the numbers of the columns that COPY is about. Without a list these are all that are not generated.
func copyColumns(rel *catalog.Relation, names []string) ([]int16, error) {
	var out []int16
	if len(names) == 0 {
		for i := range rel.Desc.Attrs {
			if a := &rel.Desc.Attrs[i]; !a.Dropped && a.Generated == 0 {
				out = append(out, int16(i+1))
			}
		}
		return out, nil
	}
	seen := map[int16]bool{}
	for _, n := range names {
		att := rel.AttNum(n)
		if att <= 0 {
			return nil, pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", n, rel.Name)
		}
		if rel.Desc.Attrs[att-1].Generated != 0 {
			return nil, pgerr.New(pgerr.InvalidColumnReference, "column %q is a generated column", n).
				WithDetail("Generated columns cannot be used in COPY.")
		}
		if seen[att] {
			return nil, pgerr.New(pgerr.DuplicateColumn, "column %q specified more than once", n)
		}
		seen[att] = true
		out = append(out, att)
	}
	return out, nil
}

// checkForced checks that the columns of the FORCE options are among those that are copied.
func checkForced(rel *catalog.Relation, cols []int16, set map[string]bool, what string) error {
	for name := range set {
		att := int16(0)
		if rel != nil {
			if att = rel.AttNum(name); att <= 0 {
				return pgerr.New(pgerr.UndefinedColumn, "column %q of relation %q does not exist", name, rel.Name)
			}
		}
		found := rel == nil
		for _, k := range cols {
			found = found || k == att
		}
		if !found {
			return pgerr.New(pgerr.InvalidColumnReference, "%s column %q not referenced by COPY", what, name)
		}
	}
	return nil
}
