package postmaster

import (
	"path/filepath"

	"gompho/internal/ids"
	"gompho/storage/vfs"
)

// SkipOptions say how SkipIDs moves the counters of a cluster.
type SkipOptions struct {
	Dir       string
	NextXid   ids.Xid         // 0: stays
	NextMulti ids.MultiXactID // likewise
	// FS and Settings are as in Options.
	FS       vfs.FS
	Settings []string
}

// SkipIDs moves the counters of transactions and multixacts of a cluster that no server runs on: the ids in between will never be used. It recovers the
// cluster first if it was not shut down. Counters do not go back: 22023.
func SkipIDs(o SkipOptions) (err error) {
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	settings := append([]string{"max_prepared_transactions=1000"}, o.Settings...)
	p := quiet(Options{Dir: o.Dir, FS: o.FS, Settings: settings})
	if err := p.existingCluster(); err != nil {
		return err
	}
	if err := p.takeDir(); err != nil {
		return err
	}
	defer p.leaveDir()
	if err := p.loadSettings(); err != nil {
		return err
	}
	c, err := p.openCluster()
	if err != nil {
		return err
	}
	err = c.mvcc.SkipTo(o.NextXid, o.NextMulti)
	if cerr := c.close(true); err == nil {
		err = cerr
	}
	return err
}
