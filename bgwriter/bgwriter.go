package bgwriter

import (
	"time"

	"go.uber.org/zap"

	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/storage/buffer"
)

// Options of Run. The funcs are settings, read each round; nil ones have PostgreSQL's defaults.
type Options struct {
	Pool       *buffer.Pool
	Delay      func() time.Duration // bgwriter_delay
	MaxPages   func() int           // bgwriter_lru_maxpages; 0 switches cleaning off
	Multiplier func() float64       // bgwriter_lru_multiplier
	FlushAfter func() int           // bgwriter_flush_after in blocks
	Logger     *zap.Logger
}

func (o *Options) setDefaults() {
	if o.Delay == nil {
		o.Delay = func() time.Duration { return 200 * time.Millisecond }
	}
	if o.MaxPages == nil {
		o.MaxPages = func() int { return 100 }
	}
	if o.Multiplier == nil {
		o.Multiplier = func() float64 { return 2 }
	}
	if o.FlushAfter == nil {
		o.FlushAfter = func() int { return 64 }
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
}

// hibernate is how much longer the process sleeps when there is nothing to do.
const hibernate = 50

// Run is the life of the process. It returns nil when told to end, and the error for which the server must go down.
func Run(slot *stats.Slot, o Options) error {
	o.setDefaults()
	st := buffer.CleanState{Writeback: o.Pool.NewWriteback(o.FlushAfter)}
	idleRounds := 0
	for slot.CheckInterrupts() == nil {
		slot.Clear(stats.ReloadConfig)
		_, idle, err := o.Pool.Clean(slot, &st, o.Delay(), o.MaxPages(), o.Multiplier())
		if err != nil {
			if e := pgerr.From(err); e.Level() == pgerr.Panic {
				return err
			}
			o.Logger.Error("background writer could not write", zap.Error(err))
		}
		if !idle {
			idleRounds = 0
		} else {
			idleRounds++
		}
		if idleRounds < 2 {
			sleep(slot, o.Delay(), nil, stats.ActivityBgwriterMain)
		} else {
			sleep(slot, o.Delay()*hibernate, o.Pool.AwaitAlloc(), stats.ActivityBgwriterHibernate)
		}
	}
	return nil
}

func sleep(slot *stats.Slot, d time.Duration, wake <-chan struct{}, ev stats.WaitEvent) {
	prev := slot.BeginWait(ev)
	defer slot.EndWait(prev)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-slot.Wake():
	}
}
