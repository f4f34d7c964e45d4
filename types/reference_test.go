package types

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// The files testdata/io/*.txt hold what PostgreSQL 15 answers to an input of a type, one per line: type, input
// and output with a tab between, an error as !SQLSTATE and message. A line "set name value" changes the session.
//
// With GOMPHO_REFERENCE set to the connection string of a PostgreSQL 15 server the outputs are asked for anew and
// the files written again; columns beyond the second may then be missing.

// testEnv is a session with settings.
type testEnv struct {
	defaultEnv
	style    DateStyle
	order    DateOrder
	interval IntervalStyle
	zone     *time.Location
	digits   int
	bytea    ByteaOutput
}

func newTestEnv() *testEnv { return &testEnv{zone: time.UTC, digits: 1} }

func (e *testEnv) DateStyle() (DateStyle, DateOrder) { return e.style, e.order }
func (e *testEnv) IntervalStyle() IntervalStyle      { return e.interval }
func (e *testEnv) TimeZone() *time.Location          { return e.zone }
func (e *testEnv) ExtraFloatDigits() int             { return e.digits }
func (e *testEnv) ByteaOutput() ByteaOutput          { return e.bytea }

func (e *testEnv) set(t *testing.T, name, value string) {
	switch name {
	case "datestyle":
		for _, w := range strings.Split(value, ",") {
			switch strings.TrimSpace(w) {
			case "iso":
				e.style = DateISO
			case "sql":
				e.style = DateSQL
			case "postgres":
				e.style = DatePostgres
			case "german":
				e.style = DateGerman
			case "mdy":
				e.order = OrderMDY
			case "dmy":
				e.order = OrderDMY
			case "ymd":
				e.order = OrderYMD
			default:
				t.Fatalf("datestyle %q", w)
			}
		}
	case "intervalstyle":
		e.interval = map[string]IntervalStyle{"postgres": IntervalPostgres, "postgres_verbose": IntervalPostgresVerbose,
			"sql_standard": IntervalSQL, "iso_8601": IntervalISO8601}[value]
	case "timezone":
		loc, ok := LoadZone(value)
		if !ok {
			t.Fatalf("zone %q", value)
		}
		e.zone = loc
	case "extra_float_digits":
		e.digits, _ = strconv.Atoi(value)
	case "bytea_output":
		e.bytea = map[string]ByteaOutput{"hex": ByteaHex, "escape": ByteaEscape}[value]
	default:
		t.Fatalf("setting %q", name)
	}
}

// typeByName reads a type as SQL writes it, of the forms the test files use.
func typeByName(t *testing.T, name string) (*Type, int32) {
	base, args := name, ""
	array := strings.HasSuffix(base, "[]")
	base = strings.TrimSuffix(base, "[]")
	if i := strings.IndexByte(base, '('); i >= 0 {
		base, args = base[:i], strings.TrimSuffix(base[i+1:], ")")
	}
	typmod := int32(-1)
	if args != "" {
		var v []int32
		for _, a := range strings.Split(args, ",") {
			n, _ := strconv.Atoi(a)
			v = append(v, int32(n))
		}
		switch base {
		case "numeric":
			if len(v) == 1 {
				v = append(v, 0)
			}
			typmod = (v[0]<<16 | v[1]&0x7ff) + 4
		case "varchar", "bpchar":
			typmod = v[0] + 4
		case "interval":
			typmod = intervalFullRange<<16 | v[0]
		default:
			typmod = v[0]
		}
	}
	if base == "interval day to second" || strings.HasPrefix(base, "interval ") {
		f := map[string]int32{"year": intervalYear, "month": intervalMonth, "day": intervalDay, "hour": intervalHour,
			"minute": intervalMinute, "second": intervalSecond, "year to month": intervalYear | intervalMonth,
			"day to hour": intervalDay | intervalHour, "hour to minute": intervalHour | intervalMinute,
			"minute to second": intervalMinute | intervalSecond,
			"day to second":    intervalDay | intervalHour | intervalMinute | intervalSecond}[strings.TrimPrefix(base, "interval ")]
		typmod = f<<16 | intervalFullDigits
		base = "interval"
	}
	base = strings.Trim(base, `"`)
	for oid := ids.Oid(1); oid < 7000; oid++ {
		if b := Builtin(oid); b != nil && b.Name == base {
			if array {
				return Builtin(b.Array), typmod
			}
			return b, typmod
		}
	}
	t.Fatalf("type %q", name)
	return nil, 0
}

func answer(env Env, typ *Type, input string, typmod int32) string {
	d, err := Input(env, typ, input, typmod)
	if err != nil {
		e := pgerr.From(err)
		return "!" + string(e.Code) + " " + e.Message
	}
	return OutputString(env, typ, d)
}

