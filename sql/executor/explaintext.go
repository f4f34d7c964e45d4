package executor

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

func typeName(v any) string { return fmt.Sprintf("%T", v) }

// explainText prints a description in the text format.
func explainText(root *explained, o *ExplainOptions) []string {
	t := &textExplain{o: o}
	t.node(root, 0)
	if len(o.Settings) > 0 {
		var l []string
		for _, s := range o.Settings {
			l = append(l, s.Name+" = '"+s.Value+"'")
		}
		t.out = append(t.out, "Settings: "+strings.Join(l, ", "))
	}
	if o.QueryID != 0 {
		t.out = append(t.out, "Query Identifier: "+strconv.FormatInt(o.QueryID, 10))
	}
	if b := o.PlanningBuffers.lines(); o.Buffers && len(b) > 0 {
		t.out = append(t.out, "Planning:")
		for _, l := range b {
			t.out = append(t.out, "  "+l)
		}
	}
	if o.Summary {
		t.out = append(t.out, "Planning Time: "+millis(o.PlanningTime)+" ms")
	}
	for i := range o.fired {
		t.out = append(t.out, o.fired[i].text(o))
	}
	if o.Summary && o.Analyze {
		t.out = append(t.out, "Execution Time: "+millis(o.ExecutionTime)+" ms")
	}
	return t.out
}

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64)
}

// lines are the lines of Buffers and I/O Timings; none when there is nothing to show.
func (u *Usage) lines() []string {
	var out []string
	if s := grouped(u.buffers(), func(f usageField) string { return strconv.FormatInt(f.n, 10) }); s != "" {
		out = append(out, "Buffers:"+s)
	}
	if s := grouped(u.times(), func(f usageField) string { return millis(time.Duration(f.n)) }); s != "" {
		out = append(out, "I/O Timings:"+s)
	}
	return out
}

// grouped lists the fields that are not zero, those of a kind behind its name.
func grouped(fields []usageField, show func(usageField) string) string {
	s, kind := "", ""
	for _, f := range fields {
		if f.n <= 0 {
			continue
		}
		if f.kind != kind {
			if kind != "" {
				s += ","
			}
			kind = f.kind
			s += " " + kind
		}
		s += " " + f.word + "=" + show(f)
	}
	return s
}

type usageField struct {
	kind, word, name string
	n                int64
}

func (u *Usage) buffers() []usageField {
	return []usageField{{"shared", "hit", "Shared Hit Blocks", u.Hit}, {"shared", "read", "Shared Read Blocks", u.Read},
		{"shared", "dirtied", "Shared Dirtied Blocks", u.Dirtied}, {"shared", "written", "Shared Written Blocks", u.Written},
		{"local", "hit", "Local Hit Blocks", u.LocalHit}, {"local", "read", "Local Read Blocks", u.LocalRead},
		{"local", "dirtied", "Local Dirtied Blocks", u.LocalDirtied}, {"local", "written", "Local Written Blocks", u.LocalWritten},
		{"temp", "read", "Temp Read Blocks", u.TempRead}, {"temp", "written", "Temp Written Blocks", u.TempWritten}}
}

// times are durations in nanoseconds.
func (u *Usage) times() []usageField {
	return []usageField{{"shared", "read", "I/O Read Time", u.ReadNS}, {"shared", "write", "I/O Write Time", u.WriteNS},
		{"temp", "read", "Temp I/O Read Time", u.TempReadNS}, {"temp", "write", "Temp I/O Write Time", u.TempWriteNS}}
}

func (u Usage) wal() []usageField {
	return []usageField{{"", "records", "WAL Records", u.Records}, {"", "fpi", "WAL FPI", u.FullImages}, {"", "bytes", "WAL Bytes", u.WALBytes}}
}

func (u Usage) walText() string {
	s := ""
	for _, f := range u.wal() {
		if f.n > 0 {
			s += " " + f.word + "=" + strconv.FormatInt(f.n, 10)
		}
	}
	if s == "" {
		return ""
	}
	return "WAL:" + s
}

// data adds the counters of the structured formats.
func (u Usage) data(o *ExplainOptions, add func(string, datum)) {
	if o.Buffers {
		for _, f := range u.buffers() {
			add(f.name, number(float64(f.n), 0))
		}
		for _, f := range u.times() {
			if o.IOTiming {
				add(f.name, number(float64(f.n)/1e6, 3))
			}
		}
	}
	if o.WAL {
		for _, f := range u.wal() {
			add(f.name, number(float64(f.n), 0))
		}
	}
}

type textExplain struct {
	o   *ExplainOptions
	out []string
}

// node prints a node at an indentation, counted in pairs of blanks.
func (t *textExplain) node(e *explained, indent int) {
	if e.planName != "" {
		t.line(indent, e.planName)
		indent++
	}
	s := ""
	if indent > 0 {
		s = "->  "
	}
	s += e.name + e.target + t.costs(e) + t.actual(e)
	t.line(indent, s)
	if indent > 0 {
		indent += 2
	}
	indent++
	for _, p := range e.props {
		if p.where == dataOnly {
			continue
		}
		t.prop(indent, p)
	}
	if i := e.inst; i != nil {
		if t.o.Buffers {
			for _, l := range i.Usage.lines() {
				t.line(indent, l)
			}
		}
		if w := i.Usage.walText(); t.o.WAL && w != "" {
			t.line(indent, w)
		}
	}
	for _, c := range e.children {
		t.node(c, indent)
	}
}

