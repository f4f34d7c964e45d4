package sysviews

import (
	"fmt"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/session"
	"gompho/types"
)

// LockWords describes a lock's thing as the views of locks do: "table public.t". A relation or object that is not there is told by number.
func LockWords(s *session.Session, t locks.Tag) string { return lockWords(s, t, locks.About{}) }

// lockWords describes a lock's thing so that people can read it: names instead of numbers, and what a transaction is waited for.
func lockWords(s *session.Session, t locks.Tag, about locks.About) string {
	switch t.Kind() {
	case locks.KindRelation:
		return relationWords(s, t.DB(), t.Rel())
	case locks.KindExtend:
		return "extension of " + relationWords(s, t.DB(), t.Rel())
	case locks.KindPage:
		return fmt.Sprintf("page %d of %s", t.Block(), relationWords(s, t.DB(), t.Rel()))
	case locks.KindTuple:
		return rowWords(s, t)
	case locks.KindTransaction:
		if about.Action != locks.NoAction {
			return fmt.Sprintf("transaction %d (%s)", t.Xid(), rowWords(s, about.Row))
		}
	case locks.KindObject:
		return objectWords(s, t)
	case locks.KindAdvisory:
		words := fmt.Sprintf("advisory lock (%d, %d)", int32(t.ClassID()), int32(t.ObjID()))
		if t.ObjSubID() == 1 {
			words = fmt.Sprintf("advisory lock %d", int64(uint64(t.ClassID())<<32|uint64(t.ObjID())))
		}
		return words + whichDatabase(s, t.DB())
	}
	return t.String()
}

// rowWords describes the row version that a tuple tag names.
func rowWords(s *session.Session, t locks.Tag) string {
	tid := t.TID()
	return fmt.Sprintf("row (%d,%d) of %s", tid.Block, tid.Offset, relationWords(s, t.DB(), t.Rel()))
}

// whichDatabase names a database that is not the session's own.
func whichDatabase(s *session.Session, db ids.Oid) string {
	if db == s.DB || db == 0 {
		return ""
	}
	return " of " + s.Cat.Describe(catalog.Object{Class: catalog.PgDatabaseOid, Oid: db})
}

// relationWords names a relation by its kind and its name with the schema; one of another database by its number.
func relationWords(s *session.Session, db, oid ids.Oid) string {
	if db != s.DB && db != 0 {
		return fmt.Sprintf("relation %d%s", oid, whichDatabase(s, db))
	}
	r, err := s.Cat.Relation(oid)
	if err != nil || r == nil {
		return fmt.Sprintf("relation %d", oid)
	}
	kind := "relation"
	switch r.Kind {
	case 'r', 'p', 't':
		kind = "table"
	case 'i', 'I':
		kind = "index"
	case 'S':
		kind = "sequence"
	case 'v':
		kind = "view"
	case 'm':
		kind = "materialized view"
	case 'c':
		kind = "composite type"
	}
	schema := ""
	if n, err := s.Cat.Namespace(r.Namespace); err == nil && n != nil {
		schema = n.Nspname
	}
	return kind + " " + catalog.QuoteQualified(schema, r.Name)
}

// objectWords describes an object that is no relation.
func objectWords(s *session.Session, t locks.Tag) string {
	if t.DB() == s.DB || t.DB() == 0 {
		if d := s.Cat.DescribeIfExists(catalog.Object{Class: ids.Oid(t.ClassID()), Oid: ids.Oid(t.ObjID())}); d != "" {
			return d
		}
	}
	return t.String()
}

// maskWords lists the modes of a set, the strongest alone when weaker ones go without saying.
func maskWords(m locks.Mask) string {
	for mode := locks.AccessExclusive; mode > locks.NoLock; mode-- {
		if m.Has(mode) {
			return mode.String()
		}
	}
	return ""
}

// watcher decides what the user may see of other sessions, as PostgreSQL does in pg_stat_activity.
type watcher struct {
	s    *session.Session
	all  bool // member of pg_read_all_stats
	seen map[ids.Oid]bool
}

func newWatcher(s *session.Session) (*watcher, error) {
	all, err := s.Cat.HasPrivsOf(s.User, readAllStats)
	return &watcher{s: s, all: all, seen: map[ids.Oid]bool{}}, err
}

// readAllStats is the role pg_read_all_stats.
const readAllStats ids.Oid = 3375

// sees reports whether the user may know what a session of the given user does; user 0 is a process of the server.
func (w *watcher) sees(user ids.Oid) bool {
	if w.all {
		return true
	}
	if user == 0 {
		return false
	}
	ok, known := w.seen[user]
	if !known {
		ok, _ = w.s.Cat.HasPrivsOf(w.s.User, user)
		w.seen[user] = ok
	}
	return ok
}

// hidden stands for the statements of those whom the user may not watch.
const hidden = "<insufficient privilege>"

// query is the statement of a session of the given user, as the user may see it.
func (w *watcher) query(user ids.Oid, sql string) types.Datum {
	if !w.sees(user) {
		return types.String(hidden)
	}
	return text(sql)
}

// private is a text about a session that only those may see who may watch it.
func (w *watcher) private(user ids.Oid, t string) types.Datum {
	if !w.sees(user) {
		return types.Null
	}
	return text(t)
}

// role is a user's name.
func (w *watcher) role(user ids.Oid) types.Datum {
	if r, err := w.s.Cat.Role(user); user != 0 && err == nil && r != nil {
		return types.String(r.Rolname)
	}
	return types.Null
}

// database is a database's name.
func (w *watcher) database(db ids.Oid) types.Datum {
	if d, err := w.s.Cat.DatabaseRow(db); db != 0 && err == nil && d != nil {
		return types.String(d.Datname)
	}
	return types.Null
}

// statements is an array of the statements of a transaction; where some are missing an element says so.
func (w *watcher) statements(p *locks.Party) types.Datum {
	if !w.sees(p.User) {
		return types.Null
	}
	var elems []types.Datum
	for i, st := range p.Statements {
		if i == locks.FirstStatements && p.LeftOut > 0 {
			elems = append(elems, types.String(fmt.Sprintf("... %d statements left out ...", p.LeftOut)))
		}
		elems = append(elems, types.String(st.Text))
	}
	if len(elems) == 0 {
		return types.NewArray(types.TextOid, nil).Encode(types.Builtin(types.TextOid))
	}
	return types.NewArray(types.TextOid, elems).Encode(types.Builtin(types.TextOid))
}
