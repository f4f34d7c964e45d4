package restore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/vfs"
)

// TestSourceCrashes loses the power of a source again and again while it writes and archives, at any change of the file system. What it has in the end is what a backup of its
// beginning and the archive lead to: no segment got into the archive that was written differently after a crash, and none is missing.
// GOMPHO_SEED and GOMPHO_RESTORE_ROUNDS are as in TestRecoveryCrashes.
func TestSourceCrashes(t *testing.T) {
	seed, rounds := rerun.Seed(t), rerun.Count(t, "GOMPHO_RESTORE_ROUNDS", 2)
	base, s := newSource(t)
	s.sql("create table t(w int, n int, filler text, primary key (w, n))")
	s.backup(base, sourceDir, backupDir, nil)
	s.stop()
	for round := range rounds {
		rnd := rand.New(rand.NewPCG(seed+uint64(round), 0))
		m := base.Clone(seed + uint64(round))
		var acked [3]int
		crashes := 0
		for range 6 {
			crashes += runUntilCrash(t, m, &acked, 20+rnd.IntN(600), rnd.IntN(3) == 0)
			m.Crash()
		}
		last := start(t, m, sourceDir)
		for w, n := range acked {
			if got := last.sql(fmt.Sprintf("select coalesce(max(n), 0) >= %d from t where w = %d", n, w)); got != "t" {
				t.Fatalf("round %d: writer %d has lost commits", round, w)
			}
		}
		want := last.sql("select count(*), sum(n), sum(hashtext(filler)) from t")
		last.stop()
		if left := last.logs.FilterMessageSnippet("other content").Len(); left > 0 {
			t.Errorf("round %d: the archive has a segment with other content\n%s", round, last.log())
		}
		touch(t, m, backupDir, "recovery.signal")
		x := start(t, m, backupDir)
		if got := x.sql("select count(*), sum(n), sum(hashtext(filler)) from t"); got != want {
			t.Fatalf("round %d of seed %d: the source has %s after %d crashes, the archive leads to %s\n%s", round, seed, want, crashes, got, x.log())
		}
		x.stop()
		check(t, m, backupDir)
	}
}

// runUntilCrash runs a source with three writers until it has made n changes to the file system; with slow it is one at a time.
func runUntilCrash(t *testing.T, m *vfs.Mem, acked *[3]int, n int, slow bool) (crashes int) {
	t.Helper()
	l := &limit{left: n, kind: map[vfs.OpKind]int{}}
	s, err := tryStart(t, vfs.NewFaulty(m, l.policy), sourceDir, "wal_buffers=64kB", "restart_after_crash=off")
	if err != nil {
		return 1
	}
	var wg sync.WaitGroup
	for w := range acked {
		write := func() {
			c, err := s.dial()
			if err != nil {
				return
			}
			for i := acked[w] + 1; ; i++ {
				// Rows of random bytes: records of many sizes cross the ends of segments.
				_, err := exec(c, fmt.Sprintf("insert into t values (%d, %d, (select string_agg(md5(random()::text), '') from generate_series(1, 1 + (random() * 120)::int))) on conflict do nothing", w, i))
				if err != nil {
					return
				}
				acked[w] = i
			}
		}
		if slow && w > 0 {
			continue
		}
		wg.Go(write)
	}
	wg.Wait()
	s.pm.Stop(t.Context(), postmaster.Immediate)
	return 1
}

// archiverProbe looks at what the archiver does, in a session of its own.
type archiverProbe struct {
	t *testing.T
	c *pgconn.PgConn
}

func newArchiverProbe(t *testing.T, s *server) *archiverProbe {
	t.Helper()
	c, err := s.dial()
	if err == nil { // the function alone: what runs while a write of the log is held must not have to read pages, and write others for their room
		_, err = c.Prepare(t.Context(), "look", "select wait_event from pg_stat_get_activity(null) where backend_type = 'archiver'", nil)
	}
	p := &archiverProbe{t, c}
	if err == nil {
		_, err = p.look()
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *archiverProbe) look() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	res := p.c.ExecPrepared(ctx, "look", nil, nil, nil).Read()
	if res.Err != nil || len(res.Rows) != 1 {
		return "", fmt.Errorf("%d archivers: %w", len(res.Rows), res.Err)
	}
	return string(res.Rows[0][0]), nil
}

// archiverWaits returns when the archiver waits for the log to be written, or done says that it did not. An archiver that does neither has nothing to do.
func (p *archiverProbe) archiverWaits(done func() bool) {
	for i := 0; i < 1000 && !done(); i++ {
		switch what, err := p.look(); {
		case err != nil:
			p.t.Error(err)
			return
		case what == "WALWrite":
			return
		}
	}
}

// TestTornRecord: the power goes when a segment is full and durable, but not the end of the record that goes on in the next one. That record will be gone, and others written in its place:
// the segment must not have been archived as it was.
func TestTornRecord(t *testing.T) {
	m, s := newSource(t)
	s.sql("create table t(a int, b text)")
	s.backup(m, sourceDir, backupDir, nil)
	s.stop()
	crashes := 0
	for range 5 {
		l := &limit{left: -1, kind: map[vfs.OpKind]int{}}
		var mu sync.Mutex
		last, armed := "", false
		var probe *archiverProbe // set before armed
		s, err := tryStart(t, vfs.NewFaulty(m, func(op vfs.FaultOp) error {
			name := path.Base(op.Name)
			if op.Kind == vfs.OpWrite && len(name) == 24 && path.Base(path.Dir(op.Name)) == "pg_wal" {
				mu.Lock()
				crossed := armed && last != "" && name > last
				before := last
				last = max(last, name)
				mu.Unlock()
				if crossed {
					probe.archiverWaits(func() bool { return vfs.Exists(m, archiveDir+"/"+before) })
					l.mu.Lock()
					l.gone = true
					l.mu.Unlock()
				}
			}
			return l.policy(op)
		}), sourceDir, "restart_after_crash=off")
		if err != nil {
			t.Fatal(err)
		}
		probe = newArchiverProbe(t, s)
		mu.Lock()
		armed = true
		mu.Unlock()
		for err == nil {
			_, err = exec(s.c, "insert into t values (1, (select string_agg(md5(random()::text), '') from generate_series(1, 100)))")
		}
		s.pm.Stop(t.Context(), postmaster.Immediate)
		m.Crash()
		crashes++
	}
	x := start(t, m, sourceDir)
	x.sql("insert into t values (2, 'end')")
	x.archived()
	want := x.sql("select count(*), sum(a), sum(hashtext(b)) from t")
	x.stop()
	if x.logged("other content") {
		t.Error("the archive has a segment with other content")
	}
	touch(t, m, backupDir, "recovery.signal")
	y := start(t, m, backupDir)
	if got := y.sql("select count(*), sum(a), sum(hashtext(b)) from t"); got != want {
		t.Errorf("the source has %s after %d crashes, the archive leads to %s\n%s", want, crashes, got, y.log())
	}
	y.stop()
}
