// Package metrics is the server's admin endpoint: HTTP on an address of its own with what programs that watch a server ask for.
//
// Layer: beside the workers, below the postmaster, which starts it before recovery and ends it last. It knows nothing of the server's
// parts: Options.Sample reads them.
//
// What it serves:
//
//	/metrics       the server's counters in the text format of Prometheus
//	/healthz       200 and "ready" when sessions are taken, 503 and "recovering", "starting" or "stopping" else
//	/debug/pprof/  profiles of the process: profile, heap, goroutine, trace ...
//
// Rules:
//
//  1. It is off unless gompho.admin_address is set. There is no password: an address without a host, as ":9187" or "9187", listens on the loopback
//     interface only; whoever wants others to reach it writes a full address.
//  2. Nothing is counted for it: a scrape reads the counters that the server keeps anyhow (TestMetrics compares them with the views), and a server that
//     nobody scrapes pays nothing. Counters go on from the values that the last clean shutdown kept, as the views' do.
//  3. While there is no cluster, during recovery and in a crash cycle, a scrape has the metrics of the process and of what connects, and no others.
//
// Names: gompho_ and the thing, units last, _total for what only grows. PostgreSQL has no such endpoint; the figures are those of pg_stat_activity,
// pg_locks, pg_stat_bgwriter, pg_stat_wal, pg_stat_archiver and pg_stat_database.
package metrics
