package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/vfs"
)

// outage cuts all I/O off, and notes the syncs of the log until then.
type outage struct {
	mu    sync.Mutex // protects what follows
	off   bool
	syncs []time.Time // when syncs of the log began
}

func (o *outage) policy(op vfs.FaultOp) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.off {
		return errors.New("the power is off")
	}
	if op.Kind == vfs.OpSync && partOf(op.Name) == "wal" && !strings.Contains(op.Name, "xlogtemp") {
		o.syncs = append(o.syncs, time.Now())
	}
	return nil
}

// cut is the moment when the power goes.
func (o *outage) cut() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.off = true
	return time.Now()
}

// syncsAfter counts the syncs of the log that began later.
func (o *outage) syncsAfter(at time.Time) (n int) {
	for _, s := range o.syncs {
		if s.After(at) {
			n++
		}
	}
	return n
}

// asyncRound is one life of a server whose sessions commit asynchronously until the power goes.
type asyncRound struct {
	t     *testing.T
	mem   *vfs.Mem
	out   *outage
	acked [asyncSessions][]time.Time // when commits were acknowledged
	have  [asyncSessions]int         // how many of them are there after recovery
	end   time.Time                  // of the power
}

const (
	asyncSessions = 3
	asyncDelay    = 100 * time.Millisecond // wal_writer_delay
	asyncSlack    = 2 * time.Second        // for a machine that does other things too
)

// TestAsyncCommits commits asynchronously until the power goes. What is there after recovery has no gap: of each session's commits the first n, and no
// commit that one saw is missing while its own is there. What was acknowledged before the last sync but two is there, and what was acknowledged more
// than three times wal_writer_delay before the end, give or take what a loaded machine needs.
func TestAsyncCommits(t *testing.T) {
	clean, _ := image(t)
	seed := rerun.Seed(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 3 {
		r := &asyncRound{t: t, mem: clean.Clone(rnd.Uint64()), out: &outage{}}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		r.work(ctx, 5*asyncDelay+time.Duration(rnd.Int64N(int64(2*asyncDelay))))
		r.mem.Kill()
		r.mem.Crash()
		r.verify(ctx)
		cancel()
	}
}

// connect opens a session.
func (r *asyncRound) connect(ctx context.Context, s *server) *pgconn.PgConn {
	r.t.Helper()
	c, err := s.dial(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// work commits for d, then the power goes.
func (r *asyncRound) work(ctx context.Context, d time.Duration) {
	s, err := start(vfs.NewFaulty(r.mem, r.out.policy), "wal_writer_delay=100ms", "wal_buffers=1MB", "synchronous_commit=off")
	if err != nil {
		r.t.Fatal(err)
	}
	c := r.connect(ctx, s)
	if _, err := c.Exec(ctx, "create table a(n int, who int, others int); set synchronous_commit = on; insert into gone values (0)").ReadAll(); err != nil {
		r.t.Fatal(err)
	}
	c.Close(ctx)
	var wg sync.WaitGroup
	for i := range asyncSessions {
		c := r.connect(ctx, s)
		wg.Go(func() {
			defer c.Close(ctx)
			for n := 1; ; n++ {
				// The row tells how many rows of the session before this one it saw.
				sql := fmt.Sprintf("insert into a select %d, %d, count(*) from a where who = %d", n, i, before(i))
				if _, err := c.Exec(ctx, sql).ReadAll(); err != nil {
					return
				}
				r.acked[i] = append(r.acked[i], time.Now())
			}
		})
	}
	<-time.After(d)
	r.end = r.out.cut()
	_ = s.stop(postmaster.Immediate)
	wg.Wait()
}

func before(session int) int { return (session + asyncSessions - 1) % asyncSessions }

// verify recovers and compares.
func (r *asyncRound) verify(ctx context.Context) {
	s, err := start(r.mem)
	if err != nil {
		r.t.Fatal(err)
	}
	c := r.connect(ctx, s)
	var saw [asyncSessions]int
	var oldest time.Duration
	lost := 0
	for i := range asyncSessions {
		res, err := c.Exec(ctx, fmt.Sprintf("select count(*), coalesce(max(n), 0), coalesce(max(others), 0) from a where who = %d", i)).ReadAll()
		if err != nil {
			r.t.Fatal(err)
		}
		row := res[0].Rows[0]
		r.have[i], _ = strconv.Atoi(string(row[0]))
		saw[i], _ = strconv.Atoi(string(row[2]))
		if string(row[0]) != string(row[1]) {
			r.t.Errorf("session %d: %s rows, the last is %s: there is a gap", i, row[0], row[1])
		}
		if r.have[i] < len(r.acked[i]) {
			at := r.acked[i][r.have[i]] // of the oldest commit that is lost
			oldest, lost = max(oldest, r.end.Sub(at)), lost+len(r.acked[i])-r.have[i]
			if later := r.out.syncsAfter(at); later > 2 {
				r.t.Errorf("session %d: commit %d is lost although %d syncs followed", i, r.have[i]+1, later)
			}
		}
	}
	for i := range asyncSessions {
		if saw[i] > r.have[before(i)] {
			r.t.Errorf("session %d saw %d commits of the one before, of which %d are there", i, saw[i], r.have[before(i)])
		}
	}
	if oldest > 3*asyncDelay+asyncSlack {
		r.t.Errorf("a commit is lost that was acknowledged %s before the crash", oldest)
	}
	c.Close(ctx)
	if err := s.stop(postmaster.Fast); err != nil {
		r.t.Fatal(err)
	}
	r.t.Logf("%d syncs; %d commits lost, the oldest acknowledged %s before the crash", len(r.out.syncs), lost, oldest)
}
