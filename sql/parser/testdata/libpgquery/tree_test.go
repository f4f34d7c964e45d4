// Package libpgquery compares the parser's trees with those of libpg_query, PostgreSQL's own parser as a
// library. It is a module of its own because the library needs a C compiler and a minute to build. It has the grammar of
// PostgreSQL 17: the differences known are in skip.txt; acceptance and errors are compared with PostgreSQL 15 itself
// in package parser.
package libpgquery

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"testing"

	pgquery "github.com/pganalyze/pg_query_go/v6"

	"gompho/sql/ast"
	"gompho/sql/parser"
)

// TestTrees parses the corpus with both and compares the trees: node types, strings, numbers, flags and
// locations. Enumerations are not compared.
func TestTrees(t *testing.T) {
	skip := map[string]bool{}
	for _, l := range lines(t, "skip.txt") {
		skip[l] = true
	}
	files, _ := filepath.Glob("../conformance/*.sql")
	if len(files) == 0 {
		t.Fatal("no corpus")
	}
	compared := 0
	for _, f := range files {
		for _, sql := range lines(t, f) {
			if skip[sql] {
				continue
			}
			stmts, err := parser.Parse(sql)
			if err != nil {
				continue
			}
			text, err := pgquery.ParseToJSON(sql)
			if err != nil {
				t.Errorf("%s\n  libpg_query: %v", sql, err)
				continue
			}
			compared++
			compare(t, sql, stmts, text)
		}
	}
	if compared < 700 {
		t.Errorf("only %d statements compared", compared)
	}
}

func compare(t *testing.T, sql string, stmts []ast.RawStmt, text string) {
	var theirs struct{ Stmts []struct{ Stmt any } }
	if err := json.Unmarshal([]byte(text), &theirs); err != nil {
		t.Fatal(err)
	}
	if len(stmts) != len(theirs.Stmts) {
		t.Errorf("%s\n  %d statements, libpg_query %d", sql, len(stmts), len(theirs.Stmts))
		return
	}
	for i := range stmts {
		ours := wrap(reflect.ValueOf(stmts[i].Stmt))
		if d := diff("", ours, clean(theirs.Stmts[i].Stmt)); d != "" {
			t.Errorf("%s\n  %s", sql, d)
		}
	}
}

func lines(t *testing.T, file string) []string {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, l := range strings.Split(string(b), "\n") {
		if l != "" && !strings.HasPrefix(l, "# ") {
			list = append(list, l)
		}
	}
	return list
}

var enumValue = regexp.MustCompile(`^[A-Z][A-Z0-9]*_[A-Za-z0-9_]+$|^CTEMaterialize|^LockWait`)

// ignored are fields that PostgreSQL 17 has more or otherwise, and ours that replace a null pointer of C.
var ignored = regexp.MustCompile(`(\.defelem\.arglocation|\.transactionstmt\.location|\.conninfolocation|` +
	`\.payloadlocation|\.deallocatestmt\.(location|isall)|\.mergewhenclause\.matched|\.fetchstmt\.howmany|` +
	`\.definestmt\.args|\.partspec\.strategy|\.grantrolestmt\.(adminopt|opt)|\.alterstatsstmt\.stxstattarget|` +
	`\.has(filename|neighbor|oldval|version)|\.(commentstmt|seclabelstmt)\.isnull|\.publicationobjspec\.location)$`)

func key(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

// clean brings libpg_query's JSON to a common form: keys in lower case without underscores, no enumerations, no
// zero values.
func clean(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if c := clean(x); c != nil {
				out[key(k)] = c
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, x := range v {
			out = append(out, clean(x))
		}
		return out
	case string:
		if enumValue.MatchString(v) || v == "" {
			return nil
		}
		return v
	case bool:
		if !v {
			return nil
		}
		return "true"
	case float64:
		if v == 0 {
			return nil
		}
		return fmt.Sprint(int64(v))
	}
	return nil
}

// wrap brings a node to the common form, in an object with its type.
func wrap(v reflect.Value) any {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return map[string]any{}
		}
		v = v.Elem()
	}
	switch n := v.Interface().(type) {
	case ast.RangeFunctionItem:
		return pair(wrap(reflect.ValueOf(n.Func)), reflect.ValueOf(n.Coldeflist))
	case ast.ExclusionElem:
		return pair(wrap(reflect.ValueOf(n.Index)), reflect.ValueOf(n.Operator))
	}
	if v.Kind() == reflect.String {
		return map[string]any{"string": stringNode(v.String())}
	}
	return map[string]any{key(v.Type().Name()): fields(v)}
}

