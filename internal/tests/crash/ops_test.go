package crash

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// op is a statement with what it does to the model.
type op struct {
	sql   string
	apply func(*state)
	fails string       // the SQLSTATE that it must end with
	run   func() error // instead of executing sql
}

const accounts = 4

// pick draws a statement for the transaction under way.
func (w *worker) pick() op {
	name, t := w.someTable()
	n := w.rnd.IntN(130)
	if t == nil && n >= 12 && n < 120 {
		n = 0
	}
	switch {
	case n >= 120:
		return w.reference()
	case n >= 108:
		return w.partitions()
	case n >= 100:
		return w.move(name, t)
	case n < 4:
		return w.createTable()
	case n < 8:
		return w.pay()
	case n < 10:
		return w.savepoint()
	case n < 12:
		return w.takeNumber()
	case n < 34:
		return w.insert(name, t)
	case n < 40:
		return w.copyIn(name, t)
	case n < 56:
		return w.update(name, t)
	case n < 64:
		return w.remove(name, t)
	case n < 68:
		return w.upsert(name, t)
	case n < 71:
		return w.duplicate(name, t)
	case n < 76:
		return w.savepoint()
	case n < 80:
		return w.createIndex(name, t)
	case n < 82:
		return w.dropIndex(name, t)
	case n < 84:
		return w.dropTable(name)
	case n < 86:
		return op{sql: "truncate " + name, apply: func(s *state) { clear(s.tables[name].rows) }}
	case n < 92:
		return w.alter(name, t)
	case n < 94:
		return w.createAs(name, t)
	case n < 96:
		return w.view(name)
	case n < 98:
		return w.temporary()
	}
	return w.lockRows(name)
}

func (w *worker) someTable() (string, *table) { return w.someTableOf(w.cur) }

func (w *worker) someTableOf(s *state) (string, *table) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.tables)), func(n string) bool { return s.tables[n].fixed })
	if len(names) == 0 {
		return "", nil
	}
	n := names[w.rnd.IntN(len(names))]
	return n, s.tables[n]
}

func (w *worker) newName(prefix string) string {
	w.cur.names++
	return fmt.Sprintf("%s%d", prefix, w.cur.names)
}

func (w *worker) createTable() op {
	if len(w.cur.tables) >= 6 { // two of them are fixed
		return op{}
	}
	name := w.newName("t")
	t := &table{persistence: 'p', rows: map[int][]string{}, indexes: map[string]bool{}}
	sql := "create table "
	if w.rnd.IntN(4) == 0 {
		t.persistence, sql = 'u', "create unlogged table "
	}
	sql += name + "(id int"
	if t.hasKey = w.rnd.IntN(3) > 0; t.hasKey {
		sql += " primary key"
		t.indexes[name+"_pkey"] = true
	}
	for i := range 1 + w.rnd.IntN(4) {
		c := column{fmt.Sprintf("c%d", i), []string{"integer", "bigint", "text", "text"}[w.rnd.IntN(4)]}
		t.cols = append(t.cols, c)
		sql += ", " + c.name + " " + c.typ
	}
	if t.persistence == 'p' && w.rnd.IntN(3) == 0 {
		return w.createPartitioned(name, t, sql+")")
	}
	return op{sql: sql + ")", apply: func(s *state) { s.tables[name] = t.clone() }}
}

// rowSource makes n new rows: the values as SQL, and what they are in the model.
func (w *worker) newRows(t *table, n int) (ids []int, sql []string, shown [][]string) {
	for range n {
		id := w.rnd.IntN(100000)
		if _, ok := t.rows[id]; ok || slices.Contains(ids, id) || t.route(id) == "" {
			continue
		}
		vals, show := []string{fmt.Sprint(id)}, []string{}
		for _, c := range t.cols {
			l := randomValue(w.rnd, c.typ)
			vals, show = append(vals, l.sql), append(show, l.shown)
		}
		ids, sql, shown = append(ids, id), append(sql, "("+strings.Join(vals, ", ")+")"), append(shown, show)
	}
	return ids, sql, shown
}

