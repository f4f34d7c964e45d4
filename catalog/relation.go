package catalog

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"gompho/internal/ids"
	"gompho/sql/partition"
	"gompho/sql/query"
	"gompho/storage/btree"
	"gompho/storage/heap"
	"gompho/types"
)

// Relation describes a table, view, sequence, index, composite type or toast table. It is shared and never
// changed: after a change of the relation lookups return another one.
type Relation struct {
	Oid           ids.Oid
	Name          string
	Namespace     ids.Oid
	RowType       ids.Oid // composite type of its rows, 0 for indexes, sequences and toast tables
	OfType        ids.Oid
	Owner         ids.Oid
	Am            ids.Oid
	Kind          byte // 'r' 'i' 'S' 't' 'v' 'm' 'c' 'f' 'p' 'I'
	Persistence   byte // 'p' 'u' 't'
	ReplIdent     byte
	Shared        bool // one for all databases
	HasIndex      bool
	HasRules      bool
	HasTriggers   bool
	HasSubclass   bool
	RowSecurity   bool
	ForceRLS      bool
	IsPartition   bool
	Populated     bool
	Tablespace    ids.Oid // as in pg_class: 0 is the database's default
	File          ids.RelFile
	Pages         int32   // as of the last VACUUM or ANALYZE
	Tuples        float32 // likewise; -1 when unknown
	AllVisible    int32
	Toast         ids.Oid
	Options       []string // "name=value"
	Acl           []AclItem
	Desc          *types.Desc
	Checks        []*Constraint         // CHECK constraints, by name
	ForeignKeys   []*Constraint         // foreign keys of this table
	Defaults      map[int16]string      // node text of column defaults and generation expressions, by column number
	Indexes       []*Index              // by Oid
	Rules         []*PgRewrite          // by name; a view's first is _RETURN
	Triggers      []*Trigger            // by name
	Index         *Index                // of an index: its own descriptor
	PrimaryKey    ids.Oid               // index of the primary key
	ReplicaIndex  ids.Oid               // index chosen by REPLICA IDENTITY USING INDEX
	Parent        ids.Oid               // of a partition: the table that it is a partition of
	DetachPending bool                  // DETACH CONCURRENTLY has begun to take the partition away
	PartBound     *query.PartitionBound // of a partition; nil for partitions of indexes
	PartKey       *partition.Key        // of a partitioned table
	Parts         *partition.Desc       // of a partitioned table: its partitions but those that are being detached
	PartsDetached *partition.Desc       // the same with those
	DetachXid     ids.Xid               // who began to detach the one that is in PartsDetached only
	Heap          *heap.Rel             // handle of its rows; nil for relations without storage and for indexes
	attByName     map[string]int16      // live columns
	decoded       map[int16]*memo[query.Expr]
	checkNodes    []memo[query.Expr]
	view          memo[*query.Query]
}

// Index describes an index.
type Index struct {
	Oid, Table       ids.Oid
	Parent           ids.Oid // of an index of a partition: the index of the partitioned table that it belongs to
	Name             string
	Namespace        ids.Oid
	Am               ids.Oid
	File             ids.RelFile
	Tablespace       ids.Oid
	Keys             []int16 // columns of the table, 0 for an expression; the first NKeyAtts are keys, the others INCLUDEd
	NKeyAtts         int
	OpClasses        []ids.Oid // for each key
	OpFamilies       []ids.Oid // for each key
	InTypes          []ids.Oid // input type of each key's operator class
	Collations       []ids.Oid // for each key
	Flags            []int16   // for each key: bit 0 DESC, bit 1 NULLS FIRST
	Unique           bool
	NullsNotDistinct bool
	Primary          bool
	Exclusion        bool
	Immediate        bool
	Clustered        bool
	Valid            bool
	CheckXmin        bool
	Since            ids.Xid // with CheckXmin: transactions whose snapshot does not see what this one did must not read the index
	Ready, Live      bool
	ReplIdent        bool
	Desc             *types.Desc // columns as stored in the index
	ExprText         *string     // node text of the list of expressions
	PredText         *string     // node text of the predicate
	Pages            int32
	Tuples           float32
	Options          []string
	Constraint       ids.Oid      // the constraint that owns it, 0 when none
	Btree            *btree.Index // handle; nil for other access methods
	exprs            memo[[]query.Expr]
	pred             memo[query.Expr]
}

// Desc and NullsFirst bits of Index.Flags.
const (
	IndexDesc       int16 = 1
	IndexNullsFirst int16 = 2
)

