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

// KeyTriggers are the two triggers of a foreign key on one of its tables: of the first event (an insertion, a deletion) and of updates.
type KeyTriggers [2]ids.Oid

// CreateForeignKeyActions makes the internal triggers of a foreign key on the referenced table. above are those that they derive from, if any.
func (s *Session) CreateForeignKeyActions(c *PgConstraint, above KeyTriggers) (made KeyTriggers, err error) {
	for i, action := range []byte{c.Confdeltype, c.Confupdtype} {
		waits := action == 'a'
		t := &PgTrigger{Tgrelid: c.Confrelid, Tgconstrrelid: c.Conrelid, Tgconstrindid: c.Conindid, Tgconstraint: c.Oid, Tgparentid: above[i],
			Tgfoid: firstRIFunction + 2*riActions[action] + ids.Oid(i), Tgtype: TriggerRow | []int16{TriggerDelete, TriggerUpdate}[i],
			Tgdeferrable: waits && c.Condeferrable, Tginitdeferred: waits && c.Condeferred}
		if err := s.createConstraintTrigger(t, "RI_ConstraintTrigger_a"); err != nil {
			return made, err
		}
		made[i] = t.Oid
	}
	return made, s.noteTriggers(c.Confrelid)
}

// CreateForeignKeyChecks makes the internal triggers of a foreign key on the referencing table.
func (s *Session) CreateForeignKeyChecks(c *PgConstraint, above KeyTriggers) (made KeyTriggers, err error) {
	for i, event := range []int16{TriggerInsert, TriggerUpdate} {
		t := &PgTrigger{Tgrelid: c.Conrelid, Tgconstrrelid: c.Confrelid, Tgconstrindid: c.Conindid, Tgconstraint: c.Oid, Tgparentid: above[i],
			Tgfoid: firstRIFunction + ids.Oid(i), Tgtype: TriggerRow | event, Tgdeferrable: c.Condeferrable, Tginitdeferred: c.Condeferred}
		if err := s.createConstraintTrigger(t, "RI_ConstraintTrigger_c"); err != nil {
			return made, err
		}
		made[i] = t.Oid
	}
	return made, s.noteTriggers(c.Conrelid)
}

// keyRecheckFunction is the Oid of unique_key_recheck.
const keyRecheckFunction ids.Oid = 1250

// CreateKeyRecheck makes the internal trigger that stands for the late check of a deferrable PRIMARY KEY or UNIQUE. Unlike those of foreign keys it is only
// there to be seen: the index says that the check comes late.
func (s *Session) CreateKeyRecheck(c *PgConstraint) error {
	t := &PgTrigger{Tgrelid: c.Conrelid, Tgconstrindid: c.Conindid, Tgconstraint: c.Oid, Tgfoid: keyRecheckFunction,
		Tgtype: TriggerRow | TriggerInsert | TriggerUpdate, Tgdeferrable: true, Tginitdeferred: c.Condeferred}
	name := "Unique_ConstraintTrigger"
	if c.Contype == 'p' {
		name = "PK_ConstraintTrigger"
	}
	if err := s.createConstraintTrigger(t, name); err != nil {
		return err
	}
	return s.noteTriggers(c.Conrelid)
}

// noteTriggers sets pg_class.relhastriggers.
func (s *Session) noteTriggers(rel ids.Oid) error {
	t, err := s.ClassRow(rel)
	if t == nil || err != nil {
		return err
	}
	s.InvalidateRelation(rel)
	if !t.Relhastriggers {
		t.Relhastriggers = true
		if err := s.Update(t); err != nil {
			return err
		}
	}
	return s.IncrementCommand()
}

// ForeignKeyTriggers returns the triggers of a constraint on one of its tables: its checks, or the actions.
func (s *Session) ForeignKeyTriggers(con, rel ids.Oid, checks bool) (found KeyTriggers, err error) {
	rows, err := fetchAll[PgTrigger](s, PgTriggerTgconstraintIndex, OidKey(AttPgTriggerTgconstraint, con))
	for _, t := range rows {
		if n := t.Tgfoid - firstRIFunction; t.Tgrelid == rel && n < 12 && (n < 2) == checks {
			found[n%2] = t.Oid
		}
	}
	return found, err
}

// SetTriggerParent makes a trigger of a partition derive from one of the partitioned table; 0 makes it independent again.
func (s *Session) SetTriggerParent(trigger, table, parent ids.Oid) error {
	row, err := fetch[PgTrigger](s, PgTriggerOidIndex, OidKey(AttPgTriggerOid, trigger))
	if row == nil || err != nil {
		return err
	}
	row.Tgparentid = parent
	if err := s.Update(row); err != nil {
		return err
	}
	me := Object{Class: PgTriggerOid, Oid: trigger}
	if parent == 0 {
		return s.dropPartitionDependencies(me)
	}
	return s.recordPartition(me, Object{Class: PgTriggerOid, Oid: parent}, RelationObject(table))
}

func (s *Session) createConstraintTrigger(t *PgTrigger, name string) error {
	var err error
	if t.Oid, err = s.NewObjectOid(PgTriggerOid); err != nil {
		return err
	}
	t.Tgname = name + "_" + itoa(int(t.Oid))
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
