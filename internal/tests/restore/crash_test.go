package restore

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"

	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/vfs"
)

// limit lets a number of changes of the file system through and then fails every call: the machine is gone.
type limit struct {
	mu   sync.Mutex
	left int // changes; negative: no limit
	seen int
	kind map[vfs.OpKind]int
	rare *[]int // where calls other than writes are; may be nil
	gone bool
}

var errGone = errors.New("the machine is gone")

func (l *limit) policy(op vfs.FaultOp) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return errGone
	}
	switch op.Kind {
	case vfs.OpRead, vfs.OpStat, vfs.OpReadDir, vfs.OpLock, vfs.OpOpen:
		return nil
	}
	if op.Kind != vfs.OpWrite && l.rare != nil {
		*l.rare = append(*l.rare, l.seen)
	}
	if l.seen == l.left {
		l.gone = true
		l.kind[op.Kind]++
		return errGone
	}
	l.seen++
	return nil
}

// longHistory is a source whose log has a few checkpoints after the backup, with restart points in between, tables that go and come, and a
// prepared transaction; it ends at the restore point "end".
func longHistory(t testing.TB) *vfs.Mem {
	t.Helper()
	fsys, s := newSource(t)
	s.sql("create table t(a int primary key, b int, c text); insert into t select g, 0, repeat('x', 200) from generate_series(1, 3000) g")
	s.backup(fsys, sourceDir, backupDir, nil)
	for i := range 6 {
		s.sql("update t set b = b + 1")
		s.sql("drop table if exists u; create table u(a int); insert into u values (1), (2), (3)")
		if i == 2 {
			for _, q := range []string{"begin; update t set c = 'prepared' where a = 1; prepare transaction 'p'", "checkpoint", "commit prepared 'p'", "truncate u",
				"insert into u values (1)"} {
				s.sql(q)
			}
		}
		s.sql("checkpoint")
		s.sql("select pg_switch_wal()")
	}
	s.sql("select pg_create_restore_point('end')")
	s.sql("drop table t")
	s.archived()
	s.stop()
	touch(t, fsys, backupDir, "recovery.signal")
	return fsys
}

// TestRestartPoints: recovery makes restart points, and begins at the last one when it is begun again. A target before that is out of reach then.
func TestRestartPoints(t *testing.T) {
	fsys := longHistory(t)
	small := []string{"max_wal_size=2MB", "min_wal_size=2MB", "recovery_target_action=shutdown"}
	s, err := tryStart(t, fsys, backupDir, append(small, "recovery_target_name=end")...)
	if err != postmaster.ErrAtTarget {
		t.Fatalf("%v\n%s", err, s.log())
	}
	points := strings.Count(s.log(), "restartpoint complete")
	if points < 2 {
		t.Fatalf("%d restart points\n%s", points, s.log())
	}
	first := regexp.MustCompile("redo starts at (.*)").FindStringSubmatch(s.log())[1]
	s, err = tryStart(t, fsys, backupDir, append(small, "recovery_target_name=end")...)
	if err != postmaster.ErrAtTarget {
		t.Fatalf("%v\n%s", err, s.log())
	}
	if again := regexp.MustCompile("redo starts at (.*)").FindStringSubmatch(s.log())[1]; again == first {
		t.Fatalf("both times redo begins at %s", first)
	}
	if s, err = tryStart(t, fsys, backupDir, append(small, "recovery_target=immediate")...); err != postmaster.ErrAtTarget {
		t.Fatalf("%v\n%s", err, s.log())
	}
	s = start(t, fsys, backupDir, "recovery_target_action=promote", "recovery_target_name=end")
	if got := s.sql("select count(*), min(b), max(b), (select count(*) from u) from t"); got != "3000,6,6,3" {
		t.Errorf("the table has %s\n%s", got, s.log())
	}
	s.stop()
	check(t, fsys, backupDir)
}

// TestRecoveryCrashes cuts recovery from an archive off at each change of the file system that it makes, by a power failure or by the death of the
// process, some rounds twice or thrice. The next start must come to the same end, on the same timeline, once, and the check must find nothing.
// GOMPHO_SEED sets the choice of points, GOMPHO_RESTORE_ROUNDS their number (0: each point).
func TestRecoveryCrashes(t *testing.T) {
	h := &history{fs: longHistory(t)}
	settings := []string{"recovery_target_action=promote", "recovery_target_name=end", "max_wal_size=2MB", "min_wal_size=2MB"}
	seed, rounds := rerun.Seed(t), rerun.Count(t, "GOMPHO_RESTORE_ROUNDS", 12)
	if testing.Short() {
		rounds = min(rounds, 15)
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	kinds, rare := map[vfs.OpKind]int{}, []int(nil)
	// run starts a server that is cut off after n changes, and returns how many it made before it was ready; it is stopped if it got there.
	run := func(m *vfs.Mem, n int) (made int, started bool) {
		l := &limit{left: n, kind: kinds}
		if n < 0 {
			l.rare = &rare
		}
		s, err := tryStart(t, vfs.NewFaulty(m, l.policy), backupDir, settings...)
		l.mu.Lock()
		made = l.seen
		if !l.gone && err != nil {
			t.Errorf("it does not start: %v\n%s", err, s.log())
		}
		l.gone = true
		l.mu.Unlock()
		if err == nil {
			s.pm.Stop(t.Context(), postmaster.Immediate)
		}
		return made, err == nil
	}
	total, ok := run(h.fs.Clone(0), -1)
	if !ok {
		t.Fatal("without a failure it does not start")
	}
	points := rnd.Perm(total)
	if rounds > 0 && rounds < total {
		points = points[:rounds]
		for i := 0; i < rounds; i += 2 { // most changes are writes: the others get their share
			points[i] = rare[rnd.IntN(len(rare))]
		}
	}
	rerun.Told(t, "seed %d: %d changes, %d of them are tried", seed, total, len(points))
	crashes := 0
	for i, n := range points {
		m := h.fs.Clone(seed + uint64(i))
		for again := 0; again <= i%3; again++ {
			run(m, n)
			crashes++
			if rnd.IntN(2) == 0 {
				m.Crash()
			} else {
				m.Kill()
			}
			n = rnd.IntN(total)
		}
		s, err := tryStart(t, m, backupDir, settings...)
		if err != nil {
			t.Fatalf("cut off after %d changes, the next start: %v\n%s", points[i], err, s.log())
		}
		if got := s.sql("select count(*), min(b), max(b), (select count(*) from u) from t"); got != "3000,6,6,3" {
			t.Fatalf("cut off after %d changes: the table has %s\n%s", points[i], got, s.log())
		}
		if got := s.sql("select timeline_id from pg_control_checkpoint()"); got != "2" {
			t.Fatalf("cut off after %d changes: timeline %s\n%s", points[i], got, s.log())
		}
		if got := s.sql("select * from pg_control_recovery()"); got != "0/0,0,0/0,0/0,f" || vfs.Exists(m, backupDir+"/recovery.signal") {
			t.Fatalf("cut off after %d changes: recovery is not over: %s\n%s", points[i], got, s.log())
		}
		s.sql("insert into t values (0, 0, '')")
		s.stop()
		check(t, m, backupDir)
		if t.Failed() {
			t.Fatalf("cut off after %d changes", points[i])
		}
	}
	rerun.Told(t, "%d crashes, at %v", crashes, kinds)
}
