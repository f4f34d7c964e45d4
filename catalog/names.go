package catalog

import (
	"strings"

	"gompho/internal/ids"
	"gompho/sql/parser"
)

// QuoteIdent returns a name as SQL must show it: in double quotes when it is a key word or would not read back.
func QuoteIdent(name string) string { return parser.QuoteIdent(name) }

// QuoteQualified returns schema.name; an empty schema is left out.
func QuoteQualified(schema, name string) string {
	if schema == "" {
		return QuoteIdent(name)
	}
	return QuoteIdent(schema) + "." + QuoteIdent(name)
}

// namespaceName returns the name of a schema for output; the session's temporary schema is pg_temp.
func (s *Session) namespaceName(oid ids.Oid) string {
	if oid != 0 && oid == s.temp.oid {
		return "pg_temp"
	}
	n, err := s.Namespace(oid)
	if n == nil || err != nil {
		return ""
	}
	return n.Nspname
}

// RelationIsVisible reports whether an unqualified name finds the relation.
func (s *Session) RelationIsVisible(oid ids.Oid) (visible, exists bool) {
	r, err := s.Relation(oid)
	if r == nil || err != nil {
		return false, false
	}
	found, err := s.LookupRelation(RelName{Name: r.Name})
	return err == nil && found == oid, true
}

// TypeIsVisible reports whether an unqualified name finds the type.
func (s *Session) TypeIsVisible(oid ids.Oid) (visible, exists bool) {
	t, err := s.TypeRow(oid)
	if t == nil || err != nil {
		return false, false
	}
	found, err := s.LookupType("", t.Typname)
	return err == nil && found != nil && found.Oid == oid, true
}

// ProcIsVisible reports whether an unqualified name with the same argument types finds the function.
func (s *Session) ProcIsVisible(oid ids.Oid) (visible, exists bool) {
	p, err := s.Proc(oid)
	if p == nil || err != nil {
		return false, false
	}
	fs, err := s.FuncCandidates("", p.Proname)
	if err != nil {
		return false, true
	}
	for _, f := range fs {
		if f.Oid == oid {
			return true, true
		}
	}
	return false, true
}

// OperatorIsVisible reports whether an unqualified name with the same operand types finds the operator.
func (s *Session) OperatorIsVisible(oid ids.Oid) (visible, exists bool) {
	o, err := s.Operator(oid)
	if o == nil || err != nil {
		return false, false
	}
	found, err := s.OperatorExact("", o.Oprname, o.Oprleft, o.Oprright)
	return err == nil && found != nil && found.Oid == oid, true
}

// nameIsVisible reports whether the first schema of the search path in which has says yes is namespace.
func (s *Session) nameIsVisible(namespace ids.Oid, has func(ns ids.Oid) bool) bool {
	p, err := s.resolvePath()
	if err != nil {
		return false
	}
	for _, ns := range p.oids {
		if ns == namespace {
			return true
		}
		if has(ns) {
			return false
		}
	}
	return false
}

// OpClassIsVisible reports whether an unqualified name finds the operator class.
func (s *Session) OpClassIsVisible(oid ids.Oid) (visible, exists bool) {
	c, err := s.OpClass(oid)
	if c == nil || err != nil {
		return false, false
	}
	same, err := s.OpClasses(c.Opcmethod, c.Opcname)
	return err == nil && s.nameIsVisible(c.Opcnamespace, func(ns ids.Oid) bool {
		for _, x := range same {
			if x.Opcnamespace == ns {
				return true
			}
		}
		return false
	}), true
}

// OpFamilyIsVisible reports whether an unqualified name finds the operator family.
func (s *Session) OpFamilyIsVisible(oid ids.Oid) (visible, exists bool) {
	f, err := s.OpFamily(oid)
	if f == nil || err != nil {
		return false, false
	}
	same, err := many[PgOpfamily](s, cacheKey{id: opfamiliesByAmName, n: [4]uint32{uint32(f.Opfmethod)}, s: f.Opfname})
	return err == nil && s.nameIsVisible(f.Opfnamespace, func(ns ids.Oid) bool {
		for _, x := range same {
			if x.Opfnamespace == ns {
				return true
			}
		}
		return false
	}), true
}

// CollationIsVisible reports whether an unqualified name finds the collation.
func (s *Session) CollationIsVisible(oid ids.Oid) (visible, exists bool) {
	c, err := s.Collation(oid)
	if c == nil || err != nil {
		return false, false
	}
	found, err := s.LookupCollation("", c.Collname)
	return err == nil && found != nil && found.Oid == oid, true
}

// utf8Encoding is PostgreSQL's number of the encoding UTF8, the only one of our databases.
const utf8Encoding = 6