// memo computes a value once.
type memo[T any] struct {
	once sync.Once
	v    T
	err  error
}

func (m *memo[T]) get(f func() (T, error)) (T, error) {
	m.once.Do(func() { m.v, m.err = f() })
	return m.v, m.err
}

// finish fills the derived fields.
func (r *Relation) finish() *Relation {
	r.attByName = make(map[string]int16, len(r.Desc.Attrs))
	for i := range r.Desc.Attrs {
		if a := &r.Desc.Attrs[i]; !a.Dropped {
			r.attByName[a.Name] = int16(i + 1)
		}
	}
	slices.SortFunc(r.Indexes, func(a, b *Index) int { return int(int64(a.Oid) - int64(b.Oid)) })
	for _, ix := range r.Indexes {
		if ix.Primary {
			r.PrimaryKey = ix.Oid
		}
		if ix.ReplIdent {
			r.ReplicaIndex = ix.Oid
		}
	}
	r.decoded = make(map[int16]*memo[query.Expr], len(r.Defaults))
	for n := range r.Defaults {
		r.decoded[n] = new(memo[query.Expr])
	}
	r.checkNodes = make([]memo[query.Expr], len(r.Checks))
	return r
}

// AttNum returns the number of a live column or system column, 0 when there is none of that name.
func (r *Relation) AttNum(name string) int16 {
	if n, ok := r.attByName[name]; ok {
		return n
	}
	if r.Kind == 'v' || r.Kind == 'c' || r.Kind == 'i' {
		return 0
	}
	n, _ := SystemAttr(name)
	return n
}

// AttName returns the name of a column or system column.
func (r *Relation) AttName(n int16) string {
	if n > 0 && int(n) <= len(r.Desc.Attrs) {
		return r.Desc.Attrs[n-1].Name
	}
	name, _ := SystemAttrName(n)
	return name
}

// Option returns the value of a storage parameter.
func (r *Relation) Option(name string) (string, bool) { return option(r.Options, name) }

func option(opts []string, name string) (string, bool) {
	for _, o := range opts {
		if k, v, _ := strings.Cut(o, "="); k == name {
			return v, true
		}
	}
	return "", false
}

// FillFactor returns the fill factor in percent.
func (r *Relation) FillFactor() int {
	if v, ok := r.Option("fillfactor"); ok {
		if n, err := strconv.Atoi(v); err == nil {
			return n
		}
	}
	if r.Kind == 'i' {
		return 90
	}
	return 100
}

// IsTemp reports whether the relation belongs to one session.
func (r *Relation) IsTemp() bool { return r.Persistence == 't' }

// HasStorage reports whether the relation has files of its own.
func (r *Relation) HasStorage() bool { return hasStorage(r.Kind) }

func hasStorage(kind byte) bool {
	switch kind {
	case 'r', 'i', 'S', 't', 'm':
		return true
	}
	return false
}

// Default returns the decoded default (or generation expression) of a column; nil when it has none.
func (r *Relation) Default(att int16) (query.Expr, error) {
	m := r.decoded[att]
	if m == nil {
		return nil, nil
	}
	return m.get(func() (query.Expr, error) { return query.DecodeExpr(r.Defaults[att]) })
}

// Check returns the decoded expression of Checks[i].
func (r *Relation) Check(i int) (query.Expr, error) {
	return r.checkNodes[i].get(func() (query.Expr, error) { return query.DecodeExpr(StrValue(r.Checks[i].Conbin)) })
}

// ViewQuery returns the decoded query of a view; nil for other relations. Callers must not change it.
func (r *Relation) ViewQuery() (*query.Query, error) {
	return r.view.get(func() (*query.Query, error) {
		for _, rule := range r.Rules {
			if rule.EvType == '1' {
				return query.DecodeQuery(rule.EvAction)
			}
		}
		return nil, nil
	})
}

// Exprs returns the decoded expressions of the index, one for each 0 in Keys.
func (ix *Index) Exprs() ([]query.Expr, error) {
	if ix.ExprText == nil {
		return nil, nil
	}
	return ix.exprs.get(func() ([]query.Expr, error) { return query.DecodeExprs(*ix.ExprText) })
}

// Pred returns the decoded predicate of a partial index; nil when it has none.
func (ix *Index) Pred() (query.Expr, error) {
	if ix.PredText == nil {
		return nil, nil
	}
	return ix.pred.get(func() (query.Expr, error) { return query.DecodeExpr(*ix.PredText) })
}
