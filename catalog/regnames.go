package catalog

import (
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/parser"
	"gompho/types"
)

// SplitName takes a possibly qualified name as typed apart: parts are folded to lower case unless quoted. 42602 when it is no name.
func SplitName(name string) ([]string, error) {
	bad := func() ([]string, error) { return nil, pgerr.New(pgerr.InvalidName, "invalid name syntax") }
	var parts []string
	s := trimBlanks(name)
	for {
		var part string
		quoted := strings.HasPrefix(s, `"`)
		if quoted {
			var b strings.Builder
			i := 1
			for ; ; i++ {
				if i >= len(s) {
					return bad()
				}
				if s[i] == '"' {
					if i+1 < len(s) && s[i+1] == '"' {
						i++
					} else {
						break
					}
				}
				b.WriteByte(s[i])
			}
			part, s = b.String(), s[i+1:]
		} else {
			i := strings.IndexAny(s, "."+nameBlanks)
			if i < 0 {
				i = len(s)
			}
			part, s = lowerASCII(s[:i]), s[i:]
		}
		if part == "" && !quoted {
			return bad()
		}
		parts = append(parts, TruncateName(part))
		s = trimBlanks(s)
		if s == "" {
			return parts, nil
		}
		if s[0] != '.' {
			return bad()
		}
		s = trimBlanks(s[1:])
	}
}

const nameBlanks = " \t\n\r\f"

func trimBlanks(s string) string { return strings.Trim(s, nameBlanks) }

// lowerASCII folds letters of ASCII only, as names are folded.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// schemaAndName takes at most two parts of a name apart.
func (s *Session) schemaAndName(parts []string) (schema, name string, err error) {
	switch len(parts) {
	case 1:
		return "", parts[0], nil
	case 2:
		return parts[0], parts[1], nil
	case 3:
		db, err := s.DatabaseRow(s.db)
		if err != nil {
			return "", "", err
		}
		if db == nil || db.Datname != parts[0] {
			return "", "", pgerr.New(pgerr.FeatureNotSupported, "cross-database references are not implemented: %s", strings.Join(parts, "."))
		}
		return parts[1], parts[2], nil
	}
	return "", "", pgerr.New(pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", strings.Join(parts, "."))
}

// LookupName finds the object that the text of a reg* value means.
func (s *Session) LookupName(kind types.RegKind, text string) (ids.Oid, error) {
	switch kind {
	case types.RegType:
		return s.lookupTypeText(text)
	case types.RegProcedure:
		return s.lookupProcedure(text)
	case types.RegOper:
		return s.lookupOper(text)
	case types.RegOperator:
		return s.lookupOperator(text)
	}
	parts, err := SplitName(text)
	if err != nil {
		return 0, err
	}
	if kind == types.RegNamespace || kind == types.RegRole {
		return s.lookupSimple(kind, parts)
	}
	schema, name, err := s.schemaAndName(parts)
	if err != nil {
		return 0, err
	}
	switch kind {
	case types.RegClass:
		oid, err := s.LookupRelation(RelName{Schema: schema, Name: name})
		if err == nil && oid == 0 {
			err = s.noSuchRelation(RelName{Schema: schema, Name: name})
		}
		return oid, err
	case types.RegProc:
		return s.lookupProc(schema, name, text)
	case types.RegCollation:
		c, err := s.LookupCollation(schema, name)
		if err != nil {
			return 0, err
		}
		if c == nil {
			return 0, s.missingIn(schema, pgerr.New(pgerr.UndefinedObject, "collation \"%s\" for encoding \"UTF8\" does not exist", strings.Join(parts, ".")))
		}
		return c.Oid, nil
	}
	return s.lookupTextSearch(kind, schema, name, parts)
}

func (s *Session) lookupSimple(kind types.RegKind, parts []string) (ids.Oid, error) {
	if len(parts) != 1 {
		return 0, pgerr.New(pgerr.InvalidName, "invalid name syntax")
	}
	if kind == types.RegNamespace {
		n, err := s.NamespaceByName(parts[0])
		if err != nil {
			return 0, err
		}
		if n == nil {
			return 0, pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", parts[0])
		}
		return n.Oid, nil
	}
	r, err := s.RoleByName(parts[0])
	if err != nil {
		return 0, err
	}
	if r == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "role %q does not exist", parts[0])
	}
	return r.Oid, nil
}

func (s *Session) lookupProc(schema, name, text string) (ids.Oid, error) {
	fs, err := s.FuncCandidates(schema, name)
	switch {
	case err != nil:
		return 0, err
	case len(fs) == 0:
		return 0, s.missingIn(schema, pgerr.New(pgerr.UndefinedFunction, "function %q does not exist", text))
	case len(fs) > 1:
		return 0, pgerr.New(pgerr.AmbiguousFunction, "more than one function named %q", text)
	}
	return fs[0].Oid, nil
}

