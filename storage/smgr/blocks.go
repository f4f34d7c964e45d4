package smgr

import (
	"errors"
	"io"
	"io/fs"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/vfs"
)

// Blocks returns the size of a fork in blocks. Error 58P01 when it has no file.
func (m *Manager) Blocks(rel ids.RelFile, fork ids.Fork) (ids.BlockNumber, error) {
	r := m.relation(rel)
	if n := r.forks[fork].blocks.Load(); n >= 0 {
		return ids.BlockNumber(n), nil
	}
	f := &r.forks[fork]
	f.extendMu.Lock()
	defer f.extendMu.Unlock()
	return m.blocksLocked(r, fork)
}

// blocksLocked is Blocks under extendMu.
func (m *Manager) blocksLocked(r *relation, fork ids.Fork) (ids.BlockNumber, error) {
	f := &r.forks[fork]
	if n := f.blocks.Load(); n >= 0 {
		return ids.BlockNumber(n), nil
	}
	total := int64(0)
	for no := uint32(0); ; no++ {
		var size int64
		err := m.use(r.segment(fork, no), false, func(file vfs.File) (err error) {
			size, err = file.Size()
			return err
		})
		if err != nil && no > 0 && errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return 0, err
		}
		total += size / ids.BlockSize
		if size/ids.BlockSize < int64(m.opts.SegmentBlocks) {
			break
		}
	}
	f.blocks.Store(total)
	return ids.BlockNumber(total), nil
}

func (m *Manager) locate(blk ids.BlockNumber) (seg uint32, off int64) {
	n := m.opts.SegmentBlocks
	return uint32(blk) / n, int64(uint32(blk)%n) * ids.BlockSize
}

// Read reads a block into b.
func (m *Manager) Read(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, b []byte) error {
	r := m.relation(rel)
	no, off := m.locate(blk)
	prev, began := slot.BeginWait(stats.IODataFileRead), slot.BeginIO()
	defer func() {
		slot.EndRead(began)
		slot.EndWait(prev)
	}()
	return m.use(r.segment(fork, no), false, func(f vfs.File) error {
		n, err := f.ReadAt(b[:ids.BlockSize], off)
		if n == ids.BlockSize {
			return nil
		}
		if err == io.EOF || err == nil {
			return pgerr.New(pgerr.DataCorrupted, "could not read block %d in file %q: read only %d of %d bytes", blk, RelPath(rel, fork), n, ids.BlockSize)
		}
		return pgerr.Wrap(err, pgerr.IoError, "could not read block %d in file %q: %v", blk, RelPath(rel, fork), rootCause(err))
	})
}

// Write writes a block that exists, and queues its file for the next checkpoint's sync.
func (m *Manager) Write(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, b []byte) error {
	return m.WriteBlocks(slot, rel, fork, blk, b[:ids.BlockSize])
}

// WriteBlocks is Write of several blocks that follow one another, at most up to the end of their segment: see SameSegment.
func (m *Manager) WriteBlocks(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, b []byte) error {
	r := m.relation(rel)
	no, off := m.locate(blk)
	seg := r.segment(fork, no)
	prev, began := slot.BeginWait(stats.IODataFileWrite), slot.BeginIO()
	defer func() {
		slot.EndWrite(began)
		slot.EndWait(prev)
	}()
	err := m.use(seg, false, func(f vfs.File) error {
		_, err := f.WriteAt(b, off)
		return err
	})
	if err != nil {
		var e *pgerr.Error
		if errors.As(err, &e) {
			return err
		}
		return pgerr.Wrap(err, writeCode(err), "could not write block %d in file %q: %v", blk, RelPath(rel, fork), rootCause(err))
	}
	m.noteWrite(seg)
	return nil
}

// SameSegment reports whether two blocks of a fork are in one file.
func (m *Manager) SameSegment(a, b ids.BlockNumber) bool {
	n := ids.BlockNumber(m.opts.SegmentBlocks)
	return a/n == b/n
}

// Writeback asks the operating system to begin writing n blocks to the device. An error has severity PANIC: the sync that follows may not see
// it any more.
func (m *Manager) Writeback(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, n int) error {
	if !m.opts.Fsync() || m.relation(rel).scratch.Load() {
		return nil
	}
	prev := slot.BeginWait(stats.IODataFileFlush)
	defer slot.EndWait(prev)
	err := m.hint(rel, fork, blk, n, vfs.FlushRange)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return m.panic(err, "could not flush dirty data: %v", rootCause(err))
}

// Prefetch asks the operating system to begin reading n blocks. It is only a hint: nothing comes of a failure.
func (m *Manager) Prefetch(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, n int) {
	prev := slot.BeginWait(stats.IODataFilePrefetch)
	defer slot.EndWait(prev)
	_ = m.hint(rel, fork, blk, n, vfs.WillNeed)
}

