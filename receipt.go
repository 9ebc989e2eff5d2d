package agentbridge

// ReceiptState is what is known about one message and one recipient. It never
// says more than the evidence.
type ReceiptState string

const (
	Stored   ReceiptState = "stored"   // on disk; not handed out yet
	Offered  ReceiptState = "offered"  // in a reply that is on its way; comes back if the reply is lost
	Injected ReceiptState = "injected" // the reply that carried it left the process: it counts as read
)

// Read tells whether a message in this state counts as read.
func (s ReceiptState) Read() bool { return s == Injected }
