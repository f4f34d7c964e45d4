package commands

import (
	"gompho/catalog"
	"gompho/internal/ids"
	"gompho/internal/pgerr"
	"gompho/sql/ast"
	"gompho/sql/query"
	"gompho/types"
)

// columnDef is a column of a table that is being made, or that ALTER TABLE adds.
type columnDef struct {
	catalog.NewColumn
	raw       ast.Node   // DEFAULT or generation expression as written
	cooked    query.Expr // the same, known already (LIKE, serial)
	seq       *newSequence
	seqOid    ids.Oid
	sawNull   bool
	sawNotNul bool
	loc       int32
}

// keyConstraint is a PRIMARY KEY or UNIQUE constraint in the making.
type keyConstraint struct {
	*ast.Constraint
	column bool // written at a column
}

// checkDef is a CHECK constraint in the making: raw as written, or expr from LIKE.
type checkDef struct {
	name      string
	raw       ast.Node
	expr      query.Expr
	noInherit bool
	notValid  bool
	column    string // the column that it was written at
	inherited int32  // number of parents that it comes from
	notLocal  bool   // it comes from parents alone
	merge     bool   // it may be merged with one of the same name
	merged    bool   // it was
}

// elements collects what the elements of CREATE TABLE, or the ADDs of ALTER TABLE, ask for.
type elements struct {
	c         *Context
	table     string
	ns        ids.Oid
	temp      bool
	unlogged  bool
	rel       *catalog.Relation // ALTER TABLE: the table
	cols      []*columnDef
	keys      []keyConstraint
	checks    []*checkDef
	foreign   []*ast.Constraint
	hasPK     bool
	after     []func(rel *catalog.Relation) error // what waits for the table to be there: LIKE's indexes, comments
	sequences []*newSequence
	parents   []*catalog.Relation // INHERITS, PARTITION OF
	inherited []*checkDef         // CHECKs of the parents
}

var serialTypes = map[string]ids.Oid{"smallserial": 21, "serial2": 21, "serial": 23, "serial4": 23, "bigserial": 20, "serial8": 20}

// addColumn takes a column definition.
func (e *elements) addColumn(d *ast.ColumnDef) (*columnDef, error) {
	c := e.c
	col := &columnDef{loc: d.Location}
	col.Name = d.Colname
	if d.TypeName == nil {
		return nil, pgerr.NotSupported("typed tables are not supported")
	}
	serial := ids.Oid(0)
	if tn := d.TypeName; len(tn.Names) == 1 && !tn.PctType {
		serial = serialTypes[tn.Names[0]]
		if serial != 0 && len(tn.ArrayBounds) > 0 {
			return nil, pgerr.NotSupported("array of serial is not implemented").At(int(tn.Location))
		}
	}
	if serial != 0 {
		col.Type, col.Typmod = serial, -1
	} else {
		if d.TypeName.Setof {
			return nil, pgerr.New(pgerr.InvalidTableDefinition, "column %q cannot be declared SETOF", d.Colname)
		}
		var err error
		if col.Type, col.Typmod, err = c.typeName(d.TypeName); err != nil {
			return nil, err
		}
		col.Ndims = int32(len(d.TypeName.ArrayBounds))
	}
	if err := c.typeAttr(&col.Attr, d.CollClause); err != nil {
		return nil, err
	}
	if err := setStorage(c, &col.Attr, d.StorageName, d.Compression); err != nil {
		return nil, err
	}
	col.NotNull = d.IsNotNull || serial != 0
	col.sawNotNul = serial != 0
	if len(d.Fdwoptions) > 0 {
		return nil, missing("OPTIONS of a column")
	}
	e.cols = append(e.cols, col)
	if serial != 0 {
		if err := e.addSerial(col, serial, nil); err != nil {
			return nil, err
		}
	}
	if d.RawDefault != nil {
		col.raw = d.RawDefault
	}
	for _, k := range d.Constraints {
		if err := e.columnConstraint(col, k, serial != 0); err != nil {
			return nil, err
		}
	}
	return col, nil
}

// typeAttr fills in what a column takes from its type.
func (c *Context) typeAttr(a *types.Attr, coll *ast.CollateClause) error {
	t, err := c.S.Cat.TypeRow(a.Type)
	if err != nil {
		return err
	}
	if t == nil {
		return pgerr.Internal("cache lookup failed for type %d", a.Type)
	}
	ok, err := c.S.Cat.HasTypePrivilege(c.S.User, t)
	if err != nil {
		return err
	}
	if !ok {
		return pgerr.New(pgerr.InsufficientPrivilege, "permission denied for type %s", c.S.Cat.TypeName(a.Type))
	}
	a.Len, a.ByVal, a.Align, a.Storage, a.Collation = t.Typlen, t.Typbyval, t.Typalign, t.Typstorage, t.Typcollation
	if coll == nil {
		return nil
	}
	if t.Typcollation == 0 {
		return pgerr.New(pgerr.DatatypeMismatch, "collations are not supported by type %s", c.S.Cat.TypeName(a.Type)).At(int(coll.Location))
	}
	a.Collation, err = c.collation(coll.Collname, coll.Location)
	return err
}

