package functions

import (
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/stats"
	"gompho/types"
)

// reState keeps the regular expression of a call site as long as pattern and options stay the same.
type reState struct {
	pattern, options string
	re               *regex
	flags            reFlags
}

// compiled returns the regular expression of pattern with options and their g flag.
func (c *Call) compiled(pattern, options string, base reFlags) (*regex, bool, error) {
	if s, ok := c.State.(*reState); ok && s.pattern == pattern && s.options == options {
		return s.re, s.flags.glob, nil
	}
	f, err := parseReFlags(options)
	if err != nil {
		return nil, false, err
	}
	f.icase = f.icase || base.icase
	re, err := compileRegex(pattern, f)
	if err != nil {
		return nil, false, err
	}
	c.State = &reState{pattern: strings.Clone(pattern), options: strings.Clone(options), re: re, flags: f}
	return re, f.glob, nil
}

// opts returns argument i as option letters, nothing when it is not there.
func (c *Call) opts(i int) string {
	if i >= len(c.Args) {
		return ""
	}
	return c.str(i)
}

// reSearch looks for matches in a subject, from any place. Searches are linear in what they look at; those of long subjects can be interrupted, which
// ends the walk over the matches with err set.
type reSearch struct {
	*regex
	s    string
	slot *stats.Slot
	err  error

	granted int          // bytes of results that there was room for
	held    stats.Charge // these
}

// reLong is the length in bytes from which a subject is searched through a reader, which is slower and looks for interrupts.
const reLong = 256 << 10

// reReader hands a text to package regexp, up to its end or an interrupt.
type reReader struct {
	s     string
	pos   int
	check int // where interrupts are looked for next
	slot  *stats.Slot
	err   error
}

// ReadRune implements io.RuneReader.
func (r *reReader) ReadRune() (rune, int, error) {
	if r.pos >= r.check {
		if r.err = r.slot.CheckInterrupts(); r.err != nil {
			return 0, 0, r.err
		}
		r.check = r.pos + 32<<10
	}
	if r.pos >= len(r.s) {
		return 0, 0, io.EOF
	}
	c, n := rune(r.s[r.pos]), 1
	if c >= utf8.RuneSelf {
		c, n = utf8.DecodeRuneInString(r.s[r.pos:])
	}
	r.pos += n
	return c, n, nil
}

// find is re.FindStringSubmatchIndex.
func (m *reSearch) find(re *regexp.Regexp, s string) []int {
	if len(s) < reLong {
		return re.FindStringSubmatchIndex(s)
	}
	if _, whole := re.LiteralPrefix(); whole {
		return re.FindStringSubmatchIndex(s)
	}
	r := reReader{s: s, slot: m.slot}
	loc := re.FindReaderSubmatchIndex(&r)
	if r.err != nil {
		m.err = r.err
		return nil
	}
	return loc
}

// at returns the first match that begins at from or later, nil if there is none.
func (m *reSearch) at(from int) []int {
	if from > len(m.s) {
		return nil
	}
	if m.later == nil || from == 0 {
		return shifted(m.find(m.re, m.s[from:]), from)
	}
	_, before := utf8.DecodeLastRuneInString(m.s[:from])
	loc := shifted(m.find(m.later, m.s[from-before:]), from-before)
	if loc != nil {
		_, n := utf8.DecodeRuneInString(m.s[loc[0]:])
		loc[0] += n
	}
	return loc
}

// shifted adds n to the places of a match.
func shifted(loc []int, n int) []int {
	for i := range loc {
		if loc[i] >= 0 {
			loc[i] += n
		}
	}
	return loc
}

// after returns where the search goes on after a match.
func (m *reSearch) after(loc []int) int {
	if loc[0] < loc[1] {
		return loc[1]
	}
	if loc[1] >= len(m.s) {
		return len(m.s) + 1
	}
	_, n := utf8.DecodeRuneInString(m.s[loc[1]:])
	return loc[1] + n
}

// each calls f for the matches from a place on, one after the other.
func (m *reSearch) each(from int, f func(loc []int) bool) error {
	n := 0
	for loc := m.at(from); loc != nil; loc = m.at(m.after(loc)) {
		if !f(loc) {
			break
		}
		if n++; n%256 == 0 && m.err == nil {
			m.err = m.slot.CheckInterrupts()
		}
		if m.err != nil {
			break
		}
	}
	return m.err
}