func (t *textExplain) line(indent int, s string) {
	t.out = append(t.out, strings.Repeat("  ", indent)+s)
}

func (t *textExplain) prop(indent int, p prop) {
	v := p.text
	switch {
	case p.list != nil:
		v = strings.Join(p.list, ", ")
	case p.isNum:
		v = strconv.FormatFloat(p.num, 'f', 0, 64)
	}
	if p.name != "" {
		v = p.name + ": " + v
	}
	t.line(indent, v)
}

func (t *textExplain) costs(e *explained) string {
	if !t.o.Costs {
		return ""
	}
	p := e.plan
	return fmt.Sprintf("  (cost=%.2f..%.2f rows=%.0f width=%d)", p.StartupCost, p.TotalCost, p.Rows, p.Width)
}

func (t *textExplain) actual(e *explained) string {
	if !t.o.Analyze {
		return ""
	}
	i := e.inst
	if i == nil || i.Loops == 0 {
		return " (never executed)"
	}
	if !t.o.Timing {
		return fmt.Sprintf(" (actual rows=%.0f loops=%.0f)", i.Rows/i.Loops, i.Loops)
	}
	return fmt.Sprintf(" (actual time=%s..%s rows=%.0f loops=%.0f)", perLoop(i.Startup, i.Loops), perLoop(i.Total, i.Loops), i.Rows/i.Loops, i.Loops)
}

func perLoop(d time.Duration, loops float64) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond)/loops, 'f', 3, 64)
}

// datum is a value of the structured formats: a string in JSON's form, a list of fields, or a list of values.
type datum struct {
	raw    string // a number, boolean or quoted string
	plain  string // the string itself; set with raw for strings
	fields []field
	items  []datum
	isList bool
	tag    string // of an item in XML; empty: Plan
}

type field struct {
	name string
	v    datum
}

func text(s string) datum {
	b := &strings.Builder{}
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return datum{raw: `""`}
	}
	return datum{raw: strings.TrimSuffix(b.String(), "\n"), plain: s}
}

func raw(s string) datum { return datum{raw: s, plain: s} }

func number(f float64, digits int) datum { return raw(strconv.FormatFloat(f, 'f', digits, 64)) }

// data turns a description into fields, with PostgreSQL's names in its order.
func (e *explained) data(o *ExplainOptions) datum {
	var d datum
	add := func(name string, v datum) { d.fields = append(d.fields, field{name, v}) }
	add("Node Type", text(e.typ))
	for _, p := range e.head {
		if p.name == "Strategy" || p.name == "Partial Mode" || p.name == "Operation" || p.name == "Command" && e.typ == "SetOp" {
			add(p.name, text(p.text))
		}
	}
	if e.relation != "" {
		add("Parent Relationship", text(e.relation))
	}
	if e.planName != "" {
		add("Subplan Name", text(e.planName))
	}
	add("Parallel Aware", raw(strconv.FormatBool(e.plan.Parallel > 0)))
	add("Async Capable", raw("false"))
	for _, p := range e.head {
		switch p.name {
		case "Strategy", "Partial Mode", "Operation", "Command":
		default:
			add(p.name, text(p.text))
		}
	}
	if o.Costs {
		add("Startup Cost", number(e.plan.StartupCost, 2))
		add("Total Cost", number(e.plan.TotalCost, 2))
		add("Plan Rows", number(e.plan.Rows, 0))
		add("Plan Width", number(float64(e.plan.Width), 0))
	}
	if o.Analyze {
		e.actualData(o, add)
	}
	for _, p := range e.props {
		if p.where == textOnly {
			continue
		}
		add(p.name, p.data())
	}
	if i := e.inst; i != nil {
		i.Usage.data(o, add)
	} else if o.Analyze {
		Usage{}.data(o, add)
	}
	if len(e.children) > 0 {
		l := datum{isList: true}
		for _, c := range e.children {
			l.items = append(l.items, c.data(o))
		}
		add("Plans", l)
	}
	return d
}

func (e *explained) actualData(o *ExplainOptions, add func(string, datum)) {
	i := e.inst
	if i == nil || i.Loops == 0 {
		i = &Instrumentation{Loops: 0}
	}
	per := max(i.Loops, 1)
	if o.Timing {
		add("Actual Startup Time", raw(perLoop(i.Startup, per)))
		add("Actual Total Time", raw(perLoop(i.Total, per)))
	}
	add("Actual Rows", number(i.Rows/per, 0))
	add("Actual Loops", number(i.Loops, 0))
}

func (p *prop) data() datum {
	switch {
	case p.list != nil:
		d := datum{isList: true}
		for _, s := range p.list {
			d.items = append(d.items, text(s))
		}
		return d
	case p.isNum:
		return number(p.num, 0)
	case p.flag:
		return raw(p.text)
	}
	return text(p.text)
}

