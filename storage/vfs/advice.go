package vfs

// Adviser is a File that can pass on hints to the operating system.
type Adviser interface {
	// FlushRange begins to write n bytes from off back to the device, without waiting for it.
	FlushRange(off, n int64) error
	// WillNeed begins to read n bytes from off.
	WillNeed(off, n int64) error
}

// FlushRange begins to write a range of a file back, so that a later Sync has less to do; nothing happens where files do not know how.
func FlushRange(f File, off, n int64) error {
	if a, ok := f.(Adviser); ok {
		return a.FlushRange(off, n)
	}
	return nil
}

// WillNeed begins to read a range of a file; nothing happens where files do not know how.
func WillNeed(f File, off, n int64) error {
	if a, ok := f.(Adviser); ok {
		return a.WillNeed(off, n)
	}
	return nil
}
