package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gompho/stats"
)

// Sample is what a scrape shows.
type Sample struct {
	State          string // as of Options
	Started        time.Time
	MaxConnections int
	Connections    map[string]int // sessions of clients by pg_stat_activity.state
	Processes      map[string]int // all processes by backend_type
	Waiting        map[string]int // processes that wait, by wait_event_type
	CrashCycles    int

	// Cluster is nil while there is none.
	Cluster *Cluster
}

// Lock is a kind of row of pg_locks.
type Lock struct {
	Mode    string
	Granted bool
}

// Cluster is the part of a sample that a cluster has.
type Cluster struct {
	Locks             map[Lock]int
	LockWaits         int64
	Prepared          int
	Memory            *stats.MemoryPool
	SharedBuffers     int // blocks
	Server            stats.Server
	Databases         map[string]stats.Database // "" stands for shared relations
	Relations         stats.Totals
	Archived, Failed  int64
	Inserted, Flushed uint64 // positions in the log
}

// collector makes metrics of samples.
type collector struct{ o Options }

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range families() {
		out <- f.desc()
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := c.o.Sample()
	for _, f := range families() {
		if f.cluster && s.Cluster == nil {
			continue
		}
		desc, kind := f.desc(), prometheus.GaugeValue
		if f.counter {
			kind = prometheus.CounterValue
		}
		f.values(s, func(v float64, labels ...string) { out <- prometheus.MustNewConstMetric(desc, kind, v, labels...) })
	}
}

// emit takes a value with those of its labels.
type emit func(v float64, labels ...string)

// family is a metric with all its labels.
type family struct {
	name, help string
	labels     []string
	counter    bool
	cluster    bool // there is none without a cluster
	values     func(s *Sample, out emit)
}

func (f *family) desc() *prometheus.Desc {
	return prometheus.NewDesc("gompho_"+f.name, f.help, f.labels, nil)
}

// families lists all metrics.
func families() []family {
	out := []family{
		{name: "up", help: "1 when the server takes sessions, 0 while it starts, recovers or stops.", values: func(s *Sample, out emit) {
			if s.State == "ready" {
				out(1)
				return
			}
			out(0)
		}},
		{name: "start_time_seconds", help: "When the server was started, in seconds since 1970.", values: func(s *Sample, out emit) {
			out(float64(s.Started.UnixMicro()) / 1e6)
		}},
		{name: "crash_cycles_total", help: "How often the server ended all sessions and recovered, since its start.", counter: true,
			values: func(s *Sample, out emit) { out(float64(s.CrashCycles)) }},
		{name: "connections", help: "Sessions of clients by state.", labels: []string{"state"}, values: func(s *Sample, out emit) { each(s.Connections, out) }},
		{name: "connections_max", help: "max_connections.", values: func(s *Sample, out emit) { out(float64(s.MaxConnections)) }},
		{name: "processes", help: "Processes by type.", labels: []string{"type"}, values: func(s *Sample, out emit) { each(s.Processes, out) }},
		{name: "waiting_processes", help: "Processes that wait, by the type of the wait event.", labels: []string{"type"},
			values: func(s *Sample, out emit) { each(s.Waiting, out) }},
		{name: "locks", help: "Locks by mode.", labels: []string{"mode", "granted"}, cluster: true, values: func(s *Sample, out emit) {
			for l, n := range s.Cluster.Locks {
				out(float64(n), l.Mode, map[bool]string{true: "true", false: "false"}[l.Granted])
			}
		}},
		{name: "buffers_written_total", help: "Blocks of shared buffers that were written, by who wrote them.", labels: []string{"by"}, counter: true, cluster: true,
			values: func(s *Sample, out emit) {
				out(float64(s.Cluster.Server.CheckpointBuffers), "checkpointer")
				out(float64(s.Cluster.Server.CleanBuffers), "background writer")
				out(float64(s.Cluster.Server.BackendBuffers), "backend")
			}},
		{name: "checkpoints_total", help: "Checkpoints that were begun.", labels: []string{"reason"}, counter: true, cluster: true, values: func(s *Sample, out emit) {
			out(float64(s.Cluster.Server.TimedCheckpoints), "timed")
			out(float64(s.Cluster.Server.RequestedCheckpoints), "requested")
		}},
		{name: "vacuums_total", help: "Tables vacuumed and analyzed.", labels: []string{"command", "by"}, counter: true, cluster: true, values: func(s *Sample, out emit) {
			r := &s.Cluster.Relations
			out(float64(r.Vacuums), "vacuum", "command")
			out(float64(r.Autovacuums), "vacuum", "autovacuum")
			out(float64(r.Analyzes), "analyze", "command")
			out(float64(r.Autoanalyzes), "analyze", "autovacuum")
		}},
		{name: "table_rows", help: "Row versions of all tables, as far as they are known.", labels: []string{"state"}, cluster: true, values: func(s *Sample, out emit) {
			out(float64(s.Cluster.Relations.Live), "live")
			out(float64(s.Cluster.Relations.Dead), "dead")
		}},
		{name: "archived_segments_total", help: "Segments of the log that were archived, or failed to be.", labels: []string{"result"}, counter: true, cluster: true,
			values: func(s *Sample, out emit) {
				out(float64(s.Cluster.Archived), "done")
				out(float64(s.Cluster.Failed), "failed")
			}},
	}
	out = append(out, serverFamilies()...)
	return append(out, databaseFamilies()...)
}

