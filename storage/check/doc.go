// Package check looks at whole relations for damage: it backs "gompho check" and ends the tests of the storage layers.
//
// Layer: above heap and btree. It changes nothing but hint bits.
//
// What is looked for:
//  1. In a table: pages whose line pointers, items and headers make no sense; transaction ids that were never assigned; HOT chains and
//     redirections that lead nowhere; attributes that do not decode, out-of-line values that are not there; pages marked all-visible that
//     are not; a visibility map that promises more than the pages.
//  2. In an index: order of items, separators, links between pages and levels; entries that lead to no row version.
//  3. Between them: a row that should have an entry and has none.
//
// Rules:
//  1. The caller keeps writers away from what is checked (the tool runs on a stopped server, tests are quiet).
//  2. A finding is reported and the check goes on; an error is for what cannot be read at all.
//
// Differences from PostgreSQL: amcheck needs an extension and a running server.
//
// To debug: a Problem names relation, block and line pointer; storage/page.Check and btree's Verify say the same of single pages.
package check
