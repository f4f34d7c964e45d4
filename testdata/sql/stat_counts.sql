-- What the cumulative statistics count for fixed statements. The counters of the session are handed in by the forced flush at the end of each part.
-- Commits are waited for, because VACUUM marks no page with rows whose commit is not on disk yet.
set jit = off; set max_parallel_workers_per_gather = 0; set client_min_messages = warning; set synchronous_commit = on;
drop table if exists sc, sp, sr, ss, st;
create table sc (a int primary key, b int, c text) with (autovacuum_enabled = off);
create index sc_b on sc (b);
select pg_stat_force_next_flush();
create view sct as select relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup, n_mod_since_analyze, n_ins_since_vacuum,
  vacuum_count, autovacuum_count, analyze_count, autoanalyze_count, last_vacuum is null as lv, last_analyze is null as la from pg_stat_user_tables where relname ~ '^s[cprst][0-9]?$';
create view sci as select relname, indexrelname, idx_scan, idx_tup_read, idx_tup_fetch from pg_stat_user_indexes where relname ~ '^s[cprst][0-9]?$';

insert into sc select g, g % 10, 'x' from generate_series(1, 1000) g;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;
select count(*) from sc;
select count(*) from sc where c = 'y';
set enable_seqscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off;
select c from sc where a = 7;
select c from sc where a in (1, 2, 3);
select count(c) from sc where a between 10 and 20;
select count(c) from sc where b = 3;
select c from sc where a = 100000;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;
set enable_indexscan = off; set enable_bitmapscan = on;
select count(c) from sc where b = 3;
select count(c) from sc where b = 3 and a < 100;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;
set enable_indexscan = on; set enable_bitmapscan = off; set enable_indexonlyscan = on;
vacuum sc;
select count(a) from sc where a < 50;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;
reset enable_seqscan; reset enable_bitmapscan; reset enable_indexonlyscan; reset enable_indexscan;

update sc set c = 'y' where a <= 10;
update sc set b = b + 1 where a = 20;
update sc set a = a + 10000 where a = 30;
delete from sc where a between 40 and 44;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;
begin; insert into sc values (2000, 1, 'z'), (2001, 1, 'z'); update sc set c = 'q' where a = 2000; delete from sc where a = 2001; rollback;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;
begin; insert into sc values (3000, 1, 'z'); savepoint s1; insert into sc values (3001, 1, 'z'); rollback to s1; savepoint s2; delete from sc where a = 3000; release s2; commit;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;
insert into sc values (1, 1, 'dup');
insert into sc values (1, 1, 'dup') on conflict do nothing;
insert into sc values (1, 1, 'dup') on conflict (a) do update set c = 'upserted';
insert into sc values (4000, 1, 'new') on conflict (a) do update set c = 'upserted' returning a;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;
analyze sc;
analyze sc (a);
select pg_stat_force_next_flush();
select * from sct;
vacuum analyze sc;
select pg_stat_force_next_flush();
select * from sct;

-- the transaction's own
begin;
insert into sc values (5000, 1, 'n'); update sc set c = 'm' where a = 5000; delete from sc where a = 5000; select count(*) from sc where c = 'm';
select relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del, n_tup_hot_upd from pg_stat_xact_user_tables where relname = 'sc';
rollback;
begin;
truncate sc;
insert into sc select g, g, 't' from generate_series(1, 5) g;
select relname, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_xact_user_tables where relname = 'sc';
commit;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;
begin; delete from sc; truncate sc; insert into sc values (1, 1, 'u'); rollback;
select pg_stat_force_next_flush();
select * from sct; select * from sci order by 2;

