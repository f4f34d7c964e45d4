package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gompho"
	"gompho/config"
	"gompho/internal/ids"
	"gompho/logger"
	"gompho/postmaster"
)

const defaultDir = "./gompho-data"

func rootCommand() *cobra.Command {
	root := &cobra.Command{Use: "gompho", Short: "A PostgreSQL-compatible database server", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(startCommand(), initCommand(), stopCommand(), statusCommand(), reloadCommand(), checkCommand(), skipCommand(), backupCommand(), walCommand(), testFsyncCommand(), versionCommand())
	return root
}

type startFlags struct {
	dir, host, socketDir string
	port                 int
	settings             []string
	ephemeral            bool
}

func startCommand() *cobra.Command {
	var f startFlags
	c := &cobra.Command{Use: "start", Short: "Run a server in the foreground", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return runStart(c, &f) }}
	fl := c.Flags()
	fl.StringVarP(&f.dir, "data", "D", defaultDir, "data directory; made when it is missing or empty")
	fl.StringVarP(&f.host, "host", "H", "127.0.0.1", "addresses to listen on, separated by commas")
	fl.IntVarP(&f.port, "port", "p", 5432, "port")
	fl.StringVarP(&f.socketDir, "socket-dir", "k", "/tmp", "directory of the Unix socket; empty for none")
	fl.StringArrayVarP(&f.settings, "config", "c", nil, "setting as name=value; may be repeated")
	fl.BoolVar(&f.ephemeral, "ephemeral", false, "a temporary cluster, without fsync, that is gone at exit")
	// -h is the address, as in the other tools of the field; help is --help.
	fl.BoolP("help", "", false, "help for start")
	fl.StringVarP(&f.host, "listen", "h", "127.0.0.1", "the same as --host")
	return c
}

// settingsOf turns flags into settings; a flag that was not given leaves the configuration file in charge.
func (f *startFlags) settingsOf(c *cobra.Command) []string {
	var out []string
	given := func(names ...string) bool {
		for _, n := range names {
			if c.Flags().Changed(n) {
				return true
			}
		}
		return false
	}
	if given("host", "listen") {
		out = append(out, "listen_addresses="+f.host)
	}
	if given("port") {
		out = append(out, fmt.Sprintf("port=%d", f.port))
	}
	if given("socket-dir") {
		out = append(out, "unix_socket_directories="+f.socketDir)
	}
	return append(out, f.settings...)
}

func runStart(c *cobra.Command, f *startFlags) error {
	opt := postmaster.Options{Dir: f.dir, Settings: f.settingsOf(c), Ephemeral: f.ephemeral, Log: logger.ForServer(os.Stderr)}
	if os.Getenv("GOMEMLIMIT") == "" { // whoever sets it knows better
		opt.HeapLimit = func(bytes int64) { debug.SetMemoryLimit(bytes) }
	}
	processors := runtime.GOMAXPROCS(0)
	opt.ExtraProcessors = func(n int) { runtime.GOMAXPROCS(processors + n) }
	if f.ephemeral {
		dir, err := os.MkdirTemp("", "gompho-")
		if err != nil {
			return err
		}
		opt.Dir = dir
	}
	// Signals are taken from here on: one that arrives during the start is answered when the server stands, or ends a recovery.
	sig := make(chan os.Signal, 8)
	signal.Notify(sig, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1)
	cancel, started := make(chan struct{}), make(chan struct{})
	forwarded := make(chan os.Signal, 8)
	go forwardSignals(sig, forwarded, cancel, started)
	opt.Cancel = cancel
	pm, err := postmaster.Start(opt)
	close(started)
	sig = forwarded
	if errors.Is(err, postmaster.ErrCanceled) {
		fmt.Fprintln(c.OutOrStdout(), "gompho:", err)
		return nil
	}
	if errors.Is(err, postmaster.ErrAtTarget) {
		fmt.Fprintln(c.OutOrStdout(), "gompho has recovered to the target and stopped; it goes on from there when it is started again")
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "gompho is ready: psql -h %s -p %d -U postgres\n", connectHost(pm), pm.Port())
	return waitSignals(pm, sig)
}

// forwardSignals hands signals on; the first that asks for a shutdown before the server has started closes cancel.
func forwardSignals(from <-chan os.Signal, to chan<- os.Signal, cancel chan<- struct{}, started <-chan struct{}) {
	for s := range from {
		select {
		case <-started:
		default:
			if (s == syscall.SIGTERM || s == syscall.SIGINT || s == syscall.SIGQUIT) && cancel != nil {
				close(cancel)
				cancel = nil
			}
		}
		to <- s
	}
}

func connectHost(pm *postmaster.Postmaster) string {
	info, err := postmaster.ReadPidFile(pm.Dir())
	switch {
	case err == nil && info.Host != "" && info.Host != "::" && info.Host != "0.0.0.0":
		return info.Host
	case err == nil && info.Host != "":
		return "127.0.0.1"
	}
	return pm.SocketDir()
}

