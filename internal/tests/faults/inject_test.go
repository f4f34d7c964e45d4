package faults

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"gompho/storage/vfs"
)

// part is a part of the data directory.
type part string

var parts = map[string]part{"pg_wal": "wal", "base": "relation", "global": "relation", "pg_xact": "clog", "pg_subtrans": "slru", "pg_multixact": "slru",
	"pg_twophase": "twophase", "pg_stat": "stats"}

// partOf returns the part that a file or directory belongs to.
func partOf(name string) part {
	rel := strings.TrimPrefix(strings.TrimPrefix(name, dataDir), "/")
	dir, file, _ := strings.Cut(rel, "/")
	switch {
	case strings.Contains(rel, "pg_control"):
		return "control"
	case strings.Contains(rel, "pgsql_tmp"):
		return "temp"
	case dir == "pg_wal" && strings.HasPrefix(file, "archive_status"):
		return "archive"
	}
	if p, ok := parts[dir]; ok {
		return p
	}
	return "other"
}

// site is what calls are counted by.
type site struct {
	kind vfs.OpKind
	part part
}

func (s site) String() string { return fmt.Sprintf("%s %s", s.kind, s.part) }

// failure is the way in which a call fails.
type failure uint8

const (
	eio failure = iota
	enospc
	shortWrite // ENOSPC after some of it
)

func (f failure) String() string { return [...]string{"EIO", "ENOSPC", "short write"}[f] }

// target is one call to fail.
type target struct {
	site
	n   int // counted from 1
	how failure
}

func (t target) String() string { return fmt.Sprintf("%s #%d: %s", t.site, t.n, t.how) }

// injector counts the calls, and makes one fail.
type injector struct {
	mem *vfs.Mem

	mu      sync.Mutex // protects what follows
	target  target     // no call when n is 0
	counts  map[site]int
	creates map[site][]int // which of the calls to open a file may make it
	hit     *vfs.FaultOp
	stopped bool // neither counts nor fails
}

func newInjector(mem *vfs.Mem, t target) *injector {
	return &injector{mem: mem, target: t, counts: map[site]int{}, creates: map[site][]int{}}
}

// policy is for vfs.NewFaulty.
func (i *injector) policy(op vfs.FaultOp) error {
	s := site{op.Kind, partOf(op.Name)}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stopped {
		return nil
	}
	i.counts[s]++
	if op.Flag&os.O_CREATE != 0 {
		i.creates[s] = append(i.creates[s], i.counts[s])
	}
	if i.hit != nil || s != i.target.site || i.counts[s] != i.target.n {
		return nil
	}
	i.hit = &op
	if op.Kind == vfs.OpSync {
		i.mem.LoseUnsynced(op.Name)
	}
	fail := func(err error) error { return &fs.PathError{Op: op.Kind.String(), Path: op.Name, Err: err} }
	switch i.target.how {
	case enospc:
		return fail(unix.ENOSPC)
	case shortWrite:
		return &vfs.ShortWrite{Short: op.Len / 3, Err: fail(unix.ENOSPC)}
	}
	return fail(unix.EIO)
}

// injected returns the call that failed, nil as long as there is none.
func (i *injector) injected() *vfs.FaultOp {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hit
}

func (i *injector) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = true
}

// mustCrash reports whether a server at work has to crash when the call fails.
func (i *injector) mustCrash() bool {
	op := i.injected()
	p := partOf(op.Name)
	switch op.Kind {
	case vfs.OpSync, vfs.OpSyncDir:
		return p != "temp" && p != "stats" && p != "archive" && p != "other" && !strings.Contains(op.Name, "xlogtemp")
	case vfs.OpWrite:
		return p == "wal" && !strings.Contains(op.Name, "xlogtemp") || p == "control"
	}
	return false
}

// room is a file system with only so much space left: files cannot grow beyond it, and then no new ones be made.
type room struct {
	mem     *vfs.Mem
	onlyLog bool // it holds the log only, other files have all the room that they need

	mu      sync.Mutex // protects what follows
	limited bool
	left    int64
	used    int64 // growth so far
	refused int
	first   part // what was refused first
}

// policy is for vfs.NewFaulty.
func (r *room) policy(op vfs.FaultOp) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.onlyLog && partOf(op.Name) != "wal" {
		return nil
	}
	grow := int64(0)
	switch op.Kind {
	case vfs.OpWrite:
		if info, err := r.mem.Stat(op.Name); err == nil {
			grow = max(op.Offset+int64(op.Len)-info.Size(), 0)
		}
	case vfs.OpOpen:
		if r.limited && r.left == 0 && op.Flag&os.O_CREATE != 0 && !vfs.Exists(r.mem, op.Name) {
			return r.refuse(op)
		}
	}
	if r.limited && grow > r.left {
		short := int64(op.Len) - grow + r.left
		r.left = 0
		return &vfs.ShortWrite{Short: int(short), Err: r.refuse(op)}
	}
	r.left -= grow
	r.used += grow
	return nil
}

func (r *room) refuse(op vfs.FaultOp) error {
	if r.refused++; r.first == "" {
		r.first = partOf(op.Name)
	}
	return &fs.PathError{Op: op.Kind.String(), Path: op.Name, Err: unix.ENOSPC}
}

// limit leaves so many bytes.
func (r *room) limit(left int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limited, r.left = true, left
}

// free ends the limit.
func (r *room) free() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limited = false
}
