package executor

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/mvcc"
	"gompho/sql/plan"
	"gompho/sql/query"
	"gompho/types"
)

const languageSQL ids.Oid = 14

// builtinBodies are the bodies of built-in functions of language SQL, by pg_proc.prosrc, which names them with their argument types. Those that
// package functions has too are taken from there.
var builtinBodies = map[string]string{
	"quote_literal(anyelement)":                              "select pg_catalog.quote_literal($1::pg_catalog.text)",
	"quote_nullable(anyelement)":                             "select pg_catalog.quote_nullable($1::pg_catalog.text)",
	"textanycat(text,anynonarray)":                           "select $1 operator(pg_catalog.||) $2::pg_catalog.text",
	"anytextcat(anynonarray,text)":                           "select $1::pg_catalog.text operator(pg_catalog.||) $2",
	"lpad(text,int4)":                                        "select pg_catalog.lpad($1, $2, ' ')",
	"rpad(text,int4)":                                        "select pg_catalog.rpad($1, $2, ' ')",
	"substring(text,text,text)":                              "select pg_catalog.substring($1, pg_catalog.similar_to_escape($2, $3))",
	"bit_length(bit)":                                        "select pg_catalog.length($1)",
	"bit_length(bytea)":                                      "select pg_catalog.octet_length($1) * 8",
	"bit_length(text)":                                       "select pg_catalog.octet_length($1) * 8",
	"log(numeric)":                                           "select pg_catalog.log(10::numeric, $1)",
	"log10(numeric)":                                         "select pg_catalog.log(10::numeric, $1)",
	"round(numeric)":                                         "select pg_catalog.round($1, 0)",
	"trunc(numeric)":                                         "select pg_catalog.trunc($1, 0)",
	"numeric_pl_pg_lsn(numeric,pg_lsn)":                      "select $2 + $1",
	"age(timestamptz)":                                       "select pg_catalog.age(current_date::timestamptz, $1)",
	"age(timestamp)":                                         "select pg_catalog.age(current_date::timestamp, $1)",
	"date_part(text,date)":                                   "select pg_catalog.date_part($1, $2::timestamp)",
	"timestamptz(date,time)":                                 "select ($1 + $2)::timestamptz",
	"timedate_pl(time,date)":                                 "select $2 + $1",
	"timetzdate_pl(timetz,date)":                             "select $2 + $1",
	"interval_pl_time(interval,time)":                        "select $2 + $1",
	"interval_pl_date(interval,date)":                        "select $2 + $1",
	"interval_pl_timetz(interval,timetz)":                    "select $2 + $1",
	"interval_pl_timestamp(interval,timestamp)":              "select $2 + $1",
	"interval_pl_timestamptz(interval,timestamptz)":          "select $2 + $1",
	"int8pl_inet(int8,inet)":                                 "select $2 + $1",
	"integer_pl_date(int4,date)":                             "select $2 + $1",
	"overlaps(timestamptz,timestamptz,timestamptz,interval)": "select pg_catalog.overlaps($1, $2, $3, $3 + $4)",
	"overlaps(timestamptz,interval,timestamptz,interval)":    "select pg_catalog.overlaps($1, $1 + $2, $3, $3 + $4)",
	"overlaps(timestamptz,interval,timestamptz,timestamptz)": "select pg_catalog.overlaps($1, $1 + $2, $3, $4)",
	"overlaps(timestamp,timestamp,timestamp,interval)":       "select pg_catalog.overlaps($1, $2, $3, $3 + $4)",
	"overlaps(timestamp,interval,timestamp,timestamp)":       "select pg_catalog.overlaps($1, $1 + $2, $3, $4)",
	"overlaps(timestamp,interval,timestamp,interval)":        "select pg_catalog.overlaps($1, $1 + $2, $3, $3 + $4)",
	"overlaps(time,interval,time,interval)":                  "select pg_catalog.overlaps($1, $1 + $2, $3, $3 + $4)",
	"overlaps(time,time,time,interval)":                      "select pg_catalog.overlaps($1, $2, $3, $3 + $4)",
	"overlaps(time,interval,time,time)":                      "select pg_catalog.overlaps($1, $1 + $2, $3, $4)",
	"pg_sleep_for(interval)":                                 "select pg_catalog.pg_sleep(extract(epoch from pg_catalog.clock_timestamp() + $1) - extract(epoch from pg_catalog.clock_timestamp()))",
	"pg_sleep_until(timestamptz)":                            "select pg_catalog.pg_sleep(extract(epoch from $1) - extract(epoch from pg_catalog.clock_timestamp()))",
	"pg_relation_size(regclass)":                             "select pg_catalog.pg_relation_size($1, 'main')",
	"obj_description(oid,name)": "select description from pg_catalog.pg_description where objoid = $1 and objsubid = 0 and " +
		"classoid = (select oid from pg_catalog.pg_class where relname = $2 and relnamespace = 11)",
	"shobj_description(oid,name)": "select description from pg_catalog.pg_shdescription where objoid = $1 and " +
		"classoid = (select oid from pg_catalog.pg_class where relname = $2 and relnamespace = 11)",
	"obj_description(oid)":      "select description from pg_catalog.pg_description where objoid = $1 and objsubid = 0",
	"col_description(oid,int4)": "select description from pg_catalog.pg_description where objoid = $1 and classoid = 1259 and objsubid = $2",
}

// sqlEntry makes the callable form of a function of language SQL.
func (e *Env) sqlEntry(p *catalog.Proc, body string) (*functions.Entry, error) {
	if e.PlanSQL == nil {
		return nil, pgerr.NotSupported("functions of language SQL are not supported here")
	}
	f := &sqlFunction{env: e, proc: p, body: body}
	if p.Proretset {
		return &functions.Entry{Name: p.Proname, Set: f.rows}, nil
	}
	return &functions.Entry{Name: p.Proname, Scalar: f.scalar}, nil
}

