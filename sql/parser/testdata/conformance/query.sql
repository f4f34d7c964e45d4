# queries: one statement per line; lines that begin with # are comments
SELECT 1
select
select from t
select 1 as a, 2 b, 3 "C", t.*, * from t
select all a from t
select distinct a from t
select distinct on (a, b) a, b, c from t order by a, b, c desc nulls last
select a from t order by a using <, b using operator(pg_catalog.>) nulls first, c asc
select a, count(*) from t group by a having count(*) > 1
select a from t group by ()
select a from t group by distinct rollup (a, b), cube (c, (d, e)), grouping sets ((a), (b, c), ())
select a from t group by all a, grouping sets (rollup (a), cube (b))
select grouping(a, b) from t group by cube(a, b)
select rollup(1), cube from t
values (1, 'a'), (2, default)
values (1) order by 1 limit 1
table t
table only t
table t union all table s order by 1
select 1 union select 2 intersect select 3 except all select 4
(select 1 union select 2) intersect (select 3 limit 1) order by 1
((select 1))
(select 1) limit 1
((select 1) union (select 2)) order by 1 offset 1 fetch first row only
select 1 limit all
select 1 limit 10 offset 5
select 1 offset 5 limit 10
select 1 offset 5 rows
select 1 offset (2 + 3) row fetch next 5 rows only
select a from t order by a fetch first 3 rows with ties
select a from t fetch first -1 rows only
select a from t fetch first +1.5 row only
select a from t offset 1 rows fetch first (2) rows only
select a from t limit (select 1)
select a from t for update
select a from t for no key update of t nowait for share of s, u skip locked for key share
select a from t for update limit 1
select a from t limit 1 for update
select a from t for read only
with a as (select 1) select * from a
with recursive a (x, y) as (select 1, 2 union all select x + 1, y from a) select * from a
with a as materialized (select 1), b as not materialized (select 2) select * from a, b
with recursive a as (select 1) search depth first by x, y set seq select * from a
with recursive a as (select 1) search breadth first by x set seq cycle x, y set is_cycle using path select * from a
with recursive a as (select 1) cycle x set mark to 'Y' default 'N' using path select * from a
with recursive a as (select 1) cycle x set mark to true default false using path select * from a
with a as (insert into t values (1) returning *), b as (update t set x = 1), c as (delete from t) select 1
with a as (merge into t using s on true when matched then delete) select 1
with recursive as (select 1) select 1
(with a as (select 1) select * from a) union select 2
with a as (select 1) (select * from a) order by 1
select * from (with a as (select 1) select * from a) x
select 1 into t
select 1 into temp t from s
select 1 into local temporary table t from s
select 1 into unlogged table x.t from s
select 1 into table t
select * from a, b, only c, d *, only (e)
select * from a as x (p, q), b y, s.c z
select * from a.b.c
select * from a join b on a.x = b.x
select * from a inner join b using (x, y) left join c using (z) as j right outer join d on true full join e on false
select * from a cross join b natural join c natural left join d natural full outer join e
select * from a join b join c on true on false
select * from a left join b cross join c on true
select * from (a join b on true)
select * from (a join b on true) as x (p, q)
select * from ((a join b on true) join c on true)
select * from ((a cross join b) x cross join c)
select * from ((select 1) x cross join b)
select * from ((select 1) union select 2) x
select * from (((select 1)) union (select 2) order by 1) x
select * from ((select 1)) x
select * from (values (1, 2), (3, 4)) v (a, b)
select * from (table t) x
select * from lateral (select 1) x, lateral f(1) y, lateral rows from (f(1), g(2)) z
select * from f(1)
select * from s.f(1, 2) as x
select * from f(1) with ordinality as x (a, b)
select * from f(1) as (a int, b text collate "C")
select * from f(1) as x (a int, b text[])
select * from f(1) x (a int)
select * from f(1) x (a, b)
select * from rows from (f(1) as (a int), g(2), s.h()) with ordinality as x (a, b)
select * from current_date, current_user x, coalesce(1, 2) y, cast(1 as int) z
select * from t tablesample bernoulli (10)
select * from t as x tablesample system (10.5) repeatable (42)
select * from only t tablesample s.m (1, 2)
select * from xmltable('/a' passing '<a/>' columns x int path 'b', y for ordinality, z text default 'q' not null) t
select * from xmltable(xmlnamespaces('u' as n, default 'v'), '/a' passing by ref x by value columns a int null path 'b') as t, lateral xmltable('/a' passing y columns q int) u
select count(*), count(distinct a), count(all b), f(variadic x), f(1, variadic array[1, 2]) from t
select f(), s.f(), a.b.f(1), f(a => 1, b := 2), string_agg(a, ',' order by b desc, c)
select percentile_cont(0.5) within group (order by x) from t
select sum(x) filter (where y > 1) over w from t window w as (partition by a order by b), v as (w rows unbounded preceding)
select sum(x) over (), rank() over (order by a), f(x) over (w), f(x) over (partition by a, b order by c rows between 1 preceding and 2 following exclude current row) from t
select f(x) over (order by a range between unbounded preceding and unbounded following exclude ties)
select f(x) over (order by a groups between current row and 1 following exclude group)
select f(x) over (order by a rows current row exclude no others)
select f(x) over (rows between interval '1 day' preceding and current row)
select f(x) over (rows unbounded following)
select f(x) over (rows 1 following)
select f(x) over (rows between unbounded following and current row)
select f(x) over (rows between current row and unbounded preceding)
select f(x) over (rows between current row and 1 preceding)
select f(x) over (rows between 1 following and 1 preceding)
select f(x) over (rows between 1 following and current row)
select a filter, b over from t
select 1 over
select 1 select
select 1 from
select a b c from t
select a as from t
select (1, 2), row(1, 2), row(), row(1), (1)
select (a).b, (a).b.c, (a).*, (f(x)).y, (select row(1)).a, ((select 1)).b
select a[1], a[1:2], a[:], a[1:], a[:2], a[1][2].b, $1[1], $1.x, ($1).x
select array[1, 2], array[[1, 2], [3, 4]], array[]::int[], array(select 1)
select array[1, 2][1]
select a.*.b from t
select a.b.*, a.b.c.d.e from t
select case when a then b end, case x when 1 then 2 else 3 end, case a when b then c when d then e end
select exists (select 1), not exists (select 1)
select 1 = any (select 1), 1 <> all (array[1]), a < some (values (1)), a like any (array['x']), a not ilike all (b), a operator(pg_catalog.=) any (c), a + any (b)
select a in (1, 2), a not in (select 1), a in ((select 1)), a in ((select 1), 2), a in ((select 1) union select 2), (a, b) in ((1, 2), (3, 4))
select a between 1 and 2, a not between symmetric 1 and 2, a between asymmetric b and c
select a like 'x', a not like 'x' escape '!', a ilike b, a not ilike b escape c, a similar to b, a not similar to b escape c
select a is null, a is not null, a isnull, a notnull, a is true, a is not true, a is false, a is not false, a is unknown, a is not unknown
select a is distinct from b, a is not distinct from b, a is document, a is not document
select a is normalized, a is not normalized, a is nfc normalized, a is not nfkd normalized
select a is null is null
select a isnull notnull
select a and b or not c and d or e
select not not a, not a = b, not a is null, not a in (1)
select - 1, + 1, - a, -1.5, - -1, -(-1), - 1::int, -2147483648, -9223372036854775808, 1 - -1
select a + b * c ^ d - e / f % g, a ^ b ^ c, - a ^ b, a ^ - b
select a || b || c, a @> b, @ a, ~ b, !! c, a -> 'b' ->> 'c', a #> b, a <-> b
select a + b || c - d, a || b = c || d, a < b and c > d, a * b || c
select a operator(pg_catalog.+) b, operator(@) a, a operator(s.||) b
select a at time zone 'UTC', a at time zone b at time zone c, - a at time zone b
select a collate "C", a || b collate "C", a collate pg_catalog."C" < b, - a collate "C"
select a::int, a::int::text, (a)::int, a::varchar(10)[], -a::int, a::s.t, cast(a as int), cast(a as setof int)
select (1, 2) overlaps (3, 4), row(1, 2) overlaps row(3, 4)
select (1, 2, 3) overlaps (3, 4)
select (1, 2) overlaps row(3)
select ((1, 2)) overlaps (3, 4)
select 1 < 2 < 3
select 1 = 2 = 3
select a <> b >= c
select a like b like c
select a between b and c between d and e
select a in (1) in (2)
select a is distinct from b is null
select a is distinct from b is distinct from c
select a = b is null, a is null = b
select a < b is true
select 1 = 2 between 3 and 4
select a between b and c and d
select a between b or c and d
select a not between b and c = d
select a and b is null
select not a like b
select a like b || c
select a + b like c escape d || e
select true, false, null, 1, 1.5, .5, 5., 1e10, 1.5e-3, 'x', b'101', x'1F', n'abc', e'a\nb', U&'d\0061t\+000061', U&'d!0061t' uescape '!', $$abc$$, $tag$a$$b$tag$
select 99999999999, 2147483647, 2147483648, 123456789012345678901234567890
select 'a' 'b'
select int '1', integer '1', smallint '1', bigint '1', real '1', float '1', float(10) '1', double precision '1', decimal '1', dec(3) '1', numeric(10, 2) '1', boolean 't', bit '1', bit(3) '101', bit varying(3) '1', char 'x', char(3) 'x', character varying 'x', character(3) 'x', varchar 'x', varchar(3) 'x', national char 'x', national character varying(3) 'x', nchar 'x', nchar varying(2) 'x'
select date '2020-01-01', time '10:00', time(3) '10:00', time with time zone '10:00', time without time zone '10:00', timestamp '2020-01-01', timestamp(3) with time zone '2020-01-01', timestamp without time zone 'x', timestamptz 'now', s.t 'x', my(1, 2) 'x'
select interval '1', interval '1' year, interval '1' month, interval '1' day, interval '1' hour, interval '1' minute, interval '1' second, interval '1' second(3), interval '1' year to month, interval '1' day to hour, interval '1' day to minute, interval '1' day to second, interval '1' day to second(2), interval '1' hour to minute, interval '1' hour to second, interval '1' minute to second(1), interval(3) '1'
select interval '1' month to day
select interval '1' year to day
select interval '1' hour to day
select interval '1' second to minute
select interval(3) '1' day
select time, interval, int, char, double, values, row, exists, coalesce, between, time.x from t
select double.x, double precision from t
select current_date, current_time, current_time(3), current_timestamp, current_timestamp(3), localtime, localtime(0), localtimestamp, localtimestamp(6), current_role, current_user, session_user, user, current_catalog, current_schema, current_schema()
select current_date(1)
select current_user()
select extract(year from a), extract('epoch' from a), extract(foo from a), extract(second from interval '1')
select extract(a, b)
select overlay(a placing b from 1 for 2), overlay(a placing b from 1), overlay(a, b, 1, 2), overlay()
select position('a' in 'b'), position(a || b in c)
select position(a, b)
select substring(a from 1 for 2), substring(a from 1), substring(a for 2), substring(a for 2 from 1), substring(a similar b escape c), substring(a, 1, 2), substring(a), substring()
select trim(a), trim(both from a), trim(both 'x' from a), trim(leading 'x' from a), trim(trailing from a), trim('x' from a), trim(both a, b), trim(from a)
select treat(a as int), nullif(a, b), coalesce(a, b, c), greatest(a, b), least(a), normalize(a), normalize(a, nfc), collation for (a)
select coalesce()
select nullif(a)
select xmlconcat(a, b), xmlelement(name x), xmlelement(name x, xmlattributes(a, b as c)), xmlelement(name x, xmlattributes(a), b, c), xmlelement(name x, b), xmlforest(a, b as c), xmlparse(document a), xmlparse(content a preserve whitespace), xmlparse(content a strip whitespace), xmlpi(name x), xmlpi(name x, a), xmlroot(a, version b), xmlroot(a, version no value, standalone yes), xmlroot(a, version b, standalone no), xmlroot(a, version b, standalone no value), xmlserialize(content a as text), xmlexists('x' passing a), xmlexists('x' passing by value a by ref)
select f(a) within group (order by b) filter (where c) over d
select f(distinct a) within group (order by b)
select f(a order by a) within group (order by b)
select f(variadic a) within group (order by b)
select f(distinct variadic a)
select f(all variadic a)
select f(a, variadic b, c)
select f(*, 1)
select f(distinct)
select f(all)
select f(a,)
select f(1 'x')
select my(a => 1) 'x'
select my(1 order by 2) 'x'
select left(a, 1), right(b, 2), like(a, b), isnull(a), overlaps(a, b), is(1)
select left from t
select a.left, a.select, a."x" from t
select unique (select 1)
select a default
select default
select $1, $2::int, $1 + 1
select 1 limit 1, 2
select a from t order by a order by b
(select a from t order by a) order by b
(select 1 limit 1) limit 2
(select 1 offset 1) offset 2
with a as (select 1) (with b as (select 2) select 1)
select a from t fetch first 1 rows with ties
select a from t order by a fetch first 1 rows with ties for update skip locked
select * from (select 1)
select * from (values (1))
select * from (a)
select * from (a) x
select * from (a, b)
select * from a join b
select * from a natural join b on true
select * from a cross join b on true
select * from f
select * from a.b.c.d
select * from f(1) as x (a int, b)
select * from f(1) as x (a, b int)
select from where
select a from t where
select a from t group by
select a from t having
select a from t order by
select a from t limit
select 1 + 
select (1
select (1))
select ()
select [1]
select 1 2
select a..b
select a. from t
select .a
select 'x' || from t
select a from t where a = and b
select "select" from "from"
select """q""" from "a""b"
select 1; select 2
select 1;; ;select 2;
;
select 1 /* c */ + /* a /* nested */ b */ 2 -- end
select 1 /* unterminated
select 'unterminated
select "unterminated
select $$unterminated
select $a$un$b$
select e'unterminated\'
select b'101
select x'1F
select ""
select U&"d\0061t"
select U&"d!0061t" uescape '!'
select U&'\00zz'
select U&'\d800'
select U&'\d800x'
select U&'\d83d\de00'
select U&'\dc00'
select U&'x' uescape
select U&'x' uescape 'ab'
select U&'x' uescape '+'
select U&'x' uescape x
select U&'\+110000'
select e'\u0061\U00000061\x41\101\b\f\n\r\t\\\'\v'
select e'\u00'
select e'\ud800'
select e'\ud83d\ude00'
select e'\udc00'
select e'\xff'
select e'\000'
select e'\u0000'
select 123abc
select 1.5abc
select 1e
select 1e+
select 1e5x
select 0x1F
select 1_000
select $1a
select $
select 1..2
select a[1..2]
select a := 1
select a => 1
select a ~~ b !~~ c
select a *+ b, a <=- b, a @- b, a +- b
select a -- c
select a <> b != c
select a != b
select @@@ a, a ?| b, a ?& b
select a % b, a ! b
select a !
select \a
select {a}
select a & b | c # d << e >> f
select a `b
select 1 as "é", é, ÄÖ from "ü"
select a from t as "T" where "T".a = 'ö'
