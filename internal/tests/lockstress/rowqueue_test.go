package lockstress

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
)

// TestRowQueue: sessions that wait for one row all get it, one after the other. The first in the row's queue is the first; those behind it leave the queue
// as soon as they find a newer version, and wait for its maker side by side, as in PostgreSQL: their order is not fixed.
func TestRowQueue(t *testing.T) {
	const waiters = 60
	ctx := context.Background()
	srv, err := gompho.Open(ctx, gompho.Options{Settings: map[string]string{"shared_buffers": "16MB", "deadlock_timeout": "20ms"}})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	connect := func() *observer {
		cfg, err := pgconn.ParseConfig(srv.DSN())
		if err != nil {
			t.Fatal(err)
		}
		cfg.DialFunc = srv.Dial
		conn, err := pgconn.ConnectConfig(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(ctx) })
		return &observer{conn: conn}
	}
	holder, look := connect(), connect()
	holder.query("create table r (id int primary key, v int) with (fillfactor = 50); insert into r values (1, 0)")
	holder.query("begin; update r set v = v + 1")
	results := make([]chan string, waiters)
	for i := range results {
		results[i] = make(chan string, 1)
		c := connect()
		go func() { results[i] <- c.value("update r set v = v + 1 where id = 1 returning v") }()
		for look.value(fmt.Sprintf("select count(distinct pid) = %d from pg_locks where not granted", i+1)) != "t" {
		}
	}
	holder.query("commit")
	seen := map[string]int{}
	for i, r := range results {
		got := <-r
		if before, twice := seen[got]; twice {
			t.Errorf("the waiters %d and %d both make v %s", before, i, got)
		}
		seen[got] = i
	}
	for v := 2; v < waiters+2; v++ {
		if _, made := seen[fmt.Sprint(v)]; !made {
			t.Errorf("nobody makes v %d", v)
		}
	}
	if seen["2"] != 0 {
		t.Errorf("the waiter %d overtakes the first", seen["2"])
	}
}
