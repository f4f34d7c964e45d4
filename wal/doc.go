// Package wal is the write-ahead log: record format, insertion, group flush, segment files, reader.
package wal
