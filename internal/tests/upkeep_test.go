package tests

import (
	"context"
	"fmt"
	"testing"
)

// TestUpkeepTogether: VACUUM and REINDEX CONCURRENTLY of one table, its indexes and its toast table wait for each other's locks, and never for more: each
// round would end in a deadlock now and then if the one that waits for the lock held a snapshot, or the other one minded.
func TestUpkeepTogether(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	run(t, c, "create table t (a int primary key, b text)")
	run(t, c, "create index on t (b) where a % 2 = 0")
	run(t, c, "insert into t select i, repeat('x', 3000) from generate_series(1, 1000) i")
	others := []string{"vacuum t", "vacuum", "vacuum analyze t", "create index concurrently u_a on u (a)", "drop index concurrently u_a", "vacuum full t"}
	run(t, c, "create table u (a int)")
	x := connect(t, s)
	again, errs := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			for _, sql := range others {
				if _, err := x.Exec(context.Background(), sql); err != nil {
					errs <- fmt.Errorf("%s: %w", sql, err)
					return
				}
			}
			select {
			case <-again:
				errs <- nil
				return
			default:
			}
		}
	}()
	for range 25 {
		run(t, c, "reindex table concurrently t")
	}
	close(again)
	if err := <-errs; err != nil {
		t.Error(err)
	}
	if n := value[int](t, c, "select count(*) from pg_index where not indisvalid"); n != 0 {
		t.Errorf("%d indexes are not valid", n)
	}
}
