package sysviews

import (
	"gompho/functions"
	"gompho/session"
	"gompho/types"
)

// zeroCounters are bigint counters of tables, databases, functions and workers that are not kept: zero, as without activity.
var zeroCounters = []string{
	"numscans", "tuples_returned", "tuples_fetched", "tuples_inserted", "tuples_updated", "tuples_deleted", "tuples_hot_updated",
	"mod_since_analyze", "ins_since_vacuum", "blocks_fetched", "blocks_hit", "vacuum_count",
	"autovacuum_count", "analyze_count", "autoanalyze_count", "db_xact_commit", "db_xact_rollback", "db_blocks_fetched",
	"db_blocks_hit", "db_tuples_returned", "db_tuples_fetched", "db_tuples_inserted", "db_tuples_updated", "db_tuples_deleted",
	"db_conflict_all", "db_conflict_bufferpin", "db_conflict_lock", "db_conflict_snapshot", "db_conflict_startup_deadlock",
	"db_conflict_tablespace", "db_deadlocks", "db_temp_bytes", "db_temp_files", "db_sessions", "db_sessions_abandoned",
	"db_sessions_fatal", "db_sessions_killed", "bgwriter_buf_written_checkpoints", "bgwriter_buf_written_clean",
	"bgwriter_maxwritten_clean", "bgwriter_requested_checkpoints", "bgwriter_timed_checkpoints", "buf_alloc", "buf_fsync_backend",
	"buf_written_backend", "xact_blocks_fetched", "xact_blocks_hit", "xact_numscans", "xact_tuples_deleted", "xact_tuples_fetched",
	"xact_tuples_hot_updated", "xact_tuples_inserted", "xact_tuples_returned", "xact_tuples_updated",
}

// zeroTimes are durations that are not kept.
var zeroTimes = []string{"checkpoint_sync_time", "checkpoint_write_time", "db_active_time", "db_blk_read_time", "db_blk_write_time",
	"db_idle_in_transaction_time", "db_session_time"}

// nullStats are values that are NULL as long as nothing has happened.
var nullStats = []string{"bgwriter_stat_reset_time", "db_stat_reset_time", "db_checksum_failures", "db_checksum_last_failure",
	"last_analyze_time", "last_autoanalyze_time", "last_autovacuum_time", "last_vacuum_time", "function_calls", "function_self_time",
	"function_total_time", "xact_function_calls", "xact_function_self_time", "xact_function_total_time", "snapshot_timestamp"}

func counterEntries() []functions.Entry {
	const prefix = "pg_stat_get_"
	var out []functions.Entry
	all := func(names []string, v types.Datum) {
		for _, n := range names {
			out = append(out, functions.Entry{Name: prefix + n, Scalar: func(*functions.Call) (types.Datum, error) { return v, nil }})
		}
	}
	all(zeroCounters, types.Int(0))
	all(zeroTimes, types.Float(0))
	all(nullStats, types.Null)
	for _, n := range []string{"pg_stat_reset", "pg_stat_reset_shared", "pg_stat_reset_single_table_counters", "pg_stat_reset_slru",
		"pg_stat_reset_single_function_counters", "pg_stat_reset_replication_slot", "pg_stat_reset_subscription_stats",
		"pg_stat_clear_snapshot", "pg_stat_force_next_flush"} {
		out = append(out, functions.Entry{Name: n, Scalar: func(*functions.Call) (types.Datum, error) { return void, nil }})
	}
	for _, n := range []string{"pg_stat_get_wal_senders", "pg_stat_get_wal_receiver", "pg_get_replication_slots", "pg_stat_get_subscription",
		"pg_stat_get_progress_info", "pg_stat_get_replication_slot", "pg_show_replication_origin_status", "pg_stat_get_subscription_stats"} {
		out = append(out, functions.Entry{Name: n, Set: noRows})
	}
	return append(out,
		functions.Entry{Name: "pg_stat_get_live_tuples", Scalar: in(liveTuples)},
		functions.Entry{Name: "pg_stat_get_dead_tuples", Scalar: func(*functions.Call) (types.Datum, error) { return types.Int(0), nil }},
		functions.Entry{Name: "pg_stat_have_stats", Scalar: func(*functions.Call) (types.Datum, error) { return types.Bool(false), nil }},
		functions.Entry{Name: "pg_stat_get_archiver", Set: zeroRow("ittittt")},
		functions.Entry{Name: "pg_stat_get_wal", Set: zeroRow("iiniiifft")},
		functions.Entry{Name: "pg_stat_get_recovery_prefetch", Set: zeroRow("tiiiiiiiii")},
		functions.Entry{Name: "pg_stat_get_slru", Set: slruRows},
	)
}

// liveTuples is what VACUUM or ANALYZE has last counted.
func liveTuples(s *session.Session, c *functions.Call) (types.Datum, error) {
	r, err := s.Cat.Relation(c.Args[0].Oid())
	if r == nil || err != nil || r.Tuples < 0 {
		return types.Int(0), err
	}
	return types.Int(int64(r.Tuples)), nil
}

// zeroRow makes one row of zeros: i bigint, f double precision, n numeric, t NULL.
func zeroRow(shape string) functions.SetFunc {
	return func(*functions.Call) (functions.RowSource, error) {
		v := make([]types.Datum, len(shape))
		for i := range v {
			switch shape[i] {
			case 'i':
				v[i] = types.Int(0)
			case 'f':
				v[i] = types.Float(0)
			case 'n':
				d, err := types.Input(types.DefaultEnv, types.Builtin(1700), "0", -1)
				if err != nil {
					return nil, err
				}
				v[i] = d
			default:
				v[i] = types.Null
			}
		}
		return oneRow(v...), nil
	}
}

func slruRows(*functions.Call) (functions.RowSource, error) {
	out := &rows{}
	for _, n := range []string{"CommitTs", "MultiXactMember", "MultiXactOffset", "Notify", "Serial", "Subtrans", "Xact", "other"} {
		v := []types.Datum{types.String(n)}
		for range 7 {
			v = append(v, types.Int(0))
		}
		out.list = append(out.list, append(v, types.Null))
	}
	return out, nil
}
