package budget

import (
	"testing"

	"pgregory.net/rapid"
)

// free is what a budget has when nobody holds any of it.
const free = photoMemory + plainMemory

func TestPlainAnswersKeepTheirMemory(t *testing.T) {
	b := New()
	large := b.Hold()
	if !large.Admit(true) {
		t.Fatal("nobody is there, and nothing is left")
	}
	if _, ok := large.Take(photoMemory); !ok {
		t.Fatal("the largest answer is refused to the only request")
	}
	if b.Hold().Admit(true) {
		t.Error("another one with photos is admitted")
	}
	plain := make([]*Hold, plainMemory/plainShare+1)
	for i := range plain {
		plain[i] = b.Hold()
		if want := i < len(plain)-1; plain[i].Admit(false) != want {
			t.Fatalf("plain request %d: want %v", i+1, want)
		}
	}
	if _, ok := plain[0].Take(1 << 20); ok {
		t.Error("a plain request has a large answer at the cost of the others")
	}
	if _, ok := plain[1].Take(1 << 10); !ok {
		t.Error("a plain request does not get what it was admitted with")
	}
	large.Release()
	for i := range plain {
		plain[i].Release()
	}
	if got := b.left.Load(); got != free {
		t.Errorf("%d bytes left, want %d", got, free)
	}
}

func TestRequestsWithPhotosAreExpectedToNeedWhatOthersDid(t *testing.T) {
	b := New()
	admitted := func() (n int) {
		var holds []*Hold
		for {
			h := b.Hold()
			if !h.Admit(true) {
				break
			}
			holds = append(holds, h)
		}
		for _, h := range holds {
			h.Release()
		}
		return len(holds)
	}
	if got := admitted(); got != photoMemory/photoShare {
		t.Errorf("%d requests at first", got)
	}
	for range 100 {
		h := b.Hold()
		h.Admit(true)
		h.Take(6 << 20)
		h.Release()
	}
	if got := admitted(); got != 10 {
		t.Errorf("%d requests after answers of 6 MB", got)
	}
	for range 100 {
		h := b.Hold()
		h.Admit(true)
		h.Take(1 << 10)
		h.Release()
	}
	if got := admitted(); got != photoMemory/photoShare {
		t.Errorf("%d requests after small answers", got)
	}
}

// TestLargeAnswersDoNotStarvePhotos: what some took says little about what others need.
func TestLargeAnswersDoNotStarvePhotos(t *testing.T) {
	b := New()
	for range 50 { // chunked ones, which take what they turn out to need
		h := b.Hold()
		h.Admit(true)
		h.Take(photoMemory)
		h.Release()
	}
	plain := b.Hold()
	if !plain.Admit(false) {
		t.Fatal("a plain request is refused")
	}
	for i := range 200 {
		h := b.Hold()
		if !h.Admit(true) {
			t.Fatalf("request %d for a small photo is refused", i+1)
		}
		h.Take(3)
		h.Release()
	}
}

// TestRefusalsLowerWhatIsExpected: where a wrong estimate refuses everybody, nobody is left
// to mend it.
func TestRefusalsLowerWhatIsExpected(t *testing.T) {
	b := New()
	b.usual.Store(mostShare)
	if !b.take(photoMemory-2*photoShare, plainMemory) { // somebody has nearly all
		t.Fatal("nothing is taken, and nothing is left")
	}
	for range 60 {
		h := b.Hold()
		if h.Admit(true) {
			return
		}
	}
	t.Errorf("after 60 refusals %d bytes are expected", b.usual.Load())
}

// TestBudgetAddsUp has requests take, give and end in any order: what is held is what
// they use, as far as that is known, and never more than there is.
func TestBudgetAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := New()
		var holds []*Hold
		check := func() {
			var held int64
			for _, h := range holds {
				held += h.taken
				if h.taken < min(h.used, photoMemory) {
					t.Fatalf("%d bytes are used, %d held", h.used, h.taken)
				}
			}
			if left := b.left.Load(); left < 0 || left+held != free {
				t.Fatalf("%d left and %d held of %d", left, held, free)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"admit": func(t *rapid.T) {
				h := b.Hold()
				if h.Admit(rapid.Bool().Draw(t, "photos")) {
					holds = append(holds, h)
				}
			},
			"take": func(t *rapid.T) {
				if len(holds) > 0 {
					rapid.SampledFrom(holds).Draw(t, "hold").need(overhead + rapid.Int64Range(0, 2*photoMemory).Draw(t, "bytes"))
				}
			},
			"release": func(t *rapid.T) {
				if len(holds) > 0 {
					i := rapid.IntRange(0, len(holds)-1).Draw(t, "hold")
					holds[i].Release()
					holds = append(holds[:i], holds[i+1:]...)
				}
			},
			"": func(*rapid.T) { check() },
		})
	})
}

func TestSpareMemoryIsOfAboutTheSize(t *testing.T) {
	for n := 1; n <= 3<<20; n = n*3/2 + 1 {
		Keep(make([]byte, n))
		if b := buffer(n); len(b) != n || n >= minSpare && cap(b) > 2*n {
			t.Errorf("asked for %d, got %d of %d", n, len(b), cap(b))
		}
	}
}
