-- Objects of the database by schema and name.

CREATE VIEW pg_policies AS
SELECT n.nspname AS schemaname, c.relname AS tablename, p.polname AS policyname,
       CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END AS permissive,
       CASE WHEN p.polroles = '{0}' THEN '{public}'::name[]
            ELSE ARRAY(SELECT r.rolname FROM pg_authid r WHERE r.oid = ANY (p.polroles) ORDER BY r.rolname) END AS roles,
       CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
            WHEN 'd' THEN 'DELETE' END AS cmd,
       pg_get_expr(p.polqual, p.polrelid) AS qual, pg_get_expr(p.polwithcheck, p.polrelid) AS with_check
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace;

CREATE VIEW pg_rules AS
SELECT n.nspname AS schemaname, c.relname AS tablename, r.rulename, pg_get_ruledef(r.oid) AS definition
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN';

CREATE VIEW pg_views AS
SELECT n.nspname AS schemaname, c.relname AS viewname, pg_get_userbyid(c.relowner) AS viewowner,
       pg_get_viewdef(c.oid) AS definition
FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v';

CREATE VIEW pg_tables AS
SELECT n.nspname AS schemaname, c.relname AS tablename, pg_get_userbyid(c.relowner) AS tableowner,
       t.spcname AS tablespace, c.relhasindex AS hasindexes, c.relhasrules AS hasrules, c.relhastriggers AS hastriggers,
       c.relrowsecurity AS rowsecurity
FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
WHERE c.relkind IN ('r', 'p');

CREATE VIEW pg_matviews AS
SELECT n.nspname AS schemaname, c.relname AS matviewname, pg_get_userbyid(c.relowner) AS matviewowner,
       t.spcname AS tablespace, c.relhasindex AS hasindexes, c.relispopulated AS ispopulated,
       pg_get_viewdef(c.oid) AS definition
FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
WHERE c.relkind = 'm';

CREATE VIEW pg_indexes AS
SELECT n.nspname AS schemaname, t.relname AS tablename, i.relname AS indexname, s.spcname AS tablespace,
       pg_get_indexdef(i.oid) AS indexdef
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
     LEFT JOIN pg_namespace n ON n.oid = t.relnamespace LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
WHERE t.relkind IN ('r', 'm', 'p') AND i.relkind IN ('i', 'I');

CREATE VIEW pg_sequences AS
SELECT n.nspname AS schemaname, c.relname AS sequencename, pg_get_userbyid(c.relowner) AS sequenceowner,
       s.seqtypid::regtype AS data_type, s.seqstart AS start_value, s.seqmin AS min_value, s.seqmax AS max_value,
       s.seqincrement AS increment_by, s.seqcycle AS cycle, s.seqcache AS cache_size,
       CASE WHEN has_sequence_privilege(c.oid, 'SELECT,USAGE') THEN pg_sequence_last_value(c.oid) END AS last_value
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT pg_is_other_temp_schema(n.oid) AND c.relkind = 'S';

CREATE VIEW pg_stats AS
SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname, s.stainherit AS inherited,
       s.stanullfrac AS null_frac, s.stawidth AS avg_width, s.stadistinct AS n_distinct,
       CASE 1 WHEN s.stakind1 THEN s.stavalues1 WHEN s.stakind2 THEN s.stavalues2 WHEN s.stakind3 THEN s.stavalues3
              WHEN s.stakind4 THEN s.stavalues4 WHEN s.stakind5 THEN s.stavalues5 END AS most_common_vals,
       CASE 1 WHEN s.stakind1 THEN s.stanumbers1 WHEN s.stakind2 THEN s.stanumbers2 WHEN s.stakind3 THEN s.stanumbers3
              WHEN s.stakind4 THEN s.stanumbers4 WHEN s.stakind5 THEN s.stanumbers5 END AS most_common_freqs,
       CASE 2 WHEN s.stakind1 THEN s.stavalues1 WHEN s.stakind2 THEN s.stavalues2 WHEN s.stakind3 THEN s.stavalues3
              WHEN s.stakind4 THEN s.stavalues4 WHEN s.stakind5 THEN s.stavalues5 END AS histogram_bounds,
       CASE 3 WHEN s.stakind1 THEN s.stanumbers1[1] WHEN s.stakind2 THEN s.stanumbers2[1]
              WHEN s.stakind3 THEN s.stanumbers3[1] WHEN s.stakind4 THEN s.stanumbers4[1]
              WHEN s.stakind5 THEN s.stanumbers5[1] END AS correlation,
       CASE 4 WHEN s.stakind1 THEN s.stavalues1 WHEN s.stakind2 THEN s.stavalues2 WHEN s.stakind3 THEN s.stavalues3
              WHEN s.stakind4 THEN s.stavalues4 WHEN s.stakind5 THEN s.stavalues5 END AS most_common_elems,
       CASE 4 WHEN s.stakind1 THEN s.stanumbers1 WHEN s.stakind2 THEN s.stanumbers2 WHEN s.stakind3 THEN s.stanumbers3
              WHEN s.stakind4 THEN s.stanumbers4 WHEN s.stakind5 THEN s.stanumbers5 END AS most_common_elem_freqs,
       CASE 5 WHEN s.stakind1 THEN s.stanumbers1 WHEN s.stakind2 THEN s.stanumbers2 WHEN s.stakind3 THEN s.stanumbers3
              WHEN s.stakind4 THEN s.stanumbers4 WHEN s.stakind5 THEN s.stanumbers5 END AS elem_count_histogram
FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid
     JOIN pg_attribute a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
     LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT a.attisdropped AND has_column_privilege(c.oid, a.attnum, 'select')
      AND (NOT c.relrowsecurity OR NOT row_security_active(c.oid));

CREATE VIEW pg_stats_ext AS
SELECT tn.nspname AS schemaname, c.relname AS tablename, sn.nspname AS statistics_schemaname,
       x.stxname AS statistics_name, pg_get_userbyid(x.stxowner) AS statistics_owner,
       (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = x.stxrelid AND a.attnum = ANY (x.stxkeys)) AS attnames,
       pg_get_statisticsobjdef_expressions(x.oid) AS exprs, x.stxkind AS kinds, d.stxdinherit AS inherited,
       d.stxdndistinct AS n_distinct, d.stxddependencies AS dependencies,
       m.most_common_vals, m.most_common_val_nulls, m.most_common_freqs, m.most_common_base_freqs
FROM pg_statistic_ext x JOIN pg_class c ON c.oid = x.stxrelid JOIN pg_statistic_ext_data d ON d.stxoid = x.oid
     LEFT JOIN pg_namespace tn ON tn.oid = c.relnamespace LEFT JOIN pg_namespace sn ON sn.oid = x.stxnamespace
     LEFT JOIN LATERAL (SELECT array_agg(i.values) AS most_common_vals, array_agg(i.nulls) AS most_common_val_nulls,
                               array_agg(i.frequency) AS most_common_freqs, array_agg(i.base_frequency) AS most_common_base_freqs
                        FROM pg_mcv_list_items(d.stxdmcv) i) m ON d.stxdmcv IS NOT NULL
WHERE pg_has_role(c.relowner, 'USAGE') AND (NOT c.relrowsecurity OR NOT row_security_active(c.oid));

