package catfuncs

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// visibility lists the functions that tell whether an unqualified name finds an object; NULL for one that is not there.
func visibility() []functions.Entry {
	one := func(name string, f func(s *catalog.Session, o ids.Oid) (visible, exists bool)) functions.Entry {
		return entry(name, func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			v, exists := f(s, oid(c, 0))
			if !exists {
				return types.Null, nil
			}
			return types.Bool(v), nil
		})
	}
	return []functions.Entry{
		one("pg_table_is_visible", (*catalog.Session).RelationIsVisible),
		one("pg_type_is_visible", (*catalog.Session).TypeIsVisible),
		one("pg_function_is_visible", (*catalog.Session).ProcIsVisible),
		one("pg_operator_is_visible", (*catalog.Session).OperatorIsVisible),
		one("pg_opclass_is_visible", (*catalog.Session).OpClassIsVisible),
		one("pg_opfamily_is_visible", (*catalog.Session).OpFamilyIsVisible),
		one("pg_collation_is_visible", (*catalog.Session).CollationIsVisible),
		one("pg_conversion_is_visible", searched[catalog.PgConversion](catalog.PgConversionOidIndex,
			func(r *catalog.PgConversion) ids.Oid { return r.Connamespace })),
		one("pg_statistics_obj_is_visible", searched[catalog.PgStatisticExt](catalog.PgStatisticExtOidIndex,
			func(r *catalog.PgStatisticExt) ids.Oid { return r.Stxnamespace })),
		one("pg_ts_config_is_visible", searched[catalog.PgTsConfig](catalog.PgTsConfigOidIndex,
			func(r *catalog.PgTsConfig) ids.Oid { return r.Cfgnamespace })),
		one("pg_ts_dict_is_visible", searched[catalog.PgTsDict](catalog.PgTsDictOidIndex,
			func(r *catalog.PgTsDict) ids.Oid { return r.Dictnamespace })),
		one("pg_ts_parser_is_visible", searched[catalog.PgTsParser](catalog.PgTsParserOidIndex,
			func(r *catalog.PgTsParser) ids.Oid { return r.Prsnamespace })),
		one("pg_ts_template_is_visible", searched[catalog.PgTsTemplate](catalog.PgTsTemplateOidIndex,
			func(r *catalog.PgTsTemplate) ids.Oid { return r.Tmplnamespace })),
	}
}

// searched calls an object visible when its schema is in the search path.
func searched[T any, P interface {
	*T
	catalog.Row
}](index ids.Oid, namespace func(P) ids.Oid) func(*catalog.Session, ids.Oid) (bool, bool) {
	return func(s *catalog.Session, o ids.Oid) (bool, bool) {
		r, err := catalog.Fetch[T, P](s, index, catalog.OidKey(1, o))
		if r == nil || err != nil {
			return false, false
		}
		path, err := s.SearchPath(true)
		if err != nil {
			return false, true
		}
		for _, ns := range path {
			if ns == namespace(r) {
				return true, true
			}
		}
		return false, true
	}
}

// regFunctions lists to_regclass and its kin, which give NULL instead of an error for a name that is not there.
func regFunctions() []functions.Entry {
	one := func(name string, kind types.RegKind) functions.Entry {
		return entry(name, func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			o, err := s.LookupName(kind, str(c, 0))
			if err == nil {
				return types.OidDatum(o), nil
			}
			switch pgerr.From(err).Code {
			case pgerr.UndefinedTable, pgerr.UndefinedObject, pgerr.UndefinedFunction, pgerr.AmbiguousFunction, pgerr.InvalidSchemaName:
				return types.Null, nil
			}
			return types.Null, err
		})
	}
	return []functions.Entry{
		one("to_regclass", types.RegClass), one("to_regtype", types.RegType), one("to_regproc", types.RegProc),
		one("to_regprocedure", types.RegProcedure), one("to_regoper", types.RegOper), one("to_regoperator", types.RegOperator),
		one("to_regnamespace", types.RegNamespace), one("to_regrole", types.RegRole), one("to_regcollation", types.RegCollation),
		entry("text_regclass", func(s *catalog.Session, c *functions.Call) (types.Datum, error) {
			o, err := s.LookupName(types.RegClass, str(c, 0))
			return types.OidDatum(o), err
		}),
	}
}
