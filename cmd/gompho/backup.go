package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/cobra"

	"gompho/internal/ids"
	"gompho/postmaster"
	"gompho/stats"
	"gompho/storage/control"
	"gompho/storage/vfs"
	"gompho/wal/backup"
)

type backupFlags struct {
	target, verify, label, checkpoint string
	dir, host, user, database         string
	port                              int
}

func backupCommand() *cobra.Command {
	var f backupFlags
	c := &cobra.Command{Use: "backup", Short: "Take a base backup of a running server, or verify one", Args: cobra.NoArgs,
		Long: `Takes a consistent copy of a running server's data directory, with the write-ahead log that it needs to start on its own.
The server has to run on this machine: it is reached through a connection, its files are read directly.`,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case (f.target == "") == (f.verify == ""):
				return errors.New("give either --target or --verify")
			case f.verify != "":
				return verifyBackup(c.OutOrStdout(), f.verify)
			case f.checkpoint != "fast" && f.checkpoint != "spread":
				return fmt.Errorf("invalid checkpoint argument %q, must be \"fast\" or \"spread\"", f.checkpoint)
			}
			return takeBackup(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), &f)
		}}
	fl := c.Flags()
	fl.StringVar(&f.target, "target", "", "directory of the backup, missing or empty")
	fl.StringVar(&f.verify, "verify", "", "check the backup in this directory against its manifest instead")
	fl.StringVarP(&f.label, "label", "l", "gompho backup", "label of the backup")
	fl.StringVarP(&f.checkpoint, "checkpoint", "c", "fast", "the checkpoint at the begin: fast or spread")
	fl.StringVarP(&f.dir, "data", "D", "", "data directory of the server: its address is read from there")
	fl.StringVarP(&f.host, "host", "h", "127.0.0.1", "address or socket directory of the server")
	fl.IntVarP(&f.port, "port", "p", 5432, "port of the server")
	fl.StringVarP(&f.user, "username", "U", "postgres", "role to connect as, a superuser or one that may run pg_backup_start and pg_backup_stop")
	fl.StringVarP(&f.database, "dbname", "d", "postgres", "database to connect to")
	fl.BoolP("help", "", false, "help for backup")
	return c
}

// connect reaches the server.
func (f *backupFlags) connect(ctx context.Context, warn io.Writer) (*pgx.Conn, error) {
	host, port := f.host, f.port
	if f.dir != "" {
		info, err := postmaster.ReadPidFile(f.dir)
		if err != nil || !postmaster.IsLocked(f.dir) {
			return nil, fmt.Errorf("no server runs in %s", f.dir)
		}
		port = info.Port
		switch {
		case info.SocketDir != "":
			host = info.SocketDir
		case info.Host != "" && info.Host != "::" && info.Host != "0.0.0.0":
			host = info.Host
		}
	}
	u := url.URL{Scheme: "postgres", User: url.User(f.user), Path: "/" + f.database, RawQuery: url.Values{"host": {host}, "port": {strconv.Itoa(port)},
		"application_name": {"gompho backup"}}.Encode()}
	cfg, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, err
	}
	if pw := os.Getenv("PGPASSWORD"); pw != "" {
		cfg.Password = pw
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { fmt.Fprintf(warn, "%s:  %s\n", n.Severity, n.Message) }
	cfg.Config.DialFunc = (&net.Dialer{}).DialContext
	return pgx.ConnectConfig(ctx, cfg)
}

// source returns the server's data directory and makes sure that the files there are those of the server at the other end.
func source(ctx context.Context, conn *pgx.Conn) (dir string, d control.Data, err error) {
	var id int64
	if err := conn.QueryRow(ctx, "select current_setting('data_directory'), (select system_identifier from pg_control_system())").Scan(&dir, &id); err != nil {
		return "", d, err
	}
	cf, err := control.Open(vfs.OS(), dir)
	if err != nil {
		return "", d, fmt.Errorf("the data directory %q of the server cannot be read here: %w", dir, err)
	}
	if d = cf.Data(); d.SystemID != uint64(id) || !postmaster.IsLocked(dir) {
		return "", d, fmt.Errorf("the data directory %q on this machine is not that of the server", dir)
	}
	return dir, d, nil
}

