// Package isolation runs the isolation specs of testdata/isolation: sessions whose steps run in given orders, with every wait, error
// and result set on record.
//
// Layer: tests; nothing imports it.
//
// Rules:
//
//  1. The specs are in the format of PostgreSQL's isolationtester, and what they print is in its format too: setup, teardown, sessions of
//     named steps, permutations. A step's name in a permutation can be followed by markers in parentheses: * (the step is reported as
//     waiting even when it is quick), the name of another step (it is reported as complete only after that one) and "NAME notices N" (only
//     after that step's session has sent N more notices). Without permutations every order of the steps runs that
//     keeps each session's own order.
//
//  2. Whether a step waits is asked of pg_isolation_test_session_is_blocked, whenever nothing came of it for ten milliseconds.
//
//  3. testdata/isolation/expected/NAME.out is what the distribution's isolationtester prints of PostgreSQL 15. It is made by
//
//     go test ./internal/tests/isolation -rewrite -reference 'host=127.0.0.1 port=5432 user=postgres' [-run TestSpecs/NAME]
//
//     which needs the package postgresql-server-dev-15 and a running server (its prepared transactions switched on).
//
//  4. TestSpecs runs the specs with the runner of this package. TestIsolationtester runs them with the distribution's program, where
//     that is installed, against gompho. Both demand the output on record, to the byte.
//
//  5. NAME.known beside a spec says why gompho is known to differ; such a spec is skipped as long as it does.
//
//  6. Each spec runs in a new database; several servers work through the list side by side.
//
// To debug a spec, run it alone with -run and read the difference; -v shows the whole output.
package isolation
