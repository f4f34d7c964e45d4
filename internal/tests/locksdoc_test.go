package tests

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"gompho"
)

const locksDoc = "../../docs/locks.md"

// TestLocksDocument runs the transcripts of docs/locks.md: what the document shows is what the server answers, but for times, and for
// process and transaction numbers, which are counted anew. -rewrite writes the answers into the document.
//
// A transcript is a block marked psql. "name=> statement" is given to the session of that name, further lines of it start with "name->".
// What follows is psql's output; "(waits)" stands for a statement that waits for a lock, "name:" goes before what it answers in the end.
// Each second-level heading begins with a new server.
func TestLocksDocument(t *testing.T) {
	f := flag.Lookup("rewrite")
	rewrite := f != nil && f.Value.String() == "true"
	text, err := os.ReadFile(locksDoc)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	var d *dialogue
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		if strings.HasPrefix(lines[i], "## ") {
			d = nil
		}
		if lines[i] != "```psql" {
			continue
		}
		end := i + 1
		for lines[end] != "```" {
			end++
		}
		if d == nil {
			d = newDialogue(t)
		}
		out = append(out, d.block(lines[i+1:end], i+2, !rewrite)...)
		i = end - 1
	}
	if rewrite && !t.Failed() {
		if err := os.WriteFile(locksDoc, []byte(strings.Join(out, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// dialogue is what several sessions say to one server.
type dialogue struct {
	t        *testing.T
	s        *gompho.Server
	look     *pgx.Conn
	sessions map[string]*speaker
	pids     map[string]string // real process numbers to those of the document
	xids     map[string]string
}

type speaker struct {
	c       *pgx.Conn
	answers chan string
	waits   bool
}

func newDialogue(t *testing.T) *dialogue {
	s := open(t, false)
	return &dialogue{t: t, s: s, look: connect(t, s), sessions: map[string]*speaker{}, pids: map[string]string{}, xids: map[string]string{}}
}

func (d *dialogue) speaker(name string) *speaker {
	p := d.sessions[name]
	if p == nil {
		p = &speaker{c: connect(d.t, d.s), answers: make(chan string, 1)}
		run(d.t, p.c, "set application_name = "+name)
		run(d.t, p.c, "set client_min_messages = warning")
		run(d.t, p.c, "set deadlock_timeout = '10min'") // who finds a deadlock says so
		d.pids[fmt.Sprint(p.c.PgConn().PID())] = fmt.Sprint(4101 + len(d.pids))
		d.sessions[name] = p
	}
	return p
}

var prompt = regexp.MustCompile(`^(\w+)=> (.*)$`)

// block plays the lines of a transcript and returns them with the real answers.
func (d *dialogue) block(lines []string, number int, compare bool) (out []string) {
	for i := 0; i < len(lines); {
		m := prompt.FindStringSubmatch(lines[i])
		if m == nil {
			d.t.Fatalf("%s:%d: no prompt: %s", locksDoc, number+i, lines[i])
		}
		first, name, sql := i, m[1], m[2]
		for i++; i < len(lines) && strings.HasPrefix(lines[i], name+"-> "); i++ {
			sql += "\n" + strings.TrimPrefix(lines[i], name+"-> ")
		}
		out = append(out, lines[first:i]...)
		from := i
		for i < len(lines) && !prompt.MatchString(lines[i]) {
			i++
		}
		answer := d.say(name, sql, lines[from:i])
		out = append(out, answer...)
		want, got := settleDoc(strings.Join(lines[from:i], "\n")), settleDoc(strings.Join(answer, "\n"))
		if compare && want != got {
			d.t.Errorf("%s:%d: %s\nanswers\n%s\nthe document has\n%s", locksDoc, number+first, sql, got, want)
		}
	}
	return out
}

// say gives a statement to a session and returns the lines of what comes of it, as the document expects it: waiting or not, ending
// others' waits or not.
func (d *dialogue) say(name, sql string, expected []string) []string {
	p := d.speaker(name)
	go func() { p.answers <- ask(p.c, sql, d.number) }()
	var out []string
	if len(expected) > 0 && expected[0] == "(waits)" {
		p.waits = true
		eventually(d.t, d.look, "select exists(select from pg_locks where pid = $1 and not granted)", p.c.PgConn().PID())
		out = append(out, "(waits)")
	} else {
		out = append(out, d.answer(p, sql)...)
	}
	for _, l := range expected {
		other, _, ok := strings.Cut(l, ":")
		if q := d.sessions[other]; ok && q != nil && q.waits {
			lines := d.answer(q, other)
			if len(lines) > 1 {
				out = append(out, other+":")
			} else {
				lines[0] = other + ": " + lines[0]
			}
			out = append(out, lines...)
			q.waits = false
		}
	}
	return out
}

func (d *dialogue) answer(p *speaker, what string) []string {
	select {
	case a := <-p.answers:
		return strings.Split(strings.TrimSuffix(a, "\n"), "\n")
	case <-time.After(20 * time.Second):
		d.t.Fatalf("no answer: %s", what)
	}
	return nil
}

var (
	docPID  = regexp.MustCompile(`\b\d+\b`)
	docXid  = regexp.MustCompile(`\btransaction (\d+)\b`)
	docTime = regexp.MustCompile(`\b\d\d:\d\d:\d\d(\.\d+)?\b`)
	docDate = regexp.MustCompile(`\b\d{4}-\d\d-\d\d `)
	docFill = regexp.MustCompile(`[ \n]+`)
	docDash = regexp.MustCompile(`--+`)
)

// number gives processes and transactions the numbers of the document.
func (d *dialogue) number(s string) string {
	s = toastName.ReplaceAllString(s, "pg_toast_16385")
	s = docXid.ReplaceAllStringFunc(s, func(x string) string {
		if d.xids[x] == "" {
			d.xids[x] = fmt.Sprintf("transaction %d", 745+len(d.xids))
		}
		return d.xids[x]
	})
	return docPID.ReplaceAllStringFunc(s, func(n string) string {
		if doc := d.pids[n]; doc != "" {
			return doc
		}
		return n
	})
}

// settleDoc takes out of a text what differs from run to run: times, and the widths of columns that follow from them.
func settleDoc(s string) string {
	s = docTime.ReplaceAllString(s, "TIME")
	s = docDate.ReplaceAllString(s, "DATE ")
	s = docFill.ReplaceAllString(s, " ")
	return docDash.ReplaceAllString(s, "--")
}

// ask runs a statement and returns what psql would print, values put through settle. \gx at its end asks for a line per column.
func ask(c *pgx.Conn, sql string, settle func(string) string) string {
	sql, expanded := strings.CutSuffix(sql, `\gx`)
	rs, err := c.PgConn().Exec(context.Background(), sql).ReadAll()
	var out strings.Builder
	for _, r := range rs {
		for _, row := range r.Rows {
			for i := range row {
				row[i] = []byte(settle(string(row[i])))
			}
		}
		switch {
		case r.Err != nil:
		case len(r.FieldDescriptions) == 0:
			fmt.Fprintln(&out, r.CommandTag)
		case expanded:
			printExpanded(&out, r)
		default:
			printAligned(&out, r)
		}
	}
	if e, ok := err.(*pgconn.PgError); ok {
		fmt.Fprintf(&out, "%s:  %s\n", e.Severity, settle(e.Message))
		for _, f := range [][2]string{{"DETAIL", e.Detail}, {"HINT", e.Hint}, {"CONTEXT", e.Where}} {
			if f[1] != "" {
				fmt.Fprintf(&out, "%s:  %s\n", f[0], settle(f[1]))
			}
		}
	} else if err != nil {
		fmt.Fprintln(&out, err)
	}
	return out.String()
}

// printAligned prints a result as psql does.
func printAligned(out *strings.Builder, r *pgconn.Result) {
	n := len(r.FieldDescriptions)
	width := make([]int, n)
	for i, f := range r.FieldDescriptions {
		width[i] = len(f.Name)
		for _, row := range r.Rows {
			for _, l := range strings.Split(string(row[i]), "\n") {
				width[i] = max(width[i], len([]rune(l)))
			}
		}
	}
	for i, f := range r.FieldDescriptions {
		if i > 0 {
			out.WriteByte('|')
		}
		left := (width[i] - len(f.Name)) / 2
		fmt.Fprintf(out, " %s%s%s ", strings.Repeat(" ", left), f.Name, strings.Repeat(" ", width[i]-len(f.Name)-left))
	}
	out.WriteByte('\n')
	for i := range n {
		if i > 0 {
			out.WriteByte('+')
		}
		out.WriteString(strings.Repeat("-", width[i]+2))
	}
	out.WriteByte('\n')
	for _, row := range r.Rows {
		for l, more := 0, true; more; l++ {
			more = false
			for i, f := range r.FieldDescriptions {
				if i > 0 {
					out.WriteByte('|')
				}
				cell, next := cellLine(string(row[i]), l)
				pad := strings.Repeat(" ", width[i]-len([]rune(cell)))
				if more = more || next; next {
					fmt.Fprintf(out, " %s%s+", cell, pad)
				} else if rightAligned(f.DataTypeOID) {
					fmt.Fprintf(out, " %s%s ", pad, cell)
				} else {
					fmt.Fprintf(out, " %s%s ", cell, pad)
				}
			}
			trimmed := strings.TrimRight(out.String(), " ")
			out.Reset()
			out.WriteString(trimmed + "\n")
		}
	}
	fmt.Fprintf(out, "(%d row%s)\n", len(r.Rows), map[bool]string{true: "", false: "s"}[len(r.Rows) == 1])
}

// cellLine returns a line of a cell and whether there are more.
func cellLine(cell string, n int) (string, bool) {
	lines := strings.Split(cell, "\n")
	if n >= len(lines) {
		return "", false
	}
	return lines[n], n+1 < len(lines)
}

func rightAligned(oid uint32) bool {
	switch oid {
	case 20, 21, 23, 26, 28, 700, 701, 1700:
		return true
	}
	return false
}

// printExpanded prints a result as psql's \x does.
func printExpanded(out *strings.Builder, r *pgconn.Result) {
	names, values := 0, 0
	for i, f := range r.FieldDescriptions {
		names = max(names, len(f.Name))
		for _, row := range r.Rows {
			values = max(values, len([]rune(string(row[i]))))
		}
	}
	for n, row := range r.Rows {
		head := fmt.Sprintf("-[ RECORD %d ]", n+1)
		fmt.Fprintf(out, "%s%s+%s\n", head, strings.Repeat("-", max(names+1-len(head), 0)), strings.Repeat("-", values+1))
		for i, f := range r.FieldDescriptions {
			fmt.Fprintf(out, "%s%s |", f.Name, strings.Repeat(" ", names-len(f.Name)))
			if len(row[i]) > 0 {
				fmt.Fprintf(out, " %s", row[i])
			}
			out.WriteByte('\n')
		}
	}
}