func put(name string, ids []int, shown [][]string) func(*state) {
	return func(s *state) {
		for i, id := range ids {
			s.tables[name].rows[id] = shown[i]
		}
	}
}

func (w *worker) insert(name string, t *table) op {
	ids, sql, shown := w.newRows(t, 1+w.rnd.IntN(12))
	if len(ids) == 0 {
		return op{}
	}
	return op{sql: "insert into " + name + " values " + strings.Join(sql, ", "), apply: put(name, ids, shown)}
}

// copyIn loads rows of short values with COPY.
func (w *worker) copyIn(name string, t *table) op {
	var ids []int
	var shown [][]string
	var text bytes.Buffer
	for range 1 + w.rnd.IntN(60) {
		id := w.rnd.IntN(100000)
		if _, ok := t.rows[id]; ok || slices.Contains(ids, id) || t.route(id) == "" {
			continue
		}
		fmt.Fprint(&text, id)
		var show []string
		for _, c := range t.cols {
			l := randomValue(w.rnd, c.typ)
			v := strings.Trim(l.sql, "'")
			switch {
			case l.shown == "N":
				v = `\N`
			case strings.HasPrefix(l.sql, "repeat"):
				v = noise(w.rnd, 100)
				l = textLiteral(v, "")
			}
			fmt.Fprint(&text, "\t", v)
			show = append(show, l.shown)
		}
		text.WriteByte('\n')
		ids, shown = append(ids, id), append(shown, show)
	}
	sql := "copy " + name + " from stdin"
	return op{sql: sql, apply: put(name, ids, shown), run: func() error {
		_, err := w.conn.CopyFrom(context.Background(), &text, sql)
		w.r.logf("w%d: %s, %d rows -> %v", w.id, sql, len(ids), err)
		if err == nil {
			w.r.tally.statement(sql)
		}
		return w.classify(err)
	}}
}

// span draws a range of ids of the table.
func (w *worker) span(t *table) (from, to int) {
	from = w.rnd.IntN(100000)
	return from, from + w.rnd.IntN(60000)
}

func (w *worker) update(name string, t *table) op {
	if len(t.cols) == 0 {
		return op{}
	}
	i := w.rnd.IntN(len(t.cols))
	c := t.cols[i]
	from, to := w.span(t)
	l := randomValue(w.rnd, c.typ)
	return op{sql: fmt.Sprintf("update %s set %s = %s where id between %d and %d", name, c.name, l.sql, from, to), apply: func(s *state) {
		rows := s.tables[name].rows
		for id, r := range rows {
			if id >= from && id <= to {
				r = slices.Clone(r)
				r[i] = l.shown
				rows[id] = r
			}
		}
	}}
}

func (w *worker) remove(name string, t *table) op {
	from, to := w.span(t)
	return op{sql: fmt.Sprintf("delete from %s where id between %d and %d", name, from, to), apply: func(s *state) {
		maps.DeleteFunc(s.tables[name].rows, func(id int, _ []string) bool { return id >= from && id <= to })
	}}
}

func (w *worker) someID(t *table) (int, bool) {
	ids := slices.Sorted(maps.Keys(t.rows))
	if len(ids) == 0 {
		return 0, false
	}
	return ids[w.rnd.IntN(len(ids))], true
}

func (w *worker) upsert(name string, t *table) op {
	id, ok := w.someID(t)
	if !ok || !t.hasKey || len(t.cols) == 0 {
		return op{}
	}
	ids, sql, shown := w.newRows(t, 3)
	c := t.cols[0]
	l := randomValue(w.rnd, c.typ)
	vals := []string{fmt.Sprint(id)}
	for range t.cols {
		vals = append(vals, "null")
	}
	sql = append(sql, "("+strings.Join(vals, ", ")+")")
	return op{sql: fmt.Sprintf("insert into %s values %s on conflict (id) do update set %s = %s", name, strings.Join(sql, ", "), c.name, l.sql),
		apply: func(s *state) {
			put(name, ids, shown)(s)
			r := slices.Clone(s.tables[name].rows[id])
			r[0] = l.shown
			s.tables[name].rows[id] = r
		}}
}

