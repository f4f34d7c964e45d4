package crash

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// partition is one of a partitioned table, or was it: then it is kept with the table.
type partition struct {
	rest     bool // the default partition
	from, to int
	built    map[string]int // indexes with names of the server's choice, by definition
}

func (p *partition) clone() *partition {
	if p == nil {
		return nil
	}
	c := *p
	c.built = maps.Clone(p.built)
	return &c
}

func (p *partition) bound() string {
	if p.rest {
		return "DEFAULT"
	}
	return fmt.Sprintf("FOR VALUES FROM (%d) TO (%d)", p.from, p.to)
}

// autoName is a name that the server gave to a partition's index.
var autoName = regexp.MustCompile(`^t\d+p\d+_.*idx\d*$`)

func (p *partition) autos(table string) (lines []string) {
	for _, n := range p.built {
		for range n {
			lines = append(lines, "index auto on "+table)
		}
	}
	return lines
}

// route names the partition that takes a row; empty: none does. Other tables route to themselves.
func (t *table) route(id int) string {
	if t.parts == nil {
		return "."
	}
	rest := ""
	for n, p := range t.parts {
		if p.rest {
			rest = n
		} else if id >= p.from && id < p.to {
			return n
		}
	}
	return rest
}

// addIndex builds an index, on partitions too unless they have one like it that belongs to no other.
func (t *table) addIndex(name, def string) {
	t.indexes[name] = true
	if t.parts == nil {
		return
	}
	t.defs[name] = def
	for _, p := range t.parts {
		p.match(t)
	}
}

// match builds what the partition of t is missing.
func (p *partition) match(t *table) {
	want := map[string]int{}
	for _, def := range t.defs {
		want[def]++
	}
	for def, n := range want {
		p.built[def] = max(p.built[def], n)
	}
}

func (t *table) dropIndex(name string) {
	delete(t.indexes, name)
	for _, p := range t.parts {
		p.built[t.defs[name]]--
	}
	delete(t.defs, name)
}

const slot = 25000 // ids that a partition takes

func (w *worker) createPartitioned(name string, t *table, sql string) op {
	t.parts, t.defs = map[string]*partition{}, map[string]string{}
	sql += " partition by range (id)"
	for i := range 5 {
		if i < 4 && w.rnd.IntN(5) == 0 {
			continue // a gap
		}
		n, p := fmt.Sprintf("%sp%d", name, i), &partition{from: i * slot, to: (i + 1) * slot, built: map[string]int{}}
		if p.rest = i == 4; p.rest && w.rnd.IntN(4) == 0 {
			continue
		}
		t.parts[n] = p
		sql += fmt.Sprintf("; create table %s partition of %s %s", n, name, p.bound())
	}
	return op{sql: sql, apply: func(s *state) { s.tables[name] = t.clone() }, run: func() error { return w.execAll(sql) }}
}

// partitions picks a statement about the partitions of a table.
func (w *worker) partitions() op {
	var names []string
	for _, n := range slices.Sorted(maps.Keys(w.cur.tables)) {
		if w.cur.tables[n].parts != nil || w.cur.tables[n].loose != nil {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return w.createTable()
	}
	name := names[w.rnd.IntN(len(names))]
	t := w.cur.tables[name]
	if t.loose != nil {
		return w.attach(name, t)
	}
	some := slices.Sorted(maps.Keys(t.parts))
	if len(some) == 0 {
		return op{}
	}
	part := some[w.rnd.IntN(len(some))]
	switch w.rnd.IntN(4) {
	case 0:
		return op{sql: "truncate " + part, apply: func(s *state) { takeRows(s.tables[name], part) }}
	case 1:
		if id, ok := homeless(t); ok {
			return op{sql: fmt.Sprintf("insert into %s (id) values (%d)", name, id), fails: "23514"}
		}
	case 2:
		return op{sql: "drop table " + part, apply: func(s *state) {
			takeRows(s.tables[name], part)
			delete(s.tables[name].parts, part)
		}}
	}
	return w.detach(name, part)
}

// takeRows removes the rows of a partition and returns them.
func takeRows(t *table, part string) map[int][]string {
	rows := map[int][]string{}
	for id, r := range t.rows {
		if t.route(id) == part {
			rows[id] = r
		}
	}
	for id := range rows {
		delete(t.rows, id)
	}
	return rows
}

// homeless finds an id that no partition takes.
func homeless(t *table) (int, bool) {
	for id := 7; id < 5*slot; id += slot {
		if t.route(id) == "" {
			return id, true
		}
	}
	return 0, false
}

func (w *worker) detach(name, part string) op {
	if len(w.cur.tables) >= 8 {
		return op{}
	}
	return op{sql: fmt.Sprintf("alter table %s detach partition %s", name, part), apply: func(s *state) { s.detach(name, part) }}
}

func (s *state) detach(name, part string) {
	t := s.tables[name]
	d := &table{persistence: t.persistence, cols: slices.Clone(t.cols), indexes: map[string]bool{}, hasKey: t.hasKey, of: name}
	if d.hasKey {
		d.indexes[part+"_pkey"] = true
	}
	d.rows, d.loose = takeRows(t, part), t.parts[part]
	delete(t.parts, part)
	s.tables[part] = d
}

// attach gives a partition back to its table, or puts another into its place.
func (w *worker) attach(part string, d *table) op {
	t := w.cur.tables[d.of]
	if t == nil || t.parts == nil || !slices.Equal(t.cols, d.cols) || w.cur.views["v_"+d.of] || w.cur.views["v_"+part] {
		return op{}
	}
	o := op{sql: fmt.Sprintf("alter table %s attach partition %s %s", d.of, part, d.loose.bound())}
	for _, p := range t.parts {
		if p.bound() == d.loose.bound() {
			return op{}
		}
	}
	// Rows of either table that would be in the wrong place.
	after := t.clone()
	after.parts[part] = d.loose.clone()
	for id := range d.rows {
		if after.route(id) != part {
			o.fails = "23514"
		}
	}
	for id := range t.rows {
		if after.route(id) == part {
			o.fails = "23514"
		}
	}
	o.apply = func(s *state) {
		t, d := s.tables[d.of], s.tables[part]
		t.parts[part] = d.loose
		d.loose.match(t)
		maps.Copy(t.rows, d.rows)
		delete(s.tables, part)
	}
	return o
}

// move changes ids: of partitioned tables rows go to other partitions.
func (w *worker) move(name string, t *table) op {
	from, to := w.span(t)
	by := []int{slot, -slot, 3 * slot, 1}[w.rnd.IntN(4)]
	if w.rnd.IntN(2) == 0 { // one row
		id, ok := w.someID(t)
		if !ok {
			return op{}
		}
		from, to = id, id
	}
	taken := false
	for id := range t.rows {
		if _, ok := t.rows[id+by]; id >= from && id <= to && (ok || id+by < 0) {
			taken = true
		}
	}
	if taken {
		return op{}
	}
	o := op{sql: fmt.Sprintf("update %s set id = id + %d where id between %d and %d", name, by, from, to), apply: func(s *state) {
		t := s.tables[name]
		moved := map[int][]string{}
		for id, r := range t.rows {
			if id >= from && id <= to {
				moved[id+by] = r
			}
		}
		for id := range moved {
			delete(t.rows, id-by)
		}
		maps.Copy(t.rows, moved)
	}}
	for id := range t.rows {
		if id >= from && id <= to && t.route(id+by) == "" {
			o.fails = "23514"
		}
	}
	return o
}
