package types

import (
	"bytes"
	"strconv"
	"strings"
)

// The texts of addresses that PostgreSQL takes are more than the ones it prints: fewer than four octets with a mask (10.1/16), for cidr
// also without one, and then the old classes of networks say how long the mask is; hexadecimal networks (0x0a01); IPv6 with its last part in
// IPv4's form, even if that is short (::1.2). All of them are read here, since dumps and programs have them.

// digitAt returns the value of the decimal digit at s[i].
func digitAt(s string, i int) (int, bool) {
	if i < len(s) && s[i] >= '0' && s[i] <= '9' {
		return int(s[i] - '0'), true
	}
	return 0, false
}

// numberAt reads the decimal digits from s[i] on, at least one; ok is false for more than limit. It returns where they end.
func numberAt(s string, i, limit int) (n, end int, ok bool) {
	d, ok := digitAt(s, i)
	if !ok {
		return 0, i, false
	}
	for ; ok; d, ok = digitAt(s, i) {
		if n = 10*n + d; n > limit {
			return 0, i, false
		}
		i++
	}
	return n, i, true
}

func parseInet(s string, cidr bool) (Inet, bool) {
	if len(s) > 0 && strings.IndexByte(s, 0) >= 0 {
		return nil, false
	}
	switch {
	case strings.IndexByte(s, ':') >= 0:
		return parseIPv6(s)
	case cidr:
		return parseNetwork(s)
	}
	return parseIPv4(s)
}

// octets reads numbers between points up to the end of s or a slash. A point at the end is taken when loose.
func octets(s string, loose bool) (addr []byte, end int, ok bool) {
	i := 0
	for {
		if _, digit := digitAt(s, i); !digit {
			return addr, i, loose
		}
		n, next, ok := numberAt(s, i, 255)
		if !ok || len(addr) == 4 {
			return nil, 0, false
		}
		addr, i = append(addr, byte(n)), next
		if i == len(s) || s[i] == '/' {
			return addr, i, true
		}
		if s[i] != '.' {
			return nil, 0, false
		}
		i++
	}
}

// maskAt reads "/n" at the end of s; none at all gives -1.
func maskAt(s string, i int) (bits int, ok bool) {
	if i == len(s) {
		return -1, true
	}
	if s[i] != '/' {
		return 0, false
	}
	n, end, ok := numberAt(s, i+1, 32)
	return n, ok && end == len(s)
}

// parseIPv4 reads an inet: four octets, or as many as the mask needs.
func parseIPv4(s string) (Inet, bool) {
	addr, i, ok := octets(s, true)
	if !ok || len(addr) == 0 {
		return nil, false
	}
	bits, ok := maskAt(s, i)
	switch {
	case !ok:
		return nil, false
	case bits == -1 && len(addr) < 4:
		return nil, false
	case bits == -1:
		bits = 32
	}
	if bits/8 > len(addr) {
		return nil, false
	}
	return NewInet(padded(addr), bits), true
}

// parseNetwork reads a cidr of IPv4.
func parseNetwork(s string) (Inet, bool) {
	var addr []byte
	var i int
	var ok bool
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		addr, i, ok = hexOctets(s)
	} else {
		addr, i, ok = octets(s, false)
	}
	if !ok || len(addr) == 0 {
		return nil, false
	}
	bits, ok := maskAt(s, i)
	if !ok {
		return nil, false
	}
	if bits == -1 {
		bits = classBits(addr)
	}
	return NewInet(padded(addr), bits), true
}

// hexOctets reads the pairs of hexadecimal digits after "0x"; a last single one is the upper half of its octet.
func hexOctets(s string) (addr []byte, end int, ok bool) {
	half := false
	for end = 2; end < len(s); end++ {
		d, hex := hexDigit(s[end])
		if !hex {
			break
		}
		if half {
			addr[len(addr)-1] |= d
		} else {
			addr = append(addr, d<<4)
		}
		half = !half
	}
	return addr, end, len(addr) <= 4
}

