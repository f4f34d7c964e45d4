package tests

import (
	"context"
	"runtime"
	"testing"

	"github.com/jackc/pgx/v5"

	"gompho"
)

// TestGiveWay: of more long statements than there are processors some give way while short ones come in; they can be canceled, go on when nothing else
// comes in, and gompho.long_statement_share = 100 leaves them alone.
func TestGiveWay(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	s, err := gompho.Open(context.Background(), gompho.Options{Listen: true, Settings: map[string]string{"shared_buffers": "16MB", "autovacuum": "off"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	look := connect(t, s)
	var long []*pgx.Conn
	for range 3 {
		long = append(long, connect(t, s))
	}
	const forever = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b"
	var done []chan error
	for _, c := range long {
		done = append(done, async(c, forever))
	}
	for _, c := range long { // each gets its turn to rest
		eventually(t, look, "select exists (select 1 from pg_stat_activity where pid = $1 and wait_event_type = 'Timeout' and wait_event = 'GiveWay')", int32(c.PgConn().PID()))
	}
	for i, c := range long {
		run(t, look, "select pg_cancel_backend($1)", int32(c.PgConn().PID()))
		if err := <-done[i]; sqlState(err) != "57014" {
			t.Errorf("a long statement was canceled: %v", err)
		}
	}
	done = done[:0]
	for _, c := range long {
		done = append(done, async(c, "select count(*) from generate_series(1, 1000000) a, generate_series(1, 3) b"))
	}
	for _, d := range done { // nothing short comes in: they run to their ends
		if err := <-d; err != nil {
			t.Error(err)
		}
	}
	run(t, look, "alter system set gompho.long_statement_share = 100")
	run(t, look, "select pg_reload_conf()")
	eventually(t, look, "select current_setting('gompho.long_statement_share') = '100'")
	for i, c := range long {
		done[i] = async(c, forever)
	}
	eventually(t, look, "select count(*) = 4 from pg_stat_activity where state = 'active'")
	for range 200 {
		if n := value[int](t, look, "select count(*) from pg_stat_activity where wait_event = 'GiveWay'"); n > 0 {
			t.Fatalf("%d statements give way though that is turned off", n)
		}
	}
	for i, c := range long {
		run(t, look, "select pg_cancel_backend($1)", int32(c.PgConn().PID()))
		if err := <-done[i]; sqlState(err) != "57014" {
			t.Errorf("a long statement was canceled: %v", err)
		}
	}
}
