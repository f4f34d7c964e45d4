package catfuncs

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/types"
)

func commentFunctions() []functions.Entry {
	return []functions.Entry{
		entry("obj_description(oid,name)", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			class, err := catalogNamed(s, str(c, 1))
			if class == 0 || err != nil {
				return null(err)
			}
			return comment(s, catalog.Object{Class: class, Oid: oid(c, 0)})
		}),
		entry("obj_description(oid)", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			d, err := catalog.Fetch[catalog.PgDescription](s, catalog.PgDescriptionOCOIndex, catalog.OidKey(catalog.AttPgDescriptionObjoid, oid(c, 0)))
			if d == nil || d.Objsubid != 0 || err != nil {
				return null(err)
			}
			return text(d.Description), nil
		}),
		entry("shobj_description(oid,name)", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			class, err := catalogNamed(s, str(c, 1))
			if class == 0 || err != nil || !catalog.IsSharedCatalog(class) {
				return null(err)
			}
			return comment(s, catalog.Object{Class: class, Oid: oid(c, 0)})
		}),
		entry("col_description(oid,int4)", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			return comment(s, catalog.Object{Class: catalog.PgClassOid, Oid: oid(c, 0), Sub: int32(c.Args[1].Int())})
		}),
		entry("pg_describe_object", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			if oid(c, 0) == 0 && oid(c, 1) == 0 {
				return types.Null, nil
			}
			d := s.DescribeIfExists(catalog.Object{Class: oid(c, 0), Oid: oid(c, 1), Sub: int32(c.Args[2].Int())})
			if d == "" {
				return types.Null, nil
			}
			return text(d), nil
		}),
		entry("pg_identify_object", identify),
	}
}

func catalogNamed(s *catalog.Session, name string) (ids.Oid, error) {
	return s.RelationOid(ids.PgCatalogNamespace, name)
}

func comment(s *catalog.Session, o catalog.Object) (types.Datum, error) {
	t, err := s.Comment(o)
	if t == nil || err != nil {
		return null(err)
	}
	return text(*t), nil
}

// identify returns (type, schema, name, identity) of an object.
func identify(s *catalog.Session, c *functions.Call) (types.Datum, error) {
	o := catalog.Object{Class: oid(c, 0), Oid: oid(c, 1), Sub: int32(c.Args[2].Int())}
	t := types.Builtin(types.TextOid)
	desc := []types.Attr{t.Attr("type", -1), t.Attr("schema", -1), t.Attr("name", -1), t.Attr("identity", -1)}
	vals := []types.Datum{types.Null, types.Null, types.Null, types.Null}
	put := func(kind string, ns ids.Oid, name string, args string) error {
		vals[0] = text(kind)
		vals[3] = text(catalog.QuoteIdent(name) + args)
		if ns == 0 {
			vals[2] = text(catalog.QuoteIdent(name))
			return nil
		}
		n, err := s.Namespace(ns)
		if n == nil || err != nil {
			return err
		}
		vals[1] = text(catalog.QuoteIdent(n.Nspname))
		vals[3] = text(catalog.QuoteQualified(n.Nspname, name) + args)
		if args == "" {
			vals[2] = text(catalog.QuoteIdent(name))
		}
		return nil
	}
	var err error
	switch o.Class {
	case catalog.PgClassOid:
		r, e := s.Relation(o.Oid)
		if r == nil || e != nil {
			return null(e)
		}
		if o.Sub == 0 {
			err = put(catalog.KindWord(r.Kind), r.Namespace, r.Name, "")
			break
		}
		err = put(catalog.KindWord(r.Kind)+" column", r.Namespace, r.Name, "")
		vals[3] = text(vals[3].Str() + "." + catalog.QuoteIdent(r.AttName(int16(o.Sub))))
	case catalog.PgTypeOid:
		r, e := s.TypeRow(o.Oid)
		if r == nil || e != nil {
			return null(e)
		}
		err = put("type", r.Typnamespace, r.Typname, "")
	case catalog.PgProcOid:
		p, e := s.Proc(o.Oid)
		if p == nil || e != nil {
			return null(e)
		}
		kind := map[byte]string{'f': "function", 'p': "procedure", 'a': "aggregate", 'w': "window function"}[p.Prokind]
		args := ""
		for i, a := range p.Proargtypes {
			if i > 0 {
				args += ","
			}
			args += s.TypeName(a)
		}
		err = put(kind, p.Pronamespace, p.Proname, "("+args+")")
	case catalog.PgNamespaceOid:
		n, e := s.Namespace(o.Oid)
		if n == nil || e != nil {
			return null(e)
		}
		err = put("schema", 0, n.Nspname, "")
	case catalog.PgAuthidOid:
		r, e := s.Role(o.Oid)
		if r == nil || e != nil {
			return null(e)
		}
		err = put("role", 0, r.Rolname, "")
	default:
		return null(functions.NotThere("pg_identify_object"))
	}
	return record(desc, vals), err
}
