package catalog

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"gompho/internal/ids"
	"gompho/locks"
	"gompho/mvcc"
)

// TestConcurrent has sessions make, rename and drop tables of their own while others look all names up. Whoever has
// committed a change must see it at once; nobody may see a descriptor that does not fit its name.
func TestConcurrent(t *testing.T) {
	c := newCluster(t)
	const workers, rounds = 4, 15
	var wg sync.WaitGroup
	errs := make(chan error, 2*workers)
	for w := range workers {
		maker, reader := c.session(t), c.session(t)
		wg.Add(2)
		go func() {
			defer wg.Done()
			for i := range rounds {
				if err := makeRenameDrop(maker, fmt.Sprintf("w%d_%d", w, i)); err != nil {
					errs <- err
					return
				}
			}
		}()
		go func() {
			defer wg.Done()
			for i := range rounds * 8 {
				if err := readNames(reader, fmt.Sprintf("w%d_%d", i%workers, i/8)); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func inTx(s *Session, f func() error) error {
	if err := s.tx.Begin(mvcc.BeginOpts{Isolation: mvcc.ReadCommitted}); err != nil {
		return err
	}
	if err := f(); err != nil {
		s.tx.Abort()
		return err
	}
	return s.tx.Commit()
}

func makeRenameDrop(s *Session, name string) error {
	var oid ids.Oid
	err := inTx(s, func() (err error) {
		oid, err = s.CreateRelation(&NewRelation{Name: name, Namespace: ids.PublicNamespace, Owner: s.User(), Kind: 'r', Persistence: 'p',
			Columns: []NewColumn{column("id", int4Oid)}})
		return err
	})
	if err != nil {
		return err
	}
	if err := inTx(s, func() error { return expect(s, name, oid) }); err != nil {
		return err
	}
	err = inTx(s, func() error {
		r, err := s.LockRelation(oid, locks.AccessExclusive)
		if err != nil || r == nil {
			return errors.Join(err, fmt.Errorf("%s is gone", name))
		}
		row, err := s.ClassRow(oid)
		if err != nil {
			return err
		}
		row.Relname = name + "_new"
		return s.Update(row)
	})
	if err != nil {
		return err
	}
	if err := inTx(s, func() error { return errors.Join(expect(s, name, 0), expect(s, name+"_new", oid)) }); err != nil {
		return err
	}
	if err := inTx(s, func() error { return s.PerformDeletion([]Object{RelationObject(oid)}, DropOpts{}) }); err != nil {
		return err
	}
	return inTx(s, func() error { return expect(s, name+"_new", 0) })
}

func expect(s *Session, name string, want ids.Oid) error {
	got, err := s.LookupRelation(RelName{Name: name})
	if err == nil && got != want {
		err = fmt.Errorf("%s is %d, not %d", name, got, want)
	}
	return err
}

func readNames(s *Session, name string) error {
	return inTx(s, func() error {
		for _, n := range []string{name, name + "_new"} {
			r, err := s.OpenRelation(RelName{Name: n}, locks.AccessShare, LockOpts{MissingOK: true})
			if err != nil {
				return err
			}
			if r != nil && (r.Name != n || len(r.Desc.Attrs) != 1) {
				return fmt.Errorf("%s has the descriptor of %s", n, r.Name)
			}
		}
		return nil
	})
}
