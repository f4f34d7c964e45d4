package functions

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/types"
)

// numItem is one piece of a template for numbers: a field, or text that stands for itself.
type numItem struct {
	field string
	text  string
	lower bool
}

// numFields are the fields of number templates; of two that match the longer comes first.
var numFields = []string{"EEEE", "FM", "MI", "PL", "PR", "RN", "SG", "SP", "TH", ",", ".", "0", "9", "B", "C", "D", "G", "L", "S", "V"}

// signPlace is where an anchored sign (S) goes.
type signPlace uint8

const (
	signNone signPlace = iota
	signBefore
	signAfter
)

// numTemplate is a parsed template for numbers.
type numTemplate struct {
	source               string
	items                []numItem
	pre, post            int // digit places before and after the point
	zeroStart, zeroEnd   int // the first and the last place that shows zeros, counted from 1
	multi                int // places after V
	sign                 signPlace
	signAt               int // places before S
	fill, zero, decimal  bool
	minus, plus, bracket bool
	roman, sci, v        bool
	ordinal              bool
}

func numTemplateError(msg string) error { return pgerr.New(pgerr.SyntaxError, "%s", msg) }

func parseNumTemplate(s string, p pacer) (*numTemplate, error) {
	t := &numTemplate{source: strings.Clone(s)}
	s = t.source
	for s != "" {
		if err := p.step(templateStep); err != nil {
			return nil, err
		}
		field := ""
		for _, f := range numFields {
			if len(s) >= len(f) && (s[:len(f)] == f || s[:len(f)] == strings.ToLower(f)) {
				field = f
				break
			}
		}
		if field != "" {
			it := numItem{field: field, text: s[:len(field)], lower: s[0] >= 'a'}
			t.items = append(t.items, it)
			s = s[len(field):]
			if err := t.count(field); err != nil {
				return nil, err
			}
			continue
		}
		if s[0] == '"' {
			for s = s[1:]; s != "" && s[0] != '"'; {
				if s[0] == '\\' && len(s) > 1 {
					s = s[1:]
				}
				_, w := utf8.DecodeRuneInString(s)
				t.items = append(t.items, numItem{text: s[:w]})
				s = s[w:]
			}
			if s != "" {
				s = s[1:]
			}
			continue
		}
		if s[0] == '\\' && len(s) > 1 && s[1] == '"' {
			s = s[1:]
		}
		_, w := utf8.DecodeRuneInString(s)
		t.items = append(t.items, numItem{text: s[:w]})
		s = s[w:]
	}
	return t, nil
}

// count takes note of a field.
func (t *numTemplate) count(field string) error {
	if t.sci && field != "EEEE" {
		return numTemplateError("\"EEEE\" must be the last pattern used")
	}
	switch field {
	case "9", "0":
		if t.bracket {
			return numTemplateError("\"" + field + "\" must be ahead of \"PR\"")
		}
		if field == "0" && !t.zero && !t.decimal {
			t.zero = true
			t.zeroStart = t.pre + 1
		}
		switch {
		case t.v && field == "9":
			t.multi++
		case t.decimal:
			t.post++
		default:
			t.pre++
		}
		if field == "0" {
			t.zeroEnd = t.pre + t.post
		}
	case "D", ".":
		if t.decimal {
			return numTemplateError("multiple decimal points")
		}
		if t.v {
			return numTemplateError("cannot use \"V\" and decimal point together")
		}
		t.decimal = true
	case "FM":
		t.fill = true
	case "S":
		if t.sign != signNone {
			return numTemplateError("cannot use \"S\" twice")
		}
		if t.plus || t.minus || t.bracket {
			return numTemplateError("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together")
		}
		t.sign = signAfter
		if !t.decimal {
			t.sign, t.signAt = signBefore, t.pre
		}
	case "MI", "PL", "SG":
		if t.sign != signNone {
			return numTemplateError("cannot use \"S\" and \"" + field + "\" together")
		}
		t.minus = t.minus || field != "PL"
		t.plus = t.plus || field != "MI"
	case "PR":
		if t.sign != signNone || t.plus || t.minus {
			return numTemplateError("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together")
		}
		t.bracket = true
	case "RN":
		t.roman = true
	case "TH":
		t.ordinal = true
	case "V":
		if t.decimal {
			return numTemplateError("cannot use \"V\" and decimal point together")
		}
		t.v = true
	case "EEEE":
		if t.sci {
			return numTemplateError("cannot use \"EEEE\" twice")
		}
		if t.fill || t.sign != signNone || t.bracket || t.minus || t.plus || t.roman || t.v {
			return pgerr.New(pgerr.SyntaxError, "\"EEEE\" is incompatible with other formats").
				WithDetail("\"EEEE\" may only be used together with digit and decimal point patterns.")
		}
		t.sci = true
	}
	return nil
}

