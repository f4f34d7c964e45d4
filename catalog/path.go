package catalog

import (
	"strconv"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
)

// searchPath is the setting and what it resolves to.
type searchPath struct {
	names    []string // as set: schema names, "$user", "pg_temp"
	valid    bool
	gen      uint64 // Generation that oids was resolved under
	oids     []ids.Oid
	explicit int // oids[explicit:] are those that names lists; before them pg_temp and pg_catalog, when implicit
	create   ids.Oid
	tempOnly bool // pg_temp is first in names: objects are created in the temporary schema
}

// tempSchema is the session's schema of temporary relations.
type tempSchema struct {
	oid, toast ids.Oid
	fresh      bool       // made in the running transaction
	sub        mvcc.SubID // in which it was made
}

// SetSearchPath sets the names of search_path: schemas, "$user", "pg_temp".
func (s *Session) SetSearchPath(names []string) {
	s.path.names = names
	s.path.valid = false
}

// resolvePath makes the list of Oids of the search path when something it depends on may have changed.
func (s *Session) resolvePath() (*searchPath, error) {
	p := &s.path
	gen := s.Generation()
	if p.valid && p.gen == gen {
		return p, nil
	}
	var listed []ids.Oid
	p.create, p.tempOnly = 0, false
	hasCatalog, hasTemp := false, false
	for i, name := range p.names {
		if name == "pg_temp" {
			p.tempOnly = p.tempOnly || i == 0
			hasTemp = true
			if s.temp.oid != 0 {
				listed = append(listed, s.temp.oid)
			}
			continue
		}
		if name == "$user" {
			r, err := s.Role(s.user)
			if err != nil {
				return nil, err
			}
			if r == nil {
				continue
			}
			name = r.Rolname
		}
		n, err := s.NamespaceByName(name)
		if err != nil {
			return nil, err
		}
		if n == nil || contains(listed, n.Oid) {
			continue
		}
		ok, err := s.HasNamespacePrivilege(s.user, n.Oid, AclUsage)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if p.create == 0 && !p.tempOnly {
			p.create = n.Oid
		}
		hasCatalog = hasCatalog || n.Oid == ids.PgCatalogNamespace
		listed = append(listed, n.Oid)
	}
	var oids []ids.Oid
	if !hasTemp && s.temp.oid != 0 {
		oids = append(oids, s.temp.oid)
	}
	if !hasCatalog {
		oids = append(oids, ids.PgCatalogNamespace)
	}
	p.explicit = len(oids)
	p.oids = append(oids, listed...)
	p.valid, p.gen = true, s.Generation()
	return p, nil
}

func contains(l []ids.Oid, o ids.Oid) bool {
	for _, x := range l {
		if x == o {
			return true
		}
	}
	return false
}

// SearchPath returns the schemas that unqualified names are looked up in, in order. implicit adds the temporary schema and
// pg_catalog where they are searched without being listed. The slice is shared.
func (s *Session) SearchPath(implicit bool) ([]ids.Oid, error) {
	p, err := s.resolvePath()
	if err != nil {
		return nil, err
	}
	if implicit {
		return p.oids, nil
	}
	return p.oids[p.explicit:], nil
}

// CreationNamespace returns the schema that unqualified objects are created in.
func (s *Session) CreationNamespace() (ids.Oid, error) {
	p, err := s.resolvePath()
	if err != nil {
		return 0, err
	}
	if p.tempOnly {
		return s.TempNamespace()
	}
	if p.create == 0 {
		return 0, pgerr.New(pgerr.InvalidSchemaName, "no schema has been selected to create in")
	}
	return p.create, nil
}

// LookupNamespace returns the Oid of a schema named in a statement; pg_temp is the session's temporary schema. With missingOK
// the answer for a schema that does not exist is 0.
func (s *Session) LookupNamespace(name string, missingOK bool) (ids.Oid, error) {
	if name == "pg_temp" && s.temp.oid != 0 {
		return s.temp.oid, nil
	}
	n, err := s.NamespaceByName(name)
	if err != nil {
		return 0, err
	}
	if n == nil {
		if missingOK {
			return 0, nil
		}
		return 0, pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", name)
	}
	if err := s.CheckNamespace(n.Oid, AclUsage); err != nil {
		return 0, err
	}
	return n.Oid, nil
}

// LookupCreationNamespace returns the Oid of the schema named in a CREATE statement, with the privilege checked; an empty name
// is the default for new objects.
func (s *Session) LookupCreationNamespace(name string) (ids.Oid, error) {
	if name == "pg_temp" {
		return s.TempNamespace()
	}
	var oid ids.Oid
	var err error
	if name == "" {
		oid, err = s.CreationNamespace()
	} else {
		var n *Namespace
		n, err = s.NamespaceByName(name)
		if n == nil && err == nil {
			err = pgerr.New(pgerr.InvalidSchemaName, "schema %q does not exist", name)
		}
		if n != nil {
			oid = n.Oid
		}
	}
	if err != nil {
		return 0, err
	}
	return oid, s.CheckNamespace(oid, AclCreate)
}

