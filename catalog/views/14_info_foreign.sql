-- information_schema: data types of all objects, and foreign data.

CREATE VIEW data_type_privileges AS
SELECT current_database()::sql_identifier AS object_catalog, x.objschema AS object_schema, x.objname AS object_name,
       x.objtype::character_data AS object_type, x.objdtdid AS dtd_identifier
FROM (SELECT udt_schema, udt_name, 'USER-DEFINED TYPE'::text, dtd_identifier FROM attributes
      UNION ALL SELECT table_schema, table_name, 'TABLE'::text, dtd_identifier FROM columns
      UNION ALL SELECT domain_schema, domain_name, 'DOMAIN'::text, dtd_identifier FROM domains
      UNION ALL SELECT specific_schema, specific_name, 'ROUTINE'::text, dtd_identifier FROM parameters
      UNION ALL SELECT specific_schema, specific_name, 'ROUTINE'::text, dtd_identifier FROM routines)
     x (objschema, objname, objtype, objdtdid);

CREATE VIEW element_types AS
SELECT current_database()::sql_identifier AS object_catalog, n.nspname::sql_identifier AS object_schema,
       x.objname AS object_name, x.objtype::character_data AS object_type, x.objdtdid::sql_identifier AS collection_type_identifier,
       CASE WHEN en.nspname = 'pg_catalog' THEN format_type(e.oid, NULL) ELSE 'USER-DEFINED' END::character_data AS data_type,
       NULL::cardinal_number AS character_maximum_length, NULL::cardinal_number AS character_octet_length,
       NULL::sql_identifier AS character_set_catalog, NULL::sql_identifier AS character_set_schema,
       NULL::sql_identifier AS character_set_name,
       CASE WHEN ln.nspname IS NOT NULL THEN current_database() END::sql_identifier AS collation_catalog,
       ln.nspname::sql_identifier AS collation_schema, l.collname::sql_identifier AS collation_name,
       NULL::cardinal_number AS numeric_precision, NULL::cardinal_number AS numeric_precision_radix,
       NULL::cardinal_number AS numeric_scale, NULL::cardinal_number AS datetime_precision, NULL::character_data AS interval_type,
       NULL::cardinal_number AS interval_precision, NULL::character_data AS domain_default,
       current_database()::sql_identifier AS udt_catalog, en.nspname::sql_identifier AS udt_schema,
       e.typname::sql_identifier AS udt_name, NULL::sql_identifier AS scope_catalog, NULL::sql_identifier AS scope_schema,
       NULL::sql_identifier AS scope_name, NULL::cardinal_number AS maximum_cardinality,
       ('a' || x.objdtdid::text)::sql_identifier AS dtd_identifier
FROM (SELECT c.relnamespace, c.relname::sql_identifier, CASE WHEN c.relkind = 'c' THEN 'USER-DEFINED TYPE' ELSE 'TABLE' END,
             a.attnum, a.atttypid, a.attcollation
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relkind IN ('r', 'v', 'f', 'c', 'p') AND a.attnum > 0 AND NOT a.attisdropped
      UNION ALL
      SELECT t.typnamespace, t.typname::sql_identifier, 'DOMAIN', 1, t.typbasetype, t.typcollation FROM pg_type t WHERE t.typtype = 'd'
      UNION ALL
      SELECT s.pronamespace, nameconcatoid(s.proname, s.oid)::sql_identifier, 'ROUTINE', (s.x).n, (s.x).x, 0
      FROM (SELECT p.pronamespace, p.proname, p.oid, _pg_expandarray(COALESCE(p.proallargtypes, p.proargtypes::oid[])) AS x
            FROM pg_proc p) s
      UNION ALL
      SELECT p.pronamespace, nameconcatoid(p.proname, p.oid)::sql_identifier, 'ROUTINE', 0, p.prorettype, 0 FROM pg_proc p)
     x (objschema, objname, objtype, objdtdid, objtypeid, objcollation)
     JOIN pg_namespace n ON n.oid = x.objschema JOIN pg_type t ON t.oid = x.objtypeid AND t.typelem <> 0 AND t.typlen = -1
     JOIN pg_type e ON e.oid = t.typelem JOIN pg_namespace en ON en.oid = e.typnamespace
     LEFT JOIN (pg_collation l JOIN pg_namespace ln ON ln.oid = l.collnamespace)
          ON l.oid = x.objcollation AND (ln.nspname, l.collname) <> ('pg_catalog', 'default')
WHERE (n.nspname, x.objname, x.objtype, x.objdtdid::sql_identifier) IN
      (SELECT object_schema, object_name, object_type, dtd_identifier FROM data_type_privileges);

