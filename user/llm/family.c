/* family.c -- constants measured on the 470 recorded calls of corpus/dev that report their usage, rounded. Claude's newer
 * tokenizer makes about 1.3 times as many tokens as its older one, tools cost it some 350 of their own: published, too. */
#include "llm/family.h"

enum {
	OTHER,
	OSS,
	EMBED,
	CLAUDE,
	CLAUDE_5,
	GPT,
	GPT_THINKS,
	GEMINI,
	GEMINI_THINKS,
	DEEPSEEK,
	LLAMA,
	MISTRAL,
	COHERE,
	NOVA,
	GLM,
	QWEN
};

/* clang-format off */
/* name; base, turn; text, tools, schema, answer; tools +, schema +, picture, answer +; hidden, hosted, sealed, ceiling, hides */
static const struct family families[] = {
	[OTHER]         = { "other",         4, 3, 240, 260, 200, 220,  60, 20,  500,  3,  0, 1000,   0, 131072, true },
	[OSS]           = { "gpt-oss",      68, 2, 215, 200, 260, 220,  20, 20,  500, 16,  0,  400,   0, 131072, false },
	[EMBED]         = { "embeddings",    0, 0, 190,   0,   0,   0,   0,  0,  250,  0,  0,    0,   0,      1, false },
	[CLAUDE]        = { "claude",        6, 1, 230, 320, 290, 260, 350, 70,  700,  5,  0,  400, 450,  64000, false },
	[CLAUDE_5]      = { "claude 4.7, 5", 8, 2, 310, 400, 300, 340, 290, 40, 1000, 12,  0, 3500, 500, 131072, true },
	[GPT]           = { "gpt",           3, 3, 245,  90, 150, 220,  18,  0,  300,  3,  0, 1000,   0,  32768, false },
	[GPT_THINKS]    = { "gpt, o",        3, 3, 245, 130, 150, 245,  18,  0,  300,  3, 16, 1000,   0, 131072, true },
	[GEMINI]        = { "gemini 2.0",    0, 0, 225, 110,   0, 235,   0,  0,  258,  1,  0,  400,   0,   8192, false },
	[GEMINI_THINKS] = { "gemini",        0, 0, 250, 170,   0, 240,   0,  0,  258,  2, 48,  400,   0,  65536, true },
	[DEEPSEEK]      = { "deepseek",      4, 1, 220, 270, 200, 225, 200,  0,  300,  5,  0, 1000,   0, 131072, false },
	[LLAMA]         = { "llama",        32, 2, 210, 400, 200, 230, 300,  0,  700,  3,  0, 1000,   0,  32768, false },
	[MISTRAL]       = { "mistral",       8, 1, 200, 260, 100, 230,   0,  0, 1000,  3,  0,  400,   0,  32768, false },
	[COHERE]        = { "command",       0, 0, 200, 145, 200, 220,   0,  0,  300,  1,  0,  400,   0,  32768, false },
	[NOVA]          = { "nova, titan",   0, 0, 215, 200, 200, 215, 350,  0, 1000,  2,  0,  400,   0,  65536, false },
	[GLM]           = { "glm",           8, 1, 200, 250, 100, 260,  90,  5,  420,  3,  0,  400,   0, 131072, false },
	[QWEN]          = { "qwen",         12, 1, 235, 460, 450, 225, 150, 12,  250,  2,  0,  400,   0,  65536, false },
};
/* clang-format on */

/* The first word that is there, at the beginning of a part of the name, decides. */
static const struct {
	const char *word;
	int family;
} words[] = {
	{ "gpt-oss", OSS },
	{ "embed", EMBED },
	{ "embedding", EMBED },
	{ "voyage", EMBED },
	{ "rerank", EMBED },
	{ "claude-opus-4-7", CLAUDE_5 },
	{ "claude-opus-4.7", CLAUDE_5 },
	{ "claude-opus-4-8", CLAUDE_5 },
	{ "claude-opus-4.8", CLAUDE_5 },
	{ "claude-opus-5", CLAUDE_5 },
	{ "claude-sonnet-5", CLAUDE_5 },
	{ "claude-haiku-5", CLAUDE_5 },
	{ "claude-fable", CLAUDE_5 },
	{ "claude-mythos", CLAUDE_5 },
	{ "claude", CLAUDE },
	{ "gpt-3", GPT },
	{ "gpt-4", GPT },
	{ "chatgpt-4", GPT },
	{ "gpt", GPT_THINKS },
	{ "codex", GPT_THINKS },
	{ "o1", GPT_THINKS },
	{ "o3", GPT_THINKS },
	{ "o4", GPT_THINKS },
	{ "gemini-1", GEMINI },
	{ "gemini-2.0", GEMINI },
	{ "gemini", GEMINI_THINKS },
	{ "gemma", GEMINI },
	{ "deepseek", DEEPSEEK },
	{ "llama", LLAMA },
	{ "llama3", LLAMA },
	{ "mistral", MISTRAL },
	{ "mixtral", MISTRAL },
	{ "ministral", MISTRAL },
	{ "pixtral", MISTRAL },
	{ "codestral", MISTRAL },
	{ "devstral", MISTRAL },
	{ "command", COHERE },
	{ "nova-2", OTHER },
	{ "nova", NOVA },
	{ "titan", NOVA },
	{ "glm", GLM },
	{ "qwen", QWEN },
	{ "qwen2", QWEN },
	{ "qwen3", QWEN },
};

static bool is_letter(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_word(struct str model, struct str word)
{
	for (size_t i = 0; i + word.n <= model.n; i++)
		if ((i == 0 || !is_letter(model.p[i - 1])) &&
		    str_ieq(str_head(str_skip(model, i), word.n), word))
			return true;
	return false;
}

const struct family *family_of(struct str model)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (has_word(model, str_of(words[i].word)))
			return &families[words[i].family];
	return &families[OTHER];
}
