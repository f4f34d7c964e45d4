# INSERT, UPDATE, DELETE, MERGE, COPY
insert into t values (1, 2)
insert into t default values
insert into t (a, b.c, d[1]) values (1, default, 3), (4, 5, 6)
insert into s.t as x (a) select 1
insert into t (select 1)
insert into t ((select 1))
insert into t (values) values (1)
insert into t (values (1))
insert into t table s
insert into t (a) (select 1) union select 2
insert into t overriding user value select 1
insert into t (a) overriding system value values (1)
insert into t with a as (select 1) select * from a
with a as (select 1) insert into t select * from a returning a, b as c, *
insert into t values (1) on conflict do nothing
insert into t values (1) on conflict (a, lower(b), (c || d) collate "C" text_ops) where a > 1 do update set b = excluded.b, (c, d) = (1, 2) where t.a = 1 returning a
insert into t values (1) on conflict on constraint c do update set a = default
insert into t values (1) on conflict do update
insert into t values (1) on conflict (a) do update set
insert into t
insert into t (a)
insert into t () values (1)
insert t values (1)
insert into t values
insert into t values ()
insert into t x values (1)
insert into t overriding value select 1
update t set a = 1
update only t x set a = 1, b = default, c.d = 2, e[1] = 3 where a = 1 returning *
update t as x set (a, b) = (1, 2), (c, d) = (select 1, 2), (e) = row(1)
update t set a = 1 from b, c join d on true where t.a = b.a
update t set a = 1 where current of c
update t set a = 1 where current = 1
update t set set = 1
update t as set set a = 1
update t set a
update t set a =
update t set (a = 1)
update t set () = ()
update set a = 1
update t * set a = 1
with a as (select 1) update t set x = 1 returning x
delete from t
delete from only t as x using a, b where x.a = a.a returning x.*
delete from t where current of c
delete t
delete from t where
delete from t set
with a as (select 1) delete from t
merge into t using s on t.a = s.a when matched then update set a = 1, (b, c) = (1, 2)
merge into only t as x using (select 1) s on true when matched and x.a > 1 then delete when not matched then insert values (1, default)
merge into t using s on true when not matched and s.a = 1 then insert (a, b) values (1, 2) when matched then do nothing when not matched then do nothing
merge into t using s on true when not matched then insert default values
merge into t using s on true when not matched then insert overriding system value values (1)
merge into t using s on true when not matched then insert (a) overriding user value values (1)
with a as (select 1) merge into t using a on true when matched then delete
merge into t using s join u on true on false when matched then delete
merge into t using s on true
merge into t using s on true when matched then insert values (1)
merge into t using s on true when not matched then delete
merge into t using s on true when not matched by source then delete
merge into t using s on true when matched then delete returning *
copy t from stdin
copy t (a, b) to stdout
copy s.t from '/tmp/x' with (format csv, header, delimiter ',', null '', force_quote (a, b), force_null *)
copy t from program 'cat x' csv header
copy t to program 'cat'
copy binary t to stdout
copy t from stdin binary
copy t from stdin using delimiters ',' with null as 'x'
copy t to stdout delimiter as ',' null 'x' csv header quote as '"' escape '!' force quote a, b encoding 'utf8'
copy t to stdout csv force quote *
copy t from stdin csv force not null a, b force null c freeze
copy t from stdin where a > 1
copy t from stdin (format binary) where a > 1
copy (select 1) to stdout
copy (insert into t values (1) returning a) to stdout with (format csv)
copy (values (1)) to '/tmp/x' csv
copy (select 1) from stdin
copy t to stdout where a
copy t from program stdin
copy t to program stdout
copy t
copy t from
copy t from stdin (
copy t from stdin ()
copy t from stdin (format)
copy t from stdin with csv x
copy (select 1) to stdout where a
