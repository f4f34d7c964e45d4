package parser

// number lexes an integer or numeric literal that starts with a digit or with a dot and a digit.
func (lx *lexer) number(start int) token {
	s := lx.sql
	i := lx.digits(start)
	isFloat := false
	if lx.at(i) == '.' && lx.at(i+1) != '.' {
		isFloat = true
		i = lx.digits(i + 1)
	}
	if c := lx.at(i); c == 'e' || c == 'E' {
		j := i + 1
		if sign := lx.at(j); sign == '+' || sign == '-' {
			j++
		}
		end := lx.digits(j)
		switch {
		case end > j:
			i, isFloat = end, true
		case j > i+1:
			return lx.fail(start, j, "trailing junk after numeric literal")
		}
	}
	if i < len(s) && is(s[i], clIdentStart) {
		return lx.junk(start, i, "trailing junk after numeric literal")
	}
	t := lx.make(tokIconst, start, i)
	if isFloat || !fitsInt32(t.str) {
		t.kind = tokFconst
	}
	return t
}

// junk fails for a word at i that runs into the literal from start.
func (lx *lexer) junk(start, i int, msg string) token {
	for i < len(lx.sql) && is(lx.sql[i], clIdentCont) {
		i++
	}
	return lx.fail(start, i, msg)
}

func (lx *lexer) digits(i int) int {
	for i < len(lx.sql) && is(lx.sql[i], clDigit) {
		i++
	}
	return i
}

func fitsInt32(digits string) bool {
	_, ok := parseInt32(digits)
	return ok
}

// parseInt32 reads decimal digits.
func parseInt32(digits string) (int32, bool) {
	n := int64(0)
	for i := 0; i < len(digits); i++ {
		n = n*10 + int64(digits[i]-'0')
		if n > 1<<31-1 {
			return 0, false
		}
	}
	return int32(n), true
}
