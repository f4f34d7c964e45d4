package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// durabilityLines measure what goes on beside the statements: checkpoints, commits, recovery, scans that compete, versions that pile up.
func durabilityLines(c *config) []line {
	lines := steadyLines(c, "8 clients prepared", "-M", "prepared", "-c", "8")
	lines = append(lines, steadyLines(c, "32 clients", "-c", "32")...)
	return append(lines, []line{
		{name: "group commit, 64 clients", run: func(s server) (float64, error) { return groupCommit(c, s) }},
		{name: "recovery", less: true, unit: "ms", run: func(s server) (float64, error) { return recovery(c, s) }},
		{name: "select beside a large scan, of that without", run: func(s server) (float64, error) { return besideScan(c, s) }},
		{name: "size of a hot table after updates", less: true, unit: "x", once: true, run: func(s server) (float64, error) { return bloat(c, s) }},
		{name: "VACUUM, 20 % dead, two indexes", less: true, unit: "ms", run: func(s server) (float64, error) { return vacuumTable(c, s, "vacuum dirty") }},
		{name: "VACUUM FREEZE, 20 % dead, two indexes", less: true, unit: "ms", run: func(s server) (float64, error) { return vacuumTable(c, s, "vacuum freeze dirty") }},
	}...)
}

// steadyLines are what is read off the same runs of TPC-B: throughput, the worst second, the latency of the slowest hundredth.
func steadyLines(c *config, what string, options ...string) []line {
	runs := map[string][]*steadyRun{}
	of := func(name, unit string, less bool, get func(*steadyRun) float64) line {
		round := map[string]int{}
		return line{name: "checkpoints, TPC-B " + what + ", " + name, unit: unit, less: less, run: func(s server) (float64, error) {
			n := round[s.name()]
			round[s.name()]++
			if n == len(runs[s.name()]) {
				r, err := runSteady(c, s, options)
				if err != nil {
					return 0, err
				}
				runs[s.name()] = append(runs[s.name()], r)
			}
			return get(runs[s.name()][n]), nil
		}}
	}
	return []line{
		of("tps", "", false, func(r *steadyRun) float64 { return r.tps }),
		of("worst second : median", "", false, func(r *steadyRun) float64 { return r.worst }),
		of("p99", "ms", true, func(r *steadyRun) float64 { return r.p99 }),
	}
}

// steadyRun is a long run of TPC-B: transactions a second, the worst second as a part of the median one, and the latency in milliseconds that one
// transaction in a hundred exceeds.
type steadyRun struct{ tps, worst, p99 float64 }

// runSteady runs TPC-B for c.steady seconds with a checkpoint each 30.
func runSteady(c *config, s server, options []string) (*steadyRun, error) {
	if err := query(c, s, "alter system set checkpoint_timeout = '30s'", "select pg_reload_conf()", "checkpoint"); err != nil {
		return nil, err
	}
	defer query(c, s, "alter system reset checkpoint_timeout", "select pg_reload_conf()")
	prefix := filepath.Join(c.dir, "steady-"+s.name())
	cmd := exec.Command(filepath.Join(c.pgBin, "pgbench"), append(slices.Clone(options), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port()), "-U", "postgres", "-n", "-j", "2",
		"-T", strconv.Itoa(c.steady), "-l", "--log-prefix="+prefix, "postgres")...)
	if err := quiet(cmd); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(prefix + ".*")
	if err != nil {
		return nil, err
	}
	var latencies []float64
	seconds := map[int64]float64{}
	for _, f := range files {
		if latencies, err = readLog(f, latencies, seconds); err != nil {
			return nil, err
		}
		os.Remove(f)
	}
	var each []float64
	first, last := int64(1<<62), int64(0)
	for at := range seconds {
		first, last = min(first, at), max(last, at)
	}
	for at := first + 1; at < last; at++ { // the first and the last are not whole
		each = append(each, seconds[at])
	}
	sort.Float64s(each)
	sort.Float64s(latencies)
	if len(each) == 0 {
		return nil, fmt.Errorf("the run was too short")
	}
	return &steadyRun{tps: float64(len(latencies)) / float64(c.steady), worst: each[0] / median(each), p99: latencies[len(latencies)*99/100]}, nil
}

