package stats

import (
	"testing"

	"gompho/internal/pgerr"
)

// TestLostInterrupt: a request that was raised and ignored is raised again, and told when its statement is about to succeed; one that nobody has seen is not.
func TestLostInterrupt(t *testing.T) {
	for _, c := range []struct {
		what Interrupt
		code pgerr.Code
	}{{CancelQuery, pgerr.QueryCanceled}, {StatementTimeout, pgerr.QueryCanceled}, {LockTimeout, pgerr.LockNotAvailable}} {
		s := NewSlot(1, 0)
		s.Interrupt(c.what)
		if err := s.Lost(); err != nil {
			t.Errorf("%v before anybody looked", err)
		}
		s.HoldInterrupts()
		if err := s.CheckInterrupts(); err != nil {
			t.Errorf("%v while interrupts are held", err)
		}
		s.ResumeInterrupts()
		for range 2 {
			if err := s.CheckInterrupts(); !pgerr.Is(err, c.code) {
				t.Errorf("raised %v", err)
			}
		}
		if err := s.Lost(); !pgerr.Is(err, c.code) {
			t.Errorf("at the end %v", err)
		}
		s.EndStatement()
		if s.CheckInterrupts() != nil || s.Lost() != nil || s.Pending() != 0 {
			t.Error("the statement is over and the request is not")
		}
	}
	s := NewSlot(1, 0)
	s.Interrupt(Terminate)
	s.EndStatement()
	if err := s.CheckInterrupts(); !pgerr.Is(err, pgerr.AdminShutdown) {
		t.Errorf("the end of a statement made %v of a termination", err)
	}
}
