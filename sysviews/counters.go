package sysviews

import (
	"strconv"

	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/stats"
	"gompho/types"
)

// relationCounters are functions of a table or an index, by what follows pg_stat_get_ in their names.
var relationCounters = map[string]func(r *stats.Relation) int64{
	"numscans":           func(r *stats.Relation) int64 { return r.Scans },
	"tuples_returned":    func(r *stats.Relation) int64 { return r.Returned },
	"tuples_fetched":     func(r *stats.Relation) int64 { return r.Fetched },
	"tuples_inserted":    func(r *stats.Relation) int64 { return r.Inserted },
	"tuples_updated":     func(r *stats.Relation) int64 { return r.Updated },
	"tuples_deleted":     func(r *stats.Relation) int64 { return r.Deleted },
	"tuples_hot_updated": func(r *stats.Relation) int64 { return r.HotUpdated },
	"live_tuples":        func(r *stats.Relation) int64 { return r.Live },
	"dead_tuples":        func(r *stats.Relation) int64 { return r.Dead },
	"mod_since_analyze":  func(r *stats.Relation) int64 { return r.ModSinceAnalyze },
	"ins_since_vacuum":   func(r *stats.Relation) int64 { return r.InsSinceVacuum },
	"blocks_fetched":     func(r *stats.Relation) int64 { return r.BlocksFetched },
	"blocks_hit":         func(r *stats.Relation) int64 { return r.BlocksHit },
	"vacuum_count":       func(r *stats.Relation) int64 { return r.Vacuums },
	"autovacuum_count":   func(r *stats.Relation) int64 { return r.Autovacuums },
	"analyze_count":      func(r *stats.Relation) int64 { return r.Analyzes },
	"autoanalyze_count":  func(r *stats.Relation) int64 { return r.Autoanalyzes },
}

// relationTimes are functions of a table.
var relationTimes = map[string]func(r *stats.Relation) stats.Time{
	"last_vacuum_time":      func(r *stats.Relation) stats.Time { return r.LastVacuum },
	"last_autovacuum_time":  func(r *stats.Relation) stats.Time { return r.LastAutovacuum },
	"last_analyze_time":     func(r *stats.Relation) stats.Time { return r.LastAnalyze },
	"last_autoanalyze_time": func(r *stats.Relation) stats.Time { return r.LastAutoanalyze },
}

// xactCounters are those of relationCounters that exist for the current transaction.
var xactCounters = []string{"numscans", "tuples_returned", "tuples_fetched", "tuples_inserted", "tuples_updated", "tuples_deleted",
	"tuples_hot_updated", "blocks_fetched", "blocks_hit"}

// databaseCounters are functions of a database, by what follows pg_stat_get_db_.
var databaseCounters = map[string]func(d *stats.Database) int64{
	"xact_commit":        func(d *stats.Database) int64 { return d.Commits },
	"xact_rollback":      func(d *stats.Database) int64 { return d.Rollbacks },
	"blocks_fetched":     func(d *stats.Database) int64 { return d.BlocksFetched },
	"blocks_hit":         func(d *stats.Database) int64 { return d.BlocksHit },
	"tuples_returned":    func(d *stats.Database) int64 { return d.Returned },
	"tuples_fetched":     func(d *stats.Database) int64 { return d.Fetched },
	"tuples_inserted":    func(d *stats.Database) int64 { return d.Inserted },
	"tuples_updated":     func(d *stats.Database) int64 { return d.Updated },
	"tuples_deleted":     func(d *stats.Database) int64 { return d.Deleted },
	"temp_files":         func(d *stats.Database) int64 { return d.TempFiles },
	"temp_bytes":         func(d *stats.Database) int64 { return d.TempBytes },
	"deadlocks":          func(d *stats.Database) int64 { return d.Deadlocks },
	"sessions":           func(d *stats.Database) int64 { return d.Sessions },
	"sessions_abandoned": func(d *stats.Database) int64 { return d.Abandoned },
	"sessions_fatal":     func(d *stats.Database) int64 { return d.Fatal },
	"sessions_killed":    func(d *stats.Database) int64 { return d.Killed },
}

// databaseTimes are durations of a database, in microseconds.
var databaseTimes = map[string]func(d *stats.Database) int64{
	"session_time":             func(d *stats.Database) int64 { return d.SessionMicros },
	"active_time":              func(d *stats.Database) int64 { return d.ActiveMicros },
	"idle_in_transaction_time": func(d *stats.Database) int64 { return d.IdleInTransactionMicros },
	"blk_read_time":            func(d *stats.Database) int64 { return d.BlkReadNS / 1000 },
	"blk_write_time":           func(d *stats.Database) int64 { return d.BlkWriteNS / 1000 },
}