func (c *Context) collation(names []string, loc int32) (ids.Oid, error) {
	if c.Hooks != nil && c.Hooks.Collation != nil {
		return c.Hooks.Collation(names, loc)
	}
	schema, name, err := splitName(c, names)
	if err != nil {
		return 0, err
	}
	k, err := c.S.Cat.LookupCollation(schema, name)
	if err != nil {
		return 0, err
	}
	if k == nil {
		return 0, pgerr.New(pgerr.UndefinedObject, "collation %q for encoding %q does not exist", joinNames(names), "UTF8").At(int(loc))
	}
	return k.Oid, nil
}

// setStorage applies STORAGE and COMPRESSION.
func setStorage(c *Context, a *types.Attr, storage, compression string) error {
	if storage != "" {
		s, err := storageLetter(c, a, storage)
		if err != nil {
			return err
		}
		a.Storage = s
	}
	if compression != "" && compression != "default" {
		m, err := compressionLetter(c, a, compression)
		if err != nil {
			return err
		}
		a.Compress = m
	}
	return nil
}

func storageLetter(c *Context, a *types.Attr, word string) (byte, error) {
	letters := map[string]byte{"plain": 'p', "external": 'e', "extended": 'x', "main": 'm'}
	s, ok := letters[lower(word)]
	if !ok {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid storage type %q", word)
	}
	if s != 'p' && (a.Len != -1 || a.Storage == 'p' && !c.toastable(a.Type)) {
		return 0, pgerr.NotSupported("column data type %s can only have storage PLAIN", c.S.Cat.TypeName(a.Type))
	}
	return s, nil
}

// toastable reports whether values of a type can be compressed or moved out of line.
func (c *Context) toastable(typ ids.Oid) bool {
	t, _ := c.S.Cat.TypeRow(typ)
	return t != nil && t.Typlen == -1 && t.Typstorage != 'p'
}

func compressionLetter(c *Context, a *types.Attr, method string) (byte, error) {
	if !c.toastable(a.Type) {
		return 0, pgerr.NotSupported("column data type %s does not support compression", c.S.Cat.TypeName(a.Type))
	}
	switch method {
	case "pglz":
		return 'p', nil
	case "lz4":
		return 'l', nil
	}
	return 0, pgerr.New(pgerr.InvalidParameterValue, "invalid compression method %q", method)
}

// columnConstraint takes one of the clauses after a column.
func (e *elements) columnConstraint(col *columnDef, k *ast.Constraint, serial bool) error {
	loc := int(k.Location)
	if serial {
		loc = int(ast.NoLocation) // the clauses that serial stands for, which come last, have none
	}
	conflict := func() error {
		return pgerr.New(pgerr.SyntaxError, "conflicting NULL/NOT NULL declarations for column %q of table %q", col.Name, e.table).At(loc)
	}
	switch k.Contype {
	case ast.ConstrNull:
		if col.sawNotNul && col.NotNull {
			return conflict()
		}
		col.NotNull, col.sawNull = false, true
	case ast.ConstrNotnull:
		if col.sawNull {
			return conflict()
		}
		col.NotNull, col.sawNotNul = true, true
	case ast.ConstrDefault:
		if col.Generated != 0 {
			break
		}
		if col.raw != nil || col.cooked != nil {
			return pgerr.New(pgerr.SyntaxError, "multiple default values specified for column %q of table %q", col.Name, e.table).At(loc)
		}
		col.raw = k.RawExpr
	case ast.ConstrIdentity:
		if col.Identity != 0 {
			return pgerr.New(pgerr.SyntaxError, "multiple identity specifications for column %q of table %q", col.Name, e.table).At(int(k.Location))
		}
		col.Identity = k.GeneratedWhen
		if col.sawNull {
			return conflict()
		}
		col.NotNull, col.sawNotNul = true, true
		if err := e.addIdentity(col, k.Options); err != nil {
			return err
		}
	case ast.ConstrGenerated:
		if col.Generated != 0 {
			return pgerr.New(pgerr.SyntaxError, "multiple generation clauses specified for column %q of table %q", col.Name, e.table).At(int(k.Location))
		}
		if col.raw != nil {
			return pgerr.New(pgerr.SyntaxError, "both default and generation expression specified for column %q of table %q", col.Name, e.table).At(loc)
		}
		col.Generated = 's'
		col.raw = k.RawExpr
	case ast.ConstrCheck:
		e.checks = append(e.checks, &checkDef{name: k.Conname, raw: k.RawExpr, noInherit: k.IsNoInherit, column: col.Name})
	case ast.ConstrPrimary, ast.ConstrUnique:
		kc := *k
		if len(kc.Keys) == 0 {
			kc.Keys = []string{col.Name}
		}
		return e.addKey(&kc, true)
	case ast.ConstrForeign:
		kc := *k
		kc.FkAttrs = []string{col.Name}
		e.foreign = append(e.foreign, &kc)
	case ast.ConstrExclusion:
		return pgerr.Internal("column exclusion constraints are not supported")
	case ast.ConstrAttrDeferrable, ast.ConstrAttrNotDeferrable, ast.ConstrAttrDeferred, ast.ConstrAttrImmediate:
		// folded into the constraint before them by deferrability
	}
	return e.checkExclusive(col, k)
}

