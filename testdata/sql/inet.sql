-- inet and cidr: their texts
CREATE TABLE texts (n int GENERATED ALWAYS AS IDENTITY, s text);
INSERT INTO texts (s) VALUES ('1.2.3.4'), ('1.2.3.4.'), ('1.2.3.4/32'), ('1.2.3.4/24'), ('1.2.3.0/24'), ('10/8'), ('10./8'), ('10.1/16'), ('192.168.1/24'),
  ('10.1.2.3/0'), ('0.0.0.0/0'), ('255.255.255.255'), ('::'), ('::1'), ('::/0'), ('1::'), ('::1.2.3.4'), ('::ffff:1.2.3.4'), ('::ffff:1.2.3.4/120'), ('::ffff:1.2.3.0/120'),
  ('::1.2'), ('::1..2'), ('1:2:3:4:5:6:7:8'), ('1:2:3:4:5:6:1.2.3.4'), ('1:0:0:2:0:0:0:3'), ('1:0:0:2::3'), ('1:2:0:4:5:6:7:8'), ('fe80::1/64'), ('fe80::/10'),
  ('2001:DB8::/32'), ('2001:db8:0:1::/64'), ('0:0:0:0:0:0:1:1'), ('::2:1'), ('::ffff:0:0'), ('1:2:3:4:5:6:7::'), ('::2:3:4:5:6:7:8'), ('::1/128');
SELECT n, s, s::inet, family(s::inet), masklen(s::inet), host(s::inet), text(s::inet), abbrev(s::inet), broadcast(s::inet), network(s::inet), netmask(s::inet), hostmask(s::inet)
  FROM texts ORDER BY n;
SELECT n, s::inet::cidr, abbrev(s::inet::cidr), text(s::inet::cidr), s::inet::cidr::inet, s::inet::text, s::inet::varchar(8), inet_send(s::inet), cidr_send(s::inet::cidr) FROM texts ORDER BY n;
SELECT '1.2.3.4/24'::cidr;
SELECT '1.2.3.4'::cidr, '1.2.3'::cidr, '1.2'::cidr, '1'::cidr, '10'::cidr, '127'::cidr, '128'::cidr, '191.1'::cidr, '192'::cidr, '192.1'::cidr, '223.1.2'::cidr, '224'::cidr, '225'::cidr,
  '239.1'::cidr, '240'::cidr, '255'::cidr, '224.0.0'::cidr;
SELECT '0x0a'::cidr, '0X0a01'::cidr, '0x0a0'::cidr, '0xc0a80102'::cidr, '0xe0'::cidr, '0x0a01/16'::cidr, '0x0a/30'::cidr;
SELECT '0x0a010203040'::cidr;
SELECT '0x'::cidr;
SELECT '0x0a'::inet;
SELECT '10/31'::cidr, '10.1.2/32'::cidr;
SELECT '10/16'::inet;
SELECT '10.1/23'::inet;
SELECT '10.1/24'::inet;
SELECT ''::inet;
SELECT ''::cidr;
SELECT ' 1.2.3.4'::inet;
SELECT '1.2.3.4 '::inet;
SELECT '1.2.3'::inet;
SELECT '1.2.3.'::cidr;
SELECT '1.2.3.4.5'::inet;
SELECT '1.2.3.4.5'::cidr;
SELECT '1.2.3.256'::inet;
SELECT '1.2.3.4/33'::inet;
SELECT '1.2.3.4/'::inet;
SELECT '1.2.3.4/99999999999999999999'::inet;
SELECT '1.2.3.4/-1'::inet;
SELECT '1.2.3.4/8x'::inet;
SELECT '/8'::inet;
SELECT '.1.2.3'::inet;
SELECT '1..2.3'::inet;
SELECT '1.2.3.4/08'::inet, '001.002.3.4'::inet;
SELECT ':'::inet;
SELECT ':::'::inet;
SELECT ':1'::inet;
SELECT '1:'::inet;
SELECT '1::2::3'::inet;
SELECT '1:2:3:4:5:6:7'::inet;
SELECT '1:2:3:4:5:6:7:8:9'::inet;
SELECT '1:2:3:4:5:6:7:8:'::inet;
SELECT '1:2:3:4::5:6:7:8'::inet;
SELECT '12345::'::inet;
SELECT 'g::'::inet;
SELECT '::1/129'::inet;
SELECT '::1/01'::inet;
SELECT '::1/'::inet;
SELECT '::1/0'::inet;
SELECT '::1/0'::cidr;
SELECT '::1.2.3.04'::inet;
SELECT '::1.2.3.4.5'::inet;
SELECT '::1.2.3.256'::inet;
SELECT '::1.2.3.'::inet;
SELECT '::1.2./96'::inet, '::1.2.3.4/99'::inet;
SELECT '1:2:3:4:5:6:7:1.2.3.4'::inet;
SELECT '::ffff:a.2.3.4'::inet;
SELECT 'fe80::1%eth0'::inet;
SELECT '1.2.3.4'::inet::int;
SELECT 'nonsense'::text::inet;
SELECT abbrev('1:0:0:1:0:1:0:0/128'::cidr), abbrev('::1:0:0:0/96'::cidr), abbrev('::/128'::cidr), abbrev('0:0:0:0:0:ffff:102:300/120'::cidr), abbrev('::102:300/121'::cidr),
  abbrev('::2/128'::cidr), abbrev('::102:0/112'::cidr), abbrev('::5:0/127'::cidr), abbrev('2001::/3'::cidr), abbrev('2000::/3'::cidr), abbrev('::/1'::cidr), abbrev('0/0'::cidr), abbrev('10.128/9'::cidr);