CREATE VIEW pg_stats_ext_exprs AS
SELECT tn.nspname AS schemaname, c.relname AS tablename, sn.nspname AS statistics_schemaname,
       x.stxname AS statistics_name, pg_get_userbyid(x.stxowner) AS statistics_owner, e.expr,
       d.stxdinherit AS inherited, (e.a).stanullfrac AS null_frac, (e.a).stawidth AS avg_width,
       (e.a).stadistinct AS n_distinct,
       CASE 1 WHEN (e.a).stakind1 THEN (e.a).stavalues1 WHEN (e.a).stakind2 THEN (e.a).stavalues2
              WHEN (e.a).stakind3 THEN (e.a).stavalues3 WHEN (e.a).stakind4 THEN (e.a).stavalues4
              WHEN (e.a).stakind5 THEN (e.a).stavalues5 END AS most_common_vals,
       CASE 1 WHEN (e.a).stakind1 THEN (e.a).stanumbers1 WHEN (e.a).stakind2 THEN (e.a).stanumbers2
              WHEN (e.a).stakind3 THEN (e.a).stanumbers3 WHEN (e.a).stakind4 THEN (e.a).stanumbers4
              WHEN (e.a).stakind5 THEN (e.a).stanumbers5 END AS most_common_freqs,
       CASE 2 WHEN (e.a).stakind1 THEN (e.a).stavalues1 WHEN (e.a).stakind2 THEN (e.a).stavalues2
              WHEN (e.a).stakind3 THEN (e.a).stavalues3 WHEN (e.a).stakind4 THEN (e.a).stavalues4
              WHEN (e.a).stakind5 THEN (e.a).stavalues5 END AS histogram_bounds,
       CASE 3 WHEN (e.a).stakind1 THEN (e.a).stanumbers1[1] WHEN (e.a).stakind2 THEN (e.a).stanumbers2[1]
              WHEN (e.a).stakind3 THEN (e.a).stanumbers3[1] WHEN (e.a).stakind4 THEN (e.a).stanumbers4[1]
              WHEN (e.a).stakind5 THEN (e.a).stanumbers5[1] END AS correlation,
       CASE 4 WHEN (e.a).stakind1 THEN (e.a).stavalues1 WHEN (e.a).stakind2 THEN (e.a).stavalues2
              WHEN (e.a).stakind3 THEN (e.a).stavalues3 WHEN (e.a).stakind4 THEN (e.a).stavalues4
              WHEN (e.a).stakind5 THEN (e.a).stavalues5 END AS most_common_elems,
       CASE 4 WHEN (e.a).stakind1 THEN (e.a).stanumbers1 WHEN (e.a).stakind2 THEN (e.a).stanumbers2
              WHEN (e.a).stakind3 THEN (e.a).stanumbers3 WHEN (e.a).stakind4 THEN (e.a).stanumbers4
              WHEN (e.a).stakind5 THEN (e.a).stanumbers5 END AS most_common_elem_freqs,
       CASE 5 WHEN (e.a).stakind1 THEN (e.a).stanumbers1 WHEN (e.a).stakind2 THEN (e.a).stanumbers2
              WHEN (e.a).stakind3 THEN (e.a).stanumbers3 WHEN (e.a).stakind4 THEN (e.a).stanumbers4
              WHEN (e.a).stakind5 THEN (e.a).stanumbers5 END AS elem_count_histogram
FROM pg_statistic_ext x JOIN pg_class c ON c.oid = x.stxrelid JOIN pg_statistic_ext_data d ON d.stxoid = x.oid
     LEFT JOIN pg_namespace tn ON tn.oid = c.relnamespace LEFT JOIN pg_namespace sn ON sn.oid = x.stxnamespace
     JOIN LATERAL (SELECT unnest(pg_get_statisticsobjdef_expressions(x.oid)) AS expr, unnest(d.stxdexpr) AS a) e ON x.stxexprs IS NOT NULL
WHERE pg_has_role(c.relowner, 'USAGE') AND (NOT c.relrowsecurity OR NOT row_security_active(c.oid));

CREATE VIEW pg_publication_tables AS
SELECT p.pubname, n.nspname AS schemaname, c.relname AS tablename,
       ARRAY(SELECT a.attname FROM pg_attribute a
             WHERE a.attrelid = t.relid AND a.attnum > 0 AND NOT a.attisdropped
                   AND (a.attnum = ANY (t.attrs) OR t.attrs IS NULL) ORDER BY a.attnum) AS attnames,
       pg_get_expr(t.qual, t.relid) AS rowfilter
FROM pg_publication p, LATERAL pg_get_publication_tables(p.pubname::text) t JOIN pg_class c ON c.oid = t.relid
     JOIN pg_namespace n ON n.oid = c.relnamespace;

