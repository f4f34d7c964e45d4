package commands

import (
	"time"

	"gompho/stats"
	"gompho/storage/vacuum"
)

// Auto says that autovacuum runs a command.
type Auto struct {
	// Pace returns how long a vacuum sleeps when it has run up a cost of limit; 0: not at all. It is asked anew after each sleep.
	Pace func() (delay time.Duration, limit int)
	// FreezeMinAge and FreezeTableAge stand for the settings vacuum_freeze_min_age and vacuum_freeze_table_age.
	FreezeMinAge, FreezeTableAge int64
	stats                        vacuum.Stats // of the last vacuum
}

// maxNap: vacuums that are far over their limit sleep no longer than this many times the delay.
const maxNap = 4

// vacuumDelay makes the function that slows a VACUUM or ANALYZE down as the vacuum_cost settings say; nil when they say nothing.
func (c *Context) vacuumDelay() func(cost int) error {
	pace := func() (time.Duration, int) {
		return c.S.Settings.Duration("vacuum_cost_delay"), int(c.S.Settings.Get("vacuum_cost_limit").Int())
	}
	if c.Auto != nil && c.Auto.Pace != nil {
		pace = c.Auto.Pace
	}
	delay, limit := pace()
	if delay <= 0 && c.Auto == nil {
		return nil
	}
	balance, slot := 0, c.S.Slot
	return func(cost int) error {
		if balance += cost; balance < limit || delay <= 0 {
			return nil
		}
		nap := min(delay*time.Duration(balance)/time.Duration(max(1, limit)), maxNap*delay)
		balance = 0
		if err := napFor(slot, nap); err != nil {
			return err
		}
		delay, limit = pace()
		return nil
	}
}

// napFor sleeps; an interrupt ends it.
func napFor(slot *stats.Slot, d time.Duration) error {
	prev := slot.BeginWait(stats.TimeoutVacuumDelay)
	defer slot.EndWait(prev)
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return slot.CheckInterrupts()
		case <-slot.Wake():
			if err := slot.CheckInterrupts(); err != nil {
				return err
			}
		}
	}
}
