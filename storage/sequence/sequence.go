package sequence

import (
	"encoding/binary"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/storage/buffer"
	"gompho/storage/tuple"
	"gompho/types"
	"gompho/wal"
)

// Rel is a handle of one sequence.
type Rel struct {
	Pool   *buffer.Pool
	File   ids.RelFile
	Oid    ids.Oid
	Name   string
	Logged bool
	Temp   bool
}

// Def is the definition of a sequence, from pg_sequence.
type Def struct {
	Start, Increment, Min, Max int64
	Cache                      int64 // values to take at once, at least 1
	Cycle                      bool
}

// State is a sequence's row.
type State struct {
	LastValue int64
	LogCnt    int64
	IsCalled  bool
}

// logAhead is how many values a record takes beyond those asked for.
const logAhead = 32

func (r Rel) info() buffer.RelInfo { return buffer.RelInfo{File: r.File, Logged: r.Logged} }

// Desc returns the row description of sequences.
func Desc() *types.Desc {
	return &types.Desc{Attrs: []types.Attr{
		{Name: "last_value", Type: 20, Typmod: -1, Len: 8, ByVal: true, Align: 'd', Storage: 'p', NotNull: true},
		{Name: "log_cnt", Type: 20, Typmod: -1, Len: 8, ByVal: true, Align: 'd', Storage: 'p', NotNull: true},
		{Name: "is_called", Type: 16, Len: 1, Typmod: -1, ByVal: true, Align: 'c', Storage: 'p', NotNull: true},
	}}
}

// stateSize is the size of the row's attributes on the page.
const stateSize = 17

func (s State) encode() (b [stateSize]byte) {
	binary.LittleEndian.PutUint64(b[0:], uint64(s.LastValue))
	binary.LittleEndian.PutUint64(b[8:], uint64(s.LogCnt))
	if s.IsCalled {
		b[16] = 1
	}
	return b
}

func decode(b []byte) State {
	return State{int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:])), b[16] != 0}
}

// Create writes the page of a new sequence into its file, which is there and empty; for an unlogged sequence into its init fork too.
func Create(tx *mvcc.Session, r Rel, st State) error {
	if err := r.create(tx, ids.MainFork, st); err != nil || r.Logged || r.Temp {
		return err
	}
	return r.create(tx, ids.InitFork, st)
}

func (r Rel) create(tx *mvcc.Session, fork ids.Fork, st State) error {
	l := tuple.NewLayout(Desc())
	tup, err := l.Form([]types.Datum{types.Int(st.LastValue), types.Int(st.LogCnt), types.Bool(st.IsCalled)}, nil, nil)
	if err != nil {
		return err
	}
	h := tuple.Header(tup)
	h.SetXmin(ids.FrozenXid)
	h.SetInfomask(h.Infomask() | tuple.XminFrozen | tuple.XmaxInvalid)
	h.SetCtid(ids.TID{Block: 0, Offset: 1})
	b, err := r.Pool.Extend(tx.Slot(), r.File, fork, 1, nil)
	if err != nil {
		return err
	}
	defer b.UnlockRelease()
	info := r.info()
	info.Logged = info.Logged || fork == ids.InitFork
	c := r.Pool.Begin(tx.Slot(), wal.SequenceChange, tx.Xid(), info)
	pc := c.Page(b)
	pc.Init(0, 0)
	pc.InsertItem(1, tup)
	c.Commit()
	return nil
}

// lock returns the page, latched, and the position of the row's attributes in it.
func (r Rel) lock(tx *mvcc.Session, mode buffer.LockMode) (b buffer.Buf, pos int, err error) {
	b, err = r.Pool.Read(tx.Slot(), r.File, ids.MainFork, 0, nil)
	if err != nil {
		return b, 0, err
	}
	b.Lock(mode)
	pg := b.Page()
	if pg.MaxOffset() != 1 || !pg.ItemID(1).IsNormal() || pg.ItemID(1).Len() < tuple.HeaderSize+stateSize {
		b.UnlockRelease()
		return buffer.Buf{}, 0, pgerr.New(pgerr.DataCorrupted, "bad page of sequence \"%s\"", r.Name)
	}
	return b, pg.ItemPos(1) + tuple.Header(pg.Item(1)).Hoff(), nil
}

// Read returns the sequence's row.
func Read(tx *mvcc.Session, r Rel) (State, error) {
	b, pos, err := r.lock(tx, buffer.Share)
	if err != nil {
		return State{}, err
	}
	defer b.UnlockRelease()
	return decode(b.Page()[pos:]), nil
}

