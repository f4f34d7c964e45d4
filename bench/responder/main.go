// Command responder answers every query of the protocol with one constant row, without parsing or storage: the ceiling
// that a Go server of this protocol can reach on a machine. bench/compare starts it as its third column.
package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"os"

	"gompho/wire"
)

func main() {
	port := flag.Int("port", 5499, "TCP port")
	dir := flag.String("k", "/tmp", "directory of the Unix socket")
	flag.Parse()
	path := fmt.Sprintf("%s/.s.PGSQL.%d", *dir, *port)
	os.Remove(path)
	u, err := net.Listen("unix", path)
	exit(err)
	t, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	exit(err)
	fmt.Println("ready")
	go accept(u)
	accept(t)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func accept(l net.Listener) {
	pool := &wire.Pool{}
	for {
		c, err := l.Accept()
		exit(err)
		go serve(c, pool)
	}
}

var field = []wire.Field{{Name: "abalance", TypeOid: 23, TypeLen: 4, Typmod: -1}}

func serve(nc net.Conn, pool *wire.Pool) {
	defer nc.Close()
	c := wire.NewConn(nc, pool)
	for {
		b, err := c.ReadStartup()
		if err != nil {
			return
		}
		if code := binary.BigEndian.Uint32(b); code>>16 == 1234 {
			c.RawByte('N')
			continue
		}
		break
	}
	c.AuthenticationOk()
	c.ParameterStatus("server_version", "15.18")
	c.ParameterStatus("client_encoding", "UTF8")
	c.ParameterStatus("standard_conforming_strings", "on")
	c.BackendKeyData(1, 1)
	c.ReadyForQuery('I')
	for c.Flush() == nil {
		for {
			t, body, err := c.ReadMessage()
			if err != nil || t == 'X' {
				return
			}
			if t == 'Q' && bytes.Contains(body, []byte("partstrat")) {
				partitions(c)
				break
			}
			answer(c, t)
			if t == 'Q' || t == 'S' {
				break
			}
		}
	}
}

func answer(c *wire.Conn, t byte) {
	switch t {
	case 'Q':
		c.RowDescription(field, nil)
		row(c)
		c.ReadyForQuery('I')
	case 'P':
		c.Simple('1')
	case 'B':
		c.Simple('2')
	case 'D':
		c.RowDescription(field, nil)
	case 'E':
		row(c)
	case 'C':
		c.Simple('3')
	case 'S':
		c.ReadyForQuery('I')
	}
}

func row(c *wire.Conn) {
	at := c.Begin('D')
	c.Int16(1)
	c.Int32(1)
	c.Byte('1') // pgbench takes it for its scale as well
	c.End(at)
	c.CommandComplete("SELECT 1")
}

var partitionFields = []wire.Field{{Name: "n", TypeOid: 23, TypeLen: 4, Typmod: -1}, {Name: "partstrat", TypeOid: 18, TypeLen: 1, Typmod: -1},
	{Name: "count", TypeOid: 20, TypeLen: 8, Typmod: -1}}

// partitions answers pgbench's question how its tables are partitioned, the one that it asks before it begins: not at all.
func partitions(c *wire.Conn) {
	c.RowDescription(partitionFields, nil)
	at := c.Begin('D')
	c.Int16(3)
	c.Int32(1)
	c.Byte('1')
	c.Int32(-1)
	c.Int32(1)
	c.Byte('0')
	c.End(at)
	c.CommandComplete("SELECT 1")
	c.ReadyForQuery('I')
}
