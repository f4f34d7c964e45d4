package backend

import (
	"time"

	"gompho/stats"
)

// steps measures the steps of requests, for gompho_request_steps.
type steps struct {
	arrived time.Time     // the first byte of the message that is being read; zero: it was there before
	writing time.Time     // since when bytes are being sent
	parsing time.Time     // since when a simple query's statement is being parsed
	aside   time.Duration // what of the running portal's time counts as another step
}

// clock returns the time, the zero time when steps are not counted.
func (b *Backend) clock() (t time.Time) {
	if b.hot.steps {
		t = time.Now()
	}
	return t
}

// step counts a step that began at a time that clock returned, and returns when it ended.
func (b *Backend) step(k stats.Step, began time.Time) (t time.Time) {
	if b.hot.steps && !began.IsZero() {
		t = time.Now()
		b.o.Slot.Stats.Steps().Count(k, t.Sub(began))
	}
	return t
}

// asideStep counts a step that is not part of the execution around it.
func (b *Backend) asideStep(k stats.Step, began time.Time) {
	if t := b.step(k, began); !t.IsZero() {
		b.steps.aside += t.Sub(began)
	}
}

// encoded counts rows that were put into messages since began.
func (b *Backend) encoded(began time.Time) { b.asideStep(stats.StepEncode, began) }

// executed counts a run of a portal that began at began.
func (b *Backend) executed(began time.Time) {
	if b.hot.steps && !began.IsZero() {
		b.o.Slot.Stats.Steps().Count(stats.StepExecute, time.Since(began)-b.steps.aside)
	}
}
