package corruption

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho/internal/tests/rerun"
	"gompho/storage/control"
	"gompho/storage/vfs"
	"gompho/wal"
)

const transfers = 60

// crashed is a cluster that was running: a checkpoint, then transfers between accounts in a known order, and no shutdown.
func crashed(t *testing.T, base *vfs.Mem) (m *vfs.Mem, from, to uint64) {
	t.Helper()
	live := base.Clone(2)
	s, err := start(live, "checkpoint_timeout=1h", "full_page_writes=on")
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	c, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	must(t, c, `create table account(id int primary key, balance int); insert into account select i, 0 from generate_series(1, 10) i;
		create table done(n int primary key, filler text)`)
	must(t, c, "checkpoint") // by itself: the commit of the tables is not to come after it
	cf, err := control.Open(live, dataDir)
	if err != nil {
		t.Fatal(err)
	}
	from = uint64(cf.Data().Checkpoint.Redo)
	for n := range transfers {
		must(t, c, fmt.Sprintf(`begin; update account set balance = balance - %d where id = %d; update account set balance = balance + %d where id = %d;
			insert into done values (%d, repeat('x', 500)); commit`, n, n%10+1, n, (n+3)%10+1, n))
	}
	rs, err := c.Exec(context.Background(), "select pg_current_wal_lsn() - '0/0'").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	to, _ = strconv.ParseUint(string(rs[0].Rows[0][0]), 10, 64)
	m = live.Clone(3)
	m.Crash()
	return m, from, to
}

// TestTornLog: the log ends where it is damaged; what was committed before is there, and nothing else.
func TestTornLog(t *testing.T) {
	base, _ := image(t)
	m0, from, to := crashed(t, base)
	const segment = 1 << 20
	kept := make(chan int, 1000)
	rounds(t, 40, 200, func(seed uint64) error {
		rnd := rand.New(rand.NewPCG(seed, 6))
		m := m0.Clone(seed)
		at := from + uint64(rnd.Int64N(int64(to-from)))
		name := path.Join(dataDir, "pg_wal", wal.SegmentName(1, at/segment, segment))
		what := "a flipped bit"
		if rnd.IntN(2) == 0 {
			if err := flip(m, name, int64(at%segment)*8+rnd.Int64N(8)); err != nil {
				return err
			}
		} else { // the tail was never written, but for some of its blocks
			what = "a torn tail"
			if err := tear(m, name, int64(at%segment), rnd); err != nil {
				return err
			}
		}
		what += fmt.Sprintf(" at %d of %d..%d", at, from, to)
		s, err := start(m)
		if err != nil {
			if strings.Contains(err.Error(), "checkpoint record") {
				return nil // the very record that the control file names
			}
			return fmt.Errorf("%s: start: %w", what, err)
		}
		defer s.stop()
		got, err := s.answer([]string{"select count(*), coalesce(max(n), -1) from done; select string_agg(balance::text, ' ' order by id) from account"})
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		var k, last int
		if _, err := fmt.Sscanf(strings.ReplaceAll(got, ";", " "), "%d %d", &k, &last); err != nil {
			return fmt.Errorf("%s: %q: %w", what, got, err)
		}
		if want := fmt.Sprintf("%d;%d;%s;", k, k-1, balances(k)); got != want {
			return fmt.Errorf("%s: the cluster has\n%s, after %d transfers it should have\n%s", what, got, k, want)
		}
		if c := s.crash(); c != "" {
			return fmt.Errorf("%s: %s", what, c)
		}
		kept <- k
		return nil
	})
	close(kept)
	seen := map[int]bool{}
	for k := range kept {
		seen[k] = true
	}
	t.Logf("recoveries with %d different numbers of transfers", len(seen))
	if _, one := rerun.Given(t); !one && len(seen) < 5 {
		t.Errorf("the damage cut the log in %d different places only", len(seen))
	}
}

