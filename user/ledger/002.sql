-- The ledger, version 2. What a call costs after all, when that is known or corrected later: the row of the call stays as
-- it was booked, a `revision` says what is true now, and transfers move the difference. Read `call_now` and `call_paid`.

ALTER TABLE call ADD COLUMN flags TEXT; -- names of tbl/flag.h, with commas
ALTER TABLE call ADD COLUMN contract TEXT; -- whose rates changed the list price
ALTER TABLE call ADD COLUMN list_pico INTEGER; -- before that
ALTER TABLE call ADD COLUMN shadow_pico INTEGER; -- unpriced: what the book's shadow rates make of it; no money
ALTER TABLE call ADD COLUMN later TEXT; -- fetched, result: told by another exchange than the one that made it
ALTER TABLE call ADD COLUMN retry_of BLOB; -- the failed call that this one repeats
ALTER TABLE call ADD COLUMN plain INTEGER NOT NULL DEFAULT 0 CHECK (plain IN (0, 1)); -- plain HTTP
ALTER TABLE call ADD COLUMN gateway INTEGER NOT NULL DEFAULT 0 CHECK (gateway IN (0, 1)); -- its rule says `hop: gateway`
-- What was said before any price: another book may make another charge of it. NULL in rows of version 1.
ALTER TABLE call ADD COLUMN usage_billing TEXT;
ALTER TABLE call ADD COLUMN usage_why TEXT;
ALTER TABLE call ADD COLUMN usage_flags TEXT;
CREATE INDEX call_by_contract ON call (contract, ts_start) WHERE contract IS NOT NULL;

-- The last one of a call is what counts. Columns as in `call`.
CREATE TABLE revision (
	seq           INTEGER PRIMARY KEY,
	call_seq      INTEGER NOT NULL REFERENCES call (seq),
	number        INTEGER NOT NULL CHECK (number > 0), -- of this call, from 1, no gap
	booked_ns     INTEGER NOT NULL,
	after_seq     INTEGER NOT NULL, -- the last call that was booked before
	-- joined: it got a price, and is another observation of a call that is billed: what it would cost, and no money
	reason        TEXT NOT NULL CHECK (reason IN ('fetched', 'repriced', 'joined')),
	told_by       BLOB REFERENCES call (id), -- fetched: the call that told it; joined: the call that is billed
	actor         TEXT, -- repriced, joined: who asked
	amount        INTEGER NOT NULL, -- pico-dollars that its team pays more than before; 0: no transfer
	model_served  TEXT,
	service_tier  TEXT,
	region        TEXT,
	usage         TEXT NOT NULL,
	usage_low     TEXT,
	usage_high    TEXT,
	raw_usage     TEXT,
	source        TEXT NOT NULL,
	why           TEXT,
	billing       TEXT NOT NULL,
	usage_billing TEXT,
	usage_why     TEXT,
	usage_flags   TEXT,
	price_book    TEXT,
	price_entry   TEXT,
	price_match   TEXT,
	price_tier    TEXT,
	price_band    TEXT,
	price_region  TEXT,
	flags         TEXT,
	contract      TEXT,
	list_pico     INTEGER,
	shadow_pico   INTEGER,
	cost_pico     INTEGER,
	low_pico      INTEGER,
	high_pico     INTEGER,
	reported_cost TEXT,
	UNIQUE (call_seq, number)
) STRICT;

CREATE TABLE revision_line (
	revision_seq INTEGER NOT NULL REFERENCES revision (seq),
	leaf         TEXT NOT NULL,
	quantity     INTEGER NOT NULL CHECK (quantity >= 0),
	rate_pico    INTEGER NOT NULL CHECK (rate_pico >= 0),
	rate_per     INTEGER NOT NULL CHECK (rate_per > 0),
	amount       INTEGER NOT NULL CHECK (amount >= 0),
	PRIMARY KEY (revision_seq, leaf)
) STRICT, WITHOUT ROWID;

-- A gateway's call to a provider is paid by who asked the gateway.
CREATE TABLE handover (
	call_seq   INTEGER PRIMARY KEY REFERENCES call (seq), -- the provider leg
	caller_seq INTEGER NOT NULL UNIQUE REFERENCES call (seq), -- the caller's leg: nobody pays for that
	booked_ns  INTEGER NOT NULL
) STRICT;

CREATE TRIGGER revision_stays BEFORE UPDATE ON revision
BEGIN SELECT raise(ABORT, 'a revision is never changed: book another'); END;
CREATE TRIGGER revision_kept BEFORE DELETE ON revision
BEGIN SELECT raise(ABORT, 'a revision is never deleted: book another'); END;
CREATE TRIGGER revision_line_stays BEFORE UPDATE ON revision_line
BEGIN SELECT raise(ABORT, 'a line of a revision is never changed'); END;
CREATE TRIGGER revision_line_kept BEFORE DELETE ON revision_line
BEGIN SELECT raise(ABORT, 'a line of a revision is never deleted'); END;
CREATE TRIGGER handover_stays BEFORE UPDATE ON handover
BEGIN SELECT raise(ABORT, 'who pays is never changed'); END;
CREATE TRIGGER handover_kept BEFORE DELETE ON handover
BEGIN SELECT raise(ABORT, 'who pays is never changed'); END;

