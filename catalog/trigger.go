package catalog

import "gompho/internal/ids"

// Bits of pg_trigger.tgtype.
const (
	TriggerRow    int16 = 1
	TriggerInsert int16 = 4
	TriggerDelete int16 = 8
	TriggerUpdate int16 = 16
)

// firstRIFunction is the Oid of RI_FKey_check_ins. The functions of foreign keys follow in the order check, cascade, restrict, set null,
// set default, no action; of each first the one for the first event, then that for updates.
const firstRIFunction ids.Oid = 1644

// riActions are the functions of the actions of pg_constraint.confdeltype and confupdtype, counted in pairs from the first.
var riActions = map[byte]ids.Oid{'c': 1, 'r': 2, 'n': 3, 'd': 4, 'a': 5}

// IsKeyCheck reports whether a function is one of a foreign key's that looks, and changes nothing: its triggers can wait for the commit. RESTRICT cannot.
func IsKeyCheck(fn ids.Oid) bool {
	n := fn - firstRIFunction
	return n < 2 || n/2 == riActions['a']
}

// CreateForeignKeyTriggers makes the internal triggers of a foreign key: on the referenced table for its actions and on the referencing one
// for its checks.
func (s *Session) CreateForeignKeyTriggers(c *PgConstraint) error {
	for _, t := range []struct {
		action byte
		event  int16
		second ids.Oid
	}{{c.Confdeltype, TriggerDelete, 0}, {c.Confupdtype, TriggerUpdate, 1}} {
		waits := t.action == 'a'
		if err := s.createConstraintTrigger(&PgTrigger{Tgrelid: c.Confrelid, Tgconstrrelid: c.Conrelid, Tgconstrindid: c.Conindid, Tgconstraint: c.Oid,
			Tgfoid: firstRIFunction + 2*riActions[t.action] + t.second, Tgtype: TriggerRow | t.event,
			Tgdeferrable: waits && c.Condeferrable, Tginitdeferred: waits && c.Condeferred}, "a"); err != nil {
			return err
		}
	}
	for i, event := range []int16{TriggerInsert, TriggerUpdate} {
		if err := s.createConstraintTrigger(&PgTrigger{Tgrelid: c.Conrelid, Tgconstrrelid: c.Confrelid, Tgconstrindid: c.Conindid, Tgconstraint: c.Oid,
			Tgfoid: firstRIFunction + ids.Oid(i), Tgtype: TriggerRow | event, Tgdeferrable: c.Condeferrable, Tginitdeferred: c.Condeferred}, "c"); err != nil {
			return err
		}
	}
	for _, rel := range []ids.Oid{c.Confrelid, c.Conrelid} {
		t, err := s.ClassRow(rel)
		if t == nil || err != nil {
			return err
		}
		if !t.Relhastriggers {
			t.Relhastriggers = true
			if err := s.Update(t); err != nil {
				return err
			}
			if err := s.IncrementCommand(); err != nil {
				return err
			}
		}
		s.InvalidateRelation(rel)
	}
	return nil
}

func (s *Session) createConstraintTrigger(t *PgTrigger, kind string) error {
	var err error
	if t.Oid, err = s.NewObjectOid(PgTriggerOid); err != nil {
		return err
	}
	t.Tgname = "RI_ConstraintTrigger_" + kind + "_" + itoa(int(t.Oid))
	t.Tgenabled, t.Tgisinternal, t.Tgattr, t.Tgargs = 'O', true, []int16{}, []byte{}
	if err := s.Insert(t); err != nil {
		return err
	}
	me := Object{Class: PgTriggerOid, Oid: t.Oid}
	if err := s.RecordDependency(me, Object{Class: PgProcOid, Oid: t.Tgfoid}, DepNormal); err != nil {
		return err
	}
	return s.RecordDependency(me, Object{Class: PgConstraintOid, Oid: t.Tgconstraint}, DepInternal)
}