-- joins, cursors, sorting, aggregates over indexes, foreign keys
create table sp (a int primary key, b text) with (autovacuum_enabled = off);
create table sr (x int references sp on delete cascade) with (autovacuum_enabled = off);
create index sr_x on sr (x);
insert into sp select g, 'p' from generate_series(1, 100) g;
insert into sr select g from generate_series(1, 50) g;
select pg_stat_force_next_flush();
select * from sct where relname in ('sp', 'sr') order by 1;
delete from sp where a = 3;
insert into sr values (60);
insert into sr values (600);
select pg_stat_force_next_flush();
select * from sct where relname in ('sp', 'sr') order by 1; select * from sci where relname in ('sp', 'sr') order by 2;
set enable_hashjoin = off; set enable_mergejoin = off; set enable_material = off; set enable_memoize = off; set enable_bitmapscan = off; set enable_indexonlyscan = off;
set enable_seqscan = off;
select count(sp.b) from sr join sp on sr.x = sp.a where sr.x < 10;
reset enable_seqscan;
begin; declare cu cursor for select * from sp; fetch 5 from cu; fetch 3 from cu; close cu; commit;
begin; declare cu cursor for select * from sp; commit;
select b from sp limit 4;
select exists (select from sp where b = 'p');
select max(a) from sp;
select pg_stat_force_next_flush();
select * from sct where relname in ('sp', 'sr') order by 1; select * from sci where relname in ('sp', 'sr') order by 2;
reset all; set jit = off; set max_parallel_workers_per_gather = 0; set client_min_messages = warning; set synchronous_commit = on;

-- commands
create table st as select g as a, g as b from generate_series(1, 30) g;
alter table st set (autovacuum_enabled = off);
copy st to '/dev/null';
select pg_stat_force_next_flush();
select * from sct where relname = 'st';
create index st_a on st (a);
alter table st add primary key (b);
select pg_stat_force_next_flush();
select * from sct where relname = 'st'; select * from sci where relname = 'st' order by 2;
alter table st alter a type bigint;
select pg_stat_force_next_flush();
select * from sct where relname = 'st'; select * from sci where relname = 'st' order by 2;
vacuum full st;
reindex table st;
select pg_stat_force_next_flush();
select * from sct where relname = 'st'; select * from sci where relname = 'st' order by 2;
alter table st add check (a > 0);
alter table st alter a set not null;
select pg_stat_force_next_flush();
select * from sct where relname = 'st';
select pg_stat_reset_single_table_counters('st'::regclass);
select * from sct where relname = 'st';
lock table st; 
select a from st where b = 5 for update;
select pg_stat_force_next_flush();
select * from sct where relname = 'st'; select * from sci where relname = 'st' order by 2;

-- partitions
create table ss (a int, b int) partition by range (a);
create table ss1 partition of ss for values from (0) to (10);
create table ss2 partition of ss for values from (10) to (20);
insert into ss select g, g from generate_series(0, 19) g;
select count(*) from ss where a < 10;
update ss set a = a + 10 where a = 5;
delete from ss where a = 15 and b = 15;
select pg_stat_force_next_flush();
select relname, seq_scan, seq_tup_read, n_tup_ins, n_tup_upd, n_tup_del, n_live_tup, n_dead_tup from sct where relname ~ '^ss' order by 1;
analyze ss;
select pg_stat_force_next_flush();
select relname, n_live_tup, n_dead_tup, n_mod_since_analyze, analyze_count from sct where relname ~ '^ss' order by 1;
drop view sct, sci;
drop table sc, sp, sr, ss, st;

-- the database: by differences
create table sd (a int primary key, b text) with (autovacuum_enabled = off);
select pg_stat_force_next_flush();
select set_config('sd.c', xact_commit::text, false) <> '', set_config('sd.r', xact_rollback::text, false) <> '', set_config('sd.i', tup_inserted::text, false) <> '',
  set_config('sd.u', tup_updated::text, false) <> '', set_config('sd.d', tup_deleted::text, false) <> '', set_config('sd.tf', temp_files::text, false) <> '',
  set_config('sd.tb', temp_bytes::text, false) <> '' from pg_stat_database where datname = current_database();
