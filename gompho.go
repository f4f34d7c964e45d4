// Package gompho runs a PostgreSQL-compatible database server inside a Go program.
//
//	srv, err := gompho.Open(ctx, gompho.Options{Dir: "data"})
//	defer srv.Close()
//	cfg, _ := pgx.ParseConfig(srv.DSN())
//	cfg.DialFunc = srv.Dial // in memory, no socket
//	conn, err := pgx.ConnectConfig(ctx, cfg)
//
// Several servers can run in one process. Close stops everything that Open started.
package gompho

import (
	"context"
	"fmt"
	"net"
	"os"

	"go.uber.org/zap"

	"gompho/config"
	"gompho/postmaster"
)

// Version is the version of gompho.
const Version = "0.1.0"

// Options of Open. The zero value runs a temporary server without sockets.
type Options struct {
	// Dir is the data directory; it is made when it is missing or empty. Without one the server is temporary: its directory
	// is removed by Close, and nothing is synced to disk.
	Dir string
	// Listen opens sockets: TCP on Host (default 127.0.0.1) and Port (0: any free one), and a Unix socket in SocketDir
	// unless that is empty.
	Listen    bool
	Host      string
	Port      int
	SocketDir string
	// Settings are settings by name, which win over postgresql.conf.
	Settings map[string]string
	// Logger receives the server log; nil: no log.
	Logger *zap.Logger
}

// Server is a running server.
type Server struct {
	pm *postmaster.Postmaster
}

// Open starts a server. It is ready for connections when Open returns; ctx bounds only the start.
func Open(ctx context.Context, o Options) (*Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	po := postmaster.Options{Dir: o.Dir, NoListen: !o.Listen, Cancel: ctx.Done()}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "gompho-")
		if err != nil {
			return nil, err
		}
		po.Dir, po.Ephemeral = dir, true
	}
	if o.Listen {
		host := o.Host
		if host == "" {
			host = "127.0.0.1"
		}
		po.Settings = append(po.Settings, "listen_addresses="+host, "unix_socket_directories="+o.SocketDir)
		if po.AnyPort = o.Port == 0; !po.AnyPort {
			po.Settings = append(po.Settings, fmt.Sprintf("port=%d", o.Port))
		}
	}
	for k, v := range o.Settings {
		po.Settings = append(po.Settings, k+"="+v)
	}
	if o.Logger != nil {
		po.Log = func(*config.Server) *zap.Logger { return o.Logger }
	}
	pm, err := postmaster.Start(po)
	if err != nil {
		return nil, err
	}
	return &Server{pm: pm}, nil
}

// DSN returns a connection string for the database postgres. Without sockets it is to be used with Dial.
func (s *Server) DSN() string {
	port := s.pm.Port()
	if port == 0 {
		port = 5432
	}
	return fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=disable", port)
}

// Dial connects in memory whatever the address; it fits pgx's DialFunc.
func (s *Server) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.pm.Dial()
}

// Port returns the TCP port, 0 without sockets.
func (s *Server) Port() int { return s.pm.Port() }

// Dir returns the data directory.
func (s *Server) Dir() string { return s.pm.Dir() }

// AdminAddr is the address of the admin endpoint (gompho.admin_address), empty when there is none.
func (s *Server) AdminAddr() string { return s.pm.AdminAddr() }

// Close ends all sessions, takes a checkpoint and stops the server.
func (s *Server) Close() error { return s.pm.Stop(context.Background(), postmaster.Fast) }
