CREATE TABLE t1 (a int PRIMARY KEY, b text, c numeric(10,2), d timestamptz, e varchar(20), f float8, g boolean, h int[]);
CREATE TABLE t2 (a int, b bigint, x smallint, y text[], z date, "Mixed Case" text, n name, ch "char", bp char(5));
CREATE TABLE pgbench_accounts (aid int NOT NULL PRIMARY KEY, bid int, abalance int, filler char(84));
CREATE TABLE pgbench_branches (bid int NOT NULL PRIMARY KEY, bbalance int, filler char(88));
CREATE TABLE pgbench_tellers (tid int NOT NULL PRIMARY KEY, bid int, tbalance int, filler char(84));
CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
CREATE TABLE emp (id bigint PRIMARY KEY, name text, dept int, boss bigint, salary numeric, hired date, u uuid, iv interval, by bytea, t time(3), j json);
CREATE TABLE dept (id int PRIMARY KEY, name varchar(50), loc text);
