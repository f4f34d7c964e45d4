package faults

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// step is a part of the workload that is acknowledged as a whole: statements of one transaction, or one statement that is its own.
// One that begins with "copy" has its data after a newline.
type step struct {
	sql   []string
	plain bool // not in a transaction block
}

func tx(sql ...string) step    { return step{sql: sql} }
func plain(sql ...string) step { return step{sql: sql, plain: true} }
func (s step) String() string  { return strings.Join(s.sql, "; ") }
func copyRows(n int) (s string) { // rows of COPY
	for i := range n {
		s += fmt.Sprintf("%d\t%s\n", 10000+i, strings.Repeat("copied ", i%7))
	}
	return s
}

// setup is the database before the workload; what follows its checkpoint has to be recovered.
var setup = []string{
	"create table acc(id int primary key, v int, t text)",
	"insert into acc select g, 0, 'row ' || g from generate_series(1, 300) g",
	"create table gone(a int)", "insert into gone select generate_series(1, 500)",
	"create table big(id int, t text); alter table big alter t set storage external",
	"checkpoint",
	"update acc set v = 1 where id <= 100",
	"insert into big select g, repeat('out of line ' || g, 400) from generate_series(1, 6) g",
	"create index acc_v on acc (v)",
	"delete from gone where a > 400",
}

// workload is what each run does.
var workload = []step{
	tx("update acc set v = v + 1 where id % 3 = 0"),
	tx("create table t(a int primary key, b text)", "insert into t select g, repeat('x', g % 50) from generate_series(1, 1500) g"),
	tx("create index t_b on t (b, a)", "create table dropped(x int)", "insert into dropped values (1)"),
	tx("savepoint s", "update t set b = 'y' where a < 200", "rollback to s", "delete from t where a between 100 and 300", "insert into big values (7, repeat('more ', 3000))"),
	tx("copy t from stdin\n" + copyRows(400)),
	plain("checkpoint"),
	tx("update t set b = b || '!' where a > 10000", "drop table dropped"),
	plain("vacuum t"),
	tx("truncate gone", "insert into gone select generate_series(1, 700)"),
	plain("select count(*) from (select a.t || b.b x from acc a join t b on b.a = a.id order by 1 desc) s"),
	plain("select count(*) from (select g, a from t cross join generate_series(1, 4) g order by g, b desc) s"),
	tx("create unlogged table u(a int primary key)", "insert into u select generate_series(1, 100)"),
	plain("checkpoint"),
	tx("update acc set v = v + 10", "select nextval('numbers')"),
	tx("update acc set t = 'prepared' where id = 5", "prepare transaction 'one'"),
	plain("checkpoint"),
	plain("commit prepared 'one'"),
	tx("drop table u"),
	plain("drop index if exists t_c; create index concurrently t_c on t ((a % 7))"),
	tx("alter table t add c int default 7", "alter table acc alter v type bigint"),
	plain("vacuum full t"),
	plain("create database extra"),
	plain("vacuum (freeze, truncate) gone"),
	tx("delete from big where id < 4"),
	plain("drop database extra"),
	plain("reindex table acc"),
	plain("analyze t; analyze acc"),
	plain("checkpoint"),
	tx("insert into t select g, 'last', 1 from generate_series(20001, 20100) g"),
}

// run executes the step; the transaction is rolled back when it fails.
func (s step) run(ctx context.Context, c *pgconn.PgConn) error {
	list := s.sql
	if s.plain {
		list = strings.Split(s.sql[0], "; ")
	} else {
		list = append([]string{"begin"}, list...)
		if !strings.HasPrefix(list[len(list)-1], "prepare") {
			list = append(list, "commit")
		}
	}
	for _, sql := range list {
		var err error
		if head, data, ok := strings.Cut(sql, "\n"); ok {
			_, err = c.CopyFrom(ctx, strings.NewReader(data), head)
		} else {
			_, err = c.Exec(ctx, sql).ReadAll()
		}
		if err != nil {
			if !s.plain && !c.IsClosed() {
				_, _ = c.Exec(ctx, "rollback").ReadAll()
			}
			return fmt.Errorf("%.80s: %w", sql, err)
		}
	}
	return nil
}

// dump prints the content of the database: relations, rows, databases and prepared transactions.
func dump(ctx context.Context, c *pgconn.PgConn) (string, error) {
	var b strings.Builder
	query := func(sql string) ([][][]byte, error) {
		res, err := c.Exec(ctx, sql).ReadAll()
		if err != nil {
			return nil, fmt.Errorf("%.80s: %w", sql, err)
		}
		for _, row := range res[len(res)-1].Rows {
			b.Write(row[0])
			b.WriteByte('\n')
		}
		return res[len(res)-1].Rows, nil
	}
	rels, err := query(`select c.relname, c.relkind from pg_class c left join pg_index i on i.indexrelid = c.oid
		where c.relnamespace = 'public'::regnamespace and i.indisvalid is not false order by c.relname collate "C"`)
	if err != nil {
		return "", err
	}
	for _, r := range rels {
		// Rows of unlogged tables do not outlive a crash, the numbers of a sequence are not taken back.
		if name := string(r[0]); string(r[1]) == "r" && name != "u" {
			if _, err := query(fmt.Sprintf("select md5(string_agg(x::text, '|' order by x::text)) from %s x", name)); err != nil {
				return "", err
			}
		}
	}
	if _, err = query("select datname from pg_database order by 1"); err == nil {
		_, err = query("select gid from pg_prepared_xacts")
	}
	return b.String(), err
}
