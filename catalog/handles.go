package catalog

import (
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/sql/query"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/storage/toast"
	"gompho/types"
)

// attach gives a descriptor the handles through which its rows are reached. env is nil in sessions without storage.
func (s *Session) attach(r *Relation) error {
	if s.env == nil || !r.HasStorage() {
		return nil
	}
	logged, temp := r.Persistence == 'p', r.Persistence == 't'
	if r.Kind == 'i' {
		if r.Index == nil || r.Index.Am != BtreeAm {
			return nil
		}
		var err error
		r.Index.Btree, err = s.btreeHandle(r.Index, nil, logged, temp)
		return err
	}
	hot, key, err := indexedColumns(r)
	if err != nil {
		return err
	}
	h := &heap.Rel{Env: s.env, File: r.File, Oid: r.Oid, DB: r.File.DB, Name: r.Name, Desc: r.Desc, Logged: logged,
		Temp: temp, FillFactor: r.FillFactor(), HotAttrs: hot, KeyAttrs: key}
	if r.Toast != 0 {
		if h.Toast, err = s.toaster(r.Toast); err != nil {
			return err
		}
	}
	return s.attachRows(r, h)
}

// attachRows makes the handles of a table and its indexes.
func (s *Session) attachRows(r *Relation, h *heap.Rel) (err error) {
	logged, temp := h.Logged, h.Temp
	r.Heap = heap.NewRel(h)
	for _, ix := range r.Indexes {
		if ix.Am == BtreeAm {
			if ix.Btree, err = s.btreeHandle(ix, r, logged, temp); err != nil {
				return err
			}
		}
	}
	return nil
}

// toaster makes the handle that keeps a table's long values.
func (s *Session) toaster(toast ids.Oid) (heap.Toaster, error) {
	t, err := s.Relation(toast)
	if t == nil || err != nil {
		return nil, err
	}
	return s.cat.newToaster(t), nil
}

// indexedColumns returns, from 0, the columns that any index of a table uses, and those that a foreign key could refer to.
func indexedColumns(r *Relation) (hot, key []int, err error) {
	used, keyed := make(map[int]bool), make(map[int]bool)
	for _, ix := range r.Indexes {
		unique := ix.Unique && ix.Immediate && ix.ExprText == nil && ix.PredText == nil && ix.Valid
		for i, att := range ix.Keys {
			if att > 0 {
				used[int(att)-1] = true
				if unique && i < ix.NKeyAtts {
					keyed[int(att)-1] = true
				}
			}
		}
		exprs, err := ix.Exprs()
		if err != nil {
			return nil, nil, err
		}
		pred, err := ix.Pred()
		if err != nil {
			return nil, nil, err
		}
		for _, e := range exprs {
			addVars(e, used, len(r.Desc.Attrs))
		}
		if pred != nil {
			addVars(pred, used, len(r.Desc.Attrs))
		}
	}
	for i := range r.Desc.Attrs {
		if used[i] {
			hot = append(hot, i)
		}
		if keyed[i] {
			key = append(key, i)
		}
	}
	return hot, key, nil
}

func addVars(e query.Expr, used map[int]bool, natts int) {
	query.WalkExpr(e, func(n query.Node) bool {
		v, ok := n.(*query.Var)
		if ok && v.Varattno > 0 {
			used[v.Varattno-1] = true
		}
		if ok && v.Varattno == 0 {
			for i := range natts {
				used[i] = true
			}
		}
		return true
	})
}

// btreeHandle makes the handle of a btree index. table is nil when only the index was asked for.
func (s *Session) btreeHandle(ix *Index, table *Relation, logged, temp bool) (*btree.Index, error) {
	b := &btree.Index{Env: s.env, File: ix.File, Oid: ix.Oid, Name: ix.Name, Desc: ix.Desc, Unique: ix.Unique,
		NullsNotDistinct: ix.NullsNotDistinct, Logged: logged, Temp: temp, Constraint: ix.Name}
	if v, ok := option(ix.Options, "fillfactor"); ok {
		b.FillFactor = atoi(v)
	}
	for i := range ix.NKeyAtts {
		k := btree.Key{Desc: ix.Flags[i]&IndexDesc != 0, NullsFirst: ix.Flags[i]&IndexNullsFirst != 0}
		var err error
		if k.Order, k.Compare, err = s.keyOrder(ix, i); err != nil {
			return nil, err
		}
		b.Keys = append(b.Keys, k)
	}
	if table != nil {
		b.Heap, b.Table, b.Schema = table.Heap, table.Name, s.fixedNamespaceName(table.Namespace)
		b.KeyDetail = s.cat.keyDetail(ix, table)
	}
	return btree.New(b), nil
}

// fixedNamespaceName is namespaceName that reads no catalog for the schemas of the catalogs themselves.
func (s *Session) fixedNamespaceName(oid ids.Oid) string {
	switch oid {
	case ids.PgCatalogNamespace:
		return "pg_catalog"
	case ids.PgToastNamespace:
		return "pg_toast"
	}
	return s.namespaceName(oid)
}

