// Package ids holds the identifiers that every layer speaks of: object ids, transaction ids,
// log positions, block and tuple addresses. It is the lowest layer and imports nothing of gompho.
package ids
