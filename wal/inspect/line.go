package inspect

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"gompho/internal/ids"
	"gompho/mvcc"
	"gompho/storage/control"
	"gompho/storage/page"
	"gompho/storage/smgr"
	"gompho/wal"
)

// Line is what there is to say of a record.
type Line struct {
	Start, End, Prev ids.LSN
	Xid              ids.Xid
	Manager, Type    string
	Length           int // bytes of the whole record
	MainLength       int // bytes of its payload
	FPILength        int // bytes of page images
	Description      string
	Blocks           string
}

// Of describes a record; prev is where the one before it begins, 0 if unknown.
func Of(r *wal.Record, prev ids.LSN) Line {
	l := Line{Start: r.Start, End: r.End, Prev: prev, Xid: r.Xid, Length: r.Size, MainLength: len(r.Payload), FPILength: ImageBytes(r)}
	l.Manager, l.Type = r.Kind.Manager()
	l.Description, l.Blocks = Describe(r), Blocks(r)
	return l
}

// ImageBytes returns how many bytes of a record are page images.
func ImageBytes(r *wal.Record) (n int) {
	for _, p := range r.Pages {
		if isImage(&p) {
			n += p.Stored
		}
	}
	return n
}

func isImage(p *wal.PageRef) bool { return len(p.Ops) > 0 && page.Op(p.Ops[0]) == page.OpImage }

// Blocks lists the pages of a record with what happens to them.
func Blocks(r *wal.Record) string { return strings.Join(BlockList(r), ", ") }

// BriefBlocks lists the pages of a record.
func BriefBlocks(r *wal.Record) string {
	var sb strings.Builder
	for i, p := range r.Pages {
		if i > 0 {
			sb.WriteString(", ")
		}
		fmt.Fprintf(&sb, "blkref #%d: rel %d/%d/%d", i, p.Rel.Spc, p.Rel.DB, p.Rel.Rel)
		if p.Fork != ids.MainFork {
			fmt.Fprintf(&sb, " fork %s", p.Fork)
		}
		fmt.Fprintf(&sb, " blk %d", p.Block)
		if p.Packed || isImage(&p) {
			sb.WriteString(" FPW")
		}
	}
	return sb.String()
}

// BlockList says of each page of a record what happens to it.
func BlockList(r *wal.Record) (list []string) {
	for i, p := range r.Pages {
		var sb strings.Builder
		fmt.Fprintf(&sb, "blkref #%d: rel %d/%d/%d fork %s blk %d", i, p.Rel.Spc, p.Rel.DB, p.Rel.Rel, p.Fork, p.Block)
		switch {
		case p.Packed:
			fmt.Fprintf(&sb, " (FPW) compressed, %d bytes", p.Stored)
		case isImage(&p):
			fmt.Fprintf(&sb, " (FPW) %d bytes", p.Stored)
		}
		if !isImage(&p) {
			sb.WriteString(" (" + page.DescribeOps(p.Ops) + ")")
		}
		list = append(list, sb.String())
	}
	return list
}

const timeFormat = "2006-01-02 15:04:05.000000 MST"

