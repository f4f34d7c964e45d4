package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"gompho/internal/pgerr"
)

// Value is a setting's value: its canonical text in the setting's own unit, and the number it means.
type Value struct {
	Text string
	Num  float64 // of bool (0 or 1), int and real settings
	Null bool    // a string setting without a value
}

// Bool returns a boolean setting's value.
func (v *Value) Bool() bool { return v.Num != 0 }

// Int returns an integer setting's value in its unit.
func (v *Value) Int() int64 { return int64(v.Num) }

type unit struct {
	name   string
	factor float64 // in bytes or in milliseconds
}

var memoryUnits = []unit{{"B", 1}, {"kB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}}
var timeUnits = []unit{{"us", 0.001}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}}

// baseFactor is the size of a setting's unit in bytes or milliseconds, and the units it can be given in.
func (d *Def) baseFactor() (float64, []unit, string) {
	const memHint = `Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".`
	const timeHint = `Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".`
	switch d.Unit {
	case "B":
		return 1, memoryUnits, memHint
	case "kB":
		return 1 << 10, memoryUnits, memHint
	case "8kB":
		return 8 << 10, memoryUnits, memHint
	case "MB":
		return 1 << 20, memoryUnits, memHint
	case "ms":
		return 1, timeUnits, timeHint
	case "s":
		return 1000, timeUnits, timeHint
	case "min":
		return 60000, timeUnits, timeHint
	}
	return 0, nil, ""
}

// Parse checks text and returns the value it means. The errors are PostgreSQL's.
func (d *Def) Parse(text string) (Value, error) {
	switch d.Type {
	case Bool:
		b, ok := ParseBool(text)
		if !ok {
			return Value{}, pgerr.New(pgerr.InvalidParameterValue, "parameter %q requires a Boolean value", d.Name)
		}
		if b {
			return Value{Text: "on", Num: 1}, nil
		}
		return Value{Text: "off"}, nil
	case Int, Real:
		return d.parseNumber(text)
	case Enum:
		return d.parseEnum(text)
	}
	if d.check != nil {
		s, err := d.check(d, text)
		return Value{Text: s}, err
	}
	return Value{Text: text}, nil
}

// ParseBool reads a boolean as PostgreSQL's settings do: on, off, true, false, yes, no, 1, 0 and unique prefixes.
func ParseBool(s string) (value, ok bool) {
	l := strings.ToLower(s)
	if l == "" {
		return false, false
	}
	for _, c := range []struct {
		word string
		min  int
		v    bool
	}{{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false}, {"on", 2, true}, {"off", 2, false}, {"1", 1, true}, {"0", 1, false}} {
		if len(l) >= c.min && strings.HasPrefix(c.word, l) {
			return c.v, true
		}
	}
	return false, false
}

func (d *Def) invalid(text string) *pgerr.Error {
	return pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter %q: %q", d.Name, text)
}

func (d *Def) parseNumber(text string) (Value, error) {
	s := strings.TrimSpace(text)
	end := numberEnd(s)
	n, err := parseFloat(s[:end])
	if err != nil || end == 0 {
		return Value{}, d.invalid(text)
	}
	if suffix := strings.TrimSpace(s[end:]); suffix != "" {
		base, units, hint := d.baseFactor()
		factor := 0.0
		for _, u := range units {
			if u.name == suffix {
				factor = u.factor
			}
		}
		if factor == 0 {
			e := d.invalid(text)
			if hint != "" {
				e.Hint = hint
			}
			return Value{}, e
		}
		n = n * factor / base
	}
	if math.IsNaN(n) {
		return Value{}, d.invalid(text)
	}
	if d.Type == Int {
		n = math.RoundToEven(n)
		if n > math.MaxInt32 || n < math.MinInt32 {
			return Value{}, d.invalid(text).WithHint("Value exceeds integer range.")
		}
	}
	if n < d.Min || n > d.Max {
		unit := ""
		if d.Unit != "" {
			unit = " " + d.Unit
		}
		return Value{}, pgerr.New(pgerr.InvalidParameterValue, "%s%s is outside the valid range for parameter %q (%s .. %s)",
			formatNumber(n, d.Type), unit, d.Name, d.MinText, d.MaxText)
	}
	return Value{Text: formatNumber(n, d.Type), Num: n}, nil
}

func numberEnd(s string) int {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	if strings.HasPrefix(s[i:], "0x") || strings.HasPrefix(s[i:], "0X") {
		i += 2
		for i < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[i]) >= 0 {
			i++
		}
		return i
	}
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
		i++
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') && i+1 < len(s) && (s[i+1] >= '0' && s[i+1] <= '9' || s[i+1] == '-' || s[i+1] == '+') {
		i += 2
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
	}
	return i
}

func parseFloat(s string) (float64, error) {
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return float64(n), nil
	}
	return strconv.ParseFloat(s, 64)
}

func formatNumber(n float64, t Type) string {
	if t == Int {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

// aliases are words that settings accept besides those that pg_settings lists.
var aliases = map[string]map[string]string{
	"client_min_messages": {"debug": "debug2"}, "log_min_messages": {"debug": "debug2"}, "log_min_error_statement": {"debug": "debug2"},
	"wal_level": {"archive": "replica", "hot_standby": "replica"},
}

func (d *Def) parseEnum(text string) (Value, error) {
	if word, ok := aliases[d.Name][strings.ToLower(text)]; ok {
		return Value{Text: word}, nil
	}
	for _, e := range d.Enum {
		if strings.EqualFold(e, text) {
			return Value{Text: e}, nil
		}
	}
	// Boolean words stand for on and off where the setting has these.
	if b, ok := ParseBool(text); ok {
		for _, e := range d.Enum {
			if b && e == "on" || !b && e == "off" {
				return Value{Text: e}, nil
			}
		}
	}
	return Value{}, d.invalid(text).WithHint("Available values: %s.", strings.Join(d.Enum, ", "))
}

// Show returns the value as SHOW prints it: numbers in the largest unit that divides them.
func (d *Def) Show(v Value) string {
	if d.Type != Int && d.Type != Real || d.Unit == "" || d.Type == Int && v.Num <= 0 || v.Num == 0 {
		return v.Text
	}
	base, units, _ := d.baseFactor()
	total := v.Num * base
	for i := len(units) - 1; i >= 0; i-- {
		n := total / units[i].factor
		if n >= 1 && n == math.Trunc(n) {
			return strconv.FormatFloat(n, 'f', -1, 64) + units[i].name
		}
	}
	return v.Text + d.Unit
}

// Duration returns a time setting's value.
func (d *Def) Duration(v Value) time.Duration {
	base, _, _ := d.baseFactor()
	if base == 0 {
		base = 1
	}
	return time.Duration(v.Num * base * float64(time.Millisecond))
}

// Bytes returns a memory setting's value in bytes.
func (d *Def) Bytes(v Value) int64 {
	base, _, _ := d.baseFactor()
	if base == 0 {
		base = 1
	}
	return int64(v.Num * base)
}