// hint calls do for the ranges of files that n blocks are.
func (m *Manager) hint(rel ids.RelFile, fork ids.Fork, blk ids.BlockNumber, n int, do func(f vfs.File, off, n int64) error) error {
	r := m.relation(rel)
	for n > 0 {
		no, off := m.locate(blk)
		k := min(n, int(m.opts.SegmentBlocks)-int(off/ids.BlockSize))
		seg := r.segment(fork, no)
		if seg.gone.Load() {
			return nil
		}
		if err := m.use(seg, false, func(f vfs.File) error { return do(f, off, int64(k)*ids.BlockSize) }); err != nil {
			return err
		}
		blk, n = blk+ids.BlockNumber(k), n-k
	}
	return nil
}

func writeCode(err error) pgerr.Code {
	if pgerr.IsNoSpace(err) {
		return pgerr.DiskFull
	}
	return pgerr.IoError
}

var zeros [64 * ids.BlockSize]byte

// Extend adds n zero blocks and returns the first of them.
func (m *Manager) Extend(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, n int) (ids.BlockNumber, error) {
	return m.ExtendWith(slot, rel, fork, n, func(ids.BlockNumber) error { return nil })
}

// ExtendWith is Extend that calls before, under the fork's extend lock, while nobody can know of the new blocks yet.
func (m *Manager) ExtendWith(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, n int, before func(first ids.BlockNumber) error) (ids.BlockNumber, error) {
	r := m.relation(rel)
	f := &r.forks[fork]
	f.extendMu.Lock()
	defer f.extendMu.Unlock()
	first, err := m.blocksLocked(r, fork)
	if err != nil {
		return 0, err
	}
	if uint64(first)+uint64(n) >= uint64(ids.InvalidBlock) {
		return 0, pgerr.New(pgerr.ProgramLimitExceeded, "cannot extend file %q beyond %d blocks", RelPath(rel, fork), ids.InvalidBlock)
	}
	if err := before(first); err != nil {
		return 0, err
	}
	prev := slot.BeginWait(stats.IODataFileExtend)
	defer slot.EndWait(prev)
	return first, m.extendLocked(r, fork, first, first+ids.BlockNumber(n))
}

// ExtendTo makes the fork at least n blocks long: for redo.
func (m *Manager) ExtendTo(rel ids.RelFile, fork ids.Fork, n ids.BlockNumber) error {
	r := m.relation(rel)
	f := &r.forks[fork]
	f.extendMu.Lock()
	defer f.extendMu.Unlock()
	have, err := m.blocksLocked(r, fork)
	if err != nil || have >= n {
		return err
	}
	return m.extendLocked(r, fork, have, n)
}

func (m *Manager) extendLocked(r *relation, fork ids.Fork, from, to ids.BlockNumber) error {
	for at := from; at < to; {
		no, off := m.locate(at)
		n := min(uint32(to-at), m.opts.SegmentBlocks-uint32(at)%m.opts.SegmentBlocks, uint32(len(zeros)/ids.BlockSize))
		seg := r.segment(fork, no)
		err := m.use(seg, no > 0, func(f vfs.File) error {
			_, err := f.WriteAt(zeros[:int(n)*ids.BlockSize], off)
			return err
		})
		if err != nil {
			var e *pgerr.Error
			if errors.As(err, &e) {
				return err
			}
			return fileError(err, "extend", r.file, fork, no)
		}
		m.noteWrite(seg)
		at += ids.BlockNumber(n)
	}
	r.forks[fork].blocks.Store(int64(to))
	return nil
}

// Truncate cuts a fork to n blocks. The caller has dropped the buffers beyond.
func (m *Manager) Truncate(slot *stats.Slot, rel ids.RelFile, fork ids.Fork, n ids.BlockNumber) error {
	r := m.relation(rel)
	f := &r.forks[fork]
	f.extendMu.Lock()
	defer f.extendMu.Unlock()
	have, err := m.blocksLocked(r, fork)
	if err != nil || have <= n {
		return err
	}
	prev := slot.BeginWait(stats.IODataFileTruncate)
	defer slot.EndWait(prev)
	last, off := m.locate(n)
	top, _ := m.locate(have)
	for no := top; ; no-- {
		size := int64(0)
		if no == last {
			size = off
		}
		seg := r.segment(fork, no)
		err := m.use(seg, false, func(file vfs.File) error { return file.Truncate(size) })
		if err != nil && !(no == top && errors.Is(err, fs.ErrNotExist)) {
			return fileError(err, "truncate", rel, fork, no)
		}
		if err == nil {
			m.noteWrite(seg)
		}
		if no == last {
			break
		}
	}
	f.blocks.Store(int64(n))
	return nil
}
