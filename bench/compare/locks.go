package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func lockLines(c *config) []line {
	return []line{
		{name: "10,000 advisory locks in a transaction", less: true, unit: "ms", run: func(s server) (float64, error) { return advisory(c, s, "xact_lock(g)", "") }},
		{name: "10,000 advisory locks of a session", less: true, unit: "ms", run: func(s server) (float64, error) {
			return advisory(c, s, "lock(g)", "select count(pg_advisory_unlock(g)) from generate_series(1, 10000) g;")
		}},
		{name: "100 sessions wait for a row", less: true, unit: "ms", run: func(s server) (float64, error) { return hotRow(c, s, 100) }},
		{name: "1,000 sessions wait for a row", less: true, unit: "ms", run: func(s server) (float64, error) { return hotRow(c, s, 1000) }},
	}
}

// advisory takes and releases 10,000 advisory locks and returns the milliseconds of one transaction.
func advisory(c *config, s server, take, release string) (float64, error) {
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, dsn(c, s, "postgres"))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	const times = 20
	sql := "begin; select count(pg_advisory_" + take + ") from generate_series(1, 10000) g; " + release + " commit"
	var begin time.Time
	for i := range times + 1 {
		if i == 1 {
			begin = time.Now() // the first one warms up
		}
		if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(begin).Microseconds()) / 1000 / times, nil
}

// hotRow lets n sessions wait to update a row that another has updated, and returns the milliseconds from its commit until
// the last of them has committed.
func hotRow(c *config, s server, n int) (float64, error) {
	ctx := context.Background()
	if err := query(c, s, "drop table if exists hot", "create table hot(id int primary key, v int) with (fillfactor = 50)", "insert into hot values (1, 0)"); err != nil {
		return 0, err
	}
	conns := make([]*pgconn.PgConn, n+2)
	for i := range conns {
		var err error
		if conns[i], err = pgconn.Connect(ctx, dsn(c, s, "postgres")); err != nil {
			return 0, err
		}
		defer conns[i].Close(ctx)
	}
	holder, look := conns[n], conns[n+1]
	if _, err := holder.Exec(ctx, "begin; update hot set v = v + 1").ReadAll(); err != nil {
		return 0, err
	}
	ends := make(chan error, n)
	for _, x := range conns[:n] {
		go func() { _, err := x.Exec(ctx, "update hot set v = v + 1 where id = 1").ReadAll(); ends <- err }()
	}
	for {
		r, err := look.Exec(ctx, fmt.Sprintf("select count(distinct pid) = %d from pg_locks where not granted", n)).ReadAll()
		if err != nil {
			return 0, err
		}
		if string(r[0].Rows[0][0]) == "t" {
			break
		}
	}
	begin := time.Now()
	if _, err := holder.Exec(ctx, "commit").ReadAll(); err != nil {
		return 0, err
	}
	for range n {
		if err := <-ends; err != nil {
			return 0, err
		}
	}
	took := float64(time.Since(begin).Microseconds()) / 1000
	r, err := look.Exec(ctx, "select v from hot").ReadAll()
	if err == nil && string(r[0].Rows[0][0]) != fmt.Sprint(n+1) {
		err = fmt.Errorf("v is %s after %d updates", r[0].Rows[0][0], n+1)
	}
	return took, err
}
