package ssi

import "gompho/internal/ids"

// Rel names a relation.
type Rel struct{ DB, Oid ids.Oid }

// firstTracked is the first Oid that is not of the system's own relations.
const firstTracked ids.Oid = 12000

// Tracked reports whether reads and writes of a relation count.
func Tracked(oid ids.Oid, temp bool) bool { return oid >= firstTracked && !temp }

// Tag names what a predicate lock is on: a row version, a page (Offset 0) or a relation (Block is ids.InvalidBlock).
type Tag struct {
	Rel
	Block  ids.BlockNumber
	Offset ids.OffsetNumber
}

func relationTag(r Rel) Tag { return Tag{Rel: r, Block: ids.InvalidBlock} }

func pageTag(r Rel, b ids.BlockNumber) Tag { return Tag{Rel: r, Block: b} }

func tupleTag(r Rel, t ids.TID) Tag { return Tag{r, t.Block, t.Offset} }

// IsRelation reports whether the tag is of a whole relation.
func (t Tag) IsRelation() bool { return t.Block == ids.InvalidBlock }

// IsTuple reports whether the tag is of a row version.
func (t Tag) IsTuple() bool { return t.Offset != 0 }

// parent returns what t is a part of.
func (t Tag) parent() (Tag, bool) {
	switch {
	case t.IsTuple():
		return pageTag(t.Rel, t.Block), true
	case !t.IsRelation():
		return relationTag(t.Rel), true
	}
	return Tag{}, false
}

// within reports whether t is a proper part of whole.
func (t Tag) within(whole Tag) bool {
	if t.Rel != whole.Rel || t == whole || whole.IsTuple() {
		return false
	}
	return whole.IsRelation() || t.Block == whole.Block
}

func (t Tag) partition() int {
	h := (uint64(t.Oid)<<32 | uint64(t.Block)) * 0x9e3779b97f4a7c15
	h = (h ^ uint64(t.Offset)) * 0xbf58476d1ce4e5b9
	return int(h >> 60)
}
