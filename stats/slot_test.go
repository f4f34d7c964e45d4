package stats

import (
	"runtime"
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

// TestPause: a paused process stops where it looks for interrupts, shows that, and goes on when it may or must.
func TestPause(t *testing.T) {
	s := NewSlot(1, 0)
	steps, end := make(chan int), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			if err := s.CheckInterrupts(); err != nil {
				end <- err
				return
			}
			select {
			case steps <- n:
			default:
			}
		}
	}()
	paused := func(event WaitEvent) {
		for s.Waiting() != event {
			runtime.Gosched()
		}
	}
	<-steps
	for i := range 100 {
		why, event, other := GiveWay, TimeoutGiveWay, MakeRoom
		if i%2 == 1 {
			why, event, other = MakeRoom, TimeoutMakeRoom, GiveWay
		}
		s.Pause(why)
		paused(event)
		s.Pause(other) // two reasons: both have to go
		s.Resume(other)
		select {
		case n := <-steps:
			t.Fatalf("step %d during a pause", n)
		default:
		}
		s.WakeUp() // for something else
		paused(event)
		s.Resume(why)
		<-steps
	}
	s.Pause(GiveWay)
	paused(TimeoutGiveWay)
	s.Interrupt(CancelQuery)
	if err := <-end; !pgerr.Is(err, pgerr.QueryCanceled) {
		t.Errorf("canceled during a pause: %v", err)
	}
	s.EndStatement()
	if s.Pending() != 0 || s.Waiting() != 0 {
		t.Errorf("after the statement: %v pending, waits for %v", s.Pending(), s.Waiting())
	}
	s.Pause(GiveWay)
	s.HoldInterrupts()
	if err := s.CheckInterrupts(); err != nil || s.Pending()&GiveWay == 0 {
		t.Errorf("while interrupts are held: %v, %v pending", err, s.Pending())
	}
	s.ResumeInterrupts()
	s.EndStatement()
	if s.Pending() != 0 {
		t.Errorf("the pause outlived its statement: %v pending", s.Pending())
	}
}