// splitArgs takes name(type, type) apart; args are the texts of the types.
func splitArgs(text string) (name string, args []string, err error) {
	open := strings.IndexByte(text, '(')
	if i := strings.LastIndexByte(text, '"'); i >= 0 && open >= 0 && strings.Count(text[:open], `"`)%2 == 1 {
		// A quoted name with a parenthesis in it.
		if j := strings.IndexByte(text[i:], '('); j >= 0 {
			open = i + j
		}
	}
	if open < 0 {
		return "", nil, pgerr.New(pgerr.InvalidTextRepresentation, "expected a left parenthesis")
	}
	rest := strings.TrimSpace(text[open+1:])
	if !strings.HasSuffix(rest, ")") {
		return "", nil, pgerr.New(pgerr.InvalidTextRepresentation, "expected a right parenthesis")
	}
	rest = strings.TrimSpace(rest[:len(rest)-1])
	if rest == "" {
		return text[:open], nil, nil
	}
	depth, start, quoted := 0, 0, false
	for i := range len(rest) {
		switch c := rest[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			args = append(args, strings.TrimSpace(rest[start:i]))
			start = i + 1
		}
	}
	args = append(args, strings.TrimSpace(rest[start:]))
	for _, a := range args {
		if a == "" {
			return "", nil, pgerr.New(pgerr.InvalidTextRepresentation, "expected a type name")
		}
	}
	return text[:open], args, nil
}

func (s *Session) lookupProcedure(text string) (ids.Oid, error) {
	name, args, err := splitArgs(text)
	if err != nil {
		return 0, err
	}
	parts, err := SplitName(name)
	if err != nil {
		return 0, err
	}
	typs := make([]ids.Oid, len(args))
	for i, a := range args {
		if typs[i], err = s.lookupTypeText(a); err != nil {
			return 0, err
		}
	}
	schema, fn, err := s.schemaAndName(parts)
	if err != nil {
		return 0, err
	}
	fs, err := s.FuncCandidates(schema, fn)
	if err != nil {
		return 0, err
	}
	for _, f := range fs {
		if sameOids(f.Proargtypes, typs) {
			return f.Oid, nil
		}
	}
	return 0, s.missingIn(schema, pgerr.New(pgerr.UndefinedFunction, "function %q does not exist", text))
}

// missingIn is why an object was not found: its schema is not there, or else notFound.
func (s *Session) missingIn(schema string, notFound error) error {
	if schema == "" {
		return notFound
	}
	n, err := s.NamespaceByName(schema)
	if n == nil && err == nil {
		err = pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", schema)
	}
	if err != nil {
		return err
	}
	return notFound
}

// splitOperator takes the schema off an operator's name.
func (s *Session) splitOperator(text string) (schema, name string, err error) {
	parts, err := SplitName(text)
	if err != nil {
		return "", "", err
	}
	return s.schemaAndName(parts)
}

func (s *Session) lookupOper(text string) (ids.Oid, error) {
	schema, name, err := s.splitOperator(text)
	if err != nil {
		return 0, err
	}
	os, err := s.OperCandidates(schema, name)
	switch {
	case err != nil:
		return 0, err
	case len(os) == 0:
		return 0, s.missingIn(schema, pgerr.New(pgerr.UndefinedFunction, "operator does not exist: %s", text))
	case len(os) > 1:
		return 0, pgerr.New(pgerr.AmbiguousFunction, "more than one operator named %s", text)
	}
	return os[0].Oid, nil
}

func (s *Session) lookupOperator(text string) (ids.Oid, error) {
	op, args, err := splitArgs(text)
	if err != nil {
		return 0, err
	}
	schema, name, err := s.splitOperator(op)
	if err != nil {
		return 0, err
	}
	switch {
	case len(args) == 1:
		return 0, pgerr.New(pgerr.UndefinedParameter, "missing argument").
			WithHint("Use NONE to denote the missing argument of a unary operator.")
	case len(args) != 2:
		return 0, pgerr.New(pgerr.TooManyArguments, "too many arguments").WithHint("Provide two argument types for operator.")
	}
	var typs [2]ids.Oid
	for i, a := range args {
		if strings.EqualFold(a, "none") {
			continue
		}
		if typs[i], err = s.lookupTypeText(a); err != nil {
			return 0, err
		}
	}
	o, err := s.OperatorExact(schema, name, typs[0], typs[1])
	if err != nil {
		return 0, err
	}
	if o == nil {
		return 0, pgerr.New(pgerr.UndefinedFunction, "operator does not exist: %s", text)
	}
	return o.Oid, nil
}

