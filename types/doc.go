// Package types holds what the engine knows of values: the Datum, column vectors and batches, row
// descriptions, and for each built-in type its text and binary input and output, comparison and hash.
//
// Layer: above internal, config and the page layout; it knows nothing of catalogs or sessions. What
// text conversion needs of a session (DateStyle, TimeZone, names of objects for the reg* types) comes in through Env.
//
// Rules:
//  1. A Datum refers to memory that somebody else owns. Whoever keeps one beyond the batch it came in clones it.
//  2. Nobody writes through the bytes of a Datum.
//  3. Invalid input gives PostgreSQL's SQLSTATE and message; no input panics.
package types
