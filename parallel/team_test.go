package parallel_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"gompho/internal/pgerr"
	"gompho/parallel"
	"gompho/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func untilInterrupted(w *parallel.Worker) error {
	for {
		<-w.Slot.Wake()
		if err := w.Slot.CheckInterrupts(); err != nil {
			return err
		}
	}
}

func start(n, limit int, run func(*parallel.Worker) error) (*stats.Table, *stats.Slot, *parallel.Team) {
	procs := stats.NewTable(100)
	leader := procs.Add("client backend")
	return procs, leader, parallel.Start(procs, leader, n, limit, run)
}

func TestTeamRunsAndForgetsItsWorkers(t *testing.T) {
	var ran atomic.Int32
	procs, leader, team := start(5, 3, func(w *parallel.Worker) error {
		if w.Slot.Leader != 100 {
			t.Errorf("leader %d", w.Slot.Leader)
		}
		ran.Add(1)
		w.Slot.Buffers.Read.Add(2)
		return nil
	})
	if err := team.Wait(); err != nil {
		t.Fatal(err)
	}
	team.Stop()
	if ran.Load() != 3 || len(procs.All()) != 1 || leader.Buffers.Read.Load() != 6 {
		t.Fatalf("%d ran, %d processes left, %d blocks read", ran.Load(), len(procs.All()), leader.Buffers.Read.Load())
	}
	again := parallel.Start(procs, leader, 2, 3, func(*parallel.Worker) error { return nil })
	if again.Size() != 2 {
		t.Fatalf("%d workers after others have ended", again.Size())
	}
	again.Stop()
}

func TestFirstErrorStopsTheOthers(t *testing.T) {
	want := errors.New("bad row")
	_, _, team := start(3, 8, func(w *parallel.Worker) error {
		if w.No == 1 {
			return want
		}
		return untilInterrupted(w)
	})
	if err := team.Wait(); err != want {
		t.Fatalf("got %v", err)
	}
}

func TestInterruptOfTheLeaderStopsAll(t *testing.T) {
	_, leader, team := start(2, 8, untilInterrupted)
	leader.Interrupt(stats.CancelQuery)
	if err := team.Wait(); !pgerr.Is(err, pgerr.QueryCanceled) {
		t.Fatalf("got %v", err)
	}
}

func TestStopIsNoError(t *testing.T) {
	_, _, team := start(2, 8, untilInterrupted)
	team.Stop()
	if err := team.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestPanicBecomesTheLeaders(t *testing.T) {
	for _, critical := range []bool{false, true} {
		_, leader, team := start(2, 8, func(w *parallel.Worker) error {
			if w.No == 1 {
				return untilInterrupted(w)
			}
			if critical {
				w.Slot.EnterCritical()
			}
			panic("bug")
		})
		func() {
			defer func() {
				if r := recover(); r == nil {
					t.Error("no panic")
				}
			}()
			team.Wait()
		}()
		if leader.InCritical() != critical {
			t.Errorf("leader critical: %v", leader.InCritical())
		}
	}
}
