-- information_schema: functions and procedures, their parameters and what they use; triggers; transforms.

CREATE VIEW parameters AS
SELECT current_database()::sql_identifier AS specific_catalog, s.nspname::sql_identifier AS specific_schema,
       nameconcatoid(s.proname, s.oid)::sql_identifier AS specific_name, (s.x).n::cardinal_number AS ordinal_position,
       CASE WHEN s.proargmodes IS NULL THEN 'IN'
            ELSE CASE s.proargmodes[(s.x).n] WHEN 'i' THEN 'IN' WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT' WHEN 'v' THEN 'IN'
                      WHEN 't' THEN 'OUT' END END::character_data AS parameter_mode,
       'NO'::yes_or_no AS is_result, 'NO'::yes_or_no AS as_locator,
       NULLIF(s.proargnames[(s.x).n], '')::sql_identifier AS parameter_name,
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' WHEN tn.nspname = 'pg_catalog' THEN format_type(t.oid, NULL)
            ELSE 'USER-DEFINED' END::character_data AS data_type,
       NULL::cardinal_number AS character_maximum_length, NULL::cardinal_number AS character_octet_length,
       NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
       NULL::sql_identifier AS character_set_name, NULL::sql_identifier AS collation_catalog,
       NULL::sql_identifier AS collation_schema, NULL::sql_identifier AS collation_name, NULL::cardinal_number AS numeric_precision,
       NULL::cardinal_number AS numeric_precision_radix, NULL::cardinal_number AS numeric_scale,
       NULL::cardinal_number AS datetime_precision, NULL::character_data AS interval_type,
       NULL::cardinal_number AS interval_precision, current_database()::sql_identifier AS udt_catalog,
       tn.nspname::sql_identifier AS udt_schema, t.typname::sql_identifier AS udt_name, NULL::sql_identifier AS scope_catalog,
       NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name, NULL::cardinal_number AS maximum_cardinality,
       (s.x).n::sql_identifier AS dtd_identifier,
       CASE WHEN pg_has_role(s.proowner, 'USAGE') THEN pg_get_function_arg_default(s.oid, (s.x).n) END::character_data
            AS parameter_default
FROM pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace
     JOIN (SELECT n.nspname, p.proname, p.oid, p.proowner, p.proargnames, p.proargmodes,
                  _pg_expandarray(COALESCE(p.proallargtypes, p.proargtypes::oid[])) AS x
           FROM pg_namespace n JOIN pg_proc p ON p.pronamespace = n.oid
           WHERE pg_has_role(p.proowner, 'USAGE') OR has_function_privilege(p.oid, 'EXECUTE')) s ON t.oid = (s.x).x;