// checkExclusive refuses combinations of DEFAULT, IDENTITY and GENERATED.
func (e *elements) checkExclusive(col *columnDef, k *ast.Constraint) error {
	hasDefault := col.raw != nil && col.Generated == 0 || col.cooked != nil
	pair := ""
	switch {
	case hasDefault && col.Identity != 0:
		pair = "both default and identity"
	case col.Generated != 0 && k.Contype == ast.ConstrDefault, col.Generated != 0 && col.cooked != nil:
		pair = "both default and generation expression"
	case col.Identity != 0 && col.Generated != 0:
		pair = "both identity and generation expression"
	default:
		return nil
	}
	return pgerr.New(pgerr.SyntaxError, "%s specified for column %q of table %q", pair, col.Name, e.table).At(int(k.Location))
}

// deferrability moves DEFERRABLE and INITIALLY clauses of a column to the constraint that they follow.
func deferrability(list []*ast.Constraint) error {
	var last *ast.Constraint
	sawDeferrable, sawInitially := false, false
	for _, k := range list {
		at := func(msg string) error { return pgerr.New(pgerr.SyntaxError, "%s", msg).At(int(k.Location)) }
		ok := last != nil && (last.Contype == ast.ConstrPrimary || last.Contype == ast.ConstrUnique ||
			last.Contype == ast.ConstrExclusion || last.Contype == ast.ConstrForeign)
		words := ""
		switch k.Contype {
		case ast.ConstrAttrDeferrable:
			words = "DEFERRABLE"
		case ast.ConstrAttrNotDeferrable:
			words = "NOT DEFERRABLE"
		case ast.ConstrAttrDeferred:
			words = "INITIALLY DEFERRED"
		case ast.ConstrAttrImmediate:
			words = "INITIALLY IMMEDIATE"
		default:
			last, sawDeferrable, sawInitially = k, false, false
			continue
		}
		if !ok {
			return at("misplaced " + words + " clause")
		}
		switch k.Contype {
		case ast.ConstrAttrDeferrable, ast.ConstrAttrNotDeferrable:
			if sawDeferrable {
				return at("multiple DEFERRABLE/NOT DEFERRABLE clauses not allowed")
			}
			sawDeferrable = true
			last.Deferrable = k.Contype == ast.ConstrAttrDeferrable
		default:
			if sawInitially {
				return at("multiple INITIALLY IMMEDIATE/DEFERRED clauses not allowed")
			}
			sawInitially = true
			last.Initdeferred = k.Contype == ast.ConstrAttrDeferred
			if last.Initdeferred && !sawDeferrable {
				last.Deferrable = true
			}
		}
		if sawInitially && last.Initdeferred && !last.Deferrable {
			return at("constraint declared INITIALLY DEFERRED must be DEFERRABLE")
		}
	}
	return nil
}

// addConstraint takes a table constraint.
func (e *elements) addConstraint(k *ast.Constraint) error {
	switch k.Contype {
	case ast.ConstrPrimary, ast.ConstrUnique:
		return e.addKey(k, false)
	case ast.ConstrCheck:
		e.checks = append(e.checks, &checkDef{name: k.Conname, raw: k.RawExpr, noInherit: k.IsNoInherit, notValid: k.SkipValidation})
		return nil
	case ast.ConstrForeign:
		e.foreign = append(e.foreign, k)
		return nil
	case ast.ConstrExclusion:
		return missing("EXCLUDE constraint")
	}
	return pgerr.Internal("invalid context for constraint type %d", k.Contype)
}

func (e *elements) addKey(k *ast.Constraint, column bool) error {
	if k.Contype == ast.ConstrPrimary {
		if e.hasPK {
			return pgerr.New(pgerr.InvalidTableDefinition, "multiple primary keys for table %q are not allowed", e.table).At(int(k.Location))
		}
		e.hasPK = true
	}
	e.keys = append(e.keys, keyConstraint{k, column})
	return nil
}

func (e *elements) column(name string) *columnDef {
	for _, c := range e.cols {
		if c.Name == name {
			return c
		}
	}
	return nil
}
