package backend

import (
	"time"

	"gompho/mvcc"
)

// hotSettings keeps the settings that every statement looks at, until one of them, or the server's settings, change.
type hotSettings struct {
	valid    bool
	server   any
	stmt     time.Duration
	idle     time.Duration
	idleTx   time.Duration
	client   time.Duration // client_connection_check_interval
	logs     logSettings
	track    trackSettings
	steps    bool // gompho.request_steps
	shown    bool // track_activities
	planMode string
	opts     mvcc.BeginOpts
	sync     bool
}

func (h *hotSettings) load(b *Backend) {
	cur := any(b.s.Server.Config.Values())
	if h.valid && h.server == cur {
		return
	}
	set := b.s.Settings
	h.valid, h.server = true, cur
	h.stmt = set.Duration("statement_timeout")
	h.idle = set.Duration("idle_session_timeout")
	h.idleTx = set.Duration("idle_in_transaction_session_timeout")
	h.client = set.Duration("client_connection_check_interval")
	b.applyTCP()
	h.logs.load(b)
	was := h.track
	if h.track.load(b); was.identify != h.track.identify || was.runs != h.track.runs {
		b.cache.clear() // its statements have no identifiers or entries, or have some
	}
	h.steps = set.Get("gompho.request_steps").Bool()
	h.shown = set.Get("track_activities").Bool()
	b.o.Slot.Stats.Track(set.Get("track_counts").Bool())
	h.planMode = set.Get("plan_cache_mode").Text
	h.opts = mvcc.BeginOpts{Isolation: isolationOf(set.Get("default_transaction_isolation").Text),
		ReadOnly: set.Get("default_transaction_read_only").Bool(), Deferrable: set.Get("default_transaction_deferrable").Bool()}
	h.sync = set.Get("synchronous_commit").Text != "off"
}

func (h *hotSettings) statementTimeout(b *Backend) time.Duration { h.load(b); return h.stmt }

func (h *hotSettings) clientCheck(b *Backend) time.Duration { h.load(b); return h.client }

func (h *hotSettings) duration(b *Backend, name string) time.Duration {
	h.load(b)
	if name == "idle_session_timeout" {
		return h.idle
	}
	return h.idleTx
}

func (h *hotSettings) activities(b *Backend) bool          { h.load(b); return h.shown }
func (h *hotSettings) log(b *Backend) *logSettings         { h.load(b); return &h.logs }
func (h *hotSettings) planCacheMode(b *Backend) string     { h.load(b); return h.planMode }
func (h *hotSettings) beginOpts(b *Backend) mvcc.BeginOpts { h.load(b); return h.opts }
