package sysviews

import (
	"gompho/functions"
	"gompho/session"
	"gompho/types"
)

func memoryEntries() []functions.Entry {
	return []functions.Entry{{Name: "gompho_get_memory", Set: setOf(memoryUses)}}
}

// memoryUses lists the columns of gompho_get_memory: a session's bytes, then those of the server, which are the same in all rows.
func memoryUses(s *session.Session, _ *functions.Call) (out [][]types.Datum, err error) {
	p := s.Slot.Account().Pool()
	if p == nil {
		return nil, nil
	}
	limit := types.Null
	if n := p.Limit(); n > 0 {
		limit = types.Int(n)
	}
	for _, u := range p.Uses() {
		out = append(out, []types.Datum{types.Int(int64(u.PID)), types.Int(u.Held), types.Int(u.Peak), types.Int(p.Held()), types.Int(p.Peak()), limit, types.Int(p.Refused())})
	}
	return out, nil
}
