package analyzer

import (
	"gompho/internal/ids"
	"gompho/sql/ast"
)

// begin makes the analysis of a part of a DDL statement.
func begin(s *Session) *state { return newState(&analysis{s: s, cat: s.Cat}, nil) }

// TypenameType resolves a type name and its modifier.
func TypenameType(s *Session, tn *ast.TypeName) (typ ids.Oid, typmod int32, err error) {
	defer catch(&err)
	t, typmod := begin(s).typenameType(tn)
	return t.Oid, typmod, nil
}
