package main

import "strings"

// filters names, for each catalog with rows in a new cluster, which rows are facts of the built-in world.
// Views and information_schema are made by our own SQL, so their rows stay out; so do the collations of ICU.
var filters = map[string]string{
	"pg_aggregate":     "aggfnoid::oid < 12000",
	"pg_am":            "oid < 12000",
	"pg_amop":          "oid < 12000",
	"pg_amproc":        "oid < 12000",
	"pg_auth_members":  "roleid < 12000 AND member < 12000",
	"pg_authid":        "oid < 12000",
	"pg_cast":          "oid < 12000",
	"pg_class":         "oid < 12000",
	"pg_collation":     "collname !~ '-x-icu$' AND oid < 16384",
	"pg_constraint":    "oid < 12000",
	"pg_conversion":    "oid < 12000",
	"pg_database":      "oid < 16384",
	"pg_index":         "indexrelid < 12000",
	"pg_description":   "classoid = 'pg_namespace'::regclass AND objoid < 12000", // pg_dump compares these with what it finds
	"pg_init_privs":    "objoid < 12000",
	"pg_language":      "oid < 12000",
	"pg_namespace":     "oid < 12000",
	"pg_opclass":       "oid < 12000",
	"pg_operator":      "oid < 12000",
	"pg_opfamily":      "oid < 12000",
	"pg_proc":          "oid < 12000",
	"pg_range":         "rngtypid < 12000",
	"pg_shdescription": "true",
	"pg_tablespace":    "oid < 12000",
	"pg_ts_config":     "oid < 12000",
	"pg_ts_config_map": "mapcfg < 12000",
	"pg_ts_dict":       "oid < 12000",
	"pg_ts_parser":     "oid < 12000",
	"pg_ts_template":   "oid < 12000",
	"pg_type":          "oid < 12000",
}

// overrides replaces columns whose value depends on the life of the server that was asked, or is an
// expression tree in a format that is not ours.
var overrides = map[string]string{
	"pg_class.relpages": "0", "pg_class.reltuples": "-1", "pg_class.relallvisible": "0",
	"pg_class.relfilenode":     "CASE WHEN relfilenode = 0 THEN 0 ELSE oid END",
	"pg_class.relfrozenxid":    "CASE WHEN relfrozenxid::text = '0' THEN '0' ELSE '3' END",
	"pg_class.relminmxid":      "CASE WHEN relminmxid::text = '0' THEN '0' ELSE '1' END",
	"pg_database.datfrozenxid": "'3'", "pg_database.datminmxid": "'1'",
	"pg_database.datcollate": "'C.UTF-8'", "pg_database.datctype": "'C.UTF-8'",
	"pg_collation.collversion": "NULL",
	"pg_proc.proargdefaults":   "NULL", "pg_proc.prosqlbody": "NULL",
	// Functions that PostgreSQL writes in SQL are built in here, known by name and argument types.
	"pg_proc.prolang": "CASE WHEN prolang = 14 THEN 12::oid ELSE prolang END",
	"pg_proc.prosrc": `CASE WHEN prolang = 14 THEN proname || '(' || (SELECT string_agg(t.typname, ',' ORDER BY a.n)
		FROM unnest(proargtypes) WITH ORDINALITY a (t, n) JOIN pg_type t ON t.oid = a.t) || ')' ELSE prosrc END`,
	"pg_authid.rolpassword": "NULL",
	"pg_type.typdefaultbin": "NULL",
}

func (g *generator) writeFacts() error {
	for _, t := range g.tables {
		where, ok := filters[t.name]
		if !ok {
			continue
		}
		var names, exprs []string
		for _, c := range t.cols {
			e := c.name
			if c.typ == "regproc" || t.name == "pg_aggregate" && c.name == "aggfnoid" {
				e += "::oid"
			}
			if o, ok := overrides[t.name+"."+c.name]; ok {
				e = o
			}
			names, exprs = append(names, c.name), append(exprs, e)
		}
		rows, err := g.query("SELECT " + strings.Join(exprs, ", ") + " FROM " + t.name + " WHERE " + where + " ORDER BY 1, 2, 3")
		if err != nil {
			return err
		}
		if err := g.write(t.name, names, rows); err != nil {
			return err
		}
	}
	rows, err := g.query(`SELECT attrelid, attname, atttypid, attnum, attndims, attnotnull FROM pg_attribute
		WHERE attrelid < 12000 AND attnum > 0 ORDER BY attrelid, attnum`)
	if err != nil {
		return err
	}
	return g.write("pg_attribute", []string{"attrelid", "attname", "atttypid", "attnum", "attndims", "attnotnull"}, rows)
}

// writeDefaults stores the default expressions of built-in functions' arguments as SQL, one line for each argument.
func (g *generator) writeDefaults() error {
	rows, err := g.query(`SELECT p.oid, n, pg_get_function_arg_default(p.oid, n)
		FROM pg_proc p, generate_series(1, p.pronargs) n
		WHERE p.oid < 12000 AND p.pronargdefaults > 0 AND n > p.pronargs - p.pronargdefaults ORDER BY 1, 2`)
	if err != nil {
		return err
	}
	return g.write("proc_defaults", []string{"oid", "argument", "expression"}, rows)
}
