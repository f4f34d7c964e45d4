// Package mvcc holds transactions: their ids, their outcome, snapshots and the visibility of rows.
package mvcc
