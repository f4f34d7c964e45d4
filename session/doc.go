// Package session bundles what one session of the server works with: its process slot, transaction, locks, catalogs,
// settings, and the services of the server. Analyzer, planner, executor and commands take a *Session.
//
// Layer: above catalog and storage; below the analyzer.
//
// Rules:
//
//  1. A Session belongs to one goroutine, its backend. Others reach it only through its stats.Slot.
//  2. Server holds the services that all sessions of a server share; it never changes after start.
//  3. What the layers above need of the protocol (COPY data, notices, row output of utility commands) comes in as funcs.
package session
