package mvcc

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/vfs"
	"gompho/wal"
)

// The commit log against a map, over more pages than fit in memory, with flushes, losses and truncation.
func TestCommitLogModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, log := newDisk(), &memLog{}
		c := must(openCommitLog(d, "data", log))
		now, flushed := map[ids.Xid]uint64{}, map[ids.Xid]uint64{}
		oldest := ids.Xid(0)
		// A few places on many pages: all pages of a slot, ends of pages, segments.
		xid := rapid.Custom(func(t *rapid.T) ids.Xid {
			page := rapid.SampledFrom([]uint64{0, 1, clogSlots, clogSlots + 1, 2 * clogSlots, 31, 32, 1 << 40}).Draw(t, "page")
			at := rapid.SampledFrom([]uint64{3, 31, 32, 33, xidsPerPage - 1}).Draw(t, "at")
			return ids.Xid(page*xidsPerPage + at)
		})
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				x := xid.Draw(t, "xid")
				if now[x] != 0 || x < oldest {
					t.Skip()
				}
				bits := rapid.SampledFrom([]uint64{bitsCommitted, bitsAborted}).Draw(t, "bits")
				var lsn ids.LSN
				if rapid.Bool().Draw(t, "async") {
					lsn = log.InsertSimple(wal.XactCommit, x, nil)
				}
				c.set(nil, []ids.Xid{x}, bits, lsn)
				now[x] = bits
				if got := c.asyncLSN(x); got < lsn {
					t.Fatalf("asyncLSN %d, want at least %d", got, lsn)
				}
			},
			"flush": func(t *rapid.T) {
				check(c.flush(nil))
				for x, b := range now {
					flushed[x] = b
				}
			},
			"crash": func(t *rapid.T) {
				d.crash()
				c = must(openCommitLog(d, "data", log))
				now = map[ids.Xid]uint64{}
				for x, b := range flushed {
					now[x] = b
				}
			},
			"truncate": func(t *rapid.T) {
				if x := xid.Draw(t, "oldest"); x < 1<<30 && x > oldest {
					oldest = x
					check(c.truncate(oldest))
				}
			},
			"": func(t *rapid.T) {
				for x, want := range now {
					if got := c.get(nil, x); x >= oldest && got != want {
						t.Fatalf("%d is %d, want %d", x, got, want)
					}
				}
			},
		})
	})
}

// A page is not written before the commit records of its asynchronous commits.
func TestCommitLogWaitsForLog(t *testing.T) {
	log := &memLog{}
	c := must(openCommitLog(newDisk(), "data", log))
	lsn := log.InsertSimple(wal.XactCommit, 5, nil)
	log.InsertSimple(wal.XactCommit, 6, nil)
	c.set(nil, []ids.Xid{5}, bitsCommitted, lsn)
	check(c.flush(nil))
	if log.flushed != lsn {
		t.Errorf("the log is flushed to %d, want %d", log.flushed, lsn)
	}
}

