// Summary reads the events of go test -json and prints what go test would print, and of tests that pass what their suites have done: the lines of
// rerun.Told, with the seeds. When a test failed, it ends with 1, and the last lines say where: logs of servers are long, and the end of an output is what is kept of it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// event is one of go test -json.
type event struct {
	Action, Package, Test, Output string
}

type place struct{ pkg, test string }

// printer keeps the output of tests until it is known how they end.
type printer struct {
	w      io.Writer
	logs   map[place][]string
	told   map[string][]string // of a package, printed with its line
	short  []string            // where tests failed
	failed bool
}

func main() {
	p := printer{w: os.Stdout, logs: make(map[place][]string), told: make(map[string][]string)}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Fprintln(p.w, in.Text()) // not of a test
			continue
		}
		p.take(e)
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		p.failed = true
	}
	for _, l := range p.short {
		fmt.Fprint(p.w, l)
	}
	if p.failed {
		os.Exit(1)
	}
}

func (p *printer) take(e event) {
	at := place{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(p.w, e.Output)
	case "build-fail":
		p.failed = true
	case "output":
		if e.Test != "" {
			p.logs[at] = append(p.logs[at], e.Output)
		} else if e.Output != "PASS\n" && !strings.HasPrefix(e.Output, "coverage:") {
			fmt.Fprint(p.w, e.Output)
		}
	case "pass", "skip":
		if e.Test == "" {
			for _, l := range p.told[e.Package] {
				fmt.Fprint(p.w, l)
			}
			delete(p.told, e.Package)
			return
		}
		p.told[e.Package] = append(p.told[e.Package], results(e.Test, p.logs[at])...)
		delete(p.logs, at)
	case "fail":
		p.failed = true
		if e.Test != "" {
			p.flush(at)
			return
		}
		for k := range p.logs { // a panic or a timeout ended them all
			if k.pkg == e.Package {
				p.flush(k)
			}
		}
	}
}

// flush prints the log of a test that failed.
func (p *printer) flush(at place) {
	p.short = append(p.short, fmt.Sprintf("failed: %s %s\n", at.pkg, at.test))
	said := len(p.short)
	for _, l := range p.logs[at] {
		if strings.HasPrefix(l, "=== ") {
			continue
		}
		fmt.Fprint(p.w, l)
		if logged.MatchString(l) {
			p.short = append(p.short, l[:min(len(l)-1, shortLine)]+"\n")
		}
	}
	if len(p.short) > said+shortLines {
		p.short = append(p.short[:said], p.short[len(p.short)-shortLines:]...)
	}
	delete(p.logs, at)
}

// logged is the first line of what a test says, of which the last shortLines are repeated, shortLine bytes of each.
var logged = regexp.MustCompile(`^\s+\w+_test\.go:\d+: `)

const (
	shortLine  = 250
	shortLines = 12
)

// results returns what a test has told, and its seeds when it has told something.
func results(test string, log []string) (out []string) {
	told := false
	for _, l := range log {
		_, text, ok := strings.Cut(strings.TrimLeft(l, " "), ": ") // file and line
		result, is := strings.CutPrefix(text, "result: ")
		if !ok || !is && !strings.Contains(text, "GOMPHO_SEED=") {
			continue
		}
		told = told || is
		out = append(out, "\t"+test+": "+result)
	}
	if !told {
		return nil
	}
	return out
}
