-- information_schema: roles and privileges. The role_ views show what enabled roles granted or were granted.

CREATE VIEW enabled_roles AS
SELECT r.rolname::sql_identifier AS role_name FROM pg_authid r WHERE pg_has_role(r.oid, 'USAGE');

CREATE VIEW applicable_roles AS
SELECT g.rolname::sql_identifier AS grantee, r.rolname::sql_identifier AS role_name,
       CASE WHEN m.admin_option THEN 'YES' ELSE 'NO' END::yes_or_no AS is_grantable
FROM (SELECT member, roleid, admin_option FROM pg_auth_members
      UNION
      SELECT datdba, o.oid, false FROM pg_database, pg_authid o
      WHERE datname = current_database() AND o.rolname = 'pg_database_owner') m
     JOIN pg_authid g ON g.oid = m.member JOIN pg_authid r ON r.oid = m.roleid
WHERE pg_has_role(g.oid, 'USAGE');

CREATE VIEW administrable_role_authorizations AS
SELECT * FROM applicable_roles WHERE is_grantable = 'YES';

CREATE VIEW column_privileges AS
SELECT u.rolname::sql_identifier AS grantor, g.rolname::sql_identifier AS grantee,
       current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema,
       x.relname::sql_identifier AS table_name, x.attname::sql_identifier AS column_name,
       x.prtype::character_data AS privilege_type,
       CASE WHEN pg_has_role(x.grantee, x.relowner, 'USAGE') OR x.grantable THEN 'YES' ELSE 'NO' END::yes_or_no AS is_grantable
FROM (SELECT t.grantor, t.grantee, a.attname, t.relname, t.relnamespace, t.prtype, t.grantable, t.relowner
      FROM (SELECT c.oid, c.relname, c.relnamespace, c.relowner, e.grantor, e.grantee, e.privilege_type AS prtype, e.is_grantable AS grantable
            FROM pg_class c, LATERAL aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) e
            WHERE c.relkind IN ('r', 'v', 'f', 'p')) t
           JOIN pg_attribute a ON a.attrelid = t.oid
      WHERE a.attnum > 0 AND NOT a.attisdropped
      UNION
      SELECT e.grantor, e.grantee, a.attname, c.relname, c.relnamespace, e.privilege_type, e.is_grantable, c.relowner
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid,
           LATERAL aclexplode(COALESCE(a.attacl, acldefault('c', c.relowner))) e
      WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'f', 'p')) x
     JOIN pg_namespace n ON n.oid = x.relnamespace JOIN pg_authid u ON u.oid = x.grantor
     JOIN (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') g ON g.oid = x.grantee
WHERE x.prtype IN ('INSERT', 'SELECT', 'UPDATE', 'REFERENCES')
      AND (pg_has_role(u.oid, 'USAGE') OR pg_has_role(g.oid, 'USAGE') OR g.rolname = 'PUBLIC');

CREATE VIEW role_column_grants AS
SELECT grantor, grantee, table_catalog, table_schema, table_name, column_name, privilege_type, is_grantable
FROM column_privileges
WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);

CREATE VIEW table_privileges AS
SELECT u.rolname::sql_identifier AS grantor, g.rolname::sql_identifier AS grantee,
       current_database()::sql_identifier AS table_catalog, n.nspname::sql_identifier AS table_schema,
       c.relname::sql_identifier AS table_name, c.prtype::character_data AS privilege_type,
       CASE WHEN pg_has_role(g.oid, c.relowner, 'USAGE') OR c.grantable THEN 'YES' ELSE 'NO' END::yes_or_no AS is_grantable,
       CASE WHEN c.prtype = 'SELECT' THEN 'YES' ELSE 'NO' END::yes_or_no AS with_hierarchy
FROM (SELECT r.oid, r.relname, r.relnamespace, r.relowner, e.grantor, e.grantee, e.privilege_type AS prtype, e.is_grantable AS grantable
      FROM pg_class r, LATERAL aclexplode(COALESCE(r.relacl, acldefault('r', r.relowner))) e
      WHERE r.relkind IN ('r', 'v', 'f', 'p')) c
     JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_authid u ON u.oid = c.grantor
     JOIN (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') g ON g.oid = c.grantee
WHERE c.prtype IN ('INSERT', 'SELECT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER')
      AND (pg_has_role(u.oid, 'USAGE') OR pg_has_role(g.oid, 'USAGE') OR g.rolname = 'PUBLIC');

CREATE VIEW role_table_grants AS
SELECT grantor, grantee, table_catalog, table_schema, table_name, privilege_type, is_grantable, with_hierarchy
FROM table_privileges
WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);

