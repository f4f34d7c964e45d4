// Package offheap allocates memory outside the Go heap, for what the garbage collector should neither scan nor count:
// shared buffers, WAL buffers.
//
// Rules:
//  1. The memory holds no Go pointers.
//  2. Free only when no goroutine can touch the memory any more: a later access ends the process.
package offheap
