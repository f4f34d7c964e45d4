package backend

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/logger"
	"gompho/mvcc"
	"gompho/session"
	"gompho/stats"
	"gompho/types"
	"gompho/wire"
)

// Options are what the postmaster gives a new backend.
type Options struct {
	Server *session.Server
	Slot   *stats.Slot
	Conn   net.Conn
	Pool   *wire.Pool
	Secret uint32 // cancel key
	// Startup is the start-up packet's parameters, which the postmaster has read to tell cancel requests apart.
	Startup map[string]string
	// Attach opens the session's side of the server: transactions, locks, catalogs of the database. It is called once the
	// start-up parameters are known; detach undoes it.
	Attach func(s *session.Session, user, database string) (detach func(), err error)
	// Crash is called when a panic may have damaged shared state: in a critical section, or with page latches held. It does
	// not return before the crash cycle has taken over.
	Crash func(reason any, stack []byte)
	// Process describes the session for the server log; nil: the log tells nothing of it.
	Process *logger.Process
	// NewEngine makes what runs the session's statements, once Attach has opened the session.
	NewEngine func(*session.Session) Engine
}

// Backend is one session's process.
type Backend struct {
	o        Options
	s        *session.Session
	c        *wire.Conn
	blk      block
	eng      Engine
	detach   func() // undoes Options.Attach
	log      *zap.Logger
	prepared map[string]*Prepared
	unnamed  *Prepared
	portals  map[string]*Portal
	toHold   bool // a cursor WITH HOLD was declared in this transaction: its rows are to be kept at the commit
	cache    planCache
	skipSync bool     // an error happened: ignore messages until Sync
	told     []string // values of the reported settings as the client knows them
	untold   bool     // one of them may have changed
	timer    statementTimer
	between  bool // query cycles: the client was told that the server is ready, and has sent nothing since
	client   clientCheck
	tcp      tcpState
	hot      hotSettings
	running  run // of the innermost portal
	steps    steps
	rows     rowWriter
	env      types.Env
	spare    *Portal
	current  *Portal              // of a simple query, while it runs
	tag      string               // command tag of the statement that has just run
	roles    map[string]roleFacts // roles that settings have named
	login    roleFacts
	limited  bool            // the client asked for some of the rows only
	failed   map[string]bool // portals that went with the failure of the transaction
	lost     bool            // the client and we do not agree any more where messages begin
	ps       string          // what the process does, for the log: a command tag, "idle" ...
	leaving  bool            // the session is over: there is no transaction to tell of
	inQuery  bool            // s.QueryText is running
	logged   bool            // it is in the log already
	sourceOf string          // what an EXECUTE runs, for the log
	trees    stats.Charge    // what the statements of the message take that is being served
	treeSize int64           // of them, in bytes
	sampled  bool            // log_transaction_sample_rate chose the transaction
}

// Run serves the connection until it ends. The caller has read the start-up packet.
func Run(o Options) {
	b := &Backend{o: o, log: o.Server.Log}
	accepted := now()
	b.c = wire.NewConn(o.Conn, o.Pool)
	defer b.c.Close()
	defer func() {
		if r := recover(); r != nil {
			b.panicked(r, debug.Stack())
		}
	}()
	detach, err := b.startup()
	if err != nil {
		b.sendFatal(err)
		return
	}
	b.detach = detach
	if b.hot.load(b); b.hot.steps {
		b.step(stats.StepAccept, accepted)
	}
	err = b.loop()
	b.countEnd(err)
	if err != nil && !errors.Is(err, io.EOF) {
		b.sendFatal(err)
	}
	b.close()
	b.logDisconnection()
}

// close gives back what the session holds: portals, transaction, locks, its place among the sessions.
func (b *Backend) close() {
	b.timer.stop()
	b.client.stop()
	if b.o.Slot.Pending()&stats.CrashExit != 0 {
		return // the state that the session is part of is given up as a whole
	}
	if b.s != nil && b.s.Tx != nil {
		if p := b.current; p != nil {
			p.done, b.current = false, nil
			b.endPortal(p)
		}
		b.closePortals()
		b.dropPrepared()
		b.cache.clear()
		b.blk.abort()
		b.dropTemp()
	}
	if d := b.detach; d != nil {
		b.detach = nil
		d()
	}
}

