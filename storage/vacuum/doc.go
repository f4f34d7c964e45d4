// Package vacuum removes dead rows from tables and their indexes, freezes old ones, and samples tables for ANALYZE.
package vacuum
