package catalog

import (
	"fmt"
	"strings"

	"gompho/internal/ids"
)

// Describe returns an object's description for messages, such as "column a of table t". An object that is gone is shown
// by its numbers.
func (s *Session) Describe(o Object) string {
	if d := s.describe(o); d != "" {
		return d
	}
	return fmt.Sprintf("unknown object (class %d, oid %d)", o.Class, o.Oid)
}

// DescribeIfExists is Describe that returns the empty string for an object that is gone.
func (s *Session) DescribeIfExists(o Object) string { return s.describe(o) }

func (s *Session) describe(o Object) string {
	switch o.Class {
	case PgClassOid:
		return s.describeRelation(o)
	case PgProcOid:
		return s.describeProc(o.Oid)
	case PgTypeOid:
		if t, err := s.TypeRow(o.Oid); t == nil && err == nil {
			return ""
		}
		return "type " + s.TypeName(o.Oid)
	case PgConstraintOid:
		return s.describeConstraint(o.Oid)
	case PgAttrdefOid:
		if d, _ := fetch[PgAttrdef](s, PgAttrdefOidIndex, OidKey(AttPgAttrdefOid, o.Oid)); d != nil {
			return "default value for " + s.describeRelation(ColumnObject(d.Adrelid, d.Adnum))
		}
	case PgRewriteOid:
		if r, _ := fetch[PgRewrite](s, PgRewriteOidIndex, OidKey(AttPgRewriteOid, o.Oid)); r != nil {
			return "rule " + r.Rulename + " on " + s.describeRelation(RelationObject(r.EvClass))
		}
	case PgTriggerOid:
		if t, _ := fetch[PgTrigger](s, PgTriggerOidIndex, OidKey(AttPgTriggerOid, o.Oid)); t != nil {
			return "trigger " + t.Tgname + " on " + s.describeRelation(RelationObject(t.Tgrelid))
		}
	case PgPolicyOid:
		if p, _ := fetch[PgPolicy](s, PgPolicyOidIndex, OidKey(AttPgPolicyOid, o.Oid)); p != nil {
			return "policy " + p.Polname + " on " + s.describeRelation(RelationObject(p.Polrelid))
		}
	case PgDefaultAclOid:
		return s.describeDefaultAcl(o.Oid)
	case PgOperatorOid:
		if n, ok := s.OperatorSignature(o.Oid); ok {
			return "operator " + n
		}
	case PgCastOid:
		if c, _ := fetch[PgCast](s, PgCastOidIndex, OidKey(AttPgCastOid, o.Oid)); c != nil {
			return "cast from " + s.TypeName(c.Castsource) + " to " + s.TypeName(c.Casttarget)
		}
	case PgCollationOid:
		if n, ok := s.CollationName(o.Oid); ok {
			return "collation " + n
		}
	case PgOpclassOid:
		if c, _ := s.OpClass(o.Oid); c != nil {
			visible, _ := s.OpClassIsVisible(o.Oid)
			return "operator class " + s.maybeQualified(visible, c.Opcnamespace, c.Opcname) + " for access method " + s.amName(c.Opcmethod)
		}
	case PgOpfamilyOid:
		if f, _ := s.OpFamily(o.Oid); f != nil {
			visible, _ := s.OpFamilyIsVisible(o.Oid)
			return "operator family " + s.maybeQualified(visible, f.Opfnamespace, f.Opfname) + " for access method " + s.amName(f.Opfmethod)
		}
	default:
		return s.describeNamed(o)
	}
	return ""
}

