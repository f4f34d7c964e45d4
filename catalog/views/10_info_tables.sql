-- information_schema: tables, columns, views, schemas, sequences. Runs with information_schema first in search_path.

CREATE VIEW information_schema_catalog_name AS
SELECT current_database()::sql_identifier AS catalog_name;

CREATE VIEW schemata AS
SELECT current_database()::sql_identifier AS catalog_name, n.nspname::sql_identifier AS schema_name,
       r.rolname::sql_identifier AS schema_owner, NULL::sql_identifier AS default_character_set_catalog,
       NULL::sql_identifier AS default_character_set_schema, NULL::sql_identifier AS default_character_set_name,
       NULL::character_data AS sql_path
FROM pg_namespace n JOIN pg_authid r ON r.oid = n.nspowner
WHERE pg_has_role(n.nspowner, 'USAGE') OR has_schema_privilege(n.oid, 'CREATE, USAGE');

CREATE VIEW tables AS
SELECT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema,
       c.relname::sql_identifier AS table_name,
       CASE WHEN n.oid = pg_my_temp_schema() THEN 'LOCAL TEMPORARY'
            ELSE CASE c.relkind WHEN 'r' THEN 'BASE TABLE' WHEN 'p' THEN 'BASE TABLE' WHEN 'v' THEN 'VIEW'
                      WHEN 'f' THEN 'FOREIGN' END END::character_data AS table_type,
       NULL::sql_identifier AS self_referencing_column_name, NULL::character_data AS reference_generation,
       CASE WHEN t.typname IS NOT NULL THEN current_database() END::sql_identifier AS user_defined_type_catalog,
       tn.nspname::sql_identifier AS user_defined_type_schema, t.typname::sql_identifier AS user_defined_type_name,
       CASE WHEN c.relkind IN ('r', 'p') OR c.relkind IN ('v', 'f') AND pg_relation_is_updatable(c.oid, false) & 8 = 8
            THEN 'YES' ELSE 'NO' END::yes_or_no AS is_insertable_into,
       CASE WHEN t.typname IS NOT NULL THEN 'YES' ELSE 'NO' END::yes_or_no AS is_typed,
       NULL::character_data AS commit_action
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_type t ON t.oid = c.reloftype
     LEFT JOIN pg_namespace tn ON tn.oid = t.typnamespace