func (s *Session) lookupTypeText(text string) (ids.Oid, error) {
	if trimBlanks(text) == "" {
		return 0, pgerr.New(pgerr.SyntaxError, "invalid type name %q", text)
	}
	t, err := parser.ParseTypeName(text)
	if err != nil {
		return 0, err
	}
	row, err := s.LookupTypeName(t)
	if err != nil {
		return 0, err
	}
	if row == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "type \"%s\" does not exist", TypeNameText(t))
	}
	return row.Oid, nil
}

// LookupTypeName returns the pg_type row that a parsed type name means, without its modifiers; nil when there is none.
func (s *Session) LookupTypeName(t *ast.TypeName) (*PgType, error) {
	var row *PgType
	var err error
	if t.TypeOid != 0 {
		row, err = s.TypeRow(t.TypeOid)
	} else {
		var schema, name string
		if schema, name, err = s.schemaAndName(t.Names); err != nil {
			return nil, err
		}
		row, err = s.LookupType(schema, name)
	}
	if row == nil || err != nil || len(t.ArrayBounds) == 0 {
		return row, err
	}
	if row.Typarray == 0 {
		return nil, nil
	}
	return s.TypeRow(row.Typarray)
}

// TypeNameText returns a parsed type name as messages show it.
func TypeNameText(t *ast.TypeName) string {
	text := strings.Join(t.Names, ".")
	if t.PctType {
		text += "%TYPE"
	}
	if len(t.ArrayBounds) > 0 {
		text += "[]"
	}
	return text
}

// lookupTextSearch finds a text search configuration or dictionary.
func (s *Session) lookupTextSearch(kind types.RegKind, schema, name string, parts []string) (ids.Oid, error) {
	pos, err := s.pathPositions(schema)
	if err != nil {
		return 0, err
	}
	var best ids.Oid
	bestPos := 0
	consider := func(oid, ns ids.Oid) {
		if n, ok := pos(ns); ok && (best == 0 || n < bestPos) {
			best, bestPos = oid, n
		}
	}
	word := "text search configuration"
	if kind == types.RegConfig {
		err = each(s, PgTsConfigCfgnameIndex, func(c *PgTsConfig) (bool, error) {
			consider(c.Oid, c.Cfgnamespace)
			return true, nil
		}, NameKey(AttPgTsConfigCfgname, name))
	} else {
		word = "text search dictionary"
		err = each(s, PgTsDictDictnameIndex, func(c *PgTsDict) (bool, error) {
			consider(c.Oid, c.Dictnamespace)
			return true, nil
		}, NameKey(AttPgTsDictDictname, name))
	}
	if err == nil && best == 0 {
		err = pgerr.New(pgerr.UndefinedObject, "%s \"%s\" does not exist", word, strings.Join(parts, "."))
	}
	return best, err
}

// ObjectName returns the name of an object as output of a reg* value shows it; false when there is none.
func (s *Session) ObjectName(kind types.RegKind, oid ids.Oid) (string, bool) {
	switch kind {
	case types.RegClass:
		return s.RelationName(oid)
	case types.RegType:
		t, err := s.TypeRow(oid)
		if t == nil || err != nil {
			return "", false
		}
		return s.TypeName(oid), true
	case types.RegProc:
		return s.ProcName(oid)
	case types.RegProcedure:
		return s.ProcSignature(oid)
	case types.RegOper:
		return s.OperatorName(oid)
	case types.RegOperator:
		return s.OperatorSignature(oid)
	case types.RegNamespace:
		if n, err := s.Namespace(oid); n != nil && err == nil {
			return QuoteIdent(n.Nspname), true
		}
	case types.RegRole:
		if r, err := s.Role(oid); r != nil && err == nil {
			return QuoteIdent(r.Rolname), true
		}
	case types.RegCollation:
		return s.CollationName(oid)
	case types.RegConfig:
		c, err := fetch[PgTsConfig](s, PgTsConfigOidIndex, OidKey(AttPgTsConfigOid, oid))
		if c != nil && err == nil {
			return s.qualifiedUnlessSearched(c.Cfgnamespace, c.Cfgname), true
		}
	case types.RegDictionary:
		c, err := fetch[PgTsDict](s, PgTsDictOidIndex, OidKey(AttPgTsDictOid, oid))
		if c != nil && err == nil {
			return s.qualifiedUnlessSearched(c.Dictnamespace, c.Dictname), true
		}
	}
	return "", false
}
