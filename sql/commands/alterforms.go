package commands

import (
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

// otherForm answers the forms of ALTER TABLE about things that this server does not have: triggers, rules, typed and partitioned tables,
// row security. What would find nothing to change says so as PostgreSQL does; the rest is 0A000.
func (a *alteration) otherForm(cmd *ast.AlterTableCmd) error {
	name := cmd.Name
	switch cmd.Subtype {
	case ast.ATAlterConstraint:
		k, _ := cmd.Def.(*ast.Constraint)
		if k == nil {
			return pgerr.Internal("ALTER CONSTRAINT without a constraint")
		}
		return a.later("ALTER CONSTRAINT", "r", func() error { return a.alterConstraint(k) })
	case ast.ATEnableTrig, ast.ATEnableAlwaysTrig, ast.ATEnableReplicaTrig, ast.ATDisableTrig:
		return a.later("ENABLE/DISABLE TRIGGER", "r", func() error { return a.enableTriggers(name, cmd.Subtype) })
	case ast.ATEnableRule, ast.ATEnableAlwaysRule, ast.ATEnableReplicaRule, ast.ATDisableRule:
		return a.later("ENABLE/DISABLE RULE", "r", func() error {
			return pgerr.New(pgerr.UndefinedObject, "rule %q for relation %q does not exist", name, a.old.Name)
		})
	case ast.ATDropOf:
		return a.later("NOT OF", "r", func() error { return pgerr.New(pgerr.WrongObjectType, "%q is not a typed table", a.old.Name) })
	case ast.ATDisableRowSecurity, ast.ATNoForceRowSecurity:
		return a.later("ROW SECURITY", "r", func() error { return nil })
	case ast.ATSetAccessMethod:
		return a.later("SET ACCESS METHOD", "rm", func() error {
			if name == "heap" || name == "" {
				return nil
			}
			return a.c.tableAm(name)
		})
	case ast.ATAttachPartition, ast.ATDetachPartition, ast.ATDetachPartitionFinalize:
		return a.partitionForm(cmd)
	case ast.ATAddInherit, ast.ATDropInherit:
		return a.inheritForm(cmd)
	}
	if what, ok := unsupportedForms[cmd.Subtype]; ok {
		return missing("ALTER TABLE ... " + what)
	}
	return missing("this form of ALTER TABLE")
}

var unsupportedForms = map[ast.AlterTableType]string{
	ast.ATAddOf:                     "OF",
	ast.ATEnableRowSecurity:         "ENABLE ROW LEVEL SECURITY",
	ast.ATForceRowSecurity:          "FORCE ROW LEVEL SECURITY",
	ast.ATGenericOptions:            "OPTIONS",
	ast.ATReplaceRelOptions:         "reloptions of a view",
	ast.ATAlterColumnGenericOptions: "ALTER COLUMN ... OPTIONS",
}

// partitionForm prepares ATTACH and DETACH PARTITION, of tables and indexes.
func (a *alteration) partitionForm(cmd *ast.AlterTableCmd) error {
	pc, ok := cmd.Def.(*ast.PartitionCmd)
	if !ok {
		return pgerr.Internal("a form of ALTER TABLE about partitions without a partition")
	}
	what := "ATTACH PARTITION"
	switch cmd.Subtype {
	case ast.ATDetachPartition:
		what = "DETACH PARTITION"
	case ast.ATDetachPartitionFinalize:
		what = "DETACH PARTITION ... FINALIZE"
	}
	attach := cmd.Subtype == ast.ATAttachPartition
	switch a.old.Kind {
	case 'p':
	case 'I':
		if attach {
			a.add(passMisc, func() error { return a.c.attachIndexPartition(a.old, pc.Name) })
			return nil
		}
		return a.allow(what, "r")
	case 'i':
		if attach {
			return pgerr.New(pgerr.InvalidObjectDefinition, "index %q is not partitioned", a.old.Name)
		}
		return a.allow(what, "r")
	case 'r':
		return pgerr.New(pgerr.InvalidObjectDefinition, "table %q is not partitioned", a.old.Name)
	default:
		return a.allow(what, "r")
	}
	switch {
	case attach:
		a.add(passMisc, func() error { return a.attachPartition(pc) })
	case cmd.Subtype == ast.ATDetachPartitionFinalize:
		a.add(passMisc, func() error { return a.detachFinalize(pc) })
	case pc.Concurrent:
		a.add(passMisc, func() error { return a.detachConcurrently(pc) })
	default:
		a.add(passMisc, func() error { return a.detachPartition(pc) })
	}
	return nil
}

// inheritForm prepares INHERIT and NO INHERIT.
func (a *alteration) inheritForm(cmd *ast.AlterTableCmd) error {
	rv, ok := cmd.Def.(*ast.RangeVar)
	if !ok {
		return pgerr.Internal("INHERIT without a table")
	}
	add := cmd.Subtype == ast.ATAddInherit
	what := "NO INHERIT"
	if add {
		what = "INHERIT"
	}
	if err := a.allow(what, "r"); err != nil {
		return err
	}
	switch {
	case a.old.IsPartition:
		return pgerr.New(pgerr.WrongObjectType, "cannot change inheritance of a partition")
	case a.old.Kind == 'p':
		return pgerr.New(pgerr.WrongObjectType, "cannot change inheritance of partitioned table")
	}
	if add {
		a.add(passMisc, func() error { return a.addInherit(rv) })
	} else {
		a.add(passMisc, func() error { return a.dropInherit(rv) })
	}
	return nil
}

// later puts an action among the last ones, if it is for this kind of relation.
func (a *alteration) later(what, kinds string, f func() error) error {
	if err := a.allow(what, kinds); err != nil {
		return err
	}
	a.add(passMisc, f)
	return nil
}
