// Package config holds the settings (GUC) of a server: their definitions, the configuration files they are read
// from, their values for the server and for each session.
//
// Layer: above pgerr only.
//
// Rules:
//
//  1. Registry has one Def for each setting of PostgreSQL 15, made from settings.tsv (facts: names, types, units, bounds,
//     contexts, boot values). It never changes.
//  2. Server holds the server's values. Readers take the current Values with one atomic load; Reload replaces them as a whole.
//  3. Session overlays the server's values: what the start-up packet, ALTER ROLE and ALTER DATABASE set (the session's
//     reset values), and what SET changed. A session that changed nothing costs one pointer.
//  4. SET follows transactions: Journal entries undo what an aborted (sub)transaction set and what SET LOCAL set.
//  5. Every change is checked before it is made; errors are PostgreSQL's.
//
// Settings whose features are not there yet can be set and shown; ARCHITECTURE.md lists those that have an effect.
package config
