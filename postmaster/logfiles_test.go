package postmaster_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gompho/postmaster"
	"gompho/session"
)

// TestLogThroughCrash: the files of the log go on through a crash cycle under load and through the shutdown, without a gap in the postmaster's lines and
// with every statement that was answered; the admin endpoint answers all the time.
func TestLogThroughCrash(t *testing.T) {
	o := withTrap(func(s *session.Session, sql string) {
		if strings.Contains(sql, "damage") {
			pinned(s)
			panic("damage")
		}
	})
	o.Settings = []string{"logging_collector=on", "log_filename=x.log", "log_rotation_age=0", "log_rotation_size=0", "log_statement=all", "log_line_prefix=%b %l ",
		"gompho.admin_address=0"}
	pm, console := start(t, o)
	c := connect(t, pm)
	run(t, c, "create table t as select 1 as a")
	quit, scraped := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(scraped)
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for i := 0; ; i++ {
			select {
			case <-quit:
				return
			default:
			}
			for _, path := range []string{"/metrics", "/healthz"} {
				r, err := client.Get("http://" + pm.AdminAddr() + path)
				if err != nil {
					scraped <- err
					return
				}
				r.Body.Close()
				if path == "/metrics" && r.StatusCode != 200 {
					scraped <- fmt.Errorf("scrape %d: %s", i, r.Status)
					return
				}
			}
		}
	}()
	var mu sync.Mutex
	var stop atomic.Bool
	answered := map[string]bool{}
	for round := range 3 {
		var wg sync.WaitGroup
		for w := range 4 {
			other := connect(t, pm)
			wg.Go(func() {
				for i := 0; !stop.Load(); i++ {
					sql := fmt.Sprintf("select %d as round, %d as writer, %d as number", round, w, i)
					if _, err := other.Exec(context.Background(), sql); err != nil {
						return
					}
					mu.Lock()
					answered[sql] = true
					mu.Unlock()
				}
			})
		}
		c.Exec(context.Background(), "select 'damage'")
		end := time.AfterFunc(20*time.Second, func() { stop.Store(true) }) // a session that was not ended
		wg.Wait()
		end.Stop()
		c = reconnect(t, pm)
	}
	close(quit)
	if err := <-scraped; err != nil {
		t.Error(err)
	}
	dir := pm.Dir()
	if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "log", "x.log"))
	if err != nil {
		t.Fatal(err)
	}
	log := string(b)
	if n := strings.Count(log, "all server processes terminated; reinitializing"); n != 3 {
		t.Errorf("%d crash cycles are in the log", n)
	}
	if !strings.Contains(log, "database system is shut down") {
		t.Error("the end is missing")
	}
	if len(answered) < 3 {
		t.Errorf("only %d statements", len(answered))
	}
	missing := 0
	for sql := range answered {
		if strings.Count(log, "LOG:  statement: "+sql+"\n") != 1 {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d statements are not in the log once", missing, len(answered))
	}
	next := 0
	for _, m := range regexp.MustCompile(`(?m)^postmaster (\d+) `).FindAllStringSubmatch(log, -1) {
		n := 0
		fmt.Sscan(m[1], &n)
		if next != 0 && n != next {
			t.Errorf("after line %d of the postmaster comes %d", next-1, n)
		}
		next = n + 1
	}
	if got := console.text(); strings.Contains(got, "statement:") || !strings.Contains(got, "redirecting log output to logging collector process") {
		t.Errorf("on standard error: %.500s", got)
	}
}
