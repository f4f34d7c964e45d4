package query

import (
	"reflect"

	"gompho/types"
)

// Copy returns a deep copy of n. A utility statement's raw tree and nodes of other packages are shared.
func Copy[N Node](n N) N {
	var out N
	copyValue(reflect.ValueOf(&out).Elem(), reflect.ValueOf(&n).Elem())
	return out
}

func copyValue(dst, src reflect.Value) {
	switch src.Kind() {
	case reflect.Interface:
		if src.IsNil() {
			return
		}
		el := src.Elem()
		if src.Type() == utilityType || el.Kind() != reflect.Pointer || storable[el.Type().Elem().Name()] != el.Type().Elem() {
			dst.Set(src)
			return
		}
		c := reflect.New(el.Type()).Elem()
		copyValue(c, el)
		dst.Set(c)
	case reflect.Pointer:
		if src.IsNil() {
			return
		}
		c := reflect.New(src.Type().Elem())
		copyValue(c.Elem(), src.Elem())
		dst.Set(c)
	case reflect.Slice:
		if src.IsNil() {
			return
		}
		c := reflect.MakeSlice(src.Type(), src.Len(), src.Len())
		for i := range src.Len() {
			copyValue(c.Index(i), src.Index(i))
		}
		dst.Set(c)
	case reflect.Struct:
		if src.Type() == datumType {
			dst.Set(reflect.ValueOf(src.Interface().(types.Datum).Clone()))
			return
		}
		for i := range src.NumField() {
			copyValue(dst.Field(i), src.Field(i))
		}
	default:
		dst.Set(src)
	}
}
