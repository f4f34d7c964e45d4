package recovery

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/wal"
)

// TargetKind says by what a recovery target is given.
type TargetKind uint8

const (
	NoTarget  TargetKind = iota // to the end of the log
	Immediate                   // as soon as the files are consistent
	TargetTime
	TargetLSN
	TargetXid
	TargetName // of a restore point
)

// Target says where recovery stops. It is pure: what it decides depends on the records alone.
type Target struct {
	Kind TargetKind
	Time time.Time
	LSN  ids.LSN
	Xid  ids.Xid
	Name string
	// Inclusive: what the target names is replayed, too.
	Inclusive bool
	// Zone is how times are told.
	Zone *time.Location
}

// stop tells that recovery stops, for the log and for the history file of the new timeline.
type stop struct {
	message string // to log
	reason  string // in the history file
}

// String describes the target for the log, as the end of "starting point-in-time recovery to".
func (t *Target) String() string {
	switch t.Kind {
	case Immediate:
		return "earliest consistent point"
	case TargetTime:
		return t.stamp(t.Time)
	case TargetLSN:
		return fmt.Sprintf("WAL location (LSN) %q", t.LSN)
	case TargetXid:
		return fmt.Sprintf("XID %d", t.Xid)
	case TargetName:
		return fmt.Sprintf("%q", t.Name)
	}
	return ""
}

func (t *Target) stamp(at time.Time) string {
	if t.Zone != nil {
		at = at.In(t.Zone)
	}
	return at.Format("2006-01-02 15:04:05.999999-07")
}

// isXid compares with the target; one below 2^32 may be meant without its epoch.
func (t *Target) isXid(x ids.Xid) bool {
	return x == t.Xid || t.Xid <= math.MaxUint32 && uint32(x) == uint32(t.Xid)
}

var immediateStop = stop{"recovery stopping after reaching consistency", "reached consistency"}

// before decides whether recovery stops before a record; consistent says that the files are, up to it.
func (t *Target) before(rec *wal.Record, consistent bool) (stop, bool) {
	switch t.Kind {
	case Immediate:
		if consistent {
			return immediateStop, true
		}
	case TargetLSN:
		if !t.Inclusive && rec.Start >= t.LSN {
			return stop{fmt.Sprintf("recovery stopping before WAL location (LSN) %q", rec.Start), fmt.Sprintf("before LSN %s", rec.Start)}, true
		}
	case TargetXid, TargetTime:
		o, ok := mvcc.DecodeOutcome(rec.Kind, rec.Payload)
		if !ok {
			break
		}
		switch {
		case t.Kind == TargetXid && !t.Inclusive && t.isXid(o.Xid):
			return stop{fmt.Sprintf("recovery stopping before %s of transaction %d, time %s", word(o), o.Xid, t.stamp(o.Time)), fmt.Sprintf("before transaction %d", o.Xid)}, true
		// Several transactions may have the same time: with Inclusive all of them are replayed, else none.
		case t.Kind == TargetTime && (o.Time.After(t.Time) || !t.Inclusive && o.Time.Equal(t.Time)):
			return stop{fmt.Sprintf("recovery stopping before %s of transaction %d, time %s", word(o), o.Xid, t.stamp(o.Time)), "before " + t.stamp(o.Time)}, true
		}
	}
	return stop{}, false
}

// after decides whether recovery stops behind a record that was replayed.
func (t *Target) after(rec *wal.Record, consistent bool) (stop, bool) {
	switch t.Kind {
	case Immediate:
		if consistent {
			return immediateStop, true
		}
	case TargetName:
		if name, at, ok := decodeRestorePoint(rec); ok && name == t.Name {
			return stop{fmt.Sprintf("recovery stopping at restore point %q, time %s", name, t.stamp(at)), fmt.Sprintf("at restore point %q", name)}, true
		}
	case TargetLSN:
		if t.Inclusive && rec.Start >= t.LSN {
			return stop{fmt.Sprintf("recovery stopping after WAL location (LSN) %q", rec.Start), fmt.Sprintf("after LSN %s", rec.Start)}, true
		}
	case TargetXid:
		o, ok := mvcc.DecodeOutcome(rec.Kind, rec.Payload)
		if ok && t.Inclusive && t.isXid(o.Xid) {
			return stop{fmt.Sprintf("recovery stopping after %s of transaction %d, time %s", word(o), o.Xid, t.stamp(o.Time)), fmt.Sprintf("after transaction %d", o.Xid)}, true
		}
	}
	return stop{}, false
}

// decodeRestorePoint reads a record that pg_create_restore_point wrote.
func decodeRestorePoint(rec *wal.Record) (name string, at time.Time, ok bool) {
	if rec.Kind != wal.RestorePoint || len(rec.Payload) < 8 {
		return "", at, false
	}
	return string(rec.Payload[8:]), time.UnixMicro(int64(binary.LittleEndian.Uint64(rec.Payload))), true
}

// word names the kind of end in messages.
func word(o mvcc.Outcome) string {
	w := "abort"
	if o.Committed {
		w = "commit"
	}
	if o.Prepared {
		w += " prepared"
	}
	return w
}