create view sdd as select xact_commit - current_setting('sd.c')::bigint as c, xact_rollback - current_setting('sd.r')::bigint as r, tup_inserted - current_setting('sd.i')::bigint as i,
  tup_updated - current_setting('sd.u')::bigint as u, tup_deleted - current_setting('sd.d')::bigint as d, temp_files - current_setting('sd.tf')::bigint as tf from pg_stat_database where datname = current_database();
select set_config('sd.i', (current_setting('sd.i')::bigint + i)::text, false) <> '', set_config('sd.u', (current_setting('sd.u')::bigint + u)::text, false) <> '' from sdd;
select pg_stat_force_next_flush();
select set_config('sd.c', (current_setting('sd.c')::bigint + c)::text, false) <> '', set_config('sd.i', (current_setting('sd.i')::bigint + i)::text, false) <> '',
 set_config('sd.u', (current_setting('sd.u')::bigint + u)::text, false) <> '', set_config('sd.d', (current_setting('sd.d')::bigint + d)::text, false) <> '' from sdd;
select pg_stat_force_next_flush();
select * from sdd;
insert into sd select g, 'x' from generate_series(1, 10) g;
update sd set b = 'y' where a <= 4;
delete from sd where a = 9;
select 1/0;
begin; insert into sd values (100, 'z'), (101, 'z'); delete from sd where a = 1; rollback;
begin; select 1; commit;
begin; select 1; savepoint s; insert into sd values (102, 'z'); rollback to s; commit;
begin; commit;
begin; rollback;
begin; nonsense; commit;
nonsense;
show work_mem;
set work_mem = '64kB';
select count(*) from (select g from generate_series(1, 30000) g order by g desc offset 1) x;
reset work_mem;
select pg_stat_force_next_flush();
select c, r, i, u, d, tf > 0 from sdd;
drop view sdd; drop table sd;

-- blocks; the indexes are used before, so that each session knows where their roots are
create table sb (a int primary key, b text, c text) with (autovacuum_enabled = off);
alter table sb alter c set storage external;
insert into sb select g, repeat('x', 800), case when g = 5 then repeat('long', 2000) end from generate_series(1, 900) g;
vacuum sb;
select pg_stat_force_next_flush();
create view sbv as select heap_blks_read + heap_blks_hit as heap, idx_blks_read + idx_blks_hit as idx, toast_blks_read + toast_blks_hit as toast, tidx_blks_read + tidx_blks_hit as tidx
  from pg_statio_user_tables where relname = 'sb';