// Set is setval; the caller has checked the bounds.
func Set(tx *mvcc.Session, r Rel, value int64, isCalled bool) error {
	if err := r.assignXid(tx); err != nil {
		return err
	}
	b, pos, err := r.lock(tx, buffer.Exclusive)
	if err != nil {
		return err
	}
	defer b.UnlockRelease()
	r.log(tx, b, pos, State{LastValue: value, IsCalled: isCalled})
	return nil
}

func (r Rel) assignXid(tx *mvcc.Session) error {
	if !r.Logged {
		return nil
	}
	_, err := tx.AssignTopXid()
	return err
}

// log writes st to the page and the log. The record is a whole page always: what is on the page afterwards is less than what the record says (Next), and if it was written
// like that, redo of a change would take the page's LSN for a sign that it has the record already. full_page_writes = off and a crash would give values out again.
func (r Rel) log(tx *mvcc.Session, b buffer.Buf, pos int, st State) {
	img := st.encode()
	c := r.Pool.Begin(tx.Slot(), wal.SequenceChange, tx.TopXid(), r.info())
	pc := c.Page(b)
	pc.Overwrite(pos, img[:])
	pc.FullImage()
	c.Commit()
}

// Next takes up to d.Cache values: first is the one to use now, last the last one of those that the session may use later without asking. Error
// 2200H at the end of a sequence that does not cycle.
func Next(tx *mvcc.Session, r Rel, d Def) (first, last int64, err error) {
	b, pos, err := r.lock(tx, buffer.Exclusive)
	if err != nil {
		return 0, 0, err
	}
	st := decode(b.Page()[pos:])
	t := taking{d: d, name: r.Name, next: st.LastValue}
	err = t.plan(st, r.afterCheckpoint(b))
	if err == nil && t.record && r.Logged && tx.TopXid() == 0 {
		// The id has to be there before the change, but may not be asked for under the latch: begin again with it.
		b.UnlockRelease()
		if err := r.assignXid(tx); err != nil {
			return 0, 0, err
		}
		return Next(tx, r, d)
	}
	defer b.UnlockRelease()
	if err != nil {
		return 0, 0, err
	}
	ahead := State{LastValue: t.next, IsCalled: true}
	if t.record {
		r.log(tx, b, pos, ahead)
	}
	// The page says exactly what was taken; after a crash the log says more.
	now := State{LastValue: t.last, LogCnt: t.logCnt, IsCalled: true}.encode()
	copy(b.Page()[pos:], now[:])
	if !t.record {
		b.MarkDirtyHint()
	}
	return t.first, t.last, nil
}

// afterCheckpoint reports whether no record was written for the page since the last checkpoint.
func (r Rel) afterCheckpoint(b buffer.Buf) bool {
	l := r.Pool.Log()
	return l != nil && r.Logged && b.Page().LSN() <= l.Redo()
}

// taking computes one Next.
type taking struct {
	d           Def
	name        string
	next        int64 // the last value taken, those ahead included
	first, last int64
	taken       int64
	logCnt      int64
	record      bool
}

// plan decides which values to take and whether a record is needed.
func (t *taking) plan(st State, mustRecord bool) error {
	fetch := max(1, t.d.Cache)
	cache := fetch
	t.logCnt = st.LogCnt
	if !st.IsCalled {
		t.taken, t.first, t.last = 1, st.LastValue, st.LastValue
		fetch--
	}
	if t.logCnt < fetch || !st.IsCalled || mustRecord {
		fetch += logAhead
		t.logCnt = fetch
		t.record = true
	}
	for ; fetch > 0; fetch-- {
		ok, err := t.advance()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if t.taken < cache {
			t.logCnt--
			t.taken++
			t.last = t.next
			if t.taken == 1 {
				t.first = t.next
			}
		}
	}
	t.logCnt -= fetch
	return nil
}

// advance goes to the next value; false at the end, when some were taken already.
func (t *taking) advance() (bool, error) {
	d := &t.d
	if d.Increment > 0 {
		if d.Max >= 0 && t.next > d.Max-d.Increment || d.Max < 0 && t.next+d.Increment > d.Max {
			return t.wrap("maximum", d.Max, d.Min)
		}
	} else if d.Min < 0 && t.next < d.Min-d.Increment || d.Min >= 0 && t.next+d.Increment < d.Min {
		return t.wrap("minimum", d.Min, d.Max)
	}
	t.next += d.Increment
	return true, nil
}

func (t *taking) wrap(what string, limit, restart int64) (bool, error) {
	if t.taken > 0 {
		return false, nil
	}
	if !t.d.Cycle {
		return false, pgerr.New(pgerr.SequenceGeneratorLimitExceeded, "nextval: reached %s value of sequence \"%s\" (%d)", what, t.name, limit)
	}
	t.next = restart
	return true, nil
}
