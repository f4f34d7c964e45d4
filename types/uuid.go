package types

var uuidIO = typeIO{
	in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) {
		b := make([]byte, 0, 16)
		u := s
		braces := len(u) > 0 && u[0] == '{'
		if braces {
			u = u[1:]
		}
		for i := range 16 {
			if len(u) < 2 {
				return Null, badSyntax("uuid", s)
			}
			hi, ok1 := hexDigit(u[0])
			lo, ok2 := hexDigit(u[1])
			if !ok1 || !ok2 {
				return Null, badSyntax("uuid", s)
			}
			b = append(b, hi<<4|lo)
			u = u[2:]
			if len(u) > 0 && u[0] == '-' && i%2 == 1 && i < 15 {
				u = u[1:]
			}
		}
		if braces {
			if u == "" || u[0] != '}' {
				return Null, badSyntax("uuid", s)
			}
			u = u[1:]
		}
		if u != "" {
			return Null, badSyntax("uuid", s)
		}
		return Bytes(b), nil
	},
	out: func(_ Env, _ *Type, d Datum, dst []byte) []byte {
		for i, c := range d.Bytes() {
			if i == 4 || i == 6 || i == 8 || i == 10 {
				dst = append(dst, '-')
			}
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		}
		return dst
	},
	recv: func(_ Env, _ *Type, b []byte, _ int32) (Datum, error) {
		if len(b) < 16 {
			return Null, shortMessage()
		}
		if len(b) > 16 {
			return Null, badBinary()
		}
		return Bytes(append([]byte(nil), b...)), nil
	},
	send: sendBytes,
	cmp:  cmpBytes,
	hash: hashBytesDatum,
}
