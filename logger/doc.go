// Package logger makes the server log: PostgreSQL's lines of text, or its csvlog or jsonlog, on standard
// error or in files, through zap.
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
//  4. With logging_collector the lines go into files (collector.go), one for each form of log_destination, csvlog with the 26 columns and jsonlog with the
//     keys of PostgreSQL 15 (format.go). Who logs writes the file itself, under the output's mutex: a line is in the file when the call returns, so a killed
//     server has lost none. The collector's goroutine rotates by age; by size a writer does, by request and by reload who asks.
//  5. In csvlog and jsonlog log_error_verbosity leaves nothing out, and line numbers are counted for each form.
//  6. A logger that a program brings along gets the same fields in zap's own form.
//
// Differences from PostgreSQL: without the collector a log_destination without stderr gives CSV or JSON on standard error; syslog is refused. log_format =
// json makes JSON of the text. There is no LOCATION line and no location in the files: error sites are not named by file and line.
package logger