// serverCounters are functions of the server, by what follows pg_stat_get_.
var serverCounters = map[string]func(s *stats.Server) int64{
	"bgwriter_timed_checkpoints":       func(s *stats.Server) int64 { return s.TimedCheckpoints },
	"bgwriter_requested_checkpoints":   func(s *stats.Server) int64 { return s.RequestedCheckpoints },
	"bgwriter_buf_written_checkpoints": func(s *stats.Server) int64 { return s.CheckpointBuffers },
	"bgwriter_buf_written_clean":       func(s *stats.Server) int64 { return s.CleanBuffers },
	"bgwriter_maxwritten_clean":        func(s *stats.Server) int64 { return s.MaxWritten },
	"buf_written_backend":              func(s *stats.Server) int64 { return s.BackendBuffers },
	"buf_fsync_backend":                func(s *stats.Server) int64 { return s.BackendSyncs },
	"buf_alloc":                        func(s *stats.Server) int64 { return s.Allocated },
}

// zeroCounters are of things that cannot happen here, without a standby.
var zeroCounters = []string{"db_conflict_all", "db_conflict_bufferpin", "db_conflict_lock", "db_conflict_snapshot", "db_conflict_startup_deadlock",
	"db_conflict_tablespace"}

// nullStats are NULL as long as nothing has happened: there are no functions to count calls of.
var nullStats = []string{"xact_function_calls", "xact_function_self_time", "xact_function_total_time"}

func counterEntries() []functions.Entry {
	const prefix = "pg_stat_get_"
	var out []functions.Entry
	add := func(name string, f func(s *session.Session, c *functions.Call) (types.Datum, error)) {
		out = append(out, functions.Entry{Name: name, Scalar: in(f)})
	}
	for n, f := range relationCounters {
		add(prefix+n, ofRelation(func(r *stats.Relation) types.Datum { return types.Int(f(r)) }))
	}
	for n, f := range relationTimes {
		add(prefix+n, ofRelation(func(r *stats.Relation) types.Datum { return timestamp(f(r).Time()) }))
	}
	for _, n := range xactCounters {
		f := relationCounters[n]
		add(prefix+"xact_"+n, func(s *session.Session, c *functions.Call) (types.Datum, error) {
			mine, shared := relationIDs(s, c.Args[0].Oid())
			r := s.Slot.Counters().Xact(mine)
			if r == (stats.Relation{}) {
				r = s.Slot.Counters().Xact(shared)
			}
			return types.Int(f(&r)), nil
		})
	}
	for n, f := range databaseCounters {
		add(prefix+"db_"+n, ofDatabase(func(d *stats.Database) types.Datum { return types.Int(f(d)) }))
	}
	for n, f := range databaseTimes {
		add(prefix+"db_"+n, ofDatabase(func(d *stats.Database) types.Datum { return types.Float(float64(f(d)) / 1000) }))
	}
	add(prefix+"db_checksum_failures", ofDatabase(func(d *stats.Database) types.Datum { return types.Int(d.ChecksumFailures) }))
	add(prefix+"db_checksum_last_failure", ofDatabase(func(d *stats.Database) types.Datum { return timestamp(d.LastChecksumFailure.Time()) }))
	add(prefix+"db_stat_reset_time", ofDatabase(func(d *stats.Database) types.Datum { return timestamp(d.ResetAt.Time()) }))
	return append(append(out, serverCounterEntries()...), noCounterEntries()...)
}

// relationIDs returns under which ids the counters of a relation may be: its own database, or none for a shared one.
func relationIDs(s *session.Session, oid ids.Oid) (mine, shared stats.RelID) {
	return stats.RelID{DB: s.DB, Rel: oid}, stats.RelID{Rel: oid}
}

// counters returns the session's way to the cumulative counters, as stats_fetch_consistency says.
func counters(s *session.Session) *stats.Pending {
	p := s.Slot.Counters()
	p.Look(stats.ConsistencyNamed(s.Settings.Get("stats_fetch_consistency").Text), s.Slot.Activity.Serial())
	return p
}

func ofRelation(f func(*stats.Relation) types.Datum) func(*session.Session, *functions.Call) (types.Datum, error) {
	return func(s *session.Session, c *functions.Call) (types.Datum, error) {
		r, _ := counters(s).SeeRelation(relationIDs(s, c.Args[0].Oid()))
		return f(&r), nil
	}
}

