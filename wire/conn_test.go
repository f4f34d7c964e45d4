package wire

import (
	"bytes"
	"encoding/binary"
	"net"
	"runtime"
	"testing"
)

// receive lets a Conn read one message whose length is n, of which send bytes arrive before the client is gone. It returns the body and the bytes that were allocated meanwhile.
func receive(t *testing.T, n, send int) (body []byte, allocated uint64, err error) {
	t.Helper()
	client, server := net.Pipe()
	data := binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(n+4))
	data = append(data, bytes.Repeat([]byte{'x'}, send)...)
	go func() {
		client.Write(data)
		client.Close()
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, body, err = NewConn(server, &Pool{}).ReadMessage()
	runtime.ReadMemStats(&after)
	server.Close()
	return body, after.TotalAlloc - before.TotalAlloc, err
}

func TestLargeMessageIsHardlyCopied(t *testing.T) {
	for _, n := range []int{3 << 20, 43 << 20, 64<<20 + 1, 200 << 20} {
		body, allocated, err := receive(t, n, n)
		if err != nil || len(body) != n || bytes.Count(body, []byte{'x'}) != n {
			t.Fatalf("%d of %d bytes arrived: %v", len(body), n, err)
		}
		if most := uint64(n/2*3 + 256<<10); allocated > most {
			t.Errorf("%d bytes were allocated for a message of %d", allocated, n)
		}
	}
}

func TestLengthAloneTakesNoMemory(t *testing.T) {
	if _, allocated, err := receive(t, 500<<20, 1000); err == nil || allocated > 1<<20 {
		t.Errorf("%d bytes were allocated for 1,000 of a message of 500 MB: %v", allocated, err)
	}
}