// matches reports whether there is a match.
func (m *reSearch) matches() (bool, error) {
	if len(m.s) < reLong {
		return m.re.MatchString(m.s), nil
	}
	loc := m.find(m.re, m.s)
	return loc != nil, m.err
}

func regexMatch(icase, not bool) Scalar {
	return func(c *Call) (types.Datum, error) {
		re, _, err := c.compiled(c.str(1), "", reFlags{icase: icase})
		if err != nil {
			return types.Null, err
		}
		m := reSearch{regex: re, s: c.str(0), slot: c.Env.Slot()}
		found, err := m.matches()
		return types.Bool(found != not), err
	}
}

func globalOption(name, instead string) error {
	e := pgerr.New(pgerr.InvalidParameterValue, "%s() does not support the \"global\" option", name)
	if instead != "" {
		e = e.WithHint("Use the %s function instead.", instead)
	}
	return e
}

// search compiles pattern and options of the call and returns the search over its first argument.
func (c *Call) search(name, instead string, optArg int) (*reSearch, error) {
	re, glob, err := c.compiled(c.str(1), c.opts(optArg), reFlags{})
	if err != nil {
		return nil, err
	}
	if glob {
		return nil, globalOption(name, instead)
	}
	return &reSearch{regex: re, s: c.str(0), slot: c.Env.Slot()}, nil
}

func regexpLike(c *Call) (types.Datum, error) {
	m, err := c.search("regexp_like", "", 2)
	if err != nil {
		return types.Null, err
	}
	found, err := m.matches()
	return types.Bool(found), err
}

// room puts n bytes of results on the session's account as they grow; false: there is no memory for them, err is set.
func (m *reSearch) room(n int) bool {
	if n < m.granted+largeValue {
		return true
	}
	if err := m.slot.Account().Afford(int64(n-m.granted), "matches of a regular expression"); err != nil {
		m.err = err
		return false
	}
	m.granted = n
	m.held.Set(m.slot.Account(), int64(n), "matches of a regular expression")
	return true
}

// groupTexts returns the parts of a match: its groups, or all of it when there are none.
func groupTexts(s string, loc []int) []types.Datum {
	from := 1
	if len(loc) == 2 {
		from = 0
	}
	var out []types.Datum
	for i := from; i < len(loc)/2; i++ {
		if loc[2*i] < 0 {
			out = append(out, types.Null)
		} else {
			out = append(out, types.String(s[loc[2*i]:loc[2*i+1]]))
		}
	}
	return out
}

func textArray(elems []types.Datum) types.Datum {
	return types.NewArray(types.TextOid, elems).Encode(types.Builtin(types.TextOid))
}

func regexpMatch(c *Call) (types.Datum, error) {
	m, err := c.search("regexp_match", "regexp_matches", 2)
	if err != nil {
		return types.Null, err
	}
	loc := m.at(0)
	if loc == nil {
		return types.Null, m.err
	}
	return textArray(groupTexts(m.s, loc)), nil
}

func regexpMatches(c *Call) (RowSource, error) {
	re, glob, err := c.compiled(c.str(1), c.opts(2), reFlags{})
	if err != nil {
		return nil, err
	}
	var rows rowList
	m := reSearch{regex: re, s: strings.Clone(c.str(0)), slot: c.Env.Slot()}
	defer m.held.Done()
	size := 0
	err = m.each(0, func(loc []int) bool {
		d := textArray(groupTexts(m.s, loc))
		rows.vals = append(rows.vals, d)
		size += len(d.Bytes()) + 2*datumSize
		return glob && m.room(size)
	})
	return &rows, err
}

// regexSplit returns the pieces of s between matches. Empty matches at the ends or right after a match do not count.
func regexSplit(m *reSearch) ([]types.Datum, error) {
	var out []types.Datum
	s, begin := m.s, 0
	defer m.held.Done()
	err := m.each(0, func(loc []int) bool {
		if loc[0] >= len(s) && loc[0] == loc[1] || loc[1] <= begin {
			return true
		}
		out = append(out, types.String(s[begin:loc[0]]))
		begin = loc[1]
		return m.room(2 * datumSize * len(out))
	})
	return append(out, types.String(s[begin:])), err
}

func regexpSplit(c *Call, name string) ([]types.Datum, error) {
	re, glob, err := c.compiled(c.str(1), c.opts(2), reFlags{})
	if err != nil {
		return nil, err
	}
	if glob {
		return nil, globalOption(name, "")
	}
	return regexSplit(&reSearch{regex: re, s: strings.Clone(c.str(0)), slot: c.Env.Slot()})
}

