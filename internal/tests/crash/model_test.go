package crash

import (
	"crypto/md5"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// column is a column of a table of the model.
type column struct {
	name, typ string // typ as format_type prints it
}

// table is a table of the model. Row values are what the dump prints of them.
type table struct {
	persistence byte // 'p' or 'u'
	cols        []column
	rows        map[int][]string // by id, the first column, which is not among the values
	indexes     map[string]bool
	hasKey      bool
	fixed       bool // made with the cluster: only the statements of foreign keys touch it

	// A partitioned table has parts by name, and of its indexes the definitions. What was detached has loose, and part of a table.
	parts map[string]*partition
	defs  map[string]string
	loose *partition
	of    string
}

func (t *table) clone() *table {
	c := *t
	c.cols, c.rows, c.indexes = slices.Clone(t.cols), maps.Clone(t.rows), maps.Clone(t.indexes)
	c.loose, c.defs = t.loose.clone(), maps.Clone(t.defs)
	if t.parts != nil {
		c.parts = map[string]*partition{}
		for n, p := range t.parts {
			c.parts[n] = p.clone()
		}
	}
	return &c
}

// entry is a row of the ledger.
type entry struct {
	account int
	delta   int
}

// state is what a worker's part of the database holds. States are never changed once they are listed as possible.
type state struct {
	tables  map[string]*table
	views   map[string]bool
	ledger  map[int]entry
	names   int // counter for names
	maxSeen int // highest value that the sequence gave
}

func newState() *state {
	s := &state{tables: map[string]*table{}, views: map[string]bool{}, ledger: map[int]entry{}}
	s.tables["fkp"] = &table{persistence: 'p', fixed: true, hasKey: true, rows: map[int][]string{}, indexes: map[string]bool{"fkp_pkey": true}, cols: []column{{"c0", "text"}}}
	s.tables["fkc"] = &table{persistence: 'p', fixed: true, hasKey: true, rows: map[int][]string{}, indexes: map[string]bool{"fkc_pkey": true, "fkc_ref": true},
		cols: []column{{"ref", "integer"}, {"c1", "text"}}}
	return s
}

func (s *state) clone() *state {
	c := *s
	c.tables = make(map[string]*table, len(s.tables))
	for n, t := range s.tables {
		c.tables[n] = t.clone()
	}
	c.views, c.ledger = maps.Clone(s.views), maps.Clone(s.ledger)
	return &c
}

// emptied is the state after a crash: unlogged tables have lost their rows.
func (s *state) emptied() *state {
	c := s.clone()
	for _, t := range c.tables {
		if t.persistence == 'u' {
			clear(t.rows)
		}
	}
	return c
}

// dump prints the state as the worker's dump of the database prints it.
func (s *state) dump() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		t := s.tables[name]
		fmt.Fprintf(&b, "table %s %c id integer", name, t.persistence)
		for _, c := range t.cols {
			fmt.Fprintf(&b, ", %s %s", c.name, c.typ)
		}
		b.WriteString("\n")
		for _, id := range slices.Sorted(maps.Keys(t.rows)) {
			fmt.Fprintf(&b, "%s %d|", name, id)
			if t.parts != nil {
				fmt.Fprintf(&b, "%s|", t.route(id))
			}
			fmt.Fprintf(&b, "%s\n", strings.Join(t.rows[id], "|"))
		}
	}
	var rels []string
	for name, t := range s.tables {
		for ix := range t.indexes {
			rels = append(rels, "index "+ix+" on "+name)
		}
		if t.loose != nil {
			rels = append(rels, t.loose.autos(name)...)
		}
		for n, p := range t.parts {
			rels = append(rels, "partition "+n+" of "+name+" "+p.bound())
			rels = append(rels, p.autos(n)...)
			if t.hasKey {
				rels = append(rels, "index "+n+"_pkey on "+n)
			}
		}
	}
	for v := range s.views {
		rels = append(rels, "view "+v)
	}
	slices.Sort(rels)
	for _, r := range rels {
		b.WriteString(r + "\n")
	}
	for _, n := range slices.Sorted(maps.Keys(s.ledger)) {
		fmt.Fprintf(&b, "ledger %d %d %d\n", n, s.ledger[n].account, s.ledger[n].delta)
	}
	return b.String()
}

// literal is a value as SQL and as the dump prints it.
type literal struct{ sql, shown string }

func textLiteral(s, sql string) literal {
	return literal{sql, fmt.Sprintf("%d:%x", len(s), md5.Sum([]byte(s)))}
}

// randomValue makes a value of a type: texts are short, compressible, or long enough for out-of-line storage.
func randomValue(rnd *rand.Rand, typ string) literal {
	if rnd.IntN(10) == 0 {
		return literal{"null", "N"}
	}
	switch typ {
	case "integer", "bigint":
		v := rnd.IntN(1000)
		return literal{fmt.Sprint(v), fmt.Sprint(v)}
	}
	switch n := rnd.IntN(20); {
	case n == 0:
		k := 500 + rnd.IntN(6000)
		piece := fmt.Sprintf("%02d", rnd.IntN(100))
		return textLiteral(strings.Repeat(piece, k), fmt.Sprintf("repeat('%s', %d)", piece, k))
	case n == 1:
		s := noise(rnd, 2100+rnd.IntN(9000))
		return textLiteral(s, "'"+s+"'")
	default:
		s := noise(rnd, rnd.IntN(40))
		return textLiteral(s, "'"+s+"'")
	}
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+"

// noise makes text that does not compress.
func noise(rnd *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rnd.IntN(len(letters))]
	}
	return string(b)
}