// sqlFunction is a function whose body are SQL statements.
type sqlFunction struct {
	env  *Env
	proc *catalog.Proc
	body string
}

// sqlCall is the run state of an SQL function at one place where it is called.
type sqlCall struct {
	plans []*plan.Statement
	execs []*Exec
	args  []types.Datum
}

// maxSQLDepth bounds the nesting of calls of SQL functions.
const maxSQLDepth = 1000

func (f *sqlFunction) open(c *functions.Call) (*sqlCall, error) {
	if s, ok := c.State.(*sqlCall); ok {
		return s, nil
	}
	typs := make([]ids.Oid, len(c.ArgTypes))
	for i, t := range c.ArgTypes {
		typs[i] = t.Oid
	}
	plans, err := f.env.PlanSQL(f.proc, f.body, typs)
	if err != nil {
		return nil, err
	}
	if len(plans) == 0 && f.proc.Prorettype != voidOid {
		return nil, pgerr.New(pgerr.InvalidFunctionDefinition, "return type mismatch in function declared to return %s",
			f.env.Catalog.TypeName(f.proc.Prorettype))
	}
	s := &sqlCall{plans: plans, execs: make([]*Exec, len(plans)), args: make([]types.Datum, len(c.Args))}
	c.State = s
	return s, nil
}

// start readies statement i with the call's arguments.
func (f *sqlFunction) start(s *sqlCall, i int) (*Exec, error) {
	tx := f.env.Tx
	var snap *mvcc.Snapshot
	if f.proc.Provolatile == 'v' {
		if err := tx.IncrementCommand(); err != nil {
			return nil, err
		}
		snap = tx.Snapshot()
	} else if snap = tx.Active(); snap == nil {
		snap = tx.Snapshot()
	}
	if x := s.execs[i]; x != nil {
		return x, x.Reset(s.args, snap)
	}
	x, err := Start(f.env, s.plans[i], s.args, snap, Opts{})
	s.execs[i] = x
	return x, err
}

func (f *sqlFunction) enter(c *functions.Call) (*sqlCall, func(), error) {
	if f.env.sqlDepth >= maxSQLDepth {
		return nil, nil, pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded").
			WithHint("Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the platform's stack depth limit is adequate.")
	}
	f.env.sqlDepth++
	s, err := f.open(c)
	if err != nil {
		f.env.sqlDepth--
		return nil, nil, err
	}
	copy(s.args, c.Args)
	return s, func() { f.env.sqlDepth-- }, nil
}

// scalar runs the statements; the value is the first column of the last one's first row, NULL when it has none.
func (f *sqlFunction) scalar(c *functions.Call) (types.Datum, error) {
	s, leave, err := f.enter(c)
	if err != nil {
		return types.Null, err
	}
	defer leave()
	out := types.Null
	for i := range s.plans {
		x, err := f.start(s, i)
		if err != nil {
			return types.Null, f.where(err)
		}
		if i < len(s.plans)-1 || f.proc.Prorettype == voidOid {
			if err := x.Run(); err != nil {
				return types.Null, f.where(err)
			}
			continue
		}
		b, err := x.Next(1)
		if err == nil && b != nil {
			out = f.value(b)
		}
		if err == nil && x.st.CommandType != query.CmdSelect {
			err = x.Run()
		}
		x.Close()
		if err != nil {
			return types.Null, f.where(err)
		}
	}
	return out, nil
}

// value makes the function's value of a row.
func (f *sqlFunction) value(b *types.Batch) types.Datum {
	row := b.Row(0)
	if len(b.Cols) == 1 {
		return b.Cols[0].Get(row).Clone()
	}
	r := types.Record{Type: f.proc.Prorettype, Typmod: -1}
	for _, v := range b.Cols {
		r.Vals = append(r.Vals, v.Get(row))
		r.Types = append(r.Types, 0)
	}
	return r.Encode()
}

func (f *sqlFunction) where(err error) error {
	if f.proc.Oid < ids.FirstNormalOid {
		return err
	}
	return pgerr.From(err).WithWhere("SQL function \"%s\" statement 1", f.proc.Proname)
}

// rows runs the statements; the last one's rows are the set.
func (f *sqlFunction) rows(c *functions.Call) (functions.RowSource, error) {
	s, leave, err := f.enter(c)
	if err != nil {
		return nil, err
	}
	defer leave()
	for i := range s.plans[:len(s.plans)-1] {
		x, err := f.start(s, i)
		if err == nil {
			err = x.Run()
		}
		if err != nil {
			return nil, f.where(err)
		}
	}
	// The set may be read again before it has ended: it gets a run state of its own.
	s.execs[len(s.plans)-1] = nil
	x, err := f.start(s, len(s.plans)-1)
	if err != nil {
		return nil, f.where(err)
	}
	return &sqlRows{f: f, x: x}, nil
}

// sqlRows are the rows of a set-returning SQL function.
type sqlRows struct {
	f  *sqlFunction
	x  *Exec
	b  *types.Batch
	at int
}

func (r *sqlRows) Next(cols []types.Datum) (bool, error) {
	if r.b == nil || r.at >= r.b.Rows() {
		b, err := r.x.Next(64)
		if b == nil || err != nil {
			r.b = nil
			return false, err
		}
		r.b, r.at = b, 0
	}
	pos := r.b.Row(r.at)
	r.at++
	for i := range cols {
		cols[i] = types.Null
		if i < len(r.b.Cols) {
			cols[i] = r.b.Cols[i].Get(pos)
		}
	}
	return true, nil
}

func (r *sqlRows) Close() { r.x.Close() }
