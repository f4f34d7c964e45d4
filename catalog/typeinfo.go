package catalog

import (
	"gompho/internal/ids"
	"gompho/types"
)

// Type returns what the input, output and comparison of a type's values need; nil when there is no such type.
func (s *Session) Type(oid ids.Oid) (*types.Type, error) {
	if oid < firstUnpinned {
		if t := types.Builtin(oid); t != nil {
			return t, nil
		}
	}
	k := keyOid(typeCache, oid)
	if len(s.over.dirty) > 0 && s.isDirty(&k) {
		s.checkOverlay()
		if v, ok := s.over.entries[k]; ok {
			return v.(*types.Type), nil
		}
	} else if v, ok := s.cache.get(&k); ok {
		return v.(*types.Type), nil
	}
	v, err := s.fill(&k, func() (any, error) { return s.loadType(oid) })
	t, _ := v.(*types.Type)
	return t, err
}

// TypeByOid is Type for callers that can do without an error: nil for a type that is not there or cannot be read.
func (s *Session) TypeByOid(oid ids.Oid) *types.Type {
	t, _ := s.Type(oid)
	return t
}

func (s *Session) loadType(oid ids.Oid) (*types.Type, error) {
	row, err := s.TypeRow(oid)
	if row == nil || err != nil {
		return nil, err
	}
	t := types.Type{Oid: row.Oid, Name: row.Typname, Len: row.Typlen, ByVal: row.Typbyval, Align: row.Typalign,
		Storage: row.Typstorage, Typtype: row.Typtype, Category: row.Typcategory, Preferred: row.Typispreferred,
		Delim: row.Typdelim, Elem: row.Typelem, Array: row.Typarray, Typmod: row.Typtypmod, Collation: row.Typcollation}
	switch {
	case row.Typelem != 0 && row.Typsubscript == arraySubscriptHandler:
		t.IsArray = true
		t.ElemType, err = s.Type(row.Typelem)
	case row.Typtype == 'd':
		t.Base = row.Typbasetype
		t.BaseType, err = s.Type(row.Typbasetype)
	case row.Typtype == 'e':
		err = s.loadEnum(&t)
	case row.Typtype == 'c':
		err = s.loadFields(&t, row.Typrelid)
	}
	if err != nil {
		return nil, err
	}
	return types.NewType(t), nil
}

func (s *Session) loadEnum(t *types.Type) error {
	rows, err := s.Enums(t.Oid)
	labels := make([]types.EnumLabel, len(rows))
	for i, r := range rows {
		labels[i] = types.EnumLabel{Oid: r.Oid, Name: r.Enumlabel}
	}
	t.Enum = types.NewEnumLabels(labels)
	return err
}

func (s *Session) loadFields(t *types.Type, rel ids.Oid) error {
	r, err := s.Relation(rel)
	if r == nil || err != nil {
		return err
	}
	for i := range r.Desc.Attrs {
		a := &r.Desc.Attrs[i]
		if a.Dropped {
			continue
		}
		ft, err := s.Type(a.Type)
		if err != nil {
			return err
		}
		t.Fields = append(t.Fields, types.Field{Name: a.Name, Type: ft, Typmod: a.Typmod})
	}
	return nil
}

// invalidateType makes the descriptor of a type, and of the array type of it, be read anew.
func (s *Session) invalidateType(oid ids.Oid) {
	if oid == 0 {
		return
	}
	s.over.mark(keyOid(typeCache, oid))
	if row, err := s.TypeRow(oid); err == nil && row != nil && row.Typarray != 0 {
		s.over.mark(keyOid(typeCache, row.Typarray))
	}
}

// invalidateTypesOf follows a written row to the types whose descriptors it is part of.
func (s *Session) invalidateTypesOf(table ids.Oid, vals []types.Datum) {
	switch table {
	case PgTypeOid:
		s.over.mark(keyOid(typeCache, vals[AttPgTypeOid-1].Oid()))
	case PgEnumOid:
		s.invalidateType(vals[AttPgEnumEnumtypid-1].Oid())
	case PgClassOid:
		s.invalidateType(vals[AttPgClassReltype-1].Oid())
	case PgAttributeOid:
		rel := vals[AttPgAttributeAttrelid-1].Oid()
		k := keyOid(relCache, rel)
		if r, ok := s.peekRelation(&k, rel); ok && r != nil {
			s.invalidateType(r.RowType)
		}
	}
}
