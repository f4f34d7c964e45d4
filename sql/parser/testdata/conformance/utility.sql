# transactions, sessions, cursors, maintenance
begin
begin work
begin transaction isolation level serializable
begin isolation level read committed, read only not deferrable
begin isolation level repeatable read read write, deferrable
start transaction
start transaction isolation level read uncommitted
commit
commit work and chain
commit transaction and no chain
end
end and chain
rollback
rollback work
rollback and chain
abort
abort transaction and no chain
savepoint a
release a
release savepoint a
rollback to a
rollback work to savepoint a
rollback transaction to a
prepare transaction 'x'
commit prepared 'x'
rollback prepared 'x'
begin isolation level
begin isolation level serializable,
begin read
start
start work
commit and
savepoint
end prepared 'x'
abort to x
set a = 1
set a to 'x', 'y', z
set a.b.c = on
set local a = true
set session a to default
set a from current
set a = -1.5
set a = +1
set a = 1e3, off
set time zone 'UTC'
set time zone default
set time zone local
set time zone utc
set time zone -7
set time zone interval '-08:00' hour to minute
set time zone interval '1' day
set time zone interval(3) '1'
set local time zone 1.5
set transaction isolation level serializable
set transaction read only, deferrable
set transaction snapshot 'x'
set local transaction read only
set session characteristics as transaction isolation level read committed
set session authorization x
set session authorization default
set local session authorization 'x'
set role x
set role none
set role 'x'
set names 'utf8'
set names
set names default
set schema 'x'
set catalog 'x'
set xml option document
set xml option content
set constraints all deferred
set constraints a, b.c immediate
set a
set a =
set a = ,
set a = select
set a = 1 2
set
set session
set local
set transaction
set constraints
reset a
reset a.b
reset all
reset time zone
reset transaction isolation level
reset session authorization
reset
show a
show a.b
show all
show time zone
show transaction isolation level
show session authorization
show
explain select 1
explain analyze select 1
explain verbose select 1
explain analyze verbose insert into t values (1)
explain (analyze, verbose off, costs true, format json, buffers 1, x 'y', z -1.5) select 1
explain (select 1)
explain ((select 1) union select 2)
explain (analyze) (select 1)
explain update t set a = 1
explain delete from t
explain merge into t using s on true when matched then delete
explain create table t as select 1
explain create materialized view t as select 1
explain create table t (a int)
explain declare c cursor for select 1
explain execute x
explain execute x (1, 2)
explain refresh materialized view x
explain values (1)
explain with a as (select 1) select * from a
explain
explain ()
explain (analyze
explain verbose analyze select 1
explain begin
prepare a as select 1
prepare a (int, text[]) as insert into t values ($1, $2)
prepare a as merge into t using s on true when matched then delete
prepare a as with x as (select 1) delete from t
prepare a () as select 1
prepare a as begin
prepare
execute a
execute a (1, 'x', b + 1)
execute a ()
deallocate a
deallocate prepare a
deallocate all
deallocate prepare all
deallocate prepare
deallocate
declare c cursor for select 1
declare c binary insensitive no scroll cursor with hold for select 1
declare c asensitive scroll cursor without hold for values (1)
declare c cursor for with a as (select 1) select * from a for update
declare c cursor for insert into t values (1)
declare c cursor
declare c scroll
fetch c
fetch from c
fetch in c
fetch next from c
fetch next c
fetch next
fetch prior in c
fetch first from c
fetch last c
fetch absolute 5 from c
fetch absolute -5 c
fetch relative 3 in c
fetch 5 from c
fetch -5 c
fetch all c
fetch all from c
fetch forward c
fetch forward 5 c
fetch forward all in c
fetch backward
fetch backward from c
fetch backward -3 from c
fetch backward all c
fetch all
fetch 5
fetch
fetch absolute
fetch absolute c
move c
move forward all from c
move 5 in c
close c
close all
close
vacuum
vacuum t
vacuum full freeze verbose analyze t (a, b), s.u
vacuum (full, analyze false, parallel 2, index_cleanup auto) t
vacuum freeze full
vacuum analyze verbose
vacuum verbose analyse t
vacuum (analyze, verbose)
vacuum t (
vacuum ()
analyze
analyse
analyze verbose t (a), u
analyze (verbose, skip_locked) t
analyze t u
cluster
cluster t
cluster t using i
cluster verbose
cluster verbose t using i
cluster (verbose) s.t
cluster (verbose)
cluster i on t
cluster verbose i on t
cluster t using
reindex table t
reindex index concurrently i
reindex schema s
reindex database d
reindex system d
reindex (verbose, tablespace x) table concurrently t
reindex database
reindex system
reindex t
lock t
lock table t
lock table only a, b *, c in access share mode
lock t in row share mode nowait
lock t in row exclusive mode
lock t in share update exclusive mode
lock t in share mode
lock t in share row exclusive mode
lock t in exclusive mode
lock t in access exclusive mode nowait
lock t nowait
lock t in mode
lock t in access mode
lock
truncate t
truncate table only a, b * restart identity cascade
truncate t continue identity restrict
truncate
discard all
discard temp
discard temporary
discard plans
discard sequences
discard
discard x
listen a
unlisten a
unlisten *
notify a
notify a, 'payload'
notify a, 1
listen
checkpoint
checkpoint x
load 'x'
load x
do 'begin end'
do $$begin end$$ language plpgsql
do language 'plpgsql' $$x$$
do language x
do
call f()
call s.f(1, a => 2)
call f(variadic x)
call f
call f(distinct a)
call 1
reassign owned by a, current_user to b
drop owned by a, session_user cascade
drop owned by current_role
comment on table t is 'x'
comment on table s.t is null
comment on column t.a is 'x'
comment on column a.b.c is e'x\n'
comment on index i is 'x'
comment on sequence s is 'x'
comment on view v is 'x'
comment on materialized view v is 'x'
comment on foreign table v is 'x'
comment on collation c is 'x'
comment on conversion c is 'x'
comment on statistics c is 'x'
comment on text search parser p is 'x'
comment on text search dictionary p is 'x'
comment on text search template p is 'x'
comment on text search configuration p is 'x'
comment on type t is 'x'
comment on domain d is 'x'
comment on schema s is 'x'
comment on database d is 'x'
comment on role r is 'x'
comment on tablespace r is 'x'
comment on subscription r is 'x'
comment on publication r is 'x'
comment on extension r is 'x'
comment on event trigger r is 'x'
comment on access method r is 'x'
comment on foreign data wrapper r is 'x'
comment on server r is 'x'
comment on language r is 'x'
comment on procedural language r is 'x'
comment on aggregate a (int, text) is 'x'
comment on aggregate a (*) is 'x'
comment on aggregate a (int order by text) is 'x'
comment on function f (int, out text, variadic x int[]) is 'x'
comment on function f is 'x'
comment on procedure f (int) is 'x'
comment on routine f (int) is 'x'
comment on operator + (int, int) is 'x'
comment on operator s.- (none, int) is 'x'
comment on operator class o using btree is 'x'
comment on operator family o using btree is 'x'
comment on constraint c on t is 'x'
comment on constraint c on domain d is 'x'
comment on policy c on t is 'x'
comment on rule c on t is 'x'
comment on trigger c on s.t is 'x'
comment on transform for t language l is 'x'
comment on large object 123 is 'x'
comment on cast (int as text) is 'x'
comment on user x is 'x'
comment on table t
comment on operator + (int) is 'x'
comment on table t is x
security label on table t is 'x'
security label for 'p' on column t.a is null
security label for p on function f(int) is 'x'
security label on role r is 'x'
security label on large object 1 is 'x'
security label on type t is 'x'
security label on trigger t on x is 'x'
import foreign schema a from server b into c
import foreign schema a limit to (t, u) from server b into c options (x 'y')
import foreign schema a except (t) from server b into c
import foreign schema a
refresh materialized view v
refresh materialized view concurrently s.v with no data
refresh materialized view v with data
refresh view v
foo
selec 1
