package restore

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gompho/postmaster"
)

// TestCancelRestoreCommand: a shutdown request ends a recovery that waits for its restore_command, and the command.
func TestCancelRestoreCommand(t *testing.T) {
	dir, fifo := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "running")
	p, err := postmaster.Start(postmaster.Options{Dir: dir, NoListen: true, Settings: []string{"shared_buffers=8MB", "fsync=off"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(context.Background(), postmaster.Fast); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "recovery.signal"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cancel, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := postmaster.Start(postmaster.Options{Dir: dir, NoListen: true, Cancel: cancel,
			Settings: []string{"shared_buffers=8MB", "fsync=off", "restore_command=exec 3> " + fifo + "; echo >&3; exec sleep 1000"}})
		ended <- err
	}()
	f, err := os.Open(fifo) // until the command runs
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	close(cancel)
	if err := <-ended; !errors.Is(err, postmaster.ErrCanceled) {
		t.Errorf("the start ended with %v", err)
	}
	if err := f.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the command goes on: %v", err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
}

// TestImmediateAfterFast: a fast shutdown waits for the archive_command, an immediate one ends both.
func TestImmediateAfterFast(t *testing.T) {
	dir, fifo := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "running")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := postmaster.Start(postmaster.Options{Dir: dir, NoListen: true, Settings: []string{"shared_buffers=8MB", "fsync=off", "archive_mode=on",
		"archive_command=exec 3> " + fifo + "; echo >&3; exec sleep 1000"}})
	if err != nil {
		t.Fatal(err)
	}
	fast := make(chan error, 1)
	go func() { fast <- p.Stop(context.Background(), postmaster.Fast) }()
	f, err := os.Open(fifo) // until the command runs
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	began := time.Now()
	if err := p.Stop(context.Background(), postmaster.Immediate); err != nil {
		t.Error(err)
	}
	if err := <-fast; err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
}