func (c *Call) numTemplate(arg int) (*numTemplate, error) {
	if t, ok := c.State.(*numTemplate); ok && t.source == c.str(arg) {
		return t, nil
	}
	t, err := parseNumTemplate(c.str(arg), c.pacer())
	if err == nil {
		c.State = t
	}
	return t, err
}

// numWriter writes the digits of one number by a template.
type numWriter struct {
	t         *numTemplate
	num       string // digits with a point where there is one
	at        int    // the next digit
	pad       int    // places before the first digit
	place     int    // digit places of the template passed
	places    int
	neg       bool
	signDone  bool
	inNumber  bool // a digit was written: group separators show
	bracket   bool
	sign      signPlace
	lastUsed  int // under FM: the last digit that matters, -1 for all
	zeroStart int
	out       []byte
}

// write renders num, without its sign, which has pad fewer digits before the point than the template.
func (t *numTemplate) write(num string, neg bool, pad int) []byte {
	w := &numWriter{t: t, num: num, neg: neg, pad: pad, bracket: t.bracket, sign: t.sign, lastUsed: -1, zeroStart: t.zeroStart}
	if w.zeroStart > 0 {
		w.zeroStart--
	}
	if t.plus || t.minus {
		w.signDone = !(t.plus && !t.minus)
		if t.plus && !t.minus {
			w.signDone = false
		}
	} else {
		if !neg && t.fill {
			w.bracket = false
		}
		w.signDone = !neg && t.fill && t.sign == signNone
		if w.sign == signBefore && t.pre == t.signAt {
			w.sign = signAfter
		}
	}
	w.places = t.post + t.pre - 1
	if t.fill && t.decimal {
		w.lastUsed = w.lastRelevant()
	}
	if !w.signDone && pad == 0 {
		w.places++
	}
	for i := range t.items {
		w.item(&t.items[i])
	}
	return w.out
}

// lastRelevant is the last digit of the fraction that is not a zero to drop, or the point; places for 0 are kept.
func (w *numWriter) lastRelevant() int {
	point := strings.IndexByte(w.num, '.')
	if point < 0 {
		return -1
	}
	last := point
	for i := point + 1; i < len(w.num); i++ {
		if w.num[i] != '0' {
			last = i
		}
	}
	if w.t.zeroEnd > w.pad {
		last = max(last, min(len(w.num)-1, w.t.zeroEnd-w.pad))
	}
	return last
}

func (w *numWriter) signChar() byte {
	if w.neg {
		return '-'
	}
	return '+'
}

func (w *numWriter) item(it *numItem) {
	t := w.t
	blank := func() {
		if !t.fill {
			w.out = append(w.out, ' ')
		}
	}
	switch it.field {
	case "":
		w.out = append(w.out, it.text...)
	case "9", "0", ".", "D":
		w.digit(it.field)
	case ",", "G":
		if w.inNumber {
			w.out = append(w.out, ',')
		} else {
			blank()
		}
	case "L":
		w.out = append(w.out, ' ')
	case "TH":
		if t.roman || strings.HasPrefix(w.num, "#") || w.neg || t.decimal {
			return
		}
		s := ordinalSuffix(w.num)
		if !it.lower {
			s = strings.ToUpper(s)
		}
		w.out = append(w.out, s...)
	case "MI":
		if w.neg {
			w.out = append(w.out, '-')
		} else {
			blank()
		}
	case "PL":
		if !w.neg {
			w.out = append(w.out, '+')
		} else {
			blank()
		}
	case "SG":
		w.out = append(w.out, w.signChar())
	}
}

