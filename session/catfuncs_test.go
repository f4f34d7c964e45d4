package session

import "gompho/catalog/catfuncs"

// The functions over catalogs find what they need in Env.
var _ catfuncs.FileEnv = (*Env)(nil)