CREATE VIEW routines AS
SELECT current_database()::sql_identifier AS specific_catalog, n.nspname::sql_identifier AS specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
       n.nspname::sql_identifier AS routine_schema, p.proname::sql_identifier AS routine_name,
       CASE p.prokind WHEN 'f' THEN 'FUNCTION' WHEN 'p' THEN 'PROCEDURE' END::character_data AS routine_type,
       NULL::sql_identifier AS module_catalog, NULL::sql_identifier AS module_schema, NULL::sql_identifier AS module_name,
       NULL::sql_identifier AS udt_catalog, NULL::sql_identifier AS udt_schema, NULL::sql_identifier AS udt_name,
       CASE WHEN p.prokind = 'p' THEN NULL WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY'
            WHEN tn.nspname = 'pg_catalog' THEN format_type(t.oid, NULL) ELSE 'USER-DEFINED' END::character_data AS data_type,
       NULL::cardinal_number AS character_maximum_length, NULL::cardinal_number AS character_octet_length,
       NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
       NULL::sql_identifier AS character_set_name, NULL::sql_identifier AS collation_catalog,
       NULL::sql_identifier AS collation_schema, NULL::sql_identifier AS collation_name, NULL::cardinal_number AS numeric_precision,
       NULL::cardinal_number AS numeric_precision_radix, NULL::cardinal_number AS numeric_scale,
       NULL::cardinal_number AS datetime_precision, NULL::character_data AS interval_type,
       NULL::cardinal_number AS interval_precision,
       CASE WHEN tn.nspname IS NOT NULL THEN current_database() END::sql_identifier AS type_udt_catalog,
       tn.nspname::sql_identifier AS type_udt_schema, t.typname::sql_identifier AS type_udt_name,
       NULL::sql_identifier AS scope_catalog, NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name,
       NULL::cardinal_number AS maximum_cardinality,
       CASE WHEN p.prokind <> 'p' THEN 0 END::sql_identifier AS dtd_identifier,
       CASE WHEN l.lanname = 'sql' THEN 'SQL' ELSE 'EXTERNAL' END::character_data AS routine_body,
       CASE WHEN pg_has_role(p.proowner, 'USAGE') THEN p.prosrc END::character_data AS routine_definition,
       CASE WHEN l.lanname = 'c' THEN p.prosrc END::character_data AS external_name,
       upper(l.lanname)::character_data AS external_language, 'GENERAL'::character_data AS parameter_style,
       CASE WHEN p.provolatile = 'i' THEN 'YES' ELSE 'NO' END::yes_or_no AS is_deterministic,
       'MODIFIES'::character_data AS sql_data_access,
       CASE WHEN p.prokind <> 'p' THEN CASE WHEN p.proisstrict THEN 'YES' ELSE 'NO' END END::yes_or_no AS is_null_call,
       NULL::character_data AS sql_path, 'YES'::yes_or_no AS schema_level_routine, 0::cardinal_number AS max_dynamic_result_sets,
       NULL::yes_or_no AS is_user_defined_cast, NULL::yes_or_no AS is_implicitly_invocable,
       CASE WHEN p.prosecdef THEN 'DEFINER' ELSE 'INVOKER' END::character_data AS security_type,
       NULL::sql_identifier AS to_sql_specific_catalog, NULL::sql_identifier AS to_sql_specific_schema,
       NULL::sql_identifier AS to_sql_specific_name, 'NO'::yes_or_no AS as_locator, NULL::time_stamp AS created,
       NULL::time_stamp AS last_altered, NULL::yes_or_no AS new_savepoint_level, 'NO'::yes_or_no AS is_udt_dependent,
       NULL::character_data AS result_cast_from_data_type, NULL::yes_or_no AS result_cast_as_locator,
       NULL::cardinal_number AS result_cast_char_max_length, NULL::cardinal_number AS result_cast_char_octet_length,
       NULL::sql_identifier AS result_cast_char_set_catalog, NULL::sql_identifier AS result_cast_char_set_schema,
       NULL::sql_identifier AS result_cast_char_set_name, NULL::sql_identifier AS result_cast_collation_catalog,
       NULL::sql_identifier AS result_cast_collation_schema, NULL::sql_identifier AS result_cast_collation_name,
       NULL::cardinal_number AS result_cast_numeric_precision, NULL::cardinal_number AS result_cast_numeric_precision_radix,
       NULL::cardinal_number AS result_cast_numeric_scale, NULL::cardinal_number AS result_cast_datetime_precision,
       NULL::character_data AS result_cast_interval_type, NULL::cardinal_number AS result_cast_interval_precision,
       NULL::sql_identifier AS result_cast_type_udt_catalog, NULL::sql_identifier AS result_cast_type_udt_schema,
       NULL::sql_identifier AS result_cast_type_udt_name, NULL::sql_identifier AS result_cast_scope_catalog,
       NULL::sql_identifier AS result_cast_scope_schema, NULL::sql_identifier AS result_cast_scope_name,
       NULL::cardinal_number AS result_cast_maximum_cardinality, NULL::sql_identifier AS result_cast_dtd_identifier
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
     LEFT JOIN (pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace) ON t.oid = p.prorettype AND p.prokind <> 'p'
WHERE pg_has_role(p.proowner, 'USAGE') OR has_function_privilege(p.oid, 'EXECUTE');

CREATE VIEW routine_column_usage AS
SELECT DISTINCT current_database()::sql_identifier AS specific_catalog, n.nspname::sql_identifier AS specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
       n.nspname::sql_identifier AS routine_schema, p.proname::sql_identifier AS routine_name,
       current_database()::sql_identifier AS table_catalog, cn.nspname::sql_identifier AS table_schema,
       c.relname::sql_identifier AS table_name, a.attname::sql_identifier AS column_name
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
     JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace cn ON cn.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE c.relkind IN ('r', 'v', 'f', 'p') AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW routine_table_usage AS
SELECT DISTINCT current_database()::sql_identifier AS specific_catalog, n.nspname::sql_identifier AS specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
       n.nspname::sql_identifier AS routine_schema, p.proname::sql_identifier AS routine_name,
       current_database()::sql_identifier AS table_catalog, cn.nspname::sql_identifier AS table_schema,
       c.relname::sql_identifier AS table_name
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
     JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace cn ON cn.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'f', 'p') AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW routine_sequence_usage AS
