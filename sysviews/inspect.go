package sysviews

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/locks"
	"gompho/session"
	"gompho/storage/buffer"
	"gompho/storage/page"
	"gompho/types"
)

// inspectEntries are the functions of PostgreSQL's extensions pageinspect, pg_visibility, pg_freespacemap and pg_buffercache. They show
// the layout that this server has.
func inspectEntries() []functions.Entry {
	return []functions.Entry{
		{Name: "get_raw_page_1_9", Scalar: in(func(s *session.Session, c *functions.Call) (types.Datum, error) {
			return rawPage(s, c.Args[0].Str(), "main", c.Args[1].Int())
		})},
		{Name: "get_raw_page_fork_1_9", Scalar: in(func(s *session.Session, c *functions.Call) (types.Datum, error) {
			return rawPage(s, c.Args[0].Str(), c.Args[1].Str(), c.Args[2].Int())
		})},
		{Name: "page_header", Set: setOf(pageHeader)},
		{Name: "page_checksum_1_9", Scalar: in(pageChecksum)},
		{Name: "fsm_page_contents", Scalar: in(fsmContents)},
		{Name: "heap_page_items", Set: setOf(heapItems)},
		{Name: "heap_page_item_attrs", Set: setOf(heapItemAttrs)},
		{Name: "tuple_data_split", Scalar: in(splitTuple)},
		{Name: "heap_tuple_infomask_flags", Set: setOf(infomaskFlags)},
		{Name: "bt_metap", Set: setOf(btMeta)},
		{Name: "bt_page_stats_1_9", Set: setOf(btStats)},
		{Name: "bt_page_items_1_9", Set: setOf(btItems)},
		{Name: "bt_page_items_bytea", Set: setOf(btItemsOfPage)},
		{Name: "pg_visibility", Set: setOf(visibilityOfBlock(true))},
		{Name: "pg_visibility_map", Set: setOf(visibilityOfBlock(false))},
		{Name: "pg_visibility_rel", Set: setOf(visibilityOfAll(true))},
		{Name: "pg_visibility_map_rel", Set: setOf(visibilityOfAll(false))},
		{Name: "pg_visibility_map_summary", Set: setOf(visibilitySummary)},
		{Name: "pg_check_frozen", Set: setOf(checkMap(true))},
		{Name: "pg_check_visible", Set: setOf(checkMap(false))},
		{Name: "pg_truncate_visibility_map", Scalar: in(truncateMap)},
		{Name: "pg_freespace", Scalar: in(freeSpaceOf)},
		{Name: "pg_freespace_rel", Set: setOf(freeSpaceOfAll)},
		{Name: "pg_buffercache_pages", Set: setOf(bufferPages)},
		{Name: "pg_buffercache_summary", Set: setOf(bufferSummary)},
	}
}

// superuserFor refuses everybody else; what says of what.
func superuserFor(s *session.Session, what string) error {
	super, err := s.Cat.IsSuperuser(s.User)
	if err == nil && !super {
		err = pgerr.New(pgerr.InsufficientPrivilege, "must be superuser to use %s functions", what)
	}
	return err
}

// kindWords names kinds of relations in the plural, for the DETAIL of refusals.
func kindWords(kind byte) string {
	switch kind {
	case 'i':
		return "indexes"
	case 'S':
		return "sequences"
	case 't':
		return "TOAST tables"
	case 'v':
		return "views"
	case 'm':
		return "materialized views"
	case 'c':
		return "composite types"
	case 'f':
		return "foreign tables"
	case 'p':
		return "partitioned tables"
	case 'I':
		return "partitioned indexes"
	}
	return "tables"
}

// namedRelation opens the relation that a text names.
func namedRelation(s *session.Session, text string) (*catalog.Relation, error) {
	parts, err := catalog.SplitName(text)
	if err != nil {
		return nil, err
	}
	n := catalog.RelName{Name: parts[len(parts)-1]}
	if len(parts) > 1 {
		n.Schema = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		n.Catalog = parts[0]
	}
	return s.Cat.OpenRelation(n, locks.AccessShare, catalog.LockOpts{})
}

// notOfOthers refuses temporary tables of other sessions.
func notOfOthers(s *session.Session, r *catalog.Relation) error {
	if !r.IsTemp() {
		return nil
	}
	temp, own, err := s.Cat.IsTempNamespace(r.Namespace)
	if err == nil && temp && !own {
		err = pgerr.NotSupported("cannot access temporary tables of other sessions")
	}
	return err
}

// blockArg checks a block number that came as bigint.
func blockArg(v int64) (ids.BlockNumber, error) {
	if v < 0 || v >= int64(ids.InvalidBlock) {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid block number")
	}
	return ids.BlockNumber(v), nil
}

// copyPage returns a copy of a block, as it is in the buffers.
func copyPage(s *session.Session, r *catalog.Relation, fork ids.Fork, blk ids.BlockNumber) (page.Page, error) {
	b, err := s.Heap.Pool.Read(s.Slot, r.File, fork, blk, nil)
	if err != nil {
		return nil, err
	}
	b.Lock(buffer.Share)
	pg := append(page.Page(nil), b.Page()...)
	b.UnlockRelease()
	return pg, nil
}

// rawPage is get_raw_page.
func rawPage(s *session.Session, name, forkName string, block int64) (types.Datum, error) {
	blk, err := blockArg(block)
	if err != nil {
		return types.Null, err
	}
	if err := superuserFor(s, "raw page"); err != nil {
		return types.Null, err
	}
	r, err := namedRelation(s, name)
	if err != nil {
		return types.Null, err
	}
	if !r.HasStorage() {
		return types.Null, pgerr.New(pgerr.WrongObjectType, "cannot get raw page from relation \"%s\"", r.Name).
			WithDetail("This operation is not supported for %s.", kindWords(r.Kind))
	}
	if err := notOfOthers(s, r); err != nil {
		return types.Null, err
	}
	fork := ids.MainFork
	for ; fork.String() != forkName; fork++ {
		if fork == ids.NumForks-1 {
			return types.Null, pgerr.New(pgerr.InvalidParameterValue, "invalid fork name").
				WithHint("Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".")
		}
	}
	n, err := s.Heap.Pool.Blocks(r.File, fork)
	if err != nil {
		return types.Null, err
	}
	if blk >= n {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "block number %d is out of range for relation \"%s\"", blk, r.Name)
	}
	pg, err := copyPage(s, r, fork, blk)
	return types.Bytes(pg), err
}

// pageArg returns the page that a bytea is, copied and so aligned.
func pageArg(c *functions.Call, i int) (page.Page, error) {
	b := c.Args[i].Bytes()
	if len(b) != page.Size {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid page size").WithDetail("Expected %d bytes, got %d.", page.Size, len(b))
	}
	return append(page.Page(nil), b...), nil
}

// nulls is one row of n NULLs: what PostgreSQL shows of a page that was never initialised.
func nulls(n int) [][]types.Datum {
	row := make([]types.Datum, n)
	for i := range row {
		row[i] = types.Null
	}
	return [][]types.Datum{row}
}
