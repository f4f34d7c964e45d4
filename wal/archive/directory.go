package archive

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gompho/internal/pgerr"
	"gompho/storage/vfs"
)

// Directory is an archive that is a directory.
type Directory struct {
	FS   vfs.FS
	Path string
	// Owner makes the names of files in progress differ between servers that share the archive.
	Owner string
}

// tempPrefix begins the names of files that are not complete; no file of the log begins so.
const tempPrefix = ".gompho-archive-"

// Store copies the file at path into the archive under a name. When it returns nil the copy is complete and durable. A file of that name with
// the same content is fine, one with other content is an error.
func (d Directory) Store(path, name string) error {
	final := filepath.Join(d.Path, name)
	if vfs.Exists(d.FS, final) {
		same, err := d.same(path, final)
		if err != nil {
			return ioError(err, "could not compare file %q with %q: %v", path, final, err)
		}
		if !same {
			return pgerr.New(pgerr.DuplicateFile, "archive file %q already exists with other content", final)
		}
		return d.sync()
	}
	tmp := filepath.Join(d.Path, tempPrefix+d.Owner+"-"+name)
	if err := d.copy(path, tmp); err != nil {
		_ = d.FS.Remove(tmp)
		return ioError(err, "could not copy file %q to %q: %v", path, tmp, err)
	}
	if err := d.FS.Rename(tmp, final); err != nil {
		return ioError(err, "could not rename file %q to %q: %v", tmp, final, err)
	}
	return d.sync()
}

// Fetch copies a file of the archive to path; false without an error means that the archive does not have it.
func (d Directory) Fetch(name, path string) (bool, error) {
	from := filepath.Join(d.Path, name)
	if !vfs.Exists(d.FS, from) {
		return false, nil
	}
	if err := d.copy(from, path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, ioError(err, "could not copy file %q to %q: %v", from, path, err)
	}
	return true, nil
}

func (d Directory) sync() error {
	if err := d.FS.SyncDir(d.Path); err != nil {
		return ioError(err, "could not fsync directory %q: %v", d.Path, err)
	}
	return nil
}

func ioError(err error, format string, args ...any) error {
	return pgerr.Wrap(err, pgerr.IoError, format, args...)
}

func (d Directory) copy(from, to string) (err error) {
	in, err := d.FS.Open(from, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := d.FS.Open(to, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	if err := each(in, func(at int64, b []byte) error {
		_, err := out.WriteAt(b, at)
		return err
	}); err != nil {
		return err
	}
	return out.Sync()
}

var errDiffers = errors.New("files differ")

func (d Directory) same(a, b string) (bool, error) {
	fa, err := d.FS.Open(a, os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	fb, err := d.FS.Open(b, os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	na, err := fa.Size()
	if err != nil {
		return false, err
	}
	if nb, err := fb.Size(); err != nil || na != nb {
		return false, err
	}
	buf := make([]byte, pieceSize)
	err = each(fa, func(at int64, piece []byte) error {
		n, err := fb.ReadAt(buf[:len(piece)], at)
		if err != nil && err != io.EOF {
			return err
		}
		if !bytes.Equal(buf[:n], piece) {
			return errDiffers
		}
		return nil
	})
	if err == errDiffers {
		return false, nil
	}
	return err == nil, err
}

const pieceSize = 256 << 10

// each reads a file in pieces.
func each(f vfs.File, do func(at int64, b []byte) error) error {
	buf := make([]byte, pieceSize)
	for at := int64(0); ; {
		n, err := f.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return err
		}
		if n == 0 {
			return nil
		}
		if err := do(at, buf[:n]); err != nil {
			return err
		}
		at += int64(n)
	}
}

// Check reports why files cannot be stored, nil when they can.
func (d Directory) Check() error {
	st, err := d.FS.Stat(d.Path)
	switch {
	case err != nil:
		return ioError(err, "archive directory %q cannot be used: %v", d.Path, err)
	case !st.IsDir():
		return pgerr.New(pgerr.WrongObjectType, "archive directory %q is not a directory", d.Path)
	}
	return nil
}
