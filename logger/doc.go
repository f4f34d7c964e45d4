// Package logger makes the server log: PostgreSQL's lines of text, or JSON objects with the keys of its jsonlog, through zap.
//
// Layer: above config and stats. It holds no state of the server: the postmaster makes one logger and hands it down.
//
// Rules:
//
//  1. Every line belongs to a Process: who logs. A session writes an Event, which carries a whole *pgerr.Error and what the
//     line prefix can tell of the session. Workers log plain messages through a logger made With(Process.Field()): zap's
//     Info is LOG, Warn is WARNING, Error is ERROR.
//  2. Whether a session's message is written is decided before the Event is made, by Outputs and the session's own
//     log_min_messages; plain messages are held against the server's. LOG ranks between ERROR and FATAL, as in PostgreSQL.
//  3. log_line_prefix, log_timezone, log_min_messages, log_destination and log_format are read for each line, so that a
//     reload takes effect at once. Each line of text, those of DETAIL, HINT, CONTEXT and STATEMENT too, gets the prefix and
//     counts for %l.
//  4. A logger that a program brings along gets the same fields in zap's own form.
//
// Differences from PostgreSQL: the log goes to standard error; log_destination = 'jsonlog' turns it into JSON there (csvlog
// and syslog are refused). There is no LOCATION line: error sites are not named by file and line. %P is empty.
package logger
