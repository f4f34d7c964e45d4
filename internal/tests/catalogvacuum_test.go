package tests

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// TestCatalogVacuum vacuums the catalogs, at whose ends there are empty pages all the time, while others make and drop tables.
func TestCatalogVacuum(t *testing.T) {
	s := open(t, false)
	ctx := context.Background()
	var wg sync.WaitGroup
	var stop atomic.Bool
	for w := range 3 {
		c := connect(t, s)
		wg.Go(func() {
			defer stop.Store(true)
			for i := 0; i < 60 && !stop.Load(); i++ {
				name := fmt.Sprintf("t%d", w)
				for _, sql := range []string{"create table " + name + " (a int primary key, b text, c int, d int, e text)", "begin", "create table x" + name + " as select 1 as a",
					"rollback", "insert into " + name + " values (1)", "drop table " + name} {
					if _, err := c.Exec(ctx, sql); err != nil {
						t.Errorf("%s: %v", sql, err)
						return
					}
				}
			}
		})
	}
	c := connect(t, s)
	for !stop.Load() {
		for _, rel := range []string{"pg_type", "pg_class", "pg_attribute", "pg_depend", "pg_index", "pg_constraint"} {
			if _, err := c.Exec(ctx, "vacuum "+rel); err != nil {
				t.Errorf("vacuum %s: %v", rel, err)
			}
		}
	}
	wg.Wait()
}
