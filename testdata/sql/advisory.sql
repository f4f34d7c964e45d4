-- Advisory locks: every function, its result and what pg_locks shows of it.
create temp view held as
  select case when virtualtransaction is null then '' else 'x' end as x, classid, objid, objsubid, mode, granted, fastpath
  from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
  order by classid, objid, objsubid, mode;

-- Keys of 64 bits: the halves are classid and objid, objsubid is 1. Pairs of 32 bits: objsubid is 2.
begin;
select pg_advisory_xact_lock(1), pg_advisory_xact_lock_shared(2), pg_advisory_xact_lock(1, 1), pg_advisory_xact_lock_shared(2, 2);
select classid, objid, objsubid, mode, granted, fastpath from held;
select pg_advisory_xact_lock(-1), pg_advisory_xact_lock(9223372036854775807), pg_advisory_xact_lock((-9223372036854775808)::bigint), pg_advisory_xact_lock(4294967296);
select pg_advisory_xact_lock(-1, -1), pg_advisory_xact_lock(2147483647, (-2147483648)::int);
select classid, objid, objsubid, mode, granted, fastpath from held;
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and database = (select oid from pg_database where datname = current_database());
rollback;
select count(*) from held;

-- The same key as bigint and as a pair are two things.
begin;
select pg_advisory_xact_lock(4294967297), pg_advisory_xact_lock(1, 1);
select classid, objid, objsubid, mode from held;
commit;
select count(*) from held;

-- Locks of a transaction cannot be unlocked.
begin;
select pg_advisory_xact_lock(1), pg_advisory_xact_lock_shared(2), pg_advisory_xact_lock(1, 1), pg_advisory_xact_lock_shared(2, 2);
select pg_advisory_unlock(1), pg_advisory_unlock_shared(2), pg_advisory_unlock(1, 1), pg_advisory_unlock_shared(2, 2);
select pg_advisory_unlock_all();
select classid, objid, objsubid, mode from held;
commit;
select count(*) from held;

-- Locks of the session outlive transactions and rollbacks.
begin;
select pg_advisory_lock(1), pg_advisory_lock_shared(2), pg_advisory_lock(1, 1), pg_advisory_lock_shared(2, 2);
rollback;
select classid, objid, objsubid, mode from held;
select pg_advisory_unlock(1), pg_advisory_unlock_shared(2), pg_advisory_unlock(1, 1), pg_advisory_unlock_shared(2, 2);
select count(*) from held;
select pg_advisory_unlock(1), pg_advisory_unlock_shared(2), pg_advisory_unlock(1, 1), pg_advisory_unlock_shared(2, 2);

-- They are counted.
select pg_advisory_lock(1), pg_advisory_lock(1), pg_advisory_try_lock(1);
select pg_advisory_lock(1), pg_advisory_lock(1), pg_try_advisory_lock(1);
select classid, objid, objsubid, mode from held;
select pg_advisory_unlock(1);
select pg_advisory_unlock(1), pg_advisory_unlock(1), pg_advisory_unlock(1);
select count(*) from held;

-- Both modes of one key by one session; each is unlocked by itself.
select pg_advisory_lock(5), pg_advisory_lock_shared(5), pg_try_advisory_lock_shared(5), pg_try_advisory_lock(5);
select mode from held;
select pg_advisory_unlock_shared(5), pg_advisory_unlock_shared(5), pg_advisory_unlock_shared(5);
select mode from held;
select pg_advisory_unlock(5), pg_advisory_unlock(5), pg_advisory_unlock(5);
select count(*) from held;

-- Session and transaction hold the same key.
begin;
select pg_advisory_lock(7), pg_advisory_xact_lock(7);
select mode from held;
select pg_advisory_unlock(7), pg_advisory_unlock(7);
select mode from held;
commit;
select count(*) from held;
begin;
select pg_advisory_xact_lock(7), pg_advisory_lock(7);
commit;
select mode from held;
select pg_advisory_unlock_all();
select count(*) from held;

-- Savepoints: locks of a transaction go with the subtransaction, those of the session do not.
begin;
select pg_advisory_xact_lock(1);
savepoint s;
select pg_advisory_xact_lock(1), pg_advisory_xact_lock(2), pg_advisory_lock(3);
select objid, mode from held;
rollback to s;
select objid, mode from held;
select pg_advisory_xact_lock(4);
release s;
select objid, mode from held;
commit;
select objid, mode from held;
select pg_advisory_unlock(3);

-- The forms that do not wait.
begin;
select pg_try_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2), pg_try_advisory_xact_lock(1, 1), pg_try_advisory_xact_lock_shared(2, 2);
select pg_try_advisory_lock(1), pg_try_advisory_lock_shared(2), pg_try_advisory_lock(1, 1), pg_try_advisory_lock_shared(2, 2);
select classid, objid, objsubid, mode from held;
commit;
select classid, objid, objsubid, mode from held;
select pg_advisory_unlock_all();
select count(*) from held;

-- A lock of the session that is taken by a statement that fails stays.
select pg_advisory_lock(9), 1 / 0;
select objid from held;
select pg_advisory_lock(g) / 0 from generate_series(10, 12) g;
select 1 / (g - 12), pg_advisory_lock(g) from generate_series(10, 12) g;
select objid from held;
discard all;
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
begin;
discard all;
rollback;

-- NULL takes nothing; other types.
select pg_advisory_lock(null), pg_try_advisory_lock(null::bigint), pg_advisory_unlock(null::int, 1) is null;
select pg_advisory_lock(1.5);
select pg_advisory_lock('1'), pg_advisory_lock('2', '3');
select pg_advisory_lock('x');
select pg_advisory_lock(1, 2, 3);
select pg_advisory_lock(1::smallint), pg_advisory_lock(1::smallint, 2::smallint);
select classid, objid, objsubid from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() order by 1, 2, 3;
select pg_advisory_unlock_all();

-- What the catalog says of them.
select proname, pg_get_function_arguments(oid), prorettype::regtype, provolatile, proparallel, proisstrict from pg_proc where proname ~ 'advisory' order by 1, 2;

-- A prepared transaction cannot hold a lock in both scopes, nor can the session's locks be its.
select pg_advisory_lock(20);
begin;
select pg_advisory_xact_lock(20);
prepare transaction 'advisory_both';
rollback;
select pg_advisory_unlock(20), pg_advisory_unlock(20);
