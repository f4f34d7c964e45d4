package corruption

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/vfs"
)

// suite is the image with what is known of it.
type suite struct {
	image   *vfs.Mem
	answers []string
	byKind  map[string][]string
	kinds   []string

	mu    sync.Mutex
	count map[string]int // mu
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	s := &suite{byKind: map[string][]string{}, count: map[string]int{}}
	s.image, s.answers = image(t)
	for _, f := range files(t, s.image) {
		k := kindOf(f)
		if s.byKind[k] == nil {
			s.kinds = append(s.kinds, k)
		}
		s.byKind[k] = append(s.byKind[k], f)
	}
	slices.Sort(s.kinds)
	return s
}

func (s *suite) note(what string) {
	s.mu.Lock()
	s.count[what]++
	s.mu.Unlock()
}

// isDamage reports whether an error names damage.
func isDamage(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "XX001" || e.Code == "XX002")
}

// TestBitFlips: whatever bit flips, each answer is right or an error that says that the data is damaged.
func TestBitFlips(t *testing.T) {
	s := newSuite(t)
	rounds(t, 60, 250, func(seed uint64) error {
		m := s.image.Clone(seed)
		d, err := draw(rand.New(rand.NewPCG(seed, 3)), m, s.byKind, s.kinds)
		if err != nil {
			return err
		}
		if err := flip(m, d.name, d.bit); err != nil {
			return err
		}
		srv, err := start(m)
		if err != nil {
			s.note(d.kind + ": refused")
			return nil
		}
		found := false
		answers, errs := srv.ask()
		for i := range questions {
			switch {
			case errs[i] == nil && answers[i] != s.answers[i]:
				err = errors.Join(err, fmt.Errorf("%v: %s\nanswers %s\ninstead %s", d, questions[i], answers[i], s.answers[i]))
			case errs[i] != nil && !isDamage(errs[i]):
				err = errors.Join(err, fmt.Errorf("%v: %s: %w", d, questions[i], errs[i]))
			}
			found = found || errs[i] != nil
		}
		if c := srv.crash(); c != "" {
			err = errors.Join(err, fmt.Errorf("%v: %s", d, c))
		}
		_ = srv.stop() // may be unable to go on with the file
		s.note(fmt.Sprintf("%s: found %t", d.kind, found))
		return err
	})
	rerun.Told(t, "%s", s.count)
}

// TestFlipsAreFound: the check of the whole cluster finds each flipped bit of tables, indexes, catalogs and the files of transactions, and names the file.
func TestFlipsAreFound(t *testing.T) {
	s := newSuite(t)
	kinds := []string{"tables and indexes", "catalogs", "shared catalogs", "transactions"}
	rounds(t, 8, 40, func(seed uint64) error {
		m := s.image.Clone(seed)
		d, err := draw(rand.New(rand.NewPCG(seed, 4)), m, s.byKind, kinds)
		if err != nil {
			return err
		}
		if err := flip(m, d.name, d.bit); err != nil {
			return err
		}
		var problems []string
		n, err := postmaster.Check(postmaster.CheckOptions{Dir: dataDir, FS: m, Settings: []string{"shared_buffers=8MB"}}, func(p string) { problems = append(problems, p) })
		if err != nil {
			problems = append(problems, err.Error())
			n++
		}
		file := strings.TrimPrefix(d.name, dataDir+"/")
		want := fmt.Sprintf("invalid page in block %d of relation %s", d.bit/8/8192, file)
		if d.kind == "transactions" {
			want = fmt.Sprintf("invalid page in block %d of file %q", d.bit/8/8192, file)
		}
		if n == 0 || !strings.Contains(strings.Join(problems, "\n"), want) {
			return fmt.Errorf("%v: %d problems:\n%s", d, n, strings.Join(problems, "\n"))
		}
		return nil
	})
}

// TestIgnoredDamage: told to go on, the server does so, for better or worse, and does not crash.
func TestIgnoredDamage(t *testing.T) {
	s := newSuite(t)
	kinds := []string{"tables and indexes", "tables and indexes", "catalogs", "fsm", "vm"}
	rounds(t, 30, 120, func(seed uint64) error {
		m := s.image.Clone(seed)
		rnd := rand.New(rand.NewPCG(seed, 5))
		setting := []string{"ignore_checksum_failure", "zero_damaged_pages"}[rnd.IntN(2)]
		var flipped []string
		for range 1 + rnd.IntN(8) {
			d, err := draw(rnd, m, s.byKind, kinds)
			if err != nil {
				return err
			}
			if err := flip(m, d.name, d.bit); err != nil {
				return err
			}
			flipped = append(flipped, d.String())
		}
		srv, err := start(m, setting+"=on", "statement_timeout=3s")
		if err != nil {
			return nil // a catalog that is needed
		}
		_, errs := srv.ask()
		if c := srv.crash(); c != "" {
			return fmt.Errorf("%s: %v: %s", setting, flipped, c)
		}
		for i, err := range errs {
			var e *pgconn.PgError
			if err != nil && !errors.As(err, &e) {
				return fmt.Errorf("%s: %v: %s: %w", setting, flipped, questions[i], err)
			}
		}
		_ = srv.stop()
		return nil
	})
}
