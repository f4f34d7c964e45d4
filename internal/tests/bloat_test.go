package tests

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// bytesOf returns the sizes in bytes of a table and its indexes together, and of one of the indexes.
func bytesOf(t *testing.T, c *pgx.Conn, table, index string) (all, one int64) {
	t.Helper()
	return value[int64](t, c, "select pg_total_relation_size($1::regclass)", table), value[int64](t, c, "select pg_relation_size($1::regclass)", index)
}

// TestUpdatesDoNotBloat: what updates would make in half an hour, by count, leaves a small hot table and its indexes at most twice their first size,
// though one index's column changes each time and the others get an entry for each version. It is vacuumed each time that all rows have changed.
func TestUpdatesDoNotBloat(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	run(t, c, "create table hot(id int primary key, touched int, name text) with (autovacuum_enabled = off)")
	run(t, c, "create index hot_name on hot(name)")
	run(t, c, "create index hot_touched on hot(touched)")
	run(t, c, "insert into hot select g, g, 'name ' || g from generate_series(1, 2000) g")
	all, name := bytesOf(t, c, "hot", "hot_name")
	_, pkey := bytesOf(t, c, "hot", "hot_pkey")
	const rounds = 60
	for i := range rounds {
		run(t, c, "update hot set touched = touched + 1000 where id % 10 = $1", i%10)
		for id := range 20 { // and single rows, over and over
			run(t, c, "update hot set touched = touched + 7 where id = $1", id+1)
		}
		if i%10 == 9 {
			run(t, c, "vacuum hot")
		}
	}
	nowAll, nowName := bytesOf(t, c, "hot", "hot_name")
	_, nowPkey := bytesOf(t, c, "hot", "hot_pkey")
	t.Logf("all %d -> %d, unchanged column %d -> %d, primary key %d -> %d", all, nowAll, name, nowName, pkey, nowPkey)
	if nowAll > 2*all || nowName > 2*name || nowPkey > 2*pkey {
		t.Errorf("table with indexes grew from %d to %d bytes, the index of the unchanged column from %d to %d, the primary key from %d to %d",
			all, nowAll, name, nowName, pkey, nowPkey)
	}
	if n := value[int](t, c, "select count(*) from hot where name = 'name ' || id"); n != 2000 {
		t.Errorf("%d rows", n)
	}
}

// TestQueueDoesNotBloat: a queue whose consumers take from one end what producers put in at the other stays small.
func TestQueueDoesNotBloat(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	ctx := context.Background()
	run(t, c, "create table queue(id serial primary key, job text) with (autovacuum_enabled = off)")
	run(t, c, "insert into queue(job) select 'job' from generate_series(1, 1000)")
	run(t, c, "vacuum queue")
	for round := range 40 {
		b := &pgx.Batch{}
		for range 100 {
			b.Queue("insert into queue(job) values ('job')")
			b.Queue("delete from queue where id = (select id from queue order by id limit 1 for update skip locked)")
		}
		if err := c.SendBatch(ctx, b).Close(); err != nil {
			t.Fatal(err)
		}
		if round%10 == 9 {
			run(t, c, "vacuum queue") // as autovacuum would
		}
	}
	if n := value[int](t, c, "select count(*) from queue"); n != 1000 {
		t.Errorf("%d jobs", n)
	}
	if size := value[int64](t, c, "select pg_relation_size('queue_pkey')"); size > 30*8192 {
		t.Errorf("the index of the queue has %d bytes", size)
	}
}