func ofDatabase(f func(*stats.Database) types.Datum) func(*session.Session, *functions.Call) (types.Datum, error) {
	return func(s *session.Session, c *functions.Call) (types.Datum, error) {
		d := counters(s).SeeDatabase(c.Args[0].Oid())
		return f(&d), nil
	}
}

func serverCounterEntries() []functions.Entry {
	var out []functions.Entry
	add := func(name string, f func(s *session.Session, c *functions.Call) (types.Datum, error)) {
		out = append(out, functions.Entry{Name: "pg_stat_get_" + name, Scalar: in(f)})
	}
	for n, f := range serverCounters {
		add(n, func(s *session.Session, _ *functions.Call) (types.Datum, error) {
			return types.Int(f(&counters(s).SeeFixed(stats.KindBgwriter).Server)), nil
		})
	}
	add("checkpoint_write_time", func(s *session.Session, _ *functions.Call) (types.Datum, error) {
		c := counters(s).SeeFixed(stats.KindBgwriter)
		return types.Float(float64(c.CheckpointWriteMicros) / 1000), nil
	})
	add("checkpoint_sync_time", func(s *session.Session, _ *functions.Call) (types.Datum, error) {
		c := counters(s).SeeFixed(stats.KindBgwriter)
		return types.Float(float64(c.CheckpointSyncMicros) / 1000), nil
	})
	add("bgwriter_stat_reset_time", func(s *session.Session, _ *functions.Call) (types.Datum, error) {
		return timestamp(counters(s).SeeFixed(stats.KindBgwriter).ResetAt[stats.KindBgwriter].Time()), nil
	})
	add("snapshot_timestamp", func(s *session.Session, _ *functions.Call) (types.Datum, error) {
		return timestamp(s.Slot.Counters().SnapshotTime()), nil
	})
	out = append(out, functions.Entry{Name: "pg_stat_get_wal", Set: setOf(walRow)})
	for n, f := range resets {
		out = append(out, functions.Entry{Name: n, Scalar: in(func(s *session.Session, c *functions.Call) (types.Datum, error) { return void, f(s, c) })})
	}
	return append(out, functions.Entry{Name: "pg_stat_have_stats", Scalar: in(haveStats)})
}

// walRow is the row of pg_stat_wal.
func walRow(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	c := counters(s).SeeFixed(stats.KindWAL)
	at := c.ResetAt[stats.KindWAL]
	bytes, err := types.Input(types.DefaultEnv, types.Builtin(1700), strconv.FormatInt(c.WalBytes, 10), -1)
	return [][]types.Datum{{types.Int(c.WalRecords), types.Int(c.WalImages), bytes, types.Int(c.WalBuffersFull), types.Int(c.WalWrites),
		types.Int(c.WalSyncs), types.Float(float64(c.WalWriteMicros) / 1000), types.Float(float64(c.WalSyncMicros) / 1000), timestamp(at.Time())}}, err
}

// resets are the functions that change the statistics, by name.
var resets = map[string]func(s *session.Session, c *functions.Call) error{
	"pg_stat_reset": func(s *session.Session, _ *functions.Call) error {
		s.Stats.Reset(s.DB)
		return nil
	},
	"pg_stat_reset_single_table_counters": func(s *session.Session, c *functions.Call) error {
		mine, shared := relationIDs(s, c.Args[0].Oid())
		if _, ok := s.Stats.Relation(mine); !ok {
			mine = shared
		}
		s.Stats.ResetRelation(mine, s.DB)
		return nil
	},
	"pg_stat_reset_shared": func(s *session.Session, c *functions.Call) error {
		switch target := c.Args[0].Str(); target {
		case "bgwriter":
			s.Stats.ResetBgwriter()
		case "wal":
			s.Stats.ResetWal()
		case "archiver":
			s.Stats.ResetArchiver()
		case "recovery_prefetch":
			s.Stats.ResetPrefetch()
		default:
			return pgerr.New(pgerr.InvalidParameterValue, "unrecognized reset target: \"%s\"", target).
				WithHint("Target must be \"archiver\", \"bgwriter\", \"recovery_prefetch\", or \"wal\".")
		}
		return nil
	},
	"pg_stat_reset_slru": func(s *session.Session, c *functions.Call) error {
		l := stats.SLRU(-1)
		if !c.Args[0].IsNull() {
			l = stats.SLRUNamed(c.Args[0].Str())
		}
		s.Stats.ResetSLRU(l)
		return nil
	},
	// There are no functions with counters, no replication slots and no subscriptions: only the words are checked.
	"pg_stat_reset_single_function_counters": func(*session.Session, *functions.Call) error { return nil },
	"pg_stat_reset_replication_slot": func(_ *session.Session, c *functions.Call) error {
		if c.Args[0].IsNull() {
			return nil
		}
		return pgerr.New(pgerr.InvalidParameterValue, "replication slot \"%s\" does not exist", c.Args[0].Str())
	},
	"pg_stat_reset_subscription_stats": func(_ *session.Session, c *functions.Call) error {
		if !c.Args[0].IsNull() && c.Args[0].Oid() == 0 {
			return pgerr.New(pgerr.InvalidParameterValue, "invalid subscription OID 0")
		}
		return nil
	},
	"pg_stat_clear_snapshot": func(s *session.Session, _ *functions.Call) error {
		s.Slot.Counters().ClearSnapshot()
		return nil
	},
	"pg_stat_force_next_flush": func(s *session.Session, _ *functions.Call) error {
		s.Slot.Counters().ForceNextFlush()
		return nil
	},
}

