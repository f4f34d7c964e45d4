package postmaster

import (
	"strings"
	"time"

	"go.uber.org/zap"

	"gompho/config"
	"gompho/internal/ids"
	"gompho/session"
	"gompho/stats"
)

// quiet makes a postmaster without a log, for work on a cluster that no server runs.
func quiet(opt Options) *Postmaster {
	log := zap.NewNop()
	return &Postmaster{opt: opt, procs: stats.NewTable(1), start: time.Now(), children: map[int32]*child{}, root: log, log: log}
}

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