func atoi(v string) int {
	n := 0
	for _, c := range v {
		if c < '0' || c > '9' {
			return n
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// keyOrder returns how a key column of an index compares: by its operator class's input type.
func (s *Session) keyOrder(ix *Index, i int) (btree.Order, func(a, b types.Datum) int, error) {
	in := ix.InTypes[i]
	if in == cstringOid || in == nameOid {
		return btree.OrderBytes, nil, nil
	}
	if o := btree.OrderOf(in); o != btree.OrderFunc {
		return o, nil, nil
	}
	cmp, err := s.comparer(in, ix.Desc.Attrs[i].Type, ix.Collations[i])
	return btree.OrderFunc, cmp, err
}

// comparer returns the comparison of a type that has no order of its own in package btree.
func (s *Session) comparer(in, stored, collation ids.Oid) (func(a, b types.Datum) int, error) {
	typ := in
	if t := types.Builtin(in); t == nil || t.Typtype == 'p' {
		typ = stored // a polymorphic operator class: arrays, enums, records
	}
	t, err := s.Type(typ)
	if err != nil {
		return nil, err
	}
	if t != nil {
		if cmp := types.Comparer(t, collation); cmp != nil {
			return cmp, nil
		}
	}
	return nil, pgerr.NotSupported("indexes on type %s are not supported", s.TypeName(typ))
}

// newToaster makes the handle that keeps long values in a toast table; nil if the table has no index yet.
func (c *Catalog) newToaster(t *Relation) heap.Toaster {
	if t.Heap == nil || len(t.Indexes) == 0 || t.Indexes[0].Btree == nil {
		return nil
	}
	newOid := func(*mvcc.Session) (ids.Oid, error) { return c.oids.take(c.booting.Load()) }
	return &toast.Table{Rel: t.Heap, Index: t.Indexes[0].Btree, NewOid: newOid}
}

// keyDetail returns what renders key values for the DETAIL of errors. The handle is shared by all sessions: the one that asks is
// found through its transaction. It gives an empty text when the user may not see the columns.
func (c *Catalog) keyDetail(ix *Index, table *Relation) func(*mvcc.Session, []types.Datum) string {
	return func(tx *mvcc.Session, vals []types.Datum) string {
		s, ok := tx.Companion.(*Session)
		if !ok || !s.maySeeKeys(ix, table) {
			return ""
		}
		return s.keyText(ix, table, vals)
	}
}

// keyText renders key values as messages do: "(a, b)=(1, x)".
func (s *Session) keyText(ix *Index, table *Relation, vals []types.Datum) string {
	var env types.Env = types.DefaultEnv
	if s.typeEnv != nil {
		env = s.typeEnv
	}
	var b []byte
	for i, v := range vals {
		if i > 0 {
			b = append(b, ", "...)
		}
		oid := ix.Desc.Attrs[i].Type
		t := types.Builtin(oid)
		if t == nil {
			t = s.TypeByOid(oid)
		}
		switch {
		case v.IsNull():
			b = append(b, "null"...)
		case t == nil:
			b = append(b, "..."...)
		default:
			b = types.Output(env, t, v, b)
		}
	}
	return "(" + strings.Join(s.keyNames(ix, table), ", ") + ")=(" + string(b) + ")"
}

// RowKey renders the key of the row version at tid, whoever sees it: the columns of the primary key, or of another unique index
// on plain columns. It is empty for a table without one, or when the version is gone. Rights are the caller's business.
func (s *Session) RowKey(table *Relation, tid ids.TID) string {
	ix := table.identity()
	if ix == nil || table.Heap == nil {
		return ""
	}
	cols := make([]int, ix.NKeyAtts)
	for i := range cols {
		cols[i] = int(ix.Keys[i]) - 1
	}
	f := heap.NewFetcher(s.tx, table.Heap, cols)
	defer f.Close()
	vals := make([]types.Datum, len(cols))
	if n, err := table.Heap.Blocks(); err != nil || tid.Block >= n {
		return ""
	}
	if found, err := f.Version(tid, nil); err != nil || !found || f.Values(vals) != nil {
		return ""
	}
	return s.keyText(ix, table, vals)
}

// identity returns the index by whose columns people know a row; nil when there is none.
func (r *Relation) identity() *Index {
	var best *Index
	for _, ix := range r.Indexes {
		plain := ix.Unique && ix.Valid && ix.PredText == nil && ix.ExprText == nil
		if plain && (best == nil || ix.Primary) {
			best = ix
		}
	}
	return best
}

// maySeeKeys reports whether the user may read the key columns of an index. Expressions need the whole table.
func (s *Session) maySeeKeys(ix *Index, table *Relation) bool {
	ok, err := s.HasRelationPrivilege(s.user, table, AclSelect)
	if ok || err != nil {
		return ok
	}
	for _, att := range ix.Keys[:ix.NKeyAtts] {
		if att == 0 {
			return false
		}
		if ok, err := s.HasColumnPrivilege(s.user, table, att, AclSelect); !ok || err != nil {
			return false
		}
	}
	return true
}

// keyNames returns the key columns of an index as pg_get_indexdef shows them.
func (s *Session) keyNames(ix *Index, table *Relation) []string {
	names := make([]string, ix.NKeyAtts)
	exprs := s.keyExprs(ix, table)
	for i := range names {
		names[i] = QuoteIdent(ix.Desc.Attrs[i].Name)
		if att := ix.Keys[i]; att > 0 {
			names[i] = QuoteIdent(table.Desc.Attrs[att-1].Name)
		} else if len(exprs) > 0 {
			names[i], exprs = exprs[0], exprs[1:]
		}
	}
	return names
}

// keyExprs returns the texts of an index's expressions; none when they cannot be shown.
func (s *Session) keyExprs(ix *Index, table *Relation) []string {
	if s.cat.exprText == nil || ix.ExprText == nil {
		return nil
	}
	list, err := ix.Exprs()
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range list {
		t, err := s.cat.exprText(s, e, table)
		if err != nil {
			return nil
		}
		out = append(out, t)
	}
	return out
}
