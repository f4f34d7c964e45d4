-- Functions of the log and of base backups: errors and what does not depend on positions.
select pg_backup_stop();
select pg_backup_stop(false);
select pg_backup_start(repeat('x', 1025));
select pg_backup_start(null) is null, pg_backup_start('x', null) is null;
select pg_backup_start('a label', true) is not null;
select pg_backup_start('again');
begin;
select pg_backup_start('again', true);
rollback;
select lsn is not null, labelfile ~ 'LABEL: a label', spcmapfile from pg_backup_stop(false);
select lsn from pg_backup_stop(false);
-- The label of several lines, and a notice about the archive.
select pg_backup_start(E'two\nlines', fast => true) is not null;
select labelfile ~ E'LABEL: two\nlines\nSTART TIMELINE: [0-9]+\n$', labelfile ~ '^START WAL LOCATION: [0-9A-F]+/[0-9A-F]+ \(file [0-9A-F]{24}\)\nCHECKPOINT LOCATION: [0-9A-F/]+\nBACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: ' from pg_backup_stop(wait_for_archive => false);
-- Restore points and segments.
select pg_create_restore_point(repeat('x', 64));
select pg_create_restore_point(repeat('x', 63)) is not null;
select pg_create_restore_point('') is not null;
select pg_create_restore_point(null);
select pg_walfile_name(null), pg_walfile_name_offset(null);
select length(pg_walfile_name(pg_switch_wal()));
select pg_current_wal_insert_lsn() >= pg_current_wal_lsn(), pg_current_wal_lsn() >= pg_current_wal_flush_lsn();
select file_offset from pg_walfile_name_offset('5/123');
select right(pg_walfile_name('0/2000000'), 16), right(pg_walfile_name('0/2000001'), 16), right(pg_walfile_name('FF/FFFFFFFF'), 16);
select pg_wal_lsn_diff('1/0', '0/1');
-- There is no recovery.
select pg_is_in_recovery(), pg_last_wal_receive_lsn();
select pg_wal_replay_pause();
select pg_wal_replay_resume();
select pg_is_wal_replay_paused();
select pg_get_wal_replay_pause_state();
select pg_promote();
select pg_promote(false, 0);
select * from pg_control_recovery();
select database_block_size, blocks_per_segment, wal_block_size, bytes_per_wal_segment, max_identifier_length, max_index_columns, large_object_chunk_size, float8_pass_by_value from pg_control_init();
select pg_control_version from pg_control_system();
select checkpoint_lsn >= redo_lsn, length(redo_wal_file), timeline_id = prev_timeline_id, full_page_writes from pg_control_checkpoint();
-- Counters of the archiver.
select archived_count, last_archived_wal, failed_count from pg_stat_archiver;
select pg_stat_reset_shared('archiver');
select stats_reset > now() - interval '1 hour' from pg_stat_archiver;
-- Not everybody may do this.
create role backup_functions_role;
set role backup_functions_role;
select pg_backup_start('x');
select pg_backup_stop();
select pg_switch_wal();
select pg_create_restore_point('x');
select pg_wal_replay_pause();
select pg_promote();
select * from pg_ls_waldir();
select * from pg_ls_archive_statusdir();
select pg_is_in_recovery();
reset role;
drop role backup_functions_role;