// dropTemp drops the session's temporary relations at its end.
func (b *Backend) dropTemp() {
	if b.s.Cat.TempNamespaceIfAny() == 0 {
		return
	}
	b.o.Slot.HoldInterrupts() // one of them may be why the session ends
	defer b.o.Slot.ResumeInterrupts()
	err := b.s.Tx.Begin(mvcc.BeginOpts{})
	if err == nil {
		b.s.Tx.PushActive(b.s.Tx.Snapshot())
		if err = b.s.Cat.DropTempRelations(); err == nil {
			b.s.Tx.PopActive()
			err = b.s.Tx.Commit()
		}
	}
	if err != nil {
		b.s.Tx.Abort()
		b.logLine(pgerr.From(err))
	}
}

// panicked turns a bug into the end of this session, or of all when shared state may be damaged: in a critical section, with
// a page latched, or when the session cannot be cleaned up behind it. Nothing is undone before that is known: the undoing
// itself writes.
func (b *Backend) panicked(r any, stack []byte) {
	if b.o.Slot.Pending()&stats.CrashExit != 0 { // another process has crashed, and what this one waited for or wrote to was taken away
		b.tell(stats.CrashError())
		return
	}
	if b.o.Slot.DamagesShared() && b.o.Crash != nil {
		b.o.Crash(r, stack)
		return
	}
	e := pgerr.New(pgerr.InternalError, "internal error: %v", r).WithSeverity(pgerr.Fatal)
	text := ""
	if b.inQuery {
		text = b.s.QueryText
	}
	b.logEvent(e, text, string(stack))
	if !b.closed() && b.o.Crash != nil {
		b.o.Crash(r, stack)
		return
	}
	b.tell(e)
	b.logDisconnection()
}

// closed closes the session after a panic and reports whether that worked: a second panic, or a pin that nobody knows of any
// more, means that it did not.
func (b *Backend) closed() (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	b.close()
	return b.o.Slot.Pins() == 0 && !b.o.Slot.DamagesShared()
}

// sendFatal tells the client why the session ends.
func (b *Backend) sendFatal(err error) {
	var ne net.Error
	if errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		b.logLost(err)
		return
	}
	e := *pgerr.From(err)
	if e.Level() == pgerr.Error_ {
		e.Severity = pgerr.Fatal
	}
	b.logLine(&e)
	b.tell(&e)
}

// tell sends the client the last message.
func (b *Backend) tell(e *pgerr.Error) {
	b.c.Error(e)
	b.o.Conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	b.c.Flush()
}

// startup reads the parameters, opens the session and greets the client.
func (b *Backend) startup() (func(), error) {
	p := b.o.Startup
	user := p["user"]
	if user == "" {
		return nil, pgerr.New(pgerr.InvalidAuthorizationSpecification, "no PostgreSQL user name specified in startup packet").WithSeverity(pgerr.Fatal)
	}
	db := p["database"]
	if db == "" {
		db = user
	}
	s := &session.Session{Server: b.o.Server, Slot: b.o.Slot, Settings: config.NewSession(b.o.Server.Config), DBName: db, UserName: user}
	b.s = s
	s.Notice, s.LogWait, s.LogNote = b.notice, b.logWait, b.logLine
	s.CopyIn, s.CopyOut = b.copyIn, b.copyOut
	s.Prepared, s.Cursors = b.preparedInfo, b.cursorInfo
	b.describeActivity(user, db)
	b.logConnection(user, db)
	b.ps = "startup"
	detach, err := b.o.Attach(s, user, db)
	if err != nil {
		return nil, err
	}
	b.eng = b.o.NewEngine(s)
	if e, ok := b.eng.(*engine); ok {
		e.ex.CursorRow = b.cursorRowAddress
		e.identifies = func() bool { return b.hot.tracks(b).identify }
	}
	if err := b.applyStartup(p); err != nil {
		detach()
		return nil, err
	}
	b.blk = block{tx: s.Tx, lost: b.o.Slot.Lost, closing: b.holdCursors, begun: b.txBegun, ended: b.txEnded, options: b.beginOptions, warn: func(c pgerr.Code, m string) { s.Warn(c, "%s", m) }}
	s.Settings.OnChange = b.settingChanged
	s.Settings.Check, s.Settings.Shown = b.checkSetting, b.shown
	b.c.OnRead, b.c.OnWrite = b.onRead, b.onWrite
	b.env = b.eng.Env(s)
	b.o.Slot.Stats.Database().Sessions++
	b.greet()
	return detach, b.c.Flush()
}

