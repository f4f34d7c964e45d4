// Package tests drives whole servers from outside: through pgx, psql and pgbench, in process and as a process that is killed.
package tests
