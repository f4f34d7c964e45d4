package backend

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gompho/catalog"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/mvcc"
	"gompho/sql/query"
)

// conflicting lists the table lock modes that conflict with one.
func conflicting(mode locks.Mode) []string {
	var out []string
	for m := locks.AccessShare; m <= locks.AccessExclusive; m++ {
		if locks.Conflicts(mode, m) {
			out = append(out, m.String())
		}
	}
	return out
}

// conflictWords is conflicting in a line.
func conflictWords(mode locks.Mode) string {
	if mode == locks.AccessExclusive {
		return "all modes"
	}
	return strings.Join(conflicting(mode), ", ")
}

var strengthNames = [...]string{mvcc.LockKeyShare: "FOR KEY SHARE", mvcc.LockShare: "FOR SHARE", mvcc.LockNoKeyExclusive: "FOR NO KEY UPDATE",
	mvcc.LockExclusive: "FOR UPDATE"}

func conflictingRows(s mvcc.LockStrength) []string {
	var out []string
	for k := mvcc.LockKeyShare; k <= mvcc.LockExclusive; k++ {
		if s.Conflicts(k) {
			out = append(out, strengthNames[k])
		}
	}
	return out
}

var policyNames = [...]string{query.LockWaitBlock: "", query.LockWaitSkip: "SKIP LOCKED", query.LockWaitError: "NOWAIT"}

// all lists the locks, those that are certain first.
func (f *foresight) all() []locks.Rehearsed {
	out := slices.Clone(f.rec.Locks)
	for _, l := range f.maybe {
		if !slices.ContainsFunc(out, func(o locks.Rehearsed) bool { return o.Tag == l.Tag && o.Mode == l.Mode }) {
			out = append(out, l)
		}
	}
	return out
}

// covers reports whether who has one lock needs not care for another one, on the same thing at the same time.
func covers(strong, weak locks.Rehearsed) bool {
	if strong.Tag != weak.Tag || strong.Mode == weak.Mode || strong.Phase != weak.Phase || strong.Released && !weak.Released {
		return false
	}
	for m := locks.AccessShare; m <= locks.AccessExclusive; m++ {
		if locks.Conflicts(weak.Mode, m) && !locks.Conflicts(strong.Mode, m) {
			return false
		}
	}
	return true
}

// text is the result as text. Locks that a stronger one covers stand behind that.
func (f *foresight) text(tag string) []string {
	out := []string{"Locks of " + tag}
	list := f.all()
	for i, l := range list {
		if slices.ContainsFunc(list, func(o locks.Rehearsed) bool { return covers(o, l) }) {
			continue
		}
		line := "  ->  " + l.Mode.String()
		for k, o := range list {
			if k != i && covers(l, o) {
				line += ", " + o.Mode.String()
			}
		}
		line += " on " + f.thing(l.Tag)
		if f.made[l.Tag] {
			line += " (new)"
		}
		out = append(out, line)
		when := l.Phase
		if l.Released {
			when += ", released before the end of the transaction"
		}
		out = append(out, "        When: "+when)
		if k := l.Tag.Kind(); k == locks.KindRelation || k == locks.KindObject {
			out = append(out, "        Conflicts With: "+conflictWords(l.Mode))
		}
	}
	for _, r := range f.rows {
		line := fmt.Sprintf("  ->  %s on rows of %s", strengthNames[r.strength], f.names[catalog.RelationObject(r.rel)])
		if r.policy != query.LockWaitBlock {
			line += " " + policyNames[r.policy]
		}
		out = append(out, line, "        When: execution, for each row that is "+r.which,
			"        Conflicts With: "+strings.Join(conflictingRows(r.strength), ", "))
	}
	for _, w := range f.work {
		line := fmt.Sprintf("Work: %s %s", w.Action, f.names[w.Object])
		if f.made[w.Object] {
			line += " (new)"
		}
		out = append(out, line)
	}
	return out
}

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
