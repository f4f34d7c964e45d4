package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// vacuumTable returns how long a command takes on a table of c.vacuumRows rows with two indexes, of which each fifth row was deleted, in milliseconds.
func vacuumTable(c *config, s server, command string) (float64, error) {
	fill := fmt.Sprintf("insert into dirty select g, (g::bigint * 7919 %% %d)::int, 'some text that fills the row a little ' || g from generate_series(1, %d) g",
		c.vacuumRows+3, c.vacuumRows)
	if err := query(c, s, "drop table if exists dirty", "create table dirty (id int, k int, pad text) with (autovacuum_enabled = off)", fill,
		"create index on dirty (id)", "create index on dirty (k)", "vacuum dirty", "delete from dirty where id % 5 = 0", "checkpoint"); err != nil {
		return 0, err
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn(c, s, "postgres"))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	begin := time.Now()
	if _, err := conn.Exec(ctx, command); err != nil {
		return 0, err
	}
	took := float64(time.Since(begin).Microseconds()) / 1000
	return took, query(c, s, "drop table dirty")
}
