package smgr

import (
	"path/filepath"
	"strconv"
	"strings"

	"gompho/internal/ids"
)

// VersionDir is the directory within a tablespace that keeps servers of different versions apart.
const VersionDir = "PG_15_gompho"

// DatabaseDir returns the directory of a database within a tablespace, below the data directory.
func DatabaseDir(spc, db ids.Oid) string {
	switch spc {
	case ids.GlobalTablespace:
		return "global"
	case ids.DefaultTablespace, 0:
		return "base/" + strconv.Itoa(int(db))
	default:
		return "pg_tblspc/" + strconv.Itoa(int(spc)) + "/" + VersionDir + "/" + strconv.Itoa(int(db))
	}
}

// RelPath returns the path of a fork's first segment below the data directory, as error messages show it.
func RelPath(rel ids.RelFile, fork ids.Fork) string {
	p := DatabaseDir(rel.Spc, rel.DB) + "/" + strconv.Itoa(int(rel.Rel))
	if fork != ids.MainFork {
		p += "_" + fork.String()
	}
	return p
}

func (m *Manager) segPath(rel ids.RelFile, fork ids.Fork, seg uint32) string {
	p := filepath.Join(m.opts.DataDir, RelPath(rel, fork))
	if seg > 0 {
		p += "." + strconv.Itoa(int(seg))
	}
	return p
}

// ParseFileName takes the name of a relation's file apart; ok is false for other files.
func ParseFileName(name string) (rel ids.Oid, fork ids.Fork, segment uint32, ok bool) {
	base, seg, hasSeg := strings.Cut(name, ".")
	if hasSeg {
		n, err := strconv.ParseUint(seg, 10, 32)
		if err != nil || n == 0 {
			return 0, 0, 0, false
		}
		segment = uint32(n)
	}
	num, suffix, hasFork := strings.Cut(base, "_")
	if hasFork {
		for fork = ids.FsmFork; fork < ids.NumForks && fork.String() != suffix; fork++ {
		}
		if fork == ids.NumForks {
			return 0, 0, 0, false
		}
	}
	n, err := strconv.ParseUint(num, 10, 32)
	return ids.Oid(n), fork, segment, err == nil && n > 0 && num[0] != '0' && num[0] != '+'
}
