/* Decimal text: what is read and printed is read as the same, and a line is the nearest whole number. */
#include "base/dec.h"
#include "fuzz.h"

static void text_checks(struct str text)
{
	char out[DEC_TEXT], fixed[DEC_TEXT];
	int64_t high, low, small;
	__int128 v, back;
	int r = dec_pico128(text, &v);

	MUST(r == 0 || r == -EBADMSG || r == -ERANGE || r == -EDOM);
	if (r < 0)
		return;
	MUST(dec_pico128(dec_text(v, out), &back) == 0 && back == v);
	MUST(strlen(out) < DEC_TEXT);
	MUST(dec_pico128(dec_fixed(v, 12, fixed), &back) == 0 && back == v);
	dec_split(v, &high, &low);
	MUST(low >= 0 && dec_join(high, low) == v);
	r = dec_pico(text, &small);
	MUST(r == 0 ? small == v : r == -ERANGE && (v > INT64_MAX || v < INT64_MIN));
	v = v / 2; /* rounding up may pass the limit */
	MUST(dec_pico128(dec_fixed(v, 2, fixed), &back) == 0 && (back - v) * 2 <= 10000000000 &&
	     (v - back) * 2 <= 10000000000);
}

static void line_checks(uint64_t quantity, struct rate rate)
{
	int64_t pico;
	__int128 off;

	if (!rate.per || dec_line(quantity, rate, &pico) < 0)
		return;
	off = (__int128)quantity * rate.pico - (__int128)pico * rate.per;
	off = off < 0 ? -off : off;
	MUST(off * 2 <= rate.per);
	MUST(off * 2 < rate.per || pico % 2 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	uint64_t n[3] = { 0 };
	struct rate rate;

	text_checks(text);
	if (size)
		memcpy(n, data, MIN(size, sizeof(n)));
	line_checks(n[0], (struct rate){ (int64_t)n[1], n[2] });
	line_checks(n[0] & 0xFFFF, (struct rate){ (int64_t)(n[1] & 0xFFFF), n[2] & 0xFF });
	if (size < sizeof(n[0]) || !n[0])
		return 0;
	if (dec_rate(str_skip(text, sizeof(n[0])), n[0], &rate) == 0) {
		MUST(rate.per && rate.pico >= 0);
		line_checks(n[0], rate);
	}
	return 0;
}