set enable_seqscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off;
select md5(c) from sb where a = 5;
reset all; set synchronous_commit = on;
select pg_stat_force_next_flush();
select set_config('sb.h', heap::text, false) <> '', set_config('sb.i', idx::text, false) <> '', set_config('sb.t', toast::text, false) <> '', set_config('sb.x', tidx::text, false) <> '' from sbv;
select count(b) from sb;
select pg_stat_force_next_flush();
select heap - current_setting('sb.h')::int, idx - current_setting('sb.i')::int, toast - current_setting('sb.t')::int, tidx - current_setting('sb.x')::int from sbv;
select set_config('sb.h', heap::text, false) <> '', set_config('sb.i', idx::text, false) <> '', set_config('sb.t', toast::text, false) <> '', set_config('sb.x', tidx::text, false) <> '' from sbv;
set enable_seqscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off;
select length(b) from sb where a = 17;
select pg_stat_force_next_flush();
select heap - current_setting('sb.h')::int, idx - current_setting('sb.i')::int, toast - current_setting('sb.t')::int, tidx - current_setting('sb.x')::int from sbv;
select set_config('sb.h', heap::text, false) <> '', set_config('sb.i', idx::text, false) <> '', set_config('sb.t', toast::text, false) <> '', set_config('sb.x', tidx::text, false) <> '' from sbv;
select md5(c) from sb where a = 5;
select pg_stat_force_next_flush();
select heap - current_setting('sb.h')::int, idx - current_setting('sb.i')::int, toast - current_setting('sb.t')::int, tidx - current_setting('sb.x')::int from sbv;
select set_config('sb.h', heap::text, false) <> '', set_config('sb.i', idx::text, false) <> '', set_config('sb.t', toast::text, false) <> '', set_config('sb.x', tidx::text, false) <> '' from sbv;
select count(b) from sb where a between 100 and 200;
select pg_stat_force_next_flush();
select heap - current_setting('sb.h')::int, idx - current_setting('sb.i')::int, toast - current_setting('sb.t')::int, tidx - current_setting('sb.x')::int from sbv;
select set_config('sb.h', heap::text, false) <> '', set_config('sb.i', idx::text, false) <> '', set_config('sb.t', toast::text, false) <> '', set_config('sb.x', tidx::text, false) <> '' from sbv;
reset enable_indexonlyscan;
select count(a) from sb where a between 100 and 200;
select pg_stat_force_next_flush();
select heap - current_setting('sb.h')::int, idx - current_setting('sb.i')::int, toast - current_setting('sb.t')::int, tidx - current_setting('sb.x')::int from sbv;
select set_config('sb.h', heap::text, false) <> '', set_config('sb.i', idx::text, false) <> '', set_config('sb.t', toast::text, false) <> '', set_config('sb.x', tidx::text, false) <> '' from sbv;
reset enable_bitmapscan; set enable_indexscan = off; set enable_indexonlyscan = off;
select count(b) from sb where a between 100 and 200;
select pg_stat_force_next_flush();
select heap - current_setting('sb.h')::int, idx - current_setting('sb.i')::int, toast - current_setting('sb.t')::int, tidx - current_setting('sb.x')::int from sbv;
select set_config('sb.h', heap::text, false) <> '', set_config('sb.i', idx::text, false) <> '', set_config('sb.t', toast::text, false) <> '', set_config('sb.x', tidx::text, false) <> '' from sbv;
reset all; set synchronous_commit = on;
insert into sb values (1000, 'x');
update sb set b = 'y' where a = 1000;
delete from sb where a = 1000;
select pg_stat_force_next_flush();
select heap - current_setting('sb.h')::int, idx - current_setting('sb.i')::int, toast - current_setting('sb.t')::int, tidx - current_setting('sb.x')::int from sbv;
drop view sbv; drop table sb;

-- relations of other kinds
create temp table stt (a int primary key); insert into stt select generate_series(1, 10); select count(*) from stt;
create unlogged table stu (a int); insert into stu values (1);
begin; insert into stu values (1); rollback; alter table stu rename to stv;
create materialized view stm as select 1 as x; refresh materialized view stm; select * from stm;
begin; refresh materialized view stm; rollback;
refresh materialized view stm with no data;
create table stw as select g from generate_series(1, 5) g;
begin; drop table stw; rollback;
select pg_stat_force_next_flush();
select relname, n_tup_ins, n_live_tup, n_dead_tup, seq_scan from pg_stat_user_tables where relname ~ '^st[t-z]$' or relname = 'stm' order by 1;
select relname, seq_scan is not null from pg_stat_sys_tables where relname = 'pg_class';
select datname is null, datid, xact_commit >= 0, numbackends from pg_stat_database where datid = 0;
select confl_tablespace, confl_lock, confl_snapshot, confl_bufferpin, confl_deadlock from pg_stat_database_conflicts where datname = current_database();
select pg_stat_get_live_tuples('stv'::regclass), pg_stat_get_tuples_inserted(0), pg_stat_get_db_xact_commit(0) >= 0, pg_stat_get_db_numbackends(1);
select pg_stat_have_stats('relation', (select oid from pg_database where datname = current_database()), 'stv'::regclass::oid), pg_stat_have_stats('relation', 1, 1);
drop table stt, stv, stw; drop materialized view stm;
