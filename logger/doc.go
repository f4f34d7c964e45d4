// Package logger makes the server log: zap with PostgreSQL's severities, as lines of text or as JSON.
//
// Layer: above config. It holds no state: the postmaster makes one logger and hands it down.
package logger