// duplicate violates the primary key, after some rows went in.
func (w *worker) duplicate(name string, t *table) op {
	id, ok := w.someID(t)
	if !ok || !t.hasKey {
		return op{}
	}
	_, sql, _ := w.newRows(t, 4)
	vals := []string{fmt.Sprint(id)}
	for range t.cols {
		vals = append(vals, "null")
	}
	return op{sql: "insert into " + name + " values " + strings.Join(append(sql, "("+strings.Join(vals, ", ")+")"), ", "), fails: "23505"}
}

func (w *worker) savepoint() op {
	if len(w.marks) == 0 || w.rnd.IntN(2) == 0 {
		name := fmt.Sprintf("s%d", len(w.marks))
		return op{sql: "savepoint " + name, apply: func(*state) { w.marks = append(w.marks, mark{name, w.cur.clone()}) }}
	}
	i := w.rnd.IntN(len(w.marks))
	m := w.marks[i]
	if w.rnd.IntN(2) == 0 {
		return op{sql: "release " + m.name, apply: func(*state) { w.marks = w.marks[:i] }}
	}
	return op{sql: "rollback to " + m.name, apply: func(s *state) {
		seen := s.maxSeen
		*s = *m.state.clone()
		s.maxSeen = seen
		w.marks = w.marks[:i+1]
	}}
}

// pay writes a row of the ledger and changes the account: with others on the same row.
func (w *worker) pay() op {
	if w.paid {
		return op{}
	}
	w.paid = true
	e := entry{w.rnd.IntN(accounts), w.rnd.IntN(200) - 100}
	n := w.txns
	sql := fmt.Sprintf("with l as (insert into common.ledger values (%d, %d, %d, %d)) update common.account set balance = balance + %d where id = %d",
		w.id, n, e.account, e.delta, e.delta, e.account)
	if w.rnd.IntN(3) == 0 { // a lock that others share becomes an update
		sql2 := fmt.Sprintf("select 1 from common.account where id = %d for share", e.account)
		return op{sql: sql2 + "; " + sql, apply: func(s *state) { s.ledger[n] = e }, run: func() error {
			if _, err := w.exec(sql2); err != nil {
				return err
			}
			_, err := w.exec(sql)
			return err
		}}
	}
	return op{sql: sql, apply: func(s *state) { s.ledger[n] = e }}
}

func (w *worker) takeNumber() op {
	return op{sql: "nextval", run: func() error {
		v, err := w.nextval()
		if err == nil && v <= w.floor {
			err = w.failf("the sequence gives %d, %d was acknowledged", v, w.floor)
		}
		w.cur.maxSeen = max(w.cur.maxSeen, v)
		return err
	}}
}

func (w *worker) createIndex(name string, t *table) op {
	if len(t.cols) == 0 || len(t.indexes) > 4 || t.loose != nil {
		return op{}
	}
	ix := w.newName("i")
	c := t.cols[w.rnd.IntN(len(t.cols))].name
	typ := t.cols[slices.IndexFunc(t.cols, func(x column) bool { return x.name == c })].typ
	short := c
	if typ == "text" { // whole values may be too long for an index
		short = "md5(" + c + ")"
	}
	sql := fmt.Sprintf([]string{"create index %s on %s (%s)", "create index %s on %s (%s, id)", "create unique index %s on %s (id, (%s))",
		"create index %s on %s ((%s)) where id > 30000", "create unique index %s on %s (id) include (id)"}[w.rnd.IntN(5)], ix, name, short)
	sql, _, _ = strings.Cut(sql, "%!")
	if !t.hasKey && strings.Contains(sql, "unique") { // rows may have come twice by CREATE TABLE AS
		sql = strings.Replace(sql, "unique ", "", 1)
	}
	return op{sql: sql, apply: func(s *state) { s.tables[name].addIndex(ix, strings.ReplaceAll(sql, ix, "")) }}
}

