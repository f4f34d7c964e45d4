package executor

import (
	"slices"
	"strconv"
	"time"

	"gompho/internal/ids"
)

// triggerWatch counts the calls of triggers while events fire.
type triggerWatch struct{ list []triggerCalls }

// triggerCalls are the calls of one trigger of one table.
type triggerCalls struct {
	trigger rowTrigger
	table   ids.Oid
	calls   int
	total   time.Duration
}

// fireWatched is fire with the call counted.
func (d *Deferred) fireWatched(x rowTrigger, e rowEvent) error {
	if d.watch == nil {
		return d.fire(x, e)
	}
	at := slices.IndexFunc(d.watch.list, func(c triggerCalls) bool { return c.trigger == x && c.table == e.table })
	if at < 0 {
		at = len(d.watch.list)
		d.watch.list = append(d.watch.list, triggerCalls{trigger: x, table: e.table})
	}
	start := time.Now()
	err := d.fire(x, e)
	c := &d.watch.list[at]
	c.calls++
	c.total += time.Since(start)
	return err
}

// explainedTrigger is what EXPLAIN ANALYZE says of a trigger.
type explainedTrigger struct {
	triggerCalls
	name, constraint, relation string
	place                      int  // of the trigger among the table's
	shown                      bool // text names the table: there is more than one
}

// triggersFired describes the triggers that an execution has called: those of the statement's table first, by name.
func (x *explainer) triggersFired() ([]explainedTrigger, error) {
	if x.ex == nil {
		return nil, nil
	}
	var out []explainedTrigger
	var tables []ids.Oid
	for _, rte := range x.st.RTable {
		if rte.RequiredPerms != 0 && rte.Relid != 0 {
			tables = append(tables, rte.Relid)
		}
	}
	seen := map[ids.Oid]bool{}
	for _, c := range x.ex.fired {
		rel, err := x.env.relation(c.table)
		if err != nil {
			return nil, err
		}
		t := explainedTrigger{triggerCalls: c, relation: rel.Name}
		for i, row := range rel.Triggers {
			if row.Tgconstraint == c.trigger.con && row.Tgfoid == c.trigger.fn {
				t.name, t.place = row.Tgname, i
			}
		}
		con, err := x.env.Deferred.con(c.trigger.con)
		if err != nil {
			return nil, err
		}
		if con != nil {
			t.constraint = con.Conname
		}
		if !slices.Contains(tables, c.table) {
			tables = append(tables, c.table)
		}
		seen[c.table] = true
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b explainedTrigger) int {
		if a.table != b.table {
			return slices.Index(tables, a.table) - slices.Index(tables, b.table)
		}
		return a.place - b.place
	})
	several := len(seen) > 1 || x.changesSeveral(seen)
	for i := range out {
		out[i].shown = several
	}
	return out, nil
}

// changesSeveral reports whether the statement changes other tables than those whose triggers were called.
func (x *explainer) changesSeveral(seen map[ids.Oid]bool) bool {
	for _, r := range x.st.ResultRels {
		if r > 0 && r <= len(x.st.RTable) && !seen[x.st.RTable[r-1].Relid] {
			return true
		}
	}
	return false
}

func (t *explainedTrigger) text(o *ExplainOptions) string {
	s := "Trigger"
	if o.Verbose || t.constraint == "" {
		s += " " + t.name
	}
	if t.constraint != "" {
		s += " for constraint " + t.constraint
	}
	if t.shown {
		s += " on " + t.relation
	}
	s += ":"
	if o.Timing {
		s += " time=" + millis(t.total)
	}
	return s + " calls=" + strconv.Itoa(t.calls)
}

func (t *explainedTrigger) data(o *ExplainOptions) datum {
	d := datum{tag: "Trigger"}
	add := func(name string, v datum) { d.fields = append(d.fields, field{name, v}) }
	add("Trigger Name", text(t.name))
	if t.constraint != "" {
		add("Constraint Name", text(t.constraint))
	}
	add("Relation", text(t.relation))
	if o.Timing {
		add("Time", raw(millis(t.total)))
	}
	add("Calls", number(float64(t.calls), 0))
	return d
}