CREATE VIEW routine_privileges AS
SELECT u.rolname::sql_identifier AS grantor, g.rolname::sql_identifier AS grantee,
       current_database()::sql_identifier AS specific_catalog, n.nspname::sql_identifier AS specific_schema,
       nameconcatoid(p.proname, p.oid)::sql_identifier AS specific_name, current_database()::sql_identifier AS routine_catalog,
       n.nspname::sql_identifier AS routine_schema, p.proname::sql_identifier AS routine_name,
       'EXECUTE'::character_data AS privilege_type,
       CASE WHEN pg_has_role(g.oid, p.proowner, 'USAGE') OR p.grantable THEN 'YES' ELSE 'NO' END::yes_or_no AS is_grantable
FROM (SELECT f.oid, f.proname, f.proowner, f.pronamespace, e.grantor, e.grantee, e.privilege_type AS prtype, e.is_grantable AS grantable
      FROM pg_proc f, LATERAL aclexplode(COALESCE(f.proacl, acldefault('f', f.proowner))) e) p
     JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_authid u ON u.oid = p.grantor
     JOIN (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') g ON g.oid = p.grantee
WHERE p.prtype = 'EXECUTE' AND (pg_has_role(u.oid, 'USAGE') OR pg_has_role(g.oid, 'USAGE') OR g.rolname = 'PUBLIC');

CREATE VIEW role_routine_grants AS
SELECT grantor, grantee, specific_catalog, specific_schema, specific_name, routine_catalog, routine_schema, routine_name,
       privilege_type, is_grantable
FROM routine_privileges
WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);

CREATE VIEW udt_privileges AS
SELECT u.rolname::sql_identifier AS grantor, g.rolname::sql_identifier AS grantee,
       current_database()::sql_identifier AS udt_catalog, n.nspname::sql_identifier AS udt_schema,
       t.typname::sql_identifier AS udt_name, 'TYPE USAGE'::character_data AS privilege_type,
       CASE WHEN pg_has_role(g.oid, t.typowner, 'USAGE') OR t.grantable THEN 'YES' ELSE 'NO' END::yes_or_no AS is_grantable
FROM (SELECT y.oid, y.typname, y.typnamespace, y.typtype, y.typowner, e.grantor, e.grantee, e.privilege_type AS prtype, e.is_grantable AS grantable
      FROM pg_type y, LATERAL aclexplode(COALESCE(y.typacl, acldefault('T', y.typowner))) e) t
     JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_authid u ON u.oid = t.grantor
     JOIN (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') g ON g.oid = t.grantee
WHERE t.typtype = 'c' AND t.prtype = 'USAGE'
      AND (pg_has_role(u.oid, 'USAGE') OR pg_has_role(g.oid, 'USAGE') OR g.rolname = 'PUBLIC');

CREATE VIEW role_udt_grants AS
SELECT grantor, grantee, udt_catalog, udt_schema, udt_name, privilege_type, is_grantable
FROM udt_privileges
WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);

CREATE VIEW usage_privileges AS
SELECT u.rolname::sql_identifier AS grantor, 'PUBLIC'::sql_identifier AS grantee,
       current_database()::sql_identifier AS object_catalog, n.nspname::sql_identifier AS object_schema,
       l.collname::sql_identifier AS object_name, 'COLLATION'::character_data AS object_type,
       'USAGE'::character_data AS privilege_type, 'NO'::yes_or_no AS is_grantable
FROM pg_collation l JOIN pg_authid u ON u.oid = l.collowner JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE l.collencoding IN (-1, (SELECT d.encoding FROM pg_database d WHERE d.datname = current_database()))
UNION ALL
SELECT u.rolname::sql_identifier, g.rolname::sql_identifier, current_database()::sql_identifier, n.nspname::sql_identifier,
       t.typname::sql_identifier, 'DOMAIN'::character_data, 'USAGE'::character_data,
       CASE WHEN pg_has_role(g.oid, t.typowner, 'USAGE') OR t.grantable THEN 'YES' ELSE 'NO' END::yes_or_no