func each(m map[string]int, out emit) {
	for k, n := range m {
		out(float64(n), k)
	}
}

// serverFamilies are single numbers of the cluster.
func serverFamilies() []family {
	counter := func(name, help string, f func(c *Cluster) float64) family {
		return family{name: name, help: help, counter: true, cluster: true, values: func(s *Sample, out emit) { out(f(s.Cluster)) }}
	}
	gauge := func(name, help string, f func(c *Cluster) float64) family {
		m := counter(name, help, f)
		m.counter = false
		return m
	}
	return []family{
		counter("lock_waits_total", "How often a process had to wait for a heavyweight lock.", func(c *Cluster) float64 { return float64(c.LockWaits) }),
		gauge("query_memory_bytes", "What sessions hold for their statements.", func(c *Cluster) float64 { return float64(c.Memory.Held()) }),
		gauge("query_memory_peak_bytes", "The most that sessions have held for their statements together.", func(c *Cluster) float64 { return float64(c.Memory.Peak()) }),
		gauge("query_memory_limit_bytes", "What gompho.memory_limit leaves to statements; 0: there is no limit.", func(c *Cluster) float64 { return float64(c.Memory.Limit()) }),
		counter("query_memory_refused_total", "Statements that ended with 53200 because of gompho.memory_limit.", func(c *Cluster) float64 { return float64(c.Memory.Refused()) }),
		gauge("prepared_transactions", "Prepared transactions.", func(c *Cluster) float64 { return float64(c.Prepared) }),
		gauge("shared_buffers_bytes", "Size of the shared buffers.", func(c *Cluster) float64 { return float64(c.SharedBuffers) * 8192 }),
		counter("buffers_allocated_total", "Shared buffers that were given to another block.", func(c *Cluster) float64 { return float64(c.Server.Allocated) }),
		counter("bgwriter_stops_total", "Rounds that the background writer broke off at bgwriter_lru_maxpages.", func(c *Cluster) float64 { return float64(c.Server.MaxWritten) }),
		counter("checkpoint_write_seconds_total", "Time that checkpoints wrote.", func(c *Cluster) float64 { return float64(c.Server.CheckpointWriteMicros) / 1e6 }),
		counter("checkpoint_sync_seconds_total", "Time that checkpoints synced.", func(c *Cluster) float64 { return float64(c.Server.CheckpointSyncMicros) / 1e6 }),
		counter("wal_records_total", "Records of the log.", func(c *Cluster) float64 { return float64(c.Server.WalRecords) }),
		counter("wal_full_page_images_total", "Images of whole pages in the log.", func(c *Cluster) float64 { return float64(c.Server.WalImages) }),
		counter("wal_bytes_total", "Bytes of the log.", func(c *Cluster) float64 { return float64(c.Server.WalBytes) }),
		counter("wal_buffers_full_total", "Writes of the log because its buffers were full.", func(c *Cluster) float64 { return float64(c.Server.WalBuffersFull) }),
		counter("wal_writes_total", "Writes of the log.", func(c *Cluster) float64 { return float64(c.Server.WalWrites) }),
		counter("wal_syncs_total", "Syncs of the log.", func(c *Cluster) float64 { return float64(c.Server.WalSyncs) }),
		counter("wal_write_seconds_total", "Time of these writes, with track_wal_io_timing.", func(c *Cluster) float64 { return float64(c.Server.WalWriteMicros) / 1e6 }),
		counter("wal_sync_seconds_total", "Time of these syncs, with track_wal_io_timing.", func(c *Cluster) float64 { return float64(c.Server.WalSyncMicros) / 1e6 }),
		gauge("wal_inserted_position_bytes", "How far the log has been filled.", func(c *Cluster) float64 { return float64(c.Inserted) }),
		gauge("wal_flushed_position_bytes", "How far the log is durable.", func(c *Cluster) float64 { return float64(c.Flushed) }),
	}
}