// readLog adds pgbench's log of single transactions to latencies (milliseconds) and to the counts of each second.
func readLog(name string, latencies []float64, seconds map[int64]float64) ([]float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for in.Scan() {
		// client, transaction, latency in microseconds, script, epoch, microseconds
		w := strings.Fields(in.Text())
		if len(w) < 6 {
			continue
		}
		us, err := strconv.ParseFloat(w[2], 64)
		if err != nil {
			continue
		}
		at, err := strconv.ParseInt(w[4], 10, 64)
		if err != nil {
			return nil, err
		}
		latencies = append(latencies, us/1000)
		seconds[at]++
	}
	return latencies, in.Err()
}

func groupCommit(c *config, s server) (float64, error) {
	if err := query(c, s, "drop table if exists commits", "create table commits (a int)"); err != nil {
		return 0, err
	}
	script := filepath.Join(c.dir, "commit.sql")
	if err := os.WriteFile(script, []byte("insert into commits values (1);\n"), 0o644); err != nil {
		return 0, err
	}
	return pgbench(c, s, "127.0.0.1", "-M", "prepared", "-c", "64", "-j", "2", "-f", script)
}

// recovery lets the server die after c.recoveryRows rows were inserted and updated since the last checkpoint, and returns how long it takes to be there again.
func recovery(c *config, s server) (float64, error) {
	fill := fmt.Sprintf("insert into lost select g, g, repeat('x', 100) from generate_series(1, %d) g", c.recoveryRows)
	if err := query(c, s, "alter system set checkpoint_timeout = '1h'", "select pg_reload_conf()", "drop table if exists lost",
		"create table lost (a int, b int, c text)", "create index on lost (a)", "checkpoint", fill, "update lost set b = b + 1 where a % 4 = 0"); err != nil {
		return 0, err
	}
	s.crash()
	begin := time.Now()
	if err := s.start(); err != nil {
		return 0, err
	}
	took := float64(time.Since(begin).Microseconds()) / 1000
	return took, query(c, s, "drop table lost", "alter system reset checkpoint_timeout", "select pg_reload_conf()", "checkpoint")
}

// besideScan returns the throughput of pgbench -S while another session scans a table larger than the shared buffers, as a part of that without.
func besideScan(c *config, s server) (float64, error) {
	fill := fmt.Sprintf("insert into large select g, repeat('x', 1000) from generate_series(1, %d) g where not exists (select 1 from large)", c.scanMB*1000)
	if err := query(c, s, "create table if not exists large (a int, b text)", "alter table large alter b set storage plain", fill, "vacuum analyze large"); err != nil {
		return 0, err
	}
	args := []string{"-S", "-M", "prepared", "-c", "8", "-j", "2"}
	alone, err := pgbench(c, s, "127.0.0.1", args...)
	if err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(context.Background())
	conn, err := pgx.Connect(ctx, dsn(c, s, "postgres"))
	if err != nil {
		stop()
		return 0, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			conn.Exec(ctx, "select count(*) from large", pgx.QueryExecModeSimpleProtocol)
		}
	}()
	beside, err := pgbench(c, s, "127.0.0.1", args...)
	stop()
	<-done
	conn.Close(context.Background())
	return beside / alone, err
}

// bloat updates the rows of a small table c.hotUpdates times, under autovacuum, and returns its size with its indexes as a multiple of the first.
func bloat(c *config, s server) (float64, error) {
	if err := query(c, s, "drop table if exists warm", "create table warm (id int primary key, k int, v int)", "create index on warm (k)",
		"insert into warm select g, g, 0 from generate_series(1, 5000) g", "vacuum analyze warm"); err != nil {
		return 0, err
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn(c, s, "postgres"))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	var before, after int64
	const size = "select pg_total_relation_size('warm')"
	if err := conn.QueryRow(ctx, size).Scan(&before); err != nil {
		return 0, err
	}
	script := filepath.Join(c.dir, "warm.sql")
	if err := os.WriteFile(script, []byte("\\set id random(1, 5000)\nupdate warm set v = v + 1 where id = :id;\n"), 0o644); err != nil {
		return 0, err
	}
	cmd := exec.Command(filepath.Join(c.pgBin, "pgbench"), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port()), "-U", "postgres", "-n", "-M", "prepared", "-c", "8", "-j", "2",
		"-t", strconv.Itoa(c.hotUpdates/8), "-f", script, "postgres")
	if err := quiet(cmd); err != nil {
		return 0, err
	}
	err = conn.QueryRow(ctx, size).Scan(&after)
	return float64(after) / float64(before), err
}