// leadingZero reports that the next digit is the 0 before a point, which 9 does not show.
func (w *numWriter) leadingZero() bool {
	return !w.t.zero && w.at == 0 && strings.HasPrefix(w.num, "0") && w.t.post != 0
}

func (w *numWriter) endsAtPoint() bool { return w.lastUsed >= 0 && w.num[w.lastUsed] == '.' }

// digit writes one digit place, or the point.
func (w *numWriter) digit(field string) {
	t := w.t
	if t.roman {
		return
	}
	w.inNumber = false
	started := w.place >= w.pad || t.zero && w.zeroStart == w.place
	if !w.signDone && started && (!w.leadingZero() || w.endsAtPoint()) {
		w.writeSign()
	}
	switch {
	case w.place < w.pad && (!t.zero || w.zeroStart > w.place):
		if !t.fill {
			w.out = append(w.out, ' ')
		}
	case t.zero && w.place < w.pad:
		w.out = append(w.out, '0')
		w.inNumber = true
	default:
		w.realDigit(field)
	}
	end := w.places
	if w.pad > 0 {
		end++
	}
	if t.decimal {
		end++
	}
	if w.lastUsed >= 0 && w.lastUsed == w.at {
		end = w.place
	}
	if w.place+1 == end {
		switch {
		case w.signDone && w.bracket:
			if w.neg {
				w.out = append(w.out, '>')
			} else {
				w.out = append(w.out, ' ')
			}
		case w.sign == signAfter:
			w.out = append(w.out, w.signChar())
		}
	}
	w.place++
}

func (w *numWriter) writeSign() {
	switch {
	case w.sign != signNone:
		if w.sign == signBefore {
			w.out = append(w.out, w.signChar())
			w.signDone = true
		}
		return
	case w.bracket && w.neg:
		w.out = append(w.out, '<')
	case w.bracket:
		w.out = append(w.out, ' ')
	case w.neg:
		w.out = append(w.out, '-')
	case !w.t.fill:
		w.out = append(w.out, ' ')
	}
	w.signDone = true
}

func (w *numWriter) realDigit(field string) {
	if w.at >= len(w.num) {
		return
	}
	c := w.num[w.at]
	switch {
	case c == '.':
		if !w.endsAtPoint() || w.t.fill {
			w.out = append(w.out, '.')
		}
	case w.lastUsed >= 0 && w.at > w.lastUsed && field != "0":
	case w.leadingZero():
		if !w.t.fill {
			w.out = append(w.out, ' ')
		} else if w.endsAtPoint() {
			w.out = append(w.out, '0')
		}
	default:
		w.out = append(w.out, c)
		w.inNumber = true
	}
	w.at++
}

// numericByTemplate renders a number.
func numericByTemplate(t *numTemplate, n types.Numeric) ([]byte, error) {
	switch {
	case t.roman:
		return romanByTemplate(t, n)
	case t.sci:
		return sciByTemplate(t, n), nil
	}
	if t.v && t.multi > 0 && n.IsFinite() {
		p, err := types.NumericFromInt(10).Power(types.NumericFromInt(int64(t.multi)))
		if err != nil {
			return nil, err
		}
		if n, err = n.Mul(p); err != nil {
			return nil, err
		}
	}
	if n.IsNaN() && t.ordinal && !t.decimal {
		return nil, pgerr.New(pgerr.InvalidTextRepresentation, "\"%s\" is not a number", n.String())
	}
	u := *t
	u.pre += t.multi
	n = n.Round(u.post)
	neg := n.Sign() < 0
	num := n.Abs().String()
	return u.fitAndWrite(num, neg), nil
}

