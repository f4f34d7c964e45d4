package recovery

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sort"
	"strconv"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/buffer"
	"gompho/storage/freespace"
	"gompho/storage/page"
	"gompho/storage/smgr"
	"gompho/wal"
)

type blockKey struct {
	rel   ids.RelFile
	fork  ids.Fork
	block ids.BlockNumber
}

// invalidPage is a page that records speak of and that is not there.
type invalidPage struct {
	end  ids.LSN // of the first such record
	what string
}

func decodeOid(b []byte) ids.Oid { return ids.Oid(binary.LittleEndian.Uint32(b)) }

// redoCache keeps the last few pages pinned and latched: records tend to come back to them.
type redoCache struct {
	keys [4]blockKey
	bufs [4]buffer.Buf
	next int
}

func (c *redoCache) find(k blockKey) (buffer.Buf, bool) {
	for i := range c.bufs {
		if c.bufs[i].IsValid() && c.keys[i] == k {
			return c.bufs[i], true
		}
	}
	return buffer.Buf{}, false
}

func (c *redoCache) put(k blockKey, b buffer.Buf) {
	if old := c.bufs[c.next]; old.IsValid() {
		old.UnlockRelease()
	}
	c.keys[c.next], c.bufs[c.next] = k, b
	c.next = (c.next + 1) % len(c.bufs)
}

func (c *redoCache) release() {
	for i, b := range c.bufs {
		if b.IsValid() {
			b.UnlockRelease()
			c.bufs[i] = buffer.Buf{}
		}
	}
}

// redoPage replays a record on one of its pages.
func (r *Recovery) redoPage(rec *wal.Record, ref *wal.PageRef) error {
	key := blockKey{ref.Rel, ref.Fork, ref.Block}
	rebuild := page.Rebuilds(ref.Ops)
	b, ok := r.pages.find(key)
	if !ok {
		var err error
		if b, ok, err = r.o.Pool.ReadForRedo(r.slot, ref.Rel, ref.Fork, ref.Block, rebuild); err != nil {
			return err
		}
		if !ok {
			r.noteInvalid(key, rec.End, "does not exist")
			return nil
		}
		r.pages.put(key, b)
	}
	switch pg := b.Page(); {
	case rebuild:
		delete(r.invalid, key)
	case pg.LSN() >= rec.End:
		return nil
	case pg.IsNew() && ref.Fork == ids.VmFork: // it was damaged, or is yet to come
		freespace.InitVM(pg)
	case pg.IsNew():
		r.noteInvalid(key, rec.End, "is empty") // the file grew, the page's own records are of a time when it was dropped or cut
		return nil
	}
	if err := page.Apply(b.Page(), ref.Ops); err != nil {
		return pgerr.Wrap(err, pgerr.DataCorrupted, "could not redo block %d of relation %s: %v", ref.Block, smgr.RelPath(ref.Rel, ref.Fork), err)
	}
	b.RedoDone(rec.End)
	return nil
}

// noteInvalid remembers the first record of a page that is not there.
func (r *Recovery) noteInvalid(key blockKey, end ids.LSN, what string) {
	if _, ok := r.invalid[key]; !ok {
		r.invalid[key] = invalidPage{end, what}
	}
}

func (r *Recovery) forget(match func(blockKey) bool) {
	for k := range r.invalid {
		if match(k) {
			delete(r.invalid, k)
		}
	}
}

// checkInvalid fails when records spoke of pages that do not exist and that nothing dropped afterwards.
func (r *Recovery) checkInvalid() error {
	if len(r.invalid) == 0 {
		return nil
	}
	var lines []string
	for k, p := range r.invalid {
		lines = append(lines, fmt.Sprintf("block %d of relation %s %s for the record that ends at %s", k.block, smgr.RelPath(k.rel, k.fork), p.what, p.end))
	}
	sort.Strings(lines)
	for _, l := range lines {
		r.log.Warn(l)
	}
	return pgerr.New(pgerr.DataCorrupted, "WAL contains references to invalid pages").WithDetail("%d pages; %s.", len(lines), lines[0])
}

// resetUnlogged gives every relation that has an init fork the content of that fork.
func (r *Recovery) resetUnlogged() error {
	st := r.o.Pool.Storage()
	rels, err := r.initForks()
	if err != nil || len(rels) == 0 {
		return err
	}
	// The init forks themselves are logged: their pages may be in buffers only.
	for _, rel := range rels {
		if err := r.o.Pool.FlushRelation(r.slot, rel); err != nil {
			return err
		}
		r.o.Pool.DropRelationBuffers(rel)
		for _, fork := range []ids.Fork{ids.FsmFork, ids.VmFork} {
			if err := st.UnlinkFork(rel, fork); err != nil {
				return err
			}
		}
		if err := st.CopyFork(rel, ids.InitFork, ids.MainFork); err != nil {
			return err
		}
		st.Forget(rel)
	}
	return nil
}

// initForks lists the relations that have an init fork.
func (r *Recovery) initForks() ([]ids.RelFile, error) {
	st := r.o.Pool.Storage()
	dirs, err := r.databaseDirs()
	if err != nil {
		return nil, err
	}
	var rels []ids.RelFile
	for _, d := range dirs {
		entries, err := st.FS().ReadDir(filepath.Join(st.DataDir(), smgr.DatabaseDir(d.Spc, d.DB)))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if no, fork, seg, ok := smgr.ParseFileName(e.Name()); ok && fork == ids.InitFork && seg == 0 {
				rels = append(rels, ids.RelFile{Spc: d.Spc, DB: d.DB, Rel: no})
			}
		}
	}
	return rels, nil
}

// databaseDirs lists tablespaces and databases that have a directory.
func (r *Recovery) databaseDirs() ([]ids.RelFile, error) {
	st := r.o.Pool.Storage()
	list := func(spc ids.Oid, dir string) (out []ids.RelFile, err error) {
		entries, err := st.FS().ReadDir(filepath.Join(st.DataDir(), dir))
		if err != nil {
			return nil, nil // no such directory
		}
		for _, e := range entries {
			if no, fork, seg, ok := smgr.ParseFileName(e.Name()); ok && fork == 0 && seg == 0 {
				out = append(out, ids.RelFile{Spc: spc, DB: no})
			}
		}
		return out, nil
	}
	dirs, err := list(ids.DefaultTablespace, "base")
	if err != nil {
		return nil, err
	}
	spaces, err := list(0, "pg_tblspc")
	if err != nil {
		return nil, err
	}
	for _, s := range spaces {
		more, err := list(s.DB, filepath.Join("pg_tblspc", strconv.Itoa(int(s.DB)), smgr.VersionDir))
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, more...)
	}
	return dirs, nil
}
