package backend

import (
	"io"

	"gompho/internal/pgerr"
	"gompho/wire"
)

// copyIn starts COPY FROM STDIN: the returned reader gives the bytes of the CopyData messages.
func (b *Backend) copyIn(columns int, binary bool) (io.Reader, error) {
	b.c.CopyResponse('G', formatByte(binary), columns)
	if err := b.c.Flush(); err != nil {
		return nil, err
	}
	return &copyReader{b: b}, nil
}

func formatByte(binary bool) byte {
	if binary {
		return 1
	}
	return 0
}

type copyReader struct {
	b    *Backend
	rest []byte
	end  error
}

// Read implements io.Reader. It returns io.EOF after CopyDone and an error after CopyFail.
func (r *copyReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.end != nil {
			return 0, r.end
		}
		if err := r.b.o.Slot.CheckInterrupts(); err != nil {
			return 0, err
		}
		t, body, err := r.b.c.ReadMessage()
		if err != nil {
			if e := r.b.o.Slot.CheckInterrupts(); e != nil {
				err = e
			} else if _, ok := err.(*pgerr.Error); !ok {
				err = pgerr.New(pgerr.ConnectionFailure, "unexpected EOF on client connection with an open transaction").WithSeverity(pgerr.Fatal)
			}
			r.end = err
			return 0, err
		}
		switch t {
		case 'd':
			r.rest = body
		case 'c':
			r.end = io.EOF
		case 'f':
			m := wire.NewBody(body)
			r.end = pgerr.New(pgerr.QueryCanceled, "COPY from stdin failed: %s", m.CString())
		case 'H', 'S': // allowed and ignored while data flows
		default:
			r.b.lost = true
			r.end = pgerr.New(pgerr.ProtocolViolation, "unexpected message type 0x%02X during COPY from stdin", t)
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// copyOut starts COPY TO STDOUT: each Write is one CopyData message.
func (b *Backend) copyOut(columns int, binary bool) (io.WriteCloser, error) {
	b.c.CopyResponse('H', formatByte(binary), columns)
	return &copyWriter{b: b}, nil
}

type copyWriter struct{ b *Backend }

// Write implements io.Writer.
func (w *copyWriter) Write(p []byte) (int, error) {
	at := w.b.c.Begin('d')
	w.b.c.Bytes(p)
	w.b.c.End(at)
	return len(p), w.b.c.Err()
}

// Close ends the data.
func (w *copyWriter) Close() error {
	w.b.c.Simple('c')
	return w.b.c.Err()
}
