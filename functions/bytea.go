package functions

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"math/bits"
	"strings"
	"unicode/utf8"

	"gompho/internal/pgerr"
	"gompho/types"
)

func indexError(i int64, n int64) error {
	return pgerr.New(pgerr.ArraySubscriptError, "index %d out of valid range, 0..%d", i, n-1)
}

func byteaGetByte(c *Call) (types.Datum, error) {
	b, i := c.bytes(0), c.int(1)
	if i < 0 || i >= int64(len(b)) {
		return types.Null, indexError(i, int64(len(b)))
	}
	return types.Int(int64(b[i])), nil
}

func byteaSetByte(c *Call) (types.Datum, error) {
	b, i := c.bytes(0), c.int(1)
	if i < 0 || i >= int64(len(b)) {
		return types.Null, indexError(i, int64(len(b)))
	}
	m := c.Alloc(len(b))
	copy(m, b)
	m[i] = byte(c.int(2))
	return types.Bytes(m), nil
}

func byteaGetBit(c *Call) (types.Datum, error) {
	b, i := c.bytes(0), c.int(1)
	if i < 0 || i >= 8*int64(len(b)) {
		return types.Null, indexError(i, 8*int64(len(b)))
	}
	return types.Int(int64(b[i/8] >> (i % 8) & 1)), nil
}

func byteaSetBit(c *Call) (types.Datum, error) {
	b, i, v := c.bytes(0), c.int(1), c.int(2)
	if i < 0 || i >= 8*int64(len(b)) {
		return types.Null, indexError(i, 8*int64(len(b)))
	}
	if v != 0 && v != 1 {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "new bit must be 0 or 1")
	}
	m := c.Alloc(len(b))
	copy(m, b)
	m[i/8] = m[i/8]&^(1<<(i%8)) | byte(v)<<(i%8)
	return types.Bytes(m), nil
}

func byteaBitCount(c *Call) (types.Datum, error) {
	n := 0
	for _, x := range c.bytes(0) {
		n += bits.OnesCount8(x)
	}
	return types.Int(int64(n)), nil
}

func badEncodingName(s string) error {
	return pgerr.New(pgerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", s)
}

// binaryEncode is encode(bytea, format).
func binaryEncode(c *Call) (types.Datum, error) {
	b := c.bytes(0)
	switch strings.ToLower(c.str(1)) {
	case "hex":
		return types.Bytes(types.AppendHex(nil, b)), nil
	case "escape":
		var out []byte
		for _, x := range b {
			switch {
			case x == 0 || x >= 0x80:
				out = append(out, '\\', '0'+x>>6, '0'+x>>3&7, '0'+x&7)
			case x == '\\':
				out = append(out, '\\', '\\')
			default:
				out = append(out, x)
			}
		}
		return types.Bytes(out), nil
	case "base64":
		s := base64.StdEncoding.EncodeToString(b)
		var out strings.Builder
		for len(s) > 76 {
			out.WriteString(s[:76])
			out.WriteByte('\n')
			s = s[76:]
		}
		out.WriteString(s)
		return types.String(out.String()), nil
	}
	return types.Null, badEncodingName(c.str(1))
}

// binaryDecode is decode(text, format).
func binaryDecode(c *Call) (types.Datum, error) {
	s := c.str(0)
	switch strings.ToLower(c.str(1)) {
	case "hex":
		b, err := types.DecodeHex(s)
		return types.Bytes(b), err
	case "escape":
		b, err := decodeEscape(s)
		return types.Bytes(b), err
	case "base64":
		b, err := decodeBase64(s)
		return types.Bytes(b), err
	}
	return types.Null, badEncodingName(c.str(1))
}

func decodeEscape(s string) ([]byte, error) {
	if !strings.HasPrefix(s, "\\x") {
		return types.ParseBytea(s)
	}
	return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
}

func decodeBase64(s string) ([]byte, error) {
	clean := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		case c == '=' || c == '+' || c == '/' || c >= '0' && c <= '9' || c|32 >= 'a' && c|32 <= 'z':
			clean = append(clean, c)
		default:
			return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid symbol \"%s\" found while decoding base64 sequence", firstRune(s[i:]))
		}
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(clean)))
	n, err := base64.StdEncoding.Decode(out, clean)
	if err != nil {
		if i := strings.IndexByte(string(clean), '='); i >= 0 && i < len(clean)-2 {
			return nil, pgerr.New(pgerr.InvalidParameterValue, "unexpected \"=\" while decoding base64 sequence")
		}
		return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid base64 end sequence").
			WithHint("Input data is missing padding, is truncated, or is otherwise corrupted.")
	}
	return out[:n], nil
}