// haveStats is pg_stat_have_stats(kind, database, object).
func haveStats(s *session.Session, c *functions.Call) (types.Datum, error) {
	ok := false
	switch kind := c.Args[0].Str(); kind {
	case "relation":
		id := stats.RelID{DB: c.Args[1].Oid(), Rel: c.Args[2].Oid()}
		_, ok = s.Stats.Relation(id)
		ok = ok || s.Slot.Counters().Xact(id) != stats.Relation{}
	case "database":
		_, ok = s.Stats.Database(c.Args[1].Oid())
	case "archiver", "bgwriter", "checkpointer", "slru", "wal":
		ok = true
	case "function", "replslot", "subscription":
	default:
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "invalid statistics kind: \"%s\"", kind)
	}
	return types.Bool(ok), nil
}

// noCounterEntries are the functions of what is not counted.
func noCounterEntries() []functions.Entry {
	var out []functions.Entry
	all := func(names []string, v types.Datum) {
		for _, n := range names {
			out = append(out, functions.Entry{Name: "pg_stat_get_" + n, Scalar: func(*functions.Call) (types.Datum, error) { return v, nil }})
		}
	}
	all(zeroCounters, types.Int(0))
	all(nullStats, types.Null)
	for _, n := range []string{"calls", "self_time", "total_time"} { // a look, though there is nothing to be seen
		out = append(out, functions.Entry{Name: "pg_stat_get_function_" + n, Scalar: in(func(s *session.Session, _ *functions.Call) (types.Datum, error) {
			counters(s)
			return types.Null, nil
		})})
	}
	for _, n := range []string{"pg_stat_get_wal_senders", "pg_stat_get_wal_receiver", "pg_get_replication_slots", "pg_stat_get_subscription",
		"pg_show_replication_origin_status"} {
		out = append(out, functions.Entry{Name: n, Set: noRows})
	}
	return append(out,
		functions.Entry{Name: "pg_stat_get_recovery_prefetch", Set: setOf(prefetchRow)},
		functions.Entry{Name: "pg_stat_get_replication_slot", Set: zerosOf(9)},
		functions.Entry{Name: "pg_stat_get_subscription_stats", Set: zerosOf(3)},
		functions.Entry{Name: "pg_stat_get_slru", Set: setOf(slruRows)},
	)
}

// prefetchRow is the row of pg_stat_recovery_prefetch: recovery does not read ahead.
func prefetchRow(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	row := []types.Datum{timestamp(counters(s).SeeFixed(stats.KindPrefetch).ResetAt[stats.KindPrefetch].Time())}
	for range 9 {
		row = append(row, types.Int(0))
	}
	return [][]types.Datum{row}, nil
}

// zerosOf makes the counters of an object that nothing is known of: its name or number, zeros, and no time of a reset; n columns in all after the name.
func zerosOf(n int) functions.SetFunc {
	return func(c *functions.Call) (functions.RowSource, error) {
		row := []types.Datum{c.Args[0]}
		for range n - 1 {
			row = append(row, types.Int(0))
		}
		return oneRow(append(row, types.Null)...), nil
	}
}

// slruRows are the rows of pg_stat_slru.
func slruRows(s *session.Session, _ *functions.Call) ([][]types.Datum, error) {
	out := make([][]types.Datum, stats.NumSLRU)
	all := counters(s).SeeFixed(stats.KindSLRU)
	for l := range stats.NumSLRU {
		c := &all.SLRU[l]
		out[l] = []types.Datum{types.String(l.String()), types.Int(c.Zeroed), types.Int(c.Hit), types.Int(c.Read), types.Int(c.Written),
			types.Int(c.Exists), types.Int(c.Flushes), types.Int(c.Truncates), timestamp(all.SLRUReset[l].Time())}
	}
	return out, nil
}