-- Calls as they stand now: who made them, what they cost after the last revision.
CREATE VIEW call_now AS
SELECT c.seq, c.id, c.booked_ns, c.period, c.source_id, c.kind, c.ts_start, c.ts_first, c.ts_end, c.host, c.boot_id, c.epoch,
	c.cgroup, c.cgroup_id, c.unit, c.container, c.pod, c.namespace, c.pid, c.uid, c.exe, c.comm, c.session, c.team,
	c.project, c.department, c.cost_center, c.environment, c.rule, c.map_revision, c.provider, c.server_address,
	c.operation, c.model_requested, coalesce(r.model_served, c.model_served) AS model_served, c.response_id, c.request_id,
	iif(r.seq IS NULL, c.service_tier, r.service_tier) AS service_tier, iif(r.seq IS NULL, c.region, r.region) AS region,
	c.stream, c.http_status, c.retry_count, c.outcome, c.credential, c.request_hash, c.repeat_of, c.retry_of, c.later,
	c.plain, c.gateway,
	iif(r.seq IS NULL, c.usage, r.usage) AS usage,
	iif(r.seq IS NULL, c.usage_low, r.usage_low) AS usage_low,
	iif(r.seq IS NULL, c.usage_high, r.usage_high) AS usage_high,
	iif(r.seq IS NULL, c.raw_usage, r.raw_usage) AS raw_usage,
	iif(r.seq IS NULL, c.source, r.source) AS source,
	iif(r.seq IS NULL, c.why, r.why) AS why,
	iif(r.seq IS NULL, c.billing, r.billing) AS billing,
	iif(r.seq IS NULL, c.usage_billing, r.usage_billing) AS usage_billing,
	iif(r.seq IS NULL, c.usage_why, r.usage_why) AS usage_why,
	iif(r.seq IS NULL, c.usage_flags, r.usage_flags) AS usage_flags,
	iif(r.seq IS NULL, c.price_book, r.price_book) AS price_book,
	iif(r.seq IS NULL, c.price_entry, r.price_entry) AS price_entry,
	iif(r.seq IS NULL, c.price_match, r.price_match) AS price_match,
	iif(r.seq IS NULL, c.price_tier, r.price_tier) AS price_tier,
	iif(r.seq IS NULL, c.price_band, r.price_band) AS price_band,
	iif(r.seq IS NULL, c.price_region, r.price_region) AS price_region,
	iif(r.seq IS NULL, c.flags, r.flags) AS flags,
	iif(r.seq IS NULL, c.contract, r.contract) AS contract,
	iif(r.seq IS NULL, c.list_pico, r.list_pico) AS list_pico,
	iif(r.seq IS NULL, c.shadow_pico, r.shadow_pico) AS shadow_pico,
	iif(r.seq IS NULL, c.cost_pico, r.cost_pico) AS cost_pico,
	iif(r.seq IS NULL, c.low_pico, r.low_pico) AS low_pico,
	iif(r.seq IS NULL, c.high_pico, r.high_pico) AS high_pico,
	iif(r.seq IS NULL, c.reported_cost, r.reported_cost) AS reported_cost,
	coalesce(c.joined_to, (SELECT p.id FROM handover h JOIN call p ON p.seq = h.call_seq WHERE h.caller_seq = c.seq),
		iif(r.reason = 'joined', r.told_by, NULL)) AS joined_to,
	(SELECT p.team FROM handover h JOIN call p ON p.seq = h.caller_seq WHERE h.call_seq = c.seq) AS paid_by,
	r.seq AS revision_seq, coalesce(r.number, 0) AS revision, r.reason AS revised, c.billing AS booked_billing,
	c.why AS booked_why, c.cost_pico AS booked_pico,
	-- when it was first charged: behind which call, as which revision (0: as it was booked)
	iif(c.billing = 'metered', c.seq, (SELECT f.after_seq FROM revision f WHERE f.call_seq = c.seq
		AND f.billing = 'metered' ORDER BY f.number LIMIT 1)) AS charged_after,
	iif(c.billing = 'metered', 0, (SELECT f.seq FROM revision f WHERE f.call_seq = c.seq
		AND f.billing = 'metered' ORDER BY f.number LIMIT 1)) AS charged_by
FROM call c
LEFT JOIN revision r ON r.call_seq = c.seq AND r.number = (SELECT max(l.number) FROM revision l WHERE l.call_seq = c.seq);

-- Calls that count, once each, and who pays: of a gateway's, who asked it. What teams pay is the cost_pico of those with
-- billing metered.
CREATE VIEW call_paid AS
SELECT n.seq, n.id, n.ts_start, n.kind, n.provider, n.model_served, n.model_requested, n.usage, n.source, n.why, n.billing,
	n.cost_pico, n.list_pico, n.shadow_pico, n.contract, n.flags, n.revision, n.charged_after, n.charged_by,
	iif(p.seq IS NULL, n.team, p.team) AS team, iif(p.seq IS NULL, n.cgroup, p.cgroup) AS cgroup,
	iif(p.seq IS NULL, n.host, p.host) AS host, iif(p.seq IS NULL, n.project, p.project) AS project,
	iif(p.seq IS NULL, n.department, p.department) AS department,
	iif(p.seq IS NULL, n.cost_center, p.cost_center) AS cost_center,
	iif(p.seq IS NULL, n.environment, p.environment) AS environment, iif(p.seq IS NULL, n.unit, p.unit) AS unit
FROM call_now n
LEFT JOIN handover h ON h.call_seq = n.seq
LEFT JOIN call p ON p.seq = h.caller_seq
WHERE n.joined_to IS NULL;
