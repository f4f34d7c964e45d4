package executor

import (
	"strconv"
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/sql/plan"
	"gompho/storage/heap"
	"gompho/types"
)

// foreignKeys runs what events of foreign keys ask for. The queries are those that a user would write, planned once and kept, run with the rights
// of the owner of the table that they read or change.
type foreignKeys struct {
	byOid      map[ids.Oid]*foreignKey
	generation uint64
	round      uint64         // counts the rounds of firing
	snap       *mvcc.Snapshot // of the probes of the round, registered; nil: none yet
}

// foreignKey is a constraint with its two tables.
type foreignKey struct {
	d       *Deferred
	con     *catalog.Constraint
	fk, pk  *catalog.Relation // referencing and referenced
	reads   map[readSide]*keyReaderOf
	queries [numRI]*riQuery
	probe   *keyProbe     // nil: the query has to be asked
	vals    []types.Datum // the key at hand: of the referencing or of the referenced row
	now     []types.Datum // the new key of an updated row
}

// readSide names the columns of a table that are read: those of the referencing or of the referenced key.
type readSide struct {
	rel        ids.Oid
	referenced bool
}

// keyReaderOf reads the key from rows of a table: one of the two, or a partition of it.
type keyReaderOf struct {
	rel   *catalog.Relation
	fetch *heap.Fetcher
}

// The queries of a foreign key.
type riKind uint8

const (
	riLookup     riKind = iota // is the key in the referenced table?
	riMatch                    // the same for a key that was there: is another row with it there now?
	riReferences               // does a row refer to the key?
	riDelete
	riUpdate
	riNullOnDelete
	riNullOnUpdate
	riDefaultOnDelete
	riDefaultOnUpdate
	numRI
)

type riQuery struct {
	sql  string
	st   *plan.Statement
	exec *Exec
	args []types.Datum
}

// keyOf returns the constraint of an event; nil when it is gone.
func (d *Deferred) keyOf(con ids.Oid) (*foreignKey, error) {
	if g, ok := d.cat.(interface{ Generation() uint64 }); ok {
		if now := g.Generation(); now != d.foreign.generation {
			d.foreign.forget()
			d.foreign.generation = now
		}
	}
	if k := d.foreign.byOid[con]; k != nil {
		return k, nil
	}
	c, err := d.con(con)
	if c == nil || err != nil {
		return nil, err
	}
	k := &foreignKey{d: d, con: c, vals: make([]types.Datum, len(c.Conkey)), now: make([]types.Datum, len(c.Conkey))}
	if k.fk, err = d.env.relation(c.Conrelid); err != nil {
		return nil, err
	}
	if k.pk, err = d.env.relation(c.Confrelid); err != nil {
		return nil, err
	}
	if k.probe, err = k.newProbe(); err != nil {
		return nil, err
	}
	if d.foreign.byOid == nil {
		d.foreign.byOid = map[ids.Oid]*foreignKey{}
	}
	d.foreign.byOid[con] = k
	return k, nil
}

func (f *foreignKeys) forget() {
	for _, k := range f.byOid {
		if k.probe != nil {
			k.probe.close()
		}
		for _, q := range k.queries {
			if q != nil && q.exec != nil {
				q.exec.Close()
			}
		}
	}
	f.byOid = nil
}

// fire does what the trigger of an event has to do.
func (d *Deferred) fire(x rowTrigger, e rowEvent) error {
	k, err := d.keyOf(x.con)
	if k == nil || err != nil {
		return err
	}
	rel, err := d.cat.Relation(e.table)
	if rel == nil || err != nil {
		return err
	}
	if x.fn <= riCheckUpd {
		return k.check(rel, e.new)
	}
	if ok, err := k.read(rel, e.old, k.con.Confkey, k.vals); !ok || err != nil || countNulls(k.vals) > 0 {
		return err
	}
	to := rel
	if e.to != 0 {
		if to, err = d.env.relation(e.to); err != nil {
			return err
		}
		rel = k.pk
	}
	switch x.fn {
	case riCascadeDel:
		return k.act(riDelete, k.vals)
	case riSetNullDel:
		return k.act(riNullOnDelete, k.vals)
	case riSetDefDel:
		return k.setDefault(riDefaultOnDelete, rel)
	case riSetNullUpd:
		return k.act(riNullOnUpdate, k.vals)
	case riSetDefUpd:
		return k.setDefault(riDefaultOnUpdate, rel)
	case riRestrictDel, riRestrictUpd:
		return k.restrict(rel, false)
	case riNoActionDel, riNoActionUpd:
		return k.restrict(rel, true)
	}
	if ok, err := k.read(to, e.new, k.con.Confkey, k.now); !ok || err != nil {
		return err
	}
	return k.act(riUpdate, append(append(make([]types.Datum, 0, 2*len(k.vals)), k.now...), k.vals...))
}

