package isolation

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// table collects one result set.
type table struct {
	names []string
	rows  [][]string
}

func (t *table) describe(m *pgproto3.RowDescription) {
	*t = table{}
	for _, f := range m.Fields {
		t.names = append(t.names, string(f.Name))
	}
}

func (t *table) add(m *pgproto3.DataRow) {
	row := make([]string, len(m.Values))
	for i, v := range m.Values {
		row[i] = string(v)
	}
	t.rows = append(t.rows, row)
}

// print writes the rows as libpq's PQprint does with alignment, a header and | between columns: columns whose
// values all look like numbers are right-aligned.
func (t *table) print(out *strings.Builder) {
	if len(t.names) == 0 {
		return
	}
	width := make([]int, len(t.names))
	left := make([]bool, len(t.names))
	for i, n := range t.names {
		width[i] = len(n)
		for _, r := range t.rows {
			width[i] = max(width[i], len(r[i]))
			left[i] = left[i] || r[i] != "" && !numeric(r[i])
		}
	}
	line := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				out.WriteByte('|')
			}
			if left[i] {
				fmt.Fprintf(out, "%s%s", c, strings.Repeat(" ", width[i]-len(c)))
			} else {
				fmt.Fprintf(out, "%s%s", strings.Repeat(" ", width[i]-len(c)), c)
			}
		}
		out.WriteByte('\n')
	}
	line(t.names)
	for i, w := range width {
		if i > 0 {
			out.WriteByte('+')
		}
		out.WriteString(strings.Repeat("-", w))
	}
	out.WriteByte('\n')
	for _, r := range t.rows {
		line(r)
	}
	s := "s"
	if len(t.rows) == 1 {
		s = ""
	}
	fmt.Fprintf(out, "(%d row%s)\n\n", len(t.rows), s)
}

func numeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || strings.IndexByte(".Ee -", c) >= 0) {
			return false
		}
	}
	last := s[len(s)-1]
	return s[0] != 'E' && s[0] != 'e' && last >= '0' && last <= '9'
}

// notice formats a notice as libpq hands it to a program.
func notice(m *pgproto3.NoticeResponse) string {
	s := m.Severity + ":  " + m.Message + "\n"
	if m.Detail != "" {
		s += "DETAIL:  " + m.Detail + "\n"
	}
	if m.Hint != "" {
		s += "HINT:  " + m.Hint + "\n"
	}
	return s
}
