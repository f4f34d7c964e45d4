package backend

import (
	"errors"
	"strconv"
	"sync"
	"syscall"
	"time"

	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/wire"
)

// clientCheck looks again and again whether the client of a running statement is still there (client_connection_check_interval). A
// session that waits for a message needs no such look: its read ends.
type clientCheck struct {
	mu    sync.Mutex  // protects timer
	timer *time.Timer // nil: not looking
	on    bool        // the session's own note that it is looking
}

// start begins to look, unless it is looking already.
func (c *clientCheck) start(b *Backend) {
	every := b.hot.clientCheck(b)
	if every <= 0 || c.on {
		return
	}
	c.on = true
	c.mu.Lock()
	defer c.mu.Unlock()
	conn, slot := b.c, b.o.Slot
	c.timer = time.AfterFunc(every, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case c.timer == nil:
		case conn.PeerClosed():
			slot.Interrupt(stats.ClientGone)
		default:
			c.timer.Reset(every)
		}
	})
}

// stop ends it: once it returns nothing will be raised any more.
func (c *clientCheck) stop() {
	if !c.on {
		return
	}
	c.on = false
	c.mu.Lock()
	c.timer.Stop()
	c.timer = nil
	c.mu.Unlock()
}

// tcpSettings are the settings that the socket of a TCP connection keeps, in the order of wire.TCPOption.
var tcpSettings = [...]string{wire.KeepIdle: "tcp_keepalives_idle", wire.KeepInterval: "tcp_keepalives_interval", wire.KeepCount: "tcp_keepalives_count",
	wire.UserTimeout: "tcp_user_timeout"}

// tcpState is what the socket was told, and what it had before it was told anything: the value of 0.
type tcpState struct {
	told, before [len(tcpSettings)]int
	asked        [len(tcpSettings)]bool
}

// applyTCP hands settings that differ from what the socket was told on to it. What the system does not take is logged, and the socket stays as it
// is; SHOW tells.
func (b *Backend) applyTCP() {
	for i, name := range tcpSettings {
		v, o := int(b.s.Settings.Get(name).Int()), wire.TCPOption(i)
		if v == b.tcp.told[i] {
			continue
		}
		if !b.tcp.asked[i] {
			b.tcp.asked[i] = true
			b.tcp.before[i], _ = b.c.TCPOption(o)
		}
		b.tcp.told[i] = v
		if v == 0 {
			v = b.tcp.before[i]
		}
		if err := b.c.SetTCPOption(o, v); err != nil {
			text := err.Error()
			if errors.Is(err, syscall.EINVAL) {
				text = "Invalid argument"
			}
			b.notice(pgerr.New(pgerr.SuccessfulCompletion, "setsockopt(%s) failed: %s", o, text).WithSeverity(pgerr.LogSev))
		}
	}
}

// shown is what SHOW prints of a setting where that is not its value: the socket knows what it does, and a connection that is not by TCP has nothing.
func (b *Backend) shown(d *config.Def, v config.Value) config.Value {
	for i, name := range tcpSettings {
		if d.Name == name {
			b.applyTCP()
			n, _ := b.c.TCPOption(wire.TCPOption(i))
			return config.Value{Text: strconv.Itoa(n)}
		}
	}
	return v
}
