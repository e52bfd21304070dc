"""What a call costs, worked out apart from submeter: fractions, one rounding a line, half to even.

The numbers are typed in by hand from the providers' price pages, as dollars per million tokens (tokens) or per
thousand (searches).  tests/live/selftest.py compares them with the shipped book, so that the two cannot drift apart.
"""
from fractions import Fraction

PICO = 10 ** 12
MTOK = 10 ** 6

# model as asked for -> (provider, model as served, {leaf: dollars per million tokens})
OPENAI, ANTHROPIC, BEDROCK = "openai", "anthropic", "bedrock"
MODELS = {
    "gpt-4.1-mini": (OPENAI, "gpt-4.1-mini-2025-04-14",
                     {"in_text": "0.40", "in_cache_read": "0.10", "out_text": "1.60"}),
    "gpt-4o-mini": (OPENAI, "gpt-4o-mini-2024-07-18",
                    {"in_text": "0.15", "in_cache_read": "0.075", "out_text": "0.60"}),
    "gpt-5.5": (OPENAI, "gpt-5.5-2026-04-23",
                {"in_text": "5", "in_cache_read": "0.50", "out_text": "30"}),
    "gpt-6-sol": (OPENAI, "gpt-6-sol",
                  {"in_text": "2", "in_cache_read": "0.20", "in_cache_write": "2.50", "out_text": "10"}),
    "gpt-realtime": (OPENAI, "gpt-realtime",
                     {"in_text": "4", "in_cache_read": "0.40", "in_audio": "32", "in_audio_cached": "0.40",
                      "in_image": "5", "in_image_cached": "0.50", "out_text": "16", "out_audio": "64"}),
    "text-embedding-3-small": (OPENAI, "text-embedding-3-small", {"in_text": "0.02"}),
    "claude-haiku-4-5": (ANTHROPIC, "claude-haiku-4-5-20251001",
                         {"in_text": "1", "in_cache_read": "0.10", "in_cache_write_5m": "1.25",
                          "in_cache_write_1h": "2", "out_text": "5"}),
    "claude-opus-5-5": (ANTHROPIC, "claude-opus-5-5",
                        {"in_text": "4", "in_cache_read": "0.20", "in_cache_write_5m": "5",
                         "in_cache_write_1h": "8", "out_text": "20"}),
    "claude-sonnet-5": (ANTHROPIC, "claude-sonnet-5",
                        {"in_text": "2", "in_cache_read": "0.20", "in_cache_write_5m": "2.50",
                         "in_cache_write_1h": "4", "out_text": "10"}),
    # Bedrock names no model in its answers; what Claude answers there through InvokeModel is Anthropic's own
    "us.anthropic.claude-haiku-4-5-20251001-v1:0": (BEDROCK, "claude-haiku-4-5-20251001",
                                                    {"in_text": "1.10", "in_cache_read": "0.11", "in_cache_write_5m": "1.375",
                                                     "in_cache_write_1h": "2.20", "out_text": "5.50"}),
}
PER_KCALL = {"n_web_search": "10"}  # both providers, dollars per thousand
PARENT = {"out_reasoning": "out_text"}  # a leaf without a rate of its own costs what its parent costs
REASONING = {"gpt-5.5", "gpt-6-sol", "claude-opus-5-5", "claude-sonnet-5"}
SEARCHES = {"gpt-5.5", "gpt-6-sol", "claude-opus-5-5", "claude-sonnet-5", "claude-haiku-4-5"}

_by_served = {served: asked for asked, (_, served, _) in MODELS.items()}


def served(model):
    """The name the provider answers with; an unknown model is answered under its own name."""
    return MODELS[model][1] if model in MODELS else model


def half_even(amount):
    """A Fraction to the nearest integer, a tie to the even one (what round() does with a Fraction)."""
    return round(amount)


def rate(model, leaf):
    """Pico-dollars for one unit, or None."""
    row = MODELS.get(model) or MODELS.get(_by_served.get(model))
    if not row:
        return None
    if leaf in PER_KCALL:
        return Fraction(PER_KCALL[leaf]) * PICO / 1000
    text = row[2].get(leaf) or row[2].get(PARENT.get(leaf))
    return Fraction(text) * PICO / MTOK if text else None


def cost_pico(model, leaves):
    """The sum of the lines, or None where a unit has no price."""
    total = 0
    for leaf, quantity in leaves.items():
        each = rate(model, leaf)
        if each is None:
            if quantity:
                return None
            continue
        total += half_even(quantity * each)
    return total


def dollars(pico):
    """Exact text: 1234500000000 -> "1.2345"."""
    whole, part = divmod(abs(pico), PICO)
    text = f"{whole}.{part:012d}".rstrip("0").rstrip(".")
    return "-" + text if pico < 0 else text


def pico(text):
    """The inverse; refuses what is finer than a pico-dollar."""
    amount = Fraction(text) * PICO
    if amount.denominator != 1:
        raise ValueError(f"{text} is finer than a pico-dollar")
    return int(amount)
