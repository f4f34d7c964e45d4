package wal

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// Span is a part of a timeline in a server's history: its log is valid from Begin to End.
type Span struct {
	Timeline   uint32
	Begin, End ids.LSN
}

// History is where a timeline comes from: its ancestors, the oldest first, each up to where the next one left it, and at the end
// the timeline itself without an end. It is never empty.
type History []Span

// endless is the End of a timeline that nobody left.
const endless = ids.LSN(math.MaxUint64)

// IsOpen reports whether nobody left the timeline.
func (s Span) IsOpen() bool { return s.End == endless }

// NoHistory is the history of a timeline without ancestors.
func NoHistory(timeline uint32) History { return History{{timeline, 0, endless}} }

// HistoryName returns the name of a timeline's history file.
func HistoryName(timeline uint32) string { return fmt.Sprintf("%08X.history", timeline) }

// ParseHistory reads a history file: lines of a timeline, the position where it was left, and a reason, each after white space. Lines that are empty or
// begin with # are comments. timeline is the one that the file belongs to.
func ParseHistory(timeline uint32, text string) (History, error) {
	var h History
	bad := func(line, hint string) error {
		return pgerr.New(pgerr.DataCorrupted, "syntax error in history file: %s", line).WithHint("%s", hint).WithSeverity(pgerr.Fatal)
	}
	begin := ids.LSN(0)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		tli, err := strconv.ParseUint(f[0], 10, 32)
		if err != nil || tli == 0 {
			return nil, bad(strings.TrimSpace(line), "Expected a numeric timeline ID.")
		}
		if len(f) < 2 {
			return nil, bad(strings.TrimSpace(line), "Expected a write-ahead log switchpoint location.")
		}
		at, err := ids.ParseLSN(f[1])
		if err != nil {
			return nil, bad(strings.TrimSpace(line), "Expected a write-ahead log switchpoint location.")
		}
		if len(h) > 0 && uint32(tli) <= h[len(h)-1].Timeline {
			return nil, pgerr.New(pgerr.DataCorrupted, "invalid data in history file: %s", strings.TrimSpace(line)).
				WithHint("Timeline IDs must be in increasing sequence.").WithSeverity(pgerr.Fatal)
		}
		if at < begin {
			return nil, pgerr.New(pgerr.DataCorrupted, "invalid data in history file: %s", strings.TrimSpace(line)).
				WithHint("A timeline cannot be left before it began.").WithSeverity(pgerr.Fatal)
		}
		h = append(h, Span{uint32(tli), begin, at})
		begin = at
	}
	if len(h) > 0 && timeline <= h[len(h)-1].Timeline {
		return nil, pgerr.New(pgerr.DataCorrupted, "invalid data in history file %q", HistoryName(timeline)).
			WithHint("Timeline IDs must be less than child timeline's ID.").WithSeverity(pgerr.Fatal)
	}
	return append(h, Span{timeline, begin, endless}), nil
}

// Fork returns the history of a new timeline that leaves this one at a position.
func (h History) Fork(timeline uint32, at ids.LSN) History {
	var out History
	for _, s := range h {
		if s.Begin > at || s.Begin == at && s.Begin != 0 {
			break
		}
		out = append(out, Span{s.Timeline, s.Begin, min(s.End, at)})
	}
	return append(out, Span{timeline, at, endless})
}

// Text returns the content of the history file; reason says why the last ancestor was left.
func (h History) Text(reason string) string {
	var sb strings.Builder
	for i, s := range h[:len(h)-1] {
		why := "before"
		if i == len(h)-2 {
			why = reason
		}
		fmt.Fprintf(&sb, "%d\t%s\t%s\n", s.Timeline, s.End, why)
	}
	return sb.String()
}

// Timeline returns the timeline that the history is of.
func (h History) Timeline() uint32 { return h[len(h)-1].Timeline }

// At returns the span that a position belongs to.
func (h History) At(at ids.LSN) Span {
	for _, s := range h {
		if at < s.End {
			return s
		}
	}
	return h[len(h)-1]
}

// Span returns the part of a timeline in the history; ok is false when the timeline is not in it.
func (h History) Span(timeline uint32) (Span, bool) {
	for _, s := range h {
		if s.Timeline == timeline {
			return s, true
		}
	}
	return Span{}, false
}
