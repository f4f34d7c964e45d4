package restore

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	"gompho/postmaster"
	"gompho/storage/vfs"
)

// limit lets a number of changes of the file system through and then fails every call: the machine is gone.
type limit struct {
	mu   sync.Mutex
	left int // changes; negative: no limit
	seen int
	kind map[vfs.OpKind]int
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
	if l.seen == l.left {
		l.gone = true
		l.kind[op.Kind]++
		return errGone
	}
	l.seen++
	return nil
}

// TestRecoveryCrashes cuts recovery from an archive off at each change of the file system that it makes, by a power failure or by the death of the
// process, some rounds twice or thrice. The next start must come to the same end, on the same timeline, once, and the check must find nothing.
// GOMPHO_SEED sets the choice of points, GOMPHO_RESTORE_ROUNDS their number (0: each point).
func TestRecoveryCrashes(t *testing.T) {
	h := newHistory(t)
	touch(t, h.fs, backupDir, "recovery.signal")
	settings := []string{"recovery_target_action=promote", "recovery_target_name=after 4", "checkpoint_timeout=30s"}
	seed, rounds := rand.Uint64(), 25
	if v, err := strconv.ParseUint(os.Getenv("GOMPHO_SEED"), 10, 64); err == nil {
		seed = v
	}
	if v, err := strconv.Atoi(os.Getenv("GOMPHO_RESTORE_ROUNDS")); err == nil {
		rounds = v
	}
	if testing.Short() {
		rounds = min(rounds, 15)
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	kinds := map[vfs.OpKind]int{}
	// run starts a server that is cut off after n changes, and returns how many it made before it was ready; it is stopped if it got there.
	run := func(m *vfs.Mem, n int) (made int, started bool) {
		l := &limit{left: n, kind: kinds}
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
	}
	t.Logf("seed %d: %d changes, %d of them are tried", seed, total, len(points))
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
		if got := s.sql("select a from t order by a"); got != "1;2;3;4" {
			t.Fatalf("cut off after %d changes: the table has %s\n%s", points[i], got, s.log())
		}
		if got := s.sql("select timeline_id from pg_control_checkpoint()"); got != "2" {
			t.Fatalf("cut off after %d changes: timeline %s\n%s", points[i], got, s.log())
		}
		if got := s.sql("select * from pg_control_recovery()"); got != "0/0,0,0/0,0/0,f" || vfs.Exists(m, backupDir+"/recovery.signal") {
			t.Fatalf("cut off after %d changes: recovery is not over: %s\n%s", points[i], got, s.log())
		}
		s.sql("insert into t values (100)")
		s.stop()
		check(t, m, backupDir)
		if t.Failed() {
			t.Fatalf("cut off after %d changes", points[i])
		}
	}
	t.Logf("%d crashes, at %v", crashes, kinds)
}
