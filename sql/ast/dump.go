package ast

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Dump prints a tree on one line, for tests and debugging: (Type Field=value ...), zero fields and
// locations left out. A list prints as [a b], nil as nil.
func Dump(n Node) string {
	var d dumper
	d.value(reflect.ValueOf(n))
	return d.String()
}

// DumpLoc is Dump with locations: @offset after the type's name.
func DumpLoc(n Node) string {
	d := dumper{loc: true}
	d.value(reflect.ValueOf(n))
	return d.String()
}

type dumper struct {
	strings.Builder
	loc bool
}

func (d *dumper) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Invalid:
		d.WriteString("nil")
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			d.WriteString("nil")
			return
		}
		d.value(v.Elem())
	case reflect.Struct:
		d.node(v)
	case reflect.Slice:
		d.list(v)
	case reflect.String:
		d.WriteString(strconv.Quote(v.String()))
	default:
		d.scalar(v)
	}
}

// scalar prints a number, letter code or enumeration value.
func (d *dumper) scalar(v reflect.Value) {
	if s, ok := v.Interface().(fmt.Stringer); ok {
		d.WriteString(s.String())
		return
	}
	if v.Kind() == reflect.Uint8 && v.Uint() >= 'A' && v.Uint() <= 'z' {
		d.WriteString(strconv.QuoteRune(rune(v.Uint())))
		return
	}
	fmt.Fprint(d, v.Interface())
}

func (d *dumper) list(v reflect.Value) {
	d.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			d.WriteByte(' ')
		}
		d.value(v.Index(i))
	}
	d.WriteByte(']')
}

func (d *dumper) node(v reflect.Value) {
	t := v.Type()
	switch n := v.Interface().(type) {
	case Integer:
		d.WriteString(strconv.Itoa(int(n.Ival)))
		return
	case Float:
		d.WriteString(n.Fval)
		return
	case Boolean:
		d.WriteString(strconv.FormatBool(n.Boolval))
		return
	case String:
		d.WriteString(strconv.Quote(n.Sval))
		return
	case AStar:
		d.WriteByte('*')
		return
	}
	d.WriteString("(" + t.Name())
	if f := v.FieldByName("Location"); d.loc && f.IsValid() && f.Kind() == reflect.Int32 {
		fmt.Fprintf(d, "@%d", f.Int())
	}
	for i := range t.NumField() {
		f := v.Field(i)
		if f.IsZero() || t.Field(i).Name == "Location" && f.Kind() == reflect.Int32 {
			continue
		}
		d.WriteString(" " + t.Field(i).Name + "=")
		d.value(f)
	}
	d.WriteByte(')')
}
