package commands

import (
	"strconv"
	"strings"

	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/locks"
)

// IsOrphan reports whether a schema is a temporary one whose session is gone.
func (c *Context) IsOrphan(schema ids.Oid) (bool, error) {
	n, err := c.S.Cat.Namespace(schema)
	if n == nil || err != nil {
		return false, err
	}
	number, ok := strings.CutPrefix(n.Nspname, "pg_temp_")
	if !ok {
		return false, nil
	}
	index, err := strconv.Atoi(number)
	if err != nil {
		return false, nil
	}
	for _, s := range c.S.Procs.All() {
		if s.Index == int32(index) {
			// Whoever has the place now uses the schema, or empties it before he does.
			return false, nil
		}
	}
	return true, nil
}

// DropOrphan drops a table of such a schema, if nobody has it locked and it is still there; false when it was left.
func (c *Context) DropOrphan(oid, schema ids.Oid) (bool, error) {
	ok, err := c.S.Owner.TryAcquire(c.S.Cat.RelationTag(oid), locks.AccessExclusive, false)
	if !ok || err != nil {
		return false, err
	}
	r, err := c.S.Cat.ClassRow(oid)
	if r == nil || err != nil || r.Relpersistence != 't' || r.Relnamespace != schema {
		return false, err
	}
	if orphan, err := c.IsOrphan(schema); !orphan || err != nil {
		return false, err
	}
	return true, c.S.Cat.PerformDeletion([]catalog.Object{catalog.RelationObject(oid)}, catalog.DropOpts{Cascade: true, Quiet: true})
}
