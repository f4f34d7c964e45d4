package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
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

// TestFaults makes single I/O calls fail; see the package's documentation.
func TestFaults(t *testing.T) {
	clean, crashed := image(t)
	want := references(t, crashed)
	sample := 40
	if testing.Short() {
		sample = 20
	}
	v := os.Getenv("GOMPHO_FAULTS")
	if n, err := strconv.Atoi(v); err == nil {
		sample = n
	}
	seed := rerun.Seed(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var runs []*run
	for i, base := range []*vfs.Mem{clean, crashed} {
		counts, creates := count(t, base, want)
		t.Logf("calls, recovering=%v: %s", i == 1, list(counts))
		for _, target := range targets(counts, creates) {
			runs = append(runs, &run{base: base, target: target, seed: rnd.Uint64(), want: want})
		}
	}
	total := len(runs)
	if only := os.Getenv("GOMPHO_FAULT"); only != "" {
		runs = slices.DeleteFunc(runs, func(r *run) bool { return r.target.String() != only })
	} else if v != "all" {
		runs = draw(runs, sample, rnd)
	}
	rerun.Told(t, "seed %d: %d of %d faults", seed, len(runs), total)
	tally := map[string]int{}
	var mu sync.Mutex // protects tally
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(len(runs)) || failed.Load() > 4 {
					return
				}
				r := runs[i]
				began := time.Now()
				err := r.do()
				if d := time.Since(began); d > 2*time.Second {
					t.Logf("%s takes %s, %s", r.target, d.Round(time.Millisecond), r.outcome)
				}
				if err != nil {
					failed.Add(1)
					t.Errorf("%s, recovering=%v, seed %d: %v\n%s", r.target, r.base == crashed, seed, err, r.story())
				}
				if (i+1)%500 == 0 {
					t.Logf("%d done", i+1)
				}
				mu.Lock()
				tally[r.outcome]++
				tally["at "+r.target.site.String()]++
				mu.Unlock()
				r.release()
			}
		})
	}
	wg.Wait()
	rerun.Told(t, "%d faults injected: %s", len(runs)-tally["not reached"], list(tally))
	if tally["not reached"] > len(runs)/4 {
		t.Errorf("%d of %d calls to fail did not come", tally["not reached"], len(runs))
	}
}

