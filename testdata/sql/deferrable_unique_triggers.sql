-- The internal triggers that stand for the late checks of deferrable keys.
create table zp (a int, b int, unique (a) deferrable) partition by list (a);
create table zp1 partition of zp for values in (1);
create table zz (a int unique deferrable, b int primary key deferrable initially deferred, c int unique);
alter table zz add constraint zz_bc unique (b, c) deferrable initially immediate;
create table zl (like zz including all);
select tgrelid::regclass, regexp_replace(tgname, '\d+$', 'N'), tgfoid::regproc, tgtype, tgenabled, tgisinternal, tgconstrrelid, tgconstrindid::regclass, tgdeferrable, tginitdeferred, tgparentid, relhastriggers,
  (select conname from pg_constraint where oid = tgconstraint)
  from pg_trigger join pg_class on pg_class.oid = tgrelid where tgfoid = 'unique_key_recheck'::regproc order by tgrelid::regclass::text, tgconstrindid::regclass::text;
select refclassid::regclass, deptype, count(*) from pg_depend where classid = 'pg_trigger'::regclass group by refclassid, 2 order by refclassid::regclass::text, 2;
alter table zz drop constraint zz_bc;
alter table zz disable trigger all;
select tgrelid::regclass, tgenabled, count(*) from pg_trigger where tgfoid = 'unique_key_recheck'::regproc group by tgrelid, 2 order by tgrelid::regclass::text;
alter table zz enable trigger all;
reindex table zz;
insert into zz values (1, 1, 1), (2, 2, 2);
update zz set a = 3 - a;
begin;
insert into zz values (3, 1, 3);
update zz set b = 3 where a = 3;
commit;
insert into zz values (3, 4, 4);
table zz;
drop table zp, zz, zl;
select count(*) from pg_trigger where tgfoid = 'unique_key_recheck'::regproc;
