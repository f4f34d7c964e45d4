-- macaddr and macaddr8: their texts
SELECT s, s::macaddr, macaddr_send(s::macaddr), s::macaddr::macaddr8, trunc(s::macaddr), ~ s::macaddr
  FROM unnest(ARRAY['08:00:2b:01:02:03', '08-00-2b-01-02-03', '08002b:010203', '08002b-010203', '0800.2b01.0203', '0800-2b01-0203', '08002b010203', '8:0:2b:1:2:3', '8-0-2B-1-2-3',
    ' 08:00:2b:01:02:03 ', ' 8: 0: 2b: 1:2:3', '0x8:0x0:0x2b:1:2:3', '+8:0:2b:1:2:3', '0x:0:0:0:0:1', '0x0012334455', '100000001:2:3:4:5:6', '00:00:00:00:00:00', 'FF:ff:FF:ff:FF:ff',
    '0000008:0:2b:1:2:3', ' 08002b 010203'] ) s;
SELECT ''::macaddr;
SELECT '08:00:2b:01:02'::macaddr;
SELECT '08:00:2b:01:02:03:04'::macaddr;
SELECT '08:00:2b:01:02:03 x'::macaddr;
SELECT '08:00-2b:01-02:03'::macaddr;
SELECT '08:00:2b:01:02:0g'::macaddr;
SELECT '08:00:2b:01:02:100'::macaddr;
SELECT '-1:2:3:4:5:6'::macaddr;
SELECT '08 :00:2b:01:02:03'::macaddr;
SELECT 'not even close'::macaddr;
SELECT '1000000000000000000:2:3:4:5:6'::macaddr;
SELECT '0x12334455'::macaddr;
SELECT '08002b01020'::macaddr;
SELECT '08002b0102034'::macaddr;
SELECT s, s::macaddr8, macaddr8_send(s::macaddr8), trunc(s::macaddr8), ~ s::macaddr8, macaddr8_set7bit(s::macaddr8)
  FROM unnest(ARRAY['08:00:2b:01:02:03:04:05', '08-00-2b-01-02-03-04-05', '08.00.2b.01.02.03.04.05', '08002b:0102030405', '08002b01:02030405', '0800.2b01.0203.0405', '0800:2b01:0203:0405', '08002b0102030405',
    '08:00:2b:01:02:03', '08002b010203', '0800.2b01.0203', '  08:00:2b:01:02:03  ', ' 08002b0102030405 ', '08002b0102030405x', '08:00:2b:01:02:03:04:05:', 'ff:ff:ff:ff:ff:ff:ff:ff',
    '08002b:010203', '08002b010203 ', '08:002b:0102:03']) s;
SELECT ''::macaddr8;
SELECT '08:00:2b:01:02'::macaddr8;
SELECT '08:00:2b:01:02:03:04'::macaddr8;
SELECT '08:00:2b:01:02:03:04:05:06'::macaddr8;
SELECT '08:00-2b:01:02:03:04:05'::macaddr8;
SELECT '8:00:2b:01:02:03:04:05'::macaddr8;
SELECT '08:00:2b:01:02:0g'::macaddr8;
SELECT '08:00:2b:01:02:03 :04:05'::macaddr8;
SELECT '08:00:2b:01:02:03 x'::macaddr8;
SELECT '08::00:2b:01:02:03'::macaddr8;
SELECT '123 08:00:2b:01:02:03'::macaddr8;
SELECT '08:00:2b:ff:fe:01:02:03'::macaddr8::macaddr, macaddr('08:00:2b:ff:fe:01:02:03'::macaddr8), macaddr8('08:00:2b:01:02:03'::macaddr);
SELECT '08:00:2b:01:02:03:04:05'::macaddr8::macaddr;
SELECT '08:00:2b:ff:fd:01:02:03'::macaddr8::macaddr;

