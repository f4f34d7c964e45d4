package crash

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"gompho/internal/tests/rerun"
	"gompho/postmaster"
	"gompho/storage/vfs"
)

// catalogMoves give catalogs new files.
var catalogMoves = []string{"create table kept (a int primary key, b text)", "insert into kept select i, i from generate_series(1, 50) i",
	"vacuum full pg_class", "alter table kept add c int default 1", "reindex table pg_class", "checkpoint", "reindex table pg_attribute", "vacuum full pg_attribute",
	"cluster pg_type using pg_type_oid_index", "vacuum full pg_database", "reindex table pg_authid", "create table more (a int)", "reindex index pg_class_relname_nsp_index",
	"vacuum full pg_rewrite", "reindex system postgres", "create database extra", "drop table more"}

// TestCatalogMoves gives catalogs new files, kills the server or takes its power away before file changes that its seed chooses, at each change of a map
// among them, and looks at the whole cluster after recovery. GOMPHO_SEED sets the seed, GOMPHO_CATALOG_ROUNDS the number of moments (all of them: 0).
func TestCatalogMoves(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("GOMPHO_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	want := 30
	if n, err := strconv.Atoi(os.Getenv("GOMPHO_CATALOG_ROUNDS")); err == nil {
		want = n
	}
	rnd := rand.New(rand.NewPCG(seed, 11))
	mem := image(t, 1)
	var mu sync.Mutex
	var kept []*vfs.Mem
	changes, maps := 0, 0
	clone := func(op vfs.FaultOp) error {
		mu.Lock()
		defer mu.Unlock()
		isMap := op.Kind == vfs.OpRename || op.Kind == vfs.OpSyncDir
		switch op.Kind {
		case vfs.OpWrite, vfs.OpTruncate, vfs.OpSync, vfs.OpRemove, vfs.OpRename, vfs.OpSyncDir:
		default:
			return nil
		}
		changes++
		if isMap {
			maps++
		}
		if want == 0 || rnd.IntN(250) == 0 || isMap && rnd.IntN(8) == 0 {
			kept = append(kept, mem.Clone(seed+uint64(changes)))
		}
		return nil
	}
	settings := []string{"shared_buffers=8MB", "autovacuum=off", "max_wal_size=1GB", "checkpoint_timeout=1h"}
	pm, err := postmaster.Start(postmaster.Options{Dir: dataDir, FS: vfs.NewFaulty(mem, clone), NoListen: true, Settings: settings})
	check(t, err)
	runHistory(t, pm, catalogMoves)
	check(t, pm.Stop(context.Background(), postmaster.Fast))
	if want > 0 && len(kept) > want {
		rnd.Shuffle(len(kept), func(i, j int) { kept[i], kept[j] = kept[j], kept[i] })
		kept = kept[:want]
	}
	rerun.Told(t, "seed %d: %d file changes, %d renames and syncs of directories, %d moments", seed, changes, maps, len(kept))
	for i, fs := range kept {
		if rnd.IntN(2) == 0 {
			fs.Kill()
		} else {
			fs.Crash()
		}
		pm, err := postmaster.Start(postmaster.Options{Dir: dataDir, FS: fs, NoListen: true, Settings: settings})
		if err != nil {
			t.Fatalf("moment %d: %v", i, err)
		}
		runHistory(t, pm, []string{"select count(*) from pg_class a join pg_attribute b on a.oid = b.attrelid", "create table after (a int)", "reindex table pg_class", "drop table after"})
		check(t, pm.Stop(context.Background(), postmaster.Fast))
		wholeCheck(t, fs)
		if t.Failed() {
			t.Fatalf("moment %d", i)
		}
	}
}
