package crash

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"gompho/storage/vfs"
	"gompho/wal"
)

// part is a part of the cluster's files whose I/O calls are counted for themselves.
type part string

// parts lists directories of the data directory with the part that they belong to; other files are "other".
var parts = map[string]part{"pg_wal": "wal", "base": "relation", "global": "relation", "pg_xact": "clog", "pg_multixact": "multixact", "pg_twophase": "twophase",
	"pg_stat": "stats", "pg_subtrans": "other"}

func partOf(name string) part {
	rel := strings.TrimPrefix(strings.TrimPrefix(name, dataDir), "/")
	dir, file, _ := strings.Cut(rel, "/")
	if strings.HasSuffix(rel, "pg_control") {
		return "control"
	}
	p, ok := parts[dir]
	switch {
	case !ok:
		return "other"
	case p == "relation" && strings.HasSuffix(file, "_fsm"), p == "relation" && strings.HasSuffix(file, "_vm"), p == "relation" && strings.HasSuffix(file, "_init"):
		return "fork"
	}
	return p
}

// aim says at which I/O calls the power may fail. Any call that changes something when kind is any.
type aim struct {
	kind vfs.OpKind
	part part // empty: every part
}

const anyChange = vfs.OpKind(255)

func (a aim) meets(op vfs.FaultOp) bool {
	if a.kind != anyChange {
		return op.Kind == a.kind && (a.part == "" || a.part == partOf(op.Name))
	}
	switch op.Kind {
	case vfs.OpRead, vfs.OpStat, vfs.OpReadDir, vfs.OpLock, vfs.OpOpen:
		return false
	}
	return true
}

// aims are those that a round draws from, with the greatest number of the call that is hit. The numbers follow how often the calls come.
var aims = []struct {
	aim
	most int64
}{
	{aim{vfs.OpWrite, "wal"}, 300}, {aim{vfs.OpWrite, "relation"}, 300}, {aim{vfs.OpWrite, "fork"}, 60}, {aim{vfs.OpWrite, "clog"}, 12},
	{aim{vfs.OpWrite, "multixact"}, 4}, {aim{vfs.OpWrite, "control"}, 12}, {aim{vfs.OpWrite, "twophase"}, 4}, {aim{vfs.OpWrite, "other"}, 20}, {aim{vfs.OpWrite, "stats"}, 1},
	{aim{vfs.OpSync, "wal"}, 100}, {aim{vfs.OpSync, "relation"}, 100}, {aim{vfs.OpSync, "fork"}, 20}, {aim{vfs.OpSync, "clog"}, 6}, {aim{vfs.OpSync, "multixact"}, 3},
	{aim{vfs.OpSync, "control"}, 8}, {aim{vfs.OpSync, "twophase"}, 2}, {aim{vfs.OpSync, "other"}, 12}, {aim{vfs.OpSyncDir, ""}, 30},
	{aim{vfs.OpTruncate, "relation"}, 12}, {aim{vfs.OpTruncate, ""}, 30}, {aim{vfs.OpRename, "wal"}, 6}, {aim{vfs.OpRename, ""}, 8},
	{aim{vfs.OpRemove, "relation"}, 30}, {aim{vfs.OpRemove, "wal"}, 4}, {aim{vfs.OpRemove, ""}, 40}, {aim{vfs.OpMkdir, ""}, 12},
	{aim{vfs.OpOpen, "relation"}, 300}, {aim{vfs.OpOpen, "wal"}, 12}, {aim{vfs.OpOpen, ""}, 300}, {aim{vfs.OpRead, "relation"}, 600}, {aim{vfs.OpRead, "wal"}, 30},
	{aim{vfs.OpRead, ""}, 300}, {aim{vfs.OpStat, ""}, 40}, {aim{vfs.OpReadDir, ""}, 12},
}

