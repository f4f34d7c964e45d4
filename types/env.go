package types

import (
	"time"

	"gompho/internal/ids"
	"gompho/internal/pgerr"
)

// DateStyle is the output form of dates and timestamps.
type DateStyle uint8

const (
	DateISO DateStyle = iota
	DateSQL
	DatePostgres
	DateGerman
)

// DateOrder tells how an ambiguous date is read, and the order of the fields in SQL and Postgres style.
type DateOrder uint8

const (
	OrderMDY DateOrder = iota
	OrderDMY
	OrderYMD
)

// IntervalStyle is the output form of intervals.
type IntervalStyle uint8

const (
	IntervalPostgres IntervalStyle = iota
	IntervalPostgresVerbose
	IntervalSQL
	IntervalISO8601
)

// ByteaOutput is the output form of bytea.
type ByteaOutput uint8

const (
	ByteaHex ByteaOutput = iota
	ByteaEscape
)

// RegKind tells what kind of object an alias type of oid names.
type RegKind uint8

const (
	RegClass RegKind = iota
	RegType
	RegProc
	RegProcedure
	RegOper
	RegOperator
	RegNamespace
	RegRole
	RegCollation
	RegConfig
	RegDictionary
)

// Env is what text conversion needs to know of a session.
type Env interface {
	DateStyle() (DateStyle, DateOrder)
	IntervalStyle() IntervalStyle
	TimeZone() *time.Location
	ExtraFloatDigits() int
	ByteaOutput() ByteaOutput
	// TxNow is the start of the transaction: the meaning of 'now', 'today', 'tomorrow', 'yesterday'.
	TxNow() time.Time
	// LookupName finds the object that name, as typed by the user, means; name is neither a number nor "-".
	LookupName(kind RegKind, name string) (ids.Oid, error)
	// ObjectName returns the name of an object as output shows it, qualified and quoted as needed.
	ObjectName(kind RegKind, oid ids.Oid) (string, bool)
}

// TypeResolver may be implemented by an Env: it finds types that are not built in, for the output of records.
type TypeResolver interface {
	TypeByOid(oid ids.Oid) *Type
}

// DefaultEnv is ISO dates in UTC, hexadecimal bytea, and no names of objects.
var DefaultEnv Env = defaultEnv{}

type defaultEnv struct{}

func (defaultEnv) DateStyle() (DateStyle, DateOrder) { return DateISO, OrderMDY }
func (defaultEnv) IntervalStyle() IntervalStyle      { return IntervalPostgres }
func (defaultEnv) TimeZone() *time.Location          { return time.UTC }
func (defaultEnv) ExtraFloatDigits() int             { return 1 }
func (defaultEnv) ByteaOutput() ByteaOutput          { return ByteaHex }
func (defaultEnv) TxNow() time.Time                  { return time.Now() }

func (defaultEnv) LookupName(kind RegKind, name string) (ids.Oid, error) {
	return 0, pgerr.New(pgerr.UndefinedObject, "%s \"%s\" does not exist", regKinds[kind].noun, name)
}

func (defaultEnv) ObjectName(RegKind, ids.Oid) (string, bool) { return "", false }

// typeByOid finds a type through env, or among the built-in ones.
func typeByOid(env Env, oid ids.Oid) *Type {
	if t := Builtin(oid); t != nil {
		return t
	}
	if r, ok := env.(TypeResolver); ok {
		return r.TypeByOid(oid)
	}
	return nil
}
