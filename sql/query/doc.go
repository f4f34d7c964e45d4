// Package query is the analyzed form of a statement: names resolved to Oids and column numbers, every
// expression typed, every coercion explicit. The analyzer makes it, the planner reads it, views and column
// defaults store it (Encode, Decode). Its nodes carry PostgreSQL's names.
//
// Layer: above types; below analyzer.
//
// Rules:
//  1. A tree that has left the analyzer is never changed: who wants another tree copies (Mutate).
//  2. Var.Varno counts range-table entries of its query level from 1; Varlevelsup counts levels outward.
//  3. Every expression knows its result: Type, Typmod, Collation.
package query
