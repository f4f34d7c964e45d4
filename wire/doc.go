// Package wire reads and writes the messages of PostgreSQL's frontend/backend protocol, version 3, on the server's
// side.
//
// Layer: low; it knows bytes and SQLSTATE errors, nothing of sessions.
//
// Rules:
//
//  1. A Conn belongs to one goroutine. Only Close and PeerClosed may be called from another.
//  2. Messages are built in place in one write buffer, which goes to the socket when it is large or at Flush: one system call
//     for the answer to one query.
//  3. Between messages a Conn holds only a small read buffer; larger ones come from and go back to a pool.
//  4. A message body is valid until the next ReadMessage.
//  5. A malformed message is a *pgerr.Error with 08P01; errors of the socket are returned as they are.
package wire
