package functions

import (
	"bufio"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// The files testdata/*.tsv hold calls of built-ins and what PostgreSQL 15 answered, in columns: the built-in,
// the type of its result, its arguments as type=literal, and the result. \N is NULL, and the rows of a set
// have ~ between them. An error is ERROR, SQLSTATE, message.

var typeNames = func() map[string]*types.Type {
	m := map[string]*types.Type{}
	for oid := range 10000 {
		if t := types.Builtin(ids.Oid(oid)); t != nil {
			m[t.Name] = t
			m[types.FormatName(t)] = t
			if t.ElemType != nil && t.Array == 0 {
				m[t.ElemType.Name+"[]"] = t
			}
		}
	}
	return m
}()

func unquote(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t").Replace(s)
}

type refCase struct {
	file   string
	line   int
	prosrc string
	ret    string
	args   []string
	want   string
}

func readReference(t *testing.T) []refCase {
	files, _ := filepath.Glob("testdata/*.tsv")
	if len(files) == 0 {
		t.Fatal("no files of calls")
	}
	var cases []refCase
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(f)
		for line := 1; sc.Scan(); line++ {
			if strings.HasPrefix(sc.Text(), "#") || sc.Text() == "" {
				continue
			}
			p := strings.Split(sc.Text(), "\t")
			cases = append(cases, refCase{filepath.Base(name), line, p[0], p[1], p[2 : len(p)-1], p[len(p)-1]})
		}
		f.Close()
	}
	return cases
}

// refCall makes the call of a case; ok is false while a type has no input.
func refCall(t *testing.T, env Env, rc refCase) (*Call, bool) {
	c := &Call{Env: env, RetType: typeNames[rc.ret]}
	for _, a := range rc.args {
		name, lit, _ := strings.Cut(a, "=")
		if rest, ok := strings.CutPrefix(name, "variadic "); ok {
			c.Variadic, name = true, rest
		}
		typ := typeNames[name]
		if typ == nil {
			t.Fatalf("%s:%d: unknown type %s", rc.file, rc.line, name)
		}
		d := types.Null
		if lit != `\N` {
			var err error
			if !types.CanInput(typ) {
				return nil, false
			}
			if d, err = types.Input(env, typ, unquote(lit), -1); err != nil {
				t.Fatalf("%s:%d: %v", rc.file, rc.line, err)
			}
		}
		c.Args = append(c.Args, d)
		c.ArgTypes = append(c.ArgTypes, typ)
	}
	return c, true
}

func showResult(env Env, ret *types.Type, d types.Datum, err error) string {
	if err != nil {
		e := pgerr.From(err)
		return "ERROR " + string(e.Code) + " " + e.Message
	}
	if d.IsNull() {
		return `\N`
	}
	return types.OutputString(env, ret, d)
}

func runSet(env Env, e *Entry, c *Call, ret *types.Type) string {
	rows, err := e.Set(c)
	if err != nil {
		return showResult(env, ret, types.Null, err)
	}
	defer rows.Close()
	var out []string
	cols := make([]types.Datum, 1)
	for {
		ok, err := rows.Next(cols)
		if err != nil {
			return showResult(env, ret, types.Null, err)
		}
		if !ok {
			break
		}
		s := showResult(env, ret, cols[0], nil)
		if s == `\N` {
			s = "NULL"
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return `\N`
	}
	return strings.Join(out, "~")
}

func TestReference(t *testing.T) {
	reg := Builtins()
	env := DefaultEnv()
	ran, skipped := 0, 0
	for _, rc := range readReference(t) {
		e := reg.Lookup(rc.prosrc)
		if e == nil {
			t.Errorf("%s:%d: %s is not there", rc.file, rc.line, rc.prosrc)
			continue
		}
		ret := typeNames[rc.ret]
		if ret == nil {
			ret = typeNames["text"]
		}
		c, ok := refCall(t, env, rc)
		if !ok || !types.CanInput(ret) {
			skipped++
			continue
		}
		ran++
		var got string
		if e.Set != nil {
			got = runSet(env, e, c, ret)
		} else {
			d, err := e.Scalar(c)
			got = showResult(env, ret, d, err)
		}
		if want := unquote(rc.want); got != want && !sameFloat(rc, got, want) {
			t.Errorf("%s:%d: %s(%s) = %s, want %s", rc.file, rc.line, rc.prosrc, strings.Join(rc.args, ", "), got, want)
		}
	}
	if ran < 440 {
		t.Errorf("only %d calls ran", ran)
	}
	t.Logf("%d calls ran, %d wait for types", ran, skipped)
}

// sameFloat lets results of the mathematical functions differ in the last digits: their libraries do.
func sameFloat(rc refCase, got, want string) bool {
	if rc.ret != "float8" || rc.prosrc[0] != 'd' && rc.prosrc != "radians" {
		return false
	}
	a, err1 := strconv.ParseFloat(got, 64)
	b, err2 := strconv.ParseFloat(want, 64)
	return err1 == nil && err2 == nil && math.Abs(a-b) <= 1e-13*math.Max(math.Abs(a), math.Abs(b))+1e-15
}
