package crash

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// execAll runs several statements one by one.
func (w *worker) execAll(sql string) error {
	for _, s := range strings.Split(sql, "; ") {
		if _, err := w.exec(s); err != nil {
			return err
		}
	}
	return nil
}

// reference picks a statement about the two tables of the foreign key.
func (w *worker) reference() op {
	p, c := w.cur.tables["fkp"], w.cur.tables["fkc"]
	someParent, ok := w.someID(p)
	switch n := w.rnd.IntN(10); {
	case n < 3 || !ok:
		ids, sql, shown := w.newRows(p, 1+w.rnd.IntN(8))
		if len(ids) == 0 {
			return op{}
		}
		return op{sql: "insert into fkp values " + strings.Join(sql, ", "), apply: put("fkp", ids, shown)}
	case n < 6:
		id := w.rnd.IntN(100000)
		if _, ok := c.rows[id]; ok {
			return op{}
		}
		l := randomValue(w.rnd, "text")
		ref := fmt.Sprint(someParent)
		return op{sql: fmt.Sprintf("insert into fkc values (%d, %s, %s)", id, ref, l.sql), apply: put("fkc", []int{id}, [][]string{{ref, l.shown}})}
	case n == 6:
		return op{sql: "insert into fkc values (-1, -1, 'nobody')", fails: "23503"}
	case n == 7:
		from, to := w.span(p)
		return op{sql: fmt.Sprintf("delete from fkp where id between %d and %d", from, from+(to-from)/4), apply: func(s *state) {
			for id := range s.tables["fkp"].rows {
				if id >= from && id <= from+(to-from)/4 {
					delete(s.tables["fkp"].rows, id)
					maps.DeleteFunc(s.tables["fkc"].rows, func(_ int, r []string) bool { return r[0] == fmt.Sprint(id) })
				}
			}
		}}
	case n == 8:
		to := 100000 + w.rnd.IntN(100000)
		if _, ok := p.rows[to]; ok {
			return op{}
		}
		return op{sql: fmt.Sprintf("update fkp set id = %d where id = %d", to, someParent), apply: func(s *state) {
			p, c := s.tables["fkp"], s.tables["fkc"]
			p.rows[to] = p.rows[someParent]
			delete(p.rows, someParent)
			for id, r := range c.rows {
				if r[0] == fmt.Sprint(someParent) {
					r = slices.Clone(r)
					r[0] = fmt.Sprint(to)
					c.rows[id] = r
				}
			}
		}}
	}
	switch w.rnd.IntN(3) {
	case 0:
		return op{sql: "truncate fkp cascade", apply: func(s *state) {
			clear(s.tables["fkp"].rows)
			clear(s.tables["fkc"].rows)
		}}
	case 1:
		return op{sql: "truncate fkp", fails: "0A000"}
	}
	sql := "alter table fkc drop constraint fkc_ref_fkey; alter table fkc add constraint fkc_ref_fkey foreign key (ref) references fkp on delete cascade on update cascade"
	if w.rnd.IntN(2) == 0 {
		sql += " not valid; alter table fkc validate constraint fkc_ref_fkey"
	}
	return op{sql: sql, run: func() error { return w.execAll(sql) }}
}

// concurrently runs a statement that commits in between, and leaves an invalid index when it is cut off.
func (w *worker) concurrently(name string, t *table) error {
	if t == nil {
		return nil
	}
	w.building = true
	o := op{sql: "reindex table concurrently " + name}
	switch w.rnd.IntN(4) {
	case 0, 1:
		if o = w.createIndex(name, t); o.sql == "" || t.parts != nil {
			return nil
		}
		o.sql = strings.Replace(o.sql, "index ", "index concurrently ", 1)
	case 2:
		if o = w.dropIndex(name, t); o.sql == "" || t.parts != nil {
			return nil
		}
		o.sql = strings.Replace(o.sql, "index ", "index concurrently ", 1)
	}
	if err := w.admin(o); err != nil {
		return err
	}
	return w.resolveInvalid() // after a deadlock there is one, too
}

// resolveInvalid drops the indexes that a crash has left invalid.
func (w *worker) resolveInvalid() error {
	rows, err := w.must(fmt.Sprintf(`select c.relname from pg_class c join pg_index i on i.indexrelid = c.oid
		where c.relnamespace = '%s'::regnamespace and not i.indisvalid order by 1`, w.schema()))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !w.building {
			return w.failf("index %s is invalid, and none was being built", r[0])
		}
		if _, err := w.must("drop index " + string(r[0])); err != nil {
			return err
		}
	}
	w.building = false
	return nil
}

// restart moves the sequence on, in a transaction of its own.
func (w *worker) restart() error {
	to := max(w.floor, w.cur.maxSeen) + 40
	sql := fmt.Sprintf("alter sequence %s.seq restart with %d", w.schema(), to)
	if w.rnd.IntN(2) == 0 {
		sql = fmt.Sprintf("select setval('%s.seq', %d)", w.schema(), to)
	}
	_, err := w.must(sql)
	if err == nil && sql[0] == 'a' {
		w.floor = to - 1
	}
	return err
}
