package simulator_test

import (
	"fmt"
	"net/http/httptest"

	"kyc-ocr-relay/internal/simulator"
)

// A front end starts the OCR with what its server signed, and hands a sign back. This server
// signed with a ticket that it made up.
func ExampleSimulator_RunOCR() {
	vendor := simulator.New(simulator.Config{Apps: map[string]string{"IDA00001": "the app's secret"}})
	server := httptest.NewServer(vendor) // where the server fetches its tickets
	defer server.Close()

	_, err := vendor.RunOCR(simulator.Start{
		AppID: "IDA00001", UserID: "user1", OrderNo: "order1", Version: "1.0.0",
		Nonce: "kHoSxvLZGxSoFsjxlbzEoUzh5PAnTU7T", Sign: "D7606F1741DDCF90757DA924EDCF152A200AC7F0",
	})
	fmt.Println(err)
	fmt.Println(vendor.Violations())
	// Output:
	// code 400101: no live NONCE ticket of the user signs this
	// [client: no live NONCE ticket of the user signs this]
}
