// Package sequence holds the one-page relations behind CREATE SEQUENCE.
package sequence
