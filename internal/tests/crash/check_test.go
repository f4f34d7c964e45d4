package crash

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"gompho/internal/ids"
	"gompho/postmaster"
	"gompho/storage/page"
	"gompho/storage/tuple"
	"gompho/storage/vfs"
)

// damage is what a case of TestCheckFinds does to a copy of a stopped cluster.
type damage struct {
	t  *testing.T
	fs *vfs.Mem
}

// sql runs statements on a server of the cluster and stops it; it returns the last value.
func (d damage) sql(sql string) string {
	d.t.Helper()
	pm, err := postmaster.Start(postmaster.Options{Dir: dataDir, FS: d.fs, NoListen: true, Settings: []string{"shared_buffers=4MB"}})
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := dial(pm)
	if err != nil {
		d.t.Fatal(err)
	}
	var res []*pgconn.Result
	for _, st := range strings.Split(strings.TrimRight(sql, "; \n"), ";") {
		if res, err = c.Exec(context.Background(), st).ReadAll(); err != nil {
			d.t.Fatalf("%s: %v", st, err)
		}
	}
	c.Close(context.Background())
	if err := pm.Stop(context.Background(), postmaster.Fast); err != nil {
		d.t.Fatal(err)
	}
	if rows := res[len(res)-1].Rows; len(rows) > 0 {
		return string(rows[0][0])
	}
	return ""
}

// path is the file of a relation.
func (d damage) path(rel string) string {
	d.t.Helper()
	return dataDir + "/" + d.sql("select pg_relation_filepath('"+rel+"')")
}

