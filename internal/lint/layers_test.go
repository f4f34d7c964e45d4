package lint

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// layers lists the packages bottom up. A package imports only packages of lower layers, so packages of
// one layer do not see each other. A trailing slash-star covers subpackages.
var layers = [][]string{
	{"internal/ids", "internal/pgerr", "internal/invariants", "internal/offheap"},
	{"storage/vfs", "config", "storage/page", "sql/ast"},
	{"types", "stats", "sql/parser", "storage/control", "wire"},
	{"storage/tuple", "wal", "logger", "parallel", "cpugovernor"},
	{"functions", "locks", "ssi", "wal/backup"},
	{"storage/smgr"},
	{"mvcc"},
	{"storage/buffer"},
	{"storage/checkpoint", "storage/relmap", "storage/freespace", "storage/sequence", "wal/inspect"},
	{"storage/heap"},
	{"storage/btree"},
	{"storage/toast"},
	{"storage/vacuum", "storage/check", "wal/recovery"},
	{"sql/query"},
	{"sql/partition"},
	{"catalog", "sql/plan"},
	{"catalog/catfuncs"},
	{"session"},
	{"sql/deparse"},
	{"sql/analyzer"},
	{"sql/planner"},
	{"sql/executor"},
	{"sysviews"},
	{"sql/commands"},
	{"bgwriter", "checkpointer", "walwriter", "autovacuum", "archiver", "metrics"},
	{"backend"},
	{"postmaster"},
	{"gompho"},
	{"pgtest"},
	{"cmd"},
}

// unordered are packages that hold tests, tools or benchmarks: they may import anything, nothing imports them.
var unordered = []string{"internal/lint", "bench", "testdata", "internal/tests"}

func layerOf(pkg string) int {
	best, level := -1, -1
	for i, ps := range layers {
		for _, p := range ps {
			if (pkg == p || strings.HasPrefix(pkg, p+"/")) && len(p) > best {
				best, level = len(p), i
			}
		}
	}
	return level
}

func isUnordered(pkg string) bool {
	for _, p := range unordered {
		if pkg == p || strings.HasPrefix(pkg, p+"/") {
			return true
		}
	}
	return false
}

func TestLayers(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			if rel != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && rel != "." {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		seen++
		checkFile(t, path, packageOf(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Fatalf("only %d source files found: the walk is broken", seen)
	}
}

func packageOf(rel string) string {
	dir := filepath.ToSlash(filepath.Dir(rel))
	if dir == "." {
		return "gompho"
	}
	return dir
}

func checkFile(t *testing.T, path, pkg string) {
	if isUnordered(pkg) {
		return
	}
	level := layerOf(pkg)
	if level < 0 {
		t.Errorf("%s: package %s has no layer: add it to the table", path, pkg)
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range f.Imports {
		name, _ := strconv.Unquote(imp.Path.Value)
		if name != "gompho" && !strings.HasPrefix(name, "gompho/") {
			continue
		}
		target := strings.TrimPrefix(name, "gompho/")
		sameFamily := strings.HasPrefix(target, pkg+"/") || strings.HasPrefix(pkg, target+"/")
		if layerOf(target) >= level && !sameFamily {
			t.Errorf("%s: %s (layer %d) imports %s (layer %d)", path, pkg, level, target, layerOf(target))
		}
	}
}
