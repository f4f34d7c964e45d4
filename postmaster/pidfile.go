package postmaster

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// PidFileName is the name of the lock file in the data directory.
const PidFileName = "postmaster.pid"

// pidFile is the held lock file.
type pidFile struct {
	f    *os.File
	path string
}

// PidInfo is what postmaster.pid says.
type PidInfo struct {
	PID       int
	Dir       string
	Started   time.Time
	Port      int
	SocketDir string
	Host      string
	Status    string
}

// lockDir takes the directory for this process. The error is one line for the user.
func lockDir(dir string) (*pidFile, error) {
	path := filepath.Join(dir, PidFileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("could not create lock file %q: %w", path, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		info, _ := ReadPidFile(dir)
		f.Close()
		if info.PID > 0 {
			return nil, fmt.Errorf("lock file %q already exists: another server (PID %d) runs in data directory %q", PidFileName, info.PID, dir)
		}
		return nil, fmt.Errorf("lock file %q already exists: another server runs in data directory %q", PidFileName, dir)
	}
	return &pidFile{f: f, path: path}, nil
}

// takeDir makes this process the only one on the directory.
func (p *Postmaster) takeDir() (err error) {
	if p.opt.FS == nil {
		p.pid, err = lockDir(p.opt.Dir)
		return err
	}
	if p.lock, err = p.opt.FS.Lock(filepath.Join(p.opt.Dir, PidFileName)); err != nil {
		return fmt.Errorf("could not lock data directory %q: %w", p.opt.Dir, err)
	}
	return nil
}

// leaveDir gives the directory back.
func (p *Postmaster) leaveDir() {
	if p.pid != nil {
		p.pid.release()
		p.pid = nil
	}
	if p.lock != nil {
		p.lock.Close()
		p.lock = nil
	}
}

func (p *Postmaster) writePid(status string) error {
	if p.pid == nil {
		return nil
	}
	return p.pid.write(p.info(status))
}

// write stores the eight lines of the file: pid, directory, start, port, socket directory, host, shared memory key (none), status.
func (p *pidFile) write(i PidInfo) error {
	text := fmt.Sprintf("%d\n%s\n%d\n%d\n%s\n%s\n%s\n%-8s\n", i.PID, i.Dir, i.Started.Unix(), i.Port, i.SocketDir, i.Host, "", i.Status)
	if err := p.f.Truncate(0); err != nil {
		return err
	}
	_, err := p.f.WriteAt([]byte(text), 0)
	return err
}

// release removes the file and the lock.
func (p *pidFile) release() {
	os.Remove(p.path)
	p.f.Close()
}

// ReadPidFile reads postmaster.pid of a data directory.
func ReadPidFile(dir string) (PidInfo, error) {
	b, err := os.ReadFile(filepath.Join(dir, PidFileName))
	if err != nil {
		return PidInfo{}, err
	}
	l := strings.Split(string(b), "\n")
	for len(l) < 8 {
		l = append(l, "")
	}
	var i PidInfo
	i.PID, _ = strconv.Atoi(l[0])
	i.Dir = l[1]
	sec, _ := strconv.ParseInt(l[2], 10, 64)
	i.Started = time.Unix(sec, 0)
	i.Port, _ = strconv.Atoi(l[3])
	i.SocketDir, i.Host, i.Status = l[4], l[5], strings.TrimSpace(l[7])
	return i, nil
}

// IsLocked reports whether a running server holds the directory.
func IsLocked(dir string) bool {
	f, err := os.OpenFile(filepath.Join(dir, PidFileName), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return true
	}
	unix.Flock(int(f.Fd()), unix.LOCK_UN)
	return false
}
