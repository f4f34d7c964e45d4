package stats

import (
	"time"

	"gompho/internal/ids"
)

// RelID names a table or an index. DB is 0 for shared ones.
type RelID struct{ DB, Rel ids.Oid }

// Time is microseconds since 1970 UTC; 0 is never.
type Time int64

// TimeOf converts a time.
func TimeOf(t time.Time) Time { return Time(t.UnixMicro()) }

// Time converts back; the zero time for never.
func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t))
}

// Relation are the cumulative counters of a table or an index: what pg_stat_all_tables and its kin show. The fields are
// of fixed size because the statistics file holds them as they are.
type Relation struct {
	Scans, Returned, Fetched               int64 // scans begun, rows or entries they gave, rows fetched by address
	Inserted, Updated, Deleted, HotUpdated int64 // attempts, those of aborted transactions too
	Live, Dead                             int64 // estimates of row versions
	ModSinceAnalyze, InsSinceVacuum        int64
	BlocksFetched, BlocksHit               int64

	Vacuums, Autovacuums, Analyzes, Autoanalyzes             int64
	LastVacuum, LastAutovacuum, LastAnalyze, LastAutoanalyze Time
}

// Database are the cumulative counters of a database.
type Database struct {
	Commits, Rollbacks                                   int64
	BlocksFetched, BlocksHit                             int64
	Returned, Fetched, Inserted, Updated, Deleted        int64
	TempFiles, TempBytes, Deadlocks                      int64
	BlkReadNS, BlkWriteNS                                int64 // nanoseconds of reading and writing, with track_io_timing
	Sessions, Abandoned, Fatal, Killed                   int64 // sessions begun; ended by a lost client, an error, an operator
	SessionMicros, ActiveMicros, IdleInTransactionMicros int64
	ChecksumFailures                                     int64
	LastChecksumFailure                                  Time
	ResetAt                                              Time
}

func (d *Database) add(x *Database) {
	d.Commits += x.Commits
	d.Rollbacks += x.Rollbacks
	d.TempFiles += x.TempFiles
	d.TempBytes += x.TempBytes
	d.Deadlocks += x.Deadlocks
	d.BlkReadNS += x.BlkReadNS
	d.BlkWriteNS += x.BlkWriteNS
	d.Sessions += x.Sessions
	d.Abandoned += x.Abandoned
	d.Fatal += x.Fatal
	d.Killed += x.Killed
	d.SessionMicros += x.SessionMicros
	d.ActiveMicros += x.ActiveMicros
	d.IdleInTransactionMicros += x.IdleInTransactionMicros
}

// Server are the cumulative counters of the server as a whole: pg_stat_bgwriter, pg_stat_wal and pg_stat_slru.
type Server struct {
	TimedCheckpoints, RequestedCheckpoints             int64
	CheckpointWriteMicros, CheckpointSyncMicros        int64
	CheckpointBuffers, CleanBuffers, MaxWritten        int64
	BackendBuffers, BackendSyncs, Allocated            int64
	WalRecords, WalImages, WalBytes, WalBuffersFull    int64
	WalWrites, WalSyncs, WalWriteMicros, WalSyncMicros int64
	SLRU                                               [NumSLRU]SLRUCounts
}

// plus adds sign times y.
func (x Server) plus(y *Server, sign int64) Server {
	a, b := x.fields(), y.fields()
	for i := range a {
		*a[i] += sign * *b[i]
	}
	return x
}

// restart makes a part of x the opposite of what live has counted, so that the sum begins with zeros.
func (x *Server) restart(live *Server, part func(*Server) []*int64) {
	b, l := part(x), part(live)
	for i := range b {
		*b[i] = -*l[i]
	}
}

func (x *Server) fields() []*int64 {
	out := append(x.bgwriter(), x.wal()...)
	for l := range x.SLRU {
		out = append(out, x.SLRU[l].fields()...)
	}
	return out
}

func (x *Server) bgwriter() []*int64 {
	return []*int64{&x.TimedCheckpoints, &x.RequestedCheckpoints, &x.CheckpointWriteMicros, &x.CheckpointSyncMicros, &x.CheckpointBuffers,
		&x.CleanBuffers, &x.MaxWritten, &x.BackendBuffers, &x.BackendSyncs, &x.Allocated}
}

func (x *Server) wal() []*int64 {
	return []*int64{&x.WalRecords, &x.WalImages, &x.WalBytes, &x.WalBuffersFull, &x.WalWrites, &x.WalSyncs, &x.WalWriteMicros, &x.WalSyncMicros}
}
