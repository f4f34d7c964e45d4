package wire

// TCPOption is an option of a TCP connection that the operating system keeps.
type TCPOption int

const (
	KeepIdle     TCPOption = iota // seconds of silence until the first probe
	KeepInterval                  // seconds between probes
	KeepCount                     // unanswered probes until the connection counts as broken
	UserTimeout                   // milliseconds that sent data may stay unacknowledged; 0 is the system's choice
)

// String returns the system's name of the option.
func (o TCPOption) String() string {
	return [...]string{KeepIdle: "TCP_KEEPIDLE", KeepInterval: "TCP_KEEPINTVL", KeepCount: "TCP_KEEPCNT", UserTimeout: "TCP_USER_TIMEOUT"}[o]
}