func regexpSplitToArray(c *Call) (types.Datum, error) {
	parts, err := regexpSplit(c, "regexp_split_to_array")
	if err != nil {
		return types.Null, err
	}
	return textArray(parts), nil
}

func regexpSplitToTable(c *Call) (RowSource, error) {
	parts, err := regexpSplit(c, "regexp_split_to_table")
	return &rowList{vals: parts}, err
}

// regexSubstr is substring(text from pattern): the first group, or all of the match.
func regexSubstr(c *Call) (types.Datum, error) {
	re, _, err := c.compiled(c.str(1), "", reFlags{})
	if err != nil {
		return types.Null, err
	}
	m := reSearch{regex: re, s: c.str(0), slot: c.Env.Slot()}
	loc := m.at(0)
	if loc == nil {
		return types.Null, m.err
	}
	return groupTexts(m.s, loc)[0], nil
}

func badParameter(name string, v int64) error {
	return pgerr.New(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": %d", name, v)
}

// param returns argument i, or def when it is not there, and checks that it is not below least.
func (c *Call) param(i int, name string, def, least int64) (int64, error) {
	if i >= len(c.Args) {
		return def, nil
	}
	v := c.int(i)
	if v < least {
		return 0, badParameter(name, v)
	}
	return v, nil
}

func regexpCount(c *Call) (types.Datum, error) {
	start, err := c.param(2, "start", 1, 1)
	if err != nil {
		return types.Null, err
	}
	m, err := c.search("regexp_count", "", 3)
	if err != nil {
		return types.Null, err
	}
	n := int64(0)
	if start-1 <= int64(utf8.RuneCountInString(m.s)) {
		err = m.each(runeOffset(m.s, start-1), func([]int) bool { n++; return true })
	}
	return types.Int(n), err
}

// nth returns the n-th match from a character position on, nil if there is none or m.err is set.
func (m *reSearch) nth(start, n int64) []int {
	var found []int
	if start-1 > int64(utf8.RuneCountInString(m.s)) {
		return nil
	}
	m.each(runeOffset(m.s, start-1), func(loc []int) bool {
		if n--; n == 0 {
			found = loc
		}
		return n > 0
	})
	return found
}

// regexpInstr takes string, pattern, start, n, endoption, flags, subexpr.
func regexpInstr(c *Call) (types.Datum, error) {
	start, err := c.param(2, "start", 1, 1)
	if err != nil {
		return types.Null, err
	}
	n, err := c.param(3, "n", 1, 1)
	if err != nil {
		return types.Null, err
	}
	end, err := c.param(4, "endoption", 0, 0)
	if err != nil {
		return types.Null, err
	}
	if end > 1 {
		return types.Null, badParameter("endoption", end)
	}
	sub, err := c.param(6, "subexpr", 0, 0)
	if err != nil {
		return types.Null, err
	}
	m, err := c.search("regexp_instr", "", 5)
	if err != nil {
		return types.Null, err
	}
	loc := m.nth(start, n)
	if loc == nil || sub > int64(m.groups) || loc[2*sub] < 0 {
		return types.Int(0), m.err
	}
	return types.Int(int64(utf8.RuneCountInString(m.s[:loc[2*sub+end]])) + 1), nil
}

// regexpSubstr takes string, pattern, start, n, flags, subexpr.
func regexpSubstr(c *Call) (types.Datum, error) {
	start, err := c.param(2, "start", 1, 1)
	if err != nil {
		return types.Null, err
	}
	n, err := c.param(3, "n", 1, 1)
	if err != nil {
		return types.Null, err
	}
	sub, err := c.param(5, "subexpr", 0, 0)
	if err != nil {
		return types.Null, err
	}
	m, err := c.search("regexp_substr", "", 4)
	if err != nil {
		return types.Null, err
	}
	loc := m.nth(start, n)
	if loc == nil || sub > int64(m.groups) || loc[2*sub] < 0 {
		return types.Null, m.err
	}
	return types.String(m.s[loc[2*sub]:loc[2*sub+1]]), nil
}

// appendReplacement appends the replacement text of one match: \1 to \9 are groups, \& is the match.
func appendReplacement(dst []byte, with, s string, loc []int) []byte {
	for i := 0; i < len(with); i++ {
		if with[i] != '\\' || i+1 == len(with) {
			dst = append(dst, with[i])
			continue
		}
		i++
		g := -1
		switch b := with[i]; {
		case b >= '1' && b <= '9':
			g = int(b - '0')
		case b == '&':
			g = 0
		case b == '\\':
			dst = append(dst, '\\')
			continue
		default:
			dst = append(dst, '\\', b)
			continue
		}
		if 2*g < len(loc) && loc[2*g] >= 0 {
			dst = append(dst, s[loc[2*g]:loc[2*g+1]]...)
		}
	}
	return dst
}

