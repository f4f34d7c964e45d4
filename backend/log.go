package backend

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/logger"
	"gompho/sql/ast"
	"gompho/types"
)

// logSettings are the settings of the log that statements look at.
type logSettings struct {
	statement string // log_statement
	min       time.Duration
	sample    time.Duration
	rate      float64 // log_statement_sample_rate
	xactRate  float64 // log_transaction_sample_rate
	always    bool    // log_duration
	any       bool    // one of the settings about durations is on
	maxParam  int     // log_parameter_max_length
	onError   int     // log_parameter_max_length_on_error
}

func (l *logSettings) load(b *Backend) {
	set := b.s.Settings
	l.statement = set.Get("log_statement").Text
	l.min = set.Duration("log_min_duration_statement")
	l.sample = set.Duration("log_min_duration_sample")
	l.rate, l.xactRate = set.Get("log_statement_sample_rate").Num, set.Get("log_transaction_sample_rate").Num
	l.always = set.Get("log_duration").Bool()
	l.any = l.always || l.min >= 0 || l.sample >= 0 || l.xactRate > 0
	l.maxParam, l.onError = int(set.Get("log_parameter_max_length").Int()), int(set.Get("log_parameter_max_length_on_error").Int())
}

// logSetting returns a setting of the log: the session's, or the server's before there is a session.
func (b *Backend) logSetting(name string) string {
	if b.s != nil && b.s.Settings != nil {
		return b.s.Settings.Get(name).Text
	}
	return b.o.Server.Config.Get(name).Text
}

// logLine writes a message to the server log, with the statement that is running.
func (b *Backend) logLine(e *pgerr.Error) {
	text := ""
	if b.inQuery && logger.Outputs(e.Level(), b.logSetting("log_min_error_statement")) {
		text = b.s.QueryText
	}
	b.logEvent(e, text, "")
}

// logPlain writes a LOG message without the statement.
func (b *Backend) logPlain(format string, args ...any) {
	b.logEvent(pgerr.New(pgerr.SuccessfulCompletion, format, args...).WithSeverity(pgerr.LogSev), "", "")
}

func (b *Backend) logEvent(e *pgerr.Error, statement, trace string) {
	if b.log == nil || !logger.Outputs(e.Level(), b.logSetting("log_min_messages")) {
		return
	}
	ev := logger.Event{Proc: b.o.Process, Err: e, Statement: statement, Tag: b.ps, Backtrace: trace}
	switch b.logSetting("log_error_verbosity") {
	case "terse":
		ev.Terse = true
	case "verbose":
		ev.Verbose = true
	}
	if b.s != nil && b.s.Tx != nil && !b.leaving {
		v := b.s.Tx.Vxid()
		if !b.s.Tx.InTransaction() {
			v.Local = 0
		}
		ev.Vxid, ev.Xid = v.String(), uint64(b.s.Tx.TopXid())
	}
	ev.Write(b.log)
}

// logLost tells that the client went away without a word.
func (b *Backend) logLost(err error) {
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		msg := "unexpected EOF on client connection"
		if b.s != nil && b.s.Tx != nil && b.blk.status() != 'I' {
			b.logLine(pgerr.New(pgerr.ConnectionFailure, "%s with an open transaction", msg).WithSeverity(pgerr.LogSev))
			return
		}
		b.logLine(pgerr.New(pgerr.ConnectionFailure, "%s", msg).WithSeverity(pgerr.LogSev))
	default:
		b.logLine(pgerr.New(pgerr.ConnectionFailure, "could not receive data from client: %v", reason(err)).WithSeverity(pgerr.LogSev))
	}
}

// reason is the operating system's part of a network error.
func reason(err error) error {
	var sc *os.SyscallError
	if errors.As(err, &sc) {
		return sc.Err
	}
	return err
}

// logWait is what the lock manager has to tell of the session's wait.
func (b *Backend) logWait(e *pgerr.Error) {
	ps := b.ps
	b.ps += " waiting"
	b.logLine(e)
	b.ps = ps
}

