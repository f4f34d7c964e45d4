package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gompho/internal/pgerr"
)

// stringChecks bring string settings with rules of their own into canonical form.
var stringChecks = map[string]func(*Def, string) (string, error){
	"DateStyle":        checkDateStyle,
	"TimeZone":         checkTimeZone,
	"log_timezone":     checkTimeZone,
	"client_encoding":  checkEncoding,
	"application_name": checkASCII,
	"cluster_name":     checkASCII,
	"lc_messages":      checkLocale,
	"lc_monetary":      checkLocale,
	"lc_numeric":       checkLocale,
	"lc_time":          checkLocale,
	"log_destination":  checkLogDestination,
}

// checkLogDestination accepts the destinations that there are: standard error and files, in text, as CSV or as JSON.
func checkLogDestination(d *Def, s string) (string, error) {
	for _, w := range strings.Split(s, ",") {
		switch w = strings.ToLower(strings.TrimSpace(w)); w {
		case "stderr", "csvlog", "jsonlog":
		case "syslog", "eventlog":
			return "", pgerr.NotSupported("log_destination %q is not supported", w)
		default:
			return "", d.invalid(s).WithDetail("Unrecognized key word: \"%s\".", w)
		}
	}
	return s, nil
}

func checkLocale(d *Def, s string) (string, error) {
	switch s {
	case "", "C", "POSIX", "C.UTF-8", "C.utf8", "en_US.UTF-8", "en_US.utf8":
		return s, nil
	}
	return "", d.invalid(s)
}

// checkASCII replaces what is not printable ASCII by question marks, as PostgreSQL 15 does.
func checkASCII(_ *Def, s string) (string, error) {
	b := []byte(s)
	for i, c := range b {
		if c < 32 || c > 126 {
			b[i] = '?'
		}
	}
	return string(b), nil
}

func checkEncoding(d *Def, s string) (string, error) {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(s)) {
	case "utf8", "unicode":
		return "UTF8", nil
	case "sqlascii":
		return "SQL_ASCII", nil
	case "latin1", "iso88591", "win1252", "windows1252", "latin9", "iso885915", "euc_jp", "eucjp", "sjis", "win1251", "koi8r", "gbk", "big5":
		return "", pgerr.NotSupported("client_encoding %q is not supported", s)
	}
	return "", d.invalid(s)
}

// checkDateStyle merges the given words into ISO, MDY and returns "style, order".
func checkDateStyle(d *Def, s string) (string, error) {
	style, order := "ISO", "MDY"
	for _, w := range strings.Split(s, ",") {
		w = strings.TrimSpace(w)
		switch l := strings.ToLower(w); {
		case l == "iso":
			style = "ISO"
		case l == "sql":
			style = "SQL"
		case strings.HasPrefix(l, "postgres"):
			style = "Postgres"
		case l == "german":
			style, order = "German", "DMY"
		case l == "ymd":
			order = "YMD"
		case l == "dmy" || strings.HasPrefix(l, "euro"):
			order = "DMY"
		case l == "mdy" || l == "us" || strings.HasPrefix(l, "noneuro"):
			order = "MDY"
		case l == "default":
		default:
			return "", d.invalid(s).WithDetail("Unrecognized key word: %q.", w)
		}
	}
	return style + ", " + order, nil
}

var posixZone = regexp.MustCompile(`^<?[A-Za-z+-]{3,}[0-9]*>?([+-]?\d{1,2}(:\d\d){0,2})`)

func checkTimeZone(d *Def, s string) (string, error) {
	name, _, err := LoadZone(s)
	if err != nil {
		return "", d.invalid(s)
	}
	return name, nil
}

// LoadZone finds a time zone by its name (in any case), as an offset in hours, as INTERVAL '...' or in POSIX form, and returns
// the name that SHOW prints.
func LoadZone(s string) (string, *time.Location, error) {
	t := strings.TrimSpace(s)
	if m := regexp.MustCompile(`(?i)^interval\s+'([^']+)'`).FindStringSubmatch(t); m != nil {
		t = m[1]
	}
	if h, err := strconv.ParseFloat(t, 64); err == nil && h > -168 && h < 168 {
		return offsetZone(int(h * 3600))
	}
	if m := regexp.MustCompile(`^([+-]?)(\d{1,2}):(\d\d)(?::(\d\d))?$`).FindStringSubmatch(t); m != nil {
		h, _ := strconv.Atoi(m[2])
		mi, _ := strconv.Atoi(m[3])
		sec, _ := strconv.Atoi(m[4])
		o := h*3600 + mi*60 + sec
		if m[1] == "-" {
			o = -o
		}
		return offsetZone(o)
	}
	if name, loc := namedZone(t); loc != nil {
		return name, loc, nil
	}
	if m := posixZone.FindStringSubmatch(t); m != nil {
		h, _ := strconv.Atoi(strings.SplitN(m[1], ":", 2)[0])
		return t, time.FixedZone(t, -h*3600), nil
	}
	return "", nil, fmt.Errorf("unknown time zone %q", s)
}

func offsetZone(o int) (string, *time.Location, error) {
	sign, rev, a := '+', '-', o
	if o < 0 {
		sign, rev, a = '-', '+', -o
	}
	hms := fmt.Sprintf("%02d", a/3600)
	if a%3600 != 0 {
		hms += fmt.Sprintf(":%02d", a%3600/60)
	}
	name := fmt.Sprintf("<%c%s>%c%s", sign, hms, rev, hms)
	return name, time.FixedZone(name, o), nil
}

func namedZone(s string) (string, *time.Location) {
	if s == "" || strings.EqualFold(s, "local") {
		return "", nil
	}
	for _, try := range []string{s, strings.ToUpper(s), titleZone(s)} {
		if loc, err := time.LoadLocation(try); err == nil {
			return try, loc
		}
	}
	return "", nil
}

func titleZone(s string) string {
	b := []byte(strings.ToLower(s))
	up := true
	for i, c := range b {
		if up && c >= 'a' && c <= 'z' {
			b[i] = c - 32
		}
		up = c == '/' || c == '_' || c == '-'
	}
	return string(b)
}
