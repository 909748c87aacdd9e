package ticket

import (
	"context"
	"sync"
	"time"
)

// Store is where instances share one value an app: a versioned register. The whole
// protocol (lease, renewal, publication) is a sequence of Swaps, so that a medium
// only has to create version n+1 if nobody did, and to tell its time.
type Store interface {
	// Load returns the newest value of app. A register that has none yet, or has lost
	// what it had, has no Data, and a Version that none of its values ever had.
	Load(ctx context.Context, app string) (Value, error)
	// Swap stores data as version+1 if version is still the newest, and reports
	// whether it did. After an error it is unknown whether it did.
	Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error)
}

// StoreCalls is how many calls of its Store a Cache has under way at once. A Store has as
// many connections, so that no call waits for one: what waits is not a Store that is slow.
// An instance has one renewal at a time and app, and most have one app; the timer's of 250
// apps keep four busy, and a server with a thousand instances has 4000 connections at most.
const StoreCalls = 4

// Value is what a Store holds for an app.
type Value struct {
	Version uint64
	Data    []byte    // not to be changed; nil: there is none
	Now     time.Time // the store's clock at the time of the Load, without a monotonic reading
}

// Memory is the Store of a single instance. The zero Memory is empty and ready.
type Memory struct {
	mu     sync.Mutex
	values map[string]Value
	begin  uint64 // where versions begin; another one in tests, of a store that lost its memory
}

// Load implements Store.
func (m *Memory) Load(_ context.Context, app string) (Value, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.value(app)
	v.Now = time.Now().Round(0)
	return v, nil
}

func (m *Memory) value(app string) Value {
	if v, ok := m.values[app]; ok {
		return v
	}
	return Value{Version: m.begin}
}

// Swap implements Store.
func (m *Memory) Swap(_ context.Context, app string, version uint64, data []byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.value(app).Version != version {
		return false, nil
	}
	if m.values == nil {
		m.values = map[string]Value{}
	}
	m.values[app] = Value{Version: version + 1, Data: data}
	return true, nil
}
