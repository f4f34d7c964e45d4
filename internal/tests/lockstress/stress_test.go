package lockstress

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"gompho"
	"gompho/internal/tests/rerun"
)

const sessions = 64

// looks is how often a deadlock that is overdue may be seen again before it counts as one that nobody finds.
const looks = 3000

// patience bounds how long nothing at all may happen while a statement runs that waits for no lock: a server that hangs.
const patience = time.Minute

// stress is a run: the sessions, the model, and who watches them.
type stress struct {
	t        *testing.T
	r        *rand.Rand
	m        *model
	o        *observer
	sessions []*session
	errors   [sessions]int // of each at the last quiescent point
	found    int           // cycles seen
	points   int           // quiescent points
	compared int           // tables whose row locks were compared
}

// TestStress: see the package's comment.
func TestStress(t *testing.T) {
	before := goleak.IgnoreCurrent()
	seed := rerun.Seed(t)
	rounds := rerun.Count(t, "GOMPHO_LOCK_ROUNDS", 200)
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.AddSync(io.Discard), zapcore.DebugLevel))
	srv, err := gompho.Open(context.Background(), gompho.Options{Logger: log, Settings: map[string]string{
		"shared_buffers": "16MB", "deadlock_timeout": "20ms", "max_connections": "300", "log_lock_waits": "on", "autovacuum_naptime": "1s"}})
	if err != nil {
		t.Fatal(err)
	}
	s := newStress(t, srv, seed)
	var wg sync.WaitGroup
	for _, c := range s.sessions {
		wg.Go(c.run)
	}
	for range rounds {
		s.round(func() int { return 1 + s.r.IntN(4) })
	}
	s.finish(&wg)
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before)
}

func newStress(t *testing.T, srv *gompho.Server, seed uint64) *stress {
	cfg, err := pgconn.ParseConfig(srv.DSN())
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = srv.Dial
	conn, err := pgconn.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &stress{t: t, r: rand.New(rand.NewPCG(seed, 0)), m: newModel(sessions), o: &observer{conn: conn, oids: map[string]object{}}}
	for i := range 3 {
		s.o.query(fmt.Sprintf("create table t%[1]d (id serial primary key, v int); insert into t%[1]d select i, 0 from generate_series(0, %[2]d) i; select setval('t%[1]d_id_seq', 100)", i, rowsEach-1))
		s.o.oids[s.o.value(fmt.Sprintf("select 't%d'::regclass::oid", i))] = table(i)
	}
	for i := range sessions {
		s.sessions = append(s.sessions, &session{no: i, r: rand.New(rand.NewPCG(seed, uint64(i+1))), m: s.m, st: s.m.states[i], srv: srv, turn: make(chan int, 1)})
	}
	return s
}

// round gives each session that is not waiting some steps, and looks at what is when they are done.
func (s *stress) round(steps func() int) {
	s.m.change(func() {
		for i, st := range s.m.states {
			if st.parked {
				st.parked = false
				s.sessions[i].turn <- steps()
			}
		}
	})
	s.settle()
}

// settle waits for a quiescent point at which somebody can go on, and checks everything there.
func (s *stress) settle() {
	version, since := uint64(0), time.Now()
	for {
		s.m.mu.Lock()
		v, parked := s.m.version, 0
		for _, st := range s.m.states {
			if st.parked {
				parked++
			}
		}
		s.m.mu.Unlock()
		s.report()
		if v != version {
			version, since = v, time.Now()
		} else if time.Since(since) > patience {
			s.fail("nothing happens any more")
		}
		rows := s.o.locks()
		s.problems(granted(rows, false))
		// A statement can go from one wait to the next without an answer to its client, hence the second look.
		if !s.quiescent(v, rows, false) || !slices.Equal(waits(rows), waits(s.o.locks())) || !s.quiescent(v, rows, true) {
			continue
		}
		s.points++
		s.problems(granted(rows, true))
		s.problems(forgotten(rows))
		if c := cycle(rows); c != nil {
			s.deadlock(c)
			continue
		}
		if parked > 0 {
			s.rows(v, rows)
			return
		}
	}
}