FROM (SELECT y.oid, y.typname, y.typnamespace, y.typtype, y.typowner, e.grantor, e.grantee, e.privilege_type AS prtype, e.is_grantable AS grantable
      FROM pg_type y, LATERAL aclexplode(COALESCE(y.typacl, acldefault('T', y.typowner))) e) t
     JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_authid u ON u.oid = t.grantor
     JOIN (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') g ON g.oid = t.grantee
WHERE t.typtype = 'd' AND t.prtype = 'USAGE'
      AND (pg_has_role(u.oid, 'USAGE') OR pg_has_role(g.oid, 'USAGE') OR g.rolname = 'PUBLIC')
UNION ALL
SELECT u.rolname::sql_identifier, g.rolname::sql_identifier, current_database()::sql_identifier, ''::sql_identifier,
       w.fdwname::sql_identifier, 'FOREIGN DATA WRAPPER'::character_data, 'USAGE'::character_data,
       CASE WHEN pg_has_role(g.oid, w.fdwowner, 'USAGE') OR w.grantable THEN 'YES' ELSE 'NO' END::yes_or_no
FROM (SELECT f.fdwname, f.fdwowner, e.grantor, e.grantee, e.privilege_type AS prtype, e.is_grantable AS grantable
      FROM pg_foreign_data_wrapper f, LATERAL aclexplode(COALESCE(f.fdwacl, acldefault('F', f.fdwowner))) e) w
     JOIN pg_authid u ON u.oid = w.grantor
     JOIN (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') g ON g.oid = w.grantee
WHERE w.prtype = 'USAGE' AND (pg_has_role(u.oid, 'USAGE') OR pg_has_role(g.oid, 'USAGE') OR g.rolname = 'PUBLIC')
UNION ALL
SELECT u.rolname::sql_identifier, g.rolname::sql_identifier, current_database()::sql_identifier, ''::sql_identifier,
       w.srvname::sql_identifier, 'FOREIGN SERVER'::character_data, 'USAGE'::character_data,
       CASE WHEN pg_has_role(g.oid, w.srvowner, 'USAGE') OR w.grantable THEN 'YES' ELSE 'NO' END::yes_or_no
FROM (SELECT f.srvname, f.srvowner, e.grantor, e.grantee, e.privilege_type AS prtype, e.is_grantable AS grantable
      FROM pg_foreign_server f, LATERAL aclexplode(COALESCE(f.srvacl, acldefault('S', f.srvowner))) e) w
     JOIN pg_authid u ON u.oid = w.grantor
     JOIN (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') g ON g.oid = w.grantee
WHERE w.prtype = 'USAGE' AND (pg_has_role(u.oid, 'USAGE') OR pg_has_role(g.oid, 'USAGE') OR g.rolname = 'PUBLIC')
UNION ALL
SELECT u.rolname::sql_identifier, g.rolname::sql_identifier, current_database()::sql_identifier, n.nspname::sql_identifier,
       c.relname::sql_identifier, 'SEQUENCE'::character_data, 'USAGE'::character_data,
       CASE WHEN pg_has_role(g.oid, c.relowner, 'USAGE') OR c.grantable THEN 'YES' ELSE 'NO' END::yes_or_no
FROM (SELECT r.oid, r.relname, r.relnamespace, r.relowner, e.grantor, e.grantee, e.privilege_type AS prtype, e.is_grantable AS grantable
      FROM pg_class r, LATERAL aclexplode(COALESCE(r.relacl, acldefault('r', r.relowner))) e WHERE r.relkind = 'S') c
     JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_authid u ON u.oid = c.grantor
     JOIN (SELECT oid, rolname FROM pg_authid UNION ALL SELECT 0::oid, 'PUBLIC') g ON g.oid = c.grantee
WHERE c.prtype = 'USAGE' AND (pg_has_role(u.oid, 'USAGE') OR pg_has_role(g.oid, 'USAGE') OR g.rolname = 'PUBLIC');

CREATE VIEW role_usage_grants AS
SELECT grantor, grantee, object_catalog, object_schema, object_name, object_type, privilege_type, is_grantable
FROM usage_privileges
WHERE grantor IN (SELECT role_name FROM enabled_roles) OR grantee IN (SELECT role_name FROM enabled_roles);