// logConnection tells that the session begins.
func (b *Backend) logConnection(user, db string) {
	if !b.o.Server.Config.Get("log_connections").Bool() {
		return
	}
	app := ""
	if a := b.o.Startup["application_name"]; a != "" {
		app = " application_name=" + a
	}
	b.ps = "authentication"
	b.logPlain("connection authorized: user=%s database=%s%s", user, db, app)
}

// logDisconnection tells how long the session was.
func (b *Backend) logDisconnection() {
	if b.s == nil || b.o.Process == nil || !b.s.Settings.Get("log_disconnections").Bool() {
		return
	}
	b.leaving = true
	p := b.o.Process
	d := time.Since(p.Start)
	port := ""
	if p.Port != "" {
		port = " port=" + p.Port
	}
	b.logPlain("disconnection: session time: %d:%02d:%02d.%03d user=%s database=%s host=%s%s", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60,
		d.Milliseconds()%1000, p.User, p.Database, p.Host, port)
}

// logStatement writes a simple query to the log as log_statement asks.
func (b *Backend) logStatement(sql string, stmts []ast.RawStmt) {
	b.logged = false
	if !b.wantsStatement(stmts) {
		return
	}
	b.logged = true
	e := pgerr.New(pgerr.SuccessfulCompletion, "statement: %s", sql).WithSeverity(pgerr.LogSev)
	e.Detail = b.prepareDetail(stmts)
	b.logEvent(e, "", "")
}

func (b *Backend) wantsStatement(stmts []ast.RawStmt) bool {
	level := statementLevel(b.hot.log(b).statement)
	if level == levelNone {
		return false
	}
	for i := range stmts {
		if b.levelOf(stmts[i].Stmt) <= level {
			return true
		}
	}
	return level == levelAll
}

// prepareDetail is the text of the prepared statement that an EXECUTE runs.
func (b *Backend) prepareDetail(stmts []ast.RawStmt) string {
	for i := range stmts {
		if x, ok := stmts[i].Stmt.(*ast.ExecuteStmt); ok {
			if p := b.prepared[x.Name]; p != nil && p.fromSQL {
				return "prepare: " + p.sql
			}
		}
	}
	return ""
}

// logExecute writes the execution of a portal as log_statement asks.
func (b *Backend) logExecute(p *Portal) {
	b.logged = false
	st := p.stmt
	if b.hot.log(b).statement == "none" || !b.wantsStatement([]ast.RawStmt{*st.raw}) {
		return
	}
	b.logged = true
	e := pgerr.New(pgerr.SuccessfulCompletion, "%s %s: %s", executeWord(p), portalName(p), st.sql).WithSeverity(pgerr.LogSev)
	e.Detail = b.paramsDetail(p)
	b.logEvent(e, "", "")
}

func executeWord(p *Portal) string {
	if p.started {
		return "execute fetch from"
	}
	return "execute"
}

func statementName(p *Prepared) string {
	if p.name == "" {
		return "<unnamed>"
	}
	return p.name
}

// portalName is a statement's name with that of the portal.
func portalName(p *Portal) string {
	name := statementName(p.stmt)
	if p.name != "" {
		name += "/" + p.name
	}
	return name
}

func (b *Backend) paramsDetail(p *Portal) string {
	max := b.hot.log(b).maxParam
	if len(p.params) == 0 || max == 0 {
		return ""
	}
	return "parameters: " + b.paramList(p, max)
}

// paramList lists parameter values, each cut to max bytes unless max is negative.
func (b *Backend) paramList(p *Portal, max int) string {
	var w strings.Builder
	for i, d := range p.params {
		if i > 0 {
			w.WriteString(", ")
		}
		fmt.Fprintf(&w, "$%d = ", i+1)
		if d.IsNull() {
			w.WriteString("NULL")
			continue
		}
		w.WriteString(quoteValue(b.paramText(p.stmt.paramTypes[i], d), max))
	}
	return w.String()
}

