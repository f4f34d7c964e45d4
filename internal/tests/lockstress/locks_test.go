package lockstress

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// lockRow is a row of pg_locks.
type lockRow struct {
	pid      uint32
	kind     string
	tag      string // everything that names the thing
	obj      object // if the model knows it
	mode     int
	granted  bool
	fast     bool
	overdue  bool     // waits for longer than deadlock_timeout
	since    string   // when the wait began
	blockers []uint32 // of pg_blocking_pids
}

func (l lockRow) conflicts(other lockRow) bool {
	return l.tag == other.tag && l.pid != other.pid && modeConflicts[l.mode][other.mode] == 'X'
}

// waits lists who waits for what since when.
func waits(rows []lockRow) (out []string) {
	for _, r := range rows {
		if !r.granted {
			out = append(out, fmt.Sprint(r.pid, r.tag, r.mode, r.since))
		}
	}
	slices.Sort(out)
	return out
}

// observer looks at the server from a connection of its own.
type observer struct {
	conn *pgconn.PgConn
	oids map[string]object // of the tables
}

func (o *observer) query(sql string) [][][]byte {
	results, err := o.conn.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		panic(fmt.Sprintf("%s: %v", sql, err))
	}
	return results[len(results)-1].Rows
}

func (o *observer) value(sql string) string { return string(o.query(sql)[0][0]) }

// locks reads pg_locks without the observer's own rows.
func (o *observer) locks() []lockRow {
	var out []lockRow
	for _, r := range o.query(`select pid, locktype, mode, granted, fastpath, waitstart < clock_timestamp() - 2 * current_setting('deadlock_timeout')::interval,
		case when not granted then pg_blocking_pids(pid) end,
		waitstart, relation, classid, objid, objsubid, database, page, tuple, virtualxid, transactionid
		from pg_locks where pid <> pg_backend_pid()`) {
		pid, _ := strconv.Atoi(string(r[0]))
		l := lockRow{pid: uint32(pid), kind: string(r[1]), mode: slices.Index(modeNames, string(r[2])), granted: string(r[3]) == "t",
			fast: string(r[4]) == "t", overdue: string(r[5]) == "t"}
		for _, f := range strings.FieldsFunc(string(r[6]), func(c rune) bool { return c < '0' || c > '9' }) {
			n, _ := strconv.Atoi(f)
			l.blockers = append(l.blockers, uint32(n))
		}
		l.tag = l.kind
		l.since = string(r[7])
		for _, f := range r[8:] {
			l.tag += "," + string(f)
		}
		switch l.kind {
		case "relation":
			l.obj = o.oids[string(r[8])]
		case "advisory":
			l.obj = object(fmt.Sprintf("advisory %s,%s,%s", r[9], r[10], r[11]))
		}
		out = append(out, l)
	}
	return out
}

// rowLocks reads pgrowlocks of a table: for each process and row the strongest lock, -1 for one that an update took.
func (o *observer) rowLocks(t int) map[uint32]map[object]int {
	words := map[string]int{"For Key Share": 0, "Key Share": 0, "For Share": 1, "Share": 1, "For No Key Update": 2, "No Key Update": 2, "For Update": 3, "Update": 3}
	out := map[uint32]map[object]int{}
	for _, r := range o.query(fmt.Sprintf("select t.id, m.mode, m.pid from pgrowlocks('t%[1]d') p join t%[1]d t on t.ctid = p.locked_row, unnest(p.modes, p.pids) m(mode, pid)", t)) {
		pid, _ := strconv.Atoi(string(r[2]))
		row := object(fmt.Sprintf("t%d/%s", t, r[0]))
		if out[uint32(pid)] == nil {
			out[uint32(pid)] = map[object]int{}
		}
		strength, known := words[string(r[1])]
		if !known {
			panic("pgrowlocks says " + string(r[1]))
		}
		if old, have := out[uint32(pid)][row]; !have || old < strength {
			out[uint32(pid)][row] = strength
		}
	}
	return out
}

// forgotten returns the waiters that nobody keeps waiting, and those for which pg_blocking_pids does not tell the truth.
func forgotten(rows []lockRow) (out []string) {
	blocked := make([]bool, len(rows))
	for changed := true; changed; {
		changed = false
		for i, w := range rows {
			if w.granted || blocked[i] {
				continue
			}
			for j, h := range rows {
				if w.conflicts(h) && (h.granted || blocked[j]) {
					blocked[i], changed = true, true
				}
			}
		}
	}
	for i, w := range rows {
		if w.granted {
			continue
		}
		if !blocked[i] {
			out = append(out, fmt.Sprintf("process %d waits for %s of %s, and nobody blocks it", w.pid, modeNames[w.mode], w.tag))
		}
		for _, h := range rows {
			if h.granted && w.conflicts(h) && !slices.Contains(w.blockers, h.pid) {
				out = append(out, fmt.Sprintf("pg_blocking_pids(%d) is %v without %d, which holds %s of %s", w.pid, w.blockers, h.pid, modeNames[h.mode], h.tag))
			}
		}
		for _, b := range w.blockers {
			if !slices.ContainsFunc(rows, func(h lockRow) bool { return h.pid == b && w.conflicts(h) }) {
				out = append(out, fmt.Sprintf("pg_blocking_pids(%d) has %d, which has nothing of %s that conflicts", w.pid, b, w.tag))
			}
		}
	}
	return out
}