func (w *worker) dropIndex(name string, t *table) op {
	if t.loose != nil {
		return op{}
	}
	for _, ix := range slices.Sorted(maps.Keys(t.indexes)) {
		if !strings.HasSuffix(ix, "_pkey") {
			return op{sql: "drop index " + ix, apply: func(s *state) { s.tables[name].dropIndex(ix) }}
		}
	}
	return op{}
}

func (w *worker) dropTable(name string) op {
	return op{sql: "drop table " + name + " cascade", apply: func(s *state) {
		delete(s.tables, name)
		delete(s.views, "v_"+name)
	}}
}

func (w *worker) alter(name string, t *table) op {
	if w.cur.views["v_"+name] || t.loose != nil {
		return op{}
	}
	each := func(s *state, f func(r []string) []string) {
		rows := s.tables[name].rows
		for id, r := range rows {
			rows[id] = f(slices.Clone(r))
		}
	}
	switch w.rnd.IntN(4) {
	case 0: // without a rewrite
		if len(t.cols) > 6 {
			return op{}
		}
		c := column{w.newName("a"), "integer"}
		return op{sql: fmt.Sprintf("alter table %s add column %s int default 7", name, c.name), apply: func(s *state) {
			s.tables[name].cols = append(s.tables[name].cols, c)
			each(s, func(r []string) []string { return append(r, "7") })
		}}
	case 1: // with one
		if len(t.cols) > 6 {
			return op{}
		}
		c := column{w.newName("a"), "bigint"}
		return op{sql: fmt.Sprintf("alter table %s add column %s bigint default (random() * 0)::bigint", name, c.name), apply: func(s *state) {
			s.tables[name].cols = append(s.tables[name].cols, c)
			each(s, func(r []string) []string { return append(r, "0") })
		}}
	case 2:
		for i, c := range t.cols {
			if c.typ == "integer" {
				return op{sql: fmt.Sprintf("alter table %s alter column %s type bigint", name, c.name), apply: func(s *state) { s.tables[name].cols[i].typ = "bigint" }}
			}
		}
		return op{}
	}
	if len(t.cols) < 2 || len(t.indexes) > 1 || len(t.indexes) == 1 && !t.hasKey {
		return op{} // an index may go with the column
	}
	i := w.rnd.IntN(len(t.cols))
	return op{sql: fmt.Sprintf("alter table %s drop column %s", name, t.cols[i].name), apply: func(s *state) {
		s.tables[name].cols = slices.Delete(s.tables[name].cols, i, i+1)
		each(s, func(r []string) []string { return slices.Delete(r, i, i+1) })
	}}
}

func (w *worker) createAs(name string, t *table) op {
	if len(w.cur.tables) >= 6 {
		return op{}
	}
	to := w.newName("t")
	return op{sql: fmt.Sprintf("create table %s as select * from %s", to, name), apply: func(s *state) {
		n := s.tables[name].clone()
		n.persistence, n.indexes, n.hasKey = 'p', map[string]bool{}, false
		n.parts, n.defs, n.loose, n.of = nil, nil, nil, ""
		s.tables[to] = n
	}}
}

func (w *worker) view(name string) op {
	v := "v_" + name
	if w.cur.views[v] {
		return op{sql: "drop view " + v, apply: func(s *state) { delete(s.views, v) }}
	}
	return op{sql: fmt.Sprintf("create view %s as select * from %s where id > 5", v, name), apply: func(s *state) { s.views[v] = true }}
}

// temporary uses a temporary table, whose files are left behind by a crash.
func (w *worker) temporary() op {
	sql := []string{"create temp table if not exists scratch(a int primary key, b text)",
		"insert into scratch select g, repeat('x', 100) from generate_series(1, 200) g on conflict (a) do update set b = 'y'"}
	return op{sql: strings.Join(sql, "; "), run: func() error {
		w.local = true
		for _, s := range sql {
			if _, err := w.exec(s); err != nil {
				return err
			}
		}
		return nil
	}}
}

