package catfuncs

import (
	"gompho/catalog"
	"gompho/functions"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/types"
)

// Env is a functions.Env that knows the session's catalogs.
type Env interface {
	functions.Env
	Catalogs() *catalog.Session
}

// FileEnv is an Env that knows the sizes of files.
type FileEnv interface {
	Env
	// RelationBlocks returns the size of one fork of a relation.
	RelationBlocks(f ids.RelFile, fork ids.Fork) (ids.BlockNumber, error)
}

// Entries returns the functions of this package, by pg_proc.prosrc.
func Entries() []functions.Entry {
	var all []functions.Entry
	for _, family := range [][]functions.Entry{visibility(), regFunctions(), nameFunctions(), privilegeFunctions(), roleFunctions(),
		aclFunctions(), commentFunctions(), sizeFunctions(), propertyFunctions(), relationFunctions(), infoFunctions(), listFunctions()} {
		all = append(all, family...)
	}
	return all
}

// fn is a function over the catalogs.
type fn func(s *catalog.Session, c *functions.Call) (types.Datum, error)

func entry(name string, f fn) functions.Entry {
	return functions.Entry{Name: name, Scalar: func(c *functions.Call) (types.Datum, error) {
		env, ok := c.Env.(Env)
		if !ok {
			return types.Null, pgerr.Internal("function %s called without catalogs", name)
		}
		return f(env.Catalogs(), c)
	}}
}

// rows is a set-returning function whose rows are all made at once.
type rows struct {
	all  [][]types.Datum
	next int
}

func (r *rows) Next(cols []types.Datum) (bool, error) {
	if r.next == len(r.all) {
		return false, nil
	}
	copy(cols, r.all[r.next])
	r.next++
	return true, nil
}

func (r *rows) Close() {}

func set(name string, f func(s *catalog.Session, c *functions.Call) ([][]types.Datum, error)) functions.Entry {
	return functions.Entry{Name: name, Set: func(c *functions.Call) (functions.RowSource, error) {
		env, ok := c.Env.(Env)
		if !ok {
			return nil, pgerr.Internal("function %s called without catalogs", name)
		}
		all, err := f(env.Catalogs(), c)
		return &rows{all: all}, err
	}}
}

func str(c *functions.Call, i int) string  { return c.Args[i].Str() }
func oid(c *functions.Call, i int) ids.Oid { return c.Args[i].Oid() }
func text(s string) types.Datum            { return types.String(s) }
func isNull(c *functions.Call, i int) bool { return i >= len(c.Args) || c.Args[i].IsNull() }

// null turns the absence of an object into NULL.
func null(err error) (types.Datum, error) { return types.Null, err }

func textArray(elem ids.Oid, list []string) types.Datum {
	elems := make([]types.Datum, len(list))
	for i, s := range list {
		elems[i] = types.String(s)
	}
	return types.NewArray(elem, elems).Encode(types.Builtin(elem))
}

func record(desc []types.Attr, vals []types.Datum) types.Datum {
	return types.EncodeRecord(types.RecordOid, -1, &types.Desc{Attrs: desc}, vals)
}