// RelName is a relation's name as a statement gives it; Catalog and Schema may be empty.
type RelName struct{ Catalog, Schema, Name string }

// String returns the name as messages show it.
func (n RelName) String() string {
	switch {
	case n.Catalog != "":
		return n.Catalog + "." + n.Schema + "." + n.Name
	case n.Schema != "":
		return n.Schema + "." + n.Name
	}
	return n.Name
}

// LookupRelation returns the Oid of a relation, 0 when there is none, without locking it.
func (s *Session) LookupRelation(n RelName) (ids.Oid, error) {
	if n.Catalog != "" {
		db, err := s.DatabaseRow(s.db)
		if err != nil {
			return 0, err
		}
		if db == nil || db.Datname != n.Catalog {
			return 0, pgerr.New(pgerr.FeatureNotSupported, "cross-database references are not implemented: \"%s\"", n)
		}
	}
	if n.Schema != "" {
		ns, err := s.LookupNamespace(n.Schema, true)
		if ns == 0 || err != nil {
			return 0, err
		}
		return s.RelationOid(ns, n.Name)
	}
	p, err := s.resolvePath()
	if err != nil {
		return 0, err
	}
	for _, ns := range p.oids {
		if o, err := s.RelationOid(ns, n.Name); o != 0 || err != nil {
			return o, err
		}
	}
	return 0, nil
}

// LockOpts say how OpenRelation locks.
type LockOpts struct {
	MissingOK bool // nil, nil instead of the error that the relation does not exist
	NoWait    bool // 55P03 instead of waiting
	SkipLock  bool // nil, nil when the lock is not available at once
	// Check is called with the Oid before the lock is taken, for permission checks.
	Check func(oid ids.Oid) error
}

// OpenRelation finds a relation by name and locks it: after the lock is there the name is looked up again, until it means
// the relation that is locked. The lock is the transaction's.
func (s *Session) OpenRelation(n RelName, mode locks.Mode, o LockOpts) (*Relation, error) {
	var locked ids.Oid
	for {
		gen := s.Generation()
		oid, err := s.LookupRelation(n)
		if err != nil {
			return nil, err
		}
		if locked != 0 && locked != oid {
			s.UnlockRelation(locked, mode)
			locked = 0
		}
		if oid == 0 {
			if o.MissingOK {
				return nil, nil
			}
			return nil, s.noSuchRelation(n)
		}
		if locked == 0 {
			if o.Check != nil {
				if err := o.Check(oid); err != nil {
					return nil, err
				}
			}
			if ok, err := s.lockRelation(oid, mode, n.Name, o); !ok || err != nil {
				return nil, err
			}
			locked = oid
		}
		if gen == s.Generation() {
			break
		}
	}
	r, err := s.Relation(locked)
	if r == nil && err == nil {
		return nil, pgerr.Internal("could not open relation with OID %d", locked)
	}
	s.noteTemp(r)
	return r, err
}

// noSuchRelation is the error for a name that no relation has: about the schema when that is missing already.
func (s *Session) noSuchRelation(n RelName) error {
	if n.Schema != "" {
		if _, err := s.LookupNamespace(n.Schema, false); err != nil {
			return err
		}
	}
	return pgerr.New(pgerr.UndefinedTable, "relation \"%s\" does not exist", n)
}

func (s *Session) lockRelation(oid ids.Oid, mode locks.Mode, name string, o LockOpts) (bool, error) {
	if mode == locks.NoLock || s.locks == nil {
		return true, nil
	}
	tag := s.RelationTag(oid)
	if !o.NoWait && !o.SkipLock {
		return true, s.locks.Acquire(tag, mode, locks.Opts{})
	}
	ok, err := s.locks.TryAcquire(tag, mode, false)
	if err != nil || ok || o.SkipLock {
		return ok, err
	}
	return false, pgerr.New(pgerr.LockNotAvailable, "could not obtain lock on relation %q", name)
}

// RelationTag returns the lock tag of a relation of this database or of a shared catalog.
func (s *Session) RelationTag(oid ids.Oid) locks.Tag {
	if IsSharedCatalog(oid) {
		return locks.RelationTag(0, oid)
	}
	return locks.RelationTag(s.db, oid)
}

// LockRelation locks a relation known by Oid and returns its descriptor as of after the lock; nil when it is gone.
func (s *Session) LockRelation(oid ids.Oid, mode locks.Mode) (*Relation, error) {
	if _, err := s.lockRelation(oid, mode, strconv.Itoa(int(oid)), LockOpts{}); err != nil {
		return nil, err
	}
	r, err := s.Relation(oid)
	s.noteTemp(r)
	return r, err
}

