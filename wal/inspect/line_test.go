package inspect

import (
	"strings"
	"testing"

	"gompho/internal/ids"
	"gompho/storage/control"
	"gompho/storage/page"
	"gompho/storage/smgr"
	"gompho/storage/vfs"
	"gompho/wal"
)

// TestLines writes records with payloads of their own and looks at how they are shown.
func TestLines(t *testing.T) {
	fs := vfs.NewMem(1)
	if err := fs.MkdirAll("/w", 0o700); err != nil {
		t.Fatal(err)
	}
	o := wal.Options{FS: fs, Dir: "/w", SystemID: 7, SegmentSize: 1 << 20}
	first := wal.FirstLSN(o.SegmentSize)
	l, err := wal.Open(o, first, first, false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rel := ids.RelFile{Spc: ids.DefaultTablespace, DB: 5, Rel: 1000}
	cp := control.Checkpoint{Redo: first, Timeline: 1, NextXid: 9}
	smgr.LogCreate(l, 3, rel, ids.MainFork)
	sizes := [ids.NumForks]ids.BlockNumber{4, ids.InvalidBlock, 1, ids.InvalidBlock}
	smgr.LogTruncate(l, 3, rel, sizes)
	smgr.LogDrop(l, 3, []ids.RelFile{rel})
	smgr.LogDatabase(l, wal.DatabaseDrop, 0, smgr.DatabaseRecord{Spc: 1663, DB: 6})
	l.InsertSimple(wal.CheckpointOnline, 0, cp.Append(nil))
	l.InsertSimple(wal.XactCommit, 3, []byte("short"))
	l.InsertSimple(wal.RestorePoint, 0, []byte("12345678here"))
	end := l.InsertSimple(wal.Noop, 0, nil)
	if err := l.Flush(nil, end); err != nil {
		t.Fatal(err)
	}
	var st Stats
	st.PerRecord = true
	r := wal.NewReader(o, first+5) // within the first record, of 40 bytes
	if err := r.Seek(end); err != nil || r.Pos() != first+40 {
		t.Fatalf("the second record is at %s: %v", r.Pos(), err)
	}
	r = wal.NewReader(o, first)
	if err := r.Seek(end); err != nil || r.Pos() != first {
		t.Fatalf("the first record is at %s: %v", r.Pos(), err)
	}
	prev := ids.LSN(0)
	for _, want := range []struct{ name, desc string }{{"Storage/CREATE", "base/5/1000"}, {"Storage/TRUNCATE", "base/5/1000 to main 4 vm 1 blocks"},
		{"Storage/DROP", "rels: base/5/1000"}, {"Database/DROP", "dir 1663/6"}, {"XLOG/CHECKPOINT_ONLINE", "redo " + first.String() + "; tli 1;"},
		{"Transaction/COMMIT", ""}, {"XLOG/RESTORE_POINT", "here"}, {"XLOG/NOOP", ""}} {
		rec, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		st.Add(rec)
		line := Of(rec, prev)
		if got := line.Manager + "/" + line.Type; got != want.name || !strings.HasPrefix(line.Description, want.desc) || (want.desc == "") != (line.Description == "") {
			t.Errorf("%s: %q, want %s: %q", got, line.Description, want.name, want.desc)
		}
		if line.Length != line.MainLength+24 || line.Prev != prev {
			t.Errorf("%s: %+v", want.name, line)
		}
		prev = rec.Start
	}
	if n := st.Total(); n.Count != 8 || len(st.Rows()) != 8 || n.FPISize != 0 {
		t.Errorf("sums: %+v, %+v", n, st.Rows())
	}
}

// TestBlocks: the pages of a record in short, without the main fork's name, and each by itself with what happens to it.
func TestBlocks(t *testing.T) {
	rel := ids.RelFile{Spc: 1663, DB: 5, Rel: 1000}
	r := &wal.Record{Pages: []wal.PageRef{{Rel: rel, Fork: ids.MainFork, Block: 7, Ops: []byte{byte(page.OpImage)}, Stored: 99}, {Rel: rel, Fork: ids.VmFork, Block: 2}}}
	if got, want := BriefBlocks(r), "blkref #0: rel 1663/5/1000 blk 7 FPW, blkref #1: rel 1663/5/1000 fork vm blk 2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	list := BlockList(r)
	if len(list) != 2 || list[0] != "blkref #0: rel 1663/5/1000 fork main blk 7 (FPW) 99 bytes" || !strings.HasPrefix(list[1], "blkref #1: rel 1663/5/1000 fork vm blk 2") {
		t.Errorf("%q", list)
	}
	if Blocks(r) != strings.Join(list, ", ") {
		t.Error(Blocks(r))
	}
}