// Describe says what is in the payload of a record, as far as it is known.
func Describe(r *wal.Record) string {
	if o, ok := mvcc.DecodeOutcome(r.Kind, r.Payload); ok {
		s := o.Time.UTC().Format(timeFormat)
		if o.Prepared {
			s = fmt.Sprintf("%d: %s", o.Xid, s)
		}
		if len(o.Subs) > 0 {
			s += "; subxacts:" + list(o.Subs)
		}
		if len(o.Files) > 0 {
			s += "; rels:" + files(o.Files)
		}
		if len(o.Maps) > 0 {
			s += "; mapped:" + mappings(o.Maps)
		}
		return s
	}
	u64 := func(at int) uint64 {
		if len(r.Payload) < at+8 {
			return 0
		}
		return binary.LittleEndian.Uint64(r.Payload[at:])
	}
	switch r.Kind {
	case wal.CheckpointOnline, wal.CheckpointShutdown, wal.EndOfRecovery:
		return checkpoint(r)
	case wal.FileCreate:
		if rel, fork, err := smgr.DecodeCreate(r.Payload); err == nil {
			return smgr.RelPath(rel, fork)
		}
	case wal.FileTruncate:
		return truncation(r.Payload)
	case wal.FileDrop:
		if rels, _, err := smgr.DecodeRels(r.Payload); err == nil {
			return "rels:" + files(rels)
		}
	case wal.DatabaseCreate, wal.DatabaseDrop:
		if d, err := smgr.DecodeDatabase(r.Payload); err == nil && r.Kind == wal.DatabaseCreate {
			return fmt.Sprintf("copy dir %d/%d to %d/%d", d.SrcSpc, d.SrcDB, d.Spc, d.DB)
		} else if err == nil {
			return fmt.Sprintf("dir %d/%d", d.Spc, d.DB)
		}
	case wal.RelMapUpdate:
		if len(r.Payload) >= 4 {
			return fmt.Sprintf("database %d tablespace %d size %d", binary.LittleEndian.Uint32(r.Payload), ids.DefaultTablespace, len(r.Payload)-4)
		}
	case wal.NextOid:
		if len(r.Payload) >= 4 {
			return fmt.Sprint(binary.LittleEndian.Uint32(r.Payload))
		}
	case wal.FullPageWrites:
		return fmt.Sprint(len(r.Payload) > 0 && r.Payload[0] != 0)
	case wal.NextXid:
		return fmt.Sprint(u64(0))
	case wal.MultiCreate:
		return fmt.Sprintf("%d offset %d nmembers %d", u64(0), u64(8), max(len(r.Payload)-16, 0)/8)
	case wal.BackupEnd:
		return ids.LSN(u64(0)).String()
	case wal.RestorePoint:
		if len(r.Payload) > 8 {
			return string(r.Payload[8:])
		}
	}
	return ""
}

func checkpoint(r *wal.Record) string {
	c, err := control.DecodeCheckpoint(r.Payload)
	if err != nil {
		return ""
	}
	kind := "online"
	if r.Kind == wal.CheckpointShutdown {
		kind = "shutdown"
	}
	return fmt.Sprintf("redo %s; tli %d; prev tli %d; fpw %v; xid %d; oid %d; multi %d; offset %d; oldest xid %d in DB %d; oldest multi %d in DB %d; oldest running xid %d; %s; %s",
		c.Redo, c.Timeline, c.PrevTimeline, c.FullPageWrites, c.NextXid, c.NextOid, c.NextMulti, c.NextMultiOffset, c.OldestXid, c.OldestXidDB, c.OldestMulti,
		c.OldestMultiDB, c.OldestActiveXid, kind, time.Unix(c.Time, 0).UTC().Format(time.DateTime))
}

func truncation(b []byte) string {
	rel, sizes, err := smgr.DecodeTruncate(b)
	if err != nil {
		return ""
	}
	s := smgr.RelPath(rel, ids.MainFork) + " to"
	for f, n := range sizes {
		if n != ids.InvalidBlock {
			s += fmt.Sprintf(" %s %d", ids.Fork(f), n)
		}
	}
	return s + " blocks"
}

func list(xids []ids.Xid) (s string) {
	for _, x := range xids {
		s += fmt.Sprintf(" %d", x)
	}
	return s
}

func files(rels []ids.RelFile) (s string) {
	for _, r := range rels {
		s += " " + smgr.RelPath(r, ids.MainFork)
	}
	return s
}

func mappings(list []mvcc.Mapping) string {
	var sb strings.Builder
	for _, m := range list {
		fmt.Fprintf(&sb, " %d/%d=%d", m.DB, m.Rel, m.File)
	}
	return sb.String()
}
