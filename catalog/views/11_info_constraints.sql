-- information_schema: constraints, domains, types, collations.

CREATE VIEW check_constraints AS
SELECT current_database()::sql_identifier AS constraint_catalog, n.nspname::sql_identifier AS constraint_schema,
       k.conname::sql_identifier AS constraint_name,
       CASE WHEN k.contype = 'c' THEN substr(pg_get_constraintdef(k.oid), 7) END::character_data AS check_clause
FROM pg_constraint k LEFT JOIN pg_namespace n ON n.oid = k.connamespace LEFT JOIN pg_class c ON c.oid = k.conrelid
     LEFT JOIN pg_type t ON t.oid = k.contypid
WHERE k.contype = 'c' AND pg_has_role(COALESCE(c.relowner, t.typowner), 'USAGE')
UNION
SELECT current_database()::sql_identifier, n.nspname::sql_identifier,
       (n.oid::text || '_' || c.oid::text || '_' || a.attnum::text || '_not_null')::sql_identifier,
       (a.attname || ' IS NOT NULL')::character_data
FROM pg_namespace n, pg_class c, pg_attribute a
WHERE n.oid = c.relnamespace AND c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
      AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW table_constraints AS
SELECT current_database()::sql_identifier AS constraint_catalog, kn.nspname::sql_identifier AS constraint_schema,
       k.conname::sql_identifier AS constraint_name, current_database()::sql_identifier AS table_catalog,
       n.nspname::sql_identifier AS table_schema, c.relname::sql_identifier AS table_name,
       CASE k.contype WHEN 'c' THEN 'CHECK' WHEN 'f' THEN 'FOREIGN KEY' WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE'
            END::character_data AS constraint_type,
       CASE WHEN k.condeferrable THEN 'YES' ELSE 'NO' END::yes_or_no AS is_deferrable,
       CASE WHEN k.condeferred THEN 'YES' ELSE 'NO' END::yes_or_no AS initially_deferred, 'YES'::yes_or_no AS enforced,
       CASE WHEN k.contype = 'u' THEN
                 CASE WHEN (SELECT NOT x.indnullsnotdistinct FROM pg_index x WHERE x.indexrelid = k.conindid) THEN 'YES' ELSE 'NO' END
            END::yes_or_no AS nulls_distinct
FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace JOIN pg_class c ON c.oid = k.conrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype NOT IN ('t', 'x') AND c.relkind IN ('r', 'p') AND NOT pg_is_other_temp_schema(n.oid)
      AND (pg_has_role(c.relowner, 'USAGE')
           OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'))
UNION ALL
SELECT current_database()::sql_identifier, n.nspname::sql_identifier,
       (n.oid::text || '_' || c.oid::text || '_' || a.attnum::text || '_not_null')::sql_identifier,
       current_database()::sql_identifier, n.nspname::sql_identifier, c.relname::sql_identifier, 'CHECK'::character_data,
       'NO'::yes_or_no, 'NO'::yes_or_no, 'YES'::yes_or_no, NULL::yes_or_no
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT pg_is_other_temp_schema(n.oid)
      AND (pg_has_role(c.relowner, 'USAGE')
           OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'));

CREATE VIEW key_column_usage AS
SELECT current_database()::sql_identifier AS constraint_catalog, k.kschema::sql_identifier AS constraint_schema,
       k.conname::sql_identifier AS constraint_name, current_database()::sql_identifier AS table_catalog,
       k.nspname::sql_identifier AS table_schema, k.relname::sql_identifier AS table_name,
       a.attname::sql_identifier AS column_name, (k.x).n::cardinal_number AS ordinal_position,
       CASE WHEN k.contype = 'f' THEN _pg_index_position(k.conindid, k.confkey[(k.x).n]) END::cardinal_number
            AS position_in_unique_constraint
FROM pg_attribute a
     JOIN (SELECT c.oid AS roid, c.relname, c.relowner, n.nspname, kn.nspname AS kschema, s.conname, s.contype, s.conindid, s.confkey,
                  _pg_expandarray(s.conkey) AS x
           FROM pg_constraint s JOIN pg_class c ON c.oid = s.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_namespace kn ON kn.oid = s.connamespace
           WHERE s.contype IN ('p', 'u', 'f') AND c.relkind IN ('r', 'p') AND NOT pg_is_other_temp_schema(n.oid)) k
     ON a.attrelid = k.roid AND a.attnum = (k.x).x
WHERE NOT a.attisdropped
      AND (pg_has_role(k.relowner, 'USAGE') OR has_column_privilege(k.roid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW referential_constraints AS
SELECT current_database()::sql_identifier AS constraint_catalog, n.nspname::sql_identifier AS constraint_schema,
       k.conname::sql_identifier AS constraint_name,
       CASE WHEN u.nspname IS NOT NULL THEN current_database() END::sql_identifier AS unique_constraint_catalog,
       u.nspname::sql_identifier AS unique_constraint_schema, u.conname::sql_identifier AS unique_constraint_name,
       CASE k.confmatchtype WHEN 'f' THEN 'FULL' WHEN 'p' THEN 'PARTIAL' WHEN 's' THEN 'NONE' END::character_data AS match_option,
       CASE k.confupdtype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT'
            WHEN 'a' THEN 'NO ACTION' END::character_data AS update_rule,
       CASE k.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' WHEN 'r' THEN 'RESTRICT'
            WHEN 'a' THEN 'NO ACTION' END::character_data AS delete_rule
FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace JOIN pg_class c ON c.oid = k.conrelid
     LEFT JOIN (SELECT p.conindid, p.conname, p.conrelid, pn.nspname
                FROM pg_constraint p JOIN pg_namespace pn ON pn.oid = p.connamespace
                WHERE p.contype IN ('p', 'u')) u ON u.conindid = k.conindid AND u.conrelid = k.confrelid
WHERE k.contype = 'f' AND c.relkind IN ('r', 'p')
      AND (pg_has_role(c.relowner, 'USAGE')
           OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           OR has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'));

CREATE VIEW constraint_column_usage AS
SELECT current_database()::sql_identifier AS table_catalog, x.tschema::sql_identifier AS table_schema,
       x.tname::sql_identifier AS table_name, x.cname::sql_identifier AS column_name,
       current_database()::sql_identifier AS constraint_catalog, x.kschema::sql_identifier AS constraint_schema,
       x.kname::sql_identifier AS constraint_name
FROM (SELECT DISTINCT n.nspname AS tschema, c.relname AS tname, c.relowner AS towner, a.attname AS cname, kn.nspname AS kschema,
             k.conname AS kname
      FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace
           JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refclassid = 'pg_class'::regclass
           JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
      WHERE k.contype = 'c' AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
      UNION ALL
      SELECT n.nspname, c.relname, c.relowner, a.attname, kn.nspname, k.conname
      FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace
           JOIN pg_class c ON c.oid = CASE k.contype WHEN 'f' THEN k.confrelid ELSE k.conrelid END
           JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (CASE k.contype WHEN 'f' THEN k.confkey ELSE k.conkey END)
      WHERE k.contype IN ('p', 'u', 'f') AND c.relkind IN ('r', 'p') AND NOT a.attisdropped) x
WHERE pg_has_role(x.towner, 'USAGE');

CREATE VIEW constraint_table_usage AS
SELECT current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema,
       c.relname::sql_identifier AS table_name, current_database()::sql_identifier AS constraint_catalog,
       kn.nspname::sql_identifier AS constraint_schema, k.conname::sql_identifier AS constraint_name
FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace
     JOIN pg_class c ON c.oid = CASE k.contype WHEN 'f' THEN k.confrelid ELSE k.conrelid END
     JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'f') AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE');

CREATE VIEW check_constraint_routine_usage AS
SELECT DISTINCT current_database()::sql_identifier AS constraint_catalog, kn.nspname::sql_identifier AS constraint_schema,
       k.conname::sql_identifier AS constraint_name, current_database()::sql_identifier AS specific_catalog,
       n.nspname::sql_identifier AS specific_schema, nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name
FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace
     JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass
     JOIN pg_proc p ON p.oid = d.refobjid JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE k.contype = 'c' AND pg_has_role(p.proowner, 'USAGE');

CREATE VIEW domain_constraints AS
SELECT current_database()::sql_identifier AS constraint_catalog, kn.nspname::sql_identifier AS constraint_schema,
       k.conname::sql_identifier AS constraint_name, current_database()::sql_identifier AS domain_catalog,
       n.nspname::sql_identifier AS domain_schema, t.typname::sql_identifier AS domain_name,
       CASE WHEN k.condeferrable THEN 'YES' ELSE 'NO' END::yes_or_no AS is_deferrable,
       CASE WHEN k.condeferred THEN 'YES' ELSE 'NO' END::yes_or_no AS initially_deferred
FROM pg_constraint k JOIN pg_namespace kn ON kn.oid = k.connamespace JOIN pg_type t ON t.oid = k.contypid
     JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE pg_has_role(t.typowner, 'USAGE') OR has_type_privilege(t.oid, 'USAGE');

CREATE VIEW domains AS
SELECT current_database()::sql_identifier AS domain_catalog, n.nspname::sql_identifier AS domain_schema,
       t.typname::sql_identifier AS domain_name,
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY'
            WHEN bn.nspname = 'pg_catalog' THEN format_type(t.typbasetype, NULL) ELSE 'USER-DEFINED' END::character_data AS data_type,
       _pg_char_max_length(t.typbasetype, t.typtypmod)::cardinal_number AS character_maximum_length,
       _pg_char_octet_length(t.typbasetype, t.typtypmod)::cardinal_number AS character_octet_length,
       NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
       NULL::sql_identifier AS character_set_name,
       CASE WHEN ln.nspname IS NOT NULL THEN current_database() END::sql_identifier AS collation_catalog,
       ln.nspname::sql_identifier AS collation_schema, l.collname::sql_identifier AS collation_name,
       _pg_numeric_precision(t.typbasetype, t.typtypmod)::cardinal_number AS numeric_precision,
       _pg_numeric_precision_radix(t.typbasetype, t.typtypmod)::cardinal_number AS numeric_precision_radix,
       _pg_numeric_scale(t.typbasetype, t.typtypmod)::cardinal_number AS numeric_scale,
       _pg_datetime_precision(t.typbasetype, t.typtypmod)::cardinal_number AS datetime_precision,
       _pg_interval_type(t.typbasetype, t.typtypmod)::character_data AS interval_type, NULL::cardinal_number AS interval_precision,
       t.typdefault::character_data AS domain_default, current_database()::sql_identifier AS udt_catalog,
       bn.nspname::sql_identifier AS udt_schema, b.typname::sql_identifier AS udt_name, NULL::sql_identifier AS scope_catalog,
       NULL::sql_identifier AS scope_schema, NULL::sql_identifier AS scope_name, NULL::cardinal_number AS maximum_cardinality,
       1::sql_identifier AS dtd_identifier
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype
     JOIN pg_namespace bn ON bn.oid = b.typnamespace LEFT JOIN (pg_collation l JOIN pg_namespace ln ON ln.oid = l.collnamespace)
          ON l.oid = t.typcollation AND (ln.nspname, l.collname) <> ('pg_catalog', 'default')
WHERE t.typtype = 'd' AND (pg_has_role(t.typowner, 'USAGE') OR has_type_privilege(t.oid, 'USAGE'));

CREATE VIEW domain_udt_usage AS
SELECT current_database()::sql_identifier AS udt_catalog, bn.nspname::sql_identifier AS udt_schema,
       b.typname::sql_identifier AS udt_name, current_database()::sql_identifier AS domain_catalog,
       n.nspname::sql_identifier AS domain_schema, t.typname::sql_identifier AS domain_name
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype
     JOIN pg_namespace bn ON bn.oid = b.typnamespace
WHERE t.typtype = 'd' AND pg_has_role(b.typowner, 'USAGE');

CREATE VIEW character_sets AS
SELECT NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
       getdatabaseencoding()::sql_identifier AS character_set_name,
       CASE WHEN getdatabaseencoding() = 'UTF8' THEN 'UCS' ELSE getdatabaseencoding() END::sql_identifier AS character_repertoire,
       getdatabaseencoding()::sql_identifier AS form_of_use, current_database()::sql_identifier AS default_collate_catalog,
       n.nspname::sql_identifier AS default_collate_schema, l.collname::sql_identifier AS default_collate_name
FROM pg_database d LEFT JOIN (pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace)
     ON l.collcollate = d.datcollate AND l.collctype = d.datctype
WHERE d.datname = current_database()
ORDER BY char_length(l.collname) DESC, l.collname
LIMIT 1;

CREATE VIEW collations AS
SELECT current_database()::sql_identifier AS collation_catalog, n.nspname::sql_identifier AS collation_schema,
       l.collname::sql_identifier AS collation_name, 'NO PAD'::character_data AS pad_attribute
FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE l.collencoding IN (-1, (SELECT d.encoding FROM pg_database d WHERE d.datname = current_database()));

CREATE VIEW collation_character_set_applicability AS
SELECT current_database()::sql_identifier AS collation_catalog, n.nspname::sql_identifier AS collation_schema,
       l.collname::sql_identifier AS collation_name, NULL::sql_identifier AS character_set_catalog,
       NULL::sql_identifier AS character_set_schema, getdatabaseencoding()::sql_identifier AS character_set_name
FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE l.collencoding IN (-1, (SELECT d.encoding FROM pg_database d WHERE d.datname = current_database()));

CREATE VIEW user_defined_types AS
SELECT current_database()::sql_identifier AS user_defined_type_catalog, n.nspname::sql_identifier AS user_defined_type_schema,
       c.relname::sql_identifier AS user_defined_type_name, 'STRUCTURED'::character_data AS user_defined_type_category,
       'YES'::yes_or_no AS is_instantiable, NULL::yes_or_no AS is_final, NULL::character_data AS ordering_form,
       NULL::character_data AS ordering_category, NULL::sql_identifier AS ordering_routine_catalog,
       NULL::sql_identifier AS ordering_routine_schema, NULL::sql_identifier AS ordering_routine_name,
       NULL::character_data AS reference_type, NULL::character_data AS data_type,
       NULL::cardinal_number AS character_maximum_length, NULL::cardinal_number AS character_octet_length,
       NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
       NULL::sql_identifier AS character_set_name, NULL::sql_identifier AS collation_catalog,
       NULL::sql_identifier AS collation_schema, NULL::sql_identifier AS collation_name, NULL::cardinal_number AS numeric_precision,
       NULL::cardinal_number AS numeric_precision_radix, NULL::cardinal_number AS numeric_scale,
       NULL::cardinal_number AS datetime_precision, NULL::character_data AS interval_type,
       NULL::cardinal_number AS interval_precision, NULL::sql_identifier AS source_dtd_identifier,
       NULL::sql_identifier AS ref_dtd_identifier
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = c.reltype
WHERE c.relkind = 'c' AND (pg_has_role(t.typowner, 'USAGE') OR has_type_privilege(t.oid, 'USAGE'));