// edit changes a block of a file; its checksum is made right again, or not.
func (d damage) edit(path string, blk ids.BlockNumber, sum bool, f func(p page.Page)) {
	d.t.Helper()
	file, err := d.fs.Open(path, os.O_RDWR, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	defer file.Close()
	p := make(page.Page, page.Size)
	if _, err := file.ReadAt(p, int64(blk)*page.Size); err != nil {
		d.t.Fatal(err)
	}
	f(p)
	if sum {
		p.SetChecksum(blk)
	}
	if _, err := file.WriteAt(p, int64(blk)*page.Size); err != nil {
		d.t.Fatal(err)
	}
}

func flip(p page.Page) { p[5000] ^= 4 }

// TestCheckFinds damages copies of a cluster, each in one way, and wants the check to name the relation and the place.
func TestCheckFinds(t *testing.T) {
	base := image(t, 1)
	d := damage{t, base}
	d.sql(`create table t(a int primary key, b text, c int);
		insert into t select g, 'value ' || g, g % 10 from generate_series(1, 1000) g;
		create index t_expr on t (upper(b)); create index t_part on t (c) where a > 500;
		create table big(a int primary key, b text);
		alter table big alter b set storage external;
		insert into big select g, repeat('long value ' || g, 2000) from generate_series(1, 5) g;
		create sequence s; create view v as select a from t; create unlogged table u(a int primary key);
		vacuum (freeze) t; vacuum big; insert into t values (2000, 'new', 1);`)
	toast := "pg_toast.pg_toast_" + d.sql("select 'big'::regclass::oid")
	last := ids.BlockNumber(0) // of t: it has a row that came after the vacuum
	for _, c := range d.sql("select (pg_relation_size('t') / 8192 - 1)::text") {
		last = last*10 + ids.BlockNumber(c-'0')
	}
	for _, c := range []struct {
		name string
		want []string // all of them are reported
		do   func(d damage)
	}{
		{"nothing", nil, func(damage) {}},
		{"bit of a table", []string{"t, block 0: ", "invalid page"}, func(d damage) { d.edit(d.path("t"), 0, false, flip) }},
		{"bit of an index", []string{"t_pkey, block 1: ", "invalid page"}, func(d damage) { d.edit(d.path("t_pkey"), 1, false, flip) }},
		{"bit of a sequence", []string{"s, block 0: ", "invalid page"}, func(d damage) { d.edit(d.path("s"), 0, false, flip) }},
		{"bit of a visibility map", []string{"t, block 0: ", "invalid page"}, func(d damage) { d.edit(d.path("t")+"_vm", 0, false, flip) }},
		{"bit of a catalog", []string{"pg_proc, block 3: "}, func(d damage) { d.edit(d.path("pg_proc"), 3, false, flip) }},
		{"index entry gone", []string{"t_pkey: no entry for row (0,4) of table t"}, func(d damage) {
			d.edit(d.path("t_pkey"), 1, true, func(p page.Page) { p.DeleteItems([]ids.OffsetNumber{5}) })
		}},
		{"entry of an expression gone", []string{"t_expr: no entry for row"}, func(d damage) {
			d.edit(d.path("t_expr"), 1, true, func(p page.Page) { p.DeleteItems([]ids.OffsetNumber{5}) })
		}},
		{"entry of a partial index gone", []string{"t_part: no entry for row"}, func(d damage) {
			d.edit(d.path("t_part"), 1, true, func(p page.Page) { p.DeleteItems([]ids.OffsetNumber{3}) })
		}},
		{"key of a row changed", []string{"t_pkey: no entry for row (0,4)", "t_pkey, block 1, item 5: entry for row (0,4) of table t has another key"}, func(d damage) {
			d.edit(d.path("t"), 0, true, func(p page.Page) { p.Item(4)[tuple.Header(p.Item(4)).Hoff()] ^= 64 })
		}},
		{"row gone", []string{"t_pkey, block 1, item 5: entry for (0,4), where table t has nothing", "t_expr, block"}, func(d damage) {
			d.edit(d.path("t"), 0, true, func(p page.Page) { p.SetItem(4, page.LPUnused, 0) })
		}},
		{"hint against the commit log", []string{"t, block", "contradict the commit log"}, func(d damage) {
			d.edit(d.path("t"), last, true, func(p page.Page) {
				h := tuple.Header(p.Item(p.MaxOffset()))
				h.SetInfomask(h.Infomask()&^tuple.XminFrozen | tuple.XminInvalid)
			})
		}},
		{"visibility bit", []string{"all-visible in the map, but not on the page"}, func(d damage) {
			d.edit(d.path("t")+"_vm", 0, true, func(p page.Page) { p[page.HeaderSize+int(last)/4] |= 1 << (last % 4 * 2) })
		}},
		{"visibility bit beyond the end", []string{"t, block 100: marked in the visibility map"}, func(d damage) {
			d.edit(d.path("t")+"_vm", 0, true, func(p page.Page) { p[page.HeaderSize+25] |= 1 })
		}},
		{"free space map", []string{"t, block 2: free space map: an inner node"}, func(d damage) {
			d.edit(d.path("t")+"_fsm", 2, true, func(p page.Page) { p[page.HeaderSize+4+1] ^= 0x55 })
		}},
		{"chunk gone", []string{"big, block 0, item 1: ", "unexpected chunk number 1 (expected 0)"}, func(d damage) {
			d.edit(d.path(toast), 0, true, func(p page.Page) { p.SetItem(1, page.LPUnused, 0) })
		}},
		{"chunks left over", []string{"pg_toast", "which no row of table big refers to"}, func(d damage) {
			d.edit(d.path("big"), 0, true, func(p page.Page) { p.SetItem(2, page.LPUnused, 0) })
		}},
		{"file of a table gone", []string{"t: file base/5/", "is missing"}, func(d damage) { check(t, d.fs.Remove(d.path("t"))) }},
		{"file of an index gone", []string{"t_expr: file base/5/", "is missing"}, func(d damage) { check(t, d.fs.Remove(d.path("t_expr"))) }},
		{"init fork gone", []string{"u_pkey: file base/5/", "_init is missing"}, func(d damage) { check(t, d.fs.Remove(d.path("u_pkey")+"_init")) }},
		{"file of nobody", []string{"file base/5/99999_vm belongs to no relation"}, func(d damage) {
			check(t, vfs.WriteFile(d.fs, dataDir+"/base/5/99999_vm", nil, 0o600, true))
		}},
		{"directory of nobody", []string{"directory base/777: belongs to no database"}, func(d damage) { check(t, d.fs.MkdirAll(dataDir+"/base/777", 0o700)) }},
		{"column gone", []string{"column 2 of 3 is not in pg_attribute"}, func(d damage) {
			d.sql("set allow_system_table_mods = on; delete from pg_attribute where attrelid = 't'::regclass and attname = 'b'")
		}},
		{"object gone", []string{"pg_depend: row", "is not there", "pg_rewrite: row"}, func(d damage) {
			d.sql("set allow_system_table_mods = on; delete from pg_class where relname = 'v'")
		}},
		{"schema gone", []string{"pg_class: row", "relnamespace: pg_namespace"}, func(d damage) {
			d.sql("set allow_system_table_mods = on; delete from pg_namespace where nspname = 'common'")
		}},
		{"index row gone", []string{"kind i, row in pg_index: false"}, func(d damage) {
			d.sql("set allow_system_table_mods = on; delete from pg_index where indexrelid = 't_part'::regclass")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := damage{t, base.Clone(1)}
			c.do(d)
			var out []string
			n, err := postmaster.Check(postmaster.CheckOptions{Dir: dataDir, Database: "postgres", FS: d.fs, Settings: []string{"shared_buffers=16MB"}},
				func(p string) { out = append(out, p) })
			if err != nil || n != len(out) {
				t.Fatal(n, err)
			}
			got := strings.Join(out, "\n")
			if len(c.want) == 0 && got != "" {
				t.Errorf("reported:\n%s", got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("reported:\n%.3000s\nwant %q", got, want)
				}
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
