package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gompho/internal/ids"
	"gompho/storage/control"
	"gompho/storage/vfs"
	"gompho/wal"
	"gompho/wal/inspect"
)

type dumpFlags struct {
	dir, path, start, end  string
	stats, relation, fork  string
	managers               []string
	limit, block           int64
	xid                    uint64
	timeline               uint32
	images, quiet, listing bool
	blocks, follow         bool
}

func walCommand() *cobra.Command {
	c := &cobra.Command{Use: "wal", Short: "Look at the write-ahead log"}
	c.AddCommand(dumpCommand())
	return c
}

func dumpCommand() *cobra.Command {
	var f dumpFlags
	c := &cobra.Command{Use: "dump [STARTSEGMENT [ENDSEGMENT]]", Short: "Print the records of the log, or sums of them", Args: cobra.MaximumNArgs(2),
		Long: `Prints the records of the write-ahead log of a data directory, which may be of a running server. Without a begin it is
the redo pointer of the last checkpoint; without an end, the end of the log.`,
		RunE: func(c *cobra.Command, args []string) error {
			if f.listing {
				fmt.Fprintln(c.OutOrStdout(), strings.Join(wal.Managers(), "\n"))
				return nil
			}
			out := bufio.NewWriter(c.OutOrStdout())
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt) // ends --follow, with the sums of --stats
			defer stop()
			err := dumpWal(ctx, out, &f, args)
			if ferr := out.Flush(); err == nil {
				err = ferr
			}
			return err
		}}
	fl := c.Flags()
	fl.StringVarP(&f.dir, "data", "D", defaultDir, "data directory")
	fl.StringVarP(&f.path, "path", "p", "", "directory of the segments, if not pg_wal of the data directory")
	fl.StringVarP(&f.start, "start", "s", "", "where to begin, as 0/1A2B3C; what begins there or behind it is printed")
	fl.StringVarP(&f.end, "end", "e", "", "where to end")
	fl.StringVarP(&f.stats, "stats", "z", "", "print sums by resource manager, or with --stats=record by type of record")
	fl.Lookup("stats").NoOptDefVal = "rmgr"
	fl.StringArrayVarP(&f.managers, "rmgr", "r", nil, "only records of this resource manager; may be repeated; \"list\" lists them")
	fl.Int64VarP(&f.limit, "limit", "n", 0, "end after so many records")
	fl.StringVarP(&f.relation, "relation", "R", "", "only records that touch this relation, given as tablespace/database/file")
	fl.Int64VarP(&f.block, "block", "B", -1, "only records that touch this block; with --relation")
	fl.StringVarP(&f.fork, "fork", "F", "", "only records that touch this fork: main, fsm, vm, init")
	fl.Uint64VarP(&f.xid, "xid", "x", 0, "only records of this transaction")
	fl.Uint32VarP(&f.timeline, "timeline", "t", 0, "timeline of the segments, if not the current one")
	fl.BoolVarP(&f.images, "fullpage", "w", false, "only records with page images")
	fl.BoolVarP(&f.blocks, "bkp-details", "b", false, "tell of each page of a record, on a line of its own, what happens to it")
	fl.BoolVarP(&f.follow, "follow", "f", false, "at the end of the log wait for more, until interrupted")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "print nothing but errors")
	c.PreRun = func(*cobra.Command, []string) { f.listing = slices.Contains(f.managers, "list") }
	return c
}

// dumpRange opens the log and finds the stretch that is asked for.
func dumpRange(f *dumpFlags, segments []string) (r *wal.Reader, end ids.LSN, err error) {
	ctl, err := control.Open(vfs.OS(), f.dir)
	if err != nil {
		return nil, 0, err
	}
	d := ctl.Data()
	o := wal.Options{FS: vfs.OS(), Dir: f.path, SystemID: d.SystemID, Timeline: d.Checkpoint.Timeline, SegmentSize: int(d.SegmentSize)}
	if o.Dir == "" {
		o.Dir = filepath.Join(f.dir, "pg_wal")
	} else if below := filepath.Join(o.Dir, "pg_wal"); vfs.Exists(o.FS, below) { // a data directory
		o.Dir = below
	}
	from, end := d.Checkpoint.Redo, ids.LSN(1)<<62
	for i, name := range segments {
		tli, no, ok := wal.ParseSegmentName(filepath.Base(name), o.SegmentSize)
		if !ok {
			return nil, 0, fmt.Errorf("invalid WAL file name: %q", name)
		}
		if i == 0 {
			o.Timeline, from = tli, ids.LSN(no*uint64(o.SegmentSize))
		}
		end = ids.LSN((no + 1) * uint64(o.SegmentSize))
	}
	if f.timeline != 0 {
		o.Timeline = f.timeline
	}
	for _, x := range []struct {
		what, text string
		to         *ids.LSN
	}{{"start", f.start, &from}, {"end", f.end, &end}} {
		if x.text != "" {
			if *x.to, err = ids.ParseLSN(x.text); err != nil {
				return nil, 0, fmt.Errorf("invalid WAL location for %s: %q", x.what, x.text)
			}
		}
	}
	if from >= end {
		return nil, 0, fmt.Errorf("start WAL location %s is not before the end %s", from, end)
	}
	r = wal.NewReader(o, from)
	if err := r.Seek(end); err == io.EOF {
		return nil, 0, fmt.Errorf("could not find a valid record after %s", from)
	} else if err != nil {
		return nil, 0, err
	}
	return r, end, nil
}

