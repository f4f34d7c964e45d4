package commands

import (
	"fmt"
	"strconv"
	"strings"

	"gompho/config"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
)

type optionKind uint8

const (
	boolOption optionKind = iota
	intOption
	realOption
	enumOption
)

// relOption is a storage parameter: of what kinds of relations ('r' tables, 't' their toast tables, 'i' btree indexes, 'v' views), and its values.
type relOption struct {
	kinds    string
	kind     optionKind
	min, max float64
	values   []string
}

const maxInt = 2147483647

// relOptions are the storage parameters.
var relOptions = map[string]relOption{
	"fillfactor":                            {"ri", intOption, 10, 100, nil},
	"toast_tuple_target":                    {"r", intOption, 128, 8160, nil},
	"parallel_workers":                      {"r", intOption, 0, 1024, nil},
	"user_catalog_table":                    {"r", boolOption, 0, 0, nil},
	"autovacuum_enabled":                    {"rt", boolOption, 0, 0, nil},
	"vacuum_truncate":                       {"rt", boolOption, 0, 0, nil},
	"vacuum_index_cleanup":                  {"rt", enumOption, 0, 0, []string{"auto", "on", "off", "true", "false", "yes", "no", "1", "0"}},
	"autovacuum_vacuum_threshold":           {"rt", intOption, 0, maxInt, nil},
	"autovacuum_vacuum_insert_threshold":    {"rt", intOption, -1, maxInt, nil},
	"autovacuum_analyze_threshold":          {"r", intOption, 0, maxInt, nil},
	"autovacuum_vacuum_cost_limit":          {"rt", intOption, 1, 10000, nil},
	"autovacuum_vacuum_cost_delay":          {"rt", realOption, 0, 100, nil},
	"autovacuum_vacuum_scale_factor":        {"rt", realOption, 0, 100, nil},
	"autovacuum_vacuum_insert_scale_factor": {"rt", realOption, 0, 100, nil},
	"autovacuum_analyze_scale_factor":       {"r", realOption, 0, 100, nil},
	"autovacuum_freeze_min_age":             {"rt", intOption, 0, 1000000000, nil},
	"autovacuum_freeze_max_age":             {"rt", intOption, 100000, 2000000000, nil},
	"autovacuum_freeze_table_age":           {"rt", intOption, 0, 2000000000, nil},
	"autovacuum_multixact_freeze_min_age":   {"rt", intOption, 0, 1000000000, nil},
	"autovacuum_multixact_freeze_max_age":   {"rt", intOption, 10000, 2000000000, nil},
	"autovacuum_multixact_freeze_table_age": {"rt", intOption, 0, 2000000000, nil},
	"log_autovacuum_min_duration":           {"rt", intOption, -1, maxInt, nil},
	"deduplicate_items":                     {"i", boolOption, 0, 0, nil},
	"security_barrier":                      {"v", boolOption, 0, 0, nil},
	"security_invoker":                      {"v", boolOption, 0, 0, nil},
	"check_option":                          {"v", enumOption, 0, 0, []string{"local", "cascaded"}},
}

// relationOptions checks the storage parameters of a statement and applies them to old ones. kind is one of relOption.kinds.
// Parameters of the name space toast are returned apart.
func relationOptions(old []string, defs []*ast.DefElem, kind string, reset bool) (own, toast []string, err error) {
	own = append(own, old...)
	seen := map[string]bool{}
	for _, d := range defs {
		list, k := &own, kind
		switch {
		case d.Defnamespace == "toast" && strings.Contains("r", kind):
			list, k = &toast, "t"
		case d.Defnamespace != "":
			return nil, nil, pgerr.New(pgerr.InvalidParameterValue, "unrecognized parameter namespace %q", d.Defnamespace)
		}
		name := strings.ToLower(d.Defname)
		if name == "oids" && kind == "r" && d.Defnamespace == "" && !reset {
			if on, err := defBool(d); err != nil {
				return nil, nil, err
			} else if on {
				return nil, nil, pgerr.NotSupported("tables declared WITH OIDS are not supported")
			}
			continue
		}
		if reset {
			if d.Arg != nil {
				return nil, nil, pgerr.New(pgerr.SyntaxError, "RESET must not include values for parameters")
			}
			*list = withoutOption(*list, name)
			continue
		}
		o, ok := relOptions[name]
		if !ok || !strings.Contains(o.kinds, k) {
			return nil, nil, pgerr.New(pgerr.InvalidParameterValue, "unrecognized parameter %q", d.Defname)
		}
		if seen[k+name] {
			return nil, nil, pgerr.New(pgerr.InvalidParameterValue, "parameter %q specified more than once", name)
		}
		seen[k+name] = true
		v := "true"
		if d.Arg != nil {
			v = defString(d)
		}
		if err := o.check(name, v); err != nil {
			return nil, nil, err
		}
		*list = append(withoutOption(*list, name), name+"="+v)
	}
	return own, toast, nil
}

func withoutOption(list []string, name string) []string {
	out := make([]string, 0, len(list)+1)
	for _, o := range list {
		if k, _, _ := strings.Cut(o, "="); k != name {
			out = append(out, o)
		}
	}
	return out
}

func (o relOption) check(name, v string) error {
	switch o.kind {
	case boolOption:
		if _, ok := config.ParseBool(v); !ok {
			return pgerr.New(pgerr.InvalidParameterValue, "invalid value for boolean option %q: %s", name, v)
		}
	case intOption:
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			return pgerr.New(pgerr.InvalidParameterValue, "invalid value for integer option %q: %s", name, v)
		}
		if float64(n) < o.min || float64(n) > o.max {
			return pgerr.New(pgerr.InvalidParameterValue, "value %s out of bounds for option %q", v, name).
				WithDetail("Valid values are between \"%d\" and \"%d\".", int64(o.min), int64(o.max))
		}
	case realOption:
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return pgerr.New(pgerr.InvalidParameterValue, "invalid value for floating point option %q: %s", name, v)
		}
		if n < o.min || n > o.max {
			return pgerr.New(pgerr.InvalidParameterValue, "value %s out of bounds for option %q", v, name).
				WithDetail("Valid values are between \"%f\" and \"%f\".", o.min, o.max)
		}
	case enumOption:
		for _, w := range o.values {
			if strings.EqualFold(w, v) {
				return nil
			}
		}
		shown := o.values
		if name == "vacuum_index_cleanup" {
			shown = []string{"on", "off", "auto"}
		}
		return pgerr.New(pgerr.InvalidParameterValue, "invalid value for enum option %q: %s", name, v).
			WithDetail("Valid values are %s.", quotedList(shown))
	}
	return nil
}

func quotedList(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1 && len(words) == 2:
			b.WriteString(" and ")
		case i == len(words)-1:
			b.WriteString(", and ")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", w)
	}
	return b.String()
}
