-- Counters of databases and of the server's own processes, and the progress of long commands.

CREATE VIEW pg_stat_database AS
SELECT d.oid AS datid, d.datname,
       CASE WHEN d.oid = 0 THEN 0 ELSE pg_stat_get_db_numbackends(d.oid) END AS numbackends,
       pg_stat_get_db_xact_commit(d.oid) AS xact_commit, pg_stat_get_db_xact_rollback(d.oid) AS xact_rollback,
       pg_stat_get_db_blocks_fetched(d.oid) - pg_stat_get_db_blocks_hit(d.oid) AS blks_read,
       pg_stat_get_db_blocks_hit(d.oid) AS blks_hit, pg_stat_get_db_tuples_returned(d.oid) AS tup_returned,
       pg_stat_get_db_tuples_fetched(d.oid) AS tup_fetched, pg_stat_get_db_tuples_inserted(d.oid) AS tup_inserted,
       pg_stat_get_db_tuples_updated(d.oid) AS tup_updated, pg_stat_get_db_tuples_deleted(d.oid) AS tup_deleted,
       pg_stat_get_db_conflict_all(d.oid) AS conflicts, pg_stat_get_db_temp_files(d.oid) AS temp_files,
       pg_stat_get_db_temp_bytes(d.oid) AS temp_bytes, pg_stat_get_db_deadlocks(d.oid) AS deadlocks,
       pg_stat_get_db_checksum_failures(d.oid) AS checksum_failures,
       pg_stat_get_db_checksum_last_failure(d.oid) AS checksum_last_failure,
       pg_stat_get_db_blk_read_time(d.oid) AS blk_read_time, pg_stat_get_db_blk_write_time(d.oid) AS blk_write_time,
       pg_stat_get_db_session_time(d.oid) AS session_time, pg_stat_get_db_active_time(d.oid) AS active_time,
       pg_stat_get_db_idle_in_transaction_time(d.oid) AS idle_in_transaction_time,
       pg_stat_get_db_sessions(d.oid) AS sessions, pg_stat_get_db_sessions_abandoned(d.oid) AS sessions_abandoned,
       pg_stat_get_db_sessions_fatal(d.oid) AS sessions_fatal, pg_stat_get_db_sessions_killed(d.oid) AS sessions_killed,
       pg_stat_get_db_stat_reset_time(d.oid) AS stats_reset
FROM (SELECT 0::oid AS oid, NULL::name AS datname UNION ALL SELECT oid, datname FROM pg_database) d;

CREATE VIEW pg_stat_database_conflicts AS
SELECT d.oid AS datid, d.datname, pg_stat_get_db_conflict_tablespace(d.oid) AS confl_tablespace,
       pg_stat_get_db_conflict_lock(d.oid) AS confl_lock, pg_stat_get_db_conflict_snapshot(d.oid) AS confl_snapshot,
       pg_stat_get_db_conflict_bufferpin(d.oid) AS confl_bufferpin,
       pg_stat_get_db_conflict_startup_deadlock(d.oid) AS confl_deadlock
FROM pg_database d;

CREATE VIEW pg_stat_archiver AS SELECT * FROM pg_stat_get_archiver();

CREATE VIEW pg_stat_bgwriter AS
SELECT pg_stat_get_bgwriter_timed_checkpoints() AS checkpoints_timed,
       pg_stat_get_bgwriter_requested_checkpoints() AS checkpoints_req,
       pg_stat_get_checkpoint_write_time() AS checkpoint_write_time,
       pg_stat_get_checkpoint_sync_time() AS checkpoint_sync_time,
       pg_stat_get_bgwriter_buf_written_checkpoints() AS buffers_checkpoint,
       pg_stat_get_bgwriter_buf_written_clean() AS buffers_clean,
       pg_stat_get_bgwriter_maxwritten_clean() AS maxwritten_clean,
       pg_stat_get_buf_written_backend() AS buffers_backend, pg_stat_get_buf_fsync_backend() AS buffers_backend_fsync,
       pg_stat_get_buf_alloc() AS buffers_alloc, pg_stat_get_bgwriter_stat_reset_time() AS stats_reset;

CREATE VIEW pg_stat_wal AS SELECT * FROM pg_stat_get_wal();

CREATE VIEW pg_stat_progress_analyze AS
SELECT p.pid, p.datid, d.datname, p.relid,
       CASE p.param1 WHEN 0 THEN 'initializing' WHEN 1 THEN 'acquiring sample rows'
            WHEN 2 THEN 'acquiring inherited sample rows' WHEN 3 THEN 'computing statistics'
            WHEN 4 THEN 'computing extended statistics' WHEN 5 THEN 'finalizing analyze' END AS phase,
       p.param2 AS sample_blks_total, p.param3 AS sample_blks_scanned, p.param4 AS ext_stats_total,
       p.param5 AS ext_stats_computed, p.param6 AS child_tables_total, p.param7 AS child_tables_done,
       p.param8::oid AS current_child_table_relid
FROM pg_stat_get_progress_info('ANALYZE') p LEFT JOIN pg_database d ON d.oid = p.datid;

