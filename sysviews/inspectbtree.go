package sysviews

import (
	"encoding/hex"
	"strings"

	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/session"
	"gompho/storage/btree"
	"gompho/storage/page"
	"gompho/types"
)

const btreeAm ids.Oid = 403

// btreeNamed opens the btree index that a text names.
func btreeNamed(s *session.Session, text string) (*catalog.Relation, error) {
	if err := superuserFor(s, "pageinspect"); err != nil {
		return nil, err
	}
	r, err := namedRelation(s, text)
	if err != nil {
		return nil, err
	}
	if r.Kind != 'i' || r.Am != btreeAm {
		return nil, pgerr.New(pgerr.WrongObjectType, "\"%s\" is not a btree index", r.Name)
	}
	return r, notOfOthers(s, r)
}

// btMeta lists the columns of bt_metap. There is no fast root: the root is shown, and nothing is deduplicated.
func btMeta(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	r, err := btreeNamed(s, c.Args[0].Str())
	if err != nil {
		return nil, err
	}
	pg, err := copyPage(s, r, ids.MainFork, 0)
	if err != nil {
		return nil, err
	}
	m := btree.InspectMeta(pg)
	root, level := types.Int(int64(m.Root)), types.Int(int64(m.Level))
	return [][]types.Datum{{types.Int(int64(int32(m.Magic))), types.Int(int64(int32(m.Version))), root, level, root, level, types.Int(0), types.Float(-1),
		types.Bool(false)}}, nil
}

// btPage returns a page of an index that is not its meta page.
func btPage(s *session.Session, c *functions.Call) (*catalog.Relation, ids.BlockNumber, page.Page, error) {
	r, err := btreeNamed(s, c.Args[0].Str())
	if err != nil {
		return nil, 0, nil, err
	}
	blk, err := blockArg(c.Args[1].Int())
	if err != nil {
		return nil, 0, nil, err
	}
	if blk == 0 {
		return nil, 0, nil, pgerr.New(pgerr.InvalidParameterValue, "block 0 is a meta page")
	}
	n, err := s.Heap.Pool.Blocks(r.File, ids.MainFork)
	if err == nil && blk >= n {
		err = pgerr.Internal("block number out of range")
	}
	if err != nil {
		return nil, 0, nil, err
	}
	pg, err := copyPage(s, r, ids.MainFork, blk)
	return r, blk, pg, err
}

// btStats lists the columns of bt_page_stats.
func btStats(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	r, blk, pg, err := btPage(s, c)
	if err != nil {
		return nil, err
	}
	p, ok := btree.InspectPage(pg)
	if !ok {
		return nil, damagedIndex(r, blk)
	}
	average := 0
	if n := p.Live + p.Dead; n > 0 {
		average = p.Bytes / n
	}
	return [][]types.Datum{{types.Int(int64(blk)), types.Word(uint64(p.Kind())), types.Int(int64(p.Live)), types.Int(int64(p.Dead)), types.Int(int64(average)),
		types.Int(page.Size), types.Int(int64(p.Free)), types.Int(int64(p.Prev)), types.Int(int64(p.Next)), types.Int(int64(p.Level)), types.Int(int64(p.Flags))}}, nil
}

func damagedIndex(r *catalog.Relation, blk ids.BlockNumber) error {
	return pgerr.New(pgerr.IndexCorrupted, "index \"%s\" contains corrupted page at block %d", r.Name, blk).WithHint("Please REINDEX it.")
}

// btItems lists the columns of bt_page_items(text, bigint).
func btItems(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	r, blk, pg, err := btPage(s, c)
	if err != nil {
		return nil, err
	}
	p, ok := btree.InspectPage(pg)
	if !ok {
		return nil, damagedIndex(r, blk)
	}
	if p.Flags&btree.InfoDeleted != 0 {
		s.Warn(pgerr.SuccessfulCompletion, "page is deleted")
	}
	vars := types.Bool(false)
	for i := range r.Desc.Attrs {
		if r.Desc.Attrs[i].Len < 0 {
			vars = types.Bool(true)
		}
	}
	return itemRows(pg, vars), nil
}

// btItemsOfPage lists the columns of bt_page_items(bytea). The page alone does not tell whether there are columns of variable width.
func btItemsOfPage(s *session.Session, c *functions.Call) ([][]types.Datum, error) {
	if err := superuserFor(s, "raw page"); err != nil {
		return nil, err
	}
	pg, err := pageArg(c, 0)
	if err != nil {
		return nil, err
	}
	if pg.IsNew() {
		return nulls(9), nil
	}
	invalid := pgerr.New(pgerr.InvalidParameterValue, "input page is not a valid btree page")
	if n := page.Size - pg.SpecialStart(); n != btree.SpecialSize {
		if btree.InspectMeta(pg).Magic == btree.MetaMagic {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "block is a meta page")
		}
		return nil, invalid.WithDetail("Expected special size %d, got %d.", btree.SpecialSize, n)
	}
	p, ok := btree.InspectPage(pg)
	switch {
	case !ok:
		return nil, invalid
	case p.Flags&btree.InfoMeta != 0:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "block is a meta page")
	case p.Flags&btree.InfoLeaf != 0 && p.Level != 0:
		return nil, pgerr.New(pgerr.InvalidParameterValue, "block is not a valid btree leaf page")
	}
	return itemRows(pg, types.Null), nil
}

// itemRows makes the rows of bt_page_items.
func itemRows(pg page.Page, vars types.Datum) [][]types.Datum {
	var out [][]types.Datum
	for _, it := range btree.InspectItems(pg) {
		row := []types.Datum{types.Int(int64(it.Offset)), types.Word(it.TID.Pack()), types.Int(int64(it.Len)), types.Bool(it.Nulls), vars,
			types.String(spacedHex(it.Data)), types.Null, types.Null, types.Null}
		if !it.Pivot {
			row[6] = types.Bool(it.Dead)
		}
		if it.HeapTID != (ids.TID{}) {
			row[7] = types.Word(it.HeapTID.Pack())
		}
		out = append(out, row)
	}
	return out
}

// spacedHex writes bytes in hexadecimal with spaces between them.
func spacedHex(b []byte) string {
	var sb strings.Builder
	for i := range b {
		if i > 0 {
			sb.WriteByte(' ')
		}
		sb.WriteString(hex.EncodeToString(b[i : i+1]))
	}
	return sb.String()
}
