package catfuncs

import (
	"strings"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/locks"
	"gompho/sql/parser"
	"gompho/types"
)

// keywordWords describe the categories of key words.
var keywordWords = map[byte]string{'U': "unreserved", 'C': "unreserved (cannot be function or type name)",
	'T': "reserved (can be function or type name)", 'R': "reserved"}

func listFunctions() []functions.Entry {
	return []functions.Entry{
		set("pg_options_to_table", func(_ *catalog.Session, c *functions.Call) ([][]types.Datum, error) {
			var out [][]types.Datum
			for _, e := range types.DecodeArray(c.Args[0], types.Builtin(types.TextOid)).Elems {
				name, value, ok := strings.Cut(e.Str(), "=")
				row := []types.Datum{text(name), types.Null}
				if ok {
					row[1] = text(value)
				}
				out = append(out, row)
			}
			return out, nil
		}),
		set("pg_get_keywords", func(*catalog.Session, *functions.Call) ([][]types.Datum, error) {
			var out [][]types.Datum
			for _, k := range parser.Keywords() {
				code := byte(k.Category)
				bare := "requires AS"
				if k.BareLabel {
					bare = "can be bare label"
				}
				out = append(out, []types.Datum{text(k.Word), types.Word(uint64(code)), types.Bool(k.BareLabel), text(keywordWords[code]), text(bare)})
			}
			return out, nil
		}),
		set("pg_tablespace_databases", func(s *catalog.Session, c *functions.Call) ([][]types.Datum, error) {
			var out [][]types.Datum
			dbs, err := catalog.FetchAll[catalog.PgDatabase](s, 0)
			for _, d := range dbs {
				if d.Dattablespace == oid(c, 0) {
					out = append(out, []types.Datum{types.OidDatum(d.Oid)})
				}
			}
			return out, err
		}),
		set("pg_partition_ancestors", func(s *catalog.Session, c *functions.Call) ([][]types.Datum, error) {
			var out [][]types.Datum
			r, err := s.Relation(oid(c, 0))
			if r == nil || err != nil || r.Kind != 'p' && r.Kind != 'I' && !r.IsPartition {
				return nil, err
			}
			for o := r.Oid; ; {
				out = append(out, []types.Datum{types.OidDatum(o)})
				parents, err := s.Parents(o)
				if len(parents) == 0 || err != nil {
					return out, err
				}
				o = parents[0].Inhparent
			}
		}),
		set("pg_partition_tree", partitionTree),
		set("pg_get_replication_slots", nothing), set("pg_stat_get_wal_senders", nothing), set("pg_stat_get_subscription", nothing),
		set("pg_show_replication_origin_status", nothing), set("pg_get_publication_tables", nothing),
		set("pg_available_extensions", nothing), set("pg_available_extension_versions", nothing),
		set("pg_hba_file_rules", nothing), set("pg_ident_file_mappings", nothing),
	}
}

// nothing is the list of what this server never has any of.
func nothing(*catalog.Session, *functions.Call) ([][]types.Datum, error) { return nil, nil }

func partitionTree(s *catalog.Session, c *functions.Call) ([][]types.Datum, error) {
	var out [][]types.Datum
	r, err := s.Relation(oid(c, 0))
	if r == nil || err != nil || r.Kind != 'p' && r.Kind != 'I' && !r.IsPartition {
		return nil, err
	}
	type node struct {
		oid    ids.Oid
		parent types.Datum
		level  int64
	}
	list := []node{{r.Oid, types.Null, 0}}
	for i := 0; i < len(list); i++ {
		n := list[i]
		r, err := s.Relation(n.oid)
		if r == nil || err != nil {
			return out, err
		}
		out = append(out, []types.Datum{types.OidDatum(n.oid), n.parent, types.Bool(r.Kind != 'p' && r.Kind != 'I'), types.Int(n.level)})
		children, err := s.InheritanceChildren(n.oid, locks.AccessShare, false)
		if err != nil {
			return nil, err
		}
		for _, ch := range children {
			list = append(list, node{ch, types.OidDatum(n.oid), n.level + 1})
		}
	}
	return out, nil
}