// pair is a list of a node and a list.
func pair(first any, second reflect.Value) any {
	items := []any{first, map[string]any{}}
	if second.Len() > 0 {
		items[1] = map[string]any{"list": map[string]any{"items": list(second)}}
	}
	return map[string]any{"list": map[string]any{"items": items}}
}

func stringNode(s string) map[string]any {
	if s == "" {
		return map[string]any{}
	}
	return map[string]any{"sval": s}
}

// fields is the inner object of a struct.
func fields(v reflect.Value) map[string]any {
	out := map[string]any{}
	if c, ok := v.Interface().(ast.AConst); ok {
		return constant(c)
	}
	for i := range v.NumField() {
		if x := value(v.Field(i)); x != nil {
			out[key(v.Type().Field(i).Name)] = x
		}
	}
	return out
}

func constant(c ast.AConst) map[string]any {
	out := map[string]any{}
	if c.Location != 0 {
		out["location"] = fmt.Sprint(c.Location)
	}
	if c.Isnull {
		out["isnull"] = "true"
		return out
	}
	names := map[string]string{"Integer": "ival", "Float": "fval", "Boolean": "boolval", "String": "sval", "BitString": "bsval"}
	v := reflect.ValueOf(c.Val).Elem()
	out[names[v.Type().Name()]] = fields(v)
	return out
}

func value(f reflect.Value) any {
	switch f.Kind() {
	case reflect.Interface:
		if f.IsNil() {
			return nil
		}
		return wrap(f)
	case reflect.Pointer:
		if f.IsNil() {
			return nil
		}
		return fields(f.Elem())
	case reflect.Struct:
		return fields(f)
	case reflect.Slice:
		if f.Len() == 0 {
			return nil
		}
		return list(f)
	case reflect.String:
		if f.String() == "" || enumValue.MatchString(f.String()) {
			return nil
		}
		return f.String()
	case reflect.Bool:
		if !f.Bool() {
			return nil
		}
		return "true"
	case reflect.Uint8:
		if f.Type().PkgPath() != "" || f.Uint() == 0 {
			return nil
		}
		return string(rune(f.Uint()))
	default:
		if f.IsZero() {
			return nil
		}
		return fmt.Sprint(f.Interface())
	}
}

func list(f reflect.Value) any {
	out := make([]any, 0, f.Len())
	for i := range f.Len() {
		e := f.Index(i)
		switch e.Kind() {
		case reflect.Slice:
			out = append(out, map[string]any{"list": map[string]any{"items": list(e)}})
		case reflect.Int32:
			out = append(out, map[string]any{"integer": map[string]any{"ival": fmt.Sprint(e.Int())}})
		default:
			out = append(out, wrap(e))
		}
	}
	return out
}

// diff describes the first difference between two values in the common form.
func diff(path string, a, b any) string {
	if ignored.MatchString(path) {
		return ""
	}
	if s, ok := a.(string); ok { // a string in the place of a String node
		if m, ok := b.(map[string]any); ok && len(m) == 1 && m["sval"] == s {
			return ""
		}
	}
	if am, ok := a.(map[string]any); ok {
		bm, ok := b.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s: %v, libpg_query %v", path, a, b)
		}
		for k, inner := range bm { // a field of one type here, of any node there
			if m, ok := inner.(map[string]any); ok && len(bm) == 1 && am[k] == nil && strings.HasSuffix(k, "stmt") {
				bm = m
			}
		}
		keys := map[string]bool{}
		for k := range am {
			keys[k] = true
		}
		for k := range bm {
			keys[k] = true
		}
		var sorted []string
		for k := range keys {
			sorted = append(sorted, k)
		}
		sort.Strings(sorted)
		for _, k := range sorted {
			if d := diff(path+"."+k, am[k], bm[k]); d != "" {
				return d
			}
		}
		return ""
	}
	if al, ok := a.([]any); ok {
		bl, ok := b.([]any)
		if !ok || len(al) != len(bl) {
			return fmt.Sprintf("%s: %v, libpg_query %v", path, a, b)
		}
		for i := range al {
			if d := diff(fmt.Sprintf("%s[%d]", path, i), al[i], bl[i]); d != "" {
				return d
			}
		}
		return ""
	}
	if !reflect.DeepEqual(a, b) {
		return fmt.Sprintf("%s: %v, libpg_query %v", path, a, b)
	}
	return ""
}
