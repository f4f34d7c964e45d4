package functions

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
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
	err := c.pieces(c.bytes(0), func(piece []byte) {
		for _, x := range piece {
			n += bits.OnesCount8(x)
		}
	})
	return types.Int(int64(n)), err
}

func badEncodingName(s string) error {
	return pgerr.New(pgerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", s)
}

// binaryEncode is encode(bytea, format).
func binaryEncode(c *Call) (types.Datum, error) {
	b := c.bytes(0)
	switch strings.ToLower(c.str(1)) {
	case "hex":
		if err := c.Afford(2 * len(b)); err != nil {
			return types.Null, err
		}
		out := make([]byte, 0, 2*len(b))
		err := c.pieces(b, func(piece []byte) { out = types.AppendHex(out, piece) })
		return types.Bytes(out), err
	case "escape":
		var out []byte
		p := c.pacer()
		for _, x := range b {
			if err := p.step(2); err != nil {
				return types.Null, err
			}
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
		const line = 76 / 4 * 3
		out := make([]byte, 0, base64.StdEncoding.EncodedLen(len(b))+len(b)/line)
		p := c.pacer()
		for ; len(b) > line; b = b[line:] {
			out = append(base64.StdEncoding.AppendEncode(out, b[:line]), '\n')
			if err := p.step(line); err != nil {
				return types.Null, err
			}
		}
		return types.Bytes(base64.StdEncoding.AppendEncode(out, b)), nil
	}
	return types.Null, badEncodingName(c.str(1))
}

// binaryDecode is decode(text, format).
func binaryDecode(c *Call) (types.Datum, error) {
	s := c.str(0)
	switch strings.ToLower(c.str(1)) {
	case "hex":
		b, err := types.DecodeHex(c.Env, s)
		return types.Bytes(b), err
	case "escape":
		b, err := decodeEscape(c.Env, s)
		return types.Bytes(b), err
	case "base64":
		b, err := c.decodeBase64(s)
		return types.Bytes(b), err
	}
	return types.Null, badEncodingName(c.str(1))
}

func decodeEscape(env types.Env, s string) ([]byte, error) {
	if !strings.HasPrefix(s, "\\x") {
		return types.ParseBytea(env, s)
	}
	return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
}

func (c *Call) decodeBase64(s string) ([]byte, error) {
	clean, pace := types.Room(len(s)), c.pacer()
	for i := 0; i < len(s); i++ {
		if err := pace.step(1); err != nil {
			return nil, err
		}
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		case c == '=' || c == '+' || c == '/' || c >= '0' && c <= '9' || c|32 >= 'a' && c|32 <= 'z':
			clean = append(clean, c)
		default:
			return nil, pgerr.New(pgerr.InvalidParameterValue, "invalid symbol \"%s\" found while decoding base64 sequence", firstRune(s[i:]))
		}
	}
	n := base64.StdEncoding.DecodedLen(len(clean))
	out := types.Room(n)[:n]
	n = 0
	var err error
	for at := 0; at < len(clean) && err == nil; at += stride {
		piece := clean[at:min(at+stride, len(clean))]
		var k int
		k, err = base64.StdEncoding.Decode(out[n:], piece)
		if n += k; err == nil && len(piece) == stride {
			if k < stride/4*3 && at+stride < len(clean) {
				err = base64.CorruptInputError(at) // padding in the middle
			} else if err := pace.step(stride); err != nil {
				return nil, err
			}
		}
	}
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
	var buf [32]byte
	if b := c.bytes(0); len(b) <= stride {
		sum := md5.Sum(b)
		return c.keep(types.AppendHex(buf[:0], sum[:])), nil
	}
	h := md5.New()
	err := c.pieces(c.bytes(0), func(piece []byte) { h.Write(piece) })
	return c.keep(types.AppendHex(buf[:0], h.Sum(nil))), err
}

// digest returns the digest of a byte string.
func digest(begin func() hash.Hash) Scalar {
	return func(c *Call) (types.Datum, error) {
		h := begin()
		err := c.pieces(c.bytes(0), func(piece []byte) { h.Write(piece) })
		var buf [sha512.Size]byte
		return c.keep(h.Sum(buf[:0])), err
	}
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

// checkUTF8 is types.CheckUTF8 for a text that may be long.
func (c *Call) checkUTF8(b []byte) (bad error) {
	err := c.pieces(b, func(piece []byte) {
		if bad == nil {
			bad = types.CheckUTF8(piece)
		}
	})
	if bad != nil {
		return bad
	}
	return err
}

func convertFrom(c *Call) (types.Datum, error) {
	if _, ok := knownEncoding(c.str(1)); !ok {
		return types.Null, badEncodingSource("source", c.str(1))
	}
	if err := c.checkUTF8(c.bytes(0)); err != nil {
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
	if err := c.checkUTF8(c.bytes(0)); err != nil {
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
		{Name: "sha224_bytea", Scalar: digest(sha256.New224)},
		{Name: "sha256_bytea", Scalar: digest(sha256.New)},
		{Name: "sha384_bytea", Scalar: digest(sha512.New384)},
		{Name: "sha512_bytea", Scalar: digest(sha512.New)},
		{Name: "pg_convert_from", Scalar: convertFrom}, {Name: "pg_convert_to", Scalar: convertTo},
		{Name: "length_in_encoding", Scalar: lengthInEncoding},
	}
}

// firstRune returns the first character of s.
func firstRune(s string) string {
	_, w := utf8.DecodeRuneInString(s)
	return s[:w]
}
