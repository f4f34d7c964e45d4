// Package planner turns an analyzed query into a plan: it rewrites the query into a simpler one, lists the ways to
// get each relation's rows, searches join orders by dynamic programming, and picks the cheapest way by
// PostgreSQL's cost model and settings (seq_page_cost, random_page_cost, enable_*, ...).
//
// Layer: above catalog and query; below the executor, which it does not know.
//
// The way of a query (Plan, planQuery):
//
//  1. expand: inline WITH queries that may be, pull up simple subqueries and views, turn EXISTS and IN
//     subselects of WHERE into semi and anti joins, reduce outer joins that a strict condition makes inner (prep*.go).
//  2. fold: evaluate immutable calls over constants, simplify conditions (fold.go).
//  3. deconstruct: the join tree becomes base relations, restrictions on them, join clauses, equivalence
//     classes and the order constraints of outer joins (jointree.go, equiv.go).
//  4. size: rows and width of each base relation from statistics (relsize.go, selectivity.go).
//  5. paths of base relations (scanpaths.go, indexpaths.go), then of joins, by levels (joinsearch.go, joinpaths.go).
//  6. upper steps: grouping, windows, DISTINCT, ORDER BY, LIMIT, row locks, ModifyTable (upper.go, setops.go).
//  7. build: the chosen path becomes plan nodes; columns become references to child outputs (build*.go).
//
// Differences from PostgreSQL: outer joins keep their syntactic order relative to what their conditions do not let
// commute (no identity-3 reordering); join search above joinCollapseLimit relations is greedy instead of genetic.
//
// To debug: EXPLAIN; SET enable_* to see the alternatives and their costs.
package planner
