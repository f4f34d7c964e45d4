-- Locks as people want to see them: who waits for whom, who waited, what became of it. PostgreSQL has nothing of the kind.

CREATE VIEW gompho_lock_tree AS SELECT * FROM gompho_get_lock_tree();

CREATE VIEW gompho_lock_waits AS SELECT * FROM gompho_get_lock_waits();

CREATE VIEW gompho_deadlocks AS SELECT * FROM gompho_get_deadlocks();

-- What PostgreSQL has in extensions is here without CREATE EXTENSION.

CREATE VIEW pg_buffercache AS
SELECT b.* FROM pg_buffercache_pages() AS b (bufferid integer, relfilenode oid, reltablespace oid, reldatabase oid,
       relforknumber smallint, relblocknumber bigint, isdirty boolean, usagecount smallint, pinning_backends integer);

CREATE VIEW pg_stat_statements AS SELECT * FROM pg_stat_statements(true);

CREATE VIEW pg_stat_statements_info AS SELECT * FROM pg_stat_statements_info();

-- What the steps of requests take.

CREATE VIEW gompho_request_steps AS SELECT s.datid, d.datname, s.step, s.calls, s.total_time, s.mean_time, s.max_time, s.p50_time, s.p95_time, s.p99_time, s.histogram
       FROM gompho_get_request_steps() s LEFT JOIN pg_database d ON d.oid = s.datid;

-- What sessions hold for their statements, in bytes.

CREATE VIEW gompho_memory AS SELECT m.pid, m.held, m.peak, m.server_held, m.server_peak, m.server_limit, m.server_refused FROM gompho_get_memory() m;