func (b *Backend) describeActivity(user, db string) {
	now := time.Now()
	b.o.Slot.Activity.QueryLimit = int(b.o.Server.Config.Get("track_activity_query_size").Int()) - 1
	b.o.Slot.Activity.Update(func(a *stats.ActivityData) {
		a.UserName, a.DBName, a.BackendStart, a.StateChange = user, db, now, now
		a.Client, a.Server, a.ClientHost = addrPort(b.o.Conn.RemoteAddr()), addrPort(b.o.Conn.LocalAddr()), b.o.Process.Name
	})
}

// addrPort returns the address of one end of a TCP connection; of others one that is not valid.
func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

// applyStartup sets what the start-up packet asks for: any setting, and "options".
func (b *Backend) applyStartup(p map[string]string) error {
	set := b.s.Settings
	if o := p["options"]; o != "" {
		for name, value := range parseOptions(o) {
			if err := set.SetDefault(name, value, config.SourceClient); err != nil {
				return err
			}
		}
	}
	for name, value := range p {
		switch name {
		case "user", "database", "options", "replication":
			continue
		}
		if len(name) > 5 && name[:5] == "_pq_." {
			continue
		}
		if err := set.SetDefault(name, value, config.SourceClient); err != nil {
			return err
		}
	}
	b.o.Slot.Activity.Update(func(a *stats.ActivityData) { a.Application = set.Get("application_name").Text })
	return nil
}

// parseOptions splits "-c name=value --name=value" with backslash escapes.
func parseOptions(o string) map[string]string {
	var words []string
	var w []byte
	for i := 0; i < len(o); i++ {
		switch {
		case o[i] == '\\' && i+1 < len(o):
			i++
			w = append(w, o[i])
		case o[i] == ' ' || o[i] == '\t':
			if len(w) > 0 {
				words = append(words, string(w))
				w = nil
			}
		default:
			w = append(w, o[i])
		}
	}
	if len(w) > 0 {
		words = append(words, string(w))
	}
	out := map[string]string{}
	for i := 0; i < len(words); i++ {
		x := words[i]
		switch {
		case x == "-c" && i+1 < len(words):
			i++
			x = words[i]
		case len(x) > 2 && (x[:2] == "-c" || x[:2] == "--"):
			x = x[2:]
		default:
			continue
		}
		for j := range x {
			if x[j] == '=' {
				name := []byte(x[:j])
				for k := range name {
					if name[k] == '-' {
						name[k] = '_'
					}
				}
				out[string(name)] = x[j+1:]
				break
			}
		}
	}
	return out
}

// greet ends the start-up: settings that clients must know, the cancel key, and readiness.
func (b *Backend) greet() {
	b.c.AuthenticationOk()
	defs := b.s.Server.Config.Registry.Reported
	b.told = make([]string, len(defs))
	for i, d := range defs {
		b.told[i] = d.Show(b.s.Settings.At(d).Value)
		b.c.ParameterStatus(d.Name, b.told[i])
	}
	b.c.BackendKeyData(b.o.Slot.PID, b.o.Secret)
	b.c.ReadyForQuery('I')
	b.between = true
	b.ps = "idle"
	b.setState("idle", "")
}

// setState publishes the session's state, and the statement when it starts one.
func (b *Backend) setState(state, query string) {
	now := time.Now()
	a := &b.o.Slot.Activity
	b.countState(a, now)
	a.Hide(!b.hot.activities(b))
	if state == "active" && query != "" {
		a.SetQuery(state, query, now)
		return
	}
	a.SetState(state, now)
}

// countState adds the time that the session was in the state which now ends.
func (b *Backend) countState(a *stats.Activity, now time.Time) {
	if a.State == "idle" || a.State == "" || a.Hidden() {
		return
	}
	d, n := b.o.Slot.Stats.Database(), now.Sub(a.StateChange).Microseconds()
	if a.State == "active" {
		d.ActiveMicros += n
	} else {
		d.IdleInTransactionMicros += n
	}
}

// countUnparsed counts the end of the transaction that PostgreSQL begins before it parses, when there is nothing to run.
func (b *Backend) countUnparsed() {
	if !b.s.Tx.InTransaction() {
		b.o.Slot.Stats.Database().Rollbacks++
	}
}

