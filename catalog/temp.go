package catalog

import (
	"fmt"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// TempNamespace returns the session's schema of temporary relations, made on first use. 25006 in a read-only state is the
// caller's to check.
func (s *Session) TempNamespace() (ids.Oid, error) {
	if s.tx != nil {
		s.tx.NoteTemp()
	}
	if s.temp.oid != 0 {
		return s.temp.oid, nil
	}
	db, err := s.DatabaseRow(s.db)
	if err != nil {
		return 0, err
	}
	if db != nil {
		have, err := s.DatabasePrivileges(s.user, db, AclCreateTemp)
		if err != nil {
			return 0, err
		}
		if have == 0 {
			return 0, pgerr.New(pgerr.InsufficientPrivilege, "permission denied to create temporary tables in database %q", db.Datname)
		}
	}
	index := int32(0)
	if s.slot != nil {
		index = s.slot.Index
	}
	name, toast := tempNames(index)
	oid, err := s.tempSchemaNamed(name)
	if err != nil {
		return 0, err
	}
	toastOid, err := s.tempSchemaNamed(toast)
	if err != nil {
		return 0, err
	}
	if err := s.IncrementCommand(); err != nil {
		return 0, err
	}
	s.temp = tempSchema{oid: oid, toast: toastOid, fresh: true}
	if s.tx != nil {
		s.temp.sub = s.tx.SubID()
	}
	s.path.valid = false
	return oid, nil
}

// tempSchemaNamed finds or makes a temporary schema. One that is left over from an earlier session is emptied.
func (s *Session) tempSchemaNamed(name string) (ids.Oid, error) {
	n, err := s.NamespaceByName(name)
	if err != nil {
		return 0, err
	}
	if n == nil {
		return s.CreateNamespace(name, ids.BootstrapRole, nil, true)
	}
	return n.Oid, s.emptyNamespace(n.Oid)
}

// emptyNamespace drops everything in a schema.
func (s *Session) emptyNamespace(oid ids.Oid) error {
	return s.PerformDeletion([]Object{{Class: PgNamespaceOid, Oid: oid}}, DropOpts{Cascade: true, Quiet: true, KeepOriginal: true})
}

// DropTempRelations drops all that is in the session's temporary schema, inside a transaction: at the end of a session and for
// DISCARD TEMP.
func (s *Session) DropTempRelations() error {
	if s.temp.oid == 0 {
		return nil
	}
	return s.emptyNamespace(s.temp.oid)
}

// DropOrphanedTemp drops everything in all temporary schemas of the database, when no session runs: after a crash.
func (s *Session) DropOrphanedTemp() error {
	rows, err := FetchAll[PgNamespace](s, PgNamespaceOidIndex)
	if err != nil {
		return err
	}
	for _, n := range rows {
		if !strings.HasPrefix(n.Nspname, "pg_temp_") && !strings.HasPrefix(n.Nspname, "pg_toast_temp_") {
			continue
		}
		if err := s.emptyNamespace(n.Oid); err != nil {
			return err
		}
		if err := s.IncrementCommand(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) tempToastNamespace() (ids.Oid, error) {
	if _, err := s.TempNamespace(); err != nil {
		return 0, err
	}
	return s.temp.toast, nil
}

// endTemp forgets a temporary schema whose creation was undone.
func (s *Session) endTemp(commit bool) {
	if s.temp.fresh {
		if !commit {
			s.temp = tempSchema{}
			s.path.valid = false
		}
		s.temp.fresh = false
	}
}

// TempNamespaceIfAny returns the session's schema of temporary relations, 0 when it has none yet.
func (s *Session) TempNamespaceIfAny() ids.Oid { return s.temp.oid }

// IsTempNamespace reports whether a schema is the temporary schema of any session; own tells whether it is this session's.
func (s *Session) IsTempNamespace(oid ids.Oid) (isTemp, own bool, err error) {
	if oid != 0 && (oid == s.temp.oid || oid == s.temp.toast) {
		return true, true, nil
	}
	n, err := s.Namespace(oid)
	if n == nil || err != nil {
		return false, false, err
	}
	return strings.HasPrefix(n.Nspname, "pg_temp_") || strings.HasPrefix(n.Nspname, "pg_toast_temp_"), false, nil
}

func tempNames(index int32) (name, toast string) {
	return fmt.Sprintf("pg_temp_%d", index), fmt.Sprintf("pg_toast_temp_%d", index)
}
