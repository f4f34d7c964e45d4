package backend

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/query"
)

// rightsUser returns as whom a range-table entry is read.
func (e *engine) rightsUser(rte *query.RangeTblEntry) ids.Oid {
	if rte.CheckAsUser != 0 {
		return rte.CheckAsUser
	}
	return e.s.User
}

// checkRights checks the privileges that a range-table entry needs: on the table, or else on each column that is used.
func (e *engine) checkRights(rte *query.RangeTblEntry) error {
	if rte.Relid == 0 {
		return nil
	}
	user := e.rightsUser(rte)
	if super, err := e.s.Cat.IsSuperuser(user); err != nil || super {
		return err
	}
	r, err := e.s.Cat.Relation(rte.Relid)
	if err != nil || r == nil {
		return err
	}
	for _, p := range []struct {
		perm, acl uint32
		cols      []int16
		byColumn  bool
	}{
		{query.PermSelect, catalog.AclSelect, rte.SelectedCols, true},
		{query.PermInsert, catalog.AclInsert, rte.InsertedCols, true},
		{query.PermUpdate, catalog.AclUpdate, rte.UpdatedCols, true},
		{query.PermDelete, catalog.AclDelete, nil, false},
	} {
		if rte.RequiredPerms&p.perm == 0 {
			continue
		}
		ok, err := e.s.Cat.HasRelationPrivilege(user, r, p.acl)
		if !ok && err == nil && p.byColumn {
			ok, err = e.columnRights(user, r, p.acl, p.cols)
		}
		if err != nil {
			return err
		}
		if !ok {
			return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for %s %s", catalog.KindWord(r.Kind), r.Name)
		}
	}
	return nil
}

// columnRights reports whether a role has a privilege on each of the columns, 0 meaning all of them; with no columns at all, on any.
func (e *engine) columnRights(user ids.Oid, r *catalog.Relation, acl uint32, cols []int16) (bool, error) {
	if len(cols) == 0 {
		for i := range r.Desc.Attrs {
			if r.Desc.Attrs[i].Dropped {
				continue
			}
			if ok, err := e.s.Cat.HasColumnPrivilege(user, r, int16(i+1), acl); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	for _, att := range cols {
		if att == 0 {
			for i := range r.Desc.Attrs {
				if r.Desc.Attrs[i].Dropped {
					continue
				}
				if ok, err := e.s.Cat.HasColumnPrivilege(user, r, int16(i+1), acl); !ok || err != nil {
					return false, err
				}
			}
			continue
		}
		if ok, err := e.s.Cat.HasColumnPrivilege(user, r, att, acl); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// maySelect reports whether the user may read a column, or with 0 the table.
func (e *engine) maySelect(r *catalog.Relation, att int16) bool {
	if att == 0 {
		ok, err := e.s.Cat.HasRelationPrivilege(e.s.User, r, catalog.AclSelect)
		return ok && err == nil
	}
	ok, err := e.s.Cat.HasColumnPrivilege(e.s.User, r, att, catalog.AclSelect)
	return ok && err == nil
}