SELECT DISTINCT current_database()::sql_identifier AS specific_catalog, n.nspname::sql_identifier AS specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
       n.nspname::sql_identifier AS routine_schema, p.proname::sql_identifier AS routine_name,
       current_database()::sql_identifier AS sequence_catalog, cn.nspname::sql_identifier AS sequence_schema,
       c.relname::sql_identifier AS sequence_name
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
     JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace cn ON cn.oid = c.relnamespace
WHERE c.relkind = 'S' AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW routine_routine_usage AS
SELECT DISTINCT current_database()::sql_identifier AS specific_catalog, n.nspname::sql_identifier AS specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
       un.nspname::sql_identifier AS routine_schema, nameconcatoid(u.proname, u.oid)::sql_identifier AS routine_name
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_proc'::regclass
     JOIN pg_proc u ON u.oid = d.refobjid JOIN pg_namespace un ON un.oid = u.pronamespace
WHERE pg_has_role(u.proowner, 'USAGE');

CREATE VIEW triggers AS
SELECT current_database()::sql_identifier AS trigger_catalog, n.nspname::sql_identifier AS trigger_schema,
       g.tgname::sql_identifier AS trigger_name, e.event::character_data AS event_manipulation,
       current_database()::sql_identifier AS event_object_catalog, n.nspname::sql_identifier AS event_object_schema,
       c.relname::sql_identifier AS event_object_table,
       rank() OVER (PARTITION BY n.oid, c.oid, e.bit, g.tgtype & 1, g.tgtype & 66 ORDER BY g.tgname)::cardinal_number AS action_order,
       CASE WHEN pg_has_role(c.relowner, 'USAGE')
            THEN (regexp_match(pg_get_triggerdef(g.oid), '.{35,} WHEN \((.+)\) EXECUTE FUNCTION'))[1] END::character_data AS action_condition,
       substring(pg_get_triggerdef(g.oid), position('EXECUTE FUNCTION' in substring(pg_get_triggerdef(g.oid), 48)) + 47)::character_data
            AS action_statement,
       CASE WHEN g.tgtype & 1 = 1 THEN 'ROW' ELSE 'STATEMENT' END::character_data AS action_orientation,
       CASE g.tgtype & 66 WHEN 2 THEN 'BEFORE' WHEN 64 THEN 'INSTEAD OF' ELSE 'AFTER' END::character_data AS action_timing,
       g.tgoldtable::sql_identifier AS action_reference_old_table, g.tgnewtable::sql_identifier AS action_reference_new_table,
       NULL::sql_identifier AS action_reference_old_row, NULL::sql_identifier AS action_reference_new_row, NULL::time_stamp AS created
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN (VALUES (4, 'INSERT'), (8, 'DELETE'), (16, 'UPDATE')) e (bit, event) ON g.tgtype & e.bit <> 0
WHERE NOT g.tgisinternal AND NOT pg_is_other_temp_schema(n.oid)
      AND (pg_has_role(c.relowner, 'USAGE')
           OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'));

CREATE VIEW triggered_update_columns AS
SELECT current_database()::sql_identifier AS trigger_catalog, n.nspname::sql_identifier AS trigger_schema,
       g.tgname::sql_identifier AS trigger_name, current_database()::sql_identifier AS event_object_catalog,
       n.nspname::sql_identifier AS event_object_schema, c.relname::sql_identifier AS event_object_table,
       a.attname::sql_identifier AS event_object_column
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (g.tgattr)
WHERE NOT g.tgisinternal AND NOT pg_is_other_temp_schema(n.oid)
      AND (pg_has_role(c.relowner, 'USAGE') OR has_column_privilege(c.oid, a.attnum, 'INSERT, UPDATE, REFERENCES'));

CREATE VIEW transforms AS
SELECT current_database()::sql_identifier AS udt_catalog, tn.nspname::sql_identifier AS udt_schema,
       t.typname::sql_identifier AS udt_name, current_database()::sql_identifier AS specific_catalog,
       n.nspname::sql_identifier AS specific_schema, nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name,
       l.lanname::sql_identifier AS group_name, x.kind::character_data AS transform_type
FROM (SELECT trftype, trflang, trffromsql AS fn, 'FROM SQL' AS kind FROM pg_transform
      UNION ALL SELECT trftype, trflang, trftosql, 'TO SQL' FROM pg_transform) x
     JOIN pg_type t ON t.oid = x.trftype JOIN pg_namespace tn ON tn.oid = t.typnamespace JOIN pg_language l ON l.oid = x.trflang
     JOIN pg_proc p ON p.oid = x.fn JOIN pg_namespace n ON n.oid = p.pronamespace
ORDER BY udt_catalog, udt_schema, udt_name, group_name, transform_type;
