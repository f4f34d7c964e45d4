package analyzer

import (
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// InputLiteral converts the text of a literal to a value of a type.
func (s *Session) InputLiteral(typ ids.Oid, typmod int32, text string) (types.Datum, error) {
	t := types.Builtin(typ)
	if t == nil {
		var err error
		if t, err = s.Cat.Type(typ); err != nil {
			return types.Null, err
		}
	}
	if t == nil {
		return types.Null, pgerr.Internal("cache lookup failed for type %d", typ)
	}
	env := s.Env
	if env == nil {
		env = types.DefaultEnv
	}
	return types.Input(env, t, text, typmod)
}
