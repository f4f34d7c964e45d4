package postmaster

import (
	"strings"

	"go.uber.org/zap"

	"gompho/config"
	"gompho/internal/ids"
	"gompho/session"
)

func nopLogger() *zap.Logger { return zap.NewNop() }

func cut(s string) (string, string, bool) { return strings.Cut(s, "=") }

type settingSource struct {
	db, role ids.Oid
	source   config.Source
}

// settingSources lists the places of ALTER ROLE and ALTER DATABASE settings, weakest first.
func settingSources(s *session.Session) []settingSource {
	return []settingSource{
		{s.DB, 0, config.SourceDatabase}, {0, s.User, config.SourceUser}, {s.DB, s.User, config.SourceDatabaseUser},
	}
}