func countNulls(vals []types.Datum) (n int) {
	for _, v := range vals {
		if v.IsNull() {
			n++
		}
	}
	return n
}

// read reads the columns cols of the version at tid of a row, whatever its visibility.
func (k *foreignKey) read(rel *catalog.Relation, tid ids.TID, cols []int16, into []types.Datum) (bool, error) {
	f, err := k.fetcher(rel, cols)
	if err != nil {
		return false, err
	}
	defer f.Unpin()
	f.ResetArena()
	found, err := f.Version(tid, nil)
	if err == nil && !found {
		err = pgerr.Internal("failed to fetch a version of a row for foreign key \"%s\"", k.con.Conname)
	}
	return err == nil, valuesOf(f, into, err)
}

func valuesOf(f *heap.Fetcher, into []types.Datum, err error) error {
	if err == nil {
		err = f.Values(into)
	}
	if err != nil {
		return err
	}
	for i := range into {
		into[i] = into[i].Clone()
	}
	return nil
}

// fetcher returns the reader of a table's key columns.
func (k *foreignKey) fetcher(rel *catalog.Relation, cols []int16) (*heap.Fetcher, error) {
	side := readSide{rel.Oid, &cols[0] == &k.con.Confkey[0]}
	if r := k.reads[side]; r != nil && r.rel == rel {
		return r.fetch, nil
	}
	if rel.Heap == nil {
		return nil, pgerr.Internal("relation \"%s\" has no rows of its own", rel.Name)
	}
	of := k.fk
	if side.referenced {
		of = k.pk
	}
	at := make([]int, len(cols))
	for i, c := range cols {
		at[i] = int(c) - 1
		if rel.Oid != of.Oid { // a partition, whose columns may be in other places
			at[i] = int(rel.AttNum(of.AttName(c))) - 1
		}
	}
	if k.reads == nil {
		k.reads = map[readSide]*keyReaderOf{}
	}
	f := heap.NewFetcher(k.d.tx, rel.Heap, at)
	k.reads[side] = &keyReaderOf{rel, f}
	return f, nil
}

// check looks for the key of a row that was added or changed, if that version of the row is still there.
func (k *foreignKey) check(rel *catalog.Relation, tid ids.TID) error {
	f, err := k.fetcher(rel, k.con.Conkey)
	if err != nil {
		return err
	}
	f.ResetArena()
	live, err := f.VersionSelf(tid)
	if live && err == nil {
		err = valuesOf(f, k.vals, nil)
	}
	f.Unpin()
	if !live || err != nil {
		return err
	}
	switch nulls := countNulls(k.vals); {
	case nulls == len(k.vals), nulls > 0 && k.con.Confmatchtype != 'f':
		return nil
	case nulls > 0:
		return k.missing(rel)
	}
	found, err := k.lookup()
	if found || err != nil {
		return err
	}
	return k.missing(rel)
}

// lookup reports whether the key at hand is in the referenced table.
func (k *foreignKey) lookup() (bool, error) {
	if k.probe == nil {
		n, err := k.run(riLookup, k.vals, k.pk.Kind == 'p')
		return n > 0, err
	}
	found, err := k.probe.look(k.vals)
	if err == nil {
		return found, nil
	}
	sql, _, _, e := k.text(riLookup)
	if e != nil {
		return false, err
	}
	return false, k.where(&riQuery{sql: sql}, err)
}

// missing is the error about the key at hand of a row of rel, which refers to nothing.
func (k *foreignKey) missing(rel *catalog.Relation) error {
	e := pgerr.New(pgerr.ForeignKeyViolation, "insert or update on table \"%s\" violates foreign key constraint \"%s\"", rel.Name, k.con.Conname)
	if countNulls(k.vals) > 0 {
		e = e.WithDetail("MATCH FULL does not allow mixing of null and nonnull key values.")
	} else if text, ok := k.keyText(rel, k.con.Conkey); ok {
		e = e.WithDetail("Key %s is not present in table \"%s\".", text, k.pk.Name)
	} else {
		e = e.WithDetail("Key is not present in table \"%s\".", k.pk.Name)
	}
	return k.fields(e, rel)
}