// fitAndWrite writes #s when the template has too few places.
func (t *numTemplate) fitAndWrite(num string, neg bool) []byte {
	pre := strings.IndexByte(num, '.')
	if pre < 0 {
		pre = len(num)
	}
	pad := 0
	switch {
	case pre < t.pre:
		pad = t.pre - pre
	case pre > t.pre:
		num = strings.Repeat("#", t.pre) + "." + strings.Repeat("#", t.post)
	}
	return t.write(num, neg, pad)
}

func romanByTemplate(t *numTemplate, n types.Numeric) ([]byte, error) {
	if !n.IsFinite() {
		return nil, notFiniteTo(n.IsNaN(), width4.name)
	}
	v, ok := n.Int64()
	if !ok || v > width4.hi || v < width4.lo {
		return nil, width4.overflow()
	}
	s := strings.Repeat("#", 15)
	if v >= 1 && v <= 3999 {
		s = roman(int(v))
	}
	var out []byte
	for _, it := range t.items {
		switch it.field {
		case "":
			out = append(out, it.text...)
		case "RN":
			r := s
			if it.lower {
				r = strings.ToLower(r)
			}
			if !t.fill && len(r) < 15 {
				r = strings.Repeat(" ", 15-len(r)) + r
			}
			out = append(out, r...)
		}
	}
	return out, nil
}

func roman(v int) string {
	var b strings.Builder
	for _, d := range [...]struct {
		v int
		s string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for ; v >= d.v; v -= d.v {
			b.WriteString(d.s)
		}
	}
	return b.String()
}

// sciByTemplate writes d.ddde+xx with the template's places after the point.
func sciByTemplate(t *numTemplate, n types.Numeric) []byte {
	if !n.IsFinite() {
		return []byte(" " + strings.Repeat("#", t.pre) + "." + strings.Repeat("#", t.post) + "####")
	}
	digits, exp := n.Scientific(t.post)
	var out []byte
	if n.Sign() < 0 {
		out = append(out, '-')
	} else {
		out = append(out, ' ')
	}
	out = append(out, digits[0])
	if t.post > 0 {
		out = append(append(out, '.'), digits[1:]...)
	}
	sign := byte('+')
	if exp < 0 {
		sign, exp = '-', -exp
	}
	out = append(out, 'e', sign)
	if exp < 10 {
		out = append(out, '0')
	}
	return strconv.AppendInt(out, int64(exp), 10)
}

func numericToTemplate(c *Call) (types.Datum, error) { return c.byTemplate(c.numeric(0)) }

func intToTemplate(c *Call) (types.Datum, error) {
	return c.byTemplate(types.NumericFromInt(c.int(0)))
}

func (c *Call) byTemplate(n types.Numeric) (types.Datum, error) {
	t, err := c.numTemplate(1)
	if err != nil || c.str(1) == "" {
		return types.String(""), err
	}
	b, err := numericByTemplate(t, n)
	return types.Bytes(b), err
}

// floatToTemplate writes a float by its sure digits: 15 of a float8, 6 of a float4.
func floatToTemplate(bits int) Scalar {
	sure := 15
	if bits == 32 {
		sure = 6
	}
	return func(c *Call) (types.Datum, error) {
		t, err := c.numTemplate(1)
		if err != nil || c.str(1) == "" {
			return types.String(""), err
		}
		f := c.float(0)
		if t.roman && math.Abs(f) > math.MaxInt32 && !math.IsInf(f, 0) {
			f = 0 // has no Roman numeral either
		}
		if t.roman || t.sci || f != f || math.IsInf(f, 0) {
			n, err := types.NumericFromFloat(f, bits)
			if err != nil {
				return types.Null, err
			}
			b, err := numericByTemplate(t, n)
			return types.Bytes(b), err
		}
		u := *t
		if t.v {
			f *= math.Pow10(t.multi)
			if bits == 32 {
				f = float64(float32(f))
			}
			u.pre += t.multi
		}
		whole := len(strconv.FormatFloat(math.Abs(f), 'f', 0, 64))
		switch {
		case whole >= sure:
			u.post = 0
		case whole+u.post > sure:
			u.post = sure - whole
		}
		return types.Bytes(u.fitAndWrite(strconv.FormatFloat(math.Abs(f), 'f', u.post, 64), math.Signbit(f))), nil
	}
}

