package config

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Entry is one line of a configuration file.
type Entry struct {
	Name, Value string
	File        string
	Line        int
}

// maxIncludeDepth bounds nested include directives.
const maxIncludeDepth = 10

// FileError is an error in a configuration file.
type FileError struct {
	File string
	Line int
	Msg  string
	// cause is the error of the value, nil when the file cannot be parsed.
	cause error
}

// Unwrap returns the error of the value, if that is what is wrong.
func (e *FileError) Unwrap() error { return e.cause }

// Error implements error.
func (e *FileError) Error() string {
	msg, near, _ := strings.Cut(e.Msg, ", near ")
	if near != "" {
		near = ", near " + near
	}
	return fmt.Sprintf("%s in file %q line %d%s", msg, e.File, e.Line, near)
}

// ReadFile reads a configuration file with the files that it includes. A missing file is an error unless optional.
func ReadFile(path string, optional bool) ([]Entry, error) { return readFile(path, optional, 0) }

func readFile(path string, optional bool, depth int) ([]Entry, error) {
	if depth > maxIncludeDepth {
		return nil, fmt.Errorf("could not open configuration file %q: maximum nesting depth exceeded", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		if optional && os.IsNotExist(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("could not open configuration file %q: %w", path, err)
	}
	return parseFile(string(data), path, depth)
}

func parseFile(text, path string, depth int) ([]Entry, error) {
	var out []Entry
	for i, line := range strings.Split(text, "\n") {
		name, value, ok, err := parseLine(line)
		if err != nil {
			return nil, &FileError{File: path, Line: i + 1, Msg: err.Error()}
		}
		if !ok {
			continue
		}
		inc := value
		if !filepath.IsAbs(inc) {
			inc = filepath.Join(filepath.Dir(path), inc)
		}
		var more []Entry
		switch strings.ToLower(name) {
		case "include":
			more, err = readFile(inc, false, depth+1)
		case "include_if_exists":
			more, err = readFile(inc, true, depth+1)
		case "include_dir":
			more, err = readDir(inc, depth+1)
		default:
			more = []Entry{{Name: name, Value: value, File: path, Line: i + 1}}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func readDir(dir string, depth int) ([]Entry, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("could not open configuration directory %q: %w", dir, err)
	}
	var names []string
	for _, e := range list {
		if n := e.Name(); strings.HasSuffix(n, ".conf") && !strings.HasPrefix(n, ".") && !e.IsDir() {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	var out []Entry
	for _, n := range names {
		more, err := readFile(filepath.Join(dir, n), false, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// parseLine reads name [=] value; ok is false for an empty line.
func parseLine(line string) (name, value string, ok bool, err error) {
	s := strings.TrimLeft(line, " \t\r\f")
	if s == "" || s[0] == '#' {
		return "", "", false, nil
	}
	i := 0
	for i < len(s) && (s[i] == '_' || s[i] == '.' || s[i] == '$' || s[i] >= '0' && s[i] <= '9' || s[i]|32 >= 'a' && s[i]|32 <= 'z' || s[i] >= 0x80) {
		i++
	}
	if i == 0 {
		return "", "", false, fmt.Errorf("syntax error")
	}
	name, s = s[:i], strings.TrimLeft(s[i:], " \t\r")
	if strings.HasPrefix(s, "=") {
		s = strings.TrimLeft(s[1:], " \t\r")
	}
	if strings.HasPrefix(s, "'") {
		value, s, ok = quoted(s)
		if !ok {
			return "", "", false, fmt.Errorf("syntax error")
		}
	} else {
		j := strings.IndexAny(s, " \t\r#")
		if j < 0 {
			j = len(s)
		}
		value, s = s[:j], s[j:]
		if value == "" {
			return "", "", false, fmt.Errorf("syntax error")
		}
	}
	s = strings.TrimLeft(s, " \t\r")
	if s != "" && s[0] != '#' {
		return "", "", false, fmt.Errorf("syntax error")
	}
	return name, value, true, nil
}

// quoted reads a quoted string with doubled quotes and backslash escapes.
func quoted(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'':
			if i+1 < len(s) && s[i+1] == '\'' {
				b.WriteByte('\'')
				i++
				continue
			}
			return b.String(), s[i+1:], true
		case '\\':
			if i+1 >= len(s) {
				return "", "", false
			}
			i++
			switch e := s[i]; e {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case 'b':
				b.WriteByte('\b')
			case 'f':
				b.WriteByte('\f')
			default:
				if e >= '0' && e <= '7' {
					j := i
					for j < len(s) && j < i+3 && s[j] >= '0' && s[j] <= '7' {
						j++
					}
					n, _ := strconv.ParseUint(s[i:j], 8, 8)
					b.WriteByte(byte(n))
					i = j - 1
				} else {
					b.WriteByte(e)
				}
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// quote writes a value for postgresql.auto.conf.
func quote(v string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\n", `\n`).Replace(v) + "'"
}

// AutoConf is the name of the file that ALTER SYSTEM writes.
const AutoConf = "postgresql.auto.conf"

// AlterSystem sets (or, with value nil, removes) a setting in postgresql.auto.conf; an empty name removes all. The file is
// replaced atomically.
func AlterSystem(dir, name string, value *string) error {
	path := filepath.Join(dir, AutoConf)
	old, err := ReadFile(path, true)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("# Written by ALTER SYSTEM: changes made here by hand are lost.\n")
	for _, e := range old {
		if name != "" && !strings.EqualFold(e.Name, name) {
			fmt.Fprintf(&b, "%s = %s\n", e.Name, quote(e.Value))
		}
	}
	if value != nil {
		fmt.Fprintf(&b, "%s = %s\n", name, quote(*value))
	}
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(b.String())
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
