package catalog

import (
	"gompho/internal/ids"
	"gompho/types"
)

// Row is a row of a catalog: one of the Pg... structs.
type Row interface {
	Table() ids.Oid         // the catalog it belongs to
	Values(v []types.Datum) // stores the columns
	Scan(v []types.Datum)   // sets the columns, keeping no reference to v's memory
	TID() ids.TID           // where it was read from; zero for a row that was not
	place() rowTID
	setPlace(rowTID)
}

// rowTID is what every row struct embeds: the place the row was read from.
type rowTID struct {
	tid   ids.TID
	epoch uint64  // of the map of files, when it was read
	xmin  ids.Xid // who made the version; 0: not known
}

// TID returns the address the row was read from or written to.
func (r *rowTID) TID() ids.TID  { return r.tid }
func (r *rowTID) place() rowTID { return *r }

func (r *rowTID) setPlace(at rowTID) { *r = at }

// rowPtr is the constraint that ties a row struct to its pointer.
type rowPtr[T any] interface {
	*T
	Row
}

// Short names for rows that are used as they are.
type (
	Operator   = PgOperator
	Cast       = PgCast
	OpClass    = PgOpclass
	OpFamily   = PgOpfamily
	AmOp       = PgAmop
	AmProc     = PgAmproc
	Aggregate  = PgAggregate
	Namespace  = PgNamespace
	Role       = PgAuthid
	Database   = PgDatabase
	Tablespace = PgTablespace
	Collation  = PgCollation
	Language   = PgLanguage
	Constraint = PgConstraint
	Range      = PgRange
	Am         = PgAm
	Enum       = PgEnum
	Trigger    = PgTrigger
	Statistic  = PgStatistic
)

// Proc is a function, procedure or aggregate.
type Proc struct {
	PgProc
	// DefaultSQL holds the default expressions of the last len(DefaultSQL) arguments of a built-in
	// function as SQL text; a user's function has them in Proargdefaults as a node tree.
	DefaultSQL []string
}

// Scan takes the fields from a row of pg_proc. The defaults of a built-in function are not there.
func (p *Proc) Scan(v []types.Datum) {
	p.PgProc.Scan(v)
	if p.Oid < firstUnpinned {
		if b := builtinFacts().procs[p.Oid]; b != nil {
			p.DefaultSQL = b.DefaultSQL
		}
	}
}

// ArgName returns the name of the i-th input argument (from 0), empty when it has none.
func (p *Proc) ArgName(i int) string {
	if p.Proargmodes == nil {
		if i < len(p.Proargnames) {
			return p.Proargnames[i]
		}
		return ""
	}
	for j, m := range p.Proargmodes {
		if m == 'i' || m == 'b' || m == 'v' {
			if i == 0 {
				if j < len(p.Proargnames) {
					return p.Proargnames[j]
				}
				return ""
			}
			i--
		}
	}
	return ""
}

// OutColumns returns the names, types of the OUT, INOUT and TABLE arguments; nil when there are none.
func (p *Proc) OutColumns() (names []string, typs []ids.Oid) {
	for j, m := range p.Proargmodes {
		if m != 'o' && m != 'b' && m != 't' {
			continue
		}
		name := ""
		if j < len(p.Proargnames) {
			name = p.Proargnames[j]
		}
		names, typs = append(names, name), append(typs, p.Proallargtypes[j])
	}
	return names, typs
}

// IsAggregate, IsWindow and IsProcedure tell the kinds of Proc apart.
func (p *Proc) IsAggregate() bool { return p.Prokind == 'a' }

// IsWindow reports whether p is a window function.
func (p *Proc) IsWindow() bool { return p.Prokind == 'w' }

// IsProcedure reports whether p is a procedure.
func (p *Proc) IsProcedure() bool { return p.Prokind == 'p' }
