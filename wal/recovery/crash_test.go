package recovery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/buffer"
	"gompho/storage/checkpoint"
	"gompho/storage/control"
	"gompho/storage/page"
	"gompho/storage/smgr"
	"gompho/storage/vfs"
	"gompho/wal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	dataDir     = "/data"
	segmentSize = 64 << 10
)

// server is a storage core without anything above it.
type server struct {
	fs      vfs.FS
	control *control.File
	log     *wal.Log
	storage *smgr.Manager
	pool    *buffer.Pool
	ckpt    *checkpoint.Checkpointer
	slot    *stats.Slot
	panics  []error
	result  Result
}

func walOptions(fsys vfs.FS) wal.Options {
	_, noImages := fsys.(*plainFS)
	return wal.Options{FullPageWrites: func() bool { return !noImages }, FS: fsys, Dir: dataDir + "/pg_wal", SystemID: 4711, SegmentSize: segmentSize, BufferSize: 64 << 10}
}

// plainFS marks a file system that never tears a page: the server runs with full_page_writes off on it.
type plainFS struct{ vfs.FS }

func bootstrap(fsys vfs.FS) error {
	if err := fsys.MkdirAll(dataDir, 0o700); err != nil {
		return err
	}
	return checkpoint.Bootstrap(dataDir, walOptions(fsys), control.Data{Checksums: true, Checkpoint: control.Checkpoint{NextXid: 3}})
}

// start opens the cluster and recovers it.
func start(fsys vfs.FS, buffers int) (s *server, err error) {
	s = &server{fs: fsys, slot: stats.NewSlot(1, 1)}
	defer func() {
		if err != nil {
			s.discard()
		}
	}()
	if s.control, err = control.Open(fsys, dataDir); err != nil {
		return s, err
	}
	onPanic := func(err error) { s.panics = append(s.panics, err) }
	wo := walOptions(fsys)
	wo.OnPanic = onPanic
	if s.log, err = wal.New(wo); err != nil {
		return s, err
	}
	s.storage = smgr.New(smgr.Options{FS: fsys, DataDir: dataDir, SegmentBlocks: 16, MaxOpenFiles: 5, OnPanic: onPanic})
	if s.pool, err = buffer.New(buffer.Options{Buffers: buffers, Storage: s.storage, Checksums: true}); err != nil {
		return s, err
	}
	r, err := Open(Options{Control: s.control, Pool: s.pool, Log: s.log, Wal: wo})
	if err != nil {
		return s, err
	}
	// Transaction records of this test carry relations to drop.
	rt := Routines{Transaction: func(_ wal.Kind, payload []byte) error {
		rels, _, err := smgr.DecodeRels(payload)
		if err == nil {
			r.DropRelations(rels)
		}
		return err
	}}
	if s.result, err = r.Run(s.slot, rt, nil); err != nil {
		return s, err
	}
	s.ckpt = checkpoint.New(checkpoint.Options{Pool: s.pool, Log: s.log, Control: s.control,
		MinWalSize: func() int64 { return 2 * segmentSize }, MaxWalSize: func() int64 { return 6 * segmentSize }})
	return s, nil
}

// discard ends the server without writing anything.
func (s *server) discard() {
	if s.pool != nil {
		_ = s.pool.Close()
	}
	if s.storage != nil {
		_ = s.storage.Close()
	}
	if s.log != nil {
		_ = s.log.Close()
	}
}

// version is the expected state of the relations from a position of the log on.
type version struct {
	from  ids.LSN
	pages map[blockKey][]byte // nil content: a block of zeros or never initialised
	files map[ids.RelFile]ids.BlockNumber
}

// model is the history of states, one for each record.
type model struct {
	versions []version
}

func (m *model) last() *version { return &m.versions[len(m.versions)-1] }

// push adds a version that change makes of the last one.
func (m *model) push(at ids.LSN, change func(v *version)) {
	v := version{from: at, pages: map[blockKey][]byte{}, files: map[ids.RelFile]ids.BlockNumber{}}
	for k, p := range m.last().pages {
		v.pages[k] = p
	}
	for k, n := range m.last().files {
		v.files[k] = n
	}
	change(&v)
	m.versions = append(m.versions, v)
}

// cut forgets everything from end on: the log ended there.
func (m *model) cut(end ids.LSN) {
	n := len(m.versions)
	for n > 1 && m.versions[n-1].from > end {
		n--
	}
	m.versions = m.versions[:n]
}