// drawAim draws where the power fails, and at the how manieth such call.
func drawAim(rnd *rand.Rand) (aim, int64) {
	if rnd.IntN(2) == 0 {
		return aim{kind: anyChange}, 1 + rnd.Int64N([]int64{10, 100, 600, 3000}[rnd.IntN(4)])
	}
	a := aims[rnd.IntN(len(aims))]
	if rnd.IntN(2) == 0 { // the first calls happen in recovery
		return a.aim, 1 + rnd.Int64N(min(a.most, 8))
	}
	return a.aim, 1 + rnd.Int64N(a.most)
}

// power counts the I/O calls that it aims at and cuts all off at one of them.
type power struct {
	aim   aim
	left  atomic.Int64
	off   atomic.Bool
	short int
	unit  int // bytes that storage keeps whole
	hit   atomic.Bool
	cut   vfs.FaultOp // the first call that failed; set before hit
}

var errPower = errors.New("power failure")

func (p *power) policy(op vfs.FaultOp) error {
	if p.off.Load() {
		return errPower
	}
	if !p.aim.meets(op) {
		return nil
	}
	switch n := p.left.Add(-1); {
	case n > 0:
		if n%5 == 0 {
			runtime.Gosched()
		}
		return nil
	case n < 0:
		return errPower
	}
	p.cut = op
	p.hit.Store(true)
	p.off.Store(true)
	if op.Kind == vfs.OpWrite && p.short < op.Len {
		short := p.short
		if partOf(op.Name) != "wal" {
			short -= short % p.unit // storage keeps sectors whole: the checksums of the commit log rely on it
		}
		return &vfs.ShortWrite{Short: short, Err: errPower}
	}
	return errPower
}

// tally counts the crashes of a run by what they hit.
type tally struct {
	mu    sync.Mutex
	calls map[string]int // "write wal"
	when  map[string]int
	done  map[string]int // statements that succeeded, by kind
	// redone counts the records of the log that were replayed, last those that were the last of a log.
	redone, last map[wal.Kind]int
}

func newTally() *tally {
	return &tally{calls: map[string]int{}, when: map[string]int{}, done: map[string]int{}, redone: map[wal.Kind]int{}, last: map[wal.Kind]int{}}
}

// kinds are the statements that are counted, by the words that make them out; the first that fits counts.
var kinds = []string{"attach partition", "detach partition", "create index concurrently", "drop index concurrently", "reindex table concurrently", "reindex table pg_", "vacuum full pg_", "reindex table",
	"create unique index", "create index", "drop index", "partition by range", "partition of", "create unlogged table", "create temp", "create table", "drop table", "create view",
	"truncate", "add column", "alter column", "drop column", "add constraint", "alter sequence", "setval", "nextval", "vacuum (full", "vacuum full", "vacuum (freeze", "vacuum",
	"analyze", "cluster", "checkpoint", "copy", "insert into fk", "delete from fk", "update fk", "on conflict", "set id =", "insert", "update", "delete", "for key share",
	"for share", "for no key", "for update", "savepoint", "rollback to", "release", "prepare transaction", "commit prepared", "rollback prepared", "create database",
	"drop database", "pg_switch_wal", "pg_create_restore_point", "pg_backup_start", "pg_backup_stop", "commit", "rollback"}

func (t *tally) statement(sql string) {
	for _, k := range kinds {
		if strings.Contains(sql, k) {
			t.mu.Lock()
			t.done[k]++
			t.mu.Unlock()
			return
		}
	}
}

func (t *tally) add(p *power, when string) {
	what := "between calls"
	if p.hit.Load() {
		what = p.cut.Kind.String() + " " + string(partOf(p.cut.Name))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls[what]++
	t.when[when]++
}

func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return list(t.when) + "\nby call: " + list(t.calls) + "\nstatements that succeeded: " + list(t.done) +
		"\nrecords replayed after a crash: " + list(t.redone) + "\nthe last record of a log: " + list(t.last)
}

func list[K cmp.Ordered](m map[K]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%v %d", k, m[k]))
	}
	return strings.Join(out, ", ")
}

// replayed counts what a recovery has replayed.
func (t *tally) replayed(kinds []wal.Kind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range kinds {
		t.redone[k]++
	}
	if len(kinds) > 0 {
		t.last[kinds[len(kinds)-1]]++
	}
}
