package backend

import (
	"encoding/json"
	"strings"

	"gompho/catalog"
	"gompho/internal/pgerr"
	"gompho/locks"
)

// What EXPLAIN (LOCKS, FORMAT JSON) answers.
type (
	foreseen struct {
		Statement string            `json:"Statement"`
		Locks     []foreseenLock    `json:"Locks"`
		RowLocks  []foreseenRowLock `json:"Row Locks"`
		Work      []foreseenWork    `json:"Work"`
	}
	foreseenLock struct {
		Type        string   `json:"Lock Type"`
		Object      string   `json:"Object"`
		New         bool     `json:"New"`
		Mode        string   `json:"Mode"`
		When        string   `json:"When"`
		Conditional bool     `json:"Conditional"`
		Released    bool     `json:"Released Early"`
		Conflicts   []string `json:"Conflicts With,omitempty"`
	}
	foreseenRowLock struct {
		Object    string   `json:"Object"`
		Mode      string   `json:"Mode"`
		Rows      string   `json:"Rows"`
		Wait      string   `json:"Wait Policy,omitempty"`
		Conflicts []string `json:"Conflicts With"`
	}
	foreseenWork struct {
		Action string `json:"Action"`
		Object string `json:"Object"`
		New    bool   `json:"New"`
	}
)

// json is the result as JSON.
func (f *foresight) json(tag string) ([]string, error) {
	out := foreseen{Statement: tag, Locks: []foreseenLock{}, RowLocks: []foreseenRowLock{}, Work: []foreseenWork{}}
	for i, l := range f.all() {
		x := foreseenLock{Type: l.Tag.Kind().String(), Object: f.thing(l.Tag), New: f.made[l.Tag], Mode: l.Mode.String(), When: l.Phase,
			Conditional: i >= len(f.rec.Locks), Released: l.Released}
		if k := l.Tag.Kind(); k == locks.KindRelation || k == locks.KindObject {
			x.Conflicts = conflicting(l.Mode)
		}
		out.Locks = append(out.Locks, x)
	}
	for _, r := range f.rows {
		out.RowLocks = append(out.RowLocks, foreseenRowLock{Object: f.names[catalog.RelationObject(r.rel)], Mode: strengthNames[r.strength], Rows: r.which,
			Wait: policyNames[r.policy], Conflicts: conflictingRows(r.strength)})
	}
	for _, w := range f.work {
		out.Work = append(out.Work, foreseenWork{string(w.Action), f.names[w.Object], f.made[w.Object]})
	}
	b, err := json.MarshalIndent([]foreseen{out}, "", "  ")
	if err != nil {
		return nil, pgerr.Internal("%v", err)
	}
	return []string{strings.TrimSuffix(string(b), "\n")}, nil
}
