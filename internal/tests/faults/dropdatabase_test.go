package faults

import (
	"context"
	"io/fs"
	"path"
	"testing"

	"golang.org/x/sys/unix"

	"gompho/postmaster"
	"gompho/storage/vfs"
)

// TestDropDatabaseDirectory: the directory of a database that is gone for good cannot be removed. The statement has succeeded, and the next recovery from a crash removes it.
func TestDropDatabaseDirectory(t *testing.T) {
	mem, _ := image(t)
	failed := ""
	s, err := start(vfs.NewFaulty(mem, func(op vfs.FaultOp) error {
		if op.Kind == vfs.OpRemove && path.Dir(op.Name) == dataDir+"/base" && path.Base(op.Name) != "pgsql_tmp" && failed == "" {
			failed = op.Name
			return &fs.PathError{Op: "remove", Path: op.Name, Err: unix.EIO}
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := s.dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"create database extra", "drop database extra", "create database extra", "drop database extra"} {
		if _, err := c.Exec(ctx, sql).ReadAll(); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	c.Close(ctx)
	_ = s.stop(postmaster.Immediate)
	mem.Kill()
	if failed == "" || !vfs.Exists(mem, failed) || s.said("some useless files may be left behind") != 1 {
		t.Fatalf("directory %q; log:\n%s", failed, s.log())
	}
	if s, err = start(mem); err == nil {
		err = s.stop(postmaster.Fast)
	}
	if err != nil || vfs.Exists(mem, failed) {
		t.Errorf("%s is there after the next recovery: %v", failed, err)
	}
}
