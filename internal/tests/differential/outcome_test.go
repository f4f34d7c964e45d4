package differential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// statementTimeout bounds one statement on one server.
const statementTimeout = 30 * time.Second

// firstUserOid: from here on identifiers are of the script's own objects and differ between the servers.
const firstUserOid = 16384

// outcome is what a client sees of one statement.
type outcome struct {
	columns []string
	rows    []string
	tag     string
	notices []string
	err     string
	status  byte
	lost    string // why the connection broke
}

// server is one of the two servers, with the session of the current file.
type server struct {
	foreign bool // not started by this test: roles are not ours to drop
	config  *pgconn.Config
	conn    *pgconn.PgConn
	notices []string
}

func newServer(dsn string, dial pgconn.DialFunc) (*server, error) {
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if dial != nil {
		cfg.DialFunc = dial
	}
	s := &server{config: cfg}
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["application_name"] = "differential"
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		s.notices = append(s.notices, describe((*pgconn.PgError)(n)))
	}
	cfg.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) {
		s.notices = append(s.notices, fmt.Sprintf("notification %s %q", n.Channel, n.Payload))
	}
	return s, nil
}

// connect begins a session in a database.
func (s *server) connect(database string) error {
	s.close()
	cfg := s.config.Copy()
	cfg.Database = database
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	var err error
	s.conn, err = pgconn.ConnectConfig(ctx, cfg)
	return err
}

func (s *server) close() {
	if s.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
		defer cancel()
		s.conn.Close(ctx)
		s.conn = nil
	}
}

// must runs statements outside the comparison.
func (s *server) must(statements ...string) error {
	for _, sql := range statements {
		if o := s.run(statement{sql: sql}); o.err != "" || o.lost != "" {
			return fmt.Errorf("%s: %s%s", sql, o.err, o.lost)
		}
	}
	return nil
}

// dropRoles removes the roles that a file has left behind, so that the next one finds a cluster as new.
func (s *server) dropRoles() error {
	if s.foreign {
		return nil
	}
	o := s.run(statement{sql: "select quote_ident(rolname) from pg_roles where rolname !~ '^pg_' and rolname <> current_user"})
	for _, name := range o.rows {
		if err := s.must("drop role " + name); err != nil {
			return err
		}
	}
	return nil
}

// run executes one statement and collects what comes back.
func (s *server) run(st statement) outcome {
	if s.conn == nil || s.conn.IsClosed() {
		return outcome{lost: "no connection"}
	}
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	s.notices = nil
	var o outcome
	var err error
	switch sql := strings.ToLower(st.key()); {
	case copyIn.MatchString(st.sql):
		var text strings.Builder
		for _, l := range st.data {
			text.WriteString(l + "\n")
		}
		var tag pgconn.CommandTag
		tag, err = s.conn.CopyFrom(ctx, strings.NewReader(text.String()), st.sql)
		o.tag = tag.String()
	case strings.HasPrefix(sql, "copy ") && strings.Contains(sql, "to stdout"):
		var b bytes.Buffer
		var tag pgconn.CommandTag
		tag, err = s.conn.CopyTo(ctx, &b, st.sql)
		o.tag, o.rows = tag.String(), strings.Split(b.String(), "\n")
	default:
		err = o.read(s.conn.Exec(ctx, st.sql))
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		o.err = describe(pe)
	} else if err != nil {
		o.lost = err.Error()
	}
	o.notices, o.status = s.notices, s.conn.TxStatus()
	return o
}

func (o *outcome) read(results *pgconn.MultiResultReader) error {
	var first error
	for results.NextResult() {
		r := results.ResultReader()
		for _, f := range r.FieldDescriptions() {
			typ := fmt.Sprint(f.DataTypeOID)
			if f.DataTypeOID >= firstUserOid {
				typ = "user"
			}
			o.columns = append(o.columns, fmt.Sprintf("%s:%s:%d:%d:%t:%d", f.Name, typ, f.DataTypeSize, f.TypeModifier, f.TableOID != 0, f.TableAttributeNumber))
		}
		for r.NextRow() {
			var row []string
			for _, v := range r.Values() {
				if v == nil {
					row = append(row, "∅")
				} else {
					row = append(row, string(v))
				}
			}
			o.rows = append(o.rows, strings.Join(row, "|"))
		}
		tag, err := r.Close()
		o.tag = tag.String()
		if err != nil && first == nil {
			first = err
		}
	}
	if err := results.Close(); err != nil && first == nil {
		first = err
	}
	return first
}

// describe writes down the fields of an error or notice that must agree.
func describe(e *pgconn.PgError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", e.Severity, e.Code, e.Message)
	if e.Position != 0 {
		fmt.Fprintf(&b, " @%d", e.Position)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, " DETAIL %s", e.Detail)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " HINT %s", e.Hint)
	}
	return b.String()
}

// difference says what differs first, "" when the outcomes agree.
func difference(st statement, want, got outcome) string {
	switch {
	case got.lost != "":
		return "connection lost: " + got.lost
	case want.lost != "":
		return "the reference lost its connection: " + want.lost
	case want.err != got.err:
		return fmt.Sprintf("error\n\t got %s\n\twant %s", orNone(got.err), orNone(want.err))
	case want.err != "":
		return sideEffects(want, got)
	case !slices.Equal(want.columns, got.columns):
		return fmt.Sprintf("columns\n\t got %s\n\twant %s", strings.Join(got.columns, ", "), strings.Join(want.columns, ", "))
	}
	w, g := want.rows, got.rows
	if !st.ordered {
		w, g = slices.Sorted(slices.Values(w)), slices.Sorted(slices.Values(g))
	}
	for i := range max(len(w), len(g)) {
		a, b := "(none)", "(none)"
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b || i >= len(w) || i >= len(g) {
			return fmt.Sprintf("row %d (%d rows, want %d)\n\t got %s\n\twant %s", i+1, len(g), len(w), b, a)
		}
	}
	if want.tag != got.tag {
		return fmt.Sprintf("tag\n\t got %s\n\twant %s", got.tag, want.tag)
	}
	return sideEffects(want, got)
}

// sideEffects compares what comes besides the result.
func sideEffects(want, got outcome) string {
	switch {
	case !slices.Equal(want.notices, got.notices):
		return fmt.Sprintf("notices\n\t got %s\n\twant %s", orNone(strings.Join(got.notices, " / ")), orNone(strings.Join(want.notices, " / ")))
	case want.status != got.status:
		return fmt.Sprintf("transaction status\n\t got %c\n\twant %c", got.status, want.status)
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