func takeBackup(ctx context.Context, out, warn io.Writer, f *backupFlags) (err error) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	target, err := filepath.Abs(f.target)
	if err != nil {
		return err
	}
	conn, err := f.connect(ctx, warn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	dir, d, err := source(ctx, conn)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(dir, target); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
		return fmt.Errorf("the backup cannot be within the data directory %q", dir)
	}
	c := &backup.Copier{FS: vfs.OS(), From: dir, To: target, Interrupted: ctx.Err, Warn: func(s string) { fmt.Fprintln(warn, "WARNING: ", s) }}
	if err := c.PrepareTarget(); err != nil {
		return err
	}
	// What is there from here on is ours, and no backup unless it is complete.
	defer func() {
		if err != nil {
			entries, _ := os.ReadDir(target)
			for _, e := range entries {
				os.RemoveAll(filepath.Join(target, e.Name()))
			}
		}
	}()
	if err := copyCluster(ctx, conn, c, f, int(d.SegmentSize)); err != nil {
		return err
	}
	files, damaged := c.Files()
	bytes := int64(0)
	for _, file := range files {
		bytes += file.Size
	}
	fmt.Fprintf(out, "backup of %s is in %s: %d files, %d MB\n", dir, target, len(files), bytes>>20)
	if damaged > 0 { // kept: it may be all that there is
		fmt.Fprintf(warn, "WARNING:  %d pages of the server are damaged, in the backup too\n", damaged)
	}
	return nil
}

// copyCluster makes the backup between the two calls of the server.
func copyCluster(ctx context.Context, conn *pgx.Conn, c *backup.Copier, f *backupFlags, segmentSize int) error {
	var start, stop, text string
	show := &progress{ctx: ctx, conn: conn}
	show.phase(stats.BackupCheckpoint)
	if err := conn.QueryRow(ctx, "select pg_backup_start($1, $2)::text", f.label, f.checkpoint == "fast").Scan(&start); err != nil {
		return err
	}
	var err error
	if c.Start, err = ids.ParseLSN(start); err != nil {
		return err
	}
	show.phase(stats.BackupEstimating)
	if show.total, err = c.Size(); err != nil {
		return err
	}
	show.phase(stats.BackupStreaming)
	c.Copied = show.copied
	if err := c.Data(); err != nil {
		return err
	}
	c.Copied = nil
	show.tablespaces = 1
	show.phase(stats.BackupArchiving)
	if err := c.Control(); err != nil {
		return err
	}
	if err := conn.QueryRow(ctx, "select lsn::text, labelfile from pg_backup_stop(false)").Scan(&stop, &text); err != nil {
		return err
	}
	end, err := ids.ParseLSN(stop)
	if err != nil {
		return err
	}
	label, err := backup.ParseLabel(text)
	if err != nil {
		return err
	}
	// With log but without its label the copy would start, and be damaged: the label comes first. The server keeps the log of the backup until this
	// session ends.
	if err := c.Add(backup.LabelFile, text); err != nil {
		return err
	}
	show.phase(stats.BackupLog)
	if err := c.Log(label.Timeline, c.Start, end, segmentSize); err != nil {
		return err
	}
	return c.Finish(label.Timeline, c.Start, end)
}

// progressInterval is how often the server is told how much was copied.
const progressInterval = 100 * time.Millisecond

// progress tells the server how far the backup is, for pg_stat_progress_basebackup. A role that may not do that takes its backup without.
type progress struct {
	ctx         context.Context
	conn        *pgx.Conn
	now         int
	total, done int64
	tablespaces int // that are copied
	told        time.Time
	refused     bool
}

func (p *progress) phase(n int) {
	p.now = n
	p.tell()
}

func (p *progress) copied(n int) {
	p.done += int64(n)
	if time.Since(p.told) >= progressInterval {
		p.tell()
	}
}

func (p *progress) tell() {
	if p.refused {
		return
	}
	p.told, p.total = time.Now(), max(p.total, p.done)
	_, err := p.conn.Exec(p.ctx, "select gompho_backup_progress($1, $2, $3, 1, $4)", p.now, p.total, p.done, p.tablespaces)
	p.refused = err != nil
}

func verifyBackup(out io.Writer, dir string) error {
	cf, err := control.Open(vfs.OS(), dir)
	if err != nil {
		return err
	}
	d := cf.Data()
	n := 0
	err = backup.Verify(vfs.OS(), dir, d.SystemID, int(d.SegmentSize), func(problem string) {
		n++
		fmt.Fprintln(out, problem)
	})
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%d problems found", n)
	}
	fmt.Fprintln(out, "backup successfully verified")
	return nil
}
