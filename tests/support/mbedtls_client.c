/* A charge point on mbedTLS, as many are: TLS 1.2, one suite, the root certificate from a file.
   mbedtls_client HOST PORT NAME CA SUITE; the first line of the answer, or what mbedTLS says, on standard output. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <string.h>

static const char REQUEST[] = "GET /ocpp/CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

int main(int argc, char **argv) {
    mbedtls_net_context net; mbedtls_ssl_context tls; mbedtls_ssl_config config;
    mbedtls_x509_crt ca; mbedtls_entropy_context entropy; mbedtls_ctr_drbg_context random;
    unsigned char answer[512]; char said[128]; int suites[2] = {0, 0}, result;
    if (argc != 6) return 2;
    mbedtls_net_init(&net); mbedtls_ssl_init(&tls); mbedtls_ssl_config_init(&config);
    mbedtls_x509_crt_init(&ca); mbedtls_entropy_init(&entropy); mbedtls_ctr_drbg_init(&random);
    mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0);
    suites[0] = mbedtls_ssl_get_ciphersuite_id(argv[5]);
    if (suites[0] == 0 || mbedtls_x509_crt_parse_file(&ca, argv[4]) != 0) return 2;
    if (mbedtls_net_connect(&net, argv[1], argv[2], MBEDTLS_NET_PROTO_TCP) != 0) return 2;
    mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&config, &ca, NULL);
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    mbedtls_ssl_conf_ciphersuites(&config, suites);
    mbedtls_ssl_setup(&tls, &config);
    if (strcmp(argv[3], "-") != 0) mbedtls_ssl_set_hostname(&tls, argv[3]);
    mbedtls_ssl_set_bio(&tls, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
    if ((result = mbedtls_ssl_handshake(&tls)) == 0 &&
        (result = mbedtls_ssl_write(&tls, (const unsigned char *)REQUEST, sizeof REQUEST - 1)) > 0 &&
        (result = mbedtls_ssl_read(&tls, answer, sizeof answer - 1)) > 0) {
        printf("%.*s\n", (int)strcspn((char *)answer, "\r"), answer);
        return 0;
    }
    mbedtls_strerror(result, said, sizeof said);
    printf("%s\n", said);
    return 1;
}
