package wire

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"gompho/internal/pgerr"
)

// Body reads the fields of a message. After the first field that is not there Err is set and all further ones are zero.
type Body struct {
	b   []byte
	bad bool
	cut bool // bad because a string does not end
}

// NewBody reads b.
func NewBody(b []byte) Body { return Body{b: b} }

// Err returns the protocol violation, if any.
func (m *Body) Err() error {
	switch {
	case m.cut:
		return pgerr.New(pgerr.ProtocolViolation, "invalid string in message")
	case m.bad:
		return pgerr.New(pgerr.ProtocolViolation, "insufficient data left in message")
	}
	return nil
}

// Done returns an error unless everything was read.
func (m *Body) Done() error {
	if m.bad {
		return m.Err()
	}
	if len(m.b) > 0 {
		return pgerr.New(pgerr.ProtocolViolation, "invalid message format")
	}
	return nil
}

// Len returns how many bytes are left.
func (m *Body) Len() int { return len(m.b) }

// Byte reads one byte.
func (m *Body) Byte() byte {
	if len(m.b) < 1 {
		m.bad = true
		return 0
	}
	v := m.b[0]
	m.b = m.b[1:]
	return v
}

// Int16 reads a 16-bit integer.
func (m *Body) Int16() int16 {
	if len(m.b) < 2 {
		m.bad, m.b = true, nil
		return 0
	}
	v := int16(binary.BigEndian.Uint16(m.b))
	m.b = m.b[2:]
	return v
}

// Int32 reads a 32-bit integer.
func (m *Body) Int32() int32 {
	if len(m.b) < 4 {
		m.bad, m.b = true, nil
		return 0
	}
	v := int32(binary.BigEndian.Uint32(m.b))
	m.b = m.b[4:]
	return v
}

// Bytes reads n bytes, shared with the message.
func (m *Body) Bytes(n int) []byte {
	if n < 0 || len(m.b) < n {
		m.bad, m.b = true, nil
		return nil
	}
	v := m.b[:n:n]
	m.b = m.b[n:]
	return v
}

// CString reads a string up to its terminating zero; it shares the message's memory.
func (m *Body) CString() string {
	i := bytes.IndexByte(m.b, 0)
	if i < 0 {
		m.cut = !m.bad
		m.bad, m.b = true, nil
		return ""
	}
	s := unsafe.String(unsafe.SliceData(m.b), i)
	if i == 0 {
		s = ""
	}
	m.b = m.b[i+1:]
	return s
}