// explainData prints a description in a structured format.
func explainData(root *explained, o *ExplainOptions) []string {
	top := datum{fields: []field{{"Plan", root.data(o)}}}
	if o.ShowSettings && len(o.Settings) > 0 {
		var d datum
		for _, s := range o.Settings {
			d.fields = append(d.fields, field{s.Name, text(s.Value)})
		}
		top.fields = append(top.fields, field{"Settings", d})
	}
	if o.QueryID != 0 {
		top.fields = append(top.fields, field{"Query Identifier", raw(strconv.FormatInt(o.QueryID, 10))})
	}
	if o.Buffers {
		var d datum
		with := *o
		with.WAL = false
		o.PlanningBuffers.data(&with, func(n string, v datum) { d.fields = append(d.fields, field{n, v}) })
		top.fields = append(top.fields, field{"Planning", d})
	}
	if o.Summary {
		top.fields = append(top.fields, field{"Planning Time", raw(millis(o.PlanningTime))})
	}
	if o.Analyze {
		triggers := datum{isList: true}
		for i := range o.fired {
			triggers.items = append(triggers.items, o.fired[i].data(o))
		}
		top.fields = append(top.fields, field{"Triggers", triggers})
		if o.Summary {
			top.fields = append(top.fields, field{"Execution Time", raw(millis(o.ExecutionTime))})
		}
	}
	var b strings.Builder
	switch o.Format {
	case "xml":
		b.WriteString(`<explain xmlns="http://www.postgresql.org/2009/explain">` + "\n  <Query>\n")
		top.xml(&b, 2)
		b.WriteString("  </Query>\n</explain>")
	case "yaml":
		top.yaml(&b, 0, true)
		s := strings.TrimPrefix(b.String(), "\n")
		return []string{strings.TrimSuffix(s, "\n")}
	default:
		b.WriteString("[\n  ")
		top.json(&b, 1)
		b.WriteString("\n]")
	}
	return []string{b.String()}
}

func (d datum) json(b *strings.Builder, indent int) {
	pad := strings.Repeat("  ", indent)
	switch {
	case d.fields != nil:
		b.WriteString("{\n")
		for i, f := range d.fields {
			if i > 0 {
				b.WriteString(",\n")
			}
			fmt.Fprintf(b, "%s  %q: ", pad, f.name)
			f.v.json(b, indent+1)
		}
		b.WriteString("\n" + pad + "}")
	case d.isList:
		d.jsonList(b, pad, indent)
	default:
		b.WriteString(d.raw)
	}
}

func (d datum) jsonList(b *strings.Builder, pad string, indent int) {
	if len(d.items) == 0 {
		b.WriteString("[\n" + pad + "]")
		return
	}
	if d.items[0].fields == nil {
		b.WriteString("[")
		for i, it := range d.items {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(it.raw)
		}
		b.WriteString("]")
		return
	}
	b.WriteString("[\n")
	for i, it := range d.items {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(pad + "  ")
		it.json(b, indent+1)
	}
	b.WriteString("\n" + pad + "]")
}

func (d datum) yaml(b *strings.Builder, indent int, item bool) {
	pad := strings.Repeat("  ", indent)
	for i, f := range d.fields {
		lead := pad + "  "
		if item && i == 0 {
			lead = pad + "- "
		}
		b.WriteString(lead + f.name + ":")
		switch {
		case f.v.fields != nil:
			b.WriteString(" \n")
			f.v.yaml(b, indent+1, false)
		case f.v.isList:
			b.WriteString(" \n")
			for _, it := range f.v.items {
				if it.fields != nil {
					it.yaml(b, indent+2, true)
				} else {
					b.WriteString(pad + "    - " + it.raw + "\n")
				}
			}
		default:
			b.WriteString(" " + f.v.raw + "\n")
		}
	}
}

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#x0d;")

func (d datum) xml(b *strings.Builder, indent int) {
	pad := strings.Repeat("  ", indent)
	for _, f := range d.fields {
		tag := strings.ReplaceAll(f.name, " ", "-")
		switch {
		case f.v.fields != nil:
			b.WriteString(pad + "<" + tag + ">\n")
			f.v.xml(b, indent+1)
			b.WriteString(pad + "</" + tag + ">\n")
		case f.v.isList:
			b.WriteString(pad + "<" + tag + ">\n")
			for _, it := range f.v.items {
				if it.fields == nil {
					b.WriteString(pad + "  <Item>" + xmlEscaper.Replace(it.plain) + "</Item>\n")
					continue
				}
				item := it.tag
				if item == "" {
					item = "Plan"
				}
				b.WriteString(pad + "  <" + item + ">\n")
				it.xml(b, indent+2)
				b.WriteString(pad + "  </" + item + ">\n")
			}
			b.WriteString(pad + "</" + tag + ">\n")
		default:
			b.WriteString(pad + "<" + tag + ">" + xmlEscaper.Replace(f.v.plain) + "</" + tag + ">\n")
		}
	}
}
