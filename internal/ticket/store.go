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
	// Load returns the newest value of app; Version 0 means that there is none.
	Load(ctx context.Context, app string) (Value, error)
	// Swap stores data as version+1 if version is still the newest, and reports
	// whether it did. After an error it is unknown whether it did.
	Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error)
}

// Value is what a Store holds for an app.
type Value struct {
	Version uint64
	Data    []byte    // not to be changed
	Now     time.Time // the store's clock at the time of the Load, without a monotonic reading
}

// Memory is the Store of a single instance. The zero Memory is empty and ready.
type Memory struct {
	mu     sync.Mutex
	values map[string]Value
}

// Load implements Store.
func (m *Memory) Load(_ context.Context, app string) (Value, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.values[app]
	v.Now = time.Now().Round(0)
	return v, nil
}

// Swap implements Store.
func (m *Memory) Swap(_ context.Context, app string, version uint64, data []byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values[app].Version != version {
		return false, nil
	}
	if m.values == nil {
		m.values = map[string]Value{}
	}
	m.values[app] = Value{Version: version + 1, Data: data}
	return true, nil
}