// tear replaces blocks of 512 bytes from a position on by zeros, all or some of them.
func tear(m vfs.FS, name string, at int64, rnd *rand.Rand) error {
	f, err := m.Open(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	all := rnd.IntN(2) == 0
	for at = at / 512 * 512; at < size; at += 512 {
		if all || rnd.IntN(3) > 0 {
			if _, err := f.WriteAt(make([]byte, 512), at); err != nil {
				return err
			}
		}
	}
	return nil
}

// balances are those after n transfers.
func balances(n int) string {
	var b [10]int
	for i := range n {
		b[i%10] -= i
		b[(i+3)%10] += i
	}
	return strings.Trim(fmt.Sprint(b), "[]")
}

// TestDamagedControlFile: a server with a damaged control file does not start, and says why.
func TestDamagedControlFile(t *testing.T) {
	base, _ := image(t)
	name := path.Join(dataDir, control.Name)
	info, err := base.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	step := int64(1)
	if testing.Short() || os.Getenv("CI") != "" {
		step = 17
	}
	for bit := int64(0); bit < 8*info.Size(); bit += step {
		m := base.Clone(uint64(bit))
		if err := flip(m, name, bit); err != nil {
			t.Fatal(err)
		}
		s, err := start(m)
		if err == nil {
			_ = s.stop()
			t.Errorf("a server starts with bit %d of the control file flipped", bit)
		} else if !strings.Contains(err.Error(), "control file") && !strings.Contains(err.Error(), "incompatible") {
			t.Errorf("bit %d: %v", bit, err)
		}
	}
	for _, n := range []int64{0, 1, 7, 100, info.Size() - 1} {
		m := base.Clone(1)
		f, err := m.Open(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(n); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if s, err := start(m); err == nil {
			_ = s.stop()
			t.Errorf("a server starts with a control file of %d bytes", n)
		}
	}
}

// TestDamageSettings: what a session is told of a damaged block, and what it gets, under each setting; the database counts the failures.
func TestDamageSettings(t *testing.T) {
	base, _ := image(t)
	m := base.Clone(9)
	s, err := start(m)
	if err != nil {
		t.Fatal(err)
	}
	file, err := s.answer([]string{"select pg_relation_filepath('t')"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	file = strings.TrimSuffix(file, ";")
	if err := flip(m, path.Join(dataDir, file), (8192+8000)*8); err != nil { // within a value
		t.Fatal(err)
	}
	again := m.Clone(1) // who ignores the damage and writes the page makes it whole
	if s, err = start(m); err != nil {
		t.Fatal(err)
	}
	defer func() { s.stop() }()
	ask := func(settings string) (string, string, error) {
		var notices []string
		cfg, err := pgconn.ParseConfig("host=127.0.0.1 port=1 user=postgres dbname=postgres sslmode=disable")
		if err != nil {
			return "", "", err
		}
		cfg.DialFunc = dialer(s)
		cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
			notices = append(notices, n.Severity+" "+n.Code+" "+n.Message)
		}
		c, err := pgconn.ConnectConfig(context.Background(), cfg)
		if err != nil {
			return "", "", err
		}
		defer c.Close(context.Background())
		rs, err := c.Exec(context.Background(), settings+"; select count(*) from t where b is not null").ReadAll()
		if err != nil {
			return "", strings.Join(notices, "\n"), err
		}
		return string(rs[len(rs)-1].Rows[0][0]), strings.Join(notices, "\n"), nil
	}
	const failed = "WARNING XX001 page verification failed, calculated checksum "
	zeroed := "WARNING XX001 invalid page in block 1 of relation " + file + "; zeroing out page"

	_, notices, err := ask("select 1")
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "XX001" || e.Message != "invalid page in block 1 of relation "+file || !strings.HasPrefix(notices, failed) {
		t.Errorf("without settings: %v\n%s", err, notices)
	}
	all, notices, err := ask("set ignore_checksum_failure = on")
	if err != nil || !strings.HasPrefix(notices, failed) || strings.Contains(notices, "\n") {
		t.Errorf("ignore_checksum_failure: %v\n%s", err, notices)
	}
	if some, notices, err := ask("set zero_damaged_pages = on"); err != nil || some != all || notices != "" {
		t.Errorf("the page is in the buffers: %s rows of %s, %v\n%s", some, all, err, notices)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if s, err = start(again); err != nil {
		t.Fatal(err)
	}
	some, notices, err := ask("set zero_damaged_pages = on")
	if err != nil || some >= all || !strings.HasPrefix(notices, failed) || !strings.HasSuffix(notices, zeroed) {
		t.Errorf("zero_damaged_pages: %s rows of %s, %v\n%s", some, all, err, notices)
	}
	got, err := s.answer([]string{"select checksum_failures, checksum_last_failure > now() - interval '1 hour' from pg_stat_database where datname = current_database()",
		"select checksum_failures, checksum_last_failure is null from pg_stat_database where datid = 0"})
	if err != nil || got != "1;t;0;t;" {
		t.Errorf("pg_stat_database shows %s, %v", got, err)
	}
	if _, err := s.answer([]string{"create role plain", "set role plain", "set zero_damaged_pages = on"}); err == nil {
		t.Error("zero_damaged_pages can be set by anybody")
	}
}