// toNumber reads a number by a template.
func toNumber(c *Call) (types.Datum, error) {
	if c.str(1) == "" {
		return types.Null, nil
	}
	t, err := c.numTemplate(1)
	if err != nil {
		return types.Null, err
	}
	if t.roman {
		return types.Null, pgerr.NotSupported("\"RN\" not supported for input")
	}
	if t.sci {
		return types.Null, pgerr.NotSupported("\"EEEE\" not supported for input")
	}
	r := numReader{t: t, s: c.str(0)}
	text := r.read()
	if text == "" || text == "-" {
		text = " "
	}
	n, err := types.ParseNumeric(text)
	if err != nil {
		return types.Null, err
	}
	if t.v && t.multi > 0 {
		p, err := types.NumericFromInt(10).Power(types.NumericFromInt(int64(-t.multi)))
		if err != nil {
			return types.Null, err
		}
		if n, err = n.Mul(p); err != nil {
			return types.Null, err
		}
	}
	return c.retNumeric(n, nil)
}

// numReader picks the digits of a number out of a text.
type numReader struct {
	t         *numTemplate
	s         string
	neg       bool
	signed    bool
	point     bool
	whole     []byte
	post, pre int
}

func (r *numReader) read() string {
	for i := range r.t.items {
		if r.s == "" {
			break
		}
		it := &r.t.items[i]
		switch it.field {
		case "9", "0", ".", "D":
			r.part(it.field == "9" || it.field == "0")
		case ",":
			if r.s[0] == ',' {
				r.s = r.s[1:]
			}
		case "G":
			if r.s[0] == ',' {
				r.s = r.s[1:]
			}
		case "MI", "PL", "SG", "S", "PR":
			r.sign(it.field)
		case "L":
			for r.s != "" && !strings.ContainsRune("0123456789.,+-", rune(r.s[0])) {
				r.s = r.s[1:]
			}
		case "TH":
			for k := 0; k < 2 && r.s != "" && (r.s[0]|32 >= 'a' && r.s[0]|32 <= 'z'); k++ {
				r.s = r.s[1:]
			}
		case "FM", "V", "B", "C":
		default:
			_, w := utf8.DecodeRuneInString(r.s)
			r.s = r.s[w:]
		}
	}
	r.trailingSign()
	text := string(r.whole)
	if r.neg {
		text = "-" + text
	}
	return text
}

func (r *numReader) sign(field string) {
	if r.s == "" {
		return
	}
	switch r.s[0] {
	case '-':
		r.neg = true
		r.s = r.s[1:]
	case '+':
		r.s = r.s[1:]
	case '>':
		if field == "PR" {
			r.s = r.s[1:]
		}
	}
}

func (r *numReader) trailingSign() {
	if r.t.sign == signNone && !r.t.bracket || r.s == "" {
		return
	}
	switch r.s[0] {
	case '-':
		r.neg = true
	case '+':
	}
}

// part reads what stands at a digit place: a sign before the first digit, a digit, or the point.
func (r *numReader) part(digit bool) {
	for r.s != "" && r.s[0] == ' ' {
		r.s = r.s[1:]
	}
	if r.s == "" {
		return
	}
	if digit && len(r.whole) == 0 && !r.signed {
		switch c := r.s[0]; {
		case c == '-' || c == '<' && r.t.bracket:
			r.neg, r.signed = true, true
			r.s = r.s[1:]
		case c == '+':
			r.signed = true
			r.s = r.s[1:]
		}
		if r.s == "" {
			return
		}
	}
	switch c := r.s[0]; {
	case c >= '0' && c <= '9':
		if r.point && r.post >= r.t.post {
			return
		}
		if r.point {
			r.post++
		} else {
			r.pre++
		}
		r.whole = append(r.whole, c)
		r.s = r.s[1:]
	case c == '.' && !r.point && r.t.decimal:
		r.point = true
		r.whole = append(r.whole, c)
		r.s = r.s[1:]
	case c == ',' || c == ' ':
	}
}
