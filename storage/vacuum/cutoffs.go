package vacuum

import "gompho/internal/ids"

// age returns an age of the settings: negative is the default; no more than part of the age at which autovacuum begins by itself, if that is given.
func age(v, def, most int64, part float64) int64 {
	if v < 0 {
		v = def
	}
	if most > 0 {
		v = min(v, int64(float64(most)*part))
	}
	return v
}

// cutoffs computes the limits.
func (v *run) cutoffs() {
	m := v.tx.Manager()
	c, p := &v.cut, &v.p
	// The multixact first: one that is made after this has members that the other limit knows of.
	c.OldestMulti = m.OldestMulti()
	c.OldestXmin = m.OldestXmin(v.r.DB)
	if v.r.Temp {
		c.OldestXmin = v.tx.TempHorizon()
	}
	minAge := age(p.FreezeMinAge, defaultFreezeMinAge, p.FreezeMaxAge, 0.5)
	tableAge := age(p.FreezeTableAge, defaultFreezeTableAge, p.FreezeMaxAge, 0.95)
	multiMin := age(p.MultiFreezeMinAge, defaultMultiMinAge, p.MultiFreezeMaxAge, 0.5)
	multiTable := age(p.MultiFreezeTableAge, defaultFreezeTableAge, p.MultiFreezeMaxAge, 0.95)
	if p.Freeze {
		minAge, tableAge, multiMin, multiTable = 0, 0, 0, 0
	}
	c.FreezeLimit = ids.Xid(before(uint64(c.OldestXmin), minAge, uint64(ids.FirstNormalXid)))
	c.OldestLeft = c.OldestXmin
	v.multiLimit = ids.MultiXactID(before(uint64(c.OldestMulti), multiMin, 1))
	v.st.OldestXmin = c.OldestXmin
	next, nextMulti := uint64(m.NextXid()), uint64(m.NextMulti())
	oldXid := v.p.RelFrozenXid != 0 && overdue(uint64(p.RelFrozenXid), next, tableAge, uint64(ids.FirstNormalXid))
	oldMulti := v.p.RelMinMulti != 0 && overdue(uint64(p.RelMinMulti), nextMulti, multiTable, 1)
	v.st.Aggressive = p.DisablePageSkipping || p.Freeze || oldXid || oldMulti
}

// before returns the id that is age before x, but no less than first.
func before(x uint64, age int64, first uint64) uint64 {
	if x <= uint64(age)+first {
		return first
	}
	return x - uint64(age)
}

// overdue reports whether all of a table is to be read because what is in it may be as old as age.
func overdue(frozen, next uint64, age int64, first uint64) bool {
	return next > uint64(age)+first && frozen <= before(next, age, first)
}
