package backup

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/wal"
)

// Names of files in a data directory.
const (
	LabelFile    = "backup_label"
	OldLabelFile = "backup_label.old"
	MapFile      = "tablespace_map"
	OldMapFile   = "tablespace_map.old"
	ManifestFile = "backup_manifest"
)

// MaxLabel bounds the length of a label, in bytes.
const MaxLabel = 1024

// Label is the content of backup_label.
type Label struct {
	Start      ids.LSN // where redo begins
	StartFile  string  // its segment
	Checkpoint ids.LSN // of the checkpoint's record
	Method     string  // streamed
	From       string  // primary or standby
	StartTime  string
	Text       string // what the user calls it
	Timeline   uint32
}

// timeFormat is how times are written, in the zone of the server's log.
const timeFormat = "2006-01-02 15:04:05 MST"

// NewLabel makes the label of a backup that begins now.
func NewLabel(start, checkpoint ids.LSN, timeline uint32, segmentSize int, text string, now time.Time) *Label {
	return &Label{Start: start, StartFile: wal.SegmentName(timeline, uint64(start)/uint64(segmentSize), segmentSize), Checkpoint: checkpoint,
		Method: "streamed", From: "primary", StartTime: now.Format(timeFormat), Text: text, Timeline: timeline}
}

// String returns the content of backup_label.
func (l *Label) String() string {
	return fmt.Sprintf("START WAL LOCATION: %s (file %s)\n", l.Start, l.StartFile) + l.rest() + fmt.Sprintf("START TIMELINE: %d\n", l.Timeline)
}

func (l *Label) rest() string {
	return fmt.Sprintf("CHECKPOINT LOCATION: %s\nBACKUP METHOD: %s\nBACKUP FROM: %s\nSTART TIME: %s\nLABEL: %s\n", l.Checkpoint, l.Method, l.From, l.StartTime, l.Text)
}

// HistoryName returns the name of the history file of the backup in pg_wal.
func (l *Label) HistoryName(segmentSize int) string {
	return fmt.Sprintf("%s.%08X.backup", l.StartFile, uint64(l.Start)%uint64(segmentSize))
}

// HistoryText returns the content of that file for a backup that ended at a position.
func (l *Label) HistoryText(stop ids.LSN, stopTimeline uint32, segmentSize int, now time.Time) string {
	file := wal.SegmentName(stopTimeline, (uint64(stop)-1)/uint64(segmentSize), segmentSize)
	return fmt.Sprintf("START WAL LOCATION: %s (file %s)\nSTOP WAL LOCATION: %s (file %s)\n", l.Start, l.StartFile, stop, file) + l.rest() +
		fmt.Sprintf("START TIMELINE: %d\nSTOP TIME: %s\nSTOP TIMELINE: %d\n", l.Timeline, now.Format(timeFormat), stopTimeline)
}

// ParseLabel reads backup_label. Lines that it does not know are no error, because a label may have several lines.
func ParseLabel(text string) (*Label, error) {
	bad := pgerr.New(pgerr.ObjectNotInPrerequisiteState, "invalid data in file %q", LabelFile).WithSeverity(pgerr.Fatal)
	lines := strings.Split(text, "\n")
	if len(lines) < 2 {
		return nil, bad
	}
	l := &Label{}
	where, ok := strings.CutPrefix(lines[0], "START WAL LOCATION: ")
	at, file, ok2 := strings.Cut(where, " (file ")
	file, ok3 := strings.CutSuffix(file, ")")
	if !ok || !ok2 || !ok3 {
		return nil, bad
	}
	cp, ok := strings.CutPrefix(lines[1], "CHECKPOINT LOCATION: ")
	if !ok {
		return nil, bad
	}
	var err, err2 error
	l.Start, err = ids.ParseLSN(at)
	l.Checkpoint, err2 = ids.ParseLSN(cp)
	if err != nil || err2 != nil || len(file) != 24 || l.Checkpoint < l.Start {
		return nil, bad
	}
	l.StartFile = file
	tli, err := strconv.ParseUint(file[:8], 16, 32)
	if err != nil || tli == 0 {
		return nil, bad
	}
	l.Timeline = uint32(tli)
	return l, l.parseRest(lines[2:])
}

func (l *Label) parseRest(lines []string) error {
	for _, line := range lines {
		key, v, _ := strings.Cut(line, ": ")
		switch key {
		case "BACKUP METHOD":
			l.Method = v
		case "BACKUP FROM":
			l.From = v
		case "START TIME":
			l.StartTime = v
		case "LABEL":
			l.Text = v
		case "START TIMELINE":
			n, err := strconv.ParseUint(v, 10, 32)
			if err != nil || uint32(n) != l.Timeline {
				return pgerr.New(pgerr.ObjectNotInPrerequisiteState, "invalid data in file %q", LabelFile).
					WithDetail("Timeline ID parsed is %s, but expected %d.", v, l.Timeline).WithSeverity(pgerr.Fatal)
			}
		}
	}
	return nil
}