// classBits is the length of the mask that the class of a network implies, or what is written of it when that is longer.
func classBits(addr []byte) int {
	bits := 8
	switch first := addr[0]; {
	case first >= 240:
		bits = 32
	case first >= 224: // multicast
		bits = 8
	case first >= 192:
		bits = 24
	case first >= 128:
		bits = 16
	}
	bits = max(bits, 8*len(addr))
	if bits == 8 && addr[0] == 224 {
		bits = 4
	}
	return bits
}

// padded fills an IPv4 address up with zeros.
func padded(addr []byte) []byte {
	var a [4]byte
	copy(a[:], addr)
	return a[:]
}

// ipv6Reader reads the groups of an IPv6 address.
type ipv6Reader struct {
	addr []byte // so far, at most 16 bytes
	gap  int    // where "::" stood in addr, -1 none
	bits int
}

// parseIPv6 reads an inet or cidr of IPv6.
func parseIPv6(s string) (Inet, bool) {
	r := ipv6Reader{gap: -1, bits: 128, addr: make([]byte, 0, 16)}
	if strings.HasPrefix(s, ":") && !strings.HasPrefix(s, "::") {
		return nil, false
	}
	if strings.HasPrefix(s, "::") {
		s = s[1:]
	}
	if !r.groups(s) {
		return nil, false
	}
	if r.gap >= 0 {
		if len(r.addr) == 16 {
			return nil, false
		}
		tail := append([]byte(nil), r.addr[r.gap:]...)
		r.addr = append(r.addr[:r.gap], make([]byte, 16-r.gap)...)
		copy(r.addr[16-len(tail):], tail)
	}
	if len(r.addr) != 16 {
		return nil, false
	}
	return NewInet(r.addr, r.bits), true
}

func (r *ipv6Reader) groups(s string) bool {
	start, digits, val := 0, 0, 0
	for i := 0; i < len(s); i++ {
		if d, ok := hexDigit(s[i]); ok {
			if digits++; digits > 4 {
				return false
			}
			val = val<<4 | int(d)
			continue
		}
		switch s[i] {
		case ':':
			switch {
			case digits > 0:
				if i+1 == len(s) || !r.group(val) {
					return false
				}
			case r.gap >= 0:
				return false
			default:
				r.gap = len(r.addr)
			}
			start, digits, val = i+1, 0, 0
			continue
		case '.':
			return r.ipv4(s[start:])
		case '/':
			if digits > 0 && !r.group(val) {
				return false
			}
			return r.mask(s[i+1:])
		}
		return false
	}
	return digits == 0 || r.group(val)
}

func (r *ipv6Reader) group(val int) bool {
	if len(r.addr) > 14 {
		return false
	}
	r.addr = append(r.addr, byte(val>>8), byte(val))
	return true
}

// strictNumber reads a decimal number without leading zeros that is all of s.
func strictNumber(s string, limit int) (int, bool) {
	n, end, ok := numberAt(s, 0, limit)
	return n, ok && end == len(s) && (len(s) == 1 || s[0] != '0')
}

func (r *ipv6Reader) mask(s string) (ok bool) {
	r.bits, ok = strictNumber(s, 128)
	return ok
}

// ipv4 reads the last four bytes in IPv4's form. An octet that is left out before a point counts as zero, and so do the ones at the end.
func (r *ipv6Reader) ipv4(s string) bool {
	if len(r.addr) > 12 {
		return false
	}
	text, mask, masked := strings.Cut(s, "/")
	parts := strings.Split(text, ".")
	if len(parts) > 4 {
		return false
	}
	var a [4]byte
	for i, p := range parts {
		if p == "" && (i+1 < len(parts) || masked) {
			continue
		}
		n, ok := strictNumber(p, 255)
		if !ok {
			return false
		}
		a[i] = byte(n)
	}
	r.addr = append(r.addr, a[:]...)
	return !masked || r.mask(mask)
}

// append appends the text of the address, and with the mask if it is asked for.
func (v Inet) append(dst []byte, mask bool) []byte {
	if v[0] == inet4 {
		dst = appendOctets(dst, v.Addr())
	} else {
		dst = appendIPv6(dst, v.Addr())
	}
	if mask {
		dst = v.appendMask(dst)
	}
	return dst
}

func (v Inet) appendMask(dst []byte) []byte {
	return strconv.AppendInt(append(dst, '/'), int64(v.Bits()), 10)
}

