package sysviews

import (
	"math"
	"strconv"
	"time"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/session"
	"gompho/storage/control"
	"gompho/types"
	"gompho/wal"
)

// controlVersion is what pg_control_version shows: that of PostgreSQL 15, whose facts the functions present.
const (
	controlVersion = 1300
	catalogVersion = 202209061
)

// controlEntries are the functions that show the control file.
func controlEntries() []functions.Entry {
	row := func(name string, f func(d *control.Data) []types.Datum) functions.Entry {
		return functions.Entry{Name: name, Set: setOf(func(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
			d := s.Ops.Control()
			return [][]types.Datum{f(&d)}, nil
		})}
	}
	return []functions.Entry{row("pg_control_system", controlSystem), row("pg_control_checkpoint", controlCheckpoint),
		row("pg_control_recovery", controlRecovery), row("pg_control_init", controlInit)}
}

func lsnDatum(l ids.LSN) types.Datum { return types.Word(uint64(l)) }

func controlSystem(d *control.Data) []types.Datum {
	return []types.Datum{types.Int(controlVersion), types.Int(catalogVersion), types.Int(int64(d.SystemID)), timestamp(time.Unix(d.Time, 0))}
}

func controlCheckpoint(d *control.Data) []types.Datum {
	c := &d.Checkpoint
	xid := func(x uint64) types.Datum { return types.Word(x & math.MaxUint32) }
	next := strconv.FormatUint(uint64(c.NextXid)>>32, 10) + ":" + strconv.FormatUint(uint64(c.NextXid)&math.MaxUint32, 10)
	return []types.Datum{lsnDatum(d.CheckpointAt), lsnDatum(c.Redo), types.String(wal.SegmentName(c.Timeline, uint64(c.Redo)/uint64(d.SegmentSize), int(d.SegmentSize))),
		types.Int(int64(c.Timeline)), types.Int(int64(c.PrevTimeline)), types.Bool(c.FullPageWrites), types.String(next), types.Word(uint64(c.NextOid)),
		xid(uint64(c.NextMulti)), xid(c.NextMultiOffset), xid(uint64(c.OldestXid)), types.Word(uint64(c.OldestXidDB)), xid(uint64(c.OldestActiveXid)),
		xid(uint64(c.OldestMulti)), types.Word(uint64(c.OldestMultiDB)), xid(0), xid(0), timestamp(time.Unix(c.Time, 0))}
}

func controlRecovery(d *control.Data) []types.Datum {
	return []types.Datum{lsnDatum(d.MinRecovery), types.Int(int64(d.MinRecoveryTimeline)), lsnDatum(d.BackupStart), lsnDatum(0), types.Bool(d.BackupEndRequired)}
}

// controlInit is what was fixed when the cluster was made: alignment, block size, blocks per file, log block and segment size, lengths of names, keys,
// out-of-line pieces and of large objects' pages, float8 by value, checksums.
func controlInit(d *control.Data) []types.Datum {
	sums := int64(0)
	if d.Checksums {
		sums = 1
	}
	return []types.Datum{types.Int(8), types.Int(int64(d.BlockSize)), types.Int(131072), types.Int(8192), types.Int(int64(d.SegmentSize)), types.Int(64),
		types.Int(32), types.Int(1996), types.Int(2048), types.Bool(true), types.Int(sums)}
}