func TestCommitLogTruncateRemovesFiles(t *testing.T) {
	d := newDisk()
	c := must(openCommitLog(d, "data", &memLog{}))
	c.set(nil, []ids.Xid{1, 33 * xidsPerPage, 64 * xidsPerPage}, bitsCommitted, 0)
	check(c.flush(nil))
	check(c.truncate(40 * xidsPerPage))
	var names []string
	for _, e := range must(d.ReadDir("data/pg_xact")) {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "0001 0002" {
		t.Errorf("files left: %s", got)
	}
}

func TestMultiModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		srv := newServer(t)
		model := map[ids.MultiXactID][]Member{}
		member := rapid.Custom(func(t *rapid.T) Member {
			return Member{ids.Xid(rapid.Uint64Range(3, 1<<50).Draw(t, "xid")), MemberStatus(rapid.IntRange(0, int(Update)).Draw(t, "status"))}
		})
		oldest := ids.MultiXactID(0)
		rt.Repeat(map[string]func(*rapid.T){
			"create": func(t *rapid.T) {
				ms := rapid.SliceOfN(member, 1, 5).Draw(t, "members")
				if rapid.IntRange(0, 20).Draw(t, "many") == 0 {
					for i := range 3000 {
						ms = append(ms, Member{ids.Xid(1000 + i), ForShare})
					}
				}
				id := must(srv.m.createMulti(nil, slices.Clone(ms)))
				if model[id] != nil {
					t.Fatalf("%d was given out before", id)
				}
				model[id] = ms
			},
			"forget": func(t *rapid.T) { clear(srv.m.multi.byID) },
			"checkpoint": func(t *rapid.T) {
				srv.checkpoint()
			},
			"crash": func(t *rapid.T) {
				srv.log.Flush(nil, ids.LSN(len(srv.log.records)))
				srv.crash()
			},
			"truncate": func(t *rapid.T) {
				oldest = ids.MultiXactID(rapid.Uint64Range(uint64(oldest), uint64(srv.m.NextMulti())).Draw(t, "oldest"))
				check(srv.m.Truncate(nil, 0, oldest))
			},
			"": func(t *rapid.T) {
				for id, want := range model {
					got := must(srv.m.MultiMembers(id))
					if id < oldest {
						continue
					}
					if len(got) != len(want) {
						t.Fatalf("%d has %d members, want %d", id, len(got), len(want))
					}
					for _, m := range want {
						if !slices.Contains(got, m) {
							t.Fatalf("%d lacks %v", id, m)
						}
					}
				}
			},
		})
	})
}

func TestRecordsDecode(t *testing.T) {
	r := endRecord{Xid: 7, Subs: []ids.Xid{8, 9}, Files: []ids.RelFile{{Spc: 1, DB: 2, Rel: 3}}}
	b := r.append(nil)
	got := must(decodeEnd(b))
	if got.Xid != 7 || !slices.Equal(got.Subs, r.Subs) || !slices.Equal(got.Files, r.Files) {
		t.Errorf("%+v", got)
	}
	for n := range b {
		if _, err := decodeEnd(b[:n]); err == nil {
			t.Errorf("%d bytes of %d are accepted", n, len(b))
		}
	}
}

func FuzzRedo(f *testing.F) {
	end := endRecord{Xid: 7, Subs: []ids.Xid{8, 9}, Files: []ids.RelFile{{Spc: 1, DB: 2, Rel: 3}}}
	multi := multiRecord{ID: 1, Start: 1, Members: []Member{{5, ForShare}, {6, Update}}}
	f.Add(byte(wal.XactCommit), end.append(nil))
	f.Add(byte(wal.MultiCreate), multi.append(nil))
	f.Add(byte(wal.NextXid), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		switch wal.Kind(kind) {
		case wal.XactCommit, wal.XactAbort:
			if r, err := decodeEnd(b); err == nil && string(r.append(nil)) != string(b) {
				t.Errorf("%x does not survive", b)
			}
		case wal.MultiCreate:
			if r, err := decodeMulti(b); err == nil && string(r.append(nil)) != string(b) {
				t.Errorf("%x does not survive", b)
			}
		}
	})
}

// TestUnreadable: a commit log that cannot be read raises a panic that can be recovered, and leaves no lock behind.
func TestUnreadable(t *testing.T) {
	var fail error
	fsys := vfs.NewFaulty(vfs.NewMem(1), func(op vfs.FaultOp) error {
		if op.Kind == vfs.OpOpen {
			return fail
		}
		return nil
	})
	c, err := openCommitLog(fsys, "/data", nil)
	if err != nil {
		t.Fatal(err)
	}
	fail = errors.New("boom")
	func() {
		defer func() {
			if _, ok := recover().(*pgerr.Error); !ok {
				t.Error("no panic with an error")
			}
		}()
		c.set(nil, []ids.Xid{7}, bitsCommitted, 0)
	}()
	fail = nil
	c.set(nil, []ids.Xid{7}, bitsCommitted, 0)
	if got := c.get(nil, 7); got != bitsCommitted {
		t.Errorf("outcome %d", got)
	}
}
