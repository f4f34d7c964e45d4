package functions

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A pattern is translated or refused, and what was translated compiles: no input panics.
func FuzzCompileRegex(f *testing.F) {
	for _, s := range []string{"a*b+?", `\m\w+\M`, "[[:alpha:]-x]", "(?i)a|b", "***=x", "(a(b)*){2,3}", `\x41\u0042[\d]`, "a{1,1}?"} {
		f.Add(s, "in")
	}
	f.Fuzz(func(t *testing.T, pattern, options string) {
		flags, err := parseReFlags(options)
		if err != nil {
			return
		}
		re, err := compileRegex(pattern, flags)
		if err == nil {
			re.re.MatchString("aAbB 1\n")
		}
	})
}

// LIKE is what the same pattern as a regular expression says.
func TestLikeModel(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aabäß%_\\")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		s, pat := text.Draw(t, "text"), text.Draw(t, "pattern")
		var re strings.Builder
		re.WriteString("(?s)^")
		escaped := false
		for _, r := range pat {
			switch {
			case escaped:
				re.WriteString(regexp.QuoteMeta(string(r)))
				escaped = false
			case r == '\\':
				escaped = true
			case r == '%':
				re.WriteString(".*")
			case r == '_':
				re.WriteString(".")
			default:
				re.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
		if escaped {
			return // an error, unless the text ends before the pattern does
		}
		want := regexp.MustCompile(re.String() + "$").MatchString(s)
		got, err := newLike([]byte(pat), false).match([]byte(s), (&Call{}).pacer())
		if err != nil || got != want {
			t.Fatalf("%q LIKE %q is %v (%v), the regular expression says %v", s, pat, got, err, want)
		}
	})
}

func BenchmarkLikeContains(b *testing.B) {
	p := newLike([]byte("%needle%"), false)
	s := []byte(strings.Repeat("hay ", 20) + "needle")
	b.ReportAllocs()
	for b.Loop() {
		if ok, _ := p.match(s, (&Call{}).pacer()); !ok {
			b.Fatal("no match")
		}
	}
}
