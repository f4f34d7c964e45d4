package stats

import "sync/atomic"

// TempSpace is the account of a session's temporary files. The funcs are called from the session's goroutine and from those of its parallel workers;
// set them before the session does anything. A nil *TempSpace has no limit and tells nobody.
type TempSpace struct {
	Limit func() int64                  // temp_file_limit in bytes; negative: none
	Gone  func(path string, size int64) // a file of so many bytes was removed

	used         atomic.Int64
	files, bytes atomic.Int64 // of removed files, not handed in yet
}

// Reserve takes n bytes and reports whether the limit allows that.
func (t *TempSpace) Reserve(n int64) bool {
	if t == nil {
		return true
	}
	used := t.used.Add(n)
	if limit := t.Limit(); limit >= 0 && used > limit {
		t.used.Add(-n)
		return false
	}
	return true
}

// Remove gives a file's bytes back.
func (t *TempSpace) Remove(path string, size int64) {
	if t == nil {
		return
	}
	t.used.Add(-size)
	t.files.Add(1)
	t.bytes.Add(size)
	t.Gone(path, size)
}

// CountTemp makes the files of t count.
func (p *Pending) CountTemp(t *TempSpace) {
	if p != nil {
		p.temp = t
	}
}

// Used returns the bytes in files.
func (t *TempSpace) Used() int64 { return t.used.Load() }

// takeTemp moves the counts of removed files to the session's counts of its database.
func (p *Pending) takeTemp(t *TempSpace) {
	if t == nil || p == nil || t.files.Load() == 0 {
		return
	}
	files, bytes := t.files.Swap(0), t.bytes.Swap(0)
	if p.Tracks() {
		p.own.TempFiles += files
		p.own.TempBytes += bytes
		p.used = true
	}
}