// waitSignals serves until the server stops: SIGTERM is a smart shutdown, SIGINT a fast, SIGQUIT an immediate one; SIGHUP
// reloads, SIGUSR1 begins new files of the log.
func waitSignals(pm *postmaster.Postmaster, sig <-chan os.Signal) error {
	for {
		select {
		case <-pm.Done():
			return pm.Err()
		case s := <-sig:
			mode := postmaster.Fast
			switch s {
			case syscall.SIGHUP:
				pm.Reload()
				continue
			case syscall.SIGUSR1:
				pm.RotateLog()
				continue
			case syscall.SIGTERM:
				mode = postmaster.Smart
			case syscall.SIGQUIT:
				mode = postmaster.Immediate
			}
			go pm.Stop(context.Background(), mode)
		}
	}
}

func initCommand() *cobra.Command {
	var dir, user string
	c := &cobra.Command{Use: "init", Short: "Make a data directory", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		if err := postmaster.Init(dir, postmaster.InitOptions{User: user, Sync: true}); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "data directory %s is ready: gompho start -D %s\n", dir, dir)
		return nil
	}}
	c.Flags().StringVarP(&dir, "data", "D", defaultDir, "data directory")
	c.Flags().StringVarP(&user, "username", "U", "postgres", "name of the first role")
	return c
}

func stopCommand() *cobra.Command {
	var dir, mode string
	var wait time.Duration
	c := &cobra.Command{Use: "stop", Short: "Stop the server of a data directory", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		sig, ok := map[string]syscall.Signal{"smart": syscall.SIGTERM, "fast": syscall.SIGINT, "immediate": syscall.SIGQUIT}[mode]
		if !ok {
			return fmt.Errorf("unrecognized shutdown mode %q", mode)
		}
		if err := signalServer(dir, sig); err != nil {
			return err
		}
		for end := time.Now().Add(wait); postmaster.IsLocked(dir); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				return errors.New("server does not shut down")
			}
		}
		fmt.Fprintln(c.OutOrStdout(), "server stopped")
		return nil
	}}
	c.Flags().StringVarP(&dir, "data", "D", defaultDir, "data directory")
	c.Flags().StringVarP(&mode, "mode", "m", "fast", "smart, fast or immediate")
	c.Flags().DurationVarP(&wait, "timeout", "t", 60*time.Second, "how long to wait")
	return c
}

// signalServer sends a signal to the server of a data directory.
func signalServer(dir string, sig syscall.Signal) error {
	info, err := postmaster.ReadPidFile(dir)
	if err != nil || !postmaster.IsLocked(dir) {
		return fmt.Errorf("no server runs in %s", dir)
	}
	return unix.Kill(info.PID, sig)
}

func statusCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "status", Short: "Tell whether a server runs", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		if _, err := os.Stat(filepath.Join(dir, "global")); err != nil {
			return fmt.Errorf("directory %q is not a data directory", dir)
		}
		info, err := postmaster.ReadPidFile(dir)
		if err != nil || !postmaster.IsLocked(dir) {
			return errors.New("no server running")
		}
		fmt.Fprintf(c.OutOrStdout(), "server is running (PID: %d), %s since %s, port %d\n", info.PID, info.Status, info.Started.Format(time.RFC3339), info.Port)
		return nil
	}}
	c.Flags().StringVarP(&dir, "data", "D", defaultDir, "data directory")
	return c
}

func reloadCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "reload", Short: "Make the server read its configuration files", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		if err := signalServer(dir, syscall.SIGHUP); err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), "server signaled")
		return nil
	}}
	c.Flags().StringVarP(&dir, "data", "D", defaultDir, "data directory")
	return c
}

func checkCommand() *cobra.Command {
	var dir, database string
	c := &cobra.Command{Use: "check", Short: "Check a whole cluster: page checksums, tables, indexes against tables, toast, catalogs", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		n, err := postmaster.Check(postmaster.CheckOptions{Dir: dir, Database: database}, func(problem string) { fmt.Fprintln(c.OutOrStdout(), problem) })
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%d problems found", n)
		}
		fmt.Fprintln(c.OutOrStdout(), "no problems found")
		return nil
	}}
	c.Flags().StringVarP(&dir, "data", "D", defaultDir, "data directory")
	c.Flags().StringVarP(&database, "database", "d", "", "check this database only")
	return c
}

func skipCommand() *cobra.Command {
	o := postmaster.SkipOptions{}
	var xid, multi uint64
	c := &cobra.Command{Use: "skip-ids", Short: "Make a stopped cluster go on with higher transaction and multixact ids", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		o.NextXid, o.NextMulti = ids.Xid(xid), ids.MultiXactID(multi)
		return postmaster.SkipIDs(o)
	}}
	c.Flags().StringVarP(&o.Dir, "data", "D", defaultDir, "data directory")
	c.Flags().Uint64Var(&xid, "next-xid", 0, "next transaction id")
	c.Flags().Uint64Var(&multi, "next-multixact", 0, "next multixact id")
	return c
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, Run: func(c *cobra.Command, _ []string) {
		v := config.NewServer(config.NewRegistry())
		fmt.Fprintf(c.OutOrStdout(), "gompho %s (compatible with PostgreSQL %s)\n", gompho.Version, v.Get("server_version").Text)
	}}
}