CREATE VIEW pg_user_mappings AS
SELECT m.oid AS umid, s.oid AS srvid, s.srvname, m.umuser,
       CASE WHEN m.umuser = 0 THEN 'public'::name ELSE r.rolname END AS usename,
       CASE WHEN m.umuser <> 0 AND r.rolname = current_user
                 AND (pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE'))
            OR m.umuser = 0 AND pg_has_role(s.srvowner, 'USAGE')
            OR (SELECT u.rolsuper FROM pg_authid u WHERE u.rolname = current_user) THEN m.umoptions END AS umoptions
FROM pg_user_mapping m JOIN pg_foreign_server s ON s.oid = m.umserver LEFT JOIN pg_authid r ON r.oid = m.umuser;

CREATE VIEW pg_seclabels AS
SELECT l.objoid, l.classoid, l.objsubid,
       CASE WHEN l.objsubid <> 0 THEN 'column'
            ELSE CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view'
                      WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' END END AS objtype,
       c.relnamespace AS objnamespace,
       CASE WHEN pg_table_is_visible(c.oid) THEN quote_ident(c.relname)
            ELSE quote_ident(n.nspname) || '.' || quote_ident(c.relname) END
       || CASE WHEN l.objsubid <> 0 THEN '.' || a.attname ELSE '' END AS objname,
       l.provider, l.label
FROM pg_seclabel l JOIN pg_class c ON c.oid = l.objoid JOIN pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_attribute a ON a.attrelid = l.objoid AND a.attnum = l.objsubid
WHERE l.classoid = 'pg_class'::regclass
UNION ALL
SELECT l.objoid, l.classoid, l.objsubid,
       CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' WHEN 'w' THEN 'window' ELSE 'function' END,
       p.pronamespace,
       CASE WHEN pg_function_is_visible(p.oid) THEN quote_ident(p.proname)
            ELSE quote_ident(n.nspname) || '.' || quote_ident(p.proname) END
       || '(' || pg_get_function_arguments(p.oid) || ')', l.provider, l.label
FROM pg_seclabel l JOIN pg_proc p ON p.oid = l.objoid JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE l.classoid = 'pg_proc'::regclass AND l.objsubid = 0
UNION ALL
SELECT l.objoid, l.classoid, l.objsubid, CASE WHEN t.typtype = 'd' THEN 'domain' ELSE 'type' END, t.typnamespace,
       CASE WHEN pg_type_is_visible(t.oid) THEN quote_ident(t.typname)
            ELSE quote_ident(n.nspname) || '.' || quote_ident(t.typname) END, l.provider, l.label
FROM pg_seclabel l JOIN pg_type t ON t.oid = l.objoid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE l.classoid = 'pg_type'::regclass AND l.objsubid = 0
UNION ALL
SELECT l.objoid, l.classoid, l.objsubid, 'schema', n.oid, quote_ident(n.nspname), l.provider, l.label
FROM pg_seclabel l JOIN pg_namespace n ON n.oid = l.objoid
WHERE l.classoid = 'pg_namespace'::regclass AND l.objsubid = 0
UNION ALL
SELECT l.objoid, l.classoid, l.objsubid, 'language', NULL, quote_ident(g.lanname), l.provider, l.label
FROM pg_seclabel l JOIN pg_language g ON g.oid = l.objoid
WHERE l.classoid = 'pg_language'::regclass AND l.objsubid = 0
UNION ALL
SELECT l.objoid, l.classoid, l.objsubid, 'large object', NULL, l.objoid::text, l.provider, l.label
FROM pg_seclabel l JOIN pg_largeobject_metadata m ON m.oid = l.objoid
WHERE l.classoid = 'pg_largeobject'::regclass AND l.objsubid = 0
UNION ALL
SELECT l.objoid, l.classoid, l.objsubid, 'event trigger', NULL, quote_ident(e.evtname), l.provider, l.label
FROM pg_seclabel l JOIN pg_event_trigger e ON e.oid = l.objoid
WHERE l.classoid = 'pg_event_trigger'::regclass AND l.objsubid = 0
UNION ALL
SELECT l.objoid, l.classoid, l.objsubid, 'publication', NULL, quote_ident(p.pubname), l.provider, l.label
FROM pg_seclabel l JOIN pg_publication p ON p.oid = l.objoid
WHERE l.classoid = 'pg_publication'::regclass AND l.objsubid = 0
UNION ALL
SELECT l.objoid, l.classoid, 0, 'subscription', NULL, quote_ident(s.subname), l.provider, l.label
FROM pg_shseclabel l JOIN pg_subscription s ON s.oid = l.objoid
WHERE l.classoid = 'pg_subscription'::regclass
UNION ALL
SELECT l.objoid, l.classoid, 0, 'database', NULL, quote_ident(d.datname), l.provider, l.label
FROM pg_shseclabel l JOIN pg_database d ON d.oid = l.objoid
WHERE l.classoid = 'pg_database'::regclass
UNION ALL
SELECT l.objoid, l.classoid, 0, 'tablespace', NULL, quote_ident(t.spcname), l.provider, l.label
FROM pg_shseclabel l JOIN pg_tablespace t ON t.oid = l.objoid
WHERE l.classoid = 'pg_tablespace'::regclass
UNION ALL
SELECT l.objoid, l.classoid, 0, 'role', NULL, quote_ident(r.rolname), l.provider, l.label
FROM pg_shseclabel l JOIN pg_authid r ON r.oid = l.objoid
WHERE l.classoid = 'pg_authid'::regclass;
