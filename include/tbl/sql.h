/* Every statement of the ledger's writer, prepared once.	SQL(NAME, text)
 * Amounts are bound and read as 64-bit integers; sums run through sum_pico() alone. */
SQL(BEGIN,	"BEGIN IMMEDIATE")
SQL(COMMIT,	"COMMIT")
SQL(ROLLBACK,	"ROLLBACK")
SQL(SAVE,	"SAVEPOINT step")
SQL(RELEASE,	"RELEASE step")
SQL(UNDO,	"ROLLBACK TO step")
SQL(HOST_ID,	"SELECT host_id FROM meta WHERE one = 1")
SQL(HEAD,	"SELECT seq, ts_ns, hash FROM transfer ORDER BY seq DESC LIMIT 1")
SQL(ACCOUNT,	"SELECT id, balance_high, balance_low FROM account WHERE team = ? AND kind = ?")
SQL(ACCOUNT_NEW, "INSERT INTO account (team, kind) VALUES (?, ?)")
SQL(ACCOUNTS,	"SELECT id, balance_high, balance_low FROM account ORDER BY id")
SQL(BALANCE,	"SELECT balance_high, balance_low FROM account WHERE id = ?")
SQL(BALANCE_SET, "UPDATE account SET balance_high = ?, balance_low = ? WHERE id = ?")
SQL(PERIOD,	"SELECT state FROM period WHERE month = ?")
SQL(PERIOD_NEW,	"INSERT INTO period (month) VALUES (?)")
SQL(TRANSFER,	"SELECT seq FROM transfer WHERE id = ?")
SQL(TRANSFER_NEW, "INSERT INTO transfer (seq, id, debit, credit, amount, kind, refers_to, reason, ts_ns, period, call_id, actor, hash) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
SQL(TRANSFERS,	"SELECT seq, id, debit, credit, amount, kind, refers_to, reason, ts_ns, period, call_id, actor, hash "
		"FROM transfer WHERE seq >= ? ORDER BY seq")
SQL(CALL,	"SELECT content FROM call WHERE id = ?")
SQL(CALL_REPEAT, "SELECT id, outcome, ts_end, provider, cgroup FROM call WHERE request_hash = ? ORDER BY seq DESC LIMIT 1")
SQL(CALL_BILLED, "SELECT id FROM call_now WHERE seq <> ?1 AND response_id = ?2 AND provider = ?3 AND kind = 'inference' AND later IS NULL "
		"AND joined_to IS NULL AND (billing = 'metered' OR (?4 AND usage_billing <> 'unpriced')) "
		"AND (?5 OR (epoch IS NOT ?6 AND ts_start <= ?7 AND ts_end >= ?8) "
		"OR (?1 AND seq > ?1 AND usage_why = 'midstream' AND cost_pico >= ?9)) ORDER BY billing <> 'metered', seq LIMIT 1")
SQL(CALL_LEG,	"SELECT id FROM call_now WHERE seq <> ?1 AND NOT EXISTS (SELECT 1 FROM handover WHERE call_seq = ?1) AND response_id = ?2 "
		"AND provider = ?3 AND epoch IS ?4 AND server_address <> ?5 AND pid IS NOT ?6 AND ts_start <= ?7 AND ts_end >= ?8 "
		"AND cost_pico >= ?9 AND joined_to IS NULL AND billing = 'metered' AND later IS NULL ORDER BY seq LIMIT 1")
SQL(CALL_MADE,	"SELECT seq, id, booked_billing, booked_why, revision, billing, usage, cost_pico, ts_start, ts_end, server_address, "
		"credential, model_requested, region, contract, list_pico FROM call_now WHERE response_id = ? "
		"AND provider = ? AND kind = 'inference' AND later IS NULL AND joined_to IS NULL ORDER BY seq LIMIT 1")
SQL(CALL_RESULT, "SELECT id FROM call WHERE response_id = ? AND provider = ? AND usage = ? AND model_served IS ? "
		"AND later = 'result' AND joined_to IS NULL ORDER BY seq LIMIT 1")
SQL(CALL_CALLER, "SELECT seq, id, billing, cost_pico FROM call_now WHERE NOT EXISTS (SELECT 1 FROM handover WHERE call_seq = ?) "
		"AND response_id = ? AND epoch IS ? AND plain = 1 "
		"AND gateway = 0 AND kind = 'inference' AND later IS NULL AND joined_to IS NULL AND pid IS NOT ? "
		"AND ts_start <= ? AND ts_end >= ? ORDER BY ts_start DESC LIMIT 1")
SQL(CALL_GATEWAY, "SELECT seq, id, billing, cost_pico FROM call_now WHERE seq <> ? AND response_id = ? AND epoch IS ? AND plain = 0 "
		"AND gateway = 1 AND kind = 'inference' AND later IS NULL AND joined_to IS NULL AND pid IS NOT ? "
		"AND ts_start <= ? AND ts_end >= ? AND NOT EXISTS (SELECT 1 FROM handover h WHERE h.call_seq = call_now.seq) "
		"ORDER BY seq LIMIT 1")
SQL(CALL_NEW,	"INSERT INTO call (id, content, booked_ns, period, source_id, kind, ts_start, ts_first, ts_end, host, "
		"boot_id, epoch, cgroup, cgroup_id, unit, container, pod, namespace, pid, uid, exe, comm, session, team, "
		"project, department, cost_center, environment, rule, map_revision, plain, gateway, provider, "
		"server_address, operation, model_requested, model_served, response_id, request_id, service_tier, region, "
		"stream, http_status, retry_count, outcome, credential, request_hash, later, repeat_of, retry_of, usage, "
		"usage_low, usage_high, raw_usage, source, why, billing, usage_billing, usage_why, usage_flags, "
		"price_book, price_entry, price_match, price_tier, price_band, price_region, flags, contract, list_pico, "
		"shadow_pico, cost_pico, low_pico, high_pico, reported_cost, joined_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
		"?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		"?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
SQL(REVISION_NEW,	"INSERT INTO revision (after_seq, call_seq, number, booked_ns, reason, told_by, actor, amount, model_served, "
		"service_tier, region, usage, usage_low, usage_high, raw_usage, source, why, billing, usage_billing, "
		"usage_why, usage_flags, price_book, price_entry, price_match, price_tier, price_band, price_region, "
		"flags, contract, list_pico, shadow_pico, cost_pico, low_pico, high_pico, reported_cost) "
		"VALUES ((SELECT max(seq) FROM call), ?, ?, ?, "
		"?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
SQL(REVISION_LINE_NEW, "INSERT INTO revision_line (revision_seq, leaf, quantity, rate_pico, rate_per, amount) VALUES (?, ?, ?, ?, ?, ?)")
SQL(PAID,	"SELECT id, team, ts_start, revision, contract, iif(billing = 'metered', cost_pico, 0), "
		"iif(billing = 'metered', list_pico, 0) FROM call_paid WHERE seq = ?")
SQL(TOTAL,	"SELECT sum_pico(cost_pico), sum_pico(list_pico) FROM call_paid WHERE contract = ? AND ts_start >= ? AND ts_start < ? "
		"AND billing = 'metered' AND (charged_after, charged_by) < (?, ?)")
SQL(CHARGED,	"SELECT charged_after, charged_by FROM call_now WHERE id = ?")
SQL(CALL_TEAM,	"SELECT team FROM call WHERE seq = ?")
SQL(CALL_PLACE,	"SELECT seq, epoch, plain, billing = 'metered' FROM call_now WHERE id = ?")
SQL(HANDOVER_NEW, "INSERT INTO handover (call_seq, caller_seq, booked_ns) VALUES (?, ?, ?)")
SQL(LINE_NEW,	"INSERT INTO charge_line (call_seq, leaf, quantity, rate_pico, rate_per, amount) VALUES (?, ?, ?, ?, ?, ?)")
SQL(KEY,	"SELECT hash, transfer FROM idempotency WHERE key = ?")
SQL(KEY_NEW,	"INSERT INTO idempotency (key, hash, transfer) VALUES (?, ?, ?)")
SQL(EPOCH_LAST,	"SELECT epoch, max(started_ns, ifnull(ready_ns, 0), ifnull(heartbeat_ns, 0)) FROM epoch ORDER BY seq DESC LIMIT 1")
SQL(EPOCH_NEW,	"INSERT INTO epoch (epoch, started_ns) VALUES (?, ?) ON CONFLICT DO NOTHING")
SQL(EPOCH_READY, "UPDATE epoch SET ready_ns = max(ifnull(ready_ns, 0), ?2) WHERE epoch = ?1")
SQL(EPOCH_BEAT,	"UPDATE epoch SET heartbeat_ns = max(ifnull(heartbeat_ns, 0), ?2) WHERE epoch = ?1")
SQL(GAP_OPEN,	"SELECT seq FROM gap WHERE until_ns IS NULL")
SQL(GAP_NEW,	"INSERT INTO gap (from_ns, until_ns, reason) VALUES (?1, ?2, ?3) ON CONFLICT (from_ns, reason) "
		"DO UPDATE SET until_ns = max(until_ns, ?2) WHERE until_ns IS NOT NULL")
SQL(GAP_CLOSE,	"UPDATE gap SET until_ns = max(from_ns, ?) WHERE until_ns IS NULL")