WHERE c.relkind IN ('r', 'v', 'f', 'p') AND NOT pg_is_other_temp_schema(n.oid)
      AND (pg_has_role(c.relowner, 'USAGE')
           OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW columns AS
SELECT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema,
       c.relname::sql_identifier AS table_name, a.attname::sql_identifier AS column_name,
       a.attnum::cardinal_number AS ordinal_position,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END::character_data AS column_default,
       CASE WHEN a.attnotnull OR t.typtype = 'd' AND t.typnotnull THEN 'NO' ELSE 'YES' END::yes_or_no AS is_nullable,
       CASE WHEN t.typtype = 'd' THEN
                 CASE WHEN b.typelem <> 0 AND b.typlen = -1 THEN 'ARRAY'
                      WHEN bn.nspname = 'pg_catalog' THEN format_type(t.typbasetype, NULL) ELSE 'USER-DEFINED' END
            ELSE CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY'
                      WHEN tn.nspname = 'pg_catalog' THEN format_type(a.atttypid, NULL) ELSE 'USER-DEFINED' END
       END::character_data AS data_type,
       _pg_char_max_length(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS character_maximum_length,
       _pg_char_octet_length(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS character_octet_length,
       _pg_numeric_precision(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS numeric_precision,
       _pg_numeric_precision_radix(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS numeric_precision_radix,
       _pg_numeric_scale(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS numeric_scale,
       _pg_datetime_precision(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS datetime_precision,
       _pg_interval_type(_pg_truetypid(a, t), _pg_truetypmod(a, t))::character_data AS interval_type,
       NULL::cardinal_number AS interval_precision, NULL::sql_identifier AS character_set_catalog,
       NULL::sql_identifier AS character_set_schema, NULL::sql_identifier AS character_set_name,
       CASE WHEN ln.nspname IS NOT NULL THEN current_database() END::sql_identifier AS collation_catalog,
       ln.nspname::sql_identifier AS collation_schema, l.collname::sql_identifier AS collation_name,
       CASE WHEN t.typtype = 'd' THEN current_database() END::sql_identifier AS domain_catalog,
       CASE WHEN t.typtype = 'd' THEN tn.nspname END::sql_identifier AS domain_schema,
       CASE WHEN t.typtype = 'd' THEN t.typname END::sql_identifier AS domain_name,
       current_database()::sql_identifier AS udt_catalog, COALESCE(bn.nspname, tn.nspname)::sql_identifier AS udt_schema,
       COALESCE(b.typname, t.typname)::sql_identifier AS udt_name, NULL::sql_identifier AS scope_catalog,
       NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name, NULL::cardinal_number AS maximum_cardinality,
       a.attnum::sql_identifier AS dtd_identifier, 'NO'::yes_or_no AS is_self_referencing,
       CASE WHEN a.attidentity IN ('a', 'd') THEN 'YES' ELSE 'NO' END::yes_or_no AS is_identity,
       CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END::character_data AS identity_generation,
       s.seqstart::character_data AS identity_start, s.seqincrement::character_data AS identity_increment,
       s.seqmax::character_data AS identity_maximum, s.seqmin::character_data AS identity_minimum,
       CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END::yes_or_no AS identity_cycle,
       CASE WHEN a.attgenerated <> '' THEN 'ALWAYS' ELSE 'NEVER' END::character_data AS is_generated,
       CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END::character_data AS generation_expression,
       CASE WHEN c.relkind IN ('r', 'p') OR c.relkind IN ('v', 'f') AND pg_column_is_updatable(c.oid, a.attnum, false)
            THEN 'YES' ELSE 'NO' END::yes_or_no AS is_updatable
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
     LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype LEFT JOIN pg_namespace bn ON bn.oid = b.typnamespace
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     LEFT JOIN (pg_collation l JOIN pg_namespace ln ON ln.oid = l.collnamespace)
          ON l.oid = a.attcollation AND (ln.nspname, l.collname) <> ('pg_catalog', 'default')
     LEFT JOIN pg_depend p ON p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass
          AND p.refobjid = c.oid AND p.refobjsubid = a.attnum AND p.deptype = 'i' AND a.attidentity <> ''
     LEFT JOIN pg_sequence s ON s.seqrelid = p.objid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'f', 'p') AND NOT pg_is_other_temp_schema(n.oid)
      AND (pg_has_role(c.relowner, 'USAGE') OR has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW column_column_usage AS
SELECT DISTINCT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema,
       c.relname::sql_identifier AS table_name, ac.attname::sql_identifier AS column_name,
       ad.attname::sql_identifier AS dependent_column
FROM pg_depend p JOIN pg_class c ON c.oid = p.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute ac ON ac.attrelid = c.oid AND ac.attnum = p.refobjsubid
     JOIN pg_attribute ad ON ad.attrelid = c.oid AND ad.attnum = p.objsubid
WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.objid = p.refobjid
      AND p.objsubid <> p.refobjsubid AND ad.attgenerated <> '' AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW column_domain_usage AS
SELECT current_database()::sql_identifier AS domain_catalog, tn.nspname::sql_identifier AS domain_schema,
       t.typname::sql_identifier AS domain_name, current_database()::sql_identifier AS table_catalog,
       n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name, a.attname::sql_identifier AS column_name
FROM pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace JOIN pg_attribute a ON a.atttypid = t.oid
     JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE t.typtype = 'd' AND c.relkind IN ('r', 'v', 'f', 'p') AND a.attnum > 0 AND NOT a.attisdropped
      AND pg_has_role(t.typowner, 'USAGE');

CREATE VIEW column_udt_usage AS
SELECT current_database()::sql_identifier AS udt_catalog, COALESCE(bn.nspname, tn.nspname)::sql_identifier AS udt_schema,
       COALESCE(b.typname, t.typname)::sql_identifier AS udt_name, current_database()::sql_identifier AS table_catalog,
       n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name, a.attname::sql_identifier AS column_name
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
     LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype LEFT JOIN pg_namespace bn ON bn.oid = b.typnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'f', 'p')
      AND pg_has_role(COALESCE(b.typowner, t.typowner), 'USAGE');

CREATE VIEW views AS
SELECT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema,
       c.relname::sql_identifier AS table_name,
       CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN pg_get_viewdef(c.oid) END::character_data AS view_definition,
       CASE WHEN 'check_option=cascaded' = ANY (c.reloptions) THEN 'CASCADED'
            WHEN 'check_option=local' = ANY (c.reloptions) THEN 'LOCAL' ELSE 'NONE' END::character_data AS check_option,
       CASE WHEN pg_relation_is_updatable(c.oid, false) & 20 = 20 THEN 'YES' ELSE 'NO' END::yes_or_no AS is_updatable,
       CASE WHEN pg_relation_is_updatable(c.oid, false) & 8 = 8 THEN 'YES' ELSE 'NO' END::yes_or_no AS is_insertable_into,
       CASE WHEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgtype & 81 = 81) THEN 'YES' ELSE 'NO' END::yes_or_no
            AS is_trigger_updatable,
       CASE WHEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgtype & 73 = 73) THEN 'YES' ELSE 'NO' END::yes_or_no
            AS is_trigger_deletable,
       CASE WHEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgtype & 69 = 69) THEN 'YES' ELSE 'NO' END::yes_or_no
            AS is_trigger_insertable_into
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND NOT pg_is_other_temp_schema(n.oid)
      AND (pg_has_role(c.relowner, 'USAGE')
           OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW view_column_usage AS
SELECT DISTINCT current_database()::sql_identifier AS view_catalog, vn.nspname::sql_identifier AS view_schema,
       v.relname::sql_identifier AS view_name, current_database()::sql_identifier AS table_catalog,
       n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name, a.attname::sql_identifier AS column_name
FROM pg_class v JOIN pg_namespace vn ON vn.oid = v.relnamespace
     JOIN pg_depend r ON r.refclassid = 'pg_class'::regclass AND r.refobjid = v.oid AND r.classid = 'pg_rewrite'::regclass AND r.deptype = 'i'
     JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.objid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
     JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE v.relkind = 'v' AND c.relkind IN ('r', 'v', 'f', 'p') AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW view_table_usage AS
SELECT DISTINCT current_database()::sql_identifier AS view_catalog, vn.nspname::sql_identifier AS view_schema,
       v.relname::sql_identifier AS view_name, current_database()::sql_identifier AS table_catalog,
       n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name
FROM pg_class v JOIN pg_namespace vn ON vn.oid = v.relnamespace
     JOIN pg_depend r ON r.refclassid = 'pg_class'::regclass AND r.refobjid = v.oid AND r.classid = 'pg_rewrite'::regclass AND r.deptype = 'i'
     JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.objid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
     JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE v.relkind = 'v' AND c.relkind IN ('r', 'v', 'f', 'p') AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW view_routine_usage AS
SELECT DISTINCT current_database()::sql_identifier AS table_catalog, vn.nspname::sql_identifier AS table_schema,
       v.relname::sql_identifier AS table_name, current_database()::sql_identifier AS specific_catalog,
       n.nspname::sql_identifier AS specific_schema, nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name
FROM pg_class v JOIN pg_namespace vn ON vn.oid = v.relnamespace
     JOIN pg_depend r ON r.refclassid = 'pg_class'::regclass AND r.refobjid = v.oid AND r.classid = 'pg_rewrite'::regclass AND r.deptype = 'i'
     JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.objid AND d.refclassid = 'pg_proc'::regclass
     JOIN pg_proc p ON p.oid = d.refobjid JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE v.relkind = 'v' AND pg_has_role(p.proowner, 'USAGE');

CREATE VIEW sequences AS
SELECT current_database()::sql_identifier AS sequence_catalog, n.nspname::sql_identifier AS sequence_schema,
       c.relname::sql_identifier AS sequence_name, format_type(s.seqtypid, NULL)::character_data AS data_type,
       _pg_numeric_precision(s.seqtypid, -1)::cardinal_number AS numeric_precision, 2::cardinal_number AS numeric_precision_radix,
       0::cardinal_number AS numeric_scale, s.seqstart::character_data AS start_value, s.seqmin::character_data AS minimum_value,
       s.seqmax::character_data AS maximum_value, s.seqincrement::character_data AS increment,
       CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END::yes_or_no AS cycle_option
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE c.relkind = 'S' AND NOT pg_is_other_temp_schema(n.oid)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')
      AND (pg_has_role(c.relowner, 'USAGE') OR has_sequence_privilege(c.oid, 'SELECT, UPDATE, USAGE'));

CREATE VIEW attributes AS
SELECT current_database()::sql_identifier AS udt_catalog, n.nspname::sql_identifier AS udt_schema,
       c.relname::sql_identifier AS udt_name, a.attname::sql_identifier AS attribute_name,
       a.attnum::cardinal_number AS ordinal_position, pg_get_expr(d.adbin, d.adrelid)::character_data AS attribute_default,
       CASE WHEN a.attnotnull OR t.typtype = 'd' AND t.typnotnull THEN 'NO' ELSE 'YES' END::yes_or_no AS is_nullable,
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY'
            WHEN tn.nspname = 'pg_catalog' THEN format_type(a.atttypid, NULL) ELSE 'USER-DEFINED' END::character_data AS data_type,
       _pg_char_max_length(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS character_maximum_length,
       _pg_char_octet_length(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS character_octet_length,
       NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
       NULL::sql_identifier AS character_set_name,
       CASE WHEN ln.nspname IS NOT NULL THEN current_database() END::sql_identifier AS collation_catalog,
       ln.nspname::sql_identifier AS collation_schema, l.collname::sql_identifier AS collation_name,
       _pg_numeric_precision(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS numeric_precision,
       _pg_numeric_precision_radix(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS numeric_precision_radix,
       _pg_numeric_scale(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS numeric_scale,
       _pg_datetime_precision(_pg_truetypid(a, t), _pg_truetypmod(a, t))::cardinal_number AS datetime_precision,
       _pg_interval_type(_pg_truetypid(a, t), _pg_truetypmod(a, t))::character_data AS interval_type,
       NULL::cardinal_number AS interval_precision, current_database()::sql_identifier AS attribute_udt_catalog,
       tn.nspname::sql_identifier AS attribute_udt_schema, t.typname::sql_identifier AS attribute_udt_name,
       NULL::sql_identifier AS scope_catalog, NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name,
       NULL::cardinal_number AS maximum_cardinality, a.attnum::sql_identifier AS dtd_identifier,
       'NO'::yes_or_no AS is_derived_reference_attribute
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     LEFT JOIN (pg_collation l JOIN pg_namespace ln ON ln.oid = l.collnamespace)
          ON l.oid = a.attcollation AND (ln.nspname, l.collname) <> ('pg_catalog', 'default')
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'c'
      AND (pg_has_role(c.relowner, 'USAGE') OR has_type_privilege(c.reltype, 'USAGE'));