CREATE VIEW pg_stat_progress_vacuum AS
SELECT p.pid, p.datid, d.datname, p.relid,
       CASE p.param1 WHEN 0 THEN 'initializing' WHEN 1 THEN 'scanning heap' WHEN 2 THEN 'vacuuming indexes'
            WHEN 3 THEN 'vacuuming heap' WHEN 4 THEN 'cleaning up indexes' WHEN 5 THEN 'truncating heap'
            WHEN 6 THEN 'performing final cleanup' END AS phase,
       p.param2 AS heap_blks_total, p.param3 AS heap_blks_scanned, p.param4 AS heap_blks_vacuumed,
       p.param5 AS index_vacuum_count, p.param6 AS max_dead_tuples, p.param7 AS num_dead_tuples
FROM pg_stat_get_progress_info('VACUUM') p LEFT JOIN pg_database d ON d.oid = p.datid;

CREATE VIEW pg_stat_progress_cluster AS
SELECT p.pid, p.datid, d.datname, p.relid,
       CASE p.param1 WHEN 1 THEN 'CLUSTER' WHEN 2 THEN 'VACUUM FULL' END AS command,
       CASE p.param2 WHEN 0 THEN 'initializing' WHEN 1 THEN 'seq scanning heap' WHEN 2 THEN 'index scanning heap'
            WHEN 3 THEN 'sorting tuples' WHEN 4 THEN 'writing new heap' WHEN 5 THEN 'swapping relation files'
            WHEN 6 THEN 'rebuilding index' WHEN 7 THEN 'performing final cleanup' END AS phase,
       p.param3::oid AS cluster_index_relid, p.param4 AS heap_tuples_scanned, p.param5 AS heap_tuples_written,
       p.param6 AS heap_blks_total, p.param7 AS heap_blks_scanned, p.param8 AS index_rebuild_count
FROM pg_stat_get_progress_info('CLUSTER') p LEFT JOIN pg_database d ON d.oid = p.datid;

CREATE VIEW pg_stat_progress_create_index AS
SELECT p.pid, p.datid, d.datname, p.relid, p.param7::oid AS index_relid,
       CASE p.param1 WHEN 1 THEN 'CREATE INDEX' WHEN 2 THEN 'CREATE INDEX CONCURRENTLY' WHEN 3 THEN 'REINDEX'
            WHEN 4 THEN 'REINDEX CONCURRENTLY' END AS command,
       CASE p.param10 WHEN 0 THEN 'initializing' WHEN 1 THEN 'waiting for writers before build'
            WHEN 2 THEN 'building index' || COALESCE(': ' || pg_indexam_progress_phasename(p.param9::oid, p.param11), '')
            WHEN 3 THEN 'waiting for writers before validation' WHEN 4 THEN 'index validation: scanning index'
            WHEN 5 THEN 'index validation: sorting tuples' WHEN 6 THEN 'index validation: scanning table'
            WHEN 7 THEN 'waiting for old snapshots' WHEN 8 THEN 'waiting for readers before marking dead'
            WHEN 9 THEN 'waiting for readers before dropping' END AS phase,
       p.param4 AS lockers_total, p.param5 AS lockers_done, p.param6 AS current_locker_pid, p.param16 AS blocks_total,
       p.param17 AS blocks_done, p.param12 AS tuples_total, p.param13 AS tuples_done, p.param14 AS partitions_total,
       p.param15 AS partitions_done
FROM pg_stat_get_progress_info('CREATE INDEX') p LEFT JOIN pg_database d ON d.oid = p.datid;

CREATE VIEW pg_stat_progress_basebackup AS
SELECT p.pid,
       CASE p.param1 WHEN 0 THEN 'initializing' WHEN 1 THEN 'waiting for checkpoint to finish'
            WHEN 2 THEN 'estimating backup size' WHEN 3 THEN 'streaming database files'
            WHEN 4 THEN 'waiting for wal archiving to finish' WHEN 5 THEN 'transferring wal files' END AS phase,
       CASE p.param2 WHEN -1 THEN NULL ELSE p.param2 END AS backup_total, p.param3 AS backup_streamed,
       p.param4 AS tablespaces_total, p.param5 AS tablespaces_streamed
FROM pg_stat_get_progress_info('BASEBACKUP') p;

CREATE VIEW pg_stat_progress_copy AS
SELECT p.pid, p.datid, d.datname, p.relid,
       CASE p.param5 WHEN 1 THEN 'COPY FROM' WHEN 2 THEN 'COPY TO' END AS command,
       CASE p.param6 WHEN 1 THEN 'FILE' WHEN 2 THEN 'PROGRAM' WHEN 3 THEN 'PIPE' WHEN 4 THEN 'CALLBACK' END AS type,
       p.param1 AS bytes_processed, p.param2 AS bytes_total, p.param3 AS tuples_processed, p.param4 AS tuples_excluded
FROM pg_stat_get_progress_info('COPY') p LEFT JOIN pg_database d ON d.oid = p.datid;
