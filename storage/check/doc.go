// Package check looks at whole relations for damage: it backs "gompho check" and ends the tests of the storage layers.
//
// Layer: above heap and btree. It changes nothing but hint bits.
//
// What is looked for:
//  1. In a table: pages whose line pointers, items and headers make no sense; transaction ids that were never assigned, hint bits that
//     contradict the commit log; HOT chains and redirections that lead nowhere; attributes that do not decode; pages marked all-visible that
//     are not; a visibility map that promises more than the pages, or speaks of blocks that are not there; a free space map whose pages
//     contradict themselves.
//  2. In a table with its toast table: out-of-line values that are not there or not whole; chunks of values that no row has.
//  3. In an index: order of items, separators, links between pages and levels; entries that lead to no row version, or to one with another
//     key or outside of the index's predicate.
//  4. Between them: a row that should have an entry and has none.
//
// The catalogs against each other are catalog.Session.Verify, the files against the catalogs package postmaster.
//
// Rules:
//  1. The caller keeps writers away from what is checked (the tool runs on a stopped server, tests are quiet).
//  2. A finding is reported and the check goes on; an error is for what cannot be read at all.
//
// Differences from PostgreSQL: amcheck needs an extension and a running server.
//
// To debug: a Problem names relation, block and line pointer; storage/page.Check and btree's Verify say the same of single pages.
package check
