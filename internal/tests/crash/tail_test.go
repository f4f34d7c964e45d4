package crash

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/control"
	"gompho/storage/vfs"
	"gompho/wal"
)

const tailSegment = 1 << 20 // as image makes them

// extent is where a record stands in the log.
type extent struct{ start, end ids.LSN }

// tailServer starts a server that writes nothing but its log, and returns what it has replayed.
func tailServer(fs *vfs.Mem) (pm *postmaster.Postmaster, replayed []extent, err error) {
	pm, err = postmaster.Start(postmaster.Options{Dir: dataDir, FS: fs, NoListen: true,
		Settings: []string{"shared_buffers=8MB", "checkpoint_timeout=1h", "autovacuum=off", "bgwriter_lru_maxpages=0", "full_page_writes=off"},
		Replayed: func(r *wal.Record) { replayed = append(replayed, extent{r.Start, r.End}) }})
	return pm, replayed, err
}

// TestTornTail damages the end of the log at each byte of its last records, as a write that was cut off (zeros follow) or a bit that turned over. Recovery ends with the
// last record before the damage, the rows are those of the commits that are whole, and a crash right after that recovery changes nothing.
func TestTornTail(t *testing.T) {
	seed := rerun.Seed(t)
	rnd := rand.New(rand.NewPCG(seed, 3))
	base := image(t, 1)
	pm, _, err := tailServer(base)
	check(t, err)
	runHistory(t, pm, []string{"create table t(a int primary key, b text)", "insert into t values (1, 'x')", "checkpoint", "insert into t values (2, 'whole')"})
	_ = pm.Stop(context.Background(), postmaster.Immediate)
	<-pm.Done()
	base.Kill()
	keep := base.Clone(seed)
	pm, before, err := tailServer(keep)
	check(t, err)
	_ = pm.Stop(context.Background(), postmaster.Immediate)
	<-pm.Done()
	whole := before[len(before)-1].end

	// The last records come after what recovery's checkpoint has written; they reach nothing but the log.
	pm, _, err = tailServer(base)
	check(t, err)
	runHistory(t, pm, []string{"insert into t values (3, 'torn')", "begin", "update t set b = 'torn' where a = 1", "savepoint s", "delete from t where a = 2", "commit"})
	_ = pm.Stop(context.Background(), postmaster.Immediate)
	<-pm.Done()
	base.Kill()
	full := base.Clone(seed)
	pm, all, err := tailServer(full)
	check(t, err)
	want := map[ids.LSN]string{} // what the table holds when the log ends there, filled in as it is seen
	_ = pm.Stop(context.Background(), postmaster.Immediate)
	<-pm.Done()
	first := slices.IndexFunc(all, func(e extent) bool { return e.start > whole }) + 1 // the checkpoint that the log cannot do without comes first
	if first == 0 || len(all)-first < 5 {
		t.Fatalf("%d records are replayed, %d of them new", len(all), len(all)-first)
	}
	from, end := all[first].start, all[len(all)-1].end
	cases, recoveries := 0, 0
	for at := from; at < end; at++ {
		for _, torn := range []bool{true, false} {
			fs := base.Clone(seed ^ uint64(at))
			changed := damageLog(t, fs, at, end, torn, rnd)
			if changed == 0 {
				continue
			}
			hit := slices.IndexFunc(all, func(e extent) bool { return changed < e.end })
			wrong := func(last ids.LSN) bool { // bytes that fill up a record to a multiple of 8 say nothing
				return last != all[hit-1].end && !(last >= all[hit].end && changed >= all[hit].end-7)
			}
			if last := endOfLog(t, fs, from); wrong(last) {
				t.Errorf("byte %s, torn %v: the log ends at %s, the record there is from %s to %s", at, torn, last, all[hit].start, all[hit].end)
			}
			if cases++; cases%101 > 0 {
				continue
			}
			last, rows := recoverTwice(t, fs)
			recoveries += 2
			if wrong(last) {
				t.Errorf("byte %s, torn %v: recovery ends at %s, the record there is from %s to %s", at, torn, last, all[hit].start, all[hit].end)
			}
			if w, ok := want[last]; ok && w != rows {
				t.Errorf("byte %s, torn %v: the table has %s, and had %s when the log ended there before", at, torn, rows, w)
			}
			want[last] = rows
		}
	}
	rerun.Told(t, "%d records of %d bytes, %d kinds of damage, %d recoveries, ends at %d places", len(all)-first, end-from, cases, recoveries, len(want))
	for _, rows := range states(want) {
		if !slices.Contains([]string{"1 x,2 whole", "1 x,2 whole,3 torn", "1 torn,3 torn"}, rows) {
			t.Errorf("a transaction is there by half: %s", rows)
		}
	}
	if len(states(want)) < 2 || len(want) < 3 {
		t.Errorf("recovery ended at %d places only, with %d states of the table", len(want), len(states(want)))
	}
}

// endOfLog reads the log from a record on.
func endOfLog(t *testing.T, fs *vfs.Mem, from ids.LSN) ids.LSN {
	t.Helper()
	cf, err := control.Open(fs, dataDir)
	check(t, err)
	r := wal.NewReader(wal.Options{FS: fs, Dir: dataDir + "/pg_wal", SystemID: cf.Data().SystemID, SegmentSize: tailSegment}, from)
	defer r.Close()
	for {
		if _, err := r.Next(); err == io.EOF {
			return r.Pos()
		}
		check(t, err)
	}
}

// recoverTwice recovers the cluster, loses the power right after that, and recovers it again. It returns where the log ended and what the table has.
func recoverTwice(t *testing.T, fs *vfs.Mem) (last ids.LSN, rows string) {
	t.Helper()
	pm, got, err := tailServer(fs)
	check(t, err)
	rows = tableOf(t, pm)
	crash(pm, fs)
	pm, _, err = tailServer(fs)
	check(t, err)
	if again := tableOf(t, pm); again != rows {
		t.Errorf("the table has %s, after another crash %s", rows, again)
	}
	_ = pm.Stop(context.Background(), postmaster.Immediate)
	<-pm.Done()
	return got[len(got)-1].end, rows
}

func states(want map[ids.LSN]string) (out []string) {
	for _, s := range want {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func tableOf(t *testing.T, pm *postmaster.Postmaster) string {
	t.Helper()
	c, err := dial(pm)
	check(t, err)
	defer c.Close(context.Background())
	res, err := c.Exec(context.Background(), "select string_agg(a || ' ' || b, ',' order by a) from t").ReadAll()
	check(t, err)
	return string(res[0].Rows[0][0])
}

// damageLog damages the log from a position on, in one segment with the end, and returns the first position that is not as it was; 0 when all are.
func damageLog(t *testing.T, fs *vfs.Mem, at, end ids.LSN, torn bool, rnd *rand.Rand) (changed ids.LSN) {
	t.Helper()
	f, err := fs.Open(dataDir+"/pg_wal/"+wal.SegmentName(1, uint64(at)/tailSegment, tailSegment), os.O_RDWR, 0)
	check(t, err)
	defer f.Close()
	b := make([]byte, end-at)
	_, err = f.ReadAt(b, int64(at%tailSegment))
	check(t, err)
	if torn {
		i := slices.IndexFunc(b, func(c byte) bool { return c != 0 })
		if i < 0 {
			return 0
		}
		changed = at + ids.LSN(i)
		clear(b)
	} else {
		changed = at
		b[0] ^= 1 << rnd.IntN(8)
	}
	_, err = f.WriteAt(b, int64(at%tailSegment))
	check(t, err)
	check(t, f.Sync())
	return changed
}
