package wire

import (
	"strconv"

	"gompho/internal/pgerr"
)

// Simple sends a message without a body.
func (c *Conn) Simple(t byte) { c.End(c.Begin(t)) }

// ReadyForQuery sends the transaction status: 'I', 'T' or 'E'.
func (c *Conn) ReadyForQuery(status byte) {
	at := c.Begin('Z')
	c.Byte(status)
	c.End(at)
}

// CommandComplete sends a command tag.
func (c *Conn) CommandComplete(tag string) {
	at := c.Begin('C')
	c.String(tag)
	c.End(at)
}

// CommandCompleteRows sends a command tag that ends with a row count.
func (c *Conn) CommandCompleteRows(tag string, n uint64) {
	at := c.Begin('C')
	c.out = append(c.out, tag...)
	c.out = append(c.out, ' ')
	c.out = strconv.AppendUint(c.out, n, 10)
	c.Byte(0)
	c.End(at)
}

// ParameterStatus tells the client of a setting's value.
func (c *Conn) ParameterStatus(name, value string) {
	at := c.Begin('S')
	c.String(name)
	c.String(value)
	c.End(at)
}

// AuthenticationOk ends authentication.
func (c *Conn) AuthenticationOk() {
	at := c.Begin('R')
	c.Int32(0)
	c.End(at)
}

// BackendKeyData sends what the client needs to cancel.
func (c *Conn) BackendKeyData(pid int32, secret uint32) {
	at := c.Begin('K')
	c.Int32(pid)
	c.Int32(int32(secret))
	c.End(at)
}

// NegotiateProtocolVersion names the newest version that is spoken and the options that are not known.
func (c *Conn) NegotiateProtocolVersion(version int32, options []string) {
	at := c.Begin('v')
	c.Int32(version)
	c.Int32(int32(len(options)))
	for _, o := range options {
		c.String(o)
	}
	c.End(at)
}

// Notification sends what NOTIFY brought.
func (c *Conn) Notification(pid int32, channel, payload string) {
	at := c.Begin('A')
	c.Int32(pid)
	c.String(channel)
	c.String(payload)
	c.End(at)
}

// Error sends an ErrorResponse, or a NoticeResponse for the severities below ERROR.
func (c *Conn) Error(e *pgerr.Error) {
	t := byte('N')
	switch e.Level() {
	case pgerr.Error_, pgerr.Fatal, pgerr.Panic:
		t = 'E'
	}
	at := c.Begin(t)
	field := func(k byte, s string) {
		if s != "" {
			c.Byte(k)
			c.String(s)
		}
	}
	field('S', string(e.Level()))
	field('V', string(e.Level()))
	field('C', string(e.Code))
	c.Byte('M')
	c.String(e.Message)
	field('D', e.Detail)
	field('H', e.Hint)
	if e.Position > 0 {
		field('P', strconv.Itoa(e.Position))
	}
	if e.InternalPosition > 0 {
		field('p', strconv.Itoa(e.InternalPosition))
	}
	field('q', e.InternalQuery)
	field('W', e.Where)
	field('s', e.Schema)
	field('t', e.Table)
	field('c', e.Column)
	field('d', e.DataType)
	field('n', e.Constraint)
	field('R', e.Routine)
	c.Byte(0)
	c.End(at)
}

// Field describes a result column.
type Field struct {
	Name     string
	TableOid uint32
	Attnum   int16
	TypeOid  uint32
	TypeLen  int16
	Typmod   int32
}

// RowDescription sends the result columns with their formats (by column, one for all, or none for text).
func (c *Conn) RowDescription(fields []Field, formats []int16) {
	at := c.Begin('T')
	c.Int16(int16(len(fields)))
	for i := range fields {
		f := &fields[i]
		c.String(f.Name)
		c.Int32(int32(f.TableOid))
		c.Int16(f.Attnum)
		c.Int32(int32(f.TypeOid))
		c.Int16(f.TypeLen)
		c.Int32(f.Typmod)
		c.Int16(Format(formats, i))
	}
	c.End(at)
}

// Format picks column i's format code.
func Format(formats []int16, i int) int16 {
	switch {
	case len(formats) == 0:
		return 0
	case len(formats) == 1:
		return formats[0]
	case i < len(formats):
		return formats[i]
	}
	return 0
}

// ParameterDescription sends the types of a statement's parameters.
func (c *Conn) ParameterDescription(types []uint32) {
	at := c.Begin('t')
	c.Int16(int16(len(types)))
	for _, t := range types {
		c.Int32(int32(t))
	}
	c.End(at)
}

// CopyResponse starts COPY: t is 'G' (in) or 'H' (out).
func (c *Conn) CopyResponse(t byte, format byte, columns int) {
	at := c.Begin(t)
	c.Byte(format)
	c.Int16(int16(columns))
	for range columns {
		c.Int16(int16(format))
	}
	c.End(at)
}