// regexReplace replaces the n-th match from a character position on, all of them when n is 0.
func regexReplace(m *reSearch, with string, start, n int64) (types.Datum, error) {
	var out []byte
	s, begin, count := m.s, 0, int64(0)
	if start-1 > int64(utf8.RuneCountInString(s)) {
		return types.String(s), nil
	}
	defer m.held.Done()
	err := m.each(runeOffset(s, start-1), func(loc []int) bool {
		if count++; n > 0 && count != n {
			return true
		}
		out = append(out, s[begin:loc[0]]...)
		out = appendReplacement(out, with, s, loc)
		begin = loc[1]
		if len(out) > maxTextSize {
			m.err = tooLong()
			return false
		}
		return n == 0 && m.room(2*len(out))
	})
	return types.Bytes(append(out, s[begin:]...)), err
}

func regexpReplace(c *Call) (types.Datum, error) {
	opts := c.opts(3)
	if opts != "" && isDigit(opts[0]) {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "invalid regular expression option: \"%c\"", opts[0]).
			WithHint("If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.")
	}
	re, glob, err := c.compiled(c.str(1), opts, reFlags{})
	if err != nil {
		return types.Null, err
	}
	n := int64(1)
	if glob {
		n = 0
	}
	return regexReplace(&reSearch{regex: re, s: c.str(0), slot: c.Env.Slot()}, c.str(2), 1, n)
}

// regexpReplaceExtended takes string, pattern, replacement, start, n, flags.
func regexpReplaceExtended(c *Call) (types.Datum, error) {
	start, err := c.param(3, "start", 1, 1)
	if err != nil {
		return types.Null, err
	}
	n, err := c.param(4, "n", 1, 0)
	if err != nil {
		return types.Null, err
	}
	re, glob, err := c.compiled(c.str(1), c.opts(5), reFlags{})
	if err != nil {
		return types.Null, err
	}
	if len(c.Args) <= 4 && glob {
		n = 0
	}
	return regexReplace(&reSearch{regex: re, s: c.str(0), slot: c.Env.Slot()}, c.str(2), start, n)
}

// regexFamily lists regular expression operators and functions.
func regexFamily() []Entry {
	var fs []Entry
	for _, t := range []string{"text", "name"} {
		fs = append(fs, Entry{Name: t + "regexeq", Scalar: regexMatch(false, false)}, Entry{Name: t + "regexne", Scalar: regexMatch(false, true)},
			Entry{Name: t + "icregexeq", Scalar: regexMatch(true, false)}, Entry{Name: t + "icregexne", Scalar: regexMatch(true, true)})
	}
	for _, p := range []struct {
		names string
		f     Scalar
	}{
		{"regexp_like regexp_like_no_flags", regexpLike}, {"regexp_match regexp_match_no_flags", regexpMatch},
		{"regexp_split_to_array regexp_split_to_array_no_flags", regexpSplitToArray}, {"textregexsubstr", regexSubstr},
		{"regexp_count regexp_count_no_flags regexp_count_no_start", regexpCount},
		{"regexp_instr regexp_instr_no_endoption regexp_instr_no_flags regexp_instr_no_n regexp_instr_no_start regexp_instr_no_subexpr", regexpInstr},
		{"regexp_substr regexp_substr_no_flags regexp_substr_no_n regexp_substr_no_start regexp_substr_no_subexpr", regexpSubstr},
		{"textregexreplace textregexreplace_noopt", regexpReplace},
		{"textregexreplace_extended textregexreplace_extended_no_flags textregexreplace_extended_no_n", regexpReplaceExtended},
		{"similar_escape similar_to_escape_1 similar_to_escape_2", similarEscape},
	} {
		for _, n := range strings.Fields(p.names) {
			fs = append(fs, Entry{Name: n, Scalar: p.f})
		}
	}
	for _, n := range []string{"", "_no_flags"} {
		fs = append(fs, Entry{Name: "regexp_matches" + n, Set: regexpMatches}, Entry{Name: "regexp_split_to_table" + n, Set: regexpSplitToTable})
	}
	return fs
}
