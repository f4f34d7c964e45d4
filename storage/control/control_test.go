package control

import (
	"testing"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/vfs"
)

func sample() Data {
	return Data{SystemID: 7, State: InProduction, BlockSize: ids.BlockSize, SegmentSize: 1 << 24, Checksums: true, CheckpointAt: 99,
		MaxLocks: 64, Nonce: [32]byte{1, 31: 2},
		Checkpoint: Checkpoint{Redo: 88, Timeline: 1, PrevTimeline: 1, FullPageWrites: true, NextXid: 1 << 40, NextOid: 20000, NextMulti: 3,
			NextMultiOffset: 4, OldestXid: 5, OldestXidDB: 6, OldestMulti: 7, OldestMultiDB: 8, OldestActiveXid: 9, XidLimit: 11, Time: 10}, MinRecovery: 12, MinRecoveryTimeline: 13, BackupStart: 14, BackupEndRequired: true, EndedAt: 15, NewTimeline: 16}
}

func TestRoundTrip(t *testing.T) {
	m := vfs.NewMem(1)
	if err := m.MkdirAll("/d/global", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(m, "/d"); !pgerr.Is(err, pgerr.UndefinedFile) {
		t.Fatal(err)
	}
	f, err := Create(m, "/d", sample())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Update(func(d *Data) { d.State = ShutDown }); err != nil {
		t.Fatal(err)
	}
	g, err := Open(m, "/d")
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	want.State = ShutDown
	if g.Data() != want || f.Data() != want {
		t.Fatalf("%+v", g.Data())
	}
	c := want.Checkpoint
	if got, err := DecodeCheckpoint(c.Append(nil)); err != nil || got != c {
		t.Fatal(got, err)
	}
	if _, err := DecodeCheckpoint(c.Append(nil)[1:]); err == nil {
		t.Fatal("a short checkpoint was taken")
	}
}

// TestCrashLeavesOldOrNew replaces the file and crashes in every way the seeds give.
func TestCrashLeavesOldOrNew(t *testing.T) {
	for seed := range uint64(100) {
		m := vfs.NewMem(seed)
		_ = m.MkdirAll("/d/global", 0o700)
		_ = m.SyncTree("/")
		f, err := Create(m, "/d", sample())
		if err != nil {
			t.Fatal(err)
		}
		_ = vfs.WriteFile(m, "/d/"+Name+".tmp", []byte("torn"), 0o600, false)
		if err := f.Update(func(d *Data) { d.CheckpointAt = 100 }); err != nil {
			t.Fatal(err)
		}
		_ = vfs.WriteFile(m, "/d/"+Name+".tmp", []byte("torn"), 0o600, false)
		m.Crash()
		g, err := Open(m, "/d")
		if err != nil || g.Data().CheckpointAt != 100 {
			t.Fatal(seed, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	d := sample()
	good := d.Encode()
	newer := append([]byte(nil), good...)
	newer[8] = 200
	damaged := append([]byte(nil), good...)
	damaged[30] ^= 1
	odd := sample()
	odd.BlockSize = 4096
	for name, c := range map[string]struct {
		b    []byte
		code pgerr.Code
	}{
		"foreign": {make([]byte, 512), pgerr.ObjectNotInPrerequisiteState},
		"empty":   {nil, pgerr.ObjectNotInPrerequisiteState},
		"newer":   {newer, pgerr.ObjectNotInPrerequisiteState},
		"damaged": {damaged, pgerr.DataCorrupted},
		"cut":     {good[:len(good)-1], pgerr.DataCorrupted},
		"block":   {odd.Encode(), pgerr.ObjectNotInPrerequisiteState},
	} {
		if _, err := Decode(c.b); !pgerr.Is(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	d := sample()
	f.Add(d.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = Decode(b)
		_, _ = DecodeCheckpoint(b)
	})
}