// quoteValue quotes a value for the log, cut to max bytes unless max is negative.
func quoteValue(text string, max int) string {
	end := ""
	if max >= 0 && len(text) > max {
		text, end = strings.ToValidUTF8(text[:max], ""), "..."
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + end + "'"
}

func (b *Backend) paramText(oid ids.Oid, d types.Datum) string {
	t := types.Builtin(oid)
	if t == nil {
		var err error
		if t, err = b.eng.Type(b.s, oid); err != nil {
			return "???"
		}
	}
	return string(types.Output(b.env, t, d, nil))
}

// withParams adds the parameters to the context of an error, when log_parameter_max_length_on_error asks for it.
func (b *Backend) withParams(err error, p *Portal) error {
	max := b.hot.log(b).onError
	if max == 0 || len(p.params) == 0 {
		return err
	}
	name := "unnamed portal"
	if p.name != "" {
		name = strconv.Quote(p.name)
		name = "portal " + name
	}
	e := *pgerr.From(err)
	return e.WithWhere("%s with parameters: %s", name, b.paramList(p, max))
}

// durations reports whether the time of statements may have to be logged.
func (b *Backend) durations() bool { return b.hot.log(b).any || b.sampled }

// logDuration logs how long something took, if the settings ask for it. what makes the rest of the message, and its detail,
// for when the text was not logged before.
func (b *Backend) logDuration(since time.Time, what func() (text, detail string)) {
	l := b.hot.log(b)
	d := time.Since(since)
	exceeded := l.min == 0 || l.min > 0 && d >= l.min
	sampled := b.sampled || (l.sample == 0 || l.sample > 0 && d >= l.sample) && l.rate > 0 && (l.rate == 1 || rand.Float64() <= l.rate)
	if !exceeded && !sampled && !l.always {
		return
	}
	e := pgerr.New(pgerr.SuccessfulCompletion, "duration: %d.%03d ms", d.Milliseconds(), d.Microseconds()%1000).WithSeverity(pgerr.LogSev)
	if (exceeded || sampled) && !b.logged {
		text, detail := what()
		e.Message += "  " + text
		e.Detail = detail
	}
	b.logEvent(e, "", "")
}

// Levels of log_statement.
const (
	levelNone = iota
	levelDDL
	levelMod
	levelAll
)

func statementLevel(name string) int {
	switch name {
	case "ddl":
		return levelDDL
	case "mod":
		return levelMod
	case "all":
		return levelAll
	}
	return levelNone
}

// levelOf returns from which log_statement on a statement is logged.
func (b *Backend) levelOf(s ast.Node) int {
	switch x := s.(type) {
	case *ast.SelectStmt:
		if x.IntoClause != nil {
			return levelDDL
		}
		return levelAll
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt, *ast.MergeStmt, *ast.TruncateStmt:
		return levelMod
	case *ast.CopyStmt:
		if x.IsFrom {
			return levelMod
		}
		return levelAll
	case *ast.PrepareStmt:
		return b.levelOf(x.Query)
	case *ast.ExecuteStmt:
		if p := b.prepared[x.Name]; p != nil && p.raw != nil {
			return b.levelOf(p.raw.Stmt)
		}
		return levelAll
	case *ast.ExplainStmt:
		for _, o := range x.Options {
			if o.Defname == "analyze" && (o.Arg == nil || trueText(constText(o.Arg))) {
				return b.levelOf(x.Query)
			}
		}
		return levelAll
	case *ast.VariableSetStmt, *ast.VariableShowStmt, *ast.TransactionStmt, *ast.FetchStmt, *ast.DeclareCursorStmt, *ast.ClosePortalStmt,
		*ast.LockStmt, *ast.CheckPointStmt, *ast.DiscardStmt, *ast.DeallocateStmt, *ast.VacuumStmt, *ast.ReindexStmt, *ast.ListenStmt,
		*ast.NotifyStmt, *ast.UnlistenStmt, *ast.LoadStmt, *ast.ConstraintsSetStmt, *ast.DoStmt, *ast.CallStmt:
		return levelAll
	}
	return levelDDL
}

func trueText(s string) bool {
	switch strings.ToLower(s) {
	case "", "true", "on", "1":
		return true
	}
	return false
}
