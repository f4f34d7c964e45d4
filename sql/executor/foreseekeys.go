package executor

import (
	"slices"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/sql/query"
)

// What foreign keys would do, for those who want to know without doing it.

// PlanValidate plans the query of Validate; nil when the constraint is gone.
func (d *Deferred) PlanValidate(con ids.Oid) (*plan.Statement, error) {
	_, st, err := d.planValidate(con)
	return st, err
}

func (d *Deferred) planValidate(con ids.Oid) (*foreignKey, *plan.Statement, error) {
	k, err := d.keyOf(con)
	if k == nil || err != nil {
		return nil, nil, err
	}
	sql, err := k.orphans()
	if err != nil {
		return nil, nil, err
	}
	st, err := d.env.PlanInternal(sql, nil, ids.BootstrapRole)
	return k, st, err
}

// KeyWork is what a foreign key may do.
type KeyWork struct {
	Plan     *plan.Statement // nil: it looks up keys in Table, and locks their rows FOR KEY SHARE
	Table    ids.Oid
	Deferred bool // not before the end of the transaction
}

// Foresee plans what the foreign keys of a table may ask for when op adds rows to it, deletes some, or updates columns cols, from 0, of some.
// Each plan is locked as before its execution, and given to each.
func (d *Deferred) Foresee(rel *catalog.Relation, op query.CommandType, cols []int, each func(KeyWork) error) error {
	t, err := d.triggersOf(rel)
	if t == nil || err != nil {
		return err
	}
	list := t.ins
	switch op {
	case query.CmdDelete:
		list = t.del
	case query.CmdUpdate:
		list = t.upd
	}
	for _, x := range list {
		concerned := op != query.CmdUpdate || slices.ContainsFunc(x.cols, func(c int) bool { return slices.Contains(cols, c) })
		if !concerned || !d.fires(x) {
			continue
		}
		if err := d.foresee(d.rows.triggers[x.place], each); err != nil {
			return err
		}
	}
	return nil
}

// ForgetPlans forgets the plans of Foresee, so that the next execution locks what it plans with, as it would have done.
func (d *Deferred) ForgetPlans() { d.foreign.forget() }

func (d *Deferred) foresee(x rowTrigger, each func(KeyWork) error) error {
	k, err := d.keyOf(x.con)
	if k == nil || err != nil {
		return err
	}
	late, err := d.isDeferred(x.con)
	if err != nil {
		return err
	}
	for _, kind := range queriesOf[x.fn-firstRI] {
		if kind == riLookup && k.probe != nil {
			if err := k.probe.hold(); err != nil {
				return err
			}
			if err := each(KeyWork{Table: k.pk.Oid, Deferred: late}); err != nil {
				return err
			}
			continue
		}
		q, err := k.query(kind)
		if err != nil {
			return err
		}
		if err := d.env.lockPlan(q.st); err != nil {
			return err
		}
		if err := each(KeyWork{Plan: q.st, Deferred: late}); err != nil {
			return err
		}
	}
	return nil
}

// queriesOf are the queries that the trigger functions run.
var queriesOf = [endRI - firstRI][]riKind{
	riCheckIns - firstRI:    {riLookup},
	riCheckUpd - firstRI:    {riLookup},
	riCascadeDel - firstRI:  {riDelete},
	riCascadeUpd - firstRI:  {riUpdate},
	riRestrictDel - firstRI: {riReferences},
	riRestrictUpd - firstRI: {riReferences},
	riSetNullDel - firstRI:  {riNullOnDelete},
	riSetNullUpd - firstRI:  {riNullOnUpdate},
	riSetDefDel - firstRI:   {riDefaultOnDelete, riMatch, riReferences},
	riSetDefUpd - firstRI:   {riDefaultOnUpdate, riMatch, riReferences},
	riNoActionDel - firstRI: {riMatch, riReferences},
	riNoActionUpd - firstRI: {riMatch, riReferences},
}
