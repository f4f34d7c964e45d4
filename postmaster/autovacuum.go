package postmaster

import (
	"time"

	"go.uber.org/zap"

	"gompho/autovacuum"
	"gompho/backend"
	"gompho/catalog"
	"gompho/config"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/session"
	"gompho/sql/commands"
	"gompho/stats"
)

// startAutovacuum starts the launcher, which stays even when autovacuum is off: that can change.
func (c *cluster) startAutovacuum() {
	slot, log := c.worker("autovacuum launcher")
	slot.Activity.Update(func(a *stats.ActivityData) { a.BackendStart = time.Now() })
	l := autovacuum.New(autovacuum.Options{Config: c.p.cfg, Stats: c.stats, Logger: log, Databases: c.listDatabases, Spawn: c.spawnAutovacuum,
		Connect: c.connectAutovacuum})
	c.spawn(slot, l.Run)
}

// spawnAutovacuum starts a worker; false when the cluster is being closed.
func (c *cluster) spawnAutovacuum(run func(slot *stats.Slot, log *zap.Logger) error) bool {
	w := &c.workers
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return false
	}
	slot := c.p.procs.Add("autovacuum worker")
	slot.Activity.Update(func(a *stats.ActivityData) { a.BackendStart = time.Now() })
	w.slots = append(w.slots, slot)
	w.wg.Add(1)
	w.mu.Unlock()
	defer w.wg.Done() // spawn has added its own by then
	log := c.p.logOf("autovacuum worker", slot)
	c.spawn(slot, func(slot *stats.Slot) error {
		defer c.forgetWorker(slot)
		return run(slot, log)
	})
	return true
}

// forgetWorker takes a process that ends by itself off the list of those to be ended.
func (c *cluster) forgetWorker(slot *stats.Slot) {
	c.workers.mu.Lock()
	defer c.workers.mu.Unlock()
	for i, s := range c.workers.slots {
		if s == slot {
			c.workers.slots = append(c.workers.slots[:i], c.workers.slots[i+1:]...)
			return
		}
	}
}

// listDatabases lists the databases.
func (c *cluster) listDatabases(slot *stats.Slot) (out []autovacuum.Database, err error) {
	owner := c.locks.NewOwner(slot, locks.OwnerOptions{})
	defer owner.Close()
	tx := c.mvcc.NewSession(slot, owner, mvcc.SessionOptions{})
	defer tx.Close()
	if err := tx.Begin(mvcc.BeginOpts{ReadOnly: true}); err != nil {
		return nil, err
	}
	cat := c.catalog.NewSession(tx, ids.PostgresDB, ids.BootstrapRole)
	rows, err := catalog.FetchAll[catalog.PgDatabase](cat, 0)
	if err != nil {
		return nil, err
	}
	m := c.mvcc
	for _, d := range rows {
		out = append(out, autovacuum.Database{Oid: d.Oid, Name: d.Datname, Open: d.Datallowconn, XidAge: int64(m.NextXid()) - int64(m.WidenXid(d.Datfrozenxid)),
			MultiAge: int64(m.NextMulti()) - int64(m.WidenMulti(d.Datminmxid))})
	}
	return out, tx.Commit()
}

// autovacuumSettings are those that must not disturb a worker, whatever users have chosen as defaults.
var autovacuumSettings = map[string]string{"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0",
	"default_transaction_isolation": "read committed", "default_transaction_read_only": "off", "zero_damaged_pages": "off", "search_path": "",
	"application_name": ""}

// connectAutovacuum opens a worker's session.
func (c *cluster) connectAutovacuum(slot *stats.Slot, db autovacuum.Database) (*commands.Context, func(), error) {
	log := c.p.logOf("autovacuum worker", slot)
	s := &session.Session{Server: c.session, Slot: slot, Settings: config.NewSession(c.p.cfg)}
	s.Notice = func(e *pgerr.Error) {
		if e.Level() == pgerr.Warning {
			log.Warn(e.Message)
		}
	}
	s.Prepared = func() []session.PreparedInfo { return nil }
	s.Cursors = func() []session.CursorInfo { return nil }
	end, err := c.openSession(s, func(look *catalog.Session) (role *catalog.Role, name string, err error) {
		role, err = look.Role(ids.BootstrapRole)
		return role, db.Name, err
	})
	if err != nil {
		return nil, nil, err
	}
	for name, v := range autovacuumSettings {
		if err := s.Settings.SetDefault(name, v, config.SourceSession); err != nil {
			end()
			return nil, nil, err
		}
	}
	s.Cat.SetSearchPath(nil)
	s.Owner.SetAutovacuum(true)
	slot.Activity.Update(func(a *stats.ActivityData) { a.DBName, a.User = db.Name, 0 })
	return backend.CommandContext(s, c.funcs), end, nil
}
