// Package locks is the lock manager: heavyweight locks on relations, tuples, transactions and whatever else
// a tag can name, with wait queues, deadlock search and all that pg_locks shows.
package locks
