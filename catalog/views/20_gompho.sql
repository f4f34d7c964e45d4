-- Locks as people want to see them: who waits for whom, who waited, what became of it. PostgreSQL has nothing of the kind.

CREATE VIEW gompho_lock_tree AS SELECT * FROM gompho_get_lock_tree();

CREATE VIEW gompho_lock_waits AS SELECT * FROM gompho_get_lock_waits();

CREATE VIEW gompho_deadlocks AS SELECT * FROM gompho_get_deadlocks();
