// Package buffer is the pool of shared buffers and the way pages are changed.
package buffer
