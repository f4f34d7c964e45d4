package logger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"

	"gompho/internal/pgerr"
)

// CurrentFiles is the file in the data directory that names the files which are written now.
const CurrentFiles = "current_logfiles"

// Collector writes the log into files and changes them when they are old or big enough.
//
// A line is written to its files by who logs it, before the call returns: neither the end of the server, nor a crash cycle, nor a killed
// process loses one. The collector's goroutine only watches the clock.
type Collector struct {
	out  *output
	dir  string // data directory
	proc *Process
	stop chan struct{}
	wake chan struct{} // the time of the next rotation has changed
	done sync.WaitGroup

	// The output's mutex protects what follows.
	files     [forms]logFile
	directory string    // as the settings had it when the files were opened
	pattern   string    // log_filename, too
	rotateAt  time.Time // zero: not by age
	age       time.Duration
	closed    bool
	disabled  bool // no rotation after a file could not be opened, until the settings are read again
}

// logFile is one open file; f is nil when nothing is logged in this form.
type logFile struct {
	f    *os.File
	name string // as current_logfiles has it
	size int64
}

// Collect makes the server's logger write into the files of log_directory instead of standard error, if logging_collector is on. The logger
// must be one of ForServer's, others are left alone; then, and when it is off, the collector is nil, which does nothing.
func Collect(log *zap.Logger, dir string) (*Collector, error) {
	top, ok := log.Core().(*core)
	if !ok || dir == "" {
		return nil, nil
	}
	o := top.out
	if !o.cfg.Get("logging_collector").Bool() {
		os.Remove(filepath.Join(dir, CurrentFiles))
		return nil, nil
	}
	c := &Collector{out: o, dir: dir, proc: NewProcess("logger", int32(os.Getpid()), nil), stop: make(chan struct{}), wake: make(chan struct{}, 1)}
	where := o.cfg.Get("log_directory").Text
	o.echoed(func() {
		log.Info("redirecting log output to logging collector process", zap.String("hint", fmt.Sprintf("Future log output will appear in directory %q.", where)))
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := c.openAll(time.Now()); err != nil {
		c.closeAll()
		return nil, err
	}
	o.files = c
	c.done.Go(c.run)
	return c, nil
}

// Announce tells on standard error that nothing more comes there, when log_destination says so.
func (c *Collector) Announce(log *zap.Logger) {
	if c == nil {
		return
	}
	if dest := c.out.cfg.Get("log_destination").Text; !wants(dest, formText) {
		c.out.echoed(func() {
			log.Info("ending log output to stderr", zap.String("hint", fmt.Sprintf("Future log output will go to log destination %q.", dest)))
		})
	}
}

// echoed does what it logs on standard error too, as text.
func (o *output) echoed(f func()) {
	set := func(on bool) {
		o.mu.Lock()
		o.echo = on
		o.mu.Unlock()
	}
	set(true)
	defer set(false)
	f()
}

// wants reports whether log_destination names a form.
func wants(dest string, f form) bool {
	for _, w := range strings.Split(dest, ",") {
		if strings.EqualFold(strings.TrimSpace(w), destinations[f]) {
			return true
		}
	}
	return false
}

// run rotates by age.
func (c *Collector) run() {
	for {
		c.out.mu.Lock()
		at := c.rotateAt
		c.out.mu.Unlock()
		var clock <-chan time.Time
		var t *time.Timer
		if !at.IsZero() {
			t = time.NewTimer(time.Until(at))
			clock = t.C
		}
		select {
		case <-c.stop:
		case <-c.wake:
		case <-clock:
			c.tick(time.Now())
		}
		if t != nil {
			t.Stop()
		}
		select {
		case <-c.stop:
			return
		default:
		}
	}
}

// tick rotates if it is time.
func (c *Collector) tick(now time.Time) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if c.closed || c.rotateAt.IsZero() || now.Before(c.rotateAt) {
		return
	}
	if c.disabled {
		c.schedule(now)
		return
	}
	c.rotate(c.rotateAt, true, [forms]bool{true, true, true})
}

// Rotate begins new files, as pg_rotate_logfile() does.
func (c *Collector) Rotate() {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if !c.closed {
		c.rotate(time.Now(), false, [forms]bool{true, true, true})
	}
}

// Reloaded takes up settings that have changed.
func (c *Collector) Reloaded() {
	if c == nil {
		return
	}
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if c.closed {
		return
	}
	c.disabled = false
	now := time.Now()
	if c.out.cfg.Get("log_directory").Text != c.directory || c.out.cfg.Get("log_filename").Text != c.pattern || c.opensOther() {
		c.rotate(now, false, [forms]bool{true, true, true})
	} else {
		c.note()
	}
	c.schedule(now)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// opensOther reports whether log_destination names other files than are open. That of stderr always is.
func (c *Collector) opensOther() bool {
	dest := c.out.cfg.Get("log_destination").Text
	for f := formCSV; f < forms; f++ {
		if wants(dest, f) != (c.files[f].f != nil) {
			return true
		}
	}
	return false
}

// Close ends the collector. Lines that come later go to standard error again.
func (c *Collector) Close() {
	if c == nil {
		return
	}
	c.out.mu.Lock()
	again := c.closed
	c.closed, c.out.files = true, nil
	c.out.mu.Unlock()
	if again {
		return
	}
	close(c.stop)
	c.done.Wait()
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	c.closeAll()
}

func (c *Collector) closeAll() {
	for i := range c.files {
		if f := c.files[i].f; f != nil {
			f.Close()
		}
		c.files[i] = logFile{}
	}
}

// schedule computes when the files are old.
func (c *Collector) schedule(now time.Time) {
	c.rotateAt, c.age = time.Time{}, time.Duration(c.out.cfg.Get("log_rotation_age").Int())*time.Minute
	if c.age > 0 {
		c.rotateAt = nextRotation(now.In(c.out.location()), c.age)
	}
}

// openAll opens the files of a start.
func (c *Collector) openAll(now time.Time) error {
	cfg := c.out.cfg
	c.directory, c.pattern = cfg.Get("log_directory").Text, cfg.Get("log_filename").Text
	dest := cfg.Get("log_destination").Text
	for f := range forms {
		if f == formText || wants(dest, f) {
			if err := c.open(f, now, false); err != nil {
				return err
			}
		}
	}
	c.note()
	c.schedule(now)
	return nil
}

// mode is the permission of new files.
func (c *Collector) mode() fs.FileMode {
	return (fs.FileMode(c.out.cfg.Get("log_file_mode").Int()) | 0o200) & 0o666
}

// open opens the file of a form at a time, in place of the one that is open.
func (c *Collector) open(f form, at time.Time, truncate bool) error {
	dir := c.directory
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(c.dir, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fileError{"could not create log directory " + strconv.Quote(dir), err}
	}
	name := fileName(c.pattern, f, at.In(c.out.location()))
	flag := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	shown := filepath.Join(c.directory, name)
	if truncate && shown != c.files[f].name {
		flag |= os.O_TRUNC
	}
	_, missing := os.Lstat(filepath.Join(dir, name))
	file, err := os.OpenFile(filepath.Join(dir, name), flag, c.mode())
	if err != nil {
		return fileError{"could not open log file " + strconv.Quote(filepath.Join(dir, name)), err}
	}
	if missing != nil {
		file.Chmod(c.mode()) // the process's umask has no say
	}
	if old := c.files[f].f; old != nil {
		old.Close()
	}
	c.files[f] = logFile{f: file, name: shown}
	if info, err := file.Stat(); err == nil {
		c.files[f].size = info.Size()
	}
	return nil
}

// rotate begins new files of some forms. A file is emptied when log_truncate_on_rotation is on, its age was the reason, and its name is another
// than the last one's.
func (c *Collector) rotate(at time.Time, byAge bool, which [forms]bool) {
	cfg := c.out.cfg
	c.directory, c.pattern = cfg.Get("log_directory").Text, cfg.Get("log_filename").Text
	dest := cfg.Get("log_destination").Text
	for f := range forms {
		if f != formText && !wants(dest, f) {
			if c.files[f].f != nil {
				c.files[f].f.Close()
				c.files[f] = logFile{}
			}
			continue
		}
		if !which[f] {
			continue
		}
		if err := c.open(f, at, byAge && cfg.Get("log_truncate_on_rotation").Bool()); err != nil {
			var no syscall.Errno
			if !errors.As(err, &no) || no != syscall.EMFILE && no != syscall.ENFILE {
				c.disabled = true
			}
			c.complain(err.Error())
			if c.disabled {
				c.complain("disabling automatic rotation (use SIGHUP to re-enable)")
			}
			break
		}
	}
	c.note()
	c.schedule(time.Now())
}

// note writes current_logfiles.
func (c *Collector) note() {
	dest := c.out.cfg.Get("log_destination").Text
	text := ""
	for f := range forms {
		if wants(dest, f) && c.files[f].name != "" {
			text += destinations[f] + " " + c.files[f].name + "\n"
		}
	}
	name := filepath.Join(c.dir, CurrentFiles)
	if text == "" {
		os.Remove(name)
		return
	}
	err := os.WriteFile(name+".tmp", []byte(text), c.mode())
	if err == nil {
		err = os.Chmod(name+".tmp", c.mode())
	}
	if err == nil {
		err = os.Rename(name+".tmp", name)
	}
	if err != nil {
		c.complain(fmt.Sprintf("could not write file %q: %v", CurrentFiles, cause(err)))
	}
}

// write writes the lines of an event, and rotates when a file is full. What cannot be written goes to standard error.
func (c *Collector) write(f form, b []byte) error {
	l := &c.files[f]
	if l.f == nil {
		return nil // a destination that a reload has named, and rotation is disabled
	}
	n, err := l.f.Write(b)
	l.size += int64(n)
	if err != nil {
		c.out.w.Write(fmt.Appendf(nil, "could not write to log file: %v\n", cause(err)))
		c.out.w.Write(b)
		return nil
	}
	if limit := c.out.cfg.Get("log_rotation_size").Int() * 1024; limit > 0 && l.size >= limit && !c.disabled {
		var which [forms]bool
		which[f] = true
		c.rotate(time.Now(), false, which)
	}
	return nil
}

// complain logs a message of the collector's own.
func (c *Collector) complain(text string) {
	ev := &Event{Proc: c.proc, Err: pgerr.New(pgerr.SuccessfulCompletion, "%s", text).WithSeverity(pgerr.LogSev)}
	was := c.disabled
	c.disabled = true // no rotation within one
	c.out.emit(ev, time.Now())
	c.disabled = was
}

// Current returns the path of the file that is written in a form, stderr, csvlog or jsonlog, as current_logfiles in the data directory has
// it; with an empty form the first one. Empty: there is none.
func Current(dir, of string) (string, error) {
	known := of == ""
	for _, d := range destinations {
		known = known || d == of
	}
	if !known {
		return "", pgerr.New(pgerr.InvalidParameterValue, "log format \"%s\" is not supported", of).
			WithHint("The supported log formats are \"stderr\", \"csvlog\", and \"jsonlog\".")
	}
	b, err := os.ReadFile(filepath.Join(dir, CurrentFiles))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", pgerr.New(pgerr.IoError, "could not read file \"%s\": %v", CurrentFiles, cause(err))
	}
	for line := range strings.Lines(string(b)) {
		if d, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && (of == "" || d == of) {
			return name, nil
		}
	}
	return "", nil
}