// databaseFamilies are counters of each database.
func databaseFamilies() []family {
	type value struct {
		label string
		f     func(d *stats.Database) float64
	}
	counter := func(name, help, label string, values ...value) family {
		labels := []string{"database"}
		if label != "" {
			labels = append(labels, label)
		}
		return family{name: name, help: help, labels: labels, counter: true, cluster: true, values: func(s *Sample, out emit) {
			for db, d := range s.Cluster.Databases {
				for _, v := range values {
					if label == "" {
						out(v.f(&d), db)
					} else {
						out(v.f(&d), db, v.label)
					}
				}
			}
		}}
	}
	of := func(label string, f func(d *stats.Database) int64) value {
		return value{label, func(d *stats.Database) float64 { return float64(f(d)) }}
	}
	return []family{
		counter("transactions_total", "Transactions that have ended.", "end", of("commit", func(d *stats.Database) int64 { return d.Commits }),
			of("rollback", func(d *stats.Database) int64 { return d.Rollbacks })),
		counter("buffer_hits_total", "Blocks that were asked for and found in shared buffers.", "", of("", func(d *stats.Database) int64 { return d.BlocksHit })),
		counter("buffer_reads_total", "Blocks that were asked for and read from a file.", "",
			of("", func(d *stats.Database) int64 { return d.BlocksFetched - d.BlocksHit })),
		counter("tuples_total", "Rows read by scans, fetched by indexes, and changed.", "kind", of("returned", func(d *stats.Database) int64 { return d.Returned }),
			of("fetched", func(d *stats.Database) int64 { return d.Fetched }), of("inserted", func(d *stats.Database) int64 { return d.Inserted }),
			of("updated", func(d *stats.Database) int64 { return d.Updated }), of("deleted", func(d *stats.Database) int64 { return d.Deleted })),
		counter("temp_files_total", "Temporary files that statements have made.", "", of("", func(d *stats.Database) int64 { return d.TempFiles })),
		counter("temp_bytes_total", "Bytes of these files.", "", of("", func(d *stats.Database) int64 { return d.TempBytes })),
		counter("deadlocks_total", "Deadlocks found.", "", of("", func(d *stats.Database) int64 { return d.Deadlocks })),
		counter("checksum_failures_total", "Blocks found damaged.", "", of("", func(d *stats.Database) int64 { return d.ChecksumFailures })),
		counter("sessions_total", "Sessions begun.", "", of("", func(d *stats.Database) int64 { return d.Sessions })),
		counter("sessions_ended_badly_total", "Sessions that ended because of a lost client, an error, or an operator.", "how",
			of("abandoned", func(d *stats.Database) int64 { return d.Abandoned }), of("fatal", func(d *stats.Database) int64 { return d.Fatal }),
			of("killed", func(d *stats.Database) int64 { return d.Killed })),
		counter("session_seconds_total", "Time of sessions by what they did.", "doing",
			value{"all", func(d *stats.Database) float64 { return float64(d.SessionMicros) / 1e6 }},
			value{"active", func(d *stats.Database) float64 { return float64(d.ActiveMicros) / 1e6 }},
			value{"idle in transaction", func(d *stats.Database) float64 { return float64(d.IdleInTransactionMicros) / 1e6 }}),
	}
}
