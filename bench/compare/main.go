// Command compare measures gompho against an installed PostgreSQL 15 with the same settings, in alternating rounds, and
// prints medians and the ratio gompho : PostgreSQL, with a constant responder as the ceiling where it applies.
//
//	go run ./bench/compare                 # everything
//	go run ./bench/compare -only select    # lines whose name contains "select"
//	go run ./bench/compare -skip checkpoints,VACUUM
//
// It makes temporary clusters below -dir and removes them.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

type config struct {
	dir, bin, pgBin, only string
	skip                  []string
	rounds, seconds       int
	scale                 int
	buffers               string
	rows                  int
	aggRows               int
	steady                int // seconds
	recoveryRows          int
	scanMB                int
	hotUpdates            int
	vacuumRows            int
}

func main() {
	var c config
	flag.StringVar(&c.dir, "dir", "", "directory for the clusters (default: a temporary one)")
	flag.StringVar(&c.pgBin, "pg", "/usr/lib/postgresql/15/bin", "PostgreSQL's programs")
	flag.StringVar(&c.only, "only", "", "run lines whose name contains this")
	skip := flag.String("skip", "", "leave out lines whose name contains one of these, separated by commas")
	flag.IntVar(&c.rounds, "rounds", 3, "rounds of each line")
	flag.IntVar(&c.seconds, "seconds", 5, "length of a pgbench run")
	flag.IntVar(&c.scale, "scale", 10, "pgbench scale")
	flag.StringVar(&c.buffers, "shared-buffers", "1GB", "shared_buffers of both servers")
	flag.IntVar(&c.rows, "copy-rows", 1000000, "rows of the COPY and CREATE INDEX lines")
	flag.IntVar(&c.aggRows, "agg-rows", 5000000, "rows of the aggregate line")
	flag.IntVar(&c.steady, "steady", 100, "seconds of each run of TPC-B with checkpoints")
	flag.IntVar(&c.recoveryRows, "recovery-rows", 2000000, "rows of the recovery line")
	flag.IntVar(&c.scanMB, "scan-mb", 3000, "megabytes of the table that is scanned beside pgbench -S")
	flag.IntVar(&c.hotUpdates, "hot-updates", 400000, "updates of the small hot table")
	flag.IntVar(&c.vacuumRows, "vacuum-rows", 2000000, "rows of the VACUUM lines")
	flag.Parse()
	if *skip != "" {
		c.skip = strings.Split(*skip, ",")
	}
	if err := run(&c); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(c *config) error {
	if c.dir == "" {
		d, err := os.MkdirTemp("", "gompho-compare-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(d)
		c.dir = d
	}
	os.Chmod(c.dir, 0o777)
	c.bin = filepath.Join(c.dir, "gompho")
	for pkg, out := range map[string]string{"./cmd/gompho": c.bin, "./bench/responder": filepath.Join(c.dir, "responder")} {
		if b, err := exec.Command("go", "build", "-o", out, pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("build: %v\n%s", err, b)
		}
	}
	ours, theirs, ceiling := newGompho(c), newPostgres(c), newResponder(c)
	fmt.Printf("%-42s %12s %12s %8s %12s\n", "", "gompho", "PostgreSQL", "ratio", "ceiling")
	if err := startLines(c, ours, theirs); err != nil {
		return err
	}
	for _, s := range []server{ours, theirs, ceiling} {
		if err := s.start(); err != nil {
			return err
		}
		defer s.stop()
	}
	for _, s := range []server{ours, theirs} {
		if err := prepare(c, s); err != nil {
			return err
		}
	}
	for _, l := range lines(c) {
		if err := measure(c, l, ours, theirs, ceiling); err != nil {
			return err
		}
	}
	return nil
}

// line is one measurement: a number for each server, where more is better unless less is set.
type line struct {
	name    string
	less    bool
	ceiling bool
	unit    string
	once    bool
	run     func(s server) (float64, error)
}

// wants reports whether a line is to be measured.
func (c *config) wants(name string) bool {
	return strings.Contains(name, c.only) && !slices.ContainsFunc(c.skip, func(s string) bool { return strings.Contains(name, s) })
}

func measure(c *config, l line, ours, theirs, ceiling server) error {
	if !c.wants(l.name) {
		return nil
	}
	var a, b, k []float64
	rounds := c.rounds
	if l.once {
		rounds = 1
	}
	type turn struct {
		s   server
		out *[]float64
	}
	for i := range rounds {
		turns := []turn{{ours, &a}, {theirs, &b}}
		if i%2 == 1 { // a disk that allows bursts, a processor that gets warm: nobody is always first
			turns[0], turns[1] = turns[1], turns[0]
		}
		if l.ceiling {
			turns = append(turns, turn{ceiling, &k})
		}
		for _, x := range turns {
			v, err := l.run(x.s)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", l.name, x.s.name(), err)
			}
			*x.out = append(*x.out, v)
		}
	}
	print(l, median(a), median(b), median(k))
	return nil
}

func print(l line, a, b, k float64) {
	ratio := a / b
	if l.less {
		ratio = b / a
	}
	top := ""
	if l.ceiling {
		top = fmt.Sprintf("%.0f", k)
	}
	fmt.Printf("%-42s %12s %12s %7.2fx %12s\n", l.name, number(a, l.unit), number(b, l.unit), ratio, top)
}

func number(v float64, unit string) string {
	if v < 100 {
		return fmt.Sprintf("%.2f%s", v, unit)
	}
	return fmt.Sprintf("%.0f%s", v, unit)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sort.Float64s(v)
	return v[len(v)/2]
}