// filter decides which records are wanted.
func (f *dumpFlags) filter() (func(r *wal.Record) bool, error) {
	var rel ids.RelFile
	if f.relation != "" {
		var v [3]uint64
		parts := strings.Split(f.relation, "/")
		for i := range v {
			var err error
			if len(parts) != 3 {
				err = errors.New("not three numbers")
			} else {
				v[i], err = strconv.ParseUint(parts[i], 10, 32)
			}
			if err != nil {
				return nil, fmt.Errorf("invalid relation specification: %q: give tablespace OID/database OID/relation filenode", f.relation)
			}
		}
		rel = ids.RelFile{Spc: ids.Oid(v[0]), DB: ids.Oid(v[1]), Rel: ids.Oid(v[2])}
	} else if f.block >= 0 {
		return nil, errors.New("option --block requires option --relation")
	}
	if f.stats != "" && f.stats != "rmgr" && f.stats != "record" {
		return nil, fmt.Errorf("unrecognized value for option --stats: %s", f.stats)
	}
	if f.fork != "" && !slices.Contains([]string{"main", "fsm", "vm", "init"}, f.fork) {
		return nil, fmt.Errorf("invalid fork name %q: valid fork names are \"main\", \"fsm\", \"vm\", and \"init\"", f.fork)
	}
	for _, m := range f.managers {
		if !slices.ContainsFunc(wal.Managers(), func(s string) bool { return strings.EqualFold(s, m) }) {
			return nil, fmt.Errorf("resource manager %q does not exist", m)
		}
	}
	touches := func(p wal.PageRef) bool {
		return (f.relation == "" || p.Rel == rel) && (f.block < 0 || int64(p.Block) == f.block) && (f.fork == "" || p.Fork.String() == f.fork)
	}
	return func(r *wal.Record) bool {
		manager, _ := r.Kind.Manager()
		switch {
		case len(f.managers) > 0 && !slices.ContainsFunc(f.managers, func(m string) bool { return strings.EqualFold(m, manager) }):
			return false
		case f.xid != 0 && uint64(r.Xid) != f.xid, f.images && inspect.ImageBytes(r) == 0:
			return false
		case f.relation == "" && f.fork == "":
			return true
		}
		return slices.ContainsFunc(r.Pages, touches)
	}, nil
}

func dumpWal(ctx context.Context, out *bufio.Writer, f *dumpFlags, segments []string) error {
	wanted, err := f.filter()
	if err != nil {
		return err
	}
	r, end, err := dumpRange(f, segments)
	if err != nil {
		return err
	}
	defer r.Close()
	first, prev, shown := r.Pos(), ids.LSN(0), int64(0)
	st := inspect.Stats{PerRecord: f.stats == "record"}
	for r.Pos() < end && (f.limit <= 0 || shown < f.limit) {
		rec, err := r.Next()
		if err == io.EOF && f.follow && waitForMore(ctx, out) {
			if err := r.Retry(); err != nil {
				return err
			}
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if wanted(rec) {
			shown++
			switch {
			case f.stats != "":
				st.Add(rec)
			case !f.quiet:
				printLine(out, rec, prev, f.blocks)
			}
		}
		prev = rec.Start
	}
	if f.stats != "" {
		printSums(out, &st, first, r.Pos())
	}
	return nil
}

// followInterval is how long a follower sleeps at the end of the log, as PostgreSQL's.
const followInterval = time.Second

// waitForMore shows what there is and waits; false when that was interrupted.
func waitForMore(ctx context.Context, out *bufio.Writer) bool {
	if out.Flush() != nil {
		return false
	}
	t := time.NewTimer(followInterval)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func printLine(out io.Writer, r *wal.Record, prev ids.LSN, blocks bool) {
	l := inspect.Of(r, prev)
	fmt.Fprintf(out, "rmgr: %-11s len (rec/tot): %6d/%6d, tx: %10d, lsn: %s, prev %s, desc: %s", l.Manager, l.Length-l.FPILength, l.Length, l.Xid, l.Start, l.Prev, l.Type)
	if l.Description != "" {
		fmt.Fprintf(out, " %s", l.Description)
	}
	if b := inspect.BriefBlocks(r); b != "" && !blocks {
		fmt.Fprintf(out, ", %s", b)
	}
	fmt.Fprintln(out)
	if blocks {
		for _, b := range inspect.BlockList(r) {
			fmt.Fprintf(out, "\t%s\n", b)
		}
	}
}

func printSums(out io.Writer, st *inspect.Stats, from, to ids.LSN) {
	fmt.Fprintf(out, "WAL statistics between %s and %s:\n", from, to)
	line := func(name string, cells ...string) {
		fmt.Fprintf(out, "%-27s", name)
		for i := 0; i < len(cells); i += 2 {
			fmt.Fprintf(out, " %20s %8s", cells[i], cells[i+1])
		}
		fmt.Fprintln(out)
	}
	line("Type", "N", "(%)", "Record size", "(%)", "FPI size", "(%)", "Combined size", "(%)")
	line("----", "-", "---", "-----------", "---", "--------", "---", "-------------", "---")
	all := st.Total()
	total := all.RecordSize + all.FPISize
	part := func(n, of int64) string { return fmt.Sprintf("(%6.02f)", inspect.Percent(n, of)) }
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, x := range st.Rows() {
		both := x.RecordSize + x.FPISize
		line(x.Name, num(x.Count), part(x.Count, all.Count), num(x.RecordSize), part(x.RecordSize, all.RecordSize), num(x.FPISize), part(x.FPISize, all.FPISize), num(both), part(both, total))
	}
	share := func(n int64) string { return fmt.Sprintf("[%.02f%%]", inspect.Percent(n, total)) }
	line("", "--------", "", "--------", "", "--------", "", "--------", "")
	line("Total", num(all.Count), "", num(all.RecordSize), share(all.RecordSize), num(all.FPISize), share(all.FPISize), num(total), "[100%]")
}
