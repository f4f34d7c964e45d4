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
//  4. Loops over values that may be long count what they do with a Pace, which asks an Env that is an Interrupter once in a stride. Output functions
//     return no error: an interrupt cuts their text short, and is raised again where the statement is checked next, before it can succeed.
//  5. Arrays are put together with an ArrayBuilder, which holds no list of elements; Room gives memory for long results that are written in full.
package types
