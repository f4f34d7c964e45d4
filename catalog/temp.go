package catalog

import (
	"fmt"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// tempOwners is reserved for the set of temporary schemas in use.
type tempOwners struct{}

// TempNamespace returns the session's schema of temporary relations, made on first use.
func (s *Session) TempNamespace() (ids.Oid, error) {
	if s.temp.oid != 0 {
		return s.temp.oid, nil
	}
	return 0, pgerr.NotSupported("temporary relations are not supported")
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
