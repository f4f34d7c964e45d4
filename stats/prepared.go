package stats

import (
	"encoding/binary"

	"gompho/internal/ids"
)

// Counts of a transaction that is prepared are settled when it is finished, by whoever does that.

const (
	preparedRel    = 4 + 4 + 12 + 6*8 + 1
	preparedObject = 4 + 4 + 1
)

// Prepare takes the counts of the running transaction, whose subtransactions are over, for FinishPrepared, and forgets them here.
func (p *Pending) Prepare() []byte {
	if p == nil {
		return nil
	}
	p.used = true
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(p.inXact)))
	for i, r := range p.inXact {
		b = r.appendXact(b)
		for r.xact != nil {
			r.pop()
		}
		p.inXact[i] = nil
	}
	for _, o := range p.objects {
		b = binary.LittleEndian.AppendUint32(b, uint32(o.id.DB))
		b = binary.LittleEndian.AppendUint32(b, uint32(o.id.Rel))
		b = append(b, flag(o.create))
	}
	p.inXact, p.level, p.objects = p.inXact[:0], 0, p.objects[:0]
	p.seen.forget()
	return b
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

func (r *RelPending) appendXact(b []byte) []byte {
	x := r.xact
	for _, v := range [...]ids.Oid{r.id.DB, r.id.Rel, r.file.Spc, r.file.DB, r.file.Rel} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	for _, v := range [...]int64{x.ins, x.upd, x.del, x.insWas, x.updWas, x.delWas} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return append(b, flag(x.truncated))
}

// FinishPrepared settles the counts that Prepare has returned. Counts that cannot be read are left out: statistics are no reason to fail.
func (p *Pending) FinishPrepared(b []byte, commit bool) {
	if p == nil {
		return
	}
	p.used = true
	if commit {
		p.own.Commits++
	} else {
		p.own.Rollbacks++
	}
	if len(b) < 4 {
		return
	}
	n := binary.LittleEndian.Uint32(b)
	for b = b[4:]; n > 0 && len(b) >= preparedRel; n, b = n-1, b[preparedRel:] {
		p.finishRelation(b, commit)
	}
	for ; n == 0 && len(b) >= preparedObject; b = b[preparedObject:] {
		id := RelID{DB: ids.Oid(binary.LittleEndian.Uint32(b)), Rel: ids.Oid(binary.LittleEndian.Uint32(b[4:]))}
		if create := b[8] != 0; create != commit {
			p.forget(id)
		}
	}
}

func (p *Pending) finishRelation(b []byte, commit bool) {
	oid := func(i int) ids.Oid { return ids.Oid(binary.LittleEndian.Uint32(b[4*i:])) }
	count := func(i int) int64 { return int64(binary.LittleEndian.Uint64(b[20+8*i:])) }
	r := p.get(RelID{DB: oid(0), Rel: oid(1)})
	if r.file == (ids.RelFile{}) {
		r.file = ids.RelFile{Spc: oid(2), DB: oid(3), Rel: oid(4)}
	}
	upper, level := r.xact, p.level
	r.xact = &relXact{ins: count(0), upd: count(1), del: count(2), insWas: count(3), updWas: count(4), delWas: count(5), truncated: b[preparedRel-1] != 0}
	if commit {
		r.commit()
	} else {
		r.undo()
	}
	r.xact, p.level = upper, level // a running transaction of the finisher's own is another matter
}