// referenceInput calls the type's input function, because a cast with a length cuts what input refuses.
func referenceInput(typ *Type, typmod int32, cols []string) string {
	lit := "'" + strings.ReplaceAll(cols[1], "'", "''") + "'"
	if typmod < 0 {
		return "select " + lit + "::" + cols[0]
	}
	elem := typ
	fn := "array_in"
	if !typ.IsArray {
		fn = map[ids.Oid]string{NumericOid: "numeric_in", VarcharOid: "varcharin", BPCharOid: "bpcharin", TimeOid: "time_in",
			TimestampOid: "timestamp_in", TimestamptzOid: "timestamptz_in", IntervalOid: "interval_in"}[typ.Oid]
	} else {
		elem = typ.ElemType
		return fmt.Sprintf("select %s(%s, %d, %d)::%s[]", fn, lit, elem.Oid, typmod, elem.Name)
	}
	return fmt.Sprintf("select %s(%s, %d, %d)", fn, lit, elem.Oid, typmod)
}

func ask(ctx context.Context, c *pgconn.PgConn, sql string) string {
	res, err := c.Exec(ctx, sql).ReadAll()
	if err != nil {
		if pe, ok := err.(*pgconn.PgError); ok {
			return "!" + pe.Code + " " + pe.Message
		}
		return "!!" + err.Error()
	}
	if len(res) == 0 || len(res[0].Rows) == 0 {
		return ""
	}
	return string(res[0].Rows[0][0])
}

func TestReference(t *testing.T) {
	files, _ := filepath.Glob("testdata/io/*.txt")
	if len(files) == 0 {
		t.Fatal("no test files")
	}
	var conn *pgconn.PgConn
	if dsn := os.Getenv("GOMPHO_REFERENCE"); dsn != "" {
		c, err := pgconn.Connect(context.Background(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.Background())
		conn = c
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) { runReference(t, f, conn) })
	}
}

func runReference(t *testing.T, file string, conn *pgconn.PgConn) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	env := newTestEnv()
	ctx := context.Background()
	if conn != nil {
		ask(ctx, conn, "reset all; set timezone = 'UTC'")
	}
	var out strings.Builder
	n := 0
	sc := bufio.NewScanner(strings.NewReader(string(b)))
	sc.Buffer(nil, 1<<20)
	for line := 1; sc.Scan(); line++ {
		text := sc.Text()
		if text == "" || text[0] == '#' {
			fmt.Fprintln(&out, text)
			continue
		}
		if rest, ok := strings.CutPrefix(text, "set "); ok {
			name, value, _ := strings.Cut(rest, " ")
			env.set(t, name, value)
			if conn != nil {
				if strings.Contains(value, "/") || name != "datestyle" {
					ask(ctx, conn, "set "+name+" = '"+value+"'")
				} else {
					ask(ctx, conn, "set "+name+" = "+value)
				}
			}
			fmt.Fprintln(&out, text)
			continue
		}
		cols := strings.Split(text, "\t")
		if len(cols) < 2 {
			t.Fatalf("%s:%d: want type, input and output", file, line)
		}
		want := ""
		typ, typmod := typeByName(t, cols[0])
		if conn != nil {
			want = ask(ctx, conn, referenceInput(typ, typmod, cols))
			fmt.Fprintf(&out, "%s\t%s\t%s\n", cols[0], cols[1], want)
		} else if len(cols) == 3 {
			want = cols[2]
		} else {
			t.Fatalf("%s:%d: no output", file, line)
		}
		n++
		if got := answer(env, typ, cols[1], typmod); got != want {
			t.Errorf("%s:%d: %s %q\n got %s\nwant %s", file, line, cols[0], cols[1], got, want)
		} else {
			roundTrip(t, env, typ, cols[1], typmod)
		}
	}
	if n == 0 {
		t.Fatalf("%s: no cases", file)
	}
	if conn != nil {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// roundTrip checks that the binary form of a value reads back as an equal value with an equal hash.
func roundTrip(t *testing.T, env Env, typ *Type, input string, typmod int32) {
	d, err := Input(env, typ, input, typmod)
	if err != nil || typ.io.recv == nil || typ.io.send == nil {
		return
	}
	b, err := Send(env, typ, d, nil)
	if err != nil {
		t.Errorf("%s %q: send: %v", typ.Name, input, err)
		return
	}
	e, err := Receive(env, typ, b, -1)
	if err != nil {
		t.Errorf("%s %q: receive of %x: %v", typ.Name, input, b, err)
		return
	}
	if x, y := OutputString(env, typ, d), OutputString(env, typ, e); x != y {
		t.Errorf("%s %q: %q became %q on the wire", typ.Name, input, x, y)
	}
	if cmp := Comparer(typ, 0); cmp != nil && cmp(d, e) != 0 {
		t.Errorf("%s %q: not equal to itself after the wire", typ.Name, input)
	}
	if h := Hasher(typ, 0); h != nil && h(d) != h(e) {
		t.Errorf("%s %q: another hash after the wire", typ.Name, input)
	}
}
