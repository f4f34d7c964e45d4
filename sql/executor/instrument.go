package executor

import (
	"time"

	"gompho/internal/ids"
	"gompho/sql/plan"
	"gompho/stats"
	"gompho/types"
)

// Instrumentation is what EXPLAIN ANALYZE shows of a node. Rows and times are sums over all loops.
type Instrumentation struct {
	Loops   float64
	Rows    float64
	Startup time.Duration // until the first row of each loop
	Total   time.Duration
	// Removed counts rows that the condition dropped, RemovedJoin those that the join condition did.
	Removed     float64
	RemovedJoin float64
	Node        any // the run state, for details: sort method, hash buckets
	Usage       Usage

	slot    *stats.Slot // nil: pages and log are not counted
	before  Usage
	timing  bool
	running bool // a loop has begun
	loop    time.Duration
	first   bool
	rows    float64
}

// instrumentation returns the counters of a node; nil when nothing is measured.
func (ex *Exec) instrumentation(p plan.Node) *Instrumentation {
	if !ex.opts.Instrument {
		return nil
	}
	if ex.instr == nil {
		ex.instr = make(map[plan.Node]*Instrumentation)
	}
	i := ex.instr[p]
	if i == nil {
		i = &Instrumentation{timing: ex.opts.Timing}
		if ex.opts.Usage {
			i.slot = ex.env.Slot
		}
		ex.instr[p] = i
	}
	return i
}

// Instruments returns the counters of a node after the execution; nil when there are none.
func (ex *Exec) Instruments(p plan.Node) *Instrumentation {
	i := ex.instr[p]
	if i != nil {
		i.finish()
	}
	return i
}

func (i *Instrumentation) begin() time.Time {
	if i == nil {
		return time.Time{}
	}
	i.running = true
	if i.slot != nil {
		i.before = UsageOf(i.slot)
	}
	if i.timing {
		return time.Now()
	}
	return time.Time{}
}

func (i *Instrumentation) end(start time.Time, rows int, done bool) {
	if i == nil {
		return
	}
	if i.slot != nil {
		i.Usage.add(UsageOf(i.slot).Since(i.before))
	}
	if i.timing {
		i.loop += time.Since(start)
	}
	i.rows += float64(rows)
	if !i.first && (rows > 0 || done) {
		i.first = true
		i.Startup += i.loop
	}
}

// finish closes the loop that runs.
func (i *Instrumentation) finish() {
	if i == nil || !i.running {
		return
	}
	i.Loops++
	i.Rows += i.rows
	i.Total += i.loop
	i.running, i.first, i.rows, i.loop = false, false, 0, 0
}

func (i *Instrumentation) rescan() { i.finish() }

// instrNode measures a node.
type instrNode struct {
	node
	i *Instrumentation
}

func (ex *Exec) instrument(p plan.Node, n node) node {
	i := ex.instrumentation(p)
	i.Node = n
	if s, ok := n.(interface{ measure(*Instrumentation) }); ok {
		s.measure(i)
	}
	return &instrNode{n, i}
}

// unwrap returns the node itself.
func unwrap(n node) node {
	if i, ok := n.(*instrNode); ok {
		return i.node
	}
	return n
}

func (n *instrNode) next(max int) (*types.Batch, error) {
	start := n.i.begin()
	b, err := n.node.next(max)
	rows := 0
	if b != nil {
		rows = b.Rows()
	}
	n.i.end(start, rows, b == nil)
	return b, err
}

func (n *instrNode) rescan() error {
	n.i.rescan()
	return n.node.rescan()
}

func (n *instrNode) types() []ids.Oid { return n.node.types() }

// Usage counts buffers, blocks of temporary files, log records, and time of reading and writing.
type Usage struct {
	Hit, Read, Dirtied, Written                     int64
	LocalHit, LocalRead, LocalDirtied, LocalWritten int64
	TempRead, TempWritten                           int64
	ReadNS, WriteNS, TempReadNS, TempWriteNS        int64
	Records, FullImages, WALBytes                   int64
}

// UsageOf returns what a process has used so far; hits wrap around, so that only differences count.
func UsageOf(s *stats.Slot) Usage {
	if s == nil {
		return Usage{}
	}
	b := &s.Buffers
	return Usage{Hit: int64(s.BufferHits()), Read: b.Read.Load(), Dirtied: b.Dirtied.Load(), Written: b.Written.Load(),
		LocalHit: b.LocalHit.Load(), LocalRead: b.LocalRead.Load(), LocalDirtied: b.LocalDirtied.Load(), LocalWritten: b.LocalWritten.Load(),
		TempRead: b.TempRead.Load(), TempWritten: b.TempWritten.Load(),
		ReadNS: b.ReadNS.Load(), WriteNS: b.WriteNS.Load(), TempReadNS: b.TempReadNS.Load(), TempWriteNS: b.TempWriteNS.Load(),
		Records: s.WAL.Records.Load(), FullImages: s.WAL.FullImages.Load(), WALBytes: s.WAL.Bytes.Load()}
}

// Since returns the use between two readings.
func (u Usage) Since(before Usage) Usage {
	hit := int64(uint32(u.Hit) - uint32(before.Hit))
	u.combine(&before, -1)
	u.Hit = hit
	return u
}

func (u *Usage) add(v Usage) { u.combine(&v, 1) }

// combine adds v, or with sign -1 takes it away.
func (u *Usage) combine(v *Usage, sign int64) {
	u.Hit += sign * v.Hit
	u.Read += sign * v.Read
	u.Dirtied += sign * v.Dirtied
	u.Written += sign * v.Written
	u.LocalHit += sign * v.LocalHit
	u.LocalRead += sign * v.LocalRead
	u.LocalDirtied += sign * v.LocalDirtied
	u.LocalWritten += sign * v.LocalWritten
	u.TempRead += sign * v.TempRead
	u.TempWritten += sign * v.TempWritten
	u.ReadNS += sign * v.ReadNS
	u.WriteNS += sign * v.WriteNS
	u.TempReadNS += sign * v.TempReadNS
	u.TempWriteNS += sign * v.TempWriteNS
	u.Records += sign * v.Records
	u.FullImages += sign * v.FullImages
	u.WALBytes += sign * v.WALBytes
}

// AddTo adds the counters to those of a statement.
func (u *Usage) AddTo(s *stats.StatementUse) {
	const ms = 1e6
	s.SharedHit += u.Hit
	s.SharedRead += u.Read
	s.SharedDirtied += u.Dirtied
	s.SharedWritten += u.Written
	s.LocalHit += u.LocalHit
	s.LocalRead += u.LocalRead
	s.LocalDirtied += u.LocalDirtied
	s.LocalWritten += u.LocalWritten
	s.TempRead += u.TempRead
	s.TempWritten += u.TempWritten
	s.ReadMS += float64(u.ReadNS) / ms
	s.WriteMS += float64(u.WriteNS) / ms
	s.TempReadMS += float64(u.TempReadNS) / ms
	s.TempWriteMS += float64(u.TempWriteNS) / ms
	s.WALRecords += u.Records
	s.WALImages += u.FullImages
	s.WALBytes += u.WALBytes
}
