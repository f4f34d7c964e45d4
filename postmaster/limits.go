package postmaster

import (
	"gompho/catalog"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/stats"
)

// limits checks what only superusers may pass: the slots kept for them, the right to connect, and the connection limits of
// database and role.
func (c *cluster) limits(s *session.Session, look *catalog.Session, role *catalog.Role, db *catalog.Database) error {
	fatal := func(code pgerr.Code, format string, args ...any) *pgerr.Error {
		return pgerr.New(code, format, args...).WithSeverity(pgerr.Fatal)
	}
	// This session is not counted: its names are known, its Oids are not yet.
	all, inDB, asRole := c.p.countSessions(func(a *stats.ActivityData) (bool, bool) { return a.DB == db.Oid, a.User == role.Oid })
	if cfg := c.p.cfg; int(cfg.Get("max_connections").Int())-all < int(cfg.Get("superuser_reserved_connections").Int()) {
		return fatal(pgerr.TooManyConnections, "remaining connection slots are reserved for non-replication superuser connections")
	}
	have, err := look.DatabasePrivileges(role.Oid, db, catalog.AclConnect)
	switch {
	case err != nil:
		return err
	case have == 0:
		return fatal(pgerr.InsufficientPrivilege, "permission denied for database \"%s\"", db.Datname).WithDetail("User does not have CONNECT privilege.")
	case db.Datconnlimit >= 0 && inDB >= int(db.Datconnlimit):
		return fatal(pgerr.TooManyConnections, "too many connections for database \"%s\"", db.Datname)
	case role.Rolconnlimit >= 0 && asRole >= int(role.Rolconnlimit):
		return fatal(pgerr.TooManyConnections, "too many connections for role \"%s\"", role.Rolname)
	}
	return nil
}

// countSessions counts the client sessions, and those of two kinds.
func (p *Postmaster) countSessions(is func(*stats.ActivityData) (bool, bool)) (all, first, second int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ch := range p.children {
		a := ch.slot.Activity.Snapshot()
		one, two := is(&a)
		if one {
			first++
		}
		if two {
			second++
		}
	}
	return len(p.children), first, second
}