CREATE VIEW _pg_foreign_table_columns AS
SELECT n.nspname, c.relname, a.attname, a.attfdwoptions
FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid
WHERE a.attnum > 0
      AND (pg_has_role(c.relowner, 'USAGE') OR has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'));

CREATE VIEW column_options AS
SELECT current_database()::sql_identifier AS table_catalog, c.nspname::sql_identifier AS table_schema,
       c.relname::sql_identifier AS table_name, c.attname::sql_identifier AS column_name,
       o.option_name::sql_identifier AS option_name, o.option_value::character_data AS option_value
FROM _pg_foreign_table_columns c, LATERAL pg_options_to_table(c.attfdwoptions) o;

CREATE VIEW _pg_foreign_data_wrappers AS
SELECT w.oid, w.fdwowner, w.fdwoptions, current_database()::sql_identifier AS foreign_data_wrapper_catalog,
       w.fdwname::sql_identifier AS foreign_data_wrapper_name, r.rolname::sql_identifier AS authorization_identifier,
       'c'::character_data AS foreign_data_wrapper_language
FROM pg_foreign_data_wrapper w JOIN pg_authid r ON r.oid = w.fdwowner
WHERE pg_has_role(w.fdwowner, 'USAGE') OR has_foreign_data_wrapper_privilege(w.oid, 'USAGE');

CREATE VIEW foreign_data_wrapper_options AS
SELECT w.foreign_data_wrapper_catalog, w.foreign_data_wrapper_name, o.option_name::sql_identifier AS option_name,
       o.option_value::character_data AS option_value
FROM _pg_foreign_data_wrappers w, LATERAL pg_options_to_table(w.fdwoptions) o;

CREATE VIEW foreign_data_wrappers AS
SELECT foreign_data_wrapper_catalog, foreign_data_wrapper_name, authorization_identifier, NULL::character_data AS library_name,
       foreign_data_wrapper_language
FROM _pg_foreign_data_wrappers;

CREATE VIEW _pg_foreign_servers AS
SELECT s.oid, s.srvoptions, current_database()::sql_identifier AS foreign_server_catalog,
       s.srvname::sql_identifier AS foreign_server_name, current_database()::sql_identifier AS foreign_data_wrapper_catalog,
       w.fdwname::sql_identifier AS foreign_data_wrapper_name, s.srvtype::character_data AS foreign_server_type,
       s.srvversion::character_data AS foreign_server_version, r.rolname::sql_identifier AS authorization_identifier
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw JOIN pg_authid r ON r.oid = s.srvowner
WHERE pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE');

CREATE VIEW foreign_server_options AS
SELECT s.foreign_server_catalog, s.foreign_server_name, o.option_name::sql_identifier AS option_name,
       o.option_value::character_data AS option_value
FROM _pg_foreign_servers s, LATERAL pg_options_to_table(s.srvoptions) o;

CREATE VIEW foreign_servers AS
SELECT foreign_server_catalog, foreign_server_name, foreign_data_wrapper_catalog, foreign_data_wrapper_name, foreign_server_type,
       foreign_server_version, authorization_identifier
FROM _pg_foreign_servers;

CREATE VIEW _pg_foreign_tables AS
SELECT current_database()::sql_identifier AS foreign_table_catalog, n.nspname::sql_identifier AS foreign_table_schema,
       c.relname::sql_identifier AS foreign_table_name, f.ftoptions, current_database()::sql_identifier AS foreign_server_catalog,
       s.srvname::sql_identifier AS foreign_server_name, r.rolname::sql_identifier AS authorization_identifier
FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_foreign_server s ON s.oid = f.ftserver JOIN pg_authid r ON r.oid = c.relowner
WHERE pg_has_role(c.relowner, 'USAGE') OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
      OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES');

CREATE VIEW foreign_table_options AS
SELECT t.foreign_table_catalog, t.foreign_table_schema, t.foreign_table_name, o.option_name::sql_identifier AS option_name,
       o.option_value::character_data AS option_value
FROM _pg_foreign_tables t, LATERAL pg_options_to_table(t.ftoptions) o;

CREATE VIEW foreign_tables AS
SELECT foreign_table_catalog, foreign_table_schema, foreign_table_name, foreign_server_catalog, foreign_server_name
FROM _pg_foreign_tables;

CREATE VIEW _pg_user_mappings AS
SELECT m.oid, m.umoptions, m.umuser, COALESCE(u.rolname, 'PUBLIC')::sql_identifier AS authorization_identifier,
       s.foreign_server_catalog, s.foreign_server_name, s.authorization_identifier AS srvowner
FROM pg_user_mapping m JOIN _pg_foreign_servers s ON s.oid = m.umserver LEFT JOIN pg_authid u ON u.oid = m.umuser;

CREATE VIEW user_mapping_options AS
SELECT m.authorization_identifier, m.foreign_server_catalog, m.foreign_server_name, o.option_name::sql_identifier AS option_name,
       CASE WHEN m.umuser <> 0 AND m.authorization_identifier = current_user OR m.umuser = 0 AND pg_has_role(m.srvowner::name, 'USAGE')
                 OR (SELECT r.rolsuper FROM pg_authid r WHERE r.rolname = current_user)
            THEN o.option_value END::character_data AS option_value
FROM _pg_user_mappings m, LATERAL pg_options_to_table(m.umoptions) o;

CREATE VIEW user_mappings AS
SELECT authorization_identifier, foreign_server_catalog, foreign_server_name FROM _pg_user_mappings;
