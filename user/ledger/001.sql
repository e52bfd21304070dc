-- The ledger, version 1. Times are UTC nanoseconds, money is pico-dollars (1e-12 USD), ids are BLAKE2b.
-- What a row of transfer, call or charge_line says is never changed: triggers below refuse it.
-- Absent is NULL and means unknown, never 0.

PRAGMA application_id = 0x53624d74;

CREATE TABLE schema_version (
	version    INTEGER PRIMARY KEY,
	applied_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE meta (
	one        INTEGER PRIMARY KEY CHECK (one = 1),
	host_id    BLOB NOT NULL CHECK (length(host_id) = 16), -- random, goes into every call's id
	created_ns INTEGER NOT NULL
) STRICT;

-- A balance is credits minus debits = balance_high * 2^63 + balance_low, 0 <= balance_low.
-- All balances add up to 0. kind: wallet, spend, adjustments of a team; funding of "__org__".
CREATE TABLE account (
	id           INTEGER PRIMARY KEY,
	team         TEXT NOT NULL,
	kind         TEXT NOT NULL,
	currency     TEXT NOT NULL DEFAULT 'USD',
	balance_high INTEGER NOT NULL DEFAULT 0,
	balance_low  INTEGER NOT NULL DEFAULT 0 CHECK (balance_low >= 0),
	UNIQUE (team, kind)
) STRICT;

CREATE TABLE period (
	month     TEXT PRIMARY KEY, -- '2026-11'
	state     TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
	closed_ns INTEGER
) STRICT;

CREATE TABLE transfer (
	seq       INTEGER PRIMARY KEY, -- from 1, no gap
	id        BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	debit     INTEGER NOT NULL REFERENCES account (id),
	credit    INTEGER NOT NULL REFERENCES account (id),
	amount    INTEGER NOT NULL CHECK (amount > 0),
	kind      TEXT NOT NULL CHECK (kind IN ('posted', 'pending', 'post', 'void', 'expire')),
	refers_to BLOB REFERENCES transfer (id),
	reason    TEXT NOT NULL, -- charge, allocate, ...
	ts_ns     INTEGER NOT NULL, -- ledger time, never decreases
	period    TEXT NOT NULL REFERENCES period (month),
	call_id   BLOB REFERENCES call (id),
	actor     TEXT,
	hash      BLOB NOT NULL CHECK (length(hash) = 32), -- of the row before and this row: chain.h
	CHECK (debit <> credit)
) STRICT;
CREATE INDEX transfer_by_call ON transfer (call_id) WHERE call_id IS NOT NULL;
CREATE INDEX transfer_by_debit ON transfer (debit, seq);
CREATE INDEX transfer_by_credit ON transfer (credit, seq);

CREATE TABLE call (
	seq             INTEGER PRIMARY KEY, -- order of booking
	id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
	content         BLOB NOT NULL, -- hash of everything the posting said: the same again, or a conflict?
	booked_ns       INTEGER NOT NULL,
	period          TEXT NOT NULL REFERENCES period (month),
	source_id       TEXT,
	kind            TEXT NOT NULL, -- inference, other, error
	ts_start        INTEGER NOT NULL,
	ts_first        INTEGER,
	ts_end          INTEGER NOT NULL,
	-- who
	host            TEXT,
	boot_id         TEXT,
	epoch           BLOB,
	cgroup          TEXT,
	cgroup_id       INTEGER,
	unit            TEXT,
	container       TEXT,
	pod             TEXT,
	namespace       TEXT,
	pid             INTEGER,
	uid             INTEGER,
	exe             TEXT,
	comm            TEXT,
	session         TEXT,
	team            TEXT NOT NULL,
	project         TEXT,
	department      TEXT,
	cost_center     TEXT,
	environment     TEXT,
	rule            TEXT,
	map_revision    TEXT,
	-- what
	provider        TEXT NOT NULL,
	server_address  TEXT,
	operation       TEXT,
	model_requested TEXT,
	model_served    TEXT,
	response_id     TEXT,
	request_id      TEXT,
	service_tier    TEXT,
	region          TEXT,
	stream          INTEGER NOT NULL CHECK (stream IN (0, 1)),
	http_status     INTEGER,
	retry_count     INTEGER,
	outcome         TEXT NOT NULL,
	credential      TEXT,
	request_hash    TEXT,
	repeat_of       BLOB, -- the latest earlier call with the same request_hash
	-- how much
	usage           TEXT NOT NULL, -- {"in_text": 12, ...}: only the leaves that are there
	usage_low       TEXT, -- with usage_high where source is not reported
	usage_high      TEXT,
	raw_usage       TEXT, -- the provider's own object, verbatim
	source          TEXT NOT NULL, -- reported, partial, estimated, none
	why             TEXT, -- a name of tbl/why.h in lower case
	billing         TEXT NOT NULL, -- metered, subscription, free, unpriced
	price_book      TEXT,
	price_entry     TEXT,
	price_match     TEXT,
	price_tier      TEXT,
	price_band      TEXT,
	price_region    TEXT,
	cost_pico       INTEGER, -- NULL: unpriced
	low_pico        INTEGER,
	high_pico       INTEGER,
	reported_cost   TEXT, -- as the provider states it
	joined_to       BLOB, -- another observation of this call, which is the one that is billed
	tags            TEXT
) STRICT;
CREATE INDEX call_by_time ON call (ts_start);
CREATE INDEX call_by_team ON call (team, ts_start);
CREATE INDEX call_by_cgroup ON call (cgroup, ts_start);
CREATE INDEX call_by_response ON call (response_id) WHERE response_id IS NOT NULL;
CREATE INDEX call_by_request ON call (request_hash) WHERE request_hash IS NOT NULL;

CREATE TABLE charge_line (
	call_seq  INTEGER NOT NULL REFERENCES call (seq),
	leaf      TEXT NOT NULL,
	quantity  INTEGER NOT NULL CHECK (quantity >= 0),
	rate_pico INTEGER NOT NULL CHECK (rate_pico >= 0),
	rate_per  INTEGER NOT NULL CHECK (rate_per > 0),
	amount    INTEGER NOT NULL CHECK (amount >= 0), -- quantity * rate_pico / rate_per, half to even
	PRIMARY KEY (call_seq, leaf)
) STRICT, WITHOUT ROWID;

-- Time with probes, and without.
CREATE TABLE epoch (
	seq          INTEGER PRIMARY KEY,
	epoch        BLOB NOT NULL UNIQUE CHECK (length(epoch) = 8),
	started_ns   INTEGER NOT NULL,
	ready_ns     INTEGER,
	heartbeat_ns INTEGER -- everything that ended before it is booked
) STRICT;

CREATE TABLE gap (
	seq      INTEGER PRIMARY KEY,
	from_ns  INTEGER NOT NULL,
	until_ns INTEGER CHECK (until_ns >= from_ns), -- NULL: it lasts
	reason   TEXT NOT NULL,
	UNIQUE (from_ns, reason)
) STRICT;

CREATE TABLE idempotency (
	key      TEXT PRIMARY KEY,
	hash     BLOB NOT NULL, -- of what was asked
	transfer BLOB NOT NULL REFERENCES transfer (id)
) STRICT;

CREATE TRIGGER transfer_stays BEFORE UPDATE ON transfer
BEGIN SELECT raise(ABORT, 'a transfer is never changed: book a correcting one'); END;
CREATE TRIGGER transfer_kept BEFORE DELETE ON transfer
BEGIN SELECT raise(ABORT, 'a transfer is never deleted: book a correcting one'); END;
CREATE TRIGGER call_stays BEFORE UPDATE ON call
BEGIN SELECT raise(ABORT, 'a call is never changed'); END;
CREATE TRIGGER call_kept BEFORE DELETE ON call
BEGIN SELECT raise(ABORT, 'a call is never deleted'); END;
CREATE TRIGGER charge_line_stays BEFORE UPDATE ON charge_line
BEGIN SELECT raise(ABORT, 'a charge line is never changed'); END;
CREATE TRIGGER charge_line_kept BEFORE DELETE ON charge_line
BEGIN SELECT raise(ABORT, 'a charge line is never deleted'); END;
