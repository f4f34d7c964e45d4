package postmaster

import "gompho/storage/vfs"

// CanInit reports, by an error, what keeps a cluster from being made in a directory. It leaves the directory empty but for the mark.
func CanInit(dir string, fsys vfs.FS) error {
	c, err := claimDir(fsys, dir, true)
	if err != nil {
		return err
	}
	return c.claim.Close()
}