SELECT abbrev('2000::/3'::cidr), abbrev('2001:db8::/33'::cidr), abbrev('::/1'::cidr), abbrev('0/0'::cidr), abbrev('10.128/9'::cidr), abbrev('10/7'::cidr), abbrev('::/0'::cidr), abbrev('1::/128'::cidr),
  abbrev('1:2:3:4:5:6:7:8/128'::cidr), abbrev('::1:0/112'::cidr), abbrev('::1/128'::cidr), abbrev('::ff01/128'::cidr), abbrev('::ff02/128'::cidr), abbrev('::fffe:ff02/128'::cidr);

-- values on both sides of every border, each with each
CREATE TABLE nets (i inet);
INSERT INTO nets VALUES ('10.0.0.0/8'), ('10.0.0.0'), ('10.1.2.3/8'), ('10.1.2.3/16'), ('10.1.2.3'), ('10.1.0.0/16'), ('10.255.255.255'), ('11.0.0.0/7'), ('0.0.0.0/0'), ('255.255.255.255/1'),
  ('192.168.1.0/24'), ('192.168.1.255/25'), ('192.168.1.128/25'), ('::/0'), ('::1'), ('::ffff:10.1.2.3'), ('fe80::1/64'), ('fe80::/64'), ('fe80::1/63'), ('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
  ('8000::/1'), ('2001:db8::ff00/120'), (NULL);
SELECT a.i, b.i, a.i < b.i lt, a.i <= b.i le, a.i = b.i eq, a.i <> b.i ne, a.i >= b.i ge, a.i > b.i gt, a.i << b.i sub, a.i <<= b.i subeq, a.i >> b.i sup, a.i >>= b.i supeq, a.i && b.i overlap,
    inet_same_family(a.i, b.i) same, network_cmp(a.i, b.i) > 0 cmp
  FROM nets a, nets b ORDER BY a.i, b.i;
SELECT a.i, b.i, a.i & b.i AS and, a.i | b.i AS or, inet_merge(a.i, b.i) FROM nets a, nets b WHERE inet_same_family(a.i, b.i) ORDER BY 1, 2;
SELECT i, ~ i, i + 1 FROM nets WHERE i NOT IN ('255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') ORDER BY i DESC;
SELECT i, set_masklen(i, 5), set_masklen(i, -1), set_masklen(i::cidr, 3), set_masklen(i::cidr, 0), set_masklen(i, 32) FROM nets ORDER BY i NULLS FIRST;
SELECT min(i), max(i), count(DISTINCT i), array_agg(i ORDER BY i) FROM nets;
SELECT family(i), min(i::cidr), max(i::cidr), count(*) FROM nets GROUP BY 1 ORDER BY 1;
SELECT i::cidr, count(*) FROM nets GROUP BY 1 ORDER BY 1;
SELECT set_masklen('10.0.0.1'::inet, 33);
SELECT set_masklen('10.0.0.1'::inet, -2);
SELECT set_masklen('10.0.0.0/8'::cidr, 33);
SELECT set_masklen('::/8'::cidr, 129);
SELECT inet '1.2.3.4' & inet '::1';
SELECT inet '1.2.3.4' | inet '::1';
SELECT inet '1.2.3.4' - inet '::1';
SELECT inet_merge('1.2.3.4', '::1');
SELECT inet '1.2.3.4' + 1, 1 + inet '1.2.3.4', inet '1.2.3.4' - 5, inet '1.2.3.4/24' + 256, inet '1.2.3.4' + (-5), inet '::1' + 9223372036854775807, inet 'ffff::' - 9223372036854775807, cidr '10/8' + 1;
SELECT inet '255.255.255.255' + 1;
SELECT inet '0.0.0.0' - 1;
SELECT inet '255.255.255.255' - 4294967295, inet '0.0.0.0' + 4294967295;
SELECT inet '255.255.255.255' - 4294967296;
SELECT inet '0.0.0.1' + 9223372036854775807;
SELECT inet '::' - 1;
SELECT inet 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' + 1;
SELECT inet '1::' - (-9223372036854775808);
SELECT inet '10.0.0.1' - inet '10.0.0.255', inet '255.255.255.255' - inet '0.0.0.0', inet '0.0.0.0' - inet '255.255.255.255', inet '::7fff:ffff:ffff:ffff' - inet '::', inet '::' - inet '::8000:0:0:0',
  inet '1::5' - inet '1::ffff';
SELECT inet '::8000:0:0:0' - inet '::';
SELECT inet '::' - inet '::8000:0:0:1';
SELECT inet 'ffff::' - inet '::';
SELECT hashinet('10.1.2.3/8'), hashinetextended('::1', 0), hashinetextended('::1', 7), hashinet(cidr '10/8');

-- indexes and joins
CREATE TABLE hosts (a inet PRIMARY KEY, c cidr, v int);
INSERT INTO hosts SELECT inet '10.0.0.0' + n * 7, set_masklen((inet '10.0.0.0' + n * 7)::cidr, 20), n FROM generate_series(0, 9999) n;
INSERT INTO hosts SELECT inet '2001:db8::' + n, network(set_masklen(inet '2001:db8::' + n, 112)), n FROM generate_series(0, 999) n;
INSERT INTO hosts VALUES ('10.0.0.7', NULL, 0);
CREATE INDEX ON hosts (c);
ANALYZE hosts;
SET enable_seqscan = off;
SELECT count(*), min(a), max(a) FROM hosts WHERE a << '10.0.16.0/20';
SELECT count(*), min(a), max(a) FROM hosts WHERE a <<= '10.0.16.0/20';
SELECT count(*), min(a), max(a) FROM hosts WHERE '10.0.16.0/20' >> a;
SELECT count(*), min(a), max(a) FROM hosts WHERE a << '10.0.17.3/24';
SELECT count(*), min(a), max(a) FROM hosts WHERE a << '0/0'::cidr;
SELECT count(*), min(a), max(a) FROM hosts WHERE a << '::/0'::cidr;
SELECT count(*) FROM hosts WHERE a <<= '10.0.0.7';
SELECT count(*) FROM hosts WHERE a << '10.0.0.7';
SELECT count(*) FROM hosts WHERE a >>= '10.0.0.7';
SELECT count(*), count(DISTINCT c) FROM hosts WHERE c >> '10.0.16.1' OR c && '2001:db8::/100';
SELECT * FROM hosts WHERE a = '10.0.0.70';
SELECT * FROM hosts WHERE a IN ('10.0.0.14', '10.0.0.7', '::1') ORDER BY a;
SELECT * FROM hosts WHERE a BETWEEN '10.0.0.0' AND '10.0.0.40' ORDER BY a DESC;
SELECT a FROM hosts ORDER BY a LIMIT 3;
SELECT a FROM hosts ORDER BY a DESC LIMIT 3;
SELECT count(*) FROM hosts x JOIN hosts y ON x.a = y.a;
SELECT count(*) FROM hosts x JOIN hosts y ON x.a = y.c;
SELECT count(*) FROM nets JOIN hosts ON hosts.a <<= nets.i;
RESET enable_seqscan;
SELECT count(*), sum(v) FROM hosts WHERE a << '10.0.16.0/20' AND v % 2 = 0;
UPDATE hosts SET a = a + 1 WHERE a << '2001:db8::/120';
CREATE TABLE hashed (a inet, c cidr) PARTITION BY HASH (a);
CREATE TABLE hashed0 PARTITION OF hashed FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE hashed1 PARTITION OF hashed FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE hashed2 PARTITION OF hashed FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO hashed SELECT a, c FROM hosts;
SELECT tableoid::regclass, count(*) FROM hashed GROUP BY 1 ORDER BY 1;
CREATE TABLE ranged (a cidr) PARTITION BY RANGE (a);
CREATE TABLE ranged4 PARTITION OF ranged FOR VALUES FROM ('0.0.0.0/0') TO ('::/0');
CREATE TABLE ranged6 PARTITION OF ranged FOR VALUES FROM ('::/0') TO (MAXVALUE);
INSERT INTO ranged SELECT i FROM nets WHERE i IS NOT NULL;
SELECT tableoid::regclass, a FROM ranged ORDER BY 1, 2;
INSERT INTO hosts VALUES ('1.1.1.1', '1.1.1.1/8');
INSERT INTO hosts VALUES ('1.1.1.1/8', inet '1.1.1.1/8') RETURNING *;
INSERT INTO hosts VALUES ('1.1.1.1', inet '1.1.1.1/8'), ('1.1.1.1/32', NULL);
SELECT '{1.2.3.4,::1/64,NULL}'::inet[], ('{10/8,192.168/16}'::cidr[])[2], ARRAY[inet '1.2.3.4'] || cidr '10/8', '{10.1.1.1}'::inet[] < '{10.1.1.2}', inet '1.2.3.4' = ANY ('{1.2.3.4}');
SELECT to_json(inet '1.2.3.4/24'), row_to_json(h) FROM hosts h WHERE a = '10.0.0.14';
SELECT pg_typeof(network('1.2.3.4/24')), pg_typeof(cidr '10/8' & inet '1.2.3.4'), pg_typeof(cidr '10/8' + 1), pg_typeof(max(c)), pg_typeof(inet '1.2.3.4' - inet '1.2.3.4') FROM hosts;
SELECT coalesce(cidr '10/8', inet '1.2.3.4'), pg_column_size(c), pg_column_size(a) FROM hosts WHERE a IN ('10.0.0.14', '2001:db8::100');
CREATE TABLE typed (a inet(4));
CREATE DOMAIN home AS cidr CHECK (VALUE <<= '192.168.0.0/16');
SELECT '192.168.7.0/24'::home, '192.168.7.0/24'::home >> '192.168.7.9';
SELECT '10/8'::home;
CREATE VIEW v AS SELECT a, c, a << c AS inside FROM hosts WHERE a <<= '10.0.0.0/24' AND c IS DISTINCT FROM '10/8';
SELECT pg_get_viewdef('v');
SELECT * FROM v ORDER BY a LIMIT 3;
SELECT 'x' || inet '1.2.3.4', inet '1.2.3.4' || 'x', format('%s', cidr '10/8'), 'a' || cidr '10/8';
PREPARE p(inet, cidr) AS SELECT $1 << $2, $1, $2;
EXECUTE p('10.0.0.1', '10/8');
EXECUTE p('x', '10/8');
SELECT n, sum(n) OVER (ORDER BY n) FROM (SELECT masklen(i) n FROM nets ORDER BY i) s LIMIT 5;
