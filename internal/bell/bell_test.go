package bell

import "testing"

func rung[T comparable](e *Ear[T]) bool {
	select {
	case <-e.C:
		return true
	default:
		return false
	}
}

func TestRing(t *testing.T) {
	var b Bell[string]
	build, deploy := b.Listen("build"), b.Listen("deploy")
	defer deploy.Close()

	b.Ring([]string{"build", "build"})
	if !rung(build) || rung(build) {
		t.Error("two rings before a look must be merged into one")
	}
	if rung(deploy) {
		t.Error("a ring reached the listener of another topic")
	}

	b.Ring(nil)
	if !rung(build) || !rung(deploy) {
		t.Error("a ring without topics must reach everybody")
	}

	build.Close()
	b.Ring([]string{"build"})
	if rung(build) {
		t.Error("a closed ear still hears")
	}
	if _, kept := b.ears["build"]; kept {
		t.Error("a topic nobody listens to is still kept")
	}
}

// Ring is on the path of every send: what it costs must not depend on who
// listens elsewhere.
func BenchmarkRing(b *testing.B) {
	for _, others := range []int{0, 300, 3000} {
		b.Run(map[int]string{0: "alone", 300: "300 elsewhere", 3000: "3000 elsewhere"}[others], func(b *testing.B) {
			var bell Bell[int]
			for i := range others {
				defer bell.Listen(i + 1).Close()
			}
			topics := []int{0}
			for b.Loop() {
				bell.Ring(topics)
			}
		})
	}
}