const hintPos = 8184 // a byte that only hints change

func image(p page.Page) []byte {
	c := bytes.Clone(p)
	c[hintPos] = 0
	q := page.Page(c)
	q.SetLSN(0)
	c[page.PosChecksum], c[page.PosChecksum+1] = 0, 0
	q.SetFlags(q.Flags() &^ page.HasFreeLines)
	if lo, up := q.Lower(), q.Upper(); lo >= page.HeaderSize && lo < up && up <= page.Size {
		clear(c[lo:up]) // free space is nobody's
	}
	return c
}

// life is one run of the server under a random workload.
type life struct {
	*server
	t     *testing.T
	rnd   *rand.Rand
	m     *model
	next  *ids.Oid
	xid   ids.Xid
	acked ids.LSN
}

func (l *life) rels() (out []ids.RelFile) {
	m := l.m.last().files
	for no := ids.Oid(100); len(out) < len(m); no++ {
		r := ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: no}
		if _, ok := m[r]; ok {
			out = append(out, r)
		}
	}
	return out
}

func (l *life) pick() (ids.RelFile, ids.BlockNumber, bool) {
	rels := l.rels()
	if len(rels) == 0 {
		return ids.RelFile{}, 0, false
	}
	r := rels[l.rnd.IntN(len(rels))]
	return r, l.m.last().files[r], true
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// step does one random thing. Failures panic.
func (l *life) step() {
	rel, n, ok := l.pick()
	switch k := l.rnd.IntN(100); {
	case k < 4 || !ok:
		l.createRel()
	case k < 6:
		l.dropRel(rel)
	case k < 20 || n == 0:
		l.extendRel(rel)
	case k < 23:
		l.truncateRel(rel, ids.BlockNumber(l.rnd.IntN(int(n)+1)))
	case k < 75:
		l.changePages(rel, n)
	case k < 80:
		l.hint(rel, ids.BlockNumber(l.rnd.IntN(int(n))))
	case k < 90:
		at := l.log.InsertedTo()
		must(l.log.Flush(nil, at))
		l.acked = at
	case k < 92:
		_, err := l.log.BackgroundFlush(nil, 1<<20, false)
		must(err)
	case k < 94:
		must(l.pool.FlushRelation(l.slot, rel))
	case k < 97:
		var st buffer.CleanState
		for range 3 {
			_, _, err := l.pool.Clean(l.slot, &st, time.Second, 5, 100)
			must(err)
		}
	default:
		stop := errors.New("given up")
		left := l.rnd.IntN(40)
		_, err := l.ckpt.Run(l.slot, checkpoint.Force, func(float64) error {
			if left--; left == 0 {
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			panic(err)
		}
	}
}

func (l *life) createRel() {
	*l.next++
	rel := ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: *l.next}
	must(l.storage.Create(rel, ids.MainFork, false))
	at := smgr.LogCreate(l.log, l.xid, rel, ids.MainFork)
	l.m.push(at, func(v *version) { v.files[rel] = 0 })
}

func (l *life) dropRel(rel ids.RelFile) {
	at := l.log.InsertSimple(wal.XactCommit, l.xid, smgr.EncodeRels(nil, []ids.RelFile{rel}))
	l.m.push(at, func(v *version) {
		delete(v.files, rel)
		for k := range v.pages {
			if k.rel == rel {
				delete(v.pages, k)
			}
		}
	})
	must(l.log.Flush(nil, at)) // a commit that drops files is always synchronous
	must(l.pool.DropRelations([]ids.RelFile{rel}))
}

func (l *life) extendRel(rel ids.RelFile) {
	b, err := l.pool.Extend(l.slot, rel, ids.MainFork, 1+l.rnd.IntN(2), nil)
	must(err)
	blk := b.Block()
	n, err := l.pool.Blocks(rel, ids.MainFork)
	must(err)
	c := l.pool.Begin(l.slot, wal.HeapInit, l.xid, buffer.RelInfo{File: rel, Logged: true})
	c.Page(b).Init(8, 0)
	at := c.Commit()
	l.m.push(at, func(v *version) {
		v.files[rel] = n
		v.pages[blockKey{rel, 0, blk}] = image(b.Page())
	})
	b.UnlockRelease()
}

func (l *life) truncateRel(rel ids.RelFile, n ids.BlockNumber) {
	sizes := [ids.NumForks]ids.BlockNumber{n, buffer.Keep, buffer.Keep, buffer.Keep}
	before := l.log.InsertedTo()
	// Truncate flushes its record before it cuts the file: whatever fails, what was before stays or the cut is repeated.
	l.m.push(before+1, func(v *version) {
		v.files[rel] = n
		for k := range v.pages {
			if k.rel == rel && k.block >= n {
				delete(v.pages, k)
			}
		}
	})
	must(l.pool.Truncate(l.slot, l.xid, buffer.RelInfo{File: rel, Logged: true}, sizes))
}

// changePages changes up to three pages of a relation in one record.
func (l *life) changePages(rel ids.RelFile, n ids.BlockNumber) {
	var bufs []buffer.Buf
	for blk := ids.BlockNumber(l.rnd.IntN(int(n))); blk < n && len(bufs) < 3; blk += ids.BlockNumber(1 + l.rnd.IntN(3)) {
		b, err := l.pool.Read(l.slot, rel, ids.MainFork, blk, nil)
		must(err)
		b.Lock(buffer.Exclusive)
		bufs = append(bufs, b)
	}
	c := l.pool.Begin(l.slot, wal.GenericChange, l.xid, buffer.RelInfo{File: rel, Logged: true})
	for _, b := range bufs {
		pc := c.Page(b)
		if b.Page().IsNew() {
			pc.Init(8, 0)
		}
		l.changePage(pc)
	}
	c.Payload([]byte("payload"))
	at := c.Commit()
	l.m.push(at, func(v *version) {
		for _, b := range bufs {
			v.pages[blockKey{rel, 0, b.Block()}] = image(b.Page())
		}
	})
	for _, b := range bufs {
		b.UnlockRelease()
	}
}

func (l *life) changePage(pc buffer.PageChange) {
	item := bytes.Repeat([]byte{byte(l.rnd.IntN(256))}, 1+l.rnd.IntN(700))
	p := pc.Page()
	off := ids.OffsetNumber(1 + l.rnd.IntN(int(p.MaxOffset())+1))
	switch k := l.rnd.IntN(8); {
	case k < 3 && p.HasRoom(len(item)):
		pc.InsertItem(0, item)
	case k == 3 && p.HasRoom(len(item)):
		pc.InsertItemShift(off, item)
	case off > p.MaxOffset():
		pc.SetPruneXid(ids.Xid(l.rnd.Uint64()))
	case k == 4:
		pc.DeleteItems([]ids.OffsetNumber{off})
	case k == 5:
		pc.SetItem(off, page.LPUnused, 0)
		pc.Compact()
	case k == 6 && p.ItemID(off).HasStorage():
		pc.Overwrite(p.ItemPos(off), item[:min(len(item), p.ItemID(off).Len())])
	case k == 7:
		pc.FullImage()
	default:
		pc.SetPruneXid(ids.Xid(l.rnd.Uint64()))
	}
}

func (l *life) hint(rel ids.RelFile, blk ids.BlockNumber) {
	b, err := l.pool.Read(l.slot, rel, ids.MainFork, blk, nil)
	must(err)
	b.Lock(buffer.Share)
	if !b.Page().IsNew() {
		b.Page()[hintPos] = byte(l.rnd.IntN(256))
		b.MarkDirtyHint()
	}
	b.UnlockRelease()
}

// check compares all blocks with the model.
func check(s *server, v *version) error {
	for rel, n := range v.files {
		if !s.storage.Exists(rel, ids.MainFork) {
			return fmt.Errorf("relation %d is missing", rel.Rel)
		}
		have, err := s.pool.Blocks(rel, ids.MainFork)
		if err != nil {
			return err
		}
		for blk := range max(n, have) {
			want := v.pages[blockKey{rel, 0, blk}]
			if blk >= have {
				if want != nil {
					return fmt.Errorf("relation %d: block %d is missing", rel.Rel, blk)
				}
				continue
			}
			b, err := s.pool.Read(s.slot, rel, ids.MainFork, blk, nil)
			if err != nil {
				return err
			}
			got := image(b.Page())
			zero := b.Page().IsNew()
			b.Release()
			if want == nil && !zero || want != nil && !bytes.Equal(got, want) {
				return fmt.Errorf("relation %d: block %d differs from the model", rel.Rel, blk)
			}
		}
		v.files[rel] = have // blocks of zeros at the end may be lost
	}
	return nil
}

// logEnd returns where the valid log ends.
func logEnd(fsys vfs.FS) (ids.LSN, error) {
	c, err := control.Open(fsys, dataDir)
	if err != nil {
		return 0, err
	}
	r := wal.NewReader(walOptions(fsys), c.Data().Checkpoint.Redo)
	defer r.Close()
	for {
		if _, err := r.Next(); err == io.EOF {
			return r.Pos(), nil
		} else if err != nil {
			return 0, err
		}
	}
}

// TestCrash runs a random workload on a file system that crashes: between operations, or at any file operation,
// in recovery too. After each crash the data are exactly what the records up to the end of the log say, and that is
// not before what was flushed.
func TestCrash(t *testing.T) {
	rounds := uint64(400)
	if testing.Short() {
		rounds = 50
	}
	for seed := range rounds {
		if err := crashRound(t, seed); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func crashRound(t *testing.T, seed uint64) (err error) {
	rnd := rand.New(rand.NewPCG(seed, 77))
	mem := vfs.NewMem(seed)
	if err := bootstrap(mem); err != nil {
		return err
	}
	broken := errors.New("the machine stops")
	countdown := -1
	fsys := vfs.NewFaulty(mem, func(op vfs.FaultOp) error {
		switch op.Kind {
		case vfs.OpRead, vfs.OpStat, vfs.OpReadDir, vfs.OpOpen:
			return nil
		}
		if countdown > 0 {
			countdown--
		}
		if countdown == 0 {
			return broken
		}
		return nil
	})
	crash := mem.Crash
	if seed%4 == 0 {
		// Only the process dies and nothing is torn, so images are not needed: page LSNs alone tell what to redo.
		fsys, crash = &plainFS{fsys}, mem.Kill
	}
	m := &model{versions: []version{{pages: map[blockKey][]byte{}, files: map[ids.RelFile]ids.BlockNumber{}}}}
	nextRel := ids.Oid(100)
	for range 5 {
		countdown = -1
		if rnd.IntN(4) == 0 { // crash in recovery, perhaps
			countdown = 1 + rnd.IntN(60)
			if s, err := start(fsys, 16+rnd.IntN(30)); err == nil {
				s.discard()
			} else if !errors.Is(err, broken) {
				return fmt.Errorf("recovery before it was broken off: %w", err)
			}
			countdown = -1
			crash()
		}
		s, err := start(fsys, 16+rnd.IntN(30))
		if err != nil {
			return fmt.Errorf("recovery: %w", err)
		}
		if err := check(s, m.last()); err != nil {
			return err
		}
		l := &life{server: s, t: t, rnd: rnd, m: m, next: &nextRel, xid: 7, acked: s.log.FlushedTo()}
		if rnd.IntN(2) == 0 {
			countdown = 1 + rnd.IntN(400)
		}
		if err := l.run(10+rnd.IntN(150), broken); err != nil {
			return err
		}
		s.discard()
		countdown = -1
		crash()
		end, err := logEnd(mem)
		if err != nil || end < l.acked {
			return fmt.Errorf("the log ends at %s, flushed was %s: %v", end, l.acked, err)
		}
		m.cut(end)
	}
	return nil
}

// run steps until the machine stops or the steps are done.
func (l *life) run(steps int, broken error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if e, ok := p.(error); ok && errors.Is(e, broken) {
				return
			}
			panic(p)
		}
	}()
	for range steps {
		l.step()
	}
	if l.slot.Pins() != 0 || l.slot.Latches() != 0 || l.slot.InCritical() {
		return fmt.Errorf("%d pins and %d latches are left", l.slot.Pins(), l.slot.Latches())
	}
	if l.rnd.IntN(3) == 0 {
		_, err := l.ckpt.Run(l.slot, checkpoint.Shutdown, nil)
		must(err)
		l.acked = l.log.FlushedTo()
	}
	return nil
}

// TestCleanShutdown: after a shutdown checkpoint nothing is replayed; files and log positions are where they were.
func TestCleanShutdown(t *testing.T) {
	mem := vfs.NewMem(1)
	must(bootstrap(mem))
	var end ids.LSN
	rel := ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: 101}
	for i := range 3 {
		s, err := start(mem, 32)
		if err != nil {
			t.Fatal(err)
		}
		if s.result.Crashed || s.result.Records != 0 || i > 0 && s.result.End != end {
			t.Fatalf("%+v, want end %s", s.result, end)
		}
		if s.control.Data().State != control.InProduction {
			t.Fatal(s.control.Data().State)
		}
		if i == 0 {
			must(s.storage.Create(rel, ids.MainFork, false))
			smgr.LogCreate(s.log, 7, rel, ids.MainFork)
		}
		r, err := s.ckpt.Run(s.slot, checkpoint.Shutdown, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ckpt.Run(s.slot, checkpoint.CauseTime, nil); err != nil {
			t.Fatal(err)
		}
		end = s.log.InsertedTo()
		if d := s.control.Data(); d.State != control.ShutDown || d.CheckpointAt != r.Position {
			t.Fatalf("%+v", d)
		}
		s.discard()
		mem.Crash()
	}
	s, err := start(mem, 32)
	if err != nil || !s.storage.Exists(rel, ids.MainFork) {
		t.Fatal(err)
	}
	s.discard()
}

// TestUnloggedReset: after a crash a relation with an init fork has its content.
func TestUnloggedReset(t *testing.T) {
	mem := vfs.NewMem(1)
	must(bootstrap(mem))
	s, err := start(mem, 32)
	must(err)
	rel := ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: 101}
	write := func(fork ids.Fork, logged bool, content string) {
		b, err := s.pool.Extend(s.slot, rel, fork, 1, nil)
		must(err)
		c := s.pool.Begin(s.slot, wal.HeapInsert, 7, buffer.RelInfo{File: rel, Logged: logged})
		c.Page(b).Init(0, 0)
		c.Page(b).InsertItem(0, []byte(content))
		c.Commit()
		b.UnlockRelease()
	}
	for _, f := range []ids.Fork{ids.MainFork, ids.InitFork, ids.FsmFork} {
		must(s.storage.Create(rel, f, false))
		smgr.LogCreate(s.log, 7, rel, f)
	}
	write(ids.InitFork, true, "initial")
	write(ids.MainFork, false, "one")
	write(ids.MainFork, false, "two")
	must(s.log.Flush(nil, s.log.InsertedTo()))
	if _, err := s.ckpt.Run(s.slot, checkpoint.Force|checkpoint.FlushAll, nil); err != nil {
		t.Fatal(err)
	}
	s.discard()
	mem.Crash()
	s, err = start(mem, 32)
	must(err)
	defer s.discard()
	n, err := s.pool.Blocks(rel, ids.MainFork)
	must(err)
	b, err := s.pool.Read(s.slot, rel, ids.MainFork, 0, nil)
	must(err)
	if n != 1 || string(b.Page().Item(1)) != "initial" || s.storage.Exists(rel, ids.FsmFork) {
		t.Fatalf("%d blocks, %q", n, b.Page().Item(1))
	}
	b.Release()
}

// TestInvalidPages: a log that speaks of pages which are not there, and never drops them, does not fit the files.
func TestInvalidPages(t *testing.T) {
	mem := vfs.NewMem(1)
	must(bootstrap(mem))
	s, err := start(mem, 32)
	must(err)
	rel := ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: 101}
	var b wal.Builder
	b.Reset(wal.HeapInsert, 7)
	b.Page(rel, ids.MainFork, 3, page.AppendCompact(nil))
	end, _ := s.log.Insert(&b, wal.AnyRedo)
	must(s.log.Flush(nil, end))
	s.discard()
	mem.Kill()
	if s, err := start(mem, 32); !pgerr.Is(err, pgerr.DataCorrupted) || pgerr.From(err).Level() != pgerr.Panic {
		s.discard()
		t.Fatal(err)
	}
}

// TestNoCheckpoint: without a valid checkpoint record there is no start.
func TestNoCheckpoint(t *testing.T) {
	mem := vfs.NewMem(1)
	must(bootstrap(mem))
	must(vfs.WriteFile(mem, filepath.Join(dataDir, "pg_wal", wal.SegmentName(1, 1, segmentSize)), make([]byte, 100), 0o600, true))
	_, err := start(mem, 32)
	if !pgerr.Is(err, pgerr.DataCorrupted) || pgerr.From(err).Message != "could not locate a valid checkpoint record" {
		t.Fatal(err)
	}
}
