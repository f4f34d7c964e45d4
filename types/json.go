package types

import (
	"encoding/json"

	"gompho/internal/pgerr"
)

// jsonIO keeps json as its text, after checking that it is well-formed.
var jsonIO = typeIO{
	in: func(_ Env, _ *Type, s string, _ int32) (Datum, error) {
		if !json.Valid([]byte(s)) {
			return Null, badJSON()
		}
		return String(s), nil
	},
	out: outBytes,
	recv: func(env Env, t *Type, b []byte, typmod int32) (Datum, error) {
		d, err := recvText(env, t, b, typmod)
		if err == nil && !json.Valid(b) {
			return Null, badJSON()
		}
		return d, err
	},
	send: sendBytes,
}

func badJSON() error {
	return pgerr.New(pgerr.InvalidTextRepresentation, "invalid input syntax for type json")
}