// LookupCollation returns a collation by name; an empty schema means the search path. nil when there is none.
func (s *Session) LookupCollation(schema, name string) (*Collation, error) {
	all, err := s.Collations(name)
	if len(all) == 0 || err != nil {
		return nil, err
	}
	pos, err := s.pathPositions(schema)
	if err != nil {
		return nil, err
	}
	var best *Collation
	bestPos := 0
	for _, c := range all {
		if c.Collencoding != -1 && c.Collencoding != utf8Encoding {
			continue
		}
		if n, ok := pos(c.Collnamespace); ok && (best == nil || n < bestPos) {
			best, bestPos = c, n
		}
	}
	return best, nil
}

// LookupOpClass returns an operator class by name; an empty schema means the search path. nil when there is none.
func (s *Session) LookupOpClass(am ids.Oid, schema, name string) (*OpClass, error) {
	all, err := s.OpClasses(am, name)
	if len(all) == 0 || err != nil {
		return nil, err
	}
	pos, err := s.pathPositions(schema)
	if err != nil {
		return nil, err
	}
	var best *OpClass
	bestPos := 0
	for _, c := range all {
		if n, ok := pos(c.Opcnamespace); ok && (best == nil || n < bestPos) {
			best, bestPos = c, n
		}
	}
	return best, nil
}

// RelationName returns a relation's name as regclass shows it: qualified when it is not visible, quoted where needed.
func (s *Session) RelationName(oid ids.Oid) (string, bool) {
	r, err := s.Relation(oid)
	if r == nil || err != nil {
		return "", false
	}
	if v, _ := s.RelationIsVisible(oid); v {
		return QuoteIdent(r.Name), true
	}
	return QuoteQualified(s.namespaceName(r.Namespace), r.Name), true
}

// ProcName returns a function's name as regproc shows it: qualified unless the name alone means just this function.
func (s *Session) ProcName(oid ids.Oid) (string, bool) {
	p, err := s.Proc(oid)
	if p == nil || err != nil {
		return "", false
	}
	fs, err := s.FuncCandidates("", p.Proname)
	if err == nil && len(fs) == 1 && fs[0].Oid == oid {
		return QuoteIdent(p.Proname), true
	}
	return QuoteQualified(s.namespaceName(p.Pronamespace), p.Proname), true
}

// ProcSignature returns a function's name with its argument types, as regprocedure shows it.
func (s *Session) ProcSignature(oid ids.Oid) (string, bool) {
	p, err := s.Proc(oid)
	if p == nil || err != nil {
		return "", false
	}
	name := QuoteIdent(p.Proname)
	if v, _ := s.ProcIsVisible(oid); !v {
		name = QuoteQualified(s.namespaceName(p.Pronamespace), p.Proname)
	}
	args := make([]string, len(p.Proargtypes))
	for i, t := range p.Proargtypes {
		args[i] = s.TypeName(t)
	}
	return name + "(" + strings.Join(args, ",") + ")", true
}

// OperatorName returns an operator's name as regoper shows it: qualified unless the name alone means just this operator.
func (s *Session) OperatorName(oid ids.Oid) (string, bool) {
	o, err := s.Operator(oid)
	if o == nil || err != nil {
		return "", false
	}
	os, err := s.OperCandidates("", o.Oprname)
	if err == nil && len(os) == 1 && os[0].Oid == oid {
		return o.Oprname, true
	}
	return QuoteIdent(s.namespaceName(o.Oprnamespace)) + "." + o.Oprname, true
}

// OperatorSignature returns an operator's name with its operand types, as regoperator shows it.
func (s *Session) OperatorSignature(oid ids.Oid) (string, bool) {
	o, err := s.Operator(oid)
	if o == nil || err != nil {
		return "", false
	}
	name := o.Oprname
	if v, _ := s.OperatorIsVisible(oid); !v {
		name = QuoteIdent(s.namespaceName(o.Oprnamespace)) + "." + name
	}
	operand := func(t ids.Oid) string {
		if t == 0 {
			return "NONE"
		}
		return s.TypeName(t)
	}
	return name + "(" + operand(o.Oprleft) + "," + operand(o.Oprright) + ")", true
}

// CollationName returns a collation's name as regcollation shows it.
func (s *Session) CollationName(oid ids.Oid) (string, bool) {
	c, err := s.Collation(oid)
	if c == nil || err != nil {
		return "", false
	}
	if v, _ := s.CollationIsVisible(oid); v {
		return QuoteIdent(c.Collname), true
	}
	return QuoteQualified(s.namespaceName(c.Collnamespace), c.Collname), true
}
