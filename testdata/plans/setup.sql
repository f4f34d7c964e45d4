-- Tables like pgbench's and a small star schema. No table has more than 30,000 rows: ANALYZE then sees every row, and
-- the statistics do not depend on chance.
create table branches (bid int primary key, bbalance int, filler char(88));
create table tellers (tid int primary key, bid int, tbalance int, filler char(84));
create table accounts (aid int primary key, bid int, abalance int, filler char(84));
create table history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
insert into branches select i, 0, 'b' from generate_series(1, 10) i;
insert into tellers select i, (i - 1) / 10 + 1, 0, 't' from generate_series(1, 100) i;
insert into accounts select i, (i - 1) / 2000 + 1, (i * 37) % 1000 - 500, 'a' from generate_series(1, 20000) i;
insert into history select i % 100 + 1, i % 10 + 1, (i * 7) % 20000 + 1, i % 200 - 100, timestamp '2024-01-01' + i * interval '1 minute', null from generate_series(1, 10000) i;

create table dates (d_id int primary key, d_date date not null, d_year int not null, d_month int not null);
create table stores (s_id int primary key, s_name text not null, s_region text);
create table items (i_id int primary key, i_name text not null, i_category text not null, i_price numeric(10,2), i_parent int);
create table customers (c_id int primary key, c_name text not null, c_city text, c_email text);
create table sales (sale_id int primary key, d_id int not null, s_id int not null, i_id int not null, c_id int, qty int not null, amount float8, note text);
insert into dates select i, date '2023-01-01' + i, extract(year from date '2023-01-01' + i)::int, extract(month from date '2023-01-01' + i)::int from generate_series(0, 729) i;
insert into stores select i, 'store ' || i, (array['north','south','east','west'])[i % 4 + 1] from generate_series(1, 50) i;
update stores set s_region = null where s_id % 10 = 0;
insert into items select i, 'item ' || i, (array['food','toys','books','tools','music','garden','sport','other'])[case when i % 2 = 0 then 1 else i % 8 + 1 end], (i % 500) + 0.99, case when i > 100 then i % 100 + 1 end from generate_series(1, 2000) i;
insert into customers select i, 'customer ' || i, 'city ' || (i % 97), case when i % 3 > 0 then 'c' || i || '@example.org' end from generate_series(1, 5000) i;
insert into sales select i, (i * 31) % 730, (i * i) % 50 + 1, (i * 17) % 2000 + 1, case when i % 20 > 0 then (i * 13) % 5000 + 1 end, i % 7 + 1, (i % 1000) * 1.5, case when i % 4 = 0 then 'note ' || i % 50 end from generate_series(1, 30000) i;
create index sales_d on sales (d_id);
create index sales_c on sales (c_id);
create index sales_is on sales (i_id, s_id);
create index sales_big on sales (amount) where qty = 7;
create index items_cat on items (i_category);
create index items_lower on items (lower(i_name));
create index customers_city on customers (c_city);
create index customers_name on customers (c_name text_pattern_ops);
create index accounts_bid on accounts (bid);
create index history_mtime on history (mtime);
vacuum analyze;
