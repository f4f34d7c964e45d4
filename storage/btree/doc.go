// Package btree holds btree indexes.
package btree
