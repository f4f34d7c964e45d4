package metrics

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options say where the endpoint is and what it shows.
type Options struct {
	Address string // as the setting has it, not empty
	// State is one word for what the server is doing; "ready" means that it takes sessions.
	State func() string
	// Sample reads the counters.
	Sample func() *Sample
}

// Server is a running endpoint.
type Server struct {
	http *http.Server
	l    net.Listener
	done chan struct{}
}

// Start listens and serves.
func Start(o Options) (*Server, error) {
	l, err := net.Listen("tcp", listenAddress(o.Address))
	if err != nil {
		return nil, fmt.Errorf("could not bind admin address %q: %w", o.Address, err)
	}
	s := &Server{http: &http.Server{Handler: handler(o), ReadHeaderTimeout: 10 * time.Second}, l: l, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.http.Serve(l)
	}()
	return s, nil
}

// listenAddress completes an address that has no host.
func listenAddress(a string) string {
	if !strings.Contains(a, ":") {
		a = ":" + a
	}
	if strings.HasPrefix(a, ":") {
		a = "127.0.0.1" + a
	}
	return a
}

// Addr is the address that it listens on.
func (s *Server) Addr() string { return s.l.Addr().String() }

// Close ends it; requests that are being answered get a moment.
func (s *Server) Close() {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
	<-s.done
}

func handler(o Options) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collector{o})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		state := o.State()
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if state != "ready" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, state)
	})
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
