/* An HTTPS client that no finder knows: mbed TLS, linked in.  mbed HOST COUNT: that many calls, each on a connection. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char body[] =
	"{\"model\": \"gpt-5.5\", \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}";

static int call(mbedtls_ssl_config *conf, const char *host)
{
	char text[1024], answer[4096];
	mbedtls_ssl_context ssl;
	mbedtls_net_context net;
	int n, r, got = 0;

	mbedtls_ssl_init(&ssl);
	mbedtls_net_init(&net);
	r = mbedtls_net_connect(&net, host, "443", MBEDTLS_NET_PROTO_TCP);
	if (r == 0)
		r = mbedtls_ssl_setup(&ssl, conf);
	if (r == 0)
		r = mbedtls_ssl_set_hostname(&ssl, host);
	mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	if (r == 0)
		r = mbedtls_ssl_handshake(&ssl);
	n = snprintf(text, sizeof(text),
		     "POST /v1/chat/completions HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n"
		     "content-type: application/json\r\nauthorization: Bearer sk-test-0000\r\n"
		     "content-length: %zu\r\n\r\n%s",
		     host, strlen(body), body);
	if (r == 0)
		r = mbedtls_ssl_write(&ssl, (unsigned char *)text, (size_t)n) == n ? 0 : -1;
	while (r == 0 && (n = mbedtls_ssl_read(&ssl, (unsigned char *)answer, sizeof(answer))) > 0)
		got += n;
	mbedtls_ssl_free(&ssl);
	mbedtls_net_free(&net);
	return r == 0 && got > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context rng;
	mbedtls_ssl_config conf;
	int bad = 0;

	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&rng);
	mbedtls_ssl_config_init(&conf);
	if (argc != 3 || mbedtls_ctr_drbg_seed(&rng, mbedtls_entropy_func, &entropy, NULL, 0) ||
	    mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
					MBEDTLS_SSL_PRESET_DEFAULT))
		return 2;
	mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &rng);
	for (int i = atoi(argv[2]); i > 0; i--)
		bad += call(&conf, argv[1]);
	printf("%d bad\n", bad);
	return bad != 0;
}
