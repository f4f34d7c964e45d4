package postmaster

import (
	"fmt"
	"sync"
	"time"

	"gompho/internal/ids"
	"gompho/metrics"
	"gompho/stats"
)

// startAdmin starts the admin endpoint, if there is to be one.
func (p *Postmaster) startAdmin() (err error) {
	address := p.cfg.Get("gompho.admin_address").Text
	if address == "" {
		return nil
	}
	if p.admin, err = metrics.Start(metrics.Options{Address: address, State: p.stateWord, Sample: p.sample}); err != nil {
		return err
	}
	p.log.Info(fmt.Sprintf("admin endpoint listening on http://%s", p.admin.Addr()))
	return nil
}

// AdminAddr is the address of the admin endpoint, empty when there is none.
func (p *Postmaster) AdminAddr() string {
	if p.admin == nil {
		return ""
	}
	return p.admin.Addr()
}

// stateWord is what the server is doing, "ready" when it takes sessions.
func (p *Postmaster) stateWord() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == stateRunning:
		return "ready"
	case p.state == stateCrashed, p.recovering.Load():
		return "recovering"
	case p.state == stateStarting:
		return "starting"
	}
	return "stopping"
}

// sample reads the counters for the admin endpoint.
func (p *Postmaster) sample() *metrics.Sample {
	s := &metrics.Sample{State: p.stateWord(), Started: p.start, MaxConnections: int(p.cfg.Get("max_connections").Int()), Connections: map[string]int{},
		Processes: map[string]int{}, Waiting: map[string]int{}}
	for _, slot := range p.procs.All() {
		a := slot.Activity.Snapshot()
		s.Processes[a.BackendType]++
		if a.BackendType == "client backend" && a.State != "" {
			s.Connections[a.State]++
		}
		if class, _ := slot.Waiting().Names(); class != "" {
			s.Waiting[class]++
		}
	}
	// The cluster stays while its counters are read, as for a session.
	p.mu.Lock()
	c := p.cluster
	s.CrashCycles = p.crashes
	if p.state != stateRunning {
		c = nil
	}
	if c != nil {
		c.sessions.Add(1)
	}
	p.mu.Unlock()
	if c != nil {
		defer c.sessions.Done()
		s.Cluster = c.sample()
	}
	return s
}

func (c *cluster) sample() *metrics.Cluster {
	s := &metrics.Cluster{Locks: map[metrics.Lock]int{}, LockWaits: c.locks.WaitCount(), Prepared: len(c.mvcc.Prepared()), Memory: c.memory, SharedBuffers: c.pool.Buffers(),
		Databases: map[string]stats.Database{}, Inserted: uint64(c.log.InsertedTo()), Flushed: uint64(c.log.FlushedTo())}
	for _, l := range c.locks.Snapshot() {
		s.Locks[metrics.Lock{Mode: l.Mode.String(), Granted: l.Granted}]++
	}
	s.Server, _, _ = c.stats.Server()
	done, failed, _ := c.stats.Archiver()
	s.Archived, s.Failed = done.Count, failed.Count
	dbs, totals := c.stats.Databases()
	s.Relations = totals
	names := c.namesOf(dbs)
	for id, d := range dbs {
		s.Databases[names(id)] = d
	}
	return s
}

// dbNames are the names of databases as they were read last. A scrape reads them again when it meets one that it does not know, or after a minute,
// for one may have been renamed.
type dbNames struct {
	mu    sync.Mutex // protects the rest
	names map[ids.Oid]string
	read  time.Time
}

// namesOf names databases: by their numbers, where the catalog cannot be read or does not know them any more.
func (c *cluster) namesOf(dbs map[ids.Oid]stats.Database) func(ids.Oid) string {
	n := &c.dbNames
	n.mu.Lock()
	defer n.mu.Unlock()
	unknown := time.Since(n.read) > time.Minute
	for id := range dbs {
		unknown = unknown || id != 0 && n.names[id] == ""
	}
	if unknown {
		known := map[ids.Oid]string{}
		c.guard(func() {
			if rows, err := c.databases(); err == nil {
				for _, d := range rows {
					known[d.Oid] = d.Datname
				}
			}
		})
		n.names, n.read = known, time.Now()
	}
	known := n.names
	return func(id ids.Oid) string {
		if name := known[id]; name != "" || id == 0 {
			return name
		}
		return fmt.Sprint(id)
	}
}
