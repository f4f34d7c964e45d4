package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho/internal/pgerr"
	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/vfs"
)

// TestFaultsDiskFull gives the file system only so much room, and makes more when the server has run out of it; see the package's
// documentation.
func TestFaultsDiskFull(t *testing.T) {
	clean, crashed := image(t)
	want := references(t, crashed)
	rounds := 14
	if testing.Short() {
		rounds = 8
	}
	v := os.Getenv("GOMPHO_FAULTS")
	if n, err := strconv.Atoi(v); err == nil {
		rounds = n
	} else if v == "all" {
		rounds = 2000
	}
	seed := rerun.Seed(t)
	all := &fullRun{run: run{base: clean, want: want}, left: 1 << 40}
	if err := all.do(); err != nil {
		t.Fatalf("with room: %v\n%s", err, all.story())
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	runs := make([]*fullRun, rounds)
	for i := range runs {
		r := &fullRun{run: run{base: []*vfs.Mem{clean, crashed}[i%2], want: want, seed: rnd.Uint64()}, left: rnd.Int64N(all.room.used)}
		if r.onlyLog = rnd.IntN(2) == 0; r.onlyLog { // it needs less
			r.left /= 3
		}
		runs[i] = r
	}
	rerun.Told(t, "seed %d: %d rounds; the workload takes %d kB", seed, rounds, all.room.used/1024)
	tally := map[string]int{}
	refused := 0
	var mu sync.Mutex // protects tally, refused
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(rounds) || failed.Load() > 2 {
					return
				}
				r := runs[i]
				if err := r.do(); err != nil {
					failed.Add(1)
					t.Errorf("room for %d bytes, only in the log: %v, recovering=%v, seed %d: %v\n%s", r.left, r.onlyLog, r.base == crashed, seed, err, r.story())
				}
				mu.Lock()
				tally[r.outcome]++
				tally["first in "+string(r.room.first)]++
				refused += r.room.refused
				mu.Unlock()
				r.release()
				r.room = nil
			}
		})
	}
	wg.Wait()
	rerun.Told(t, "%d writes refused: %s", refused, list(tally))
}

// fullRun is a run of the workload on a file system that becomes full.
type fullRun struct {
	run
	left    int64
	onlyLog bool // the log has a file system of its own, and that one is full
	room    *room
}

func (r *fullRun) do() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r.mem = r.base.Clone(r.seed)
	r.inj = newInjector(r.mem, target{})
	r.room = &room{mem: r.mem, onlyLog: r.onlyLog}
	if r.srv, err = start(vfs.NewFaulty(r.mem, r.room.policy)); err != nil {
		return err
	}
	defer func() {
		select {
		case <-r.srv.pm.Done():
		default:
			_ = r.srv.stop(postmaster.Immediate)
		}
	}()
	if r.conn, err = r.srv.dial(ctx); err != nil {
		return err
	}
	r.room.limit(r.left)
	for i := 0; i < len(workload); {
		err := workload[i].run(ctx, r.conn)
		if err == nil {
			i++
			continue
		}
		if i, err = r.full(ctx, i, err); err != nil {
			return err
		}
	}
	r.room.free()
	if r.outcome == "" {
		r.outcome = "enough"
	}
	return r.finish(ctx)
}

// full looks at the server after step i has failed, makes room, and returns the step to go on with.
func (r *fullRun) full(ctx context.Context, i int, err error) (int, error) {
	r.note("step %d: %v", i, err)
	if r.room.refused == 0 || r.outcome != "" {
		return 0, fmt.Errorf("step %d: %w", i, err)
	}
	var pe *pgconn.PgError
	from, to := i, i+1
	if errors.As(err, &pe) && !r.conn.IsClosed() && r.conn.Ping(ctx) == nil {
		r.outcome, to = "error "+pe.Code, i
		if pe.Code != string(pgerr.DiskFull) && !strings.Contains(pe.Message, "checkpoint request failed") {
			return 0, fmt.Errorf("no space is told as %s: %w", pe.Code, err)
		}
		if _, err := r.conn.Exec(ctx, "select count(*) from acc").ReadAll(); err != nil {
			r.note("reading on the full disk: %v", err)
		}
		r.room.free()
	} else {
		r.outcome = "crash"
		r.conn.Close(ctx)
		r.await(ctx, func() bool { return r.srv.said("recovery after the crash has no space") > 1 })
		r.room.free()
		if r.conn, err = r.srv.dial(ctx); err != nil {
			return 0, err
		}
	}
	return r.compare(ctx, from, to)
}

// await waits a little for what need not come.
func (r *fullRun) await(ctx context.Context, done func() bool) {
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
	r.outcome = "crash, recovery waits"
}

func (r *fullRun) finish(ctx context.Context) error {
	if _, err := r.compare(ctx, len(workload), len(workload)); err != nil {
		return err
	}
	r.conn.Close(ctx)
	if r.seed%2 == 0 {
		_ = r.srv.stop(postmaster.Immediate)
		r.mem.Kill()
		r.mem.Crash()
	} else if err := r.srv.stop(postmaster.Fast); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	return r.check()
}