// quiescent reports whether every session has made its steps or is among those who wait, and nothing has changed since version v;
// if so, and if asked to, it compares the model with pg_locks.
func (s *stress) quiescent(v uint64, rows []lockRow, compare bool) bool {
	waiting := map[uint32]bool{}
	for _, r := range rows {
		if !r.granted {
			waiting[r.pid] = true
		}
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	for _, st := range s.m.states {
		if !st.parked && !(st.busy && waiting[st.pid]) {
			return false
		}
	}
	if s.m.version != v {
		return false
	}
	if compare {
		for i, st := range s.m.states {
			s.errors[i] = st.errors
		}
		for _, p := range s.m.compare(rows) {
			s.m.problem("%s", p)
		}
	}
	return true
}

// rows compares the row locks of the tables that can be read without waiting.
func (s *stress) rows(v uint64, rows []lockRow) {
	for t := range rowTables {
		if slices.ContainsFunc(rows, func(r lockRow) bool { return r.obj == table(t) && r.mode == accessExclusive }) {
			continue
		}
		shown := s.o.rowLocks(t)
		s.m.mu.Lock()
		if s.m.version == v {
			s.compared++
			for _, p := range s.m.compareRows(t, shown) {
				s.m.problem("%s", p)
			}
		}
		s.m.mu.Unlock()
	}
}

// deadlock waits for the end of a cycle: it must come soon after all of its waits have lasted deadlock_timeout, and with an error for
// one of its sessions.
func (s *stress) deadlock(c []uint32) {
	s.found++
	// errorsOf counts the errors that sessions of the cycle have got since the quiescent point; all: none of them was ended, or is no session of ours.
	errorsOf := func() (n int, all bool) {
		s.m.mu.Lock()
		defer s.m.mu.Unlock()
		for _, pid := range c {
			i := slices.IndexFunc(s.m.states, func(st *state) bool { return st.pid == pid })
			if i < 0 || s.m.states[i].doomed {
				return 0, false
			}
			n += s.m.states[i].errors - s.errors[i]
		}
		return n, true
	}
	for seen := 0; ; {
		there, overdue := stands(c, s.o.locks())
		if !there {
			break
		}
		if overdue {
			if seen++; seen > looks {
				s.fail(fmt.Sprintf("the deadlock of %v is not found", c))
			}
		}
	}
	for seen := 0; ; seen++ { // the victim's client has to read its error first
		if n, all := errorsOf(); !all || n > 0 {
			return
		}
		if seen > looks {
			s.fail(fmt.Sprintf("the deadlock of %v is gone without an error", c))
		}
		s.o.locks()
	}
}

func (s *stress) problems(list []string) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	for _, p := range list {
		s.m.problem("%s", p)
	}
}

// report ends the test with the problems that the model has.
func (s *stress) report() {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if len(s.m.problems) > 0 {
		s.t.Fatalf("%s\n%s", strings.Join(s.m.problems, "\n"), s.m.describe())
	}
}

func (s *stress) fail(what string) {
	rows := s.o.locks()
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%+v\n", r)
	}
	for _, r := range s.o.query("select pid, wait_event_type, wait_event, state, query from pg_stat_activity order by pid") {
		fmt.Fprintf(&b, "%s\n", r)
	}
	stacks := make([]byte, 8<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	s.t.Fatalf("%s\n%s\n%s\n%s", what, s.m.describe(), b.String(), stacks)
}

// finish ends the sessions as their statements end, and looks that nothing is left.
func (s *stress) finish(wg *sync.WaitGroup) {
	cut := len(s.m.zombies)
	for left := len(s.sessions); left > 0; {
		s.m.change(func() {
			for i, st := range s.m.states {
				if st.parked {
					st.parked = false
					left--
					st.last = "(ended)"
					s.m.states[i] = &state{parked: false, busy: false}
					s.sessions[i].turn <- -1
					close(s.sessions[i].turn)
				}
			}
		})
		if left > 0 {
			s.wakeNext()
		}
	}
	wg.Wait()
	s.report()
	s.eventually("select count(*) = 0 from pg_locks where pid is distinct from pg_backend_pid()", "locks are left")
	s.eventually("select count(*) = 1 from pg_stat_activity where backend_type = 'client backend'", "sessions are left")
	for t := range rowTables {
		for pid, held := range s.o.rowLocks(t) {
			if pid != 0 {
				s.t.Errorf("process %d still has row locks %v", pid, held)
			}
		}
	}
	deadlocks, _ := strconv.Atoi(s.o.value("select deadlocks from pg_stat_database where datname = 'postgres'"))
	if told := s.m.codes["40P01"]; deadlocks < told || deadlocks > told+len(s.m.zombies) {
		s.t.Errorf("pg_stat_database counts %d deadlocks, %d sessions were told of one, %d could not be", deadlocks, told, len(s.m.zombies))
	}
	s.t.Logf("%d statements, %d quiescent points, %d comparisons of row locks, %d deadlocks seen coming, errors %v, %d processes lost their client",
		s.m.steps, s.points, s.compared, s.found, s.m.codes, cut)
	s.o.conn.Close(context.Background())
}

// eventually looks until sql says true.
func (s *stress) eventually(sql, otherwise string) {
	for range looks {
		if s.o.value(sql) == "t" {
			return
		}
	}
	s.fail(otherwise)
}

// wakeNext waits until another session has parked, as they do when those before them end.
func (s *stress) wakeNext() {
	since := time.Now()
	for time.Since(since) < patience {
		s.m.mu.Lock()
		parked := slices.ContainsFunc(s.m.states, func(st *state) bool { return st.parked })
		s.m.mu.Unlock()
		s.report()
		if parked {
			return
		}
		s.problems(granted(s.o.locks(), false))
	}
	s.fail("sessions do not end")
}