// noteTemp tells the transaction of a temporary relation that it uses.
func (s *Session) noteTemp(r *Relation) {
	if r != nil && r.Persistence == 't' && s.tx != nil {
		s.tx.NoteTemp()
	}
}

// HoldRelation locks a relation known by Oid, without looking at it.
func (s *Session) HoldRelation(oid ids.Oid, mode locks.Mode) error {
	_, err := s.lockRelation(oid, mode, "", LockOpts{})
	return err
}

// UnlockRelation gives a lock back before the end of the transaction.
func (s *Session) UnlockRelation(oid ids.Oid, mode locks.Mode) {
	if s.locks != nil && mode != locks.NoLock {
		s.locks.Release(s.RelationTag(oid), mode, false)
	}
}

// LookupType returns the pg_type row of a type by name; an empty schema means the search path. nil when there is none.
func (s *Session) LookupType(schema, name string) (*PgType, error) {
	if schema != "" {
		ns, err := s.LookupNamespace(schema, true)
		if ns == 0 || err != nil {
			return nil, err
		}
		return s.TypeRowByName(ns, name)
	}
	p, err := s.resolvePath()
	if err != nil {
		return nil, err
	}
	for _, ns := range p.oids {
		if t, err := s.TypeRowByName(ns, name); t != nil || err != nil {
			return t, err
		}
	}
	return nil, nil
}

// FuncCandidate is a function that a name may mean. PathPos orders schemas of the search path; 0 for a qualified name.
type FuncCandidate struct {
	*Proc
	PathPos int
}

// FuncCandidates returns the functions that a name may mean. A function that is hidden by one with the same arguments in
// an earlier schema of the search path is left out. The temporary schema is never searched.
func (s *Session) FuncCandidates(schema, name string) ([]FuncCandidate, error) {
	all, err := s.Procs(name)
	if len(all) == 0 || err != nil {
		return nil, err
	}
	pos, err := s.pathPositions(schema)
	if err != nil {
		return nil, err
	}
	out := make([]FuncCandidate, 0, len(all))
	for _, p := range all {
		n, ok := pos(p.Pronamespace)
		if !ok {
			continue
		}
		hidden := false
		for i := range out {
			if sameOids(out[i].Proargtypes, p.Proargtypes) {
				hidden = true
				if n < out[i].PathPos {
					out[i] = FuncCandidate{p, n}
				}
			}
		}
		if !hidden {
			out = append(out, FuncCandidate{p, n})
		}
	}
	return out, nil
}

func sameOids(a, b []ids.Oid) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// pathPositions returns a function that gives a schema's place in the search path, or says that it is not searched.
func (s *Session) pathPositions(schema string) (func(ids.Oid) (int, bool), error) {
	if schema != "" {
		ns, err := s.LookupNamespace(schema, false)
		return func(o ids.Oid) (int, bool) { return 0, o == ns }, err
	}
	p, err := s.resolvePath()
	if err != nil {
		return nil, err
	}
	return func(o ids.Oid) (int, bool) {
		for i, ns := range p.oids {
			if ns == o && ns != s.temp.oid {
				return i, true
			}
		}
		return 0, false
	}, nil
}

// OperCandidate is an operator that a name may mean.
type OperCandidate struct {
	*Operator
	PathPos int
}

// OperCandidates returns the operators that a name may mean, without those hidden by an earlier schema's.
func (s *Session) OperCandidates(schema, name string) ([]OperCandidate, error) {
	all, err := s.Operators(name)
	if len(all) == 0 || err != nil {
		return nil, err
	}
	pos, err := s.pathPositions(schema)
	if err != nil {
		return nil, err
	}
	out := make([]OperCandidate, 0, len(all))
	for _, op := range all {
		n, ok := pos(op.Oprnamespace)
		if !ok {
			continue
		}
		hidden := false
		for i := range out {
			if out[i].Oprleft == op.Oprleft && out[i].Oprright == op.Oprright {
				hidden = true
				if n < out[i].PathPos {
					out[i] = OperCandidate{op, n}
				}
			}
		}
		if !hidden {
			out = append(out, OperCandidate{op, n})
		}
	}
	return out, nil
}

// OperatorExact returns the operator with exactly these argument types (left 0: prefix); nil when there is none. An empty
// schema means the search path. It is quick: the common operators are found without making a list.
func (s *Session) OperatorExact(schema, name string, left, right ids.Oid) (*Operator, error) {
	all, err := s.Operators(name)
	if len(all) == 0 || err != nil {
		return nil, err
	}
	pos, err := s.pathPositions(schema)
	if err != nil {
		return nil, err
	}
	var best *Operator
	bestPos := 0
	for _, op := range all {
		if op.Oprleft != left || op.Oprright != right {
			continue
		}
		if n, ok := pos(op.Oprnamespace); ok && (best == nil || n < bestPos) {
			best, bestPos = op, n
		}
	}
	return best, nil
}
