# functions, types, operators, roles, privileges, foreign data, replication
create function f() returns int language sql as 'select 1'
create or replace function s.f(a int, b text default 'x', in c int = 1, out d int, inout e int, variadic f int[]) returns setof record as $$x$$ language plpgsql immutable strict security definer cost 10 rows 5 parallel safe leakproof support s.g
create function f(int, out text, a in int, b out int) returns table (x int, y text[]) language sql stable called on null input external security invoker not leakproof as 'a', 'b'
create function f(double precision, a double precision, character varying, x timestamp with time zone, t.c%type, setof t.c%type) returns t.c%type language c as 'obj', 'sym'
create function f() returns int return 1 + 2
create function f() returns int language sql begin atomic select 1; select 2; end
create function f() returns int begin atomic end
create function f() returns int begin atomic return 1; ; end
create function f() returns trigger window returns null on null input volatile set a = 1 set b from current reset c language plpgsql as 'x' transform for type int, for type s.t
create function f(out a int) returns table (b int) language sql as 'x'
create function f(a int default 1, b int) language sql as 'x'
create function f(in out a int) as 'x' language sql
create function f
create function f()
create function f(a) returns int as ''
create function f() returns table () as ''
create procedure p(a int, inout b int) language sql as 'x'
create or replace procedure p() begin atomic insert into t values (1); end
create procedure p() returns int language sql as 'x'
alter function f(int) rename to g
alter function f owner to x
alter function s.f(int, text) set schema y
alter function f() immutable strict cost 1 set x = 1 reset all restrict
alter function f() depends on extension e
alter function f() no depends on extension e
alter procedure p rename to q
alter routine p(int) security definer
alter function f()
alter function f() language sql
create aggregate a (int) (sfunc = f, stype = int)
create or replace aggregate s.a (*) (sfunc = f, stype = int, initcond = '0')
create aggregate a (float8 order by variadic "any") (sfunc = f, stype = internal)
create aggregate a (order by x int) (sfunc = f)
create aggregate a (variadic "any" order by variadic "any") (sfunc = f)
create aggregate a (variadic "any" order by int) (sfunc = f)
create aggregate a (out int) (sfunc = f)
create aggregate a (basetype = int, sfunc = f, stype = int)
create aggregate a (basetype = "ANY", sfunc1 = f, sortop = operator(pg_catalog.<), sortop = <)
create aggregate a
alter aggregate a (int) rename to b
alter aggregate a (*) owner to x
alter aggregate a (int order by int) set schema y
create operator + (leftarg = int, rightarg = int, procedure = f, commutator = +, negator = operator(pg_catalog.-), hashes, merges)
create operator s.@@ (function = f)
create operator class c default for type int using btree family f as operator 1 <, operator 2 <= (int, int) for search, operator 3 = (int, int) for order by s.o, function 1 f(int, int), function 2 (int, int) g(int), storage text
create operator class c for type int using btree as operator 1 < recheck
create operator family f using btree
alter operator + (int, int) owner to x
alter operator + (none, int) set schema s
alter operator + (int, int) set (restrict = f, join = none)
alter operator class c using btree rename to d
alter operator class c using btree owner to d
alter operator class c using btree set schema d
alter operator family f using btree add operator 1 < (int, int), function 1 f(int)
alter operator family f using btree drop operator 1 (int, int), function 1 (int)
alter operator family f using btree rename to g
create type t
create type s.t as (a int, b text collate "C")
create type t as ()
create type t as enum ('a', 'b')
create type t as enum ()
create type t as range (subtype = int, subtype_diff = f)
create type t (input = f, output = g, like = int, alignment = double, storage = plain, internallength = variable, passedbyvalue)
create type t as
alter type t rename to u
alter type s.t owner to x
alter type t set schema s
alter type t add value 'x'
alter type t add value if not exists 'x' before 'y'
alter type t add value 'x' after 'y'
alter type t rename value 'a' to 'b'
alter type t rename attribute a to b cascade
alter type t add attribute a int collate "C" cascade, drop attribute if exists b, alter attribute c set data type text, alter attribute d type int restrict
alter type t set (receive = f, send = none)
alter type t foo
create domain d as int
create domain s.d text collate "C" default 'x' not null constraint c check (value <> '') null
alter domain d set default 1
alter domain d drop default
alter domain d set not null
alter domain d drop not null
alter domain d add constraint c check (value > 1) not valid
alter domain d add check (value > 1)
alter domain d drop constraint c
alter domain d drop constraint if exists c cascade
alter domain d validate constraint c
alter domain d rename to e
alter domain d rename constraint a to b
alter domain d owner to x
alter domain d set schema s
create collation c (locale = 'x', provider = icu, deterministic = false)
create collation if not exists c from "C"
create collation c
alter collation c refresh version
alter collation c rename to d
alter collation c owner to d
alter collation c set schema d
create conversion c for 'a' to 'b' from s.f
create default conversion s.c for 'a' to 'b' from f
alter conversion c rename to d
create cast (int as text) with function f(int)
create cast (int as text) without function as implicit
create cast (int as text) with inout as assignment
create cast (int as text)
create transform for int language l (from sql with function f(internal), to sql with function g(internal))
create or replace transform for int language l (to sql with function g(internal), from sql with function f(internal))
create transform for int language l (from sql with function f(internal))
create language l
create or replace trusted procedural language l
create language l handler s.h inline i validator v
create trusted language l handler h no validator
alter language l rename to m
alter procedural language l owner to m
create trigger t before insert on x for each row execute function f()
create or replace trigger t after update of a, b or delete or truncate on s.x referencing old table as o new table n for each statement when (old.a <> new.a) execute procedure s.f(1, 2.5, 'x', y, select)
create trigger t instead of insert or update on v for row execute function f()
create trigger t after insert on x execute function f()
create trigger t before insert or insert on x execute function f()
create constraint trigger t after insert on x from y deferrable initially deferred for each row when (true) execute function f()
create constraint trigger t after insert on x not deferrable for each row execute function f()
create constraint trigger t after insert on x not valid for each row execute function f()
create or replace constraint trigger t after insert on x for each row execute function f()
create trigger t before insert on x referencing for each row execute function f()
create trigger t insert on x execute function f()
alter trigger a on t rename to b
alter trigger a on t depends on extension e
alter trigger a on t no depends on extension e
create event trigger e on ddl_command_start execute function f()
create event trigger e on x when tag in ('a', 'b') and y in ('c') execute procedure s.f()
alter event trigger e disable
alter event trigger e enable
alter event trigger e enable replica
alter event trigger e enable always
alter event trigger e rename to f
alter event trigger e owner to f
create rule r as on insert to t do nothing
create or replace rule r as on update to s.t where old.a > 1 do instead (insert into x values (1); delete from y; ; update z set a = 1)
create rule r as on delete to t do also notify x
create rule "_RETURN" as on select to t do instead select 1
create rule r as on select to t do instead (select 1)
create rule r as on select to t do instead (select 1; select 2)
create rule r as on select to t do instead ((select 1) union select 2)
create rule r as on insert to t do instead (values (1))
create rule r as on insert to t do begin
alter rule r on t rename to s
create policy p on t
create policy p on t as restrictive for select to public, current_user using (a > 1) with check (b > 1)
create policy p on t as permissive for all
create policy p on t as foo
create policy p on t for merge
alter policy p on t to x using (true)
alter policy p on t with check (false)
alter policy if exists p on t rename to q
alter policy p on t rename to q
alter policy p on t
create statistics s on a, b from t
create statistics if not exists s (ndistinct, mcv) on a, (b + c), lower(d) from t join u on true
create statistics on a, b from t
alter statistics s set statistics 100
alter statistics if exists s set statistics -1
alter statistics s rename to u
alter statistics s owner to u
alter statistics s set schema u
create text search parser p (start = f, gettoken = g)
create text search dictionary d (template = simple, stopwords = 'x')
create text search template t (lexize = f)
create text search configuration c (copy = x)
alter text search parser p rename to q
alter text search dictionary d (stopwords = 'x', y)
alter text search dictionary d owner to x
alter text search configuration c add mapping for a, b with d, s.e
alter text search configuration c alter mapping for a with d
alter text search configuration c alter mapping replace a with b
alter text search configuration c alter mapping for x replace a with b
alter text search configuration c drop mapping if exists for a, b
alter text search configuration c drop mapping for a
alter text search configuration c set schema s
create access method a type index handler h
create access method a type table handler s.h
create access method a type foo handler h
create extension e
create extension if not exists e with schema s version '1.0' cascade
create extension e from '1.0'
alter extension e update
alter extension e update to '2.0'
alter extension e set schema s
alter extension e add table t
alter extension e drop function f(int)
alter extension e add cast (int as text)
alter extension e add operator class c using btree
alter extension e add type t
alter extension e drop schema s
alter extension e add transform for int language l
create database d
create database d with owner = x template y encoding 'utf8' tablespace = z connection limit 5 is_template true allow_connections = default lc_collate 'C' strategy = wal_log
alter database d with connection limit -1
alter database d is_template = false
alter database d rename to e
alter database d owner to x
alter database d set tablespace x
alter database d set a = 1
alter database d set a from current
alter database d reset all
alter database d refresh collation version
alter database d
create tablespace t location '/x'
create tablespace t owner current_user location '/x' with (seq_page_cost = 1)
alter tablespace t set (random_page_cost = 1)
alter tablespace t reset (random_page_cost)
alter tablespace t rename to u
alter tablespace t owner to u
alter system set a = 1
alter system set a.b to 'x', 'y'
alter system set a = default
alter system reset a
alter system reset all
alter system set time zone 'x'
create role r
create role r with superuser nosuperuser createdb nocreatedb createrole nocreaterole inherit noinherit login nologin replication noreplication bypassrls nobypassrls connection limit 5 password 'x' valid until 'y'
create user u encrypted password 'x' in role a, b role c admin d user e sysid 5 in group f
create group g
create role r password null
create role r unencrypted password 'x'
create role r foo
create role r nofoo
create role public
create role none
create role current_user
create role session_user
create role "public"
alter role r with nologin password 'x'
alter role current_user rename to x
alter role r rename to s
alter role r set a = 1
alter role all set a = 1
alter role r in database d reset all
alter role all in database d set a to default
alter user u set time zone 'x'
alter role r role x
alter role r
alter group g add user a, b
alter group g drop user a
alter group g rename to h
grant select on t to x
grant select, insert (a, b), update, references (c), delete, truncate, trigger on table a, s.b to x, public, group y with grant option
grant all on t to current_user granted by session_user
grant all privileges (a, b) on t to x
grant usage on sequence s to x
grant usage on schema a, b to x
grant create, connect, temp on database d to x
grant execute on function f(int), s.g to x
grant execute on procedure p to x
grant all on routine r to x
grant usage on language l to x
grant usage on type t, s.u to x
grant usage on domain d to x
grant usage on foreign data wrapper a to x
grant usage on foreign server a to x
grant select on large object 1, 2 to x
grant create on tablespace t to x
grant set, alter system on parameter a.b, c to x
grant select on all tables in schema a, b to x
grant usage on all sequences in schema a to x
grant execute on all functions in schema a to x
grant execute on all procedures in schema a to x
grant execute on all routines in schema a to x
grant a, b to c, d with admin option granted by e
grant a to none
grant select on type to x
grant select on
grant select to
grant
grant on t to x
revoke select on t from x
revoke grant option for all on t from x cascade
revoke all privileges on table t from public restrict
revoke a from b
revoke admin option for a, b from c granted by d cascade
revoke select on t to x
alter default privileges grant select on tables to x
alter default privileges for role a, b in schema c, d grant all on functions to public with grant option
alter default privileges for user a revoke execute on routines from public cascade
alter default privileges revoke grant option for usage on types from x
alter default privileges grant usage on schemas to x
alter default privileges grant usage on sequences to x
alter default privileges
create foreign data wrapper f
create foreign data wrapper f handler s.h no validator options (a 'b', c 'd')
alter foreign data wrapper f no handler validator v options (set a 'b')
alter foreign data wrapper f options (drop a)
alter foreign data wrapper f rename to g
alter foreign data wrapper f owner to g
alter foreign data wrapper f
create server s foreign data wrapper f
create server if not exists s type 'a' version 'b' foreign data wrapper f options (a 'b')
create server s version null foreign data wrapper f
alter server s version 'x'
alter server s options (a 'b')
alter server s version null options (add a 'b')
alter server s rename to u
alter server s owner to u
alter server s
create foreign table t (a int options (x 'y') not null) server s options (a 'b')
create foreign table if not exists t () inherits (u) server s
create foreign table t partition of u for values in (1) server s
create foreign table t (a int)
create user mapping for x server s
create user mapping if not exists for user server s options (a 'b')
create user mapping for public server s
alter user mapping for current_user server s options (set a 'b')
create publication p
create publication p for all tables
create publication p for table a, only b, c *, s.d (x, y) where (a > 1) with (publish = 'insert')
create publication p for tables in schema a, b, table t, u
create publication p for tables in schema current_schema, current_schema
create publication p for table a, current_schema
create publication p for a
create publication p for tables in schema a, b.c
create publication p for tables in schema a, b (x)
create publication p for tables in schema a, b where (true)
alter publication p add table a
alter publication p set table a, b
alter publication p drop tables in schema a
alter publication p set (publish = 'insert')
alter publication p rename to q
alter publication p owner to q
create subscription s connection 'x' publication a, b with (enabled = false)
alter subscription s connection 'x'
alter subscription s refresh publication
alter subscription s refresh publication with (copy_data = false)
alter subscription s set publication a, b with (refresh = false)
alter subscription s add publication a
alter subscription s drop publication a
alter subscription s enable
alter subscription s disable
alter subscription s set (slot_name = none)
alter subscription s skip (lsn = '0/0')
alter subscription s rename to t
alter subscription s owner to t
alter large object 1 owner to x
alter foo
alter
create assertion a check (true)
create foo
create
create or replace
create or replace schema s
