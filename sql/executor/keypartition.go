package executor

import (
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// keyRow notes, for foreign keys, that an UPDATE took a row from the partition at hand, where its version was at from, to the partition to. For tables that refer
// to the partitioned table this is an update of the row; for those that refer to the old partition itself it is a deletion. The new partition has noted
// an insertion already.
func (n *modifyTable) keyRow(from ids.TID, to ids.Oid, tid ids.TID, pos int) error {
	d, leaf := n.ex.env.Deferred, n.target.triggers
	if leaf == nil {
		return nil
	}
	for _, x := range leaf.del {
		if !x.clone && d.fires(x) {
			d.add(leaf, x, from, ids.TID{})
		}
	}
	if len(leaf.upd) == 0 {
		return nil
	}
	if err := n.checkAncestors(); err != nil {
		return err
	}
	root, err := d.triggersOf(n.root)
	if root == nil || err != nil {
		return err
	}
	natts := len(n.root.Desc.Attrs)
	old, now := make([]types.Datum, natts), make([]types.Datum, natts)
	for a := range natts {
		old[a], now[a] = types.Null, n.out.Cols[a].Get(pos)
		if at := n.column(a); at >= 0 && at < len(n.old) {
			old[a] = n.old[at]
		}
	}
	for _, x := range root.upd {
		if !x.out && d.fires(x) && x.concerned(d, old, now, false) {
			d.rows.count[x.place]++
			d.rows.queue = append(d.rows.queue, rowEvent{trigger: x.place, table: n.rel.Oid, sub: d.tx.SubID(), old: from, new: tid, to: to})
		}
	}
	return nil
}

// checkAncestors refuses to move a row away from under a partitioned table that is referred to, but whose own parent is not.
func (n *modifyTable) checkAncestors() error {
	for at := n.rel; at.IsPartition && at.Parent != n.root.Oid && at.Oid != n.root.Oid; {
		above, err := n.ex.env.relation(at.Parent)
		if err != nil {
			return err
		}
		t, err := n.ex.env.Deferred.triggersOf(above)
		if err != nil {
			return err
		}
		if t != nil {
			for _, x := range t.upd {
				if !x.out && !x.clone {
					return pgerr.NotSupported("cannot move tuple across partitions when a non-root ancestor of the source partition is directly referenced in a foreign key").
						WithDetail("A foreign key points to ancestor \"%s\" but not the root ancestor \"%s\".", above.Name, n.root.Name).
						WithHint("Consider defining the foreign key on table \"%s\".", n.root.Name)
				}
			}
		}
		at = above
	}
	return nil
}

// CheckPartitionGoes fails when rows refer to rows of a partition that is to leave its table; con is the part of the foreign key that is for the partition.
func (d *Deferred) CheckPartitionGoes(con ids.Oid) error {
	k, err := d.keyOf(con)
	if k == nil || err != nil {
		return err
	}
	var cols, on []string
	fkTypes, pkTypes := typesOf(k.fk, k.con.Conkey), typesOf(k.pk, k.con.Confkey)
	for i, c := range k.con.Conkey {
		fk, pk := "fk."+catalog.QuoteIdent(k.fk.AttName(c)), "pk."+catalog.QuoteIdent(k.pk.AttName(k.con.Confkey[i]))
		cond, err := k.compare(k.con.Conpfeqop[i], pk, pkTypes[i], fk, fkTypes[i])
		if err != nil {
			return err
		}
		cols, on = append(cols, fk), append(on, cond)
	}
	sql := "SELECT " + strings.Join(cols, ", ") + " FROM " + k.from(k.fk) + " fk JOIN " + k.from(k.pk) + " pk ON (" + strings.Join(on, " AND ") + ")"
	st, err := d.env.PlanInternal(sql, nil, ids.BootstrapRole)
	if err != nil {
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
	e := pgerr.New(pgerr.ForeignKeyViolation, "removing partition \"%s\" violates foreign key constraint \"%s\"", k.pk.Name, k.con.Conname)
	if text, ok := k.keyText(k.pk, k.con.Confkey); ok {
		e = e.WithDetail("Key %s is still referenced from table \"%s\".", text, k.fk.Name)
	} else {
		e = e.WithDetail("Key is still referenced from table \"%s\".", k.fk.Name)
	}
	return k.fields(e, k.fk)
}
