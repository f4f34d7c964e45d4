-- What the server and its sessions hold at this moment, over set-returning functions.

CREATE VIEW pg_locks AS SELECT * FROM pg_lock_status();

CREATE VIEW pg_cursors AS SELECT * FROM pg_cursor();

CREATE VIEW pg_available_extensions AS
SELECT a.name, a.default_version, e.extversion AS installed_version, a.comment
FROM pg_available_extensions() a LEFT JOIN pg_extension e ON e.extname = a.name;

CREATE VIEW pg_available_extension_versions AS
SELECT v.name, v.version, e.extname IS NOT NULL AS installed, v.superuser, v.trusted, v.relocatable, v.schema, v.requires, v.comment
FROM pg_available_extension_versions() v LEFT JOIN pg_extension e ON e.extname = v.name AND e.extversion = v.version;

CREATE VIEW pg_prepared_xacts AS
SELECT x.transaction, x.gid, x.prepared, r.rolname AS owner, d.datname AS database
FROM pg_prepared_xact() x LEFT JOIN pg_authid r ON r.oid = x.ownerid LEFT JOIN pg_database d ON d.oid = x.dbid;

CREATE VIEW pg_prepared_statements AS SELECT * FROM pg_prepared_statement();

CREATE VIEW pg_settings AS SELECT * FROM pg_show_all_settings();

CREATE VIEW pg_file_settings AS SELECT * FROM pg_show_all_file_settings();

CREATE VIEW pg_hba_file_rules AS SELECT * FROM pg_hba_file_rules();

CREATE VIEW pg_ident_file_mappings AS SELECT * FROM pg_ident_file_mappings();

CREATE VIEW pg_timezone_abbrevs AS SELECT * FROM pg_timezone_abbrevs();

CREATE VIEW pg_timezone_names AS SELECT * FROM pg_timezone_names();

CREATE VIEW pg_config AS SELECT * FROM pg_config();

CREATE VIEW pg_shmem_allocations AS SELECT * FROM pg_get_shmem_allocations();

CREATE VIEW pg_backend_memory_contexts AS SELECT * FROM pg_get_backend_memory_contexts();

CREATE VIEW pg_stat_activity AS
SELECT s.datid, d.datname, s.pid, s.leader_pid, s.usesysid, r.rolname AS usename, s.application_name, s.client_addr,
       s.client_hostname, s.client_port, s.backend_start, s.xact_start, s.query_start, s.state_change, s.wait_event_type,
       s.wait_event, s.state, s.backend_xid, s.backend_xmin, s.query_id, s.query, s.backend_type
FROM pg_stat_get_activity(NULL) s LEFT JOIN pg_database d ON d.oid = s.datid LEFT JOIN pg_authid r ON r.oid = s.usesysid;

CREATE VIEW pg_stat_replication AS
SELECT s.pid, s.usesysid, r.rolname AS usename, s.application_name, s.client_addr, s.client_hostname, s.client_port,
       s.backend_start, s.backend_xmin, w.state, w.sent_lsn, w.write_lsn, w.flush_lsn, w.replay_lsn, w.write_lag,
       w.flush_lag, w.replay_lag, w.sync_priority, w.sync_state, w.reply_time
FROM pg_stat_get_activity(NULL) s JOIN pg_stat_get_wal_senders() w ON w.pid = s.pid LEFT JOIN pg_authid r ON r.oid = s.usesysid;

CREATE VIEW pg_stat_slru AS SELECT * FROM pg_stat_get_slru();

CREATE VIEW pg_stat_wal_receiver AS SELECT * FROM pg_stat_get_wal_receiver() WHERE pid IS NOT NULL;

CREATE VIEW pg_stat_recovery_prefetch AS SELECT * FROM pg_stat_get_recovery_prefetch();

CREATE VIEW pg_stat_subscription AS
SELECT s.oid AS subid, s.subname, w.pid, w.relid, w.received_lsn, w.last_msg_send_time, w.last_msg_receipt_time,
       w.latest_end_lsn, w.latest_end_time
FROM pg_subscription s LEFT JOIN pg_stat_get_subscription(NULL) w ON w.subid = s.oid;

CREATE VIEW pg_stat_ssl AS
SELECT pid, ssl, sslversion AS version, sslcipher AS cipher, sslbits AS bits, ssl_client_dn AS client_dn,
       ssl_client_serial AS client_serial, ssl_issuer_dn AS issuer_dn
FROM pg_stat_get_activity(NULL) WHERE client_port IS NOT NULL;

CREATE VIEW pg_stat_gssapi AS
SELECT pid, gss_auth AS gss_authenticated, gss_princ AS principal, gss_enc AS encrypted
FROM pg_stat_get_activity(NULL) WHERE client_port IS NOT NULL;

CREATE VIEW pg_replication_slots AS
SELECT s.slot_name, s.plugin, s.slot_type, s.datoid, d.datname AS database, s.temporary, s.active, s.active_pid, s.xmin,
       s.catalog_xmin, s.restart_lsn, s.confirmed_flush_lsn, s.wal_status, s.safe_wal_size, s.two_phase
FROM pg_get_replication_slots() s LEFT JOIN pg_database d ON d.oid = s.datoid;

CREATE VIEW pg_stat_replication_slots AS
SELECT t.*
FROM pg_replication_slots s, LATERAL pg_stat_get_replication_slot(s.slot_name::text) t
WHERE s.datoid IS NOT NULL;

CREATE VIEW pg_replication_origin_status AS SELECT * FROM pg_show_replication_origin_status();

CREATE VIEW pg_stat_subscription_stats AS
SELECT t.subid, s.subname, t.apply_error_count, t.sync_error_count, t.stats_reset
FROM pg_subscription s, LATERAL pg_stat_get_subscription_stats(s.oid) t;
