package sysviews

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/session"
	"gompho/storage/heap"
	"gompho/types"
)

// The words of the extension pgrowlocks for what holds a row: alone, and as a member of a multixact.
var (
	aloneModes = [...]string{mvcc.ForKeyShare: "For Key Share", mvcc.ForShare: "For Share", mvcc.ForNoKeyUpdate: "For No Key Update",
		mvcc.ForUpdate: "For Update", mvcc.NoKeyUpdate: "No Key Update", mvcc.Update: "Update"}
	memberModes = [...]string{mvcc.ForKeyShare: "Key Share", mvcc.ForShare: "Share", mvcc.ForNoKeyUpdate: "For No Key Update",
		mvcc.ForUpdate: "For Update", mvcc.NoKeyUpdate: "No Key Update", mvcc.Update: "Update"}
)

// rowLocks is pgrowlocks(text): the rows of a table that running transactions hold.
func rowLocks(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	rel, err := lockedTable(s, c.Args[0].Str())
	if err != nil {
		return nil, err
	}
	list, err := heap.RowLocks(s.Tx, rel.Heap, s.Tx.CommandID(false))
	if err != nil {
		return nil, err
	}
	pids := map[ids.Xid]int32{}
	for _, r := range s.Server.Locks.Snapshot() {
		if r.Tag.Kind() == locks.KindTransaction && r.Granted && r.Mode == locks.Exclusive {
			pids[r.Tag.Xid()] = r.PID
		}
	}
	var out [][]types.Datum
	for _, l := range list {
		modes := aloneModes[:]
		if l.Multi {
			modes = memberModes[:]
		}
		xids, words, procs := types.Array{Elem: 28}, types.Array{Elem: 25}, types.Array{Elem: 23}
		for _, m := range l.Members {
			xids.Elems = append(xids.Elems, types.Word(uint64(uint32(m.Xid))))
			words.Elems = append(words.Elems, types.String(modes[m.Status]))
			procs.Elems = append(procs.Elems, types.Int(int64(pids[s.Tx.Manager().TopXid(m.Xid)])))
		}
		row := []types.Datum{types.Word(l.TID.Pack()), types.Word(uint64(uint32(l.Xmax))), types.Bool(l.Multi)}
		for _, a := range []*types.Array{&xids, &words, &procs} {
			a.Dims, a.Lbounds = []int32{int32(len(a.Elems))}, []int32{1}
			row = append(row, a.Encode(types.Builtin(a.Elem)))
		}
		out = append(out, row)
	}
	return out, nil
}

// lockedTable opens the table that a text names, which the user must be allowed to read.
func lockedTable(s *session.Session, text string) (*catalog.Relation, error) {
	parts, err := catalog.SplitName(text)
	if err != nil {
		return nil, err
	}
	n := catalog.RelName{Name: parts[len(parts)-1]}
	if len(parts) > 1 {
		n.Schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		n.Catalog = parts[0]
	}
	rel, err := s.Cat.OpenRelation(n, locks.AccessShare, catalog.LockOpts{})
	if err != nil {
		return nil, err
	}
	switch {
	case rel.Kind == 'p':
		return nil, pgerr.New(pgerr.WrongObjectType, "\"%s\" is a partitioned table", rel.Name).WithDetail("Partitioned tables do not contain rows.")
	case rel.Kind != 'r' && rel.Kind != 'm' && rel.Kind != 't' || rel.Heap == nil:
		return nil, pgerr.New(pgerr.WrongObjectType, "\"%s\" is not a table", rel.Name)
	}
	ok, err := s.Cat.HasRelationPrivilege(s.User, rel, catalog.AclSelect)
	if err == nil && !ok {
		if ok, err = s.Cat.HasPrivsOf(s.User, 3377); err == nil && !ok { // pg_stat_scan_tables
			err = pgerr.New(pgerr.InsufficientPrivilege, "permission denied for table %s", rel.Name)
		}
	}
	return rel, err
}