func md5Hex(c *Call) (types.Datum, error) {
	sum := md5.Sum(c.bytes(0))
	var buf [32]byte
	return c.keep(types.AppendHex(buf[:0], sum[:])), nil
}

// convertFrom and convertTo know UTF-8 (and SQL_ASCII), the only encoding of this server.
func knownEncoding(name string) (string, bool) {
	switch strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name)) {
	case "utf8", "unicode":
		return "UTF8", true
	case "sqlascii":
		return "SQL_ASCII", true
	}
	return "", false
}

func convertFrom(c *Call) (types.Datum, error) {
	if _, ok := knownEncoding(c.str(1)); !ok {
		return types.Null, badEncodingSource("source", c.str(1))
	}
	if err := types.CheckUTF8(c.bytes(0)); err != nil {
		return types.Null, err
	}
	return c.Args[0], nil
}

func convertTo(c *Call) (types.Datum, error) {
	if _, ok := knownEncoding(c.str(1)); !ok {
		return types.Null, badEncodingSource("destination", c.str(1))
	}
	return c.Args[0], nil
}

func badEncodingSource(which, name string) error {
	return pgerr.New(pgerr.InvalidParameterValue, "invalid %s encoding name \"%s\"", which, name)
}

func lengthInEncoding(c *Call) (types.Datum, error) {
	if _, ok := knownEncoding(c.str(1)); !ok {
		return types.Null, pgerr.New(pgerr.InvalidParameterValue, "invalid encoding name \"%s\"", c.str(1))
	}
	if err := types.CheckUTF8(c.bytes(0)); err != nil {
		return types.Null, err
	}
	return textLength(c)
}

// byteaFamily lists the functions over bytea.
func byteaFamily() []Entry {
	return []Entry{
		{Name: "byteaGetByte", Scalar: byteaGetByte}, {Name: "byteaSetByte", Scalar: byteaSetByte},
		{Name: "byteaGetBit", Scalar: byteaGetBit}, {Name: "byteaSetBit", Scalar: byteaSetBit},
		{Name: "bytea_bit_count", Scalar: byteaBitCount},
		{Name: "binary_encode", Scalar: binaryEncode}, {Name: "binary_decode", Scalar: binaryDecode},
		{Name: "md5_text", Scalar: md5Hex}, {Name: "md5_bytea", Scalar: md5Hex},
		{Name: "sha224_bytea", Scalar: func(c *Call) (types.Datum, error) { h := sha256.Sum224(c.bytes(0)); return c.keep(h[:]), nil }},
		{Name: "sha256_bytea", Scalar: func(c *Call) (types.Datum, error) { h := sha256.Sum256(c.bytes(0)); return c.keep(h[:]), nil }},
		{Name: "sha384_bytea", Scalar: func(c *Call) (types.Datum, error) { h := sha512.Sum384(c.bytes(0)); return c.keep(h[:]), nil }},
		{Name: "sha512_bytea", Scalar: func(c *Call) (types.Datum, error) { h := sha512.Sum512(c.bytes(0)); return c.keep(h[:]), nil }},
		{Name: "pg_convert_from", Scalar: convertFrom}, {Name: "pg_convert_to", Scalar: convertTo},
		{Name: "length_in_encoding", Scalar: lengthInEncoding},
	}
}

// firstRune returns the first character of s.
func firstRune(s string) string {
	_, w := utf8.DecodeRuneInString(s)
	return s[:w]
}
