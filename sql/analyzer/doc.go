// Package analyzer turns the raw tree of a statement into a query tree: names become Oids and column numbers,
// every expression gets its type and collation, every conversion becomes a node. Rewrite then replaces views by
// their queries and fills in defaults.
//
// Layer: above catalog, session and deparse; below planner.
//
// What is where: analyzer.go entry points; select.go, dml.go, cte.go, utility.go statements; from.go,
// fromfunc.go, rangetable.go, namespace.go FROM and names; expr.go, exprop.go expressions; func.go, agg.go,
// window.go, candidate.go, oper.go calls and operators; coerce.go, poly.go, typename.go types; target.go output
// columns and assignments; sortgroup.go, groupcheck.go ORDER BY and GROUP BY; collate.go collations.
//
// Rules:
//  1. A raw tree is never changed; it may be analyzed again. The Query is new each time, but may share names
//     with the raw tree.
//  2. Relations are locked while they are looked up: AccessShare for reading, RowShare under FOR UPDATE and the
//     like, RowExclusive for targets. The locks are the transaction's.
//  3. An error ends the analysis by a private panic value that the entry point turns back into an error;
//     nothing else is recovered, so a bug remains a panic. Everything else the package calls returns errors.
//  4. Errors carry the byte offset in the statement's text plus one as Position.
//  5. Literals of unknown type become constants of the type that their context asks for; those that remain in
//     output columns become text.
//  6. Collations are assigned when a query is otherwise done; until then the fields of new nodes are 0.
//
// Differences from PostgreSQL: named and default arguments of functions are put into place here, not in the
// planner; SET (a, b) = (SELECT ...) becomes one subselect for each column; SEARCH and CYCLE of WITH, rules other than
// views and subscripts of jsonb answer 0A000.
//
// To debug: print query.Encode of the result, or deparse it.
package analyzer
