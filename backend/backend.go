package backend

import (
	"errors"
	"io"
	"net"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"gompho/config"
	"gompho/internal/pgerr"
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
	log      *zap.Logger
	prepared map[string]*Prepared
	unnamed  *Prepared
	portals  map[string]*Portal
	cache    planCache
	skipSync bool     // an error happened: ignore messages until Sync
	pending  []string // settings whose new value the client must be told
	timer    statementTimer
	hot      hotSettings
	rows     rowWriter
	env      types.Env
	spare    *Portal
	tag      string               // command tag of the statement that has just run
	roles    map[string]roleFacts // roles that settings have named
	login    roleFacts
	limited  bool // the client asked for some of the rows only
}

// Run serves the connection until it ends. The caller has read the start-up packet.
func Run(o Options) {
	b := &Backend{o: o, log: o.Server.Log}
	b.c = wire.NewConn(o.Conn, o.Pool)
	defer b.c.Close()
	defer b.recoverPanic()
	detach, err := b.startup()
	if err != nil {
		b.sendFatal(err)
		return
	}
	defer func() {
		b.timer.stop()
		if b.s.Tx != nil {
			b.closePortals()
			b.blk.abort()
		}
		detach()
	}()
	err = b.loop()
	if err != nil && !errors.Is(err, io.EOF) {
		b.sendFatal(err)
	}
}

// recoverPanic turns a bug into the end of this session, or of all when shared state may be damaged.
func (b *Backend) recoverPanic() {
	r := recover()
	if r == nil {
		return
	}
	stack := debug.Stack()
	if b.o.Crash != nil && b.o.Slot.InCritical() {
		b.o.Crash(r, stack)
		return
	}
	b.log.Error("backend panic", zap.Int32("pid", b.o.Slot.PID), zap.Any("reason", r), zap.ByteString("stack", stack))
	b.sendFatal(pgerr.New(pgerr.InternalError, "internal error: %v", r).WithSeverity(pgerr.Fatal))
}

// sendFatal tells the client why the session ends.
func (b *Backend) sendFatal(err error) {
	var ne net.Error
	if errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		b.logLine(pgerr.New(pgerr.ConnectionFailure, "could not receive data from client: %v", err).WithSeverity(pgerr.LogSev))
		return
	}
	e := *pgerr.From(err)
	if e.Level() == pgerr.Error_ {
		e.Severity = pgerr.Fatal
	}
	b.logLine(&e)
	b.c.Error(&e)
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
	s.Notice = b.notice
	s.CopyIn, s.CopyOut = b.copyIn, b.copyOut
	s.Prepared, s.Cursors = b.preparedInfo, b.cursorInfo
	b.describeActivity(user, db)
	detach, err := b.o.Attach(s, user, db)
	if err != nil {
		return nil, err
	}
	b.eng = b.o.NewEngine(s)
	if err := b.applyStartup(p); err != nil {
		detach()
		return nil, err
	}
	b.blk = block{tx: s.Tx, begun: b.txBegun, ended: b.txEnded, options: b.beginOptions, warn: func(c pgerr.Code, m string) { s.Warn(c, "%s", m) }}
	s.Settings.OnChange = b.settingChanged
	s.Settings.Check = b.checkSetting
	b.c.OnRead = b.onRead
	b.env = b.eng.Env(s)
	b.greet()
	return detach, b.c.Flush()
}

func (b *Backend) describeActivity(user, db string) {
	now := time.Now()
	b.o.Slot.Activity.Update(func(a *stats.ActivityData) {
		a.UserName, a.DBName, a.BackendStart, a.StateChange = user, db, now, now
		a.ClientPort = -1
		if ta, ok := b.o.Conn.RemoteAddr().(*net.TCPAddr); ok {
			a.ClientAddr, a.ClientPort = ta.IP.String(), int32(ta.Port)
		}
	})
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
	for _, d := range b.s.Server.Config.Registry.Defs {
		if d.Report {
			b.c.ParameterStatus(d.Name, d.Show(b.s.Settings.At(d).Value))
		}
	}
	b.c.BackendKeyData(b.o.Slot.PID, b.o.Secret)
	b.c.ReadyForQuery('I')
	b.setState("idle", "")
}

// setState publishes the session's state, and the statement when it starts one.
func (b *Backend) setState(state, query string) {
	now := time.Now()
	a := &b.o.Slot.Activity
	if state == "active" && query != "" {
		a.SetQuery(state, query, now)
		return
	}
	a.SetState(state, now)
}

// onRead publishes that the session waits for its client.
func (b *Backend) onRead(begin bool) {
	if begin {
		b.o.Slot.BeginWait(stats.ClientRead)
	} else {
		b.o.Slot.EndWait(0)
	}
}

// settingChanged follows up a change: the client is told of reported settings, caches are adjusted.
func (b *Backend) settingChanged(d *config.Def, v config.Value) {
	if d.Report {
		b.pending = append(b.pending, d.Name)
	}
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
	for _, name := range b.pending {
		d := b.s.Settings.Find(name)
		b.c.ParameterStatus(d.Name, d.Show(b.s.Settings.At(d).Value))
	}
	b.pending = b.pending[:0]
}

// notice sends a message below ERROR to the client, if client_min_messages lets it through.
func (b *Backend) notice(e *pgerr.Error) {
	if rank(e.Level()) >= rankName(b.s.Settings.Get("client_min_messages").Text) || e.Level() == pgerr.Info {
		c := *e
		b.fixPosition(&c)
		b.c.Error(&c)
	}
	if e.Level() == pgerr.Warning || e.Level() == pgerr.LogSev {
		b.logLine(e)
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
	n := min(e.Position-1, len(b.s.QueryText))
	e.Position = utf8.RuneCountInString(b.s.QueryText[:n]) + 1
}

// logLine writes a message to the server log.
func (b *Backend) logLine(e *pgerr.Error) {
	if b.log == nil {
		return
	}
	fields := []zap.Field{zap.Int32("pid", b.o.Slot.PID), zap.String("code", string(e.Code))}
	if b.s != nil {
		fields = append(fields, zap.String("user", b.s.UserName), zap.String("db", b.s.DBName))
		if b.s.QueryText != "" && rank(e.Level()) >= 5 {
			fields = append(fields, zap.String("statement", b.s.QueryText))
		}
	}
	if e.Detail != "" {
		fields = append(fields, zap.String("detail", e.Detail))
	}
	if e.DetailLog != "" {
		fields = append(fields, zap.String("detail", e.DetailLog))
	}
	fields = append(fields, zap.String("severity", string(e.Level())))
	switch e.Level() {
	case pgerr.Debug:
		b.log.Debug(e.Message, fields...)
	case pgerr.LogSev, pgerr.Info, pgerr.Notice:
		b.log.Info(e.Message, fields...)
	case pgerr.Warning:
		b.log.Warn(e.Message, fields...)
	default:
		b.log.Error(e.Message, fields...)
	}
}