// granted returns conflicting locks that are granted. Locks of the fast path were read before the others, so they are
// compared only at a quiescent point.
func granted(rows []lockRow, quiescent bool) (out []string) {
	for i, a := range rows {
		for _, b := range rows[:i] {
			if a.granted && b.granted && a.conflicts(b) && (quiescent || !a.fast && !b.fast) {
				out = append(out, fmt.Sprintf("%s: process %d holds %s, process %d %s", a.tag, a.pid, modeNames[a.mode], b.pid, modeNames[b.mode]))
			}
		}
	}
	return out
}

// cycle looks for a deadlock of holders: processes of which each waits for what the next holds. nil: none.
func cycle(rows []lockRow) []uint32 {
	edges := map[uint32][]uint32{}
	for _, w := range rows {
		for _, h := range rows {
			if !w.granted && h.granted && w.conflicts(h) {
				edges[w.pid] = append(edges[w.pid], h.pid)
			}
		}
	}
	const open, closed = 1, 2
	state := map[uint32]int{}
	var path []uint32
	var visit func(p uint32) []uint32
	visit = func(p uint32) []uint32 {
		state[p] = open
		path = append(path, p)
		for _, q := range edges[p] {
			if state[q] == open {
				return slices.Clone(path[slices.Index(path, q):])
			}
			if state[q] == 0 {
				if c := visit(q); c != nil {
					return c
				}
			}
		}
		path = path[:len(path)-1]
		state[p] = closed
		return nil
	}
	for p := range edges {
		if state[p] == 0 {
			if c := visit(p); c != nil {
				return c
			}
		}
	}
	return nil
}

// stands reports whether each process of c waits for what the next holds, and whether all have done so for longer than deadlock_timeout.
func stands(c []uint32, rows []lockRow) (there, overdue bool) {
	overdue = true
	for i, pid := range c {
		next := c[(i+1)%len(c)]
		w := slices.IndexFunc(rows, func(r lockRow) bool { return r.pid == pid && !r.granted })
		if w < 0 || !slices.ContainsFunc(rows, func(h lockRow) bool { return h.pid == next && h.granted && rows[w].conflicts(h) }) {
			return false, false
		}
		overdue = overdue && rows[w].overdue
	}
	return true, overdue
}

// excluded returns the modes that a set of modes keeps others from. What commands take besides, weaker than what the model knows, does not show in it.
func excluded(set uint) (out uint) {
	for a := range 8 {
		for b := range 8 {
			if set>>a&1 == 1 && modeConflicts[a][b] == 'X' {
				out |= 1 << b
			}
		}
	}
	return out
}

// compare compares the model with pg_locks, and returns what differs. Caller holds m.mu.
func (m *model) compare(rows []lockRow) (out []string) {
	shown := map[uint32]map[object]uint{}
	other := map[uint32][]string{}
	for _, r := range rows {
		if !r.granted {
			continue
		}
		if r.obj == "" {
			if slices.Contains([]string{"tuple", "extend", "page", "spectoken", "transactionid", "virtualxid"}, r.kind) {
				other[r.pid] = append(other[r.pid], r.tag)
			}
			continue
		}
		if shown[r.pid] == nil {
			shown[r.pid] = map[object]uint{}
		}
		shown[r.pid][r.obj] |= 1 << r.mode
	}
	for _, s := range m.states {
		if s.pid == 0 || s.doomed {
			continue
		}
		have := shown[s.pid]
		modes := s.modes()
		for o, want := range modes {
			if !o.isRow() && excluded(want)&^excluded(have[o]) != 0 {
				out = append(out, fmt.Sprintf("process %d: pg_locks has modes %x of %s, the model %x; last: %s", s.pid, have[o], o, want, s.last))
			}
		}
		if s.busy {
			continue
		}
		for o, set := range have {
			if excluded(set)&^excluded(modes[o]) != 0 {
				out = append(out, fmt.Sprintf("process %d: pg_locks has modes %x of %s, the model only %x; last: %s", s.pid, set, o, modes[o], s.last))
			}
		}
		for _, tag := range other[s.pid] {
			own := strings.HasPrefix(tag, "transactionid") || strings.HasPrefix(tag, "virtualxid")
			if !own || !s.inTx || s.failed {
				out = append(out, fmt.Sprintf("process %d, which waits for its client, holds %s; last: %s", s.pid, tag, s.last))
			}
		}
	}
	return out
}

// compareRows compares the model with pgrowlocks of one table. Caller holds m.mu.
func (m *model) compareRows(t int, shown map[uint32]map[object]int) (out []string) {
	prefix := fmt.Sprintf("t%d/", t)
	for _, s := range m.states {
		if !s.certain() {
			continue
		}
		strength, updated := map[object]int{}, map[object]bool{}
		for _, h := range s.holds {
			if strings.HasPrefix(string(h.obj), prefix) {
				strength[h.obj] = max(strength[h.obj], h.mode)
				updated[h.obj] = updated[h.obj] || h.updated
			}
		}
		for o, want := range strength {
			got, have := shown[s.pid][o]
			// After an update locks are on the new version, which the observer does not see.
			if !have || got != want && !(updated[o] && got >= 2) {
				out = append(out, fmt.Sprintf("process %d: pgrowlocks has strength %d (%v) of %s, the model %d; last: %s", s.pid, got, have, o, want, s.last))
			}
		}
		for o := range shown[s.pid] {
			if _, have := strength[o]; !have {
				out = append(out, fmt.Sprintf("process %d: pgrowlocks has a lock on %s, the model none; last: %s", s.pid, o, s.last))
			}
		}
	}
	return out
}
