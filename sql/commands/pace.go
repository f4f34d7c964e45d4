package commands

import (
	"time"

	"gompho/stats"
)

// Auto says that autovacuum runs a command.
type Auto struct {
	// Pace returns how long a vacuum sleeps when it has run up a cost of limit; 0: not at all. It is asked anew after each sleep.
	Pace func() (delay time.Duration, limit int)
	// The ages stand for the settings vacuum_freeze_min_age, vacuum_freeze_table_age and their like for multixacts.
	FreezeMinAge, FreezeTableAge           int64
	MultiFreezeMinAge, MultiFreezeTableAge int64
	// Wraparound: the table is vacuumed because of what is old in it.
	Wraparound bool
	// LogMin: what takes so long is reported; negative: nothing is.
	LogMin time.Duration

	report string // of the last command
}

// maxNap: vacuums that are far over their limit sleep no longer than this many times the delay.
const maxNap = 4

// vacuumBalance makes the function that counts cost and says how long to sleep for it, as the vacuum_cost settings say; nil when they say nothing.
func (c *Context) vacuumBalance() func(cost int) time.Duration {
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
	balance := 0
	return func(cost int) time.Duration {
		if balance += cost; balance < limit {
			return 0
		}
		nap := time.Duration(0)
		if delay > 0 {
			nap = min(delay*time.Duration(balance)/time.Duration(max(1, limit)), maxNap*delay)
		}
		balance = 0
		delay, limit = pace()
		return nap
	}
}

// vacuumDelay makes the function that slows an ANALYZE down; nil when nothing does.
func (c *Context) vacuumDelay() func(cost int) error {
	spend := c.vacuumBalance()
	if spend == nil {
		return nil
	}
	return func(cost int) error {
		if nap := spend(cost); nap > 0 {
			return napFor(c.S.Slot, nap)
		}
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