func (w *worker) lockRows(name string) op {
	if t := w.cur.tables[name]; t != nil && len(t.cols) > 0 && w.rnd.IntN(2) == 0 { // a lock and a change by a subtransaction: a multixact
		sql := fmt.Sprintf("select id from %[1]s where id < 50000 for key share; savepoint inner_one; update %[1]s set %[2]s = %[2]s where id < 50000; release inner_one", name, t.cols[0].name)
		return op{sql: sql, run: func() error { return w.execAll(sql) }}
	}
	how := []string{"for key share", "for share", "for no key update", "for update"}[w.rnd.IntN(4)]
	return op{sql: fmt.Sprintf("select id from %s where id < 50000 %s", name, how)}
}

// outside runs a statement that wants no transaction block, or a single one that commits by itself.
func (w *worker) outside() error {
	w.cur, w.marks, w.paid = w.states[len(w.states)-1].clone(), nil, false
	name, t := w.someTable()
	if t == nil {
		name = "common.account"
	}
	switch w.rnd.IntN(25) {
	case 23:
		return w.catalog()
	case 20:
		return w.logPoint()
	case 21:
		return w.backup()
	case 22:
		return w.shrink(name, t)
	case 14:
		_, err := w.must("vacuum (full, analyze) " + w.schema() + ".fkc")
		return err
	case 15, 16:
		return w.concurrently(name, t)
	case 17:
		return w.restart()
	case 18:
		_, err := w.exec([]string{"vacuum", "analyze", "vacuum (freeze, index_cleanup on) common.ledger", "reindex table common.account"}[w.rnd.IntN(4)])
		if allowed(err) { // who has read the index and now wants to write waits for the table
			return nil
		}
		return err
	case 0, 1, 2:
		_, err := w.must("vacuum " + name)
		return err
	case 3:
		_, err := w.must("vacuum (freeze) " + name)
		return err
	case 4:
		_, err := w.must("analyze " + name)
		return err
	case 5:
		_, err := w.must("vacuum common.account")
		return err
	case 6, 7:
		_, err := w.must("checkpoint")
		return err
	case 8:
		return w.admin(op{sql: "vacuum full " + name})
	case 9:
		if t != nil {
			return w.admin(op{sql: "reindex table " + name})
		}
	case 10:
		if t != nil && t.hasKey && t.parts == nil {
			return w.admin(op{sql: "cluster " + name + " using " + name + "_pkey"})
		}
	case 11:
		if w.id == 0 {
			return w.database()
		}
	}
	o := w.pick()
	if o.sql == "" || strings.Contains(o.sql, "savepoint") || strings.HasPrefix(o.sql, "rollback") || strings.HasPrefix(o.sql, "release") || o.run != nil {
		return nil
	}
	return w.admin(o)
}

// catalog gives a catalog new files.
func (w *worker) catalog() error {
	tables := []string{"pg_class", "pg_attribute", "pg_type", "pg_index", "pg_depend", "pg_constraint", "pg_database", "pg_shdepend", "pg_proc"}
	name := tables[w.rnd.IntN(len(tables))]
	_, err := w.exec([]string{"vacuum full ", "reindex table "}[w.rnd.IntN(2)] + name)
	if allowed(err) { // the one with a transaction open that has written to it may wait for a table of this session
		return nil
	}
	return err
}

// admin runs a single statement that commits by itself.
func (w *worker) admin(o op) error {
	next := w.cur.clone()
	_, err := w.exec(o.sql)
	if o.apply != nil {
		o.apply(next)
	}
	w.cur = next
	switch {
	case err == nil && o.fails == "":
		w.settle(true)
		return nil
	case err == errLost:
		w.states = append(w.states, w.cur)
		return err
	case allowed(err) || err != nil && o.fails != "":
		return nil
	}
	return w.failf("%.500s: %v", o.sql, err)
}

// database makes a database and drops it again.
func (w *worker) database() error {
	for _, sql := range []string{"drop database if exists extra", "create database extra"} {
		if _, err := w.must(sql); err != nil {
			return err
		}
	}
	if w.rnd.IntN(2) == 0 {
		_, err := w.must("drop database extra")
		return err
	}
	return nil
}
