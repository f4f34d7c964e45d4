-- foreign keys: what they are in the catalogs, and the checks of rows on both sides
create table p(a int primary key, b text, c int, unique (b, c));
create table c(id int primary key, a int references p, b text, c int, constraint c_bc foreign key (b, c) references p (b, c));
select conname, contype, condeferrable, condeferred, convalidated, conrelid::regclass, conindid::regclass, conparentid, confrelid::regclass,
  confupdtype, confdeltype, confmatchtype, conislocal, coninhcount, connoinherit, conkey, confkey, conpfeqop, conppeqop, conffeqop, confdelsetcols, conexclop, conbin
  from pg_constraint where contype = 'f' and conrelid = 'c'::regclass order by conname;
select tgrelid::regclass, regexp_replace(tgname, '[0-9]+', 'N') = 'RI_ConstraintTrigger_a_N' as referenced, tgname like '%' || oid as named, tgfoid::regproc, tgtype, tgenabled,
  tgisinternal, tgconstrrelid::regclass, tgconstrindid::regclass, (select conname from pg_constraint k where k.oid = tgconstraint), tgdeferrable, tginitdeferred, tgnargs, tgattr,
  length(tgargs), tgqual, tgoldtable, tgnewtable, tgparentid from pg_trigger where tgrelid in ('p'::regclass, 'c'::regclass) order by oid;
select relname, relhastriggers from pg_class where relname in ('p', 'c') order by 1;
select conname, pg_get_constraintdef(oid), pg_get_constraintdef(oid, true) from pg_constraint where contype = 'f' and conrelid = 'c'::regclass order by 1;
select d.classid::regclass, case d.classid when 'pg_constraint'::regclass then (select conname from pg_constraint where oid = d.objid) end as what, d.objsubid,
  d.refclassid::regclass, case d.refclassid when 'pg_class'::regclass then d.refobjid::regclass::text else (select conname from pg_constraint where oid = d.refobjid) end as needs,
  d.refobjsubid, d.deptype from pg_depend d
  where d.classid = 'pg_constraint'::regclass and d.objid in (select oid from pg_constraint where contype = 'f')
     or d.classid = 'pg_trigger'::regclass and d.objid in (select oid from pg_trigger where tgisinternal)
  order by 1, 2, 4, 5, 6;
