package tests

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// binaryValues are texts of values at the edges of each type, as the server shows them.
var binaryValues = map[string][]string{
	"bool": {"t", "f"}, "int2": {"0", "32767", "-32768"}, "int4": {"0", "2147483647", "-2147483648"},
	"int8":    {"0", "9223372036854775807", "-9223372036854775808"},
	"float4":  {"0", "-0", "1e-45", "3.4028235e+38", "NaN", "Infinity", "-Infinity"},
	"float8":  {"0", "-0", "5e-324", "1.7976931348623157e+308", "NaN", "Infinity", "-Infinity"},
	"numeric": {"0", "0.000", "-1.50", "123456789012345678901234567890.0001", "1" + strings.Repeat("0", 200), "0." + strings.Repeat("0", 50) + "1", "NaN", "Infinity", "-Infinity"},
	"text":    {"", "a", "é\n\"\\", strings.Repeat("x", 9000)}, "varchar": {"", "abc"}, "bpchar": {"", "ab  "}, "name": {"", "Foo"},
	`"char"`: {"", "a", `\377`}, "bytea": {`\x`, `\x00ff5c`},
	"date": {"2000-01-01", "4713-01-01 BC", "5874897-12-31", "infinity", "-infinity"},
	"time": {"00:00:00", "23:59:59.999999", "24:00:00"}, "timetz": {"00:00:00+00", "24:00:00-15:59", "12:00:00+05:30"},
	"timestamp":   {"2000-01-01 00:00:00", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity", "-infinity"},
	"timestamptz": {"2000-01-01 00:00:00+00", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "infinity", "-infinity"},
	"interval":    {"00:00:00", "1 year 2 mons -3 days +04:05:06.789", "178956970 years 7 mons", "2147483647 days", "-00:00:00.000001"},
	"uuid":        {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
	"inet":        {"1.2.3.4", "1.2.3.4/0", "::", "::ffff:1.2.3.4/96"}, "cidr": {"10.0.0.0/8", "1.2.3.4/32", "::/0"},
	"macaddr": {"00:00:00:00:00:00", "08:00:2b:01:02:ff"}, "macaddr8": {"00:00:00:00:00:00:00:00", "08:00:2b:01:02:03:04:ff"},
	"oid": {"0", "4294967295"}, "xid": {"0", "4294967295"}, "cid": {"0", "4294967295"}, "xid8": {"0", "18446744073709551615"},
	"tid": {"(0,0)", "(4294967295,65535)"}, "pg_lsn": {"0/0", "FFFFFFFF/FFFFFFFF"},
	"regclass": {"-", "pg_class"}, "regtype": {"-", "integer"}, "regproc": {"-", "now"}, "regprocedure": {"-", "abs(integer)"},
	"regoper": {"0", "||/"}, "regoperator": {"0", "+(integer,integer)"}, "regrole": {"-", "postgres"}, "regnamespace": {"-", "pg_catalog"},
	"regcollation": {"-", `"C"`}, "int2vector": {"", "1 2 -3"}, "oidvector": {"", "1 4294967295"}, "json": {"null", `{"a": [1,2]}`},
}

const textFormat, binaryFormat = 0, 1

// TestBinaryFormats sends each value as text and takes it back in binary, then the other way round: both forms must come
// back as they were. NULL and an array of all values with a NULL go the same way, and pgx must be able to read the bytes.
func TestBinaryFormats(t *testing.T) {
	c := connect(t, open(t, false)).PgConn()
	if _, err := c.Exec(context.Background(), "set timezone = 'UTC'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	m := pgtype.NewMap()
	for typ, values := range binaryValues {
		t.Run(strings.Trim(typ, `"`), func(t *testing.T) {
			for _, v := range values {
				roundTripBinary(t, c, m, typ, []byte(v))
			}
			roundTripBinary(t, c, m, typ, nil)
			elems := append([]string{}, values...)
			for i, v := range elems {
				elems[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
			}
			all := query(t, c, m, typ+"[]", []byte("{"+strings.Join(elems, ",")+",NULL}"), textFormat, textFormat)
			roundTripBinary(t, c, m, typ+"[]", all)
			roundTripBinary(t, c, m, typ+"[]", []byte("{}"))
			roundTripBinary(t, c, m, typ+"[]", nil)
			copyBinary(t, c, typ, all)
		})
	}
}

// copyBinary copies the elements of an array, and the array, out and in by COPY BINARY.
func copyBinary(t *testing.T, c *pgconn.PgConn, typ string, all []byte) {
	ctx := context.Background()
	run := func(sql string) {
		t.Helper()
		if _, err := c.Exec(ctx, sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	run("drop table if exists b; create table b(x " + typ + ", y " + typ + "[])")
	rows := "select u, v from (select $1::" + typ + "[] v) a, unnest(v) u"
	if r := c.ExecParams(ctx, "insert into b "+rows, [][]byte{all}, nil, nil, nil).Read(); r.Err != nil {
		t.Fatal(r.Err)
	}
	var out, again bytes.Buffer
	if _, err := c.CopyTo(ctx, &out, "copy b to stdout (format binary)"); err != nil {
		t.Fatal(err)
	}
	run("truncate b")
	if _, err := c.CopyFrom(ctx, bytes.NewReader(out.Bytes()), "copy b from stdin (format binary)"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CopyTo(ctx, &again, "copy b to stdout (format binary)"); err != nil {
		t.Fatal(err)
	}
	if out.Len() < 30 || !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Errorf("%s: %x was copied in and out as %x", typ, out.Bytes(), again.Bytes())
	}
}

func roundTripBinary(t *testing.T, c *pgconn.PgConn, m *pgtype.Map, typ string, text []byte) {
	t.Helper()
	bin := query(t, c, m, typ, text, textFormat, binaryFormat)
	if (bin == nil) != (text == nil) {
		t.Errorf("%s %q: the binary form is %v", typ, text, bin)
	}
	if again := query(t, c, m, typ, bin, binaryFormat, binaryFormat); !bytes.Equal(again, bin) {
		t.Errorf("%s %q: bytes %x came back as %x", typ, text, bin, again)
	}
	if back := query(t, c, m, typ, bin, binaryFormat, textFormat); !bytes.Equal(back, text) {
		t.Errorf("%s %q: came back as %q", typ, text, back)
	}
}

// query sends one parameter of a type and returns it as the server gives it back.
func query(t *testing.T, c *pgconn.PgConn, m *pgtype.Map, typ string, param []byte, in, out int16) []byte {
	t.Helper()
	r := c.ExecParams(context.Background(), "select $1::"+typ, [][]byte{param}, nil, []int16{in}, []int16{out}).Read()
	if r.Err != nil {
		t.Fatalf("%s %.80q: %v", typ, param, r.Err)
	}
	got := r.Rows[0][0]
	f := r.FieldDescriptions[0]
	if pt, ok := m.TypeForOID(f.DataTypeOID); ok && out == binaryFormat && got != nil && pt.Codec.FormatSupported(binaryFormat) {
		if _, err := pt.Codec.DecodeValue(m, f.DataTypeOID, binaryFormat, got); err != nil && !unreadable(typ) {
			t.Errorf("%s %.80q: pgx cannot read %x: %v", typ, param, got, err)
		}
	}
	return got
}

// unreadable are types whose values pgx decodes into Go values with a smaller range.
func unreadable(typ string) bool {
	return strings.HasPrefix(typ, "time") || strings.HasPrefix(typ, "date") || strings.HasPrefix(typ, "json")
}
