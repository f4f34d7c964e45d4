package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// TestTempFiles spills in every way there is: files are limited, counted, logged, listed, and gone at the end, also after errors.
func TestTempFiles(t *testing.T) {
	core, log := observer.New(zapcore.InfoLevel)
	s := openLogged(t, false, zap.New(core))
	c, look := connect(t, s), connect(t, s)
	run(t, c, "create table t as select i, md5(i::text) as m from generate_series(1, 60000) i")
	run(t, c, "analyze t")
	run(t, c, "set work_mem = '64kB'; set maintenance_work_mem = '1MB'; set log_temp_files = 0; set max_parallel_workers_per_gather = 0")
	dir := filepath.Join(s.Dir(), "base", "pgsql_tmp")
	left := func(what string) {
		t.Helper()
		if files, _ := os.ReadDir(dir); len(files) > 0 {
			t.Errorf("%s: %d temporary files are left", what, len(files))
		}
	}
	const counted = "select temp_files from pg_stat_database where datname = current_database()"
	for _, k := range [][2]string{
		{"sort", "select count(*) from (select * from t order by m offset 0) x"},
		{"hash join", "set enable_mergejoin = off; set enable_nestloop = off; select count(*) from t a join t b using (m); reset enable_mergejoin; reset enable_nestloop"},
		{"aggregate", "set enable_sort = off; select count(*) from (select m, count(*) from t group by m offset 0) x; reset enable_sort"},
		{"window", "select count(*) from (select sum(i) over (rows between unbounded preceding and unbounded following) from t) x"},
		{"WITH", "with x as materialized (select * from t) select count(*) from x a, x b where a.i = b.i"},
		{"set", "select count(*) from (select m from t except select m || 'x' from t) x"},
		{"recursion", "with recursive r(n, m) as (select 1, md5('1') union select n + 1, md5((n + 1)::text) from r where n < 20000) select count(*) from r"},
		{"index build", "create index on t (m)"},
	} {
		what, sql := k[0], k[1]
		before := value[int64](t, look, counted)
		log.TakeAll()
		run(t, c, sql, pgx.QueryExecModeSimpleProtocol)
		left(what)
		told := 0
		for _, e := range log.TakeAll() {
			if strings.HasPrefix(e.Message, `temporary file: path "base/pgsql_tmp/pgsql_tmp`) {
				told++
			}
		}
		eventually(t, look, "select temp_files = $1 from pg_stat_database where datname = current_database()", before+int64(told))
		if told == 0 {
			t.Errorf("%s: nothing went to a file", what)
		}
		run(t, c, "set temp_file_limit = '100kB'")
		_, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
		run(t, c, "reset all; set work_mem = '64kB'; set maintenance_work_mem = '1MB'; set log_temp_files = 0; set max_parallel_workers_per_gather = 0", pgx.QueryExecModeSimpleProtocol)
		if err == nil || !strings.Contains(err.Error(), "temporary file size exceeds temp_file_limit (100kB) (SQLSTATE 53400)") {
			t.Errorf("%s: %v", what, err)
		}
		left(what + " over the limit")
	}
	run(t, c, "begin")
	run(t, c, "declare x cursor for select * from t order by m || 'x'")
	run(t, c, "fetch 1 from x")
	if got := value[bool](t, look, "select count(*) > 0 and bool_and(size > 0 and name like 'pgsql_tmp' || $1 || '.%') from pg_ls_tmpdir()", fmt.Sprint(c.PgConn().PID())); !got {
		t.Error("the file of a cursor is not listed")
	}
	run(t, c, "rollback")
	left("a cursor")
	if got := value[int64](t, look, "select count(*) from pg_ls_tmpdir((select oid from pg_tablespace where spcname = 'pg_global'))"); got != 0 {
		t.Errorf("%d files in pg_global", got)
	}
	if _, err := look.Exec(context.Background(), "select * from pg_ls_tmpdir(99999)"); err == nil || !strings.Contains(err.Error(), "tablespace with OID 99999 does not exist") {
		t.Error(err)
	}
}
