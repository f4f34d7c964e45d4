package walwriter

import (
	"time"

	"go.uber.org/zap"

	"gompho/stats"
	"gompho/wal"
)

// Options of Run. The funcs are settings, read each round; nil ones have PostgreSQL's defaults.
type Options struct {
	Log        *wal.Log
	Delay      func() time.Duration // wal_writer_delay
	FlushAfter func() int           // wal_writer_flush_after in bytes
	Logger     *zap.Logger
}

func (o *Options) setDefaults() {
	if o.Delay == nil {
		o.Delay = func() time.Duration { return 200 * time.Millisecond }
	}
	if o.FlushAfter == nil {
		o.FlushAfter = func() int { return 1 << 20 }
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
}

const (
	roundsBeforeHibernate = 50
	hibernate             = 25
)

// Run is the life of the process. It returns nil when told to end, and the error for which the server must go down.
func Run(slot *stats.Slot, o Options) error {
	o.setDefaults()
	idle := 0
	for slot.CheckInterrupts() == nil {
		slot.Clear(stats.ReloadConfig)
		did, err := o.Log.BackgroundFlush(slot, o.FlushAfter(), false)
		if err != nil {
			return err
		}
		if did {
			idle = 0
			if err := o.Log.Preallocate(slot); err != nil {
				o.Logger.Warn("could not prepare the next write-ahead log segment", zap.Error(err))
			}
		} else {
			idle++
		}
		if idle < roundsBeforeHibernate {
			sleep(slot, o.Delay(), nil)
		} else {
			sleep(slot, o.Delay()*hibernate, o.Log.AsyncWake())
		}
	}
	if slot.Pending()&stats.CrashExit != 0 {
		return nil
	}
	_, err := o.Log.BackgroundFlush(slot, 0, true)
	return err
}

func sleep(slot *stats.Slot, d time.Duration, wake <-chan struct{}) {
	prev := slot.BeginWait(stats.ActivityWalWriterMain)
	defer slot.EndWait(prev)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-slot.Wake():
	}
}
