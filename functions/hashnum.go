package functions

import (
	"encoding/binary"

	"gompho/types"
)

// hashNumeric hashes a numeric's digits to base 10000, without zeros at either end, and the weight of the first one: 1.0 and 1.00 are equal.
func hashNumeric(d types.Datum, seed uint64) uint64 {
	n := types.NumericOf(d)
	switch {
	case !n.IsFinite():
		return seed
	case n.IsZero():
		return seed - 1
	}
	var text, packed [128]byte
	digits, weight := base10000(n.Abs().AppendText(text[:0]), packed[:0])
	return jenkinsBytes(digits, seed) ^ uint64(int64(weight))
}

// base10000 packs a decimal number, in which there is a digit that is not zero, into 16-bit digits to base 10000, least significant byte
// first, and returns the power of 10000 that the first of them stands for.
func base10000(text, dst []byte) (digits []byte, weight int) {
	point := len(text)
	for i, c := range text {
		if c == '.' {
			point = i
		}
	}
	groups := (point + 3) / 4
	weight = groups - 1
	at := func(pos int) uint16 { // the digit pos places to the right of the first group's first
		i := pos - (groups*4 - point)
		if i >= point {
			i++ // the point
		}
		if i < 0 || i >= len(text) {
			return 0
		}
		return uint16(text[i] - '0')
	}
	total := groups + (len(text)-point+2)/4 + 1
	keep := 0
	for g := range total {
		v := at(4*g)*1000 + at(4*g+1)*100 + at(4*g+2)*10 + at(4*g+3)
		if v == 0 && len(dst) == 0 {
			weight--
			continue
		}
		dst = binary.LittleEndian.AppendUint16(dst, v)
		if v != 0 {
			keep = len(dst)
		}
	}
	return dst[:keep], weight
}

const usecsPerDay = 86400 * 1000000

// hashInterval hashes the length of an interval where a month has 30 days: intervals that compare as equal hash alike.
func hashInterval(d types.Datum, seed uint64) uint64 {
	v := types.IntervalOf(d)
	days := int64(v.Months)*30 + int64(v.Days)
	return hashWord64(types.Int(days*usecsPerDay+v.Usec), seed)
}

// hashTimetz hashes time and zone apart.
func hashTimetz(d types.Datum, seed uint64) uint64 {
	b := d.Bytes()
	t, zone := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])
	return hashWord64(types.Int(int64(t)), seed) ^ jenkinsWord(zone, seed)
}
