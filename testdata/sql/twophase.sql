-- Prepared transactions: identifiers, what they hold, who may finish them, what cannot be prepared.
create table tp_a (id int primary key, v text);
create table tp_b (id int);
insert into tp_a values (1, 'one'), (2, 'two');

begin;
insert into tp_a values (3, 'three');
savepoint s;
update tp_a set v = 'TWO' where id = 2;
savepoint s2;
delete from tp_a where id = 1;
rollback to s2;
release s;
prepare transaction 'tp1';
select * from tp_a order by id;
select gid, owner, database = current_database() as here from pg_prepared_xacts;
-- An identifier is taken until the transaction is finished.
begin;
insert into tp_b values (1);
prepare transaction 'tp1';
select * from tp_b;
-- Locks stay.
select locktype, mode, granted, fastpath, pid is null as nopid, relation::regclass from pg_locks l
  where pid is null and relation = 'tp_a'::regclass;
set lock_timeout = 10;
update tp_a set v = 'x' where id = 2;
lock table tp_a in share mode;
drop table tp_a;
reset lock_timeout;
select id from tp_a order by id for update skip locked;
commit prepared 'tp1';
select * from tp_a order by id;
select count(*) from pg_prepared_xacts;
select count(*) from pg_locks where pid is null;
commit prepared 'tp1';
rollback prepared 'tp1';

-- Rolled back, with what was made and dropped.
begin;
create table tp_new (id int);
insert into tp_new values (1);
drop table tp_b;
prepare transaction 'tp2';
set lock_timeout = 10;
select id from tp_b where id > 0;
reset lock_timeout;
select * from tp_new;
rollback prepared 'tp2';
select * from tp_b;
select * from tp_new;

-- Committed: others see the new catalogs at once.
begin;
alter table tp_b add column t text default 'd';
create index tp_b_t on tp_b (t);
create table tp_new (id int);
insert into tp_new values (7);
prepare transaction 'tp3';
commit prepared 'tp3';
insert into tp_b values (5);
select * from tp_b;
select * from tp_new;
select indexrelid::regclass from pg_index where indrelid = 'tp_b'::regclass;
begin;
drop table tp_new;
prepare transaction 'tp4';
commit prepared 'tp4';
select * from tp_new;

-- Identifiers.
begin;
select 1;
prepare transaction 'it''s a "gid"';
select gid from pg_prepared_xacts;
rollback prepared 'it''s a "gid"';
begin;
prepare transaction '1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789';
rollback prepared '1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789';
begin;
prepare transaction '12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890';
select count(*) from pg_prepared_xacts;
begin;
prepare transaction '';
select gid = '' from pg_prepared_xacts;
commit prepared '';

-- Outside of a block, in a failed one, inside of one.
prepare transaction 'tp5';
begin;
select 1 / 0;
prepare transaction 'tp5';
select count(*) from pg_prepared_xacts;
begin;
commit prepared 'tp5';
rollback;
begin;
rollback prepared 'tp5';
rollback;
commit prepared 'nobody';
rollback prepared 'nobody';

-- What cannot be prepared.
begin;
create temp table tp_temp (id int);
prepare transaction 'tp6';
create temp table tp_temp (id int);
begin;
insert into tp_temp values (1);
prepare transaction 'tp6';
begin;
select * from tp_temp;
prepare transaction 'tp6';
begin;
drop table tp_temp;
prepare transaction 'tp6';
begin;
insert into tp_a values (20, 'no temporary table used');
prepare transaction 'tp6';
rollback prepared 'tp6';
drop table tp_temp;
begin;
declare c cursor with hold for select * from tp_a;
prepare transaction 'tp6';
begin;
declare c cursor for select * from tp_a;
fetch c;
prepare transaction 'tp6';
fetch c;
rollback prepared 'tp6';

-- Advisory locks: the session's stay with it, the transaction's go with the transaction, both on one key do not go.
select pg_advisory_lock(1);
begin;
select pg_advisory_xact_lock(2);
prepare transaction 'tp7';
select objid, mode, pid is null as prepared from pg_locks where locktype = 'advisory' order by 1;
select pg_try_advisory_lock(2), pg_try_advisory_lock_shared(2);
rollback prepared 'tp7';
select pg_try_advisory_lock(2), pg_advisory_unlock(2), pg_advisory_unlock(1);
begin;
select pg_advisory_lock(3);
select pg_advisory_xact_lock_shared(3);
prepare transaction 'tp7';
select pg_advisory_unlock(3);

-- Constraints that wait for the end of the transaction are checked by PREPARE TRANSACTION.
create table tp_d (id int unique deferrable initially deferred);
begin;
insert into tp_d values (1), (1);
prepare transaction 'tp8';
begin;
insert into tp_d values (1), (1);
delete from tp_d where ctid = '(0,4)';
prepare transaction 'tp8';
commit prepared 'tp8';
select count(*) from tp_d;

-- Settings end with the transaction.
begin;
set local work_mem = '3MB';
set statement_timeout = '77s';
prepare transaction 'tp9';
show work_mem;
show statement_timeout;
rollback prepared 'tp9';
show statement_timeout;
reset statement_timeout;

-- Who may finish.
create role tp_user;
grant all on tp_a to tp_user;
begin;
update tp_a set v = 'super' where id = 1;
prepare transaction 'tp10';
set role tp_user;
commit prepared 'tp10';
rollback prepared 'tp10';
begin;
update tp_a set v = 'user' where id = 2;
prepare transaction 'tp11';
begin;
update tp_a set v = 'user' where id = 3;
prepare transaction 'tp12';
commit prepared 'tp11';
reset role;
commit prepared 'tp10';
select gid, owner from pg_prepared_xacts;
commit prepared 'tp12';
select * from tp_a order by id;

-- A transaction that has changed nothing can be prepared too.
begin isolation level serializable read only;
select count(*) from tp_a;
prepare transaction 'tp13';
select gid from pg_prepared_xacts;
commit prepared 'tp13';

-- Many subtransactions.
begin;
savepoint a; insert into tp_b values (100); savepoint b; insert into tp_b values (101); release b; savepoint c; insert into tp_b values (102); rollback to c;
prepare transaction 'tp14';
select id from tp_b order by id;
commit prepared 'tp14';
select id from tp_b order by id;

drop table tp_a, tp_b, tp_d;
drop role tp_user;
