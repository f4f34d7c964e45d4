package stats

import (
	"math/bits"
	"sync/atomic"
	"time"

	"gompho/internal/ids"
)

// Step is a part of the work on a client's request.
type Step uint8

const (
	StepAccept  Step = iota // a connection until the session is ready
	StepRead                // a message from its first byte on
	StepDecrypt             // no connection is encrypted yet
	StepParse               // a text until it is analyzed, or found in the plan cache
	StepDecode              // values of parameters
	StepPlan                // planning, where a kept plan does not do
	StepExecute             // a run of a portal, without encoding
	StepEncode              // rows into messages
	StepWrite               // what is sent in one piece
	NumSteps
)

var stepNames = [NumSteps]string{"accept", "read", "decrypt", "parse", "decode", "plan", "execute", "encode", "write"}

// String returns the name that gompho_request_steps shows.
func (s Step) String() string { return stepNames[s] }

// StepBuckets is the number of classes of durations: class 0 is below 1 microsecond, class k below 1<<k, the last has no upper bound.
const StepBuckets = 24

// StepCounts are the counters of one step.
type StepCounts struct {
	Calls, Nanos, MaxNanos int64
	Buckets                [StepBuckets]int64
}

// Quantile returns a bound below which the part q of the durations is.
func (c *StepCounts) Quantile(q float64) time.Duration {
	if c.Calls == 0 {
		return 0
	}
	seen, want := int64(0), q*float64(c.Calls)
	for k, n := range c.Buckets {
		if seen += n; float64(seen) >= want {
			return min(time.Microsecond<<k, time.Duration(c.MaxNanos))
		}
	}
	return time.Duration(c.MaxNanos)
}

// Steps counts the steps of one session. Its owner counts, without a lock; anyone may read.
type Steps struct {
	steps [NumSteps]struct {
		nanos, max atomic.Int64
		buckets    [StepBuckets]atomic.Int64
	}
}

// Count counts a step that took d.
func (s *Steps) Count(k Step, d time.Duration) {
	if s == nil {
		return
	}
	c := &s.steps[k]
	// Only the owner writes, so that plain stores do: a reset that comes in between is lost in part at worst.
	c.nanos.Store(c.nanos.Load() + int64(d))
	if int64(d) > c.max.Load() {
		c.max.Store(int64(d))
	}
	b := &c.buckets[min(bits.Len64(uint64(max(d, 0)/time.Microsecond)), StepBuckets-1)]
	b.Store(b.Load() + 1)
}

func (s *Steps) addTo(t *[NumSteps]StepCounts) {
	for k := range s.steps {
		c, to := &s.steps[k], &t[k]
		to.Nanos += c.nanos.Load()
		to.MaxNanos = max(to.MaxNanos, c.max.Load())
		for i := range c.buckets {
			n := c.buckets[i].Load()
			to.Buckets[i] += n
			to.Calls += n
		}
	}
}

func (s *Steps) reset() {
	for k := range s.steps {
		c := &s.steps[k]
		c.nanos.Store(0)
		c.max.Store(0)
		for i := range c.buckets {
			c.buckets[i].Store(0)
		}
	}
}

// Steps returns the session's counters of steps.
func (p *Pending) Steps() *Steps {
	if p == nil {
		return nil
	}
	return &p.steps
}

// RequestSteps returns the counters of each database: those of sessions that have ended, and of those that run.
func (s *Shared) RequestSteps() map[ids.Oid]*[NumSteps]StepCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[ids.Oid]*[NumSteps]StepCounts{}
	for db, c := range s.steps {
		total := *c
		out[db] = &total
	}
	for p := range s.sessions {
		db := ids.Oid(p.stepsDB.Load())
		if db == 0 {
			continue
		}
		if out[db] == nil {
			out[db] = &[NumSteps]StepCounts{}
		}
		p.steps.addTo(out[db])
	}
	return out
}

// ResetRequestSteps sets the counters of steps to zero.
func (s *Shared) ResetRequestSteps() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.steps)
	for p := range s.sessions {
		p.steps.reset()
	}
}

// leaveSteps keeps the counters of a session that ends; mu is held.
func (s *Shared) leaveSteps(p *Pending) {
	if db := ids.Oid(p.stepsDB.Load()); db != 0 {
		if s.steps[db] == nil {
			s.steps[db] = &[NumSteps]StepCounts{}
		}
		p.steps.addTo(s.steps[db])
	}
}
