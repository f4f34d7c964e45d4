-- COPY in and out, in text and csv, with every option of the two formats, and what goes wrong
create table c(a int, b text, c numeric default 1.5, d date);
copy c from stdin;
1	one	1.25	2020-01-01
2	\N	\N	\N
3	tab\there	0	1999-12-31
4	line\nbreak	-1	2000-02-29
5	back\\slash	7	infinity
6	oct\101 hex\x42 end	7	2001-01-01
7		1e3	2001-01-01
\.
select * from c order by a;
copy c to stdout;
copy c(b, a) to stdout;
copy c(a, b) from stdin;
8	eight
\.
copy c(a, b) to stdout (delimiter '|');
copy c(a, b) to stdout with (format text, delimiter ',', null 'NIL');
copy c to stdout with csv;
copy c to stdout csv header;
copy c to stdout (format csv, header true, quote '''', delimiter ';', null 'none');
copy c(a, b) to stdout (format csv, force_quote (b));
copy c(a, b) to stdout (format csv, force_quote *);
copy c(a, b) to stdout (format csv, escape '\');
copy (select a, b from c where a < 3 order by a desc) to stdout;
copy (select 'x"y' as q, 'a,b', 'l' || chr(10) || 'm', ' ', '', null) to stdout csv header;
copy (values (1, 'a'), (2, null)) to stdout (format csv, null 'N');
copy (insert into c values (90, 'ninety') returning a, b) to stdout;
copy (update c set b = 'ninety-one' where a = 90 returning *) to stdout;
copy (delete from c where a = 90) to stdout;
copy (delete from c where a = 90 returning a) to stdout;
copy (select 1 into x) to stdout;
copy (select 1; select 2) to stdout;
copy (select * from nosuch) to stdout;
-- csv in
create table v(a int, b text, c text default 'dflt');
copy v from stdin csv;
1,"quoted, comma",plain
2,"quote "" inside",
3,,""
4,"line
break",x
\.
select a, b, c, b is null, c is null from v order by a;
truncate v;
copy v from stdin (format csv, header);
a,b,c
1,x,y
\.
copy v from stdin (format csv, header match);
a,b,c
2,x,y
\.
copy v from stdin (format csv, header match);
a,wrong,c
3,x,y
\.
copy v(a, b) from stdin (format csv, header match);
a,b,c
3,x,y
\.
copy v from stdin (header match);
a	b	c
4	x	y
\.
copy v from stdin (format csv, null 'NULL', delimiter ';', quote '$');
5;$a;b$;NULL
6;$NULL$;NULL
\.
copy v from stdin (format csv, force_null (b), force_not_null (c));
7,"",
8,x,
\.
copy v from stdin (format csv, escape '\');
9,"back\"quote",z
\.
copy v(a) from stdin where a > 10;
10
11
12
\.
select * from v order by a;
copy v from stdin with (format csv) where b like 'k%' and a is not null;
20,keep,1
21,drop,1
,keep,1
\.
select a, b, c from v where a >= 20 order by a;
copy v from stdin where nosuch = 1;
copy v from stdin where count(*) > 1;
copy v from stdin where a in (select 1);
copy v to stdout where a = 1;
copy (select 1) to stdout where 1 = 1;
-- wrong data
copy c from stdin;
x	one	1	2020-01-01
\.
copy c from stdin;
1	one	1	2020-01-01
2	two	1	notadate
\.
copy c from stdin;
1	one
\.
copy c from stdin;
1	one	1	2020-01-01	more
\.
copy c from stdin;
99999999999	one	1	2020-01-01
\.
copy v from stdin csv;
1,"open
\.
copy v from stdin csv;
1,2,3,4
\.
copy v from stdin csv;
1,2
\.
copy v from stdin csv;
1,"x"y,z
\.
select count(*) from v where a = 1;
create table k(a int primary key, b int check (b > 0), c text not null);
copy k from stdin;
1	1	a
1	2	b
\.
copy k from stdin;
2	0	a
\.
copy k from stdin;
3	1	\N
\.
copy k from stdin;
3	1	a
4	2	b
\.
select * from k order by a;
create table g(a int, b int generated always as (a * 2) stored, i int generated always as identity);
copy g(a) from stdin;
1
2
\.
copy g from stdin;
3	1
\.
copy g(b) from stdin;
copy g to stdout;
copy g(a, b) to stdout;
-- wrong commands
copy nosuch from stdin;
copy nosuch to stdout;
copy c(nosuch) from stdin;
copy c(a, a) from stdin;
copy c(nosuch) to stdout;
copy c to stdout (format nosuch);
copy c to stdout (nosuch);
copy c to stdout (format csv, format text);
copy c to stdout (delimiter 'ab');
copy c to stdout (delimiter '');
copy c to stdout (delimiter 'a');
copy c to stdout (delimiter E'\n');
copy c to stdout (null E'x\ny');
copy c to stdout (delimiter '|', null 'a|b');
copy c to stdout (format csv, delimiter '"');
copy c to stdout (format csv, quote 'ab');
copy c to stdout (format csv, escape 'ab');
copy c to stdout (quote '"');
copy c to stdout (escape '"');
copy c to stdout (force_quote (a));
copy c from stdin (format csv, force_quote (a));
copy c to stdout (format csv, force_null (a));
copy c to stdout (format csv, force_not_null (a));
copy c from stdin (force_null (a));
copy c from stdin (force_not_null (a));
copy c to stdout (format csv, force_quote (nosuch));
copy c(a) to stdout (format csv, force_quote (b));
copy c from stdin (format csv, force_null (nosuch));
copy c to stdout (header match);
copy c to stdout (header 5);
copy c to stdout (header maybe);
copy c to stdout (format binary, delimiter ',');
copy c to stdout (format binary, null 'x');
copy c to stdout (format binary, header);
copy c to stdout (freeze);
copy c from stdin (freeze);
copy c to stdout (encoding 'nosuch');
copy c to stdout (encoding 'utf8');
copy c to stdout (oids);
copy c to '/nonexistent/file';
copy c from '/nonexistent/file';
copy c from 'relative';
copy c to 'relative';
create view w as select * from c;
copy w to stdout;
copy w from stdin;
copy (select * from w where a = 1) to stdout;
create sequence sq;
copy sq to stdout;
copy sq from stdin;
create index ci on c(a);
copy ci to stdout;
create materialized view mv as select a from c;
copy mv to stdout;
copy mv from stdin;
-- old syntax
copy c(a) to stdout delimiter ',';
copy c(a, b) to stdout with delimiter ',' null as 'x';
copy c(a, b) to stdout csv quote as '''' force quote b;
copy v from stdin with csv null 'x' force not null b;
30,x,1
\.
select a, b, c from v where a = 30;
copy binary c to stdout csv;
-- in transactions
begin;
create table fz(a int);
copy fz from stdin (freeze);
1
2
\.
select * from fz order by a;
rollback;
begin;
truncate k;
copy k from stdin with (freeze);
7	7	x
\.
commit;
select * from k;
begin read only;
copy c from stdin;
copy c(a) to stdout;
rollback;
begin;
copy k from stdin;
7	7	x
\.
copy k to stdout;
rollback;
create temp table tt(a int, b bool, c bytea, d float8, e timestamptz, f int[]);
set timezone = 'UTC';
copy tt from stdin;
1	t	\\x4142	1.5	2020-01-01 00:00:00+00	{1,2,NULL}
2	no	abc	NaN	infinity	{}
\.
copy tt to stdout;
set bytea_output = escape;
set datestyle = 'German';
set extra_float_digits = 0;
copy tt to stdout csv;