func list[K comparable](m map[K]int) string {
	var out []string
	for k, n := range m {
		out = append(out, fmt.Sprintf("%v %d", k, n))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// references are the dumps before and after each step.
func references(t *testing.T, base *vfs.Mem) (dumps []string) {
	t.Helper()
	s, err := start(base.Clone(1))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := s.dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		d, err := dump(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		dumps = append(dumps, d)
		if i == len(workload) {
			break
		}
		if err := workload[i].run(ctx, c); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	c.Close(ctx)
	if err := s.stop(postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	return dumps
}

// count runs the workload without a fault and counts its calls; creates are those that may make a file.
func count(t *testing.T, base *vfs.Mem, want []string) (counts map[site]int, creates map[site][]int) {
	t.Helper()
	r := &run{base: base, want: want}
	if err := r.do(); err != nil {
		t.Fatalf("without a fault: %v\n%s", err, r.story())
	}
	return r.inj.counts, r.inj.creates
}

// targets lists every fault that the counted calls allow. There is no lack of space for opening a file that is there.
func targets(counts map[site]int, creates map[site][]int) (out []target) {
	for _, s := range slices.SortedFunc(maps.Keys(counts), func(a, b site) int { return strings.Compare(a.String(), b.String()) }) {
		hows := []failure{eio}
		switch s.kind {
		case vfs.OpWrite:
			hows = []failure{eio, enospc, shortWrite}
		case vfs.OpMkdir, vfs.OpRename, vfs.OpTruncate, vfs.OpSync:
			hows = []failure{eio, enospc}
		}
		for n := range counts[s] {
			for _, how := range hows {
				out = append(out, target{s, n + 1, how})
			}
			if slices.Contains(creates[s], n+1) {
				out = append(out, target{s, n + 1, enospc})
			}
		}
	}
	return out
}

// draw takes a sample in which each kind of call on each part has about the same share.
func draw(runs []*run, n int, rnd *rand.Rand) (out []*run) {
	rnd.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
	by := map[site][]*run{}
	for _, r := range runs {
		by[r.target.site] = append(by[r.target.site], r)
	}
	sites := slices.SortedFunc(maps.Keys(by), func(a, b site) int { return strings.Compare(a.String(), b.String()) })
	for len(out) < min(n, len(runs)) {
		rnd.Shuffle(len(sites), func(i, j int) { sites[i], sites[j] = sites[j], sites[i] })
		for _, s := range sites {
			if l := by[s]; len(l) > 0 && len(out) < n {
				out, by[s] = append(out, l[0]), l[1:]
			}
		}
	}
	return out
}

// run is one run of the workload.
type run struct {
	base   *vfs.Mem
	target target
	seed   uint64
	want   []string

	mem     *vfs.Mem
	inj     *injector
	srv     *server
	conn    *pgconn.PgConn
	notes   []string
	outcome string
	atWork  bool // the fault came while the server was up
}

func (r *run) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// release lets go of the server and its files: a list of runs may be long.
func (r *run) release() { r.mem, r.inj, r.srv, r.conn, r.notes = nil, nil, nil, nil, nil }

func (r *run) story() string {
	s := strings.Join(r.notes, "\n")
	if r.srv != nil {
		s += "\nserver log:\n" + r.srv.log()
	}
	return s
}

func (r *run) do() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r.mem = r.base.Clone(r.seed)
	r.inj = newInjector(r.mem, r.target)
	if err := r.start(); err != nil {
		return err
	}
	defer func() {
		select {
		case <-r.srv.pm.Done():
		default:
			_ = r.srv.stop(postmaster.Immediate)
		}
	}()
	if err := r.steps(ctx); err != nil {
		return err
	}
	if err := r.end(ctx); err != nil {
		return err
	}
	return r.check()
}

// start starts the server, a second time when the fault keeps it from starting.
func (r *run) start() (err error) {
	if r.srv, err = start(vfs.NewFaulty(r.mem, r.inj.policy)); err == nil {
		r.atWork = r.inj.injected() == nil
		return nil
	}
	if r.inj.injected() == nil {
		return fmt.Errorf("start: %w", err)
	}
	r.note("the start fails: %v", err)
	r.outcome = "start refused"
	if r.seed%2 == 0 {
		r.mem.Crash()
	}
	r.mem.Kill()
	if r.srv, err = start(vfs.NewFaulty(r.mem, r.inj.policy)); err != nil {
		return fmt.Errorf("second start: %w", err)
	}
	return nil
}

// steps does the workload, again from where it stopped when a step fails.
func (r *run) steps(ctx context.Context) (err error) {
	if r.conn, err = r.srv.dial(ctx); err != nil {
		return err
	}
	compared, failures := r.inj.injected() == nil, 0
	for i := 0; i < len(workload); {
		err := workload[i].run(ctx, r.conn)
		op := r.inj.injected()
		if err == nil && (op == nil || compared) {
			i++
			continue
		}
		compared = true
		from, to := i+1, i+1
		if err != nil {
			if failures++; op == nil || failures > 2 {
				return fmt.Errorf("step %d: %w", i, err)
			}
			r.note("step %d: %v, after %s %s at %d", i, err, op.Kind, op.Name, op.Offset)
			if from, to, err = r.judge(ctx, i, err); err != nil {
				return err
			}
		}
		if i, err = r.compare(ctx, from, to); err != nil {
			return err
		}
	}
	return nil
}

// judge says which of the dumps may be seen after step i has failed, and connects anew if needed.
func (r *run) judge(ctx context.Context, i int, err error) (from, to int, _ error) {
	var pe *pgconn.PgError
	if errors.As(err, &pe) && !r.conn.IsClosed() && r.conn.Ping(ctx) == nil {
		r.outcome = "error " + pe.Code
		op := r.inj.injected()
		inCheckpoint := strings.Contains(pe.Message, "checkpoint request failed") // the log says why
		if r.target.how != eio && !inCheckpoint && op.Kind == vfs.OpWrite && partOf(op.Name) == "relation" && pe.Code != string(pgerr.DiskFull) {
			return 0, 0, fmt.Errorf("no space is told as %s: %w", pe.Code, err)
		}
		return i, i, nil
	}
	r.conn.Close(ctx)
	r.outcome = "session ended"
	if r.srv.crashed() > 0 {
		r.outcome = "crash"
	}
	r.conn, err = r.srv.dial(ctx)
	return i, i + 1, err
}

// compare returns the number of the dump between from and to that the database equals.
func (r *run) compare(ctx context.Context, from, to int) (int, error) {
	var got string
	for try := 0; ; try++ {
		var err error
		if got, err = dump(ctx, r.conn); err == nil {
			break
		}
		if try > 1 || r.inj.injected() == nil {
			return 0, err
		}
		r.note("dump: %v", err) // the crash comes now only
		r.conn.Close(ctx)
		if r.conn, err = r.srv.dial(ctx); err != nil {
			return 0, err
		}
	}
	for i := from; i <= to; i++ {
		if r.want[i] == got {
			return i, nil
		}
	}
	return 0, fmt.Errorf("the database is not as after step %d or %d, but\n%s\nwant\n%s", from-1, to-1, got, r.want[from])
}

// end stops the server, or pulls the plug, and compares once more.
func (r *run) end(ctx context.Context) (err error) {
	if _, err = r.compare(ctx, len(workload), len(workload)); err != nil {
		return err
	}
	before := r.inj.injected()
	r.conn.Close(ctx)
	mode := postmaster.Fast
	if r.seed%4 < 2 && before != nil {
		mode = postmaster.Immediate
	}
	err = r.srv.stop(mode)
	if err != nil {
		r.note("shutdown: %v", err)
		if before != nil || r.inj.injected() == nil {
			return fmt.Errorf("shutdown: %w", err)
		}
		r.outcome = "shutdown fails"
	}
	if op := r.inj.injected(); op == nil {
		r.outcome = "not reached"
	} else {
		if r.outcome == "" {
			r.outcome = "survived"
			if r.srv.crashed() > 0 {
				r.outcome = "crash"
			}
		}
		if r.atWork && before != nil && r.inj.mustCrash() && r.srv.crashed() == 0 {
			return fmt.Errorf("the server does not crash after %s %s at %d", op.Kind, op.Name, op.Offset)
		}
	}
	r.inj.stop()
	r.mem.Kill()
	if mode == postmaster.Immediate || err != nil {
		r.mem.Crash()
	}
	r.note("restart")
	if r.srv, err = start(r.mem); err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	if r.conn, err = r.srv.dial(ctx); err != nil {
		return err
	}
	if _, err = r.compare(ctx, len(workload), len(workload)); err != nil {
		return fmt.Errorf("after a restart: %w", err)
	}
	r.conn.Close(ctx)
	return r.srv.stop(postmaster.Fast)
}

func (r *run) check() error {
	var problems []string
	o := postmaster.CheckOptions{Dir: dataDir, FS: r.mem, Settings: []string{"shared_buffers=16MB"}, Database: "postgres"}
	if _, err := postmaster.Check(o, func(p string) { problems = append(problems, p) }); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if len(problems) > 0 {
		return fmt.Errorf("the check finds %d problems:\n%s", len(problems), strings.Join(problems[:min(10, len(problems))], "\n"))
	}
	return nil
}
