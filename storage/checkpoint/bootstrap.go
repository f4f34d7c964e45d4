package checkpoint

import (
	"path/filepath"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/storage/control"
	"gompho/storage/vfs"
	"gompho/wal"
)

// Bootstrap makes the log and the control file of a new cluster in dataDir: it then looks like one that was shut down
// right after its first checkpoint, and is to be opened through recovery. Of o it uses FS, SystemID, SegmentSize and the sync
// settings; the log goes to dataDir/pg_wal. d and its Checkpoint give the rest.
func Bootstrap(dataDir string, o wal.Options, d control.Data) error {
	for _, dir := range []string{"global", "base", "pg_wal", "pg_tblspc"} {
		if err := o.FS.MkdirAll(filepath.Join(dataDir, dir), 0o700); err != nil {
			return pgerr.Wrap(err, pgerr.IoError, "could not create directory %q: %v", filepath.Join(dataDir, dir), err)
		}
	}
	if o.SegmentSize == 0 {
		o.SegmentSize = wal.DefaultSegmentSize
	}
	o.Dir = filepath.Join(dataDir, "pg_wal")
	o.BufferSize = 64 << 10
	first := wal.FirstLSN(o.SegmentSize)
	l, err := wal.Open(o, first, first, false)
	if err != nil {
		return err
	}
	defer l.Close()
	d.SystemID, d.SegmentSize, d.BlockSize, d.State = o.SystemID, uint32(o.SegmentSize), ids.BlockSize, control.ShutDown
	d.Checkpoint.Redo, d.Checkpoint.FullPageWrites, d.Checkpoint.Timeline, d.Checkpoint.PrevTimeline = first, true, 1, 1
	payload := d.Checkpoint.Append(nil)
	end := l.InsertSimple(wal.CheckpointShutdown, 0, payload)
	d.CheckpointAt = wal.StartOf(end, len(payload))
	if err := l.Flush(nil, end); err != nil {
		return err
	}
	if _, err := control.Create(o.FS, dataDir, d); err != nil {
		return err
	}
	if o.Fsync != nil && !o.Fsync() {
		return nil
	}
	if err := o.FS.SyncDir(dataDir); err != nil {
		return pgerr.Wrap(err, pgerr.IoError, "could not fsync directory %q: %v", dataDir, err)
	}
	return o.FS.SyncDir(filepath.Dir(filepath.Clean(dataDir)))
}

// Exists reports whether dataDir holds a cluster.
func Exists(fsys vfs.FS, dataDir string) bool {
	return vfs.Exists(fsys, filepath.Join(dataDir, control.Name))
}
