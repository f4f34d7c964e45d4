// Package heap holds tables: rows in pages, versions of rows, and all that transactions do to them.
package heap