// describeNamed describes objects that are a word and a name.
func (s *Session) describeNamed(o Object) string {
	switch o.Class {
	case PgNamespaceOid:
		if n, _ := s.Namespace(o.Oid); n != nil {
			return "schema " + n.Nspname
		}
	case PgAuthidOid:
		if r, _ := s.Role(o.Oid); r != nil {
			return "role " + r.Rolname
		}
	case PgDatabaseOid:
		if d, _ := s.DatabaseRow(o.Oid); d != nil {
			return "database " + d.Datname
		}
	case PgTablespaceOid:
		if t, _ := s.Tablespace(o.Oid); t != nil {
			return "tablespace " + t.Spcname
		}
	case PgLanguageOid:
		if l, _ := s.Language(o.Oid); l != nil {
			return "language " + l.Lanname
		}
	case PgAmOid:
		if a, _ := s.Am(o.Oid); a != nil {
			return "access method " + a.Amname
		}
	case PgConversionOid:
		if c, _ := one[PgConversion](s, keyOid(convByOid, o.Oid)); c != nil {
			return "conversion " + c.Conname
		}
	case PgExtensionOid:
		if e, _ := fetch[PgExtension](s, PgExtensionOidIndex, OidKey(AttPgExtensionOid, o.Oid)); e != nil {
			return "extension " + e.Extname
		}
	case PgStatisticExtOid:
		if e, _ := fetch[PgStatisticExt](s, PgStatisticExtOidIndex, OidKey(AttPgStatisticExtOid, o.Oid)); e != nil {
			return "statistics object " + s.qualifiedUnlessSearched(e.Stxnamespace, e.Stxname)
		}
	case PgLargeobjectOid:
		return fmt.Sprintf("large object %d", o.Oid)
	case PgEventTriggerOid:
		if e, _ := fetch[PgEventTrigger](s, PgEventTriggerOidIndex, OidKey(AttPgEventTriggerOid, o.Oid)); e != nil {
			return "event trigger " + e.Evtname
		}
	case PgPublicationOid:
		if p, _ := fetch[PgPublication](s, PgPublicationOidIndex, OidKey(AttPgPublicationOid, o.Oid)); p != nil {
			return "publication " + p.Pubname
		}
	case PgTsConfigOid:
		if c, _ := fetch[PgTsConfig](s, PgTsConfigOidIndex, OidKey(AttPgTsConfigOid, o.Oid)); c != nil {
			return "text search configuration " + s.qualifiedUnlessSearched(c.Cfgnamespace, c.Cfgname)
		}
	case PgTsDictOid:
		if c, _ := fetch[PgTsDict](s, PgTsDictOidIndex, OidKey(AttPgTsDictOid, o.Oid)); c != nil {
			return "text search dictionary " + s.qualifiedUnlessSearched(c.Dictnamespace, c.Dictname)
		}
	}
	return ""
}

func (s *Session) amName(oid ids.Oid) string {
	if a, _ := s.Am(oid); a != nil {
		return a.Amname
	}
	return ""
}

func (s *Session) maybeQualified(visible bool, ns ids.Oid, name string) string {
	if visible {
		return QuoteIdent(name)
	}
	return QuoteQualified(s.namespaceName(ns), name)
}

func (s *Session) qualifiedUnlessSearched(ns ids.Oid, name string) string {
	p, err := s.resolvePath()
	return s.maybeQualified(err == nil && contains(p.oids, ns), ns, name)
}

// kindWords are the words for kinds of relations in messages.
var kindWords = map[byte]string{'r': "table", 'p': "table", 'i': "index", 'I': "index", 'S': "sequence", 't': "toast table",
	'v': "view", 'm': "materialized view", 'c': "composite type", 'f': "foreign table"}

// KindWord returns the word for a kind of relation: table, index, view and so on.
func KindWord(kind byte) string {
	if w := kindWords[kind]; w != "" {
		return w
	}
	return "relation"
}

func (s *Session) describeRelation(o Object) string {
	r, err := s.Relation(o.Oid)
	if r == nil || err != nil {
		return ""
	}
	name, _ := s.RelationName(o.Oid)
	d := KindWord(r.Kind) + " " + name
	if o.Sub == 0 {
		return d
	}
	att := r.AttName(int16(o.Sub))
	if att == "" {
		return ""
	}
	return "column " + att + " of " + d
}

func (s *Session) describeDefaultAcl(oid ids.Oid) string {
	d, _ := fetch[PgDefaultAcl](s, PgDefaultAclOidIndex, OidKey(AttPgDefaultAclOid, oid))
	if d == nil {
		return ""
	}
	text := "default privileges"
	if w := defaclWords[d.Defaclobjtype]; w != "" {
		text += " on new " + w
	}
	if r, _ := s.Role(d.Defaclrole); r != nil {
		text += " belonging to role " + r.Rolname
	}
	if n, _ := s.Namespace(d.Defaclnamespace); d.Defaclnamespace != 0 && n != nil {
		text += " in schema " + n.Nspname
	}
	return text
}

func (s *Session) describeProc(oid ids.Oid) string {
	n, ok := s.ProcSignature(oid)
	if !ok {
		return ""
	}
	return "function " + n
}

func (s *Session) describeConstraint(oid ids.Oid) string {
	c, err := s.Constraint(oid)
	if c == nil || err != nil {
		return ""
	}
	if c.Conrelid != 0 {
		return "constraint " + c.Conname + " on " + s.describeRelation(RelationObject(c.Conrelid))
	}
	return "constraint " + c.Conname
}

// ProcArgs returns the types of a function's arguments for messages, as in f(integer, text).
func (s *Session) ProcArgs(types []ids.Oid) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = s.TypeName(t)
	}
	return strings.Join(names, ", ")
}