// countEnd counts a session that ends, by why it does.
func (b *Backend) countEnd(err error) {
	if b.s == nil || b.s.Tx == nil {
		return
	}
	b.o.Slot.Stats.Busy()
	d := b.o.Slot.Stats.Database()
	d.SessionMicros += time.Since(b.o.Slot.Activity.BackendStart).Microseconds()
	var ne net.Error
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &ne):
		d.Abandoned++
	case pgerr.Is(err, pgerr.AdminShutdown):
		d.Killed++
	default:
		d.Fatal++
	}
}

// onRead publishes that the session waits for its client.
func (b *Backend) onRead(begin bool) {
	if begin {
		if !b.s.Tx.InTransaction() {
			b.o.Slot.Stats.Idle()
		}
		b.o.Slot.BeginWait(stats.ClientRead)
	} else {
		b.o.Slot.Stats.Busy()
		b.o.Slot.EndWait(0)
		b.steps.arrived = b.clock()
	}
}

// lastWords is how long a session that has been told to end may try to tell its client.
const lastWords = 2 * time.Second

// onWrite publishes that the session sends to its client. One that ends does not wait for ever for a client that does not read: who asks it to end
// looks whether it waits, and here it looks whether it has been asked, so that one of the two sees the other.
func (b *Backend) onWrite(begin bool) {
	if !begin {
		b.o.Slot.EndWait(0)
		b.step(stats.StepWrite, b.steps.writing)
		return
	}
	b.steps.writing = b.clock()
	b.o.Slot.BeginWait(stats.ClientWrite)
	if b.o.Slot.Pending()&(stats.Terminate|stats.CrashExit) != 0 {
		b.c.NetConn().SetWriteDeadline(time.Now().Add(lastWords))
	}
}

// settingChanged follows up a change: the client is told of reported settings, caches are adjusted.
func (b *Backend) settingChanged(d *config.Def, v config.Value) {
	b.untold = b.untold || d.Report
	switch d.Name {
	case "application_name":
		b.o.Slot.Activity.Update(func(a *stats.ActivityData) { a.Application = v.Text })
	case "role", "session_authorization":
		b.applyRole()
	case "search_path":
		b.s.Cat.SetSearchPath(SplitPath(v.Text))
		b.cache.clear()
	}
	b.cache.noteSetting(d.Name)
	b.hot.valid = false
	if f, ok := b.env.(interface{ ForgetSettings() }); ok {
		f.ForgetSettings()
	}
}

// reportSettings tells the client of changed settings before ReadyForQuery.
func (b *Backend) reportSettings() {
	for i, d := range b.s.Server.Config.Registry.Reported {
		if v := d.Show(b.s.Settings.At(d).Value); v != b.told[i] {
			b.told[i] = v
			b.c.ParameterStatus(d.Name, v)
		}
	}
	b.untold = false
}

// notice sends a message below ERROR to the client, if client_min_messages lets it through.
func (b *Backend) notice(e *pgerr.Error) {
	if rank(e.Level()) >= rankName(b.s.Settings.Get("client_min_messages").Text) || e.Level() == pgerr.Info {
		c := *e
		b.fixPosition(&c)
		b.c.Error(&c)
	}
	if b.log != nil && logger.Outputs(e.Level(), b.s.Settings.Get("log_min_messages").Text) {
		c := *e
		b.fixPosition(&c)
		b.logLine(&c)
	}
}

func rank(s pgerr.Severity) int {
	switch s {
	case pgerr.Debug:
		return 1
	case pgerr.LogSev:
		return 2
	case pgerr.Info, pgerr.Notice:
		return 3
	case pgerr.Warning:
		return 4
	}
	return 5
}

func rankName(name string) int {
	switch name {
	case "log":
		return 2
	case "notice":
		return 3
	case "warning":
		return 4
	case "error":
		return 5
	}
	return 1
}

// fixPosition turns a byte offset in the statement text into a character position.
func (b *Backend) fixPosition(e *pgerr.Error) {
	if e.Position <= 0 {
		return
	}
	if e.Position > len(b.s.QueryText)+1 {
		return // in the text of a prepared statement, which is not at hand
	}
	e.Position = utf8.RuneCountInString(b.s.QueryText[:e.Position-1]) + 1
}
