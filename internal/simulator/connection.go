package simulator

import "net/http"

// KeepConnections has a server of the simulator keep its connections as Config.KeepAlive says, whatever it has between
// itself and the simulator. The server must not have begun.
func (s *Simulator) KeepConnections(server *http.Server) {
	server.SetKeepAlivesEnabled(s.cfg.KeepAlive >= 0)
	server.IdleTimeout = max(s.cfg.KeepAlive, 0) // 0: for good, as the server has no other times
}
