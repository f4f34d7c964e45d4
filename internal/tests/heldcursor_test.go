package tests

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestHeldCursorSpills: a cursor WITH HOLD over much more than work_mem keeps its rows in a temporary file; it moves in all directions and gives the right rows, and
// its file goes with it, or with its session.
func TestHeldCursorSpills(t *testing.T) {
	s := openWith(t, map[string]string{"shared_buffers": "16MB"})
	look, c := connect(t, s), connect(t, s)
	files := func() int64 { return value[int64](t, look, "select count(*) from pg_ls_tmpdir()") }
	run(t, c, "set work_mem = '256kB'")
	run(t, c, "declare h scroll cursor with hold for select i, repeat(chr(97 + i % 26), 200), nullif(i % 3, 0) from generate_series(1, 100000) i")
	if n := files(); n != 1 {
		t.Fatalf("%d temporary files", n)
	}
	if n := value[int64](t, look, "select sum(size)::bigint from pg_ls_tmpdir()"); n < 15<<20 {
		t.Fatalf("%d bytes in the file", n)
	}
	if n := value[int64](t, look, heldNow); n > 1<<20 {
		t.Fatalf("%d bytes in memory", n)
	}
	step := func(sql string, want int) {
		t.Helper()
		var i int
		var text string
		var mod *int
		err := c.QueryRow(context.Background(), sql).Scan(&i, &text, &mod)
		switch {
		case want == 0 && err == pgx.ErrNoRows:
			return
		case err != nil:
			t.Fatalf("%s: %v", sql, err)
		}
		if i != want || len(text) != 200 || int(text[0]) != 97+i%26 || (mod == nil) != (i%3 == 0) || mod != nil && *mod != i%3 {
			t.Fatalf("%s: got %d %q", sql, i, text)
		}
	}
	step("fetch next from h", 1)
	step("fetch last from h", 100000)
	step("fetch next from h", 0)
	step("fetch prior from h", 100000)
	step("fetch absolute 1 from h", 1)
	step("fetch prior from h", 0)
	for _, i := range []int{5, 99999, 50000, 49999, 2, 77777} {
		step(fmt.Sprintf("fetch absolute %d from h", i), i)
		step("fetch relative -1 from h", i-1)
		step("fetch next from h", i)
	}
	run(t, c, "move absolute 0 in h")
	rows, err := c.Query(context.Background(), "fetch all from h", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	sum, n := 0, 0
	for rows.Next() {
		var i int
		if err := rows.Scan(&i, nil, nil); err != nil {
			t.Fatal(err)
		}
		sum, n = sum+i, n+1
	}
	if rows.Err() != nil || n != 100000 || sum != 5000050000 {
		t.Fatalf("%d rows, sum %d: %v", n, sum, rows.Err())
	}
	step("fetch prior from h", 100000)
	run(t, c, "close h")
	if n := files(); n != 0 {
		t.Fatalf("%d temporary files after CLOSE", n)
	}
	run(t, c, "begin")
	run(t, c, "declare k cursor with hold for select repeat('y', 1000) from generate_series(1, 10000)")
	run(t, c, "commit")
	if n := files(); n != 1 {
		t.Fatalf("%d temporary files of the second cursor", n)
	}
	c.Close(context.Background())
	eventually(t, look, "select count(*) = 0 from pg_ls_tmpdir()")
	eventually(t, look, "select server_held = 0 from gompho_memory limit 1")
}

// TestScrollCursorSpills: what a cursor without HOLD has read stays for moving backward, in a file beyond work_mem, and goes with its transaction.
func TestScrollCursorSpills(t *testing.T) {
	c := connect(t, openWith(t, map[string]string{"shared_buffers": "16MB"}))
	run(t, c, "set work_mem = '256kB'")
	run(t, c, "begin")
	run(t, c, "declare s scroll cursor for select i, repeat('x', 500) from generate_series(1, 20000) i")
	run(t, c, "move all in s")
	if n := value[int64](t, c, "select count(*) from pg_ls_tmpdir()"); n < 1 {
		t.Fatal("no temporary file")
	}
	if n := value[int64](t, c, heldNow); n > 3<<20 {
		t.Errorf("%d bytes in memory", n)
	}
	for _, want := range []int{20000, 19999, 19998} {
		var got int
		if err := c.QueryRow(context.Background(), "fetch prior from s").Scan(&got, nil); err != nil || got != want {
			t.Fatalf("got %d, not %d: %v", got, want, err)
		}
	}
	run(t, c, "rollback")
	if n := value[int64](t, c, "select count(*) from pg_ls_tmpdir()"); n != 0 {
		t.Fatalf("%d temporary files are left", n)
	}
}
