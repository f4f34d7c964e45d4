package tests

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestTupleSplit: the attributes of rows as they are stored, and as values, and what is refused; all of it as PostgreSQL 15's pageinspect answers.
func TestTupleSplit(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	run(t, c, "create table ps (a int, b text, c int8, d text)")
	run(t, c, "insert into ps values (1, 'abc', 2, null), (2, null, 3, 'xyz')")
	run(t, c, "insert into ps select 3, string_agg(md5(i::text), ''), 4, 'q' from generate_series(1, 1000) i")
	const page = "get_raw_page('ps', 0)"
	for _, k := range []struct{ sql, want string }{
		{"select string_agg(t_attrs::text, ' ' order by lp) from heap_page_item_attrs(" + page + ", 'ps'::regclass) where lp < 3",
			`{"\\x01000000","\\x09616263","\\x0200000000000000",NULL} {"\\x02000000",NULL,"\\x0300000000000000","\\x0978797a"}`},
		{"select string_agg(t_attrs[2]::text || '', ' ') from heap_page_item_attrs(" + page + ", 'ps'::regclass, true) where lp < 3", `\x616263`},
		{"select length(t_attrs[2])::text from heap_page_item_attrs(" + page + ", 'ps'::regclass, true) where lp = 3", "32000"},
		{"select length(t_attrs[2])::text from heap_page_item_attrs(" + page + ", 'ps'::regclass) where lp = 3", "18"},
		{"select (tuple_data_split('ps'::regclass, t_data, t_infomask, t_infomask2, t_bits))[3]::text from heap_page_items(" + page + ") where lp = 1", `\x0200000000000000`},
		{"select coalesce(tuple_data_split('ps'::regclass, null, 0, 4, null)::text, 'nothing')", "nothing"},
	} {
		if got := value[string](t, c, k.sql); got != k.want {
			t.Errorf("%s: %s, want %s", k.sql, got, k.want)
		}
	}
	for _, k := range []struct{ sql, code, message string }{
		{"select tuple_data_split('ps'::regclass, '\\x01', 1, 4, null)", "XX001", "t_bits string must not be NULL"},
		{"select tuple_data_split('ps'::regclass, '\\x01', 1, 4, '11')", "XX001", "unexpected length of t_bits string: 2, expected 8"},
		{"select tuple_data_split('ps'::regclass, '\\x01', 0, 4, '11111111')", "XX001", "t_bits string is expected to be NULL, but instead it is 8 bytes long"},
		{"select tuple_data_split('ps'::regclass, '\\x01', 0, 40, null)", "XX001", "number of attributes in tuple header is greater than number of attributes in tuple descriptor"},
		{"select tuple_data_split('ps'::regclass, '\\x01', 0, 1, null)", "XX001", "unexpected end of tuple data"},
		{"select tuple_data_split('ps'::regclass, '\\x01000000ff', 0, 1, null)", "XX001", "end of tuple reached without looking at all its data"},
		{"select tuple_data_split('pg_class_oid_index'::regclass, '\\x01', 0, 1, null)", "0A000", "only heap AM is supported"},
		{"set role pg_monitor; select tuple_data_split('ps'::regclass, '\\x01', 0, 1, null)", "42501", "must be superuser to use raw page functions"},
	} {
		_, err := c.PgConn().Exec(context.Background(), k.sql).ReadAll()
		var pe *pgconn.PgError
		if !errors.As(err, &pe) || pe.Code != k.code || pe.Message != k.message {
			t.Errorf("%s: %v", k.sql, err)
		}
	}
}
