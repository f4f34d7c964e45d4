package stats

import (
	"sync/atomic"

	"gompho/internal/ids"
)

// ProgressCommand is a kind of command that shows how far it is, with PostgreSQL's numbers.
type ProgressCommand int32

// The commands of the views pg_stat_progress_*.
const (
	ProgressNone ProgressCommand = iota
	ProgressVacuum
	ProgressAnalyze
	ProgressCluster
	ProgressCreateIndex
	ProgressBaseBackup
	ProgressCopy
)

// ProgressParams is how many numbers a command shows.
const ProgressParams = 20

// Parameters of VACUUM, in the order of pg_stat_get_progress_info.
const (
	VacuumPhase = iota
	VacuumHeapBlocks
	VacuumHeapScanned
	VacuumHeapVacuumed
	VacuumIndexRounds
	VacuumMaxDead
	VacuumDead
)

// Phases of VACUUM.
const (
	VacuumScanningHeap = iota + 1
	VacuumVacuumingIndexes
	VacuumVacuumingHeap
	VacuumCleaningIndexes
	VacuumTruncating
	VacuumFinal
)

// Parameters of ANALYZE.
const (
	AnalyzePhase = iota
	AnalyzeBlocks
	AnalyzeBlocksDone
	AnalyzeExtStats
	AnalyzeExtStatsDone
	AnalyzeChildren
	AnalyzeChildrenDone
	AnalyzeChild
)

// Phases of ANALYZE.
const (
	AnalyzeSampling = iota + 1
	AnalyzeSamplingInherited
	AnalyzeComputing
	AnalyzeComputingExtended
	AnalyzeFinal
)

// Parameters of CLUSTER and VACUUM FULL. The command is 1 or 2.
const (
	ClusterCommand = iota
	ClusterPhase
	ClusterIndex
	ClusterTuplesScanned
	ClusterTuplesWritten
	ClusterBlocks
	ClusterBlocksScanned
	ClusterIndexesRebuilt
)

// Phases of CLUSTER and VACUUM FULL.
const (
	ClusterSeqScan = iota + 1
	ClusterIndexScan
	ClusterSort
	ClusterWrite
	ClusterSwap
	ClusterRebuild
	ClusterFinal
)

// Parameters of CREATE INDEX and REINDEX. The command is 1, 2 with CONCURRENTLY, 3 for REINDEX, 4 for that concurrently.
const (
	IndexCommand        = 0
	IndexLockers        = 3
	IndexLockersDone    = 4
	IndexLocker         = 5
	IndexOid            = 6
	IndexAm             = 8
	IndexPhase          = 9
	IndexSubphase       = 10
	IndexTuples         = 11
	IndexTuplesDone     = 12
	IndexPartitions     = 13
	IndexPartitionsDone = 14
	IndexBlocks         = 15
	IndexBlocksDone     = 16
)

// Phases of CREATE INDEX and REINDEX, and the subphases of building a btree.
const (
	IndexWaitBeforeBuild = iota + 1
	IndexBuild
	IndexWaitBeforeValidate
	IndexValidateIndexScan
	IndexValidateSort
	IndexValidateTableScan
	IndexWaitOldSnapshots
	IndexWaitBeforeDead
	IndexWaitBeforeDrop

	IndexBuildTableScan = 2
	IndexBuildSort      = 3
	IndexBuildMerge     = 4
	IndexBuildLoad      = 5
)

// Parameters of COPY. The command is 1 for FROM, 2 for TO; the type 1 for a file, 2 for a program, 3 for the connection.
const (
	CopyBytes = iota
	CopyBytesTotal
	CopyTuples
	CopyTuplesExcluded
	CopyCommand
	CopyType
)

// Parameters of a base backup.
const (
	BackupPhase = iota
	BackupTotal
	BackupStreamed
	BackupTablespaces
	BackupTablespacesStreamed
)

// Phases of a base backup.
const (
	BackupCheckpoint = iota + 1
	BackupEstimating
	BackupStreaming
	BackupArchiving
	BackupLog
)

// Progress tells how far a process's command is. The process writes, anyone may read; a reader may see numbers of two moments.
type Progress struct {
	command atomic.Int32
	rel     atomic.Uint32
	params  [ProgressParams]atomic.Int64
}

// ProgressNow is what a process shows.
type ProgressNow struct {
	Command ProgressCommand
	Rel     ids.Oid
	Params  [ProgressParams]int64
}

// StartProgress begins to show a command on a relation, with all numbers 0.
func (s *Slot) StartProgress(c ProgressCommand, rel ids.Oid) {
	if s == nil {
		return
	}
	p := &s.progress
	p.command.Store(0)
	for i := range p.params {
		p.params[i].Store(0)
	}
	p.rel.Store(uint32(rel))
	p.command.Store(int32(c))
}

// SetProgress sets a number of a command. It does nothing unless that command is shown: what it consists of may be part of others.
func (s *Slot) SetProgress(c ProgressCommand, param int, v int64) {
	if s != nil && s.progress.command.Load() == int32(c) {
		s.progress.params[param].Store(v)
	}
}

// AddProgress adds to a number.
func (s *Slot) AddProgress(c ProgressCommand, param int, v int64) {
	if s != nil && s.progress.command.Load() == int32(c) {
		s.progress.params[param].Add(v)
	}
}

// ShowsProgress reports whether a command is shown.
func (s *Slot) ShowsProgress(c ProgressCommand) bool {
	return s != nil && s.progress.command.Load() == int32(c)
}

// EndProgress shows nothing any more.
func (s *Slot) EndProgress() {
	if s != nil {
		s.progress.command.Store(0)
	}
}

// ProgressNow returns what the process shows.
func (s *Slot) ProgressNow() (n ProgressNow) {
	n.Command = ProgressCommand(s.progress.command.Load())
	n.Rel = ids.Oid(s.progress.rel.Load())
	for i := range n.Params {
		n.Params[i] = s.progress.params[i].Load()
	}
	return n
}
