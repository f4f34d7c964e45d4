package commands

import (
	"strconv"
	"strings"

	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// defString returns an option's value as text, as PostgreSQL's defGetString; "" when it has none.
func defString(d *ast.DefElem) string {
	switch v := d.Arg.(type) {
	case *ast.String:
		return v.Sval
	case *ast.Integer:
		return itoa(int64(v.Ival))
	case *ast.Float:
		return v.Fval
	case *ast.Boolean:
		if v.Boolval {
			return "true"
		}
		return "false"
	case *ast.TypeName:
		return strings.Join(v.Names, ".")
	case *ast.List:
		return strings.Join(ast.Names(v), ".")
	case *ast.AStar:
		return "*"
	case *ast.AConst:
		s, _, _ := argText(d.Defname, v)
		return s
	}
	return ""
}

// defBool returns an option's value as a boolean; an option without a value is true.
func defBool(d *ast.DefElem) (bool, error) {
	if d.Arg == nil {
		return true, nil
	}
	s := defString(d)
	switch strings.ToLower(s) {
	case "true", "on", "1":
		return true, nil
	case "false", "off", "0":
		return false, nil
	}
	return false, pgerr.New(pgerr.SyntaxError, "%s requires a Boolean value", d.Defname)
}

// looseBool accepts all spellings of a boolean.
func looseBool(s string) (bool, bool) { return config.ParseBool(s) }

// defInt returns an option's value as a number.
func defInt(d *ast.DefElem) (int64, error) {
	if d.Arg == nil {
		return 0, pgerr.New(pgerr.SyntaxError, "%s requires a numeric value", d.Defname)
	}
	s := defString(d)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		if _, ferr := strconv.ParseFloat(s, 64); ferr == nil {
			return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value %q is out of range for type bigint", s)
		}
		return 0, pgerr.New(pgerr.SyntaxError, "%s requires a numeric value", d.Defname)
	}
	return n, nil
}