// restrict fails when rows refer to the key that went away from rel, unless another row has the key now.
func (k *foreignKey) restrict(rel *catalog.Relation, match bool) error {
	if match {
		n, err := k.run(riMatch, k.vals, true)
		if n > 0 || err != nil {
			return err
		}
	}
	n, err := k.run(riReferences, k.vals, true)
	if n == 0 || err != nil {
		return err
	}
	e := pgerr.New(pgerr.ForeignKeyViolation, "update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"", rel.Name, k.con.Conname, k.fk.Name)
	if text, ok := k.keyText(rel, k.con.Confkey); ok {
		e = e.WithDetail("Key %s is still referenced from table \"%s\".", text, k.fk.Name)
	} else {
		e = e.WithDetail("Key is still referenced from table \"%s\".", k.fk.Name)
	}
	return k.fields(e, k.fk)
}

// setDefault is SET DEFAULT: rows whose key is the default already are not changed, so that nobody would check them.
func (k *foreignKey) setDefault(kind riKind, rel *catalog.Relation) error {
	if err := k.act(kind, k.vals); err != nil {
		return err
	}
	return k.restrict(rel, true)
}

// act changes the rows that refer to a key.
func (k *foreignKey) act(kind riKind, args []types.Datum) error {
	if _, err := k.run(kind, args, true); err != nil {
		return err
	}
	return k.d.tx.IncrementCommand()
}

func (k *foreignKey) fields(e *pgerr.Error, rel *catalog.Relation) error {
	return e.WithTable(k.d.env.schemaName(rel.Namespace), rel.Name).WithConstraint(k.con.Conname)
}

// schemaName returns the name of a schema, empty when it cannot be known.
func (e *Env) schemaName(oid ids.Oid) string {
	if n, ok := e.Catalog.(interface {
		Namespace(ids.Oid) (*catalog.Namespace, error)
	}); ok {
		if ns, err := n.Namespace(oid); err == nil && ns != nil {
			return ns.Nspname
		}
	}
	return ""
}

// keyText shows the key at hand, if the user may read it: (a, b)=(1, 2).
func (k *foreignKey) keyText(rel *catalog.Relation, cols []int16) (string, bool) {
	env := k.d.env
	if may := env.MaySelect; may != nil && !may(rel, 0) {
		for _, c := range cols {
			if !may(rel, c) {
				return "", false
			}
		}
	}
	var names, vals strings.Builder
	for i, c := range cols {
		if i > 0 {
			names.WriteString(", ")
			vals.WriteString(", ")
		}
		a := &rel.Desc.Attrs[c-1]
		names.WriteString(a.Name)
		t, err := env.typ(a.Type)
		switch {
		case err != nil:
			return "", false
		case k.vals[i].IsNull():
			vals.WriteString("null")
		default:
			vals.WriteString(types.OutputString(env.Func, t, k.vals[i]))
		}
	}
	return "(" + names.String() + ")=(" + vals.String() + ")", true
}

// run runs one of the queries and returns how many rows it found, at most one, or changed. latest: what others have committed counts even if
// the transaction's snapshot does not see it; it is an error then to change it.
func (k *foreignKey) run(kind riKind, args []types.Datum, latest bool) (uint64, error) {
	q, err := k.query(kind)
	if err != nil {
		return 0, err
	}
	tx := k.d.tx
	snap := tx.Snapshot()
	var cross *mvcc.Snapshot
	if latest && tx.Isolation().UsesOneSnapshot() {
		snap, cross = tx.LatestSnapshot(), snap
	}
	tx.PushActive(snap)
	defer tx.PopActive()
	if err := k.d.env.lockPlan(q.st); err != nil {
		return 0, k.where(q, err)
	}
	q.args = append(q.args[:0], args...)
	x := q.exec
	if x != nil {
		err = x.Reset(q.args, snap)
	} else if x, err = Start(k.d.env, q.st, q.args, snap, Opts{}); err == nil {
		q.exec = x
	}
	if err != nil {
		return 0, k.where(q, err)
	}
	x.cross = cross
	defer x.Close()
	if kind <= riReferences {
		b, err := x.Next(1)
		if b == nil || err != nil {
			return 0, k.where(q, err)
		}
		return 1, nil
	}
	return x.Processed(), k.where(q, x.Run())
}

// where says in errors of the query what it is.
func (k *foreignKey) where(q *riQuery, err error) error {
	if err == nil {
		return nil
	}
	e := pgerr.From(err)
	line := "SQL statement \"" + q.sql + "\""
	if e.Where != "" {
		line = e.Where + "\n" + line
	}
	e.Where = line
	return e
}

// lockPlan locks what a plan that was kept reads.
func (e *Env) lockPlan(st *plan.Statement) error {
	l, ok := e.Catalog.(locker)
	if !ok {
		return nil
	}
	for i := range st.IndexLocks {
		if x := &st.IndexLocks[i]; x.Used {
			if err := l.HoldRelation(x.Index, lockMode(x.Mode)); err != nil {
				return err
			}
		}
	}
	for _, rte := range st.RTable {
		if rte.Relid != 0 && rte.Rellockmode != 0 {
			if err := l.HoldRelation(rte.Relid, lockMode(rte.Rellockmode)); err != nil {
				return err
			}
		}
	}
	return nil
}

// query returns a planned query.
func (k *foreignKey) query(kind riKind) (*riQuery, error) {
	if q := k.queries[kind]; q != nil {
		return q, nil
	}
	if k.d.env.PlanInternal == nil {
		return nil, pgerr.NotSupported("FOREIGN KEY is not supported here")
	}
	sql, argTypes, owner, err := k.text(kind)
	if err != nil {
		return nil, err
	}
	q := &riQuery{sql: sql}
	if q.st, err = k.d.env.PlanInternal(sql, argTypes, owner); err != nil {
		return nil, k.where(q, err)
	}
	k.queries[kind] = q
	return q, nil
}

// text writes a query. owner is the role whose rights count.
func (k *foreignKey) text(kind riKind) (sql string, args []ids.Oid, owner ids.Oid, err error) {
	only := k.from
	switch kind {
	case riLookup, riMatch:
		ops, from, keys := k.con.Conpfeqop, k.fk, k.con.Conkey
		if kind == riMatch {
			ops, from, keys = k.con.Conppeqop, k.pk, k.con.Confkey
		}
		args = typesOf(from, keys)
		cond, err := k.condition(ops, k.pk, k.con.Confkey, args, 0, true)
		return "SELECT 1 FROM " + only(k.pk) + " x WHERE " + cond + " FOR KEY SHARE OF x", args, k.pk.Owner, err
	case riReferences:
		args = typesOf(k.pk, k.con.Confkey)
		cond, err := k.condition(k.con.Conpfeqop, k.fk, k.con.Conkey, args, 0, false)
		return "SELECT 1 FROM " + only(k.fk) + " x WHERE " + cond + " FOR KEY SHARE OF x", args, k.fk.Owner, err
	case riDelete:
		args = typesOf(k.pk, k.con.Confkey)
		cond, err := k.condition(k.con.Conpfeqop, k.fk, k.con.Conkey, args, 0, false)
		return "DELETE FROM " + only(k.fk) + " WHERE " + cond, args, k.fk.Owner, err
	}
	keys := typesOf(k.pk, k.con.Confkey)
	var set []string
	first := 0
	switch kind {
	case riUpdate:
		for i, c := range k.con.Conkey {
			set = append(set, catalog.QuoteIdent(k.fk.AttName(c))+" = $"+strconv.Itoa(i+1))
		}
		args, first = append(args, keys...), len(keys)
	default:
		cols, value := k.con.Conkey, " = NULL"
		if (kind == riNullOnDelete || kind == riDefaultOnDelete) && len(k.con.Confdelsetcols) > 0 {
			cols = k.con.Confdelsetcols
		}
		if kind == riDefaultOnDelete || kind == riDefaultOnUpdate {
			value = " = DEFAULT"
		}
		for _, c := range cols {
			set = append(set, catalog.QuoteIdent(k.fk.AttName(c))+value)
		}
	}
	args = append(args, keys...)
	cond, err := k.condition(k.con.Conpfeqop, k.fk, k.con.Conkey, keys, first, false)
	return "UPDATE " + only(k.fk) + " SET " + strings.Join(set, ", ") + " WHERE " + cond, args, k.fk.Owner, err
}

// from names a table in a query; partitions belong to a partitioned one, what inherits from a table does not.
func (k *foreignKey) from(r *catalog.Relation) string {
	name := catalog.QuoteQualified(k.d.env.schemaName(r.Namespace), r.Name)
	if r.Kind == 'p' {
		return name
	}
	return "ONLY " + name
}

func typesOf(rel *catalog.Relation, cols []int16) []ids.Oid {
	out := make([]ids.Oid, len(cols))
	for i, c := range cols {
		out[i] = rel.Desc.Attrs[c-1].Type
	}
	return out
}

// condition compares the columns of a table with arguments of types args, the first of which is $first+1. The operators are those of the
// constraint: what is on the left of them is the referenced side, here the column if columnLeft.
func (k *foreignKey) condition(ops []ids.Oid, rel *catalog.Relation, cols []int16, args []ids.Oid, first int, columnLeft bool) (string, error) {
	var b strings.Builder
	for i, c := range cols {
		if i > 0 {
			b.WriteString(" AND ")
		}
		column, arg := catalog.QuoteIdent(rel.AttName(c)), "$"+strconv.Itoa(first+i+1)
		left, right, lt, rt := column, arg, rel.Desc.Attrs[c-1].Type, args[i]
		if !columnLeft {
			left, right, lt, rt = arg, column, args[i], rel.Desc.Attrs[c-1].Type
		}
		cond, err := k.compare(ops[i], left, lt, right, rt)
		if err != nil {
			return "", err
		}
		b.WriteString(cond)
	}
	return b.String(), nil
}

// compare writes a comparison by an operator.
func (k *foreignKey) compare(oid ids.Oid, left string, lt ids.Oid, right string, rt ids.Oid) (string, error) {
	op, err := k.d.cat.Operator(oid)
	if err != nil {
		return "", err
	}
	if op == nil {
		return "", pgerr.Internal("cache lookup failed for operator %d", oid)
	}
	if left, err = k.cast(left, lt, op.Oprleft); err != nil {
		return "", err
	}
	if right, err = k.cast(right, rt, op.Oprright); err != nil {
		return "", err
	}
	return left + " OPERATOR(" + catalog.QuoteIdent(k.d.env.schemaName(op.Oprnamespace)) + "." + op.Oprname + ") " + right, nil
}

// cast casts an operand to the type that an operator takes.
func (k *foreignKey) cast(text string, from, to ids.Oid) (string, error) {
	if from == to {
		return text, nil
	}
	t, err := k.d.cat.TypeRow(to)
	if t == nil || err != nil || t.Typtype == 'p' {
		return text, err
	}
	return text + "::" + catalog.QuoteQualified(k.d.env.schemaName(t.Typnamespace), t.Typname), nil
}

// Validate looks whether all rows of the referencing table of a constraint have what they refer to. Errors: 23503.
func (d *Deferred) Validate(con ids.Oid) error {
	k, st, err := d.planValidate(con)
	if k == nil || err != nil {
		return err
	}
	snap := d.tx.LatestSnapshot()
	d.tx.PushActive(snap)
	defer d.tx.PopActive()
	x, err := Start(d.env, st, nil, snap, Opts{})
	if err != nil {
		return err
	}
	defer x.Close()
	b, err := x.Next(1)
	if b == nil || err != nil {
		return err
	}
	for i := range k.vals {
		k.vals[i] = b.Cols[i].Get(b.Row(0)).Clone()
	}
	return k.missing(k.fk)
}

// orphans is the query for the keys of rows that refer to nothing.
func (k *foreignKey) orphans() (string, error) {
	var cols, notNull, on []string
	for i, c := range k.con.Conkey {
		fk, pk := "fk."+catalog.QuoteIdent(k.fk.AttName(c)), "pk."+catalog.QuoteIdent(k.pk.AttName(k.con.Confkey[i]))
		cols, notNull = append(cols, fk), append(notNull, fk+" IS NOT NULL")
		cond, err := k.compare(k.con.Conpfeqop[i], pk, typesOf(k.pk, k.con.Confkey)[i], fk, typesOf(k.fk, k.con.Conkey)[i])
		if err != nil {
			return "", err
		}
		on = append(on, cond)
	}
	word := " AND "
	if k.con.Confmatchtype == 'f' {
		word = " OR "
	}
	return "SELECT " + strings.Join(cols, ", ") + " FROM " + k.from(k.fk) + " fk LEFT OUTER JOIN " + k.from(k.pk) + " pk ON (" + strings.Join(on, " AND ") +
		") WHERE pk." + catalog.QuoteIdent(k.pk.AttName(k.con.Confkey[0])) + " IS NULL AND (" + strings.Join(notNull, word) + ")", nil
}
