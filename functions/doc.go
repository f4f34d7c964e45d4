// Package functions holds the built-in functions of SQL: scalar functions and operators, set-returning
// functions, aggregates and window functions, one file per family of types.
//
// Layer: above types and stats; it knows nothing of catalogs. What a function needs of its session comes in
// through Env; a function that needs more asserts Call.Env to an interface of its own.
//
// Rules:
//  1. An entry is found by the name in pg_proc.prosrc; an aggregate by its name and argument types as in
//     pg_type: sum(int4), count(any), count(). The Registry never changes once made.
//  2. A strict function (pg_proc.proisstrict) is never called with a NULL argument: the caller sees to it.
//     A Kernel, always of a strict function, handles NULL itself.
//  3. A result may refer to the bytes of an argument or to memory of Call.Alloc: it lives as long as the
//     batch that is being computed. Aggregates and window functions copy what they keep.
//  4. Call.State belongs to the function: what it derives from constant arguments (a compiled pattern) it
//     keeps there. A Call is used by one goroutine.
//  5. A built-in that is listed in the catalog but not here answers 0A000 with its name (NotThere).
//
// Differences from PostgreSQL: all collations order by bytes. Regular expressions run in linear time: there is no
// lookaround and no back reference, \m and \M only next to a character of words (else 0A000), word boundaries know
// ASCII letters only, and where the first quantifier is greedy, non-greedy ones after it are greedy, too. Hashes of
// numeric and interval have other values than PostgreSQL's. random() after setseed() gives another sequence.
//
// How to debug: testdata/*.tsv are calls with PostgreSQL's answers, testdata/aggregates the same of aggregates; a
// line of them is a test case. testdata/builtins.txt lists the built-ins that belong here: go test -v -run There
// shows those that are not there yet.
package functions
