// Package parser turns SQL text into the raw trees of sql/ast: a lexer and a recursive-descent parser with precedence
// climbing for the whole grammar of PostgreSQL 15. It is in layer 10 and imports only internal/pgerr,
// internal/ids and sql/ast.
//
// How it works:
//
//  1. The lexer (lexer.go, lexstring.go, lexnumber.go) cuts one token at a time from the text; strings and
//     lower-case names are parts of the text, not copies. A failure becomes a tokError and counts only
//     when the parser reaches it, so that errors come in the order of the text.
//  2. The parser holds the current token and peeks at up to three more; it never goes back. Where the grammar needs
//     more (is "((" the start of a query or of an expression?) the inner part is parsed once by a function that
//     returns either (parenBody, parenTable).
//  3. Operators climb by the table in expr.go. The levels without association (IS, comparisons, BETWEEN and its
//     kin) report a second operator of their level as a syntax error.
//  4. An error unwinds by a panic with the private type bailout, recovered in the exported functions; no
//     panic leaves the package. Every error is a *pgerr.Error with PostgreSQL's SQLSTATE, text and byte
//     position.
//  5. Nodes come from an arena (arena.go): the memory of a short statement is one allocation.
//  6. Nesting is bounded by maxDepth (54001); there is no unbounded recursion and no backtracking, so time
//     is linear in the text.
//
// Differences from PostgreSQL: the notice about a truncated name and warnings of the grammar are not given; white
// space before a statement is not part of it; the limit of nesting is a count, not bytes of stack.
//
// Conformance: testdata/conformance holds statements of every kind with what PostgreSQL 15 says of each (*.want).
// TestServer checks those records, and TestServerVariants some hundred thousand broken variants, against an
// installed PostgreSQL 15 (or the one GOMPHO_TEST_PG names); -record rewrites them and runs all variants. The nested
// module testdata/libpgquery compares trees and locations with libpg_query and needs a C compiler.
//
// To see what is made of a text, print ast.Dump, or add it to a script under testdata and run the tests with
// -rewrite.
package parser
