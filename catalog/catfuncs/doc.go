// Package catfuncs holds the built-in functions that need nothing but catalogs: names and visibility of objects,
// privileges, comments, sizes, the helpers of information_schema.
//
// Layer: above catalog and functions; below the session. Entries is added to the registry of built-ins.
//
// Rules:
//  1. A function finds the session's catalogs through Env, to which Call.Env is asserted. Functions that need
//     files sizes assert FileEnv, those that change settings or sequences live elsewhere.
//  2. An object that is not there gives NULL where PostgreSQL gives NULL, and its error where it gives one.
//
// Differences from PostgreSQL: pg_tablespace_location knows only the built-in tablespaces' empty location unless the
// environment tells more; object identities (pg_identify_object) cover relations, columns, types, functions, schemas and roles.
package catfuncs
