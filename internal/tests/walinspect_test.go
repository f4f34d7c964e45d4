package tests

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
	"gompho/postmaster"
)

// TestWalInspect looks at the log in SQL. The refusals are those of PostgreSQL's pg_walinspect.
func TestWalInspect(t *testing.T) {
	ctx := context.Background()
	s, err := gompho.Open(ctx, gompho.Options{Settings: map[string]string{"shared_buffers": "64MB", "full_page_writes": "on"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := connect(t, s)
	run(t, c, "create table t(a int primary key, b text)")
	run(t, c, "checkpoint")
	from := value[string](t, c, "select pg_current_wal_insert_lsn()::text")
	run(t, c, "insert into t values (1, 'x')")
	run(t, c, "update t set b = 'y'")
	run(t, c, "set synchronous_commit = on")
	run(t, c, "drop table t")
	run(t, c, "checkpoint")
	to := value[string](t, c, "select pg_current_wal_flush_lsn()::text")

	rows, err := c.Query(ctx, "select resource_manager || '/' || record_type from pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn) order by start_lsn", from, to)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for rows.Next() {
		var k string
		if err := rows.Scan(&k); err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, k)
	}
	at := 0
	for _, want := range []string{"Heap/INSERT", "Btree/INSERT", "Transaction/COMMIT", "Heap/HOT_UPDATE", "Transaction/COMMIT", "Heap/DELETE", "Transaction/COMMIT", "XLOG/CHECKPOINT_ONLINE"} {
		i := slices.Index(kinds[at:], want)
		if i < 0 {
			t.Fatalf("no %s behind record %d of %q", want, at, kinds)
		}
		at += i + 1
	}
	// Records follow each other, and what one record's function says of a place is what the list says.
	if n := value[int](t, c, `with r as (select *, lag(start_lsn) over w as before, lag(end_lsn) over w as at
			from pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn) window w as (order by start_lsn))
		select count(*) from r, pg_get_wal_record_info(r.start_lsn - 3) i where r.prev_lsn is distinct from r.before or r.at <> r.start_lsn
			or (r.start_lsn, r.end_lsn, r.description) is distinct from (i.start_lsn, i.end_lsn, i.description)`, from, to); n != 0 {
		t.Errorf("%d records disagree", n)
	}
	if n := value[int](t, c, "select count(*) from pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn) where fpi_length > 0 and block_ref like '%(FPW)%'", from, to); n == 0 {
		t.Error("no images after the checkpoint")
	}
	for _, per := range []string{"false", "true"} {
		sums := `select (select (sum(count), sum(record_size), sum(fpi_size), sum(combined_size))::text from pg_get_wal_stats($1::text::pg_lsn, $2::text::pg_lsn, ` + per + `)) =
			(select (count(*), sum(record_length - fpi_length), sum(fpi_length), sum(record_length))::text from pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn))`
		if !value[bool](t, c, sums, from, to) {
			t.Errorf("per_record %s: the sums are not those of the records", per)
		}
	}
	for _, k := range []struct{ sql, code, message string }{
		{"select * from pg_get_wal_records_info('0/2', '0/1')", "22023", "WAL start LSN must be less than end LSN"},
		{"select * from pg_get_wal_records_info('F/0', '0/1')", "22023", "cannot accept future start LSN"},
		{"select * from pg_get_wal_records_info('0/2', 'F/0')", "22023", "cannot accept future end LSN"},
		{"select * from pg_get_wal_record_info('F/0')", "22023", "cannot accept future input LSN"},
		{"select * from pg_get_wal_stats_till_end_of_wal('F/0')", "22023", "cannot accept future start LSN"},
		{"select * from pg_get_wal_records_info_till_end_of_wal('0/1')", "XX000", "could not read WAL at LSN 0/1"},
		{"select * from pg_get_wal_record_info('0/10000')", "58P01", "requested WAL segment pg_wal/000000010000000000000000 has already been removed"},
		{"create role nobody; set role nobody; select * from pg_get_wal_record_info('0/1')", "42501", "permission denied for function pg_get_wal_record_info"},
	} {
		_, err := c.PgConn().Exec(ctx, k.sql).ReadAll()
		var pe *pgconn.PgError
		if !errors.As(err, &pe) || pe.Code != k.code || pe.Message != k.message {
			t.Errorf("%s: %v", k.sql, err)
		}
	}
}

// TestFullPageWritesChange changes full_page_writes in a running server: the log tells of it, and what comes next has images or none.
func TestFullPageWritesChange(t *testing.T) {
	ctx := context.Background()
	pm, err := postmaster.Start(postmaster.Options{Dir: t.TempDir() + "/data", NoListen: true, Settings: []string{"shared_buffers=16MB", "autovacuum=off"}})
	if err != nil {
		t.Fatal(err)
	}
	defer pm.Stop(ctx, postmaster.Fast)
	cfg, err := pgx.ParseConfig("host=127.0.0.1 port=1 user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return pm.Dial() }
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	run(t, c, "create table t as select 1 a")
	for _, on := range []string{"off", "on"} {
		from := value[string](t, c, "select pg_current_wal_insert_lsn()::text")
		run(t, c, "alter system set full_page_writes = "+on)
		run(t, c, "select pg_reload_conf()")
		eventually(t, c, "select current_setting('full_page_writes') = $1", on)
		run(t, c, "checkpoint") // the checkpointer has seen the change by then
		at := value[string](t, c, "select pg_current_wal_insert_lsn()::text")
		run(t, c, "insert into t values (2)")
		told := value[string](t, c, "select coalesce(string_agg(description, ','), '') from pg_get_wal_records_info_till_end_of_wal($1::text::pg_lsn) where record_type = 'FPW_CHANGE'", from)
		if told != map[string]string{"off": "false", "on": "true"}[on] {
			t.Errorf("full_page_writes is %s, the log says %q", on, told)
		}
		images := value[bool](t, c, "select count(*) filter (where fpi_length > 0) > 0 from pg_get_wal_records_info_till_end_of_wal($1::text::pg_lsn)", at)
		if images != (on == "on") {
			t.Errorf("full_page_writes is %s, images in the log: %v", on, images)
		}
	}
}
