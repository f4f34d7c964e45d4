package mvcc

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/tuple"
)

// CommandID returns the current command id. used tells that it will be stored in a tuple, so that the next
// IncrementCommand has something to separate.
func (s *Session) CommandID(used bool) ids.CommandID {
	s.cidUsed = s.cidUsed || used
	return s.cid
}

// IncrementCommand makes the effects of the command so far visible to what follows in the same transaction. It does nothing
// if the command changed nothing.
func (s *Session) IncrementCommand() error {
	if !s.cidUsed {
		return nil
	}
	if s.cid == ids.InvalidCommandID-1 {
		return pgerr.New(pgerr.ProgramLimitExceeded, "cannot have more than 2^32-2 commands in a transaction")
	}
	s.cid++
	s.cidUsed = false
	for _, h := range s.hooks {
		h.OnCommand()
	}
	return nil
}

// combos maps combo command ids, which stand in a tuple for the pair of the command that inserted it and the
// one that deleted it, when the same transaction did both. They mean nothing to others: nobody else looks at them.
type combos struct {
	pairs []comboPair
	index map[comboPair]ids.CommandID
}

type comboPair struct{ cmin, cmax ids.CommandID }

func (c *combos) reset() {
	if len(c.pairs) > 0 {
		c.pairs, c.index = nil, nil
	}
}

func (c *combos) get(cmin, cmax ids.CommandID) ids.CommandID {
	p := comboPair{cmin, cmax}
	if id, ok := c.index[p]; ok {
		return id
	}
	if c.index == nil {
		c.index = map[comboPair]ids.CommandID{}
	}
	id := ids.CommandID(len(c.pairs))
	c.pairs = append(c.pairs, p)
	c.index[p] = id
	return id
}

// Cmin returns the command that inserted a tuple of this transaction.
func (s *Session) Cmin(h tuple.Header) ids.CommandID {
	c := h.RawCid()
	if h.Infomask()&tuple.ComboCid != 0 {
		return s.combos.pairs[c].cmin
	}
	return c
}

// Cmax returns the command of this transaction that deleted or locked a tuple.
func (s *Session) Cmax(h tuple.Header) ids.CommandID {
	c := h.RawCid()
	if h.Infomask()&tuple.ComboCid != 0 {
		return s.combos.pairs[c].cmax
	}
	return c
}

// AdjustCmax returns the cid field to store with a new cmax in a tuple that this transaction may have inserted.
func (s *Session) AdjustCmax(h tuple.Header, cmax ids.CommandID) (cid ids.CommandID, combo bool) {
	if !h.XminCommitted() && s.IsCurrent(h.Xmin()) {
		if cmin := s.Cmin(h); cmin != cmax {
			return s.combos.get(cmin, cmax), true
		}
	}
	return cmax, false
}