// AppendHost appends the address without the mask; AppendFull always with it.
func (v Inet) AppendHost(dst []byte) []byte { return v.append(dst, false) }

// AppendFull appends the address with the mask, even if that covers all of it.
func (v Inet) AppendFull(dst []byte) []byte { return v.append(dst, true) }

func appendOctets(dst, octets []byte) []byte {
	for i, x := range octets {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = strconv.AppendUint(dst, uint64(x), 10)
	}
	return dst
}

// ipv6Word returns group i of an address.
func ipv6Word(a []byte, i int) int { return int(a[2*i])<<8 | int(a[2*i+1]) }

// appendIPv6 writes the first of the longest runs of two or more zero groups as "::", and addresses that hold one of IPv4 with its octets.
func appendIPv6(dst, a []byte) []byte {
	start, length := 0, 0
	for i := 0; i < 8; i++ {
		n := 0
		for i+n < 8 && ipv6Word(a, i+n) == 0 {
			n++
		}
		if n > length {
			start, length = i, n
		}
		i += n
	}
	if length < 2 {
		start, length = -1, 0
	}
	v4 := start == 0 && (length == 6 || length == 7 && ipv6Word(a, 7) != 1 || length == 5 && ipv6Word(a, 5) == 0xffff)
	for i := 0; i < 8; i++ {
		if start <= i && i < start+length {
			if i == start {
				dst = append(dst, ':')
			}
			continue
		}
		if i > 0 {
			dst = append(dst, ':')
		}
		if v4 && i == 6 {
			return appendOctets(dst, a[12:])
		}
		dst = strconv.AppendUint(dst, uint64(ipv6Word(a, i)), 16)
	}
	if start >= 0 && start+length == 8 {
		dst = append(dst, ':')
	}
	return dst
}

// AppendAbbrev appends the short form of a cidr: no more of the address than the mask covers.
func (v Inet) AppendAbbrev(dst []byte) []byte {
	n := v.Bits()
	a := append(NewInet(v.Addr(), n), 0, 0)
	a[:len(v)].Network()
	switch {
	case v[0] == inet6 && n == 0:
		dst = append(dst, "::"...)
	case v[0] == inet6:
		dst = appendShortIPv6(dst, a[2:], n)
	case n == 0:
		dst = append(dst, '0')
	default:
		dst = appendOctets(dst, a[2:2+(n+7)/8])
	}
	return v.appendMask(dst)
}

// shortZeros finds the zero groups that abbrev leaves out. It is PostgreSQL's search, which does not forget a short run before a later one:
// abbrev('1:0:0:1:0:1:0:0/128') leaves out one group that is not zero.
func shortZeros(a []byte, words int) (start, length int) {
	runStart, run := 0, 0
	for i := range words {
		if ipv6Word(a, i) == 0 {
			if run == 0 {
				runStart = i
			}
			run++
		} else if run > length {
			start, length, run = runStart, run, 0
		}
	}
	if run > length {
		start, length = runStart, run
	}
	return start, length
}

// appendShortIPv6 writes the groups of a network that its mask of n bits covers, at least two.
func appendShortIPv6(dst, a []byte, n int) []byte {
	words := max((n+15)/16, 2)
	start, length := shortZeros(a, words)
	v4 := start == 0 && length != words && (length == 6 || length == 5 && bytes.Equal(a[10:12], []byte{0xff, 0xff}) ||
		length == 7 && a[14] != 0 && a[15] != 1)
	first := len(dst)
	for i := range words {
		switch {
		case length > 0 && start <= i && i < start+length:
			if i == start {
				dst = append(dst, ':')
			}
			if i == words-1 {
				dst = append(dst, ':')
			}
		case v4 && i > 5:
			sep := byte('.')
			if i == 6 {
				sep = ':'
			}
			dst = appendOctets(append(dst, sep), a[2*i:2*i+1])
			if i != 7 || n > 120 {
				dst = appendOctets(append(dst, '.'), a[2*i+1:2*i+2])
			}
		default:
			if len(dst) > first {
				dst = append(dst, ':')
			}
			dst = strconv.AppendUint(dst, uint64(ipv6Word(a, i)), 16)
		}
	}
	return dst
}
