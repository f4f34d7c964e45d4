package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

func dsn(c *config, s server, db string) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=%s sslmode=disable", s.port(), db)
}

func query(c *config, s server, sql ...string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn(c, s, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, q := range sql {
		if _, err := conn.Exec(ctx, q, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	return nil
}

// prepare fills the pgbench tables.
func prepare(c *config, s server) error {
	return quiet(exec.Command(filepath.Join(c.pgBin, "pgbench"), "-i", "-q", "-s", strconv.Itoa(c.scale), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port()), "-U", "postgres", "postgres"))
}

// startLines measures init and start, which need the servers stopped.
func startLines(c *config, ours, theirs server) error {
	for _, what := range []string{"init", "start"} {
		l := line{name: what, less: true, unit: "ms"}
		var v [2][]float64
		for range c.rounds {
			for i, s := range []server{ours, theirs} {
				begin := time.Now()
				var err error
				if what == "init" {
					err = s.init()
				} else {
					err = s.start()
				}
				if err != nil {
					return err
				}
				v[i] = append(v[i], float64(time.Since(begin).Microseconds())/1000)
				if what == "start" {
					s.stop()
				}
			}
		}
		if c.wants(what) {
			print(l, median(v[0]), median(v[1]), 0)
		}
	}
	return nil
}

var tpsRE = regexp.MustCompile(`tps = ([0-9.]+) \(without initial|tps = ([0-9.]+)`)

func pgbench(c *config, s server, host string, args ...string) (float64, error) {
	all := append([]string{"-h", host, "-p", strconv.Itoa(s.port()), "-U", "postgres", "-n", "-T", strconv.Itoa(c.seconds)}, args...)
	if s.name() == "responder" {
		all = append(all, "-s", "1")
	}
	b, err := exec.Command(filepath.Join(c.pgBin, "pgbench"), append(all, "postgres")...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench %v: %v\n%s", all, err, b)
	}
	m := tpsRE.FindStringSubmatch(string(b))
	if m == nil {
		return 0, fmt.Errorf("no tps in %s", b)
	}
	if m[1] != "" {
		return strconv.ParseFloat(m[1], 64)
	}
	return strconv.ParseFloat(m[2], 64)
}

func lines(c *config) []line {
	var out []line
	for _, script := range []string{"select", "tpcb"} {
		for _, mode := range []string{"simple", "extended", "prepared"} {
			for _, clients := range []int{1, 8, 32} {
				for _, via := range []string{"tcp", "unix"} {
					out = append(out, benchLine(c, script, mode, clients, via))
				}
			}
		}
	}
	out = append(out,
		line{name: "connections per second, 8 clients", unit: "", run: func(s server) (float64, error) {
			return pgbench(c, s, "127.0.0.1", "-S", "-C", "-c", "8", "-j", "2")
		}},
		line{name: "memory per idle connection", less: true, unit: "kB", once: true, run: func(s server) (float64, error) { return idleMemory(c, s) }},
		line{name: "COPY in", less: true, unit: "ms", run: func(s server) (float64, error) { return copyIn(c, s) }},
		line{name: "CREATE INDEX", less: true, unit: "ms", run: func(s server) (float64, error) {
			return timed(c, s, "drop index if exists cmp_i", "create index cmp_i on cmp(b)")
		}},
		partitionLine(c, "64 partitions, other key, prepared, 32 clients", 64),
		partitionLine(c, "4 partitions, other key, prepared, 32 clients", 4),
		line{name: "SKIP LOCKED queue, 32 workers", run: func(s server) (float64, error) { return queue(c, s) }},
	)
	out = append(out, lockLines(c)...)
	out = append(out, durabilityLines(c)...)
	out = append(out,
		line{name: "count, sum, avg", less: true, unit: "ms", run: func(s server) (float64, error) { return aggregate(c, s) }},
	)
	return out
}

func benchLine(c *config, script, mode string, clients int, via string) line {
	return line{name: fmt.Sprintf("%s %s, %d clients, %s", script, mode, clients, via), ceiling: script == "select", run: func(s server) (float64, error) {
		host := "127.0.0.1"
		if via == "unix" {
			host = c.dir
		}
		args := []string{"-M", mode, "-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, 2))}
		if script == "select" {
			args = append(args, "-S")
		}
		return pgbench(c, s, host, args...)
	}}
}

// partitionLine selects by a key that is not the partition key from a table whose partitions have two indexes each: every partition is
// looked into. The microseconds are those of one partition, so that the lines for different numbers of partitions compare.
func partitionLine(c *config, name string, parts int) line {
	return line{name: name + ", each", less: true, unit: "µs", run: func(s server) (float64, error) {
		sql := []string{"drop table if exists cmp_part", "create table cmp_part (id int, k int, v text) partition by range (id)"}
		for i := range parts {
			sql = append(sql, fmt.Sprintf("create table cmp_part_%d partition of cmp_part for values from (%d) to (%d)", i, i*1000, i*1000+1000))
		}
		sql = append(sql, "create index on cmp_part (id)", "create index on cmp_part (k)",
			fmt.Sprintf("insert into cmp_part select i, i * 7919 %% %d, 'x' from generate_series(0, %d) i", parts*1000, parts*1000-1), "analyze cmp_part")
		if err := query(c, s, sql...); err != nil {
			return 0, err
		}
		script := filepath.Join(c.dir, "partitions.sql")
		text := fmt.Sprintf("\\set k random(0, %d)\nselect * from cmp_part where k = :k;\n", parts*1000-1)
		if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
			return 0, err
		}
		tps, err := pgbench(c, s, "127.0.0.1", "-M", "prepared", "-c", "32", "-j", "2", "-f", script)
		return 1e6 / tps / float64(parts), err
	}}
}

// timed runs statements and returns the milliseconds of the last.
func timed(c *config, s server, sql ...string) (float64, error) {
	if err := query(c, s, sql[:len(sql)-1]...); err != nil {
		return 0, err
	}
	begin := time.Now()
	err := query(c, s, sql[len(sql)-1])
	return float64(time.Since(begin).Microseconds()) / 1000, err
}

func idleMemory(c *config, s server) (float64, error) {
	const n = 1000
	ctx := context.Background()
	before := s.resident()
	var conns []*pgx.Conn
	defer func() {
		for _, x := range conns {
			x.Close(ctx)
		}
	}()
	for range n {
		x, err := pgx.Connect(ctx, dsn(c, s, "postgres"))
		if err != nil {
			return 0, err
		}
		conns = append(conns, x)
	}
	return (s.resident() - before) / n, nil
}

func copyIn(c *config, s server) (float64, error) {
	ctx := context.Background()
	if err := query(c, s, "drop table if exists cmp", "create table cmp(a int, b int, c text)"); err != nil {
		return 0, err
	}
	conn, err := pgx.Connect(ctx, dsn(c, s, "postgres"))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	var b strings.Builder
	for i := range c.rows {
		fmt.Fprintf(&b, "%d\t%d\tsome text of row %d\n", i, (i*7919)%c.rows, i)
	}
	begin := time.Now()
	_, err = conn.PgConn().CopyFrom(ctx, strings.NewReader(b.String()), "copy cmp from stdin")
	return float64(time.Since(begin).Microseconds()) / 1000, err
}

// queue takes jobs from a table of 100,000 with 32 workers, each job in a transaction of its own, and returns the jobs per second.
func queue(c *config, s server) (float64, error) {
	if err := query(c, s, "drop table if exists job", "create table job(id int primary key, state int)",
		"insert into job select g, 0 from generate_series(1, 100000) g", "create index job_new on job(id) where state = 0", "vacuum analyze job"); err != nil {
		return 0, err
	}
	script := filepath.Join(c.dir, "queue.sql")
	text := "update job set state = 1 where id = (select id from job where state = 0 order by id for update skip locked limit 1);\n"
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		return 0, err
	}
	return pgbench(c, s, "127.0.0.1", "-M", "prepared", "-c", "32", "-j", "2", "-f", script)
}

func aggregate(c *config, s server) (float64, error) {
	if err := query(c, s, "create table if not exists agg(a int, b int8, c float8)"); err != nil {
		return 0, err
	}
	fill := fmt.Sprintf("insert into agg select g, g * 2, g * 0.5 from generate_series(1, %d) g where not exists (select 1 from agg)", c.aggRows)
	if err := query(c, s, fill, "vacuum analyze agg"); err != nil {
		return 0, err
	}
	return timed(c, s, "select count(*), sum(a), avg(b) from agg")
}
