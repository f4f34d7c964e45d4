package commands

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gompho/stats"
)

// usage measures what a command takes. The processor time is that of all of the server, for goroutines have none of their own.
type usage struct {
	slot            *stats.Slot
	began           time.Time
	user, system    time.Duration
	hits            uint32
	read, dirtied   int64
	written         int64
	records, images int64
	bytes           int64
	readNS, writeNS int64
}

func processorTime() (user, system time.Duration) {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}

func beginUsage(slot *stats.Slot) usage {
	u := usage{slot: slot, began: time.Now(), hits: slot.BufferHits(), read: slot.Buffers.Read.Load(), dirtied: slot.Buffers.Dirtied.Load(),
		written: slot.Buffers.Written.Load(), records: slot.WAL.Records.Load(), images: slot.WAL.FullImages.Load(), bytes: slot.WAL.Bytes.Load(),
		readNS: slot.Buffers.ReadNS.Load(), writeNS: slot.Buffers.WriteNS.Load()}
	u.user, u.system = processorTime()
	return u
}

// processor tells of the time, as the last line of reports.
func (u *usage) processor() string {
	user, system := processorTime()
	return fmt.Sprintf("CPU: user: %.2f s, system: %.2f s, elapsed: %.2f s", (user - u.user).Seconds(), (system - u.system).Seconds(),
		time.Since(u.began).Seconds())
}

// report writes the lines about rates, buffers, the log if wal, and time.
func (u *usage) report(b *strings.Builder, wal bool) {
	s := u.slot
	read, dirtied := s.Buffers.Read.Load()-u.read, s.Buffers.Dirtied.Load()-u.dirtied
	seconds := max(time.Since(u.began).Seconds(), 1e-6)
	rate := func(n int64) float64 { return float64(n) * 8192 / (1 << 20) / seconds }
	if !s.BeginIO().IsZero() { // times are measured
		fmt.Fprintf(b, "I/O timings: read: %.3f ms, write: %.3f ms\n", float64(s.Buffers.ReadNS.Load()-u.readNS)/1e6,
			float64(s.Buffers.WriteNS.Load()-u.writeNS)/1e6)
	}
	fmt.Fprintf(b, "avg read rate: %.3f MB/s, avg write rate: %.3f MB/s\n", rate(read), rate(dirtied))
	fmt.Fprintf(b, "buffer usage: %d hits, %d misses, %d dirtied\n", s.BufferHits()-u.hits, read, dirtied)
	if wal {
		fmt.Fprintf(b, "WAL usage: %d records, %d full page images, %d bytes\n", s.WAL.Records.Load()-u.records, s.WAL.FullImages.Load()-u.images,
			s.WAL.Bytes.Load()-u.bytes)
	}
	fmt.Fprintf(b, "system usage: %s", u.processor())
}