CREATE TABLE macs (a macaddr, b macaddr8);
INSERT INTO macs VALUES ('00:00:00:00:00:00', '00:00:00:00:00:00:00:00'), ('08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05'), ('08:00:2b:01:02:04', '08:00:2b:01:02:03:04:06'),
  ('80:00:2b:01:02:04', '80:00:2b:01:02:03:04:06'), ('ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff'), ('08:00:2c:00:00:00', '08:00:2b:01:80:00:00:00'), (NULL, NULL);
SELECT x.a, y.a, x.a < y.a lt, x.a <= y.a le, x.a = y.a eq, x.a <> y.a ne, x.a >= y.a ge, x.a > y.a gt, x.a & y.a AS and, x.a | y.a AS or, macaddr_cmp(x.a, y.a) cmp FROM macs x, macs y ORDER BY x.a, y.a;
SELECT x.b, y.b, x.b < y.b lt, x.b <= y.b le, x.b = y.b eq, x.b <> y.b ne, x.b >= y.b ge, x.b > y.b gt, x.b & y.b AS and, x.b | y.b AS or, macaddr8_cmp(x.b, y.b) cmp FROM macs x, macs y ORDER BY x.b, y.b;
SELECT a = b, a < b FROM macs ORDER BY a;
SELECT hashmacaddr(a), hashmacaddrextended(a, 5), hashmacaddr8(b), hashmacaddr8extended(b, 5) FROM macs ORDER BY a;
SELECT max(a) FROM macs;
SELECT min(b) FROM macs;
SELECT a, count(*) FROM macs GROUP BY a ORDER BY a DESC;
SELECT DISTINCT b FROM macs ORDER BY b NULLS FIRST;
CREATE TABLE cards (a macaddr PRIMARY KEY, b macaddr8 UNIQUE);
INSERT INTO cards SELECT lpad(to_hex(n * 65537), 12, '0')::macaddr, lpad(to_hex(n * 65537), 16, '0')::macaddr8 FROM generate_series(0, 9999) n;
INSERT INTO cards VALUES ('00:00:00:01:00:01', NULL);
INSERT INTO cards VALUES ('10:00:00:01:00:01', '00:00:00:00:00:01:00:01');
ANALYZE cards;
SET enable_seqscan = off;
SELECT * FROM cards WHERE a = '00:00:00:02:00:02';
SELECT * FROM cards WHERE b = '00:00:00:00:00:03:00:03';
SELECT count(*) FROM cards WHERE a > '00:00:00:ff:00:00' AND a <= '00:00:01:ff:00:00';
SELECT count(*) FROM cards WHERE b BETWEEN '00:00:00:00:00:ff:00:00' AND '00:00:00:00:01:ff:00:00';
SELECT * FROM cards ORDER BY a DESC LIMIT 2;
SELECT count(*) FROM cards x JOIN cards y ON x.a = y.a JOIN cards z ON z.b = x.b;
RESET enable_seqscan;
SELECT count(*) FROM cards x JOIN cards y ON x.a = y.a WHERE x.b <> y.a::macaddr8;
SELECT '{08:00:2b:01:02:03,NULL}'::macaddr[], '{08:00:2b:01:02:03}'::macaddr8[], ARRAY[macaddr '08:00:2b:01:02:03'] = '{08:00:2b:01:02:03}', macaddr '08:00:2b:01:02:03' = ANY ('{08002b010203}');
SELECT to_json(macaddr '08:00:2b:01:02:03'), macaddr '08:00:2b:01:02:03' || 'x', pg_column_size(a), pg_column_size(b) FROM macs LIMIT 1;
SELECT macaddr '08:00:2b:01:02:03' = macaddr8 '08:00:2b:ff:fe:01:02:03', coalesce(macaddr '08:00:2b:01:02:03', macaddr8 '08:00:2b:ff:fe:01:02:04');
CREATE TABLE hashed (a macaddr) PARTITION BY HASH (a);
CREATE TABLE hashed0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO hashed SELECT a FROM cards;
SELECT tableoid::regclass, count(*) FROM hashed GROUP BY 1 ORDER BY 1;
