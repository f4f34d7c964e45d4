// Package deparse turns query trees back into SQL text: view definitions, index and constraint definitions, defaults,
// the expressions of EXPLAIN. It writes what PostgreSQL's ruleutils write, byte for byte, in the pretty and the
// plain form.
//
// Layer: above catalog, query and functions; below analyzer. Entries is added to the registry of built-ins.
//
// What is where: context.go the printer; names.go unique names of range-table entries and columns; queries.go
// SELECT and its clauses; from.go FROM; expr.go, exprcall.go expressions; parens.go when an expression needs
// parentheses; object.go objects' names; index.go, constraint.go, function.go definitions; entries.go the SQL functions.
//
// Rules:
//  1. Every table and column of a query level gets a name that is unique there before anything is printed.
//  2. Names are qualified when the search path of the session would not find the object.
//  3. A name that was not in the statement may be printed, but the text means the same when it is read back.
//  4. An error inside (a catalog that cannot be read) ends the printing and is returned; there is no partial text.
//
// Differences from PostgreSQL: whether a function or operator must be qualified is decided by its visibility, not by
// resolving the call again; named arguments of a call print as positional ones.
//
// To debug: compare with the same function of a PostgreSQL 15 server; testdata holds scripts recorded from one.
package deparse