select * from information_schema.referential_constraints order by constraint_name;
select constraint_name, table_name, constraint_type, is_deferrable, initially_deferred, enforced from information_schema.table_constraints where table_schema = 'public' and constraint_type <> 'CHECK' order by 1;
select constraint_name, table_name, column_name, ordinal_position, position_in_unique_constraint from information_schema.key_column_usage where table_schema = 'public' order by 1, 4;
select constraint_name, table_name, column_name from information_schema.constraint_column_usage where table_schema = 'public' order by 1, 3;
select * from information_schema.triggers;
select pg_describe_object('pg_constraint'::regclass, oid, 0) from pg_constraint where contype = 'f' order by 1;
select obj_description(oid, 'pg_constraint') from pg_constraint where conname = 'c_bc';
comment on constraint c_bc on c is 'both';
select obj_description(oid, 'pg_constraint') from pg_constraint where conname = 'c_bc';
-- rows of the referencing table
insert into c values (1, 1);
insert into p values (1, 'x', 10), (2, 'y', 20), (3, null, 30), (4, 'z', null);
insert into c values (1, 1);
insert into c values (1, 1);
insert into c values (2, null, 'x', 10), (3, 2, 'y', null), (4, 2, null, 99), (5, null, 'nosuch', null);
insert into c values (6, 3, 'x', 20);
insert into c values (6, 7, 'x', 10);
insert into c values (6, 7, 'x', 20);
insert into c values (6, 1, 'z', 1);
update c set a = 9 where id = 1;
update c set a = 2 where id = 1;
update c set a = a, b = b;
update c set c = 20 where id = 3;
update c set b = 'x' where id = 3;
update c set b = null where id = 3;
insert into c select i, 1 from generate_series(100, 2100) i;
insert into c select i, case when i = 3500 then 77 else 1 end from generate_series(3000, 4000) i;
select count(*) from c;
delete from c where id >= 100;
-- rows of the referenced table
delete from p where a = 1;
delete from p where a = 4;
delete from p where a = 2;
update p set a = 11 where a = 1;
update p set a = a;
update p set a = 33 where a = 3;
update p set b = 'xx' where a = 1;
update p set c = c + 0, b = b || '' where a = 1;
update p set b = 'yy' where a = 2;
select * from p order by a;
select * from c order by id;
truncate c;
delete from p;
insert into p values (1, 'x', 10), (2, 'y', 20);
-- within one statement only the end counts
insert into c values (1, 1);
update p set a = case a when 1 then 2 else 1 end;
update p set a = 3 - a where a in (1, 2);
with d as (delete from p where a = 2 returning *) insert into p select a + 1, b, c from d;
with i as (insert into p values (50, 'q', 1) returning a) insert into c select a, a from i;
with d as (delete from c where id = 50 returning a) delete from p using d where p.a = d.a;
with d as (delete from c where id = 1 returning a) select * from d;
with i as (insert into c values (9, 1234) returning *) select * from i;
select * from c;
-- tables that refer to themselves
create table t(id int primary key, up int references t, name text);
insert into t values (1, 2, 'a');
insert into t values (1, 1, 'a');
insert into t values (2, 3, 'b'), (3, 4, 'c'), (4, 2, 'd');
insert into t values (5, 6, 'b'), (7, 5, 'c');
delete from t where id = 2;
delete from t where id in (2, 3);
delete from t where id in (2, 3, 4);
update t set id = 8;
update t set id = 8, up = 8;
delete from t;
insert into t select i, i - 1 from generate_series(2, 20) i;
insert into t select i, nullif(i - 1, 0) from generate_series(1, 20) i;
delete from t where id between 5 and 19;
delete from t where id between 5 and 20;
delete from t;
-- MATCH FULL
create table mf(id int, x int, y int, foreign key (x, y) references m match full);
create table m(x int, y int, primary key (x, y));
create table mf(id int, x int, y int, foreign key (x, y) references m match full);
insert into m values (1, 2), (3, 4);
insert into mf values (1, 1, 2), (2, null, null);
insert into mf values (3, 1, null);
insert into mf values (3, null, 2);
insert into mf values (3, 2, 1);
update mf set x = null where id = 1;
update mf set x = null, y = null where id = 1;
update mf set y = 4 where id = 2;
update mf set x = 3, y = 4 where id = 2;
delete from m where x = 3;
delete from m where x = 1;
select * from mf order by id;
select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'mf'::regclass;
-- types that differ
create table i8(a bigint primary key);
create table i4(a int primary key);
create table i2(a smallint primary key);
create table ifk(x smallint references i8, y int references i8, z bigint references i4, w bigint references i2);
insert into i8 values (1), (2), (5000000000), (-7);
insert into i4 values (1), (2), (-7);
insert into i2 values (1), (2), (-7);
insert into ifk values (1, 2, -7, 1), (-7, -7, -7, -7);
insert into ifk values (3, 1, 1, 1);
insert into ifk values (1, 3, 1, 1);
insert into ifk values (1, 1, 5000000000, 1);
insert into ifk values (1, 1, 4294967297, 1);
insert into ifk values (1, 1, 1, 65537);
delete from i8 where a = 1;
delete from i8 where a = 2;
delete from i8 where a = 5000000000;
delete from i4 where a = -7;
update i2 set a = 3 where a = 2;
update i2 set a = 4 where a = 1;
select conname, conpfeqop::regoperator[], conppeqop::regoperator[], conffeqop::regoperator[] from pg_constraint where conrelid = 'ifk'::regclass order by 1;
create table num(a numeric primary key);
create table numfk(x int references num, y bigint references num, z numeric(6,2) references num);
insert into num values (1), (2.50), (3.0);
insert into numfk values (1, 3, 2.5), (3, 1, 3.00);
insert into numfk values (2);
insert into numfk (z) values (2.51);
delete from num where a = 3;
update num set a = 3.000 where a = 3;
update num set a = 4 where a = 3;
select conname, conpfeqop::regoperator[], conppeqop::regoperator[], conffeqop::regoperator[] from pg_constraint where conrelid = 'numfk'::regclass order by 1;
create table fl(a float8 primary key);
create table flfk(x float4 references fl, y int references fl, z numeric references fl);
insert into fl values (1), (0.5), ('nan'), (0), ('infinity');
insert into flfk values (1, 1, 1), ('nan', 0, 0.5), ('-0', 0, null), ('infinity', null, null);
insert into flfk values (0.1, null, null);
insert into flfk values (null, 3, null);
insert into flfk values (null, null, 0.51);
update fl set a = '-0' where a = 0;
delete from fl where a = 'nan';
delete from fl where a = 1;
create table tx(a text primary key);
create table txfk(x varchar(10) references tx, y name references tx, z text references tx, w char(5) references tx);
insert into tx values ('abc'), ('d  '), (''), ('d');
insert into txfk values ('abc', 'abc', 'abc', 'abc'), ('', null, 'd  ', 'd');
insert into txfk values ('abcd');
insert into txfk (y) values ('nosuch');
insert into txfk (w) values ('x');
delete from tx where a = 'abc';
delete from tx where a = 'd  ';
delete from tx where a = 'd';
create table bp(a char(4) primary key);
create table bpfk(x char(8) references bp, y varchar references bp, z text references bp);
insert into bp values ('ab'), ('cd  ');
insert into bpfk (x) values ('ab      ');
insert into bpfk (y) values ('cd');
insert into bpfk (x) values ('abc');
delete from bp where a = 'ab';
create table ts(a timestamptz primary key);
create table tsfk(x date references ts, y timestamp references ts, z timestamptz references ts);
set timezone = 'UTC';
insert into ts values ('2024-01-01 00:00+00'), ('2024-01-02 03:00+00');
insert into tsfk values ('2024-01-01', '2024-01-02 03:00', '2024-01-01 00:00+00');
insert into tsfk (x) values ('2024-01-02');
insert into tsfk (y) values ('2024-01-02');
delete from ts;
reset timezone;
create domain posint as int check (value > 0);
create table dm(a posint primary key);
create table dmfk(x int references dm, y posint references dm, z bigint references dm);
insert into dm values (1), (2);
insert into dmfk values (1, 2, 1);
insert into dmfk values (3, 2, 1);
insert into dmfk values (1, 3, 1);
insert into dmfk values (1, 2, 3);
delete from dm where a = 1;
create type mood as enum ('sad', 'ok', 'glad');
create table en(a mood primary key);
create table enfk(x mood references en);
insert into en values ('sad'), ('ok');
insert into enfk values ('sad'), (null);
insert into enfk values ('glad');
delete from en where a = 'ok';
delete from en where a = 'sad';
create table ar(a int[] primary key);
create table arfk(x int[] references ar);
insert into ar values ('{1,2}'), ('{}');
insert into arfk values ('{1,2}'), ('{}');
insert into arfk values ('{2,1}');
delete from ar where a = '{}';
create table ot(a uuid primary key, b bytea unique, c bool unique, d oid unique, e date unique, f "char" unique, g interval unique);
create table otfk(a uuid references ot, b bytea references ot(b), c bool references ot(c), d oid references ot(d), e date references ot(e), f "char" references ot(f), g interval references ot(g));
insert into ot values ('00000000-0000-0000-0000-000000000001', '\x01', true, 7, '2024-02-29', 'x', '1 month');
insert into otfk values ('00000000-0000-0000-0000-000000000001', '\x01', true, 7, '2024-02-29', 'x', '30 days');
insert into otfk (a) values ('00000000-0000-0000-0000-000000000002');
insert into otfk (b) values ('\x02');
insert into otfk (c) values (false);
insert into otfk (d) values (8);
insert into otfk (e) values ('2024-03-01');
insert into otfk (f) values ('y');
insert into otfk (g) values ('31 days');
update ot set g = '30 days';
delete from ot;
-- ON CONFLICT, COPY, UPDATE ... FROM, generated columns, defaults
create table oc(id int primary key, p int default 1 references p, g int generated always as (id * 10) stored references p);
insert into p values (10), (20), (30);
insert into oc values (1);
insert into oc values (5);
insert into oc values (1, 99) on conflict do nothing;
insert into oc values (2, 99) on conflict do nothing;
insert into oc values (1, 2) on conflict (id) do update set p = 98;
insert into oc values (1, 98) on conflict (id) do update set p = 3;
insert into oc values (2, 20) on conflict (id) do update set p = excluded.p returning *;
insert into oc values (2, 30) on conflict (id) do update set p = excluded.p returning *;
update oc set id = 3 where id = 2;
update oc set id = 4 where id = 3;
update oc set p = v.x from (values (1, 10), (3, 77)) v(i, x) where oc.id = v.i;
update oc set p = v.x from (values (1, 10), (3, 20)) v(i, x) where oc.id = v.i;
copy oc (id, p) from stdin;
2	1
\.
copy oc (id, p) from stdin;
1	1
\.
delete from oc;
copy oc (id, p) from stdin;
1	1
2	55
3	1
\.
copy oc (id, p) from stdin;
1	1
2	\N
3	10
\.
select * from oc order by id;
update p set a = 21 where a = 20;
delete from p where a = 1;
drop table oc;
-- several keys of the same table to the same table
create table s(a int primary key, b int unique);
create table r(x int references s, y int references s (b), z int, constraint z1 foreign key (z) references s, constraint z2 foreign key (z) references s (b));
insert into s values (1, 10), (2, 20), (5, 5);
insert into r values (1, 10, 5);
insert into r values (10, 10, 5);
insert into r values (1, 1, 5);
insert into r values (1, 10, 1);
insert into r values (1, 10, 10);
delete from s where a = 5;
update s set b = 6 where a = 5;
update s set a = 6 where a = 5;
-- a NULL in the referenced key concerns nobody
create table nk(a int, b int, unique (a, b));
create table nkfk(a int, b int, foreign key (a, b) references nk (a, b));
insert into nk values (1, null), (null, null), (1, 1);
insert into nkfk values (1, null), (1, 1);
insert into nkfk values (2, 2);
delete from nk where b is null;
update nk set b = null;
delete from nk;
drop table nkfk, nk;
-- whose name is longer
create table a_table_with_quite_a_long_name_that_goes_on(a_column_with_a_long_name_as_well int references s, b int, foreign key (a_column_with_a_long_name_as_well, b) references m);
select conname from pg_constraint where conrelid = 'a_table_with_quite_a_long_name_that_goes_on'::regclass order by 1;
create table "Odd name"("Col umn" int primary key, "b""q" int references s);
insert into "Odd name" values (1, 99);
create table "Odd ref"(x int constraint "Con straint" references "Odd name");
insert into "Odd ref" values (2);
select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid::regclass::text like '"Odd%' and contype = 'f' order by 1;
drop table "Odd ref", "Odd name", a_table_with_quite_a_long_name_that_goes_on;
-- schemas
create schema sc;
create table sc.p(a int primary key);
create table sc.c(a int references sc.p, b int references p);
insert into sc.c values (1);
insert into sc.p values (1);
insert into sc.c values (1, 98);
insert into sc.c values (1, 2);
delete from sc.p;
select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'sc.c'::regclass order by 1;
drop schema sc cascade;
-- temporary and unlogged tables
create temp table tp(a int primary key);
create temp table tc(a int references tp);
insert into tc values (1);
insert into tp values (1);
insert into tc values (1);
delete from tp;
drop table tc;
create unlogged table up(a int primary key);
create unlogged table uc(a int references up, b int references p);
insert into uc values (1);
insert into up values (1);
insert into uc values (1, 2);
delete from up;
drop table uc, up;
-- statements in a transaction that fails and goes on
insert into p values (2) on conflict do nothing;
begin;
insert into c values (77, 2);
savepoint a;
insert into c values (78, 444);
rollback to a;
insert into c values (78, 2);
savepoint b;
delete from p where a = 2;
rollback to b;
delete from c where a = 2;
commit;
select count(*) from c where a = 2;
-- prepared statements
prepare ins(int, int) as insert into c values ($1, $2);
execute ins(301, 2);
execute ins(302, 555);
execute ins(302, 2);
execute ins(303, 555);
execute ins(303, 2);
execute ins(304, 2);
execute ins(305, 555);
prepare del(int) as delete from p where a = $1;
execute del(2);
execute del(30);
execute del(1000);
select id, a from c where id > 300 order by id;
deallocate all;
